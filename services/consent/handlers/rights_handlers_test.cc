#include "services/consent/handlers/rights_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/handlers/rectification.h"
#include "services/consent/handlers/rights_rows.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SimWorld;

class RightsHandlersTest : public ::testing::Test {
 protected:
  RightsHandlersTest() : person_(world_.NewPerson("case-1", SimWorld::Marie())) {}

  absl::StatusOr<v1::OpenResponse> Open(const std::string& request_id, v1::Right right = v1::RIGHT_ACCESS,
                                        int day = 0) {
    v1::OpenRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.set_right(right);
    if (day != 0) {
      request.mutable_received()->set_year(2026);
      request.mutable_received()->set_month(day > 15 ? 10 : 11);
      request.mutable_received()->set_day(day);
    }
    return world_.Run(world_.service().rights().Open(world_.As("ville-paris"), request));
  }
  std::string Opened(const std::string& request_id, v1::Right right = v1::RIGHT_ACCESS) {
    const auto response = Open(request_id, right);
    SimWorld::Require(response.status());
    return response->request().rights_id();
  }
  absl::StatusOr<v1::AnswerResponse> Answer(const std::string& request_id, const std::string& id,
                                            v1::RightsOutcome outcome, const std::string& reasons = "") {
    v1::AnswerRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.set_rights_id(id);
    request.set_outcome(outcome);
    request.set_reasons(reasons);
    return world_.Run(world_.service().rights().Answer(world_.As("ville-paris"), request));
  }
  std::vector<std::string> Overdue(const std::string& institution = "ville-paris", int page_size = 0) {
    std::vector<std::string> ids;
    v1::ListOverdueRequest request;
    request.set_page_size(page_size);
    do {
      const auto page = world_.Run(world_.service().rights().ListOverdue(world_.As(institution), request));
      SimWorld::Require(page.status());
      for (const v1::RightsRequest& each : page->requests()) {
        ids.push_back(each.rights_id());
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
  absl::StatusOr<v1::RestrictResponse> Restrict(const std::string& request_id,
                                                const std::string& institution = "ville-paris") {
    v1::RestrictRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
    return world_.Run(world_.service().rights().Restrict(world_.As(institution), request));
  }
  absl::StatusOr<v1::UnrestrictResponse> Unrestrict(const std::string& request_id, int day = 3) {
    v1::UnrestrictRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    request.mutable_informed_on()->set_year(2026);
    request.mutable_informed_on()->set_month(11);
    request.mutable_informed_on()->set_day(day);
    return world_.Run(world_.service().rights().Unrestrict(world_.As("ville-paris"), request));
  }
  absl::StatusOr<v1::RectifyResponse> Rectify(const v1::RectifyRequest& request,
                                              const std::string& institution = "ville-paris") {
    return world_.Run(world_.service().record_rights().Rectify(world_.As(institution), request));
  }
  v1::RectifyRequest Rectification(const std::string& request_id) {
    v1::RectifyRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = person_;
    return request;
  }
  v1::ResolveResponse Resolved() {
    v1::ResolveRequest request;
    *request.mutable_person() = person_;
    const auto response = world_.Run(world_.service().persons().Resolve(world_.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return *response;
  }
  template <typename Payload>
  Payload Last(audit::v1::EventClass event_class) {
    Payload last;
    for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
      if (leaf.leaf.header.event_class() == event_class) {
        leaf.details.payload().UnpackTo(&last);
      }
    }
    return last;
  }

  SimWorld world_;
  common::v1::PersonRef person_;
};

// RGPD art. 12.3.
TEST_F(RightsHandlersTest, ARequestIsDueInAMonth) {
  const auto response = Open("o1");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->request().status(), v1::RIGHTS_STATUS_OPEN);
  EXPECT_EQ(response->request().received().day(), 3);
  EXPECT_EQ(response->request().due().month(), 12);
  EXPECT_EQ(response->request().due().day(), 3);
  const auto again = Open("o1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->request().rights_id(), response->request().rights_id());
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_RIGHTS_OPENED), 1U);
  EXPECT_EQ(Open("o2", v1::RIGHT_ACCESS, 4).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RightsHandlersTest, OverdueFromTheDayAfterUntilAnswered) {
  const std::string id = Opened("o1");
  world_.harness().sim().RunFor(absl::Hours(24 * 30));  // 3 December, 11:00 in Paris
  EXPECT_THAT(Overdue(), IsEmpty());
  world_.harness().sim().RunFor(absl::Hours(13));
  EXPECT_THAT(Overdue(), ElementsAre(id));
  EXPECT_THAT(Overdue("casvp"), IsEmpty());
  ASSERT_TRUE(Answer("a1", id, v1::RIGHTS_OUTCOME_GRANTED).ok());
  EXPECT_THAT(Overdue(), IsEmpty());
  EXPECT_THAT(Overdue(), IsEmpty());
}

// ADR 69: a request that does not read hides no other that is overdue.
TEST_F(RightsHandlersTest, OverduePastWhatDoesNotRead) {
  const std::string damaged = Opened("o1");
  world_.harness().sim().RunFor(absl::Minutes(1));
  const std::string id = Opened("o2", v1::RIGHT_ERASURE);
  storage::CommitRequest damage;
  damage.partition = PersonPartition(world_.IdOf(person_));
  damage.batch.push_back({RightsKey(*Id128::FromHex(damaged)), std::string(40, 'x')});
  ASSERT_TRUE(world_.Run(world_.context().store.Commit(std::move(damage))).ok());
  world_.harness().sim().RunFor(absl::Hours(24 * 40));
  EXPECT_THAT(Overdue(), ElementsAre(id));
  const auto page = world_.Run(world_.service().rights().ListOverdue(world_.As("ville-paris"), {}));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->unreadable(), 1U);
}

TEST_F(RightsHandlersTest, TheOldestFirstByPages) {
  std::vector<std::string> ids;
  for (const int day : {20, 21, 22, 1, 2}) {
    const auto response = Open("o" + std::to_string(day), v1::RIGHT_ERASURE, day);
    ASSERT_TRUE(response.ok()) << response.status();
    ids.push_back(response->request().rights_id());
  }
  world_.harness().sim().RunFor(absl::Hours(24 * 60));
  for (const int size : {0, 1, 2, 5}) {
    EXPECT_EQ(Overdue("ville-paris", size), ids) << size;
  }
}

// What was answered, or is due later by now, leaves the list as it is read: of one reading a bounded part.
TEST_F(RightsHandlersTest, OneReadingSettlesNoMoreThanItsBound) {
  constexpr size_t kStale = 250;
  static_assert(kStale > kMostSettled && kStale < 2 * kMostSettled);
  const std::string id = Opened("o1");
  Registry& registry = world_.service().registry();
  const Id128 her = world_.IdOf(person_);
  const absl::StatusOr<RightsRow> opened = ReadRights(registry, her, *Id128::FromHex(id), "ville-paris");
  ASSERT_TRUE(opened.ok()) << opened.status();
  for (size_t i = 1; i <= kStale; ++i) {
    RightsRow stale = *opened;
    stale.the.due -= static_cast<absl::civil_diff_t>(i);
    ASSERT_TRUE(world_.Run(world_.context().store.Commit(DueOf(registry, her, stale))).ok());
  }
  world_.harness().sim().RunFor(absl::Hours(24 * 40));
  const auto listed = [&] {
    const auto due = DueBefore(registry, "ville-paris", world_.log().Now(), "", 2 * kStale);
    SimWorld::Require(due.status());
    return due->rows.size();
  };
  const auto read = [&](const std::string& token) {
    v1::ListOverdueRequest request;
    request.set_page_token(token);
    const auto page = world_.Run(world_.service().rights().ListOverdue(world_.As("ville-paris"), request));
    SimWorld::Require(page.status());
    return *page;
  };
  ASSERT_EQ(listed(), kStale + 1);
  const v1::ListOverdueResponse first = read("");
  EXPECT_EQ(first.requests_size(), 0);
  EXPECT_FALSE(first.next_page_token().empty()) << "there is more, though it shows nothing";
  EXPECT_EQ(listed(), kStale + 1 - kMostSettled);
  const v1::ListOverdueResponse second = read(first.next_page_token());
  ASSERT_EQ(second.requests_size(), 1);
  EXPECT_EQ(second.requests(0).rights_id(), id);
  EXPECT_EQ(second.next_page_token(), "");
  EXPECT_EQ(listed(), 1U) << "what is overdue";
}

TEST_F(RightsHandlersTest, ExtendedOnceWithReasons) {
  const std::string id = Opened("o1");
  EXPECT_EQ(Answer("a1", id, v1::RIGHTS_OUTCOME_EXTENDED).status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto extended = Answer("a2", id, v1::RIGHTS_OUTCOME_EXTENDED, "archives à rechercher");
  ASSERT_TRUE(extended.ok()) << extended.status();
  EXPECT_EQ(extended->request().status(), v1::RIGHTS_STATUS_EXTENDED);
  EXPECT_EQ(extended->request().due().year(), 2027);
  EXPECT_EQ(extended->request().due().month(), 2);
  EXPECT_EQ(rpc::ReasonOf(Answer("a3", id, v1::RIGHTS_OUTCOME_EXTENDED, "encore").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  world_.harness().sim().RunFor(absl::Hours(24 * 40));
  EXPECT_THAT(Overdue(), IsEmpty());
  world_.harness().sim().RunFor(absl::Hours(24 * 60));
  EXPECT_THAT(Overdue(), ElementsAre(id));
}

TEST_F(RightsHandlersTest, AnsweredOnce) {
  const std::string id = Opened("o1");
  ASSERT_TRUE(Answer("a1", id, v1::RIGHTS_OUTCOME_REFUSED, "déjà effacé").ok());
  EXPECT_EQ(rpc::ReasonOf(Answer("a2", id, v1::RIGHTS_OUTCOME_GRANTED).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Last<v1::RightsAnswered>(audit::v1::EVENT_CLASS_RIGHTS_ANSWERED).outcome(),
            v1::RIGHTS_OUTCOME_REFUSED);
}

TEST_F(RightsHandlersTest, AnothersRequestIsNotThere) {
  const std::string id = Opened("o1");
  v1::AnswerRequest request;
  request.set_request_id("a1");
  *request.mutable_person() = rpc::HandleFor(world_.context(), "caf", world_.IdOf(person_));
  request.set_rights_id(id);
  request.set_outcome(v1::RIGHTS_OUTCOME_GRANTED);
  const auto answer = world_.Run(world_.service().rights().Answer(world_.As("caf"), request));
  EXPECT_TRUE(absl::IsNotFound(answer.status()));
}

// RGPD art. 18.
TEST_F(RightsHandlersTest, WhileRestrictedNothingPasses) {
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person_, "c1")).ok());
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person_)), common::v1::DECISION_PERMIT);
  ASSERT_TRUE(Restrict("r1").ok());
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person_)), common::v1::DECISION_DENY);
  EXPECT_EQ(rpc::ReasonOf(Restrict("r2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_TRUE(Restrict("r1").ok());  // the same request
  EXPECT_EQ(Unrestrict("u0", 4).status().code(), absl::StatusCode::kInvalidArgument);
  const auto ended = Unrestrict("u1");
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person_)), common::v1::DECISION_PERMIT);
  EXPECT_EQ(rpc::ReasonOf(Unrestrict("u2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(Last<v1::ProcessingUnrestricted>(audit::v1::EVENT_CLASS_PROCESSING_UNRESTRICTED).restriction_id(),
            ended->restriction_id());
}

TEST_F(RightsHandlersTest, ARestrictionSurvivesARestart) {
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person_, "c1")).ok());
  ASSERT_TRUE(Restrict("r1", "caf").ok());
  world_.Restart();
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person_)), common::v1::DECISION_DENY);
}

