#include "common/audit/query.h"

#include <gtest/gtest.h>

#include "common/audit/leaf.h"
#include "common/audit/testing/random_leaves.h"

namespace relais::audit {
namespace {

using testing::KnownLeaf;
using testing::Person;
using testing::RandomLeaves;
using testing::Satisfies;

class QueryTest : public ::testing::Test {
 protected:
  static constexpr int kPagesThatGrow = 10;

  // Appends random leaves, each commit some minutes after the one before.
  void Grow(size_t leaves) {
    while (leaves > 0) {
      const size_t now = std::min<size_t>(leaves, 1 + leaves_.Below(40));
      std::vector<Event> events;
      for (size_t i = 0; i < now; ++i) {
        Event event = leaves_.Next(harness_.sim().Now());
        if (event.subject && erased_.count(*event.subject) > 0) {
          event.subject = std::nullopt;
        }
        events.push_back(std::move(event));
      }
      Note(harness_.Append(events), events);
      harness_.sim().RunFor(absl::Minutes(static_cast<int64_t>(leaves_.Below(120))));
      leaves -= now;
    }
  }
  void Note(const storage::LeafRange& range, const std::vector<Event>& events) {
    ASSERT_EQ(range.first, known_.size());
    const auto bytes = harness_.log().ReadLeaves(range.first, events.size());
    for (size_t i = 0; i < events.size(); ++i) {
      known_.push_back({events[i], ParseLeaf(bytes->at(i))->time});
    }
  }
  void Erase(const Subject& subject) {
    const Event event = testing::PlainEvent();
    auto erase = harness_.log().Draft(event);
    erase->rows = *harness_.log().keys().EraseRows(subject);
    storage::CommitRequest commit;
    commit.leaves.push_back(*erase);
    const auto done = harness_.Run(harness_.store().Commit(std::move(commit)));
    ASSERT_TRUE(done.ok());
    harness_.log().keys().MarkErased(subject.Encode());
    Note(done->leaves, {event});
    erased_.insert(subject);
    for (KnownLeaf& leaf : known_) {
      leaf.erased = leaf.erased || leaf.event.subject == subject;
    }
  }
  void IndexAll() { ASSERT_TRUE(harness_.Run(index_->WaitIndexed(known_.size(), absl::Minutes(10)))); }
  void StopIndex() { harness_.Run(index_->Stop()); }
  void RestartIndex(bool rebuild = false) {
    StopIndex();
    indexes_.push_back(std::move(index_));
    index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
    index_->Start(rebuild);
  }

  absl::StatusOr<QueryPage> Page(const LeafQuery& query, const QueryRange& range, const QueryLimits& limits) {
    return harness_.Run(
        RunQuery(harness_.log(), *index_, query, range, limits, harness_.sim(), harness_.sim()));
  }
  // All pages; between two of the first ones the log grows by `growth`. Not between all: the log would grow
  // by what it holds already, and every question would take longer than the last.
  std::vector<uint64_t> Ask(const LeafQuery& query, bool newest_first, const QueryLimits& limits,
                            size_t growth = 0) {
    std::vector<uint64_t> found;
    auto range = RangeOf(harness_.log(), query, known_.size(), newest_first);
    EXPECT_TRUE(range.ok()) << range.status();
    for (int pages = 0; !range->empty(); ++pages) {
      const auto page = Page(query, *range, limits);
      EXPECT_TRUE(page.ok()) << page.status();
      if (::testing::Test::HasFailure()) {
        break;
      }
      EXPECT_LE(page->hits.size(), limits.hits);
      EXPECT_LT(page->rest.to - page->rest.from, range->to - range->from) << "no progress";
      for (const QueryHit& hit : page->hits) {
        found.push_back(hit.leaf.index);
      }
      *range = page->rest;
      if (pages < kPagesThatGrow) {
        Grow(growth);
      }
    }
    return found;
  }
  std::vector<uint64_t> Naive(const LeafQuery& query, bool newest_first, size_t size) const {
    std::vector<uint64_t> found;
    for (size_t i = 0; i < size; ++i) {
      if (Satisfies(query, known_[i])) {
        found.push_back(i);
      }
    }
    if (newest_first) {
      std::reverse(found.begin(), found.end());
    }
    return found;
  }
  // Random questions, paged in random sizes, answered as the naive reading does.
  void Compare(int questions, size_t growth) {
    for (int i = 0; i < questions; ++i) {
      const LeafQuery query = leaves_.Query(known_.front().time, known_.back().time);
      const bool newest = leaves_.Below(2) == 0;
      QueryLimits limits;
      limits.hits = 1 + leaves_.Below(30);
      limits.looked_at = 1 + leaves_.Below(400);
      const std::vector<uint64_t> expected = Naive(query, newest, known_.size());
      EXPECT_EQ(Ask(query, newest, limits, leaves_.Below(3) == 0 ? growth : 0), expected) << "question " << i;
    }
  }

