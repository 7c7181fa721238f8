#include "common/rpc/export_handlers.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <vector>

#include "common/audit/leaf.h"
#include "common/crypto/encoding.h"
#include "common/merkle/tree.h"
#include "common/rpc/checkpoint_size.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using audit::v1::ExportRequest;
using audit::v1::ExportResponse;
using testing::InstitutionCaller;

// A client that takes messages one at a time, when told to.
class FakeWriter final : public Writer<ExportResponse> {
 public:
  explicit FakeWriter(Executor& executor) : executor_(executor) {}

  Task<bool> Write(ExportResponse response) override {
    const OneShot<bool> taken(executor_);
    {
      std::lock_guard lock(mu_);
      EXPECT_FALSE(under_way_) << "a write was begun before the last had ended";
      messages.push_back(std::move(response));
      under_way_ = true;
      if (gone_ || messages.size() < hold_at_) {
        taken.Set(!gone_);
      } else {
        held_.push_back(taken);
      }
    }
    const bool ok = co_await taken;
    std::lock_guard lock(mu_);
    under_way_ = false;
    co_return ok;
  }
  [[nodiscard]] bool cancelled() const override { return false; }

  void HoldAt(size_t message) { hold_at_ = message; }
  void Leave() {
    std::lock_guard lock(mu_);
    gone_ = true;
    for (const OneShot<bool>& each : held_) {
      each.Set(false);
    }
  }
  std::vector<ExportResponse> messages;

 private:
  Executor& executor_;
  std::mutex mu_;
  size_t hold_at_ = SIZE_MAX;
  bool gone_ = false;
  bool under_way_ = false;
  std::vector<OneShot<bool>> held_;
};

class ExportHandlersTest : public ::testing::Test {
 protected:
  ExportHandlersTest() { world_.SetDirectory(testing::SampleDirectory(2, testing::kOfficers)); }

  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    call.deadline = clock_.Monotonic() + absl::Seconds(20);
    return call;
  }
  void Write(size_t count, const std::string& institution, size_t padding = 10) {
    std::vector<audit::Event> events(count);
    for (audit::Event& event : events) {
      event.event_class = audit::v1::EVENT_CLASS_CHECK_DECIDED;
      event.institution = institution;
      event.details.set_denial_reason(std::string(padding, 'x'));
    }
    ASSERT_TRUE(BlockOn(WriteLoneLeaves(world_.context(), events)).ok());
  }
  absl::Status Export(const Caller& caller, uint64_t from = 0) {
    ExportRequest request;
    request.set_from(from);
    request.set_min_size(world_.log().state().size);
    return BlockOn(handlers_.Export(CallOf(caller), request, out_));
  }
  // Every leaf's hash from `from` on, checked for order and form.
  std::vector<merkle::Hash> Hashes(uint64_t from, std::set<uint64_t>& withheld) {
    std::vector<merkle::Hash> hashes;
    for (const ExportResponse& message : out_->messages) {
      if (!message.checkpoint().empty()) {
        EXPECT_EQ(&message, out_->messages.data());
        EXPECT_EQ(message.leaves_size(), 0);
        continue;
      }
      EXPECT_EQ(message.first(), from + hashes.size());
      std::set<uint32_t> hidden(message.withheld().begin(), message.withheld().end());
      for (int i = 0; i < message.leaves_size(); ++i) {
        if (hidden.count(static_cast<uint32_t>(i)) == 0) {
          hashes.push_back(merkle::HashLeaf(message.leaves(i)));
          continue;
        }
        withheld.insert(from + hashes.size());
        merkle::Hash hash{};
        EXPECT_EQ(message.leaves(i).size(), hash.size());
        std::copy(message.leaves(i).begin(), message.leaves(i).end(), reinterpret_cast<char*>(hash.data()));
        hashes.push_back(hash);
      }
    }
    return hashes;
  }
  // The whole export gives the root of its checkpoint.
  void ExpectRoot(std::set<uint64_t>* withheld = nullptr) {
    std::set<uint64_t> none;
    merkle::Frontier tree;
    for (const merkle::Hash& hash : Hashes(0, withheld == nullptr ? none : *withheld)) {
      tree.Append(hash, nullptr);
    }
    EXPECT_TRUE(none.empty());
    const auto size = CheckpointSize(out_->messages.at(0).checkpoint());
    ASSERT_TRUE(size.ok());
    ASSERT_EQ(tree.size(), *size);
    const std::string& note = out_->messages[0].checkpoint();
    EXPECT_NE(note.find("\n" + crypto::Base64Encode(merkle::AsBytes(tree.root())) + "\n"), std::string::npos);
  }

  SystemClock clock_;
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  ExportHandlers handlers_{world_.context()};
  std::shared_ptr<FakeWriter> out_ = std::make_shared<FakeWriter>(executor_);
};

