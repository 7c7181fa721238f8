#include "common/audit/follower.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/cursor.h"
#include "common/audit/follow_window.h"
#include "common/audit/log_check.h"
#include "common/audit/waiters.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

using internal::Cursor;
using internal::FollowWindow;
using internal::LogCheck;
using internal::Waiters;

constexpr absl::Duration kReadWait = absl::Milliseconds(200);
constexpr absl::Duration kCursorInterval = absl::Milliseconds(100);
constexpr absl::Duration kFirstRetry = absl::Milliseconds(10);
constexpr absl::Duration kLongestRetry = absl::Seconds(5);
constexpr absl::Duration kReadRetry = absl::Milliseconds(100);
// A retry that is worth a line in the operators' log: about half a second of failures.
constexpr int kRetriesBeforeWarning = 6;
// A chain of leaves applied without suspending grows the stack in unoptimised builds.
constexpr int kLeavesPerTurn = 16;

// What the loops share. They hold it by shared_ptr, so that a frame that is about to end may outlive the
// Follower.
struct Core {
  Core(FollowerOptions follower_options, TailSource& tail_source, LeafHandler& leaf_handler,
       storage::Store& cursors, Clock& a_clock, Random& a_random, Executor& an_executor)
      : options(std::move(follower_options)),
        source(tail_source),
        handler(leaf_handler),
        store(cursors),
        clock(a_clock),
        random(a_random),
        executor(an_executor),
        ended_waiters(std::make_shared<Waiters>(executor)),
        room_waiters(std::make_shared<Waiters>(executor)),
        dirty_waiters(std::make_shared<Waiters>(executor)),
        applied_waiters(std::make_shared<Waiters>(executor)),
        idle_waiters(std::make_shared<Waiters>(executor)) {}

  const FollowerOptions options;
  TailSource& source;
  LeafHandler& handler;
  storage::Store& store;
  Clock& clock;
  Random& random;
  Executor& executor;

  const std::shared_ptr<Waiters> ended_waiters;    // stopping, or alarmed
  const std::shared_ptr<Waiters> room_waiters;     // the reader may go on
  const std::shared_ptr<Waiters> dirty_waiters;    // the cursor is to be written
  const std::shared_ptr<Waiters> applied_waiters;  // a size is applied
  const std::shared_ptr<Waiters> idle_waiters;     // the last coroutine ended

  std::atomic<bool> stopping = false;
  std::atomic<bool> alarmed = false;
  std::atomic<uint64_t> applied = 0;
  std::atomic<uint64_t> known = 0;  // written under the lock
  std::atomic<int64_t> lease_until_ns = 0;

  std::mutex mu;  // all that follows
  std::optional<LogCheck> check;
  std::optional<FollowWindow> window;
  merkle::Frontier applied_range;
  std::string rebuilt_from;   // the origin followed before a rebuild
  uint64_t effects = 0;       // the effect cursor
  uint64_t effects_from = 0;  // what it was at the start: leaves below have had their effects
  bool dirty = false;
  int running = 0;

  [[nodiscard]] bool Ended() const { return stopping || alarmed; }
  void WakeForEnd() const {
    ended_waiters->WakeAll();
    room_waiters->WakeAll();
    dirty_waiters->WakeAll();
    applied_waiters->WakeAll();
  }
};
using CorePtr = std::shared_ptr<Core>;

// Begins a coroutine that Stop waits for. The caller holds the lock.
void SpawnCounted(Core& core, Task<void> task) {
  ++core.running;
  Spawn(core.executor, std::move(task));
}

void Finished(const CorePtr& core) {
  bool idle = false;
  {
    std::lock_guard lock(core->mu);
    idle = --core->running == 0;
  }
  if (idle) {
    core->idle_waiters->WakeAll();
  }
}

void Alarm(Core& core, const absl::Status& why, uint64_t read) {
  if (core.alarmed.exchange(true)) {
    return;
  }
  log::Error("the followed log is not the one that was followed: following stops, the lease is gone",
             {log::Field::Name("follower", core.options.name), log::Field::Internal(why),
              log::Field::Count("read", static_cast<int64_t>(read))});
  core.WakeForEnd();
}

// The caller holds the lock.
void UpdateLease(Core& core) {
  const std::optional<absl::Duration> sent = core.check->Proven(core.applied);
  if (sent.has_value() && core.options.lease > absl::ZeroDuration()) {
    const int64_t until = absl::ToInt64Nanoseconds(*sent + core.options.lease);
    core.lease_until_ns = std::max(core.lease_until_ns.load(), until);
  }
}

