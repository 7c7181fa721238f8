#include "common/audit/maintenance.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "common/audit/epoch_rotation.h"
#include "common/audit/erasure_journal.h"
#include "common/audit/erasures.h"
#include "common/audit/meta_rows.h"
#include "common/audit/month_keys.h"
#include "common/audit/retention.h"
#include "common/audit/waiters.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

using internal::MetaKey;
using internal::MetaRow;
using internal::RowsOnly;
using internal::Waiters;
using storage::LogTable;

constexpr absl::Duration kIdle = absl::Minutes(1);
constexpr absl::Duration kRetry = absl::Seconds(1);
constexpr size_t kScan = 500;
constexpr char kEpochDone[] = "EPOCH";
constexpr char kSweepDone[] = "SWEEP";
constexpr char kAgentNames[] = "AGENT_NAMES";

std::vector<storage::LeafDraft> One(storage::LeafDraft draft) {
  std::vector<storage::LeafDraft> drafts;
  drafts.push_back(std::move(draft));
  return drafts;
}

class MaintenanceImpl final : public Maintenance {
 public:
  MaintenanceImpl(MaintenanceOptions options, Log& log, storage::Store& store, crypto::KeyRing& ring,
                  Clock& clock, Random& random, Executor& executor, std::unique_ptr<ErasureJournal> journal)
      : options_(std::move(options)),
        log_(log),
        store_(store),
        ring_(ring),
        clock_(clock),
        random_(random),
        executor_(executor),
        holds_(log, store, ring, random,
               [this](audit::v1::EventClass event_class) { return OwnEvent(event_class); }),
        erasures_(options_, log, store, random, std::move(journal), holds_,
                  [this](audit::v1::EventClass event_class) { return OwnEvent(event_class); }),
        wake_(std::make_shared<Waiters>(executor)),
        idle_(std::make_shared<Waiters>(executor)) {}

  absl::Status Load();

  void UseKeeper(StateKeeper* keeper) override {
    keeper_ = keeper;
    holds_.UseStates(keeper);
    erasures_.UseKeeper(keeper);
  }
  Task<absl::Status> Reapply() override;
  void Start() override {
    running_ = true;
    Spawn(executor_, Loop());
  }
  Task<bool> Stop() override;
  Task<absl::Status> RunOnce() override;
  Task<absl::StatusOr<storage::CommitResult>> Request(ErasureRequest request, Event event,
                                                      storage::CommitRequest commit) override;
  absl::StatusOr<bool> Knows(const Id128& erasure) const override { return erasures_.Knows(erasure); }
  Task<absl::Status> AcknowledgedBy(Id128 erasure, std::string service) override;
  Task<absl::StatusOr<uint64_t>> RotateEpoch() override;
  Task<absl::StatusOr<uint64_t>> DestroyMonth(std::string month) override;
  Task<absl::Status> Purged(std::string rule, absl::Time due_before, uint64_t count) override;
  Holds& holds() override { return holds_; }
  MaintenanceStatus status() const override;
  absl::StatusOr<Certificate> Find(const Id128& erasure) const override { return erasures_.Find(erasure); }

 private:
  Task<void> Loop();
  Event OwnEvent(audit::v1::EventClass event_class) const;

  Task<absl::Status> CompactIfDue();
  Task<absl::Status> Rotation();
  Task<absl::Status> Months();
  Task<absl::Status> SweepIfDue();
  Task<absl::Status> Done(std::string name);
  [[nodiscard]] absl::Time LastDone(const std::string& name) const;
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> MonthsBegun() const;
  Task<absl::StatusOr<uint64_t>> EndMonth(std::string month);

