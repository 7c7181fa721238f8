// D-2.7: she takes back a part of what she agreed to, through WithdrawConsent. What she took is permitted no
// more, all the rest is as before, and the agreement says that a part of it is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using ::testing::ElementsAre;
using testing::SimWorld;

constexpr absl::Duration kDay = absl::Hours(24);

// One thing that the agreement lets.
struct Asked {
  std::string purpose;
  std::string category;
  std::string recipient;
  common::v1::Act act = common::v1::ACT_TRANSMIT;
};

// Two lines, of two categories, two recipients and two acts each.
std::vector<Asked> AllOfIt() {
  std::vector<Asked> all;
  for (const char* purpose : {"RIGHTS_OPENING", "ENERGY_AID"}) {
    for (const char* category : {"IDENTITY", "ADDRESS"}) {
      for (const char* recipient : {"caf", "cpam"}) {
        for (const common::v1::Act act : {common::v1::ACT_TRANSMIT, common::v1::ACT_CONSULT}) {
          all.push_back({purpose, category, recipient, act});
        }
      }
    }
  }
  return all;
}

v1::ConsentLine LineFor(const std::string& purpose) {
  v1::ConsentLine line;
  line.add_purposes(purpose);
  line.add_categories("IDENTITY");
  line.add_categories("ADDRESS");
  line.add_recipients()->set_institution("caf");
  line.add_recipients()->set_institution("cpam");
  line.add_acts(common::v1::ACT_TRANSMIT);
  line.add_acts(common::v1::ACT_CONSULT);
  return line;
}

v1::ConsentLine OfCategory(const std::string& category) {
  v1::ConsentLine line;
  line.add_categories(category);
  return line;
}

v1::ConsentLine OfRecipient(const std::string& institution) {
  v1::ConsentLine line;
  line.add_recipients()->set_institution(institution);
  return line;
}

v1::ConsentLine OfKind(const std::string& kind) {
  v1::ConsentLine line;
  line.add_recipients()->set_kind(kind);
  return line;
}

v1::ConsentLine OfPurpose(const std::string& purpose) {
  v1::ConsentLine line;
  line.add_purposes(purpose);
  return line;
}

v1::ConsentLine OfAct(common::v1::Act act) {
  v1::ConsentLine line;
  line.add_acts(act);
  return line;
}

v1::ConsentLine OneThing(const Asked& asked) {
  v1::ConsentLine line;
  line.add_purposes(asked.purpose);
  line.add_categories(asked.category);
  line.add_recipients()->set_institution(asked.recipient);
  line.add_acts(asked.act);
  return line;
}

struct Case {
  std::string name;
  v1::ConsentLine taken;
  std::function<bool(const Asked&)> is_taken;
  friend void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }
};

std::vector<Case> Cases() {
  return {
      {"ALine", LineFor("ENERGY_AID"), [](const Asked& a) { return a.purpose == "ENERGY_AID"; }},
      {"APurpose", OfPurpose("RIGHTS_OPENING"), [](const Asked& a) { return a.purpose == "RIGHTS_OPENING"; }},
      {"ACategory", OfCategory("ADDRESS"), [](const Asked& a) { return a.category == "ADDRESS"; }},
      {"ARecipient", OfRecipient("caf"), [](const Asked& a) { return a.recipient == "caf"; }},
      {"AKind", OfKind("HEALTH_INSURANCE"), [](const Asked& a) { return a.recipient == "cpam"; }},
      {"AnAct", OfAct(common::v1::ACT_TRANSMIT),
       [](const Asked& a) { return a.act == common::v1::ACT_TRANSMIT; }},
      {"OneThing", OneThing({"ENERGY_AID", "IDENTITY", "cpam", common::v1::ACT_CONSULT}),
       [](const Asked& a) {
         return a.purpose == "ENERGY_AID" && a.category == "IDENTITY" && a.recipient == "cpam" &&
                a.act == common::v1::ACT_CONSULT;
       }},
  };
}

struct Desk {
  Desk() {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
    *request.mutable_lines(0) = LineFor("RIGHTS_OPENING");
    *request.add_lines() = LineFor("ENERGY_AID");
    const auto recorded = world.Record(request);
    SimWorld::Require(recorded.status());
    consent = recorded->consent_id();
    world.harness().sim().RunFor(kDay);
  }

