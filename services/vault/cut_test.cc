// A reading that is under way stops within 50 ms of what ends it (ADR 35), from memory, while its client
// takes its time.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/open_streams.h"
#include "services/vault/testing/damage.h"
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

// She takes another agreement back, whose one line has that act.
void WithdrawsAnother(World& world, common::v1::Act act) {
  consent::v1::ConsentWithdrawn other;
  other.set_consent_id(std::string(32, 'e'));
  other.add_lines()->add_acts(act);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, other);
}

TEST(Cut, AWithdrawalOfSomethingElseStopsNothing) {
  Story story;
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2500));
  WithdrawsAnother(story.world, common::v1::ACT_TRANSMIT);
  Withdraws(story.world, 2);
  story.world.Settle(absl::Seconds(12));
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_TRUE(running->ended->ok()) << *running->ended;
}

// It takes back what its lines cover, whichever agreement gave it: the permit does not count any more, and
// whoever reads asks again.
TEST(Cut, AWithdrawalOfAnotherAgreementOnTheSameLinesStopsIt) {
  Story story;
  auto running = BeginDownload(story.world, kReader, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2500));
  WithdrawsAnother(story.world, common::v1::ACT_SHARE_DOCUMENT);
  story.world.Settle(absl::Seconds(2));
  ASSERT_TRUE(running->ended.has_value());
  EXPECT_EQ(rpc::ReasonOf(*running->ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  auto again = BeginDownload(story.world, kReader, 1, story.paper, absl::ZeroDuration());
  story.world.Settle(absl::Seconds(5));
  ASSERT_TRUE(again->ended.has_value());
  EXPECT_TRUE(again->ended->ok()) << "consent permits it still: " << *again->ended;
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

v1::Share::State StateOfShare(World& world, const std::string& share) {
  const auto stored = world.store().Share(World::Person(1), Hex(share));
  World::Require(stored.status());
  return (*stored)->value.state();
}

// One share, one host and one paper of hers are damaged: what is not is ended all the same.
TEST(Cut, RowsThatDoNotOpenKeepNobodysNoFromBeingFollowed) {
  Story story;
  World& world = story.world;
  world.Host(1, "emmaus");
  const auto other = world.MustDeposit(1, Pdf(1000, 3));
  const std::string of_damaged = world.Share(1, other.document);
  const std::string of_type = world.Share(1, "", kReader, absl::Hours(24 * 30), v1::DOCUMENT_TYPE_TAX_NOTICE);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  Flip(world, hers, "v/share/" + Hex(story.share).ToBytes(), 20);
  Flip(world, hers, testing::HostKey(world, 1, "emmaus"), 20);
  Flip(world, hers, RecordKey(other), 20);
  auto running = BeginDownload(world, kHost, 1, story.paper, kSlow);
  world.Settle(absl::Milliseconds(1500));
  consent::v1::RefusalRecorded of_health;
  of_health.add_lines()->add_categories("HEALTH");
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, of_health);
  world.Settle(absl::Seconds(1));
  EXPECT_EQ(StateOfShare(world, of_damaged), v1::Share::STATE_WITHDRAWN) << "it may be of health";
  EXPECT_EQ(StateOfShare(world, of_type), v1::Share::STATE_ACTIVE);
  consent::v1::RefusalRecorded no;
  no.add_lines()->add_categories("DOCUMENTS");
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, no);
  EXPECT_TRUE(story.Ends(*running));
  world.Settle(absl::Seconds(5));
  EXPECT_TRUE(world.vault().lease.Held());
  EXPECT_EQ(StateOfShare(world, of_type), v1::Share::STATE_WITHDRAWN);
  EXPECT_FALSE(Download(world, kHost, 1, story.paper).status.ok());
}

