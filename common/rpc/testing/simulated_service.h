// What the test worlds of services share: one service on its own log and store in virtual time, that may die
// and come back; and the logs of others, which are real ones.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/maintenance.h"
#include "common/audit/testing/log_harness.h"
#include "common/base/status.h"
#include "common/directory/testing/sample.h"
#include "common/rpc/service_context.h"

namespace relais::rpc::testing {

/// Another service's log, on the same virtual time.
class PeerLog final : public audit::testing::LogHarness {
 public:
  PeerLog(relais::testing::SimExecutor& sim, audit::testing::HarnessOptions options)
      : LogHarness(sim, sim, std::move(options)), sim_(sim) {
    OpenOrDie();
  }
  ~PeerLog() override { StopAll(); }

 private:
  void Wait(const std::function<bool()>& done) override {
    if (!sim_.RunUntil(done, absl::Hours(1))) {
      Die(absl::DeadlineExceededError("the task does not end"));
    }
  }
  bool threaded() const override { return false; }
  relais::testing::SimExecutor& sim_;
};

struct SimulatedOptions {
  std::string service;               // "routing"
  uint64_t seed = 1;                 // decides every order
  absl::Time start;                  // what the clock says at first
  std::vector<std::string> senders;  // institutions that have a suppression key
  /// Another store than one in memory; it resumes its callers on the thread they are on (BlockingStore).
  std::function<absl::StatusOr<std::unique_ptr<storage::Store>>(Executor&, storage::Sequencer&)> make_store =
      {};
  std::string published_path = {};  // of the own log's last checkpoint; empty: none is kept
};

/// The base of a service's test world, with the sample directory. A derived class says how the service is
/// made (Make), calls Open at the end of its constructor and Close at the beginning of its destructor, so
/// that what the service is given may live in the derived class. Failures to set up end the test program.
template <typename Service>
class SimulatedService {
 public:
  SimulatedService(const SimulatedService&) = delete;
  SimulatedService& operator=(const SimulatedService&) = delete;

  Service& service() { return *services_.back(); }
  relais::testing::SimExecutor& sim() { return harness_.sim(); }
  audit::testing::SimLogHarness& harness() { return harness_; }
  [[nodiscard]] const ServiceContext& context() const { return *contexts_.back(); }
  audit::Maintenance& maintenance() { return *maintenances_.back(); }
  [[nodiscard]] const directory::Directory& directory() const { return *directory_; }
  /// Another one in force, without restart.
  void SetDirectory(const std::string& yaml) { directory_ = directory::testing::MakeDirectory(yaml); }

  template <typename T>
  T Run(Task<T> task) {
    return harness_.Run(std::move(task));
  }
  /// Lets followers and timers work.
  void Settle(absl::Duration time = absl::Seconds(2)) { sim().RunFor(time); }
  /// The process dies and comes back on the same store.
  void Restart() {
    harness_.Crash();
    // A dead process's coroutines end on their own.
    Start(maintenance().Stop(), [](bool) {});
    Start(service().Stop(), [](bool) {});
    sim().RunFor(kEnd);
    armed_ = false;
    Require(harness_.Reopen());
    Open();
  }
  /// The process has died with its store, which refuses everything since, and comes back on what `make_store`
  /// opens now. An error: it refuses to; then it may be tried again, on another.
  absl::Status ComeBack() {
    for (; stopped_ < services_.size(); ++stopped_) {
      Start(maintenances_[stopped_]->Stop(), [](bool) {});
      Start(services_[stopped_]->Stop(), [](bool) {});
    }
    sim().RunFor(kEnd);
    RETURN_IF_ERROR(harness_.Reopen());
    return TryOpen();
  }
  /// The store dies at its `step`-th step from now on, counting from 0.
  void CrashAt(uint64_t step) {
    crash_step_ = step;
    steps_ = 0;
    armed_ = true;
  }
  [[nodiscard]] bool Dead() { return !harness_.store().failure().ok(); }

  /// A call of an institution's system.
  [[nodiscard]] Call CallOf(const std::string& institution) const {
    Call call;
    call.caller.institution = institution;
    call.caller.certificate = std::string(64, 'c');
    call.directory = directory_;
    return call;
  }
  [[nodiscard]] Call AsService(const std::string& name) const {
    Call call;
    call.caller.kind = Caller::Kind::kService;
    call.caller.service = name;
    call.directory = directory_;
    return call;
  }

