// Contrôler: what is altered, missing or put back is found, on request and by the scrub (NF Z42-020; D-3.1).
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "common/crypto/aead.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/operation_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/scrubber.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using ::testing::ElementsAre;
using testing::Flip;
using testing::FoundOf;
using testing::Hex;
using testing::kHost;
using testing::kReader;
using testing::Pdf;
using testing::PieceKey;
using testing::Raw;
using testing::RecordKey;
using testing::Scrub;
using testing::SetRaw;
using testing::Verify;
using testing::World;

constexpr size_t kTwoPieces = 300'000;

storage::Partition Hers() { return VaultStore::PersonPartition(World::Person(1)); }

absl::StatusOr<std::string> Read(World& world, const std::string& document, uint64_t offset,
                                 uint32_t length) {
  v1::ReadRangeRequest request;
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  request.set_offset(offset);
  request.set_length(length);
  const auto response = world.Run(world.service().readings().ReadRange(world.As(kHost), request));
  RETURN_IF_ERROR(response.status());
  return response->data();
}

TEST(Verify, AnIntactPaperIsReadWholeAndSaidToBe) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(kTwoPieces));
  const auto response = Verify(world, 1, paper.document);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->versions_size(), 1);
  EXPECT_EQ(response->versions(0).version(), 1u);
  EXPECT_EQ(response->versions(0).finding(), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED), 1);
  EXPECT_FALSE(world.Document(1, paper.document).versions(0).version().damaged());
}

TEST(Verify, ABitFlippedInAPieceIsFoundAndNothingOfItIsRead) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(kTwoPieces));
  // First chunk, within a later one, the last tag of a piece; then the second piece.
  for (const auto& [piece, at] : std::vector<std::pair<uint64_t, size_t>>{
           {0, 3}, {0, kSealedChunkSize + 5}, {0, kSealedPieceSize - 1}, {1, 0}}) {
    SCOPED_TRACE(at);
    const std::string before = Flip(world, BytesOf(paper), PieceKey(piece), at);
    const auto response = Verify(world, 1, paper.document);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->versions(0).finding(), v1::VersionCheck::FINDING_ALTERED);
    EXPECT_EQ(response->versions(0).offset(), piece * kPieceSize);
    EXPECT_TRUE(world.Document(1, paper.document).versions(0).version().damaged());
    const auto read =
        Read(world, paper.document, piece * kPieceSize + at / kSealedChunkSize * kChunkSize, 10);
    EXPECT_EQ(rpc::ReasonOf(read.status()), common::v1::ERROR_REASON_DOCUMENT_DAMAGED) << read.status();
    SetRaw(world, BytesOf(paper), PieceKey(piece), before);
    EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_INTACT);
    EXPECT_FALSE(world.Document(1, paper.document).versions(0).version().damaged()) << "repaired";
  }
}

TEST(Verify, ABitFlippedInTheHeadIsFound) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(100));
  const size_t size = Raw(world, BytesOf(paper), "head")->size();
  ASSERT_GT(size, crypto::kAeadRandomOverhead);
  for (size_t at = 0; at < size; ++at) {
    const std::string before = Flip(world, BytesOf(paper), "head", at);
    EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED) << at;
    SetRaw(world, BytesOf(paper), "head", before);
  }
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_INTACT);
}

TEST(Verify, AMissingPieceOrHeadIsFound) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(100));
  SetRaw(world, BytesOf(paper), PieceKey(0), std::nullopt);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_MISSING);
  SetRaw(world, BytesOf(paper), "head", std::nullopt);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_MISSING);
  EXPECT_FALSE(Read(world, paper.document, 0, 10).ok());
}

TEST(Verify, APieceOfAnotherPaperDoesNotFit) {
  World world;
  world.Host(1);
  const World::Deposited one = world.MustDeposit(1, Pdf(5000, 1));
  const World::Deposited other = world.MustDeposit(1, Pdf(5000, 2));
  SetRaw(world, BytesOf(one), PieceKey(0), Raw(world, BytesOf(other), PieceKey(0)));
  EXPECT_EQ(FoundOf(world, 1, one.document), v1::VersionCheck::FINDING_ALTERED);
  SetRaw(world, BytesOf(one), "head", Raw(world, BytesOf(other), "head"));
  EXPECT_EQ(FoundOf(world, 1, one.document), v1::VersionCheck::FINDING_ALTERED);
  EXPECT_EQ(FoundOf(world, 1, other.document), v1::VersionCheck::FINDING_INTACT);
}

