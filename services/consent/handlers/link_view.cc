#include "services/consent/handlers/link_view.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/permits_given.h"

namespace relais::consent {
namespace {

constexpr int kMostDisclosures = 500;
// A clock may go back by two seconds before nothing is written any more.
constexpr absl::Duration kClockMayErr = absl::Seconds(5);

bool Overlap(const Link& a, const Link& b) {
  return (!a.until || b.since < *a.until + kClockMayErr) && (!b.until || a.since < *b.until + kClockMayErr);
}

// Another link that was there while all of these were.
bool IsMore(const Link& link, const std::vector<Link>& by) {
  return std::all_of(by.begin(), by.end(),
                     [&](const Link& each) { return each.id != link.id && Overlap(each, link); });
}

// She whose history went on, who is in her list, and who was where she was frozen herself.
absl::Status AddSides(const Files& files, const Id128& her, const std::vector<Link>& by,
                      std::vector<Side>& sides) {
  sides.push_back({her, by});
  const absl::StatusOr<VersionedState> own = files.store.LoadOwn(her);
  if (absl::IsNotFound(own.status())) {
    return absl::OkStatus();  // erased
  }
  RETURN_IF_ERROR(own.status());
  for (const Link& link : own->state->links()) {
    if (!IsMore(link, by)) {
      continue;
    }
    std::vector<Link> with = by;
    with.push_back(link);
    if (link.left) {
      RETURN_IF_ERROR(AddSides(files, link.person, with, sides));
    } else {
      sides.push_back({link.person, std::move(with)});
    }
  }
  return absl::OkStatus();
}

// The leaves between which somebody was a side, both excluded. Empty unless `from` < `to`.
struct Span {
  uint64_t from = 0;
  uint64_t to = std::numeric_limits<uint64_t>::max();

  [[nodiscard]] bool Has(uint64_t leaf) const { return from < leaf && leaf < to; }
};

// The first leaf of each link, which freezes, and of each act that ended some: a permit about whoever they
// concern is guarded by the version that these commits change.
class Turns {
 public:
  void Note(const audit::OpenedLeaf& leaf) {
    const audit::v1::LeafHeader& header = leaf.leaf.header;
    if (header.event_class() == audit::v1::EVENT_CLASS_PERSONS_LINKED) {
      linked_.emplace(header.event_id(), leaf.index);
    } else if (header.event_class() == audit::v1::EVENT_CLASS_PERSONS_SPLIT) {
      split_.emplace(header.event_id(), leaf.index);
    }
  }
  [[nodiscard]] Span SpanOf(const Side& side) const {
    Span span;
    for (const Link& link : side.by) {
      const auto linked = linked_.find(link.id.ToBytes());
      span.from = std::max(span.from, linked == linked_.end() ? span.to : linked->second);
      if (link.until) {
        const auto split = split_.find(link.ended_by.ToBytes());
        span.to = split == split_.end() ? 0 : std::min(span.to, split->second);
      }
    }
    return span;
  }