  const MaintenanceOptions options_;
  Log& log_;
  storage::Store& store_;
  crypto::KeyRing& ring_;
  Clock& clock_;
  Random& random_;
  Executor& executor_;
  StateKeeper* keeper_ = nullptr;
  Holds holds_;
  internal::Erasures erasures_;
  const std::shared_ptr<Waiters> wake_;
  const std::shared_ptr<Waiters> idle_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> running_ = false;
  // The worker's.
  bool compaction_wanted_ = false;
  uint64_t compacted_ = 0;                      // erasures up to the last compaction
  std::optional<absl::Duration> compacted_at_;  // monotonic
  bool sweeping_ = false;

  mutable std::mutex mu_;
  std::map<std::string, absl::Time> done_;
  bool rotating_ = false;
  struct Wanted {
    std::optional<std::string> month;  // nullopt: a rotation
    OneShot<absl::StatusOr<uint64_t>> answer;
  };
  std::vector<Wanted> wanted_;
};

// ---- the worker

Task<void> MaintenanceImpl::Loop() {
  bool failing = false;
  while (!stopping_) {
    {
      const Waiters::Ticket ticket(wake_);
      const absl::Status status = co_await RunOnce();
      if (!status.ok() && !std::exchange(failing, true)) {
        log::Warn("maintenance of the log cannot go on now", {log::Field::Code(status)});
      }
      failing = !status.ok();
      if (!stopping_) {
        const OneShot<bool> woken = ticket.Wait(status.ok() ? kIdle : kRetry);
        co_await woken;
      }
    }
    co_await ResumeOn(executor_);
  }
  // Whoever sees it may destroy this object.
  const std::shared_ptr<Waiters> idle = idle_;
  running_ = false;
  idle->WakeAll();
}

Task<bool> MaintenanceImpl::Stop() {
  stopping_ = true;
  wake_->WakeAll();
  while (running_) {
    const Waiters::Ticket ticket(idle_);
    if (running_) {
      const OneShot<bool> woken = ticket.Wait(kRetry);
      co_await woken;
    }
  }
  std::vector<Wanted> left;
  {
    std::lock_guard lock(mu_);
    left = std::move(wanted_);
    wanted_.clear();
  }
  for (const Wanted& wanted : left) {
    wanted.answer.Set(absl::UnavailableError("the service is stopping"));
  }
  co_return true;
}

Task<absl::Status> MaintenanceImpl::RunOnce() {
  absl::Status first = co_await holds_.RunReady();
  const absl::Status erased = co_await erasures_.RunReady();
  first.Update(erased);
  const absl::Status rotated = co_await Rotation();
  first.Update(rotated);
  const absl::Status months = co_await Months();
  first.Update(months);
  const absl::Status swept = co_await SweepIfDue();
  first.Update(swept);
  const absl::Status compacted = co_await CompactIfDue();
  first.Update(compacted);
  co_return first;
}

Event MaintenanceImpl::OwnEvent(audit::v1::EventClass event_class) const {
  Event event;
  event.event_class = event_class;
  event.institution = options_.institution;
  event.directory_version = options_.directory_version ? options_.directory_version() : 0;
  return event;
}

absl::Status MaintenanceImpl::Load() {
  RETURN_IF_ERROR(holds_.Load());
  RETURN_IF_ERROR(erasures_.Load());
  ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                   store_.LogScan(LogTable::kMeta, internal::kDonePrefix, "", kScan));
  for (const storage::Store::LogEntry& row : rows) {
    audit::v1::StoredDone stored;
    if (!stored.ParseFromString(row.value)) {
      return absl::DataLossError("log: a meta row does not parse");
    }
    done_[row.key.substr(internal::kDonePrefix.size())] = absl::FromUnixMicros(stored.at());
  }
  return absl::OkStatus();
}

// ---- erasures

Task<absl::Status> MaintenanceImpl::Reapply() {
  const absl::Status made = co_await erasures_.Reapply();
  CO_RETURN_IF_ERROR(made);
  const absl::Status compacted = co_await CompactIfDue();
  co_return compacted;
}

