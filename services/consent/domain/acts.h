// What she said, as values: agreements, refusals and withdrawals, objections, emergencies. Plain structures,
// so that a decision is a function of values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/common/v1/types.pb.h"

namespace relais::consent {

/// One institution, or every institution of a kind: exactly one member is set.
struct Recipient {
  std::string institution;
  std::string kind;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// Every combination of the four lists. In a denial an empty list means "all"; in an agreement no list is
/// empty.
struct Line {
  std::vector<std::string> purposes;
  std::vector<std::string> categories;
  std::vector<Recipient> recipients;
  std::vector<common::v1::Act> acts;
};

/// Her agreement. `at` is when she gave it: never later than when it was recorded, so that one recorded late
/// does not overrule what she said in between.
struct Agreement {
  Id128 id;
  absl::Time at;
  absl::Time recorded;
  absl::Time valid_from;
  absl::Time valid_until;  // excluded
  bool explicit_given = false;
  std::string source_reference;  // empty: any; else for this report only (D-4.4a)
  std::string reference_of;      // whose reference that is: others number theirs alike
  std::vector<Line> lines;
};

/// Her no: a refusal, or a withdrawal of what she had agreed to. A withdrawal of one agreement covers what
/// that agreement covers, within `lines`.
struct Denial {
  enum class Kind { kRefusal, kWithdrawal };
  Id128 id;
  Kind kind = Kind::kRefusal;
  absl::Time at;  // when it was recorded
  std::optional<Id128> agreement;
  std::vector<Line> lines;
};

/// Her objection to what a supplier may otherwise transmit (D-1.6). It ends by lifting and in no other way.
struct Objection {
  std::string supplier;
  // The record it is about. Empty for a person's own objection, made without one.
  uint32_t key_version = 0;
  std::string digest;
  // Of the record's objection: the last change of it that is applied here.
  uint64_t generation = 0;
  absl::Time recorded;
  std::optional<absl::Time> lifted;
};

/// Break-glass: one recipient, listed categories, until its end (D-2.6.6).
struct Emergency {
  Id128 id;
  std::string recipient;
  std::string recipient_function;  // empty: any of the institution's
  std::vector<std::string> categories;
  absl::Time from;
  absl::Time until;  // excluded
};

/// An institution's processing is restricted at her demand (RGPD art. 18), until it says that it ends.
struct Restriction {
  Id128 id;
  std::string institution;
  absl::Time from;
  std::optional<absl::Time> until;  // nullopt: it stands
};

}  // namespace relais::consent
