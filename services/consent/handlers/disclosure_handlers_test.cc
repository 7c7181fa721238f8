#include "services/consent/handlers/disclosure_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/audit/big_endian.h"
#include "common/base/testing/seeded_random.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::HasSubstr;
using testing::Merge;
using ::testing::Not;
using testing::Refuse;
using testing::SimWorld;

common::v1::Date DateOf(int year) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(6);
  date.set_day(1);
  return date;
}

// No word of these, wherever in the answer.
void ExpectNowhere(const v1::ListDisclosuresResponse& history, const std::vector<std::string>& never) {
  const std::string all = history.Utf8DebugString();
  for (const std::string& word : never) {
    EXPECT_THAT(all, Not(HasSubstr(word)));
  }
}

// What Report() says, and who says it in what function, to whom.
std::vector<std::string> OfTheReport() {
  return {"coups",     "Voisine",  "bspp",    "BSPP",        "Brigade",       "pompiers", "226",
          "SOCIAL",    "DISTRESS", "SERIOUS", "IDENTITY",    "Identit",       "agent-1",  "assistant-social",
          "Assistant", "CP_",      "LEGAL",   "ville-paris", "Ville de Paris"};
}

class DisclosureTest : public ::testing::Test {
 protected:
  DisclosureTest() : person_(world_.NewPerson("case-1", SimWorld::Marie())) {
    SimWorld::Require(world_.Record(SimWorld::ConsentFor(person_, "c1")).status());
  }
  absl::StatusOr<v1::ListDisclosuresResponse> Page(const std::string& institution, int size = 0,
                                                   const std::string& token = "") {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    request.set_page_size(size);
    request.set_page_token(token);
    return world_.Run(world_.service().disclosures().ListDisclosures(world_.As(institution), request));
  }
  v1::ListDisclosuresResponse All(int size = 0) {
    v1::ListDisclosuresResponse all;
    std::string token;
    do {
      const absl::StatusOr<v1::ListDisclosuresResponse> page = Page("ville-paris", size, token);
      SimWorld::Require(page.status());
      token = page->next_page_token();
      all.MergeFrom(*page);
    } while (!token.empty());
    return all;
  }
  void Checked(const v1::CheckRequest& request, const std::string& as = "ville-paris") {
    v1::CheckRequest recorded = request;
    recorded.set_dry_run(false);
    *recorded.mutable_person() = rpc::HandleFor(world_.context(), as, world_.IdOf(person_));
    const auto response = world_.Run(world_.service().checks().Check(world_.As(as), recorded));
    SimWorld::Require(response.status());
  }
  // Code pénal 226-14 1°, by the brigade.
  v1::CheckRequest Report(bool permitted = true) {
    v1::CheckRequest request = SimWorld::CutFor(person_, "bspp");
    request.set_purpose("SOCIAL_ASSESSMENT");
    request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
    request.mutable_stated_ground()->set_signal_type("DISTRESS_REPORT");
    request.mutable_stated_ground()->set_event("SERIOUS");
    request.mutable_stated_ground()->set_facts(permitted ? "Voisine entendue : coups." : "");
    return request;
  }

  // Break-glass: its facts name somebody else, and it comes from a report.
  void Declared(const std::string& request_id, const std::string& recipient) {
    v1::DeclareRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.mutable_recipient()->set_institution(recipient);
    request.add_categories("IDENTITY");
    request.set_facts("Seul, inconscient. Vu par Karim Benali.");
    request.set_source_reference("report-" + request_id);
    request.set_person_unable(true);
    request.set_danger_serious(true);
    rpc::Call call = world_.As("ville-paris");
    call.caller.agent = "agent-claire";
    call.caller.reason = "appel de Karim Benali";
    SimWorld::Require(world_.Run(world_.service().emergencies().Declare(call, request)).status());
  }
  // A leaf about her of that class, without a payload.
  void Wrote(audit::v1::EventClass event_class, const std::string& institution) {
    audit::Event event =
        rpc::EventOf(world_.As(institution), {institution, "assistant-social", "agent-1"}, event_class, "");
    event.event_id = world_.context().random.Id();
    event.subject = PersonSubject(world_.IdOf(person_));
    SimWorld::Require(world_.Run(rpc::WriteLoneLeaf(world_.context(), std::move(event))).status());
  }
  // Whether a leaf holds that text: what an answer is not to show is there to be shown.
  bool IsRecorded(const std::string& text) {
    const std::vector<audit::OpenedLeaf> leaves = world_.Leaves();
    return std::any_of(leaves.begin(), leaves.end(), [&](const audit::OpenedLeaf& leaf) {
      return leaf.details.SerializeAsString().find(text) != std::string::npos;
    });
  }
  HistoryWords Words() {
    return {world_.directory(), *world_.service().registry().rules.Of(testing::SampleDirectory()),
            world_.service().registry().paris, world_.log().Now(), none_};
  }

  // She asks that institution for what is kept about her.
  void AsksForACopy(const std::string& institution) {
    v1::OpenRequest request;
    request.set_request_id("copy-" + institution);
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    request.set_right(v1::RIGHT_ACCESS);
    SimWorld::Require(world_.Run(world_.service().rights().Open(world_.As(institution), request)).status());
  }
  v1::CheckDecided LastCheck() {
    v1::CheckDecided check;
    for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
      if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED) {
        EXPECT_TRUE(leaf.details.payload().UnpackTo(&check));
      }
    }
    return check;
  }
  // The last entry of a check that this institution sees, whatever it reads.
  v1::Disclosure LastOf(const std::string& institution, v1::DisclosureKind kind) {
    const auto page = Page(institution);
    SimWorld::Require(page.status());
    const auto found = std::find_if(page->disclosures().begin(), page->disclosures().end(),
                                    [kind](const v1::Disclosure& entry) { return entry.kind() == kind; });
    EXPECT_NE(found, page->disclosures().end());
    return found == page->disclosures().end() ? v1::Disclosure() : *found;
  }
  // A token of the first of several pages.
  std::string TokenOfFirst() {
    const auto page = Page("ville-paris", 1);
    SimWorld::Require(page.status());
    EXPECT_FALSE(page->next_page_token().empty());
    return page->next_page_token();
  }
  bool Refused(const std::string& token) {
    return Page("ville-paris", 1, token).status().code() == absl::StatusCode::kInvalidArgument;
  }

  Reviews none_;
  SimWorld world_;
  common::v1::PersonRef person_;
};

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

