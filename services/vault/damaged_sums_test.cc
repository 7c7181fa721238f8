// Papers are destroyed and uploads end whatever the rows of sums and lists are like; those, hers and
// institutions', are made anew (D-3.1).
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/institution_sums.h"
#include "services/vault/sums.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/drops.h"
#include "services/vault/testing/reading.h"

namespace relais::vault::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kHer = 1;
constexpr size_t kSomewhere = 20;  // a byte of a sealed row

storage::Partition Of(uint64_t person) { return VaultStore::PersonPartition(World::Person(person)); }
storage::Partition UploadList(World& world) {
  return world.context().idempotency.Bucket("vault-uploads", "", "");
}

absl::Status Destroy(World& world, const std::string& document) {
  v1::DestroyRequest request;
  request.set_request_id("d-" + document);
  *request.mutable_person() = world.Handle(kHost, kHer);
  request.set_document_id(document);
  return world.Run(world.service().destroying().Destroy(world.As(kHost), request)).status();
}
std::string MustBegin(World& world, uint64_t person, uint64_t size) {
  const auto begun = world.TryBegin(world.Begin(person, "under-way", size));
  World::Require(begun.status());
  world.Settle();
  return begun->upload().upload_id();
}
absl::Status UsageOpens(World& world) { return world.store().Usage(World::Person(kHer)).status(); }
bool Same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// Her sums on a disk, two ways damaged.
class DamagedSums : public ::testing::TestWithParam<bool> {
 protected:
  DamagedSums() {
    world_.Host(kHer);
    for (uint8_t i = 0; i < 3; ++i) {
      papers_.push_back(world_.MustDeposit(kHer, Pdf(3000, i)));
    }
    upload_ = MustBegin(world_, kHer, 1000);
    before_ = world_.Usage(kHer);
  }
  void Damage() {
    if (GetParam()) {
      disk_.store->Damage(Of(kHer), "v/usage");
    } else {
      Flip(world_, Of(kHer), "v/usage", kSomewhere);
    }
    ASSERT_FALSE(UsageOpens(world_).ok());
  }

  DamagedDisk disk_;
  World world_{disk_.Options()};
  std::vector<World::Deposited> papers_;
  std::string upload_;
  v1::StoredUsage before_;
};

TEST_P(DamagedSums, APaperIsDestroyedAndTheyAreMadeAnew) {
  Damage();
  const absl::Status destroyed = Destroy(world_, papers_[0].document);
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  v1::StoredUsage expected = before_;
  expected.set_documents(2);
  expected.set_versions(2);
  expected.set_bytes(6000);
  EXPECT_TRUE(Same(world_.Usage(kHer), expected));
  EXPECT_NE(expected.key_generation(), 0U);
  EXPECT_EQ(world_.MustDeposit(kHer, Pdf(3000, 9)).document.size(), 32U) << "she deposits as before";
}

TEST_P(DamagedSums, AnUploadEndsAndTheyAreMadeAnew) {
  Damage();
  v1::AbandonUploadRequest request;
  request.set_request_id("a1");
  *request.mutable_person() = world_.Handle(kHost, kHer);
  request.set_upload_id(upload_);
  const auto abandoned = world_.Run(world_.service().uploads().AbandonUpload(world_.As(kHost), request));
  ASSERT_TRUE(abandoned.ok()) << abandoned.status();
  v1::StoredUsage expected = before_;
  expected.set_open_uploads(0);
  expected.set_reserved_bytes(0);
  EXPECT_TRUE(Same(world_.Usage(kHer), expected));
}

TEST_P(DamagedSums, AScrubMakesThemAnew) {
  Damage();
  const v1::Scrub scrub = Scrub(world_, "s1");
  EXPECT_GE(scrub.unreadable(), 1U) << "it says so once";
  EXPECT_TRUE(Same(world_.Usage(kHer), before_));
  EXPECT_EQ(Scrub(world_, "s2").unreadable(), 0U);
}

