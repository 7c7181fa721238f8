// The scrub that nobody asks for, each `scrub.every`; and a record that was put back, as the scrub counts it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::Flip;
using testing::kHost;
using testing::Pdf;
using testing::PieceKey;
using testing::Raw;
using testing::RecordKey;
using testing::SetRaw;
using testing::World;

template <typename Payload>
std::vector<Payload> Said(World& world) {
  std::vector<Payload> said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (auto payload = PayloadOf<Payload>(leaf.details)) {
      said.push_back(*std::move(payload));
    }
  }
  return said;
}

World::Options ScrubbedEach(absl::Duration every) {
  World::Options options;
  options.settings.scrub_every = every;
  return options;
}

TEST(ScrubByItself, FindsAFlippedBitAndTellsIt) {
  World world(ScrubbedEach(absl::Minutes(30)));
  world.Host(1);
  const World::Deposited altered = world.MustDeposit(1, Pdf(5000, 1));
  const World::Deposited intact = world.MustDeposit(1, Pdf(5000, 2));
  Flip(world, BytesOf(altered), PieceKey(0), 100);
  world.Settle(absl::Minutes(20));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 0U) << "nobody asked, and it is not due";
  world.Settle(absl::Minutes(70));  // it is looked at each hour
  const auto scrubs = Said<v1::VaultScrubbed>(world);
  ASSERT_EQ(scrubs.size(), 2U) << "begun and ended";
  EXPECT_FALSE(scrubs[0].scrub().has_ended());
  const v1::Scrub& scrub = scrubs[1].scrub();
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.scrub_id(), scrubs[0].scrub().scrub_id());
  EXPECT_EQ(scrub.versions(), 2U);
  EXPECT_EQ(scrub.altered(), 1U);
  EXPECT_EQ(scrub.damaged(), 1U);
  EXPECT_TRUE(world.Document(1, altered.document).versions(0).version().damaged());
  EXPECT_FALSE(world.Document(1, intact.document).versions(0).version().damaged());
  const auto verified = Said<v1::DocumentVerified>(world);
  ASSERT_EQ(verified.size(), 1U) << "in her journal, and of the intact one nothing";
  EXPECT_EQ(verified[0].document_id(), altered.document);
  EXPECT_EQ(verified[0].scrub_id(), scrub.scrub_id());
  ASSERT_EQ(verified[0].versions_size(), 1);
  EXPECT_EQ(verified[0].versions(0).finding(), v1::VersionCheck::FINDING_ALTERED);
  world.Settle(absl::Minutes(65));
  const auto later = Said<v1::VaultScrubbed>(world);
  ASSERT_EQ(later.size(), 4U) << "each time, not once";
  EXPECT_NE(later[3].scrub().scrub_id(), scrub.scrub_id());
  EXPECT_EQ(later[3].scrub().altered(), 1U);
}

TEST(ScrubByItself, NotBeforeItsTimeAlsoOverARestart) {
  World world(ScrubbedEach(absl::Minutes(100)));
  world.Host(1);
  world.MustDeposit(1, Pdf(5000));
  world.Settle(absl::Minutes(50));
  world.Restart();
  world.Settle(absl::Minutes(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 0U);
  world.Settle(absl::Minutes(40));  // counted from the first start, looked at an hour after this one
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 2U);
}

TEST(ScrubByItself, WithoutATimeOnlyWhenAsked) {
  World world(ScrubbedEach(absl::ZeroDuration()));
  world.Host(1);
  const World::Deposited altered = world.MustDeposit(1, Pdf(5000));
  Flip(world, BytesOf(altered), PieceKey(0), 100);
  world.Settle(absl::Minutes(130));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 0U);
  EXPECT_EQ(testing::Scrub(world, "s1").altered(), 1U);
}

// Roll-back: the record is an older one of this very paper, genuine, and opens.
TEST(ScrubOfARollBack, CountsARecordThatWasPutBack) {
  World world;
  world.Host(1);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000, 1));
  const std::string older = *Raw(world, hers, RecordKey(paper));
  world.MustDeposit(1, Pdf(6000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  EXPECT_EQ(testing::Scrub(world, "before").damaged(), 0U);
  SetRaw(world, hers, RecordKey(paper), older);
  const v1::Scrub scrub = testing::Scrub(world, "after");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.rolled_back(), 1U);
  EXPECT_EQ(scrub.damaged(), 1U);
  EXPECT_EQ(scrub.altered() + scrub.missing() + scrub.hash_differs(), 0U);
  const auto verified = Said<v1::DocumentVerified>(world);
  ASSERT_EQ(verified.size(), 1U) << "in her journal";
  EXPECT_EQ(verified[0].document_id(), paper.document);
  EXPECT_EQ(verified[0].scrub_id(), scrub.scrub_id());
  ASSERT_EQ(verified[0].versions_size(), 2);
  EXPECT_EQ(verified[0].versions(0).finding(), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(verified[0].versions(1).version(), 2U);
  EXPECT_EQ(verified[0].versions(1).finding(), v1::VersionCheck::FINDING_ROLLED_BACK);
}

// Reading does not look at the log: what bounds it is how often a scrub does (ADR 79).
TEST(ScrubOfARollBack, UntilThenTheOlderTextIsReadAndCheckingSaysSo) {
  World world;
  world.Host(1);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const std::string first = Pdf(5000, 1);
  const World::Deposited paper = world.MustDeposit(1, first);
  const std::string older = *Raw(world, hers, RecordKey(paper));
  world.MustDeposit(1, Pdf(6000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  SetRaw(world, hers, RecordKey(paper), older);
  EXPECT_EQ(testing::Download(world, kHost, 1, paper.document).bytes, first);
  const auto checked = testing::Verify(world, 1, paper.document);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_THAT(checked->ShortDebugString(), ::testing::HasSubstr("FINDING_ROLLED_BACK"));
}

}  // namespace
}  // namespace relais::vault
