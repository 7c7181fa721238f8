#include "services/vault/domain/integrity.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using Check = v1::VersionCheck;

constexpr bool kLogReads = true;
constexpr bool kALeafDoesNotRead = false;

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
  const Check check = JudgeVersion(Stored(), Logged(), kLogReads, Read());
  EXPECT_EQ(check.finding(), Check::FINDING_INTACT);
  EXPECT_EQ(check.version(), 2u);
}

TEST(Integrity, WhatReadingFinds) {
  TextRead read = Read();
  read.missing = true;
  read.broken_at = 7;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).finding(), Check::FINDING_MISSING);
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).offset(), 7u);
  read.missing = false;
  read.altered = true;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).finding(), Check::FINDING_ALTERED);
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).offset(), 7u);
  read = Read();
  read.sha256 = "other";
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).finding(), Check::FINDING_HASH_DIFFERS);
  read = Read();
  read.size = 9;
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).finding(), Check::FINDING_HASH_DIFFERS);
}

TEST(Integrity, AnotherAttemptsHeaderIsNoticedThoughItOpens) {
  TextRead read = Read();
  read.header_sha256 = "abandoned attempt";
  EXPECT_EQ(JudgeVersion(Stored(), Logged(), kLogReads, read).finding(), Check::FINDING_ALTERED);
}

TEST(Integrity, ARecordThatTheLogKnowsOtherwiseWasPutBack) {
  EXPECT_EQ(JudgeVersion(Stored(), std::nullopt, kLogReads, Read()).finding(), Check::FINDING_ROLLED_BACK);
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
    EXPECT_EQ(JudgeVersion(Stored(), logged, kLogReads, Read()).finding(), Check::FINDING_ROLLED_BACK)
        << field;
  }
}

TEST(Integrity, WhereALeafDoesNotReadNothingIsCalledIntactAndNoTextIsKeptBackForIt) {
  const Check of_its_leaf = JudgeVersion(Stored(), Logged(), kALeafDoesNotRead, Read());
  EXPECT_EQ(of_its_leaf.finding(), Check::FINDING_LOG_UNREADABLE) << "a later leaf may be the one";
  const Check without = JudgeVersion(Stored(), std::nullopt, kALeafDoesNotRead, Read());
  EXPECT_EQ(without.finding(), Check::FINDING_LOG_UNREADABLE);
  EXPECT_FALSE(IsDamage(without.finding()));
  EXPECT_FALSE(IsDamage(Check::FINDING_INTACT));
  for (const Check::Finding finding : {Check::FINDING_MISSING, Check::FINDING_ALTERED,
                                       Check::FINDING_HASH_DIFFERS, Check::FINDING_ROLLED_BACK}) {
    EXPECT_TRUE(IsDamage(finding)) << finding;
  }
}

TEST(Integrity, WhatReadingAndTheLeavesThatReadFindIsSaidAllTheSame) {
  v1::DocumentDeposited later = Logged();
  later.set_sha256("later");
  EXPECT_EQ(JudgeVersion(Stored(), later, kALeafDoesNotRead, Read()).finding(), Check::FINDING_ROLLED_BACK);
  TextRead read = Read();
  read.altered = true;
  EXPECT_EQ(JudgeVersion(Stored(), std::nullopt, kALeafDoesNotRead, read).finding(), Check::FINDING_ALTERED);
  read = Read();
  read.sha256 = "other";
  EXPECT_EQ(JudgeVersion(Stored(), std::nullopt, kALeafDoesNotRead, read).finding(),
            Check::FINDING_HASH_DIFFERS);
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
