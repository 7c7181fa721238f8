// A search for an agent, in any log, reaches the desk of his institution's DPO, and so does a review of an
// emergency that is overdue; a closure of the vault, who may act for somebody in it. Followed by real
// followers.
#include "services/routing/notices.h"

#include <gmock/gmock.h>

#include <tuple>

#include "absl/strings/str_replace.h"
#include "common/directory/testing/sample.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/vault/v1/events.pb.h"
#include "services/routing/domain/resolution.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using ::testing::IsEmpty;
using testing::World;

constexpr char kDesk[] = "dpo-ville-paris";

audit::Event Search(const std::string& institution = "ville-paris") {
  audit::Event event = audit::testing::PlainEvent(audit::v1::EVENT_CLASS_AGENT_SEARCHED);
  event.institution = "auditor";
  event.details.mutable_recipient()->set_institution(institution);
  event.actor.set_agent("searcher-1");
  audit::v1::AgentSearched searched;
  searched.set_institution(institution);
  searched.set_searched_by("auditor/suite");
  event.details.mutable_payload()->PackFrom(searched);
  return event;
}

constexpr uint64_t kHer = 1;

google::protobuf::Timestamp ReviewDue() { return ToProto(testing::StoryStart() - absl::Hours(1)); }

// Nobody of that institution judged in time; `event` is the same of one review.
audit::Event Overdue(const std::string& institution = "ville-paris", uint64_t person = kHer,
                     uint64_t event_number = 7) {
  audit::Event event = audit::testing::PlainEvent(audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE);
  event.institution = "service/consent";
  event.event_id = World::Person(1000 + event_number);
  event.subject = audit::testing::Person(person);
  event.details.mutable_recipient()->set_institution(institution);
  consent::v1::EmergencyReviewOverdue overdue;
  overdue.set_emergency_id(World::Person(2000 + event_number).ToHex());
  overdue.set_institution(institution);
  *overdue.mutable_due() = ReviewDue();
  event.details.mutable_payload()->PackFrom(overdue);
  return event;
}

common::v1::Date Day(int year, uint32_t month, uint32_t day) {
  common::v1::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}
// An announcement; papers can be had until that year's June.
audit::Event Closure(int last_year = 2027) {
  audit::Event event = audit::testing::PlainEvent(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED);
  event.institution = "operator";
  vault::v1::ClosureAnnounced announced;
  *announced.mutable_closure()->mutable_announced() = ToProto(testing::StoryStart());
  *announced.mutable_closure()->mutable_closing_day() = Day(last_year, 3, 1);
  *announced.mutable_closure()->mutable_retrieval_until() = Day(last_year, 6, 1);
  event.details.mutable_payload()->PackFrom(announced);
  return event;
}

class NoticesTest : public ::testing::Test {
 protected:
  [[nodiscard]] rpc::Call Dpo(const std::string& institution = "ville-paris") const {
    rpc::Call call = world_.As(institution, "dpo", "dpo-1");
    call.caller.roles = {common::v1::ROLE_DPO};
    return call;
  }
  std::vector<v1::Message> Pull(const rpc::Call& call, const std::string& desk = kDesk) {
    v1::PullRequest request;
    request.set_desk(desk);
    const auto response = world_.Run(world_.service().inboxes().Pull(call, request));
    status_ = response.status();
    return response.ok() ? std::vector<v1::Message>(response->messages().begin(), response->messages().end())
                         : std::vector<v1::Message>();
  }
  size_t Submitted() { return world_.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED); }

  World world_;
  absl::Status status_;
};