  /// The service's own log, opened.
  std::vector<audit::OpenedLeaf> Leaves() {
    constexpr size_t kMost = 100'000;
    auto leaves = harness_.log().ReadOpened(0, kMost);
    Require(leaves.status());
    return *std::move(leaves);
  }
  size_t Count(audit::v1::EventClass event_class) {
    size_t count = 0;
    for (const audit::OpenedLeaf& leaf : Leaves()) {
      count += leaf.leaf.header.event_class() == event_class ? 1 : 0;
    }
    return count;
  }

  static void Require(const absl::Status& status) {
    if (!status.ok()) {
      std::fprintf(stderr, "simulated service: %s\n", status.ToString().c_str());
      std::abort();
    }
  }

 protected:
  explicit SimulatedService(const SimulatedOptions& options)
      : options_(options),
        harness_(OwnLog()),
        suppression_(harness_.ring()),
        idempotency_(Secret(std::string(32, 'i'))),
        directory_(directory::testing::SampleDirectory()) {
    Require(harness_.ring().Add("handle", Secret(std::string(32, 'h'))).status());
    for (const std::string& sender : options.senders) {
      Require(harness_.ring()
                  .Add(identity::SuppressionKeyName(sender), Secret(std::string(32, sender.at(1))))
                  .status());
    }
    auto handles = identity::HandleCodec::Create(harness_.ring(), {}, harness_.clock());
    Require(handles.status());
    handles_.emplace(*std::move(handles));
  }
  virtual ~SimulatedService() = default;

  virtual std::unique_ptr<Service> Make(const ServiceContext& context) = 0;
  void Open() { Require(TryOpen()); }
  void Close() {
    Run(maintenance().Stop());
    Run(service().Stop());
    sim().RunFor(kEnd);
    services_.clear();
    contexts_.clear();
    maintenances_.clear();
  }
  /// The log of the `number`-th peer, counting from 1.
  [[nodiscard]] audit::testing::HarnessOptions LogOf(const std::string& peer, uint64_t number) const {
    constexpr uint64_t kSeedStep = 1000;
    audit::testing::HarnessOptions options;
    options.origin = "relais.test/" + peer + "/1";
    options.seed = options_.seed + number * kSeedStep;
    options.start = options_.start;
    return options;
  }
  [[nodiscard]] const identity::SuppressionKeys& suppression() const { return suppression_; }

 private:
  // Enough for every retry and timer that is under way to come to its end.
  static constexpr absl::Duration kEnd = absl::Seconds(30);

  absl::Status TryOpen() {
    audit::MaintenanceOptions maintenance_options;
    maintenance_options.institution = "service/" + options_.service;
    ASSIGN_OR_RETURN(
        auto opened,
        audit::Maintenance::Open(std::move(maintenance_options), harness_.log(), harness_.store(),
                                 harness_.ring(), harness_.clock(), harness_.random(), harness_.executor()));
    maintenances_.push_back(std::move(opened));
    contexts_.push_back(std::make_unique<ServiceContext>(ServiceContext{
        harness_.clock(), harness_.random(), harness_.executor(), harness_.store(), harness_.log(), *handles_,
        suppression_, idempotency_, [this] { return directory_; }, maintenances_.back().get()}));
    services_.push_back(Make(*contexts_.back()));
    RETURN_IF_ERROR(service().Start());
    maintenance().Start();
    Settle(absl::Seconds(1));
    return absl::OkStatus();
  }

  audit::testing::HarnessOptions OwnLog() {
    audit::testing::HarnessOptions options = LogOf(options_.service, 0);
    options.store.crash_at = [this](uint64_t) { return armed_ && steps_++ == crash_step_; };
    options.make_store = options_.make_store;
    options.published_path = options_.published_path;
    return options;
  }

  const SimulatedOptions options_;
  bool armed_ = false;
  uint64_t steps_ = 0;
  uint64_t crash_step_ = 0;
  size_t stopped_ = 0;  // of `services_`, by ComeBack
  audit::testing::SimLogHarness harness_;
  identity::SuppressionKeys suppression_;
  Idempotency idempotency_;
  std::optional<identity::HandleCodec> handles_;
  std::shared_ptr<const directory::Directory> directory_;
  // Coroutines of a process that died may still look at what they were given: everything stays until Close.
  std::vector<std::unique_ptr<audit::Maintenance>> maintenances_;
  std::vector<std::unique_ptr<ServiceContext>> contexts_;
  std::vector<std::unique_ptr<Service>> services_;
};

}  // namespace relais::rpc::testing
