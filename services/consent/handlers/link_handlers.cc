#include "services/consent/handlers/link_handlers.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/link_view.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kMerge[] = "relais.consent.v1.PersonService/Merge";
constexpr char kSplit[] = "relais.consent.v1.PersonService/Split";

// A person that the steward's institution has a record of.
absl::StatusOr<Id128> OwnPerson(Registry& registry, const rpc::Call& call, const common::v1::PersonRef& ref,
                                std::string_view field) {
  ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry.context, call, ref, field));
  ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> record,
                   registry.store.ReadRecord(person, call.caller.institution));
  return record ? absl::StatusOr<Id128>(person) : rpc::NoSuchOrNotYours();
}

// Every link between her and somebody, and between others who are one human with her.
absl::StatusOr<std::vector<Id128>> LinksOf(Registry& registry, const Id128& person) {
  ASSIGN_OR_RETURN(const VersionedState united, registry.store.LoadFresh(person));
  ASSIGN_OR_RETURN(const VersionedState own, registry.store.LoadOwn(person));
  std::vector<Id128> links;
  for (const Link& link : united.state->links()) {
    links.push_back(link.id);
  }
  for (const Link& link : own.state->links()) {
    if (std::find(links.begin(), links.end(), link.id) == links.end()) {
      links.push_back(link.id);
    }
  }
  return links;
}

// The leaf of the act that the steward's own institution reads.
Task<absl::StatusOr<common::v1::Written>> WrittenUnder(const rpc::ServiceContext& context, Claim claim,
                                                       std::string institution, bool want_proof) {
  CO_ASSIGN_OR_RETURN(const storage::LeafRange leaf, FindLeafOf(context.log, claim, institution));
  absl::StatusOr<common::v1::Written> written = co_await rpc::WrittenOf(context, leaf, want_proof, true);
  co_return written;
}

}  // namespace

Task<absl::StatusOr<v1::MergeResponse>> LinkHandlers::Merge(rpc::Call call, v1::MergeRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_RETURN_IF_ERROR(LinksAreOn(registry_));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  co_await ResumeOn(context.executor);
  LinkWish wish;
  CO_ASSIGN_OR_RETURN(wish.one, OwnPerson(registry_, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(wish.other, OwnPerson(registry_, call, request.other(), "other"));
  if (wish.one == wish.other) {
    co_return rpc::InvalidField("other", "is the same person");
  }
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(context, registry_.store, rpc::RequestOwner(call, actor), kMerge,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  const Id128 link = claim->event_id;
  wish.link = link;
  wish.cause = v1::LINK_CAUSE_MERGED;
  wish.at = claim->time;
  wish.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_PERSONS_LINKED, request.request_id());
  const absl::StatusOr<Linked> linked = co_await LinkPersons(registry_.files(), std::move(wish));
  if (audit::IsErased(linked.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(linked.status());
  CO_RETURN_IF_ERROR(LinkRefusal(linked->result));
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenUnder(context, *claim, actor.institution, request.want_proof());
  CO_RETURN_IF_ERROR(written.status());
  v1::MergeResponse response;
  response.set_link_id(link.ToHex());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::SplitResponse>> LinkHandlers::Split(rpc::Call call, v1::SplitRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(request.link_id()));
  co_await ResumeOn(context.executor);
  CO_RETURN_IF_ERROR(LookAt(registry_, link, actor.institution).status());
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(context, registry_.store, rpc::RequestOwner(call, actor), kSplit,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_PERSONS_SPLIT, request.request_id());
  event.event_id = claim->event_id;
  const absl::StatusOr<Id128> split = co_await SplitPersons(registry_.files(), link, std::move(event));
  if (audit::IsErased(split.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(split.status());
  CO_ASSIGN_OR_RETURN(LinkView view, LookAt(registry_, link, actor.institution));
  v1::SplitResponse response;
  *response.mutable_impact() = std::move(view.impact);
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenUnder(context, *claim, actor.institution, request.want_proof());
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::GetLinkImpactResponse>> LinkHandlers::GetLinkImpact(
    rpc::Call call, v1::GetLinkImpactRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  co_await ResumeOn(context.executor);
  std::vector<Id128> links;
  if (request.of_case() == v1::GetLinkImpactRequest::kPerson) {
    CO_ASSIGN_OR_RETURN(const Id128 person, OwnPerson(registry_, call, request.person(), "person"));
    CO_ASSIGN_OR_RETURN(links, LinksOf(registry_, person));
  } else if (!request.link_id().empty()) {
    CO_ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(request.link_id()));
    links.push_back(link);
  } else {
    co_return rpc::InvalidField("of", "a person or a link is required");
  }
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, "");
  std::vector<audit::Event> events;
  v1::GetLinkImpactResponse response;
  for (const Id128& link : links) {
    absl::StatusOr<LinkView> view = LookAt(registry_, link, actor.institution);
    if (absl::IsNotFound(view.status()) && request.of_case() == v1::GetLinkImpactRequest::kPerson) {
      continue;  // the other is erased, or nobody of this institution's was one by it
    }
    CO_RETURN_IF_ERROR(view.status());
    *response.add_links() = std::move(view->impact);
    v1::CandidateCompared payload;
    payload.set_link_id(link.ToHex());
    event.event_id = context.random.Id();
    event.details.mutable_payload()->PackFrom(payload);
    const std::vector<Id128> both = {view->between.canonical, view->between.linked};
    CO_ASSIGN_OR_RETURN(std::vector<audit::Event> about, AboutEach(registry_.files(), event, both));
    std::move(about.begin(), about.end(), std::back_inserter(events));
  }
  if (!events.empty()) {
    const absl::Status told = co_await rpc::WriteLoneLeaves(context, std::move(events));
    if (audit::IsErased(told)) {
      co_return rpc::NoSuchOrNotYours();  // one of them is being erased
    }
    CO_RETURN_IF_ERROR(told);
  }
  co_return response;
}

}  // namespace relais::consent
