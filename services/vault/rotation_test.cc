// Rotation of the epoch and of persons' keys: nothing is lost, whatever happens when; and what a destroyed
// epoch wrapped is gone.
#include "services/vault/rotation.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/crypto/destroyed_key.h"
#include "common/crypto/memory_key_ring.h"
#include "common/storage/memory/memory_store.h"
#include "common/storage/testing/forwarding_store.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/key_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using ::testing::ElementsAre;
using testing::Hex;
using testing::kHost;
using testing::Pdf;
using testing::World;

absl::StatusOr<v1::Rotation> Rotate(World& world, v1::KeyLevel level, const std::string& request_id = "r1") {
  v1::RotateRequest request;
  request.set_request_id(request_id);
  request.set_level(level);
  const auto response = world.Run(world.service().keys().Rotate(world.As("operator"), request));
  RETURN_IF_ERROR(response.status());
  return response->rotation();
}
v1::StatusResponse StatusOf(World& world) {
  const auto response = world.Run(world.service().keys().Status(world.As("operator"), v1::StatusRequest()));
  World::Require(response.status());
  return *response;
}
std::vector<uint32_t> Held(World& world) {
  const v1::StatusResponse status = StatusOf(world);
  return {status.epochs_held().begin(), status.epochs_held().end()};
}
absl::StatusOr<std::string> Read(World& world, uint64_t person, const std::string& document,
                                 uint32_t length) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_document_id(document);
  request.set_length(length);
  const auto response = world.Run(world.service().readings().ReadRange(world.As(kHost), request));
  RETURN_IF_ERROR(response.status());
  return response->data();
}
std::vector<WrappedPersonKey> KeysOf(World& world, uint64_t person) {
  const auto keys = world.store().PersonKeys(World::Person(person));
  World::Require(keys.status());
  return *keys;
}
uint32_t GenerationOfPaper(World& world, uint64_t person, const std::string& document) {
  return GenerationOf(world.Document(person, document).versions(0).wrapped_key()).value();
}
std::vector<v1::PaperKeysRotated> Said(World& world) {
  std::vector<v1::PaperKeysRotated> said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (auto rotated = PayloadOf<v1::PaperKeysRotated>(leaf.details)) {
      said.push_back(*std::move(rotated));
    }
  }
  return said;
}

// Three persons with a paper each.
struct Papers3 {
  std::vector<World::Deposited> papers;
  std::vector<std::string> texts;
};
Papers3 Deposit(World& world) {
  Papers3 out;
  for (const uint64_t person : {1, 2, 3}) {
    world.Host(person);
    out.texts.push_back(Pdf(3000, static_cast<uint8_t>(person)));
    out.papers.push_back(world.MustDeposit(person, out.texts.back()));
  }
  return out;
}
void ExpectAllThere(World& world, const Papers3& there) {
  for (size_t i = 0; i < there.papers.size(); ++i) {
    const auto read = Read(world, i + 1, there.papers[i].document, 3000);
    EXPECT_TRUE(read.ok() && *read == there.texts[i]) << i << read.status();
  }
}

TEST(EpochRotation, WrapsEveryPersonAnewAndDestroysTheOldKey) {
  World world;
  const Papers3 there = Deposit(world);
  const std::string old = KeysOf(world, 1)[0].wrapped.value;
  const v1::StoredDocument before = world.Document(1, there.papers[0].document);
  EXPECT_THAT(Held(world), ElementsAre(1));
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
  world.Settle(absl::Seconds(10));
  const v1::StatusResponse status = StatusOf(world);
  EXPECT_EQ(status.epoch(), 2u);
  EXPECT_THAT(Held(world), ElementsAre(2));
  EXPECT_TRUE(status.rotation().has_ended());
  EXPECT_EQ(status.rotation().keys(), 3u);
  EXPECT_EQ(status.rotation().persons_done(), status.rotation().persons());
  for (const uint64_t person : {1, 2, 3}) {
    EXPECT_EQ(*EpochOf(KeysOf(world, person)[0].wrapped.value), 2u);
  }
  EXPECT_EQ(world.Document(1, there.papers[0].document).versions(0).wrapped_key(),
            before.versions(0).wrapped_key())
      << "no document is touched";
  ExpectAllThere(world, there);
  EXPECT_TRUE(
      crypto::IsDestroyed(UnwrapPersonKey(world.vault().keys.epochs(), World::Person(1), 1, old).status()))
      << "what a backup holds opens no more";
  const std::vector<v1::PaperKeysRotated> said = Said(world);
  ASSERT_EQ(said.size(), 2);
  EXPECT_EQ(said[0].destroyed(), 0u);
  EXPECT_EQ(said[1].destroyed(), 1u);
  EXPECT_EQ(said[1].current(), 2u);
  world.Restart();
  ExpectAllThere(world, there);
}