// An exercise discloses nothing: a permit of one, a denial of one, and one that would be withheld.
TEST_F(DisclosureTest, ExercisesAreNoDisclosures) {
  v1::CheckRequest permitted = SimWorld::CheckFor(person_);
  permitted.set_exercise(true);
  Checked(permitted);
  v1::CheckRequest denied = permitted;
  denied.mutable_recipient()->set_institution("siao");
  Checked(denied);
  v1::CheckRequest report = Report();
  report.set_exercise(true);
  Checked(report, "bspp");
  const v1::ListDisclosuresResponse history = All();
  EXPECT_EQ(history.disclosures_size(), 0);
  EXPECT_EQ(history.withheld_size(), 0);
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

TEST_F(DisclosureTest, WhoComparedHerAndWhoGaveHerReceiptIsShown) {
  for (const auto& [event_class, kind] :
       {std::pair{audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, v1::DISCLOSURE_KIND_COMPARED},
        std::pair{audit::v1::EVENT_CLASS_RECEIPT_GIVEN, v1::DISCLOSURE_KIND_RECEIPT_GIVEN}}) {
    audit::Event event =
        rpc::EventOf(world_.As("caf"), {"caf", "assistant-social", "agent-1"}, event_class, "");
    event.event_id = world_.context().random.Id();
    event.subject = PersonSubject(world_.IdOf(person_));
    SimWorld::Require(world_.Run(rpc::WriteLoneLeaf(world_.context(), std::move(event))).status());
    const v1::ListDisclosuresResponse history = All();
    const auto found =
        std::find_if(history.disclosures().begin(), history.disclosures().end(),
                     [kind = kind](const v1::Disclosure& entry) { return entry.kind() == kind; });
    ASSERT_NE(found, history.disclosures().end());
    EXPECT_EQ(found->sender().institution(), "caf");
    EXPECT_FALSE(found->fr().empty());
  }
}

// What is withheld tells nothing but that something is, since when, and until when at least.
TEST_F(DisclosureTest, ProtectedReportsAreWithheld) {
  Checked(Report(), "bspp");
  const v1::ListDisclosuresResponse history = All();
  EXPECT_EQ(history.disclosures_size(), 0);
  ASSERT_EQ(history.withheld_size(), 1);
  const v1::WithheldDisclosure& withheld = history.withheld(0);
  EXPECT_EQ(withheld.reason(), v1::WITHHELD_REASON_PROTECTION);
  EXPECT_EQ(withheld.decided_on().day(), 3);
  EXPECT_EQ(withheld.review_on().year(), 2027);
  EXPECT_EQ(withheld.review_on().month(), 5);
  EXPECT_FALSE(withheld.review_due());
  ASSERT_TRUE(IsRecorded("coups"));
  ExpectNowhere(history, OfTheReport());
}

// What is told about an inquiry into how a child lives could reach who is its subject.
TEST_F(DisclosureTest, AnEmergencyForChildProtectionIsWithheld) {
  Declared("e1", "crip75");
  ASSERT_TRUE(IsRecorded("Benali") && IsRecorded("report-e1"));
  const v1::ListDisclosuresResponse withheld = All();
  EXPECT_EQ(withheld.disclosures_size(), 0);
  EXPECT_EQ(withheld.withheld_size(), 1);
  ExpectNowhere(withheld, {"inconscient", "Benali", "report-", "crip75", "Cellule", "ville-paris",
                           "Ville de Paris", "assistant-social", "Assistant", "agent-", "IDENTITY", "Identit",
                           "EMERGENCY", "urgence", "danger", "enfant"});
  Declared("e2", "caf");
  const v1::ListDisclosuresResponse both = All();
  EXPECT_EQ(both.withheld_size(), 1);
  EXPECT_EQ(std::count_if(both.disclosures().begin(), both.disclosures().end(),
                          [](const v1::Disclosure& entry) {
                            return entry.kind() == v1::DISCLOSURE_KIND_EMERGENCY &&
                                   entry.recipient().institution() == "caf";
                          }),
            1);
  ExpectNowhere(both, {"inconscient", "Benali", "report-", "crip75", "Cellule", "agent-", "enfant"});
}

// What is shown is institutions, functions and codes: nothing of facts, who is named in them, agents or
// references.
TEST_F(DisclosureTest, WhatIsShownHasNoFactsAgentsOrReferences) {
  v1::CheckRequest cut = SimWorld::CutFor(person_);
  cut.mutable_stated_ground()->set_source_reference("bill-4711");
  cut.mutable_stated_ground()->set_facts("Relevé remis à Awa Diallo.");
  Checked(cut, "edf");
  Declared("e1", "caf");
  ASSERT_TRUE(IsRecorded("Benali") && IsRecorded("report-e1") && IsRecorded("bill-4711"));
  All();  // from here on the reading is an entry, too
  const v1::ListDisclosuresResponse history = All();
  std::set<v1::DisclosureKind> kinds;
  for (const v1::Disclosure& entry : history.disclosures()) {
    kinds.insert(entry.kind());
  }
  EXPECT_EQ(kinds, (std::set<v1::DisclosureKind>{v1::DISCLOSURE_KIND_PERMITTED, v1::DISCLOSURE_KIND_EMERGENCY,
                                                 v1::DISCLOSURE_KIND_HISTORY_READ}));
  ExpectNowhere(history, {"inconscient", "Benali", "Karim", "report-", "bill-", "Relevé", "Diallo", "agent-",
                          "appel", "case-1", "Durand", "Marie"});
}

// A check that stands on facts and is shown, whatever was decided.
TEST_F(DisclosureTest, FactsOfACheckAreInNoEntry) {
  for (const auto decision : {common::v1::DECISION_PERMIT, common::v1::DECISION_DENY}) {
    audit::OpenedLeaf leaf;
    leaf.leaf.time = world_.log().Now();
    leaf.leaf.header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
    leaf.leaf.header.set_decision(decision);
    leaf.leaf.header.set_ground(common::v1::GROUND_AUTHORISED_EXIT);
    v1::CheckDecided check;
    check.mutable_sender()->set_institution("ville-paris");
    check.mutable_recipient()->set_institution("caf");
    check.set_facts("Sort le 4, chez Karim Benali.");
    check.set_source_reference("levee-4711");
    leaf.details.mutable_payload()->PackFrom(check);
    const auto entry = EntryOf(leaf, Words());
    ASSERT_TRUE(entry.has_value() && std::holds_alternative<v1::Disclosure>(*entry));
    const std::string shown = std::get<v1::Disclosure>(*entry).Utf8DebugString();
    for (const char* never : {"Sort", "Benali", "levee", "4711"}) {
      EXPECT_THAT(shown, Not(HasSubstr(never)));
    }
  }
}

// Who lives at her address, and whose record may be hers and nobody has said so: each has its own history.
TEST_F(DisclosureTest, NothingShowsOfHerHouseholdOrOfACandidate) {
  v1::Traits hers = SimWorld::Marie();
  hers.mutable_birth_date()->set_year(1961);
  hers.mutable_birth_date()->set_month(1);
  hers.mutable_birth_date()->set_day(1);  // never linked at once
  hers.set_birthplace("Lyon");
  person_ = world_.NewPerson("case-2", hers);
  v1::Traits alike = hers;
  alike.set_address("3 rue Neuve");
  alike.set_phone("0612345678");
  const auto candidate = world_.Register("r-c1", "C-1", alike, "caf");
  SimWorld::Require(candidate.status());
  v1::Traits at_hers = SimWorld::Marie();
  at_hers.set_first_names("Zoé");
  at_hers.mutable_birth_date()->set_year(2010);
  at_hers.mutable_birth_date()->set_month(6);
  at_hers.mutable_birth_date()->set_day(9);
  const common::v1::PersonRef child = world_.NewPerson("case-zoe", at_hers);
  world_.Follow(world_.service().own_leaves());
  ASSERT_GE(world_.Count(audit::v1::EVENT_CLASS_CANDIDATE_FOUND), 2U);
  ASSERT_FALSE(testing::AreOne(world_, person_, child));
  SimWorld::Require(world_.Record(SimWorld::ConsentFor(person_, "c2")).status());
  SimWorld::Require(world_.Record(SimWorld::ConsentFor(child, "c3")).status());

  v1::CheckRequest own = SimWorld::CheckFor(person_);
  own.mutable_recipient()->set_institution("siao");
  Checked(own);
  const common::v1::PersonRef her = person_;
  person_ = child;
  Checked(SimWorld::CheckFor(person_));
  Checked(Report(), "bspp");
  Declared("e1", "aphp");
  const v1::ListDisclosuresResponse of_child = All();
  EXPECT_EQ(of_child.disclosures_size(), 2);
  EXPECT_EQ(of_child.withheld_size(), 1);
  person_ = her;
  v1::CheckRequest of_candidate = SimWorld::CheckFor(candidate->person(), false);
  of_candidate.mutable_sender()->set_institution("caf");
  for (const char* recipient : {"emmaus", "crip75"}) {
    of_candidate.mutable_recipient()->set_institution(recipient);
    SimWorld::Require(world_.Run(world_.service().checks().Check(world_.As("caf"), of_candidate)).status());
  }
  ASSERT_EQ(world_.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 5U);
  const auto compared =
      world_.Run(world_.service().candidates().ListCandidates(world_.As("ville-paris", "steward"), {}));
  ASSERT_TRUE(compared.ok()) << compared.status();

  const v1::ListDisclosuresResponse history = All();
  std::set<v1::DisclosureKind> kinds;
  for (const v1::Disclosure& entry : history.disclosures()) {
    kinds.insert(entry.kind());
  }
  EXPECT_EQ(kinds, (std::set<v1::DisclosureKind>{v1::DISCLOSURE_KIND_DENIED, v1::DISCLOSURE_KIND_COMPARED}));
  EXPECT_EQ(history.withheld_size(), 0);
  ExpectNowhere(history,
                {"\"caf\"", "Caisse", "emmaus", "Emmaüs", "aphp", "bspp", "crip75", "Benali", "rue Neuve",
                 "0612345678", "Zo", "case-", "C-1", child.handle(), candidate->person().handle(),
                 world_.IdOf(child).ToHex(), world_.IdOf(candidate->person(), "caf").ToHex()});
}

TEST_F(DisclosureTest, StillWithheldOnceReviewIsDue) {
  Checked(Report(), "bspp");
  world_.harness().sim().RunFor(absl::Hours(24 * 200));
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.withheld_size(), 1);
  EXPECT_TRUE(history.withheld(0).review_due());
  EXPECT_EQ(history.disclosures_size(), 0);
  ExpectNowhere(history, OfTheReport());
}

