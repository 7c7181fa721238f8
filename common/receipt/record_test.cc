#include "common/receipt/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

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

// What TS 27560 demands, by its public mapping, of every element of a section.
using Fields = std::vector<const char*>;
const Fields kHeaderFields = {"schema_version", "record_id", "pii_principal_id"};
const Fields kProcessingFields = {"privacy_notice", "language", "purposes"};
const Fields kPurposeFields = {"purpose",           "pii_information",        "pii_controllers",
                               "storage_locations", "retention_period",       "jurisdiction",
                               "withdrawal_method", "recipient_third_parties"};
const Fields kPiiFields = {"pii_type"};
const Fields kPartyFields = {"party_id", "party_name", "party_address", "party_contact", "party_type"};
const Fields kEventFields = {"event_time", "validity_duration", "entity_id", "event_type", "event_state"};

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

void ExpectFields(const nlohmann::json& element, const Fields& fields, const std::string& path) {
  for (const char* field : fields) {
    ASSERT_TRUE(element.contains(field)) << path << "/" << field;
    ExpectFilled(element[field], path + "/" + field);
  }
}

void ExpectMandatoryFields(const nlohmann::json& record) {
  ExpectFilled(record["receipt_id"], "receipt_id");
  ExpectFields(record["record_header"], kHeaderFields, "record_header");
  ExpectFields(record["pii_processing"], kProcessingFields, "pii_processing");
  for (const nlohmann::json& purpose : record["pii_processing"]["purposes"]) {
    ExpectFields(purpose, kPurposeFields, "purposes");
    for (const nlohmann::json& pii : purpose["pii_information"]) {
      ExpectFields(pii, kPiiFields, "pii_information");
    }
  }
  ASSERT_FALSE(record["party_identification"].empty());
  for (const nlohmann::json& party : record["party_identification"]) {
    ExpectFields(party, kPartyFields, party.value("party_id", "party"));
  }
  ASSERT_FALSE(record["event"].empty());
  for (const nlohmann::json& event : record["event"]) {
    ExpectFields(event, kEventFields, event.value("event_state", "event"));
  }
}

// Every element of every section, whatever became of the agreement, whoever gave it, whatever the directory
// lacks.
TEST(Record, HasEveryMandatoryFieldEverywhere) {
  for (const bool represented : {false, true}) {
    for (int state = consent::v1::RECEIPT_STATE_GIVEN; state <= consent::v1::ReceiptState_MAX; ++state) {
      consent::v1::Receipt receipt = SampleReceipt();
      consent::v1::ReceiptRenewal& renewal = *receipt.add_renewals();
      *renewal.mutable_at() = ToProto(testing::At(11, 10, 10));
      *renewal.mutable_valid_until() = ToProto(testing::At(12, 31, 10));
      if (represented) {
        testing::GiveFor(consent::v1::REPRESENTATION_TUTELLE, receipt);
        renewal.mutable_representative()->set_kind(consent::v1::REPRESENTATION_TUTELLE);
        receipt.set_state_by_representative(true);
      }
      receipt.set_state(static_cast<consent::v1::ReceiptState>(state));
      *receipt.mutable_state_since() = ToProto(testing::At(11, 20, 10));
      ExpectMandatoryFields(nlohmann::json::parse(WriteRecord(receipt)));
      ASSERT_FALSE(::testing::Test::HasFailure()) << state << (represented ? ", represented" : "");
    }
  }
  consent::v1::Receipt gone = SampleReceipt();
  gone.mutable_parties(1)->Clear();
  gone.mutable_parties(1)->set_institution("caf");  // it left the directory since
  gone.mutable_parties(0)->clear_dpo_name();
  gone.set_state_by_representative(true);  // of an agreement that she gave herself
  ExpectMandatoryFields(nlohmann::json::parse(WriteRecord(gone)));
}