TEST(EpochRotation, WaitsForCommitsThatWrappedBefore) {
  World world;
  const Papers3 there = Deposit(world);
  std::optional<KeyCommits::Ticket> ticket = world.vault().keys.commits().Enter();
  // A key wrapped now, to be committed later.
  const std::string wrapped =
      *WrapPersonKey(world.vault().keys.epochs(), World::Person(9), 1, NewPaperKey(world.context().random));
  ASSERT_EQ(*EpochOf(wrapped), 1u);
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(Held(world), ElementsAre(1, 2)) << "new keys go under 2 already, 1 is not destroyed";
  storage::CommitRequest commit;
  VaultStore::PutPersonKey(World::Person(9), {1, {wrapped, 0}}, commit);
  ASSERT_TRUE(world.Run(world.context().store.Commit(std::move(commit))).ok());
  ticket.reset();
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(Held(world), ElementsAre(2));
  EXPECT_EQ(*EpochOf(KeysOf(world, 9)[0].wrapped.value), 2u) << "it was wrapped anew before";
  EXPECT_TRUE(
      UnwrapPersonKey(world.vault().keys.epochs(), World::Person(9), 1, KeysOf(world, 9)[0].wrapped.value)
          .ok());
  ExpectAllThere(world, there);
}

TEST(EpochRotation, ARowThatDoesNotOpenKeepsTheOldKey) {
  World world;
  const Papers3 there = Deposit(world);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(2));
  const std::string key("v/key/\0\0\0\x01", 10);
  const std::string before = testing::Flip(world, hers, key, 50);
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
  world.Settle(absl::Minutes(2));
  EXPECT_THAT(Held(world), ElementsAre(1, 2));
  EXPECT_FALSE(StatusOf(world).rotation().has_ended());
  testing::SetRaw(world, hers, key, before);  // from a backup, say
  world.Settle(absl::Minutes(2));
  EXPECT_THAT(Held(world), ElementsAre(2));
  ExpectAllThere(world, there);
}

TEST(EpochRotation, EveryCrashGoesOnAndLosesNothing) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 60; ++step) {
    SCOPED_TRACE(step);
    World world;
    const Papers3 there = Deposit(world);
    world.CrashAt(step);
    const auto begun = Rotate(world, v1::KEY_LEVEL_EPOCH);
    world.Settle(absl::Seconds(10));
    reached = world.Dead();
    if (!reached) {
      break;
    }
    world.Restart();
    ExpectAllThere(world, there);
    ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
    world.Settle(absl::Minutes(1));
    EXPECT_TRUE(StatusOf(world).rotation().has_ended());
    EXPECT_THAT(Held(world), ElementsAre(2)) << "the same request: one rotation";
    ExpectAllThere(world, there);
    for (const uint64_t person : {1, 2, 3}) {
      EXPECT_EQ(*EpochOf(KeysOf(world, person)[0].wrapped.value), 2u);
    }
  }
}

TEST(EpochRotation, DepositsGoOnMeanwhile) {
  World world;
  Papers3 there = Deposit(world);
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
  world.Host(4);
  there.texts.push_back(Pdf(3000, 4));
  there.papers.push_back(world.MustDeposit(4, there.texts.back()));
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(Held(world), ElementsAre(2));
  EXPECT_EQ(*EpochOf(KeysOf(world, 4)[0].wrapped.value), 2u);
  ExpectAllThere(world, there);
}

// A key wrapped before the epoch began that is committed behind the first pass, and a disk that fails after
// the second.
class LateStore final : public storage::testing::ForwardingStore {
 public:
  explicit LateStore(std::unique_ptr<storage::Store> inner) : ForwardingStore(std::move(inner)) {}

