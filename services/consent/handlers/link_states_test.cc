// How agreements are shown once persons are one human: as what a check makes of them, and so that nobody
// learns of the link (ADR 50).
#include <gtest/gtest.h>

#include "common/base/proto_time.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Refuse;
using testing::SimWorld;
using testing::Split;
using testing::Two;

class LinkStatesTest : public ::testing::Test {
 protected:
  LinkStatesTest() : two_(world_) {
    SimWorld::Require(Refuse(world_, two_.b, "r1").status());
    world_.harness().sim().RunFor(absl::Hours(24));
    const auto given = world_.Record(SimWorld::ConsentFor(two_.a, "c1"));
    SimWorld::Require(given.status());
    consent_ = given->consent_id();
    world_.harness().sim().RunFor(absl::Hours(24));
  }

  absl::StatusOr<v1::GetConsentResponse> Get(const Ref& name) {
    v1::GetConsentRequest request;
    *request.mutable_person() = name;
    request.set_consent_id(consent_);
    return world_.Run(world_.service().consents().GetConsent(world_.As("ville-paris"), request));
  }
  v1::ConsentState Shown(const Ref& name) {
    const auto response = Get(name);
    SimWorld::Require(response.status());
    return response->consent().state();
  }
  v1::ConsentState Listed(const Ref& name) {
    v1::ListConsentsRequest request;
    *request.mutable_person() = name;
    const auto response =
        world_.Run(world_.service().consents().ListConsents(world_.As("ville-paris"), request));
    SimWorld::Require(response.status());
    for (const v1::Consent& consent : response->consents()) {
      if (consent.consent_id() == consent_) {
        return consent.state();
      }
    }
    return v1::CONSENT_STATE_UNSPECIFIED;
  }
  absl::StatusOr<v1::GetReceiptResponse> Receipt() {
    v1::GetReceiptRequest request;
    *request.mutable_person() = two_.a;
    request.set_consent_id(consent_);
    return world_.Run(world_.service().receipts().GetReceipt(world_.As("ville-paris"), request));
  }
  absl::Status Renew(const std::string& etag = "") {
    v1::RenewConsentRequest renew;
    renew.set_request_id("n1");
    *renew.mutable_person() = two_.a;
    renew.set_consent_id(consent_);
    renew.set_etag(etag);
    renew.set_method(v1::METHOD_SIGNED_PAPER);
    renew.mutable_notice()->set_id("notice-1");
    renew.mutable_notice()->set_version("2");
    return world_.Run(world_.service().consents().RenewConsent(world_.As("ville-paris"), renew)).status();
  }

  SimWorld world_;
  const Two<SimWorld> two_;
  std::string consent_;
};

