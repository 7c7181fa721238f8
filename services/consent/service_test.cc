#include "services/consent/service.h"

#include <gtest/gtest.h>

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

TEST(OpenedToPeers, SearchesForAgentsForRoutingWhichTellsTheDpo) {
  const rpc::OpenedTable table = OpenedToPeers();
  EXPECT_EQ(table.at("routing").count(audit::v1::EVENT_CLASS_AGENT_SEARCHED), 1u);
  EXPECT_EQ(table.at("alerting").count(audit::v1::EVENT_CLASS_AGENT_SEARCHED), 0u);
  EXPECT_EQ(table.at("vault").count(audit::v1::EVENT_CLASS_AGENT_SEARCHED), 0u);
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

}  // namespace
}  // namespace relais::consent
