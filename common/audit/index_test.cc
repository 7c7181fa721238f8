#include "common/audit/index.h"

#include <gtest/gtest.h>

#include "common/audit/fsck_index.h"
#include "common/audit/leaf.h"
#include "common/audit/testing/log_harness.h"
#include "common/audit/testing/no_sequencer.h"

namespace relais::audit {
namespace {

using testing::PlainEvent;
using testing::SimLogHarness;

class IndexTest : public ::testing::Test {
 protected:
  void Append(size_t count, const std::string& institution, const std::string& agent = "") {
    std::vector<Event> events(count, PlainEvent());
    for (Event& event : events) {
      event.institution = institution;
      event.actor.set_agent(agent);
    }
    harness_.Append(events);
  }
  void Start(bool rebuild = false) { index_->Start(rebuild); }
  void Stop() { harness_.Run(index_->Stop()); }
  void Restart(bool rebuild = false) {
    Stop();
    former_.push_back(std::move(index_));
    index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
    Start(rebuild);
  }
  void IndexAll() {
    ASSERT_TRUE(harness_.Run(index_->WaitIndexed(harness_.log().state().size, absl::Minutes(10))));
  }
  std::vector<uint64_t> Find(Dimension dimension, const std::string& value, uint64_t segment = 0) {
    const auto found = index_->Find(segment, {{{dimension, value}}});
    EXPECT_TRUE(found.ok()) << found.status();
    return *found;
  }
  std::vector<uint64_t> FindAgent(const std::string& institution, const std::string& agent) {
    return Find(Dimension::kAgent, internal::AgentValue(institution, agent));
  }
  [[nodiscard]] Secret key() { return harness_.log().DeriveKey(internal::kIndexKeyInfo); }
  size_t Rows(const Id128& partition) {
    return harness_.store()
        .Scan({storage::PartitionKind::kIndexBucket, partition}, "", "", 1000)
        ->entries.size();
  }
  [[nodiscard]] size_t Catalogued() {
    return harness_.store()
        .Scan({storage::PartitionKind::kIndexBucket, internal::IndexMeta(key())}, internal::kCatalogPrefix,
              "", 1000)
        ->entries.size();
  }

  SimLogHarness harness_;
  std::unique_ptr<Index> index_ = std::make_unique<Index>(harness_.log(), harness_.store(), harness_.sim());
  std::vector<std::unique_ptr<Index>> former_;
};

TEST_F(IndexTest, FindsValuesAndTheirUnionsAndIntersections) {
  Append(3, "caf");
  Append(2, "edf", "a-1");
  Append(1, "caf", "a-1");
  Start();
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "caf"), (std::vector<uint64_t>{0, 1, 2, 5}));
  EXPECT_TRUE(Find(Dimension::kInstitution, "ca").empty());
  EXPECT_TRUE(Find(Dimension::kRecipient, "caf").empty());
  EXPECT_EQ(FindAgent("edf", "a-1"), (std::vector<uint64_t>{3, 4}));
  const Index::AnyOf either = {{Dimension::kInstitution, "caf"}, {Dimension::kInstitution, "edf"}};
  EXPECT_EQ(index_->Find(0, {either})->size(), 6u);
  const Index::AnyOf refused = {{Dimension::kEventClass, internal::NumberValue(3)}};
  EXPECT_EQ(*index_->Find(0, {either, refused, {{Dimension::kInstitution, "edf"}}}),
            (std::vector<uint64_t>{3, 4}));
  EXPECT_TRUE(index_->Find(1, {either})->empty());
  Stop();
}

TEST_F(IndexTest, RunsAndSegmentsEndWhereTheyMust) {
  constexpr size_t kLeaves = 66'000;
  for (size_t done = 0; done < kLeaves; done += 4000) {
    Append(std::min<size_t>(4000, kLeaves - done), done == 60'000 ? "caf" : "edf");
  }
  Start();
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "edf", 0).size(), 60'000u + 65'536 - 64'000);
  EXPECT_EQ(Find(Dimension::kInstitution, "caf", 0).size(), 4000u);
  EXPECT_EQ(Find(Dimension::kInstitution, "edf", 1).size(), kLeaves - 65'536);
  EXPECT_EQ(Find(Dimension::kInstitution, "edf", 1).front(), 65'536u);
  // 16 full runs, each with a few values.
  EXPECT_LE(Rows(internal::IndexPartition(key(), 1, Dimension::kInstitution, 0)), 2u * 17);
  Stop();
}

TEST_F(IndexTest, GoesOnWhereItWas) {
  Append(10, "caf");
  Start();
  IndexAll();
  Restart();
  harness_.sim().RunFor(absl::Seconds(1));
  EXPECT_EQ(index_->indexed(), 10u);
  Append(5, "caf");
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "caf").size(), 15u);
  EXPECT_EQ(Rows(internal::IndexPartition(key(), 1, Dimension::kInstitution, 0)), 2u);
  Stop();
}

TEST_F(IndexTest, ARebuildRemovesWhatThereWas) {
  Append(10, "caf", "a-1");
  Start();
  IndexAll();
  const size_t partitions = Catalogued();
  EXPECT_GE(partitions, 3u);
  Restart(true);
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "caf").size(), 10u);
  EXPECT_EQ(Rows(internal::IndexPartition(key(), 1, Dimension::kInstitution, 0)), 0u);
  EXPECT_EQ(Rows(internal::IndexPartition(key(), 2, Dimension::kInstitution, 0)), 1u);
  EXPECT_EQ(Catalogued(), partitions);
  Restart();
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "caf").size(), 10u) << "a generation is remembered";
  Stop();
}

