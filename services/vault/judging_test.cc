// Hosts that a no of hers may deny, while consent decides nothing about her; and what was passed over (ADR
// 51).
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/cleaning.h"
#include "services/vault/host_rounds.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr absl::Duration kNextLook = absl::Seconds(65);  // at the latest
const size_t kLong = size_t{8} * 262'144;

// Nothing else happens by itself for as long as these tests last.
World::Options Calm() {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

// She takes another agreement back than the one that hosts stand on: they stay while consent permits them.
void MayDeny(World& world, uint64_t person) {
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id(std::string(32, '9'));
  withdrawn.add_lines()->add_acts(common::v1::ACT_HOST);
  world.ConsentSays(person, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
}

bool IsAbout(const consent::v1::CheckRequest& asked, uint64_t person) {
  return asked.act() == common::v1::ACT_HOST && asked.person().person_id() == World::Person(person).ToBytes();
}

void FailsAbout(World& world, uint64_t person, const absl::Status& why) {
  world.consent.fails = [person, why](const consent::v1::CheckRequest& asked) {
    return IsAbout(asked, person) ? why : absl::OkStatus();
  };
}

// The two ways of deciding nothing: nothing about anybody, and nothing about person 1.
void DecideNothing(World& world, bool expired) {
  world.consent.directory_expired = expired;
  if (!expired) {
    FailsAbout(world, 1, absl::InternalError("a row does not read"));
  }
}
void DecideAgain(World& world) {
  world.consent.directory_expired = false;
  world.consent.fails = [](const auto&) { return absl::OkStatus(); };
}

void Suspend(World& world, uint64_t person) {
  world.consent.directory_expired = true;
  MayDeny(world, person);
  world.Settle();
}

v1::Host::State StateIn(World& world, uint64_t person, const std::string& institution = kHost) {
  const auto host = world.store().Host(World::Person(person), institution);
  World::Require(host.status());
  return host->has_value() ? (*host)->value.state() : v1::Host::STATE_UNSPECIFIED;
}

bool Acts(World& world, uint64_t person, const std::string& institution = kHost) {
  return world.vault().access.Host(world.As(institution), World::Person(person)).ok();
}

size_t ActingAmong(World& world, uint64_t persons) {
  size_t acting = 0;
  for (uint64_t person = 1; person <= persons; ++person) {
    acting += Acts(world, person) ? 1 : 0;
  }
  return acting;
}

size_t Listed(World& world) {
  const auto hosts = world.store().Unjudged(std::nullopt, "", 100);
  World::Require(hosts.status());
  return hosts->rows.size();
}

bool IsFollowed(World& world) {
  return world.service().consent_follower()->applied() == world.consent_log().log().state().size;
}

std::vector<v1::Host::State> StatesSaid(World& world) {
  std::vector<v1::Host::State> states;
  for (const auto& changed : Payloads<v1::HostChanged>(world, audit::v1::EVENT_CLASS_HOST_CHANGED)) {
    states.push_back(changed.state());
  }
  return states;
}

absl::StatusOr<v1::ListHostsResponse> HostsOf(World& world, const std::string& host, uint64_t person) {
  v1::ListHostsRequest request;
  *request.mutable_person() = world.Handle(host, person);
  return world.Run(world.service().hosts().ListHosts(world.As(host), request));
}

// ---- on a doubt the no wins, and keeps nobody else's from being followed

TEST(Judging, AHostThatConsentDecidesNothingAboutIsSuspendedAndFollowingGoesOn) {  // D-2.6.2
  for (const bool expired : {true, false}) {
    SCOPED_TRACE(expired);
    World world;
    for (const uint64_t person : {1, 2, 3}) {
      world.Host(person);
    }
    const auto paper = world.MustDeposit(1, Pdf(kLong));
    auto hers = BeginDownload(world, kHost, 1, paper.document, absl::Seconds(1));
    world.Settle(absl::Milliseconds(1500));
    ASSERT_TRUE(hers->client->ended.ok());
    DecideNothing(world, expired);
    MayDeny(world, 1);
    Withdraws(world, 2);
    world.Settle(absl::Seconds(5));
    EXPECT_TRUE(IsFollowed(world));
    EXPECT_TRUE(world.vault().lease.Held());
    EXPECT_EQ(StateIn(world, 2), v1::Host::STATE_WITHDRAWN) << "another's no";
    EXPECT_TRUE(Acts(world, 3)) << "no no touches it";
    EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
    EXPECT_EQ(ReasonOf(hers->client->ended), common::v1::ERROR_REASON_PEER_BEHIND);
    EXPECT_EQ(ReasonOf(Download(world, kHost, 1, paper.document).status),
              common::v1::ERROR_REASON_PEER_BEHIND)
        << "it is told to come back, not that there is nothing";
    const auto cuts = Payloads<v1::DocumentReadCut>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT);
    ASSERT_THAT(cuts, SizeIs(1));
    EXPECT_EQ(cuts[0].cause(), "SUSPENDED");
    EXPECT_EQ(cuts[0].share_id(), "");
  }
}

TEST(Judging, OnceConsentDecidesASuspendedHostActsAgainOrEnds) {
  for (const bool expired : {true, false}) {
    for (const bool permitted : {true, false}) {
      SCOPED_TRACE(permitted);
      World world;
      world.Host(1);
      const auto paper = world.MustDeposit(1, Pdf(1000));
      DecideNothing(world, expired);
      MayDeny(world, 1);
      world.Settle(absl::Minutes(5));
      EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
      EXPECT_EQ(Listed(world), 1U);
      EXPECT_THAT(StatesSaid(world), ElementsAre(v1::Host::STATE_ACTIVE, v1::Host::STATE_SUSPENDED));
      DecideAgain(world);
      world.consent.permits = [permitted](const auto&) { return permitted; };
      world.Settle(kNextLook);
      const auto now = permitted ? v1::Host::STATE_ACTIVE : v1::Host::STATE_WITHDRAWN;
      EXPECT_THAT(StatesSaid(world), ElementsAre(v1::Host::STATE_ACTIVE, v1::Host::STATE_SUSPENDED, now));
      EXPECT_EQ(StateIn(world, 1), now);
      EXPECT_EQ(Listed(world), 0U);
      EXPECT_EQ(Download(world, kHost, 1, paper.document).status.ok(), permitted);
      EXPECT_EQ(world.consent.recorded(), 0U) << "a question of the vault's own authorises nothing";
    }
  }
}

// A consent that is away says nothing about her: as ever, her no waits for it.
TEST(Judging, WhileConsentDoesNotAnswerTheLeafIsTriedAgain) {
  World world;
  world.Host(1);
  FailsAbout(world, 1, absl::UnavailableError("away"));
  MayDeny(world, 1);
  world.Settle(absl::Seconds(5));
  EXPECT_FALSE(IsFollowed(world));
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_ACTIVE);
  DecideAgain(world);
  world.consent.permits = [](const auto&) { return false; };
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(IsFollowed(world));
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_WITHDRAWN);
}

