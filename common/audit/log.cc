#include "common/audit/log.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/checkpoints.h"
#include "common/audit/continuation.h"
#include "common/audit/fresh_actors.h"
#include "common/audit/leaf_opener.h"
#include "common/audit/month_keys.h"
#include "common/audit/recent_leaves.h"
#include "common/audit/sequencer.h"
#include "common/audit/tree_rows.h"
#include "common/audit/waiters.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/hkdf.h"
#include "common/merkle/note.h"

namespace relais::audit {
namespace {

using internal::Checkpoints;
using internal::Durable;
using internal::FreshActors;
using internal::LeafOpener;
using internal::MonthKeys;
using internal::ReadLeaf;
using internal::RecentLeaf;
using internal::RecentLeaves;
using internal::SignedCheckpoint;
using internal::TreeRows;
using internal::TreeSequencer;
using internal::Waiters;
using storage::LogTable;

constexpr std::string_view kLogKey = "audit-log";
constexpr size_t kKeySize = 32;
constexpr absl::Duration kCheckpointWait = absl::Seconds(30);
constexpr absl::Duration kClockTolerance = absl::Seconds(2);

// What is durable, and who waits for more. Waiting coroutines keep it alive beyond the log.
struct Growth {
  explicit Growth(Executor& executor) : waiters(std::make_shared<Waiters>(executor)) {}

  [[nodiscard]] Durable Get() const {
    std::lock_guard lock(mu);
    return durable;
  }
  void Set(const Durable& value) {
    std::lock_guard lock(mu);
    durable = value;
    last_micros = absl::ToUnixMicros(value.last_time);
    size = value.size;
  }

  const std::shared_ptr<Waiters> waiters;
  std::atomic<bool> stopped = false;
  std::atomic<uint64_t> size = 0;
  std::atomic<int64_t> last_micros = 0;
  mutable std::mutex mu;
  Durable durable{0, merkle::EmptyRoot(), absl::UnixEpoch()};
};

Task<uint64_t> Wait(std::shared_ptr<Growth> growth, uint64_t size, absl::Duration wait) {
  const Waiters::Ticket ticket(growth->waiters, size + 1);
  if (growth->size <= size && !growth->stopped) {
    const OneShot<bool> woken = ticket.Wait(wait);
    co_await woken;
  }
  co_return growth->size.load();
}

absl::StatusOr<Secret> GetOrAdd(crypto::KeyRing& ring, std::string_view name, Random& random) {
  if (absl::IsNotFound(ring.Latest(name).status())) {
    RETURN_IF_ERROR(ring.Add(name, Secret(random.Bytes(kKeySize))).status());
  }
  ASSIGN_OR_RETURN(const uint32_t version, ring.Latest(name));
  return ring.Get(name, version);
}

absl::Status NotRecovered() { return absl::FailedPreconditionError("the log is not recovered yet"); }

class LogImpl final : public Log {
 public:
  LogImpl(LogOptions options, std::unique_ptr<SubjectKeys> keys, Secret log_key, Clock& clock, Random& random,
          Executor& executor)
      : options_(std::move(options)),
        clock_(clock),
        random_(random),
        keys_(std::move(keys)),
        log_key_(std::move(log_key)),
        months_(*options_.ring, random),
        opener_(log_key_, *keys_, months_),
        growth_(std::make_shared<Growth>(executor)),
        checkpoints_(std::make_shared<Checkpoints>(options_.origin, options_.signers, options_.published_path,
                                                   clock, executor)),
        actors_(std::make_shared<FreshActors>(clock, executor)),
        sequencer_(clock, *keys_, recent_, *actors_, [this](const Durable& durable) { OnDurable(durable); }) {
  }

  ~LogImpl() override {
    growth_->stopped = true;
    growth_->waiters->WakeAll();
  }
  LogImpl(const LogImpl&) = delete;
  LogImpl& operator=(const LogImpl&) = delete;

  storage::Sequencer& sequencer() override { return sequencer_; }
  absl::Status Recover(storage::Store& store) override;
  [[nodiscard]] const std::optional<audit::v1::LogContinued>& lost() const override { return lost_; }
  absl::StatusOr<storage::LeafDraft> Draft(Event event) override;
  SubjectKeys& keys() override { return *keys_; }