TEST_F(IndexTest, AMonthsRowsGoWithItsKey) {
  Append(10, "caf", "a-1");
  Start();
  IndexAll();
  const std::string month = MonthName(harness_.sim().Now());
  const auto month_key = harness_.log().DeriveMonthKey(harness_.sim().Now(), internal::kIndexKeyInfo);
  ASSERT_TRUE(month_key.ok());
  const Id128 partition = internal::IndexPartition(*month_key, 1, Dimension::kAgent, 0);
  EXPECT_EQ(Rows(partition), 1u);
  EXPECT_EQ(FindAgent("caf", "a-1").size(), 10u);

  harness_.sim().RunFor(absl::Hours(24 * 40));
  ASSERT_TRUE(harness_.ring().Destroy("audit-month/" + month, 1).ok());
  EXPECT_TRUE(FindAgent("caf", "a-1").empty()) << "without the key they cannot be found";
  EXPECT_EQ(Rows(partition), 1u);
  Event destroyed = PlainEvent(audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED);
  audit::v1::MonthKeyDestroyed payload;
  payload.set_month(month);
  destroyed.details.mutable_payload()->PackFrom(payload);
  destroyed.actor.Clear();
  harness_.Append(destroyed);
  IndexAll();
  EXPECT_EQ(Rows(partition), 0u) << "once the leaf says so they are gone";
  EXPECT_EQ(Find(Dimension::kInstitution, "caf").size(), 10u);
  Stop();
}

// What was kept in the clear when the key was destroyed is of no use: nothing is written under a destroyed
// key.
TEST_F(IndexTest, WhoActedInADestroyedMonthIsNotIndexed) {
  Append(1, "caf");
  Start();
  IndexAll();
  Stop();
  Append(3, "caf", "a-1");
  const std::string month = MonthName(harness_.sim().Now());
  const auto month_key = harness_.log().DeriveMonthKey(harness_.sim().Now(), internal::kIndexKeyInfo);
  ASSERT_TRUE(month_key.ok());
  ASSERT_TRUE(harness_.ring().Destroy("audit-month/" + month, 1).ok());
  Restart();
  IndexAll();
  EXPECT_EQ(Find(Dimension::kInstitution, "caf").size(), 4u);
  EXPECT_EQ(Rows(internal::IndexPartition(*month_key, 1, Dimension::kAgent, 0)), 0u);
  Stop();
}

// Leaves that are indexed right behind the writer, and leaves that have to be opened, have the same rows.
TEST_F(IndexTest, TheSameRowsAsDraftedAndAsOpened) {
  Event event = testing::SubjectEvent(testing::Person(1), audit::v1::EVENT_CLASS_CHECK_DECIDED);
  event.categories = {"HOUSING", "BUDGET"};
  event.ground = common::v1::GROUND_AGREEMENT;
  event.decision = common::v1::DECISION_DENY;
  event.details.set_denial_reason("REASON_REFUSED");
  event.details.mutable_recipient()->set_institution("cpam");
  event.actor.set_certificate(std::string(64, 'c'));
  Append(1, "caf");
  Start();
  IndexAll();
  for (int i = 0; i < 5; ++i) {
    event.actor.set_agent("a-" + std::to_string(i % 2));
    harness_.Append(event);
  }
  IndexAll();
  Stop();
  const auto fsck = [this] {
    testing::NoSequencer sequencer;
    const storage::MemoryStore store(harness_.disk(), harness_.executor(), sequencer, {});
    Findings findings;
    EXPECT_TRUE(FsckIndex(store, harness_.ring(), harness_.random(), findings).ok());
    return findings.list().size();
  };
  EXPECT_EQ(fsck(), 0u);
  const std::vector<uint64_t> denied = Find(Dimension::kDenialReason, "REASON_REFUSED");
  const std::vector<uint64_t> agent = FindAgent("ville-paris", "a-1");
  EXPECT_EQ(denied, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(agent, (std::vector<uint64_t>{2, 4}));
  Restart(true);
  IndexAll();
  EXPECT_EQ(fsck(), 0u);
  EXPECT_EQ(Find(Dimension::kDenialReason, "REASON_REFUSED"), denied);
  EXPECT_EQ(FindAgent("ville-paris", "a-1"), agent);
  Stop();
}

// No value stands in the clear in any row.
TEST_F(IndexTest, RowsShowNoValue) {
  Append(3, "caf-canary", "agent-canary");
  Start();
  IndexAll();
  Stop();
  const auto rows = harness_.disk()->ScanData("", "", 1000).rows;
  EXPECT_GE(rows.size(), 4u);
  for (const auto& [key, value] : rows) {
    EXPECT_EQ(key.find("canary"), std::string::npos);
    EXPECT_EQ(value.find("canary"), std::string::npos);
  }
}

TEST_F(IndexTest, AStoreThatFailsIsWaitedFor) {
  Append(3, "caf");
  Start();
  harness_.Crash();
  harness_.sim().RunFor(absl::Minutes(1));
  EXPECT_EQ(index_->indexed(), 0u);
  Stop();
}

}  // namespace
}  // namespace relais::audit
