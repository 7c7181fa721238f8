#include "services/consent/handlers/receipt_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/receipt/code.h"
#include "google/protobuf/util/json_util.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() : person_(world_.NewPerson("case-1")) {
    const auto recorded = world_.Record(SimWorld::ConsentFor(person_, "c1"));
    SimWorld::Require(recorded.status());
    consent_ = recorded->consent_id();
  }
  absl::StatusOr<v1::GetReceiptResponse> Get(const std::string& institution,
                                             const common::v1::PersonRef& person,
                                             const std::string& consent) {
    v1::GetReceiptRequest request;
    *request.mutable_person() = person;
    request.set_consent_id(consent);
    return world_.Run(world_.service().receipts().GetReceipt(world_.As(institution), request));
  }
  v1::GetReceiptResponse Get() {
    absl::StatusOr<v1::GetReceiptResponse> response = Get("ville-paris", person_, consent_);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::GetReceiptResponse();
  }
  common::v1::PersonRef At(const std::string& institution) {
    return rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
  }

  SimWorld world_;
  common::v1::PersonRef person_;
  std::string consent_;
};

TEST_F(ReceiptTest, SaysWhatItsProofSays) {
  const v1::GetReceiptResponse response = Get();
  const v1::Receipt& receipt = response.receipt();
  const auto proven = audit::VerifyProof(receipt.proof(), {world_.harness().verify_key()});
  ASSERT_TRUE(proven.ok()) << proven.status();
  v1::ConsentRecorded recorded;
  ASSERT_TRUE(proven->details.has_value() && proven->details->payload().UnpackTo(&recorded));
  EXPECT_EQ(recorded.consent().SerializeAsString(), receipt.consent().SerializeAsString());
  EXPECT_EQ(receipt.consent().consent_id(), consent_);
  EXPECT_EQ(receipt.state(), v1::RECEIPT_STATE_GIVEN);
  EXPECT_EQ(receipt.person(), person_.handle());
  EXPECT_TRUE(receipt.test());  // the harness is in test mode
}

// D-2.13: who, what, which purposes, which recipients, with controller and DPO of the directory.
TEST_F(ReceiptTest, HasTheWordsOfTheDirectory) {
  const v1::Receipt receipt = Get().receipt();
  ASSERT_EQ(receipt.parties_size(), 2);
  EXPECT_EQ(receipt.parties(0).institution(), "ville-paris");
  EXPECT_EQ(receipt.parties(0).controller(), "Ville de Paris");
  EXPECT_EQ(receipt.parties(0).dpo_email(), "dpo@ville-paris.example");
  EXPECT_EQ(receipt.parties(1).institution(), "caf");
  ASSERT_EQ(receipt.purposes_size(), 1);
  EXPECT_EQ(receipt.purposes(0).fr(), "Ouvrir ou rétablir des droits sociaux");
  ASSERT_EQ(receipt.categories_size(), 1);
  EXPECT_EQ(receipt.categories(0).en(), "Identity");
  EXPECT_FALSE(receipt.function_label().empty());
}

TEST_F(ReceiptTest, ItsCodeIsAProofWithoutAnyServer) {
  const v1::GetReceiptResponse response = Get();
  const audit::NamedVerifyKey key = world_.harness().verify_key();
  const std::vector<merkle::NoteVerifier> verifiers = {{key.name, key.key}};
  const auto code = receipt::ParseCode(response.code(), verifiers);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_TRUE(code->whole_leaf);
  const auto proven = audit::VerifyProof(code->proof, {key});
  ASSERT_TRUE(proven.ok()) << proven.status();
  v1::ConsentRecorded recorded;
  ASSERT_TRUE(proven->details->payload().UnpackTo(&recorded));
  EXPECT_EQ(recorded.consent().consent_id(), consent_);
  // What a usual agreement needs on paper, before the path that a large log adds.
  EXPECT_LT(code->proof.leaf().size(), 1000U);
}

