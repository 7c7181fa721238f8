// A scrub comes to its end whatever the disk is like, and says what it met (D-3.1).
#include <gmock/gmock.h>

#include "common/audit/big_endian.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/handlers/access.h"
#include "services/vault/scrubber.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/reading.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::DamagedDisk;
using testing::Flip;
using testing::FoundOf;
using testing::HostKey;
using testing::kHost;
using testing::Pdf;
using testing::PieceKey;
using testing::RecordKey;
using testing::Scrub;
using testing::SetRaw;
using testing::TearDepositOf;
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
  const World::Deposited other = world.MustDeposit(2, Pdf(3000, 4));
  SetRaw(world, Of(2), RecordKey(papers[1]), std::nullopt);
  TearDepositOf(world, papers[1].document);
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
  Flip(world, BytesOf(paper), PieceKey(0), 9);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED);
  EXPECT_TRUE(world.Document(1, paper.document).versions(0).version().damaged());
  Flip(world, BytesOf(paper), PieceKey(0), 9);
  TearDepositOf(world, paper.document);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_LOG_UNREADABLE);
  EXPECT_TRUE(world.Document(1, paper.document).versions(0).version().damaged()) << "as it was found before";
}

absl::Status Unlink(World& world, const std::string& request_id) {
  v1::UnlinkHostRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_institution("caf");
  return world.Run(world.service().hosts().UnlinkHost(world.As(kHost), request)).status();
}
absl::Status Link(World& world, const std::string& request_id) {
  v1::LinkHostRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle("caf", 1);
  request.set_consent_id(world.consent.agreement);
  request.set_purpose("RIGHTS_OPENING");
  return world.Run(world.service().hosts().LinkHost(world.As("caf"), request)).status();
}
absl::Status Revoke(World& world, const std::string& share) {
  v1::RevokeRequest request;
  request.set_request_id("revoke");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_share_id(share);
  return world.Run(world.service().shares().Revoke(world.As(kHost), request)).status();
}
v1::StoredHost CafOf(World& world) {
  const auto host = world.store().Host(World::Person(1), "caf");
  World::Require(host.status());
  return host->has_value() ? (*host)->value : v1::StoredHost();
}
v1::Share::State StateOf(World& world, const std::string& share) {
  const auto stored = world.store().Share(World::Person(1), testing::Hex(share));
  World::Require(stored.status());
  return stored->has_value() ? (*stored)->value.state() : v1::Share::STATE_UNSPECIFIED;
}

// A host that she unlinked and a share that she revoked, in force again by their rows.
struct PutBack {
  explicit PutBack(World& world, size_t size = 3000) {
    world.Host(1);
    world.Host(1, "caf");
    paper = world.MustDeposit(1, Pdf(size));
    share = world.Share(1, paper.document, "cpam");
    const std::string host_key = HostKey(world, 1, "caf");
    const std::string share_key = "v/share/" + testing::Hex(share).ToBytes();
    const auto host_row = testing::Raw(world, Of(1), host_key);
    const auto share_row = testing::Raw(world, Of(1), share_key);
    World::Require(Unlink(world, "u1"));
    World::Require(Revoke(world, share));
    SetRaw(world, Of(1), host_key, host_row);
    SetRaw(world, Of(1), share_key, share_row);
  }
  World::Deposited paper;
  std::string share;
};

TEST(ScrubOfRights, RowsThatWerePutBackInForceAreEndedAgain) {
  World world;
  const PutBack there(world);
  ASSERT_TRUE(world.vault().access.Host(world.As("caf"), World::Person(1)).ok());
  ASSERT_EQ(StateOf(world, there.share), v1::Share::STATE_ACTIVE);
  const size_t said = world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Scrub(world, "s1").rights_put_back(), 2U);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("were put back in force"));
  EXPECT_EQ(CafOf(world).state(), v1::Host::STATE_UNLINKED);
  EXPECT_EQ(StateOf(world, there.share), v1::Share::STATE_REVOKED);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOST_CHANGED), said + 1);
  EXPECT_EQ(rpc::ReasonOf(Link(world, "l1")), common::v1::ERROR_REASON_NOT_PERMITTED)
      << "she said no, and agreed to nothing since";
  EXPECT_EQ(Scrub(world, "s2").rights_put_back(), 0U);
}

