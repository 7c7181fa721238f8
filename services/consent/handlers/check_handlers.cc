#include "services/consent/handlers/check_handlers.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/handlers/duty_handlers.h"
#include "services/consent/handlers/inquiry.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/questions.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/remembering.h"

namespace relais::consent {
namespace {

constexpr char kCheck[] = "relais.consent.v1.ConsentService/Check";

using Response = absl::StatusOr<v1::CheckResponse>;

// Part P of the leaf says why it was denied: its key is for who may know.
bool MayOpenLeaf(const Inquiry& inquiry, bool permitted) {
  return permitted || inquiry.sees() == Sees::kEverything;
}

std::string SealKey(std::string_view event_id) { return "check/" + std::string(event_id); }

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
  response.set_revision(written->revision());
  if (permitted) {
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
  ASSIGN_OR_RETURN(*act.mutable_sealed_answer(),
                   registry.store.Seal(person, SealKey(act.event_id()),
                                       ResponseOf(decided.answer, inquiry.question, inquiry.sees())));
  rpc::Idempotency::Remember(seen, act, commit);
  if (seen.answer) {
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> earlier,
                     registry.context.store.Get(commit.partition, seen.key));
    commit.preconditions.back().version = earlier ? std::optional(earlier->version) : std::nullopt;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<rpc::Idempotency::Seen>> LookUp(Registry& registry, const Inquiry& inquiry,
                                                             const Id128& person, const Id128& root) {
  if (inquiry.request.request_id().empty()) {
    return std::optional<rpc::Idempotency::Seen>();
  }
  v1::CheckRequest content = inquiry.request;
  content.clear_want_proof();
  ASSIGN_OR_RETURN(rpc::Idempotency::Seen seen,
                   LookUnderName(registry.context, root, person, inquiry.call.caller.Name(), kCheck,
                                 content.request_id(), content));
  return std::optional(std::move(seen));
}

Task<Response> Conclude(Registry& registry, std::shared_ptr<const Inquiry> inquiry, Decided decided,
                        storage::LeafRange leaves, absl::Time permit_end) {
  const bool permitted = decided.answer.whole.permitted();
  v1::CheckResponse response = ResponseOf(decided.answer, inquiry->question, inquiry->sees());
  response.set_revision(registry.context.log.Revision(leaves.tree_size));
  if (permitted) {
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
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(Decided decided, DecideNow(registry, *inquiry, person, attempt > 0));
    if (decided.unfinished) {
      const absl::Status completed = co_await CompleteLink(registry.files(), person);
      CO_RETURN_IF_ERROR(completed);
      continue;
    }
    decided.event_id = registry.context.random.Id();
    CO_ASSIGN_OR_RETURN(const std::optional<rpc::Idempotency::Seen> seen,
                        LookUp(registry, *inquiry, person, decided.root));
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

void SetResult(const Inquiry& inquiry, const Decided& decided, v1::BatchCheckResult& out) {
  const v1::CheckResponse response = ResponseOf(decided.answer, inquiry.question, inquiry.sees());
  out.set_decision(response.decision());
  out.set_ground(response.ground());
  out.set_reason(response.reason());
}

void SetError(const absl::Status& status, v1::BatchCheckResult& out) {
  const common::v1::ErrorReason reason = rpc::ReasonOf(status);
  out.Clear();
  out.set_error(common::v1::ErrorReason_Name(
      reason == common::v1::ERROR_REASON_UNSPECIFIED ? common::v1::ERROR_REASON_STORE_FAILED : reason));
}

// One person of a batch.
struct Item {
  int index = 0;
  Id128 person;
  Decided decided;
};

// Decides and drafts for each item; those that cannot be have their error set and are dropped.
std::vector<storage::CommitRequest> Prepare(Registry& registry, const Inquiry& inquiry,
                                            std::vector<Item>& items, bool fresh,
                                            v1::BatchCheckResponse& response) {
  std::vector<storage::CommitRequest> commits;
  std::vector<Item> kept;
  for (Item& item : items) {
    const auto prepare = [&]() -> absl::StatusOr<storage::CommitRequest> {
      ASSIGN_OR_RETURN(item.decided, DecideNow(registry, inquiry, item.person, fresh));
      if (item.decided.unfinished) {
        return TooContended();  // completed in a moment
      }
      item.decided.event_id = registry.context.random.Id();
      return CommitOf(registry, inquiry, item.person, item.decided);
    };
    absl::StatusOr<storage::CommitRequest> commit = prepare();
    if (!commit.ok()) {
      SetError(commit.status(), *response.mutable_results(item.index));
      continue;
    }
    commits.push_back(*std::move(commit));
    kept.push_back(std::move(item));
  }
  items = std::move(kept);
  return commits;
}

// Records every item, one commit a person; items that lost a race are decided again.
Task<uint64_t> RecordAll(Registry& registry, std::shared_ptr<const Inquiry> inquiry, std::vector<Item> items,
                         absl::Duration permit_life, v1::BatchCheckResponse& response) {
  uint64_t size = 0;
  for (int attempt = 0; attempt < kMostTries && !items.empty(); ++attempt) {
    std::vector<storage::CommitRequest> commits = Prepare(registry, *inquiry, items, attempt > 0, response);
    const std::vector<absl::StatusOr<storage::CommitResult>> results =
        co_await registry.context.store.CommitAll(std::move(commits));
    std::vector<Item> again;
    for (size_t i = 0; i < results.size(); ++i) {
      Item& item = items[i];
      v1::BatchCheckResult& out = *response.mutable_results(item.index);
      if (absl::IsAborted(results[i].status())) {
        registry.store.cache().Forget(item.decided.root);
        again.push_back(std::move(item));
      } else if (!results[i].ok()) {
        SetError(results[i].status(), out);
      } else {
        SetResult(*inquiry, item.decided, out);
        size = std::max(size, results[i]->leaves.tree_size);
        if (item.decided.answer.whole.permitted()) {
          *out.mutable_permit() =
              PermitOf(registry.context.log, results[i]->leaves.first, PermitEnd(item.decided, permit_life));
        }
      }
    }
    items = std::move(again);
  }
  for (const Item& item : items) {
    SetError(TooContended(), *response.mutable_results(item.index));
  }
  co_return size;
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
    v1::CheckResponse response = ResponseOf(decided.answer, inquiry->question, inquiry->sees());
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
    const uint64_t recorded =
        co_await RecordAll(registry_, inquiry, std::move(items), permit_life_, response);
    size = std::max(size, recorded);
  }
  response.set_revision(registry_.context.log.Revision(size));
  co_return response;
}

}  // namespace relais::consent
