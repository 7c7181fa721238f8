#include "services/consent/handlers/record_act.h"

#include <optional>
#include <set>
#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/rpc/idempotency.h"

namespace relais::consent {
namespace {

// What is to be committed, and what the cache will hold once it is.
struct Prepared {
  std::vector<storage::CommitRequest> first;
  storage::CommitRequest commit;
  std::shared_ptr<const PersonState> state;
  v1::RememberedAct remembered;
};

absl::StatusOr<Prepared> Prepare(const rpc::ServiceContext& context, Store& store, const ActRequest& request,
                                 const rpc::Idempotency::Seen& seen, const PlanAct& plan) {
  ASSIGN_OR_RETURN(const VersionedState now, store.LoadFresh(request.person));
  ASSIGN_OR_RETURN(PlannedAct act, plan(*now.state, now.state->InstantOfNext(context.log.Now())));
  act.event.subject = PersonSubject(request.person);
  Prepared prepared;
  prepared.commit.partition = PersonPartition(request.person);
  prepared.commit.preconditions.push_back({std::string(kStateKey), now.version});
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(act.event));
  prepared.commit.leaves.push_back(std::move(leaf));
  for (audit::Event& more : act.also) {
    more.subject = act.event.subject;
    ASSIGN_OR_RETURN(storage::LeafDraft another, context.log.Draft(more));
    prepared.commit.leaves.push_back(std::move(another));
  }
  ASSIGN_OR_RETURN(storage::Mutation state, store.WriteState(request.person, act.state));
  prepared.commit.batch = std::move(act.rows);
  prepared.commit.batch.push_back(std::move(state));
  rpc::Idempotency::Remember(seen, act.remembered, prepared.commit);
  prepared.first = std::move(act.first);
  prepared.state = std::make_shared<const PersonState>(std::move(act.state));
  prepared.remembered = std::move(act.remembered);
  return prepared;
}

Task<absl::StatusOr<RecordedAct>> Repeat(const rpc::ServiceContext& context, ActRequest request,
                                         std::string answer) {
  RecordedAct act;
  if (!act.remembered.ParseFromString(answer)) {
    co_return absl::DataLossError("a remembered act does not parse");
  }
  CO_ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(act.remembered.event_id()));
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenAgain(context, PersonSubject(request.person), event, request.want_proof, true);
  if (!written.ok()) {
    co_return written.status();
  }
  act.written = *std::move(written);
  co_return act;
}

Task<absl::StatusOr<storage::CommitResult>> CommitState(const rpc::ServiceContext& context, Store& store,
                                                        Id128 person, Prepared prepared) {
  PersonCache::Writing writing(store.cache(), person);
  absl::StatusOr<storage::CommitResult> result = co_await context.store.Commit(std::move(prepared.commit));
  if (result.ok()) {
    writing.Committed({std::move(prepared.state), result->version});
  }
  co_return result;
}

constexpr size_t kLeavesPerPage = 1000;

}  // namespace

absl::StatusOr<storage::LeafRange> FindLeaf(audit::Log& log, const Claim& claim) {
  uint64_t from = claim.log_size;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<std::string> leaves, log.ReadLeaves(from, kLeavesPerPage));
    if (leaves.empty()) {
      return absl::DataLossError("an act that was made has no leaf");
    }
    for (size_t i = 0; i < leaves.size(); ++i) {
      ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(leaves[i]));
      if (leaf.header.event_id() == claim.event_id.bytes()) {
        return storage::LeafRange{from + i, 1, from + i + 1};
      }
    }
    from += leaves.size();
  }
}

void DescribeLines(const google::protobuf::RepeatedPtrField<v1::ConsentLine>& lines, audit::Event& event) {
  std::set<std::string> purposes;
  std::set<std::string> categories;
  for (const v1::ConsentLine& line : lines) {
    purposes.insert(line.purposes().begin(), line.purposes().end());
    categories.insert(line.categories().begin(), line.categories().end());
  }
  if (purposes.size() == 1) {
    event.purpose = *purposes.begin();
  }
  event.categories.assign(categories.begin(), categories.end());
}

absl::Status TooContended() {
  return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                      "too many acts about the same person at once");
}

