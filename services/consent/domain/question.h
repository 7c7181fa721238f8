// "May X give Y about P to Z, for what purpose, on what ground?" and the answer, as values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/common/v1/types.pb.h"
#include "relais/consent/v1/consent.pb.h"

namespace relais::consent {

/// What the sender says its ground stands on. Without a ground: her acts decide.
struct Stated {
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  bool has_facts = false;
  std::string signal_type;
  std::string event;
  std::optional<absl::CivilDay> event_day;
  std::optional<absl::CivilDay> objection_end;
  std::string source_reference;
};

/// Codes, institutions and desk are known to the directory: handlers have refused others.
struct Question {
  std::string sender;
  std::string sender_function;  // empty: not said
  std::string recipient;
  std::string recipient_function;
  std::string recipient_desk;  // of the recipient; empty: none is named
  std::string purpose;
  std::vector<std::string> categories;
  common::v1::Act act = common::v1::ACT_UNSPECIFIED;
  Stated stated;
  /// Of her agreements the only one that may permit it, hers or not; nullopt: any.
  std::optional<Id128> agreement;
};

/// The instant of a decision and its Paris day (D-6.2).
struct Moment {
  absl::Time now;
  absl::CivilDay today;
};

struct CategoryAnswer {
  common::v1::Decision decision = common::v1::DECISION_DENY;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  v1::Reason reason = v1::REASON_NO_GROUND;
  std::optional<Id128> basis;  // the agreement or emergency it rests on
  bool represented = false;    // that agreement, or the no, was said for her by who represents her
  absl::Time expires = absl::InfiniteFuture();

  [[nodiscard]] bool permitted() const { return decision == common::v1::DECISION_PERMIT; }
  friend bool operator==(const CategoryAnswer&, const CategoryAnswer&) = default;
};

/// PERMIT only if every category is. `ground`, `reason` and `basis` of the whole are the first category's
/// when permitted, else those of the first one denied.
struct Answer {
  CategoryAnswer whole;
  std::vector<CategoryAnswer> categories;  // in the order asked
  std::vector<v1::Obligation> obligations;
};

}  // namespace relais::consent
