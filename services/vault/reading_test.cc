// Who reads what (D-3.1, D-3.6; ADR 35): she through her host, and whom she shares with, on consent's word
// each time.
#include "services/vault/testing/reading.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/handlers/key_handlers.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMiB = size_t{1} << 20;

TEST(Reading, HerHostReadsAllOfItAndEachReadingLeavesALeafFirst) {
  World world;
  world.Host(1);
  const std::string text = Pdf(kMiB + 7);
  const auto paper = world.MustDeposit(1, text);
  const Got got = Download(world, kHost, 1, paper.document);
  ASSERT_TRUE(got.status.ok()) << got.status;
  EXPECT_EQ(got.bytes, text);
  EXPECT_EQ(got.start.length(), text.size());
  EXPECT_EQ(got.start.permit_id(), "");
  const auto read = Payloads<v1::DocumentRead>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ);
  ASSERT_THAT(read, SizeIs(1));
  EXPECT_EQ(read[0].document_id(), paper.document);
  EXPECT_EQ(read[0].share_id(), "");
  EXPECT_THAT(world.consent.asked, IsEmpty()) << "her own reading asks nobody";
}

TEST(Reading, ARangeIsThatRange) {
  World world;
  world.Host(1);
  const std::string text = Pdf(kMiB);
  const auto paper = world.MustDeposit(1, text);
  v1::DownloadRequest request = ReadOf(world, kHost, 1, paper.document);
  request.set_offset(262'140);
  request.set_length(10);
  EXPECT_EQ(Download(world, kHost, request).bytes, text.substr(262'140, 10));
  request.set_offset(text.size() + 5);
  const Got beyond = Download(world, kHost, request);
  EXPECT_TRUE(beyond.status.ok());
  EXPECT_EQ(beyond.bytes, "");

  v1::ReadRangeRequest range;
  *range.mutable_person() = world.Handle(kHost, 1);
  range.set_document_id(paper.document);
  range.set_offset(100'000);
  range.set_length(524'288);
  const auto piece = world.Run(world.service().readings().ReadRange(world.As(kHost), range));
  ASSERT_TRUE(piece.ok()) << piece.status();
  EXPECT_EQ(piece->data(), text.substr(100'000, 524'288));
}

// Messages are filled again: what one held before is in none after it, whatever the lengths.
TEST(Reading, PiecesOfAnyLengthFollowOneAnother) {
  World world;
  world.Host(1);
  const std::string text = Pdf(6 * 262'144 + 5);
  const auto paper = world.MustDeposit(1, text);
  for (const uint64_t offset : {0, 1, 262'139, 262'144, 400'000}) {
    v1::DownloadRequest request = ReadOf(world, kHost, 1, paper.document);
    request.set_offset(offset);
    const Got got = Download(world, kHost, request);
    ASSERT_TRUE(got.status.ok()) << got.status;
    EXPECT_TRUE(got.bytes == text.substr(offset)) << offset;
  }
}

TEST(Reading, NobodyElseReadsAndTheAttemptIsHersToSee) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const Got stranger = Download(world, kReader, 1, paper.document);
  const Got unknown = Download(world, kReader, 1, std::string(32, 'a'));
  const Got nobody = Download(world, kReader, 2, paper.document);
  EXPECT_EQ(ReasonOf(stranger.status), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(stranger.status, unknown.status) << "not hers to read and not there are one answer";
  EXPECT_EQ(stranger.status, nobody.status);
  EXPECT_EQ(stranger.bytes, "");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_READ), 0u);
  const auto refused = Payloads<v1::VaultRefused>(world, audit::v1::EVENT_CLASS_VAULT_REFUSED);
  ASSERT_THAT(refused, SizeIs(3));
  EXPECT_EQ(refused[0].act(), v1::JournalEntry::ACT_READ);
  EXPECT_EQ(refused[0].document_id(), paper.document);
  EXPECT_EQ(refused[0].reason(), "NO_SUCH_OR_NOT_YOURS");
  EXPECT_THAT(world.consent.asked, IsEmpty());
}

TEST(Reading, AnotherInstitutionsHandleNamesNobody) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const Got got = Download(world, kReader, ReadOf(world, kHost, 1, paper.document));
  EXPECT_EQ(ReasonOf(got.status), common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
}

TEST(Reading, WhoItIsSharedWithReadsOnARecordedPermit) {
  World world;
  world.Host(1);
  const std::string text = Pdf(1000);
  const auto paper = world.MustDeposit(1, text);
  const std::string share = world.Share(1, paper.document);
  const Got got = Download(world, kReader, 1, paper.document);
  ASSERT_TRUE(got.status.ok()) << got.status;
  EXPECT_EQ(got.bytes, text);
  EXPECT_EQ(got.start.permit_id(), "permit-1");
  ASSERT_THAT(world.consent.asked, SizeIs(1));
  const consent::v1::CheckRequest& asked = world.consent.asked[0];
  EXPECT_FALSE(asked.dry_run());
  EXPECT_EQ(asked.sender().institution(), kHost);
  EXPECT_EQ(asked.recipient().institution(), kReader);
  EXPECT_EQ(asked.act(), common::v1::ACT_SHARE_DOCUMENT);
  EXPECT_EQ(asked.purpose(), "RIGHTS_OPENING");
  EXPECT_THAT(asked.categories(), ElementsAre("DOCUMENTS"));
  const auto read = Payloads<v1::DocumentRead>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ);
  ASSERT_THAT(read, SizeIs(1));
  EXPECT_EQ(read[0].share_id(), share);
  EXPECT_EQ(read[0].permit_id(), "permit-1");
  // Each reading anew.
  world.consent.permits = [](const auto&) { return false; };
  const Got again = Download(world, kReader, 1, paper.document);
  EXPECT_EQ(ReasonOf(again.status), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(again.bytes, "");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_READ), 1u);
}

// ADR 35, 71: consent is asked about the share's agreement, and what she agreed to beside it changes nothing:
// neither does it close the share, nor keep it open. A permit on another ground opens nothing here.
TEST(Reading, TheSharesAgreementAloneOpensIt) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.Share(1, paper.document);
  world.consent.others = {{std::string(32, '8'), absl::Hours(24 * 800)}};
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok()) << "her second yes ends nothing";
  EXPECT_EQ(world.consent.asked.back().consent_id(), world.consent.agreement);
  v1::ListRequest list;
  *list.mutable_person() = world.Handle(kReader, 1);
  const auto theirs = world.Run(world.service().metadata().List(world.As(kReader), list));
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_EQ(theirs->documents_size(), 1);
  world.consent.agreement = std::string(32, '9');  // that of the share is no more
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.agreement = "";  // the team's
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_READ), 1u);
}