  [[nodiscard]] LogState state() const override {
    const Durable durable = growth_->Get();
    return {options_.origin, durable.size, durable.root};
  }
  [[nodiscard]] const std::string& origin() const override { return options_.origin; }
  [[nodiscard]] std::vector<std::string> signer_keys() const override {
    std::vector<std::string> keys;
    for (const LogOptions::Signer& signer : options_.signers) {
      keys.push_back(merkle::VerifierKeyString(signer.name, signer.key.verify_key()));
    }
    return keys;
  }
  [[nodiscard]] std::string OriginOf(uint64_t index) const override {
    const auto before = earlier_.upper_bound(index);
    return before == earlier_.end() ? options_.origin : before->second;
  }
  absl::StatusOr<std::vector<std::string>> ReadLeaves(uint64_t from, size_t limit) override;
  absl::StatusOr<std::vector<OpenedLeaf>> ReadOpened(uint64_t from, size_t limit,
                                                     const Wanted& wanted) override;
  absl::StatusOr<std::vector<OpenedLeaf>> OpenAt(const std::vector<uint64_t>& indices) override;
  absl::StatusOr<OpenedLeaf> OpenLeaf(uint64_t index, std::string bytes) override;
  absl::StatusOr<std::vector<uint64_t>> LeavesOf(const Subject& subject, uint64_t from,
                                                 size_t limit) override;
  Task<uint64_t> WaitForGrowth(uint64_t size, absl::Duration wait) override {
    return Wait(growth_, size, wait);
  }
  absl::StatusOr<audit::v1::LeafActor> Actor(const Leaf& leaf) override;
  absl::StatusOr<OpenedActor> OpenActor(const Leaf& leaf) override { return opener_.OpenActor(leaf); }
  absl::StatusOr<std::vector<LeafForIndex>> TakeForIndex(uint64_t from, size_t limit) override;
  void ForgetMonth(absl::CivilMonth month) override { actors_->ForgetMonth(month); }
  [[nodiscard]] Secret DeriveKey(std::string_view info) const override {
    return crypto::HkdfSha256(log_key_, "", info, kKeySize);
  }
  [[nodiscard]] absl::StatusOr<Secret> DeriveMonthKey(absl::Time month,
                                                      std::string_view info) const override {
    ASSIGN_OR_RETURN(const Secret key, months_.ForReading(month));
    return crypto::HkdfSha256(key, "", info, kKeySize);
  }

  Task<absl::StatusOr<std::string>> Checkpoint(uint64_t min_size) override;
  absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) override;
  absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size, uint64_t new_size) override;
  Task<absl::StatusOr<common::v1::Proof>> Prove(uint64_t index, bool with_key) override;

  [[nodiscard]] absl::Status ClockStatus() const override {
    if (clock_.Now() < LastTime() - kClockTolerance) {
      return absl::FailedPreconditionError("the clock is more than two seconds behind the last leaf");
    }
    return absl::OkStatus();
  }
  [[nodiscard]] absl::Time Now() const override { return std::max(LastTime(), clock_.Now()); }

  void Stop() override {
    growth_->stopped = true;
    checkpoints_->Stop();
    growth_->waiters->WakeAll();
  }

 private:
  void OnDurable(const Durable& durable) {
    growth_->Set(durable);
    checkpoints_->Grown(durable.size, durable.root);
    growth_->waiters->Wake(durable.size);
  }
  [[nodiscard]] absl::Time LastTime() const { return absl::FromUnixMicros(growth_->last_micros); }
  absl::Status CheckPublished(const TreeRows& rows, uint64_t size) const;
  // Those of the durable leaves from `from` on that are kept as drafted; empty when that one is not.
  [[nodiscard]] std::vector<RecentLeaves::Leaf> Recent(uint64_t from, size_t limit) const {
    const uint64_t size = growth_->size;
    return recent_.Read(from, from < size ? std::min<uint64_t>(limit, size - from) : 0);
  }
  static ReadLeaf AsRead(const RecentLeaf& leaf) {
    return {leaf.bytes, leaf.subject.empty() ? std::nullopt : std::optional<std::string>(leaf.subject),
            leaf.drafted};
  }
  absl::StatusOr<std::vector<ReadLeaf>> ReadWithSubjects(uint64_t from, size_t limit);
  absl::StatusOr<std::string> LeafKeyAt(uint64_t index, const std::string& bytes);