// RGPD art. 16, 19.
TEST_F(RightsHandlersTest, RectifiesItsOwnTraitsAndSaysWhoGotTheOld) {
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person_, "c1")).ok());
  SimWorld::Require(world_.Check(SimWorld::CheckFor(person_, false)).status());
  v1::RectifyRequest request = Rectification("k1");
  request.mutable_traits()->set_surname("Durant");
  request.mutable_traits()->set_first_names("Marie Hélène");  // as it was
  request.add_clear("address");
  const auto response = Rectify(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->changed(), ElementsAre("address", "surname"));
  EXPECT_THAT(response->to_tell(), ElementsAre("caf"));
  const v1::Traits traits = Resolved().traits();
  EXPECT_EQ(traits.surname(), "Durant");
  EXPECT_EQ(traits.address(), "");
  EXPECT_EQ(traits.postal_code(), "75013");
  const auto again = Rectify(request);
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->changed(), ElementsAre("address", "surname"));
  // Whoever got it reads of itself alone, in a leaf addressed to it (art. 19).
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_RECORD_RECTIFIED), 2U);
  EXPECT_EQ(world_.Leaves().back().details.recipient().institution(), "caf");
  const auto said = Last<v1::RecordRectified>(audit::v1::EVENT_CLASS_RECORD_RECTIFIED);
  EXPECT_THAT(said.to_tell(), ElementsAre("caf"));
  EXPECT_THAT(said.ShortDebugString(), Not(HasSubstr("Dur")));  // neither value is in the log
}