// A later version of that paper with a text that she has already.
World::Deposited SameTextAgain(World& world, std::string_view text, const World::Deposited& earlier) {
  v1::BeginUploadRequest begin = world.Begin(1, "begin-again", text.size());
  begin.set_document_id(earlier.document);
  begin.set_allow_duplicate(true);
  const auto begun = world.TryBegin(begin);
  World::Require(begun.status());
  World::Require(world.TrySend(1, begun->upload().upload_id(), 0, text).status());
  const auto done = world.TryComplete(1, "complete-again", begun->upload().upload_id(), text);
  World::Require(done.status());
  world.Settle();
  return {done->document().document_id(), begun->upload().upload_id(), done->version()};
}

// Of each version, in their order.
std::vector<v1::VersionCheck::Finding> FindingsOf(World& world, uint64_t person,
                                                  const std::string& document) {
  const auto response = Verify(world, person, document);
  World::Require(response.status());
  std::vector<v1::VersionCheck::Finding> findings;
  for (const v1::VersionCheck& check : response->versions()) {
    findings.push_back(check.finding());
  }
  return findings;
}

// Rows of each of two texts, in each other's place.
void Exchange(World& world, const World::Deposited& one, const World::Deposited& other,
              const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    const std::optional<std::string> ones = Raw(world, BytesOf(one), key);
    const std::optional<std::string> others = Raw(world, BytesOf(other), key);
    World::Require(ones.has_value() && others.has_value() && *ones != *others
                       ? absl::OkStatus()
                       : absl::NotFoundError("no two rows to exchange"));
    SetRaw(world, BytesOf(one), key, others);
    SetRaw(world, BytesOf(other), key, ones);
  }
}
// Of a text in one piece: either of its rows, and both.
std::vector<std::vector<std::string>> RowsToExchange() {
  return {{PieceKey(0)}, {"head"}, {"head", PieceKey(0)}};
}

// The same bytes on both sides, here and below: only whose they are differs.
TEST(Verify, ATextOfAnotherVersionDoesNotFit) {
  constexpr auto kIntact = v1::VersionCheck::FINDING_INTACT;
  constexpr auto kAltered = v1::VersionCheck::FINDING_ALTERED;
  World world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(5000));
  const World::Deposited second = SameTextAgain(world, Pdf(5000), first);
  ASSERT_EQ(second.document, first.document);
  ASSERT_EQ(second.version, 2U);
  EXPECT_THAT(FindingsOf(world, 1, first.document), ElementsAre(kIntact, kIntact));
  for (const std::vector<std::string>& keys : RowsToExchange()) {
    SCOPED_TRACE(::testing::PrintToString(keys));
    Exchange(world, first, second, keys);
    EXPECT_EQ(rpc::ReasonOf(Read(world, first.document, 0, 10).status()),
              common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
    EXPECT_THAT(FindingsOf(world, 1, first.document), ElementsAre(kAltered, kAltered));
    Exchange(world, first, second, keys);
    EXPECT_THAT(FindingsOf(world, 1, first.document), ElementsAre(kIntact, kIntact));
    EXPECT_TRUE(Read(world, first.document, 0, 10).ok());
  }
  // The earlier one alone, in the later one's place.
  SetRaw(world, BytesOf(second), PieceKey(0), Raw(world, BytesOf(first), PieceKey(0)));
  EXPECT_THAT(FindingsOf(world, 1, first.document), ElementsAre(kIntact, kAltered));
}

TEST(Verify, ATextOfAnotherPersonDoesNotFit) {
  World world;
  world.Host(1);
  world.Host(2);
  const World::Deposited hers = world.MustDeposit(1, Pdf(5000));
  const World::Deposited anothers = world.MustDeposit(2, Pdf(5000));
  for (const std::vector<std::string>& keys : RowsToExchange()) {
    SCOPED_TRACE(::testing::PrintToString(keys));
    Exchange(world, hers, anothers, keys);
    EXPECT_EQ(rpc::ReasonOf(Read(world, hers.document, 0, 10).status()),
              common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
    EXPECT_EQ(FoundOf(world, 1, hers.document), v1::VersionCheck::FINDING_ALTERED);
    EXPECT_EQ(FoundOf(world, 2, anothers.document), v1::VersionCheck::FINDING_ALTERED);
    Exchange(world, hers, anothers, keys);
    EXPECT_EQ(FoundOf(world, 1, hers.document), v1::VersionCheck::FINDING_INTACT);
    EXPECT_EQ(FoundOf(world, 2, anothers.document), v1::VersionCheck::FINDING_INTACT);
    EXPECT_TRUE(Read(world, hers.document, 0, 10).ok());
  }
}

TEST(Verify, ARecordOfAnotherPaperOrPersonDoesNotFit) {
  World world;
  world.Host(1);
  world.Host(2);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000, 1));
  const World::Deposited other = world.MustDeposit(1, Pdf(5000, 2));
  const World::Deposited anothers = world.MustDeposit(2, Pdf(5000, 1));
  const storage::Partition person2 = VaultStore::PersonPartition(World::Person(2));
  const std::optional<std::string> before = Raw(world, Hers(), RecordKey(paper));
  for (const std::optional<std::string>& record :
       {Raw(world, Hers(), RecordKey(other)), Raw(world, person2, RecordKey(anothers))}) {
    ASSERT_TRUE(record.has_value());
    SetRaw(world, Hers(), RecordKey(paper), record);
    EXPECT_EQ(rpc::ReasonOf(Read(world, paper.document, 0, 10).status()),
              common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
    EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED);
    EXPECT_EQ(FoundOf(world, 1, other.document), v1::VersionCheck::FINDING_INTACT);
    SetRaw(world, Hers(), RecordKey(paper), before);
    EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_INTACT);
  }
}

