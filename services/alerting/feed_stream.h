// One stream of rows: several of its batches are judged and made durable at once, and answered in order.
#pragma once

#include <cstddef>
#include <memory>

#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "common/rpc/stream.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "services/alerting/intake.h"

namespace relais::alerting {

using RowStream = rpc::Stream<v1::SubmitStreamRequest, v1::SubmitStreamResponse>;

/// Batches of one stream under way at once: enough that one is judged and sealed while others wait for the
/// disk.
inline constexpr size_t kMostBatchesAtOnce = 4;

/// Serves a stream after its `open` was answered, until the client has finished, is gone, or a batch fails.
///
/// A batch begins once no earlier one that is not answered touches a sender record or a reference of its own:
/// so the outcome of every row is what it would be if the batches came one after the other. When a batch
/// fails, the ones before it have been answered, it and the ones after it never are: some of their rows may
/// be durable, and sending them again gives DUPLICATE. Returns when nothing is under way any more.
Task<absl::Status> ServeRows(Executor& executor, const Intake& intake, rpc::Call call, Terms terms,
                             std::shared_ptr<RowStream> stream);

}  // namespace relais::alerting