  storage::Partition after;                    // a commit there
  std::optional<storage::CommitRequest> late;  // is followed by this one
  bool compaction_fails = false;               // once

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    const bool now = request.partition == after;
    auto done = co_await inner_->Commit(std::move(request));
    if (now && late.has_value()) {
      storage::CommitRequest then = *std::exchange(late, std::nullopt);
      const auto put = co_await inner_->Commit(std::move(then));
      World::Require(put.status());
    }
    co_return done;
  }
  absl::Status Compact() override {
    return std::exchange(compaction_fails, false) ? absl::UnavailableError("later") : inner_->Compact();
  }
};

TEST(EpochRotation, NobodyIsCountedTwiceWhenALaterPassBeginsAnew) {
  constexpr uint64_t kPersons = 501;  // more than one page
  LateStore* store = nullptr;
  World::Options options;
  options.settings.scrub_every = absl::ZeroDuration();
  options.make_store = [&](Executor& executor,
                           storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
    auto made = std::make_unique<LateStore>(std::make_unique<storage::MemoryStore>(
        std::make_shared<storage::MemoryDisk>(), executor, sequencer,
        storage::MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true}));
    store = made.get();
    return std::unique_ptr<storage::Store>(std::move(made));
  };
  World world(options);
  const auto key_of = [&](const Id128& person, uint32_t generation) {
    storage::CommitRequest commit;
    const std::string wrapped =
        *WrapPersonKey(world.vault().keys.epochs(), person, generation, NewPaperKey(world.context().random));
    VaultStore::PutPersonKey(person, {generation, {wrapped, 0}}, commit);
    return commit;
  };
  std::vector<Id128> persons;
  for (uint64_t person = 1; person <= kPersons; ++person) {
    persons.push_back(World::Person(person));
    World::Require(world.Run(world.context().store.Commit(key_of(persons.back(), 1))).status());
  }
  std::sort(persons.begin(), persons.end());
  store->after = VaultStore::PersonPartition(persons.back());
  store->late = key_of(persons.front(), 2);
  store->compaction_fails = true;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_EPOCH).ok());
  world.Settle(absl::Minutes(2));
  ASSERT_FALSE(store->late.has_value());
  ASSERT_FALSE(store->compaction_fails);
  const v1::Rotation rotation = StatusOf(world).rotation();
  EXPECT_TRUE(rotation.has_ended());
  EXPECT_EQ(rotation.persons(), kPersons);
  EXPECT_EQ(rotation.persons_done(), kPersons);
  EXPECT_EQ(rotation.keys(), kPersons + 1);
}

TEST(EpochRotation, ByItselfAfterItsLength) {
  World::Options options;
  options.settings.epoch_length = absl::Minutes(30);
  World world(options);
  const Papers3 there = Deposit(world);
  EXPECT_EQ(StatusOf(world).epoch(), 1u);
  world.Settle(absl::Minutes(90));  // it is looked at each hour
  EXPECT_EQ(StatusOf(world).epoch(), 2u);
  EXPECT_THAT(Held(world), ElementsAre(2));
  ExpectAllThere(world, there);
}

TEST(EpochRotation, OneAtATime) {
  World world;
  Deposit(world);
  KeyCommits::Ticket ticket = world.vault().keys.commits().Enter();
  const auto first = Rotate(world, v1::KEY_LEVEL_EPOCH, "r1");
  const auto second = Rotate(world, v1::KEY_LEVEL_PERSON, "r2");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->rotation_id(), first->rotation_id());
  ticket = KeyCommits::Ticket();
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(Held(world), ElementsAre(2));
}

TEST(EpochRotation, TheSameRequestHasTheSameReceipt) {
  World world;
  Deposit(world);
  v1::RotateRequest request;
  request.set_request_id("r1");
  request.set_level(v1::KEY_LEVEL_EPOCH);
  request.set_want_proof(true);
  const auto first = world.Run(world.service().keys().Rotate(world.As("operator"), request));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->written().proof().leaf().empty());
  world.Settle(absl::Seconds(10));  // it ends, with a leaf of its own
  const auto again = world.Run(world.service().keys().Rotate(world.As("operator"), request));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->rotation().has_ended());
  EXPECT_EQ(again->written().revision(), first->written().revision());
  EXPECT_EQ(again->written().proof().leaf(), first->written().proof().leaf());
}