// Counts what is finished at the beginning of the window. The caller holds the lock.
void Advance(Core& core) {
  const size_t before = core.window->size();
  const std::vector<merkle::Hash> finished = core.window->TakeFinished();
  // All that was read is applied: that range is made already. Not so with a leaf that did not pass the check.
  if (!finished.empty() && core.window->size() == 0 && core.check->read() == core.window->end()) {
    core.applied_range = core.check->range();
  } else {
    for (const merkle::Hash& hash : finished) {
      core.applied_range.Append(hash, nullptr);
    }
  }
  if (core.applied_range.size() == core.applied) {
    return;
  }
  core.applied = core.applied_range.size();
  core.effects = std::max<uint64_t>(core.effects, core.applied);
  UpdateLease(core);
  core.applied_waiters->Wake(core.applied);
  if (!std::exchange(core.dirty, true)) {
    core.dirty_waiters->WakeAll();
  }
  const size_t half = core.options.window / 2;
  if (before > half && core.window->size() <= half) {
    core.room_waiters->WakeAll();
  }
}

struct Turn {
  FollowedLeaf leaf;
  bool effects = true;
};
Turn NextOf(Core& core, const std::string& key) {
  std::lock_guard lock(core.mu);
  Turn turn{core.window->Front(key), true};
  turn.effects = turn.leaf.index >= core.effects_from;
  return turn;
}

bool FinishedOne(Core& core, const std::string& key) {
  std::lock_guard lock(core.mu);
  const bool more = core.window->Finish(key);
  Advance(core);
  return more && !core.Ended();
}

Task<void> Pause(CorePtr core, absl::Duration delay) {
  const Waiters::Ticket ticket(core->ended_waiters);
  if (core->Ended()) {
    co_return;
  }
  const OneShot<bool> woken = ticket.Wait(delay);
  co_await woken;
}

void WarnOfRetry(const Core& core, uint64_t index, const absl::Status& status) {
  log::Warn("a followed leaf cannot be applied yet",
            {log::Field::Name("follower", core.options.name),
             log::Field::Count("leaf", static_cast<int64_t>(index)), log::Field::Code(status)});
}

// Applies the leaves of one order key until none waits.
Task<void> RunKey(CorePtr core, std::string key) {
  bool more = !core->Ended();
  int retries = 0;
  for (int turns = 1; more; ++turns) {
    Turn turn = NextOf(*core, key);
    const uint64_t index = turn.leaf.index;
    const absl::Status status = co_await core->handler.Apply(std::move(turn.leaf), turn.effects);
    if (status.ok()) {
      retries = 0;
      more = FinishedOne(*core, key);
    } else {
      if (++retries == kRetriesBeforeWarning) {
        WarnOfRetry(*core, index, status);
      }
      co_await Pause(core, std::min(kFirstRetry * (1 << std::min(retries - 1, 10)), kLongestRetry));
      more = !core->Ended();
    }
    if (turns % kLeavesPerTurn == 0) {
      co_await ResumeOn(core->executor);
    }
  }
  Finished(core);
}

// Takes what was read into the window. The order keys and hashes are made outside the lock.
void Accept(const CorePtr& core, std::vector<FollowedLeaf> leaves) {
  struct Read {
    merkle::Hash hash;
    std::optional<std::string> key;  // nullopt: nothing to do with it
  };
  std::vector<Read> reads;
  reads.reserve(leaves.size());
  for (const FollowedLeaf& leaf : leaves) {
    const bool given =
        !leaf.hash.has_value() &&
        (leaf.opening == audit::v1::TailLeaf::OPENING_OPENED || core->handler.WantsUnopened()) &&
        core->handler.Concerns(leaf);
    reads.push_back({leaf.hash.has_value() ? *leaf.hash : merkle::HashLeaf(leaf.bytes),
                     given ? std::optional<std::string>(core->handler.OrderKey(leaf)) : std::nullopt});
  }
  std::lock_guard lock(core->mu);
  for (size_t i = 0; i < leaves.size(); ++i) {
    absl::Status status = leaves[i].index == core->window->end() ? core->check->Append(reads[i].hash)
                                                                 : absl::DataLossError("leaves with a gap");
    if (!status.ok()) {
      Alarm(*core, status, core->check->read());
      return;
    }
    if (!reads[i].key.has_value()) {
      core->window->AddFinished(reads[i].hash);
    } else if (core->window->Add(std::move(leaves[i]), reads[i].hash, *reads[i].key)) {
      SpawnCounted(*core, RunKey(core, *reads[i].key));
    }
  }
  core->known = std::max<uint64_t>(core->known, core->window->end());
  Advance(*core);
}

