#include "common/rpc/tail_handlers.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "common/audit/leaf.h"
#include "common/merkle/tree.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using audit::v1::TailRequest;
using audit::v1::TailResponse;
using testing::InstitutionCaller;
using testing::ServiceCaller;

// A client at the other end of a tail.
class FakeStream final : public Stream<TailRequest, TailResponse> {
 public:
  explicit FakeStream(Executor& executor) : executor_(executor) {}

  void Send(TailRequest request) {
    std::optional<OneShot<bool>> reader;
    {
      std::lock_guard lock(mu_);
      requests_.push_back(std::move(request));
      reader = std::exchange(reader_, std::nullopt);
    }
    if (reader) {
      reader->Set(true);
    }
  }
  void Leave() {
    std::optional<OneShot<bool>> reader;
    {
      std::lock_guard lock(mu_);
      gone_ = true;
      reader = std::exchange(reader_, std::nullopt);
    }
    if (reader) {
      reader->Set(false);
    }
  }
  TailResponse Receive() {
    std::unique_lock lock(mu_);
    arrived_.wait(lock, [this] { return !responses_.empty(); });
    TailResponse response = std::move(responses_.front());
    responses_.pop_front();
    return response;
  }

  void End(absl::Status /*why*/) override { Leave(); }
  Task<std::optional<TailRequest>> Read() override {
    const OneShot<bool> arrival(executor_);
    {
      std::lock_guard lock(mu_);
      if (gone_ || !requests_.empty()) {
        arrival.Set(true);
      } else {
        reader_ = arrival;
      }
    }
    co_await arrival;
    std::lock_guard lock(mu_);
    if (requests_.empty()) {
      co_return std::nullopt;
    }
    TailRequest request = std::move(requests_.front());
    requests_.pop_front();
    co_return request;
  }
  Task<bool> Write(TailResponse response) override {
    std::lock_guard lock(mu_);
    responses_.push_back(std::move(response));
    arrived_.notify_all();
    co_return !gone_;
  }
  [[nodiscard]] bool cancelled() const override {
    std::lock_guard lock(mu_);
    return gone_;
  }

 private:
  Executor& executor_;
  mutable std::mutex mu_;
  std::condition_variable arrived_;
  bool gone_ = false;
  std::deque<TailRequest> requests_;
  std::deque<TailResponse> responses_;
  std::optional<OneShot<bool>> reader_;
};

class TailHandlersTest : public ::testing::Test {
 protected:
  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    call.deadline = clock_.Monotonic() + absl::Seconds(20);
    return call;
  }
  uint64_t Write(audit::v1::EventClass event_class, const std::string& institution) {
    audit::Event event;
    event.event_class = event_class;
    event.institution = institution;
    event.subject = audit::Subject{audit::Subject::Kind::kPerson, world_.context().random.Id()};
    event.details.set_acting_function("assistant-social");
    const auto written = BlockOn(WriteLoneLeaf(world_.context(), event));
    EXPECT_TRUE(written.ok()) << written.status();
    return written->leaves.first;
  }
  static TailRequest Open(uint64_t from, audit::v1::TailView view) {
    TailRequest request;
    request.mutable_open()->set_from(from);
    request.mutable_open()->set_view(view);
    return request;
  }

  // A tail that runs until the test leaves it.
  struct Running {
    std::shared_ptr<FakeStream> stream;
    std::shared_ptr<OneShot<absl::Status>> end;
  };
  Running StartTail(Caller caller, const TailRequest& open) {
    Running running{std::make_shared<FakeStream>(executor_),
                    std::make_shared<OneShot<absl::Status>>(executor_)};
    running.stream->Send(open);
    Start(handlers_.Tail(CallOf(std::move(caller)), running.stream),
          [end = running.end](absl::Status status) { end->Set(std::move(status)); });
    return running;
  }
  static Task<absl::Status> Wait(std::shared_ptr<OneShot<absl::Status>> end) {
    absl::Status status = co_await *end;
    co_return status;
  }
  static absl::Status End(const Running& running) {
    running.stream->Leave();
    return BlockOn(Wait(running.end));
  }

  SystemClock clock_;
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  TailHandlers handlers_{world_.context(), {{"routing", {audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN}}}};
};

