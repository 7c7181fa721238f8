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

void Opened(Teller& teller, uint8_t id, absl::Time due) {
  consent::v1::RightsOpened opened;
  opened.set_rights_id(IdOf(id).ToHex());
  opened.set_right(consent::v1::RIGHT_ACCESS);
  *opened.mutable_due() = ToProto(due);
  teller.Tell("consent", audit::v1::EVENT_CLASS_RIGHTS_OPENED, opened, Teller::Of(1));
}

void Answered(Teller& teller, uint8_t id, consent::v1::RightsOutcome outcome,
              absl::Time due = absl::UnixEpoch()) {
  consent::v1::RightsAnswered answered;
  answered.set_rights_id(IdOf(id).ToHex());
  answered.set_outcome(outcome);
  *answered.mutable_due() = ToProto(due);
  teller.Tell("consent", audit::v1::EVENT_CLASS_RIGHTS_ANSWERED, answered, Teller::Of(1));
}

class OverdueRightsTest : public ::testing::Test {
 protected:
  Teller teller_{MakeOverdueRightsRequests({})};
  absl::Time start_ = teller_.now();
};

TEST_F(OverdueRightsTest, UnansweredPastItsDay) {
  Opened(teller_, 1, start_ + 30 * kDay);
  Opened(teller_, 2, start_ + 40 * kDay);
  teller_.Pass(35 * kDay);
  EXPECT_THAT(teller_.Codes(), ElementsAre("OVERDUE 0"));
}

TEST_F(OverdueRightsTest, AnsweredInTimeIsNothing) {
  Opened(teller_, 1, start_ + 30 * kDay);
  teller_.Pass(20 * kDay);
  Answered(teller_, 1, consent::v1::RIGHTS_OUTCOME_REFUSED);
  teller_.Pass(20 * kDay);
  EXPECT_THAT(teller_.Codes(), IsEmpty());
}

TEST_F(OverdueRightsTest, AnsweredLate) {
  Opened(teller_, 1, start_ + 30 * kDay);
  teller_.Pass(31 * kDay);
  Answered(teller_, 1, consent::v1::RIGHTS_OUTCOME_GRANTED);
  EXPECT_THAT(teller_.Codes(), ElementsAre("LATE 0 1"));
}

TEST_F(OverdueRightsTest, AnExtensionMovesItsDay) {
  Opened(teller_, 1, start_ + 30 * kDay);
  teller_.Pass(20 * kDay);
  Answered(teller_, 1, consent::v1::RIGHTS_OUTCOME_EXTENDED, start_ + 90 * kDay);
  teller_.Pass(40 * kDay);
  Opened(teller_, 2, start_ + 61 * kDay);
  teller_.Pass(20 * kDay);
  EXPECT_THAT(teller_.Codes(), ElementsAre("OVERDUE 2"));
}

}  // namespace
}  // namespace relais::cli::questions