TEST(Record, AddressesArePostalWhereTheDirectoryHasThem) {
  consent::v1::Receipt receipt = SampleReceipt();
  receipt.mutable_parties(0)->set_address("4 place Neuve, 75004 Paris");
  const nlohmann::json record = nlohmann::json::parse(WriteRecord(receipt));
  EXPECT_EQ(record["party_identification"][0]["party_address"], "4 place Neuve, 75004 Paris");
  EXPECT_EQ(record["party_identification"][1]["party_address"], "dpo@caf.example");
}

TEST(Record, EventsSayWhoseTheyAreAndHowLongWhatIsLeftLasts) {
  consent::v1::Receipt receipt = SampleReceipt();
  const auto last = [&] { return nlohmann::json::parse(WriteRecord(receipt))["event"].back(); };
  EXPECT_EQ(last()["entity_id"], "rh1_sample");
  *receipt.mutable_state_since() = ToProto(testing::At(11, 4, 8));
  receipt.set_state(consent::v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_EQ(last()["entity_id"], "rh1_sample");
  EXPECT_EQ(last()["validity_duration"], "PT0S");
  EXPECT_EQ(last()["event_type"], "explicit_consent");
  receipt.set_state(consent::v1::RECEIPT_STATE_TERMINATED);
  EXPECT_EQ(last()["entity_id"], "institution:ville-paris");
  receipt.set_state(consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  *receipt.mutable_lasts_until() = ToProto(testing::At(11, 4, 9));
  EXPECT_EQ(last()["validity_duration"], "PT3600S");
  EXPECT_EQ(last()["event_state"], "consent_partly_withdrawn");
  receipt.set_refused_before(true);  // ADR 50: a no from before it
  EXPECT_EQ(last()["event_state"], "consent_partly_refused");
}

// D-2.8, D-2.9: each capacity is a party of its own, and what was said in it is its event.
TEST(Record, WhoSpokeForHerIsAParty) {
  for (const consent::v1::Representation kind :
       {consent::v1::REPRESENTATION_TUTELLE, consent::v1::REPRESENTATION_HABILITATION_FAMILIALE,
        consent::v1::REPRESENTATION_MANDAT_PROTECTION_FUTURE, consent::v1::REPRESENTATION_ONE_PARENT,
        consent::v1::REPRESENTATION_BOTH_PARENTS, consent::v1::REPRESENTATION_ASE,
        consent::v1::REPRESENTATION_GUARDIAN_AD_HOC, consent::v1::REPRESENTATION_NONE}) {
    consent::v1::Receipt receipt = SampleReceipt();
    testing::GiveFor(kind, receipt);
    const nlohmann::json record = nlohmann::json::parse(WriteRecord(receipt));
    const std::string prefix = "REPRESENTATION_";
    const std::string id = "representative:" + consent::v1::Representation_Name(kind).substr(prefix.size());
    EXPECT_EQ(record["event"][0]["entity_id"], id);
    int found = 0;
    for (const nlohmann::json& party : record["party_identification"]) {
      if (party["party_role"] == "representative") {
        ++found;
        EXPECT_EQ(party["party_id"], id);
        EXPECT_EQ(party["party_mandate"], "TJ Paris 24/01234");
        EXPECT_EQ(party["party_mandate_until"], "2026-11-30T23:00:00Z");
      }
    }
    EXPECT_EQ(found, 1) << id;
  }
  EXPECT_EQ(WriteRecord(SampleReceipt()).find("representative"), std::string::npos);
}

// D-2.13: the fields of Kantara CR 1.1, filled from the record alone.
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
                            {"address", controller["party_address"]},
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

TEST(Record, AKantaraReceiptCanBeFilledFromIt) {
  const nlohmann::json filled = KantaraFrom(nlohmann::json::parse(WriteRecord(SampleReceipt())));
  ExpectFilled(filled, "");
  EXPECT_EQ(filled["sensitive"], true);
  EXPECT_EQ(filled["spiCat"], nlohmann::json::array({"HEALTH"}));
}

}  // namespace
}  // namespace relais::receipt