TEST_F(NoticesTest, ASearchInConsentsLogReachesTheDposDesk) {
  const uint64_t index = world_.consent_log().Append(Search()).first;
  world_.Settle();
  const std::vector<v1::Message> got = Pull(Dpo());
  ASSERT_EQ(got.size(), 1u) << status_;
  const v1::Message& message = got[0];
  EXPECT_FALSE(message.has_person());
  EXPECT_EQ(message.sender().institution(), "auditor");
  EXPECT_EQ(message.recipient().institution(), "ville-paris");
  EXPECT_EQ(message.permit_id(), "");
  const v1::AgentSearchNotice& notice = message.content().agent_search();
  EXPECT_EQ(notice.service(), "consent");
  EXPECT_EQ(notice.leaf_index(), index);
  EXPECT_EQ(notice.searched_by(), "auditor/suite");
  EXPECT_EQ(message.SerializeAsString().find("searcher-1"), std::string::npos) << "no human is named";
  EXPECT_THAT(world_.consent.asked, IsEmpty()) << "about nobody: consent is not asked";

  ASSERT_TRUE(world_.Ack(message.message_id(), Dpo()).ok());
  ASSERT_TRUE(world_.Take(message.message_id(), Dpo()).ok());
  const auto again = world_.Take(message.message_id(), Dpo());
  EXPECT_TRUE(again.ok()) << again.status();
  world_.Settle();
  EXPECT_THAT(Pull(Dpo()), IsEmpty());
}

// D-2.6.6: not reviewed → escalated, to somebody.
TEST_F(NoticesTest, AReviewThatIsOverdueReachesTheDposDesk) {
  const uint64_t index = world_.consent_log().Append(Overdue()).first;
  world_.Settle();
  const std::vector<v1::Message> got = Pull(Dpo());
  ASSERT_EQ(got.size(), 1u) << status_;
  const v1::Message& message = got[0];
  EXPECT_FALSE(message.has_person());
  EXPECT_EQ(message.sender().institution(), "service/consent");
  EXPECT_EQ(message.recipient().institution(), "ville-paris");
  EXPECT_NE(message.why_you(), "");
  const v1::OverdueReviewNotice& notice = message.content().overdue_review();
  EXPECT_EQ(notice.leaf_index(), index);
  EXPECT_EQ(notice.due().seconds(), ReviewDue().seconds());
  const std::string bytes = message.SerializeAsString();
  for (const uint64_t hers : {kHer, uint64_t{2007}}) {
    EXPECT_EQ(bytes.find(World::Person(hers).bytes()), std::string::npos) << hers;
    EXPECT_EQ(bytes.find(World::Person(hers).ToHex()), std::string::npos) << hers;
  }
  EXPECT_THAT(world_.consent.asked, IsEmpty()) << "about nobody: consent is not asked";
  ASSERT_TRUE(world_.Ack(message.message_id(), Dpo()).ok());
  EXPECT_TRUE(world_.Take(message.message_id(), Dpo()).ok());
}

// Of persons who are one human each name has a leaf, of which one is addressed.
TEST_F(NoticesTest, AReviewIsToldOnceWhateverHerNames) {
  audit::Event other = Overdue("ville-paris", 2);
  other.details.clear_recipient();
  world_.consent_log().Append({Overdue(), other});
  world_.Settle();
  EXPECT_EQ(Submitted(), 1u);
  EXPECT_EQ(Pull(Dpo()).size(), 1u);
}

// Escalated to nobody, it would be a flag in a list.
TEST_F(NoticesTest, AReviewsNoticeGoesToAnotherDeskWhereTheDpoHasNone) {
  world_.consent_log().Append(Overdue("caf", 3, 8));
  world_.consent_log().Append(Overdue("edf", 4, 9));  // which has no desk at all: the operators' log says so
  world_.Settle();
  EXPECT_EQ(Submitted(), 1u);
  const std::vector<v1::Message> got = Pull(world_.As("caf", "droits"), "caf-droits");
  ASSERT_EQ(got.size(), 1u) << status_;
  EXPECT_TRUE(got[0].content().has_overdue_review());
  EXPECT_FALSE(got[0].has_person());
  EXPECT_NE(got[0].why_you(), MakeStep("REVIEW_NOTICE").text()) << "it is not the DPO who reads it";
  EXPECT_NE(got[0].why_you(), "");
}

