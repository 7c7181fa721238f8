// Hosts (D-3.1; ADR 35): linked on an agreement, judged from rows, unlinked at any desk.
#include <optional>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/pending_drops.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

v1::LinkHostRequest LinkOf(World& world, uint64_t person, const std::string& request_id = "link-1") {
  v1::LinkHostRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_consent_id(world.consent.agreement);
  request.set_purpose("RIGHTS_OPENING");
  return request;
}

absl::StatusOr<v1::LinkHostResponse> Link(World& world, const v1::LinkHostRequest& request) {
  return world.Run(world.service().hosts().LinkHost(world.As(kHost), request));
}

absl::StatusOr<v1::UnlinkHostResponse> Unlink(World& world, const std::string& desk, uint64_t person,
                                              const std::string& institution, const std::string& request_id) {
  v1::UnlinkHostRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(desk, person);
  request.set_institution(institution);
  return world.Run(world.service().hosts().UnlinkHost(world.As(desk), request));
}

bool Acts(World& world, uint64_t person, const std::string& institution = kHost) {
  return world.vault().access.Host(world.As(institution), World::Person(person)).ok();
}

TEST(Host, IsLinkedOnAnAgreementThatConsentPermitsNow) {
  World world;
  EXPECT_FALSE(Acts(world, 1));
  world.consent.permits = [](const auto&) { return false; };
  EXPECT_EQ(ReasonOf(Link(world, LinkOf(world, 1)).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.permits = [](const consent::v1::CheckRequest& asked) {
    return asked.act() == common::v1::ACT_HOST && asked.recipient().institution() == kHost;
  };
  v1::LinkHostRequest other = LinkOf(world, 1);
  other.set_consent_id(std::string(32, '8'));
  EXPECT_EQ(ReasonOf(Link(world, other).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_FALSE(Acts(world, 1));
  const auto linked = Link(world, LinkOf(world, 1));
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_EQ(linked->host().state(), v1::Host::STATE_ACTIVE);
  EXPECT_TRUE(Acts(world, 1));
  EXPECT_FALSE(Acts(world, 2));
  EXPECT_FALSE(Acts(world, 1, kReader));
  ASSERT_TRUE(Link(world, LinkOf(world, 1)).ok()) << "the same again";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED), 1u);
}

// An older one that lasts longer need not be withdrawn first (ADR 71).
TEST(Host, IsLinkedOnTheAgreementThatIsNamedBesideALongerOne) {
  World world;
  world.consent.others = {{std::string(32, '8'), absl::Hours(24 * 800)}};
  const auto linked = Link(world, LinkOf(world, 1));
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_EQ(linked->host().consent_id(), world.consent.agreement);
  EXPECT_TRUE(Acts(world, 1));
}

// A no that is followed while it is being linked finds no row to close: it is not missed all the same.
TEST(Host, IsNotLinkedOverANoThatComesMeanwhile) {
  World world;
  world.consent.delay = absl::Milliseconds(500);
  std::optional<absl::Status> ended;
  relais::Start(world.service().hosts().LinkHost(world.As(kHost), LinkOf(world, 1)),
                [&ended](const absl::StatusOr<v1::LinkHostResponse>& linked) { ended = linked.status(); });
  world.Settle(absl::Milliseconds(100));
  Withdraws(world, 1);
  world.Settle(absl::Seconds(2));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ReasonOf(*ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_FALSE(Acts(world, 1));
}

// The moment in which its row is under way: the no is followed once the row is there to end, and is read
// again when the process dies before.
TEST(Host, ANoThatIsFollowedWhileItsRowIsWrittenEndsIt) {
  for (const bool crash : {false, true}) {
    World world;
    KeyCommits::Ticket linking = world.vault().access.linking().Enter();  // as LinkHost holds it
    Withdraws(world, 1);
    world.Settle();
    world.Host(1);
    EXPECT_TRUE(Acts(world, 1));
    linking = KeyCommits::Ticket();
    if (crash) {
      world.Restart();
    }
    world.Settle();
    EXPECT_FALSE(Acts(world, 1)) << crash;
    EXPECT_TRUE(world.vault().lease.Held());
  }
}

// While a drop is made visible, what may say otherwise is not followed yet: it counts as said after.
TEST(Host, ANoOrAnObjectionIsFollowedOnlyOnceADropUnderWayIsThere) {
  for (const bool objection : {false, true}) {
    SCOPED_TRACE(objection);
    absl::Duration commit = absl::ZeroDuration();
    World world;
    world.harness().options().store.commit_delay = [&commit] { return commit; };
    world.Restart();
    const std::string id = Dropped(world);
    const auto shown = [&] { return world.Document(1, id).state() == v1::Document::STATE_ACTIVE; };
    const uint64_t before = world.vault().access.linking().Mark();
    commit = absl::Seconds(1);
    PendingDrops drops(world.vault());
    std::optional<absl::StatusOr<uint64_t>> decided;
    relais::Start(drops.Look(), [&](absl::StatusOr<uint64_t> looked) { decided = std::move(looked); });
    const auto under_way = [&] { return world.vault().access.linking().Mark() > before; };
    ASSERT_TRUE(world.sim().RunUntil(under_way, absl::Seconds(1)));
    commit = absl::ZeroDuration();  // of what is written from here on
    if (objection) {
      world.ConsentSays(1, audit::v1::EVENT_CLASS_OBJECTION_RECORDED, consent::v1::ObjectionRecorded());
    } else {
      consent::v1::RefusalRecorded refused;
      refused.add_lines()->add_acts(common::v1::ACT_STORE);
      world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refused);
    }
    ASSERT_FALSE(shown()) << "that the test can fail";
    const uint64_t said = world.consent_log().log().state().size;
    const auto followed = [&] { return world.service().consent_follower()->applied() >= said; };
    EXPECT_FALSE(followed());
    ASSERT_TRUE(world.sim().RunUntil(followed, absl::Seconds(5)));
    EXPECT_TRUE(shown());
    ASSERT_TRUE(world.sim().RunUntil([&] { return decided.has_value(); }, absl::Seconds(5)));
    EXPECT_EQ(decided->value_or(0), 1U);
  }
}

TEST(Host, LinkingItHoldsItsPlaceUntilTheRowIsThere) {
  World world;
  KeyCommits& linking = world.vault().access.linking();
  const uint64_t before = linking.Mark();
  ASSERT_TRUE(Link(world, LinkOf(world, 1)).ok());
  EXPECT_EQ(linking.Mark(), before + 1);
  EXPECT_TRUE(linking.AllEnded(linking.Mark()));
}

// She says no at another desk while it is being linked: there is no row to end, or one that ended before.
TEST(Host, IsNotLinkedOverAnUnlinkThatComesMeanwhile) {
  for (const bool was_one : {false, true}) {
    World world;
    if (was_one) {
      world.Host(1);
      ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-0").ok());
      world.Settle();
      Agrees(world, 1, std::string(32, '8'));
      world.Settle();
    }
    world.consent.delay = absl::Milliseconds(500);
    std::optional<absl::Status> ended;
    relais::Start(world.service().hosts().LinkHost(world.As(kHost), LinkOf(world, 1)),
                  [&ended](const absl::StatusOr<v1::LinkHostResponse>& linked) { ended = linked.status(); });
    world.Settle(absl::Milliseconds(100));
    ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
    world.Settle(absl::Seconds(3));
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ReasonOf(*ended), common::v1::ERROR_REASON_NOT_PERMITTED) << was_one;
    EXPECT_FALSE(Acts(world, 1)) << was_one;
  }
}

// A withdrawal takes back what it covers, whichever agreement gave it (ADR 45).
TEST(Host, IsNotLinkedOverAWithdrawalOfAnotherAgreementThatComesMeanwhile) {
  for (const common::v1::Act act : {common::v1::ACT_HOST, common::v1::ACT_TRANSMIT}) {
    World world;
    world.consent.delay = absl::Milliseconds(500);
    std::optional<absl::Status> ended;
    relais::Start(world.service().hosts().LinkHost(world.As(kHost), LinkOf(world, 1)),
                  [&ended](const absl::StatusOr<v1::LinkHostResponse>& linked) { ended = linked.status(); });
    world.Settle(absl::Milliseconds(100));
    consent::v1::ConsentWithdrawn withdrawn;
    withdrawn.set_consent_id(std::string(32, '9'));
    withdrawn.add_lines()->add_acts(act);
    world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
    world.Settle(absl::Seconds(3));
    ASSERT_TRUE(ended.has_value());
    const bool touches = act == common::v1::ACT_HOST;
    EXPECT_EQ(ended->ok(), !touches) << *ended;
    EXPECT_EQ(Acts(world, 1), !touches);
  }
}

TEST(Host, ItsAuthorityEndsWithTheAgreementsPeriod) {
  World world;
  world.consent.ground_lasts = absl::Minutes(1);
  ASSERT_TRUE(Link(world, LinkOf(world, 1)).ok());
  EXPECT_TRUE(Acts(world, 1));
  world.Settle(absl::Seconds(61));
  EXPECT_FALSE(Acts(world, 1));
}

TEST(Host, SheUnlinksAtAnyDeskWhichLearnsNothing) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  const auto none = Unlink(world, "cpam", 1, "aphp", "unlink-1");
  const auto real = Unlink(world, "cpam", 1, kHost, "unlink-2");
  ASSERT_TRUE(none.ok()) << none.status();
  ASSERT_TRUE(real.ok()) << real.status();
  EXPECT_FALSE(Acts(world, 1));
  EXPECT_FALSE(Download(world, kHost, 1, paper.document).status.ok());
  EXPECT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-2").ok()) << "the same again";
}

