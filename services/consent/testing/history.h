// What concurrent callers saw, and whether one order of things could have shown it to them. For tests.
//
// A history is a set of operations, each with the instants at which it was called and answered, by one clock
// of the test. All are of one person, and about things that the test numbers: a recipient, a purpose and a
// category, say. An operation that failed may have happened or not, at any time after its call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace relais::consent::testing {

struct Operation {
  /// An agreement is undone by a refusal or a withdrawal, an objection by its lifting alone (D-1.6): what
  /// objections are about are other things than those she agrees to.
  enum class Kind { kAgree, kRefuse, kWithdraw, kObject, kLift, kCheck };
  /// How the revision of the answer stands to the place in the log at which an act counts, or to the state on
  /// which a check was decided: it is that, that may be newer (dry runs), that may be older (an act or a
  /// check among others that were answered with it).
  enum class Named { kExactly, kAtLeast, kAtMost };
  static constexpr uint64_t kNever = UINT64_MAX;

  Kind kind = Kind::kCheck;
  uint64_t about = 1;  // things, bit by bit: at least one of a check, which permits all of them or none
  uint64_t called = 0;
  uint64_t answered = kNever;  // of one that failed
  bool permitted = false;      // checks
  uint64_t revision = 0;       // tree size that the answer named; 0: none
  Named named = Named::kExactly;
  uint64_t fresh = 0;  // checks: tree size that the state was asked to be no older than

  [[nodiscard]] bool known() const { return answered != kNever; }
  [[nodiscard]] bool Lets() const { return kind == Kind::kAgree || kind == Kind::kLift; }
  [[nodiscard]] bool Forbids() const { return kind != Kind::kCheck && !Lets(); }
  [[nodiscard]] bool Before(const Operation& other) const { return known() && answered < other.called; }

  /// Tree sizes between which it counts.
  [[nodiscard]] uint64_t Earliest() const {
    return known() && named != Named::kAtMost ? std::max(revision, fresh) : fresh;
  }
  [[nodiscard]] uint64_t Latest() const { return known() && named != Named::kAtLeast ? revision : kNever; }

  /// In every order that there can have been: by instants, or by the revisions that the answers named. A
  /// check at the revision of an act comes after it.
  [[nodiscard]] bool SurelyBefore(const Operation& other) const {
    const bool by_revisions =
        known() && other.known() &&
        (other.kind == Kind::kCheck ? Latest() <= other.Earliest() : Latest() < other.Earliest());
    return Before(other) || by_revisions;
  }
};

/// What was said about one thing, the latest that lets it first: it is the likeliest to explain a permit.
struct SaidAbout {
  std::vector<Operation> lets;
  std::vector<Operation> forbids;

  SaidAbout(const std::vector<Operation>& history, uint64_t thing) {
    for (auto each = history.rbegin(); each != history.rend(); ++each) {
      if ((each->about & thing) == 0 || each->kind == Operation::Kind::kCheck) {
        continue;
      }
      (each->Lets() ? lets : forbids).push_back(*each);
    }
  }

  /// Something lets it that can have come before the check and that no no ended in every order.
  [[nodiscard]] bool MayPermit(const Operation& check) const {
    return std::any_of(lets.begin(), lets.end(), [&](const Operation& yes) {
      return !check.SurelyBefore(yes) &&
             std::none_of(forbids.begin(), forbids.end(), [&](const Operation& no) {
               return yes.SurelyBefore(no) && no.SurelyBefore(check);
             });
    });
  }
  /// Something lets it that came before the check, and in no order did a no come between them.
  [[nodiscard]] bool MustPermit(const Operation& check) const {
    std::vector<const Operation*> noes;  // that may have come before it, the latest first
    for (const Operation& no : forbids) {
      if (!check.SurelyBefore(no)) {
        noes.push_back(&no);
      }
    }
    return std::any_of(lets.begin(), lets.end(), [&](const Operation& yes) {
      return yes.SurelyBefore(check) && std::all_of(noes.begin(), noes.end(), [&](const Operation* no) {
               return no->SurelyBefore(yes);
             });
    });
  }
};

/// What is wrong, in words; empty: nothing. Of every check that was answered:
///  - it permits only things that something she said can have let (SaidAbout::MayPermit);
///  - it denies only where there is one that she may have forbidden, or that nothing lets (MustPermit);
///  - the revision it names is not older than the one it was asked for.
inline std::vector<std::string> Violations(const std::vector<Operation>& history) {
  constexpr int kThings = 64;
  std::vector<SaidAbout> said;
  said.reserve(kThings);
  for (int thing = 0; thing < kThings; ++thing) {
    said.emplace_back(history, uint64_t{1} << thing);
  }
  std::vector<std::string> wrong;
  const auto add = [&wrong](const std::string& what, const Operation& check) {
    wrong.push_back(what + " called at " + std::to_string(check.called) + ", answered at " +
                    std::to_string(check.answered) + ", revision " + std::to_string(check.revision) +
                    ", about " + std::to_string(check.about) + ", at least as fresh as " +
                    std::to_string(check.fresh));
  };
  for (const Operation& check : history) {
    if (check.kind != Operation::Kind::kCheck || !check.known()) {
      continue;
    }
    bool may = true;
    bool must = true;
    for (int thing = 0; thing < kThings; ++thing) {
      if ((check.about & (uint64_t{1} << thing)) != 0) {
        may = may && (!check.permitted || said[thing].MayPermit(check));
        must = must && !check.permitted && said[thing].MustPermit(check);
      }
    }
    if (check.permitted && !may) {
      add("permit", check);
    }
    if (!check.permitted && must) {
      add("denial", check);
    }
    if (check.revision < check.fresh) {
      add("older than asked", check);
    }
  }
  return wrong;
}

}  // namespace relais::consent::testing
