#include "services/vault/format/content_head.h"

#include <gtest/gtest.h>

#include "common/crypto/encoding.h"
#include "services/vault/format/pieces.h"
#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;

Run RunAt(uint64_t first, char salt = 's') {
  return {first, std::string(kRunSaltSize, salt), std::string(kRunCommitmentSize, 'c')};
}
const absl::Time kNow = absl::FromUnixMicros(0x0102030405060708);

ContentHead Begun(uint64_t size) {
  ContentHead head;
  head.name = {IdOf(1), IdOf(2), 3};
  head.size = size;
  return head;
}

TEST(ContentHead, GoldenBytes) {
  const auto head = WithPiece(Begun(kPieceSize + 5), kPieceSize, RunAt(0), kNow);
  ASSERT_TRUE(head.ok()) << head.status();
  const std::string bytes = *EncodeContentHead(*head);
  EXPECT_EQ(crypto::HexEncode(bytes.substr(0, 62)),
            "01"
            "01010101010101010101010101010101"
            "02020202020202020202020202020202"
            "00000003"
            "0000000000040005"
            "0000000000040000"
            "0102030405060708"
            "00");
  EXPECT_EQ(bytes.substr(62), *EncodeHeader({{RunAt(0)}}));
  const auto read = DecodeContentHead(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name.document, IdOf(2));
  EXPECT_EQ(read->committed, kPieceSize);
  EXPECT_EQ(read->touched, kNow);
  EXPECT_EQ(read->header, head->header);
  EXPECT_FALSE(read->Whole());
}

TEST(ContentHead, GrowsByPiecesAndRuns) {
  ContentHead head = Begun(2 * kPieceSize + 5);
  head = *WithPiece(head, kPieceSize, RunAt(0), kNow);
  EXPECT_FALSE(WithPiece(head, kPieceSize - 1, RunAt(0), kNow).ok());
  EXPECT_FALSE(WithPiece(head, kPieceSize + 1, RunAt(0), kNow).ok());
  EXPECT_FALSE(WithPiece(head, kPieceSize, RunAt(8, 't'), kNow).ok()) << "a run begins with its first piece";
  head = *WithPiece(head, kPieceSize, RunAt(4, 't'), kNow);
  EXPECT_EQ(head.header.runs.size(), 2u);
  EXPECT_FALSE(WithPiece(head, kPieceSize, RunAt(4, 't'), kNow).ok()) << "more than was declared";
  head = *WithPiece(head, 5, RunAt(4, 't'), kNow);
  EXPECT_TRUE(head.Whole());
  EXPECT_TRUE(DecodeContentHead(*EncodeContentHead(head))->Whole());
  EXPECT_FALSE(WithPiece(head, 0, RunAt(4, 't'), kNow).ok());
}

TEST(ContentHead, AnEmptyTextHasOnePiece) {
  ContentHead head = Begun(0);
  head = *WithPiece(head, 0, RunAt(0), kNow);
  EXPECT_TRUE(head.Whole());
  EXPECT_TRUE(DecodeContentHead(*EncodeContentHead(head))->Whole());
  EXPECT_FALSE(WithPiece(head, 0, RunAt(0), kNow).ok());
}

TEST(ContentHead, NoMoreRunsThanATextMayHave) {
  ContentHead head = Begun((kMaxRuns + 2) * kPieceSize);
  for (uint64_t i = 0; i < kMaxRuns; ++i) {
    head = *WithPiece(std::move(head), kPieceSize, RunAt(i * kPieceChunks, static_cast<char>(i)), kNow);
  }
  EXPECT_EQ(WithPiece(head, kPieceSize, RunAt(kMaxRuns * kPieceChunks, 'x'), kNow).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(WithPiece(head, kPieceSize, head.header.runs.back(), kNow).ok()) << "who is under way goes on";
}

TEST(ContentHead, WhatCannotBeIsRefused) {
  const std::string bytes = *EncodeContentHead(*WithPiece(Begun(kPieceSize + 5), kPieceSize, RunAt(0), kNow));
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeContentHead(bytes.substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(DecodeContentHead(bytes + "x").ok());
  for (const size_t at : {size_t{0}, size_t{37}, size_t{45}, size_t{52}, size_t{61}, size_t{62}}) {
    std::string altered = bytes;
    altered[at] = static_cast<char>(altered[at] ^ 0x41);
    EXPECT_FALSE(DecodeContentHead(altered).ok()) << at;
  }
  EXPECT_FALSE(EncodeContentHead(Begun(1)).ok()) << "no run";
}

}  // namespace
}  // namespace relais::vault