// Whoever of them asks for a proof, or for none.
TEST(Host, WhoUnlinksIsInHerJournalAsWhatHeIsToHer) {
  for (const bool want_proof : {false, true}) {
    World world;
    world.Host(1);
    world.Host(1, "aphp");
    const auto relation = [&](const std::string& desk, const std::string& institution) {
      v1::UnlinkHostRequest request;
      request.set_request_id(desk + "-" + institution);
      *request.mutable_person() = world.Handle(desk, 1);
      request.set_institution(institution);
      request.set_want_proof(want_proof);
      World::Require(world.Run(world.service().hosts().UnlinkHost(world.As(desk), request)).status());
      std::string said;
      for (const audit::OpenedLeaf& leaf : world.Leaves()) {
        if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_HOST_CHANGED) {
          said = leaf.details.relation();
        }
      }
      return said;
    };
    EXPECT_EQ(relation("cpam", "aphp"), kAsNobody) << want_proof;
    EXPECT_EQ(relation(kHost, "aphp"), kAsHost) << want_proof;
    EXPECT_EQ(relation(kHost, kHost), kAsHost) << want_proof;
  }
}

// ---- her no stands until she agrees anew (ADR 62)

constexpr char kOld[] = "77777777777777777777777777777777";
constexpr char kNew[] = "88888888888888888888888888888888";

