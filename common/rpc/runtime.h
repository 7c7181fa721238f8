// A service's process: everything main.cc needs, in the order of "Boot" (architecture).
//
//   int main(int argc, char** argv) {
//     consent::Settings settings;
//     relais::rpc::ServiceDefinition definition;
//     definition.name = "consent";
//     definition.services = {"relais.consent.v1.PersonService", "relais.consent.v1.ConsentService"};
//     definition.opened = consent::OpenedToPeers();
//     definition.settings = [&](relais::Config& config) { settings = consent::ReadSettings(config); };
//     definition.bind = [&](relais::rpc::ServiceRuntime& runtime) { return consent::Bind(runtime, settings);
//     }; return relais::rpc::RunService(argc, argv, definition);
//   }
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/audit/log.h"
#include "common/audit/maintenance.h"
#include "common/base/clock.h"
#include "common/base/config.h"
#include "common/base/executor.h"
#include "common/base/file_watch.h"
#include "common/base/random.h"
#include "common/crypto/shared_key_ring.h"
#include "common/directory/source.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/rpc/audit_handlers.h"
#include "common/rpc/authentication.h"
#include "common/rpc/disk_watch.h"
#include "common/rpc/dispatch.h"
#include "common/rpc/follower_metrics.h"
#include "common/rpc/hold_handlers.h"
#include "common/rpc/idempotency.h"
#include "common/rpc/maintenance_handlers.h"
#include "common/rpc/miss_limiter.h"
#include "common/rpc/server.h"
#include "common/rpc/service_context.h"
#include "common/rpc/settings.h"
#include "common/storage/disk_space.h"
#include "common/storage/store.h"
#include "common/telemetry/metrics.h"
#include "common/telemetry/service_metrics.h"
#include "grpcpp/channel.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace relais::storage {
class RocksDbStore;
}  // namespace relais::storage

namespace relais::rpc {

/// A service, bound to gRPC. Destroyed in the reverse order: first the gRPC services, then what they call.
struct BoundService {
  std::shared_ptr<void> owned;  // handlers, followers, peers
  std::vector<std::unique_ptr<grpc::Service>> services;
  /// Called once the server listens: starts followers. Must not wait for a peer.
  std::function<absl::Status()> start = [] { return absl::OkStatus(); };
  /// Called after the server has drained, on the main thread: returns when followers have stopped.
  std::function<void()> stop = [] {};
  /// Gauges that look at what is owned, until `stop` is called.
  std::vector<telemetry::GaugeReading> readings = {};
};

class ServiceRuntime;

/// What a service's store is set up for, within the memory that its settings give.
struct StoreShape {
  size_t wal_bytes = size_t{64} << 20;  // storage::RocksDbOptions::wal_bytes
  int write_buffer_percent = 50;        // of the cache: what memtables may take of it, 16 to 64 MiB
};

struct ServiceDefinition {
  std::string name;                   // "consent"
  std::vector<std::string> services;  // full names of its gRPC services; AuditService is added
  OpenedTable opened;                 // what peers see of its log
  /// Services whose acknowledgement an erasure here waits for, of those that the settings name.
  std::set<std::string> erasure_waits_for = {};
  /// The name in the service's own ring of keys that wrap what its store holds besides the log's subjects;
  /// empty: none. Backups say whether such a key that they need is over.
  std::string papers_ring = {};
  /// Streams of all clients at once, half of them of any one institution; beyond: OVERLOADED.
  int max_streams = 512;
  StoreShape store = {};
  /// Reads the service's own settings, before anything is opened. May be empty.
  std::function<void(Config&)> settings;
  std::function<absl::StatusOr<std::unique_ptr<BoundService>>(ServiceRuntime&)> bind;
};

/// What the machine gives. References live until Stop has returned; all are thread-safe.
class ServiceRuntime {
 public:
  /// Opens keys, directory, log and store, verifies that they fit, and prepares everything but the server.
  static absl::StatusOr<std::unique_ptr<ServiceRuntime>> Open(const ServiceDefinition& definition,
                                                              const Flags& flags, const Settings& settings);
  ~ServiceRuntime();
  ServiceRuntime(const ServiceRuntime&) = delete;
  ServiceRuntime& operator=(const ServiceRuntime&) = delete;

  [[nodiscard]] const ServiceContext& context() const { return *context_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] Dispatcher& dispatcher() { return *dispatcher_; }
  [[nodiscard]] const DiskWatch& disk() const { return disk_; }
  [[nodiscard]] telemetry::Metrics& metrics() { return metrics_; }
  [[nodiscard]] telemetry::ServiceMetrics& service_metrics() { return *service_metrics_; }
  [[nodiscard]] directory::DirectorySource& directory_source() { return *directory_; }
  /// The shared ring (handles, suppression) and the log's own (epoch and month keys, this service's other
  /// secrets).
  [[nodiscard]] crypto::KeyRing& shared_ring() { return *shared_ring_; }
  [[nodiscard]] crypto::KeyRing& own_ring() { return *own_ring_; }