TEST_F(RightsHandlersTest, RectificationIsOfOnesOwnRecord) {
  v1::RectifyRequest request = Rectification("k1");
  *request.mutable_person() = rpc::HandleFor(world_.context(), "caf", world_.IdOf(person_));
  request.mutable_traits()->set_surname("X");
  EXPECT_TRUE(absl::IsNotFound(Rectify(request, "caf").status()));
  EXPECT_EQ(Rectify(Rectification("k2")).status().code(), absl::StatusCode::kInvalidArgument);
  v1::RectifyRequest both = Rectification("k3");
  both.mutable_traits()->set_surname("X");
  both.add_clear("surname");
  EXPECT_EQ(Rectify(both).status().code(), absl::StatusCode::kInvalidArgument);
  v1::RectifyRequest unknown = Rectification("k4");
  unknown.add_clear("nir");
  EXPECT_EQ(Rectify(unknown).status().code(), absl::StatusCode::kInvalidArgument);
}

// D-1.6: an objection on the address that she turns out to have binds from then on.
TEST_F(RightsHandlersTest, ARectifiedAddressMeetsItsObjections) {
  ASSERT_TRUE(world_.Object(SimWorld::ObjectionOf("ob1", {"edf"})).ok());
  const common::v1::PersonRef moved = [&] {
    v1::Traits elsewhere = SimWorld::Marie();
    elsewhere.set_address("1 rue de la Paix");
    return world_.NewPerson("case-2", elsewhere);
  }();
  EXPECT_EQ(world_.Decision(SimWorld::CutFor(moved)), common::v1::DECISION_PERMIT);
  v1::RectifyRequest request = Rectification("k1");
  *request.mutable_person() = moved;
  request.mutable_traits()->set_address(SimWorld::Marie().address());
  ASSERT_TRUE(Rectify(request).ok());
  EXPECT_EQ(world_.Decision(SimWorld::CutFor(moved)), common::v1::DECISION_DENY);
}

