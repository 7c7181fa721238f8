// Notices of a rectification: who received an institution's traits of her is told which of them changed, and
// answers within a month (RGPD art. 12, 16, 19; D-2.7). ADR 28.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The notice that a rectification brings to an institution about a person.
[[nodiscard]] Id128 RectificationNoticeId(const Id128& act, const Id128& person,
                                          std::string_view institution);

/// A rectification that is being recorded.
struct Rectification {
  Id128 person;  // the name the record stands under
  const audit::Event& event;
  const v1::RecordRectified& said;  // with all who are told
  absl::Time instant;
};

/// Adds to the act the notice to `recipient`: a leaf addressed to it, which names no other recipient, a
/// sealed row of hers and, durable before them, an entry in what the institution owes (duties.h). Fields,
/// never values: the new ones are for who rectified to tell.
[[nodiscard]] absl::Status NotifyOfRectification(Registry& registry, const Rectification& what,
                                                 const std::string& recipient, PlannedAct& act);

/// Thread-safe.
class RectificationNoticeHandlers {
 public:
  explicit RectificationNoticeHandlers(Registry& registry) : registry_(registry) {}

  /// On OK it is durable. Answers for the caller's own institution alone.
  Task<absl::StatusOr<v1::AnswerRectificationNoticeResponse>> AnswerRectificationNotice(
      rpc::Call call, v1::AnswerRectificationNoticeRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