  absl::StatusOr<v1::WithdrawConsentResponse> Withdraw(const std::string& request_id,
                                                       const v1::ConsentLine& line, bool by_number) {
    v1::WithdrawConsentRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person;
    if (by_number) {
      request.set_consent_id(consent);
    }
    *request.add_lines() = line;
    return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
  }
  common::v1::Decision Decision(const Asked& asked) { return Decision(asked, {asked.category}); }
  common::v1::Decision Decision(const Asked& asked, const std::vector<std::string>& categories) {
    v1::CheckRequest check = SimWorld::CheckFor(person);
    check.mutable_recipient()->set_institution(asked.recipient);
    check.set_purpose(asked.purpose);
    check.set_act(asked.act);
    check.clear_categories();
    for (const std::string& category : categories) {
      check.add_categories(category);
    }
    return world.Decision(check);
  }
  v1::Consent Get() {
    v1::GetConsentRequest request;
    *request.mutable_person() = person;
    request.set_consent_id(consent);
    const auto response = world.Run(world.service().consents().GetConsent(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return response->consent();
  }
  std::vector<v1::ConsentState> Events() {
    std::vector<v1::ConsentState> states;
    const v1::Consent now = Get();
    for (const v1::ConsentEvent& event : now.events()) {
      states.push_back(event.state());
    }
    return states;
  }
  void ExpectTakenAlone(const std::function<bool(const Asked&)>& is_taken) {
    for (const Asked& asked : AllOfIt()) {
      EXPECT_EQ(Decision(asked), is_taken(asked) ? DECISION_DENY : DECISION_PERMIT)
          << asked.category << " to " << asked.recipient << " for " << asked.purpose << ", "
          << common::v1::Act_Name(asked.act);
    }
  }

  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1");
  std::string consent;
};

// By the agreement's number, and by what it is about alone.
class PartialWithdrawal : public ::testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(PartialWithdrawal, TakesThatAloneAndTheAgreementSaysSo) {
  const auto& [what, by_number] = GetParam();
  Desk desk;
  desk.ExpectTakenAlone([](const Asked& /*asked*/) { return false; });
  ASSERT_EQ(desk.Get().state(), v1::CONSENT_STATE_GIVEN);
  const std::string etag = desk.Get().etag();

  const auto withdrawn = desk.Withdraw("w1", what.taken, by_number);
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_THAT(withdrawn->consent_ids(), ElementsAre(desk.consent));
  desk.ExpectTakenAlone(what.is_taken);
  const v1::Consent consent = desk.Get();
  EXPECT_EQ(consent.state(), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_THAT(desk.Events(), ElementsAre(v1::CONSENT_STATE_GIVEN, v1::CONSENT_STATE_PARTLY_WITHDRAWN));
  EXPECT_EQ(consent.events(1).at().seconds(), withdrawn->written().time().seconds());
  EXPECT_EQ(consent.lines_size(), 2) << "what she agreed to is told as it was";
  EXPECT_NE(consent.etag(), etag);

  desk.world.Restart();
  desk.ExpectTakenAlone(what.is_taken);
  EXPECT_EQ(desk.Get().SerializeAsString(), consent.SerializeAsString());

  v1::ConsentLine rest;  // all of it
  ASSERT_TRUE(desk.Withdraw("w2", rest, by_number).ok());
  desk.ExpectTakenAlone([](const Asked& /*asked*/) { return true; });
  EXPECT_EQ(desk.Get().state(), v1::CONSENT_STATE_WITHDRAWN);
}

INSTANTIATE_TEST_SUITE_P(All, PartialWithdrawal,
                         ::testing::Combine(::testing::ValuesIn(Cases()), ::testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  (std::get<1>(info.param) ? "ByNumber" : "ByLines");
                         });

// What is asked together is permitted together, or not.
TEST(PartialWithdrawals, OfACategoryDeniesWhatIsAskedWithIt) {
  Desk desk;
  const Asked asked = AllOfIt().front();
  ASSERT_EQ(desk.Decision(asked, {"IDENTITY", "ADDRESS"}), DECISION_PERMIT);
  ASSERT_TRUE(desk.Withdraw("w1", OfCategory("ADDRESS"), true).ok());
  EXPECT_EQ(desk.Decision(asked, {"IDENTITY", "ADDRESS"}), DECISION_DENY);
  EXPECT_EQ(desk.Decision(asked, {"IDENTITY"}), DECISION_PERMIT);
}

TEST(PartialWithdrawals, OfWhatTheAgreementDoesNotHaveTakesNothing) {
  Desk desk;
  ASSERT_TRUE(desk.Withdraw("w1", OfCategory("FAMILY"), true).ok());
  desk.ExpectTakenAlone([](const Asked& /*asked*/) { return false; });
  EXPECT_EQ(desk.Get().state(), v1::CONSENT_STATE_GIVEN);
}

// A renewal is of what is left (D-2.12).
TEST(PartialWithdrawals, StayTakenBackWhenTheRestIsRenewed) {
  Desk desk;
  ASSERT_TRUE(desk.Withdraw("w1", OfRecipient("caf"), true).ok());
  const int64_t first_end = desk.Get().valid_until().seconds();
  v1::RenewConsentRequest renewal;
  renewal.set_request_id("r1");
  *renewal.mutable_person() = desk.person;
  renewal.set_consent_id(desk.consent);
  renewal.set_method(v1::METHOD_SIGNED_PAPER);
  renewal.mutable_notice()->set_id("notice-1");
  renewal.mutable_notice()->set_version("3");
  const auto renewed =
      desk.world.Run(desk.world.service().consents().RenewConsent(desk.world.As("ville-paris"), renewal));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  desk.ExpectTakenAlone([](const Asked& asked) { return asked.recipient == "caf"; });
  EXPECT_EQ(desk.Get().state(), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  desk.world.harness().sim().RunFor(kDay * 364 + absl::Hours(12));
  ASSERT_GT(absl::ToUnixSeconds(desk.world.log().Now()), first_end);
  ASSERT_EQ(desk.Get().valid_until().seconds(), renewed->valid_until().seconds());
  desk.ExpectTakenAlone([](const Asked& asked) { return asked.recipient == "caf"; });
}

}  // namespace
}  // namespace relais::consent