// RGPD art. 15, 20.
TEST_F(RightsHandlersTest, ExportsWhatIsHeldForWhoActsForHer) {
  v1::ExportRequest request;
  *request.mutable_person() = person_;
  request.set_rights_id(Opened("o1", v1::RIGHT_PORTABILITY));
  const auto exported = [&](const std::string& function = "assistant-social") {
    return world_.Run(
        world_.service().record_rights().Export(world_.As("ville-paris", "dsol", function), request));
  };
  EXPECT_TRUE(absl::IsNotFound(exported("").status()));  // bound by no secrecy
  EXPECT_TRUE(exported().ok()) << "she asked for it";
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person_, "c1")).ok());
  ASSERT_TRUE(Restrict("r1").ok());
  const auto response = exported();
  ASSERT_TRUE(response.ok()) << response.status();
  const nlohmann::json archive = nlohmann::json::parse(response->archive_json());
  EXPECT_EQ(archive["record"]["traits"]["surname"], "Durand");
  EXPECT_EQ(archive["record"]["ownIdentifier"], "case-1");
  ASSERT_EQ(archive["consents"].size(), 1U);
  EXPECT_EQ(archive["consents"][0]["lines"][0]["purposes"][0], "RIGHTS_OPENING");
  EXPECT_EQ(archive["restrictions"].size(), 1U);
  EXPECT_EQ(archive["requests"][0]["right"], "RIGHT_PORTABILITY");
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_RIGHTS_EXPORTED), 2U);
  request.set_rights_id(Opened("o2", v1::RIGHT_ERASURE));
  EXPECT_EQ(rpc::ReasonOf(exported().status()), common::v1::ERROR_REASON_WRONG_STATE);
}

