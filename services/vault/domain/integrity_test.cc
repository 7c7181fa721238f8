#include "services/vault/domain/integrity.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using Check = v1::VersionCheck;

v1::StoredVersion Stored() {
  v1::StoredVersion stored;
  stored.mutable_version()->set_version(2);
  stored.mutable_version()->set_size(10);
  stored.mutable_version()->set_sha256("hash");
  stored.set_header_sha256("header");
  return stored;
}

v1::DocumentDeposited Logged() {
  v1::DocumentDeposited logged;
  logged.set_version(2);
  logged.set_size(10);
  logged.set_sha256("hash");
  logged.set_header_sha256("header");
  return logged;
}

TextRead Read() {
  TextRead read;
  read.size = 10;
  read.sha256 = "hash";
  read.header_sha256 = "header";
  return read;
}

TEST(Integrity, Intact) {
  const Check check = JudgeVersion(Stored(), Logged(), Read());
  EXPECT_EQ(check.finding(), Check::FINDING_INTACT);
  EXPECT_EQ(check.version(), 2u);
}

TEST(Integrity, WhatReadingFinds) {
  TextRead read = Read();
  read.missing = true;
  read.broken_at = 7;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).finding(), Check::FINDING_MISSING);
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).offset(), 7u);
  read.missing = false;
  read.altered = true;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).finding(), Check::FINDING_ALTERED);
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).offset(), 7u);
  read = Read();
  read.sha256 = "other";
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).finding(), Check::FINDING_HASH_DIFFERS);
  read = Read();
  read.size = 9;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).finding(), Check::FINDING_HASH_DIFFERS);
}

TEST(Integrity, AnotherAttemptsHeaderIsNoticedThoughItOpens) {
  TextRead read = Read();
  read.header_sha256 = "abandoned attempt";
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), read).finding(), Check::FINDING_ALTERED);
}

TEST(Integrity, ARecordThatTheLogKnowsOtherwiseWasPutBack) {
  EXPECT_EQ(JudgeVersion(Stored(), std::nullopt, Read()).finding(), Check::FINDING_ROLLED_BACK);
  for (int field = 0; field < 4; ++field) {
    v1::DocumentDeposited logged = Logged();
    switch (field) {
      case 0:
        logged.set_version(3);
        break;
      case 1:
        logged.set_size(11);
        break;
      case 2:
        logged.set_sha256("later");
        break;
      default:
        logged.set_header_sha256("later");
        break;
    }
    EXPECT_EQ(JudgeVersion(Stored(), logged, Read()).finding(), Check::FINDING_ROLLED_BACK) << field;
  }
}

TEST(Integrity, APaperThatLacksAVersionOrCameBack) {
  v1::StoredDocument stored;
  stored.set_state(v1::Document::STATE_ACTIVE);
  *stored.add_versions() = Stored();
  EXPECT_FALSE(IsRolledBack(stored, {{Logged()}, false}));
  EXPECT_TRUE(IsRolledBack(stored, {{Logged(), Logged()}, false}));
  EXPECT_TRUE(IsRolledBack(stored, {{Logged()}, true}));
  stored.set_state(v1::Document::STATE_DESTROYED);
  EXPECT_FALSE(IsRolledBack(stored, {{Logged()}, true}));
}

}  // namespace
}  // namespace relais::vault
