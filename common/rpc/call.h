// One call, as handlers see it: who calls, on what authority, until when. No gRPC here.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/directory/directory.h"
#include "relais/common/v1/errors.pb.h"
#include "relais/common/v1/options.pb.h"
#include "relais/common/v1/types.pb.h"

namespace relais::rpc {

struct Caller {
  enum class Kind { kInstitution, kService };
  Kind kind = Kind::kInstitution;
  std::string institution;  // empty for services
  std::string system;       // of the institution
  std::string service;      // empty for institutions
  std::set<common::v1::Role> roles;
  std::string agent;        // metadata relais-agent; empty when not given
  std::string function;     // metadata relais-function, checked against the directory
  std::string reason;       // metadata relais-reason
  std::string certificate;  // SHA-256, hexadecimal

  [[nodiscard]] bool is_service() const { return kind == Kind::kService; }
  /// As leaves name it: the institution, or "service/<name>".
  [[nodiscard]] std::string Name() const { return is_service() ? "service/" + service : institution; }
};

struct Call {
  Caller caller;
  std::shared_ptr<const directory::Directory> directory;
  std::string id;                                      // of this call, for the operators' log
  absl::Duration deadline = absl::InfiniteDuration();  // monotonic instant
};

/// Whose act a write is: the caller's institution; for a service the one it names. INVALID_ARGUMENT when an
/// institution names another, or a service names none.
struct Actor {
  std::string institution;
  std::string function;
  std::string agent;
};
absl::StatusOr<Actor> ActorOf(const Call& call, const common::v1::Acting* acting);

/// Among whose requests a `request_id` is unique: the institution's; for a service its own for that
/// institution. A service's ids can be foretold (audit::EffectId), so an institution must not be able to take
/// them.
std::string RequestOwner(const Call& call, const Actor& actor);

/// The event with what the call knows filled in: institution, directory version, function, agent,
/// certificate, request id, motive.
audit::Event EventOf(const Call& call, const Actor& actor, audit::v1::EventClass event_class,
                     std::string_view request_id);

/// A refusal with its reason, which `common/rpc` turns into ErrorInfo. `message` must quote no input.
absl::Status Refusal(absl::StatusCode code, common::v1::ErrorReason reason, std::string_view message);
/// INVALID_ARGUMENT / INVALID_FIELDS about one field path.
absl::Status InvalidField(std::string_view field, std::string_view description);
/// NOT_FOUND / NO_SUCH_OR_NOT_YOURS.
absl::Status NoSuchOrNotYours();
/// UNSPECIFIED when the status carries none.
common::v1::ErrorReason ReasonOf(const absl::Status& status);
/// UNAVAILABLE / PEER_UNAVAILABLE for any failure of a peer that is not an answer; answers pass unchanged.
absl::Status PeerFailure(const absl::Status& status, std::string_view peer);

/// A method of another service, whatever carries it: gRPC in production, a simulated network in tests. The
/// request has to carry `request_id` when it writes: calls are repeated on UNAVAILABLE until `timeout`.
template <typename Request, typename Response>
using PeerMethod = std::function<Task<absl::StatusOr<Response>>(Request request, absl::Duration timeout)>;

}  // namespace relais::rpc