// D-3.4: three months' notice are for somebody who hears of it.
TEST_F(NoticesTest, AClosureReachesEachInstitutionThatMayActForSomebody) {
  world_.vault_log().Append(Closure());
  world_.Settle();
  for (const auto& [institution, system, desk] :
       {std::tuple("ville-paris", "dsol", "dsol-75101"), std::tuple("caf", "droits", "caf-droits")}) {
    const std::vector<v1::Message> got = Pull(world_.As(institution, system), desk);
    ASSERT_EQ(got.size(), 1u) << desk << ": " << status_;
    EXPECT_FALSE(got[0].has_person());
    EXPECT_EQ(got[0].sender().institution(), "operator");
    EXPECT_EQ(got[0].recipient().institution(), institution);
    EXPECT_NE(got[0].why_you(), "");
    const v1::VaultClosureNotice& notice = got[0].content().vault_closure();
    EXPECT_EQ(notice.announced().seconds(), ToProto(testing::StoryStart()).seconds());
    EXPECT_EQ(notice.closing_day().DebugString(), Day(2027, 3, 1).DebugString());
    EXPECT_EQ(notice.retrieval_until().DebugString(), Day(2027, 6, 1).DebugString());
    const size_t english = notice.how().find(" / For each person");
    EXPECT_NE(english, std::string::npos);
    EXPECT_EQ(notice.how().find("Pour chaque personne"), 0u) << "French first";
    ASSERT_TRUE(world_.Ack(got[0].message_id(), world_.As(institution, system)).ok());
  }
  EXPECT_THAT(Pull(Dpo()), IsEmpty()) << "once an institution";
  EXPECT_THAT(world_.consent.asked, IsEmpty()) << "about nobody: consent is not asked";
  // Another announcement is told anew.
  const size_t told = Submitted();
  world_.vault_log().Append(Closure(2028));
  world_.Settle();
  EXPECT_EQ(Submitted(), 2 * told);
}

TEST_F(NoticesTest, AClosureReachesNobodyElseAndNotAfterItsEnd) {
  const std::string outreach = "CHECK, RECEIVE, TAKE, BE_REFERENT, DECLARE_EMERGENCY]";
  const std::string none = absl::StrReplaceAll(directory::testing::SampleYaml(), {{"KEEP_PAPERS, ", ""}});
  world_.SetDirectory(directory::testing::Replaced(none, outreach, "KEEP_PAPERS, " + outreach));
  world_.vault_log().Append(Closure(2025));
  world_.Settle();
  EXPECT_EQ(Submitted(), 0u);
  world_.vault_log().Append(Closure());
  world_.Settle();
  EXPECT_EQ(Submitted(), 1u) << "associations' alone";
  EXPECT_EQ(Pull(world_.As("emmaus", "maraude"), "emmaus-maraude").size(), 1u) << status_;
}

TEST_F(NoticesTest, AClosureIsToldOnceWhateverCrashComesBetween) {
  World whole;
  whole.vault_log().Append(Closure());
  whole.Settle();
  const size_t told = whole.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED);
  ASSERT_GT(told, 5u);
  for (uint64_t step = 0; step < 24; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.CrashAt(step);
    world.vault_log().Append(Closure());
    world.Settle();
    world.Restart();
    world.Settle(absl::Seconds(10));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), told);
  }
}

// What she is told by is gone; the notice says nothing of her, and stays.
TEST_F(NoticesTest, AReviewsNoticeIsAboutNobody) {
  world_.consent_log().Append(Overdue());
  world_.Settle();
  for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED) {
      EXPECT_TRUE(leaf.leaf.header.commitment().empty());
      EXPECT_EQ(leaf.leaf.header.event_id(), World::Person(1007).bytes())
          << "the event of the leaf it tells of";
    }
  }
  EXPECT_TRUE(world_.context().store.ListPartitions(storage::PartitionKind::kPerson, Id128(), 100)->empty())
      << "nothing is kept by her id";
}

TEST_F(NoticesTest, ItsLeafHasTheSearchsEventAndNoSubject) {
  world_.consent_log().Append(Search());
  world_.Settle();
  const auto searched = world_.consent_log().log().ReadOpened(0, 10);
  std::string event;
  for (const audit::OpenedLeaf& leaf : *searched) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_AGENT_SEARCHED) {
      event = leaf.leaf.header.event_id();
    }
  }
  size_t found = 0;
  for (const audit::OpenedLeaf& leaf : world_.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED) {
      EXPECT_EQ(leaf.leaf.header.event_id(), event);
      EXPECT_EQ(leaf.leaf.header.institution(), "service/routing");
      EXPECT_TRUE(leaf.leaf.header.commitment().empty());
      EXPECT_EQ(leaf.leaf.header.decision(), common::v1::DECISION_UNSPECIFIED);
      ++found;
    }
  }
  EXPECT_EQ(found, 1u);
}

