#include "services/consent/service.h"

#include <gtest/gtest.h>

#include "common/directory/testing/sample.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

TEST(OpenedToPeers, WhatSheSaidAndNothingElse) {
  const rpc::OpenedTable table = OpenedToPeers();
  EXPECT_EQ(table.count("auditor"), 0u);
  for (const char* peer : {"routing", "alerting", "vault"}) {
    ASSERT_EQ(table.count(peer), 1u);
    EXPECT_EQ(table.at(peer).count(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN), 1u);
    EXPECT_EQ(table.at(peer).count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 0u);
    EXPECT_EQ(table.at(peer).count(audit::v1::EVENT_CLASS_CALL_REFUSED), 0u);
  }
}

TEST(OpenedToPeers, WhatDposAreToldOfForRoutingWhichTellsThem) {
  const rpc::OpenedTable table = OpenedToPeers();
  for (const auto told :
       {audit::v1::EVENT_CLASS_AGENT_SEARCHED, audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE}) {
    EXPECT_EQ(table.at("routing").count(told), 1u);
    EXPECT_EQ(table.at("alerting").count(told), 0u);
    EXPECT_EQ(table.at("vault").count(told), 0u);
  }
}

TEST(OpenedToPeers, TheVaultSeesWhatPapersHangOn) {
  const rpc::OpenedTable table = OpenedToPeers();
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_ERASE_REQUESTED), 1u);
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 1u);
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED), 1u);
  EXPECT_EQ(table.at("routing").count(audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED), 0u);
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 0u);
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED), 0u);
}

TEST(DirectoryRules, AreTheSampleDirectorys) {
  testing::SimWorld world;
  const Rules rules = RulesFrom(world.directory());
  EXPECT_EQ(rules.KindOf("edf"), "ENERGY_SUPPLIER");
  EXPECT_TRUE(rules.CategoryOf("HEALTH").special);
  EXPECT_TRUE(rules.CategoryOf("OFFENCE").offence);
  ASSERT_NE(rules.FindDesk("dsol-75113"), nullptr);
  EXPECT_TRUE(rules.FindDesk("dsol-75113")->departmental);
  const ProtocolRule* letter = rules.FindProtocol("edf", "UNPAID_BILL", "LETTRE_1");
  ASSERT_NE(letter, nullptr);
  EXPECT_TRUE(letter->convention_signed.has_value());
  EXPECT_EQ(rules.FindProtocol("engie", "UNPAID_BILL", "LETTRE_2"), nullptr);
  EXPECT_EQ(rules.FindProtocol("caf", "UNPAID_BILL", "LETTRE_1"), nullptr);
  EXPECT_FALSE(rules.MaySendOffenceData("bspp", absl::CivilDay(2026, 11, 3)));
}

// D-2.7: an authorised sender's planned exits, as a directory says them.
TEST(DirectoryRules, KnowTheGroundOfAuthorisedExits) {
  using directory::testing::Replaced;
  std::string yaml = Replaced(directory::testing::SampleYaml(), "\noffence_senders: []",
                              "\noffence_senders:\n  - {institution: edf, basis: texte, until: 2026-12-31}");
  yaml = Replaced(yaml, "  - id: bspp-detresse",
                  "  - id: sortie\n    sender: edf\n    signal: PLANNED_EXIT\n    events: [PRISON]\n"
                  "    purpose: SOCIAL_ASSESSMENT\n    grounds: [AUTHORISED_EXIT]\n"
                  "    categories: [OFFENCE]\n    recipients:\n      - {kind: SIAO}\n"
                  "  - id: bspp-detresse");
  const Rules rules = RulesFrom(*directory::testing::MakeDirectory(yaml));
  const ProtocolRule* exit = rules.FindProtocol("edf", "PLANNED_EXIT", "PRISON");
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->grounds, std::vector{common::v1::GROUND_AUTHORISED_EXIT});
  EXPECT_TRUE(rules.MaySendOffenceData("edf", absl::CivilDay(2026, 12, 31)));
  EXPECT_FALSE(rules.MaySendOffenceData("edf", absl::CivilDay(2027, 1, 1)));
}

// api.md: reads accept `at_least_as_fresh`. Asked for a revision that is not there, none answers with less.
TEST(Reads, NoneIsOlderThanAsked) {
  testing::SimWorld world;
  const rpc::Call call = world.As("ville-paris");
  Service& service = world.service();
  const auto refuses = [&](auto& handlers, auto method, auto request) {
    request.set_at_least_as_fresh(world.log().Revision(world.log().state().size + 1));
    const absl::Status status = world.Run((handlers.*method)(call, request)).status();
    EXPECT_EQ(rpc::ReasonOf(status), common::v1::ERROR_REASON_PEER_BEHIND)
        << request.GetTypeName() << ": " << status;
  };
  refuses(service.consents(), &ConsentHandlers::GetConsent, v1::GetConsentRequest());
  refuses(service.consents(), &ConsentHandlers::ListConsents, v1::ListConsentsRequest());
  refuses(service.checks(), &CheckHandlers::Check, v1::CheckRequest());
  refuses(service.checks(), &CheckHandlers::BatchCheck, v1::BatchCheckRequest());
  refuses(service.receipts(), &ReceiptHandlers::GetReceipt, v1::GetReceiptRequest());
  refuses(service.notices(), &NoticeHandlers::GetNotice, v1::GetNoticeRequest());
  refuses(service.duties(), &DutyHandlers::ListObligations, v1::ListObligationsRequest());
  refuses(service.withdrawals(), &WithdrawalStatusHandlers::GetWithdrawalStatus,
          v1::GetWithdrawalStatusRequest());
  refuses(service.disclosures(), &DisclosureHandlers::ListDisclosures, v1::ListDisclosuresRequest());
  refuses(service.withheld(), &WithheldHandlers::ListWithheld, v1::ListWithheldRequest());
  refuses(service.emergencies(), &EmergencyHandlers::ListPending, v1::ListPendingRequest());
  refuses(service.persons(), &PersonHandlers::Resolve, v1::ResolveRequest());
  refuses(service.identifiers(), &IdentifierHandlers::BatchResolve, v1::BatchResolveRequest());
  refuses(service.candidates(), &CandidateHandlers::ListCandidates, v1::ListCandidatesRequest());
  refuses(service.links(), &LinkHandlers::GetLinkImpact, v1::GetLinkImpactRequest());
  refuses(service.rights(), &RightsHandlers::ListOverdue, v1::ListOverdueRequest());
  refuses(service.record_rights(), &RecordRightsHandlers::Export, v1::ExportRequest());
}

}  // namespace
}  // namespace relais::consent