// Of two shares of one paper the first rests on what consent knows no more: who downloads it sees it listed.
TEST(Reading, EveryShareOfAPaperIsTriedAlsoForAList) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string seven = world.Share(1, paper.document);
  const std::string nine(32, '9');
  const std::string other =
      world.Share(1, paper.document, kReader, absl::Hours(24 * 30), v1::DOCUMENT_TYPE_UNSPECIFIED, nine);
  if (seven < other) {
    world.consent.agreement = nine;
  }
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  v1::ListRequest list;
  *list.mutable_person() = world.Handle(kReader, 1);
  const auto theirs = world.Run(world.service().metadata().List(world.As(kReader), list));
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  ASSERT_EQ(theirs->documents_size(), 1);
  EXPECT_EQ(theirs->documents(0).document_id(), paper.document);
  EXPECT_EQ(world.consent.recorded(), 4u) << "both, twice";
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(world.Run(world.service().metadata().List(world.As(kReader), list)).status()),
            common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST(Reading, WithoutConsentNothingIsShownToOthersAndHersGoesOn) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const std::string share = world.Share(1, paper.document);
  world.consent.down = absl::UnavailableError("down");
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(5));
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  // Suspended, not closed.
  const auto stored = world.store().Share(World::Person(1), Id128::FromHex(share).value());
  ASSERT_TRUE(stored.ok() && stored->has_value());
  EXPECT_EQ((*stored)->value.state(), v1::Share::STATE_ACTIVE);
  world.consent.down = absl::OkStatus();
  world.CutConsentLog(false);
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
}

