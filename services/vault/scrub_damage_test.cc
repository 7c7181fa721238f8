// A scrub comes to its end whatever the disk is like, and says what it met (D-3.1).
#include <gmock/gmock.h>

#include "common/audit/big_endian.h"
#include "services/vault/scrubber.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::DamagedDisk;
using testing::Flip;
using testing::FoundOf;
using testing::HostKey;
using testing::kHost;
using testing::LeafOfDeposit;
using testing::Pdf;
using testing::PieceKey;
using testing::RecordKey;
using testing::Scrub;
using testing::SetRaw;
using testing::TearLeaf;
using testing::Verify;
using testing::World;

storage::Partition Of(uint64_t person) { return VaultStore::PersonPartition(World::Person(person)); }
std::string Generation(uint32_t generation) {
  std::string key = "v/key/";
  AppendBigEndian32(generation, key);
  return key;
}
// The only duplicate mark of hers.
std::string DuplicateKey(World& world, uint64_t person) {
  const auto page = world.context().store.Scan(Of(person), "v/dup/", "", 2);
  World::Require(page.status());
  return page->entries.size() == 1 ? page->entries.front().key : std::string();
}

TEST(ScrubOfDamage, RowsThatAreNoPapersAreLookedAtToo) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(3000));
  const std::string share = world.Share(1, paper.document);
  const auto begun = world.TryBegin(world.Begin(1, "under-way", 3000));
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(Scrub(world, "s0").unreadable(), 0U);
  const std::vector<std::string> keys = {"v/share/" + testing::Hex(share).ToBytes(),
                                         "v/up/" + testing::Hex(begun->upload().upload_id()).ToBytes(),
                                         HostKey(world, 1, kHost), "v/usage", Generation(1)};
  for (size_t i = 0; i < keys.size(); ++i) {
    SCOPED_TRACE(keys[i].substr(0, 7));
    const std::string before = Flip(world, Of(1), keys[i], 20);
    const v1::Scrub scrub = Scrub(world, "s" + std::to_string(i + 1));
    EXPECT_TRUE(scrub.has_ended());
    EXPECT_EQ(scrub.unreadable(), 1U);
    EXPECT_EQ(scrub.passed_over(), 0U);
    EXPECT_EQ(scrub.versions(), 1U);
    EXPECT_EQ(scrub.damaged(), keys[i] == Generation(1) ? 1U : 0U) << "no key, no text";
    SetRaw(world, Of(1), keys[i], before);
  }
  SetRaw(world, Of(1), DuplicateKey(world, 1), std::string("x"));
  EXPECT_EQ(Scrub(world, "last").unreadable(), 1U);
}

// What a leaf said that does not read, nobody can tell: her papers are read, none is called intact, and she
// is counted. Nothing that the lost leaf may have told of is removed.
TEST(ScrubOfDamage, WhoseJournalDoesNotAllReadIsReadAndPassedOver) {
  World world;
  std::vector<World::Deposited> papers;
  for (const uint64_t person : {1, 2, 3}) {
    world.Host(person);
    papers.push_back(world.MustDeposit(person, Pdf(3000, static_cast<uint8_t>(person))));
  }
  const auto deposit = LeafOfDeposit(world, 2, papers[1].document);
  ASSERT_TRUE(deposit.has_value());
  const World::Deposited other = world.MustDeposit(2, Pdf(3000, 4));
  SetRaw(world, Of(2), RecordKey(papers[1]), std::nullopt);
  TearLeaf(world, *deposit);
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.passed_over(), 1U);
  EXPECT_EQ(scrub.versions(), 3U) << "of the others, and of hers the one with a record";
  EXPECT_EQ(scrub.damaged(), 0U);
  EXPECT_EQ(scrub.orphans_removed(), 0U) << "the text whose record and leaf are lost is still there";
  EXPECT_EQ(FoundOf(world, 2, other.document), v1::VersionCheck::FINDING_LOG_UNREADABLE);
  EXPECT_EQ(FoundOf(world, 3, papers[2].document), v1::VersionCheck::FINDING_INTACT);
  EXPECT_FALSE(world.Document(2, other.document).versions(0).version().damaged());
  EXPECT_EQ(rpc::ReasonOf(Verify(world, 2, papers[1].document).status()),
            common::v1::ERROR_REASON_DOCUMENT_DAMAGED)
      << "nobody can tell that there is none";
}

