#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/proto_time.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

constexpr absl::Duration kDay = absl::Hours(24);

void Asked(Teller& teller, uint8_t id) {
  consent::v1::ErasureAsked asked;
  asked.set_notice_id(IdOf(id).ToHex());
  asked.set_institution("caf");
  *asked.mutable_due() = ToProto(teller.now() + 30 * kDay);
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ASKED, asked, Teller::Of(1));
}

void Answered(Teller& teller, uint8_t id) {
  consent::v1::ErasureAnswered answered;
  answered.set_notice_id(IdOf(id).ToHex());
  answered.set_outcome(consent::v1::ERASURE_OUTCOME_ERASED);
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ANSWERED, answered, Teller::Of(1));
}

TEST(OverdueErasureNotices, UnansweredPastItsDueInstant) {
  Teller teller(MakeOverdueErasureNotices({}));
  Asked(teller, 1);
  Asked(teller, 2);
  teller.Pass(kDay);
  Answered(teller, 2);
  teller.Pass(28 * kDay);
  Asked(teller, 3);
  teller.Pass(2 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE 0"));
}

TEST(OverdueErasureNotices, AnsweredTooLate) {
  Teller teller(MakeOverdueErasureNotices({}));
  Asked(teller, 1);
  teller.Pass(31 * kDay);
  Answered(teller, 1);
  EXPECT_THAT(teller.Codes(), ElementsAre("LATE 0 1"));
}

// That she is erased is told in leaves about nobody, which open for ever.
TEST(OverdueErasureNotices, OfWhoIsErased) {
  Teller teller(MakeOverdueErasureNotices({}));
  for (const uint8_t id : {uint8_t{1}, uint8_t{2}}) {
    consent::v1::ErasureAsked asked;
    asked.set_notice_id(IdOf(id).ToHex());
    asked.set_institution("caf");
    *asked.mutable_due() = ToProto(teller.now() + 30 * kDay);
    teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ASKED, asked);
  }
  consent::v1::ErasureAnswered answered;
  answered.set_notice_id(IdOf(1).ToHex());
  answered.set_outcome(consent::v1::ERASURE_OUTCOME_KEPT);
  teller.Tell("consent", audit::v1::EVENT_CLASS_ERASURE_ANSWERED, answered);
  teller.Pass(31 * kDay);
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE 1"));
}

TEST(OverdueErasureNotices, NotBefore) {
  Teller teller(MakeOverdueErasureNotices({}));
  Asked(teller, 1);
  teller.Pass(29 * kDay);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