TEST(Reading, AShareCoversTheCurrentTextOfWhatItIsAbout) {
  World world;
  world.Host(1);
  const std::string later = Pdf(2000, 2);
  const auto paper = world.MustDeposit(1, Pdf(1000, 1));
  world.MustDeposit(1, later, v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  world.Share(1, paper.document);
  EXPECT_EQ(Download(world, kReader, 1, paper.document).bytes, later);
  v1::DownloadRequest first = ReadOf(world, kReader, 1, paper.document);
  first.set_version(1);
  EXPECT_EQ(ReasonOf(Download(world, kReader, first).status), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  *first.mutable_person() = world.Handle(kHost, 1);
  EXPECT_EQ(Download(world, kHost, first).bytes, Pdf(1000, 1));
  // Another recipient, another paper: nothing.
  const auto other = world.MustDeposit(1, Pdf(1000, 3));
  EXPECT_FALSE(Download(world, "cpam", 1, paper.document).status.ok());
  EXPECT_FALSE(Download(world, kReader, 1, other.document).status.ok());
}

TEST(Reading, AShareOfATypeCoversWhatComesLater) {
  World world;
  world.Host(1);
  world.Share(1, "", kReader, absl::Hours(24), v1::DOCUMENT_TYPE_TAX_NOTICE);
  const auto notice = world.MustDeposit(1, Pdf(1000, 1));
  const auto lease = world.MustDeposit(1, Pdf(1000, 2), v1::DOCUMENT_TYPE_LEASE);
  EXPECT_TRUE(Download(world, kReader, 1, notice.document).status.ok());
  EXPECT_FALSE(Download(world, kReader, 1, lease.document).status.ok());
}

TEST(Reading, AnEndedShareIsNone) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.Share(1, paper.document, kReader, absl::Seconds(30));
  EXPECT_TRUE(Download(world, kReader, 1, paper.document).status.ok());
  world.Settle(absl::Seconds(31));
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, paper.document).status),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// What was altered on the disk is never sent: what came before it was authenticated.
TEST(Reading, AnAlteredPieceStopsItClearly) {
  World world;
  world.Host(1);
  const std::string text = Pdf(size_t{3} * 262'144);
  const auto paper = world.MustDeposit(1, text);
  const storage::Partition content = VaultStore::ContentPartition(Id128::FromHex(paper.upload).value());
  const auto pieces = world.context().store.Scan(content, "c/", "", 10);
  ASSERT_TRUE(pieces.ok());
  ASSERT_THAT(pieces->entries, SizeIs(3));
  std::string value = pieces->entries[1].entry.value;
  value[value.size() / 2] ^= 1;
  storage::CommitRequest commit;
  commit.partition = content;
  commit.batch.push_back({pieces->entries[1].key, value});
  ASSERT_TRUE(world.Run(world.context().store.Commit(std::move(commit))).ok());
  const Got got = Download(world, kHost, 1, paper.document);
  EXPECT_EQ(got.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(got.status), common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
  EXPECT_EQ(got.bytes, text.substr(0, 262'144));
  const auto cuts = Payloads<v1::DocumentReadCut>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT);
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "DAMAGED");
  // A range beside it is authenticated by itself.
  v1::DownloadRequest range = ReadOf(world, kHost, 1, paper.document);
  range.set_length(1000);
  EXPECT_EQ(Download(world, kHost, range).bytes, text.substr(0, 1000));
}

TEST(Metadata, ARecipientSeesOnePaperAndItsCurrentTextOnly) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000, 1));
  world.MustDeposit(1, Pdf(1000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  world.MustDeposit(1, Pdf(1000, 3), v1::DOCUMENT_TYPE_LEASE);
  world.Share(1, paper.document);
  v1::GetMetadataRequest get;
  *get.mutable_person() = world.Handle(kReader, 1);
  get.set_document_id(paper.document);
  const auto seen = world.Run(world.service().metadata().GetMetadata(world.As(kReader), get));
  ASSERT_TRUE(seen.ok()) << seen.status();
  ASSERT_EQ(seen->document().versions_size(), 1);
  EXPECT_EQ(seen->document().versions(0).version(), 2u);
  EXPECT_EQ(world.consent.recorded(), 1u) << "metadata is shown on a permit too (D-3.3)";
  v1::ListRequest list;
  *list.mutable_person() = world.Handle(kReader, 1);
  const auto theirs = world.Run(world.service().metadata().List(world.As(kReader), list));
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  ASSERT_EQ(theirs->documents_size(), 1);
  EXPECT_EQ(theirs->documents(0).document_id(), paper.document);
  *list.mutable_person() = world.Handle(kHost, 1);
  const auto hers = world.Run(world.service().metadata().List(world.As(kHost), list));
  ASSERT_TRUE(hers.ok()) << hers.status();
  EXPECT_EQ(hers->documents_size(), 2);
  *list.mutable_person() = world.Handle("cpam", 1);
  const auto others = world.Run(world.service().metadata().List(world.As("cpam"), list));
  EXPECT_EQ(ReasonOf(others.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  v1::CountRequest count;
  *count.mutable_person() = world.Handle(kReader, 1);
  EXPECT_FALSE(world.Run(world.service().metadata().Count(world.As(kReader), count)).ok());
  *count.mutable_person() = world.Handle(kHost, 1);
  const auto counted = world.Run(world.service().metadata().Count(world.As(kHost), count));
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->documents(), 2u);
  EXPECT_EQ(counted->versions(), 3u);
  EXPECT_EQ(counted->types_size(), 2);
}

TEST(Metadata, ListsComeInPagesWithoutGapOrDouble) {
  World world;
  world.Host(1);
  std::set<std::string> all;
  for (uint8_t i = 0; i < 5; ++i) {
    all.insert(world.MustDeposit(1, Pdf(100, i)).document);
  }
  v1::ListRequest list;
  *list.mutable_person() = world.Handle(kHost, 1);
  list.set_page_size(2);
  std::set<std::string> seen;
  size_t pages = 0;
  do {
    const auto page = world.Run(world.service().metadata().List(world.As(kHost), list));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Document& document : page->documents()) {
      EXPECT_TRUE(seen.insert(document.document_id()).second);
    }
    list.set_page_token(page->next_page_token());
    ++pages;
  } while (!list.page_token().empty());
  EXPECT_EQ(pages, 3u);
  EXPECT_EQ(seen, all);
}

TEST(Metadata, ItIsChangedOnceByHerHostOnTheStateItRead) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  v1::UpdateMetadataRequest update;
  update.set_request_id("update-1");
  *update.mutable_person() = world.Handle(kHost, 1);
  update.set_document_id(paper.document);
  update.mutable_description()->set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
  update.mutable_description()->set_title("avis 2026");
  update.set_etag("v0");
  auto& metadata = world.service().metadata();
  EXPECT_EQ(ReasonOf(world.Run(metadata.UpdateMetadata(world.As(kHost), update)).status()),
            common::v1::ERROR_REASON_ETAG_MISMATCH);
  update.clear_etag();
  const auto done = world.Run(metadata.UpdateMetadata(world.As(kHost), update));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->document().title(), "avis 2026");
  const auto again = world.Run(metadata.UpdateMetadata(world.As(kHost), update));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->document().etag(), done->document().etag()) << "no second effect";
  const auto changed = Payloads<v1::DocumentChanged>(world, audit::v1::EVENT_CLASS_DOCUMENT_CHANGED);
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_THAT(changed[0].fields(), ElementsAre("title"));
  update.set_request_id("update-2");
  *update.mutable_person() = world.Handle(kReader, 1);
  EXPECT_EQ(ReasonOf(world.Run(metadata.UpdateMetadata(world.As(kReader), update)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Attempts, AFloodIsCountedIntoOneLeafAndOthersAreNot) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(Download(world, kReader, 1, paper.document).status.ok());
  }
  EXPECT_FALSE(Download(world, "cpam", 1, paper.document).status.ok());
  world.Settle(absl::Seconds(70));
  uint64_t singles = 0;
  uint64_t counted = 0;
  for (const auto& refused : Payloads<v1::VaultRefused>(world, audit::v1::EVENT_CLASS_VAULT_REFUSED)) {
    singles += refused.count() == 1 ? 1 : 0;
    counted += refused.count() > 1 ? refused.count() : 0;
  }
  EXPECT_EQ(singles, 6u) << "five of the caf's, and the cpam's";
  EXPECT_EQ(counted, 7u);
}

