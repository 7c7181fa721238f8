// Leaves that stand alone: what happened to the service or its log, with no state of their own.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/rpc/service_context.h"
#include "common/storage/store.h"

namespace relais::rpc {

/// Writes one leaf, durable on OK, in a partition where no key is ever written. Errors are the store's.
Task<absl::StatusOr<storage::CommitResult>> WriteLoneLeaf(const ServiceContext& context, audit::Event event);
/// The same of several in one commit: all or none.
Task<absl::Status> WriteLoneLeaves(const ServiceContext& context, std::vector<audit::Event> events);

}  // namespace relais::rpc
