// What follows an act in other partitions: bytes that go, sums and lists (README, "Acts and commits").
#include "services/vault/cleaning.h"

#include <gtest/gtest.h>

#include "services/vault/convert.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/metadata_handlers.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/world.h"

namespace relais::vault {
namespace {

using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::World;

bool HasBytes(World& world, const std::string& upload) {
  const auto page =
      world.context().store.Scan(VaultStore::ContentPartition(*Id128::FromHex(upload)), "", "", 10);
  World::Require(page.status());
  return !page->entries.empty();
}

v1::InstitutionUsage UsageOf(World& world, const std::string& institution) {
  const auto usage = world.store().InstitutionUsage(institution);
  World::Require(usage.status());
  return usage->value;
}

size_t OpenUploads(World& world) {
  const auto open = world.store().OpenUploads(Id128(), 100);
  World::Require(open.status());
  return open->rows.size();
}

TEST(Cleaning, AnUploadThatNobodyFinishesEndsByItself) {
  Settings settings;
  settings.uploads.idle = absl::Hours(1);
  World world({.seed = 1, .settings = settings});
  world.Host(1);
  const auto begun = world.TryBegin(world.Begin(1, "b", 2 * kPieceSize));
  ASSERT_TRUE(begun.ok());
  const std::string upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, Pdf(2 * kPieceSize).substr(0, kPieceSize)).ok());
  world.Settle();
  EXPECT_TRUE(HasBytes(world, upload));
  EXPECT_EQ(OpenUploads(world), 1U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 2 * kPieceSize);
  world.Settle(absl::Minutes(55));
  EXPECT_TRUE(HasBytes(world, upload)) << "an hour without a byte, not less";
  world.Settle(absl::Minutes(12));
  EXPECT_FALSE(HasBytes(world, upload));
  EXPECT_EQ(OpenUploads(world), 0U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 0U);
  EXPECT_EQ(world.Usage(1).reserved_bytes(), 0U);
  const auto late = world.TrySend(1, upload, kPieceSize, Pdf(2 * kPieceSize).substr(kPieceSize));
  EXPECT_TRUE(absl::IsNotFound(late.status()));
}

TEST(Cleaning, WhatAnInstitutionDepositedIsCountedOnceHoweverOftenItIsFollowed) {
  World world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(1000));
  world.MustDeposit(1, Pdf(500, 3), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 1500U);
  EXPECT_EQ(UsageOf(world, kHost).documents(), 1U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 0U);
  EXPECT_EQ(OpenUploads(world), 0U);
  // The same leaves again, as after a crash.
  OwnLeaves again(world.vault());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.index = leaf.index;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    World::Require(world.Run(again.Apply(std::move(followed), true)));
  }
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 1500U);
  EXPECT_EQ(UsageOf(world, kHost).documents(), 1U);
  EXPECT_EQ(OpenUploads(world), 0U);
  EXPECT_TRUE(HasBytes(world, first.upload));
}

// Two uploads for one version: what the one reserved and lost is not taken from what the other kept.
TEST(Cleaning, AnUploadThatIsGivenUpTakesNothingFromAnotherOfTheSameVersion) {
  World world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(1000));
  v1::BeginUploadRequest other = world.Begin(1, "other", 700);
  other.set_document_id(first.document);
  const auto begun = world.TryBegin(other);
  ASSERT_TRUE(begun.ok()) << begun.status();
  world.MustDeposit(1, Pdf(500, 3), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, first.document);
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 1500U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 700U);
  v1::AbandonUploadRequest abandon;
  abandon.set_request_id("abandon");
  *abandon.mutable_person() = world.Handle(kHost, 1);
  abandon.set_upload_id(begun->upload().upload_id());
  const auto given_up = world.Run(world.service().uploads().AbandonUpload(world.As(kHost), abandon));
  ASSERT_TRUE(given_up.ok()) << given_up.status();
  world.Settle();
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 1500U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 0U);
  EXPECT_EQ(UsageOf(world, kHost).documents(), 1U);
  v1::DestroyRequest destroy;
  destroy.set_request_id("destroy");
  *destroy.mutable_person() = world.Handle(kHost, 1);
  destroy.set_document_id(first.document);
  ASSERT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), destroy)).ok());
  world.Settle();
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 0U);
  EXPECT_EQ(UsageOf(world, kHost).documents(), 0U);
}

