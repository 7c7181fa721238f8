#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

void Withdrawn(Teller& teller, uint8_t id, bool after_delivery) {
  routing::v1::MessageWithdrawn withdrawn;
  withdrawn.set_message_id(IdOf(id).ToHex());
  withdrawn.set_after_delivery(after_delivery);
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN, withdrawn, Teller::Of(1));
}

TEST(OverdueErasureNotices, AMonthAfterWhatHadBeenDelivered) {
  Teller teller(MakeOverdueErasureNotices({}));
  Withdrawn(teller, 1, true);
  Withdrawn(teller, 2, false);
  teller.Pass(absl::Hours(24 * 30));
  Withdrawn(teller, 3, true);
  teller.Pass(absl::Hours(24));
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE 0"));
}

TEST(OverdueErasureNotices, NotBefore) {
  Teller teller(MakeOverdueErasureNotices({}));
  Withdrawn(teller, 1, true);
  teller.Pass(absl::Hours(24 * 30));
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