TEST_P(DamagedSums, WhereNotAllReadsThatCountsTheyStayAsTheyAre) {
  const std::string record = Flip(world_, Of(kHer), RecordKey(papers_[1]), kSomewhere);
  Damage();
  const absl::Status destroyed = Destroy(world_, papers_[0].document);
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  EXPECT_FALSE(UsageOpens(world_).ok()) << "less than there is would be reserved against";
  Scrub(world_, "s1");
  EXPECT_FALSE(UsageOpens(world_).ok());
  SetRaw(world_, Of(kHer), RecordKey(papers_[1]), record);
  ASSERT_TRUE(Destroy(world_, papers_[2].document).ok());
  EXPECT_EQ(world_.Usage(kHer).documents(), 1U);
  EXPECT_EQ(world_.Usage(kHer).bytes(), 3000U);
}

TEST_P(DamagedSums, ActsThatMeetThemCollide) {
  Damage();
  const Vault& vault = world_.vault();
  const Id128 person = World::Person(kHer);
  const auto first = SumsOf(vault, person);
  const auto second = SumsOf(vault, person);
  ASSERT_TRUE(first.ok() && second.ok());
  for (const bool is_second : {false, true}) {
    storage::CommitRequest commit;
    ASSERT_TRUE(PutSums(vault, person, is_second ? *second : *first, commit).ok());
    const auto done = world_.Run(world_.context().store.Commit(std::move(commit)));
    EXPECT_EQ(absl::IsAborted(done.status()), is_second) << done.status();
  }
}

INSTANTIATE_TEST_SUITE_P(FlippedAndUnread, DamagedSums, ::testing::Bool());

// ---- an institution's

// Their total on a disk, two ways damaged.
class DamagedTotal : public ::testing::TestWithParam<bool> {
 protected:
  DamagedTotal() {
    world_.Host(kHer);
    for (uint8_t i = 0; i < 3; ++i) {
      papers_.push_back(world_.MustDeposit(kHer, Pdf(3000, i)));
    }
    upload_ = MustBegin(world_, kHer, 1000);
    before_.set_bytes(9000);
    before_.set_documents(3);
    before_.set_reserved_bytes(1000);
  }
  absl::StatusOr<Stored<v1::InstitutionUsage>> Total() { return world_.store().InstitutionUsage(kHost); }
  v1::InstitutionUsage MustTotal() {
    const auto total = Total();
    World::Require(total.status());
    return total->value;
  }
  storage::Partition Bucket() { return world_.context().idempotency.Bucket("vault-usage", kHost, ""); }
  void Damage() {
    ASSERT_TRUE(Same(MustTotal(), before_));
    if (GetParam()) {
      disk_.store->Damage(Bucket(), "usage");
    } else {
      Flip(world_, Bucket(), "usage", kSomewhere);
    }
    ASSERT_TRUE(absl::IsDataLoss(Total().status()));
  }
  // The commit by which what was deposited as that paper counts no more.
  storage::CommitRequest Uncounted(const World::Deposited& paper) {
    const VaultStore::CountedText text{Hex(paper.document), 1, Hex(paper.upload)};
    auto counts = world_.store().CountFor(kHost, {{text, 0, VaultStore::Counted::kNone}});
    World::Require(counts.status());
    return counts->commit.value_or(storage::CommitRequest());
  }
  storage::CommitRequest Anew() {
    auto commit = world_.Run(TotalAnew(world_.vault(), kHost, nullptr));
    World::Require(commit.status());
    return commit->value_or(storage::CommitRequest());
  }
  absl::Status Commit(storage::CommitRequest commit) {
    return world_.Run(world_.context().store.Commit(std::move(commit))).status();
  }

  DamagedDisk disk_;
  World world_{disk_.Options()};
  std::vector<World::Deposited> papers_;
  std::string upload_;
  v1::InstitutionUsage before_;
};

TEST_P(DamagedTotal, AScrubMakesItAnewAndItDepositsAgain) {
  Damage();
  const v1::BeginUploadRequest begin = world_.Begin(kHer, "later", 1000);
  ASSERT_FALSE(world_.TryBegin(begin).ok());
  Scrub(world_, "s1");
  EXPECT_TRUE(Same(MustTotal(), before_));
  const auto begun = world_.TryBegin(begin);
  EXPECT_TRUE(begun.ok()) << begun.status();
}