common::v1::ErrorReason WhyNotLinked(World& world, const std::string& request_id, uint64_t person = 1) {
  return ReasonOf(Link(world, LinkOf(world, person, request_id)).status());
}

TEST(Host, ThatSheUnlinkedComesBackOnANewAgreementAlone) {
  World world;
  ASSERT_EQ(world.consent.agreement, kOld);
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  EXPECT_EQ(WhyNotLinked(world, "link-1"), common::v1::ERROR_REASON_NOT_PERMITTED)
      << "consent permits it, she does not";
  world.Settle();
  Agrees(world, 1, kNew);
  const auto linked = Link(world, LinkOf(world, 1, "link-2"));
  ASSERT_TRUE(linked.ok()) << linked.status();
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok()) << "her paper is still there";
  // Past the new one's period, or while it lasts: the old one never counts again.
  world.consent.agreement = kOld;
  EXPECT_EQ(WhyNotLinked(world, "link-3"), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_TRUE(Acts(world, 1)) << "on the new one";
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-2").ok());
  world.consent.agreement = kNew;
  EXPECT_EQ(WhyNotLinked(world, "link-4"), common::v1::ERROR_REASON_NOT_PERMITTED) << "she said no again";
}

// It never was a host, has ended otherwise, or ended by her no already: what she agreed to before counts no
// more.
TEST(Host, WhateverSheUnlinksNeedsAnAgreementFromAfter) {
  for (const std::string_view was : {"none", "withdrawn", "unlinked"}) {
    SCOPED_TRACE(was);
    World world;
    if (was == "withdrawn") {
      world.Host(1);
      Withdraws(world, 1);
    } else if (was == "unlinked") {
      ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-0").ok());
    }
    world.Settle();
    Agrees(world, 1, kNew);
    world.Settle();
    ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
    EXPECT_EQ(WhyNotLinked(world, "link-1"), common::v1::ERROR_REASON_NOT_PERMITTED);
    world.Settle();
    Agrees(world, 1, std::string(32, '9'));
    EXPECT_TRUE(Link(world, LinkOf(world, 1, "link-2")).ok());
  }
}

