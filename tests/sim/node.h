// A simulated machine: a disk and a key ring that survive, and one process at a time that does not.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/follower.h"
#include "common/audit/log.h"
#include "common/audit/maintenance.h"
#include "common/audit/start.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/memory_key_ring.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/rpc/service_context.h"
#include "common/storage/memory/memory_store.h"
#include "tests/sim/network.h"

namespace relais::sim {

/// What all processes of the suite share.
struct Shared {
  testing::SimExecutor& sim;
  Network& net;
  testing::SeededRandom& random;
  crypto::MemoryKeyRing& ring;  // handles, suppression
  std::shared_ptr<const directory::Directory> directory;
};

/// One process. Kept after its death until the world ends: its coroutines unwind on failures.
template <typename Service>
struct Process {
  Life life = std::make_shared<bool>(true);
  std::unique_ptr<audit::Log> log;
  std::unique_ptr<storage::MemoryStore> store;
  std::unique_ptr<identity::HandleCodec> handles;
  std::unique_ptr<identity::SuppressionKeys> suppression;
  std::unique_ptr<rpc::Idempotency> idempotency;
  std::unique_ptr<audit::Maintenance> maintenance;  // null: nothing is erased here
  std::unique_ptr<rpc::ServiceContext> context;
  std::unique_ptr<Service> service;
  bool serving = false;
};

/// Serves while `process()` is not null.
template <typename Service>
class Node {
 public:
  using ProcessPtr = std::shared_ptr<Process<Service>>;
  using Factory = std::function<std::unique_ptr<Service>(const ProcessPtr&)>;
  using Starter = std::function<absl::Status(Service&)>;
  /// The services whose acknowledgement an erasure here waits for; nullopt: nothing is erased here.
  using Erases = std::optional<std::set<std::string>>;

  Node(Shared& shared, std::string name, Factory factory, Starter starter, Erases erases = std::nullopt)
      : shared_(shared),
        name_(std::move(name)),
        factory_(std::move(factory)),
        starter_(std::move(starter)),
        erases_(std::move(erases)),
        disk_(std::make_shared<storage::MemoryDisk>()) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ProcessPtr process() const { return current_ && current_->serving ? current_ : nullptr; }
  [[nodiscard]] bool up() const { return current_ != nullptr; }
  /// The machine's own: of its log, and of what else it seals.
  [[nodiscard]] crypto::KeyRing& ring() { return ring_; }

  /// OK, or why the store and log do not open: always a finding.
  absl::Status Boot() {
    auto process = std::make_shared<Process<Service>>();
    audit::LogOptions options;
    options.origin = "relais.test/" + name_ + "/1";
    options.signers.push_back({"", crypto::SigningKey::FromSeed(Secret(std::string(32, name_[0]))).value()});
    options.ring = &ring_;
    options.test_mode = true;
    auto log = audit::Log::Create(std::move(options), shared_.sim, shared_.random, shared_.sim);
    if (!log.ok()) {
      return log.status();
    }
    process->log = std::move(*log);
    storage::MemoryStore::Options store;
    store.strict = true;
    store.commit_delay = [this] { return absl::Microseconds(static_cast<int64_t>(shared_.sim.Below(5000))); };
    store.crash_at = [this, life = process->life](uint64_t) { return CrashNow(life); };
    process->store =
        std::make_unique<storage::MemoryStore>(disk_, shared_.sim, process->log->sequencer(), store);
    absl::Status recovered = process->log->Recover(*process->store);
    if (!recovered.ok()) {
      return recovered;
    }
    process->handles = std::make_unique<identity::HandleCodec>(
        identity::HandleCodec::Create(shared_.ring, identity::HandlePolicy(), shared_.sim).value());
    process->suppression = std::make_unique<identity::SuppressionKeys>(shared_.ring);
    process->idempotency = std::make_unique<rpc::Idempotency>(Secret(std::string(32, 'i')));
    absl::Status maintained = OpenMaintenance(*process);
    if (!maintained.ok()) {
      return maintained;
    }
    process->context = std::make_unique<rpc::ServiceContext>(rpc::ServiceContext{
        shared_.sim, shared_.random, shared_.sim, *process->store, *process->log, *process->handles,
        *process->suppression, *process->idempotency, [directory = shared_.directory] { return directory; },
        process->maintenance.get()});
    process->service = factory_(process);
    current_ = process;
    all_.push_back(process);
    relais::Start(
        audit::RecordStart(*process->log, *process->store, "service/" + name_, shared_.directory->version()),
        [this, process](absl::Status status) {
          if (status.ok() && *process->life && starter_(*process->service).ok()) {
            if (process->maintenance != nullptr) {
              process->maintenance->Start();
            }
            process->serving = true;
          }
        });
    return absl::OkStatus();
  }

