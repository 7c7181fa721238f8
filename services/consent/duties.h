// What institutions owe about persons: reviews of emergencies, information, answers to notices to erase and
// of rectifications (D-2.6.6, D-2.7).
//
// Each institution has two index buckets, of reviews and of all else, ordered by due instant. An entry is
// durable before what it is about, and goes after it is met; what counts is in the person's partition, so an
// entry whose duty is met, never came into being, or was about somebody erased, is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// D-2.6.6 (I): an emergency is judged within this.
inline constexpr absl::Duration kReviewWithin = absl::Hours(72);

/// One entry: whose duty, about whom, what.
struct DutyName {
  std::string institution;
  Id128 person;
  v1::DutyKind kind = v1::DUTY_KIND_UNSPECIFIED;
  Id128 id;  // the emergency's, the notice's, or of the duty itself
  absl::Time due;
};

[[nodiscard]] storage::CommitRequest AddDuty(const rpc::ServiceContext& context, const DutyName& duty,
                                             bool escalated = false);
[[nodiscard]] storage::CommitRequest RemoveDuty(const rpc::ServiceContext& context, const DutyName& duty);

/// The two duties of the one who receives under an emergency: the review and, within a month, information.
[[nodiscard]] DutyName ReviewOf(const Id128& person, const Emergency& emergency);
[[nodiscard]] DutyName InformationAfter(const Id128& person, const Emergency& emergency, absl::TimeZone zone);

/// The row of her partition that holds an institution's duty of art. 14.
[[nodiscard]] std::string DutyRow(std::string_view institution);
/// The same of its duty to answer a notice to erase.
[[nodiscard]] std::string ErasureDutyRow(std::string_view institution, const Id128& notice);
/// The same to answer a notice of a rectification.
[[nodiscard]] std::string RectificationDutyRow(std::string_view institution, const Id128& notice);
inline constexpr std::string_view kDutyPrefix = "duty/";

/// Of a notice to a recipient: since when, and by when it is to be answered, a month later (RGPD art. 12). To
/// the Paris day, so that two notices of one instant do not tell that two names are one human.
struct NoticeTimes {
  absl::Time since;
  absl::Time due;
};
[[nodiscard]] NoticeTimes TimesOfNotice(const calendar::Paris& paris, absl::Time cause);

/// Where a listing stands; empty at the end. Opaque text for callers.
struct DutyPage {
  std::vector<v1::Duty> duties;  // without `person`, which persons[i] is, but for one who is erased
  std::vector<Id128> persons;
  std::vector<Emergency> emergencies;  // of the duty at that place; default where it has none
  std::vector<bool> escalated;
  uint32_t unreadable = 0;  // entries gone past, whose duty or row of hers does not read (ADR 69)
  std::string next;
};

struct DutyFilter {
  std::string institution;
  v1::DutyKind kind = v1::DUTY_KIND_UNSPECIFIED;  // all
  bool overdue_only = false;
  size_t most = 50;
  std::string from;  // `next` of the page before
};

/// Duties that are owed, by due instant: reviews, then the others, then notices about who is erased
/// (erased_notices.h). Looks at a bounded number of entries, so that a page may be short. INVALID_ARGUMENT
/// about `page_token`.
[[nodiscard]] absl::StatusOr<DutyPage> ListDuties(Registry& registry, const DutyFilter& filter,
                                                  absl::Time now);

/// She is being erased, and her leaves still open: who received of her is told (TellOfErasure), which no
/// later permit can follow, and then every entry about her is taken out of the lists. Before her partition
/// goes. Once they open no more, the entries alone.
[[nodiscard]] Task<absl::Status> ForgetDuties(Registry& registry, Id128 person);

/// Writes EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE, once, about each emergency that nobody judged in time; takes
/// settled entries out, and goes past what does not read. The number written. Institutions that left the
/// directory are not looked at.
[[nodiscard]] Task<absl::StatusOr<int>> EscalateReviews(Registry& registry);

}  // namespace relais::consent