// Agreements of others, and of others' vaults, admit nobody. Nor does one that was renewed: it keeps its id,
// and no leaf says that it was recorded.
TEST(Host, OnlyAnAgreementOfHersBringsItBack) {
  World world;
  world.Host(1);
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  world.Settle();
  Agrees(world, 2, kNew);
  world.Settle();
  EXPECT_EQ(WhyNotLinked(world, "link-1"), common::v1::ERROR_REASON_NOT_PERMITTED);
  consent::v1::ConsentRenewed renewed;
  renewed.set_consent_id(kNew);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_RENEWED, renewed);
  world.Settle();
  EXPECT_EQ(WhyNotLinked(world, "link-2"), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(Payloads<v1::HostChanged>(world, audit::v1::EVENT_CLASS_HOST_CHANGED).size(), 2U);
}

// What was said before her no may be followed after it: while consent's log could not be read.
TEST(Host, AnAgreementFromBeforeThatIsFollowedLateDoesNotBringItBack) {
  World world;
  world.Host(1);
  world.CutConsentLog(true);
  Agrees(world, 1, kNew);
  world.Settle();
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  world.CutConsentLog(false);
  world.Settle(absl::Seconds(10));
  ASSERT_EQ(world.service().consent_follower()->applied(), world.consent_log().log().state().size);
  EXPECT_EQ(WhyNotLinked(world, "link-1"), common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST(Host, WhatSheAgreesToUnderAnotherNameOfHersCountsAndSoDoesHerNo) {
  World world;
  world.Host(1);
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  AreOne(world, 1, 2);
  world.Settle();
  EXPECT_EQ(WhyNotLinked(world, "link-1", 2), common::v1::ERROR_REASON_NOT_PERMITTED)
      << "it is one human who said no";
  Agrees(world, 2, kNew);
  EXPECT_TRUE(Link(world, LinkOf(world, 1, "link-2")).ok());
  EXPECT_TRUE(Link(world, LinkOf(world, 2, "link-3")).ok());
}

// She said it before anybody knew that they are one: from the link on it is one human's.
TEST(Host, HerNoFromBeforeALinkEndsItUnderTheOtherName) {
  for (const bool agreed : {false, true}) {
    World world;
    ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
    world.Settle();
    if (agreed) {
      Agrees(world, 1, kNew);
    }
    world.Settle();
    world.Host(2);
    AreOne(world, 1, 2);
    world.Settle();
    EXPECT_EQ(Acts(world, 2), agreed) << "unless she agreed anew under that name";
    if (!agreed) {
      const auto row = world.store().Host(World::Person(2), kHost);
      ASSERT_TRUE(row.ok() && row->has_value());
      EXPECT_EQ((*row)->value.state(), v1::Host::STATE_UNLINKED);
      std::optional<audit::v1::LeafDetails> last;
      for (const audit::OpenedLeaf& leaf : world.Leaves()) {
        if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_HOST_CHANGED) {
          last = leaf.details;
        }
      }
      ASSERT_TRUE(last.has_value());
      EXPECT_EQ(last->subject().id(), World::Person(2).ToBytes());
      EXPECT_FALSE(last->has_recipient()) << "it would tell of the other name";
    }
  }
}

// The process died before her no reached the other name, and nobody says it again: a round over hosts does.
TEST(Host, ARoundEndsWhatSheSaidNoToUnderAnotherName) {
  World world;
  AreOne(world, 1, 2);
  world.Settle();
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  world.Host(2);
  ASSERT_TRUE(Acts(world, 2));
  world.Restart();
  world.Settle(absl::Minutes(2));
  EXPECT_FALSE(Acts(world, 2));
}

// What does not read of her names may be a no.
TEST(Host, IsNotLinkedWhereHerNamesOrANoUnderOneDoNotRead) {
  for (const bool names : {false, true}) {
    SCOPED_TRACE(names);
    World world;
    ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
    AreOne(world, 1, 2);
    world.Settle();
    if (names) {
      const storage::Partition hers = VaultStore::PersonPartition(World::Person(2));
      const auto links = world.context().store.Scan(hers, "with/", "", 10);
      ASSERT_TRUE(links.ok());
      ASSERT_EQ(links->entries.size(), 1U);
      SetRaw(world, hers, links->entries[0].key, "three");
    } else {
      Flip(world, VaultStore::PersonPartition(World::Person(1)), HostKey(world, 1, kHost), 20);
    }
    EXPECT_EQ(WhyNotLinked(world, "link-1", 2), common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
    EXPECT_FALSE(Acts(world, 2));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 1U);
  }
}

TEST(Host, ARebuildOfConsentsLogKnowsTheSame) {
  World::Options options;
  options.settings.rebuild_consent = true;
  World world(options);
  Agrees(world, 1, kOld);
  world.Host(1);
  world.Settle();
  ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
  world.Restart();
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(WhyNotLinked(world, "link-1"), common::v1::ERROR_REASON_NOT_PERMITTED);
  Agrees(world, 1, kNew);
  world.Settle();
  world.Restart();
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(Link(world, LinkOf(world, 1, "link-2")).ok());
}

TEST(Host, WhereverTheProcessDiesAnAgreementThatWasFollowedIsKnown) {
  bool reached = true;
  uint64_t step = 0;
  for (; reached && step < 60; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.Host(1);
    ASSERT_TRUE(Unlink(world, "cpam", 1, kHost, "unlink-1").ok());
    world.Settle();
    world.CrashAt(step);
    Agrees(world, 1, kNew);
    world.Settle(absl::Seconds(5));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    } else {
      world.CrashAt(UINT64_MAX);  // not later either
    }
    world.Settle(absl::Seconds(10));
    EXPECT_TRUE(Link(world, LinkOf(world, 1, "link-1")).ok());
  }
  EXPECT_GT(step, 1U) << "that it died at all";
}