  void Crash() {
    if (current_ == nullptr) {
      return;
    }
    *current_->life = false;
    current_->store->Kill();
    current_ = nullptr;
  }
  /// For the end of the world: what still waits in any process, the dead ones too, comes to its end.
  void StopAll() {
    for (const ProcessPtr& process : all_) {
      if (process->maintenance != nullptr) {
        relais::Start(process->maintenance->Stop(), [](bool) {});
      }
      relais::Start(process->service->Stop(), [](bool) {});
    }
  }
  /// The next commit crashes the process, at a step the seed chooses.
  void CrashAtNextCommit() { armed_ = true; }
  /// No more crashes to come.
  void Calm() { armed_ = false; }

  [[nodiscard]] const std::vector<ProcessPtr>& all() const { return all_; }
  [[nodiscard]] const std::shared_ptr<storage::MemoryDisk>& disk() const { return disk_; }

 private:
  // The journal is kept in memory: there is nothing to erase again.
  absl::Status OpenMaintenance(Process<Service>& process) {
    if (!erases_.has_value()) {
      return absl::OkStatus();
    }
    audit::MaintenanceOptions options;
    options.institution = "service/" + name_;
    options.directory_version = [directory = shared_.directory] { return directory->version(); };
    options.wait_for = *erases_;
    auto opened = audit::Maintenance::Open(std::move(options), *process.log, *process.store, ring_,
                                           shared_.sim, shared_.random, shared_.sim);
    if (opened.ok()) {
      process.maintenance = *std::move(opened);
    }
    return opened.status();
  }

  bool CrashNow(const Life& life) {
    if (!armed_ || !*life || shared_.sim.Below(2) == 0) {
      return false;
    }
    armed_ = false;
    *life = false;
    // The store kills itself at this step; the machine notices at once.
    shared_.sim.Post([this, life] {
      if (current_ != nullptr && current_->life == life) {
        current_ = nullptr;
      }
    });
    return true;
  }

  Shared& shared_;
  std::string name_;
  Factory factory_;
  Starter starter_;
  const Erases erases_;
  std::shared_ptr<storage::MemoryDisk> disk_;
  crypto::MemoryKeyRing ring_;
  bool armed_ = false;
  ProcessPtr current_;
  std::vector<ProcessPtr> all_;
};

/// A process's log, read over the network by another process. `shown`: of other classes the hash alone comes.
template <typename Service>
class NetworkTail final : public audit::TailSource {
 public:
  NetworkTail(Network& net, Route route, Node<Service>& node, audit::Log::Wanted shown = nullptr)
      : net_(net), route_(std::move(route)), node_(node), shown_(std::move(shown)) {}

  Task<absl::StatusOr<std::vector<audit::FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                              absl::Duration wait) override {
    Remote<uint64_t, std::vector<audit::FollowedLeaf>> remote =
        [node = &node_, shown = shown_, limit,
         wait](uint64_t index) -> std::optional<Task<absl::StatusOr<Leaves>>> {
      auto process = node->process();
      if (process == nullptr) {
        return std::nullopt;
      }
      return ReadLocal(std::move(process), shown, index, limit, wait);
    };
    Route route = route_;
    route.attempt = wait + absl::Seconds(1);
    return Attempt<uint64_t, Leaves>(&net_, std::move(route), std::move(remote), from);
  }

  Task<absl::StatusOr<audit::LogState>> Probe(std::string nonce) override {
    Remote<std::string, audit::LogState> remote =
        [node = &node_](std::string) -> std::optional<Task<absl::StatusOr<audit::LogState>>> {
      auto process = node->process();
      if (process == nullptr) {
        return std::nullopt;
      }
      return StateOf(std::move(process));
    };
    return Attempt<std::string, audit::LogState>(&net_, route_, std::move(remote), std::move(nonce));
  }

 private:
  using Leaves = std::vector<audit::FollowedLeaf>;
  using ProcessPtr = typename Node<Service>::ProcessPtr;

  static Task<absl::StatusOr<Leaves>> ReadLocal(ProcessPtr process, audit::Log::Wanted shown, uint64_t from,
                                                size_t limit, absl::Duration wait) {
    std::unique_ptr<audit::TailSource> source = audit::LocalSource(*process->log, std::move(shown));
    auto leaves = co_await source->Read(from, limit, wait);
    co_return leaves;
  }
  static Task<absl::StatusOr<audit::LogState>> StateOf(ProcessPtr process) {
    co_return process->log->state();
  }

  Network& net_;
  Route route_;
  Node<Service>& node_;
  const audit::Log::Wanted shown_;
};

/// A method of another service, as a real client calls it over the network.
template <typename Service, typename Request, typename Response, typename Pick, typename Method>
rpc::PeerMethod<Request, Response> Peer(Network* net, Route route, Node<Service>* node, rpc::Call call,
                                        Pick pick, Method method) {
  return [=](Request request, absl::Duration timeout) {
    Remote<Request, Response> remote = [=](Request inner) -> std::optional<Task<absl::StatusOr<Response>>> {
      auto process = node->process();
      if (process == nullptr) {
        return std::nullopt;
      }
      return (pick(*process->service).*method)(call, std::move(inner));
    };
    return CallOver<Request, Response>(net, route, std::move(remote), std::move(request), timeout);
  };
}

}  // namespace relais::sim
