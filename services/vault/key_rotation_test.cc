// Each text has a key of its own; rotating a person's key touches no text; and who rotates is told how far it
// is while it is under way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/testing/forwarding_store.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/key_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/world_on.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::Hex;
using testing::kHost;
using testing::Pdf;
using testing::World;

void Rotate(World& world, v1::KeyLevel level) {
  v1::RotateRequest request;
  request.set_request_id("r1");
  request.set_level(level);
  World::Require(world.Run(world.service().keys().Rotate(world.As("operator"), request)).status());
}
v1::Rotation RotationOf(World& world) {
  const auto status = world.Run(world.service().keys().Status(world.As("operator"), v1::StatusRequest()));
  World::Require(status.status());
  return status->rotation();
}

// ---- a key per version

World::Deposited DepositAgain(World& world, const std::string& id, std::string_view text,
                              const std::string& later_of) {
  v1::BeginUploadRequest begin = world.Begin(1, "begin-" + id, text.size());
  begin.set_document_id(later_of);
  begin.set_allow_duplicate(true);
  const auto begun = world.TryBegin(begin);
  World::Require(begun.status());
  World::Require(world.TrySend(1, begun->upload().upload_id(), 0, text).status());
  const auto done = world.TryComplete(1, "complete-" + id, begun->upload().upload_id(), text);
  World::Require(done.status());
  world.Settle();
  return {done->document().document_id(), begun->upload().upload_id(), done->version()};
}

std::string KeyOf(World& world, uint64_t person, const World::Deposited& paper) {
  const VersionName name{World::Person(person), Hex(paper.document), paper.version};
  const v1::StoredDocument record = world.Document(person, paper.document);
  const auto key =
      world.vault().keys.VersionKey(name, record.versions(static_cast<int>(paper.version) - 1).wrapped_key());
  World::Require(key.status());
  return std::string(key->ExposeSecret());
}

TEST(VersionKeys, TheSameTextHasAnotherKeyEachTime) {
  World world;
  world.Host(1);
  world.Host(2);
  const std::string text = Pdf(5000);
  struct Kept {
    uint64_t person;
    World::Deposited paper;
  };
  std::vector<Kept> kept;
  kept.push_back({1, world.MustDeposit(1, text)});
  kept.push_back({1, DepositAgain(world, "version", text, kept[0].paper.document)});
  kept.push_back({1, DepositAgain(world, "paper", text, "")});
  kept.push_back({2, world.MustDeposit(2, text)});
  ASSERT_EQ(kept[1].paper.document, kept[0].paper.document);
  ASSERT_EQ(kept[1].paper.version, 2U);
  ASSERT_NE(kept[2].paper.document, kept[0].paper.document);
  for (size_t i = 0; i < kept.size(); ++i) {
    const std::string key = KeyOf(world, kept[i].person, kept[i].paper);
    EXPECT_EQ(key.size(), kPaperKeySize);
    for (size_t j = 0; j < i; ++j) {
      EXPECT_NE(key, KeyOf(world, kept[j].person, kept[j].paper)) << j << " and " << i;
      EXPECT_NE(testing::Raw(world, BytesOf(kept[i].paper), testing::PieceKey(0)),
                testing::Raw(world, BytesOf(kept[j].paper), testing::PieceKey(0)));
    }
  }
}

// ---- a person's key

struct RowOfText {
  std::string key;
  std::string value;
  uint64_t version = 0;

  bool operator==(const RowOfText&) const = default;
};
std::vector<RowOfText> RowsOf(World& world, const World::Deposited& paper) {
  const auto page = world.context().store.Scan(BytesOf(paper), "", "", 1000);
  World::Require(page.status());
  std::vector<RowOfText> rows;
  for (const storage::KeyedEntry& row : page->entries) {
    rows.push_back({row.key, row.entry.value, row.entry.version});
  }
  return rows;
}

TEST(PersonRotation, LeavesTheStoredTextsByteForByte) {
  World world;
  world.Host(1);
  const World::Deposited small = world.MustDeposit(1, Pdf(3000, 1));
  const World::Deposited large = world.MustDeposit(1, Pdf(2 * kPieceSize + 5000, 2));
  const std::vector<RowOfText> small_before = RowsOf(world, small);
  const std::vector<RowOfText> large_before = RowsOf(world, large);
  ASSERT_EQ(small_before.size(), 2U) << "a head and a piece";
  ASSERT_EQ(large_before.size(), 4U);
  const std::string wrapped = world.Document(1, large.document).versions(0).wrapped_key();
  const std::string key = KeyOf(world, 1, large);
  Rotate(world, v1::KEY_LEVEL_PERSON);
  world.Settle(absl::Seconds(10));
  ASSERT_TRUE(RotationOf(world).has_ended());
  EXPECT_NE(world.Document(1, large.document).versions(0).wrapped_key(), wrapped) << "it was rotated";
  EXPECT_EQ(KeyOf(world, 1, large), key) << "the same key, wrapped anew";
  EXPECT_TRUE(RowsOf(world, small) == small_before);
  EXPECT_TRUE(RowsOf(world, large) == large_before) << "nor written again as it was";
}

