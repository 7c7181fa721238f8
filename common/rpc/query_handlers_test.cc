#include "common/rpc/query_handlers.h"

#include <gtest/gtest.h>

#include <set>

#include "common/audit/leaf.h"
#include "common/base/proto_time.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using audit::v1::QueriedLeaf;
using audit::v1::QueryRequest;
using audit::v1::QueryResponse;
using common::v1::ErrorReason;
using testing::InstitutionCaller;

class QueryHandlersTest : public ::testing::Test {
 protected:
  QueryHandlersTest() { world_.SetDirectory(testing::SampleDirectory(2, testing::kOfficers)); }
  ~QueryHandlersTest() override { BlockOn(index_.Stop()); }

  static Caller Auditor() { return With(InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR)); }
  static Caller Officer(const std::string& institution) {
    return With(InstitutionCaller(institution, "dpo", common::v1::ROLE_DPO));
  }
  static Caller With(Caller caller) {
    caller.agent = "reader-1";
    caller.reason = "complaint 12";
    return caller;
  }
  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    call.deadline = clock_.Monotonic() + absl::Seconds(20);
    return call;
  }
  uint64_t Write(const std::string& institution, const std::string& recipient = "",
                 std::optional<audit::Subject> subject = std::nullopt) {
    audit::Event event;
    event.event_class = audit::v1::EVENT_CLASS_CHECK_DECIDED;
    event.institution = institution;
    event.subject = subject;
    event.details.set_acting_function("assistant-social");
    event.details.mutable_recipient()->set_institution(recipient);
    event.actor.set_agent("agent-of-" + institution);
    const auto written = BlockOn(WriteLoneLeaf(world_.context(), event));
    EXPECT_TRUE(written.ok()) << written.status();
    return written->leaves.first;
  }
  audit::Subject Person() { return {audit::Subject::Kind::kPerson, world_.context().random.Id()}; }
  absl::StatusOr<QueryResponse> Ask(const Caller& caller, const QueryRequest& request = QueryRequest()) {
    return BlockOn(handlers_.Query(CallOf(caller), request));
  }
  // Of acts, and not of what queries leave.
  std::set<uint64_t> IndicesOf(const absl::StatusOr<QueryResponse>& response) {
    EXPECT_TRUE(response.ok()) << response.status();
    std::set<uint64_t> indices;
    for (const QueriedLeaf& leaf : response->leaves()) {
      if (leaf.header().event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED) {
        indices.insert(leaf.index());
      }
    }
    return indices;
  }
  audit::OpenedLeaf Leaf(uint64_t index) { return world_.log().ReadOpened(index, 1)->at(0); }
  uint64_t size() { return world_.log().state().size; }

  SystemClock clock_;
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  audit::Index index_{world_.log(), world_.store(), executor_};
  QueryHandlers handlers_{world_.context(), index_};
};

TEST_F(QueryHandlersTest, TheSuitesAuditorSeesAllWithTheActors) {
  const audit::Subject person = Person();
  Write("ville-paris", "caf", person);
  Write("edf");
  const auto response = Ask(Auditor());
  ASSERT_EQ(IndicesOf(response), (std::set<uint64_t>{0, 1}));
  EXPECT_EQ(response->leaves(0).index(), 1u) << "newest first";
  const QueriedLeaf& leaf = response->leaves(1);
  EXPECT_EQ(leaf.opening(), QueriedLeaf::OPENING_OPENED);
  EXPECT_EQ(leaf.details().subject().id(), person.id.ToBytes());
  EXPECT_FALSE(leaf.has_person());
  EXPECT_EQ(leaf.actor_opening(), QueriedLeaf::OPENING_OPENED);
  EXPECT_EQ(leaf.actor().agent(), "agent-of-ville-paris");
  EXPECT_EQ(leaf.leaf(), world_.log().ReadLeaves(0, 1)->at(0));
  EXPECT_EQ(leaf.header().institution(), "ville-paris");
  EXPECT_EQ(response->log_size(), 2u);
  EXPECT_EQ(response->indexed_through(), 0u);
}

