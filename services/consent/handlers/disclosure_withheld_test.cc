// What her history withholds, and what is in no entry of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/disclosures.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::DisclosureTest;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SimWorld;

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

}  // namespace
}  // namespace relais::consent
