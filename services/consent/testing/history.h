// What concurrent callers saw, and whether one order of things could have shown it to them. For tests.
//
// A history is a set of operations, each with the instants at which it was called and answered, by one clock
// of the test. Agreements and withdrawals are of one person and one question. An operation that failed may
// have happened or not, at any time after its call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace relais::consent::testing {

struct Operation {
  enum class Kind { kAgree, kWithdraw, kCheck };
  static constexpr uint64_t kNever = UINT64_MAX;

  Kind kind = Kind::kCheck;
  uint64_t called = 0;
  uint64_t answered = kNever;  // of one that failed
  bool permitted = false;      // checks
  uint64_t revision = 0;       // tree size that the answer named; 0: none
  bool at_least = false;       // the state it was decided on may be newer than that: dry runs

  [[nodiscard]] bool known() const { return answered != kNever; }
  [[nodiscard]] bool Before(const Operation& other) const { return known() && answered < other.called; }
};

/// What is wrong, in words; empty: nothing. A check that permits needs an agreement that can have come before
/// it and that no withdrawal ended in every order:
///  - by instants: the agreement was called before the check was answered, and no withdrawal was called after
///    the agreement's answer and answered before the check's call;
///  - by revisions: no withdrawal's revision lies between the agreement's and the check's.
inline std::vector<std::string> Violations(const std::vector<Operation>& history) {
  std::vector<std::string> wrong;
  std::vector<Operation> agreements;  // the latest first: it is the likeliest to explain a permit
  std::vector<Operation> withdrawals;
  for (const Operation& operation : history) {
    if (operation.kind == Operation::Kind::kAgree) {
      agreements.insert(agreements.begin(), operation);
    } else if (operation.kind == Operation::Kind::kWithdraw) {
      withdrawals.push_back(operation);
    }
  }
  const auto ended_by_instants = [&](const Operation& agreement, const Operation& check) {
    return std::any_of(withdrawals.begin(), withdrawals.end(), [&](const Operation& withdrawal) {
      return agreement.Before(withdrawal) && withdrawal.Before(check);
    });
  };
  const auto ended_by_revisions = [&](const Operation& agreement, const Operation& check) {
    return agreement.known() &&
           std::any_of(withdrawals.begin(), withdrawals.end(), [&](const Operation& withdrawal) {
             return withdrawal.known() && agreement.revision < withdrawal.revision &&
                    withdrawal.revision <= check.revision;
           });
  };
  // An agreement of a later revision than the check's is none for it, if the check names its own exactly.
  const auto can_be_seen = [](const Operation& agreement, const Operation& check) {
    return agreement.called < check.answered &&
           (!agreement.known() || check.at_least || agreement.revision <= check.revision);
  };
  for (const Operation& check : history) {
    if (check.kind != Operation::Kind::kCheck || !check.known() || !check.permitted) {
      continue;
    }
    const bool explained = std::any_of(agreements.begin(), agreements.end(), [&](const Operation& agreement) {
      return can_be_seen(agreement, check) && !ended_by_instants(agreement, check) &&
             !ended_by_revisions(agreement, check);
    });
    if (!explained) {
      wrong.push_back("permit called at " + std::to_string(check.called) + ", answered at " +
                      std::to_string(check.answered) + ", revision " + std::to_string(check.revision));
    }
  }
  return wrong;
}

}  // namespace relais::consent::testing