TEST_F(QueryHandlersTest, AnOfficerNeverSeesWhatIsAnothersAlone) {
  const audit::Subject person = Person();
  Write("ville-paris", "", person);
  Write("edf");
  Write("edf", "ville-paris", person);
  Write("ville-paris", "edf");
  Write("caf", "siao", person);
  const auto city = Ask(Officer("ville-paris"));
  EXPECT_EQ(IndicesOf(city), (std::set<uint64_t>{0, 2, 3}));
  EXPECT_EQ(IndicesOf(Ask(Officer("edf"))), (std::set<uint64_t>{1, 2, 3}));
  for (const QueriedLeaf& leaf : city->leaves()) {
    EXPECT_EQ(leaf.details().subject().id(), "") << "no institution sees the suite's id";
    const bool own = leaf.header().institution() == "ville-paris";
    EXPECT_EQ(leaf.actor_opening(), own ? QueriedLeaf::OPENING_OPENED : QueriedLeaf::OPENING_WITHHELD);
    EXPECT_EQ(leaf.has_actor(), own);
    if (leaf.index() != 3) {
      EXPECT_EQ(*world_.context().handles.FromHandle(leaf.person().handle(), "ville-paris"), person.id);
    }
  }
  // Nor through any filter.
  QueryRequest request;
  request.mutable_filters()->set_institution("caf");
  EXPECT_TRUE(IndicesOf(Ask(Officer("ville-paris"), request)).empty());
  request.mutable_filters()->set_institution("edf");
  EXPECT_EQ(IndicesOf(Ask(Officer("ville-paris"), request)), (std::set<uint64_t>{2}));
  request.mutable_filters()->Clear();
  request.mutable_filters()->set_case_number("2026-12");
  request.mutable_filters()->mutable_subject()->set_handle(
      world_.context().handles.ToHandle(person.id, "ville-paris"));
  EXPECT_EQ(IndicesOf(Ask(Officer("ville-paris"), request)), (std::set<uint64_t>{0, 2}));
}

TEST_F(QueryHandlersTest, WithoutScopeNothing) {
  Write("ville-paris");
  const ErrorReason no = common::v1::ERROR_REASON_MISSING_ROLE;
  EXPECT_EQ(ReasonOf(Ask(Officer("auditor")).status()), no) << "a role without scope";
  EXPECT_EQ(ReasonOf(Ask(With(InstitutionCaller("authority", "inquiry", common::v1::ROLE_AUDITOR))).status()),
            no);
  EXPECT_EQ(size(), 1u);
}

TEST_F(QueryHandlersTest, EveryQueryLeavesALeafAndNoPageDoes) {
  for (int i = 0; i < 5; ++i) {
    Write("ville-paris", "", Person());
  }
  QueryRequest request;
  request.set_page_size(2);
  request.mutable_filters()->set_purpose("");
  request.mutable_filters()->set_institution("ville-paris");
  request.mutable_filters()->add_event_classes(audit::v1::EVENT_CLASS_CHECK_DECIDED);
  std::vector<uint64_t> found;
  int pages = 0;
  do {
    const auto response = Ask(Auditor(), request);
    ASSERT_TRUE(response.ok()) << response.status();
    for (const QueriedLeaf& leaf : response->leaves()) {
      found.push_back(leaf.index());
    }
    EXPECT_EQ(response->log_size(), 5u) << "all pages see the same log";
    request.set_page_token(response->next_page_token());
    Write("ville-paris");
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(found, (std::vector<uint64_t>{4, 3, 2, 1, 0}));
  EXPECT_GE(pages, 3);
  EXPECT_EQ(size(), 5u + 1 + static_cast<uint64_t>(pages));
  const audit::OpenedLeaf leaf = Leaf(5);
  EXPECT_EQ(leaf.leaf.header.event_class(), audit::v1::EVENT_CLASS_LOG_READ);
  EXPECT_EQ(leaf.leaf.header.institution(), "auditor");
  audit::v1::LogRead read;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&read));
  EXPECT_EQ(read.kind(), "QUERY");
  EXPECT_EQ(std::vector<std::string>(read.filters().begin(), read.filters().end()),
            (std::vector<std::string>{"event_classes", "institution"}));
  EXPECT_EQ(world_.log().Actor(leaf.leaf)->motive(), "complaint 12");
}