struct ReadRequest {
  uint64_t from = 0;
  size_t room = 0;
};
// Nothing is read before the log's origin is known, nor while more than half of the window is in flight.
ReadRequest NextRead(Core& core) {
  std::lock_guard lock(core.mu);
  if (core.check->origin().empty() || core.window->size() > core.options.window / 2) {
    return {};
  }
  return {core.window->end(), core.options.window - core.window->size()};
}

Task<void> ReadLoop(CorePtr core) {
  bool failing = false;
  while (!core->Ended()) {
    ReadRequest next;
    {
      const Waiters::Ticket ticket(core->room_waiters);
      next = NextRead(*core);
      if (next.room == 0 && !core->Ended()) {
        const OneShot<bool> woken = ticket.Wait(kReadWait);
        co_await woken;
        continue;
      }
    }
    const absl::Duration asked = core->clock.Monotonic();
    absl::StatusOr<std::vector<FollowedLeaf>> leaves =
        co_await core->source.Read(next.from, next.room, kReadWait);
    if (leaves.ok()) {
      failing = false;
      // A log that stopped answers at once that there is nothing.
      const bool idle = leaves->empty() && core->clock.Monotonic() - asked < kReadWait / 2;
      Accept(core, *std::move(leaves));
      co_await ResumeOn(core->executor);
      if (idle) {
        co_await Pause(core, kReadRetry);
      }
      continue;
    }
    if (!std::exchange(failing, true)) {
      log::Warn("a log cannot be followed now",
                {log::Field::Name("follower", core->options.name), log::Field::Code(leaves.status())});
    }
    co_await Pause(core, kReadRetry);
  }
  Finished(core);
}

void Answered(Core& core, const absl::StatusOr<LogState>& state) {
  bool first = false;
  {
    std::lock_guard lock(core.mu);
    if (!state.ok()) {
      core.check->ProbeFailed();
      return;
    }
    first = core.check->origin().empty();
    if (first && !core.rebuilt_from.empty() && core.rebuilt_from != state->origin) {
      // The log goes on after a loss: indices above it stand for other leaves now, so none is known to have
      // had its effects. Effects carry request ids or are local: repeating them does no harm.
      core.effects = 0;
      core.effects_from = 0;
    }
    const absl::Status status = core.check->ProbeAnswered(*state);
    if (!status.ok()) {
      Alarm(core, status, core.check->read());
      return;
    }
    core.known = std::max<uint64_t>(core.known, state->size);
    UpdateLease(core);
  }
  if (first) {
    core.room_waiters->WakeAll();
  }
}

Task<void> ProbeLoop(CorePtr core) {
  while (!core->Ended()) {
    {
      std::lock_guard lock(core->mu);
      core->check->ProbeSent(core->clock.Monotonic());
    }
    const absl::StatusOr<LogState> state = co_await core->source.Probe(core->random.Bytes(16));
    Answered(*core, state);
    co_await Pause(core, core->options.probe_interval);
  }
  Finished(core);
}

// Writes the cursor if it moved.
Task<absl::Status> WriteCursor(CorePtr core) {
  storage::CommitRequest commit;
  {
    std::lock_guard lock(core->mu);
    if (!std::exchange(core->dirty, false)) {
      co_return absl::OkStatus();
    }
    commit.partition = internal::CursorPartition(core->options.name);
    commit.batch.push_back({std::string(internal::kCursorKey),
                            internal::EncodeCursor({core->applied, core->effects, core->check->origin(),
                                                    core->applied_range.edge()})});
  }
  const absl::StatusOr<storage::CommitResult> result = co_await core->store.Commit(std::move(commit));
  if (!result.ok()) {
    log::Warn("a cursor could not be written",
              {log::Field::Name("follower", core->options.name), log::Field::Code(result.status())});
    std::lock_guard lock(core->mu);
    core->dirty = true;
  }
  co_return result.status();
}

Task<void> CursorLoop(CorePtr core) {
  while (!core->Ended()) {
    bool dirty = false;
    {
      const Waiters::Ticket ticket(core->dirty_waiters);
      {
        std::lock_guard lock(core->mu);
        dirty = core->dirty;
      }
      if (!dirty && !core->Ended()) {
        const OneShot<bool> woken = ticket.Wait(absl::Seconds(1));
        co_await woken;
        continue;
      }
    }
    // Its failure shows in the store, which stops the service; nothing is lost but work done twice.
    const absl::Status written = co_await WriteCursor(core);
    const absl::Duration pause = written.ok() ? kCursorInterval : 10 * kCursorInterval;
    co_await Pause(core, pause);
  }
  Finished(core);
}