TEST_F(LinkStatesTest, ANoOfTheOtherNameShowsUntilTheyAreTwoAgain) {
  ASSERT_EQ(Shown(two_.a), v1::CONSENT_STATE_GIVEN);
  const absl::Time before = world_.context().clock.Now() - absl::Seconds(1);
  const auto merged = Merge(world_, two_.a, two_.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  for (const Ref& name : {two_.a, two_.b}) {
    ASSERT_EQ(Recorded(world_, name), kDeny);
    EXPECT_EQ(Shown(name), v1::CONSENT_STATE_WITHDRAWN);
    EXPECT_EQ(Listed(name), v1::CONSENT_STATE_WITHDRAWN);
  }
  const auto receipt = Receipt();
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_EQ(receipt->receipt().state(), v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_GE(FromProto(receipt->receipt().state_since()), before) << "nothing changes in retrospect";
  ASSERT_TRUE(Split(world_, merged->link_id()).ok());
  EXPECT_EQ(Recorded(world_, two_.a), kPermit);
  EXPECT_EQ(Shown(two_.a), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(Receipt()->receipt().state(), v1::RECEIPT_STATE_GIVEN);
}

// What would tell of the link: another word for it than for her withdrawal at another desk.
TEST_F(LinkStatesTest, ItLooksLikeAWithdrawalAtAnyDesk) {
  ASSERT_TRUE(Merge(world_, two_.a, two_.b).ok());
  const auto linked = Get(two_.a);
  const absl::Status renewed = Renew();
  ASSERT_TRUE(linked.ok());
  SimWorld other;
  const Two<SimWorld> same(other);
  other.harness().sim().RunFor(absl::Hours(24));
  const auto given = other.Record(SimWorld::ConsentFor(same.a, "c1"));
  ASSERT_TRUE(given.ok());
  ASSERT_TRUE(other.WithdrawAll(same.a, "w1").ok());
  v1::GetConsentRequest request;
  *request.mutable_person() = same.a;
  request.set_consent_id(given->consent_id());
  const auto withdrawn = other.Run(other.service().consents().GetConsent(other.As("ville-paris"), request));
  ASSERT_TRUE(withdrawn.ok());
  EXPECT_EQ(linked->consent().state(), withdrawn->consent().state());
  v1::RenewConsentRequest renew;
  renew.set_request_id("n1");
  *renew.mutable_person() = same.a;
  renew.set_consent_id(given->consent_id());
  renew.set_method(v1::METHOD_SIGNED_PAPER);
  renew.mutable_notice()->set_id("notice-1");
  renew.mutable_notice()->set_version("2");
  const absl::Status refused =
      other.Run(other.service().consents().RenewConsent(other.As("ville-paris"), renew)).status();
  EXPECT_EQ(rpc::ReasonOf(renewed), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(renewed.message(), refused.message());
  // The state apart nothing of the agreement tells either.
  const std::string text = linked->consent().DebugString();
  EXPECT_EQ(text.find(two_.b.handle()), std::string::npos);
}

TEST_F(LinkStatesTest, AnAgreementReadBeforeTheLinkIsStaleAfterIt) {
  const std::string etag = Get(two_.a)->consent().etag();
  ASSERT_TRUE(Merge(world_, two_.a, two_.b).ok());
  EXPECT_EQ(rpc::ReasonOf(Renew(etag)), common::v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(LinkStatesTest, AnotherAgreementSinceIsShownAsGiven) {
  ASSERT_TRUE(Merge(world_, two_.a, two_.b).ok());
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(two_.a, "c2")).ok());
  ASSERT_EQ(Recorded(world_, two_.a), kPermit);
  EXPECT_EQ(Shown(two_.a), v1::CONSENT_STATE_WITHDRAWN) << "what never began does not come back";
  v1::ListConsentsRequest request;
  *request.mutable_person() = two_.a;
  const auto all = world_.Run(world_.service().consents().ListConsents(world_.As("ville-paris"), request));
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->consents_size(), 2);
  for (const v1::Consent& consent : all->consents()) {
    EXPECT_EQ(consent.state(),
              consent.consent_id() == consent_ ? v1::CONSENT_STATE_WITHDRAWN : v1::CONSENT_STATE_GIVEN);
  }
}

// ADR 50: what another name's agreement permitted on the same lines is denied from then on and asked back, of
// who received it under that name. Who withdraws at another desk is told of the agreement it named.
TEST(LinkedWithdrawals, ByNumberReachTheOtherNamesAgreementUnsaid) {
  SimWorld world;
  const Two<SimWorld> two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit);
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  const auto second = world.Record(SimWorld::ConsentFor(two.b, "c2"));
  ASSERT_TRUE(second.ok());
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(two.b));
  request.set_consent_id(second->consent_id());
  const auto withdrawn = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  ASSERT_EQ(withdrawn->consent_ids_size(), 1);
  EXPECT_EQ(withdrawn->consent_ids(0), second->consent_id());
  EXPECT_EQ(Recorded(world, two.a), kDeny);
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
  v1::ListObligationsRequest list;
  list.set_kind(v1::DUTY_KIND_ANSWER_ERASURE);
  const auto owed = world.Run(world.service().duties().ListObligations(world.As("caf"), list));
  ASSERT_TRUE(owed.ok()) << owed.status();
  ASSERT_EQ(owed->obligations_size(), 1);
  EXPECT_EQ(owed->obligations(0).person().handle(),
            rpc::HandleFor(world.context(), "caf", world.IdOf(two.a)).handle());
}

}  // namespace
}  // namespace relais::consent