TEST_F(ExportHandlersTest, AllLeavesInMessagesOfBoundedSize) {
  Write(3000, "ville-paris", 300);
  ASSERT_TRUE(Export(testing::ServiceCaller("routing")).ok());
  ExpectRoot();
  EXPECT_GE(out_->messages.size(), 4u);
  for (const ExportResponse& message : out_->messages) {
    EXPECT_LE(message.ByteSizeLong(), size_t{512} << 10);
  }
  EXPECT_EQ(world_.log().state().size, 3000u) << "a peer's export leaves none";
}

TEST_F(ExportHandlersTest, AnAuditorsLeavesALeafThatItHolds) {
  Write(2, "ville-paris");
  const Caller auditor = InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR);
  ASSERT_TRUE(Export(auditor).ok());
  const auto read = world_.log().ReadOpened(2, 10);
  ASSERT_EQ(read->size(), 1u);
  audit::v1::LogRead payload;
  ASSERT_TRUE(read->at(0).details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.kind(), "EXPORT");
  ExpectRoot();
}

TEST_F(ExportHandlersTest, FromAnywhere) {
  Write(10, "ville-paris");
  ASSERT_TRUE(Export(testing::ServiceCaller("routing"), 7).ok());
  std::set<uint64_t> withheld;
  EXPECT_EQ(Hashes(7, withheld).size(), 3u);
  out_->messages.clear();
  ASSERT_TRUE(Export(testing::ServiceCaller("routing"), 10).ok());
  EXPECT_EQ(out_->messages.size(), 1u) << "the checkpoint alone";
}

TEST_F(ExportHandlersTest, AnOfficerGetsHashesOfWhatIsNotHers) {
  Write(3, "ville-paris");
  Write(2, "edf");
  ASSERT_TRUE(Export(InstitutionCaller("edf", "dpo", common::v1::ROLE_DPO)).ok());
  std::set<uint64_t> withheld;
  ExpectRoot(&withheld);
  EXPECT_EQ(withheld, (std::set<uint64_t>{0, 1, 2}));
}

TEST_F(ExportHandlersTest, WithoutScopeNothing) {
  Write(1, "ville-paris");
  const Caller authority = InstitutionCaller("authority", "inquiry", common::v1::ROLE_AUDITOR);
  EXPECT_EQ(ReasonOf(Export(authority)), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_TRUE(out_->messages.empty());
  EXPECT_EQ(world_.log().state().size, 1u);
}

TEST_F(ExportHandlersTest, AClientThatLeavesEndsIt) {
  Write(3000, "ville-paris", 300);
  out_->HoldAt(2);
  const OneShot<absl::Status> end(executor_);
  ExportRequest request;
  request.set_min_size(3000);
  Start(handlers_.Export(CallOf(testing::ServiceCaller("routing")), request, out_),
        [end](absl::Status status) { end.Set(std::move(status)); });
  out_->Leave();
  const auto wait = [](OneShot<absl::Status> ended) -> Task<absl::Status> {
    absl::Status status = co_await ended;
    co_return status;
  };
  EXPECT_TRUE(BlockOn(wait(end)).ok());
  EXPECT_LE(out_->messages.size(), 2u);
}

TEST_F(ExportHandlersTest, ACheckpointThatNeverComesEndsAtTheDeadline) {
  ExportRequest request;
  request.set_min_size(5);
  Call call = CallOf(testing::ServiceCaller("routing"));
  call.deadline = clock_.Monotonic() + absl::Milliseconds(20);
  EXPECT_EQ(BlockOn(handlers_.Export(call, request, out_)).code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace relais::rpc
