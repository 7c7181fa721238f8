#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/proto_time.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

constexpr absl::Duration kDay = absl::Hours(24);

void Told(Teller& teller, uint8_t id) {
  consent::v1::RecordRectified said;
  said.set_institution("ville-paris");
  said.add_fields("surname");
  said.add_to_tell("caf");
  said.set_notice_id(IdOf(id).ToHex());
  *said.mutable_due() = ToProto(teller.now() + 30 * kDay);
  teller.Tell("consent", audit::v1::EVENT_CLASS_RECORD_RECTIFIED, said, Teller::Of(1));
}

void Answered(Teller& teller, uint8_t id) {
  consent::v1::RectificationAnswered answered;
  answered.set_notice_id(IdOf(id).ToHex());
  answered.set_outcome(consent::v1::RECTIFICATION_OUTCOME_RECTIFIED);
  teller.Tell("consent", audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED, answered, Teller::Of(1));
}

TEST(OverdueRectificationNotices, UnansweredPastItsDueInstant) {
  Teller teller(MakeOverdueRectificationNotices({}));
  Told(teller, 1);
  Told(teller, 2);
  teller.Pass(kDay);
  Answered(teller, 2);
  teller.Pass(28 * kDay);
  Told(teller, 3);
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE 0"));
}

TEST(OverdueRectificationNotices, AnsweredTooLate) {
  Teller teller(MakeOverdueRectificationNotices({}));
  Told(teller, 1);
  teller.Pass(31 * kDay);
  Answered(teller, 1);
  EXPECT_THAT(teller.Codes(), ElementsAre("LATE 0 1"));
}

// The act itself owes nothing, and one that was answered in time neither.
TEST(OverdueRectificationNotices, NeitherTheActNorBefore) {
  Teller teller(MakeOverdueRectificationNotices({}));
  consent::v1::RecordRectified act;
  act.set_institution("ville-paris");
  act.add_to_tell("caf");
  teller.Tell("consent", audit::v1::EVENT_CLASS_RECORD_RECTIFIED, act, Teller::Of(1));
  teller.Pass(29 * kDay);
  Told(teller, 1);
  teller.Pass(29 * kDay);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