  const LogOptions options_;
  std::optional<audit::v1::LogContinued> lost_;
  std::map<uint64_t, std::string> earlier_;  // first index that is not of it → an earlier origin
  Clock& clock_;
  Random& random_;
  const std::unique_ptr<SubjectKeys> keys_;
  const Secret log_key_;
  MonthKeys months_;
  const LeafOpener opener_;
  const std::shared_ptr<Growth> growth_;
  const std::shared_ptr<Checkpoints> checkpoints_;
  RecentLeaves recent_;
  const std::shared_ptr<FreshActors> actors_;
  TreeSequencer sequencer_;
  std::atomic<storage::Store*> store_ = nullptr;
};

absl::Status LogImpl::CheckPublished(const TreeRows& rows, uint64_t size) const {
  ASSIGN_OR_RETURN(const std::optional<merkle::Checkpoint> published, checkpoints_->Published());
  if (!published.has_value()) {
    if (size > 0 && !options_.published_path.empty()) {
      log::Warn("no checkpoint was published before: a roll-back would not be noticed",
                {log::Field::Name("log", options_.origin)});
    }
    return absl::OkStatus();
  }
  if (published->size > size) {
    return absl::DataLossError(absl::StrCat("the log was rolled back: a checkpoint of size ", published->size,
                                            " was given out and the store holds ", size, " leaves"));
  }
  ASSIGN_OR_RETURN(const merkle::Frontier range, rows.Range(published->size));
  if (range.root() != published->root) {
    return absl::DataLossError(absl::StrCat("the log forked: its root at size ", published->size,
                                            " is not the one that was given out"));
  }
  return absl::OkStatus();
}

absl::Status LogImpl::Recover(storage::Store& store) {
  const TreeRows rows(store);
  ASSIGN_OR_RETURN(const uint64_t size, rows.Size());
  ASSIGN_OR_RETURN(merkle::Frontier range, rows.Range(size));
  absl::Time last_time = absl::UnixEpoch();
  if (size > 0) {
    ASSIGN_OR_RETURN(const std::string bytes, rows.Leaf(size - 1));
    const absl::StatusOr<Leaf> last = ParseLeaf(bytes);
    if (!last.ok()) {
      return absl::DataLossError("log: the last leaf is damaged");
    }
    last_time = last->time;
  }
  ASSIGN_OR_RETURN(const internal::Continuation continuation,
                   internal::ContinuationOf(options_, store, *checkpoints_, size));
  if (!continuation.published_is_previous) {
    RETURN_IF_ERROR(CheckPublished(rows, size));
  }
  lost_ = continuation.lost;
  earlier_ = continuation.earlier;
  const merkle::Hash root = range.root();
  sequencer_.Restore(std::move(range), last_time);
  keys_->Attach(store);
  store_ = &store;
  OnDurable({size, root, last_time});
  return absl::OkStatus();
}

absl::StatusOr<storage::LeafDraft> LogImpl::Draft(Event event) {
  storage::LeafDraft draft;
  Secret subject_key;
  if (event.subject.has_value()) {
    ASSIGN_OR_RETURN(SubjectKeys::Key key, keys_->GetOrCreate(*event.subject));
    subject_key = std::move(key.secret);
    draft.rows = std::move(key.rows);
    draft.subject = event.subject->Encode();
  }
  const absl::Time now = Now();
  ASSIGN_OR_RETURN(const Secret month_key, months_.ForWriting(now));
  const Secret& key = event.subject.has_value() ? subject_key : log_key_;
  // Of a fresh event id too, in one call: system randomness costs per call.
  const std::string fresh = random_.Bytes(kLeafRandomSize + Id128::kSize);
  const std::string_view random = std::string_view(fresh).substr(0, kLeafRandomSize);
  ASSIGN_OR_RETURN(const Id128 fresh_id, Id128::FromBytes(std::string_view(fresh).substr(kLeafRandomSize)));
  const Id128& event_id = event.event_id.IsZero() ? fresh_id : event.event_id;
  ASSIGN_OR_RETURN(SealedLeaf sealed,
                   SealLeafAs(event, event_id, random, options_.test_mode, key, month_key));
  draft.bytes = std::move(sealed.bytes);
  Drafted drafted;
  drafted.actor = internal::ActorOf(std::move(event.actor), now);
  const bool names_actor = drafted.actor != nullptr;
  drafted.leaf = std::make_shared<const DraftedLeaf>(
      DraftedLeaf{std::move(sealed.header), DetailsOf(std::move(event)), names_actor});
  draft.drafted = std::make_shared<const Drafted>(std::move(drafted));
  return draft;
}