TEST_F(ReceiptTest, TheRecordHoldsTheProof) {
  const nlohmann::json record = nlohmann::json::parse(Get().record_json());
  EXPECT_EQ(record["record_header"]["record_id"], consent_);
  common::v1::Proof proof;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(record["proof"].dump(), &proof).ok());
  EXPECT_TRUE(audit::VerifyProof(proof, {world_.harness().verify_key()}).ok());
}

TEST_F(ReceiptTest, AWithdrawalShows) {
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  const v1::Receipt receipt = Get().receipt();
  EXPECT_EQ(receipt.state(), v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_TRUE(receipt.has_state_since());
  EXPECT_EQ(nlohmann::json::parse(Get().record_json())["event"][1]["event_state"], "consent_withdrawn");
}

TEST_F(ReceiptTest, AnEndedAgreementShows) {
  world_.harness().sim().RunFor(absl::Hours(24 * 366));
  EXPECT_EQ(Get().receipt().state(), v1::RECEIPT_STATE_EXPIRED);
}

// D-2.8: who agreed for her, until when, and where the registry keeps it.
TEST_F(ReceiptTest, ARepresentativeShows) {
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person_, "c2");
  v1::Representative& tutor = *request.mutable_representative();
  tutor.set_kind(v1::REPRESENTATION_TUTELLE);
  tutor.set_reference("TJ Paris 24/01234");
  tutor.set_scope(v1::JUDGMENT_SCOPE_PERSON);
  const auto day = [](int year, common::v1::Date& date) {
    date.set_year(year);
    date.set_month(6);
    date.set_day(30);
  };
  day(2025, *tutor.mutable_from());
  day(2027, *tutor.mutable_until());
  const auto recorded = world_.Record(request);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  v1::RenewConsentRequest renewal;
  renewal.set_request_id("r1");
  *renewal.mutable_person() = person_;
  renewal.set_consent_id(recorded->consent_id());
  renewal.set_method(v1::METHOD_SIGNED_PAPER);
  *renewal.mutable_notice() = request.notice();
  *renewal.mutable_representative() = tutor;
  day(2028, *renewal.mutable_representative()->mutable_until());
  world_.harness().sim().RunFor(absl::Hours(24));
  const auto renewed =
      world_.Run(world_.service().consents().RenewConsent(world_.As("ville-paris"), renewal));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  const auto response = Get("ville-paris", person_, recorded->consent_id());
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Receipt& receipt = response->receipt();
  EXPECT_EQ(receipt.consent().representative().kind(), v1::REPRESENTATION_TUTELLE);
  ASSERT_EQ(receipt.renewals_size(), 1);
  EXPECT_EQ(receipt.renewals(0).representative().kind(), v1::REPRESENTATION_TUTELLE);
  EXPECT_EQ(receipt.renewals(0).mandate_until().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(2028, 6, 30, 22), absl::UTCTimeZone())));
  const nlohmann::json record = nlohmann::json::parse(response->record_json());
  EXPECT_EQ(record["event"][0]["entity_id"], "representative:TUTELLE");
  EXPECT_EQ(record["event"][1]["entity_id"], "representative:TUTELLE");
  EXPECT_EQ(record["pii_processing"]["purposes"][0]["storage_locations"], nlohmann::json::array({"FR"}));
  EXPECT_EQ(record["party_identification"][0]["party_address"], "Hôtel de Ville, 75196 Paris Cedex 04");
  // Her own no ends it, and is hers.
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  EXPECT_FALSE(Get("ville-paris", person_, recorded->consent_id())->receipt().state_by_representative());
  // A representative's yes after it never begins: the page does not say that it is valid.
  request.set_request_id("c3");
  const auto against = world_.Record(request);
  ASSERT_TRUE(against.ok()) << against.status();
  const auto never = Get("ville-paris", person_, against->consent_id());
  ASSERT_TRUE(never.ok()) << never.status();
  EXPECT_EQ(never->receipt().state(), v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_TRUE(never->receipt().refused_before());
  EXPECT_EQ(nlohmann::json::parse(never->record_json())["event"][1]["event_state"], "consent_refused");
}

