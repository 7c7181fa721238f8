#include "common/audit/subject_keys.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/cord.h"
#include "common/audit/big_endian.h"
#include "common/audit/key_cache.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"

namespace relais::audit {
namespace {

using internal::CachedKey;
using internal::KeyCache;
using State = CachedKey::State;

constexpr std::string_view kEpochKey = "audit-epoch";
constexpr char kFormat = 0x01;
constexpr size_t kRowHeader = 1 + 4;
constexpr size_t kKeySize = 32;
constexpr size_t kShards = 16;
constexpr size_t kErasePointers = 1000;

std::string AssociatedData(const Subject& subject) { return "relais subject key v1" + subject.Encode(); }

std::string Tombstone() {
  std::string row(1, kFormat);
  AppendBigEndian32(row, 0);
  return row;
}

constexpr char kErasedUrl[] = "relais/erased";

absl::Status Erased() {
  absl::Status status = absl::FailedPreconditionError("erased");
  status.SetPayload(kErasedUrl, absl::Cord());
  return status;
}

class SubjectKeysImpl final : public SubjectKeys {
 public:
  SubjectKeysImpl(crypto::KeyRing& ring, Random& random, size_t cache_entries, uint32_t epoch)
      // A small cache in shards would be several tiny ones.
      : ring_(ring), random_(random), shard_count_(cache_entries < 1024 ? 1 : kShards), epoch_(epoch) {
    for (auto& shard : shards_) {
      shard.emplace(std::max<size_t>(1, cache_entries / shard_count_));
    }
  }

  void Attach(const storage::Store& store) override { store_ = &store; }

  absl::StatusOr<Key> GetOrCreate(const Subject& subject) override {
    Shard& shard = ShardOf(subject);
    std::lock_guard lock(shard.mu);
    ASSIGN_OR_RETURN(CachedKey* const item, FindOrCreate(shard, subject));
    Key key{item->key, {}};
    if (item->state == State::kPending) {
      key.rows.push_back({storage::LogTable::kSubjectKeys, subject.Encode(), item->row});
    }
    return key;
  }

  absl::StatusOr<Secret> Get(const Subject& subject) override {
    Shard& shard = ShardOf(subject);
    std::lock_guard lock(shard.mu);
    ASSIGN_OR_RETURN(CachedKey* const item, Live(shard, subject));
    return item->key;
  }

  void MarkDurable(std::string_view encoded_subject) override {
    const absl::StatusOr<Subject> subject = Subject::Decode(encoded_subject);
    if (!subject.ok()) {
      return;
    }
    Shard& shard = ShardOf(*subject);
    std::lock_guard lock(shard.mu);
    CachedKey* const item = shard.cache.Find(*subject);
    if (item == nullptr || item->state != State::kPending) {
      return;
    }
    CachedKey durable = std::move(*item);
    shard.cache.Erase(*subject);
    durable.state = State::kDurable;
    durable.row.clear();
    shard.cache.Insert(std::move(durable));
  }

  absl::StatusOr<std::vector<storage::LogRow>> EraseRows(const Subject& subject) override {
    const storage::Store* const store = store_.load();
    if (store == nullptr) {
      return absl::FailedPreconditionError("subject keys: no store yet");
    }
    std::vector<storage::LogRow> rows;
    {
      Shard& shard = ShardOf(subject);
      std::lock_guard lock(shard.mu);
      ASSIGN_OR_RETURN(const CachedKey* const item, Find(shard, subject));
      if (item == nullptr) {
        return absl::NotFoundError("subject without key");
      }
      if (item->state != State::kErased) {
        rows.push_back({storage::LogTable::kSubjectKeys, subject.Encode(), Tombstone()});
      }
    }
    const std::string prefix = subject.Encode();
    ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> pointers,
                     store->LogScan(storage::LogTable::kSubjectLeaves, prefix, "", kErasePointers));
    for (const storage::Store::LogEntry& pointer : pointers) {
      rows.push_back({storage::LogTable::kSubjectLeaves, pointer.key, std::nullopt});
      rows.push_back({storage::LogTable::kLeafSubjects, pointer.key.substr(prefix.size()), std::nullopt});
    }
    return rows;
  }

  void MarkErased(std::string_view encoded_subject) override {
    const absl::StatusOr<Subject> subject = Subject::Decode(encoded_subject);
    if (!subject.ok()) {
      return;
    }
    Shard& shard = ShardOf(*subject);
    std::lock_guard lock(shard.mu);
    shard.cache.Erase(*subject);
    shard.cache.Insert({State::kErased, *subject, {}, {}, {}});
    Thaw(*subject);
  }