absl::StatusOr<std::vector<std::string>> LogImpl::ReadLeaves(uint64_t from, size_t limit) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  const uint64_t size = growth_->size;
  std::vector<std::string> leaves;
  if (from >= size || limit == 0) {
    return leaves;
  }
  // What lies beyond the durable size may be there to read already; it is nobody's yet.
  limit = std::min<uint64_t>(limit, size - from);
  for (const RecentLeaves::Leaf& leaf : recent_.Read(from, limit)) {
    leaves.push_back(leaf->bytes);
  }
  if (!leaves.empty()) {
    return leaves;
  }
  ASSIGN_OR_RETURN(std::vector<storage::Store::LogEntry> entries,
                   store->LogScan(LogTable::kLeaves, "", IndexKey(from), limit));
  leaves.reserve(entries.size());
  for (storage::Store::LogEntry& entry : entries) {
    if (entry.key != IndexKey(from + leaves.size())) {
      return absl::DataLossError(absl::StrCat("log: leaf ", from + leaves.size(), " is missing"));
    }
    leaves.push_back(std::move(entry.value));
  }
  if (leaves.empty()) {
    return absl::DataLossError(absl::StrCat("log: leaf ", from, " is missing"));
  }
  return leaves;
}

absl::StatusOr<std::vector<ReadLeaf>> LogImpl::ReadWithSubjects(uint64_t from, size_t limit) {
  std::vector<ReadLeaf> read;
  ASSIGN_OR_RETURN(std::vector<std::string> leaves, ReadLeaves(from, limit));
  if (leaves.empty()) {
    return read;
  }
  ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                   store_.load()->LogScan(LogTable::kLeafSubjects, "", IndexKey(from), leaves.size()));
  absl::flat_hash_map<std::string, std::string> subjects;
  for (const storage::Store::LogEntry& row : rows) {
    subjects.emplace(row.key, row.value);
  }
  for (size_t i = 0; i < leaves.size(); ++i) {
    const auto subject = subjects.find(IndexKey(from + i));
    read.push_back({std::move(leaves[i]),
                    subject == subjects.end() ? std::nullopt : std::optional<std::string>(subject->second),
                    nullptr});
  }
  return read;
}

absl::StatusOr<std::vector<OpenedLeaf>> LogImpl::ReadOpened(uint64_t from, size_t limit,
                                                            const Wanted& wanted) {
  std::vector<OpenedLeaf> opened;
  const std::vector<RecentLeaves::Leaf> recent = Recent(from, limit);
  if (!recent.empty()) {
    opened.reserve(recent.size());
    for (size_t i = 0; i < recent.size(); ++i) {
      const RecentLeaf& leaf = *recent[i];
      if (wanted && leaf.drafted != nullptr && !wanted(leaf.drafted->header.event_class())) {
        opened.push_back(internal::Withheld(from + i, leaf.hash));
        continue;
      }
      ASSIGN_OR_RETURN(OpenedLeaf one, opener_.Open(from + i, AsRead(leaf), wanted));
      opened.push_back(std::move(one));
    }
    return opened;
  }
  ASSIGN_OR_RETURN(std::vector<ReadLeaf> read, ReadWithSubjects(from, limit));
  opened.reserve(read.size());
  for (size_t i = 0; i < read.size(); ++i) {
    ASSIGN_OR_RETURN(OpenedLeaf leaf, opener_.Open(from + i, std::move(read[i]), wanted));
    opened.push_back(std::move(leaf));
  }
  return opened;
}