TEST_F(DisclosureTest, BoundsDoNotTellTheInstantOfWhatIsWithheld) {
  Checked(SimWorld::CheckFor(person_));
  Checked(Report(), "bspp");
  const auto within = [&](absl::Time from, absl::Time until) {
    v1::ListDisclosuresRequest request;
    *request.mutable_person() = person_;
    *request.mutable_from() = TimeTo(from);
    *request.mutable_until() = TimeTo(until);
    const auto page =
        world_.Run(world_.service().disclosures().ListDisclosures(world_.As("ville-paris"), request));
    SimWorld::Require(page.status());
    return *page;
  };
  const absl::Time start = testing::StoryStart();
  const v1::ListDisclosuresResponse later = within(start + absl::Hours(6), start + absl::Hours(7));
  EXPECT_EQ(later.disclosures_size(), 0);
  EXPECT_EQ(later.withheld_size(), 1);  // the same day
  EXPECT_EQ(within(start + absl::Hours(24), start + absl::Hours(48)).withheld_size(), 0);
  EXPECT_EQ(within(start - absl::Hours(48), start - absl::Hours(24)).withheld_size(), 0);
  const v1::ListDisclosuresResponse around = within(start - absl::Hours(1), start + absl::Hours(1));
  EXPECT_EQ(around.disclosures(around.disclosures_size() - 1).kind(), v1::DISCLOSURE_KIND_PERMITTED);
}

