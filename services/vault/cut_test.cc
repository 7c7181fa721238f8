// A reading that is under way stops within 50 ms of what ends it (ADR 35), from memory, while its client
// takes its time.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/open_streams.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Milliseconds(50);
constexpr absl::Duration kSlow = absl::Seconds(1);  // a client that takes a message a second
const size_t kLong = size_t{8} * 262'144;

struct Story {
  explicit Story(World::Options options = {}) : world(std::move(options)) {
    world.Host(1);
    paper = world.MustDeposit(1, Pdf(kLong)).document;
    share = world.Share(1, paper);
  }
  /// Whether the connection is ended within that time from now.
  bool Ends(const Running& running, absl::Duration within = kSoon) {
    return world.sim().RunUntil([&] { return !running.client->ended.ok(); }, within);
  }
  std::vector<v1::DocumentReadCut> Cuts() {
    world.Settle(absl::Seconds(3));
    return Payloads<v1::DocumentReadCut>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT);
  }
  World world;
  std::string paper;
  std::string share;
};

TEST(Cut, AWithdrawalStopsItWhereItIs) {
  Story story;
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2500));
  ASSERT_TRUE(running->client->ended.ok());
  Withdraws(story.world, 1);
  EXPECT_TRUE(story.Ends(*running));
  const auto cuts = story.Cuts();
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "WITHDRAWN");
  EXPECT_EQ(cuts[0].share_id(), story.share);
  EXPECT_EQ(cuts[0].sent(), 262'144u) << "the start and one piece had gone";
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_EQ(ReasonOf(*running->ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(story.world.vault().streams.size(), 0u);
}

TEST(Cut, AWithdrawalOfSomethingElseStopsNothing) {
  Story story;
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2500));
  consent::v1::ConsentWithdrawn other;
  other.set_consent_id(std::string(32, 'e'));
  story.world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, other);
  Withdraws(story.world, 2);
  story.world.Settle(absl::Seconds(12));
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_TRUE(running->ended->ok()) << *running->ended;
}

// A no that is followed while consent answers is not missed: nothing at all is sent.
TEST(Cut, AWithdrawalBetweenTheAnswerAndTheFirstByteIsNotMissed) {
  Story story;
  story.world.consent.delay = absl::Milliseconds(500);
  auto running = BeginDownload(story.world, kReader, 1, story.paper, absl::ZeroDuration());
  story.world.Settle(absl::Milliseconds(100));
  Withdraws(story.world, 1);
  story.world.Settle(absl::Seconds(2));
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_FALSE(running->ended->ok());
  EXPECT_TRUE(running->client->got.empty());
  EXPECT_EQ(story.world.Count(audit::v1::EVENT_CLASS_DOCUMENT_READ), 0u);
}

TEST(Cut, ALostLeaseSuspendsAndClosesNothing) {
  Story story;
  story.world.consent.permit_lasts = absl::Minutes(5);
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  auto hers = BeginDownload(story.world, kHost, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(1500));
  story.world.CutConsentLog(true);
  EXPECT_TRUE(story.Ends(*running, absl::Seconds(2) + kSoon));
  EXPECT_EQ(ReasonOf(running->client->ended), common::v1::ERROR_REASON_PEER_BEHIND);
  const auto cuts = story.Cuts();
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "SUSPENDED");
  story.world.Settle(absl::Seconds(10));
  ASSERT_TRUE(hers->ended.has_value());
  EXPECT_TRUE(hers->ended->ok()) << "her own needs no lease";
  // The same can be resumed from where it was.
  story.world.CutConsentLog(false);
  story.world.Settle(absl::Seconds(10));
  v1::DownloadRequest rest = ReadOf(story.world, kReader, 1, story.paper);
  rest.set_offset(cuts[0].sent());
  const Got got = Download(story.world, kReader, rest);
  ASSERT_TRUE(got.status.ok()) << got.status;
  EXPECT_EQ(got.bytes, Pdf(kLong).substr(cuts[0].sent()));
}