// Whoever tears a leaf brings nothing back that was kept from readers.
TEST(ScrubOfDamage, WhatWasFoundStandsWhenItsLeafIsTorn) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(3000, 1));
  const auto deposit = LeafOfDeposit(world, 1, paper.document);
  ASSERT_TRUE(deposit.has_value());
  Flip(world, BytesOf(paper), PieceKey(0), 9);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED);
  EXPECT_TRUE(world.Document(1, paper.document).versions(0).version().damaged());
  Flip(world, BytesOf(paper), PieceKey(0), 9);
  TearLeaf(world, *deposit);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_LOG_UNREADABLE);
  EXPECT_TRUE(world.Document(1, paper.document).versions(0).version().damaged()) << "as it was found before";
}

TEST(ScrubOfDamage, GoesPastAStretchOfPersonsAndOfBytes) {
  DamagedDisk disk;
  World world(disk.Options());
  std::vector<World::Deposited> papers;
  for (const uint64_t person : {1, 2, 3, 4, 5}) {
    world.Host(person);
    papers.push_back(world.MustDeposit(person, Pdf(3000, static_cast<uint8_t>(person))));
  }
  const World::Deposited lost = world.MustDeposit(1, Pdf(3000, 99));
  SetRaw(world, Of(1), RecordKey(lost), std::nullopt);
  disk.store->Damage(Of(3), "", std::string(20, '\xff'));  // all that is hers
  disk.store->Damage(BytesOf(papers[0]), PieceKey(0));     // what begins a text
  disk.store->Damage(BytesOf(papers[1]), "head");          // and what says whose it is
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.passed_over(), 1U);
  EXPECT_GE(scrub.unreadable(), 1U) << "the text that no listing comes by";
  EXPECT_EQ(scrub.versions(), 5U) << "hers, two; the others', three";
  EXPECT_EQ(scrub.damaged(), 3U) << "two on the disk, one whose record is gone";
  EXPECT_EQ(scrub.rolled_back(), 1U);
  EXPECT_EQ(scrub.orphans_removed(), 0U);
  EXPECT_TRUE(world.Document(1, papers[0].document).versions(0).version().damaged());
  EXPECT_TRUE(world.Document(2, papers[1].document).versions(0).version().damaged());
}

TEST(ScrubOfDamage, ItsOwnRowIsNoObstacle) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(1);
  world.MustDeposit(1, Pdf(3000));
  EXPECT_EQ(Scrub(world, "s1").versions(), 1U);
  disk.store->Damage(Scrubber::Bucket(world.context()), "", std::string(64, '\xff'));
  v1::GetScrubRequest which;
  const auto gone = world.Run(world.service().operations().GetScrub(world.As("operator"), which));
  EXPECT_EQ(rpc::ReasonOf(gone.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  const v1::Scrub scrub = Scrub(world, "s2");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.versions(), 1U);
}

TEST(ScrubOfDamage, RowsOfNobodyAreReadToo) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(1);
  world.MustDeposit(1, Pdf(3000));
  const storage::Partition bucket = world.context().idempotency.Bucket("vault-closure", "", "");
  SetRaw(world, bucket, "row", std::string("x"));
  EXPECT_EQ(Scrub(world, "s1").unreadable(), 0U);
  disk.store->Damage(bucket, "row");
  const v1::Scrub scrub = Scrub(world, "s2");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.unreadable(), 1U);
  EXPECT_EQ(scrub.versions(), 1U);
}

}  // namespace
}  // namespace relais::vault
