// What an author says happened, before it has a place in the log.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/common/v1/types.pb.h"

namespace relais::audit {

/// Whom a leaf is about: a person, or what one institution says of one human. 17 bytes encoded: 'P' or 'R',
/// id.
struct Subject {
  enum class Kind : char { kPerson = 'P', kSenderRecord = 'R' };
  Kind kind = Kind::kPerson;
  Id128 id;

  [[nodiscard]] std::string Encode() const { return std::string(1, static_cast<char>(kind)) + id.ToBytes(); }
  static absl::StatusOr<Subject> Decode(std::string_view bytes);
  friend bool operator==(const Subject&, const Subject&) = default;
  friend std::strong_ordering operator<=>(const Subject& a, const Subject& b) {
    return std::tie(a.kind, a.id) <=> std::tie(b.kind, b.id);
  }
};

/// One act about at most one subject; an act with several subjects writes several leaves with one event id.
struct Event {
  audit::v1::EventClass event_class = audit::v1::EVENT_CLASS_UNSPECIFIED;
  Id128 event_id;           // zero: a fresh one
  std::string institution;  // whose act, or "service/<name>"
  uint64_t directory_version = 0;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  common::v1::Decision decision = common::v1::DECISION_UNSPECIFIED;
  std::string purpose;
  std::vector<std::string> categories;
  bool exercise = false;
  std::optional<Subject> subject;
  audit::v1::LeafDetails details;  // recipient, acting_function, relation, denial_reason, payload
  audit::v1::LeafActor actor;
};

}  // namespace relais::audit
