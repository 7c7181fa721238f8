#include "services/vault/domain/host_rules.h"

#include <gtest/gtest.h>

#include "services/vault/domain/testing.h"

namespace relais::vault {
namespace {

using testing::Agreed;
using testing::At;
using testing::IdOf;

const absl::Time kNow = At(11, 20);

v1::StoredHost Host() {
  return Linked(v1::StoredHost(), IdOf(7).ToBytes(), "RIGHTS_OPENING", Agreed({"DOCUMENTS"}, IdOf(7)), kNow);
}

TEST(Hosts, LinkedOnTheAgreementNamedAndUntilItsEnd) {
  EXPECT_EQ(JudgeLink(IdOf(7).ToHex(), Agreed({"DOCUMENTS"}, IdOf(7))), std::nullopt);
  EXPECT_EQ(JudgeLink(IdOf(8).ToHex(), Agreed({"DOCUMENTS"}, IdOf(7))),
            common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(JudgeLink(IdOf(7).ToHex(), ConsentAnswer()), common::v1::ERROR_REASON_NOT_PERMITTED);
  ConsentAnswer emergency = Agreed({"DOCUMENTS"}, IdOf(7));
  emergency.categories[0].ground = common::v1::GROUND_EMERGENCY;
  EXPECT_EQ(JudgeLink(IdOf(7).ToHex(), emergency), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(FromProto(Host().until()), At(12, 31));
  ConsentAnswer endless = Agreed({"DOCUMENTS"}, IdOf(7));
  endless.categories[0].expires = absl::InfiniteFuture();
  EXPECT_EQ(FromProto(Linked(v1::StoredHost(), "c", "p", endless, kNow).until()),
            kNow + absl::Hours(24 * 366));
}

// Consent names one of those that permit it: another one than the row's says nothing against that.
TEST(Hosts, StayWhileAnAgreementOfHersPermitsThem) {
  EXPECT_TRUE(StaysLinked(Agreed({"DOCUMENTS"}, IdOf(7))));
  EXPECT_TRUE(StaysLinked(Agreed({"DOCUMENTS"}, IdOf(8))));
  EXPECT_FALSE(StaysLinked(ConsentAnswer()));
  EXPECT_FALSE(StaysLinked(Agreed({"IDENTITY"}, IdOf(7))));
  ConsentAnswer denied = Agreed({"DOCUMENTS"}, IdOf(7));
  denied.decision = common::v1::DECISION_DENY;
  EXPECT_FALSE(StaysLinked(denied));
  ConsentAnswer emergency = Agreed({"DOCUMENTS"}, IdOf(7));
  emergency.categories[0].ground = common::v1::GROUND_EMERGENCY;
  EXPECT_FALSE(StaysLinked(emergency)) << "no other ground makes a host (D-3.1)";
}

TEST(Hosts, ActUntilTheyAreUnlinkedWithdrawnOrPastTheirPeriod) {
  EXPECT_TRUE(ActsForHer(Host(), kNow));
  EXPECT_FALSE(ActsForHer(v1::StoredHost(), kNow)) << "nobody is, who was not linked";
  EXPECT_FALSE(ActsForHer(Host(), At(12, 31)));
  EXPECT_EQ(StateOf(Host(), At(12, 31)), v1::Host::STATE_EXPIRED);
  v1::StoredHost host = Host();
  EXPECT_TRUE(End(host, v1::Host::STATE_UNLINKED, At(11, 21)));
  EXPECT_FALSE(ActsForHer(host, At(11, 21)));
  EXPECT_FALSE(End(host, v1::Host::STATE_WITHDRAWN, At(11, 22))) << "how it first ended stays";
  EXPECT_EQ(host.state(), v1::Host::STATE_UNLINKED);
  EXPECT_EQ(FromProto(host.ended()), At(11, 21));
  EXPECT_EQ(StateOf(host, At(12, 31)), v1::Host::STATE_UNLINKED);
}

// ADR 62: her no stands until she agrees anew, whatever it was that she unlinked.
TEST(Hosts, ThatSheUnlinkedAreLinkedOnWhatSheAgreedToSinceAlone) {
  const std::string old = IdOf(7).ToBytes();
  const std::string fresh = IdOf(8).ToBytes();
  v1::StoredHost ended = Host();
  End(ended, v1::Host::STATE_WITHDRAWN, At(11, 20));
  for (const v1::StoredHost& before : {v1::StoredHost(), Host(), ended}) {
    v1::StoredHost host = before;
    EXPECT_TRUE(MayBeLinkedOn(host, old));
    EXPECT_FALSE(NoteAgreement(host, fresh, At(11, 21))) << "it needs no other";
    EXPECT_EQ(Unlink(host, At(11, 21)), ActsForHer(before, kNow));
    EXPECT_FALSE(ActsForHer(host, At(11, 21)));
    EXPECT_TRUE(host.has_ended());
    EXPECT_FALSE(MayBeLinkedOn(host, old));
    EXPECT_FALSE(NoteAgreement(host, old, At(11, 20))) << "followed late: it was said before";
    EXPECT_FALSE(NoteAgreement(host, old, At(11, 21))) << "on a doubt the no wins";
    EXPECT_FALSE(MayBeLinkedOn(host, old));
    EXPECT_TRUE(NoteAgreement(host, fresh, At(11, 22)));
    EXPECT_FALSE(NoteAgreement(host, fresh, At(11, 22))) << "followed again";
    EXPECT_TRUE(MayBeLinkedOn(host, fresh));
    EXPECT_FALSE(MayBeLinkedOn(host, old));
    host = Linked(host, fresh, "RIGHTS_OPENING", Agreed({"DOCUMENTS"}, IdOf(8)), At(11, 23));
    EXPECT_TRUE(ActsForHer(host, At(11, 23)));
    EXPECT_FALSE(MayBeLinkedOn(host, old)) << "her no to that one stays known";
    EXPECT_TRUE(Unlink(host, At(11, 24)));
    EXPECT_FALSE(MayBeLinkedOn(host, fresh)) << "she said it again";
  }
}

TEST(Hosts, ABoundedNumberOfAgreementsIsKnown) {
  v1::StoredHost host;
  Unlink(host, kNow);
  for (uint8_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(NoteAgreement(host, IdOf(i).ToBytes(), At(11, 21)));
  }
  EXPECT_EQ(host.agreed_size(), 64);
  EXPECT_TRUE(MayBeLinkedOn(host, IdOf(99).ToBytes())) << "the last";
  EXPECT_FALSE(MayBeLinkedOn(host, IdOf(0).ToBytes()));
}

TEST(Hosts, HerOwnReadingIsCutWithTheHostsAuthority) {
  v1::StoredHost host = Host();
  EXPECT_EQ(WhyCut(host, true, kNow), std::nullopt);
  EXPECT_EQ(WhyCut(host, false, kNow), "DESTROYED");
  EXPECT_EQ(WhyCut(host, true, At(12, 31)), "EXPIRED");
  End(host, v1::Host::STATE_UNLINKED, kNow);
  EXPECT_EQ(WhyCut(host, true, kNow), "UNLINKED");
  host = Host();
  End(host, v1::Host::STATE_WITHDRAWN, kNow);
  EXPECT_EQ(WhyCut(host, true, kNow), "WITHDRAWN");
  EXPECT_EQ(WhyCut(v1::StoredHost(), true, kNow), "UNLINKED");
}

// D-2.6.2, ADR 51: on a doubt the no wins.
TEST(Hosts, ThatConsentDecidesNothingAboutAreSuspendedForANoAndOnlyThen) {
  v1::StoredHost host = Host();
  EXPECT_FALSE(Meet(host, HostFate::kUnjudged, Occasion::kRound, kNow));
  EXPECT_TRUE(ActsForHer(host, kNow)) << "nothing is known against it";
  EXPECT_FALSE(Meet(host, HostFate::kAskAgain, Occasion::kHerNo, kNow));
  EXPECT_TRUE(ActsForHer(host, kNow));
  EXPECT_TRUE(Meet(host, HostFate::kUnjudged, Occasion::kHerNo, kNow));
  EXPECT_EQ(StateOf(host, kNow), v1::Host::STATE_SUSPENDED);
  EXPECT_FALSE(ActsForHer(host, kNow));
  EXPECT_TRUE(IsLinked(host, kNow));
  EXPECT_FALSE(host.has_ended());
  EXPECT_EQ(WhyCut(host, true, kNow), "SUSPENDED");
  EXPECT_EQ(WhyCut(host, false, kNow), "DESTROYED");
  for (const Occasion occasion : {Occasion::kHerNo, Occasion::kRound}) {
    EXPECT_FALSE(Meet(host, HostFate::kUnjudged, occasion, kNow)) << "it is already";
    EXPECT_EQ(StateOf(host, kNow), v1::Host::STATE_SUSPENDED);
  }
  // What ended for good is said before what is only suspended.
  EXPECT_EQ(StateOf(host, At(12, 31)), v1::Host::STATE_EXPIRED);
  EXPECT_FALSE(IsLinked(host, At(12, 31)));
  EXPECT_EQ(WhyCut(host, true, At(12, 31)), "EXPIRED");
}

TEST(Hosts, ThatAreSuspendedActAgainOrEnd) {
  for (const Occasion occasion : {Occasion::kHerNo, Occasion::kRound}) {
    v1::StoredHost host = Host();
    EXPECT_FALSE(Meet(host, HostFate::kStays, occasion, kNow)) << "it never stopped";
    host.set_state(v1::Host::STATE_SUSPENDED);
    EXPECT_TRUE(Meet(host, HostFate::kStays, occasion, kNow));
    EXPECT_TRUE(ActsForHer(host, kNow));
    EXPECT_EQ(host.SerializeAsString(), Host().SerializeAsString()) << "as if nothing had been";
    host.set_state(v1::Host::STATE_SUSPENDED);
    EXPECT_TRUE(Meet(host, HostFate::kEnds, occasion, At(11, 21)));
    EXPECT_EQ(host.state(), v1::Host::STATE_WITHDRAWN);
    EXPECT_EQ(FromProto(host.ended()), At(11, 21));
    for (const HostFate fate : {HostFate::kStays, HostFate::kEnds, HostFate::kUnjudged}) {
      EXPECT_FALSE(Meet(host, fate, occasion, At(11, 22))) << "what has ended stays as it ended";
      EXPECT_EQ(host.state(), v1::Host::STATE_WITHDRAWN);
    }
  }
  v1::StoredHost host = Host();
  EXPECT_FALSE(End(host, v1::Host::STATE_SUSPENDED, kNow)) << "that is no end";
  host.set_state(v1::Host::STATE_SUSPENDED);
  EXPECT_TRUE(End(host, v1::Host::STATE_UNLINKED, kNow));
  EXPECT_EQ(StateOf(host, kNow), v1::Host::STATE_UNLINKED);
}

TEST(Hosts, ThatWereRestoredWaitToBeLinkedAndMayEnd) {  // ADR 73
  for (const bool suspended : {false, true}) {
    v1::StoredHost host = Host();
    if (suspended) {
      host.set_state(v1::Host::STATE_SUSPENDED);
    }
    EXPECT_TRUE(SuspendRestored(host));
    EXPECT_FALSE(SuspendRestored(host)) << "once";
    EXPECT_EQ(StateOf(host, kNow), v1::Host::STATE_SUSPENDED);
    for (const Occasion occasion : {Occasion::kHerNo, Occasion::kRound}) {
      EXPECT_FALSE(Meet(host, HostFate::kStays, occasion, kNow));
    }
    EXPECT_EQ(StateOf(host, kNow), v1::Host::STATE_SUSPENDED);
    v1::StoredHost linked =
        Linked(host, IdOf(7).ToBytes(), "RIGHTS_OPENING", Agreed({"DOCUMENTS"}, IdOf(7)), kNow);
    EXPECT_TRUE(ActsForHer(linked, kNow));
    EXPECT_FALSE(linked.restored());
    EXPECT_TRUE(Meet(host, HostFate::kEnds, Occasion::kHerNo, kNow));
    EXPECT_EQ(host.state(), v1::Host::STATE_WITHDRAWN);
  }
  v1::StoredHost ended = Host();
  ASSERT_TRUE(End(ended, v1::Host::STATE_WITHDRAWN, kNow));
  EXPECT_FALSE(SuspendRestored(ended));
}

TEST(Hosts, ThatWerePutBackStandAsTheLogSays) {
  v1::StoredHost host = Host();
  EXPECT_FALSE(StandAsLogged(host, v1::Host::STATE_ACTIVE, kNow));
  EXPECT_TRUE(StandAsLogged(host, v1::Host::STATE_SUSPENDED, kNow));
  EXPECT_TRUE(host.restored());
  EXPECT_FALSE(StandAsLogged(host, v1::Host::STATE_SUSPENDED, kNow));
  EXPECT_FALSE(StandAsLogged(host, v1::Host::STATE_ACTIVE, kNow)) << "in force less than the log says";
  EXPECT_TRUE(StandAsLogged(host, v1::Host::STATE_WITHDRAWN, kNow)) << "consent's yes would have let it act";
  EXPECT_EQ(host.state(), v1::Host::STATE_WITHDRAWN);
  EXPECT_FALSE(StandAsLogged(host, v1::Host::STATE_UNLINKED, kNow)) << "it is ended";
  host = Host();
  EXPECT_TRUE(StandAsLogged(host, v1::Host::STATE_UNLINKED, kNow));
  EXPECT_EQ(host.state(), v1::Host::STATE_UNLINKED);
  EXPECT_FALSE(MayBeLinkedOn(host, IdOf(7).ToBytes())) << "her no is known again";
}

TEST(Hosts, WhatConsentDoesNotAnswerIsANoOrADoubtOrNothing) {
  using Code = absl::StatusCode;
  for (const auto reason : {common::v1::ERROR_REASON_UNKNOWN_CODE, common::v1::ERROR_REASON_INVALID_FIELDS,
                            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS}) {
    EXPECT_EQ(FateWithoutAnswer(Code::kInvalidArgument, reason), HostFate::kEnds);
  }
  for (const Code code : {Code::kUnavailable, Code::kDeadlineExceeded, Code::kAborted,
                          Code::kResourceExhausted, Code::kCancelled}) {
    EXPECT_EQ(FateWithoutAnswer(code, common::v1::ERROR_REASON_UNSPECIFIED), HostFate::kAskAgain);
  }
  for (const Code code : {Code::kInternal, Code::kDataLoss, Code::kUnknown, Code::kFailedPrecondition,
                          Code::kUnauthenticated, Code::kPermissionDenied, Code::kInvalidArgument,
                          Code::kNotFound, Code::kUnimplemented, Code::kOutOfRange}) {
    EXPECT_EQ(FateWithoutAnswer(code, common::v1::ERROR_REASON_UNSPECIFIED), HostFate::kUnjudged);
  }
  EXPECT_EQ(FateWithoutAnswer(Code::kFailedPrecondition, common::v1::ERROR_REASON_DIRECTORY_EXPIRED),
            HostFate::kUnjudged);
  EXPECT_EQ(FateWithoutAnswer(Code::kUnavailable, common::v1::ERROR_REASON_STORE_FAILED),
            HostFate::kAskAgain);
}

TEST(Hosts, HerNoEndsThem) {
  const Covered covered = CoveredBy(Host(), "ville-paris", "DEPARTEMENT_SOCIAL");
  EXPECT_TRUE(Ends({IdOf(7).ToHex(), {}}, covered));
  consent::v1::ConsentLine line;
  line.add_acts(common::v1::ACT_SHARE_DOCUMENT);
  EXPECT_FALSE(Ends({"", {line}}, covered)) << "who may no longer be shown papers may still host";
  line.add_acts(common::v1::ACT_HOST);
  EXPECT_TRUE(Ends({"", {line}}, covered));
}

}  // namespace
}  // namespace relais::vault