// Between the record and the text lies consent's answer: keys are wrapped anew in between and damage nothing.
TEST(Reading, KeysThatAreRotatedWhileConsentIsAskedDamageNothing) {
  World world;
  world.Host(1);
  const std::string text = Pdf(3000);
  const auto paper = world.MustDeposit(1, text);
  world.Share(1, paper.document);
  world.consent.delay = absl::Seconds(20);
  const auto running = BeginDownload(world, kReader, 1, paper.document, absl::ZeroDuration());
  world.Settle(absl::Seconds(1));
  v1::RotateRequest rotate;
  rotate.set_request_id("rotate");
  rotate.set_level(v1::KEY_LEVEL_PERSON);
  ASSERT_TRUE(world.Run(world.service().keys().Rotate(world.As("operator"), rotate)).ok());
  world.Settle(absl::Seconds(10));
  ASSERT_EQ(world.store().PersonKeys(World::Person(1))->front().generation, 2U);
  ASSERT_FALSE(running->ended.has_value());
  world.Settle(absl::Minutes(1));
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_TRUE(running->ended->ok()) << *running->ended;
  std::string got;
  for (const v1::DownloadResponse& message : running->client->got) {
    got += message.data();
  }
  EXPECT_EQ(got, text);
}

}  // namespace
}  // namespace relais::vault::testing
