#include "services/consent/handlers/check_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/duty_handlers.h"
#include "services/consent/handlers/inquiry.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/questions.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/remembering.h"

namespace relais::consent {
namespace {

constexpr char kCheck[] = "relais.consent.v1.ConsentService/Check";
constexpr char kBatchCheck[] = "relais.consent.v1.ConsentService/BatchCheck";

using Response = absl::StatusOr<v1::CheckResponse>;

// Part P of the leaf says why it was denied: its key is for who may know.
bool MayOpenLeaf(const Inquiry& inquiry, bool permitted) {
  return permitted || inquiry.sees() == Sees::kEverything;
}

std::string SealKey(std::string_view event_id) { return "check/" + std::string(event_id); }

// What an answer authorises: an exercise nothing, as a dry run (ADR 31).
bool GivesPermit(const Inquiry& inquiry, bool permitted) { return permitted && !inquiry.request.exercise(); }

// Whether a recorded permit would be given now on the same grounds and acts of hers. One whose leaf does not
// open does not stand: it is decided anew.
bool StandsOnTheSame(audit::Log& log, uint64_t leaf, const Decided& now) {
  const absl::StatusOr<std::vector<audit::OpenedLeaf>> opened = log.OpenAt({leaf});
  v1::CheckDecided recorded;
  return opened.ok() && !opened->empty() && opened->front().details.payload().UnpackTo(&recorded) &&
         RestsOnTheSame(opened->front().leaf.header.ground(), recorded, now.answer);
}

// The earlier answer of this request id, or nullopt when it was a permit that no longer stands.
Task<absl::StatusOr<std::optional<v1::CheckResponse>>> AnswerAgain(Registry& registry,
                                                                   std::shared_ptr<const Inquiry> inquiry,
                                                                   Id128 person, Decided decided,
                                                                   std::string remembered) {
  v1::RememberedAct act;
  if (!act.ParseFromString(remembered)) {
    co_return absl::DataLossError("a remembered check does not parse");
  }
  v1::CheckResponse response;
  CO_RETURN_IF_ERROR(registry.store.Open(person, SealKey(act.event_id()), act.sealed_answer(), response));
  const bool permitted = response.decision() == common::v1::DECISION_PERMIT;
  const absl::Time end = FromMicros(act.until());
  if (permitted && (!decided.answer.whole.permitted() || decided.now >= end)) {
    co_return std::optional<v1::CheckResponse>();
  }
  CO_ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(act.event_id()));
  // With the proof, which alone says the leaf's index.
  absl::StatusOr<common::v1::Written> written = co_await rpc::WrittenAgain(
      registry.context, PersonSubject(person), event, true, MayOpenLeaf(*inquiry, permitted));
  if (!written.ok()) {
    co_return written.status();
  }
  if (permitted && !StandsOnTheSame(registry.context.log, written->proof().leaf_index(), decided)) {
    co_return std::optional<v1::CheckResponse>();
  }
  response.set_revision(written->revision());
  if (GivesPermit(*inquiry, permitted)) {
    *response.mutable_permit() = PermitOf(registry.context.log, written->proof().leaf_index(), end);
  }
  if (inquiry->request.want_proof()) {
    *response.mutable_proof() = std::move(*written->mutable_proof());
  }
  co_return std::optional(std::move(response));
}

// Joins the answer to the commit, in place of the earlier one if there is one.
absl::Status Remember(Registry& registry, const Inquiry& inquiry, const Id128& person, const Decided& decided,
                      const rpc::Idempotency::Seen& seen, absl::Time permit_end,
                      storage::CommitRequest& commit) {
  v1::RememberedAct act;
  act.set_event_id(decided.event_id.ToBytes());
  act.set_until(decided.answer.whole.permitted() ? Micros(permit_end) : 0);
  ASSIGN_OR_RETURN(
      *act.mutable_sealed_answer(),
      registry.store.Seal(person, SealKey(act.event_id()),
                          ResponseOf(decided.answer, decided.owed, inquiry.question, inquiry.sees())));
  rpc::Idempotency::Remember(seen, act, commit);
  if (seen.answer) {
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> earlier,
                     registry.context.store.Get(commit.partition, seen.key));
    commit.preconditions.back().version = earlier ? std::optional(earlier->version) : std::nullopt;
  }
  return absl::OkStatus();
}

// What a request id stands for; without one a repetition is another question.
struct Repeatable {
  const char* method = kCheck;
  std::shared_ptr<const google::protobuf::Message> content;
};