TEST(Cleaning, ARowThatDoesNotOpenStopsNoLeaf) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(1000));
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  testing::Flip(world, hers, testing::RecordKey(paper), 20);
  v1::DocumentDestroyed destroyed;
  destroyed.set_document_id(paper.document);
  OwnLeaves again(world.vault());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.index = leaf.index;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    const absl::Status applied = world.Run(again.Apply(followed, true));
    EXPECT_TRUE(applied.ok()) << applied;
    if (followed.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED) {
      followed.header.set_event_class(audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED);
      followed.details.mutable_payload()->PackFrom(destroyed);
      const absl::Status ended = world.Run(again.Apply(followed, true));
      EXPECT_TRUE(ended.ok()) << ended;
    }
  }
  // The list may keep an upload whose record does not open; whoever looks finds no such upload and passes
  // over it.
  world.Settle(absl::Hours(26));
  EXPECT_TRUE(world.vault().lease.Held());
}

TEST(Cleaning, AnInstitutionFindsWhatIsSharedWithItUntilThatEnds) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(100));
  const std::string share = world.Share(1, paper.document);
  const auto found = world.store().Pointers(PointerKind::kShared, kReader, Id128(), 10);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->rows[0].id.ToHex(), share);
  EXPECT_EQ(found->rows[0].stored.value.person(), World::Person(1).ToBytes());
  EXPECT_TRUE(world.store().Pointers(PointerKind::kShared, "aphp", Id128(), 10)->rows.empty());
  // It ends.
  const Id128 id = *Id128::FromHex(share);
  auto stored = world.store().Share(World::Person(1), id);
  ASSERT_TRUE(stored.ok() && stored->has_value());
  (*stored)->value.set_state(v1::Share::STATE_REVOKED);
  storage::CommitRequest commit;
  World::Require(world.store().PutShare(World::Person(1), id, **stored, commit));
  const rpc::Call call = world.As(kHost);
  const rpc::Actor actor{kHost, "", ""};
  const Acting acting{call, actor, "", World::Person(1), kAsHost};
  world.MustCommit(std::move(commit), ShareEvent(acting, id, (*stored)->value));
  world.Settle();
  EXPECT_TRUE(world.store().Pointers(PointerKind::kShared, kReader, Id128(), 10)->rows.empty());
}

TEST(Cleaning, APaperThatExpiresIsListedUnderItsDay) {
  World world;
  world.Host(1);
  v1::BeginUploadRequest begin = world.Begin(1, "b", 1);
  common::v1::Date& day = *begin.mutable_description()->mutable_expires();
  day.set_year(2027);
  day.set_month(2);
  day.set_day(28);
  const auto begun = world.TryBegin(begin);
  ASSERT_TRUE(begun.ok());
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, "x").ok());
  ASSERT_TRUE(world.TryComplete(1, "c", begun->upload().upload_id(), "x").ok());
  world.Settle();
  const auto listed = world.store().Expiries(absl::CivilDay(2027, 2, 28), "", 10);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->rows.size(), 1U);
  EXPECT_EQ(listed->rows[0].document(), Id128::FromHex(begun->upload().document_id())->ToBytes());
}

size_t ListedOn(World& world, absl::CivilDay day) {
  const auto listed = world.store().Expiries(day, "", 10);
  World::Require(listed.status());
  return listed->rows.size();
}

// No day that she has corrected, and none of a paper that is no more, keeps naming her.
TEST(Cleaning, APaperIsListedUnderTheDayItHasAndNoOther) {
  const absl::CivilDay mistyped(1987, 2, 28);
  const absl::CivilDay later(2034, 5, 1);
  World world;
  world.Host(1);
  v1::BeginUploadRequest begin = world.Begin(1, "b", 1);
  *begin.mutable_description()->mutable_expires() = DateOf(mistyped);
  const auto begun = world.TryBegin(begin);
  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, "x").ok());
  ASSERT_TRUE(world.TryComplete(1, "c", begun->upload().upload_id(), "x").ok());
  world.Settle();
  EXPECT_EQ(ListedOn(world, mistyped), 1U);
  v1::UpdateMetadataRequest update;
  update.set_request_id("u");
  *update.mutable_person() = world.Handle(kHost, 1);
  update.set_document_id(begun->upload().document_id());
  update.mutable_description()->set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
  update.mutable_description()->set_title("avis");
  *update.mutable_description()->mutable_expires() = DateOf(later);
  const auto updated = world.Run(world.service().metadata().UpdateMetadata(world.As(kHost), update));
  ASSERT_TRUE(updated.ok()) << updated.status();
  world.Settle();
  EXPECT_EQ(ListedOn(world, mistyped), 0U);
  EXPECT_EQ(ListedOn(world, later), 1U);
  EXPECT_EQ(world.store().ListedDays(World::Person(1), std::nullopt)->size(), 1U);
  v1::DestroyRequest destroy;
  destroy.set_request_id("d");
  *destroy.mutable_person() = world.Handle(kHost, 1);
  destroy.set_document_id(begun->upload().document_id());
  ASSERT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), destroy)).ok());
  world.Settle();
  EXPECT_EQ(ListedOn(world, later), 0U);
  EXPECT_TRUE(world.store().ListedDays(World::Person(1), std::nullopt)->empty());
}

