// Streams as a handler sees them. gRPC's in production, the simulator's in tests.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "common/base/task.h"

namespace relais::rpc {

/// What a handler writes to. A message is written only when the one before is on its way, so the transport's
/// flow control reaches the handler.
template <typename Response>
class Writer {
 public:
  virtual ~Writer() = default;
  /// False when the client is gone or the deadline passed.
  virtual Task<bool> Write(Response response) = 0;
  /// After a Write that said true and before the next: its message, for its memory to be filled again; an
  /// empty one when nothing is kept. Default: nothing.
  [[nodiscard]] virtual Response TakeWritten() { return Response(); }
  /// True once nothing more can be written.
  [[nodiscard]] virtual bool cancelled() const = 0;
  /// Reads and writes under way and to come end; the client is told `why` once the handler has returned. For
  /// a handler that waits in one direction when it has to stop in the other; a stream that ends by itself
  /// need not do anything. Default: nothing.
  virtual void End(absl::Status /*why*/) {}
};

/// What a handler reads from: a client's stream that is answered once, when the handler returns.
template <typename Request>
class Reader {
 public:
  virtual ~Reader() = default;
  /// The next message; nullopt when the client has finished, has gone, or the deadline passed. A message is
  /// read only when asked for, so the transport's flow control reaches the client.
  virtual Task<std::optional<Request>> Read() = 0;
  /// As Writer::End. Default: nothing.
  virtual void End(absl::Status /*why*/) {}
  /// True once the client is gone or the deadline passed: nullopt was then no end of what it had to send.
  [[nodiscard]] virtual bool cancelled() const = 0;
};

/// Both directions. One coroutine reads, one writes; both may be the same. A message is read only when asked
/// for.
template <typename Request, typename Response>
class Stream : public Writer<Response> {
 public:
  /// The next message; nullopt when the client has finished, has gone, or the deadline passed.
  virtual Task<std::optional<Request>> Read() = 0;
};

}  // namespace relais::rpc
