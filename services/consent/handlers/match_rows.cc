#include "services/consent/handlers/match_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRecordRow[] = "r/";
constexpr size_t kPrefixBytes = 2;

std::string MatchRow(const std::string& institution) { return kMatchPrefix + institution; }
std::string RecordRow(const Record& record) {
  return absl::StrCat(kRecordRow, record.person.ToBytes(), record.institution);
}

storage::Partition KeyBucket(const Registry& registry, uint32_t version, const char* kind,
                             const std::string& key) {
  return registry.context.idempotency.Bucket(absl::StrCat("match/", kind, "/", version), "", key);
}

struct MatchRowOf {
  v1::StoredMatchKeys keys;
  std::optional<uint64_t> version;
};

absl::StatusOr<MatchRowOf> ReadMatchRow(Registry& registry, const Record& record) {
  const std::string key = MatchRow(record.institution);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(record.person), key));
  MatchRowOf row;
  if (entry) {
    RETURN_IF_ERROR(registry.store.Open(record.person, key, entry->value, row.keys));
    row.version = entry->version;
  }
  return row;
}

}  // namespace

absl::StatusOr<Alike> RecordsWith(const Registry& registry, uint32_t version, const char* kind,
                                  const std::string& key, const Id128& but) {
  ASSIGN_OR_RETURN(
      const storage::Page page,
      registry.context.store.Scan(KeyBucket(registry, version, kind, key), kRecordRow, "", kMostAlike + 1));
  Alike alike;
  if (page.entries.size() > kMostAlike) {
    alike.too_many = true;
    return alike;
  }
  for (const storage::KeyedEntry& row : page.entries) {
    if (row.key.size() < kPrefixBytes + Id128::kSize) {
      return absl::DataLossError("an entry of a match key does not parse");
    }
    ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(row.key.substr(kPrefixBytes, Id128::kSize)));
    if (person != but) {
      alike.records.push_back({person, row.key.substr(kPrefixBytes + Id128::kSize)});
    }
  }
  return alike;
}

std::vector<storage::Partition> BucketsOf(const Registry& registry, const v1::StoredMatchKeys& keys) {
  std::vector<storage::Partition> buckets;
  for (const std::string& key : keys.link_keys()) {
    buckets.push_back(KeyBucket(registry, keys.key_version(), "link", key));
  }
  for (const std::string& key : keys.candidate_keys()) {
    buckets.push_back(KeyBucket(registry, keys.key_version(), "candidate", key));
  }
  return buckets;
}

Task<absl::Status> CommitEach(Registry& registry, std::vector<storage::CommitRequest> commits) {
  const std::vector<absl::StatusOr<storage::CommitResult>> results =
      co_await registry.context.store.CommitAll(std::move(commits));
  for (const absl::StatusOr<storage::CommitResult>& result : results) {
    CO_RETURN_IF_ERROR(result.status());
  }
  co_return absl::OkStatus();
}

std::vector<storage::CommitRequest> EntriesOf(const std::vector<storage::Partition>& buckets,
                                              const Record& record, bool there) {
  std::vector<storage::CommitRequest> commits;
  for (const storage::Partition& bucket : buckets) {
    storage::CommitRequest commit;
    commit.partition = bucket;
    commit.batch.push_back(
        {RecordRow(record), there ? std::optional<std::string>(std::string()) : std::nullopt});
    commits.push_back(std::move(commit));
  }
  return commits;
}

Task<absl::StatusOr<v1::StoredMatchKeys>> ChangeMatchRow(Registry& registry, Record record,
                                                         ChangeKeys change) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const VersionedState own, registry.store.LoadOwn(record.person));
    CO_ASSIGN_OR_RETURN(MatchRowOf row, ReadMatchRow(registry, record));
    v1::StoredMatchKeys before = row.keys;
    if (!change(row.keys)) {
      co_return before;
    }
    storage::CommitRequest commit;
    commit.partition = PersonPartition(record.person);
    const std::string key = MatchRow(record.institution);
    commit.preconditions.push_back({key, row.version});
    commit.preconditions.push_back({std::string(kStateKey), own.version});  // not once she is erased
    const absl::StatusOr<storage::Mutation> sealed = registry.store.WriteSealed(record.person, key, row.keys);
    if (audit::IsErased(sealed.status())) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(sealed.status());
    commit.batch.push_back(*sealed);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return before;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return TooContended();
}

std::vector<std::string> BytesOf(const std::vector<Id128>& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (const Id128& id : ids) {
    out.push_back(id.ToBytes());
  }
  return out;
}

Task<absl::Status> PutEntries(Registry& registry, uint32_t version, Record record, MatchKeys keys) {
  const std::vector<std::string> link = BytesOf(keys.link);
  const std::vector<std::string> candidate = BytesOf(keys.candidate);
  v1::StoredMatchKeys next;
  ChangeKeys change = [&next, version, link, candidate](v1::StoredMatchKeys& row) {
    row.set_key_version(version);
    row.mutable_link_keys()->Assign(link.begin(), link.end());
    row.mutable_candidate_keys()->Assign(candidate.begin(), candidate.end());
    next = row;
    return true;
  };
  const absl::StatusOr<v1::StoredMatchKeys> before = co_await ChangeMatchRow(registry, record, change);
  CO_RETURN_IF_ERROR(before.status());
  const std::vector<storage::Partition> wanted = BucketsOf(registry, next);
  std::vector<storage::Partition> old = BucketsOf(registry, *before);
  std::erase_if(old, [&](const storage::Partition& bucket) {
    return std::find(wanted.begin(), wanted.end(), bucket) != wanted.end();
  });
  std::vector<storage::CommitRequest> commits = EntriesOf(old, record, false);
  for (storage::CommitRequest& commit : EntriesOf(wanted, record, true)) {
    commits.push_back(std::move(commit));
  }
  const absl::Status put = co_await CommitEach(registry, std::move(commits));
  CO_RETURN_IF_ERROR(put);
  const absl::Status there = registry.store.LoadOwn(record.person).status();
  if (absl::IsNotFound(there)) {  // erased meanwhile: what was just put may have come after
    std::vector<storage::CommitRequest> gone = EntriesOf(wanted, record, false);
    const absl::Status removed = co_await CommitEach(registry, std::move(gone));
    CO_RETURN_IF_ERROR(removed);
  }
  co_return there;
}

}  // namespace relais::consent