  /// Erasures, epochs, months: to be given a keeper while the service is bound.
  [[nodiscard]] audit::Maintenance& maintenance() { return *maintenance_; }
  /// True when the follower of that peer's log is to start from its first leaf again.
  [[nodiscard]] bool Rebuilds(const std::string& service) const { return rebuild_.count(service) > 0; }

  /// False for a peer that is configured absent: nobody waits for it.
  [[nodiscard]] bool HasPeer(const std::string& service) const { return settings_.peers.count(service) > 0; }
  /// A channel to a configured peer, the same at every call. NOT_FOUND for an absent one.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel(const std::string& service);
  /// A peer's log, for a follower. Destroy it before the runtime stops.
  absl::StatusOr<std::unique_ptr<audit::TailSource>> Tail(const std::string& service);
  /// Shows a follower of a peer's log, owned by `bound`, to operators; nullptr, of an absent peer: nothing.
  void Show(BoundService& bound, const std::string& peer, const audit::Follower* follower, Lease lease);

  /// Binds, listens, starts, serves until SIGTERM or SIGINT, stops. Returns the exit code: 0, or 70 when the
  /// store failed, or 1. SIGHUP, or a change of its files, reloads the directory; a change of the shared ring
  /// is taken in likewise.
  int Run(const ServiceDefinition& definition);

 private:
  ServiceRuntime(std::string name, const Flags& flags, Settings settings);

  absl::Status OpenKeys();
  absl::Status OpenDirectory();
  absl::Status OpenLog();
  absl::Status OpenStore(const ServiceDefinition& definition);
  absl::Status OpenMaintenance(const ServiceDefinition& definition);
  absl::StatusOr<pki::PeerTrust> MakeTrust() const;
  absl::Status Prepare(const ServiceDefinition& definition);
  std::unique_ptr<MissLimiter> MakeMissLimiter();
  absl::Status WriteStarted();
  absl::Status StartServing(const ServiceDefinition& definition);
  void ReloadDirectory(bool forced);
  void ReloadKeys();
  void LookAtDisk();
  void UpdateGauges();
  int Wait();
  void Stop();

  const std::string name_;
  const bool test_mode_;
  const bool accept_loss_;
  const std::set<std::string> rebuild_;
  const Settings settings_;
  std::unique_ptr<Clock> clock_;
  SystemRandom random_;
  std::atomic<bool> store_failed_ = false;
  bool stopped_ = false;
  telemetry::Metrics metrics_;
  // In the order they need one another.
  std::unique_ptr<ThreadPool> executor_;
  std::unique_ptr<crypto::SharedKeyRing> shared_ring_;
  absl::Status shared_ring_read_;  // how the last attempt to read it again went
  std::unique_ptr<crypto::KeyRing> own_ring_;
  std::unique_ptr<directory::DirectorySource> directory_;
  FileWatch directory_watch_;
  std::unique_ptr<audit::Log> log_;
  std::unique_ptr<storage::RocksDbStore> store_;
  std::unique_ptr<audit::Maintenance> maintenance_;
  std::unique_ptr<identity::HandleCodec> handles_;
  std::unique_ptr<identity::SuppressionKeys> suppression_;
  std::unique_ptr<Idempotency> idempotency_;
  std::unique_ptr<ServiceContext> context_;
  std::unique_ptr<pki::PeerTrust> trust_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<MissLimiter> misses_;
  const storage::FolderSpace disk_space_;
  DiskWatch disk_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<telemetry::ServiceMetrics> service_metrics_;
  std::unique_ptr<AuditHandlers> audit_handlers_;
  std::unique_ptr<grpc::Service> audit_service_;
  std::unique_ptr<MaintenanceHandlers> maintenance_handlers_;
  std::unique_ptr<grpc::Service> maintenance_service_;
  std::unique_ptr<HoldHandlers> hold_handlers_;
  std::unique_ptr<grpc::Service> hold_service_;
  std::mutex channels_mu_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
  std::unique_ptr<BoundService> bound_;
  std::unique_ptr<Server> server_;
};

/// The whole of main: flags, settings, runtime. Exit codes: as Run; 64 wrong flags, 78 wrong settings.
int RunService(int argc, char** argv, const ServiceDefinition& definition);

}  // namespace relais::rpc
