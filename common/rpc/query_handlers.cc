#include "common/rpc/query_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/page_token.h"
#include "google/protobuf/descriptor.h"

namespace relais::rpc {
namespace {

using audit::v1::QueriedLeaf;
using audit::v1::QueryFilters;
using audit::v1::QueryRequest;
using audit::v1::QueryResponse;

constexpr size_t kDefaultPage = 50;
constexpr char kCaseNumber[] = "case_number";

// What a page token is bound to: who asks, and for what.
std::string Binding(const Call& call, const QueryRequest& request) {
  QueryRequest asked = request;
  asked.clear_page_size();
  asked.clear_page_token();
  std::string who;
  for (const std::string* part : {&call.caller.institution, &call.caller.system, &call.caller.agent}) {
    absl::StrAppend(&who, part->size(), ":", *part);
  }
  // No field of the request is a map: equal requests have equal bytes.
  const crypto::Digest digest = crypto::Sha256Digest({who, asked.SerializeAsString()});
  return std::string(crypto::AsBytes(digest));
}

// By name: what was looked for, never whom.
std::vector<std::string> FilterNames(const QueryFilters& filters) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  filters.GetReflection()->ListFields(filters, &fields);
  std::vector<std::string> names;
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->name() != kCaseNumber) {
      names.push_back(field->name());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

audit::QueryLimits LimitsOf(const QueryRequest& request, absl::Duration left) {
  audit::QueryLimits limits;
  limits.hits = request.page_size() == 0 ? kDefaultPage : request.page_size();
  limits.time = std::min(limits.time, left / 2);
  return limits;
}

audit::Event AgentSearchedEvent(const Call& call, const QueryFilters& filters, const Id128& event_id) {
  audit::Event event = EventOf(call, {call.caller.institution, call.caller.function, call.caller.agent},
                               audit::v1::EVENT_CLASS_AGENT_SEARCHED, "");
  event.event_id = event_id;
  // The institution as recipient: so its DPO's scope has this leaf, and the indexes find it for her.
  event.details.mutable_recipient()->set_institution(filters.institution());
  audit::v1::AgentSearched searched;
  searched.set_institution(filters.institution());
  searched.set_searched_by(absl::StrCat(call.caller.institution, "/", call.caller.system));
  event.details.mutable_payload()->PackFrom(searched);
  return event;
}

}  // namespace

QueryHandlers::QueryHandlers(const ServiceContext& context, const audit::Index& index)
    : context_(context), index_(index), token_key_(context.log.DeriveKey(kPageTokenKeyInfo)) {}

absl::StatusOr<audit::QueryRange> QueryHandlers::RangeOf(const Call& call, const QueryRequest& request,
                                                         const audit::LeafQuery& query,
                                                         uint64_t& size) const {
  const bool newest_first = request.order() != audit::v1::QUERY_ORDER_OLDEST_FIRST;
  size = context_.log.state().size;
  if (request.page_token().empty()) {
    return audit::RangeOf(context_.log, query, size, newest_first);
  }
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(token_key_, request.page_token(),
                                                        Binding(call, request), context_.log.Now()));
  size = place.size;
  return audit::QueryRange{place.from, place.to, newest_first};
}

Task<absl::Status> QueryHandlers::WriteLeaves(Call call, QueryFilters filters) {
  audit::v1::LogRead read;
  read.set_kind("QUERY");
  for (std::string& name : FilterNames(filters)) {
    read.add_filters(std::move(name));
  }
  read.set_case_number(filters.case_number());
  std::vector<audit::Event> events = {LogReadEvent(call, read)};
  if (!filters.agent().empty()) {
    events[0].event_id = context_.random.Id();
    events.push_back(AgentSearchedEvent(call, filters, events[0].event_id));
  }
  const absl::Status written = co_await WriteLoneLeaves(context_, std::move(events));
  co_return written;
}

void QueryHandlers::AddHit(const AuditView& view, audit::QueryHit hit, QueryResponse& response) const {
  QueriedLeaf& leaf = *response.add_leaves();
  leaf.set_index(hit.leaf.index);
  *leaf.mutable_time() = ToProto(hit.leaf.leaf.time);
  const bool shows_actor = ShowsActor(view, hit.leaf.leaf.header);
  *leaf.mutable_header() = std::move(hit.leaf.leaf.header);
  leaf.set_leaf(std::move(hit.leaf.bytes));
  if (hit.leaf.opening == audit::OpenedLeaf::Opening::kErased) {
    leaf.set_opening(QueriedLeaf::OPENING_ERASED);
  } else {
    leaf.set_opening(QueriedLeaf::OPENING_OPENED);
    std::optional<common::v1::PersonRef> person = Readdress(context_, view, hit.leaf.details);
    if (person.has_value()) {
      *leaf.mutable_person() = *std::move(person);
    }
    *leaf.mutable_details() = std::move(hit.leaf.details);
  }
  if (!shows_actor) {
    leaf.set_actor_opening(QueriedLeaf::OPENING_WITHHELD);
  } else if (!hit.actor.has_value()) {
    leaf.set_actor_opening(QueriedLeaf::OPENING_ERASED);
  } else {
    leaf.set_actor_opening(QueriedLeaf::OPENING_OPENED);
    *leaf.mutable_actor() = *std::move(hit.actor);
  }
}

Task<absl::StatusOr<QueryResponse>> QueryHandlers::Query(Call call, QueryRequest request) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(const AuditView view, ViewOf(context_, call.caller));
  if (view.kind == AuditView::Kind::kNone) {
    co_return NoScope();
  }
  CO_ASSIGN_OR_RETURN(audit::LeafQuery query, ToLeafQuery(context_, call, view, request.filters()));
  uint64_t size = 0;
  CO_ASSIGN_OR_RETURN(const audit::QueryRange range, RangeOf(call, request, query, size));
  const OneShot<absl::Status> written(context_.executor);
  if (request.page_token().empty()) {
    Start(WriteLeaves(call, request.filters()),
          [written](absl::Status status) { written.Set(std::move(status)); });
  } else {
    written.Set(absl::OkStatus());
  }
  const audit::QueryLimits limits = LimitsOf(request, call.deadline - context_.clock.Monotonic());
  absl::StatusOr<audit::QueryPage> page = co_await audit::RunQuery(
      context_.log, index_, std::move(query), range, limits, context_.clock, context_.executor);
  const absl::Status durable = co_await written;
  CO_RETURN_IF_ERROR(durable);
  CO_RETURN_IF_ERROR(page.status());
  QueryResponse response;
  response.set_log_size(size);
  response.set_indexed_through(std::min(size, page->indexed));
  for (audit::QueryHit& hit : page->hits) {
    AddHit(view, std::move(hit), response);
  }
  if (!page->rest.empty()) {
    const PagePlace place{size, page->rest.from, page->rest.to, context_.log.Now()};
    response.set_next_page_token(MakePageToken(token_key_, place, Binding(call, request)));
  }
  co_return response;
}

}  // namespace relais::rpc
