// What every service is given: the machine, injected. Nothing here is gRPC's, so the whole suite can be built
// from these in one process under a simulator.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/audit/log.h"
#include "common/audit/maintenance.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/directory/directory.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/rpc/call.h"
#include "common/rpc/idempotency.h"
#include "common/storage/store.h"
#include "relais/common/v1/types.pb.h"

namespace relais::rpc {

/// All members outlive the service; all are thread-safe.
struct ServiceContext {
  Clock& clock;
  Random& random;
  Executor& executor;
  storage::Store& store;
  audit::Log& log;
  const identity::HandleCodec& handles;
  const identity::SuppressionKeys& suppression;
  const Idempotency& idempotency;
  std::function<std::shared_ptr<const directory::Directory>()> directory;
  /// Erasures and retention; null where nothing is erased: tests that do not need it.
  audit::Maintenance* maintenance = nullptr;

  /// OK; or why no business write may happen now: store failed, clock jumped back.
  [[nodiscard]] absl::Status Writable() const;
  /// OK; or DIRECTORY_EXPIRED: nothing may be disclosed.
  [[nodiscard]] absl::Status MayDisclose() const;
};

/// The person a reference names for this caller. INVALID_ARGUMENT / NOT_YOUR_HANDLE for another institution's
/// handle, for a raw id from an institution, and for a handle from a service that acts for nobody. `acting`:
/// whose handle it is when a service calls with one.
absl::StatusOr<Id128> PersonOf(const ServiceContext& context, const Call& call,
                               const common::v1::PersonRef& ref, std::string_view field);
/// The same person's name for this caller: a handle for an institution, the raw id for a service.
common::v1::PersonRef RefFor(const ServiceContext& context, const Call& call, const Id128& person);
/// Her name for one institution, whoever calls.
common::v1::PersonRef HandleFor(const ServiceContext& context, std::string_view institution,
                                const Id128& person);

/// The `written` of an answer: revision, instant and, when wanted, the proof of the first leaf of the commit.
Task<absl::StatusOr<common::v1::Written>> WrittenOf(const ServiceContext& context, storage::LeafRange leaves,
                                                    bool want_proof, bool with_key);
/// The same for a repeated request: finds the leaf by its event id among the subject's, newest first.
Task<absl::StatusOr<common::v1::Written>> WrittenAgain(const ServiceContext& context, audit::Subject subject,
                                                       Id128 event_id, bool want_proof, bool with_key);
/// OK when this service's log has reached `revision` ("<origin>:<size>", empty: any); UNAVAILABLE /
/// PEER_BEHIND when it has not or the origin is another's.
absl::Status FreshEnough(const ServiceContext& context, std::string_view revision);

}  // namespace relais::rpc
