#include "common/receipt/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "common/receipt/testing/sample_receipt.h"

namespace relais::receipt {
namespace {

using ::testing::IsEmpty;
using testing::SampleReceipt;

TEST(Record, HasTheSectionsAndFieldsOfTs27560) {
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(SampleReceipt()));
  EXPECT_EQ(record["record_header"]["record_id"], std::string(32, 'a'));
  EXPECT_EQ(record["record_header"]["pii_principal_id"], "rh1_sample");
  EXPECT_EQ(record["record_header"]["schema_version"], "ISO/IEC TS 27560:2023");
  EXPECT_EQ(record["receipt_id"], "relais.test/consent/1#41");
  const nlohmann::json& purpose = record["pii_processing"]["purposes"][0];
  EXPECT_EQ(purpose["purpose"], "RIGHTS_OPENING");
  EXPECT_EQ(purpose["lawful_basis"], "GDPR 6(1)(e)");
  EXPECT_EQ(purpose["pii_information"][1]["pii_type"], "HEALTH");
  EXPECT_EQ(purpose["pii_information"][1]["special_pii_category"], true);
  EXPECT_EQ(purpose["recipient_third_parties"], nlohmann::json::array({"institution:caf", "kind:HOSPITAL"}));
  EXPECT_EQ(purpose["impact_assessment"], "AIPD-2026-ville-paris");
  EXPECT_EQ(record["pii_processing"]["language"], "fr");
  const nlohmann::json& event = record["event"];
  ASSERT_EQ(event.size(), 1U);
  EXPECT_EQ(event[0]["event_state"], "consent_given");
  EXPECT_EQ(event[0]["event_type"], "explicit_consent");
  EXPECT_EQ(event[0]["event_time"], "2026-11-03T10:00:00Z");
  EXPECT_EQ(event[0]["validity_duration"], "PT31536000S");
}

TEST(Record, EveryPartyNamedIsDescribed) {
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(SampleReceipt()));
  std::set<std::string> described;
  for (const nlohmann::json& party : record["party_identification"]) {
    described.insert(party["party_id"].get<std::string>());
  }
  std::vector<std::string> missing;
  for (const nlohmann::json& purpose : record["pii_processing"]["purposes"]) {
    for (const char* list : {"pii_controllers", "recipient_third_parties"}) {
      for (const nlohmann::json& id : purpose[list]) {
        if (!described.contains(id.get<std::string>())) {
          missing.push_back(id.get<std::string>());
        }
      }
    }
    EXPECT_TRUE(described.contains(purpose["authority_party"].get<std::string>()));
  }
  EXPECT_THAT(missing, IsEmpty());
}

TEST(Record, AWithdrawalIsAnEvent) {
  consent::v1::Receipt receipt = SampleReceipt();
  receipt.set_state(consent::v1::RECEIPT_STATE_WITHDRAWN);
  *receipt.mutable_state_since() = ToProto(testing::At(11, 4, 8));
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(receipt));
  EXPECT_EQ(record["event"][1]["event_state"], "consent_withdrawn");
  EXPECT_EQ(record["event"][1]["event_time"], "2026-11-04T08:00:00Z");
}

TEST(Record, ARenewalIsAnEventAndMovesTheEnd) {
  consent::v1::Receipt receipt = SampleReceipt();
  consent::v1::ReceiptRenewal& renewal = *receipt.add_renewals();
  *renewal.mutable_at() = ToProto(testing::At(11, 10, 10));
  *renewal.mutable_valid_until() = ToProto(testing::At(11, 11, 10));
  *receipt.mutable_lasts_until() = renewal.valid_until();
  receipt.set_state(consent::v1::RECEIPT_STATE_TERMINATED);
  *receipt.mutable_state_since() = ToProto(testing::At(11, 10, 18));
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(receipt));
  EXPECT_EQ(record["pii_processing"]["purposes"][0]["retention_period"], "until 2026-11-11T10:00:00Z");
  EXPECT_EQ(record["event"][1]["event_state"], "consent_renewed");
  EXPECT_EQ(record["event"][1]["validity_duration"], "PT86400S");
  EXPECT_EQ(record["event"][2]["event_state"], "consent_terminated");
}

TEST(Record, EventsAreInTheOrderOfTheirInstants) {
  consent::v1::Receipt receipt = SampleReceipt();
  consent::v1::ReceiptRenewal& renewal = *receipt.add_renewals();
  *renewal.mutable_at() = ToProto(testing::At(11, 10, 10));
  *renewal.mutable_valid_until() = ToProto(testing::At(11, 11, 10));
  receipt.set_state(consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  *receipt.mutable_state_since() = ToProto(testing::At(11, 5, 10));
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(receipt));
  EXPECT_EQ(record["event"][1]["event_state"], "consent_partly_withdrawn");
  EXPECT_EQ(record["event"][2]["event_state"], "consent_renewed");
}

// D-2.13: the fields of Kantara CR 1.1, filled from the record alone. The controller's postal address is in
// no directory and stays empty.
nlohmann::json KantaraFrom(const nlohmann::json& record) {
  const nlohmann::json& processing = record["pii_processing"];
  const nlohmann::json& given = record["event"][0];
  nlohmann::json out = {{"version", "KI-CR-v1.1.0"},
                        {"jurisdiction", processing["purposes"][0]["jurisdiction"]},
                        {"consentTimestamp", given["event_time"]},
                        {"collectionMethod", processing["purposes"][0]["collection_method"]},
                        {"consentReceiptID", record["receipt_id"]},
                        {"language", processing["language"]},
                        {"piiPrincipalId", record["record_header"]["pii_principal_id"]},
                        {"policyUrl", processing["privacy_notice"]["id"]},
                        {"sensitive", false}};
  const nlohmann::json& controller = record["party_identification"][0];
  out["piiControllers"] = {{{"piiController", controller["party_controller"]},
                            {"contact", controller["party_contact"]},
                            {"email", controller["party_email"]}}};
  for (const nlohmann::json& purpose : processing["purposes"]) {
    nlohmann::json one = {{"purpose", purpose["purpose_description"]["fr"]},
                          {"purposeCategory", {purpose["purpose_type"]}},
                          {"consentType", given["event_type"]},
                          {"primaryPurpose", true},
                          {"termination", purpose["retention_period"]},
                          {"thirdPartyDisclosure", !purpose["recipient_third_parties"].empty()},
                          {"thirdPartyName", purpose["recipient_third_parties"].dump()}};
    for (const nlohmann::json& pii : purpose["pii_information"]) {
      one["piiCategory"].push_back(pii["pii_type"]);
      if (pii["special_pii_category"] == true) {
        out["sensitive"] = true;
        out["spiCat"].push_back(pii["pii_type"]);
      }
    }
    out["services"].push_back({{"service", "Relais"}, {"purposes", {one}}});
  }
  return out;
}

void ExpectFilled(const nlohmann::json& value, const std::string& path) {
  if (value.is_structured()) {
    EXPECT_FALSE(value.empty()) << path;
    for (const auto& [key, each] : value.items()) {
      ExpectFilled(each, path + "/" + key);
    }
  } else {
    EXPECT_FALSE(value.is_null() || value == "") << path;
  }
}

TEST(Record, AKantaraReceiptCanBeFilledFromIt) {
  const nlohmann::json filled = KantaraFrom(nlohmann::json::parse(WriteRecord(SampleReceipt())));
  ExpectFilled(filled, "");
  EXPECT_EQ(filled["sensitive"], true);
  EXPECT_EQ(filled["spiCat"], nlohmann::json::array({"HEALTH"}));
}

}  // namespace
}  // namespace relais::receipt