TEST_F(NoticesTest, EveryLogIsFollowed) {
  world_.consent_log().Append(Search());
  world_.alerting_log().Append(Search());
  world_.vault_log().Append(Search());
  world_.harness().Append(Search());
  world_.Settle();
  std::set<std::string> services;
  for (const v1::Message& message : Pull(Dpo())) {
    services.insert(message.content().agent_search().service());
  }
  EXPECT_EQ(services, (std::set<std::string>{"consent", "routing", "alerting", "vault"}))
      << "none waits for another";
}

TEST_F(NoticesTest, AnInstitutionWithoutADeskGetsNothing) {
  world_.consent_log().Append(Search("caf"));
  world_.consent_log().Append(Search("nobody"));
  world_.Settle();
  EXPECT_EQ(Submitted(), 0u);
}

TEST_F(NoticesTest, OnceHoweverOftenItIsFollowed) {
  for (const audit::Event& told : {Search(), Overdue()}) {
    for (uint64_t step = 0; step < 12; ++step) {
      World world;
      world.CrashAt(step);
      world.consent_log().Append(told);
      world.Settle();
      world.Restart();  // dead or not: from here on the store keeps working
      world.Settle(absl::Seconds(10));
      EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u) << step;
      v1::PullRequest request;
      request.set_desk(kDesk);
      const auto got = world.Run(world.service().inboxes().Pull(world.As("ville-paris", "dpo"), request));
      ASSERT_TRUE(got.ok()) << got.status();
      EXPECT_EQ(got->messages_size(), 1) << step;
    }
  }
}

TEST_F(NoticesTest, ADposSystemReadsNothingAboutPersons) {
  EXPECT_TRUE(ReadsNoticesAlone(Dpo().caller));
  const std::string hers = world_.MustSubmit("s1", 1, kDesk);  // a sender chose her desk
  world_.consent_log().Append(Search());
  world_.Settle();
  const std::vector<v1::Message> got = Pull(Dpo());
  ASSERT_EQ(got.size(), 1u) << status_;
  EXPECT_TRUE(got[0].content().has_agent_search());
  EXPECT_EQ(rpc::ReasonOf(world_.Ack(hers, Dpo())), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(rpc::ReasonOf(world_.Take(hers, Dpo()).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // No other desk, of its own institution or another's.
  Pull(Dpo(), "dsol-75113");
  EXPECT_EQ(rpc::ReasonOf(status_), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  Pull(Dpo("edf"));
  EXPECT_EQ(rpc::ReasonOf(status_), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // And the desk is the DPO's system's alone.
  Pull(world_.Dsol());
  EXPECT_EQ(rpc::ReasonOf(status_), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST_F(NoticesTest, NobodyElseCanSendOne) {
  v1::SubmitRequest request = world_.Note("s1");
  request.mutable_content()->mutable_agent_search()->set_service("consent");
  EXPECT_EQ(rpc::ReasonOf(world_.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request.mutable_content()->mutable_overdue_review()->set_leaf_index(1);
  EXPECT_EQ(rpc::ReasonOf(world_.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  *request.mutable_content()->mutable_vault_closure()->mutable_closing_day() = Day(2027, 3, 1);
  EXPECT_EQ(rpc::ReasonOf(world_.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST_F(NoticesTest, UntakenItStaysWhereItIs) {
  world_.consent_log().Append(Search());
  world_.Settle();
  world_.sim().Skip(absl::Hours(24 * 30));
  world_.Settle();
  v1::ListByDeskRequest request;
  request.set_desk(kDesk);
  const auto waiting = world_.Run(world_.service().inboxes().ListByDesk(Dpo(), request));
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  EXPECT_EQ(waiting->messages_size(), 1);
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
}

}  // namespace
}  // namespace relais::routing
