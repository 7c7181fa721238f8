// A share whose row is under way while her no comes: the no is followed once the row is there to end,
// wherever the process dies (ADR 45, "Rows only once followed").
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

// A vault whose commits take `commit`.
class Slow {
 public:
  Slow() {
    world.harness().options().store.commit_delay = [this] { return commit; };
    world.Restart();
    world.Host(1);
    paper = world.MustDeposit(1, Pdf(1000)).document;
  }

  /// Begins what makes a share, and leaves it while its row is being written.
  template <typename Response>
  void Begin(Task<absl::StatusOr<Response>> making) {
    const KeyCommits& linking = world.vault().access.linking();
    const uint64_t before = linking.Mark();
    commit = absl::Seconds(1);
    relais::Start(std::move(making), [this](const absl::StatusOr<Response>& made) { ended = made.status(); });
    const auto under_way = [&] { return linking.Mark() > before; };
    World::Require(world.sim().RunUntil(under_way, absl::Milliseconds(900))
                       ? absl::OkStatus()
                       : absl::FailedPreconditionError("it holds no place"));
    commit = absl::ZeroDuration();  // of what is written from here on
  }
  /// She refuses that papers are shared; consent knows it from now on.
  void SheRefuses() {
    world.consent.permits = [](const auto&) { return false; };
    consent::v1::RefusalRecorded refusal;
    refusal.add_lines()->add_acts(common::v1::ACT_SHARE_DOCUMENT);
    world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refusal);
  }
  [[nodiscard]] bool IsFollowed() {
    return world.service().consent_follower()->applied() == world.consent_log().log().state().size;
  }
  /// As stored: how many there are, and how many are in force.
  struct Kept {
    size_t all = 0;
    size_t active = 0;
  };
  [[nodiscard]] Kept Shares() {
    Kept kept;
    const auto rows = world.store().Shares(World::Person(1), Id128(), 100);
    World::Require(rows.status());
    for (const auto& row : rows->rows) {
      ++kept.all;
      kept.active += row.stored.value.state() == v1::Share::STATE_ACTIVE ? 1 : 0;
    }
    return kept;
  }

  absl::Duration commit = absl::ZeroDuration();
  std::optional<absl::Status> ended;
  std::string paper;
  World world;  // goes first: what it runs looks at the others
};

v1::RequestDocumentRequest Question(World& world) {
  v1::RequestDocumentRequest request;
  request.set_request_id("ask");
  *request.mutable_person() = world.Handle(kReader, 1);
  request.add_types(v1::DOCUMENT_TYPE_TAX_NOTICE);
  request.set_purpose("RIGHTS_OPENING");
  request.set_why("pour votre dossier");
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 60));
  return request;
}

// Both ways in which shares come to be.
using Making = std::function<void(Slow&)>;

void MakesAShare(Slow& slow) {
  slow.Begin(slow.world.service().shares().Share(slow.world.As(kHost),
                                                 ShareOfPaper(slow.world, 1, slow.paper, "made")));
}

void Decides(Slow& slow) {
  World& world = slow.world;
  const auto asked =
      world.Run(world.service().requests().RequestDocument(world.As(kReader), Question(world)));
  World::Require(asked.status());
  v1::DecideRequestRequest decision;
  decision.set_request_id("made");
  *decision.mutable_person() = world.Handle(kHost, 1);
  decision.set_document_request_id(asked->request().document_request_id());
  decision.set_granted(true);
  decision.add_document_ids(slow.paper);
  decision.set_consent_id(world.consent.agreement);
  slow.Begin(world.service().requests().DecideRequest(world.As(kHost), decision));
}

class ShareRace : public ::testing::TestWithParam<Making> {};

INSTANTIATE_TEST_SUITE_P(Ways, ShareRace, ::testing::Values(MakesAShare, Decides),
                         [](const auto& info) { return info.index == 0 ? "Share" : "Decide"; });

TEST_P(ShareRace, ANoIsFollowedOnlyOnceTheRowIsThere) {
  Slow slow;
  GetParam()(slow);
  slow.SheRefuses();
  slow.world.Settle(absl::Milliseconds(500));
  EXPECT_EQ(slow.Shares().all, 0U) << "that the test can fail";
  EXPECT_FALSE(slow.IsFollowed());
  slow.world.Settle(absl::Seconds(5));
  EXPECT_TRUE(slow.IsFollowed());
  EXPECT_EQ(slow.Shares().all, 1U);
  EXPECT_EQ(slow.Shares().active, 0U);
  ASSERT_TRUE(slow.ended.has_value());
  EXPECT_EQ(ReasonOf(*slow.ended), common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST_P(ShareRace, WhereverTheProcessDiesTheShareHasEnded) {
  bool reached = true;
  uint64_t step = 0;
  for (; reached && step < 60; ++step) {
    SCOPED_TRACE(step);
    Slow slow;
    GetParam()(slow);
    slow.world.CrashAt(step);
    slow.SheRefuses();
    slow.world.Settle(absl::Seconds(5));
    reached = slow.world.Dead();
    if (reached) {
      slow.world.Restart();
    }
    slow.world.Settle(absl::Seconds(10));
    EXPECT_TRUE(slow.IsFollowed());
    EXPECT_EQ(slow.Shares().active, 0U);
  }
  EXPECT_GT(step, 3U) << "that it died at all";
}

// What is remembered of it answers as the share is.
TEST(ShareUnderWay, ARepetitionSaysThatItHasEnded) {
  Slow slow;
  MakesAShare(slow);
  slow.SheRefuses();
  slow.world.Settle(absl::Seconds(5));
  ASSERT_EQ(slow.Shares().all, 1U);
  v1::ShareRequest again = ShareOfPaper(slow.world, 1, slow.paper, "made");
  const auto rows = slow.world.store().Shares(World::Person(1), Id128(), 1);
  ASSERT_TRUE(rows.ok());
  *again.mutable_until() = rows->rows.at(0).stored.value.until();
  const auto answer = slow.world.Run(slow.world.service().shares().Share(slow.world.As(kHost), again));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->share().state(), v1::Share::STATE_WITHDRAWN);
}

// What was followed between the answer and the place is no later than the answer: nothing is stored.
TEST(ShareUnderWay, ANoThatIsFollowedWhileConsentAnswersStoresNothing) {
  Slow slow;
  World& world = slow.world;
  world.consent.delay = absl::Milliseconds(500);
  std::optional<absl::Status> ended;
  relais::Start(world.service().shares().Share(world.As(kHost), ShareOfPaper(world, 1, slow.paper)),
                [&ended](const absl::StatusOr<v1::ShareResponse>& made) { ended = made.status(); });
  world.Settle(absl::Milliseconds(100));
  slow.SheRefuses();
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ReasonOf(*ended), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(slow.Shares().all, 0U);
  EXPECT_TRUE(slow.IsFollowed());
}

}  // namespace
}  // namespace relais::vault::testing
