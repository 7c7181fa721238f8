// Her journal (D-3.2): accesses and attempts, from the log, to her host alone.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/cleaning.h"
#include "services/vault/handlers/key_handlers.h"
#include "services/vault/handlers/operation_handlers.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::StatusOr<v1::ReadJournalResponse> Read(World& world, const v1::ReadJournalRequest& request,
                                             const std::string& institution = kHost) {
  return world.Run(world.service().journal().ReadJournal(world.As(institution), request));
}

v1::ReadJournalRequest JournalOf(World& world, uint64_t person, const std::string& document = "") {
  v1::ReadJournalRequest request;
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_document_id(document);
  request.set_page_size(100);
  return request;
}

TEST(Journal, HoldsAccessesAndAttemptsNewestFirst) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok());
  world.Share(1, paper.document);
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  const auto journal = Read(world, JournalOf(world, 1, paper.document));
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_GE(journal->entries_size(), 4);
  for (int i = 1; i < journal->entries_size(); ++i) {
    EXPECT_GT(journal->entries(i - 1).leaf_index(), journal->entries(i).leaf_index());
  }
  const v1::JournalEntry& read = journal->entries(0);
  EXPECT_EQ(read.act(), v1::JournalEntry::ACT_READ);
  EXPECT_TRUE(read.allowed());
  EXPECT_EQ(read.who().institution(), kReader);
  EXPECT_EQ(read.relation(), "SHARE");
  EXPECT_EQ(read.length(), 1000u);
  EXPECT_EQ(journal->entries(1).act(), v1::JournalEntry::ACT_SHARE);
  const v1::JournalEntry& attempt = journal->entries(2);
  EXPECT_EQ(attempt.act(), v1::JournalEntry::ACT_READ);
  EXPECT_FALSE(attempt.allowed());
  EXPECT_EQ(attempt.who().institution(), kReader);
  EXPECT_EQ(attempt.reason(), "NO_SUCH_OR_NOT_YOURS");
  EXPECT_EQ(journal->entries(3).act(), v1::JournalEntry::ACT_DEPOSITED);
}

TEST(Journal, AFloodOfAttemptsIsOneLineWithTheirNumber) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok());
  }
  world.Settle(absl::Minutes(2));
  const auto journal = Read(world, JournalOf(world, 1, paper.document));
  ASSERT_TRUE(journal.ok()) << journal.status();
  std::vector<uint64_t> counts;
  for (const v1::JournalEntry& entry : journal->entries()) {
    if (entry.act() == v1::JournalEntry::ACT_READ) {
      EXPECT_FALSE(entry.allowed());
      EXPECT_EQ(entry.reason(), "NO_SUCH_OR_NOT_YOURS");
      counts.push_back(entry.count());
    } else {
      EXPECT_EQ(entry.count(), 0u);
    }
  }
  EXPECT_EQ(counts, (std::vector<uint64_t>{7, 1, 1, 1, 1, 1}));
}

TEST(Journal, IsForHerHostAlone) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.Share(1, paper.document);
  v1::ReadJournalRequest request = JournalOf(world, 1);
  *request.mutable_person() = world.Handle(kReader, 1);
  EXPECT_EQ(ReasonOf(Read(world, request, kReader).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // Reading it is in it, and so is the attempt.
  ASSERT_TRUE(Read(world, JournalOf(world, 1)).ok());
  const auto journal = Read(world, JournalOf(world, 1));
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_EQ(journal->entries(0).act(), v1::JournalEntry::ACT_LOOKED);
  EXPECT_TRUE(journal->entries(0).allowed());
  EXPECT_EQ(journal->entries(1).act(), v1::JournalEntry::ACT_LOOKED);
  EXPECT_FALSE(journal->entries(1).allowed());
}

TEST(Journal, ComesInPagesAndAPageIsItsAskersOnly) {
  World world;
  world.Host(1);
  world.Host(1, "emmaus");
  const auto paper = world.MustDeposit(1, Pdf(1000));
  for (int i = 0; i < 7; ++i) {
    EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  }
  v1::ReadJournalRequest request = JournalOf(world, 1, paper.document);
  const auto all = Read(world, request);
  ASSERT_TRUE(all.ok()) << all.status();
  request.set_page_size(3);
  std::vector<uint64_t> paged;
  do {
    const auto page = Read(world, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::JournalEntry& entry : page->entries()) {
      // Lines that this very reading makes are newer than its first page.
      if (entry.act() != v1::JournalEntry::ACT_LOOKED) {
        paged.push_back(entry.leaf_index());
      }
    }
    request.set_page_token(page->next_page_token());
    if (!request.page_token().empty()) {
      v1::ReadJournalRequest stolen = request;
      *stolen.mutable_person() = world.Handle("emmaus", 1);
      EXPECT_FALSE(Read(world, stolen, "emmaus").ok());
    }
  } while (!request.page_token().empty());
  std::vector<uint64_t> whole;
  for (const v1::JournalEntry& entry : all->entries()) {
    if (entry.act() != v1::JournalEntry::ACT_LOOKED) {
      whole.push_back(entry.leaf_index());
    }
  }
  EXPECT_EQ(paged, whole);
}

TEST(Journal, APeriodBoundsIt) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  world.Settle(absl::Minutes(1));
  const absl::Time between = world.sim().Now();
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  v1::ReadJournalRequest later = JournalOf(world, 1, paper.document);
  *later.mutable_from() = ToProto(between);
  const auto after = Read(world, later);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->entries_size(), 1);
  v1::ReadJournalRequest earlier = JournalOf(world, 1, paper.document);
  *earlier.mutable_to() = ToProto(between);
  const auto before = Read(world, earlier);
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_GE(before->entries_size(), 2);
  EXPECT_EQ(before->entries(0).act(), v1::JournalEntry::ACT_READ);
}