// A pointer that a crash left behind, of a day long gone: whoever erases her finds it by what was noted.
TEST(Cleaning, WhoErasesHerFindsEveryDay) {
  const absl::CivilDay old(1999, 1, 1);
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(100));
  const Id128 document = *Id128::FromHex(paper.document);
  World::Require(world
                     .Run(world.context().store.Commit(
                         world.store().SetListedDay(World::Person(1), {document, old}, true)))
                     .status());
  World::Require(
      world.Run(world.context().store.Commit(world.store().SetExpiry(old, World::Person(1), document, true)))
          .status());
  World::Require(world.Run(EraseElsewhere(world.vault(), World::Person(1))));
  EXPECT_EQ(ListedOn(world, old), 0U);
}

// As a crash leaves it whose follower goes on from an earlier leaf: the upload is listed again, and of what
// has been destroyed since, no later leaf takes it off.
void ListAgain(World& world) {
  OwnLeaves again(world.vault());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_UPLOAD_CHANGED) {
      audit::FollowedLeaf followed;
      followed.index = leaf.index;
      followed.header = leaf.leaf.header;
      followed.details = leaf.details;
      World::Require(world.Run(again.Apply(std::move(followed), true)));
    }
  }
}

TEST(Cleaning, WhatIsListedAgainIsTakenOffByTheNextLook) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(1000));
  const auto begun = world.TryBegin(world.Begin(1, "b", kPieceSize));
  ASSERT_TRUE(begun.ok());
  world.Settle();
  ListAgain(world);
  EXPECT_EQ(OpenUploads(world), 2U) << "that the test can fail";
  world.Settle(absl::Minutes(15));
  EXPECT_EQ(OpenUploads(world), 1U) << "the one under way stays";
  ListAgain(world);
  World::Require(world.Run(EraseElsewhere(world.vault(), World::Person(1))));
  EXPECT_EQ(OpenUploads(world), 0U);
}

TEST(Cleaning, WhoErasesHerLeavesNoBytesAndNoDerivedRow) {
  World world;
  world.Host(1);
  world.Host(2);
  const World::Deposited hers = world.MustDeposit(1, Pdf(1000));
  const World::Deposited others = world.MustDeposit(2, Pdf(1000));
  world.Share(1, hers.document);
  const auto begun = world.TryBegin(world.Begin(1, "b", 2 * kPieceSize));
  ASSERT_TRUE(begun.ok());
  ASSERT_TRUE(world.TrySend(1, begun->upload().upload_id(), 0, Pdf(kPieceSize)).ok());
  world.Settle();
  World::Require(world.Run(EraseElsewhere(world.vault(), World::Person(1))));
  World::Require(world.Run(EraseElsewhere(world.vault(), World::Person(1))));  // again
  EXPECT_FALSE(HasBytes(world, hers.upload));
  EXPECT_FALSE(HasBytes(world, begun->upload().upload_id()));
  EXPECT_TRUE(HasBytes(world, others.upload));
  EXPECT_EQ(OpenUploads(world), 0U);
  EXPECT_EQ(UsageOf(world, kHost).bytes(), 1000U);
  EXPECT_EQ(UsageOf(world, kHost).reserved_bytes(), 0U);
  EXPECT_TRUE(world.store().Pointers(PointerKind::kShared, kReader, Id128(), 10)->rows.empty());
}

}  // namespace
}  // namespace relais::vault
