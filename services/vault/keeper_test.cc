// A person is erased in consent: nothing of her papers is left or can be read here, and the vault says so.
// Holds keep a copy; drops that nobody decided about go.
#include "services/vault/keeper.h"

#include <gmock/gmock.h>

#include <set>

#include "google/protobuf/wrappers.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/pending_drops.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using ::testing::Contains;
using testing::Hex;
using ::testing::IsEmpty;
using testing::kHost;
using testing::Pdf;
using testing::World;

Id128 ErasureId() { return World::Person(1007); }

void Ask(World& world, uint64_t person) {
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(ErasureId().ToHex());
  payload.set_cause("REQUEST");
  world.ConsentSays(person, audit::v1::EVENT_CLASS_ERASE_REQUESTED, payload);
}

bool InStore(World& world, const std::string& bytes) {
  for (const char kind : {'P', 'X', 'U', 'D'}) {
    const auto partitions =
        world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
    for (const storage::Partition& partition : *partitions) {
      if (partition.Encode().find(bytes) != std::string::npos) {
        return true;
      }
      const auto page = world.context().store.Scan(partition, "", "", 1000);
      for (const auto& row : page->entries) {
        const std::string opened =
            testing::Unsealed(world, partition, row.key, row.entry.value).value_or(row.entry.value);
        if ((row.key + opened).find(bytes) != std::string::npos) {
          return true;
        }
      }
    }
  }
  return false;
}

absl::Status Read(World& world, uint64_t person, const std::string& document) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_document_id(document);
  request.set_length(10);
  return world.Run(world.service().readings().ReadRange(world.As(kHost), request)).status();
}