  testing::SimLogHarness harness_;
  RandomLeaves leaves_{harness_.random()};
  std::vector<KnownLeaf> known_;
  std::set<Subject> erased_;
  std::unique_ptr<Index> index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
  std::vector<std::unique_ptr<Index>> indexes_;
};

TEST_F(QueryTest, AnswersAsReadingEveryLeafDoes) {
  Grow(600);
  Compare(60, 0);  // nothing is indexed yet
  index_->Start();
  IndexAll();
  EXPECT_EQ(index_->indexed(), known_.size());
  Compare(200, 0);
  StopIndex();
  Grow(150);  // the end is not indexed
  Compare(150, 5);
}

TEST_F(QueryTest, AnswersTheSameWhileTheLogGrowsAndIsIndexed) {
  index_->Start();
  for (int round = 0; round < 8; ++round) {
    Grow(150);
    Compare(20, 10);
  }
  StopIndex();
}

TEST_F(QueryTest, WhatWasErasedIsNotFoundByWhatWasSealed) {
  Grow(500);
  index_->Start();
  IndexAll();
  Erase(Person(3));
  Compare(80, 0);
  Grow(100);
  Erase(Person(5));
  IndexAll();
  Compare(80, 0);
  LeafQuery query;
  query.subject = Person(3);
  EXPECT_TRUE(Ask(query, true, {}).empty());
  StopIndex();
}

TEST_F(QueryTest, ARebuiltIndexAnswersTheSame) {
  Grow(400);
  index_->Start();
  IndexAll();
  Erase(Person(3));
  RestartIndex(true);
  IndexAll();
  Compare(100, 0);
  StopIndex();
}

// The process dies in the middle of indexing, again and again.
TEST_F(QueryTest, AnIndexerThatCrashesLosesNothing) {
  for (int life = 0; life < 25; ++life) {
    index_->Start();
    Grow(60);
    harness_.sim().RunFor(absl::Milliseconds(static_cast<int64_t>(leaves_.Below(400))));
    const uint64_t before = index_->indexed();
    harness_.Crash();
    StopIndex();
    ASSERT_TRUE(harness_.Reopen().ok());
    indexes_.push_back(std::move(index_));
    index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
    index_->Start();
    Compare(4, 0);
    ASSERT_TRUE(harness_.Run(index_->WaitIndexed(before, absl::Minutes(1)))) << "an indexed leaf was lost";
    StopIndex();
    indexes_.push_back(std::move(index_));
    index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
  }
  index_->Start();
  IndexAll();
  Compare(60, 0);
  StopIndex();
}

TEST_F(QueryTest, AMonthWhoseKeyIsDestroyedIsNotFoundByItsAgents) {
  Grow(300);
  while (MonthName(harness_.sim().Now()) == MonthName(known_.front().time)) {
    Grow(100);
  }
  Grow(100);
  index_->Start();
  IndexAll();
  const std::string month = MonthName(known_.front().time);
  ASSERT_TRUE(harness_.ring().Destroy("audit-month/" + month, 1).ok());
  for (KnownLeaf& leaf : known_) {
    leaf.actor_gone = MonthName(leaf.time) == month;
  }
  LeafQuery query;
  query.institution = "ville-paris";
  query.agent = "agent-1";
  EXPECT_FALSE(Naive(query, true, known_.size()).empty());
  EXPECT_EQ(Ask(query, true, {}), Naive(query, true, known_.size()));
  Compare(60, 0);
  StopIndex();
}

TEST_F(QueryTest, ThePeriodIsFoundInFewReads) {
  Grow(300);
  LeafQuery query;
  query.from = known_[100].time;
  query.to = known_[200].time;
  const auto range = RangeOf(harness_.log(), query, known_.size(), true);
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(known_[range->from].time, query.from);
  EXPECT_LT(known_[range->from - 1].time, query.from);
  EXPECT_EQ(known_[range->to].time, query.to);
  EXPECT_LT(known_[range->to - 1].time, query.to);
  query.to = absl::InfinitePast();
  EXPECT_TRUE(RangeOf(harness_.log(), query, known_.size(), true)->empty());
}

TEST_F(QueryTest, WorkAndTimeOfOnePageAreBounded) {
  Grow(500);
  LeafQuery query;
  query.purpose = "NO_SUCH";
  QueryLimits limits;
  limits.looked_at = 100;
  auto page = Page(query, {0, 500, true}, limits);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->hits.empty());
  EXPECT_EQ(page->rest.to, 401u) << "100, the block itself counted";
  EXPECT_EQ(page->rest.from, 0u);
  limits = QueryLimits();
  limits.time = absl::ZeroDuration();
  page = Page(query, {0, 500, false}, limits);
  ASSERT_TRUE(page.ok());
  EXPECT_GT(page->rest.from, 0u);
  EXPECT_LT(page->rest.from, 500u);
  limits = QueryLimits();
  limits.bytes = 1;
  page = Page(LeafQuery(), {0, 500, false}, limits);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->hits.size(), 1u) << "a page that may hold anything holds something";
}

TEST_F(QueryTest, HitsAreOpened) {
  Event event = testing::SubjectEvent(Person(1));
  event.actor.set_agent("agent-7");
  harness_.Append({testing::PlainEvent(), event});
  LeafQuery query;
  query.subject = Person(1);
  const auto page = Page(query, {0, 2, true}, {});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->hits.size(), 1u);
  EXPECT_EQ(page->hits[0].leaf.index, 1u);
  EXPECT_EQ(page->hits[0].leaf.details.acting_function(), "assistant-social");
  EXPECT_EQ(page->hits[0].leaf.details.subject().id(), Person(1).id.ToBytes());
  EXPECT_EQ(page->hits[0].actor->agent(), "agent-7");
  EXPECT_EQ(page->hits[0].leaf.bytes, harness_.log().ReadLeaves(1, 1)->at(0));
}

}  // namespace
}  // namespace relais::audit
