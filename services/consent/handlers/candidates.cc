#include "services/consent/handlers/candidates.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/identity/keyed_hash.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr size_t kFoundBytes = 8;
constexpr int kMostCandidates = 100;  // of one record: what erases her takes them all at once

absl::StatusOr<storage::CommitRequest> PairCommit(Registry& registry, const Id128& id, const Record& low,
                                                  const Record& high, int64_t found) {
  v1::StoredCandidate candidate;
  candidate.set_person(low.person.ToBytes());
  candidate.set_institution(low.institution);
  candidate.set_other(high.person.ToBytes());
  candidate.set_other_institution(high.institution);
  candidate.set_found(found);
  storage::CommitRequest commit;
  commit.partition = PairBucket(registry, id);
  commit.preconditions.push_back({kPairKey, std::nullopt});
  commit.batch.push_back({kPairKey, candidate.SerializeAsString()});
  v1::CandidateFound payload;
  payload.set_candidate_id(id.ToHex());
  audit::Event event =
      OwnEvent(registry.context, audit::v1::EVENT_CLASS_CANDIDATE_FOUND, registry.context.random.Id());
  event.details.mutable_payload()->PackFrom(payload);
  for (const Id128& person : {low.person, high.person}) {
    event.subject = PersonSubject(person);
    ASSIGN_OR_RETURN(storage::LeafDraft leaf, registry.context.log.Draft(event));
    commit.leaves.push_back(std::move(leaf));
  }
  return commit;
}

// Her row names it, before it is made: whoever erases her finds it there. False: she is erased, or her row is
// full.
Task<absl::StatusOr<bool>> NameIn(Registry& registry, Record record, Id128 id) {
  const auto named = std::make_shared<bool>(false);
  ChangeKeys change = [bytes = id.ToBytes(), named](v1::StoredMatchKeys& keys) {
    const auto& known = keys.candidates();
    const bool has = std::find(known.begin(), known.end(), bytes) != known.end();
    *named = has || known.size() < kMostCandidates;
    if (has || !*named) {
      return false;
    }
    keys.add_candidates(bytes);
    return true;
  };
  const absl::StatusOr<v1::StoredMatchKeys> changed =
      co_await ChangeMatchRow(registry, std::move(record), std::move(change));
  if (absl::IsNotFound(changed.status())) {
    co_return false;
  }
  CO_RETURN_IF_ERROR(changed.status());
  co_return *named;
}

storage::CommitRequest ChangePair(const Registry& registry, const StoredPair& pair,
                                  const v1::StoredCandidate& candidate) {
  storage::CommitRequest commit;
  commit.partition = PairBucket(registry, pair.id);
  commit.preconditions.push_back({kPairKey, pair.version});
  commit.batch.push_back({kPairKey, candidate.SerializeAsString()});
  return commit;
}

bool IsOne(const Linked& linked) {
  return linked.result == LinkResult::kLinked || linked.result == LinkResult::kAlready;
}

bool WaitsAgain(const Linked& linked) {
  return linked.result == LinkResult::kBothHaveOthers || linked.result == LinkResult::kTooMuch;
}

}  // namespace

storage::Partition PairBucket(const Registry& registry, const Id128& candidate) {
  return registry.context.idempotency.Bucket("candidate", "", candidate.ToBytes());
}

storage::Partition CandidateList(const Registry& registry) {
  return registry.context.idempotency.Bucket("candidates", "", "");
}

std::string CandidateListKey(const Id128& candidate, int64_t found) {
  return storage::EncodeBigEndian64(static_cast<uint64_t>(found)) + candidate.ToBytes();
}

absl::StatusOr<Id128> CandidateInListKey(const std::string& key) {
  return key.size() == kFoundBytes + Id128::kSize ? Id128::FromBytes(key.substr(kFoundBytes))
                                                  : absl::StatusOr<Id128>(absl::DataLossError(
                                                        "an entry of the list of candidates does not parse"));
}

Id128 CandidateId(const Registry& registry, const Id128& one, const Id128& other) {
  const Secret key = registry.context.log.DeriveKey("relais candidate v1");
  return identity::KeyedId(key, "relais candidate v1",
                           {std::min(one, other).bytes(), std::max(one, other).bytes()});
}

absl::StatusOr<std::optional<StoredPair>> ReadPair(const Registry& registry, const Id128& candidate) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PairBucket(registry, candidate), kPairKey));
  if (!entry) {
    return std::optional<StoredPair>();
  }
  StoredPair pair{candidate, {}, entry->version};
  if (!pair.candidate.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored candidate does not parse");
  }
  return std::optional(std::move(pair));
}