  void Freeze(const Subject& subject) override {
    std::lock_guard lock(frozen_mu_);
    frozen_.insert(subject);
    frozen_count_ = frozen_.size();
  }
  void Unfreeze(const Subject& subject) override { Thaw(subject); }
  [[nodiscard]] bool Frozen(const Subject& subject) const override {
    if (frozen_count_ == 0) {
      return false;
    }
    std::lock_guard lock(frozen_mu_);
    return frozen_.contains(subject);
  }

  absl::Status UseEpoch(uint32_t epoch) override {
    RETURN_IF_ERROR(ring_.Get(kEpochKey, epoch).status());
    epoch_ = epoch;
    return absl::OkStatus();
  }
  [[nodiscard]] uint32_t epoch() const override { return epoch_; }

  absl::StatusOr<std::optional<std::string>> Renewed(std::string_view encoded_subject,
                                                     std::string_view row) override {
    if (row.size() < kRowHeader || IsTombstone(row) || ReadBigEndian32(row.substr(1)) >= epoch_) {
      return std::optional<std::string>();
    }
    ASSIGN_OR_RETURN(const Subject subject, Subject::Decode(encoded_subject));
    Secret key;
    {
      // A draft may wait longer than a whole rotation takes: then its key is here only.
      Shard& shard = ShardOf(subject);
      std::lock_guard lock(shard.mu);
      if (const CachedKey* const item = shard.cache.Peek(subject); item != nullptr) {
        if (item->state == State::kErased) {
          return std::optional<std::string>();
        }
        key = item->key;
      }
    }
    if (key.empty()) {
      ASSIGN_OR_RETURN(CachedKey item, Unwrap(subject, row));
      key = std::move(item.key);
    }
    if (key.empty()) {
      return std::optional<std::string>();  // erased with an epoch
    }
    ASSIGN_OR_RETURN(std::string renewed, Wrap(subject, key));
    return std::optional<std::string>(std::move(renewed));
  }

  absl::StatusOr<std::string> SealState(const Subject& subject, std::string_view context,
                                        std::string_view plain) override {
    Secret key;
    {
      Shard& shard = ShardOf(subject);
      std::lock_guard lock(shard.mu);
      ASSIGN_OR_RETURN(CachedKey* const item, FindOrCreate(shard, subject));
      key = StateKey(*item);
    }
    ASSIGN_OR_RETURN(const std::string sealed, crypto::SealRandom(random_, key, context, plain));
    return std::string(1, kFormat) + sealed;
  }

  absl::StatusOr<std::string> OpenState(const Subject& subject, std::string_view context,
                                        std::string_view sealed) override {
    if (Frozen(subject)) {
      return absl::NotFoundError("subject about to be erased");
    }
    return OpenFrozenState(subject, context, sealed);
  }

  absl::StatusOr<std::string> OpenFrozenState(const Subject& subject, std::string_view context,
                                              std::string_view sealed) override {
    if (sealed.empty() || sealed[0] != kFormat) {
      return absl::InvalidArgumentError("sealed state: unknown format");
    }
    Secret key;
    {
      Shard& shard = ShardOf(subject);
      std::lock_guard lock(shard.mu);
      ASSIGN_OR_RETURN(CachedKey* const item, Live(shard, subject));
      key = StateKey(*item);
    }
    return crypto::OpenRandom(key, context, sealed.substr(1));
  }

 private:
  struct Shard {
    explicit Shard(size_t capacity) : cache(capacity) {}
    mutable std::mutex mu;
    KeyCache cache;
  };

  static const Secret& StateKey(CachedKey& item) {
    if (item.state_key.empty()) {
      item.state_key = crypto::HkdfSha256(item.key, "", "relais state v1", kKeySize);
    }
    return item.state_key;
  }

  [[nodiscard]] size_t ShardIndex(const Subject& subject) const {
    return static_cast<uint8_t>(subject.id.bytes()[Id128::kSize - 1]) % shard_count_;
  }
  Shard& ShardOf(const Subject& subject) { return *shards_[ShardIndex(subject)]; }

  // From the cache or the store, with the shard's lock held over the read, so that no key is made beside one
  // that became durable meanwhile. Null: the subject never had a key.
  absl::StatusOr<CachedKey*> Find(Shard& shard, const Subject& subject) {
    if (CachedKey* const item = shard.cache.Find(subject); item != nullptr) {
      return item;
    }
    const storage::Store* const store = store_.load();
    if (store == nullptr) {
      return nullptr;
    }
    ASSIGN_OR_RETURN(const std::optional<std::string> row,
                     store->LogGet(storage::LogTable::kSubjectKeys, subject.Encode()));
    if (!row.has_value()) {
      return nullptr;
    }
    ASSIGN_OR_RETURN(CachedKey item, Unwrap(subject, *row));
    return shard.cache.Insert(std::move(item));
  }

