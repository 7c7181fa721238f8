// Another service's log over its Tail stream, as followers read it.
#pragma once

#include <memory>

#include "common/audit/follower.h"
#include "common/base/executor.h"
#include "grpcpp/channel.h"

namespace relais::rpc {

/// Reads OPENED leaves; nonces and leaves share one stream. The stream is opened by the first Probe or Read,
/// and again, at the index asked for, after it broke (the Read that finds it broken answers UNAVAILABLE).
/// Probe answers UNAVAILABLE when the stream breaks, or there is no answer within five seconds. The
/// destructor waits until gRPC is done with the stream; `executor` outlives it.
std::unique_ptr<audit::TailSource> MakeTailSource(const std::shared_ptr<grpc::Channel>& channel,
                                                  Executor& executor);

}  // namespace relais::rpc
