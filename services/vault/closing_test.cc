// Closing the vault (D-3.4): notice, retrieval, and what each phase still allows.
#include "services/vault/closing.h"

#include <gmock/gmock.h>

#include "services/vault/convert.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/export_handlers.h"
#include "services/vault/handlers/operation_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using testing::kHost;
using testing::Pdf;
using testing::Verify;
using testing::World;

World::Options Calm() {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

v1::AnnounceClosureRequest Closure(absl::CivilDay day, const std::string& request_id = "a1",
                                   bool without_notice = false) {
  v1::AnnounceClosureRequest request;
  request.set_request_id(request_id);
  *request.mutable_closing_day() = DateOf(day);
  request.set_without_notice(without_notice);
  return request;
}
absl::StatusOr<v1::AnnounceClosureResponse> Announce(World& world,
                                                     const v1::AnnounceClosureRequest& request) {
  return world.Run(world.service().operations().AnnounceClosure(world.As("operator"), request));
}
v1::GetClosureResponse Get(World& world) {
  const auto response =
      world.Run(world.service().operations().GetClosure(world.As("caf"), v1::GetClosureRequest()));
  World::Require(response.status());
  return *response;
}
void SkipDays(World& world, int days) {
  world.sim().Skip(absl::Hours(24 * days));
  world.Settle(absl::Seconds(10));
}

absl::Status Read(World& world, const std::string& document) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  request.set_length(100);
  return world.Run(world.service().readings().ReadRange(world.As(kHost), request)).status();
}
absl::Status TakeAway(World& world) {
  v1::ExportRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  auto out = std::make_shared<testing::Collected<v1::ExportResponse>>(world.sim());
  return world.Run(world.service().exports().Export(world.As(kHost), request, out));
}

// The repetition has the receipt of the act, whatever was written since.
TEST(Closing, TheSameRequestHasTheSameReceipt) {
  World world(Calm());
  v1::AnnounceClosureRequest request = Closure(absl::CivilDay(2027, 6, 1));
  request.set_want_proof(true);
  const auto first = Announce(world, request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->written().proof().leaf_key().empty());
  ASSERT_TRUE(Announce(world, Closure(absl::CivilDay(2027, 7, 1), "a2")).ok());
  world.Restart();
  const auto again = Announce(world, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->closure().SerializeAsString(), first->closure().SerializeAsString());
  EXPECT_EQ(again->written().revision(), first->written().revision());
  EXPECT_EQ(again->written().proof().leaf(), first->written().proof().leaf());
  EXPECT_EQ(again->written().proof().leaf_key(), first->written().proof().leaf_key());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED), 2);
}

TEST(Closing, NeedsThreeMonthsNotice) {
  World world(Calm());
  EXPECT_FALSE(Get(world).has_closure());
  const auto early = Announce(world, Closure(absl::CivilDay(2027, 2, 2)));
  EXPECT_EQ(rpc::ReasonOf(early.status()), common::v1::ERROR_REASON_INVALID_FIELDS) << early.status();
  EXPECT_FALSE(Get(world).has_closure());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED), 0);
  const auto announced = Announce(world, Closure(absl::CivilDay(2027, 2, 3)));
  ASSERT_TRUE(announced.ok()) << announced.status();
  EXPECT_EQ(DayOf(announced->closure().closing_day()), absl::CivilDay(2027, 2, 3));
  EXPECT_EQ(DayOf(Get(world).closure().retrieval_until()), absl::CivilDay(2027, 2, 3));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED), 1);
  ASSERT_TRUE(Announce(world, Closure(absl::CivilDay(2027, 2, 3))).ok()) << "the same request";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED), 1);
}

TEST(Closing, IsNotBroughtForwardAndSurvivesARestart) {
  World world(Calm());
  ASSERT_TRUE(Announce(world, Closure(absl::CivilDay(2027, 6, 1))).ok());
  world.Restart();
  EXPECT_EQ(DayOf(Get(world).closure().closing_day()), absl::CivilDay(2027, 6, 1));
  EXPECT_FALSE(Announce(world, Closure(absl::CivilDay(2027, 5, 1), "a2")).ok());
  EXPECT_TRUE(Announce(world, Closure(absl::CivilDay(2027, 7, 1), "a3")).ok());
  EXPECT_EQ(DayOf(Get(world).closure().closing_day()), absl::CivilDay(2027, 7, 1));
}

TEST(Closing, ADayThatIsNoneIsRefused) {
  World world(Calm());
  v1::AnnounceClosureRequest request = Closure(absl::CivilDay(2027, 6, 1));
  request.mutable_closing_day()->set_month(13);
  EXPECT_EQ(rpc::ReasonOf(Announce(world, request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request.mutable_closing_day()->set_month(2);
  request.mutable_closing_day()->set_day(30);
  EXPECT_EQ(rpc::ReasonOf(Announce(world, request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST(Closing, WithoutNoticePapersCanBeHadForTwelveMonths) {
  World world(Calm());
  world.Host(1, kHost, absl::Hours(24 * 900));
  const World::Deposited paper = world.MustDeposit(1, Pdf(3000, 1));
  const World::Deposited other = world.MustDeposit(1, Pdf(3000, 2));
  const auto announced = Announce(world, Closure(absl::CivilDay(2026, 11, 3), "a1", true));
  ASSERT_TRUE(announced.ok()) << announced.status();
  EXPECT_EQ(DayOf(announced->closure().retrieval_until()), absl::CivilDay(2027, 11, 3));
  world.MustDeposit(1, Pdf(3000, 3));  // the closing day itself
  SkipDays(world, 1);
  EXPECT_EQ(rpc::ReasonOf(world.TryBegin(world.Begin(1, "late", 3000)).status()),
            common::v1::ERROR_REASON_VAULT_CLOSED);
  EXPECT_TRUE(Verify(world, 1, paper.document).ok());
  v1::DestroyRequest request;
  request.set_request_id("d1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(other.document);
  EXPECT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), request)).ok());
  SkipDays(world, 364);
  EXPECT_TRUE(Verify(world, 1, paper.document).ok()) << "the last day";
  EXPECT_TRUE(Read(world, paper.document).ok());
  EXPECT_TRUE(TakeAway(world).ok());
  SkipDays(world, 1);
  for (const absl::Status& late :
       {Verify(world, 1, paper.document).status(), Read(world, paper.document), TakeAway(world)}) {
    EXPECT_EQ(rpc::ReasonOf(late), common::v1::ERROR_REASON_VAULT_CLOSED) << late;
  }
  EXPECT_EQ(world.Document(1, paper.document).state(), v1::Document::STATE_ACTIVE)
      << "nothing is destroyed by itself";
}

}  // namespace
}  // namespace relais::vault
