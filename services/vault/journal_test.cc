// Her journal (D-3.2): accesses and attempts, from the log, to her host alone.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

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

}  // namespace
}  // namespace relais::vault::testing
