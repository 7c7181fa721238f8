#include "services/consent/handlers/disclosure_handlers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/page_token.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/acting_for_her.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/handlers/withheld_rows.h"

namespace relais::consent {
namespace {

constexpr int kDefaultPage = 50;
constexpr size_t kOpenedAtOnce = 100;
constexpr size_t kMostBytes = size_t{600} << 10;

// What a page token is bound to: who asks, about whom, for what.
std::string Binding(const rpc::Call& call, const Id128& person, const v1::ListDisclosuresRequest& request) {
  const std::string who =
      absl::StrCat("disclosures/", call.caller.institution.size(), ":", call.caller.institution, "/",
                   call.caller.agent.size(), ":", call.caller.agent, "/");
  const crypto::Digest digest = crypto::Sha256Digest(
      {who, person.ToBytes(), request.from().SerializeAsString(), "|", request.until().SerializeAsString()});
  return std::string(crypto::AsBytes(digest));
}

struct Bounds {
  absl::Time from;
  absl::Time until;
  // What is withheld is found by its day alone: narrow bounds do not tell its instant.
  [[nodiscard]] bool Hold(const HistoryEntry& entry, absl::Time time, const calendar::Paris& paris) const {
    if (std::holds_alternative<v1::Disclosure>(entry)) {
      return from <= time && time < until;
    }
    const absl::CivilDay day = paris.DayOf(time);
    return from < paris.EndOf(day) && paris.StartOf(day) < until;
  }
};

Bounds BoundsOf(const v1::ListDisclosuresRequest& request) {
  return {request.has_from() ? TimeFrom(request.from()) : absl::InfinitePast(),
          request.has_until() ? TimeFrom(request.until()) : absl::InfiniteFuture()};
}

// Entries of leaves below `end`, newest first, until the page is full: the index below which the next page
// goes on, 0 after the last.
absl::StatusOr<uint64_t> FillPage(audit::Log& log, const std::vector<uint64_t>& leaves, const Bounds& bounds,
                                  const HistoryWords& words, size_t page_size,
                                  v1::ListDisclosuresResponse& response) {
  size_t entries = 0;
  size_t bytes = 0;
  std::string last;
  for (size_t end = leaves.size(); end > 0;) {
    const size_t begin = end - std::min(end, kOpenedAtOnce);
    const std::vector<uint64_t> some(leaves.begin() + static_cast<ptrdiff_t>(begin),
                                     leaves.begin() + static_cast<ptrdiff_t>(end));
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt(some));
    for (size_t i = opened.size(); i-- > 0;) {
      const std::string& event = opened[i].leaf.header.event_id();
      if (event == last) {
        continue;  // the same act, about another name of hers
      }
      std::optional<HistoryEntry> entry = EntryOf(opened[i], words);
      if (!entry || !bounds.Hold(*entry, opened[i].leaf.time, words.paris)) {
        continue;
      }
      if (entries == page_size || bytes > kMostBytes) {
        return opened[i].index + 1;
      }
      ++entries;
      last = event;
      if (auto* shown = std::get_if<v1::Disclosure>(&*entry)) {
        bytes += shown->ByteSizeLong();
        *response.add_disclosures() = std::move(*shown);
      } else {
        *response.add_withheld() = std::get<v1::WithheldDisclosure>(*std::move(entry));
      }
    }
    end = begin;
  }
  return 0;
}

}  // namespace

DisclosureHandlers::DisclosureHandlers(Registry& registry)
    : registry_(registry), token_key_(registry.context.log.DeriveKey(rpc::kPageTokenKeyInfo)) {}

Task<absl::StatusOr<v1::ListDisclosuresResponse>> DisclosureHandlers::ListDisclosures(
    rpc::Call call, v1::ListDisclosuresRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  co_await ResumeOn(context.executor);
  CO_RETURN_IF_ERROR(ActsForHer(registry_, call, person));
  const std::string binding = Binding(call, person, request);
  rpc::PagePlace place;
  place.size = place.to = context.log.state().size;
  if (!request.page_token().empty()) {
    const absl::StatusOr<rpc::PagePlace> read =
        rpc::ReadPageToken(token_key_, request.page_token(), binding, context.log.Now());
    if (!read.ok()) {
      co_return rpc::InvalidField("page_token", "is none of this list's, or too old");
    }
    place = *read;
  }
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, registry_.store.GroupOf(person));
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesBelow(context.log, group, place.to));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  CO_ASSIGN_OR_RETURN(const Reviews reviews, ReadReviews(registry_, group));
  const HistoryWords words{*call.directory, *rules, registry_.paris, context.log.Now(), reviews};
  v1::ListDisclosuresResponse response;
  const size_t page_size = request.page_size() == 0 ? kDefaultPage : static_cast<size_t>(request.page_size());
  CO_ASSIGN_OR_RETURN(const uint64_t next,
                      FillPage(context.log, leaves, BoundsOf(request), words, page_size, response));
  if (next != 0) {
    const rpc::PagePlace rest{place.size, 0, next, context.log.Now()};
    response.set_next_page_token(rpc::MakePageToken(token_key_, rest, binding));
  }
  response.set_revision(context.log.Revision(place.size));
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_HISTORY_READ, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::HistoryRead payload;
  payload.set_log_size(place.size);
  payload.set_shown(static_cast<uint32_t>(response.disclosures_size()));
  payload.set_withheld(static_cast<uint32_t>(response.withheld_size()));
  event.details.mutable_payload()->PackFrom(payload);
  const absl::StatusOr<storage::CommitResult> told = co_await rpc::WriteLoneLeaf(context, std::move(event));
  if (audit::IsErased(told.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(told.status());
  co_return response;
}

}  // namespace relais::consent