std::vector<storage::CommitRequest> ForgetPair(const Registry& registry, const Id128& id, int64_t found) {
  storage::CommitRequest pair;
  pair.partition = PairBucket(registry, id);
  pair.batch.push_back({kPairKey, std::nullopt});
  storage::CommitRequest listed;
  listed.partition = CandidateList(registry);
  listed.batch.push_back({CandidateListKey(id, found), std::nullopt});
  return {pair, listed};
}

namespace {

// In the list, if nobody has decided on it and neither is erased. Once it is there: so every row of the list
// is of a candidate that was, and has the instant that this one says.
Task<absl::Status> ListOpen(Registry& registry, Id128 id) {
  CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, id));
  if (!pair || pair->candidate.state() != v1::CANDIDATE_STATE_UNSPECIFIED) {
    co_return absl::OkStatus();
  }
  const int64_t found = pair->candidate.found();
  CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> there,
                      registry.context.store.Get(CandidateList(registry), CandidateListKey(id, found)));
  if (!there) {
    storage::CommitRequest listed;
    listed.partition = CandidateList(registry);
    listed.batch.push_back({CandidateListKey(id, found), std::string()});
    const absl::StatusOr<storage::CommitResult> in_list =
        co_await registry.context.store.Commit(std::move(listed));
    CO_RETURN_IF_ERROR(in_list.status());
  }
  CO_ASSIGN_OR_RETURN(const Id128 low, Id128::FromBytes(pair->candidate.person()));
  CO_ASSIGN_OR_RETURN(const Id128 high, Id128::FromBytes(pair->candidate.other()));
  if (absl::IsNotFound(registry.store.LoadOwn(low).status()) ||
      absl::IsNotFound(registry.store.LoadOwn(high).status())) {
    std::vector<storage::CommitRequest> gone = ForgetPair(registry, id, found);  // erased meanwhile
    const absl::Status forgotten = co_await CommitEach(registry, std::move(gone));
    co_return forgotten;
  }
  co_return absl::OkStatus();
}

}  // namespace

// Both rows name it, then it is there, with its leaves, then the list. Whoever finds it there goes on with
// the list, where a call ended in between.
Task<absl::Status> MakeCandidate(Registry& registry, Record one, Record other) {
  const Record low = one.person < other.person ? one : other;
  const Record high = one.person < other.person ? other : one;
  const Id128 id = CandidateId(registry, low.person, high.person);
  CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> known, ReadPair(registry, id));
  if (!known) {
    const std::vector<Record> both = {low, high};
    for (const Record& record : both) {
      const absl::StatusOr<bool> named = co_await NameIn(registry, record, id);
      CO_RETURN_IF_ERROR(named.status());
      if (!*named) {
        co_return absl::OkStatus();
      }
    }
    absl::StatusOr<storage::CommitRequest> commit =
        PairCommit(registry, id, low, high, Micros(registry.context.log.Now()));
    if (audit::IsErased(commit.status())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(commit.status());
    const absl::StatusOr<storage::CommitResult> made =
        co_await registry.context.store.Commit(*std::move(commit));
    if (audit::IsErased(made.status())) {
      co_return absl::OkStatus();
    }
    if (!absl::IsAborted(made.status())) {  // else another made it
      CO_RETURN_IF_ERROR(made.status());
    }
  }
  const absl::Status listed = co_await ListOpen(registry, id);
  co_return listed;
}

Task<absl::Status> SettleCandidate(Registry& registry, Id128 candidate, Id128 decided_by, Linked linked) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, candidate));
    if (!pair || pair->candidate.state() != v1::CANDIDATE_STATE_CONFIRMED ||
        pair->candidate.decided_by() != decided_by.bytes() || !pair->candidate.link_id().empty()) {
      co_return absl::OkStatus();
    }
    v1::StoredCandidate next = pair->candidate;
    if (IsOne(linked)) {
      next.set_link_id(linked.link.ToBytes());
    } else if (WaitsAgain(linked)) {
      storage::CommitRequest listed;
      listed.partition = CandidateList(registry);
      listed.batch.push_back({CandidateListKey(candidate, pair->candidate.found()), std::string()});
      const absl::StatusOr<storage::CommitResult> in_list =
          co_await registry.context.store.Commit(std::move(listed));
      CO_RETURN_IF_ERROR(in_list.status());
      next.set_state(v1::CANDIDATE_STATE_UNSPECIFIED);
      next.clear_decided_by();
      next.clear_decided();
    } else {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit = ChangePair(registry, *pair, next);
    const absl::StatusOr<storage::CommitResult> settled =
        co_await registry.context.store.Commit(std::move(commit));
    if (absl::IsAborted(settled.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(settled.status());
    const absl::Status listed =
        co_await ListOpen(registry, candidate);  // in case it was tidied away meanwhile
    co_return listed;
  }
  co_return TooContended();
}

}  // namespace relais::consent
