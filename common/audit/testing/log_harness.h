// A log over a store, ready in one line: SimLogHarness in virtual time, PoolLogHarness on real threads.
//
//   SimLogHarness harness;
//   harness.Append(PersonEvent(person));
//   auto proof = harness.Run(harness.log().Prove(0, true));
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/testing/seeded_random.h"
#include "common/base/testing/sim_executor.h"
#include "common/crypto/memory_key_ring.h"
#include "common/storage/memory/memory_store.h"

namespace relais::audit::testing {

struct HarnessOptions {
  std::string origin = "relais.test/test/1";
  uint64_t seed = 1;
  absl::Time start = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01, for SimLogHarness
  std::string published_path = {};
  bool test_mode = true;
  bool accept_loss = false;
  size_t subject_cache_entries = 1000;
  /// Who signs; empty: the harness's own key. Looked at by every Reopen.
  std::vector<crypto::SigningKey> signers = {};
  storage::MemoryStore::Options store = {.commit_delay = {}, .crash_at = {}, .strict = true};
  /// Another store than the harness's MemoryStore.
  std::function<absl::StatusOr<std::unique_ptr<storage::Store>>(Executor&, storage::Sequencer&)> make_store =
      {};
};

/// What both harnesses share. A harness that cannot be opened ends the test program, unless it is opened by
/// `Reopen`.
class LogHarness {
 public:
  virtual ~LogHarness() = default;
  LogHarness(const LogHarness&) = delete;
  LogHarness& operator=(const LogHarness&) = delete;

  [[nodiscard]] Log& log() { return *processes_.back().log; }
  [[nodiscard]] storage::Store& store() { return *processes_.back().store; }
  [[nodiscard]] crypto::MemoryKeyRing& ring() { return ring_; }
  [[nodiscard]] relais::testing::SeededRandom& random() { return random_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] Executor& executor() { return executor_; }
  [[nodiscard]] HarnessOptions& options() { return options_; }
  /// What the MemoryStore keeps; replace it between Crash and Reopen to roll back.
  [[nodiscard]] std::shared_ptr<storage::MemoryDisk>& disk() { return disk_; }
  [[nodiscard]] NamedVerifyKey verify_key() const { return {options_.origin, key_.verify_key()}; }

  /// The process dies: no Stop, the store keeps what is durable. The objects stay until the harness goes,
  /// because coroutines may still look at them.
  void Crash();
  /// A new process on the same store and key ring.
  [[nodiscard]] absl::Status Reopen();

  template <typename T>
  T Run(Task<T> task) {
    std::optional<T> result;
    RunUntil(std::move(task), result);
    return *std::move(result);
  }
  /// Commits leaves for these events in one commit and waits. Ends the test program on an error.
  storage::LeafRange Append(const std::vector<Event>& events);
  storage::LeafRange Append(const Event& event) { return Append(std::vector<Event>{event}); }
  /// `count` leaves without subject, one commit each.
  void AppendMany(size_t count);
  [[nodiscard]] absl::StatusOr<storage::CommitResult> TryAppend(const std::vector<Event>& events);

 protected:
  LogHarness(Executor& executor, Clock& clock, HarnessOptions options);
  void OpenOrDie();
  void StopAll();
  [[noreturn]] static void Die(const absl::Status& status);
  /// Runs until `done`.
  virtual void Wait(const std::function<bool()>& done) = 0;
  virtual bool threaded() const = 0;

 private:
  struct Process {
    std::unique_ptr<Log> log;
    std::unique_ptr<storage::Store> store;
  };
  template <typename T>
  void RunUntil(Task<T> task, std::optional<T>& result) {
    if (threaded()) {
      result.emplace(BlockOn(std::move(task)));
      return;
    }
    Start(std::move(task), [&result](T value) { result.emplace(std::move(value)); });
    Wait([&result] { return result.has_value(); });
  }

  Executor& executor_;
  Clock& clock_;
  HarnessOptions options_;
  relais::testing::SeededRandom random_;
  crypto::MemoryKeyRing ring_;
  crypto::SigningKey key_;
  std::shared_ptr<storage::MemoryDisk> disk_ = std::make_shared<storage::MemoryDisk>();
  std::vector<Process> processes_;
};

/// Everything on one thread in virtual time; the seed decides every order. `Run` ends the test program when
/// the task does not end within an hour of virtual time.
class SimLogHarness final : public LogHarness {
 public:
  explicit SimLogHarness(HarnessOptions options = {});
  ~SimLogHarness() override;
  [[nodiscard]] relais::testing::SimExecutor& sim() { return *sim_; }

 private:
  SimLogHarness(std::unique_ptr<relais::testing::SimExecutor> sim, HarnessOptions options);
  void Wait(const std::function<bool()>& done) override;
  bool threaded() const override { return false; }
  std::unique_ptr<relais::testing::SimExecutor> sim_;
};

/// Real threads, the machine's clock.
class PoolLogHarness final : public LogHarness {
 public:
  explicit PoolLogHarness(HarnessOptions options = {}, int threads = 4);
  ~PoolLogHarness() override;

 private:
  struct Machine {
    explicit Machine(int threads) : pool(threads) {}
    SystemClock clock;
    ThreadPool pool;
  };
  PoolLogHarness(std::unique_ptr<Machine> machine, HarnessOptions options);
  void Wait(const std::function<bool()>& done) override;
  bool threaded() const override { return true; }
  std::unique_ptr<Machine> machine_;
};

/// Events with enough in them to be told apart.
Event PlainEvent(audit::v1::EventClass event_class = audit::v1::EVENT_CLASS_CALL_REFUSED);
Event SubjectEvent(const Subject& subject,
                   audit::v1::EventClass event_class = audit::v1::EVENT_CLASS_CONSENT_RECORDED);
/// A person whose id is this number, repeatably.
Subject Person(uint64_t number);

}  // namespace relais::audit::testing
