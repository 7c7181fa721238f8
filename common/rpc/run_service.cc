// The life of a service's process: signals, reload, health of the store.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/handle_settings.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/process.h"
#include "common/rpc/runtime.h"
#include "common/storage/rocksdb/rocksdb_store.h"

namespace relais::rpc {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;
constexpr int kExitStoreFailed = 70;
constexpr int kExitSettings = 78;
constexpr timespec kTick{0, 250'000'000};
constexpr int kTicksPerLook = 4;
constexpr int kTicksPerRecheck = 40;

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

int Fail(int code, const absl::Status& status) {
  log::Error("cannot start", {log::Field::Internal(status)});
  return code;
}

}  // namespace

void ServiceRuntime::ReloadDirectory(bool forced) {
  const bool changed = directory_watch_.Changed();
  if (!changed && !forced) {
    return;
  }
  const uint64_t before = directory_->Current()->version();
  const absl::Status status = directory_->Reload();
  if (!status.ok()) {
    log::Warn("the directory was not reloaded; the last good one stays", {log::Field::Internal(status)});
    return;
  }
  dispatcher_->RecheckStreams();
  const uint64_t version = directory_->Current()->version();
  if (version == before) {
    return;
  }
  log::Info("another directory is in force", {log::Field::Count("version", static_cast<int64_t>(version))});
  if (const absl::Status fits = CheckHandlePolicy(*settings_.handles, *directory_->Current(), *shared_ring_);
      !fits.ok()) {
    log::Error("with this directory the next start fails", {log::Field::Internal(fits)});
  }
  audit::Event event;
  event.event_class = audit::v1::EVENT_CLASS_DIRECTORY_CHANGED;
  event.institution = "service/" + name_;
  event.directory_version = version;
  Start(WriteLoneLeaf(*context_, std::move(event)), [](const absl::StatusOr<storage::CommitResult>& written) {
    if (!written.ok()) {
      log::Error("no leaf for a change of directory", {log::Field::Internal(written.status())});
    }
  });
}

// Handle generations are chosen by the settings; a suppression key is in use once it is in the ring.
void ServiceRuntime::ReloadKeys() {
  const absl::StatusOr<bool> read = shared_ring_->Refresh();
  const absl::Status before = std::exchange(shared_ring_read_, read.status());
  if (!read.ok()) {
    if (read.status() != before) {  // it is tried every second
      log::Warn("the shared keys were not read again; what was read before stays",
                {log::Field::Internal(read.status())});
    }
  } else if (*read) {
    log::Info("the shared keys were read again",
              {log::Field::Count("keys", static_cast<int64_t>(shared_ring_->List().size()))});
  }
}

void ServiceRuntime::LookAtDisk() {
  if (disk_.Look()) {
    dispatcher_->RecheckStreams();
  }
}

void ServiceRuntime::UpdateGauges() {
  const std::shared_ptr<const directory::Directory> directory = directory_->Current();
  service_metrics_->log_size.Set(static_cast<double>(log_->state().size));
  service_metrics_->queue_depth.Set({"writer"}, static_cast<double>(store_->queued()));
  service_metrics_->disk_free.Set(static_cast<double>(disk_.use().free));
  service_metrics_->disk_size.Set(static_cast<double>(disk_.use().size));
  service_metrics_->disk_level.Set(static_cast<double>(disk_.level()));
  service_metrics_->directory_version.Set(static_cast<double>(directory->version()));
  service_metrics_->directory_seconds_left.Set(
      absl::ToDoubleSeconds(directory->content().not_after - clock_->Now()));
}

int ServiceRuntime::Wait() {
  const sigset_t signals = HandledSignals();
  for (int tick = 0;; ++tick) {
    const int signal = sigtimedwait(&signals, nullptr, &kTick);
    if (signal == SIGTERM || signal == SIGINT) {
      log::Info("stopping");
      return 0;
    }
    if (store_failed_) {
      server_->SetServing(false);
      return kExitStoreFailed;
    }
    if (signal == SIGHUP || tick % kTicksPerLook == 0) {
      ReloadDirectory(signal == SIGHUP);
      ReloadKeys();
      LookAtDisk();
      UpdateGauges();
    }
    if (tick % kTicksPerRecheck == 0) {
      dispatcher_->RecheckStreams();
      dispatcher_->EndStandingStreams();
      Start(dispatcher_->WriteCountedRefusals(false), [](bool) {});
    }
  }
}

int ServiceRuntime::Run(const ServiceDefinition& definition) {
  const absl::Status started = StartServing(definition);
  const int code = started.ok() ? Wait() : Fail(kExitFailed, started);
  Stop();
  return code;
}

int RunService(int argc, char** argv, const ServiceDefinition& definition) {
  // Before any thread: all of them inherit it, and only Wait takes these signals.
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Standard error is the operators' log, a JSON object a line: gRPC's own lines are none.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // A write past a limit on file sizes is an error that the store reports, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  log::Init(definition.name);
  const absl::StatusOr<Flags> flags = ParseFlags(argc, argv, definition.name);
  if (!flags.ok()) {
    if (flags.status().code() == absl::StatusCode::kCancelled) {
      return 0;
    }
    std::fputs((std::string(flags.status().message()) + "\n").c_str(), stderr);
    return kExitUsage;
  }
  if (const absl::Status tls = ConfigureProcess(); !tls.ok()) {
    return Fail(kExitFailed, tls);
  }
  absl::StatusOr<Config> config = Config::Load(flags->config, flags->overrides);
  if (!config.ok()) {
    return Fail(kExitSettings, config.status());
  }
  const Settings settings = ReadSettings(*config);
  if (definition.settings) {
    definition.settings(*config);
  }
  if (const absl::Status settled = config->Finish(); !settled.ok()) {
    return Fail(kExitSettings, settled);
  }
  if (!settings.handles.ok()) {
    return Fail(kExitSettings, settings.handles.status());
  }
  if (flags->check_config) {
    if (const absl::Status files = CheckFiles(settings); !files.ok()) {
      return Fail(kExitSettings, files);
    }
    std::puts("the settings are right");
    return 0;
  }
  absl::StatusOr<std::unique_ptr<ServiceRuntime>> runtime =
      ServiceRuntime::Open(definition, *flags, settings);
  if (!runtime.ok()) {
    return Fail(kExitFailed, runtime.status());
  }
  return (*runtime)->Run(definition);
}

}  // namespace relais::rpc