TEST_F(DisclosureTest, ADeniedReportIsWithheldToo) {
  v1::CheckRequest without_facts = Report(false);
  without_facts.mutable_stated_ground()->set_source_reference("detresse-77");
  Checked(without_facts, "bspp");
  EXPECT_EQ(LastCheck().reason(), v1::REASON_GROUND_NOT_ESTABLISHED);
  v1::CheckRequest to_whom_not = Report();
  to_whom_not.clear_recipient_desk();
  to_whom_not.mutable_recipient()->set_institution("caf");
  Checked(to_whom_not, "bspp");
  EXPECT_EQ(LastCheck().reason(), v1::REASON_RECIPIENT_NOT_ALLOWED);
  ASSERT_TRUE(IsRecorded("detresse-77"));
  const v1::ListDisclosuresResponse history = All();
  EXPECT_EQ(history.withheld_size(), 2);
  EXPECT_EQ(history.disclosures_size(), 0);
  ExpectNowhere(history, OfTheReport());
  ExpectNowhere(history, {"detresse", "Caisse", "\"caf\"", "REASON_GROUND", "REASON_RECIPIENT"});
}

TEST_F(DisclosureTest, ReadingItIsPartOfIt) {
  EXPECT_EQ(All().disclosures_size(), 0);
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.disclosures_size(), 1);
  EXPECT_EQ(history.disclosures(0).kind(), v1::DISCLOSURE_KIND_HISTORY_READ);
  EXPECT_THAT(history.disclosures(0).fr(), HasSubstr("Ville de Paris"));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_HISTORY_READ), 2U);
}

TEST_F(DisclosureTest, OnlyForWhoActsForHer) {
  EXPECT_TRUE(absl::IsNotFound(Page("caf").status()));
  EXPECT_TRUE(absl::IsNotFound(Page("edf").status()));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_HISTORY_READ), 0U);
  // One whose agreement she took back does not act for her any more.
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  EXPECT_TRUE(absl::IsNotFound(Page("ville-paris").status()));
}

// RGPD art. 15: she asked them for it. To who must keep it secret alone.
TEST_F(DisclosureTest, OrWhomSheAskedForACopy) {
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  const auto open = [&](const std::string& id, v1::Right right) {
    v1::OpenRequest request;
    request.set_request_id(id);
    *request.mutable_person() = person_;
    request.set_right(right);
    const auto response = world_.Run(world_.service().rights().Open(world_.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return response->request().rights_id();
  };
  open("o1", v1::RIGHT_ERASURE);
  EXPECT_TRUE(absl::IsNotFound(Page("ville-paris").status()));
  const std::string access = open("o2", v1::RIGHT_ACCESS);
  EXPECT_TRUE(Page("ville-paris").ok());
  EXPECT_TRUE(absl::IsNotFound(Page("caf").status())) << "it was not asked";
  v1::ListDisclosuresRequest as_nobody;
  *as_nobody.mutable_person() = person_;
  EXPECT_TRUE(absl::IsNotFound(world_
                                   .Run(world_.service().disclosures().ListDisclosures(
                                       world_.As("ville-paris", "dsol", ""), as_nobody))
                                   .status()));
  v1::AnswerRequest answer;
  answer.set_request_id("a1");
  *answer.mutable_person() = person_;
  answer.set_rights_id(access);
  answer.set_outcome(v1::RIGHTS_OUTCOME_GRANTED);
  SimWorld::Require(world_.Run(world_.service().rights().Answer(world_.As("ville-paris"), answer)).status());
  EXPECT_TRUE(absl::IsNotFound(Page("ville-paris").status())) << "it is answered";
}

// ADR 78: that she asked is its own word, and opens what it gave and received; her host and who collected an
// agreement of hers read it all.
TEST_F(DisclosureTest, WhomSheAskedForACopySeesItsOwnAlone) {
  Checked(SimWorld::CheckFor(person_));  // ville-paris to caf
  v1::CheckRequest other = SimWorld::CheckFor(person_);
  other.mutable_recipient()->set_institution("emmaus");
  Checked(other);
  Checked(Report(), "bspp");
  v1::CheckRequest to_child_protection = SimWorld::CheckFor(person_);
  to_child_protection.mutable_sender()->set_institution("caf");
  to_child_protection.mutable_recipient()->set_institution("crip75");
  Checked(to_child_protection, "caf");
  v1::OpenRequest request;
  request.set_request_id("o1");
  *request.mutable_person() = rpc::HandleFor(world_.context(), "caf", world_.IdOf(person_));
  request.set_right(v1::RIGHT_ACCESS);
  SimWorld::Require(world_.Run(world_.service().rights().Open(world_.As("caf"), request)).status());
  EXPECT_EQ(All().disclosures_size(), 2);
  EXPECT_EQ(All().withheld_size(), 2);
  const auto own = Page("caf");
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->disclosures_size(), 1);
  EXPECT_EQ(own->disclosures(0).recipient().institution(), "caf");
  EXPECT_EQ(own->withheld_size(), 1) << "what it asked itself";
  const auto again = Page("caf");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->disclosures_size(), 2) << "its own reading";
}