TEST(Verify, ARecordThatWasPutBackIsSeenAgainstTheLog) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000, 1));
  const std::string older = *Raw(world, Hers(), RecordKey(paper));
  world.MustDeposit(1, Pdf(6000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  SetRaw(world, Hers(), RecordKey(paper), older);
  const auto response = Verify(world, 1, paper.document);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->versions_size(), 2);
  EXPECT_EQ(response->versions(0).finding(), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(response->versions(1).finding(), v1::VersionCheck::FINDING_ROLLED_BACK);
  // And one that is not there at all.
  SetRaw(world, Hers(), RecordKey(paper), std::nullopt);
  const auto gone = Verify(world, 1, paper.document);
  ASSERT_TRUE(gone.ok()) << gone.status();
  ASSERT_EQ(gone->versions_size(), 2);
  EXPECT_EQ(gone->versions(0).finding(), v1::VersionCheck::FINDING_ROLLED_BACK);
}

TEST(Verify, ADestroyedPaperThatWasPutBackIsSeenAndNotRead) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  const std::string older = *Raw(world, Hers(), RecordKey(paper));
  v1::DestroyRequest request;
  request.set_request_id("d1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(paper.document);
  ASSERT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), request)).ok());
  world.Settle();
  SetRaw(world, Hers(), RecordKey(paper), older);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ROLLED_BACK);
  EXPECT_FALSE(Read(world, paper.document, 0, 10).ok()) << "its bytes are gone";
}

TEST(Verify, ARecordThatDoesNotOpenIsAltered) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  Flip(world, Hers(), RecordKey(paper), 60);
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_ALTERED);
  EXPECT_EQ(rpc::ReasonOf(Read(world, paper.document, 0, 10).status()),
            common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
}

TEST(Verify, ARecordThatTheLogKnowsNothingOfAndThatDoesNotOpenIsDamaged) {
  World world;
  world.Host(1);
  const World::Deposited other{World::Person(55).ToHex(), "", 0};
  SetRaw(world, Hers(), RecordKey(other), std::string(100, 'x'));
  EXPECT_EQ(rpc::ReasonOf(Verify(world, 1, other.document).status()),
            common::v1::ERROR_REASON_DOCUMENT_DAMAGED);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED), 0);
  EXPECT_EQ(Scrub(world, "s1").unreadable(), 1U);
}

TEST(Verify, NobodyElseMayAndTheAttemptIsSeen) {  // D-3.2
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  EXPECT_EQ(rpc::ReasonOf(Verify(world, 1, paper.document, kReader).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(rpc::ReasonOf(Verify(world, 1, World::Person(77).ToHex()).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_REFUSED), 2);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED), 0);
}

// ---- the scrub

TEST(Scrub, CountsWhatIsIntactAndWhatIsNot) {
  World world;
  world.Host(1);
  world.Host(2);
  world.MustDeposit(1, Pdf(5000, 1));
  const World::Deposited altered = world.MustDeposit(1, Pdf(kTwoPieces, 2));
  const World::Deposited missing = world.MustDeposit(2, Pdf(7000, 3));
  v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_TRUE(scrub.has_ended());
  EXPECT_EQ(scrub.versions(), 3u);
  EXPECT_EQ(scrub.bytes(), 5000u + kTwoPieces + 7000u);
  EXPECT_EQ(scrub.damaged(), 0u);
  EXPECT_EQ(scrub.orphans_removed(), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 2) << "begun and ended";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED), 0) << "of intact papers none";
  Flip(world, BytesOf(altered), PieceKey(1), 9);
  SetRaw(world, BytesOf(missing), PieceKey(0), std::nullopt);
  scrub = Scrub(world, "s2");
  EXPECT_EQ(scrub.versions(), 3u);
  EXPECT_EQ(scrub.damaged(), 2u);
  EXPECT_EQ(scrub.altered(), 1u);
  EXPECT_EQ(scrub.missing(), 1u);
  EXPECT_TRUE(world.Document(1, altered.document).versions(0).version().damaged());
  EXPECT_TRUE(world.Document(2, missing.document).versions(0).version().damaged());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED), 2) << "each in her journal";
}