TEST_F(TailHandlersTest, APeerSeesOpenedWhatTheTableSays) {
  Write(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "ville-paris");
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  const Running tail = StartTail(ServiceCaller("routing"), Open(0, audit::v1::TAIL_VIEW_OPENED));
  const TailResponse response = tail.stream->Receive();
  ASSERT_EQ(response.leaves().leaves_size(), 2);
  EXPECT_EQ(response.leaves().leaves(0).opening(), audit::v1::TailLeaf::OPENING_OPENED);
  EXPECT_EQ(response.leaves().leaves(0).details().acting_function(), "assistant-social");
  EXPECT_EQ(response.leaves().leaves(1).opening(), audit::v1::TailLeaf::OPENING_WITHHELD);
  // Of what is not for it a peer gets what the tree needs.
  EXPECT_TRUE(response.leaves().leaves(1).leaf().empty());
  EXPECT_EQ(response.leaves().leaves(1).leaf_hash(),
            merkle::AsBytes(merkle::HashLeaf(world_.log().ReadLeaves(1, 1)->at(0))));
  EXPECT_FALSE(response.leaves().leaves(1).has_details());
  EXPECT_TRUE(End(tail).ok());
}

TEST_F(TailHandlersTest, APeerThatIsNotInTheTableSeesNothingOpened) {
  Write(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "ville-paris");
  const Running tail = StartTail(ServiceCaller("alerting"), Open(0, audit::v1::TAIL_VIEW_OPENED));
  EXPECT_EQ(tail.stream->Receive().leaves().leaves(0).opening(), audit::v1::TailLeaf::OPENING_WITHHELD);
  EXPECT_TRUE(End(tail).ok());
}

TEST_F(TailHandlersTest, LeavesFollowAsTheyAreWrittenAndNoncesAreAnswered) {
  const Running tail = StartTail(ServiceCaller("routing"), Open(0, audit::v1::TAIL_VIEW_SEALED));
  TailRequest nonce;
  nonce.set_nonce("0123456789abcdef");
  tail.stream->Send(nonce);
  const TailResponse state = tail.stream->Receive();
  EXPECT_EQ(state.state().nonce(), "0123456789abcdef");
  EXPECT_EQ(state.state().size(), 0u);
  EXPECT_EQ(state.state().origin(), "relais.test/consent/1");
  EXPECT_EQ(state.state().root().size(), 32u);
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  const TailResponse leaves = tail.stream->Receive();
  ASSERT_EQ(leaves.leaves().leaves_size(), 1);
  EXPECT_EQ(leaves.leaves().first(), 0u);
  EXPECT_FALSE(leaves.leaves().leaves(0).has_details());
  EXPECT_TRUE(audit::ParseLeaf(leaves.leaves().leaves(0).leaf()).ok());
  EXPECT_TRUE(End(tail).ok());
}

