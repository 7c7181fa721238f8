#include "common/rpc/runtime.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/start.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/copied_key_ring.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/directory/sign.h"
#include "common/pki/file.h"
#include "common/rpc/audit_service.h"
#include "common/rpc/handle_settings.h"
#include "common/rpc/hold_service.h"
#include "common/rpc/maintenance_service.h"
#include "common/rpc/tail_client.h"
#include "common/storage/rocksdb/rocksdb_store.h"

namespace relais::rpc {
namespace {

constexpr size_t kMostFileBytes = size_t{1} << 20;
constexpr char kRequestKeyName[] = "request";
constexpr size_t kRequestKeySize = 32;
constexpr mode_t kPrivateFolder = 0700;

absl::Status About(const absl::Status& status, const std::string& what) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

// Of which there is a key.
std::vector<uint32_t> VersionsOf(const crypto::KeyRing& ring, const std::string& name) {
  std::vector<uint32_t> versions;
  for (const crypto::KeyVersion& key : ring.List()) {
    if (key.name == name) {
      versions.push_back(key.version);
    }
  }
  return versions;
}

absl::StatusOr<std::string> ReadOptional(const std::string& path) {
  return path.empty() ? absl::StatusOr<std::string>("") : pki::ReadWholeFile(path, kMostFileBytes);
}

bool Exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

absl::StatusOr<Secret> ReadMaster(const std::string& path) {
  absl::StatusOr<Secret> master = crypto::ReadSecretFile(path);
  RETURN_IF_ERROR(About(master.status(), path));
  return master;
}

absl::StatusOr<std::unique_ptr<crypto::SharedKeyRing>> OpenSharedRing(const Settings& settings,
                                                                      Random& random) {
  ASSIGN_OR_RETURN(const Secret master, ReadMaster(settings.ring_master));
  auto ring = crypto::SharedKeyRing::Open(settings.ring, master, random);
  RETURN_IF_ERROR(About(ring.status(), settings.ring));
  return ring;
}

absl::StatusOr<std::unique_ptr<crypto::KeyRing>> OpenOwnRing(const Settings& settings, Random& random) {
  ASSIGN_OR_RETURN(const Secret master, ReadMaster(settings.audit_master));
  const std::string& path = settings.audit_ring;
  // A store without its ring is lost: a new ring is only for a new store.
  const bool create = !Exists(settings.store_path) && !Exists(path);
  absl::StatusOr<std::unique_ptr<crypto::FileKeyRing>> ring =
      create ? crypto::FileKeyRing::Create(path, master, random)
             : crypto::FileKeyRing::Open(path, master, random);
  RETURN_IF_ERROR(About(ring.status(), path));
  if (settings.ring_copy.empty()) {
    return std::unique_ptr<crypto::KeyRing>(*std::move(ring));
  }
  auto copied = crypto::CopiedKeyRing::Open(*std::move(ring), path, settings.ring_copy, master, random);
  RETURN_IF_ERROR(About(copied.status(), settings.ring_copy));
  return std::unique_ptr<crypto::KeyRing>(*std::move(copied));
}

absl::StatusOr<audit::LogOptions::Signer> ReadSigner(const std::string& path, const std::string& origin) {
  absl::StatusOr<Secret> seed = crypto::ReadSecretFile(path);
  RETURN_IF_ERROR(About(seed.status(), path));
  absl::StatusOr<crypto::SigningKey> key = crypto::SigningKey::FromSeed(*seed);
  RETURN_IF_ERROR(About(key.status(), path));
  return audit::LogOptions::Signer{origin, *std::move(key)};
}

// The key under which request ids are remembered: made once, with the store.
absl::StatusOr<Secret> RequestKey(crypto::KeyRing& ring, Random& random) {
  const absl::StatusOr<uint32_t> version = ring.Latest(kRequestKeyName);
  if (!version.ok()) {
    if (version.status().code() != absl::StatusCode::kNotFound) {
      return version.status();
    }
    RETURN_IF_ERROR(ring.Put(kRequestKeyName, 1, Secret(random.Bytes(kRequestKeySize))));
  }
  // The first one for ever: another would forget every request.
  return ring.Get(kRequestKeyName, 1);
}

}  // namespace

ServiceRuntime::ServiceRuntime(std::string name, const Flags& flags, Settings settings)
    : name_(std::move(name)),
      test_mode_(flags.test_mode),
      accept_loss_(flags.accept_loss),
      rebuild_(flags.rebuild),
      settings_(std::move(settings)),
      directory_watch_({settings_.directory_file, settings_.directory_file + ".sig"}),
      disk_space_(settings_.store_path),
      disk_(settings_.disk, disk_space_) {
  if (flags.test_clock) {
    clock_ = std::make_unique<ShiftedClock>(flags.test_clock->start, flags.test_clock->real);
  } else {
    clock_ = std::make_unique<SystemClock>();
  }
  executor_ = std::make_unique<ThreadPool>(settings_.threads);
}

ServiceRuntime::~ServiceRuntime() { Stop(); }

absl::StatusOr<std::unique_ptr<ServiceRuntime>> ServiceRuntime::Open(const ServiceDefinition& definition,
                                                                     const Flags& flags,
                                                                     const Settings& settings) {
  std::unique_ptr<ServiceRuntime> runtime(new ServiceRuntime(definition.name, flags, settings));
  RETURN_IF_ERROR(runtime->OpenDirectory());
  RETURN_IF_ERROR(runtime->OpenKeys());
  RETURN_IF_ERROR(runtime->OpenLog());
  RETURN_IF_ERROR(runtime->OpenStore(definition));
  RETURN_IF_ERROR(runtime->OpenMaintenance(definition));
  RETURN_IF_ERROR(runtime->Prepare(definition));
  return runtime;
}

absl::Status ServiceRuntime::OpenKeys() {
  ASSIGN_OR_RETURN(shared_ring_, OpenSharedRing(settings_, random_));
  ASSIGN_OR_RETURN(own_ring_, OpenOwnRing(settings_, random_));
  ASSIGN_OR_RETURN(const identity::HandlePolicy policy, settings_.handles);
  RETURN_IF_ERROR(CheckHandlePolicy(policy, *directory_->Current(), *shared_ring_));
  ASSIGN_OR_RETURN(identity::HandleCodec codec,
                   identity::HandleCodec::Create(*shared_ring_, policy, *clock_));
  handles_ = std::make_unique<identity::HandleCodec>(std::move(codec));
  suppression_ = std::make_unique<identity::SuppressionKeys>(*shared_ring_);
  ASSIGN_OR_RETURN(Secret request_key, RequestKey(*own_ring_, random_));
  idempotency_ = std::make_unique<Idempotency>(std::move(request_key));
  return absl::OkStatus();
}

absl::Status ServiceRuntime::OpenDirectory() {
  directory::DirectorySource::Options options;
  options.path = settings_.directory_file;
  ASSIGN_OR_RETURN(const std::string keys, pki::ReadWholeFile(settings_.root_keys, kMostFileBytes));
  ASSIGN_OR_RETURN(options.root_keys, directory::ParseRootKeys(keys));
  if (!settings_.retired_root_keys.empty()) {
    ASSIGN_OR_RETURN(const std::string retired,
                     pki::ReadWholeFile(settings_.retired_root_keys, kMostFileBytes));
    ASSIGN_OR_RETURN(options.retired_keys, directory::ParseRootKeys(retired));
  }
  RETURN_IF_ERROR(pki::MakeFolder(settings_.directory_state, kPrivateFolder));
  options.remembered_path = settings_.directory_state + "/version";
  options.archive_dir = settings_.directory_state + "/archive";
  ASSIGN_OR_RETURN(directory_, directory::DirectorySource::Open(std::move(options)));
  return absl::OkStatus();
}

absl::Status ServiceRuntime::OpenLog() {
  audit::LogOptions options;
  options.origin = settings_.origin;
  ASSIGN_OR_RETURN(audit::LogOptions::Signer signer, ReadSigner(settings_.signer_key, settings_.origin));
  options.signers.push_back(std::move(signer));
  if (!settings_.next_signer_key.empty()) {
    ASSIGN_OR_RETURN(audit::LogOptions::Signer next, ReadSigner(settings_.next_signer_key, settings_.origin));
    options.signers.push_back(std::move(next));
  }
  options.ring = own_ring_.get();
  options.subject_cache_entries = static_cast<size_t>(settings_.cached_keys);
  options.published_path = settings_.published;
  options.test_mode = test_mode_;
  options.accept_loss = accept_loss_;
  ASSIGN_OR_RETURN(log_, audit::Log::Create(std::move(options), *clock_, random_, *executor_));
  return absl::OkStatus();
}

absl::Status ServiceRuntime::OpenStore(const ServiceDefinition& definition) {
  storage::RocksDbOptions options;
  options.path = settings_.store_path;
  options.cache_bytes = static_cast<size_t>(settings_.store_cache_mib) << 20;
  const size_t buffers =
      options.cache_bytes * static_cast<size_t>(definition.store.write_buffer_percent) / 100;
  options.write_buffer_bytes = std::clamp(buffers, size_t{16} << 20, size_t{64} << 20);
  options.wal_bytes = definition.store.wal_bytes;
  options.flush_at_close = true;
  options.on_failure = [this](const absl::Status& why) {
    log::Error("the store failed: stopping", {log::Field::Internal(why)});
    store_failed_ = true;
  };
  ASSIGN_OR_RETURN(store_, storage::RocksDbStore::Open(std::move(options), *executor_, log_->sequencer()));
  return log_->Recover(*store_);
}

absl::Status ServiceRuntime::OpenMaintenance(const ServiceDefinition& definition) {
  audit::MaintenanceOptions options;
  options.institution = "service/" + name_;
  options.directory_version = [this] { return directory_->Current()->version(); };
  options.wait_for = definition.erasure_waits_for;
  options.journal_path = settings_.erasure_journal;
  options.agent_names_months = settings_.agent_names_months;
  options.epoch_length = settings_.epoch_length;
  options.sweep_every = settings_.sweep_every;
  ASSIGN_OR_RETURN(maintenance_, audit::Maintenance::Open(std::move(options), *log_, *store_, *own_ring_,
                                                          *clock_, random_, *executor_));
  return absl::OkStatus();
}

absl::StatusOr<pki::PeerTrust> ServiceRuntime::MakeTrust() const {
  pki::PeerTrust::Options options;
  options.trust_domain = directory_->Current()->trust_domain();
  ASSIGN_OR_RETURN(options.institutions_pem, ReadOptional(settings_.institutions_ca));
  ASSIGN_OR_RETURN(options.services_pem, ReadOptional(settings_.services_ca));
  ASSIGN_OR_RETURN(options.foreign_pem, ReadOptional(settings_.foreign_ca));
  return pki::PeerTrust::Create(options);
}

std::unique_ptr<MissLimiter> ServiceRuntime::MakeMissLimiter() {
  MissLimiter::Options options;
  options.most = settings_.misses;
  options.window = settings_.misses_window;
  options.on_misses = [this](uint64_t misses) {
    service_metrics_->misses.Increment({}, static_cast<double>(misses));
  };
  options.on_held_back = [this](const std::string& institution) {
    service_metrics_->held_back.Increment();
    log::Error("an institution's questions name too often what is not there or not its own: held back",
               {log::Field::Name("institution", institution)});
  };
  return std::make_unique<MissLimiter>(std::move(options), *clock_);
}

absl::Status ServiceRuntime::Prepare(const ServiceDefinition& definition) {
  const CurrentDirectory current = [this] { return directory_->Current(); };
  context_ = std::make_unique<ServiceContext>(ServiceContext{*clock_, random_, *executor_, *store_, *log_,
                                                             *handles_, *suppression_, *idempotency_, current,
                                                             maintenance_.get()});
  ASSIGN_OR_RETURN(pki::PeerTrust trust, MakeTrust());
  trust_ = std::make_unique<pki::PeerTrust>(std::move(trust));
  authenticator_ = std::make_unique<Authenticator>(*trust_, current, *clock_);
  DispatchOptions options;
  options.service = name_;
  options.max_calls = settings_.max_calls;
  options.max_streams = definition.max_streams;
  options.standing = settings_.standing;
  options.always_ready = {kAuditServiceName};
  dispatcher_ = std::make_unique<Dispatcher>(*context_, *authenticator_, options);
  RETURN_IF_ERROR(dispatcher_->AddService(kAuditServiceName));
  RETURN_IF_ERROR(dispatcher_->AddService(kMaintenanceServiceName));
  RETURN_IF_ERROR(dispatcher_->AddService(kHoldServiceName));
  for (const std::string& service : definition.services) {
    RETURN_IF_ERROR(dispatcher_->AddService(service));
  }
  telemetry::ServiceMetricsOptions metrics;
  metrics.methods = dispatcher_->MethodNames();
  for (const auto& [peer, target] : settings_.peers) {
    metrics.peers.push_back(peer);
  }
  metrics.queues = {"writer"};
  metrics.test_mode = test_mode_;
  service_metrics_ = std::make_unique<telemetry::ServiceMetrics>(metrics_, metrics);
  dispatcher_->SetMetrics(service_metrics_.get());
  misses_ = MakeMissLimiter();
  dispatcher_->SetMissLimiter(misses_.get());
  dispatcher_->SetDiskWatch(&disk_);
  audit_handlers_ = std::make_unique<AuditHandlers>(*context_, definition.opened);
  audit_service_ = MakeAuditService(*dispatcher_, *audit_handlers_);
  Backups backups = BackupsOf(*store_, settings_.backup_folder);
  if (!definition.papers_ring.empty()) {
    backups.papers_epochs = [this, name = definition.papers_ring] { return VersionsOf(*own_ring_, name); };
  }
  maintenance_handlers_ = std::make_unique<MaintenanceHandlers>(*context_, std::move(backups));
  maintenance_service_ = MakeMaintenanceService(*dispatcher_, *maintenance_handlers_);
  hold_handlers_ = std::make_unique<HoldHandlers>(*context_);
  hold_service_ = MakeHoldService(*dispatcher_, *hold_handlers_);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> ServiceRuntime::Channel(const std::string& service) {
  const auto target = settings_.peers.find(service);
  if (target == settings_.peers.end()) {
    return absl::NotFoundError("the peer " + service + " is configured absent");
  }
  std::lock_guard lock(channels_mu_);
  std::shared_ptr<grpc::Channel>& channel = channels_[service];
  if (channel == nullptr) {
    ASSIGN_OR_RETURN(channel, MakeChannel({target->second, service, settings_.tls}, *trust_,
                                          [this] { return directory_->Current(); }));
  }
  return channel;
}

absl::StatusOr<std::unique_ptr<audit::TailSource>> ServiceRuntime::Tail(const std::string& service) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, Channel(service));
  return MakeTailSource(channel, *executor_);
}

