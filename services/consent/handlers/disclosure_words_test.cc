// What an entry of her history says of a check: in words, who gave what to whom, why, and on what ground.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "google/protobuf/message.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/disclosures.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::DisclosureTest;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SimWorld;

common::v1::Date DateOf(int year) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(6);
  date.set_day(1);
  return date;
}

TEST_F(DisclosureTest, SaysInPlainFrenchWhoGaveWhatToWhomWhyAndOnWhatGround) {
  Checked(SimWorld::CheckFor(person_));
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  const v1::Disclosure& entry = history.disclosures(0);
  EXPECT_EQ(entry.kind(), v1::DISCLOSURE_KIND_PERMITTED);
  EXPECT_EQ(entry.sender().institution(), "ville-paris");
  EXPECT_EQ(entry.recipient().institution(), "caf");
  EXPECT_EQ(entry.purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(entry.ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_THAT(entry.fr(),
              HasSubstr("Le 03/11/2026 à 11 h 00, Ville de Paris (Assistant de service social) a pu "
                        "donner à Caisse d'allocations familiales de Paris ces informations"));
  EXPECT_THAT(entry.fr(), HasSubstr("Identité"));
  EXPECT_THAT(entry.fr(), HasSubstr("But : Ouvrir ou rétablir des droits sociaux."));
  EXPECT_THAT(entry.fr(), HasSubstr("C'était permis avec votre accord."));
  EXPECT_THAT(entry.en(), HasSubstr("with your agreement"));
}

// RGPD art. 15: by institution and function, in the entry and in both languages.
TEST_F(DisclosureTest, TellsTheFunctionsOfBothSides) {
  v1::CheckRequest request = SimWorld::CheckFor(person_);
  request.mutable_recipient()->set_function("travailleur-social");
  Checked(request);
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  const v1::Disclosure& entry = history.disclosures(0);
  EXPECT_EQ(entry.sender().function(), "assistant-social") << "in which it asked, though it did not write it";
  EXPECT_EQ(entry.recipient().function(), "travailleur-social");
  for (const std::string& said : {entry.fr(), entry.en()}) {
    EXPECT_THAT(said, HasSubstr("Ville de Paris (Assistant de service social) "));
    EXPECT_THAT(said, HasSubstr("Caisse d'allocations familiales de Paris (Travailleur social) "));
  }
}

// The function of who asks is that of the side that asks for itself, and nobody else's.
TEST_F(DisclosureTest, AFunctionIsToldOfTheSideThatAskedAlone) {
  struct Case {
    const char* asked_by;
    const char* recipient;
    const char* sender_wrote;
    const char* recipient_wrote;
    const char* sender_told;
    const char* recipient_told;
  };
  const std::string siao = world_.directory().FindInstitution("siao")->name;
  // Who asks acts as an assistant-social.
  for (const Case& each :
       {Case{"ville-paris", "siao", "", "", "assistant-social", ""},
        Case{"ville-paris", "siao", "travailleur-social", "", "travailleur-social", ""},
        Case{"siao", "siao", "", "", "", "assistant-social"},
        Case{"siao", "siao", "", "travailleur-social", "", "travailleur-social"},
        Case{"siao", "siao", "travailleur-social", "", "travailleur-social", "assistant-social"},
        Case{"caf", "siao", "", "", "", ""}, Case{"service/routing", "siao", "", "", "", ""},
        Case{"ville-paris", "ville-paris", "", "", "", ""}}) {
    audit::OpenedLeaf leaf;
    leaf.leaf.time = world_.log().Now();
    leaf.leaf.header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
    leaf.leaf.header.set_institution(each.asked_by);
    leaf.leaf.header.set_decision(common::v1::DECISION_PERMIT);
    leaf.details.set_acting_function("assistant-social");
    v1::CheckDecided check;
    check.mutable_sender()->set_institution("ville-paris");
    check.mutable_sender()->set_function(each.sender_wrote);
    check.mutable_recipient()->set_institution(each.recipient);
    check.mutable_recipient()->set_function(each.recipient_wrote);
    leaf.details.mutable_payload()->PackFrom(check);
    const auto entry = EntryOf(leaf, Words());
    ASSERT_TRUE(entry.has_value() && std::holds_alternative<v1::Disclosure>(*entry)) << each.asked_by;
    const auto& shown = std::get<v1::Disclosure>(*entry);
    EXPECT_EQ(shown.sender().function(), each.sender_told) << each.asked_by << " to " << each.recipient;
    EXPECT_EQ(shown.recipient().function(), each.recipient_told) << each.asked_by << " to " << each.recipient;
    for (const std::string& said : {shown.fr(), shown.en()}) {
      EXPECT_EQ(said.find("Ville de Paris (") != std::string::npos, *each.sender_told != '\0') << said;
      EXPECT_EQ(said.find(siao + " (") != std::string::npos, *each.recipient_told != '\0') << said;
    }
  }
}

// In both languages; of the sender that did not ask nothing is made up.
TEST_F(DisclosureTest, WhoReceivesAndAsksSpeaksForItselfAlone) {
  rpc::Call call = world_.As("caf");
  call.caller.function = "travailleur-social";
  v1::CheckRequest request = SimWorld::CheckFor(person_);
  request.set_dry_run(false);
  *request.mutable_person() = rpc::HandleFor(world_.context(), "caf", world_.IdOf(person_));
  SimWorld::Require(world_.Run(world_.service().checks().Check(call, request)).status());
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  const v1::Disclosure& entry = history.disclosures(0);
  EXPECT_EQ(entry.sender().function(), "");
  EXPECT_EQ(entry.recipient().function(), "travailleur-social") << "in which it asked";
  EXPECT_THAT(entry.fr(), HasSubstr(", Ville de Paris a pu donner à Caisse d'allocations familiales de Paris "
                                    "(Travailleur social) ces informations"));
  EXPECT_THAT(entry.en(), HasSubstr(", Ville de Paris could give Caisse d'allocations familiales de Paris "
                                    "(Travailleur social) this information"));
  AsksForACopy("caf");
  EXPECT_EQ(LastOf("caf", v1::DISCLOSURE_KIND_PERMITTED).recipient().function(), "travailleur-social")
      << "its own";
}

// A service asks for two others: whatever its leaf says of a function, it is not theirs.
TEST_F(DisclosureTest, OfWhoIsNeitherSideNoFunctionIsTold) {
  v1::CheckRequest request = SimWorld::CheckFor(person_);
  request.set_dry_run(false);
  rpc::Call call = world_.AsService("routing");
  call.caller.function = "assistant-social";
  request.mutable_person()->set_person_id(world_.IdOf(person_).ToBytes());
  SimWorld::Require(world_.Run(world_.service().checks().Check(call, request)).status());
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  const v1::Disclosure& entry = history.disclosures(0);
  EXPECT_EQ(entry.sender().function(), "");
  EXPECT_EQ(entry.recipient().function(), "");
  EXPECT_THAT(entry.fr(), HasSubstr(", Ville de Paris a pu donner à Caisse d'allocations familiales de Paris "
                                    "ces informations"));
  EXPECT_THAT(entry.en(), HasSubstr(", Ville de Paris could give Caisse d'allocations familiales de Paris "
                                    "this information"));
}

// D-2.6.7: to institutions NOT_PERMITTED, to her why.
TEST_F(DisclosureTest, ADenialTellsHerWhy) {
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  SimWorld::Require(world_.Record(SimWorld::ConsentFor(person_, "c2")).status());
  v1::CheckRequest other = SimWorld::CheckFor(person_);
  other.mutable_recipient()->set_institution("siao");
  Checked(other);
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  EXPECT_EQ(history.disclosures(0).kind(), v1::DISCLOSURE_KIND_DENIED);
  EXPECT_EQ(history.disclosures(0).ground(), common::v1::GROUND_UNSPECIFIED);
  EXPECT_THAT(history.disclosures(0).fr(), HasSubstr("n'a pas été permis : vous aviez repris votre accord."));
  EXPECT_EQ(history.disclosures(0).reason(), v1::REASON_WITHDRAWN);
  EXPECT_EQ(world_.Check(other)->reason(), v1::REASON_NOT_PERMITTED);
}

// Of several grounds each with its own; nothing is told as hers that another said for her (ADR 59).
TEST_F(DisclosureTest, EachGroundIsToldAndWhoSpoke) {
  v1::RecordConsentRequest for_her = SimWorld::ConsentFor(person_, "c2");
  for_her.mutable_lines(0)->mutable_recipients(0)->set_institution("aphp");
  v1::Representative& tutor = *for_her.mutable_representative();
  tutor.set_kind(v1::REPRESENTATION_TUTELLE);
  tutor.set_scope(v1::JUDGMENT_SCOPE_PERSON);
  *tutor.mutable_from() = DateOf(2025);
  *tutor.mutable_until() = DateOf(2027);
  tutor.set_reference("TJ Paris 24/01234");
  v1::CheckRequest to_hospital = SimWorld::CheckFor(person_);
  to_hospital.mutable_recipient()->set_institution("aphp");
  const auto recorded = world_.Record(for_her);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  Checked(to_hospital);
  v1::DeclareRequest emergency;
  emergency.set_request_id("e1");
  *emergency.mutable_person() = person_;
  emergency.mutable_recipient()->set_institution("aphp");
  emergency.add_categories("HEALTH");
  emergency.set_facts("Inconsciente.");
  emergency.set_person_unable(true);
  emergency.set_danger_serious(true);
  SimWorld::Require(
      world_.Run(world_.service().emergencies().Declare(world_.As("ville-paris"), emergency)).status());
  to_hospital.add_categories("HEALTH");
  Checked(to_hospital);
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 3);
  const v1::Disclosure& both = history.disclosures(0);
  EXPECT_THAT(both.fr(),
              HasSubstr("C'était permis avec l'accord donné pour vous par qui vous représente (Identité) ; "
                        "parce que votre vie était en danger et que vous ne pouviez pas le dire (Santé"));
  EXPECT_THAT(both.en(),
              HasSubstr("It was allowed with the agreement given for you by who represents you ("));
  EXPECT_EQ(both.ground(), common::v1::GROUND_UNSPECIFIED) << "it has no one ground";
  EXPECT_EQ(both.consent_id(), "");
  const v1::Disclosure& one = history.disclosures(2);
  EXPECT_THAT(one.fr(), HasSubstr("C'était permis avec l'accord donné pour vous par qui vous représente."));
  EXPECT_THAT(one.fr(), Not(HasSubstr("votre accord")));
  EXPECT_EQ(one.ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_EQ(one.consent_id(), recorded->consent_id());
}

// D-2.7: what was said of her on an authorised sender's ground is hers to know.
TEST_F(DisclosureTest, APlannedExitIsShownWithItsGround) {
  const Reviews none;
  const HistoryWords words{world_.directory(),
                           *world_.service().registry().rules.Of(testing::SampleDirectory()),
                           world_.service().registry().paris, world_.log().Now(), none};
  audit::OpenedLeaf leaf;
  leaf.leaf.time = world_.log().Now();
  leaf.leaf.header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
  leaf.leaf.header.set_decision(common::v1::DECISION_PERMIT);
  leaf.leaf.header.set_ground(common::v1::GROUND_AUTHORISED_EXIT);
  v1::CheckDecided check;
  check.mutable_recipient()->set_institution("caf");
  leaf.details.mutable_payload()->PackFrom(check);
  const auto entry = EntryOf(leaf, words);
  ASSERT_TRUE(entry.has_value() && std::holds_alternative<v1::Disclosure>(*entry));
  EXPECT_THAT(std::get<v1::Disclosure>(*entry).fr(), HasSubstr("d'annoncer votre sortie"));
  EXPECT_THAT(std::get<v1::Disclosure>(*entry).en(), HasSubstr("that you leave"));
}

// Every reason of a denial has words, but for the two that tell nothing of her.
TEST_F(DisclosureTest, EveryReasonOfADenialIsSaid) {
  const Reviews none;
  const HistoryWords words{world_.directory(),
                           *world_.service().registry().rules.Of(testing::SampleDirectory()),
                           world_.service().registry().paris, world_.log().Now(), none};
  for (int value = v1::REASON_REFUSED; value <= v1::Reason_MAX; ++value) {
    if (!v1::Reason_IsValid(value) || value == v1::REASON_GROUND_NOT_ESTABLISHED ||
        value == v1::REASON_DIRECTORY_EXPIRED) {
      continue;
    }
    audit::OpenedLeaf leaf;
    leaf.leaf.time = world_.log().Now();
    leaf.leaf.header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
    leaf.leaf.header.set_decision(common::v1::DECISION_DENY);
    v1::CheckDecided check;
    check.set_reason(static_cast<v1::Reason>(value));
    check.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(check);
    const auto entry = EntryOf(leaf, words);
    ASSERT_TRUE(entry.has_value() && std::holds_alternative<v1::Disclosure>(*entry)) << value;
    EXPECT_THAT(std::get<v1::Disclosure>(*entry).fr(), HasSubstr("permis : "))
        << v1::Reason_Name(check.reason());
    EXPECT_THAT(std::get<v1::Disclosure>(*entry).en(), HasSubstr("allowed: "))
        << v1::Reason_Name(check.reason());
    check.set_represented(true);
    leaf.details.mutable_payload()->PackFrom(check);
    const std::string for_her = std::get<v1::Disclosure>(*EntryOf(leaf, words)).fr();
    EXPECT_THAT(for_her, HasSubstr("permis : ")) << v1::Reason_Name(check.reason());
    if (check.reason() == v1::REASON_REFUSED || check.reason() == v1::REASON_WITHDRAWN) {
      EXPECT_THAT(for_her, HasSubstr("qui vous représente"));
      EXPECT_THAT(for_her, Not(HasSubstr("vous aviez")));
      EXPECT_THAT(for_her, Not(HasSubstr("vous l'aviez")));
    }
  }
}

// D-2.1: she reads "accord", never "consentement", whatever the ground, the reason and the directory's words.
TEST_F(DisclosureTest, FrenchSaysAccordAndNeverConsentement) {
  audit::OpenedLeaf leaf;
  leaf.leaf.time = world_.log().Now();
  leaf.details.set_acting_function("assistant-social");
  audit::v1::LeafHeader& header = leaf.leaf.header;
  header.set_institution("ville-paris");
  for (const directory::CodeEntry& category : world_.directory().content().categories) {
    header.add_categories(category.code);
  }
  int said = 0;
  const auto judge = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload) {
    header.set_event_class(event_class);
    leaf.details.mutable_payload()->PackFrom(payload);
    const auto entry = EntryOf(leaf, Words());
    ASSERT_TRUE(entry.has_value()) << event_class;
    const std::string fr =
        absl::AsciiStrToLower(std::visit([](const auto& told) { return told.fr(); }, *entry));
    EXPECT_THAT(fr, Not(HasSubstr("consentement")));
    said += fr.find("accord") == std::string::npos ? 0 : 1;
  };
  v1::CheckDecided check;
  check.mutable_sender()->set_institution("ville-paris");
  check.mutable_recipient()->set_institution("caf");
  const auto& grounds = *common::v1::Ground_descriptor();
  const auto& reasons = *v1::Reason_descriptor();
  for (const bool represented : {false, true}) {
    check.set_represented(represented);
    header.set_decision(common::v1::DECISION_PERMIT);
    for (int i = 0; i < grounds.value_count(); ++i) {
      header.set_ground(static_cast<common::v1::Ground>(grounds.value(i)->number()));
      judge(audit::v1::EVENT_CLASS_CHECK_DECIDED, check);
    }
    header.set_decision(common::v1::DECISION_DENY);
    header.clear_ground();
    for (int i = 0; i < reasons.value_count(); ++i) {
      check.set_reason(static_cast<v1::Reason>(reasons.value(i)->number()));
      judge(audit::v1::EVENT_CLASS_CHECK_DECIDED, check);
    }
  }
  for (const directory::CodeEntry& purpose : world_.directory().content().purposes) {
    header.set_purpose(purpose.code);
    judge(audit::v1::EVENT_CLASS_CHECK_DECIDED, check);
  }
  v1::EmergencyDeclared emergency;
  emergency.mutable_recipient()->set_institution("caf");
  judge(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, emergency);
  for (const audit::v1::EventClass read :
       {audit::v1::EVENT_CLASS_HISTORY_READ, audit::v1::EVENT_CLASS_RIGHTS_EXPORTED,
        audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, audit::v1::EVENT_CLASS_RECEIPT_GIVEN}) {
    judge(read, check);
  }
  EXPECT_GT(said, 10);  // of the agreement's grounds, of what it lacked, and of its receipt
}

}  // namespace
}  // namespace relais::consent