// A vault with two papers, a share and an upload under way.
World::Deposited Fill(World& world, uint64_t person) {
  world.Host(person);
  const World::Deposited paper = world.MustDeposit(person, Pdf(300'000, static_cast<uint8_t>(person)));
  world.MustDeposit(person, Pdf(3000, static_cast<uint8_t>(person + 100)));
  world.Share(person, paper.document);
  const auto begun = world.TryBegin(world.Begin(person, "under-way", 300'000));
  World::Require(begun.status());
  World::Require(
      world.TrySend(person, begun->upload().upload_id(), 0, Pdf(300'000).substr(0, kPieceSize)).status());
  world.Settle();
  return paper;
}

TEST(Erasure, NothingOfHersIsLeftOrReadAlsoAfterARestart) {
  World world;
  const World::Deposited hers = Fill(world, 1);
  const World::Deposited others = Fill(world, 2);
  ASSERT_TRUE(Read(world, 1, hers.document).ok());
  ASSERT_TRUE(InStore(world, World::Person(1).ToBytes())) << "that the test can fail";
  const std::string record =
      *testing::Raw(world, VaultStore::PersonPartition(World::Person(1)), testing::RecordKey(hers));
  const std::string key = *testing::Raw(world, VaultStore::PersonPartition(World::Person(1)),
                                        std::string("v/key/\0\0\0\x01", 10));
  const std::string head = *testing::Raw(world, BytesOf(hers), "head");
  const std::string piece = *testing::Raw(world, BytesOf(hers), testing::PieceKey(0));
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(world.consent.acknowledged, Contains(ErasureId().ToHex()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  EXPECT_EQ(testing::CountRows(world, BytesOf(hers)), 0);
  EXPECT_FALSE(Read(world, 1, hers.document).ok());
  world.Restart();
  EXPECT_FALSE(Read(world, 1, hers.document).ok());
  EXPECT_TRUE(Read(world, 2, others.document).ok());
  EXPECT_EQ(testing::FoundOf(world, 2, others.document), v1::VersionCheck::FINDING_INTACT);
  EXPECT_TRUE(audit::IsErased(world.TryBegin(world.Begin(1, "again", 3000)).status()) ||
              !world.TryBegin(world.Begin(1, "again", 3000)).ok());
  // Somebody with the disk puts her rows back: her records open no more, and with them no version's key.
  testing::SetRaw(world, VaultStore::PersonPartition(World::Person(1)), testing::RecordKey(hers), record);
  testing::SetRaw(world, VaultStore::PersonPartition(World::Person(1)), std::string("v/key/\0\0\0\x01", 10),
                  key);
  testing::SetRaw(world, BytesOf(hers), "head", head);
  testing::SetRaw(world, BytesOf(hers), testing::PieceKey(0), piece);
  EXPECT_FALSE(world.store().Document(World::Person(1), Hex(hers.document), View::kFrozen)->has_value());
  EXPECT_FALSE(Read(world, 1, hers.document).ok());
}

TEST(Erasure, EveryCrashEndsInTheSame) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 120; step += 2) {
    SCOPED_TRACE(step);
    World world;
    const World::Deposited hers = Fill(world, 1);
    world.CrashAt(step);
    Ask(world, 1);
    world.Settle(absl::Seconds(15));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    }
    world.Settle(absl::Minutes(1));
    EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
    EXPECT_EQ(testing::CountRows(world, BytesOf(hers)), 0);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_GE(world.consent.acknowledged.size(), 1);
    EXPECT_FALSE(Read(world, 1, hers.document).ok());
  }
}

TEST(Erasure, ARecordThatDoesNotOpenDoesNotKeepHerPapers) {
  World world;
  const World::Deposited hers = Fill(world, 1);
  const World::Deposited others = Fill(world, 2);
  testing::Flip(world, VaultStore::PersonPartition(World::Person(1)), testing::RecordKey(hers), 60);
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  EXPECT_EQ(testing::CountRows(world, BytesOf(hers)), 0);
  EXPECT_TRUE(Read(world, 2, others.document).ok());
}

// Lists and sums that only her records would lead to are found without them.
TEST(Erasure, OfDamagedRecordsNoPointerNoDropAndNoSumIsLeft) {
  World world;
  const World::Deposited hers = Fill(world, 1);
  const Id128 document = Hex(hers.document);
  const absl::CivilDay day(2034, 5, 1);
  for (storage::CommitRequest commit : {world.store().SetListedDay(World::Person(1), {document, day}, true),
                                        world.store().SetExpiry(day, World::Person(1), document, true),
                                        SetPending(world.vault(), document, World::Person(1), true)}) {
    World::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  }
  EXPECT_GT(world.store().InstitutionUsage(kHost)->value.bytes(), 0U);
  const auto shares =
      world.context().store.Scan(VaultStore::PersonPartition(World::Person(1)), "v/share/", "", 10);
  ASSERT_EQ(shares->entries.size(), 1U);
  testing::Flip(world, VaultStore::PersonPartition(World::Person(1)), shares->entries[0].key, 20);
  testing::Flip(world, VaultStore::PersonPartition(World::Person(1)), testing::RecordKey(hers), 60);
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  EXPECT_TRUE(PendingOf(world.vault(), World::Person(1))->empty());
  const v1::InstitutionUsage usage = world.store().InstitutionUsage(kHost)->value;
  EXPECT_EQ(usage.bytes(), 0U);
  EXPECT_EQ(usage.documents(), 0U);
  EXPECT_EQ(usage.reserved_bytes(), 0U);
}

// ADR 51. With a damaged upload nothing but the list itself leads to it.
TEST(Erasure, OfASuspendedHostNoRowIsLeftInTheList) {
  for (const bool damaged : {false, true}) {
    SCOPED_TRACE(damaged);
    World world;
    Fill(world, 1);
    world.consent.directory_expired = true;
    for (const uint64_t person : {1, 2}) {
      world.Host(person, "emmaus");
      consent::v1::ProcessingRestricted may_deny;
      world.ConsentSays(person, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, may_deny);
    }
    world.Settle();
    ASSERT_EQ(world.store().Unjudged(World::Person(1), "", 10)->rows.size(), 2U);
    if (damaged) {
      const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
      const auto uploads = world.context().store.Scan(hers, "v/up/", "", 10);
      ASSERT_EQ(uploads->entries.size(), 1U);
      testing::Flip(world, hers, uploads->entries[0].key, 20);
    }
    Ask(world, 1);
    world.Settle(absl::Seconds(30));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_TRUE(world.store().Unjudged(World::Person(1), "", 10)->rows.empty());
    EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
    EXPECT_EQ(world.store().Unjudged(std::nullopt, "", 10)->rows.size(), 1U) << "another's";
  }
}

TEST(Erasure, SomebodyWithoutAVaultIsAcknowledgedToo) {
  World world;
  Ask(world, 5);
  world.Settle(absl::Seconds(15));
  EXPECT_THAT(world.consent.acknowledged, Contains(ErasureId().ToHex()));
}

TEST(Erasure, ConsentIsToldOnceItAnswersAgain) {
  World world;
  Fill(world, 1);
  world.consent.down = absl::UnavailableError("down");
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  EXPECT_THAT(world.consent.acknowledged, IsEmpty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  world.consent.down = absl::OkStatus();
  world.Settle(absl::Minutes(2));
  EXPECT_THAT(world.consent.acknowledged, Contains(ErasureId().ToHex()));
}

TEST(Hold, ItsCopyHasWhatWasSaidAndTheText) {  // D-2.10
  World world;
  const World::Deposited hers = Fill(world, 1);
  audit::v1::HoldPlaced placed;
  placed.set_hold_id(ErasureId().ToHex());
  placed.set_order_reference("RG 26/1");
  *placed.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 365));
  world.ConsentSays(1, audit::v1::EVENT_CLASS_HOLD_PLACED, placed);
  world.Settle(absl::Seconds(5));
  Ask(world, 1);
  world.Settle(absl::Seconds(30));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_FALSE(InStore(world, World::Person(1).ToBytes()));
  std::set<std::string> names;
  std::string first_piece;
  std::string from;
  do {
    const auto page = world.context().maintenance->holds().Read(ErasureId(), from, 100);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const audit::v1::HeldItem& item : page->items) {
      names.insert(item.state().name());
      google::protobuf::BytesValue bytes;
      if (item.state().name() == "text/" + hers.document + "/1/0" &&
          item.state().content().UnpackTo(&bytes)) {
        first_piece = bytes.value();
      }
    }
    from = page->next;
  } while (!from.empty());
  EXPECT_TRUE(names.contains("document/" + hers.document));
  EXPECT_TRUE(names.contains("text/" + hers.document + "/1/1"));
  EXPECT_TRUE(names.contains(std::string("host/") + kHost));
  EXPECT_EQ(first_piece, Pdf(300'000, 1).substr(0, kPieceSize));
}

TEST(Retention, ADropThatNobodyDecidedAboutGoesAfterThirtyDays) {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  World world(options);
  world.Host(1);
  const World::Deposited drop = world.MustDeposit(1, Pdf(3000, 1));
  const World::Deposited kept = world.MustDeposit(1, Pdf(3000, 2));
  auto stored = *world.store().Document(World::Person(1), Hex(drop.document));
  stored->value.set_state(v1::Document::STATE_PENDING_CONSENT);
  storage::CommitRequest commit;
  ASSERT_TRUE(world.store().PutDocument(World::Person(1), Hex(drop.document), *stored, commit).ok());
  const rpc::Call own = OwnCall(world.context());
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", World::Person(1)};
  world.MustCommit(std::move(commit), ChangedEvent(acting, Hex(drop.document), stored->value, {"state"}));
  world.sim().Skip(absl::Hours(24 * 29));
  world.Settle(absl::Minutes(3));
  EXPECT_EQ(world.Document(1, drop.document).state(), v1::Document::STATE_PENDING_CONSENT);
  world.sim().Skip(absl::Hours(24 * 2));
  world.Settle(absl::Minutes(3));
  EXPECT_EQ(world.Document(1, drop.document).state(), v1::Document::STATE_DESTROYED);
  EXPECT_EQ(testing::CountRows(world, BytesOf(drop)), 0);
  EXPECT_EQ(world.Document(1, kept.document).state(), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 1);
}

}  // namespace
}  // namespace relais::vault