void ServiceRuntime::Show(BoundService& bound, const std::string& peer, const audit::Follower* follower,
                          Lease lease) {
  if (follower == nullptr) {
    return;
  }
  std::vector<telemetry::GaugeReading> readings =
      ShowFollower(*service_metrics_, peer, *follower, lease, *clock_);
  std::move(readings.begin(), readings.end(), std::back_inserter(bound.readings));
}

absl::Status ServiceRuntime::WriteStarted() {
  if (log_->lost().has_value()) {
    RETURN_IF_ERROR(BlockOn(
        audit::RecordContinued(*log_, *store_, "service/" + name_, directory_->Current()->version())));
  }
  return BlockOn(audit::RecordStart(*log_, *store_, "service/" + name_, directory_->Current()->version()));
}

absl::Status ServiceRuntime::StartServing(const ServiceDefinition& definition) {
  RETURN_IF_ERROR(WriteStarted());
  LookAtDisk();
  if (!settings_.metrics_listen.empty()) {
    RETURN_IF_ERROR(metrics_.Serve(settings_.metrics_listen).status());
  }
  ASSIGN_OR_RETURN(bound_, definition.bind(*this));
  RETURN_IF_ERROR(dispatcher_->AllBoundAreAdded());
  RETURN_IF_ERROR(BlockOn(maintenance_->Reapply()));
  std::vector<grpc::Service*> services = {audit_service_.get(), maintenance_service_.get(),
                                          hold_service_.get()};
  for (const std::unique_ptr<grpc::Service>& service : bound_->services) {
    services.push_back(service.get());
  }
  ServerOptions options;
  options.listen = settings_.listen;
  options.tls = settings_.tls;
  options.reflection = settings_.reflection;
  ASSIGN_OR_RETURN(server_, Server::Start(options, *authenticator_, *dispatcher_, services));
  RETURN_IF_ERROR(bound_->start());
  maintenance_->Start();
  audit_handlers_->index().Start(settings_.rebuild_indexes);
  server_->SetServing(true);
  log::Info("serving",
            {log::Field::Name("address", settings_.listen), log::Field::Count("port", server_->port()),
             log::Field::Count("log_size", static_cast<int64_t>(log_->state().size)),
             log::Field::Name("test_mode", test_mode_ ? "yes" : "no")});
  return absl::OkStatus();
}

void ServiceRuntime::Stop() {
  if (std::exchange(stopped_, true)) {
    return;
  }
  // First: whoever waits for it is answered before the server waits for their calls.
  if (maintenance_ != nullptr) {
    store_->CancelCompactions();
    BlockOn(maintenance_->Stop());
  }
  if (server_ != nullptr) {
    server_->Drain(store_failed_ ? absl::Seconds(1) : settings_.drain);
    server_ = nullptr;
  }
  if (bound_ != nullptr) {
    bound_->readings.clear();
    bound_->stop();
    bound_ = nullptr;
  }
  if (audit_handlers_ != nullptr) {
    BlockOn(audit_handlers_->index().Stop());
  }
  if (dispatcher_ != nullptr && store_ != nullptr && !store_failed_) {
    BlockOn(dispatcher_->WriteCountedRefusals(true));
  }
  channels_.clear();
  if (log_ != nullptr && store_ != nullptr) {
    log_->Stop();
  }
  if (store_ != nullptr) {
    store_->Close();
  }
  if (executor_ != nullptr) {
    executor_->Stop();
  }
}

}  // namespace relais::rpc
