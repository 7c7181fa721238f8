// Links between persons, by a steward (architecture, "Matching"): merge, split, and what rests on a link.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK a link, or its end, is complete: every check from here on reads so.
class LinkHandlers {
 public:
  explicit LinkHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::MergeResponse>> Merge(rpc::Call call, v1::MergeRequest request);
  Task<absl::StatusOr<v1::SplitResponse>> Split(rpc::Call call, v1::SplitRequest request);
  Task<absl::StatusOr<v1::GetLinkImpactResponse>> GetLinkImpact(rpc::Call call,
                                                                v1::GetLinkImpactRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