Task<absl::StatusOr<storage::CommitResult>> MaintenanceImpl::Request(ErasureRequest request, Event event,
                                                                     storage::CommitRequest commit) {
  absl::StatusOr<storage::CommitResult> done =
      co_await erasures_.Request(std::move(request), std::move(event), std::move(commit));
  wake_->WakeAll();
  co_return done;
}

Task<absl::Status> MaintenanceImpl::AcknowledgedBy(Id128 erasure, std::string service) {
  const absl::Status noted = co_await erasures_.AcknowledgedBy(erasure, std::move(service));
  wake_->WakeAll();
  co_return noted;
}

Task<absl::Status> MaintenanceImpl::CompactIfDue() {
  const absl::Duration now = clock_.Monotonic();
  compaction_wanted_ = compaction_wanted_ || erasures_.destroyed() > compacted_;
  if (!compaction_wanted_ || (compacted_at_.has_value() && now - *compacted_at_ < options_.compact_every)) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(executor_);
  compacted_at_ = now;
  compacted_ = erasures_.destroyed();
  const absl::Status status = store_.Compact();
  compaction_wanted_ = !status.ok();
  co_return status;
}

// ---- what recurs

absl::Time MaintenanceImpl::LastDone(const std::string& name) const {
  std::lock_guard lock(mu_);
  const auto it = done_.find(name);
  return it == done_.end() ? absl::InfinitePast() : it->second;
}

