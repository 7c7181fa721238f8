#include "common/audit/query.h"

#include <algorithm>
#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

constexpr size_t kReadAtOnce = 256;     // leaves, where all of a stretch are looked at
constexpr size_t kTurnCandidates = 64;  // leaves, between two turns of the executor
constexpr size_t kPointersAtOnce = 1000;

void AddTerm(std::vector<Index::AnyOf>& terms, Dimension dimension, std::string value) {
  if (!value.empty()) {
    terms.push_back({{dimension, std::move(value)}});
  }
}
void AddTerm(std::vector<Index::AnyOf>& terms, Dimension dimension, uint64_t number) {
  if (number != 0) {
    terms.push_back({{dimension, internal::NumberValue(number)}});
  }
}

// What the indexes are asked for.
std::vector<Index::AnyOf> TermsOf(const LeafQuery& query) {
  std::vector<Index::AnyOf> terms;
  AddTerm(terms, Dimension::kInstitution, query.institution);
  AddTerm(terms, Dimension::kRecipient, query.recipient);
  AddTerm(terms, Dimension::kPurpose, query.purpose);
  AddTerm(terms, Dimension::kCategory, query.category);
  AddTerm(terms, Dimension::kGround, static_cast<uint64_t>(query.ground));
  AddTerm(terms, Dimension::kDecision, static_cast<uint64_t>(query.decision));
  AddTerm(terms, Dimension::kDenialReason, query.denial_reason);
  AddTerm(terms, Dimension::kRelation, query.relation);
  AddTerm(terms, Dimension::kDirectoryVersion, query.directory_version);
  AddTerm(terms, Dimension::kCertificate, query.certificate);
  if (!query.agent.empty()) {
    AddTerm(terms, Dimension::kAgent, internal::AgentValue(query.institution, query.agent));
  }
  if (!query.event_classes.empty()) {
    Index::AnyOf& any = terms.emplace_back();
    for (const audit::v1::EventClass event_class : query.event_classes) {
      any.push_back({Dimension::kEventClass, internal::NumberValue(static_cast<uint64_t>(event_class))});
    }
  }
  if (!query.own.empty()) {
    terms.push_back({{Dimension::kInstitution, query.own}, {Dimension::kRecipient, query.own}});
  }
  return terms;
}

// A stretch of the range, and which of its leaves are to be looked at.
struct Block {
  uint64_t from = 0;
  uint64_t to = 0;
  std::optional<std::vector<uint64_t>> candidates;  // the next one last; nullopt: all
};

class Search {
 public:
  Search(Log& log, const Index& index, LeafQuery query, QueryRange range, const QueryLimits& limits,
         absl::Duration until)
      : log_(log), index_(index), query_(std::move(query)), limits_(limits), until_(until) {
    page_.rest = range;
    page_.indexed = index.indexed();
    if (!query_.subject.has_value()) {
      terms_ = TermsOf(query_);
    }
  }

  // Looks at the next leaves, a turn's worth. False when the page is complete.
  absl::StatusOr<bool> Turn(absl::Duration now) {
    if (page_.rest.empty() || Full() || (progressed_ && now >= until_)) {
      return false;
    }
    progressed_ = true;
    if (!block_.has_value()) {
      ASSIGN_OR_RETURN(block_, NextBlock());
      ++looked_at_;
    }
    RETURN_IF_ERROR(block_->candidates.has_value() ? LookAtCandidates() : LookAtAll());
    if (block_->from >= block_->to) {
      block_.reset();
    }
    return true;
  }

  QueryPage Take() { return std::move(page_); }

 private:
  [[nodiscard]] bool Full() const {
    return page_.hits.size() >= limits_.hits || bytes_ >= limits_.bytes || looked_at_ >= limits_.looked_at;
  }
  [[nodiscard]] bool newest() const { return page_.rest.newest_first; }

  absl::StatusOr<Block> NextBlock() {
    const QueryRange& rest = page_.rest;
    if (query_.subject.has_value()) {
      ASSIGN_OR_RETURN(std::vector<uint64_t> pointers, PointersIn(rest));
      return Block{rest.from, rest.to, NextLast(std::move(pointers))};
    }
    // The indexes end at `indexed`, within a segment.
    const uint64_t indexed = page_.indexed;
    Block block{rest.from, rest.to, std::nullopt};
    const bool in_index = newest() ? rest.to <= indexed : rest.from < indexed;
    if (!in_index || terms_.empty()) {
      if (newest()) {
        block.from = std::max(rest.from, in_index ? uint64_t{0} : std::min(indexed, rest.to));
      }
      return block;
    }
    const uint64_t segment = (newest() ? rest.to - 1 : rest.from) / Index::kSegment;
    block.from = std::max(rest.from, segment * Index::kSegment);
    block.to = std::min({rest.to, (segment + 1) * Index::kSegment, indexed});
    ASSIGN_OR_RETURN(std::vector<uint64_t> found, index_.Find(segment, terms_));
    found.erase(std::lower_bound(found.begin(), found.end(), block.to), found.end());
    found.erase(found.begin(), std::lower_bound(found.begin(), found.end(), block.from));
    block.candidates = NextLast(std::move(found));
    return block;
  }

  [[nodiscard]] std::vector<uint64_t> NextLast(std::vector<uint64_t> ascending) const {
    if (!newest()) {
      std::reverse(ascending.begin(), ascending.end());
    }
    return ascending;
  }