// ---- how far it is

// One partition's commits do not come to their end until they are let go.
class PausedStore final : public storage::testing::ForwardingStore {
 public:
  PausedStore(std::unique_ptr<storage::Store> inner, Executor& executor)
      : ForwardingStore(std::move(inner)), executor_(executor) {}

  void Pause(const storage::Partition& partition) { paused_ = partition; }
  [[nodiscard]] bool pauses() const { return go_.has_value(); }
  void LetGo() {
    paused_.reset();
    if (const auto go = std::exchange(go_, std::nullopt); go.has_value()) {
      go->Set(true);
    }
  }

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (paused_.has_value() && request.partition == *paused_ && !go_.has_value()) {
      const OneShot<bool> go(executor_);
      go_ = go;
      co_await go;
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }

 private:
  Executor& executor_;
  std::optional<storage::Partition> paused_;
  std::optional<OneShot<bool>> go_;
};

using PausedWorld = testing::WorldOn<PausedStore>;

// The last person there is, in the order of ids.
Id128 LastOf(World& world) {
  const auto persons = world.store().Persons(Id128(), 1000);
  World::Require(persons.status());
  return persons->back();
}

// A rotation that has come to the last person and waits there.
v1::Rotation AllButTheLast(PausedWorld& paused, v1::KeyLevel level) {
  paused.store->Pause(VaultStore::PersonPartition(LastOf(paused.world)));
  Rotate(paused.world, level);
  paused.world.Settle(absl::Seconds(30));
  EXPECT_TRUE(paused.store->pauses());
  const v1::Rotation under_way = RotationOf(paused.world);
  EXPECT_FALSE(under_way.has_ended());
  return under_way;
}

TEST(RotationProgress, OfPersonsKeysIsSeenWhileItIsUnderWay) {
  constexpr uint64_t kPersons = 51;  // more than are renewed at once
  PausedWorld paused;
  World& world = paused.world;
  for (uint64_t person = 1; person <= kPersons; ++person) {
    world.Host(person);
    world.MustDeposit(person, Pdf(100, static_cast<uint8_t>(person)));
  }
  const v1::Rotation under_way = AllButTheLast(paused, v1::KEY_LEVEL_PERSON);
  EXPECT_EQ(under_way.persons(), kPersons);
  EXPECT_EQ(under_way.persons_done(), kPersons - 1) << "so 0 < done < all";
  EXPECT_EQ(under_way.keys(), kPersons - 1);
  paused.store->LetGo();
  world.Settle(absl::Seconds(30));
  const v1::Rotation ended = RotationOf(world);
  EXPECT_TRUE(ended.has_ended());
  EXPECT_EQ(ended.persons_done(), kPersons);
  EXPECT_EQ(ended.keys(), kPersons);
}

TEST(RotationProgress, OfAnEpochIsSeenWhileItIsUnderWay) {
  constexpr uint64_t kPersons = 501;  // more than one page
  PausedWorld paused;
  World& world = paused.world;
  for (uint64_t person = 1; person <= kPersons; ++person) {
    const auto wrapped = WrapPersonKey(world.vault().keys.epochs(), World::Person(person), 1,
                                       NewPaperKey(world.context().random));
    World::Require(wrapped.status());
    storage::CommitRequest commit;
    VaultStore::PutPersonKey(World::Person(person), {1, {*wrapped, 0}}, commit);
    World::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  }
  const v1::Rotation under_way = AllButTheLast(paused, v1::KEY_LEVEL_EPOCH);
  EXPECT_EQ(under_way.persons(), kPersons);
  EXPECT_EQ(under_way.persons_done(), kPersons - 1) << "so 0 < done < all";
  EXPECT_EQ(world.vault().keys.epochs().Held().size(), 2U) << "the old one opens who is not done";
  paused.store->LetGo();
  world.Settle(absl::Seconds(30));
  const v1::Rotation ended = RotationOf(world);
  EXPECT_TRUE(ended.has_ended());
  EXPECT_EQ(ended.persons_done(), kPersons);
  EXPECT_EQ(world.vault().keys.epochs().Held().size(), 1U);
}

}  // namespace
}  // namespace relais::vault