// The yes that the look got is from before that no.
TEST(Judging, ANoThatIsFollowedWhileConsentIsAskedAgainIsNotMissed) {
  World world;
  world.Host(1);
  Suspend(world, 1);
  ASSERT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
  DecideAgain(world);
  world.consent.delay = absl::Seconds(3);
  const size_t asked = world.consent.asked.size();
  ASSERT_TRUE(world.sim().RunUntil([&] { return world.consent.asked.size() > asked; }, kNextLook));
  world.consent.delay = absl::ZeroDuration();
  Suspend(world, 1);
  world.Settle(absl::Seconds(5));
  EXPECT_TRUE(IsFollowed(world));
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
}

TEST(Judging, EveryCrashLeavesItSuspendedAndListed) {
  bool reached = true;
  uint64_t step = 0;
  for (; reached && step < 60; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.Host(1);
    world.Settle();
    world.consent.directory_expired = true;
    world.CrashAt(step);
    MayDeny(world, 1);
    world.Settle(absl::Seconds(5));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    } else {
      world.CrashAt(UINT64_MAX);  // not later either
    }
    world.Settle(absl::Seconds(10));
    EXPECT_TRUE(IsFollowed(world));
    EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
    EXPECT_EQ(Listed(world), 1U);
    DecideAgain(world);
    world.Settle(kNextLook);
    EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_ACTIVE);
    EXPECT_EQ(Listed(world), 0U);
  }
  EXPECT_GT(step, 3U) << "that it died at all";
}

TEST(Judging, ARebuildLeavesTheSame) {
  World::Options options;
  options.settings.rebuild_consent = true;
  World world(options);
  world.Host(1);
  Suspend(world, 1);
  const auto said = StatesSaid(world);
  world.Restart();
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(IsFollowed(world));
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
  EXPECT_EQ(StatesSaid(world), said);
  EXPECT_EQ(Listed(world), 1U);
  OwnLeaves again(world.vault());
  for (const bool lost : {false, true}) {
    if (lost) {
      const VaultStore::UnjudgedHost row{World::Person(1), kHost};
      World::Require(world.Run(world.context().store.Commit(world.store().SetUnjudged(row, false))).status());
      ASSERT_EQ(Listed(world), 0U);
    }
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      audit::FollowedLeaf followed;
      followed.index = leaf.index;
      followed.header = leaf.leaf.header;
      followed.details = leaf.details;
      World::Require(world.Run(again.Apply(std::move(followed), false)));
    }
    EXPECT_EQ(Listed(world), 1U);
  }
  DecideAgain(world);
  world.Settle(kNextLook);
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_ACTIVE);
}