TEST(ScrubOfRights, WhatIsReadThroughThemIsCut) {
  World world;
  const PutBack there(world, size_t{8} * 262'144);
  const absl::Duration slowly = absl::Seconds(3);
  const auto host = testing::BeginDownload(world, "caf", 1, there.paper.document, slowly);
  const auto share = testing::BeginDownload(world, "cpam", 1, there.paper.document, slowly);
  world.Settle(absl::Seconds(4));
  for (const auto& reading : {host, share}) {
    ASSERT_FALSE(reading->ended.has_value());
    ASSERT_TRUE(reading->client->ended.ok());
  }
  EXPECT_EQ(Scrub(world, "s1").rights_put_back(), 2U);
  EXPECT_FALSE(host->client->ended.ok());
  EXPECT_FALSE(share->client->ended.ok());
}

TEST(ScrubOfRights, ASuspendedHostThatWasPutBackActiveWaitsForLinkHost) {
  World world;
  world.Host(1);
  world.Host(1, "caf");
  const std::string key = HostKey(world, 1, "caf");
  const auto row = testing::Raw(world, Of(1), key);
  world.consent.directory_expired = true;
  world.ConsentSays(1, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, consent::v1::ProcessingRestricted());
  world.Settle();
  ASSERT_EQ(CafOf(world).state(), v1::Host::STATE_SUSPENDED);
  SetRaw(world, Of(1), key, row);
  EXPECT_EQ(Scrub(world, "s1").rights_put_back(), 1U);
  EXPECT_EQ(CafOf(world).state(), v1::Host::STATE_SUSPENDED);
  EXPECT_TRUE(CafOf(world).restored());
}

TEST(ScrubOfRights, WhatStandsAsTheLogSaysStays) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(3000));
  const std::string share = world.Share(1, paper.document, "cpam");
  ASSERT_TRUE(Link(world, "l1").ok());
  ASSERT_TRUE(Unlink(world, "u1").ok());
  world.Settle();  // what she agrees to from now on comes after her no
  testing::Agrees(world, 1, std::string(32, '8'));
  const absl::Status again = Link(world, "l2");
  ASSERT_TRUE(again.ok()) << again;
  world.Settle();
  EXPECT_EQ(Scrub(world, "s1").rights_put_back(), 0U);
  EXPECT_EQ(CafOf(world).state(), v1::Host::STATE_ACTIVE);
  EXPECT_EQ(StateOf(world, share), v1::Share::STATE_ACTIVE);
}

// Whoever tears an old leaf of hers keeps no right in force by it.
TEST(ScrubOfRights, ALeafThatDoesNotReadAndIsOlderThanTheirEndKeepsNothing) {
  World world;
  const PutBack there(world);
  TearDepositOf(world, there.paper.document);
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_EQ(scrub.rights_put_back(), 2U);
  EXPECT_EQ(scrub.passed_over(), 1U);
  EXPECT_EQ(CafOf(world).state(), v1::Host::STATE_UNLINKED);
  EXPECT_EQ(StateOf(world, there.share), v1::Share::STATE_REVOKED);
}

// The leaf that is lost may be the one that linked it again.
TEST(ScrubOfRights, NothingIsConcludedWhereALaterLeafOfHersDoesNotRead) {
  World world;
  const PutBack there(world);
  const World::Deposited later = world.MustDeposit(1, Pdf(3000, 7));
  TearDepositOf(world, later.document);
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_EQ(scrub.rights_put_back(), 0U);
  EXPECT_EQ(scrub.passed_over(), 1U);
  EXPECT_EQ(CafOf(world).state(), v1::Host::STATE_ACTIVE);
  EXPECT_EQ(StateOf(world, there.share), v1::Share::STATE_ACTIVE);
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