TEST(Ring, OfAnotherStoreIsRefused) {
  World world;
  Deposit(world);
  ASSERT_TRUE(world.vault().rotation.Prepare().ok());
  // The ring lost its epochs: no new one is made over papers.
  ASSERT_TRUE(world.harness().ring().Destroy(RingEpochKeys::kRingName, 1).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(world.vault().rotation.Prepare()));
  EXPECT_TRUE(world.vault().keys.epochs().Held().empty());
}

// ---- persons' keys

TEST(PersonRotation, EachHasANewGenerationAndEveryPaperIsRead) {
  World world;
  const Papers3 there = Deposit(world);
  const std::string mark = world.store().Duplicates(World::Person(1), "", 10)->at(0).mark;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(StatusOf(world).rotation().has_ended());
  EXPECT_EQ(StatusOf(world).epoch(), 1u);
  for (const uint64_t person : {1, 2, 3}) {
    const std::vector<WrappedPersonKey> keys = KeysOf(world, person);
    ASSERT_EQ(keys.size(), 1);
    EXPECT_EQ(keys[0].generation, 2u);
    EXPECT_EQ(world.Usage(person).key_generation(), 2u);
    EXPECT_EQ(GenerationOfPaper(world, person, there.papers[person - 1].document), 2u);
  }
  ExpectAllThere(world, there);
  const auto marks = world.store().Duplicates(World::Person(1), "", 10);
  ASSERT_EQ(marks->size(), 1);
  EXPECT_NE(marks->at(0).mark, mark);
  // The text is still noticed.
  v1::BeginUploadRequest same = world.Begin(1, "same", 3000);
  same.set_sha256(crypto::Sha256(there.texts[0]));
  EXPECT_EQ(rpc::ReasonOf(world.TryBegin(same).status()), common::v1::ERROR_REASON_DUPLICATE_DOCUMENT);
}

TEST(PersonRotation, AnUploadUnderWayIsCompletedAfterIt) {
  World world;
  world.Host(1);
  const std::string text = Pdf(300'000);
  const auto begun = world.TryBegin(world.Begin(1, "b1", text.size()));
  ASSERT_TRUE(begun.ok()) << begun.status();
  const std::string upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, text.substr(0, kPieceSize)).ok());
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Seconds(10));
  ASSERT_TRUE(world.TrySend(1, upload, kPieceSize, text.substr(kPieceSize)).ok());
  const auto completed = world.TryComplete(1, "c1", upload, text);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(GenerationOfPaper(world, 1, completed->document().document_id()), 2u);
  EXPECT_EQ(testing::FoundOf(world, 1, completed->document().document_id()),
            v1::VersionCheck::FINDING_INTACT);
}

TEST(PersonRotation, EveryCrashGoesOnAndLosesNothing) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 60; ++step) {
    SCOPED_TRACE(step);
    World world;
    const Papers3 there = Deposit(world);
    world.CrashAt(step);
    const auto begun = Rotate(world, v1::KEY_LEVEL_PERSON);
    world.Settle(absl::Seconds(10));
    reached = world.Dead();
    if (!reached) {
      break;
    }
    world.Restart();
    ExpectAllThere(world, there);
    ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
    world.Settle(absl::Minutes(1));
    EXPECT_TRUE(StatusOf(world).rotation().has_ended());
    ExpectAllThere(world, there);
    for (const uint64_t person : {1, 2, 3}) {
      const std::vector<WrappedPersonKey> keys = KeysOf(world, person);
      ASSERT_EQ(keys.size(), 1) << "the old generation is gone";
      EXPECT_GE(keys[0].generation, 2u);
      EXPECT_EQ(GenerationOfPaper(world, person, there.papers[person - 1].document), keys[0].generation);
    }
  }
}

// A vault in which another act is always faster: commits that its sums guard lose, so often.
class BusyStore final : public storage::testing::ForwardingStore {
 public:
  explicit BusyStore(std::unique_ptr<storage::Store> inner) : ForwardingStore(std::move(inner)) {}

  storage::Partition busy;
  int through = 0;  // go through before
  int times = 0;

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    const bool guarded =
        std::any_of(request.preconditions.begin(), request.preconditions.end(),
                    [](const storage::Precondition& unchanged) { return unchanged.key == "v/usage"; });
    const bool hers = guarded && request.partition == busy;
    if (hers && through > 0) {
      --through;
    } else if (hers && times > 0) {
      --times;
      co_return absl::AbortedError("a precondition did not hold");
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }
};
struct BusyDisk {
  BusyStore* store = nullptr;