TEST_P(DamagedTotal, WhatEndsMeanwhileIsNotLost) {
  Damage();
  v1::AbandonUploadRequest request;
  request.set_request_id("a1");
  *request.mutable_person() = world_.Handle(kHost, kHer);
  request.set_upload_id(upload_);
  const auto abandoned = world_.Run(world_.service().uploads().AbandonUpload(world_.As(kHost), request));
  ASSERT_TRUE(abandoned.ok()) << abandoned.status();
  ASSERT_TRUE(Destroy(world_, papers_[0].document).ok());
  world_.Settle();
  ASSERT_TRUE(absl::IsDataLoss(Total().status()));
  Scrub(world_, "s1");
  EXPECT_EQ(MustTotal().bytes(), 6000U);
  EXPECT_EQ(MustTotal().documents(), 2U);
  EXPECT_EQ(MustTotal().reserved_bytes(), 0U);
}

TEST_P(DamagedTotal, WhatIsDepositedMeanwhileIsNotLost) {
  Damage();
  const std::string text = Pdf(1000, 9);
  ASSERT_TRUE(world_.TrySend(kHer, upload_, 0, text).ok());
  const auto completed = world_.TryComplete(kHer, "c1", upload_, text);
  ASSERT_TRUE(completed.ok()) << completed.status();
  world_.Settle();
  Scrub(world_, "s1");
  EXPECT_EQ(MustTotal().bytes(), 10000U);
  EXPECT_EQ(MustTotal().documents(), 4U);
  EXPECT_EQ(MustTotal().reserved_bytes(), 0U);
}

TEST_P(DamagedTotal, WhereNotAllReadsThatCountsItStaysAsItIs) {
  const auto rows = world_.context().store.Scan(Bucket(), "u/", "", 10);
  ASSERT_TRUE(rows.ok());
  ASSERT_THAT(rows->entries, SizeIs(4));
  const std::string key = rows->entries[1].key;
  const std::string row = Flip(world_, Bucket(), key, kSomewhere);
  Damage();
  Scrub(world_, "s1");
  EXPECT_TRUE(absl::IsDataLoss(Total().status())) << "less than there is would be reserved against";
  SetRaw(world_, Bucket(), key, row);
  Scrub(world_, "s2");
  EXPECT_TRUE(Same(MustTotal(), before_));
}

TEST_P(DamagedTotal, WhoMakesItAnewAndWhoCountsCollide) {
  Damage();
  storage::CommitRequest anew = Anew();
  ASSERT_TRUE(Commit(Uncounted(papers_[0])).ok());
  EXPECT_TRUE(absl::IsAborted(Commit(std::move(anew))));
  storage::CommitRequest late = Uncounted(papers_[1]);
  ASSERT_TRUE(Commit(Anew()).ok());
  const absl::Status counted = Commit(std::move(late));
  EXPECT_TRUE(absl::IsAborted(counted)) << counted;
  EXPECT_EQ(MustTotal().bytes(), 6000U);
}

INSTANTIATE_TEST_SUITE_P(FlippedAndUnread, DamagedTotal, ::testing::Bool());

// ---- marks

TEST(DamagedMark, KeepsNoPaperFromBeingDestroyed) {
  World world;
  world.Host(kHer);
  const World::Deposited paper = world.MustDeposit(kHer, Pdf(3000));
  const auto marks = world.context().store.Scan(Of(kHer), "v/dup/", "", 10);
  ASSERT_TRUE(marks.ok());
  ASSERT_THAT(marks->entries, SizeIs(1));
  SetRaw(world, Of(kHer), marks->entries.front().key, std::string("x"));
  const absl::Status destroyed = Destroy(world, paper.document);
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  EXPECT_EQ(Raw(world, Of(kHer), marks->entries.front().key), std::nullopt);
}

// ---- uploads under way