 private:
  std::map<std::string, uint64_t> linked_;  // by event id
  std::map<std::string, uint64_t> split_;
};

struct Given {
  uint64_t leaf = 0;
  std::string person;
};
struct Read {
  Turns turns;
  std::vector<Given> permits;
};

absl::StatusOr<Read> ReadLeaves(audit::Log& log, const std::vector<Side>& sides) {
  std::set<Id128> names;
  for (const Side& side : sides) {
    names.insert(side.person);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, {names.begin(), names.end()}));
  Read read;
  RETURN_IF_ERROR(ForEachLeaf(log, leaves, [&](const audit::OpenedLeaf& leaf) {
    read.turns.Note(leaf);
    if (PermitIn(leaf)) {
      read.permits.push_back({leaf.index, leaf.details.subject().id()});
    }
  }));
  return read;
}

v1::LinkedDisclosure DisclosureOf(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check) {
  const audit::v1::LeafHeader& header = leaf.leaf.header;
  v1::LinkedDisclosure out;
  *out.mutable_time() = TimeTo(leaf.leaf.time);
  *out.mutable_sender() = check.sender();
  *out.mutable_recipient() = check.recipient();
  out.set_purpose(header.purpose());
  *out.mutable_categories() = header.categories();
  out.set_act(check.act());
  out.set_ground(header.ground());
  out.set_leaf_index(leaf.index);
  return out;
}

v1::LinkImpact DescribeLink(const Link& link) {
  v1::LinkImpact impact;
  impact.set_link_id(link.id.ToHex());
  *impact.mutable_since() = TimeTo(link.since);
  impact.set_cause(link.cause);
  if (link.until) {
    *impact.mutable_until() = TimeTo(*link.until);
  }
  return impact;
}

// Those by whom the institution has a mandate, while they were.
absl::StatusOr<std::vector<Span>> MandatesOf(const Files& files, const Between& between,
                                             const std::vector<Side>& sides, const Turns& turns,
                                             const std::string& institution) {
  std::vector<Span> mandates;
  for (const Side& side : sides) {
    const Span span = turns.SpanOf(side);
    if (between.link.until ? span.from >= span.to : !side.IsOpen()) {
      continue;
    }
    ASSIGN_OR_RETURN(const bool has, HasRecord(files, side.person, institution));
    if (has) {
      mandates.push_back(span);
    }
  }
  return mandates;
}

// Ascending.
std::vector<uint64_t> PermitsUnder(const Read& read, const std::vector<Side>& sides,
                                   const std::vector<Span>& mandates) {
  std::multimap<std::string, Span> spans;
  for (const Side& side : sides) {
    spans.emplace(side.person.ToBytes(), read.turns.SpanOf(side));
  }
  std::vector<uint64_t> under;
  for (const Given& permit : read.permits) {
    const auto [from, to] = spans.equal_range(permit.person);
    const bool meanwhile =
        std::any_of(from, to, [&](const auto& each) { return each.second.Has(permit.leaf); });
    const bool within = std::any_of(mandates.begin(), mandates.end(),
                                    [&](const Span& span) { return span.Has(permit.leaf); });
    if (meanwhile && within) {
      under.push_back(permit.leaf);
    }
  }
  return under;
}

}  // namespace

bool Side::IsOpen() const {
  return std::none_of(by.begin(), by.end(), [](const Link& link) { return link.until.has_value(); });
}

absl::StatusOr<std::vector<Side>> SidesOf(const Files& files, const Between& between) {
  std::vector<Side> sides = {{between.linked, {between.link}}};
  RETURN_IF_ERROR(AddSides(files, between.canonical, {between.link}, sides));
  return sides;
}

absl::StatusOr<LinkView> LookAt(Registry& registry, const Id128& link, const std::string& institution) {
  audit::Log& log = registry.context.log;
  ASSIGN_OR_RETURN(const std::optional<Between> between, FindLinkBetween(registry.files(), link));
  if (!between) {
    return rpc::NoSuchOrNotYours();
  }
  ASSIGN_OR_RETURN(const std::vector<Side> sides, SidesOf(registry.files(), *between));
  ASSIGN_OR_RETURN(const Read read, ReadLeaves(log, sides));
  ASSIGN_OR_RETURN(const std::vector<Span> mandates,
                   MandatesOf(registry.files(), *between, sides, read.turns, institution));
  if (mandates.empty()) {
    return rpc::NoSuchOrNotYours();
  }
  std::vector<uint64_t> under = PermitsUnder(read, sides, mandates);
  LinkView view{*between, DescribeLink(between->link)};
  view.impact.set_disclosures_total(static_cast<uint32_t>(under.size()));
  if (under.size() > kMostDisclosures) {
    under.erase(under.begin(), under.end() - kMostDisclosures);
  }
  RETURN_IF_ERROR(ForEachLeaf(log, under, [&](const audit::OpenedLeaf& leaf) {
    if (const std::optional<v1::CheckDecided> check = PermitIn(leaf)) {
      *view.impact.add_disclosures() = DisclosureOf(leaf, *check);
    }
  }));
  return view;
}

}  // namespace relais::consent
