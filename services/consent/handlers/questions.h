// From a request to the question that is decided, everything it names being in the directory.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// Only the sender's or the recipient's own systems, or a service, may ask: PERMISSION_DENIED / NOT_A_PARTY.
absl::Status CheckMayAsk(const rpc::Call& call, const common::v1::Party& sender,
                         const common::v1::Party& recipient);

/// INVALID_ARGUMENT / UNKNOWN_CODE for a purpose, category, institution, function or desk that the directory
/// does not have, a desk that is not the recipient's included; INVALID_FIELDS for a day that does not exist,
/// for a ground of the law, or what it stands on, stated by who is neither the sender nor a service (an
/// agreement and its reference anybody may name), and for a function of the caller's own party that is not
/// the caller's, unless the other party is of that institution too and in the caller's function. A case that
/// is named is not read: no case has a team that is known (ADR 56). An agreement that is named is not looked
/// for: one that is not hers covers nothing (ADR 71).
absl::StatusOr<Question> QuestionFrom(const rpc::Call& call, const Rules& rules,
                                      const v1::CheckRequest& request);
/// The same question of many persons, as a check of one.
v1::CheckRequest CheckOf(const v1::BatchCheckRequest& request);

}  // namespace relais::consent
