// Who reads her history, how much of it, and page by page.
#include "services/consent/handlers/disclosure_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/audit/big_endian.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/testing/disclosures.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::DisclosureTest;
using ::testing::HasSubstr;
using testing::Merge;
using testing::Refuse;
using testing::SimWorld;

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
  EXPECT_EQ(permitted.sender().function(), "") << "in which another's agent asked";
  EXPECT_EQ(permitted.fr().find("ssistant"), std::string::npos);
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

// Nor in which function the other side declared that her life was in danger.
TEST_F(DisclosureTest, WhomSheAskedForACopyIsNotToldTheOthersFunction) {
  Declared("e1", "caf");
  AsksForACopy("caf");
  const v1::Disclosure told = LastOf("caf", v1::DISCLOSURE_KIND_EMERGENCY);
  EXPECT_EQ(told.sender().institution(), "ville-paris");
  EXPECT_EQ(told.sender().function(), "");
  const v1::Disclosure hers = LastOf("ville-paris", v1::DISCLOSURE_KIND_EMERGENCY);
  EXPECT_EQ(hers.sender().function(), "assistant-social") << "who reads all of hers";
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
                           &collected,
                           "caf"};
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

}  // namespace
}  // namespace relais::consent
