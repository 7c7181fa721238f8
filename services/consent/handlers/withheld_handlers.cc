#include "services/consent/handlers/withheld_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/readable_leaves.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/rpc/lone_leaf.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/rights_rows.h"
#include "services/consent/handlers/withheld_rows.h"

namespace relais::consent {
namespace {

constexpr char kReview[] = "relais.consent.v1.ConsentService/ReviewWithheld";
constexpr size_t kOpenedAtOnce = 100;

// One answer for what is not there, not hers, not withheld, shown by now, and another's to review.
absl::Status NotToReview() {
  return rpc::InvalidField("leaf_index", "is no entry of hers that is withheld and yours to review");
}

absl::Status Refused(ReviewProblem problem) {
  switch (problem) {
    case ReviewProblem::kNone:
      return absl::OkStatus();
    case ReviewProblem::kNotToBeShown:
      return rpc::InvalidField("decision", "the law keeps this entry back: only KEEP (code pénal 226-14)");
    case ReviewProblem::kNoDay:
      return rpc::InvalidField("keep_until", "is required with KEEP");
    case ReviewProblem::kNotFuture:
      return rpc::InvalidField("keep_until", "must be a day after today");
    case ReviewProblem::kTooFar:
      return rpc::InvalidField("keep_until", "must be at most 12 months after today");
    case ReviewProblem::kDayOfShown:
      return rpc::InvalidField("keep_until", "must be left out with SHOW");
  }
  return absl::InternalError("no such problem");
}

// ---- what is to be reviewed

struct Listing {
  const std::string& institution;
  const Rules& rules;
  const Reviews& reviews;
  const calendar::Paris& paris;
  absl::CivilDay today;
  bool due_only = false;
};

// Nullopt: nothing that this institution has to review.
std::optional<v1::WithheldEntry> ToReview(const audit::OpenedLeaf& leaf, const Listing& listing) {
  const std::optional<Withholding> withholding = WithholdingOf(leaf, listing.rules);
  const Id128 event = EventOf(leaf);
  if (!withholding || withholding->reviewer != listing.institution || IsShown(listing.reviews, event)) {
    return std::nullopt;
  }
  const absl::CivilDay decided = listing.paris.DayOf(leaf.leaf.time);
  const absl::CivilDay review = ReviewOn(listing.reviews, event, decided);
  const bool due = listing.today >= review;
  if (listing.due_only && !due) {
    return std::nullopt;
  }
  v1::WithheldEntry entry;
  entry.set_leaf_index(leaf.index);
  entry.set_reason(v1::WITHHELD_REASON_PROTECTION);
  *entry.mutable_decided_on() = DateTo(decided);
  *entry.mutable_review_on() = DateTo(review);
  entry.set_review_due(due);
  entry.set_may_show(withholding->may_show);
  return entry;
}

// Newest first until the page is full: the index below which the next page goes on, 0 after the last.
absl::StatusOr<uint64_t> FillPage(audit::Log& log, const std::vector<uint64_t>& leaves,
                                  const Listing& listing, size_t page_size,
                                  v1::ListWithheldResponse& response) {
  for (size_t end = leaves.size(); end > 0;) {
    const size_t begin = end - std::min(end, kOpenedAtOnce);
    const std::vector<uint64_t> some(leaves.begin() + static_cast<ptrdiff_t>(begin),
                                     leaves.begin() + static_cast<ptrdiff_t>(end));
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, some));
    auto leaf = read.leaves.rbegin();
    for (size_t i = some.size(); i-- > 0;) {
      if (leaf == read.leaves.rend() || leaf->index != some[i]) {
        response.set_unreadable(response.unreadable() + 1);
        continue;
      }
      std::optional<v1::WithheldEntry> entry = ToReview(*leaf++, listing);
      if (!entry) {
        continue;
      }
      if (static_cast<size_t>(response.entries_size()) == page_size) {
        return some[i] + 1;
      }
      *response.add_entries() = *std::move(entry);
    }
    end = begin;
  }
  return 0;
}

// ---- a review

struct Asked {
  v1::ReviewWithheldRequest request;
  std::optional<absl::CivilDay> keep_until;
  Id128 person;
  std::string institution;
  std::shared_ptr<const Rules> rules;
  audit::Event event;
};

// A leaf about her under this name; nullopt: there is none of that index.
absl::StatusOr<std::optional<audit::OpenedLeaf>> FindLeafOfHers(audit::Log& log, const Id128& name,
                                                                uint64_t index) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> indices, log.LeavesOf(PersonSubject(name), index, 1));
  if (indices.empty() || indices.front() != index) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(std::vector<audit::OpenedLeaf> opened, log.OpenAt(indices));
  return std::optional(std::move(opened.front()));
}

// The entry's event; else why it is not reviewed so.
absl::StatusOr<Id128> Judge(Registry& registry, const Asked& asked, absl::Time instant) {
  ASSIGN_OR_RETURN(const std::vector<Id128> group, registry.store.GroupOf(asked.person));
  ASSIGN_OR_RETURN(const std::optional<audit::OpenedLeaf> leaf,
                   FindLeafOfHers(registry.context.log, asked.person, asked.request.leaf_index()));
  if (!leaf) {
    return NotToReview();
  }
  const std::optional<Withholding> withholding = WithholdingOf(*leaf, *asked.rules);
  ASSIGN_OR_RETURN(const Reviews reviews, ReadReviews(registry, group));
  const Id128 event = EventOf(*leaf);
  if (!withholding || withholding->reviewer != asked.institution || IsShown(reviews, event)) {
    return NotToReview();
  }
  RETURN_IF_ERROR(Refused(
      JudgeReview(*withholding, asked.request.decision(), asked.keep_until, registry.paris.DayOf(instant))));
  if (asked.request.decision() == v1::WITHHELD_DECISION_KEEP && withholding->may_show &&
      MayHaveBeenShown(reviews, event)) {
    return rpc::InvalidField("decision", "an earlier review does not read and may have shown it: only SHOW");
  }
  return event;
}