Task<bool> StopCore(CorePtr core) {
  core->stopping = true;
  core->WakeForEnd();
  for (;;) {
    const Waiters::Ticket ticket(core->idle_waiters);
    {
      std::lock_guard lock(core->mu);
      if (core->running == 0) {
        break;
      }
    }
    const OneShot<bool> idle = ticket.Wait(absl::Seconds(1));
    co_await idle;
  }
  const absl::Status written = co_await WriteCursor(core);
  co_return written.ok();
}

Task<bool> WaitAppliedCore(CorePtr core, uint64_t size, absl::Duration wait) {
  const absl::Duration until = core->clock.Monotonic() + wait;
  for (;;) {
    const Waiters::Ticket ticket(core->applied_waiters, size);
    if (core->applied >= size) {
      co_return true;
    }
    const absl::Duration left = until - core->clock.Monotonic();
    if (left <= absl::ZeroDuration() || core->Ended()) {
      co_return false;
    }
    const OneShot<bool> woken = ticket.Wait(left);
    const bool reached = co_await woken;
    if (!reached) {
      co_return core->applied >= size;
    }
  }
}

class FollowerImpl final : public Follower {
 public:
  explicit FollowerImpl(CorePtr core) : core_(std::move(core)) {}
  ~FollowerImpl() override {
    core_->stopping = true;
    core_->WakeForEnd();
  }
  FollowerImpl(const FollowerImpl&) = delete;
  FollowerImpl& operator=(const FollowerImpl&) = delete;

  absl::Status Start() override {
    if (core_->options.window == 0) {
      return absl::InvalidArgumentError("a follower's window holds at least one leaf");
    }
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                     core_->store.Get(internal::CursorPartition(core_->options.name), internal::kCursorKey));
    Cursor cursor;
    if (entry.has_value()) {
      ASSIGN_OR_RETURN(cursor, internal::DecodeCursor(entry->value));
    }
    if (core_->options.rebuild) {
      cursor.applied = 0;
      cursor.range.clear();
    }
    ASSIGN_OR_RETURN(core_->applied_range, merkle::Frontier::FromNodes(cursor.applied, cursor.range));
    std::lock_guard lock(core_->mu);
    core_->check.emplace(core_->options.rebuild ? "" : cursor.origin, core_->applied_range);
    core_->rebuilt_from = core_->options.rebuild ? cursor.origin : "";
    core_->window.emplace(cursor.applied);
    core_->applied = cursor.applied;
    core_->known = cursor.applied;
    core_->effects = cursor.effects;
    core_->effects_from = cursor.effects;
    SpawnCounted(*core_, ProbeLoop(core_));
    SpawnCounted(*core_, ReadLoop(core_));
    SpawnCounted(*core_, CursorLoop(core_));
    return absl::OkStatus();
  }

  Task<bool> Stop() override { return StopCore(core_); }
  [[nodiscard]] uint64_t applied() const override { return core_->applied; }
  [[nodiscard]] uint64_t known() const override { return core_->known; }
  [[nodiscard]] bool LeaseHeld() const override { return core_->clock.Monotonic() < LeaseUntil(); }
  [[nodiscard]] absl::Duration LeaseUntil() const override {
    return core_->Ended() ? absl::ZeroDuration() : absl::Nanoseconds(core_->lease_until_ns.load());
  }
  [[nodiscard]] bool alarmed() const override { return core_->alarmed; }
  Task<bool> WaitApplied(uint64_t size, absl::Duration wait) override {
    return WaitAppliedCore(core_, size, wait);
  }

 private:
  const CorePtr core_;
};

}  // namespace

std::string EffectId(std::string_view origin, uint64_t index, int effect) {
  return absl::StrCat(std::string(origin), ":", index, ":", effect);
}

std::unique_ptr<Follower> Follower::Create(FollowerOptions options, TailSource& source, LeafHandler& handler,
                                           storage::Store& store, Clock& clock, Random& random,
                                           Executor& executor) {
  return std::make_unique<FollowerImpl>(
      std::make_shared<Core>(std::move(options), source, handler, store, clock, random, executor));
}

}  // namespace relais::audit
