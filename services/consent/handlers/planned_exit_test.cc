// Data on offences, asked by calls: an authorised prison says that she leaves, until the last day of its
// authorisation, and who receives it owes her the information (D-2.7, ADR 66).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/directory/testing/sample.h"
#include "common/rpc/refusal.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using common::v1::GROUND_AUTHORISED_EXIT;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SimWorld;
using ::testing::UnorderedElementsAre;

// The sample directory with a prison, which a text authorises until 5 November 2026, and its protocol.
std::string YamlWithPrison() {
  using directory::testing::Replaced;
  std::string yaml = Replaced(directory::testing::SampleYaml(), "  - id: bspp\n",
                              "  - id: prison\n    name: Maison d'arrêt\n    kind: PRISON\n"
                              "    controller: Administration pénitentiaire\n"
                              "    dpo: {name: Délégué, email: dpo@prison.example}\n"
                              "    dpia: AIPD-2026-prison\n    systems:\n"
                              "      - {id: greffe, roles: [PROFESSIONAL, SIGNAL_SENDER]}\n"
                              "  - id: bspp\n");
  yaml = Replaced(yaml, "\noffence_senders: []",
                  "\noffence_senders:\n  - {institution: prison, basis: texte, until: 2026-11-05}");
  return Replaced(yaml, "  - id: bspp-detresse",
                  "  - id: sortie\n    sender: prison\n    signal: PLANNED_EXIT\n    events: [PRISON]\n"
                  "    purpose: SOCIAL_ASSESSMENT\n    grounds: [AUTHORISED_EXIT]\n"
                  "    categories: [OFFENCE]\n    recipients:\n      - {desks: DEPARTMENTAL_SOCIAL_SERVICE}\n"
                  "      - {kind: SIAO}\n"
                  "  - id: bspp-detresse");
}

// The prison tells the social service of the 13th that she leaves on that day of November.
v1::CheckRequest ExitOf(const common::v1::PersonRef& person, const std::string& request_id, int day = 20) {
  v1::CheckRequest request = SimWorld::CutFor(person, "prison");
  request.set_dry_run(false);
  request.set_request_id(request_id);
  request.set_purpose("SOCIAL_ASSESSMENT");
  request.set_categories(0, "OFFENCE");
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  stated.set_ground(GROUND_AUTHORISED_EXIT);
  stated.set_signal_type("PLANNED_EXIT");
  stated.set_event("PRISON");
  stated.mutable_event_day()->set_month(11);
  stated.mutable_event_day()->set_day(day);
  return request;
}

class PlannedExitTest : public ::testing::Test {
 protected:
  PlannedExitTest() { world_.UseDirectory(directory::testing::MakeDirectory(YamlWithPrison())); }

  v1::CheckResponse Ask(const v1::CheckRequest& request) {
    const absl::StatusOr<v1::CheckResponse> response = world_.Check(request);
    SimWorld::Require(response.status());
    return *response;
  }
  /// As an auditor reads it: institutions are not told.
  std::string WhyDenied() {
    const std::vector<audit::OpenedLeaf> leaves = world_.Leaves();
    return leaves.back().details.denial_reason();
  }
  void GoOnTo(absl::Time instant) { world_.harness().sim().RunFor(instant - world_.harness().clock().Now()); }
  std::vector<v1::Duty> Owed(const std::string& institution, bool overdue_only = false) {
    v1::ListObligationsRequest request;
    request.set_overdue_only(overdue_only);
    const auto page = world_.Run(world_.service().duties().ListObligations(world_.As(institution), request));
    SimWorld::Require(page.status());
    return {page->obligations().begin(), page->obligations().end()};
  }
  uint32_t TellsHer(const std::string& institution, const std::string& request_id) {
    v1::RecordInformationRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    request.set_occasion(v1::INFORMATION_OCCASION_FIRST_CONTACT);
    const auto told =
        world_.Run(world_.service().duties().RecordInformation(world_.As(institution), request));
    SimWorld::Require(told.status());
    return told->duties_met();
  }
  /// She agrees, explicitly, that the social service receives that for the same purpose.
  absl::Status Agrees(const std::string& request_id, const std::vector<std::string>& categories) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person_, request_id);
    v1::ConsentLine& line = *request.mutable_lines(0);
    line.set_purposes(0, "SOCIAL_ASSESSMENT");
    line.mutable_recipients(0)->set_institution("ville-paris");
    line.mutable_categories()->Assign(categories.begin(), categories.end());
    request.set_explicit_(true);
    return world_.Record(request).status();
  }
  /// The same question on nothing but what she agreed to, as who receives asks it.
  v1::CheckResponse AskOnHerAgreement(const std::vector<std::string>& categories) {
    v1::CheckRequest request = ExitOf(person_, "");
    request.clear_stated_ground();
    request.mutable_categories()->Assign(categories.begin(), categories.end());
    return Ask(request);
  }

  SimWorld world_;
  common::v1::PersonRef person_ = world_.NewPerson("case-1");
};

