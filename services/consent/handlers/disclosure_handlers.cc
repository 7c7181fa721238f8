#include "services/consent/handlers/disclosure_handlers.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/does_not_read.h"
#include "common/audit/readable_leaves.h"
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

// What the place of an entry depends on, but for her leaves. A review that keeps something back moves
// nothing.
std::string OrderOf(const rpc::Call& call, Opens opens, std::vector<Id128> group, const Reviews& reviews) {
  std::string order =
      absl::StrCat(static_cast<int>(opens), "/", call.directory->version(), "/", group.size(), "/");
  std::sort(group.begin(), group.end());
  for (const Id128& name : group) {
    order += name.ToBytes();
  }
  for (const auto& [event, review] : reviews) {
    if (IsShown(reviews, event)) {
      order += event.ToBytes();
    }
  }
  return order;
}

// What a page token is bound to: who asks, about whom, for what, and in what order the list is. Where that
// has changed since the first page, it is none of this list's.
std::string Binding(const rpc::Call& call, const Id128& person, const v1::ListDisclosuresRequest& request,
                    const std::string& order) {
  const std::string who =
      absl::StrCat("disclosures/days/", call.caller.institution.size(), ":", call.caller.institution, "/",
                   call.caller.agent.size(), ":", call.caller.agent, "/");
  const crypto::Digest digest =
      crypto::Sha256Digest({who, person.ToBytes(), request.from().SerializeAsString(), "|",
                            request.until().SerializeAsString(), "|", order});
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

// Where a page goes on: in a day, after so many of its entries. Of what is withheld a token tells the day
// alone.
struct Rest {
  absl::CivilDay day;
  uint64_t given = 0;
};
constexpr absl::CivilDay kFirstDay(1970, 1, 1);

// What is listed of one Paris day, newest first; what is withheld after what is shown, so that its place
// among instants tells none.
struct EntriesOfDay {
  absl::CivilDay day;
  std::vector<v1::Disclosure> shown;
  std::vector<v1::WithheldDisclosure> withheld;
  uint32_t unreadable = 0;  // leaves of that day, or on the way to it
};

class Page {
 public:
  Page(size_t most, const std::optional<Rest>& from, v1::ListDisclosuresResponse& response)
      : most_(most), from_(from), response_(response) {}

  // Nullopt: all of the day is on this page or one before; else where the next one goes on.
  std::optional<Rest> Add(EntriesOfDay day) {
    if (from_ && day.day > from_->day) {
      return std::nullopt;
    }
    const uint64_t given = from_ && from_->day == day.day ? from_->given : 0;
    const uint64_t all = day.shown.size() + day.withheld.size();
    if (given < all && Full()) {
      return Rest{day.day, given};
    }
    response_.set_unreadable(response_.unreadable() + (given == 0 ? day.unreadable : 0));
    for (uint64_t i = given; i < all; ++i) {
      if (Full()) {
        return Rest{day.day, i};
      }
      ++entries_;
      if (i < day.shown.size()) {
        bytes_ += day.shown[i].ByteSizeLong();
        *response_.add_disclosures() = std::move(day.shown[i]);
      } else {
        *response_.add_withheld() = std::move(day.withheld[i - day.shown.size()]);
      }
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] bool Full() const { return entries_ == most_ || bytes_ > kMostBytes; }

  const size_t most_;
  const std::optional<Rest> from_;
  v1::ListDisclosuresResponse& response_;
  size_t entries_ = 0;
  size_t bytes_ = 0;
};

// Takes leaves, newest first, and gives the page each day once it is whole.
class Days {
 public:
  Days(Page& page, const Bounds& bounds, const HistoryWords& words, std::optional<std::string> only_of)
      : page_(page), bounds_(bounds), words_(words), only_of_(std::move(only_of)) {}

  void AddUnreadable() { ++day_.unreadable; }
  std::optional<Rest> Add(const audit::OpenedLeaf& leaf) {
    const absl::CivilDay on = words_.paris.DayOf(leaf.leaf.time);
    std::optional<Rest> rest;
    if (begun_ && on != day_.day) {
      rest = page_.Add(std::exchange(day_, EntriesOfDay()));
    }
    begun_ = true;
    day_.day = on;
    AddEntry(leaf);
    return rest;
  }
  std::optional<Rest> Finish() { return page_.Add(std::move(day_)); }

 private:
  void AddEntry(const audit::OpenedLeaf& leaf) {
    const std::string& event = leaf.leaf.header.event_id();
    if (event == last_ || (only_of_ && !IsPartyTo(leaf, *only_of_))) {
      return;  // the same act, about another name of hers; or between others
    }
    std::optional<HistoryEntry> entry = EntryOf(leaf, words_);
    if (!entry || !bounds_.Hold(*entry, leaf.leaf.time, words_.paris)) {
      return;
    }
    last_ = event;
    if (auto* shown = std::get_if<v1::Disclosure>(&*entry)) {
      day_.shown.push_back(std::move(*shown));
    } else {
      day_.withheld.push_back(std::get<v1::WithheldDisclosure>(*std::move(entry)));
    }
  }

  Page& page_;
  const Bounds& bounds_;
  const HistoryWords& words_;
  const std::optional<std::string> only_of_;
  EntriesOfDay day_;
  bool begun_ = false;
  std::string last_;
};

// How many of her leaves are of before `end`: times never go back along a log. All of them where one that is
// looked at does not read.
absl::StatusOr<size_t> LeavesBefore(audit::Log& log, const std::vector<uint64_t>& leaves, absl::Time end) {
  size_t low = 0;
  size_t high = leaves.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const absl::StatusOr<std::vector<audit::OpenedLeaf>> read = log.OpenAt({leaves[middle]});
    if (audit::DoesNotRead(read.status())) {
      return leaves.size();
    }
    RETURN_IF_ERROR(read.status());
    if (read->empty()) {
      return leaves.size();
    }
    if (read->front().leaf.time < end) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Entries of the first `end` leaves, newest day first, until the page is full: where the next page goes on,
// nullopt after the last.
absl::StatusOr<std::optional<Rest>> FillPage(audit::Log& log, const std::vector<uint64_t>& leaves, size_t end,
                                             Days days) {
  while (end > 0) {
    const size_t begin = end - std::min(end, kOpenedAtOnce);
    const std::vector<uint64_t> some(leaves.begin() + static_cast<ptrdiff_t>(begin),
                                     leaves.begin() + static_cast<ptrdiff_t>(end));
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, some));
    auto leaf = read.leaves.rbegin();
    for (size_t i = some.size(); i-- > 0;) {
      if (leaf == read.leaves.rend() || leaf->index != some[i]) {
        days.AddUnreadable();
        continue;
      }
      if (const std::optional<Rest> rest = days.Add(*leaf++)) {
        return rest;
      }
    }
    end = begin;
  }
  return days.Finish();
}

// The agreements of hers that it collected, by number.
absl::StatusOr<std::set<std::string>> CollectedBy(Registry& registry, const Id128& person,
                                                  const std::string& institution) {
  ASSIGN_OR_RETURN(const VersionedState now, registry.store.Load(person));
  std::set<std::string> collected;
  for (const Agreement& agreement : now.state->agreements()) {
    if (agreement.collector == institution) {
      collected.insert(agreement.id.ToHex());
    }
  }
  return collected;
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
  CO_ASSIGN_OR_RETURN(const Opens opens, ActsForHer(registry_, call, person));
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, registry_.store.GroupOf(person));
  CO_ASSIGN_OR_RETURN(const Reviews reviews, ReadReviews(registry_, group));
  const std::string binding = Binding(call, person, request, OrderOf(call, opens, group, reviews));
  uint64_t size = context.log.state().size;
  std::optional<Rest> from;
  if (!request.page_token().empty()) {
    const absl::StatusOr<rpc::PagePlace> read =
        rpc::ReadPageToken(token_key_, request.page_token(), binding, context.log.Now());
    if (!read.ok()) {
      co_return rpc::InvalidField("page_token",
                                  "is none of this list's, or too old, or something changed: begin again");
    }
    size = read->size;
    from = Rest{kFirstDay + static_cast<absl::civil_diff_t>(read->from), read->to};
  }
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesBelow(context.log, group, size));
  size_t end = leaves.size();
  if (from) {
    CO_ASSIGN_OR_RETURN(end, LeavesBefore(context.log, leaves, registry_.paris.EndOf(from->day)));
  }
  std::set<std::string> collected;
  if (opens == Opens::kItsOwn) {
    CO_ASSIGN_OR_RETURN(collected, CollectedBy(registry_, person, actor.institution));
  }
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(call.directory);
  HistoryWords words{*call.directory, *rules, registry_.paris, context.log.Now(), reviews};
  if (opens == Opens::kItsOwn) {
    words.collected = &collected;
    words.reader = actor.institution;
  }
  v1::ListDisclosuresResponse response;
  const size_t page_size = request.page_size() == 0 ? kDefaultPage : static_cast<size_t>(request.page_size());
  Page page(page_size, from, response);
  const Bounds bounds = BoundsOf(request);
  const std::optional<std::string> only_of =
      opens == Opens::kItsOwn ? std::optional(actor.institution) : std::nullopt;
  CO_ASSIGN_OR_RETURN(const std::optional<Rest> rest,
                      FillPage(context.log, leaves, end, Days(page, bounds, words, only_of)));
  if (rest) {
    const rpc::PagePlace place{size, static_cast<uint64_t>(rest->day - kFirstDay), rest->given,
                               context.log.Now()};
    response.set_next_page_token(rpc::MakePageToken(token_key_, place, binding));
  }
  response.set_revision(context.log.Revision(size));
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_HISTORY_READ, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::HistoryRead payload;
  payload.set_log_size(size);
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
