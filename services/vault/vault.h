// What every part of the vault is made from: one struct of references, so that a new part touches nobody
// else's.
//
// Parts that others call, by owner of their header:
//
//   handlers/access.h     class Access { explicit Access(const Vault&); void Start(); Task<bool> Stop();
//                         // OK: her host row, under which that institution acts for her now.
//                         NoSuchOrNotYours else. absl::StatusOr<Stored<v1::StoredHost>> Host(const
//                         rpc::Call&, const Id128& person) const;
//                         // Writes VAULT_REFUSED (counted in a flood), then gives `why` back, to be
//                         answered. `person`
//                         // nullopt: nobody known was named; nothing is written about anybody.
//                         Task<absl::Status> Refused(rpc::Call, rpc::Actor, Id128 person,
//                         v1::JournalEntry::Act,
//                                                    std::string document_id, absl::Status why); }
//   open_streams.h        class OpenStreams { explicit OpenStreams(const Vault&);
//                         void DocumentGone(const Id128& person, const Id128& document); // cuts: DESTROYED
//                         void PersonGone(const Id128& person); }                        // cuts all of hers
//   scanner.h             class Scanner, of which nullptr: none is configured
//
// Handlers' classes: `explicit XHandlers(const Vault& vault)`, methods named as the proto's,
//   Task<absl::StatusOr<v1::YResponse>> Y(rpc::Call call, v1::YRequest request)
//   Task<absl::Status> Y(rpc::Call call, v1::YRequest request, std::shared_ptr<rpc::Writer<v1::YResponse>>
//   out)
// Background parts (Access, Scrubber, Rotation, Reminding, Closing): `explicit X(const Vault&)`, `void
// Start()`, `Task<bool> Stop()`. Rotation also `absl::Status Prepare()`, before anything is served: makes the
// first epoch of a vault without papers; FAILED_PRECONDITION when the ring is gone and papers are there.
// Followers: ConsentLeaves(const Vault&) of followers.h, an audit::LeafHandler, with Task<bool> Drain();
// OwnLeaves(const Vault&) of cleaning.h. Keeper(const Vault&, audit::Follower& own) of keeper.h, an
// audit::StateKeeper, with FollowingStarted().
#pragma once

#include <string_view>

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "common/rpc/service_context.h"
#include "services/vault/domain/closure.h"
#include "services/vault/lookahead.h"
#include "services/vault/papers.h"
#include "services/vault/peers.h"
#include "services/vault/settings.h"
#include "services/vault/store.h"
#include "services/vault/upload_writers.h"

namespace relais::vault {

class Access;
class Counting;
class OpenStreams;
class Scanner;
class Scrubber;
class Rotation;
class Reminding;
class Closing;

/// The lease on consent's log. Without a follower it is never held: nothing is shown to others. Thread-safe.
class Lease {
 public:
  /// Before anything is served.
  void Use(const audit::Follower* consent) { consent_ = consent; }
  [[nodiscard]] bool Held() const { return consent_ != nullptr && consent_->LeaseHeld(); }
  [[nodiscard]] const audit::Follower* consent() const { return consent_; }

 private:
  const audit::Follower* consent_ = nullptr;
};

/// All members outlive whatever is given this, and are thread-safe. Parts keep a reference to it and use the
/// others only once the service started.
struct Vault {
  const rpc::ServiceContext& context;
  const Peers& peers;
  const Settings& settings;
  const calendar::Paris& paris;
  const VaultStore& store;
  PaperKeys& keys;
  const Papers& papers;
  UploadWriters& writers;
  Lookahead& lookahead;    // of readings and uploads
  Lookahead& export_room;  // of exports
  Counting& counting;
  Lease& lease;
  const Scanner* scanner;  // null: none
  Access& access;
  OpenStreams& streams;
  Scrubber& scrubber;
  Rotation& rotation;
  Reminding& reminding;
  Closing& closing;
};

/// As services name themselves.
inline constexpr std::string_view kOwnName = "vault";
/// A call of the vault's own, for leaves that no caller caused.
[[nodiscard]] rpc::Call OwnCall(const rpc::ServiceContext& context);

/// What a closure that was announced allows today (D-3.4), from its row.
[[nodiscard]] absl::StatusOr<VaultPhase> PhaseNow(const Vault& vault);

/// The status that goes with a reason of the domain (errors.proto). NO_SUCH_OR_NOT_YOURS is NOT_FOUND.
[[nodiscard]] absl::Status StatusOf(common::v1::ErrorReason reason);
/// FAILED_PRECONDITION / WRONG_STATE: "<thing> is <state>: it cannot <asked>". `state`: in words, or a state
/// of the protos by its name. Nothing personal may be in any of them.
[[nodiscard]] absl::Status WrongState(const std::string& thing, const std::string& state,
                                      const std::string& asked);

/// How often an act is tried when somebody else changed what it read; then ABORTED.
inline constexpr int kTries = 20;

/// How long to wait before that try (1 is the second) of an act that lost to another of the same vault: drawn
/// at random, up to 1 ms and twice as much each time, at most 512, so that many at once do not meet again.
[[nodiscard]] absl::Duration PauseBeforeTry(Random& random, int attempt);
/// After the last one, or where there is no room: OVERLOADED; the client may come back after a second
/// (rpc::RetryAfterOf).
[[nodiscard]] absl::Status TooManyAtOnce();

}  // namespace relais::vault