// ---- what a suspended host is

TEST(Judging, ASuspendedHostIsListedAndMayBeUnlinkedOrLinkedAnew) {
  World world;
  world.Host(1);
  world.Host(1, "emmaus");
  world.consent.fails = [](const consent::v1::CheckRequest& asked) {
    return asked.recipient().institution() == kHost ? absl::InternalError("") : absl::OkStatus();
  };
  MayDeny(world, 1);
  world.Settle();
  EXPECT_EQ(ReasonOf(HostsOf(world, kHost, 1).status()), common::v1::ERROR_REASON_PEER_BEHIND);
  const auto hosts = HostsOf(world, "emmaus", 1);
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  ASSERT_EQ(hosts->hosts_size(), 2);
  EXPECT_EQ(hosts->hosts(0).institution(), "emmaus");
  EXPECT_EQ(hosts->hosts(0).state(), v1::Host::STATE_ACTIVE);
  EXPECT_EQ(hosts->hosts(1).state(), v1::Host::STATE_SUSPENDED);
  DecideAgain(world);
  v1::LinkHostRequest link;
  link.set_request_id("link-1");
  *link.mutable_person() = world.Handle(kHost, 1);
  link.set_consent_id(world.consent.agreement);
  link.set_purpose("RIGHTS_OPENING");
  const auto linked = world.Run(world.service().hosts().LinkHost(world.As(kHost), link));
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_TRUE(Acts(world, 1)) << "a new yes waits for no look";
  world.Settle();
  EXPECT_EQ(Listed(world), 0U);
  Suspend(world, 1);
  EXPECT_EQ(Listed(world), 2U) << "both";
  v1::UnlinkHostRequest unlink;
  unlink.set_request_id("unlink-1");
  *unlink.mutable_person() = world.Handle("cpam", 1);
  unlink.set_institution(kHost);
  ASSERT_TRUE(world.Run(world.service().hosts().UnlinkHost(world.As("cpam"), unlink)).ok());
  DecideAgain(world);
  world.Settle(kNextLook);
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_UNLINKED) << "consent permits it, she does not";
  EXPECT_EQ(StateIn(world, 1, "emmaus"), v1::Host::STATE_ACTIVE);
  EXPECT_EQ(Listed(world), 0U);
}

TEST(Judging, PastItsPeriodASuspendedHostIsAskedAboutNoMore) {
  World world;
  world.Host(1, kHost, absl::Minutes(10));
  Suspend(world, 1);
  world.Settle(absl::Minutes(11));
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_EXPIRED);
  EXPECT_EQ(Listed(world), 0U);
  EXPECT_EQ(ReasonOf(world.vault().access.Host(world.As(kHost), World::Person(1)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// What it reads by a share does not rest on its hosting, which gives nothing more while it is suspended.
TEST(Judging, ASuspendedHostReadsWhatIsSharedWithItAndNothingElse) {  // D-2.6.2, D-3.6
  World world;
  world.Host(1);
  world.Host(1, kReader);
  const auto shared = world.MustDeposit(1, Pdf(1000));
  const auto other = world.MustDeposit(1, Pdf(2000, 5));
  const std::string share = world.Share(1, shared.document, kReader);
  FailsAbout(world, 1, absl::InternalError("a row does not read"));
  MayDeny(world, 1);
  world.Settle();
  ASSERT_EQ(StateIn(world, 1, kReader), v1::Host::STATE_SUSPENDED);
  EXPECT_EQ(Download(world, kReader, 1, shared.document).bytes, Pdf(1000));
  const auto reads = Payloads<v1::DocumentRead>(world, audit::v1::EVENT_CLASS_DOCUMENT_READ);
  ASSERT_THAT(reads, SizeIs(1));
  EXPECT_EQ(reads[0].share_id(), share) << "by the share";
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, other.document).status),
            common::v1::ERROR_REASON_PEER_BEHIND);
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(Download(world, kReader, 1, shared.document).status),
            common::v1::ERROR_REASON_NOT_PERMITTED)
      << "a share that consent denies gives nothing either, and is told as what it is";
}