// D-2.6.7, ADR 78: what she denied, and who spoke for her, is not for whom she only asked for a copy.
TEST_F(DisclosureTest, WhomSheAskedForACopyLearnsNoReason) {
  AsksForACopy("caf");
  Checked(SimWorld::CheckFor(person_));  // on the Ville's agreement
  ASSERT_FALSE(LastCheck().consent_id().empty());
  const v1::Disclosure permitted = LastOf("caf", v1::DISCLOSURE_KIND_PERMITTED);
  EXPECT_EQ(permitted.ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_EQ(permitted.consent_id(), "") << "another's agreement";
  EXPECT_THAT(permitted.fr(), HasSubstr("C'était permis sur la base d'un accord."));
  EXPECT_THAT(permitted.en(), HasSubstr("It was allowed on the basis of an agreement."));
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  Checked(SimWorld::CheckFor(person_));
  ASSERT_EQ(LastCheck().reason(), v1::REASON_WITHDRAWN);
  const v1::Disclosure denied = LastOf("caf", v1::DISCLOSURE_KIND_DENIED);
  EXPECT_EQ(denied.reason(), v1::REASON_UNSPECIFIED);
  EXPECT_EQ(denied.consent_id(), "");
  EXPECT_THAT(denied.fr(), HasSubstr("Cela n'a pas été permis. Rien n'a été donné."));
  EXPECT_THAT(denied.en(), HasSubstr("It was not allowed. Nothing was given."));
}

// Nor a no that she said under another name.
TEST_F(DisclosureTest, WhomSheAskedForACopyLearnsNoReasonOfALinkedName) {
  const common::v1::PersonRef other = world_.NewPerson("case-2");
  ASSERT_TRUE(Refuse(world_, other, "r1").ok());
  world_.harness().sim().RunFor(absl::Seconds(1));
  const auto merged = Merge(world_, person_, other);
  ASSERT_TRUE(merged.ok()) << merged.status();
  Checked(SimWorld::CheckFor(person_));
  ASSERT_EQ(LastCheck().reason(), v1::REASON_REFUSED);
  AsksForACopy("caf");
  const v1::Disclosure denied = LastOf("caf", v1::DISCLOSURE_KIND_DENIED);
  EXPECT_EQ(denied.reason(), v1::REASON_UNSPECIFIED);
  EXPECT_THAT(denied.fr(), HasSubstr("Cela n'a pas été permis. Rien n'a été donné."));
}

// Who spoke for her shows in nothing: neither in the words nor in how categories are put together.
TEST_F(DisclosureTest, WhomSheAskedForACopyIsNotToldWhoSpoke) {
  const Reviews none;
  const std::set<std::string> collected = {"own"};
  const HistoryWords words{world_.directory(),
                           *world_.service().registry().rules.Of(testing::SampleDirectory()),
                           world_.service().registry().paris,
                           world_.log().Now(),
                           none,
                           &collected};
  audit::OpenedLeaf leaf;
  leaf.leaf.time = world_.log().Now();
  leaf.leaf.header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
  v1::CheckDecided check;
  check.mutable_recipient()->set_institution("caf");
  check.set_represented(true);
  const auto shown = [&] {
    leaf.details.mutable_payload()->PackFrom(check);
    return std::get<v1::Disclosure>(*EntryOf(leaf, words));
  };
  leaf.leaf.header.set_decision(common::v1::DECISION_DENY);
  check.set_reason(v1::REASON_REFUSED);
  EXPECT_THAT(shown().fr(), HasSubstr("permis. Rien"));
  EXPECT_THAT(shown().en(), HasSubstr("allowed. Nothing"));
  leaf.leaf.header.set_decision(common::v1::DECISION_PERMIT);
  leaf.leaf.header.set_ground(common::v1::GROUND_AGREEMENT);
  check.clear_reason();
  check.set_consent_id("own");
  EXPECT_EQ(shown().consent_id(), "own");
  EXPECT_THAT(shown().fr(), HasSubstr("C'était permis sur la base d'un accord."));
  for (const bool represented : {true, false}) {
    v1::CategoryBasis* basis = check.add_bases();
    basis->set_category(represented ? "IDENTITY" : "CONTACT");
    basis->set_ground(common::v1::GROUND_AGREEMENT);
    basis->set_consent_id(represented ? "own" : "another's");
    basis->set_represented(represented);
  }
  EXPECT_THAT(shown().fr(), HasSubstr("C'était permis sur la base d'un accord."));
  EXPECT_EQ(shown().consent_id(), "");
}

// What would skip or repeat entries between pages: one begins again.
TEST_F(DisclosureTest, ATokenEndsWithTheOrderThatItWasMadeIn) {
  v1::CheckRequest inquiry = SimWorld::CheckFor(person_);
  inquiry.mutable_recipient()->set_institution("crip75");
  Checked(inquiry);
  const uint64_t leaf = world_.log().state().size - 1;
  Checked(SimWorld::CheckFor(person_));
  Checked(SimWorld::CheckFor(person_));
  ASSERT_FALSE(Refused(TokenOfFirst()));

  const std::string before_review = TokenOfFirst();
  v1::ReviewWithheldRequest show;
  show.set_request_id("s1");
  *show.mutable_person() = rpc::HandleFor(world_.context(), "crip75", world_.IdOf(person_));
  show.set_leaf_index(leaf);
  show.set_decision(v1::WITHHELD_DECISION_SHOW);
  show.set_reasons("enquête close");
  SimWorld::Require(
      world_.Run(world_.service().withheld().ReviewWithheld(world_.As("crip75", "dpo"), show)).status());
  EXPECT_TRUE(Refused(before_review));

  const std::string before_directory = TokenOfFirst();
  world_.UseDirectory(testing::SampleDirectoryWith("\nversion: 1\n", "\nversion: 2\n"));
  EXPECT_TRUE(Refused(before_directory));

  const std::string before_link = TokenOfFirst();
  const common::v1::PersonRef other = world_.NewPerson("case-2");
  world_.harness().sim().RunFor(absl::Seconds(1));
  SimWorld::Require(Merge(world_, person_, other).status());
  EXPECT_TRUE(Refused(before_link));

  AsksForACopy("ville-paris");
  const std::string of_all = TokenOfFirst();
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  EXPECT_TRUE(Refused(of_all)) << "its own alone since";
  EXPECT_FALSE(Refused(TokenOfFirst()));
}

// A page goes on at the leaves of its day: with what does not read at the end of one, and what is withheld.
TEST_F(DisclosureTest, PagesOfManyDaysAreTheWholeList) {
  uint64_t torn = 0;
  for (int day = 0; day < 6; ++day) {
    for (int i = 0; i < 3; ++i) {
      Checked(SimWorld::CheckFor(person_));
    }
    Checked(Report(), "bspp");
    torn = day == 3 ? world_.log().state().size - 2 : torn;
    world_.harness().sim().RunFor(absl::Hours(24));
  }
  storage::MemoryDisk::Write damage;
  damage.version = world_.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(torn), "torn"});
  world_.harness().disk()->Apply(damage);
  for (const int size : {0, 1, 2, 5}) {
    v1::ListDisclosuresResponse history = All(size);
    EXPECT_EQ(std::count_if(
                  history.disclosures().begin(), history.disclosures().end(),
                  [](const v1::Disclosure& entry) { return entry.kind() == v1::DISCLOSURE_KIND_PERMITTED; }),
              17)
        << size;
    EXPECT_EQ(history.withheld_size(), 6) << size;
  }
}