absl::StatusOr<std::optional<rpc::Idempotency::Seen>> LookUp(Registry& registry, const Inquiry& inquiry,
                                                             const Repeatable& what, const Id128& person,
                                                             const Id128& root) {
  if (inquiry.request.request_id().empty()) {
    return std::optional<rpc::Idempotency::Seen>();
  }
  ASSIGN_OR_RETURN(rpc::Idempotency::Seen seen,
                   LookUnderName(registry.context, root, person, inquiry.call.caller.Name(), what.method,
                                 inquiry.request.request_id(), *what.content));
  return std::optional(std::move(seen));
}

Task<Response> Conclude(Registry& registry, std::shared_ptr<const Inquiry> inquiry, Decided decided,
                        storage::LeafRange leaves, absl::Time permit_end) {
  const bool permitted = decided.answer.whole.permitted();
  v1::CheckResponse response = ResponseOf(decided.answer, decided.owed, inquiry->question, inquiry->sees());
  response.set_revision(registry.context.log.Revision(leaves.tree_size));
  if (GivesPermit(*inquiry, permitted)) {
    *response.mutable_permit() = PermitOf(registry.context.log, leaves.first, permit_end);
  }
  if (inquiry->request.want_proof()) {
    absl::StatusOr<common::v1::Proof> proof =
        co_await registry.context.log.Prove(leaves.first, MayOpenLeaf(*inquiry, permitted));
    if (!proof.ok()) {
      co_return proof.status();
    }
    *response.mutable_proof() = *std::move(proof);
  }
  co_return response;
}

Task<Response> Recorded(Registry& registry, std::shared_ptr<const Inquiry> inquiry, Id128 person,
                        absl::Duration permit_life) {
  CO_RETURN_IF_ERROR(registry.context.Writable());
  const Repeatable what{kCheck,
                        inquiry->request.request_id().empty() ? nullptr : ContentOf(inquiry->request)};
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(Decided decided, DecideNow(registry, *inquiry, person, attempt > 0));
    if (decided.unfinished) {
      const absl::Status completed = co_await CompleteLink(registry.files(), person);
      CO_RETURN_IF_ERROR(completed);
      continue;
    }
    decided.event_id = registry.context.random.Id();
    CO_ASSIGN_OR_RETURN(const std::optional<rpc::Idempotency::Seen> seen,
                        LookUp(registry, *inquiry, what, person, decided.root));
    if (seen && seen->answer) {
      // What stands is judged on the store's state: a repetition must not outlive a withdrawal.
      CO_ASSIGN_OR_RETURN(const Decided now, DecideNow(registry, *inquiry, person, true));
      absl::StatusOr<std::optional<v1::CheckResponse>> again =
          co_await AnswerAgain(registry, inquiry, person, now, *seen->answer);
      if (!again.ok()) {
        co_return again.status();
      }
      if (again->has_value()) {
        co_return std::move(**again);
      }
    }
    const absl::Time permit_end = PermitEnd(decided, permit_life);
    CO_ASSIGN_OR_RETURN(storage::CommitRequest commit, CommitOf(registry, *inquiry, person, decided));
    if (seen) {
      CO_RETURN_IF_ERROR(Remember(registry, *inquiry, person, decided, *seen, permit_end, commit));
    }
    CO_ASSIGN_OR_RETURN(std::optional<storage::CommitRequest> first,
                        OweInformation(registry, *inquiry, person, decided, commit));
    if (first) {
      const absl::StatusOr<storage::CommitResult> listed =
          co_await registry.context.store.Commit(*std::move(first));
      CO_RETURN_IF_ERROR(listed.status());
    }
    const absl::StatusOr<storage::CommitResult> result =
        co_await registry.context.store.Commit(std::move(commit));
    if (absl::IsAborted(result.status())) {
      registry.store.cache().Forget(decided.root);
      continue;
    }
    if (!result.ok()) {
      co_return result.status();
    }
    Response response = co_await Conclude(registry, inquiry, std::move(decided), result->leaves, permit_end);
    co_return response;
  }
  co_return TooContended();
}

// Her state, who helps her, or what is owed to her.
bool MayReadDisk(Registry& registry, const Inquiry& inquiry, const Id128& person) {
  const VersionedState cached = registry.store.Cached(person);
  return cached.state == nullptr || MayBeTeam(*cached.state, inquiry.question, *inquiry.rules) ||
         (!inquiry.request.dry_run() && inquiry.request.has_stated_ground());
}