TEST_F(TailHandlersTest, TheFirstMessageOpensAndNoOther) {
  TailRequest nonce;
  nonce.set_nonce("n");
  const Running wrong = StartTail(ServiceCaller("routing"), nonce);
  EXPECT_EQ(ReasonOf(End(wrong)), common::v1::ERROR_REASON_INVALID_FIELDS);
  const Running twice = StartTail(ServiceCaller("routing"), Open(0, audit::v1::TAIL_VIEW_SEALED));
  twice.stream->Send(Open(0, audit::v1::TAIL_VIEW_SEALED));
  EXPECT_EQ(ReasonOf(BlockOn(Wait(twice.end))), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST_F(TailHandlersTest, AnAuditorsOpenTailNeedsScopeAndReasonAndLeavesALeaf) {
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  const TailRequest open = Open(0, audit::v1::TAIL_VIEW_OPENED);
  Caller auditor = InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR);
  const Running unreasoned = StartTail(auditor, open);
  EXPECT_EQ(ReasonOf(End(unreasoned)), common::v1::ERROR_REASON_REASON_REQUIRED);
  auditor.reason = "complaint 12";
  Caller other = auditor;
  other.system = "another";
  const Running unscoped = StartTail(other, open);
  EXPECT_EQ(ReasonOf(End(unscoped)), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(world_.log().state().size, 1u);

  const Running tail = StartTail(auditor, open);
  const TailResponse response = tail.stream->Receive();
  ASSERT_EQ(response.leaves().leaves_size(), 2);
  EXPECT_EQ(response.leaves().leaves(0).opening(), audit::v1::TailLeaf::OPENING_OPENED);
  const auto read = audit::ParseLeaf(response.leaves().leaves(1).leaf());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->header.event_class(), audit::v1::EVENT_CLASS_LOG_READ);
  EXPECT_EQ(read->header.institution(), "auditor");
  EXPECT_TRUE(End(tail).ok());
}

// Its own institution's acts, and those addressed to it; of the others not even the header.
TEST_F(TailHandlersTest, AnOfficerSeesHerInstitutionsLeavesAndHashesOfTheOthers) {
  world_.SetDirectory(testing::SampleDirectory(2, testing::kOfficers));
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "edf");
  Caller officer = InstitutionCaller("ville-paris", "dpo", common::v1::ROLE_DPO);
  officer.reason = "complaint 12";
  const Running tail = StartTail(officer, Open(0, audit::v1::TAIL_VIEW_OPENED));
  const TailResponse response = tail.stream->Receive();
  ASSERT_EQ(response.leaves().leaves_size(), 3);
  const audit::v1::TailLeaf& own = response.leaves().leaves(0);
  EXPECT_EQ(own.opening(), audit::v1::TailLeaf::OPENING_OPENED);
  EXPECT_EQ(own.details().acting_function(), "assistant-social");
  EXPECT_EQ(own.details().subject().id(), "") << "no institution sees the suite's id";
  EXPECT_TRUE(world_.context().handles.FromHandle(own.person().handle(), "ville-paris").ok());
  const audit::v1::TailLeaf& other = response.leaves().leaves(1);
  EXPECT_EQ(other.opening(), audit::v1::TailLeaf::OPENING_WITHHELD);
  EXPECT_EQ(other.leaf(), "");
  EXPECT_EQ(other.leaf_hash(), merkle::AsBytes(merkle::HashLeaf(world_.log().ReadLeaves(1, 1)->at(0))));
  EXPECT_FALSE(other.has_details());
  EXPECT_TRUE(End(tail).ok());

  const Running sealed = StartTail(officer, Open(0, audit::v1::TAIL_VIEW_SEALED));
  const TailResponse bytes = sealed.stream->Receive();
  EXPECT_FALSE(bytes.leaves().leaves(0).leaf().empty());
  EXPECT_TRUE(bytes.leaves().leaves(1).leaf().empty());
  EXPECT_FALSE(bytes.leaves().leaves(0).has_details());
  EXPECT_TRUE(End(sealed).ok());
}

TEST_F(TailHandlersTest, AScopeThatIsTakenAwayEndsTheTail) {
  Caller auditor = InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR);
  const Running tail = StartTail(auditor, Open(0, audit::v1::TAIL_VIEW_SEALED));
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  EXPECT_EQ(tail.stream->Receive().leaves().leaves_size(), 1);
  world_.SetDirectory(testing::DirectoryWithoutAuditors(2));
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  EXPECT_EQ(ReasonOf(BlockOn(Wait(tail.end))), common::v1::ERROR_REASON_MISSING_ROLE);
}

}  // namespace
}  // namespace relais::rpc