absl::StatusOr<std::vector<OpenedLeaf>> LogImpl::OpenAt(const std::vector<uint64_t>& indices) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  std::vector<std::string> keys;
  keys.reserve(indices.size());
  for (const uint64_t index : indices) {
    if (index >= growth_->size) {
      return absl::OutOfRangeError("the log is not that long");
    }
    keys.push_back(IndexKey(index));
  }
  ASSIGN_OR_RETURN(std::vector<std::optional<std::string>> leaves,
                   store->LogMultiGet(LogTable::kLeaves, keys));
  ASSIGN_OR_RETURN(std::vector<std::optional<std::string>> subjects,
                   store->LogMultiGet(LogTable::kLeafSubjects, keys));
  std::vector<OpenedLeaf> opened;
  opened.reserve(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!leaves[i].has_value()) {
      return absl::DataLossError(absl::StrCat("log: leaf ", indices[i], " is missing"));
    }
    ASSIGN_OR_RETURN(
        OpenedLeaf leaf,
        opener_.Open(indices[i], {*std::move(leaves[i]), std::move(subjects[i]), nullptr}, nullptr));
    opened.push_back(std::move(leaf));
  }
  return opened;
}

absl::StatusOr<OpenedLeaf> LogImpl::OpenLeaf(uint64_t index, std::string bytes) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> subject,
                   store->LogGet(LogTable::kLeafSubjects, IndexKey(index)));
  return opener_.Open(index, {std::move(bytes), subject, nullptr}, nullptr);
}

absl::StatusOr<std::vector<uint64_t>> LogImpl::LeavesOf(const Subject& subject, uint64_t from, size_t limit) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  const std::string prefix = subject.Encode();
  const uint64_t size = growth_->size;
  ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                   store->LogScan(LogTable::kSubjectLeaves, prefix, prefix + IndexKey(from), limit));
  std::vector<uint64_t> indices;
  for (const storage::Store::LogEntry& row : rows) {
    if (row.key.size() != prefix.size() + sizeof(uint64_t)) {
      return absl::DataLossError("log: malformed pointer");
    }
    const uint64_t index = ReadBigEndian64(std::string_view(row.key).substr(prefix.size()));
    if (index < size) {
      indices.push_back(index);
    }
  }
  return indices;
}

absl::StatusOr<std::vector<LeafForIndex>> LogImpl::TakeForIndex(uint64_t from, size_t limit) {
  std::vector<LeafForIndex> taken;
  const std::vector<RecentLeaves::Leaf> recent = Recent(from, limit);
  if (recent.empty()) {
    ASSIGN_OR_RETURN(std::vector<OpenedLeaf> opened, ReadOpened(from, limit, nullptr));
    taken.reserve(opened.size());
    for (OpenedLeaf& leaf : opened) {
      ASSIGN_OR_RETURN(LeafForIndex of, opener_.ForIndex(std::move(leaf)));
      taken.push_back(std::move(of));
    }
    return taken;
  }
  std::vector<FreshActors::Actor> actors = actors_->Take(from, recent.size());
  taken.reserve(recent.size());
  for (size_t i = 0; i < recent.size(); ++i) {
    const RecentLeaf& leaf = *recent[i];
    if (leaf.drafted != nullptr && (actors[i] != nullptr || !leaf.drafted->names_actor)) {
      taken.push_back({from + i, leaf.drafted, std::move(actors[i])});
      continue;
    }
    ASSIGN_OR_RETURN(OpenedLeaf opened, opener_.Open(from + i, AsRead(leaf), nullptr));
    ASSIGN_OR_RETURN(LeafForIndex of, opener_.ForIndex(std::move(opened)));
    taken.push_back(std::move(of));
  }
  return taken;
}

absl::StatusOr<audit::v1::LeafActor> LogImpl::Actor(const Leaf& leaf) {
  ASSIGN_OR_RETURN(OpenedActor opened, OpenActor(leaf));
  return std::move(opened.actor);
}

