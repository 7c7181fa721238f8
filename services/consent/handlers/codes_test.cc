// D-2.5: who only sends is no recipient of an agreement, nor of an emergency; she may say no to it.
#include "services/consent/handlers/codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/codes.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::HasSubstr;
using testing::SimWorld;

constexpr absl::CivilDay kToday(2026, 11, 3);

v1::RecordConsentRequest AgreementWith(SimWorld& world, const v1::Recipient& recipient) {
  v1::RecordConsentRequest request = SimWorld::ConsentFor(world.NewPerson("case-1"), "c1");
  *request.mutable_lines(0)->add_recipients() = recipient;
  return request;
}

TEST(Recipients, OfAnAgreementAreNoneThatOnlySends) {
  SimWorld world;
  v1::Recipient supplier;
  supplier.set_institution("edf");
  const absl::Status named = world.Record(AgreementWith(world, supplier)).status();
  EXPECT_EQ(rpc::ReasonOf(named), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_THAT(std::string(named.message()), HasSubstr("lines[0].recipients[1].institution"));
  supplier.set_kind("LANDLORD");
  const absl::Status kind = world.Record(AgreementWith(world, supplier)).status();
  EXPECT_EQ(rpc::ReasonOf(kind), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_THAT(std::string(kind.message()), HasSubstr("lines[0].recipients[1].kind"));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 0u);
  supplier.set_kind("HOSPITAL");
  EXPECT_TRUE(world.Record(AgreementWith(world, supplier)).ok());
}

TEST(Recipients, OfAnAgreementMayBeOfEveryOtherKind) {
  const Rules rules = RulesFrom(*testing::SampleDirectory());
  for (const std::string_view kind : directory::kInstitutionKinds) {
    ProtoLines lines;
    lines.Add()->add_recipients()->set_kind(std::string(kind));
    EXPECT_EQ(CheckMayAgree(rules, lines, false, kToday).ok(), !directory::OnlySends(kind)) << kind;
  }
}

TEST(Recipients, OfARefusalMayBeAnybody) {
  SimWorld world;
  v1::RecordRefusalRequest request;
  request.set_request_id("n1");
  *request.mutable_person() = world.NewPerson("case-1");
  v1::ConsentLine* line = request.add_lines();
  line->add_recipients()->set_institution("edf");
  line->add_recipients()->set_kind("LANDLORD");
  EXPECT_TRUE(world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request)).ok());
}

TEST(Recipients, OfAnEmergencyAreNoneThatOnlySends) {
  SimWorld world;
  v1::DeclareRequest request;
  request.set_request_id("e1");
  *request.mutable_person() = world.NewPerson("case-1");
  request.add_categories("HEALTH");
  request.set_facts("Inconsciente, seule au domicile.");
  request.set_person_unable(true);
  request.set_danger_serious(true);
  const auto declare = [&](const std::string& recipient) {
    request.mutable_recipient()->set_institution(recipient);
    return world.Run(world.service().emergencies().Declare(world.As("ville-paris"), request)).status();
  };
  for (const char* sender : {"bspp", "edf"}) {
    EXPECT_EQ(rpc::ReasonOf(declare(sender)), common::v1::ERROR_REASON_INVALID_FIELDS) << sender;
    EXPECT_THAT(std::string(declare(sender).message()), HasSubstr("recipient.institution")) << sender;
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED), 0u);
  EXPECT_TRUE(declare("aphp").ok());
}

}  // namespace
}  // namespace relais::consent
