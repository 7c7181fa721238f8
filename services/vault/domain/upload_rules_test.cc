#include "services/vault/domain/upload_rules.h"

#include <gtest/gtest.h>

#include "services/vault/domain/testing.h"
#include "services/vault/format/pieces.h"

namespace relais::vault {
namespace {

using testing::At;
using testing::IdOf;

const absl::Time kNow = At(11, 20);
const std::string kHash(32, 'h');

// ---- beginning

v1::BeginUploadRequest Request() {
  v1::BeginUploadRequest request;
  request.mutable_description()->set_type(v1::DOCUMENT_TYPE_LEASE);
  request.mutable_description()->set_title("Bail");
  request.set_size(1000);
  return request;
}

BeginFacts ByHost() {
  BeginFacts facts;
  facts.host = true;
  return facts;
}

Refusal Begin(const v1::BeginUploadRequest& request, const BeginFacts& facts) {
  v1::StoredUsage usage;
  const Refusal refusal = JudgeBegin(request, facts, Limits(), UploadRules(), usage);
  EXPECT_EQ(usage.open_uploads(), refusal ? 0u : 1u) << "a refusal reserves nothing";
  return refusal;
}

v1::StoredDocument Kept(int versions) {
  v1::StoredDocument document;
  document.set_state(v1::Document::STATE_ACTIVE);
  for (int i = 1; i <= versions; ++i) {
    document.add_versions()->mutable_version()->set_version(static_cast<uint32_t>(i));
  }
  return document;
}

TEST(BeginUpload, ByHerHost) {
  EXPECT_EQ(Begin(Request(), ByHost()), std::nullopt);
  v1::BeginUploadRequest request = Request();
  request.set_size(1);
  EXPECT_EQ(Begin(request, ByHost()), std::nullopt);
  request.set_size(0);
  EXPECT_EQ(Begin(request, ByHost()), common::v1::ERROR_REASON_INVALID_FIELDS) << "an empty paper is none";
  request = Request();
  request.mutable_description()->set_type(v1::DOCUMENT_TYPE_UNSPECIFIED);
  EXPECT_EQ(Begin(request, ByHost()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request = Request();
  request.set_sha256("short");
  EXPECT_EQ(Begin(request, ByHost()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request.set_sha256(kHash);
  EXPECT_EQ(Begin(request, ByHost()), std::nullopt);
  request.set_size(UINT64_MAX);
  EXPECT_EQ(Begin(request, ByHost()), common::v1::ERROR_REASON_TOO_LARGE);
}

TEST(BeginUpload, AllThatIsWrongIsNamedAtOnce) {
  EXPECT_TRUE(WrongFields(Request(), true).empty());
  const auto named = [](const v1::BeginUploadRequest& request, bool host) {
    std::string fields;
    for (const WrongField& wrong : WrongFields(request, host)) {
      fields += std::string(wrong.field) + ";";
    }
    return fields;
  };
  EXPECT_EQ(named(v1::BeginUploadRequest(), false), "size;description.type;drop;");
  v1::BeginUploadRequest request = Request();
  request.set_sha256(std::string(33, 'x'));
  request.mutable_drop();
  EXPECT_EQ(named(request, true), "sha256;drop;");
}

TEST(BeginUpload, WhoIsNotHerHostDropsAPaper) {
  EXPECT_EQ(Begin(Request(), BeginFacts()), common::v1::ERROR_REASON_INVALID_FIELDS);
  v1::BeginUploadRequest drop = Request();
  drop.mutable_drop()->set_purpose("RIGHTS_OPENING");
  EXPECT_EQ(Begin(drop, BeginFacts()), std::nullopt);
  EXPECT_EQ(Begin(drop, ByHost()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST(BeginUpload, DropsThatAreUnderWayHoldBackDropsAlone) {
  v1::BeginUploadRequest drop = Request();
  drop.mutable_drop()->set_purpose("RIGHTS_OPENING");
  BeginFacts facts;
  facts.drops.open = 4;
  EXPECT_EQ(Begin(drop, facts), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  facts.host = true;
  EXPECT_EQ(Begin(Request(), facts), std::nullopt);
}

TEST(BeginUpload, DeclaredTypes) {
  v1::BeginUploadRequest request = Request();
  request.set_media_type("application/pdf");
  EXPECT_EQ(Begin(request, ByHost()), std::nullopt);
  request.set_media_type("text/html");
  EXPECT_EQ(Begin(request, ByHost()), common::v1::ERROR_REASON_TYPE_NOT_ALLOWED);
}

TEST(BeginUpload, ALaterTextOfAPaper) {
  const v1::StoredDocument kept = Kept(2);
  v1::BeginUploadRequest request = Request();
  request.set_document_id(IdOf(1).ToHex());
  BeginFacts facts = ByHost();
  EXPECT_EQ(Begin(request, facts), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) << "there is none";
  facts.later_of = &kept;
  EXPECT_EQ(Begin(request, facts), std::nullopt);
  EXPECT_EQ(NextVersion(&kept), 3u);
  EXPECT_EQ(NextVersion(nullptr), 1u);
  for (const auto state : {v1::Document::STATE_DESTROYED, v1::Document::STATE_PENDING_CONSENT}) {
    v1::StoredDocument other = kept;
    other.set_state(state);
    facts.later_of = &other;
    EXPECT_EQ(Begin(request, facts), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
  const v1::StoredDocument many = Kept(100);
  facts.later_of = &many;
  EXPECT_EQ(Begin(request, facts), common::v1::ERROR_REASON_QUOTA_EXCEEDED);
  EXPECT_EQ(FullLimitOf(request, facts, Limits(), UploadRules(), v1::StoredUsage()),
            "limits.versions_per_document: 100 versions of one paper, 0 free");
  // Who drops learns nothing of what is there.
  facts.later_of = &kept;
  facts.host = false;
  request.mutable_drop();
  EXPECT_EQ(Begin(request, facts), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(BeginUpload, TheSamePaperTwiceIsNoticed) {
  BeginFacts facts = ByHost();
  facts.duplicate = true;
  EXPECT_EQ(Begin(Request(), facts), common::v1::ERROR_REASON_DUPLICATE_DOCUMENT);
  v1::BeginUploadRequest request = Request();
  request.set_allow_duplicate(true);
  EXPECT_EQ(Begin(request, facts), std::nullopt);
  facts.host = false;
  v1::BeginUploadRequest drop = Request();
  drop.mutable_drop();
  EXPECT_EQ(Begin(drop, facts), std::nullopt) << "only to her host";
}

TEST(BeginUpload, NotWhenTheVaultCloses) {  // D-3.4
  for (const VaultPhase phase : {VaultPhase::kRetrieval, VaultPhase::kClosed}) {
    BeginFacts facts = ByHost();
    facts.phase = phase;
    EXPECT_EQ(Begin(Request(), facts), common::v1::ERROR_REASON_VAULT_CLOSED);
  }
}

// ---- bytes

v1::StoredUpload Upload(uint64_t size) {
  v1::StoredUpload upload;
  upload.set_version(1);
  upload.set_size(size);
  *upload.mutable_begun() = ToProto(kNow);
  return upload;
}

ContentHead Head(uint64_t size, uint64_t committed, absl::Time touched = kNow) {
  ContentHead head;
  head.size = size;
  head.committed = committed;
  head.touched = touched;
  head.complete = committed == size;
  return head;
}

TEST(Bytes, ContinueAtTheCommittedOffsetAndNowhereElse) {
  const uint64_t size = 3 * kPieceSize;
  EXPECT_EQ(JudgeBytes(Upload(size), nullptr, 0, 5), std::nullopt);
  EXPECT_EQ(JudgeBytes(Upload(size), nullptr, kPieceSize, 5), common::v1::ERROR_REASON_OFFSET_MISMATCH);
  const ContentHead head = Head(size, kPieceSize);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, kPieceSize, 5), std::nullopt);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, kPieceSize, 0), std::nullopt) << "to ask whether one may go on";
  for (const uint64_t offset : {uint64_t{0}, uint64_t{kPieceSize - 1}, uint64_t{kPieceSize + 1}, size - 5}) {
    EXPECT_EQ(JudgeBytes(Upload(size), &head, offset, 5), common::v1::ERROR_REASON_OFFSET_MISMATCH) << offset;
  }
  EXPECT_EQ(JudgeBytes(Upload(size), &head, kPieceSize, 2 * kPieceSize), std::nullopt);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, kPieceSize, 2 * kPieceSize + 1),
            common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, kPieceSize, UINT64_MAX), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, size + 1, 1), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(JudgeBytes(Upload(size), &head, 2 * kPieceSize, 2 * kPieceSize),
            common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(JudgeBytes(Upload(kPieceSize - 1), &head, kPieceSize, 0), common::v1::ERROR_REASON_TOO_LARGE)
      << "a head that does not belong to it";
  const ContentHead whole = Head(size, size);
  EXPECT_EQ(JudgeBytes(Upload(size), &whole, size, 0), std::nullopt);
  EXPECT_NE(JudgeBytes(Upload(size), &whole, size, 1), std::nullopt);
}

TEST(Bytes, APieceBeginsAtItsPlaceAndIsWhole) {
  const uint64_t size = 2 * kPieceSize + 7;
  EXPECT_TRUE(IsPiece(size, 0, kPieceSize));
  EXPECT_TRUE(IsPiece(size, kPieceSize, kPieceSize));
  EXPECT_TRUE(IsPiece(size, 2 * kPieceSize, 7));
  EXPECT_FALSE(IsPiece(size, 0, kPieceSize - 1));
  EXPECT_FALSE(IsPiece(size, 0, 0));
  EXPECT_FALSE(IsPiece(size, 1, kPieceSize));
  EXPECT_FALSE(IsPiece(size, 2 * kPieceSize, 6));
  EXPECT_FALSE(IsPiece(size, 2 * kPieceSize, kPieceSize));
  EXPECT_FALSE(IsPiece(size, 3 * kPieceSize, 0));
  EXPECT_FALSE(IsPiece(0, 0, 0)) << "an empty text has none that is sent";
}

TEST(PieceAssembler, MessagesOfAnyLengthBecomePieces) {
  for (const uint64_t size : {uint64_t{1}, uint64_t{kPieceSize}, uint64_t{2 * kPieceSize + 7}}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = static_cast<char>(i * 31 >> 3);
    }
    for (const size_t step : {size_t{1000}, kPieceSize, kPieceSize + 1}) {
      PieceAssembler assembler(size, 0);
      std::vector<PieceAssembler::Piece> pieces;
      for (size_t at = 0; at < size; at += step) {
        ASSERT_EQ(assembler.Add(std::string_view(text).substr(at, step), pieces), std::nullopt);
        EXPECT_LE(assembler.held(), kPieceSize);
      }
      EXPECT_EQ(assembler.held(), 0u);
      ASSERT_EQ(pieces.size(), PieceCount(size));
      std::string joined;
      for (const auto& piece : pieces) {
        EXPECT_EQ(piece.offset, joined.size());
        joined += piece.text;
        EXPECT_EQ(piece.last, joined.size() == size);
        EXPECT_TRUE(piece.last || piece.text.size() == kPieceSize);
      }
      EXPECT_EQ(joined, text);
    }
  }
}

TEST(PieceAssembler, ResumesAtAPieceAndTakesNoMoreThanWasDeclared) {
  PieceAssembler assembler(kPieceSize + 4, kPieceSize);
  std::vector<PieceAssembler::Piece> pieces;
  EXPECT_EQ(assembler.Add("abc", pieces), std::nullopt);
  EXPECT_EQ(assembler.held(), 3u);
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(assembler.Add("de", pieces), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(assembler.Add("d", pieces), std::nullopt);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].offset, kPieceSize);
  EXPECT_EQ(pieces[0].text, "abcd");
  EXPECT_TRUE(pieces[0].last);
  EXPECT_EQ(assembler.Add("e", pieces), common::v1::ERROR_REASON_TOO_LARGE);
  EXPECT_EQ(assembler.Add("", pieces), std::nullopt);
  PieceAssembler empty(0, 0);
  EXPECT_EQ(empty.Add("x", pieces), common::v1::ERROR_REASON_TOO_LARGE);
}

// ---- ending

TEST(Expiry, ADayAfterTheLastByteAndAWeekAtMost) {
  const UploadRules rules;
  EXPECT_EQ(ExpiryOf(Upload(9), nullptr, rules), kNow + absl::Hours(24));
  EXPECT_FALSE(Expired(Upload(9), nullptr, kNow + absl::Hours(23), rules));
  EXPECT_TRUE(Expired(Upload(9), nullptr, kNow + absl::Hours(24), rules));
  const ContentHead later = Head(9, 0, kNow + absl::Hours(20));
  EXPECT_EQ(ExpiryOf(Upload(9), &later, rules), kNow + absl::Hours(44));
  const ContentHead slow = Head(9, 0, kNow + absl::Hours(24 * 7 - 1));
  EXPECT_EQ(ExpiryOf(Upload(9), &slow, rules), kNow + absl::Hours(24 * 7));
}

CompleteFacts Found() {
  CompleteFacts facts;
  facts.sha256 = kHash;
  facts.claimed_sha256 = kHash;
  facts.media_type = "application/pdf";
  facts.host = true;
  return facts;
}

TEST(CompleteUpload, WhenEverythingAgrees) {
  const ContentHead head = Head(9, 9);
  EXPECT_EQ(JudgeComplete(Upload(9), &head, nullptr, Found()), std::nullopt);
  v1::StoredUpload declared = Upload(9);
  declared.set_sha256(kHash);
  declared.set_media_type("application/pdf");
  EXPECT_EQ(JudgeComplete(declared, &head, nullptr, Found()), std::nullopt);
}

TEST(CompleteUpload, WhatLeavesTheUploadAsItIs) {
  const ContentHead head = Head(9, 9);
  const ContentHead half = Head(9, 0);
  const auto expect = [&](const ContentHead* of, const CompleteFacts& facts, common::v1::ErrorReason reason) {
    EXPECT_EQ(JudgeComplete(Upload(9), of, nullptr, facts), reason);
    EXPECT_FALSE(EndsUpload(reason));
  };
  expect(nullptr, Found(), common::v1::ERROR_REASON_OFFSET_MISMATCH);
  expect(&half, Found(), common::v1::ERROR_REASON_OFFSET_MISMATCH);
  CompleteFacts facts = Found();
  facts.expired = true;
  expect(&head, facts, common::v1::ERROR_REASON_WRONG_STATE);
  facts = Found();
  facts.phase = VaultPhase::kRetrieval;
  expect(&head, facts, common::v1::ERROR_REASON_VAULT_CLOSED);
}

TEST(CompleteUpload, WhatEndsIt) {
  const ContentHead head = Head(9, 9);
  const auto expect = [&](const v1::StoredUpload& upload, const CompleteFacts& facts,
                          common::v1::ErrorReason reason) {
    EXPECT_EQ(JudgeComplete(upload, &head, nullptr, facts), reason);
    EXPECT_TRUE(EndsUpload(reason));
  };
  CompleteFacts facts = Found();
  facts.claimed_sha256 = std::string(32, 'x');
  expect(Upload(9), facts, common::v1::ERROR_REASON_HASH_MISMATCH);
  facts.claimed_sha256.clear();
  expect(Upload(9), facts, common::v1::ERROR_REASON_HASH_MISMATCH);
  expect(Upload(8), Found(), common::v1::ERROR_REASON_HASH_MISMATCH);
  v1::StoredUpload declared = Upload(9);
  declared.set_sha256(std::string(32, 'x'));
  expect(declared, Found(), common::v1::ERROR_REASON_HASH_MISMATCH);
  facts = Found();
  facts.media_type.clear();
  expect(Upload(9), facts, common::v1::ERROR_REASON_TYPE_NOT_ALLOWED);
  declared = Upload(9);
  declared.set_media_type("image/png");
  expect(declared, Found(), common::v1::ERROR_REASON_TYPE_NOT_ALLOWED);
  facts = Found();
  facts.duplicate = true;
  expect(Upload(9), facts, common::v1::ERROR_REASON_DUPLICATE_DOCUMENT);
  EXPECT_TRUE(EndsUpload(common::v1::ERROR_REASON_MALWARE_FOUND));
}

TEST(CompleteUpload, ADuplicateThatIsWantedOrDroppedIsTaken) {
  const ContentHead head = Head(9, 9);
  CompleteFacts facts = Found();
  facts.duplicate = true;
  v1::StoredUpload wanted = Upload(9);
  wanted.set_allow_duplicate(true);
  EXPECT_EQ(JudgeComplete(wanted, &head, nullptr, facts), std::nullopt);
  facts.host = false;
  EXPECT_EQ(JudgeComplete(Upload(9), &head, nullptr, facts), std::nullopt)
      << "who drops is not told what is there";
}

TEST(CompleteUpload, AVersionsPlaceMayHaveBeenTaken) {
  const ContentHead head = Head(9, 9);
  v1::StoredUpload second = Upload(9);
  second.set_version(2);
  const v1::StoredDocument one = Kept(1);
  const v1::StoredDocument two = Kept(2);
  v1::StoredDocument destroyed = Kept(1);
  destroyed.set_state(v1::Document::STATE_DESTROYED);
  EXPECT_EQ(JudgeComplete(second, &head, &one, Found()), std::nullopt);
  EXPECT_EQ(JudgeComplete(second, &head, &two, Found()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(JudgeComplete(second, &head, &destroyed, Found()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(JudgeComplete(second, &head, nullptr, Found()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(JudgeComplete(Upload(9), &head, &one, Found()), common::v1::ERROR_REASON_WRONG_STATE);
}

TEST(CompleteUpload, ADropWaitsForConsent) {
  EXPECT_EQ(StateWhenCompleted(true, false), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(StateWhenCompleted(false, true), v1::Document::STATE_ACTIVE);
  EXPECT_EQ(StateWhenCompleted(false, false), v1::Document::STATE_PENDING_CONSENT);
}

}  // namespace
}  // namespace relais::vault