// ADR 50: of two agreements on the same lines, that she took back one takes back the other.
TEST_F(ReceiptTest, ASecondAgreementOnTheSameLinesShowsTheWithdrawal) {
  const auto second = world_.Record(SimWorld::ConsentFor(person_, "c2"));
  ASSERT_TRUE(second.ok());
  v1::WithdrawConsentRequest withdrawal;
  withdrawal.set_request_id("w1");
  *withdrawal.mutable_person() = person_;
  withdrawal.set_consent_id(consent_);
  ASSERT_TRUE(
      world_.Run(world_.service().agreements().WithdrawConsent(world_.As("ville-paris"), withdrawal)).ok());
  ASSERT_EQ(world_.Decision(SimWorld::CheckFor(person_)), common::v1::DECISION_DENY);
  const auto response = Get("ville-paris", person_, second->consent_id());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->receipt().state(), v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_FALSE(response->receipt().refused_before());
}

TEST_F(ReceiptTest, NobodyElseGetsIt) {
  EXPECT_TRUE(absl::IsNotFound(Get("caf", At("caf"), consent_).status()));
  EXPECT_TRUE(absl::IsNotFound(Get("ville-paris", person_, std::string(32, '0')).status()));
  EXPECT_TRUE(absl::IsNotFound(Get("ville-paris", world_.NewPerson("case-2"), consent_).status()));
  EXPECT_EQ(Get("caf", person_, consent_).status().code(), absl::StatusCode::kInvalidArgument);
}

// Until she can come herself, her host acts for her, by an agreement of hers.
TEST_F(ReceiptTest, HerHostGetsIt) {
  v1::RecordConsentRequest host = SimWorld::ConsentFor(person_, "host");
  host.mutable_lines(0)->mutable_recipients(0)->set_institution("emmaus");
  host.mutable_lines(0)->set_acts(0, common::v1::ACT_HOST);
  ASSERT_TRUE(world_.Record(host).ok());
  EXPECT_TRUE(Get("emmaus", At("emmaus"), consent_).ok());
  EXPECT_TRUE(absl::IsNotFound(Get("caf", At("caf"), consent_).status()));
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  EXPECT_TRUE(absl::IsNotFound(Get("emmaus", At("emmaus"), consent_).status()));
}

// D-2.12: a host agreement that an authority declared invalid opens nothing.
TEST_F(ReceiptTest, AnInvalidHostGetsNothing) {
  v1::RecordConsentRequest host = SimWorld::ConsentFor(person_, "host");
  host.mutable_lines(0)->mutable_recipients(0)->set_institution("emmaus");
  host.mutable_lines(0)->set_acts(0, common::v1::ACT_HOST);
  const auto recorded = world_.Record(host);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  ASSERT_TRUE(Get("emmaus", At("emmaus"), consent_).ok());
  v1::WithdrawConsentRequest invalid;
  invalid.set_request_id("i1");
  *invalid.mutable_person() = person_;
  invalid.set_consent_id(recorded->consent_id());
  invalid.set_end(v1::CONSENT_END_INVALIDATED);
  invalid.set_decision_reference("TJ-75-2026-12");
  ASSERT_TRUE(
      world_.Run(world_.service().agreements().WithdrawConsent(world_.As("ville-paris"), invalid)).ok());
  EXPECT_TRUE(absl::IsNotFound(Get("emmaus", At("emmaus"), consent_).status()));
  EXPECT_EQ(Get("ville-paris", person_, recorded->consent_id())->receipt().state(),
            v1::RECEIPT_STATE_INVALIDATED);
}

TEST_F(ReceiptTest, LeavesALeaf) {
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_RECEIPT_GIVEN), 0U);
  Get();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_RECEIPT_GIVEN), 1U);
}

}  // namespace
}  // namespace relais::consent
