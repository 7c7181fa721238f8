#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Line;
using testing::Teller;

// Given by a tutor whose mandate ends after that many days.
uint64_t TutorAgrees(Teller& teller, uint8_t id, int days) {
  consent::v1::Consent consent = teller.AgreementTo(Line("RIGHTS_OPENING", "IDENTITY", "caf"), id);
  consent.mutable_representative()->set_kind(consent::v1::REPRESENTATION_TUTELLE);
  *consent.mutable_mandate_until() = ToProto(teller.now() + absl::Hours(24 * days));
  return teller.Agrees(1, consent);
}

TEST(ExpiredRepresentatives, APermitAfterTheMandateAndTheAgreementThatIsLeft) {
  Teller teller(MakeExpiredRepresentatives({}));
  const uint64_t agreed = TutorAgrees(teller, 7, 10);
  teller.Permit(1, 7);
  teller.Pass(absl::Hours(24 * 11));
  const uint64_t permit = teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(),
              ElementsAre("PERMITTED_AFTER_MANDATE " + std::to_string(permit) + " " + std::to_string(agreed),
                          "MANDATE_ENDED " + std::to_string(agreed)));
}

TEST(ExpiredRepresentatives, NotOfOneThatWasRenewedWithdrawnOrIsOver) {
  Teller teller(MakeExpiredRepresentatives({}));
  TutorAgrees(teller, 7, 10);
  TutorAgrees(teller, 8, 10);
  TutorAgrees(teller, 9, 500);
  consent::v1::ConsentRenewed again;
  again.set_consent_id(IdOf(7).ToHex());
  *again.mutable_renewal()->mutable_valid_until() = ToProto(teller.now() + absl::Hours(24 * 365));
  *again.mutable_renewal()->mutable_mandate_until() = ToProto(teller.now() + absl::Hours(24 * 100));
  teller.Tell("consent", audit::v1::EVENT_CLASS_CONSENT_RENEWED, again, Teller::Of(1));
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.add_consent_ids(IdOf(8).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn, Teller::Of(1));
  teller.Pass(absl::Hours(24 * 30));
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

// At another desk, by lines: the registry's own leaf names the agreement.
TEST(ExpiredRepresentatives, NotOfOneThatAWithdrawalElsewhereTouched) {
  Teller teller(MakeExpiredRepresentatives({}));
  TutorAgrees(teller, 7, 10);
  const uint64_t left = TutorAgrees(teller, 8, 10);
  consent::v1::AgreementsTouched touched;
  touched.add_consent_ids(IdOf(7).ToHex());
  teller.Tell("consent", audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED, touched, Teller::Of(1));
  teller.Pass(absl::Hours(24 * 30));
  EXPECT_THAT(teller.Codes(), ElementsAre("MANDATE_ENDED " + std::to_string(left)));
}

TEST(ExpiredRepresentatives, SheHerselfHasNoMandate) {
  Teller teller(MakeExpiredRepresentatives({}));
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "caf"), 7);
  teller.Pass(absl::Hours(24 * 100));
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
