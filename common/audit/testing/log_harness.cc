#include "common/audit/testing/log_harness.h"

#include <array>

#include "common/base/status.h"
#include "common/crypto/sha256.h"

namespace relais::audit::testing {
namespace {

// Its pages are the same as those of every other test's partition: what matters here are the leaves.
const storage::Partition& AppendPartition() {
  static const storage::Partition partition{storage::PartitionKind::kCase, {}};
  return partition;
}

Task<absl::StatusOr<storage::CommitResult>> AppendTask(Log& log, storage::Store& store,
                                                       std::vector<Event> events) {
  storage::CommitRequest commit;
  commit.partition = AppendPartition();
  for (const Event& event : events) {
    CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log.Draft(event));
    commit.leaves.push_back(std::move(draft));
  }
  co_return co_await store.Commit(std::move(commit));
}

}  // namespace

LogHarness::LogHarness(Executor& executor, Clock& clock, HarnessOptions options)
    : executor_(executor),
      clock_(clock),
      options_(std::move(options)),
      random_(options_.seed),
      key_(crypto::SigningKey::Generate(random_)) {}

void LogHarness::Die(const absl::Status& status) {
  std::fprintf(stderr, "log harness: %s\n", status.ToString().c_str());
  std::abort();
}

absl::Status LogHarness::Reopen() {
  LogOptions log_options;
  log_options.origin = options_.origin;
  for (const crypto::SigningKey& key : options_.signers) {
    log_options.signers.push_back({options_.origin, key});
  }
  if (options_.signers.empty()) {
    log_options.signers.push_back({options_.origin, key_});
  }
  log_options.ring = &ring_;
  log_options.published_path = options_.published_path;
  log_options.test_mode = options_.test_mode;
  log_options.accept_loss = options_.accept_loss;
  log_options.subject_cache_entries = options_.subject_cache_entries;
  Process process;
  ASSIGN_OR_RETURN(process.log, Log::Create(std::move(log_options), clock_, random_, executor_));
  if (options_.make_store) {
    ASSIGN_OR_RETURN(process.store, options_.make_store(executor_, process.log->sequencer()));
  } else {
    process.store =
        std::make_unique<storage::MemoryStore>(disk_, executor_, process.log->sequencer(), options_.store);
  }
  processes_.push_back(std::move(process));
  return log().Recover(store());
}

void LogHarness::OpenOrDie() {
  if (const absl::Status status = Reopen(); !status.ok()) {
    Die(status);
  }
}

void LogHarness::Crash() {
  if (threaded()) {
    // A process that died publishes nothing more: let what is under way on other threads end.
    (void)Run(log().Checkpoint(log().state().size));
  }
  if (auto* memory = dynamic_cast<storage::MemoryStore*>(&store()); memory != nullptr) {
    memory->Kill();
  } else {
    // Its files can be open once only; what is committed is durable all the same.
    processes_.back().store.reset();
  }
}

void LogHarness::StopAll() {
  // The others crashed: they publish nothing any more.
  log().Stop();
  for (Process& process : processes_) {
    if (auto* memory = dynamic_cast<storage::MemoryStore*>(process.store.get()); memory != nullptr) {
      memory->Kill();
    } else {
      process.store.reset();
    }
  }
}

absl::StatusOr<storage::CommitResult> LogHarness::TryAppend(const std::vector<Event>& events) {
  return Run(AppendTask(log(), store(), events));
}

storage::LeafRange LogHarness::Append(const std::vector<Event>& events) {
  const absl::StatusOr<storage::CommitResult> result = TryAppend(events);
  if (!result.ok()) {
    Die(result.status());
  }
  return result->leaves;
}

void LogHarness::AppendMany(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    Append(PlainEvent());
  }
}

SimLogHarness::SimLogHarness(HarnessOptions options)
    : SimLogHarness(std::make_unique<relais::testing::SimExecutor>(options.seed, options.start), options) {}

SimLogHarness::SimLogHarness(std::unique_ptr<relais::testing::SimExecutor> sim, HarnessOptions options)
    : LogHarness(*sim, *sim, std::move(options)), sim_(std::move(sim)) {
  OpenOrDie();
}

SimLogHarness::~SimLogHarness() {
  StopAll();
  sim_->RunFor(absl::Minutes(1));
}

void SimLogHarness::Wait(const std::function<bool()>& done) {
  if (!sim_->RunUntil(done, absl::Hours(1))) {
    Die(absl::DeadlineExceededError("the task does not end"));
  }
}

PoolLogHarness::PoolLogHarness(HarnessOptions options, int threads)
    : PoolLogHarness(std::make_unique<Machine>(threads), std::move(options)) {}

PoolLogHarness::PoolLogHarness(std::unique_ptr<Machine> machine, HarnessOptions options)
    : LogHarness(machine->pool, machine->clock, std::move(options)), machine_(std::move(machine)) {
  OpenOrDie();
}

PoolLogHarness::~PoolLogHarness() {
  StopAll();
  machine_->pool.Stop();
}

void PoolLogHarness::Wait(const std::function<bool()>& done) {
  if (!done()) {
    Die(absl::InternalError("real threads are waited for with BlockOn"));
  }
}

Event PlainEvent(audit::v1::EventClass event_class) {
  Event event;
  event.event_class = event_class;
  event.institution = "service/test";
  event.directory_version = 1;
  event.actor.set_agent("agent-1");
  event.actor.set_request_id("request-1");
  return event;
}

Event SubjectEvent(const Subject& subject, audit::v1::EventClass event_class) {
  Event event = PlainEvent(event_class);
  event.institution = "ville-paris";
  event.subject = subject;
  event.purpose = "SOCIAL_SUPPORT";
  event.details.set_acting_function("assistant-social");
  event.details.set_relation("DESK");
  return event;
}

Subject Person(uint64_t number) {
  const std::string digest = crypto::Sha256("person " + std::to_string(number));
  return {Subject::Kind::kPerson, Id128::FromBytes(digest.substr(0, Id128::kSize)).value()};
}

}  // namespace relais::audit::testing