// All of hers or none: a list without what is kept under one of her names would seem whole.
TEST(Judging, SuspendedUnderOneNameAHostListsNeither) {
  World world;
  world.Host(1);
  world.Host(2);
  const auto paper = world.MustDeposit(2, Pdf(1000));
  AreOne(world, 1, 2);
  world.Settle();
  FailsAbout(world, 1, absl::InternalError(""));
  MayDeny(world, 2);
  world.Settle();
  ASSERT_EQ(StateIn(world, 1), v1::Host::STATE_SUSPENDED);
  ASSERT_TRUE(Acts(world, 2));
  v1::ListRequest list;
  *list.mutable_person() = world.Handle(kHost, 2);
  EXPECT_EQ(ReasonOf(world.Run(world.service().metadata().List(world.As(kHost), list)).status()),
            common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 1U);
  EXPECT_TRUE(Download(world, kHost, 2, paper.document).status.ok());
}

TEST(Judging, AnUploadOfASuspendedHostWaitsAndADropToItIsKept) {
  World world;
  world.Host(1);
  const std::string bytes = Pdf(500);
  const auto hers = world.TryBegin(world.Begin(1, "hers", bytes.size()));
  ASSERT_TRUE(hers.ok()) << hers.status();
  FailsAbout(world, 1, absl::InternalError(""));
  MayDeny(world, 1);
  world.Settle();
  EXPECT_EQ(ReasonOf(world.TryBegin(world.Begin(1, "other", bytes.size())).status()),
            common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(world.TrySend(1, hers->upload().upload_id(), 0, bytes).status()),
            common::v1::ERROR_REASON_PEER_BEHIND);
  v1::BeginUploadRequest drop = world.Begin(1, "drop", bytes.size(), v1::DOCUMENT_TYPE_HEALTH_COVER, "aphp");
  drop.mutable_drop()->mutable_host()->set_institution(kHost);
  drop.mutable_drop()->set_purpose("RIGHTS_OPENING");
  const auto begun = world.TryBegin(drop, "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, bytes, "aphp").ok());
  const auto dropped = world.TryComplete(1, "dropped", begun->upload().upload_id(), bytes, "aphp");
  ASSERT_TRUE(dropped.ok()) << dropped.status();
  const std::string document = dropped->document().document_id();
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, document).state(), v1::Document::STATE_PENDING_CONSENT);
  DecideAgain(world);
  world.Settle(absl::Minutes(6));
  EXPECT_EQ(world.Document(1, document).state(), v1::Document::STATE_ACTIVE);
  EXPECT_TRUE(world.TrySend(1, hers->upload().upload_id(), 0, bytes).ok()) << "nothing of it is lost";
}

// ---- rounds

// Her names are not all reached: a row that says who is one human with her does not read.
TEST(Judging, WhatWasPassedOverIsMadeUpForWithinADay) {
  World world(Calm());
  for (const uint64_t person : {1, 2, 3}) {
    world.Host(person);
  }
  AreOne(world, 1, 2);
  world.Settle();
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const auto links = world.context().store.Scan(hers, "with/", "", 10);
  ASSERT_TRUE(links.ok());
  ASSERT_THAT(links->entries, SizeIs(1));
  SetRaw(world, hers, links->entries[0].key, "three");
  world.consent.permits = [](const consent::v1::CheckRequest& asked) { return !IsAbout(asked, 2); };
  consent::v1::RefusalRecorded refused;
  refused.add_lines()->add_acts(common::v1::ACT_HOST);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused);
  world.Settle();
  ASSERT_TRUE(IsFollowed(world));
  ASSERT_TRUE(Acts(world, 2)) << "that name was not reached";
  world.sim().Skip(absl::Hours(24));
  world.Settle(absl::Minutes(2));
  EXPECT_EQ(StateIn(world, 2), v1::Host::STATE_WITHDRAWN);
  EXPECT_TRUE(Acts(world, 3)) << "it is permitted";
}

TEST(Judging, ARoundBeginsWithTheServiceToo) {
  World world;
  world.Host(1);
  world.consent.permits = [](const auto&) { return false; };
  world.Settle(absl::Minutes(5));
  EXPECT_TRUE(Acts(world, 1)) << "nothing was followed about her";
  world.Restart();
  world.Settle();
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_WITHDRAWN);
}