// RGPD art. 15, 20: what is longer than one answer is given in several, each a whole document.
TEST(PersonExport, ALongOneIsGivenInPages) {
  Settings settings = SimWorld::AtOnce();
  settings.export_page_bytes = 3000;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  std::vector<std::string> agreed;
  for (int i = 0; i < 8; ++i) {
    const auto recorded = world.Record(SimWorld::ConsentFor(person, "c" + std::to_string(i)));
    ASSERT_TRUE(recorded.ok());
    agreed.push_back(recorded->consent_id());
  }
  v1::OpenRequest open;
  open.set_request_id("o1");
  *open.mutable_person() = person;
  open.set_right(v1::RIGHT_PORTABILITY);
  const auto opened = world.Run(world.service().rights().Open(world.As("ville-paris"), open));
  ASSERT_TRUE(opened.ok());
  v1::ExportRequest request;
  *request.mutable_person() = person;
  request.set_rights_id(opened->request().rights_id());
  const auto exported = [&] {
    return world.Run(world.service().record_rights().Export(world.As("ville-paris"), request));
  };
  std::vector<std::string> found;
  std::string revision;
  size_t records = 0;
  size_t requests = 0;
  size_t pages = 0;
  std::string second;
  do {
    const auto page = exported();
    ASSERT_TRUE(page.ok()) << page.status();
    const nlohmann::json archive = nlohmann::json::parse(page->archive_json());
    EXPECT_EQ(archive["format"], "relais-person-export/1");
    for (const nlohmann::json& consent : archive["consents"]) {
      found.push_back(consent["consentId"]);
    }
    records += archive.contains("record") ? 1 : 0;
    requests += archive["requests"].size();
    revision = pages == 0 ? page->revision() : revision;
    EXPECT_EQ(page->revision(), revision);
    EXPECT_EQ(archive["revision"], revision);
    request.set_page_token(page->next_page_token());
    second = pages == 0 ? page->next_page_token() : second;
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_GT(pages, 2U);
  EXPECT_EQ(found, agreed);
  EXPECT_EQ(records, 1U);
  EXPECT_EQ(requests, 1U);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_RIGHTS_EXPORTED), pages);
  // Nothing is given of two states of what is held: she said something in between.
  request.set_page_token(second);
  ASSERT_TRUE(exported().ok());
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  SimWorld::Require(world.Record(SimWorld::ConsentFor(person, "c9")).status());
  EXPECT_EQ(rpc::ReasonOf(exported().status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

// ADR 78: whoever wrote down that she asked, and is nothing else of hers, gives a copy of its own.
TEST(PersonExport, OfWhoWasAskedAloneHasItsOwn) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("ob1", {"edf"})).ok());
  v1::DeclareRequest emergency;
  emergency.set_request_id("e1");
  *emergency.mutable_person() = person;
  emergency.mutable_recipient()->set_institution("aphp");
  emergency.add_categories("IDENTITY");
  emergency.set_facts("Inconsciente.");
  emergency.set_person_unable(true);
  emergency.set_danger_serious(true);
  ASSERT_TRUE(world.Run(world.service().emergencies().Declare(world.As("ville-paris"), emergency)).ok());
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("n1");
  *refusal.mutable_person() = person;
  refusal.add_lines()->add_recipients()->set_institution("siao");
  ASSERT_TRUE(world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).ok());
  const auto copy = [&](const std::string& institution) {
    const common::v1::PersonRef hers = rpc::HandleFor(world.context(), institution, world.IdOf(person));
    v1::OpenRequest open;
    open.set_request_id("o-" + institution);
    *open.mutable_person() = hers;
    open.set_right(v1::RIGHT_ACCESS);
    const auto opened = world.Run(world.service().rights().Open(world.As(institution), open));
    SimWorld::Require(opened.status());
    v1::ExportRequest request;
    *request.mutable_person() = hers;
    request.set_rights_id(opened->request().rights_id());
    const auto exported = world.Run(world.service().record_rights().Export(world.As(institution), request));
    SimWorld::Require(exported.status());
    return nlohmann::json::parse(exported->archive_json());
  };
  const nlohmann::json whole = copy("ville-paris");
  EXPECT_EQ(whole["consents"].size(), 1U);
  EXPECT_EQ(whole["refusalsAndWithdrawals"].size(), 1U);
  EXPECT_EQ(whole["objections"].size(), 1U);
  EXPECT_EQ(whole["emergencies"].size(), 1U);
  const nlohmann::json own = copy("aphp");
  EXPECT_EQ(own["consents"].size(), 0U);
  EXPECT_EQ(own["refusalsAndWithdrawals"].size(), 0U);
  EXPECT_EQ(own["objections"].size(), 0U);
  EXPECT_EQ(own["emergencies"].size(), 1U) << "it received by it";
  EXPECT_EQ(own["requests"].size(), 1U);
  EXPECT_EQ(copy("caf")["emergencies"].size(), 0U);
}