World::Options WithIdle(DamagedDisk& disk) {
  World::Options options = disk.Options();
  options.settings.uploads.idle = absl::Hours(1);
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

TEST(DamagedUploadList, EveryUploadEndsAllTheSame) {
  for (const bool unread : {false, true}) {
    SCOPED_TRACE(unread);
    DamagedDisk disk;
    World world(WithIdle(disk));
    for (const uint64_t person : {1, 2}) {
      world.Host(person);
    }
    const std::string key = Hex(MustBegin(world, 1, 1000)).ToBytes();
    MustBegin(world, 2, 1000);
    if (unread) {
      disk.store->Damage(UploadList(world), key);
    } else {
      Flip(world, UploadList(world), key, kSomewhere);
    }
    world.Settle(absl::Minutes(50));
    EXPECT_EQ(world.Usage(1).open_uploads(), 1U) << "not before its time";
    world.Settle(absl::Hours(2));
    EXPECT_EQ(world.Usage(1).open_uploads(), 0U);
    EXPECT_EQ(world.Usage(2).open_uploads(), 0U);
    const auto listed = world.store().OpenUploads(Id128(), 100);
    ASSERT_TRUE(listed.ok()) << listed.status();
    EXPECT_THAT(listed->rows, IsEmpty());
    EXPECT_THAT(listed->unreadable, IsEmpty());
  }
}

TEST(DamagedUploadList, ARowOfNobodysGoes) {
  DamagedDisk disk;
  World world(WithIdle(disk));
  world.Host(1);
  MustBegin(world, 1, 1000);
  SetRaw(world, UploadList(world), World::Person(77).ToBytes(), std::string("x"));
  ASSERT_THAT(world.store().OpenUploads(Id128(), 100)->unreadable, SizeIs(1));
  world.Settle(absl::Minutes(20));
  const auto listed = world.store().OpenUploads(Id128(), 100);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(listed->unreadable, IsEmpty());
  EXPECT_THAT(listed->rows, SizeIs(1)) << "hers stays";
}

TEST(DamagedDropList, OneRowKeepsNoOtherFromBeingDecided) {
  for (const bool unread : {false, true}) {
    SCOPED_TRACE(unread);
    DamagedDisk disk;
    World world(WithIdle(disk));
    const std::string drop = Dropped(world);
    const storage::Partition list = world.context().idempotency.Bucket("vault-pending", "", "");
    const std::string before(Id128::kSize, '\0');  // looked at first
    SetRaw(world, list, before, std::string("x"));
    if (unread) {
      disk.store->Damage(list, before);
    }
    ASSERT_EQ(world.Document(1, drop).state(), v1::Document::STATE_PENDING_CONSENT);
    world.Settle(absl::Minutes(11));
    EXPECT_EQ(world.Document(1, drop).state(), v1::Document::STATE_ACTIVE);
  }
}

TEST(DamagedDropList, AnUndecidedDropGoesThoughAnothersRowsDoNotRead) {
  DamagedDisk disk;
  World world(WithIdle(disk));
  const std::string drop = Dropped(world);
  world.consent.down = absl::UnavailableError("down");
  world.Host(2);
  disk.store->Damage(Of(2), "", std::string(20, '\xff'));
  world.sim().Skip(absl::Hours(24 * 31));
  world.Settle(absl::Minutes(3));
  EXPECT_EQ(world.Document(1, drop).state(), v1::Document::STATE_DESTROYED);
}

TEST(DamagedUploadList, AnothersRowKeepsNobodysErasure) {
  World world;
  for (const uint64_t person : {1, 2}) {
    world.Host(person);
  }
  const World::Deposited paper = world.MustDeposit(kHer, Pdf(3000));
  Flip(world, UploadList(world), Hex(MustBegin(world, 2, 1000)).ToBytes(), kSomewhere);
  Flip(world, Of(kHer), RecordKey(paper), kSomewhere);  // so that her bytes are looked for one by one
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(World::Person(1007).ToHex());
  payload.set_cause("REQUEST");
  world.ConsentSays(kHer, audit::v1::EVENT_CLASS_ERASE_REQUESTED, payload);
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_EQ(CountRows(world, BytesOf(paper)), 0U);
  EXPECT_EQ(world.Usage(2).open_uploads(), 1U);
}

}  // namespace
}  // namespace relais::vault::testing
