#include "services/consent/handlers/record_act.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "common/audit/leaf.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "common/rpc/idempotency.h"
#include "services/consent/expiries.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/remembering.h"

namespace relais::consent {
namespace {

// What is to be committed, and what the cache will hold once it is.
struct Prepared {
  Id128 root;  // whose partition
  std::vector<storage::CommitRequest> first;
  storage::CommitRequest commit;
  std::shared_ptr<const PersonState> state;  // null: nothing
  v1::RememberedAct remembered;
  uint64_t leaves = 0;  // about the name acted on; they come first
};

// What is kept in memory is what was read from the store as it stands: of linked persons, whose histories are
// put together from several, no other order of them.
void Keep(PersonState state, Prepared& prepared) {
  if (state.links().empty() && !state.linked_to()) {
    prepared.state = std::make_shared<const PersonState>(std::move(state));
  }
}

// Her history as an act under her name changes it; a copy only where she is linked.
class Spoken {
 public:
  Spoken(const VersionedState& now, const Id128& person) : state_(*now.state) {
    if (now.RootFor(person) != person) {
      under_name_.emplace(*now.state);
      under_name_->SpeakAs(person);
    }
  }
  [[nodiscard]] const PersonState& state() const { return under_name_ ? *under_name_ : state_; }

 private:
  const PersonState& state_;  // of the VersionedState it was made from
  std::optional<PersonState> under_name_;
};

// Everybody else who is one human with her: they have leaves of their own, with the same event id.
std::vector<Id128> OthersOf(const VersionedState& now, const Id128& person) {
  std::vector<Id128> others;
  const Id128 root = now.RootFor(person);
  if (root != person) {
    others.push_back(root);
  }
  for (const Link& link : now.state->links()) {
    if (!link.until && link.person != person) {
      others.push_back(link.person);
    }
  }
  return others;
}

absl::Status DraftLeaves(const rpc::ServiceContext& context, const std::vector<audit::Event>& events,
                         const Id128& person, const std::vector<Id128>& others,
                         storage::CommitRequest& commit) {
  std::vector<Id128> subjects = {person};
  subjects.insert(subjects.end(), others.begin(), others.end());
  for (const Id128& subject : subjects) {
    for (const audit::Event& event : events) {
      audit::Event about = subject == person ? event : AsRegistrys(event);
      about.subject = PersonSubject(subject);
      ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(std::move(about)));
      commit.leaves.push_back(std::move(leaf));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Prepared> Prepare(const rpc::ServiceContext& context, Store& store, const ActRequest& request,
                                 const VersionedState& now, const rpc::Idempotency::Seen& seen,
                                 const PlanAct& plan) {
  const Spoken spoken(now, request.person);
  ASSIGN_OR_RETURN(PlannedAct act, plan(spoken.state(), now.state->InstantOfNext(context.log.Now())));
  act.state.SpeakAs({});
  Prepared prepared;
  prepared.root = now.RootFor(request.person);
  prepared.commit.partition = PersonPartition(prepared.root);
  prepared.commit.preconditions.push_back({std::string(kStateKey), now.version});
  std::vector<audit::Event> events = {std::move(act.event)};
  std::move(act.also.begin(), act.also.end(), std::back_inserter(events));
  const std::vector<Id128> others = request.of_name ? std::vector<Id128>() : OthersOf(now, request.person);
  RETURN_IF_ERROR(DraftLeaves(context, events, request.person, others, prepared.commit));
  prepared.leaves = events.size();
  if (act.unsaid) {
    act.unsaid->subject = PersonSubject(request.person);
    ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(*std::move(act.unsaid)));
    prepared.commit.leaves.push_back(std::move(leaf));
  }
  ASSIGN_OR_RETURN(storage::Mutation state, store.WriteState(prepared.root, act.state, act.room,
                                                             events.front().institution, now.state.get()));
  prepared.commit.batch = std::move(act.rows);
  for (storage::Mutation& row : prepared.commit.batch) {
    row.key = RowKey(prepared.root, request.person, row.key);
  }
  if (act.text) {
    const Id128 name = act.text->of.IsZero() ? prepared.root : act.text->of;
    ASSIGN_OR_RETURN(const Id128 consent, Id128::FromHex(act.text->consent.consent_id()));
    ASSIGN_OR_RETURN(storage::Mutation text, store.WriteSealed(name, ConsentKey(consent), act.text->consent));
    text.key = RowKey(prepared.root, name, text.key);
    prepared.commit.batch.push_back(std::move(text));
  }
  prepared.commit.batch.push_back(std::move(state));
  rpc::Idempotency::Remember(seen, act.remembered, prepared.commit);
  prepared.first = std::move(act.first);
  if (act.ends) {
    const Id128 name = act.ends->of.IsZero() ? prepared.root : act.ends->of;
    prepared.first.push_back(EndOf(context, name, act.ends->agreement, act.ends->end));
  }
  Keep(std::move(act.state), prepared);
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

// With `first` before it in the same submission: commits are applied in their order, so what is first is
// durable no later than the act.
Task<absl::StatusOr<storage::CommitResult>> CommitState(const rpc::ServiceContext& context, Store& store,
                                                        Id128 person, Prepared prepared) {
  PersonCache::Writing writing(store.cache(), person);
  std::vector<storage::CommitRequest> commits = std::move(prepared.first);
  commits.push_back(std::move(prepared.commit));
  std::vector<absl::StatusOr<storage::CommitResult>> results =
      co_await context.store.CommitAll(std::move(commits));
  absl::StatusOr<storage::CommitResult> result = std::move(results.back());
  results.pop_back();
  if (result.ok() && prepared.state != nullptr) {
    writing.Committed({std::move(prepared.state), result->version});
  }
  for (const absl::StatusOr<storage::CommitResult>& first : results) {
    CO_RETURN_IF_ERROR(first.status());
  }
  co_return result;
}

// What may lose a race of its own has to be there before the act is submitted.
bool MayFail(const std::vector<storage::CommitRequest>& first) {
  return std::any_of(first.begin(), first.end(),
                     [](const storage::CommitRequest& commit) { return !commit.preconditions.empty(); });
}

// Her state to plan on: at first as the cache has it, which the act's precondition guards as well as a fresh
// one.
absl::StatusOr<VersionedState> StateFor(Store& store, const ActRequest& request, bool fresh) {
  if (request.of_name) {
    return store.LoadOwn(request.person);
  }
  return fresh ? store.LoadFresh(request.person) : store.Load(request.person);
}

// The revision that is answered is that of the leaves about the name acted on, as a repetition says it too:
// how many other names have some is nobody's to know. Both are durable in the same commit.
storage::LeafRange LeavesOfHer(storage::LeafRange all, uint64_t hers) {
  return {all.first, hers, all.first + hers};
}

constexpr size_t kLeavesPerPage = 1000;

}  // namespace

absl::StatusOr<storage::LeafRange> FindLeaf(audit::Log& log, const Claim& claim) {
  return FindLeafOf(log, claim, "");
}

absl::StatusOr<storage::LeafRange> FindLeafOf(audit::Log& log, const Claim& claim,
                                              const std::string& institution) {
  uint64_t from = claim.log_size;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<std::string> leaves, log.ReadLeaves(from, kLeavesPerPage));
    if (leaves.empty()) {
      return absl::DataLossError("an act that was made has no leaf");
    }
    for (size_t i = 0; i < leaves.size(); ++i) {
      ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(leaves[i]));
      if (leaf.header.event_id() == claim.event_id.bytes() &&
          (institution.empty() || leaf.header.institution() == institution)) {
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

Task<absl::StatusOr<RecordedAct>> RecordAct(const rpc::ServiceContext& context, Store& store,
                                            ActRequest request, PlanAct plan) {
  CO_RETURN_IF_ERROR(context.Writable());
  co_await ResumeOn(context.executor);  // reads that may touch the disk
  const Files files{context, store};
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const VersionedState now, StateFor(store, request, attempt > 0));
    if (now.unfinished) {
      const absl::Status completed = co_await CompleteLink(files, request.person);
      CO_RETURN_IF_ERROR(completed);
      continue;
    }
    CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                        LookUnderName(context, now.RootFor(request.person), request.person, request.owner,
                                      request.method, request.request_id, *request.content));
    if (seen.answer) {
      absl::StatusOr<RecordedAct> repeated = co_await Repeat(context, request, *seen.answer);
      co_return repeated;
    }
    absl::StatusOr<Prepared> planned = Prepare(context, store, request, now, seen, plan);
    if (attempt == 0 && audit::IsErased(planned.status())) {
      continue;  // since her state was kept; the store says what she is now
    }
    CO_RETURN_IF_ERROR(planned.status());
    Prepared prepared = *std::move(planned);
    const Id128 root = prepared.root;
    const uint64_t hers = prepared.leaves;
    if (MayFail(prepared.first)) {
      std::vector<storage::CommitRequest> before = std::move(prepared.first);
      prepared.first.clear();
      const std::vector<absl::StatusOr<storage::CommitResult>> first =
          co_await context.store.CommitAll(std::move(before));
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
        co_await CommitState(context, store, root, std::move(prepared));
    if (absl::IsAborted(result.status())) {
      continue;
    }
    if (!result.ok()) {
      co_return result.status();
    }
    const storage::LeafRange leaves = LeavesOfHer(result->leaves, hers);
    absl::StatusOr<common::v1::Written> written =
        co_await rpc::WrittenOf(context, leaves, request.want_proof, true);
    if (!written.ok()) {
      co_return written.status();
    }
    act.written = *std::move(written);
    co_return act;
  }
  co_return TooContended();
}

namespace {

// Nothing to commit: done before, or nothing to change.
absl::StatusOr<std::optional<Prepared>> PrepareChange(const rpc::ServiceContext& context, Store& store,
                                                      const Id128& person, const VersionedState& now,
                                                      const std::string& once, const PlanChange& plan) {
  if (!once.empty()) {
    ASSIGN_OR_RETURN(const bool before, IsThere(context, now.RootFor(person), person, once));
    if (before) {
      return std::optional<Prepared>();
    }
  }
  const Spoken spoken(now, person);
  std::optional<PlannedChange> change = plan(spoken.state(), now.state->InstantOfNext(context.log.Now()));
  if (!change) {
    return std::optional<Prepared>();
  }
  change->state.SpeakAs({});
  Prepared prepared;
  prepared.root = now.RootFor(person);
  prepared.commit.partition = PersonPartition(prepared.root);
  prepared.commit.preconditions.push_back({std::string(kStateKey), now.version});
  const std::vector<audit::Event> events = {std::move(change->event)};
  RETURN_IF_ERROR(DraftLeaves(context, events, person, OthersOf(now, person), prepared.commit));
  ASSIGN_OR_RETURN(storage::Mutation state,
                   store.WriteState(prepared.root, change->state, change->room, {}, now.state.get()));
  prepared.commit.batch.push_back(std::move(state));
  if (!once.empty()) {
    const std::string key = RowKey(prepared.root, person, once);
    prepared.commit.preconditions.push_back({key, std::nullopt});
    prepared.commit.batch.push_back({key, std::string()});
  }
  Keep(std::move(change->state), prepared);
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
  const Files files{context, store};
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const absl::StatusOr<VersionedState> now = store.LoadFresh(person);
    if (absl::IsNotFound(now.status())) {
      co_return std::optional<storage::LeafRange>();
    }
    CO_RETURN_IF_ERROR(now.status());
    if (now->unfinished) {
      const absl::Status completed = co_await CompleteLink(files, person);
      CO_RETURN_IF_ERROR(completed);
      continue;
    }
    CO_ASSIGN_OR_RETURN(std::optional<Prepared> prepared,
                        PrepareChange(context, store, person, *now, once, plan));
    if (!prepared) {
      co_return std::optional<storage::LeafRange>();
    }
    const Id128 root = prepared->root;
    const absl::StatusOr<storage::CommitResult> result =
        co_await CommitState(context, store, root, *std::move(prepared));
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