TEST(Scrub, FindsARecordThatIsGone) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  SetRaw(world, Hers(), RecordKey(paper), std::nullopt);
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_EQ(scrub.rolled_back(), 1u);
  EXPECT_EQ(scrub.damaged(), 1u);
}

TEST(Scrub, KeepsTheBytesOfARecordThatWasPutBackOrIsGone) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000, 1));
  const std::string older = *Raw(world, Hers(), RecordKey(paper));
  world.MustDeposit(1, Pdf(6000, 2), v1::DOCUMENT_TYPE_TAX_NOTICE, kHost, paper.document);
  const std::string newer = *Raw(world, Hers(), RecordKey(paper));
  SetRaw(world, Hers(), RecordKey(paper), older);
  EXPECT_EQ(Scrub(world, "s1").orphans_removed(), 0u);
  SetRaw(world, Hers(), RecordKey(paper), std::nullopt);
  EXPECT_EQ(Scrub(world, "s2").orphans_removed(), 0u);
  SetRaw(world, Hers(), RecordKey(paper), newer);
  const auto response = Verify(world, 1, paper.document);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->versions_size(), 2);
  EXPECT_EQ(response->versions(0).finding(), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(response->versions(1).finding(), v1::VersionCheck::FINDING_INTACT);
}

TEST(Scrub, RemovesWhatBelongsToNobodyAndNothingElse) {
  World world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(5000));
  const auto begun = world.TryBegin(world.Begin(1, "b1", kTwoPieces));
  ASSERT_TRUE(begun.ok()) << begun.status();
  const std::string upload = begun->upload().upload_id();
  ASSERT_TRUE(world.TrySend(1, upload, 0, Pdf(kTwoPieces).substr(0, kPieceSize)).ok());
  // Rubbish: the bytes of the paper under an id that no record names; and bytes without a head.
  const storage::Partition rubbish = VaultStore::ContentPartition(World::Person(90));
  const std::optional<std::string> head =
      testing::Unsealed(world, BytesOf(paper), "head", *Raw(world, BytesOf(paper), "head"));
  SetRaw(world, rubbish, "head", world.store().rows().Seal(VaultStore::RowOf(rubbish, "head"), *head));
  SetRaw(world, rubbish, PieceKey(0), Raw(world, BytesOf(paper), PieceKey(0)));
  const storage::Partition headless = VaultStore::ContentPartition(World::Person(91));
  SetRaw(world, headless, PieceKey(0), std::string("x"));
  const v1::Scrub scrub = Scrub(world, "s1");
  EXPECT_EQ(scrub.orphans_removed(), 2u);
  EXPECT_EQ(testing::CountRows(world, rubbish), 0);
  EXPECT_EQ(testing::CountRows(world, headless), 1) << "damage, perhaps: kept";
  EXPECT_EQ(FoundOf(world, 1, paper.document), v1::VersionCheck::FINDING_INTACT);
  EXPECT_EQ(testing::CountRows(world, VaultStore::ContentPartition(Hex(upload))), 2) << "an upload under way";
}

TEST(Scrub, GoesOnAfterACrashAndCountsEachOnce) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    for (const uint64_t person : {1, 2}) {
      world.Host(person);
      world.MustDeposit(person, Pdf(3000, static_cast<uint8_t>(person)));
    }
    world.CrashAt(step);
    v1::StartScrubRequest request;
    request.set_request_id("s1");
    const auto begun = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
    world.Settle(absl::Seconds(30));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    }
    const v1::Scrub scrub = Scrub(world, "s1");
    EXPECT_TRUE(scrub.has_ended());
    EXPECT_EQ(scrub.versions(), 2u);
    EXPECT_EQ(scrub.damaged(), 0u);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 2);
  }
}

TEST(Scrub, TheSameRequestHasTheSameReceipt) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(5000));
  v1::StartScrubRequest request;
  request.set_request_id("s1");
  request.set_want_proof(true);
  const auto first = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->written().proof().leaf().empty());
  world.Settle(absl::Seconds(30));
  const auto again = world.Run(world.service().operations().StartScrub(world.As("operator"), request));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->scrub().has_ended());
  EXPECT_EQ(again->written().revision(), first->written().revision());
  EXPECT_EQ(again->written().proof().leaf(), first->written().proof().leaf());
}

TEST(Scrub, OneAtATimeAndTheSameRequestIsTheSameScrub) {
  World world;
  world.Host(1);
  world.MustDeposit(1, Pdf(5000));
  const v1::Scrub first = Scrub(world, "s1");
  EXPECT_EQ(Scrub(world, "s1").scrub_id(), first.scrub_id());
  EXPECT_NE(Scrub(world, "s2").scrub_id(), first.scrub_id());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_VAULT_SCRUBBED), 4);
}

}  // namespace
}  // namespace relais::vault
