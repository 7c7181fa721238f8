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
  return Linked(IdOf(7).ToBytes(), "RIGHTS_OPENING", Agreed({"DOCUMENTS"}, IdOf(7)), kNow);
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
  EXPECT_EQ(FromProto(Linked("c", "p", endless, kNow).until()), kNow + absl::Hours(24 * 366));
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
