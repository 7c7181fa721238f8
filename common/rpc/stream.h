// A bidirectional stream as a handler sees it. gRPC's in production, the simulator's in tests.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "common/base/task.h"

namespace relais::rpc {

/// One coroutine reads, one writes; both may be the same. A message is read only when asked for and written
/// only when the one before is on its way, so the transport's flow control reaches the handler.
template <typename Request, typename Response>
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next message; nullopt when the client has finished, has gone, or the deadline passed.
  virtual Task<std::optional<Request>> Read() = 0;
  /// False when the client is gone or the deadline passed.
  virtual Task<bool> Write(Response response) = 0;
  /// Ends the stream from the handler's side, for a handler that both reads and writes: what is under way and
  /// to come ends (nullopt, false), and once the handler has returned the client is told `why`. A stream that
  /// ends by itself need not do anything.
  virtual void End(absl::Status /*why*/) {}
  /// True once nothing more can be written.
  [[nodiscard]] virtual bool cancelled() const = 0;
};

}  // namespace relais::rpc