// ---- what happened, not only that something did

TEST(Journal, TellsWhatBecameOfSharesRequestsAndHosts) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto made =
      world.Run(world.service().shares().Share(world.As(kHost), ShareOfPaper(world, 1, paper.document)));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  v1::RevokeRequest revoke;
  revoke.set_request_id("revoke");
  *revoke.mutable_person() = world.Handle(kHost, 1);
  revoke.set_share_id(made->share().share_id());
  ASSERT_TRUE(world.Run(world.service().shares().Revoke(world.As(kHost), revoke)).ok());
  v1::UnlinkHostRequest unlink;
  unlink.set_request_id("unlink");
  *unlink.mutable_person() = world.Handle("cpam", 1);
  unlink.set_institution("emmaus");
  ASSERT_TRUE(world.Run(world.service().hosts().UnlinkHost(world.As("cpam"), unlink)).ok());
  const auto journal = Read(world, JournalOf(world, 1));
  ASSERT_TRUE(journal.ok()) << journal.status();
  ASSERT_GE(journal->entries_size(), 4);
  const v1::JournalEntry& unlinked = journal->entries(0);
  EXPECT_EQ(unlinked.act(), v1::JournalEntry::ACT_HOST);
  EXPECT_EQ(unlinked.outcome(), "UNLINKED");
  EXPECT_EQ(unlinked.recipient().institution(), "emmaus");
  EXPECT_EQ(unlinked.who().institution(), "cpam");
  const v1::JournalEntry& revoked = journal->entries(1);
  EXPECT_EQ(revoked.act(), v1::JournalEntry::ACT_SHARE);
  EXPECT_EQ(revoked.outcome(), "REVOKED");
  EXPECT_EQ(revoked.share_id(), made->share().share_id());
  const v1::JournalEntry& read = journal->entries(2);
  EXPECT_EQ(read.act(), v1::JournalEntry::ACT_READ);
  EXPECT_EQ(read.share_id(), made->share().share_id());
  EXPECT_EQ(read.purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(journal->entries(3).outcome(), "ACTIVE");
}

// ---- maintenance, which is about nobody (D-3.2)

World::Options Calm() {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

void Scrub(World& world, const std::string& request_id) {
  v1::StartScrubRequest request;
  request.set_request_id(request_id);
  World::Require(world.Run(world.service().operations().StartScrub(world.As("operator"), request)).status());
  world.Settle(absl::Minutes(1));
}

// "<what> <outcome>" of each line of maintenance, newest first, page by page.
std::vector<std::string> Maintained(World& world, const v1::ReadJournalRequest& wanted) {
  std::vector<std::string> lines;
  v1::ReadJournalRequest request = wanted;
  request.set_page_size(2);
  do {
    const auto page = Read(world, request);
    World::Require(page.status());
    for (const v1::JournalEntry& entry : page->entries()) {
      if (entry.act() == v1::JournalEntry::ACT_MAINTAINED) {
        lines.push_back(entry.what() + " " + entry.outcome());
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return lines;
}

TEST(Journal, HasTheMaintenanceSinceHerFirstPaper) {
  World world(Calm());
  world.Host(1);
  world.Host(2);
  Scrub(world, "before");
  const auto paper = world.MustDeposit(1, Pdf(1000));
  Scrub(world, "after");
  v1::RotateRequest rotate;
  rotate.set_request_id("rotate");
  rotate.set_level(v1::KEY_LEVEL_EPOCH);
  ASSERT_TRUE(world.Run(world.service().keys().Rotate(world.As("operator"), rotate)).ok());
  world.Settle(absl::Minutes(10));
  v1::AnnounceClosureRequest closure;
  closure.set_request_id("close");
  closure.mutable_closing_day()->set_year(2027);
  closure.mutable_closing_day()->set_month(6);
  closure.mutable_closing_day()->set_day(1);
  ASSERT_TRUE(world.Run(world.service().operations().AnnounceClosure(world.As("operator"), closure)).ok());
  world.Settle();
  const auto expected =
      ElementsAre("CLOSURE ANNOUNCED", "KEYS_EPOCH ENDED", "KEYS_EPOCH BEGUN", "SCRUB ENDED", "SCRUB BEGUN");
  EXPECT_THAT(Maintained(world, JournalOf(world, 1)), expected);
  EXPECT_THAT(Maintained(world, JournalOf(world, 1, paper.document)), IsEmpty()) << "it is about no paper";
  EXPECT_THAT(Maintained(world, JournalOf(world, 2)), IsEmpty()) << "she has none";
  world.MustDeposit(2, Pdf(1000));
  EXPECT_THAT(Maintained(world, JournalOf(world, 2)), IsEmpty()) << "she had none then";
  Scrub(world, "last");
  EXPECT_THAT(Maintained(world, JournalOf(world, 2)), ElementsAre("SCRUB ENDED", "SCRUB BEGUN"));
}

// The list is derived: a log that is followed again makes the same.
TEST(Journal, MaintenanceIsListedOnceHoweverOftenItsLeavesAreFollowed) {
  World world(Calm());
  world.Host(1);
  world.MustDeposit(1, Pdf(1000));
  Scrub(world, "scrub");
  OwnLeaves again(world.vault());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.index = leaf.index;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    World::Require(world.Run(again.Apply(std::move(followed), false)));
  }
  EXPECT_THAT(Maintained(world, JournalOf(world, 1)), ElementsAre("SCRUB ENDED", "SCRUB BEGUN"));
}

}  // namespace
}  // namespace relais::vault::testing