TEST_F(PlannedExitTest, IsPermittedWithItsLimit) {
  const v1::CheckResponse answer = Ask(ExitOf(person_, "e1"));
  ASSERT_EQ(answer.decision(), DECISION_PERMIT) << WhyDenied();
  EXPECT_EQ(answer.ground(), GROUND_AUTHORISED_EXIT);
  EXPECT_EQ(answer.reason(), v1::REASON_AUTHORISED_EXIT);
  EXPECT_TRUE(answer.has_permit());
  const auto limits = UnorderedElementsAre(static_cast<int>(v1::OBLIGATION_LEAVING_AND_DATE_ONLY),
                                           static_cast<int>(v1::OBLIGATION_INFORM_AT_FIRST_CONTACT));
  EXPECT_THAT(answer.obligations(), limits);
  ASSERT_EQ(answer.categories_size(), 1);
  EXPECT_EQ(answer.categories(0).category(), "OFFENCE");
  EXPECT_THAT(answer.categories(0).obligations(), limits);
  // It opens nothing else of her, beside it or in its place.
  v1::CheckRequest more = ExitOf(person_, "e2");
  more.add_categories("IDENTITY");
  EXPECT_EQ(Ask(more).decision(), DECISION_DENY);
  more.set_request_id("e3");
  more.mutable_categories()->DeleteSubrange(0, 1);
  EXPECT_EQ(Ask(more).decision(), DECISION_DENY);
  EXPECT_EQ(WhyDenied(), "REASON_CATEGORY_NOT_ALLOWED");
}

// The Paris day of the directory's `until` is the last; the day on which she leaves is still to come.
TEST_F(PlannedExitTest, GoesUntilTheLastDayOfTheAuthorisation) {
  const absl::Time midnight = absl::FromCivil(absl::CivilHour(2026, 11, 5, 23), absl::UTCTimeZone());
  GoOnTo(midnight - absl::Minutes(10));
  EXPECT_EQ(Ask(ExitOf(person_, "e1")).decision(), DECISION_PERMIT);
  GoOnTo(midnight + absl::Minutes(1));
  const v1::CheckResponse answer = Ask(ExitOf(person_, "e2"));
  EXPECT_EQ(answer.decision(), DECISION_DENY);
  EXPECT_EQ(answer.reason(), v1::REASON_NOT_PERMITTED) << "institutions are told no more";
  EXPECT_FALSE(answer.has_permit());
  EXPECT_THAT(answer.obligations(), IsEmpty());
  EXPECT_EQ(WhyDenied(), "REASON_OFFENCE_NOT_AUTHORISED");
}

TEST_F(PlannedExitTest, IsNobodysWhomNoTextAuthorises) {
  v1::CheckRequest request = ExitOf(person_, "e1");
  request.mutable_sender()->set_institution("bspp");
  EXPECT_EQ(Ask(request).decision(), DECISION_DENY);
  EXPECT_EQ(WhyDenied(), "REASON_OFFENCE_NOT_AUTHORISED");
}

TEST_F(PlannedExitTest, NoAgreementHoldsDataOnOffences) {
  const absl::Status refused = Agrees("c1", {"IDENTITY", "OFFENCE"});
  EXPECT_EQ(rpc::ReasonOf(refused), common::v1::ERROR_REASON_INVALID_FIELDS) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("lines[0].categories[1]"));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 0u);
}

// One that a directory of before let in, while it had that category among the others, permits that no longer.
TEST_F(PlannedExitTest, AnAgreementUnlocksNoDataOnOffences) {
  const std::string before = directory::testing::Replaced(YamlWithPrison(), ", offence: true}", "}");
  absl::StatusOr<directory::Directory> parsed = directory::ParseDirectory(before);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  world_.UseDirectory(std::make_shared<const directory::Directory>(*std::move(parsed)));
  const absl::Status agreed = Agrees("c1", {"IDENTITY", "OFFENCE"});
  ASSERT_TRUE(agreed.ok()) << agreed;
  ASSERT_EQ(AskOnHerAgreement({"OFFENCE"}).decision(), DECISION_PERMIT) << "it covers the question";

  world_.UseDirectory(directory::testing::MakeDirectory(YamlWithPrison()));
  EXPECT_EQ(AskOnHerAgreement({"IDENTITY"}).decision(), DECISION_PERMIT);
  EXPECT_EQ(AskOnHerAgreement({"OFFENCE"}).decision(), DECISION_DENY);
  EXPECT_EQ(WhyDenied(), "REASON_NO_GROUND");
  EXPECT_EQ(AskOnHerAgreement({"IDENTITY", "OFFENCE"}).decision(), DECISION_DENY);
  // What the text authorises stands beside it.
  EXPECT_EQ(Ask(ExitOf(person_, "e1")).decision(), DECISION_PERMIT);
}

