#include "services/consent/handlers/erasure_handlers.h"

#include <utility>

#include "common/base/status.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kErase[] = "relais.consent.v1.PersonService/Erase";
constexpr size_t kPageSize = 500;

std::string CauseOf(v1::ErasureCause cause) {
  switch (cause) {
    case v1::ERASURE_CAUSE_NOT_JUSTIFIED:
      return "NOT_JUSTIFIED";
    case v1::ERASURE_CAUSE_COURT:
      return "COURT";
    default:
      return "REQUEST";
  }
}

// Herself and the sender records that are hers here: each has a key of its own.
absl::Status AddSubjects(Registry& registry, const Id128& person, std::vector<audit::Subject>& subjects) {
  subjects.push_back(PersonSubject(person));
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     registry.context.store.Scan(PersonPartition(person), kRecordPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      v1::StoredRecord record;
      RETURN_IF_ERROR(registry.store.Open(person, row.key, row.entry.value, record));
      if (!record.sender_record().empty()) {
        ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(record.sender_record()));
        subjects.push_back({audit::Subject::Kind::kSenderRecord, id});
      }
    }
    from = page.next;
  } while (!from.empty());
  return absl::OkStatus();
}

// Everybody who is one human with her by the state that guards the request, herself first.
std::vector<Id128> GroupIn(const VersionedState& now, const Id128& person) {
  std::vector<Id128> group = {person};
  const Id128 root = now.RootFor(person);
  if (root != person) {
    group.push_back(root);
  }
  for (const Link& link : now.state->links()) {
    if (!link.until && link.person != person) {
      group.push_back(link.person);
    }
  }
  return group;
}

// All of them go; who asked for it need not know the others.
absl::Status AddGroup(Registry& registry, const std::vector<Id128>& group, audit::ErasureRequest& request) {
  const Id128& person = group.front();
  for (const Id128& each : group) {
    std::vector<audit::Subject> subjects;
    RETURN_IF_ERROR(AddSubjects(registry, each, subjects));
    request.subjects.insert(request.subjects.end(), subjects.begin(), subjects.end());
    if (each != person) {
      request.unknown.insert(request.unknown.end(), subjects.begin(), subjects.end());
    }
  }
  return absl::OkStatus();
}

// Her state is written as it is: every act under way at the same time fails and reads again, and then she is
// frozen.
absl::StatusOr<storage::CommitRequest> CommitOf(Registry& registry, const Id128& root,
                                                const VersionedState& now) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(root);
  commit.preconditions.push_back({std::string(kStateKey), now.version});
  ASSIGN_OR_RETURN(storage::Mutation state, registry.store.WriteState(root, *now.state, Store::Room::kLinks));
  commit.batch.push_back(std::move(state));
  return commit;
}

}  // namespace

Task<absl::StatusOr<storage::LeafRange>> BeginErasure(Registry& registry, Id128 erasure, Id128 person,
                                                      std::string cause, audit::Event event,
                                                      StillErase still) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    // Read before the group is: whoever is linked to her meanwhile makes this commit fail.
    CO_ASSIGN_OR_RETURN(const VersionedState now, registry.store.LoadFresh(person));
    if (now.unfinished) {
      const absl::Status completed = co_await CompleteLink(registry.files(), person);
      CO_RETURN_IF_ERROR(completed);
      continue;
    }
    // What a split has not finished is finished first: what is another's leaves, what is hers does not stay.
    const absl::Status settled = co_await SettleLinks(registry.files(), person);
    CO_RETURN_IF_ERROR(settled);
    const Id128 root = now.RootFor(person);
    const std::vector<Id128> group = GroupIn(now, person);
    if (still) {
      CO_ASSIGN_OR_RETURN(const bool goes_on, still(group));
      if (!goes_on) {
        co_return absl::CancelledError("she is not to be erased any more");
      }
    }
    audit::ErasureRequest request;
    request.id = erasure;
    request.cause = cause;
    CO_RETURN_IF_ERROR(AddGroup(registry, group, request));
    // Those who follow this log copy what a legal hold covers before they read that it is to go: by now its
    // leaves have told them of everybody (D-2.10).
    const absl::StatusOr<std::vector<Id128>> held =
        co_await registry.context.maintenance->holds().CopyOf(request.subjects);
    CO_RETURN_IF_ERROR(held.status());
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, CommitOf(registry, root, now));
    // Nobody decides on her from memory once it is durable.
    const PersonCache::Writing writing(registry.store.cache(), root);
    const absl::StatusOr<storage::CommitResult> begun =
        co_await registry.context.maintenance->Request(std::move(request), event, std::move(commit));
    if (begun.ok()) {
      co_return begun->leaves;
    }
    if (!absl::IsAborted(begun.status())) {
      co_return begun.status();
    }
  }
  co_return TooContended();
}

// A repeated request: she may be gone by now, with her leaves' pointers.
Task<absl::StatusOr<v1::EraseResponse>> ErasureHandlers::Again(Id128 erasure, Id128 person, bool want_proof) {
  v1::EraseResponse response;
  response.set_erasure_id(erasure.ToHex());
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenAgain(registry_.context, PersonSubject(person), erasure, want_proof, false);
  if (written.ok()) {
    *response.mutable_written() = *std::move(written);
  } else {
    response.mutable_written()->set_revision(
        registry_.context.log.Revision(registry_.context.log.state().size));
  }
  co_return response;
}

Task<absl::StatusOr<v1::EraseResponse>> ErasureHandlers::Erase(rpc::Call call, v1::EraseRequest request) {
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(registry_.context, registry_.store, actor.institution, kErase,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  const Id128 erasure = claim->event_id;
  CO_ASSIGN_OR_RETURN(const bool known, registry_.context.maintenance->Knows(erasure));
  if (known) {
    absl::StatusOr<v1::EraseResponse> again = co_await Again(erasure, person, request.want_proof());
    co_return again;
  }
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_ERASE_REQUESTED, request.request_id());
  const absl::StatusOr<storage::LeafRange> begun =
      co_await BeginErasure(registry_, erasure, person, CauseOf(request.cause()), std::move(event));
  if (audit::IsErased(begun.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(begun.status());
  // The revision of the leaf about her, as a repetition answers it: not how many others have one.
  const storage::LeafRange hers{begun->first, 1, begun->first + 1};
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenOf(registry_.context, hers, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  v1::EraseResponse response;
  response.set_erasure_id(erasure.ToHex());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::AcknowledgeErasureResponse>> ErasureHandlers::AcknowledgeErasure(
    rpc::Call call, v1::AcknowledgeErasureRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 erasure, Id128::FromHex(request.erasure_id()));
  const absl::Status noted =
      co_await registry_.context.maintenance->AcknowledgedBy(erasure, call.caller.service);
  CO_RETURN_IF_ERROR(noted);
  co_return v1::AcknowledgeErasureResponse();
}

}  // namespace relais::consent