Task<absl::StatusOr<RecordedAct>> RecordAct(const rpc::ServiceContext& context, Store& store,
                                            ActRequest request, PlanAct plan) {
  CO_RETURN_IF_ERROR(context.Writable());
  co_await ResumeOn(context.executor);  // reads that may touch the disk
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(
        const rpc::Idempotency::Seen seen,
        context.idempotency.Look(context.store, PersonPartition(request.person), request.owner,
                                 request.method, request.request_id, *request.content));
    if (seen.answer) {
      absl::StatusOr<RecordedAct> repeated = co_await Repeat(context, request, *seen.answer);
      co_return repeated;
    }
    CO_ASSIGN_OR_RETURN(Prepared prepared, Prepare(context, store, request, seen, plan));
    if (!prepared.first.empty()) {
      const std::vector<absl::StatusOr<storage::CommitResult>> first =
          co_await context.store.CommitAll(std::move(prepared.first));
      bool lost = false;  // a race for something beside her: planned again
      for (const absl::StatusOr<storage::CommitResult>& each : first) {
        if (absl::IsAborted(each.status())) {
          lost = true;
        } else {
          CO_RETURN_IF_ERROR(each.status());
        }
      }
      if (lost) {
        continue;
      }
    }
    RecordedAct act;
    act.remembered = prepared.remembered;
    const absl::StatusOr<storage::CommitResult> result =
        co_await CommitState(context, store, request.person, std::move(prepared));
    if (absl::IsAborted(result.status())) {
      continue;
    }
    if (!result.ok()) {
      co_return result.status();
    }
    absl::StatusOr<common::v1::Written> written =
        co_await rpc::WrittenOf(context, result->leaves, request.want_proof, true);
    if (!written.ok()) {
      co_return written.status();
    }
    act.written = *std::move(written);
    co_return act;
  }
  co_return TooContended();
}

namespace {

// Nothing to commit: no such person, done before, or nothing to change.
absl::StatusOr<std::optional<Prepared>> PrepareChange(const rpc::ServiceContext& context, Store& store,
                                                      const Id128& person, const std::string& once,
                                                      const PlanChange& plan) {
  const storage::Partition partition = PersonPartition(person);
  if (!once.empty()) {
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> done, context.store.Get(partition, once));
    if (done) {
      return std::optional<Prepared>();
    }
  }
  const absl::StatusOr<VersionedState> now = store.LoadFresh(person);
  if (absl::IsNotFound(now.status())) {
    return std::optional<Prepared>();
  }
  RETURN_IF_ERROR(now.status());
  std::optional<PlannedChange> change = plan(*now->state, now->state->InstantOfNext(context.log.Now()));
  if (!change) {
    return std::optional<Prepared>();
  }
  change->event.subject = PersonSubject(person);
  Prepared prepared;
  prepared.commit.partition = partition;
  prepared.commit.preconditions.push_back({std::string(kStateKey), now->version});
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(change->event));
  prepared.commit.leaves.push_back(std::move(leaf));
  ASSIGN_OR_RETURN(storage::Mutation state, store.WriteState(person, change->state));
  prepared.commit.batch.push_back(std::move(state));
  if (!once.empty()) {
    prepared.commit.preconditions.push_back({once, std::nullopt});
    prepared.commit.batch.push_back({once, std::string()});
  }
  prepared.state = std::make_shared<const PersonState>(std::move(change->state));
  return std::optional(std::move(prepared));
}

absl::StatusOr<Claim> ParseClaim(const std::string& answer) {
  v1::ClaimedAct claimed;
  if (!claimed.ParseFromString(answer)) {
    return absl::DataLossError("a claimed request does not parse");
  }
  ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(claimed.event_id()));
  return Claim{event, absl::FromUnixMicros(claimed.time()), claimed.log_size()};
}

}  // namespace

Task<absl::StatusOr<std::optional<storage::LeafRange>>> ChangeState(const rpc::ServiceContext& context,
                                                                    Store& store, Id128 person,
                                                                    std::string once, PlanChange plan) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(std::optional<Prepared> prepared, PrepareChange(context, store, person, once, plan));
    if (!prepared) {
      co_return std::optional<storage::LeafRange>();
    }
    const absl::StatusOr<storage::CommitResult> result =
        co_await CommitState(context, store, person, *std::move(prepared));
    if (absl::IsAborted(result.status())) {
      continue;
    }
    if (!result.ok()) {
      co_return result.status();
    }
    co_return std::optional(result->leaves);
  }
  co_return TooContended();
}

Task<absl::StatusOr<Claim>> ClaimRequest(const rpc::ServiceContext& context, Store& store, std::string owner,
                                         std::string method, std::string request_id,
                                         std::shared_ptr<const google::protobuf::Message> content) {
  const storage::Partition bucket = store.RequestBucket(method, owner, request_id);
  co_await ResumeOn(context.executor);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                        context.idempotency.Look(context.store, bucket, owner, method, request_id, *content));
    if (seen.answer) {
      co_return ParseClaim(*seen.answer);
    }
    v1::ClaimedAct claimed;
    claimed.set_event_id(context.random.Id().ToBytes());
    claimed.set_time(absl::ToUnixMicros(context.log.Now()));
    claimed.set_log_size(context.log.state().size);
    storage::CommitRequest commit;
    commit.partition = bucket;
    rpc::Idempotency::Remember(seen, claimed, commit);
    const absl::StatusOr<storage::CommitResult> result = co_await context.store.Commit(std::move(commit));
    if (result.ok()) {
      co_return ParseClaim(claimed.SerializeAsString());
    }
    if (!absl::IsAborted(result.status())) {
      co_return result.status();
    }
  }
  co_return TooContended();
}

}  // namespace relais::consent