TEST(Cut, RevokingStopsIt) {
  Story story;
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(1500));
  v1::RevokeRequest revoke;
  revoke.set_request_id("revoke-1");
  *revoke.mutable_person() = story.world.Handle(kHost, 1);
  revoke.set_share_id(story.share);
  ASSERT_TRUE(story.world.Run(story.world.service().shares().Revoke(story.world.As(kHost), revoke)).ok());
  EXPECT_TRUE(story.Ends(*running));
  EXPECT_EQ(story.Cuts().at(0).cause(), "REVOKED");
}

TEST(Cut, UnlinkingAHostStopsWhatItHasOpenAndNothingOfOthers) {
  Story story;
  auto hers = BeginDownload(story.world, kHost, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(1500));
  v1::UnlinkHostRequest unlink;
  unlink.set_request_id("unlink-1");
  *unlink.mutable_person() = story.world.Handle("cpam", 1);
  unlink.set_institution(kHost);
  ASSERT_TRUE(story.world.Run(story.world.service().hosts().UnlinkHost(story.world.As("cpam"), unlink)).ok());
  EXPECT_TRUE(story.Ends(*hers));
  const auto cuts = story.Cuts();
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "UNLINKED");
  EXPECT_EQ(cuts[0].share_id(), "");
}

TEST(Cut, APermitsEndAndAPapersEndStopIt) {
  Story story;
  story.world.consent.permit_lasts = absl::Seconds(3);
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2900));
  EXPECT_TRUE(running->client->ended.ok());
  EXPECT_TRUE(story.Ends(*running, absl::Milliseconds(100) + kSoon));
  EXPECT_EQ(story.Cuts().at(0).cause(), "EXPIRED");
  auto hers = BeginDownload(story.world, kHost, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(1500));
  story.world.vault().streams.DocumentGone(World::Person(1), Id128::FromHex(story.paper).value());
  EXPECT_FALSE(hers->client->ended.ok()) << "before it returns";
  EXPECT_EQ(story.Cuts().at(1).cause(), "DESTROYED");
}

// What consent's answer knew already does not end it; what is later does.
TEST(OpenStreams, ALeafBelowTheAnswerIsInIt) {
  World world;
  OpenStreams& streams = world.vault().streams;
  ReadingBasis basis;
  basis.person = World::Person(1);
  basis.share = World::Person(9);
  basis.covered.consent_id = std::string(32, '7');
  basis.covered.act = common::v1::ACT_SHARE_DOCUMENT;
  const auto reading = streams.Open(basis);
  HerNo no;
  no.consent_id = std::string(32, '7');
  streams.Withdraw(World::Person(1), no, 10, world.sim().Now());
  EXPECT_EQ(reading->WhyCut(), std::nullopt) << "nobody was asked yet";
  reading->Permitted(11, world.sim().Now() + absl::Minutes(1));
  EXPECT_EQ(reading->WhyCut(), std::nullopt);
  streams.Withdraw(World::Person(1), no, 11, world.sim().Now());
  EXPECT_EQ(reading->WhyCut(), "WITHDRAWN");
}

TEST(OpenStreams, AnEndIsToldOnceAndStays) {
  World world;
  OpenStreams& streams = world.vault().streams;
  ReadingBasis basis;
  basis.person = World::Person(1);
  basis.document = World::Person(5);
  basis.until = world.sim().Now() + absl::Hours(1);
  auto reading = streams.Open(basis);
  int told = 0;
  reading->WhenCut([&told](const absl::Status& why) { told += why.ok() ? 0 : 1; });
  streams.DocumentGone(World::Person(1), World::Person(5));
  streams.PersonGone(World::Person(1));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(reading->WhyCut(), "DESTROYED");
  reading.reset();
  EXPECT_EQ(streams.size(), 0u);
}

}  // namespace
}  // namespace relais::vault::testing