TEST_F(DisclosureTest, ATokenIsForItsAskerAndHerAlone) {
  for (int i = 0; i < 3; ++i) {
    Checked(SimWorld::CheckFor(person_));
  }
  const auto page = Page("ville-paris", 1);
  ASSERT_TRUE(page.ok());
  ASSERT_FALSE(page->next_page_token().empty());
  v1::ListDisclosuresRequest request;
  *request.mutable_person() = world_.NewPerson("case-2");
  SimWorld::Require(world_.Record(SimWorld::ConsentFor(request.person(), "c9")).status());
  request.set_page_token(page->next_page_token());
  const auto other =
      world_.Run(world_.service().disclosures().ListDisclosures(world_.As("ville-paris"), request));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Page("ville-paris", 1, "00ff").status().code(), absl::StatusCode::kInvalidArgument);
}

// By pages of one entry too: what is withheld comes after what is shown of its day, and no token places it.
TEST_F(DisclosureTest, PagesDoNotTellTheInstantOfWhatIsWithheld) {
  const auto hour = [&] { world_.harness().sim().RunFor(absl::Hours(1)); };
  Checked(Report(), "bspp");
  hour();
  Checked(SimWorld::CheckFor(person_));
  hour();
  Checked(Report(), "bspp");
  hour();
  Checked(SimWorld::CheckFor(person_));
  world_.harness().sim().RunFor(absl::Hours(24));
  Checked(SimWorld::CheckFor(person_));
  std::string order;
  std::string token;
  do {
    const auto page = Page("ville-paris", 1, token);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->disclosures_size() + page->withheld_size(), 1);
    order += page->disclosures_size() == 1 ? 's' : 'w';
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_EQ(order, "sssww");
}

// One leaf that does not read keeps no other from her, and is counted once.
TEST_F(DisclosureTest, ALeafThatDoesNotReadKeepsNoOther) {
  std::vector<uint64_t> leaves;
  for (int i = 0; i < 4; ++i) {
    Checked(SimWorld::CheckFor(person_));
    leaves.push_back(world_.log().state().size - 1);
  }
  storage::MemoryDisk::Write damage;
  damage.version = world_.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(leaves[1]), "torn"});
  world_.harness().disk()->Apply(damage);
  for (const int size : {0, 1}) {
    const v1::ListDisclosuresResponse history = All(size);
    std::vector<uint64_t> listed;
    for (const v1::Disclosure& entry : history.disclosures()) {
      if (entry.kind() == v1::DISCLOSURE_KIND_PERMITTED) {
        listed.push_back(entry.leaf_index());
      }
    }
    EXPECT_EQ(listed, (std::vector<uint64_t>{leaves[3], leaves[2], leaves[0]})) << size;
  }
  EXPECT_EQ(Page("ville-paris")->unreadable(), 1U);
}