TEST_F(QueryHandlersTest, APersonIsLookedForInACase) {
  const audit::Subject person = Person();
  Write("ville-paris", "", person);
  Write("ville-paris", "", Person());
  QueryRequest request;
  auto& filters = *request.mutable_filters();
  filters.mutable_subject()->set_person_id(person.id.ToBytes());
  EXPECT_EQ(ReasonOf(Ask(Auditor(), request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(size(), 2u);
  filters.set_case_number("2026-12");
  EXPECT_EQ(IndicesOf(Ask(Auditor(), request)), (std::set<uint64_t>{0}));
  audit::v1::LogRead read;
  ASSERT_TRUE(Leaf(2).details.payload().UnpackTo(&read));
  EXPECT_EQ(read.case_number(), "2026-12");
  EXPECT_EQ(std::vector<std::string>(read.filters().begin(), read.filters().end()),
            (std::vector<std::string>{"subject"}));
  EXPECT_EQ(Leaf(2).bytes.find(person.id.ToBytes()), std::string::npos);
  EXPECT_EQ(read.SerializeAsString().find(person.id.ToBytes()), std::string::npos);
  // By the handle on her receipt.
  filters.mutable_subject()->set_handle(world_.context().handles.ToHandle(person.id, "ville-paris"));
  EXPECT_EQ(ReasonOf(Ask(Auditor(), request).status()), common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  filters.mutable_subject()->set_handle_of("ville-paris");
  EXPECT_EQ(IndicesOf(Ask(Auditor(), request)), (std::set<uint64_t>{0}));
}

TEST_F(QueryHandlersTest, AnOfficerNamesPersonsByHerOwnHandlesOnly) {
  const audit::Subject person = Person();
  QueryRequest request;
  auto& filters = *request.mutable_filters();
  filters.set_case_number("2026-12");
  const auto reason = [&] { return ReasonOf(Ask(Officer("edf"), request).status()); };
  filters.mutable_subject()->set_person_id(person.id.ToBytes());
  EXPECT_EQ(reason(), common::v1::ERROR_REASON_INVALID_FIELDS);
  filters.mutable_subject()->set_sender_record(person.id.ToBytes());
  EXPECT_EQ(reason(), common::v1::ERROR_REASON_INVALID_FIELDS);
  filters.mutable_subject()->set_handle(world_.context().handles.ToHandle(person.id, "ville-paris"));
  EXPECT_EQ(reason(), common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  filters.mutable_subject()->set_handle_of("ville-paris");
  EXPECT_EQ(reason(), common::v1::ERROR_REASON_INVALID_FIELDS);
  filters.clear_subject();
  filters.mutable_subject();
  EXPECT_EQ(reason(), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(size(), 0u);
}

TEST_F(QueryHandlersTest, ASearchForAnAgentIsToldToHisInstitution) {
  Write("ville-paris");
  QueryRequest request;
  request.mutable_filters()->set_agent("agent-of-ville-paris");
  EXPECT_EQ(ReasonOf(Ask(Auditor(), request).status()), common::v1::ERROR_REASON_INVALID_FIELDS)
      << "whose agent?";
  request.mutable_filters()->set_institution("ville-paris");
  EXPECT_EQ(ReasonOf(Ask(Officer("edf"), request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(size(), 1u);
  EXPECT_EQ(IndicesOf(Ask(Auditor(), request)), (std::set<uint64_t>{0}));
  ASSERT_EQ(size(), 3u);
  EXPECT_EQ(Leaf(1).leaf.header.event_class(), audit::v1::EVENT_CLASS_LOG_READ);
  EXPECT_EQ(Leaf(2).leaf.header.event_class(), audit::v1::EVENT_CLASS_AGENT_SEARCHED);
  EXPECT_EQ(Leaf(1).leaf.header.event_id(), Leaf(2).leaf.header.event_id());

  QueryRequest told;
  told.mutable_filters()->add_event_classes(audit::v1::EVENT_CLASS_AGENT_SEARCHED);
  const auto hers = Ask(Officer("ville-paris"), told);
  ASSERT_EQ(hers->leaves_size(), 1);
  audit::v1::AgentSearched searched;
  ASSERT_TRUE(hers->leaves(0).details().payload().UnpackTo(&searched));
  EXPECT_EQ(searched.searched_by(), "auditor/suite");
  EXPECT_EQ(Ask(Officer("edf"), told)->leaves_size(), 0);
}

TEST_F(QueryHandlersTest, ATokenIsOfItsQueryAndCaller) {
  for (int i = 0; i < 3; ++i) {
    Write("ville-paris", "edf");
  }
  QueryRequest request;
  request.set_page_size(1);
  const auto first = Ask(Officer("edf"), request);
  ASSERT_TRUE(first.ok());
  request.set_page_token(first->next_page_token());
  const uint64_t before = size();
  const auto refused = [&](const Caller& caller, const QueryRequest& asked) {
    return ReasonOf(Ask(caller, asked).status()) == common::v1::ERROR_REASON_INVALID_FIELDS;
  };
  EXPECT_TRUE(refused(Officer("ville-paris"), request)) << "another caller";
  EXPECT_TRUE(refused(Auditor(), request)) << "another caller";
  Caller colleague = Officer("edf");
  colleague.agent = "reader-2";
  EXPECT_TRUE(refused(colleague, request)) << "another human";
  QueryRequest other = request;
  other.mutable_filters()->set_institution("edf");
  EXPECT_TRUE(refused(Officer("edf"), other)) << "other filters";
  other = request;
  other.set_order(audit::v1::QUERY_ORDER_OLDEST_FIRST);
  EXPECT_TRUE(refused(Officer("edf"), other)) << "another order";
  other = request;
  other.set_page_token(request.page_token().substr(1) + "0");
  EXPECT_TRUE(refused(Officer("edf"), other)) << "forged";
  EXPECT_EQ(size(), before);
  other = request;
  other.set_page_size(2);
  EXPECT_EQ(IndicesOf(Ask(Officer("edf"), other)).size(), 2u) << "the size of a page is free";
}

TEST_F(QueryHandlersTest, ErasedLeavesAreListedForWhoseActTheyWere) {
  const audit::Subject person = Person();
  Write("ville-paris", "edf", person);
  audit::Event event;
  event.event_class = audit::v1::EVENT_CLASS_ERASED;
  event.institution = "service/consent";
  auto draft = world_.log().Draft(event);
  draft->rows = *world_.log().keys().EraseRows(person);
  storage::CommitRequest commit;
  commit.leaves.push_back(*draft);
  ASSERT_TRUE(BlockOn(world_.store().Commit(std::move(commit))).ok());
  world_.log().keys().MarkErased(person.Encode());
  const auto hers = Ask(Officer("ville-paris"));
  ASSERT_EQ(IndicesOf(hers), (std::set<uint64_t>{0}));
  EXPECT_EQ(hers->leaves(hers->leaves_size() - 1).opening(), QueriedLeaf::OPENING_ERASED);
  EXPECT_FALSE(hers->leaves(hers->leaves_size() - 1).has_details());
  EXPECT_TRUE(IndicesOf(Ask(Officer("edf"))).empty()) << "to whom it was addressed is erased too";
}

TEST_F(QueryHandlersTest, TheIndexesGiveTheSameAnswer) {
  for (int i = 0; i < 30; ++i) {
    Write(i % 3 == 0 ? "ville-paris" : "edf", i % 5 == 0 ? "caf" : "");
  }
  QueryRequest request;
  request.mutable_filters()->set_recipient("caf");
  request.mutable_filters()->set_institution("ville-paris");
  const std::set<uint64_t> read = IndicesOf(Ask(Auditor(), request));
  EXPECT_EQ(read, (std::set<uint64_t>{0, 15}));
  index_.Start();
  ASSERT_TRUE(BlockOn(index_.WaitIndexed(30, absl::Seconds(30))));
  const auto found = Ask(Auditor(), request);
  EXPECT_EQ(IndicesOf(found), read);
  EXPECT_GE(found->indexed_through(), 30u);
}

TEST_F(QueryHandlersTest, APeriodAndAnOrder) {
  Write("edf");
  const absl::Time from = Leaf(0).leaf.time + absl::Microseconds(1);
  while (clock_.Now() < from) {
  }
  Write("edf");
  Write("edf");
  QueryRequest request;
  *request.mutable_filters()->mutable_from() = ToProto(from);
  request.set_order(audit::v1::QUERY_ORDER_OLDEST_FIRST);
  request.set_page_size(2);
  const auto response = Ask(Auditor(), request);
  ASSERT_EQ(response->leaves_size(), 2);
  EXPECT_EQ(response->leaves(0).index(), 1u);
  EXPECT_EQ(response->leaves(1).index(), 2u);
}

}  // namespace
}  // namespace relais::rpc