  absl::StatusOr<CachedKey*> Live(Shard& shard, const Subject& subject) {
    ASSIGN_OR_RETURN(CachedKey* const item, Find(shard, subject));
    if (item == nullptr || item->state == State::kErased) {
      return absl::NotFoundError("subject without key");
    }
    return item;
  }

  absl::StatusOr<CachedKey*> FindOrCreate(Shard& shard, const Subject& subject) {
    if (Frozen(subject)) {
      return Erased();
    }
    ASSIGN_OR_RETURN(CachedKey* const item, Find(shard, subject));
    if (item != nullptr) {
      return item->state == State::kErased ? absl::StatusOr<CachedKey*>(Erased()) : item;
    }
    Secret key(random_.Bytes(kKeySize));
    ASSIGN_OR_RETURN(std::string row, Wrap(subject, key));
    return shard.cache.Insert({State::kPending, subject, std::move(key), {}, std::move(row)});
  }

  absl::StatusOr<std::string> Wrap(const Subject& subject, const Secret& key) {
    const uint32_t epoch = epoch_;
    ASSIGN_OR_RETURN(const Secret epoch_key, ring_.Get(kEpochKey, epoch));
    ASSIGN_OR_RETURN(const std::string sealed,
                     crypto::SealRandom(random_, epoch_key, AssociatedData(subject), key.ExposeSecret()));
    std::string row(1, kFormat);
    AppendBigEndian32(row, epoch);
    return row + sealed;
  }

  absl::StatusOr<CachedKey> Unwrap(const Subject& subject, std::string_view row) {
    if (SubjectKeys::IsTombstone(row)) {
      return CachedKey{State::kErased, subject, {}, {}, {}};
    }
    if (row.size() < kRowHeader || row[0] != kFormat) {
      return absl::DataLossError("subject key row: unknown format");
    }
    absl::StatusOr<Secret> epoch_key = ring_.Get(kEpochKey, ReadBigEndian32(row.substr(1)));
    if (absl::IsNotFound(epoch_key.status())) {
      // A row that survivors' re-wrapping left out: the epoch key's destruction erased it.
      return CachedKey{State::kErased, subject, {}, {}, {}};
    }
    if (!epoch_key.ok()) {
      return epoch_key.status();
    }
    absl::StatusOr<std::string> key =
        crypto::OpenRandom(*epoch_key, AssociatedData(subject), row.substr(kRowHeader));
    if (!key.ok() || key->size() != kKeySize) {
      return absl::DataLossError("subject key row does not open");
    }
    return CachedKey{State::kDurable, subject, Secret(*std::move(key)), {}, {}};
  }

  void Thaw(const Subject& subject) {
    std::lock_guard lock(frozen_mu_);
    frozen_.erase(subject);
    frozen_count_ = frozen_.size();
  }

  crypto::KeyRing& ring_;
  Random& random_;
  std::atomic<const storage::Store*> store_ = nullptr;
  const size_t shard_count_;
  std::atomic<uint32_t> epoch_;
  std::array<std::optional<Shard>, kShards> shards_;
  mutable std::mutex frozen_mu_;  // taken last
  std::set<Subject> frozen_;
  std::atomic<size_t> frozen_count_ = 0;
};

}  // namespace

bool IsErased(const absl::Status& status) { return status.GetPayload(kErasedUrl).has_value(); }

storage::LogRow SubjectKeys::TombstoneRow(const Subject& subject) {
  return {storage::LogTable::kSubjectKeys, subject.Encode(), Tombstone()};
}

bool SubjectKeys::IsTombstone(std::string_view row_value) { return row_value == Tombstone(); }

absl::StatusOr<std::unique_ptr<SubjectKeys>> SubjectKeys::Open(crypto::KeyRing& ring, Random& random,
                                                               size_t cache_entries) {
  if (absl::IsNotFound(ring.Latest(kEpochKey).status())) {
    RETURN_IF_ERROR(ring.Add(kEpochKey, Secret(random.Bytes(kKeySize))).status());
  }
  ASSIGN_OR_RETURN(const uint32_t epoch, ring.Latest(kEpochKey));
  return std::make_unique<SubjectKeysImpl>(ring, random, cache_entries, epoch);
}

}  // namespace relais::audit