TEST(Judging, ARoundSuspendsNobody) {
  for (const bool expired : {true, false}) {
    SCOPED_TRACE(expired);
    World world(Calm());
    for (const uint64_t person : {1, 2, 3}) {
      world.Host(person);
    }
    DecideNothing(world, expired);
    world.sim().Skip(absl::Hours(24));
    world.Settle(absl::Minutes(2));
    EXPECT_EQ(world.consent.asked.size(), 3U);
    EXPECT_EQ(ActingAmong(world, 3), 3U) << "nothing is known against them";
    EXPECT_EQ(Listed(world), 0U);
  }
}

TEST(Judging, OneThatConsentDoesNotAnswerAboutKeepsNobodyFromARound) {
  constexpr uint64_t kPersons = 6;
  for (uint64_t one = 1; one <= kPersons; ++one) {
    SCOPED_TRACE(one);
    World world(Calm());
    for (uint64_t person = 1; person <= kPersons; ++person) {
      world.Host(person);
    }
    FailsAbout(world, one, absl::ResourceExhaustedError("try later"));
    world.consent.permits = [](const auto&) { return false; };
    world.sim().Skip(absl::Hours(24));
    world.Settle(absl::Minutes(2));
    EXPECT_TRUE(Acts(world, one));
    EXPECT_EQ(ActingAmong(world, kPersons), 1U);
    DecideAgain(world);
    world.sim().Skip(absl::Hours(24));
    world.Settle(absl::Minutes(2));
    EXPECT_FALSE(Acts(world, one)) << "the next day";
  }
}

TEST(Judging, ARoundGoesOnOnceConsentIsBack) {
  constexpr uint64_t kPersons = 6;
  World world(Calm());
  for (uint64_t person = 1; person <= kPersons; ++person) {
    world.Host(person);
  }
  world.consent.down = absl::UnavailableError("down");
  world.consent.permits = [](const auto&) { return false; };
  world.sim().Skip(absl::Hours(24));
  world.Settle(absl::Minutes(5));
  EXPECT_EQ(ActingAmong(world, kPersons), kPersons);
  EXPECT_LE(world.consent.asked.size(), 100U) << "it is not asked about everybody while it is away";
  world.consent.down = absl::OkStatus();
  world.Settle(absl::Minutes(2));
  EXPECT_EQ(ActingAmong(world, kPersons), 0U) << "the same day";
}

TEST(Judging, ARoundGoesPastAStretchThatDoesNotRead) {
  DamagedDisk disk;
  World::Options options = Calm();
  options.make_store = disk.Options().make_store;
  World world(options);
  for (const uint64_t person : {1, 2, 3, 4}) {
    world.Host(person);
  }
  disk.store->Damage(VaultStore::PersonPartition(World::Person(2)), "", std::string(20, '\xff'));
  world.consent.permits = [](const auto&) { return false; };
  world.sim().Skip(absl::Hours(24));
  world.Settle(absl::Minutes(2));
  for (const uint64_t person : {1, 3, 4}) {
    EXPECT_EQ(StateIn(world, person), v1::Host::STATE_WITHDRAWN) << person;
  }
}

TEST(Judging, OneRowOfTheListThatDoesNotReadKeepsNoOtherSuspended) {
  DamagedDisk disk;
  World::Options options = Calm();
  options.make_store = disk.Options().make_store;
  World world(options);
  for (const uint64_t person : {1, 2, 3}) {
    world.Host(person);
  }
  world.consent.directory_expired = true;
  for (const uint64_t person : {1, 2, 3}) {
    MayDeny(world, person);
  }
  world.Settle();
  ASSERT_EQ(Listed(world), 3U);
  const std::string second = World::Person(2).ToBytes();
  disk.store->Damage(world.context().idempotency.Bucket("vault-unjudged", "", ""), second, second + '\xff');
  DecideAgain(world);
  world.Settle(kNextLook);
  EXPECT_EQ(StateIn(world, 1), v1::Host::STATE_ACTIVE);
  EXPECT_EQ(StateIn(world, 3), v1::Host::STATE_ACTIVE);
}

TEST(Judging, ARoundTakesABoundedNumberOfPersonsAtATime) {
  constexpr uint64_t kMore = 10;
  World world(Calm());
  for (uint64_t person = 1; person <= HostRounds::kPersonsPerStep + kMore; ++person) {
    world.Host(person);
  }
  world.consent.permits = [](const auto&) { return false; };
  world.sim().Skip(absl::Hours(24));
  world.Settle(absl::Seconds(30));
  EXPECT_EQ(ActingAmong(world, HostRounds::kPersonsPerStep + kMore), kMore);
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(ActingAmong(world, HostRounds::kPersonsPerStep + kMore), 0U);
}

}  // namespace
}  // namespace relais::vault::testing
