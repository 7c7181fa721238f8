#include "services/alerting/feed_stream.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::Letter;
using testing::Payment;
using testing::World;
using Outcomes = std::vector<std::string>;

constexpr absl::Duration kCommit = absl::Milliseconds(100);

// A client that has sent everything before the first answer.
class FakeStream final : public RowStream {
 public:
  explicit FakeStream(Executor& executor) : executor_(executor) {}

  void Send(const std::vector<v1::FeedRow>& rows) {
    v1::SubmitStreamRequest request;
    for (const v1::FeedRow& row : rows) {
      *request.mutable_batch()->add_rows() = row;
    }
    requests_.push_back(std::move(request));
  }
  void SendWhatIsNoBatch() { requests_.emplace_back(); }
  // The client goes away before answer number `n`.
  void LeaveBefore(size_t n) { most_answers_ = n; }
  // The client waits for answers instead of finishing.
  void StayOpen() { open_ = true; }
  [[nodiscard]] const std::vector<Outcomes>& answers() const { return answers_; }

  Task<std::optional<v1::SubmitStreamRequest>> Read() override {
    if (requests_.empty() && open_ && !ended_) {
      OneShot<bool> end(executor_);
      waiting_ = end;
      co_await end;
    }
    if (requests_.empty() || ended_) {
      co_return std::nullopt;
    }
    v1::SubmitStreamRequest next = std::move(requests_.front());
    requests_.pop_front();
    co_return next;
  }
  Task<bool> Write(v1::SubmitStreamResponse response) override {
    if (ended_ || answers_.size() >= most_answers_) {
      co_return false;
    }
    v1::SubmitRowsResponse rows;
    *rows.mutable_results() = response.results().results();
    answers_.push_back(World::Outcomes(rows));
    co_return true;
  }
  void End(absl::Status /*why*/) override {
    ended_ = true;
    if (waiting_.has_value()) {
      waiting_->Set(false);
    }
  }
  [[nodiscard]] bool cancelled() const override { return ended_; }

 private:
  Executor& executor_;
  std::deque<v1::SubmitStreamRequest> requests_;
  std::vector<Outcomes> answers_;
  size_t most_answers_ = SIZE_MAX;
  bool open_ = false;
  bool ended_ = false;
  std::optional<OneShot<bool>> waiting_;
};

class FeedStreamTest : public ::testing::Test {
 protected:
  FeedStreamTest() {
    world_.harness().options().store.commit_delay = [] { return kCommit; };
    world_.Restart();
    stream_ = std::make_shared<FakeStream>(world_.harness().executor());
  }
  absl::Status Serve() {
    AlertingStore store(world_.context());
    const Intake intake(world_.context(), store, paris_, rules_);
    const rpc::Call call = world_.As("edf");
    auto terms = intake.Open(call, v1::FEED_TYPE_EDF);
    EXPECT_TRUE(terms.ok());
    const absl::Time begin = world_.harness().clock().Now();
    const absl::Status status =
        world_.Run(ServeRows(world_.harness().executor(), intake, call, *std::move(terms), stream_));
    took_ = world_.harness().clock().Now() - begin;
    return status;
  }

  World world_;
  const calendar::Paris paris_ = *calendar::Paris::Load();
  const RuleSettings rules_;
  std::shared_ptr<FakeStream> stream_;
  absl::Duration took_;
};

v1::FeedRow CutOf(const std::string& reference, const std::string& name) {
  return Cut(reference, {{testing::EdfColumn::kNom, name}});
}

TEST_F(FeedStreamTest, BatchesOfOtherPeopleShareTheWait) {
  for (size_t i = 0; i < kMostBatchesAtOnce; ++i) {
    stream_->Send({CutOf("E" + std::to_string(i), std::string("Martin") + static_cast<char>('a' + i))});
  }
  ASSERT_TRUE(Serve().ok());
  EXPECT_EQ(stream_->answers(), std::vector<Outcomes>(kMostBatchesAtOnce, {"ACCEPTED"}));
  // Two commits of each, one after the other: of all of them at once.
  EXPECT_LT(took_, 3 * kCommit);
}

TEST_F(FeedStreamTest, BatchesOfTheSameReferenceFollowOneAnother) {
  stream_->Send({CutOf("E1", "Martin")});
  stream_->Send({CutOf("E1", "Martin")});
  stream_->Send({CutOf("E1", "Petit")});
  ASSERT_TRUE(Serve().ok());
  EXPECT_EQ(stream_->answers(), (std::vector<Outcomes>{{"ACCEPTED"}, {"DUPLICATE"}, {"REFERENCE_REUSED"}}));
}

// Her dossier is opened by one batch, settled by the next, and then there is none to settle any more.
TEST_F(FeedStreamTest, BatchesOfTheSamePersonFollowOneAnother) {
  stream_->Send({Cut("E1")});
  stream_->Send({Payment("P1")});
  stream_->Send({Payment("P2")});
  ASSERT_TRUE(Serve().ok());
  EXPECT_EQ(stream_->answers(), (std::vector<Outcomes>{{"ACCEPTED"}, {"ACCEPTED"}, {"NO_GROUND"}}));
}

TEST_F(FeedStreamTest, AFailureIsToldAfterTheAnswersBeforeIt) {
  stream_->Send({CutOf("E1", "Martin")});
  stream_->SendWhatIsNoBatch();
  stream_->Send({CutOf("E2", "Petit")});
  EXPECT_EQ(Serve().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(stream_->answers(), (std::vector<Outcomes>{{"ACCEPTED"}}));
  EXPECT_EQ(world_.DeliveryOf("E2"), v1::Delivery::STATE_UNSPECIFIED);
}

TEST_F(FeedStreamTest, AStoreThatFailsEndsTheStreamOfAClientThatWaits) {
  stream_->StayOpen();
  stream_->Send({CutOf("E1", "Martin")});
  stream_->Send({CutOf("E2", "Petit")});
  world_.CrashAt(3);
  EXPECT_FALSE(Serve().ok());
  EXPECT_TRUE(stream_->cancelled());
}

TEST_F(FeedStreamTest, AClientThatIsGoneIsToldNothingAndNothingIsLeftUnderWay) {
  stream_->LeaveBefore(1);
  stream_->StayOpen();
  for (int i = 0; i < 8; ++i) {
    stream_->Send({CutOf("E" + std::to_string(i), std::string("Martin") + static_cast<char>('a' + i))});
  }
  EXPECT_EQ(Serve().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(stream_->answers().size(), 1u);
  // What was begun is durable, whole: sending it again gives DUPLICATE, and what was not is accepted.
  world_.Settle();
  const Outcomes again = world_.Submit({CutOf("E0", "Martina"), CutOf("E7", "Martinh")});
  EXPECT_EQ(again, (Outcomes{"DUPLICATE", "ACCEPTED"}));
}

}  // namespace
}  // namespace relais::alerting