Task<absl::StatusOr<std::string>> LogImpl::Checkpoint(uint64_t min_size) {
  CO_ASSIGN_OR_RETURN(SignedCheckpoint checkpoint,
                      co_await Checkpoints::AtLeast(checkpoints_, min_size, kCheckpointWait));
  co_return std::move(checkpoint.note);
}

absl::StatusOr<std::vector<merkle::Hash>> LogImpl::Inclusion(uint64_t index, uint64_t size) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  if (size > growth_->size) {
    return absl::OutOfRangeError("the log is not that long");
  }
  return TreeRows(*store).Inclusion(index, size);
}

absl::StatusOr<std::vector<merkle::Hash>> LogImpl::Consistency(uint64_t old_size, uint64_t new_size) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    return NotRecovered();
  }
  if (new_size > growth_->size) {
    return absl::OutOfRangeError("the log is not that long");
  }
  return TreeRows(*store).Consistency(old_size, new_size);
}

// Empty when the key is destroyed.
absl::StatusOr<std::string> LogImpl::LeafKeyAt(uint64_t index, const std::string& bytes) {
  ASSIGN_OR_RETURN(const Leaf leaf, ParseLeaf(bytes));
  ASSIGN_OR_RETURN(const std::optional<std::string> subject,
                   store_.load()->LogGet(LogTable::kLeafSubjects, IndexKey(index)));
  ASSIGN_OR_RETURN(const std::optional<Secret> key, opener_.KeyOf(leaf, subject));
  return key.has_value() ? std::string(LeafKey(*key, leaf.random).ExposeSecret()) : std::string();
}

Task<absl::StatusOr<common::v1::Proof>> LogImpl::Prove(uint64_t index, bool with_key) {
  storage::Store* const store = store_;
  if (store == nullptr) {
    co_return NotRecovered();
  }
  if (index >= growth_->size) {
    co_return absl::NotFoundError("no such leaf");
  }
  common::v1::Proof proof;
  proof.set_origin(options_.origin);
  proof.set_leaf_index(index);
  CO_ASSIGN_OR_RETURN(SignedCheckpoint checkpoint,
                      co_await Checkpoints::AtLeast(checkpoints_, index + 1, kCheckpointWait));
  proof.set_tree_size(checkpoint.size);
  proof.set_checkpoint(std::move(checkpoint.note));
  const TreeRows rows(*store);
  CO_ASSIGN_OR_RETURN(std::string leaf, rows.Leaf(index));
  CO_ASSIGN_OR_RETURN(const std::vector<merkle::Hash> inclusion, rows.Inclusion(index, proof.tree_size()));
  for (const merkle::Hash& hash : inclusion) {
    proof.add_inclusion(std::string(merkle::AsBytes(hash)));
  }
  if (with_key) {
    CO_ASSIGN_OR_RETURN(std::string key, LeafKeyAt(index, leaf));
    proof.set_leaf_key(std::move(key));
  }
  proof.set_leaf(std::move(leaf));
  co_return proof;
}

}  // namespace

std::string Log::Revision(uint64_t size) const { return absl::StrCat(origin(), ":", size); }

absl::StatusOr<std::unique_ptr<Log>> Log::Create(LogOptions options, Clock& clock, Random& random,
                                                 Executor& executor) {
  if (options.origin.empty() || options.origin.size() > UINT16_MAX) {
    return absl::InvalidArgumentError("a log has an origin");
  }
  if (options.signers.empty() || options.ring == nullptr) {
    return absl::InvalidArgumentError("a log has a signer and a key ring");
  }
  for (LogOptions::Signer& signer : options.signers) {
    // So that the key of one log never vouches for another.
    if (signer.name.empty()) {
      signer.name = options.origin;
    } else if (signer.name != options.origin) {
      return absl::InvalidArgumentError("the key name of a log's signer is the log's origin");
    }
  }
  ASSIGN_OR_RETURN(std::unique_ptr<SubjectKeys> keys,
                   SubjectKeys::Open(*options.ring, random, options.subject_cache_entries));
  ASSIGN_OR_RETURN(Secret log_key, GetOrAdd(*options.ring, kLogKey, random));
  return std::make_unique<LogImpl>(std::move(options), std::move(keys), std::move(log_key), clock, random,
                                   executor);
}

}  // namespace relais::audit