// One agreement that does not read keeps nothing else from her, and is counted.
TEST_F(RightsHandlersTest, AnAgreementThatDoesNotReadKeepsNoOtherFromHerCopy) {
  const auto damaged = world_.Record(SimWorld::ConsentFor(person_, "c1"));
  const auto other = world_.Record(SimWorld::ConsentFor(person_, "c2"));
  ASSERT_TRUE(damaged.ok() && other.ok());
  storage::CommitRequest damage;
  damage.partition = PersonPartition(world_.IdOf(person_));
  damage.batch.push_back({ConsentKey(*Id128::FromHex(damaged->consent_id())), std::string(40, 'x')});
  ASSERT_TRUE(world_.Run(world_.context().store.Commit(std::move(damage))).ok());
  v1::ExportRequest request;
  *request.mutable_person() = person_;
  request.set_rights_id(Opened("o1", v1::RIGHT_ACCESS));
  const auto response =
      world_.Run(world_.service().record_rights().Export(world_.As("ville-paris"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  const nlohmann::json archive = nlohmann::json::parse(response->archive_json());
  ASSERT_EQ(archive["consents"].size(), 1U);
  EXPECT_EQ(archive["consents"][0]["consentId"], other->consent_id());
  EXPECT_EQ(archive["unreadable"], 1);
}

// What her history withholds is in no export either; both say that something is withheld, and until when.
TEST_F(RightsHandlersTest, TheExportWithholdsWhatTheHistoryWithholds) {
  v1::DeclareRequest emergency;
  emergency.set_person_unable(true);
  emergency.set_danger_serious(true);
  emergency.set_hours(72);
  emergency.set_facts("Inconsciente.");
  *emergency.mutable_person() = person_;
  emergency.add_categories("IDENTITY");
  for (const auto& [id, recipient] : {std::pair{"e1", "crip75"}, std::pair{"e2", "caf"}}) {
    emergency.set_request_id(id);
    emergency.mutable_recipient()->set_institution(recipient);
    const auto declared =
        world_.Run(world_.service().emergencies().Declare(world_.As("ville-paris"), emergency));
    ASSERT_TRUE(declared.ok()) << declared.status();
  }
  v1::ExportRequest request;
  *request.mutable_person() = person_;
  request.set_rights_id(Opened("o1", v1::RIGHT_ACCESS));
  const auto response =
      world_.Run(world_.service().record_rights().Export(world_.As("ville-paris"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  const nlohmann::json archive = nlohmann::json::parse(response->archive_json());
  ASSERT_EQ(archive["emergencies"].size(), 1U);
  EXPECT_EQ(archive["emergencies"][0]["recipient"], "caf");
  ASSERT_EQ(archive["withheld"].size(), 1U);
  EXPECT_EQ(archive["withheld"][0]["reviewOn"], "2027-05-03");
  EXPECT_EQ(response->archive_json().find("crip75"), std::string::npos);
}

}  // namespace
}  // namespace relais::consent