absl::StatusOr<PlannedAct> PlanReview(Registry& registry, const Asked& asked, const PersonState& state,
                                      absl::Time instant) {
  ASSIGN_OR_RETURN(const Id128 reviewed, Judge(registry, asked, instant));
  v1::WithholdingReviewed payload;
  payload.set_leaf_index(asked.request.leaf_index());
  payload.set_reviewed_event_id(reviewed.ToHex());
  payload.set_decision(asked.request.decision());
  payload.set_reasons(asked.request.reasons());
  v1::StoredReview stored;
  stored.set_event_id(reviewed.ToBytes());
  stored.set_decision(asked.request.decision());
  stored.set_at(Micros(instant));
  if (asked.keep_until) {
    *payload.mutable_keep_until() = DateTo(*asked.keep_until);
    *stored.mutable_keep_until() = DateTo(*asked.keep_until);
  }
  PlannedAct act;
  act.state = state;
  act.event = asked.event;
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(asked.event.event_id.ToBytes());
  ASSIGN_OR_RETURN(storage::Mutation row,
                   registry.store.WriteSealed(asked.person, WithheldKey(reviewed), stored));
  act.rows.push_back(std::move(row));
  return act;
}

// That it was asked for, about her: no entry of her history, it would tell whose inquiry it is.
audit::Event ListedEvent(const rpc::ServiceContext& context, const rpc::Call& call, const rpc::Actor& actor,
                         const Id128& person, uint64_t log_size, const v1::ListWithheldResponse& response) {
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_WITHHELD_LISTED, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::WithheldListed payload;
  payload.set_log_size(log_size);
  payload.set_entries(static_cast<uint32_t>(response.entries_size()));
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

}  // namespace

Task<absl::StatusOr<v1::ListWithheldResponse>> WithheldHandlers::ListWithheld(
    rpc::Call call, v1::ListWithheldRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  audit::Log& log = registry_.context.log;
  const uint64_t log_size = log.state().size;
  uint64_t end = log_size;
  if (!request.page_token().empty()) {
    const absl::StatusOr<std::string> token = crypto::HexDecode(request.page_token());
    if (!token.ok() || token->size() != sizeof(uint64_t)) {
      co_return rpc::InvalidField("page_token", "is none of this list's");
    }
    CO_ASSIGN_OR_RETURN(const uint64_t below, storage::DecodeBigEndian64(*token));
    end = std::min(end, below);
  }
  co_await ResumeOn(registry_.context.executor);
  CO_RETURN_IF_ERROR(registry_.store.Load(person).status());
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, registry_.store.GroupOf(person));
  CO_ASSIGN_OR_RETURN(const Reviews reviews, ReadReviews(registry_, group));
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesBelow(log, {person}, end));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  const Listing listing{actor.institution, *rules, reviews, registry_.paris, registry_.paris.DayOf(log.Now()),
                        request.due_only()};
  v1::ListWithheldResponse response;
  CO_ASSIGN_OR_RETURN(
      const uint64_t next,
      FillPage(log, leaves, listing, PageSize(static_cast<uint32_t>(request.page_size())), response));
  if (next != 0) {
    response.set_next_page_token(crypto::HexEncode(storage::EncodeBigEndian64(next)));
  }
  audit::Event event = ListedEvent(registry_.context, call, actor, person, log_size, response);
  const absl::StatusOr<storage::CommitResult> told =
      co_await rpc::WriteLoneLeaf(registry_.context, std::move(event));
  if (audit::IsErased(told.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(told.status());
  co_return response;
}

Task<absl::StatusOr<v1::ReviewWithheldResponse>> WithheldHandlers::ReviewWithheld(
    rpc::Call call, v1::ReviewWithheldRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  Asked asked;
  CO_ASSIGN_OR_RETURN(asked.person, rpc::PersonOf(context, call, request.person(), "person"));
  if (request.decision() != v1::WITHHELD_DECISION_KEEP && request.decision() != v1::WITHHELD_DECISION_SHOW) {
    co_return rpc::InvalidField("decision", "is required");
  }
  if (request.has_keep_until()) {
    asked.keep_until = DayFrom(request.keep_until());
    if (!asked.keep_until) {
      co_return rpc::InvalidField("keep_until", "is no day");
    }
  }
  asked.institution = actor.institution;
  asked.rules = registry_.rules.Of(call.directory);
  asked.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED, request.request_id());
  asked.event.event_id = context.random.Id();
  asked.request = request;
  ActRequest what{asked.person,       rpc::RequestOwner(call, actor), kReview, request.request_id(),
                  ContentOf(request), request.want_proof(),           true};
  const PlanAct plan = [&registry = registry_, asked](const PersonState& state, absl::Time instant) {
    return PlanReview(registry, asked, state, instant);
  };
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  v1::ReviewWithheldResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