// RGPD art. 18: what consent no longer permits ends, permits and hosts; it is not the payload that decides.
TEST(Cut, ARestrictionOfProcessingStopsWhatConsentNoLongerPermits) {
  Story story;
  World& world = story.world;
  world.Host(1, "emmaus");
  world.consent.permit_lasts = absl::Minutes(5);
  auto running = BeginDownload(world, kReader, 1, story.paper, kSlow);
  auto hers = BeginDownload(world, kHost, 1, story.paper, kSlow);
  world.Settle(absl::Milliseconds(1500));
  ASSERT_TRUE(running->client->ended.ok());
  world.consent.permits = [](const consent::v1::CheckRequest& asked) {
    return asked.sender().institution() != kHost;
  };
  consent::v1::ProcessingRestricted restricted;
  restricted.set_restriction_id(std::string(32, 'b'));
  restricted.set_institution(kHost);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, restricted);
  EXPECT_TRUE(story.Ends(*running));
  EXPECT_TRUE(story.Ends(*hers, absl::Milliseconds(500)));
  world.Settle(absl::Seconds(3));
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, story.paper).status),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(ReasonOf(Download(world, kHost, 1, story.paper).status),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_TRUE(Download(world, "emmaus", 1, story.paper).status.ok()) << "its processing is not restricted";
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

TEST(Cut, ASharesEndAndAPapersEndStopIt) {
  Story story;
  story.world.Share(1, story.paper, "cpam", absl::Seconds(5));
  auto running = BeginDownload(story.world, "cpam", 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(2500));
  EXPECT_TRUE(running->client->ended.ok());
  EXPECT_TRUE(story.Ends(*running, absl::Milliseconds(500) + kSoon));
  EXPECT_EQ(ReasonOf(running->client->ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(story.Cuts().at(0).cause(), "EXPIRED");
  auto hers = BeginDownload(story.world, kHost, 1, story.paper, kSlow);
  story.world.Settle(absl::Milliseconds(1500));
  story.world.vault().streams.DocumentGone(World::Person(1), Id128::FromHex(story.paper).value());
  EXPECT_FALSE(hers->client->ended.ok()) << "before it returns";
  EXPECT_EQ(story.Cuts().at(1).cause(), "DESTROYED");
}

// ---- a permit that ends while a paper is read (ADR 72): it takes nine seconds, its permit lasts three

struct Short : Story {
  Short() {
    world.consent.permit_lasts = absl::Seconds(3);
    running = BeginDownload(world, kReader, 1, paper, kSlow);
    world.Settle(absl::Seconds(1));
  }
  std::shared_ptr<Running> running;
};

TEST(PermitsEnd, ConsentIsAskedAnewBeforeIt) {
  Short story;
  story.world.Settle(absl::Seconds(12));
  ASSERT_TRUE(story.running->ended.has_value());
  ASSERT_TRUE(story.running->ended->ok()) << *story.running->ended;
  std::string got;
  for (const v1::DownloadResponse& message : story.running->client->got) {
    got += message.data();
  }
  EXPECT_TRUE(got == Pdf(kLong));
  ASSERT_GT(story.world.consent.recorded(), 2u);
  const consent::v1::CheckRequest& first = story.world.consent.asked.front();
  for (const consent::v1::CheckRequest& asked : story.world.consent.asked) {
    EXPECT_EQ(asked.SerializeAsString(), first.SerializeAsString()) << "the same question";
  }
  EXPECT_THAT(story.Cuts(), SizeIs(0));
  const auto read = Payloads<v1::DocumentRead>(story.world, audit::v1::EVENT_CLASS_DOCUMENT_READ);
  ASSERT_THAT(read, SizeIs(1));
  EXPECT_EQ(read[0].permit_id(), "permit-1");
  const size_t asked = story.world.consent.asked.size();
  story.world.Settle(absl::Seconds(10));
  EXPECT_EQ(story.world.consent.asked.size(), asked) << "nobody asks about a reading that is over";
  EXPECT_EQ(story.world.vault().streams.size(), 0u);
}

// Consent is away, or decides nothing.
TEST(PermitsEnd, WithoutAnAnswerItIsNotToldAsHerNo) {
  for (const bool away : {true, false}) {
    SCOPED_TRACE(away);
    Short story;
    if (away) {
      story.world.consent.down = absl::UnavailableError("down");
    } else {
      story.world.consent.directory_expired = true;
    }
    story.world.Settle(absl::Milliseconds(1900));
    EXPECT_TRUE(story.running->client->ended.ok()) << "the permit it has still runs";
    EXPECT_TRUE(story.Ends(*story.running, absl::Milliseconds(100) + kSoon));
    EXPECT_EQ(story.running->client->ended.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(story.running->client->ended), common::v1::ERROR_REASON_PEER_BEHIND);
    const auto cuts = story.Cuts();
    ASSERT_THAT(cuts, SizeIs(1));
    EXPECT_EQ(cuts[0].cause(), "PERMIT_ENDED");
    EXPECT_EQ(cuts[0].share_id(), story.share);
    ASSERT_TRUE(story.running->ended.has_value());
    EXPECT_EQ(ReasonOf(*story.running->ended), common::v1::ERROR_REASON_PEER_BEHIND);
    // The same goes on from where it was.
    story.world.consent.down = absl::OkStatus();
    story.world.consent.directory_expired = false;
    v1::DownloadRequest rest = ReadOf(story.world, kReader, 1, story.paper);
    rest.set_offset(cuts[0].sent());
    const Got got = Download(story.world, kReader, rest);
    ASSERT_TRUE(got.status.ok()) << got.status;
    EXPECT_TRUE(got.bytes == Pdf(kLong).substr(cuts[0].sent()));
  }
}

TEST(PermitsEnd, ANoOfConsentsIsToldAsOne) {
  Short story;
  story.world.consent.permits = [](const auto&) { return false; };
  EXPECT_TRUE(story.running->client->ended.ok()) << "nobody asked yet";
  EXPECT_TRUE(story.Ends(*story.running, absl::Seconds(1)));
  EXPECT_EQ(ReasonOf(story.running->client->ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(story.Cuts().at(0).cause(), "EXPIRED");
}

TEST(PermitsEnd, AWithdrawalStopsItUnderALaterPermitToo) {
  Short story;
  story.world.Settle(absl::Milliseconds(1500));
  ASSERT_EQ(story.world.consent.recorded(), 2u);
  ASSERT_TRUE(story.running->client->ended.ok());
  Withdraws(story.world, 1);
  EXPECT_TRUE(story.Ends(*story.running));
  EXPECT_EQ(story.Cuts().at(0).cause(), "WITHDRAWN");
}

// Consent is asked anew, and takes three seconds to answer.
struct AskedAnew : Short {
  AskedAnew() {
    world.consent.delay = absl::Seconds(3);
    asked = world.sim().RunUntil([&] { return world.consent.recorded() == 2; }, absl::Seconds(1));
  }
  /// Whether the call ends while the answer is still under way: as soon as its client lets go of a message.
  bool CallEnds() {
    return world.sim().RunUntil([&] { return running->ended.has_value(); }, kSlow) &&
           world.vault().streams.size() == 1;
  }
  bool asked = false;
};

// What the later answer does not know ends the reading while that answer is under way, for good.
TEST(PermitsEnd, AWithdrawalWhileConsentIsAskedAnewIsNotMissed) {
  AskedAnew story;
  ASSERT_TRUE(story.asked);
  Withdraws(story.world, 1);
  EXPECT_TRUE(story.Ends(*story.running));
  const size_t got = story.running->client->got.size();
  EXPECT_TRUE(story.CallEnds()) << "it waits for no answer";
  EXPECT_EQ(ReasonOf(story.running->ended.value_or(absl::OkStatus())),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  story.world.Settle(absl::Seconds(4));
  EXPECT_EQ(story.world.vault().streams.size(), 0u) << "the answer is there";
  EXPECT_EQ(story.running->client->got.size(), got) << "nothing is sent under the later permit";
  EXPECT_EQ(story.world.consent.recorded(), 2u);
  const auto cuts = story.Cuts();
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "WITHDRAWN");
}

TEST(PermitsEnd, StoppingWaitsForWhatAsksConsent) {
  AskedAnew story;
  ASSERT_TRUE(story.asked);
  Withdraws(story.world, 1);
  ASSERT_TRUE(story.CallEnds());
  EXPECT_TRUE(story.world.Run(story.world.vault().streams.Stop()));
  EXPECT_EQ(story.world.vault().streams.size(), 0u);
}

// Whoever asks for a paper and takes none of it holds no permit for as long as the call may last.
TEST(PermitsEnd, NobodyIsAskedForAClientThatTakesNothingMore) {
  Short story;
  story.running->client->each = absl::Minutes(1);
  EXPECT_TRUE(story.Ends(*story.running, absl::Seconds(10)));
  EXPECT_EQ(ReasonOf(story.running->client->ended), common::v1::ERROR_REASON_PEER_BEHIND);
  const size_t asked = story.world.consent.recorded();
  EXPECT_GT(asked, 1u) << "while something went out";
  story.world.Settle(absl::Minutes(1));
  EXPECT_EQ(story.world.consent.recorded(), asked);
  const auto cuts = story.Cuts();
  ASSERT_THAT(cuts, SizeIs(1));
  EXPECT_EQ(cuts[0].cause(), "PERMIT_ENDED");
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
