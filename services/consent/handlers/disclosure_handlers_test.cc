#include "services/consent/handlers/disclosure_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/testing/seeded_random.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SimWorld;

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
  EXPECT_THAT(entry.fr(), HasSubstr("Le 03/11/2026 à 11 h 00, Ville de Paris a pu donner à "));
  EXPECT_THAT(entry.fr(), HasSubstr("Identité"));
  EXPECT_THAT(entry.fr(), HasSubstr("But : Ouvrir ou rétablir des droits sociaux."));
  EXPECT_THAT(entry.fr(), HasSubstr("C'était permis avec votre accord."));
  EXPECT_THAT(entry.en(), HasSubstr("with your agreement"));
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
  for (const char* never : {"BSPP", "bspp", "pompiers", "226", "coups", "SOCIAL"}) {
    EXPECT_THAT(withheld.ShortDebugString(), Not(HasSubstr(never)));
  }
}

// What is told about an inquiry into how a child lives could reach who is its subject.
TEST_F(DisclosureTest, AnEmergencyForChildProtectionIsWithheld) {
  const auto declare = [&](const std::string& request_id, const std::string& recipient) {
    v1::DeclareRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.mutable_recipient()->set_institution(recipient);
    request.add_categories("IDENTITY");
    request.set_facts("Seul, inconscient.");
    request.set_person_unable(true);
    request.set_danger_serious(true);
    SimWorld::Require(
        world_.Run(world_.service().emergencies().Declare(world_.As("ville-paris"), request)).status());
  };
  declare("e1", "crip75");
  const v1::ListDisclosuresResponse withheld = All();
  EXPECT_EQ(withheld.disclosures_size(), 0);
  EXPECT_EQ(withheld.withheld_size(), 1);
  declare("e2", "caf");
  const v1::ListDisclosuresResponse both = All();
  EXPECT_EQ(both.withheld_size(), 1);
  EXPECT_EQ(std::count_if(both.disclosures().begin(), both.disclosures().end(),
                          [](const v1::Disclosure& entry) {
                            return entry.kind() == v1::DISCLOSURE_KIND_EMERGENCY &&
                                   entry.recipient().institution() == "caf";
                          }),
            1);
}

TEST_F(DisclosureTest, StillWithheldOnceReviewIsDue) {
  Checked(Report(), "bspp");
  world_.harness().sim().RunFor(absl::Hours(24 * 200));
  const v1::ListDisclosuresResponse history = All();
  ASSERT_EQ(history.withheld_size(), 1);
  EXPECT_TRUE(history.withheld(0).review_due());
  EXPECT_EQ(history.disclosures_size(), 0);
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
  Checked(Report(false), "bspp");
  const v1::ListDisclosuresResponse history = All();
  EXPECT_EQ(history.withheld_size(), 1);
  EXPECT_EQ(history.disclosures_size(), 0);
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

// Complete against the log: over random histories, every leaf about her that tells of an access is an entry
// or is withheld, and nothing else is.
TEST_F(DisclosureTest, CompleteAgainstTheLog) {
  relais::testing::SeededRandom random(20261125);
  const auto pick = [&](uint64_t n) { return random.Id().bytes()[0] % n; };
  for (int step = 0; step < 150; ++step) {
    switch (pick(6)) {
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
      default:
        Checked(SimWorld::CheckFor(person_));
    }
  }
  const Id128 her = world_.IdOf(person_);
  std::vector<uint64_t> shown;
  size_t withheld = 0;
  for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
    if (leaf.details.subject().id() != her.ToBytes() ||
        leaf.leaf.header.event_class() != audit::v1::EVENT_CLASS_CHECK_DECIDED) {
      continue;
    }
    v1::CheckDecided check;
    ASSERT_TRUE(leaf.details.payload().UnpackTo(&check));
    const bool report = check.sender().institution() == "bspp" || check.recipient().institution() == "crip75";
    if (report) {
      ++withheld;
    } else {
      shown.push_back(leaf.index);
    }
  }
  ASSERT_GT(withheld, 5U);
  ASSERT_GT(shown.size(), 20U);
  for (const int size : {0, 1, 7}) {
    const v1::ListDisclosuresResponse history = All(size);
    std::vector<uint64_t> listed;
    for (const v1::Disclosure& entry : history.disclosures()) {
      if (entry.kind() != v1::DISCLOSURE_KIND_HISTORY_READ) {  // this very reading
        listed.push_back(entry.leaf_index());
      }
    }
    std::reverse(listed.begin(), listed.end());
    EXPECT_EQ(listed, shown) << size;
    EXPECT_EQ(static_cast<size_t>(history.withheld_size()), withheld) << size;
  }
}

}  // namespace
}  // namespace relais::consent