  [[nodiscard]] World::Options Options() {
    World::Options options;
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      auto made = std::make_unique<BusyStore>(std::make_unique<storage::MemoryStore>(
          std::make_shared<storage::MemoryDisk>(), executor, sequencer,
          storage::MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true}));
      store = made.get();
      return std::unique_ptr<storage::Store>(std::move(made));
    };
    return options;
  }
};

TEST(PersonRotation, AVaultThatKeepsChangingKeepsNobodyElsesKeysOld) {
  BusyDisk disk;
  World world(disk.Options());
  const Papers3 there = Deposit(world);
  disk.store->busy = VaultStore::PersonPartition(World::Person(2));
  disk.store->times = 1'000'000;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Minutes(5));
  EXPECT_TRUE(StatusOf(world).rotation().has_ended());
  EXPECT_EQ(GenerationOfPaper(world, 1, there.papers[0].document), 2u);
  EXPECT_EQ(GenerationOfPaper(world, 2, there.papers[1].document), 1u);
  EXPECT_EQ(GenerationOfPaper(world, 3, there.papers[2].document), 2u);
  ExpectAllThere(world, there);
  disk.store->times = 0;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON, "r2").ok());
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(GenerationOfPaper(world, 2, there.papers[1].document), 2u) << "by the next one";
  EXPECT_EQ(KeysOf(world, 2).size(), 1);
  ExpectAllThere(world, there);
}

TEST(PersonRotation, AVaultThatKeptChangingForAWhileIsComeBackTo) {
  BusyDisk disk;
  World world(disk.Options());
  const Papers3 there = Deposit(world);
  disk.store->busy = VaultStore::PersonPartition(World::Person(2));
  disk.store->times = kTries + 5;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Minutes(5));
  EXPECT_TRUE(StatusOf(world).rotation().has_ended());
  EXPECT_EQ(StatusOf(world).rotation().keys(), 3u);
  for (const uint64_t person : {1, 2, 3}) {
    EXPECT_EQ(GenerationOfPaper(world, person, there.papers[person - 1].document), 2u);
    EXPECT_EQ(KeysOf(world, person).size(), 1) << "the old one is gone";
  }
  ExpectAllThere(world, there);
}

// What was wrapped anew before it turned out to be busy counts once, and is said where its old key goes.
TEST(PersonRotation, AVaultThatIsComeBackToIsCountedWhole) {
  BusyDisk disk;
  World world(disk.Options());
  const Papers3 there = Deposit(world);
  disk.store->busy = VaultStore::PersonPartition(World::Person(2));
  disk.store->through = 1;  // the papers; the marks do not
  disk.store->times = kTries;
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Minutes(5));
  ASSERT_TRUE(StatusOf(world).rotation().has_ended());
  EXPECT_EQ(disk.store->times, 0);
  EXPECT_EQ(StatusOf(world).rotation().keys(), 3u);
  size_t gone = 0;
  for (const v1::PaperKeysRotated& said : Said(world)) {
    if (said.level() == v1::KEY_LEVEL_PERSON && said.destroyed() == 1) {
      EXPECT_EQ(said.keys(), 1u);
      ++gone;
    }
  }
  EXPECT_EQ(gone, 3u);
  ExpectAllThere(world, there);
}

TEST(PersonRotation, ADamagedVaultStaysAsItIsAndOthersGoOn) {
  World world;
  const Papers3 there = Deposit(world);
  testing::Flip(world, VaultStore::PersonPartition(World::Person(2)), testing::RecordKey(there.papers[1]),
                60);
  ASSERT_TRUE(Rotate(world, v1::KEY_LEVEL_PERSON).ok());
  world.Settle(absl::Seconds(10));
  EXPECT_TRUE(StatusOf(world).rotation().has_ended());
  EXPECT_EQ(KeysOf(world, 1).size(), 1);
  EXPECT_EQ(KeysOf(world, 3).size(), 1);
  const std::vector<WrappedPersonKey> hers = KeysOf(world, 2);
  EXPECT_TRUE(std::any_of(hers.begin(), hers.end(), [](const auto& key) { return key.generation == 1; }))
      << "what opens her papers is not taken away";
}

}  // namespace
}  // namespace relais::vault