TEST(Host, HerWithdrawalEndsIt) {
  World world;
  world.Host(1);
  world.Host(1, "emmaus");
  consent::v1::ConsentWithdrawn withdrawn;
  consent::v1::ConsentLine& line = *withdrawn.add_lines();
  line.add_recipients()->set_institution("emmaus");
  line.add_acts(common::v1::ACT_HOST);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
  world.Settle();
  EXPECT_TRUE(Acts(world, 1));
  EXPECT_FALSE(Acts(world, 1, "emmaus"));
  v1::ListHostsRequest list;
  *list.mutable_person() = world.Handle(kHost, 1);
  list.set_with_ended(true);
  const auto hosts = world.Run(world.service().hosts().ListHosts(world.As(kHost), list));
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  ASSERT_EQ(hosts->hosts_size(), 2);
  EXPECT_EQ(hosts->hosts(0).institution(), kHost) << "active ones first";
  EXPECT_EQ(hosts->hosts(1).state(), v1::Host::STATE_WITHDRAWN);
  *list.mutable_person() = world.Handle("emmaus", 1);
  EXPECT_EQ(ReasonOf(world.Run(world.service().hosts().ListHosts(world.As("emmaus"), list)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// A withdrawal of one agreement ends every agreement before it as far as its lines go: what stands on another
// one consent judges, and only what the lines meet.
TEST(Host, AWithdrawalOfAnotherAgreementEndsWhatConsentNoLongerPermits) {
  const auto withdraws_another = [](World& world, common::v1::Act act) {
    consent::v1::ConsentWithdrawn withdrawn;
    withdrawn.set_consent_id(std::string(32, '9'));
    withdrawn.add_lines()->add_acts(act);
    world.ConsentSays(1, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
    world.Settle();
  };
  World world;
  world.Host(1);
  withdraws_another(world, common::v1::ACT_HOST);
  EXPECT_TRUE(Acts(world, 1)) << "still permitted";
  world.consent.permits = [](const auto&) { return false; };
  withdraws_another(world, common::v1::ACT_TRANSMIT);
  EXPECT_TRUE(Acts(world, 1)) << "that no does not touch it";
  withdraws_another(world, common::v1::ACT_HOST);
  EXPECT_FALSE(Acts(world, 1));
  EXPECT_EQ(world.consent.recorded(), 0U);
}

TEST(Host, GoesOnWithoutConsentAndIsNotLinkedWithoutIt) {
  World world;
  world.Host(1);
  const auto paper = world.MustDeposit(1, Pdf(1000));
  world.consent.down = absl::UnavailableError("down");
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(5));
  EXPECT_TRUE(Download(world, kHost, 1, paper.document).status.ok());
  EXPECT_EQ(ReasonOf(Link(world, LinkOf(world, 2)).status()), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  // It answers, and cannot be followed: a no since then might be missed.
  world.consent.down = absl::OkStatus();
  EXPECT_EQ(ReasonOf(Link(world, LinkOf(world, 2)).status()), common::v1::ERROR_REASON_PEER_BEHIND);
}

}  // namespace
}  // namespace relais::vault::testing