void SetResult(const v1::CheckResponse& response, v1::BatchCheckResult& out) {
  out.set_decision(response.decision());
  out.set_ground(response.ground());
  out.set_reason(response.reason());
  *out.mutable_categories() = response.categories();
  if (response.has_permit()) {
    *out.mutable_permit() = response.permit();
  }
}

void SetResult(const Inquiry& inquiry, const Decided& decided, v1::BatchCheckResult& out) {
  SetResult(ResponseOf(decided.answer, decided.owed, inquiry.question, inquiry.sees()), out);
}

void SetError(const absl::Status& status, v1::BatchCheckResult& out) {
  const common::v1::ErrorReason reason = rpc::ReasonOf(status);
  out.Clear();
  out.set_error(common::v1::ErrorReason_Name(
      reason == common::v1::ERROR_REASON_UNSPECIFIED ? common::v1::ERROR_REASON_STORE_FAILED : reason));
}

std::shared_ptr<const v1::BatchContent> BatchContentOf(const v1::BatchCheckRequest& request) {
  auto content = std::make_shared<v1::BatchContent>();
  *content->mutable_question() = CheckOf(request);
  std::string persons;
  for (const common::v1::PersonRef& person : request.persons()) {
    persons += crypto::Sha256(person.SerializeAsString());
  }
  content->set_persons(crypto::Sha256(persons));
  return content;
}

// One person of a batch.
struct Item {
  int index = 0;
  Id128 person;
  Decided decided;
};

// A batch on its way to its leaves.
struct Batch {
  std::shared_ptr<const Inquiry> inquiry;
  Repeatable what;
  absl::Duration permit_life;  // at most
};

// Decides for one item; what was remembered of it under the batch's id, if it has one.
absl::StatusOr<std::optional<rpc::Idempotency::Seen>> DecideItem(Registry& registry, const Batch& batch,
                                                                 Item& item, bool fresh) {
  ASSIGN_OR_RETURN(item.decided, DecideNow(registry, *batch.inquiry, item.person, fresh));
  if (item.decided.unfinished) {
    return TooContended();  // completed in a moment
  }
  item.decided.event_id = registry.context.random.Id();
  return LookUp(registry, *batch.inquiry, batch.what, item.person, item.decided.root);
}

Task<absl::StatusOr<std::optional<v1::CheckResponse>>> AnswerItemAgain(Registry& registry, Batch batch,
                                                                       Id128 person, std::string remembered) {
  CO_ASSIGN_OR_RETURN(Decided now, DecideNow(registry, *batch.inquiry, person, true));
  absl::StatusOr<std::optional<v1::CheckResponse>> again =
      co_await AnswerAgain(registry, batch.inquiry, person, std::move(now), std::move(remembered));
  co_return again;
}

absl::StatusOr<storage::CommitRequest> CommitOfItem(Registry& registry, const Batch& batch, const Item& item,
                                                    const std::optional<rpc::Idempotency::Seen>& seen) {
  ASSIGN_OR_RETURN(storage::CommitRequest commit,
                   CommitOf(registry, *batch.inquiry, item.person, item.decided));
  if (seen) {
    RETURN_IF_ERROR(Remember(registry, *batch.inquiry, item.person, item.decided, *seen,
                             PermitEnd(item.decided, batch.permit_life), commit));
  }
  return commit;
}

// What became of a commit; true: it lost a race and its item is to be decided again.
bool Settle(Registry& registry, const Batch& batch, const Item& item,
            const absl::StatusOr<storage::CommitResult>& result, v1::BatchCheckResult& out) {
  if (absl::IsAborted(result.status())) {
    registry.store.cache().Forget(item.decided.root);
    return true;
  }
  if (!result.ok()) {
    SetError(result.status(), out);
    return false;
  }
  SetResult(*batch.inquiry, item.decided, out);
  if (item.decided.answer.whole.permitted()) {
    *out.mutable_permit() =
        PermitOf(registry.context.log, result->leaves.first, PermitEnd(item.decided, batch.permit_life));
  }
  return false;
}