  absl::StatusOr<std::vector<uint64_t>> PointersIn(const QueryRange& range) {
    std::vector<uint64_t> pointers;
    uint64_t from = range.from;
    while (from < range.to) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                       log_.LeavesOf(*query_.subject, from, kPointersAtOnce));
      pointers.insert(pointers.end(), some.begin(), some.end());
      if (some.size() < kPointersAtOnce) {
        break;
      }
      from = some.back() + 1;
    }
    pointers.erase(std::lower_bound(pointers.begin(), pointers.end(), range.to), pointers.end());
    return pointers;
  }

  absl::Status LookAtCandidates() {
    std::vector<uint64_t>& candidates = *block_->candidates;
    for (size_t i = 0; i < kTurnCandidates && !candidates.empty() && (i == 0 || !Full()); ++i) {
      const uint64_t index = candidates.back();
      ASSIGN_OR_RETURN(std::vector<std::string> leaves, log_.ReadLeaves(index, 1));
      if (leaves.empty()) {
        return absl::DataLossError("log: a leaf that is pointed to is missing");
      }
      RETURN_IF_ERROR(LookAt(index, std::move(leaves[0])));
      candidates.pop_back();
      Passed(index);
    }
    if (candidates.empty()) {
      Passed(newest() ? block_->from : block_->to - 1);
    }
    return absl::OkStatus();
  }

  absl::Status LookAtAll() {
    const uint64_t room = std::min<uint64_t>(kReadAtOnce, block_->to - block_->from);
    const uint64_t first = newest() ? block_->to - room : block_->from;
    ASSIGN_OR_RETURN(std::vector<std::string> leaves, ReadExactly(first, room));
    for (uint64_t i = 0; i < room && (i == 0 || !Full()); ++i) {
      const uint64_t at = newest() ? room - 1 - i : i;
      RETURN_IF_ERROR(LookAt(first + at, std::move(leaves[at])));
      Passed(first + at);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ReadExactly(uint64_t first, uint64_t count) {
    std::vector<std::string> leaves;
    while (leaves.size() < count) {
      ASSIGN_OR_RETURN(std::vector<std::string> some,
                       log_.ReadLeaves(first + leaves.size(), count - leaves.size()));
      if (some.empty()) {
        return absl::DataLossError("log: it ends before its size");
      }
      std::move(some.begin(), some.end(), std::back_inserter(leaves));
    }
    return leaves;
  }

  // The leaf, and all before it in the order of the search, have been looked at.
  void Passed(uint64_t index) {
    if (newest()) {
      block_->to = index;
      page_.rest.to = index;
    } else {
      block_->from = index + 1;
      page_.rest.from = index + 1;
    }
  }

  absl::Status LookAt(uint64_t index, std::string bytes) {
    ++looked_at_;
    absl::StatusOr<Leaf> leaf = ParseLeaf(bytes);
    if (!leaf.ok()) {
      return absl::DataLossError("log: a leaf is damaged");
    }
    if (!HeaderMatches(query_, *leaf)) {
      return absl::OkStatus();
    }
    QueryHit hit;
    ASSIGN_OR_RETURN(hit.leaf, log_.OpenLeaf(index, std::move(bytes)));
    // Part R is opened for what is shown, or when it is asked about.
    const bool asks_actor = !query_.agent.empty() || !query_.certificate.empty();
    if (!asks_actor && !Matches(query_, hit.leaf, hit.actor)) {
      return absl::OkStatus();
    }
    absl::StatusOr<OpenedActor> actor = log_.OpenActor(hit.leaf.leaf);
    if (actor.ok()) {
      hit.actor = std::move(actor->actor);
    } else if (!absl::IsNotFound(actor.status())) {
      return absl::DataLossError("log: part R of a leaf does not open");
    }
    if (!asks_actor || Matches(query_, hit.leaf, hit.actor)) {
      bytes_ += 2 * hit.leaf.bytes.size();
      page_.hits.push_back(std::move(hit));
    }
    return absl::OkStatus();
  }

  Log& log_;
  const Index& index_;
  const LeafQuery query_;
  const QueryLimits limits_;
  const absl::Duration until_;
  std::vector<Index::AnyOf> terms_;
  std::optional<Block> block_;
  QueryPage page_;
  size_t bytes_ = 0;
  size_t looked_at_ = 0;
  bool progressed_ = false;
};

absl::StatusOr<absl::Time> TimeAt(Log& log, uint64_t index) {
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, log.ReadLeaves(index, 1));
  if (leaves.empty()) {
    return absl::DataLossError("log: it ends before its size");
  }
  ASSIGN_OR_RETURN(const Leaf leaf, ParseLeaf(leaves[0]));
  return leaf.time;
}

// The first of the leaves below `size` that is not before `time`: their times never decrease.
absl::StatusOr<uint64_t> FirstNotBefore(Log& log, absl::Time time, uint64_t size) {
  uint64_t low = 0;
  uint64_t high = size;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const absl::Time at, TimeAt(log, middle));
    if (at < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

absl::StatusOr<QueryRange> RangeOf(Log& log, const LeafQuery& query, uint64_t size, bool newest_first) {
  QueryRange range{0, size, newest_first};
  if (query.from > absl::InfinitePast()) {
    ASSIGN_OR_RETURN(range.from, FirstNotBefore(log, query.from, size));
  }
  if (query.to < absl::InfiniteFuture()) {
    ASSIGN_OR_RETURN(range.to, FirstNotBefore(log, query.to, size));
  }
  return range;
}

Task<absl::StatusOr<QueryPage>> RunQuery(Log& log, const Index& index, LeafQuery query, QueryRange range,
                                         QueryLimits limits, Clock& clock, Executor& executor) {
  Search search(log, index, std::move(query), range, limits, clock.Monotonic() + limits.time);
  while (true) {
    CO_ASSIGN_OR_RETURN(const bool more, search.Turn(clock.Monotonic()));
    if (!more) {
      co_return search.Take();
    }
    co_await ResumeOn(executor);
  }
}

}  // namespace relais::audit
