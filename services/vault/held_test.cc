// What a legal hold keeps of a vault: everything, and where something cannot be kept, that it cannot (D-2.10;
// ADR 54).
#include "services/vault/testing/held.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "services/vault/pending_drops.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::DamagedDisk;
using testing::Destroy;
using testing::Flip;
using testing::Hex;
using testing::Kept;
using testing::kHost;
using testing::Pdf;
using testing::PieceKey;
using testing::Place;
using testing::RecordKey;
using testing::SetRaw;
using testing::TextIn;
using testing::WhyIn;
using testing::World;

storage::Partition Hers() { return VaultStore::PersonPartition(World::Person(1)); }

TEST(Held, EveryVersionIsAndItIsSaidThatItIsWhole) {
  World world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(300'000, 1));
  world.MustDeposit(1, Pdf(5000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  Place(world);
  const auto kept = Kept(world);
  EXPECT_EQ(TextIn(kept, first.document, 1), Pdf(300'000, 1)) << "the earlier one too";
  EXPECT_EQ(TextIn(kept, first.document, 2), Pdf(5000, 2));
  for (const int version : {1, 2}) {
    const std::string name = "text/" + first.document + "/" + std::to_string(version);
    v1::DocumentVersion said;
    ASSERT_TRUE(kept.contains(name));
    ASSERT_TRUE(kept.at(name).UnpackTo(&said));
    EXPECT_EQ(said.version(), static_cast<uint32_t>(version));
    EXPECT_EQ(said.sha256(), crypto::Sha256(TextIn(kept, first.document, version)));
  }
}

TEST(Held, NoTextIsTooLarge) {
  constexpr size_t kLarge = size_t{66} << 20;
  World world;
  world.Host(1);
  const std::string text = Pdf(kLarge);
  const World::Deposited paper = world.MustDeposit(1, text);
  Place(world);
  EXPECT_TRUE(TextIn(Kept(world), paper.document, 1) == text);
}

TEST(Held, WhatDoesNotReadIsNamedAndAllElseIsKept) {
  World world;
  world.Host(1);
  const World::Deposited torn = world.MustDeposit(1, Pdf(700'000, 1));
  const World::Deposited headless = world.MustDeposit(1, Pdf(3000, 2));
  const World::Deposited sealed = world.MustDeposit(1, Pdf(3000, 3));
  const World::Deposited whole = world.MustDeposit(1, Pdf(3000, 4));
  const std::string share = world.Share(1, whole.document);
  Flip(world, BytesOf(torn), PieceKey(0), 9);
  SetRaw(world, BytesOf(torn), PieceKey(1), std::nullopt);
  SetRaw(world, BytesOf(headless), "head", std::nullopt);
  Flip(world, Hers(), RecordKey(sealed), 20);
  Flip(world, Hers(), "v/share/" + Hex(share).ToBytes(), 20);
  Place(world);
  const auto kept = Kept(world);
  EXPECT_EQ(WhyIn(kept, "text/" + torn.document + "/1/0"), "ALTERED");
  EXPECT_EQ(WhyIn(kept, "text/" + torn.document + "/1/1"), "MISSING");
  EXPECT_TRUE(kept.contains("text/" + torn.document + "/1/2")) << "what comes after them";
  EXPECT_FALSE(kept.contains("text/" + torn.document + "/1")) << "it is not whole";
  EXPECT_EQ(WhyIn(kept, "text/" + headless.document + "/1"), "MISSING");
  EXPECT_EQ(WhyIn(kept, "document/" + sealed.document), "ALTERED");
  EXPECT_EQ(WhyIn(kept, "share/" + share), "ALTERED");
  EXPECT_TRUE(kept.contains("document/" + torn.document));
  EXPECT_TRUE(kept.contains(std::string("host/") + kHost));
  EXPECT_EQ(TextIn(kept, whole.document, 1), Pdf(3000, 4));
}

TEST(Held, AStretchThatDoesNotReadIsNamedToo) {
  DamagedDisk disk;
  World world(disk.Options());
  world.Host(1);
  std::vector<World::Deposited> papers;
  for (uint8_t i = 0; i < 3; ++i) {
    papers.push_back(world.MustDeposit(1, Pdf(3000, i)));
  }
  std::sort(papers.begin(), papers.end(),
            [](const auto& a, const auto& b) { return a.document < b.document; });
  disk.store->Damage(Hers(), RecordKey(papers[1]));
  Place(world);
  const auto kept = Kept(world);
  EXPECT_EQ(WhyIn(kept, "document/from/" + papers[0].document), "ALTERED") << "where it begins";
  EXPECT_EQ(TextIn(kept, papers[0].document, 1).size(), 3000U);
  EXPECT_EQ(TextIn(kept, papers[2].document, 1).size(), 3000U);
}

TEST(Held, ItIsCopiedBeforeItIsDestroyed) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(3000, 1));
  Place(world);
  // Deposited and destroyed again, with no sweep in between.
  const World::Deposited paper = world.MustDeposit(1, Pdf(300'000, 2));
  ASSERT_TRUE(TextIn(Kept(world), paper.document, 1).empty()) << "that the test can fail";
  const absl::Status destroyed = Destroy(world, paper.document, "d1");
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  world.Settle();
  EXPECT_EQ(testing::CountRows(world, BytesOf(paper)), 0U);
  const auto kept = Kept(world);
  EXPECT_EQ(TextIn(kept, paper.document, 1), Pdf(300'000, 2));
  v1::StoredDocument record;
  ASSERT_TRUE(kept.contains("document/" + paper.document));
  ASSERT_TRUE(kept.at("document/" + paper.document).UnpackTo(&record));
  EXPECT_NE(record.state(), v1::Document::STATE_DESTROYED) << "as it was";
}

TEST(Held, WhatIsKeptWholeIsNotReadAgain) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(300'000, 1));
  const World::Deposited other = world.MustDeposit(1, Pdf(3000, 2));
  Place(world);
  SetRaw(world, BytesOf(paper), PieceKey(1), std::nullopt);
  const absl::Status destroyed = Destroy(world, other.document, "d1");  // copies first
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  world.Restart();  // and all of it is looked at again
  const auto kept = Kept(world);
  EXPECT_EQ(WhyIn(kept, "text/" + paper.document + "/1/1"), "");
  EXPECT_EQ(TextIn(kept, paper.document, 1), Pdf(300'000, 1));
}

TEST(Held, ADropThatIsRefusedIsCopiedBefore) {
  World world;
  world.Host(1);
  Place(world);
  world.consent.permits = [](const auto&) { return false; };
  world.consent.down = absl::UnavailableError("down");
  const auto begun = world.TryBegin(testing::DropOf(world, "b", 1), "aphp");
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, "x", "aphp").ok());
  const auto done = world.TryComplete(1, "c", begun->upload().upload_id(), "x", "aphp");
  ASSERT_TRUE(done.ok()) << done.status();
  world.Settle();
  world.consent.down = absl::OkStatus();
  PendingDrops drops(world.vault());
  const auto looked = world.Run(drops.Look());
  ASSERT_TRUE(looked.ok()) << looked.status();
  const std::string document = done->document().document_id();
  EXPECT_EQ(world.Document(1, document).state(), v1::Document::STATE_DESTROYED);
  EXPECT_EQ(TextIn(Kept(world), document, 1), "x");
}

TEST(Held, NothingIsCopiedOfWhomNoHoldCovers) {
  World world;
  for (const uint64_t person : {1, 2}) {
    world.Host(person);
  }
  world.MustDeposit(2, Pdf(3000, 2));
  Place(world);
  EXPECT_THAT(Kept(world), ::testing::SizeIs(1)) << "her host";
}

}  // namespace
}  // namespace relais::vault