// Records every item, one commit a person; items that lost a race are decided again. What was recorded before
// under the batch's id is answered as it was, and what cannot be decided has its error. The size of the log
// that all of them are decided at or after: a withdrawal can have come between two items.
Task<uint64_t> RecordAll(Registry& registry, Batch batch, std::vector<Item> items,
                         v1::BatchCheckResponse& response) {
  const uint64_t begun = registry.context.log.state().size;
  std::optional<uint64_t> lowest;
  for (int attempt = 0; attempt < kMostTries && !items.empty(); ++attempt) {
    std::vector<storage::CommitRequest> commits;
    std::vector<Item> kept;
    for (Item& item : items) {
      v1::BatchCheckResult& out = *response.mutable_results(item.index);
      const absl::StatusOr<std::optional<rpc::Idempotency::Seen>> seen =
          DecideItem(registry, batch, item, attempt > 0);
      if (seen.ok() && seen->has_value() && (*seen)->answer) {
        const absl::StatusOr<std::optional<v1::CheckResponse>> again =
            co_await AnswerItemAgain(registry, batch, item.person, *(*seen)->answer);
        if (!again.ok()) {
          SetError(again.status(), out);
          continue;
        }
        if (again->has_value()) {
          SetResult(**again, out);
          lowest = begun;
          continue;
        }
      }
      absl::StatusOr<storage::CommitRequest> commit =
          seen.ok() ? CommitOfItem(registry, batch, item, *seen) : seen.status();
      if (!commit.ok()) {
        SetError(commit.status(), out);
        continue;
      }
      commits.push_back(*std::move(commit));
      kept.push_back(std::move(item));
    }
    const std::vector<absl::StatusOr<storage::CommitResult>> results =
        co_await registry.context.store.CommitAll(std::move(commits));
    items.clear();
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].ok()) {
        lowest = std::min(lowest.value_or(results[i]->leaves.tree_size), results[i]->leaves.tree_size);
      }
      if (Settle(registry, batch, kept[i], results[i], *response.mutable_results(kept[i].index))) {
        items.push_back(std::move(kept[i]));
      }
    }
  }
  for (const Item& item : items) {
    SetError(TooContended(), *response.mutable_results(item.index));
  }
  co_return lowest.value_or(begun);
}

}  // namespace

Task<Response> CheckHandlers::Check(rpc::Call call, v1::CheckRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const std::shared_ptr<const Inquiry> inquiry,
                      Inquire(registry_, std::move(call), std::move(request)));
  CO_ASSIGN_OR_RETURN(const Id128 person,
                      rpc::PersonOf(registry_.context, inquiry->call, inquiry->request.person(), "person"));
  if (MayReadDisk(registry_, *inquiry, person)) {
    co_await ResumeOn(registry_.context.executor);
  }
  if (inquiry->request.dry_run()) {
    CO_ASSIGN_OR_RETURN(const Decided decided, DecideNow(registry_, *inquiry, person, false));
    v1::CheckResponse response = ResponseOf(decided.answer, decided.owed, inquiry->question, inquiry->sees());
    response.set_revision(registry_.context.log.Revision(decided.size));
    co_return response;
  }
  Response response = co_await Recorded(registry_, inquiry, person, permit_life_);
  co_return response;
}

Task<absl::StatusOr<v1::BatchCheckResponse>> CheckHandlers::BatchCheck(rpc::Call call,
                                                                       v1::BatchCheckRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const std::shared_ptr<const Inquiry> inquiry,
                      Inquire(registry_, std::move(call), CheckOf(request)));
  if (!request.dry_run()) {
    CO_RETURN_IF_ERROR(registry_.context.Writable());
  }
  co_await ResumeOn(registry_.context.executor);
  uint64_t size = registry_.context.log.state().size;
  v1::BatchCheckResponse response;
  std::vector<Item> items;
  for (int i = 0; i < request.persons_size(); ++i) {
    v1::BatchCheckResult* out = response.add_results();
    const absl::StatusOr<Id128> person =
        rpc::PersonOf(registry_.context, inquiry->call, request.persons(i), absl::StrCat("persons[", i, "]"));
    if (!person.ok()) {
      SetError(person.status(), *out);
      continue;
    }
    if (!request.dry_run()) {
      items.push_back({i, *person, {}});
      continue;
    }
    const absl::StatusOr<Decided> decided = DecideNow(registry_, *inquiry, *person, false);
    if (decided.ok()) {
      SetResult(*inquiry, *decided, *out);
    } else {
      SetError(decided.status(), *out);
    }
  }
  if (!items.empty()) {
    Batch batch{inquiry, {kBatchCheck, nullptr}, permit_life_};
    if (!request.request_id().empty()) {
      batch.what.content = BatchContentOf(request);
    }
    size = co_await RecordAll(registry_, batch, std::move(items), response);
  }
  response.set_revision(registry_.context.log.Revision(size));
  co_return response;
}

}  // namespace relais::consent