TEST_F(DisclosureTest, PagesAreStableUnderWrites) {
  for (int i = 0; i < 5; ++i) {
    Checked(SimWorld::CheckFor(person_));
  }
  std::vector<uint64_t> seen;
  std::string token;
  do {
    const auto page = Page("ville-paris", 2, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Disclosure& entry : page->disclosures()) {
      seen.push_back(entry.leaf_index());
    }
    token = page->next_page_token();
    Checked(SimWorld::CheckFor(person_));  // comes after: on no page of this list
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
}

using Class = audit::v1::EventClass;

// Every class of event that is told in her history, and as what.
const std::map<Class, std::set<v1::DisclosureKind>>& ToldAs() {
  static const auto& told = *new std::map<Class, std::set<v1::DisclosureKind>>{
      {audit::v1::EVENT_CLASS_CHECK_DECIDED, {v1::DISCLOSURE_KIND_PERMITTED, v1::DISCLOSURE_KIND_DENIED}},
      {audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, {v1::DISCLOSURE_KIND_EMERGENCY}},
      {audit::v1::EVENT_CLASS_HISTORY_READ, {v1::DISCLOSURE_KIND_HISTORY_READ}},
      {audit::v1::EVENT_CLASS_RIGHTS_EXPORTED, {v1::DISCLOSURE_KIND_EXPORTED}},
      {audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, {v1::DISCLOSURE_KIND_COMPARED}},
      {audit::v1::EVENT_CLASS_RECEIPT_GIVEN, {v1::DISCLOSURE_KIND_RECEIPT_GIVEN}},
  };
  return told;
}

struct NotTold {
  const char* why;
  std::vector<Class> classes;
};

// And every other, with why it is no disclosure of this registry's.
std::vector<NotTold> NoDisclosures() {
  using namespace audit::v1;  // NOLINT(google-build-using-namespace)
  return {
      {"never written", {EVENT_CLASS_UNSPECIFIED}},
      {"of the log, the service, its keys or who audits it: about no person",
       {EVENT_CLASS_LOG_OPENED, EVENT_CLASS_SERVICE_STARTED, EVENT_CLASS_LOG_READ,
        EVENT_CLASS_DIRECTORY_CHANGED, EVENT_CLASS_SCOPE_PROPOSED, EVENT_CLASS_SCOPE_APPROVED,
        EVENT_CLASS_AGENT_SEARCHED, EVENT_CLASS_LOG_KEYS_CHANGED, EVENT_CLASS_EPOCH_ROTATED,
        EVENT_CLASS_MONTH_KEY_DESTROYED, EVENT_CLASS_PURGED, EVENT_CLASS_LOG_CONTINUED,
        EVENT_CLASS_HOLD_ENDED, EVENT_CLASS_NOTICE_REGISTERED}},
      {"refused before anything was looked at: nothing was given", {EVENT_CLASS_CALL_REFUSED}},
      {"her erasure: no history is left, and nobody is given anything of hers",
       {EVENT_CLASS_ERASE_REQUESTED, EVENT_CLASS_ERASED}},
      {"a legal hold: told to nobody while it lasts (ADR 22)", {EVENT_CLASS_HOLD_PLACED}},
      {"what she said herself, or what was written down of her by who knows it: kept, not given",
       {EVENT_CLASS_PERSON_REGISTERED, EVENT_CLASS_CONSENT_RECORDED, EVENT_CLASS_REFUSAL_RECORDED,
        EVENT_CLASS_CONSENT_WITHDRAWN, EVENT_CLASS_OBJECTION_RECORDED, EVENT_CLASS_OBJECTION_LIFTED,
        EVENT_CLASS_CONSENT_EXPIRED, EVENT_CLASS_CONSENT_RENEWED, EVENT_CLASS_INFORMATION_RECORDED,
        EVENT_CLASS_AGREEMENTS_TOUCHED, EVENT_CLASS_RIGHTS_OPENED, EVENT_CLASS_RIGHTS_ANSWERED,
        EVENT_CLASS_PROCESSING_RESTRICTED, EVENT_CLASS_PROCESSING_UNRESTRICTED,
        EVENT_CLASS_IDENTIFIER_CHANGED, EVENT_CLASS_STATUS_UPDATED}},
      {"what became of an emergency: it is told as it was declared",
       {EVENT_CLASS_EMERGENCY_REVIEWED, EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE}},
      {"to who received already, by what is told: it is to erase or to mend, and is given no value",
       {EVENT_CLASS_ERASURE_ASKED, EVENT_CLASS_ERASURE_ANSWERED, EVENT_CLASS_RECORD_RECTIFIED,
        EVENT_CLASS_RECTIFICATION_ANSWERED}},
      {"who reviews what is withheld would tell what it is (ADR 67)",
       {EVENT_CLASS_WITHHOLDING_REVIEWED, EVENT_CLASS_WITHHELD_LISTED}},
      {"which records are one human: who looked at hers is told (CANDIDATE_COMPARED)",
       {EVENT_CLASS_CANDIDATE_FOUND, EVENT_CLASS_CANDIDATE_DECIDED, EVENT_CLASS_PERSONS_LINKED,
        EVENT_CLASS_PERSONS_SPLIT}},
      {"routing's log: what went was checked here first",
       {EVENT_CLASS_REFERENT_CHANGED, EVENT_CLASS_MESSAGE_SUBMITTED, EVENT_CLASS_MESSAGE_NOT_PERMITTED,
        EVENT_CLASS_MESSAGE_OFFERED, EVENT_CLASS_MESSAGE_DELIVERED, EVENT_CLASS_MESSAGE_TAKEN,
        EVENT_CLASS_MESSAGE_WITHDRAWN, EVENT_CLASS_MESSAGE_ESCALATED, EVENT_CLASS_MESSAGE_DEAD}},
      {"alerting's log: what it passes on was checked here first",
       {EVENT_CLASS_SIGNAL_ACCEPTED, EVENT_CLASS_SIGNAL_REFUSED, EVENT_CLASS_OBJECTION_NOTED,
        EVENT_CLASS_ALERT_CHANGED}},
      {"the vault's log: told in her journal there (ReadJournal)",
       {EVENT_CLASS_UPLOAD_CHANGED, EVENT_CLASS_DOCUMENT_DEPOSITED, EVENT_CLASS_DOCUMENT_READ,
        EVENT_CLASS_DOCUMENT_READ_CUT, EVENT_CLASS_VAULT_REFUSED, EVENT_CLASS_VAULT_LOOKED,
        EVENT_CLASS_DOCUMENT_CHANGED, EVENT_CLASS_DOCUMENT_VERIFIED, EVENT_CLASS_DOCUMENT_DESTROYED,
        EVENT_CLASS_SHARE_CHANGED, EVENT_CLASS_DOCUMENT_REQUEST_CHANGED, EVENT_CLASS_HOST_CHANGED,
        EVENT_CLASS_VAULT_EXPORTED, EVENT_CLASS_DOCUMENT_EXPIRING, EVENT_CLASS_PAPER_KEYS_ROTATED,
        EVENT_CLASS_VAULT_SCRUBBED, EVENT_CLASS_CLOSURE_ANNOUNCED, EVENT_CLASS_VAULT_EXPORT_CUT,
        EVENT_CLASS_DOCUMENT_ASKED}},
  };
}

// A leaf of that class that is not withheld.
audit::OpenedLeaf LeafOf(Class event_class, common::v1::Decision decision, absl::Time time) {
  audit::OpenedLeaf leaf;
  leaf.leaf.time = time;
  leaf.leaf.header.set_event_class(event_class);
  leaf.leaf.header.set_institution("ville-paris");
  leaf.leaf.header.set_decision(decision);
  if (event_class == audit::v1::EVENT_CLASS_CHECK_DECIDED) {
    v1::CheckDecided check;
    check.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(check);
  } else if (event_class == audit::v1::EVENT_CLASS_EMERGENCY_DECLARED) {
    v1::EmergencyDeclared emergency;
    emergency.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(emergency);
  }
  return leaf;
}

// A new class of event is told in her history, or says here why it is no disclosure.
TEST_F(DisclosureTest, EveryClassOfEventIsToldOrNoDisclosure) {
  std::map<Class, size_t> said;
  for (const auto& [event_class, kinds] : ToldAs()) {
    ++said[event_class];
  }
  for (const NotTold& each : NoDisclosures()) {
    for (const Class event_class : each.classes) {
      ++said[event_class];
    }
  }
  const google::protobuf::EnumDescriptor* classes = audit::v1::EventClass_descriptor();
  for (int i = 0; i < classes->value_count(); ++i) {
    const auto event_class = static_cast<Class>(classes->value(i)->number());
    EXPECT_EQ(said[event_class], 1U) << classes->value(i)->name() << " is in one of the two, once";
    std::set<v1::DisclosureKind> kinds;
    for (const auto decision : {common::v1::DECISION_PERMIT, common::v1::DECISION_DENY}) {
      const auto entry = EntryOf(LeafOf(event_class, decision, world_.log().Now()), Words());
      if (!entry) {
        continue;
      }
      ASSERT_TRUE(std::holds_alternative<v1::Disclosure>(*entry)) << classes->value(i)->name();
      const auto& shown = std::get<v1::Disclosure>(*entry);
      EXPECT_FALSE(shown.fr().empty() || shown.en().empty()) << classes->value(i)->name();
      kinds.insert(shown.kind());
    }
    const auto told = ToldAs().find(event_class);
    EXPECT_EQ(kinds, told == ToldAs().end() ? std::set<v1::DisclosureKind>() : told->second)
        << classes->value(i)->name();
  }
}

// Complete against the log: over random histories, every leaf about her that tells of an access is an entry
// or is withheld, and nothing else is.
TEST_F(DisclosureTest, CompleteAgainstTheLog) {
  relais::testing::SeededRandom random(20261125);
  const auto pick = [&](uint64_t n) { return random.Id().bytes()[0] % n; };
  for (int step = 0; step < 150; ++step) {
    if (step == 50 || step == 100) {
      Declared("e" + std::to_string(step), step == 50 ? "caf" : "crip75");
    }
    switch (pick(8)) {
      case 0:
        Checked(Report(pick(2) == 0), "bspp");
        break;
      case 1:
        Checked(SimWorld::CutFor(person_), "edf");
        break;
      case 2: {
        v1::CheckRequest other = SimWorld::CheckFor(person_);
        other.mutable_recipient()->set_institution(pick(2) == 0 ? "siao" : "crip75");
        Checked(other);
        break;
      }
      case 3: {
        const auto someone = world_.NewPerson("other-" + std::to_string(step));
        v1::CheckRequest check = SimWorld::CheckFor(someone, false);
        SimWorld::Require(world_.Check(check).status());
        break;
      }
      case 4:
        world_.harness().sim().RunFor(absl::Hours(1));
        break;
      case 5: {  // read, copied, compared, given
        constexpr std::array<Class, 4> kActs = {
            audit::v1::EVENT_CLASS_HISTORY_READ, audit::v1::EVENT_CLASS_RIGHTS_EXPORTED,
            audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, audit::v1::EVENT_CLASS_RECEIPT_GIVEN};
        Wrote(kActs.at(pick(kActs.size())), "caf");
        break;
      }
      case 6:  // no disclosures
        SimWorld::Require(
            world_.Record(SimWorld::ConsentFor(person_, "again-" + std::to_string(step))).status());
        AsksForACopy("ville-paris");
        break;
      default:
        Checked(SimWorld::CheckFor(person_));
    }
  }
  const Id128 her = world_.IdOf(person_);
  for (const int size : {0, 1, 7}) {
    std::vector<uint64_t> shown;
    std::set<Class> classes;
    size_t withheld = 0;
    for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
      const Class event_class = leaf.leaf.header.event_class();
      if (leaf.details.subject().id() != her.ToBytes() || !ToldAs().contains(event_class)) {
        continue;
      }
      v1::CheckDecided check;
      v1::EmergencyDeclared emergency;
      const bool report =
          (leaf.details.payload().UnpackTo(&check) &&
           (check.sender().institution() == "bspp" || check.recipient().institution() == "crip75")) ||
          (leaf.details.payload().UnpackTo(&emergency) && emergency.recipient().institution() == "crip75");
      if (report) {
        ++withheld;
      } else {
        classes.insert(event_class);
        shown.push_back(leaf.index);
      }
    }
    ASSERT_GT(withheld, 5U);
    ASSERT_GT(shown.size(), 20U);
    ASSERT_EQ(classes.size(), ToldAs().size()) << "each of those that are told was there";
    const v1::ListDisclosuresResponse history = All(size);
    std::vector<uint64_t> listed;
    for (const v1::Disclosure& entry : history.disclosures()) {
      listed.push_back(entry.leaf_index());
    }
    std::reverse(listed.begin(), listed.end());
    EXPECT_EQ(listed, shown) << size;
    EXPECT_EQ(static_cast<size_t>(history.withheld_size()), withheld) << size;
  }
}

}  // namespace
}  // namespace relais::consent