TEST_F(PlannedExitTest, HerNoComesFirst) {
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("r1");
  *refusal.mutable_person() = person_;
  refusal.add_lines()->add_recipients()->set_institution("ville-paris");
  SimWorld::Require(
      world_.Run(world_.service().agreements().RecordRefusal(world_.As("ville-paris"), refusal)).status());
  EXPECT_EQ(Ask(ExitOf(person_, "e1")).decision(), DECISION_DENY);
  EXPECT_EQ(WhyDenied(), "REASON_REFUSED");
  EXPECT_THAT(Owed("ville-paris"), IsEmpty());
}

// Art. 14: once, within a month, by each who received it; what was not permitted, or was an exercise, by
// nobody.
TEST_F(PlannedExitTest, IsOwedToHerByWhoReceivesIt) {
  v1::CheckRequest exercise = ExitOf(person_, "exercise");
  exercise.set_exercise(true);
  ASSERT_EQ(Ask(exercise).decision(), DECISION_PERMIT);
  ASSERT_EQ(Ask(ExitOf(person_, "left-already", 1)).decision(), DECISION_DENY);
  EXPECT_THAT(Owed("ville-paris"), IsEmpty());

  const absl::Time asked = world_.harness().clock().Now();
  ASSERT_EQ(Ask(ExitOf(person_, "e1")).decision(), DECISION_PERMIT);
  ASSERT_EQ(Ask(ExitOf(person_, "e2", 21)).decision(), DECISION_PERMIT);
  const std::vector<v1::Duty> owed = Owed("ville-paris");
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_EQ(owed[0].kind(), v1::DUTY_KIND_INFORM_FIRST_CONTACT);
  EXPECT_EQ(owed[0].ground(), GROUND_AUTHORISED_EXIT);
  EXPECT_EQ(owed[0].person().handle(), person_.handle());
  EXPECT_GE(owed[0].since().seconds(), absl::ToUnixSeconds(asked));
  EXPECT_EQ(owed[0].due().seconds() - owed[0].since().seconds(), absl::ToInt64Seconds(absl::Hours(24 * 30)))
      << "from 3 November to 3 December";
  EXPECT_FALSE(owed[0].overdue());
  EXPECT_THAT(Owed("prison"), IsEmpty()) << "who told knows it from her";
  EXPECT_THAT(Owed("siao"), IsEmpty());

  v1::CheckRequest elsewhere = ExitOf(person_, "e3");
  elsewhere.mutable_recipient()->set_institution("siao");
  elsewhere.clear_recipient_desk();
  ASSERT_EQ(Ask(elsewhere).decision(), DECISION_PERMIT);
  EXPECT_EQ(Owed("siao").size(), 1u);
  EXPECT_EQ(Owed("ville-paris").size(), 1u);
}

// The duty outlives the authorisation; told to her by one, it is still owed by the other.
TEST_F(PlannedExitTest, IsOverdueUntilSheIsTold) {
  ASSERT_EQ(Ask(ExitOf(person_, "e1")).decision(), DECISION_PERMIT);
  v1::CheckRequest elsewhere = ExitOf(person_, "e2");
  elsewhere.mutable_recipient()->set_institution("siao");
  elsewhere.clear_recipient_desk();
  ASSERT_EQ(Ask(elsewhere).decision(), DECISION_PERMIT);
  EXPECT_THAT(Owed("ville-paris", true), IsEmpty());
  world_.Restart();
  GoOnTo(testing::StoryStart() + absl::Hours(24 * 31));
  const std::vector<v1::Duty> overdue = Owed("ville-paris", true);
  ASSERT_EQ(overdue.size(), 1u);
  EXPECT_TRUE(overdue[0].overdue());
  EXPECT_EQ(overdue[0].ground(), GROUND_AUTHORISED_EXIT);

  EXPECT_EQ(TellsHer("ville-paris", "i1"), 1u);
  EXPECT_THAT(Owed("ville-paris"), IsEmpty());
  EXPECT_EQ(TellsHer("ville-paris", "i2"), 0u) << "nothing is owed any more";
  EXPECT_EQ(Owed("siao", true).size(), 1u);
  EXPECT_EQ(TellsHer("siao", "i3"), 1u);
  EXPECT_THAT(Owed("siao"), IsEmpty());
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_INFORMATION_RECORDED), 3u);
}

}  // namespace
}  // namespace relais::consent