Task<absl::Status> MaintenanceImpl::Done(std::string name) {
  const absl::Time now = log_.Now();
  audit::v1::StoredDone stored;
  stored.set_at(absl::ToUnixMicros(now));
  std::vector<storage::LogRow> rows;
  rows.push_back(MetaRow(MetaKey(internal::kDonePrefix, name), stored));
  std::vector<storage::LeafDraft> drafts = One(RowsOnly(std::move(rows)));
  const absl::StatusOr<storage::CommitResult> done =
      co_await internal::CommitThere(store_, std::move(drafts));
  CO_RETURN_IF_ERROR(done.status());
  std::lock_guard lock(mu_);
  done_[name] = now;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> MaintenanceImpl::RotateEpoch() {
  OneShot<absl::StatusOr<uint64_t>> answer(executor_);
  {
    std::lock_guard lock(mu_);
    if (stopping_) {
      co_return absl::UnavailableError("the service is stopping");
    }
    wanted_.push_back({std::nullopt, answer});
  }
  wake_->WakeAll();
  absl::StatusOr<uint64_t> index = co_await answer;
  co_return index;
}

Task<absl::Status> MaintenanceImpl::Rotation() {
  if (LastDone(kEpochDone) == absl::InfinitePast()) {
    const absl::Status begun = co_await Done(kEpochDone);  // the first epoch is counted from here
    CO_RETURN_IF_ERROR(begun);
  }
  CO_ASSIGN_OR_RETURN(const bool under_way, internal::EpochRotation::UnderWay(store_));
  std::vector<Wanted> callers;
  {
    std::lock_guard lock(mu_);
    for (size_t i = 0; i < wanted_.size();) {
      if (wanted_[i].month.has_value()) {
        ++i;
        continue;
      }
      callers.push_back(wanted_[i]);
      wanted_.erase(wanted_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  const bool due = options_.epoch_length > absl::ZeroDuration() &&
                   log_.Now() - LastDone(kEpochDone) >= options_.epoch_length;
  if (callers.empty() && !under_way && !due) {
    co_return absl::OkStatus();
  }
  {
    std::lock_guard lock(mu_);
    rotating_ = true;
  }
  internal::EpochRotation rotation(log_, store_, ring_, random_, executor_, stopping_,
                                   internal::MaintenancePartition(),
                                   OwnEvent(audit::v1::EVENT_CLASS_EPOCH_ROTATED));
  absl::StatusOr<uint64_t> index = co_await rotation.Run();
  absl::Status status = index.status();
  if (status.ok()) {
    compaction_wanted_ = false;  // it made one
    compacted_ = erasures_.destroyed();
    status = co_await Done(kEpochDone);
  }
  {
    std::lock_guard lock(mu_);
    rotating_ = false;
  }
  for (const Wanted& caller : callers) {
    caller.answer.Set(index);
  }
  co_return status;
}

absl::StatusOr<std::vector<std::string>> MaintenanceImpl::MonthsBegun() const {
  ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                   store_.LogScan(LogTable::kMeta, internal::kMonthPrefix, "", kScan));
  std::vector<std::string> months;
  months.reserve(rows.size());
  for (const storage::Store::LogEntry& row : rows) {
    months.push_back(row.key.substr(internal::kMonthPrefix.size()));
  }
  return months;
}

Task<absl::StatusOr<uint64_t>> MaintenanceImpl::DestroyMonth(std::string month) {
  CO_ASSIGN_OR_RETURN(const absl::CivilMonth parsed, ParseMonth(month));
  // An hour's grace: a leaf is drafted a moment before it gets its time.
  if (parsed >= absl::ToCivilMonth(log_.Now() - absl::Hours(1), absl::UTCTimeZone())) {
    co_return absl::FailedPreconditionError("that month is not over");
  }
  const std::vector<std::string> held = internal::MonthsHeld(ring_);
  if (std::find(held.begin(), held.end(), month) == held.end()) {
    co_return absl::NotFoundError("no key of that month is held");
  }
  OneShot<absl::StatusOr<uint64_t>> answer(executor_);
  {
    std::lock_guard lock(mu_);
    if (stopping_) {
      co_return absl::UnavailableError("the service is stopping");
    }
    wanted_.push_back({month, answer});
  }
  wake_->WakeAll();
  absl::StatusOr<uint64_t> index = co_await answer;
  co_return index;
}

// First a row that says that it begins, so that a crash between the ring and the leaf loses no leaf.
// Legal holds take over what the month's key still opens.
Task<absl::StatusOr<uint64_t>> MaintenanceImpl::EndMonth(std::string month) {
  const absl::Status copied = co_await holds_.CopyAll();
  CO_RETURN_IF_ERROR(copied);
  const std::string key = MetaKey(internal::kMonthPrefix, month);
  std::vector<storage::LogRow> begin;
  begin.push_back(MetaRow(key, std::string()));
  std::vector<storage::LeafDraft> begun_drafts = One(RowsOnly(std::move(begin)));
  const absl::StatusOr<storage::CommitResult> begun =
      co_await internal::CommitThere(store_, std::move(begun_drafts));
  CO_RETURN_IF_ERROR(begun.status());
  const std::string name = internal::MonthRingName(month);
  const absl::StatusOr<uint32_t> version = ring_.Latest(name);
  if (version.ok()) {
    CO_RETURN_IF_ERROR(ring_.Destroy(name, *version));
  } else if (!absl::IsNotFound(version.status())) {
    co_return version.status();
  }
  if (const absl::StatusOr<absl::CivilMonth> ended = ParseMonth(month); ended.ok()) {
    log_.ForgetMonth(*ended);
  }
  audit::v1::MonthKeyDestroyed payload;
  payload.set_month(month);
  Event event = OwnEvent(audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED);
  event.details.mutable_payload()->PackFrom(payload);
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
  draft.rows.push_back(MetaRow(key, std::nullopt));
  std::vector<storage::LeafDraft> drafts = One(std::move(draft));
  const absl::StatusOr<storage::CommitResult> done =
      co_await internal::CommitThere(store_, std::move(drafts));
  CO_RETURN_IF_ERROR(done.status());
  co_return done->leaves.first;
}

Task<absl::Status> MaintenanceImpl::Months() {
  CO_ASSIGN_OR_RETURN(std::vector<std::string> months, MonthsBegun());
  std::vector<Wanted> callers;
  {
    std::lock_guard lock(mu_);
    callers.swap(wanted_);
    std::erase_if(callers, [this](const Wanted& wanted) {
      if (!wanted.month.has_value()) {
        wanted_.push_back(wanted);
      }
      return !wanted.month.has_value();
    });
  }
  const std::vector<std::string> due =
      options_.agent_names_months > 0
          ? MonthsDue(internal::MonthsHeld(ring_), log_.Now(), options_.agent_names_months)
          : std::vector<std::string>();
  months.insert(months.end(), due.begin(), due.end());
  for (const Wanted& caller : callers) {
    months.push_back(*caller.month);
  }
  std::sort(months.begin(), months.end());
  months.erase(std::unique(months.begin(), months.end()), months.end());
  absl::Status first;
  for (const std::string& month : months) {
    const absl::StatusOr<uint64_t> index = co_await EndMonth(month);
    first.Update(index.status());
    for (const Wanted& caller : callers) {
      if (*caller.month == month) {
        caller.answer.Set(index);
      }
    }
  }
  if (first.ok() && !months.empty()) {
    first = co_await Done(kAgentNames);
  }
  co_return first;
}

Task<absl::Status> MaintenanceImpl::SweepIfDue() {
  if (keeper_ == nullptr || (!sweeping_ && log_.Now() - LastDone(kSweepDone) < options_.sweep_every)) {
    co_return absl::OkStatus();
  }
  if (!std::exchange(sweeping_, true)) {
    const absl::Status copied = co_await holds_.CopyAll();  // what is due was due before
    if (!copied.ok()) {
      sweeping_ = false;
      co_return copied;
    }
  }
  const absl::StatusOr<bool> more = co_await keeper_->Sweep();
  CO_RETURN_IF_ERROR(more.status());
  if (*more) {
    wake_->WakeAll();  // one bounded step at a time, so that an erasure never waits long
    co_return absl::OkStatus();
  }
  sweeping_ = false;
  const absl::Status done = co_await Done(kSweepDone);
  co_return done;
}

Task<absl::Status> MaintenanceImpl::Purged(std::string rule, absl::Time due_before, uint64_t count) {
  if (count > 0) {
    audit::v1::Purged payload;
    payload.set_rule(rule);
    payload.mutable_due_before()->set_seconds(absl::ToUnixSeconds(due_before));
    payload.set_count(count);
    Event event = OwnEvent(audit::v1::EVENT_CLASS_PURGED);
    event.details.mutable_payload()->PackFrom(payload);
    CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log_.Draft(event));
    std::vector<storage::LeafDraft> drafts = One(std::move(draft));
    const absl::StatusOr<storage::CommitResult> written =
        co_await internal::CommitThere(store_, std::move(drafts));
    CO_RETURN_IF_ERROR(written.status());
    compaction_wanted_ = true;
  }
  const absl::Status done = co_await Done(std::move(rule));
  co_return done;
}

// ---- looking

MaintenanceStatus MaintenanceImpl::status() const {
  MaintenanceStatus status;
  status.epoch = log_.keys().epoch();
  status.months = internal::MonthsHeld(ring_);
  status.erasures = erasures_.pending();
  std::lock_guard lock(mu_);
  status.rotating = rotating_;
  status.done = done_;
  if (const auto it = done_.find(kEpochDone); it != done_.end()) {
    status.epoch_since = it->second;
    if (options_.epoch_length > absl::ZeroDuration()) {
      status.rotation_due = it->second + options_.epoch_length;
    }
  }
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Maintenance>> Maintenance::Open(MaintenanceOptions options, Log& log,
                                                               storage::Store& store, crypto::KeyRing& ring,
                                                               Clock& clock, Random& random,
                                                               Executor& executor) {
  ASSIGN_OR_RETURN(std::unique_ptr<ErasureJournal> journal,
                   ErasureJournal::Open(options.journal_path, ring, random));
  auto maintenance = std::make_unique<MaintenanceImpl>(std::move(options), log, store, ring, clock, random,
                                                       executor, std::move(journal));
  RETURN_IF_ERROR(maintenance->Load());
  return maintenance;
}

}  // namespace relais::audit
