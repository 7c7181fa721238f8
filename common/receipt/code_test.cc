#include "common/receipt/code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/log.h"
#include "common/audit/testing/log_harness.h"
#include "common/merkle/checkpoint.h"
#include "common/receipt/page.h"
#include "common/receipt/qr.h"
#include "common/receipt/testing/sample_receipt.h"

namespace relais::receipt {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kIndex = 4;

class CodeTest : public ::testing::Test {
 protected:
  CodeTest() {
    harness_.AppendMany(kIndex);
    harness_.Append(audit::testing::SubjectEvent(audit::testing::Person(1)));
    harness_.AppendMany(6);
    auto proof = harness_.Run(harness_.log().Prove(kIndex, /*with_key=*/true));
    EXPECT_TRUE(proof.ok()) << proof.status();
    proof_ = *std::move(proof);
    const audit::NamedVerifyKey key = harness_.verify_key();
    verifiers_.push_back({key.name, key.key});
  }
  [[nodiscard]] std::string Code() const {
    const absl::StatusOr<std::string> code = MakeCode(proof_);
    EXPECT_TRUE(code.ok()) << code.status();
    return code.value_or("");
  }
  [[nodiscard]] absl::Status Check(const std::string& text) const {
    const absl::StatusOr<ReadCode> code = ParseCode(text, verifiers_);
    if (!code.ok()) {
      return code.status();
    }
    const absl::Status included = VerifyCode(*code, verifiers_);
    return included.ok() && code->whole_leaf
               ? audit::VerifyProof(code->proof, {harness_.verify_key()}).status()
               : included;
  }

  audit::testing::SimLogHarness harness_;
  common::v1::Proof proof_;
  std::vector<merkle::NoteVerifier> verifiers_;
};

TEST_F(CodeTest, GivesTheProofBack) {
  const absl::StatusOr<ReadCode> code = ParseCode(Code(), verifiers_);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_TRUE(code->whole_leaf);
  EXPECT_EQ(code->proof.SerializeAsString(), proof_.SerializeAsString());
  const auto verified = audit::VerifyProof(code->proof, {harness_.verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->details.has_value());
}

TEST_F(CodeTest, CaseAndSpacesDoNotCount) {
  std::string typed = "  relais1:\n";
  const std::string code = Code();
  for (size_t i = kCodePrefix.size(); i < code.size(); ++i) {
    typed += static_cast<char>(std::tolower(static_cast<unsigned char>(code[i])));
    typed += i % 10 == 0 ? "\r\n " : "";
  }
  EXPECT_EQ(CodeIn(typed), typed);
  EXPECT_TRUE(Check(typed).ok()) << Check(typed);
}

// B11 of the acceptance: the page she was given is enough.
TEST_F(CodeTest, IsFoundInThePageItIsOn) {
  const calendar::Paris paris = *calendar::Paris::Load();
  consent::v1::Receipt receipt = testing::SampleReceipt();
  receipt.mutable_parties(0)->set_name("RELAIS1:AAAA");  // whatever a name says, the code comes last
  for (const char* language : {"fr", "ar"}) {
    const std::vector<Page> pages = PagesIn(**FindCatalog(language), receipt, paris, true);
    const absl::StatusOr<std::string> html = WriteHtml(pages, Code());
    ASSERT_TRUE(html.ok()) << html.status();
    for (const std::string& page : {*html, WriteText(pages, Code())}) {
      const std::string found(CodeIn(page));
      EXPECT_LT(found.size(), page.size());
      EXPECT_TRUE(Check(found).ok()) << language << ": " << Check(found);
      const absl::StatusOr<ReadCode> code = ParseCode(found, verifiers_);
      ASSERT_TRUE(code.ok()) << code.status();
      EXPECT_EQ(code->proof.SerializeAsString(), proof_.SerializeAsString());
    }
  }
  EXPECT_EQ(CodeIn("nothing of that kind"), "");
  EXPECT_EQ(CodeIn("{\"proof\": {}}"), "");
}

TEST_F(CodeTest, EveryCharacterCounts) {
  const std::string code = Code();
  for (size_t i = 0; i < code.size(); ++i) {
    std::string changed = code;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(Check(changed).ok()) << i;
  }
}

TEST_F(CodeTest, NoPrefixAndNoExtensionPasses) {
  const std::string code = Code();
  for (size_t size = 0; size < code.size(); ++size) {
    EXPECT_FALSE(Check(code.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Check(code + "A").ok());
  EXPECT_FALSE(Check(code + "AA").ok());
}

TEST_F(CodeTest, AKeyThatIsNotKnown) {
  std::vector<merkle::NoteVerifier> others = {{"relais.test/other/1", harness_.verify_key().key}};
  EXPECT_THAT(std::string(ParseCode(Code(), others).status().message()), HasSubstr("key that is not known"));
}

TEST_F(CodeTest, WithoutLeafKeyThereIsNone) {
  proof_.clear_leaf_key();
  EXPECT_FALSE(MakeCode(proof_).ok());
}

// A leaf that is too large for paper: its hash proves that it is there.
TEST_F(CodeTest, LargeLeavesGoByTheirHash) {
  audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(2));
  event.details.set_denial_reason(std::string(3000, 'x'));
  harness_.Append(event);
  auto proof = harness_.Run(harness_.log().Prove(harness_.log().state().size - 1, true));
  ASSERT_TRUE(proof.ok());
  const absl::StatusOr<std::string> text = MakeCode(*proof);
  ASSERT_TRUE(text.ok());
  EXPECT_LT(text->size(), kMostCodeLength);
  const absl::StatusOr<ReadCode> code = ParseCode(*text, verifiers_);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_FALSE(code->whole_leaf);
  EXPECT_EQ(code->leaf_hash, merkle::HashLeaf(proof->leaf()));
  EXPECT_EQ(code->leaf_key, proof->leaf_key());
  EXPECT_TRUE(VerifyCode(*code, verifiers_).ok());
}

// 100 million leaves: 27 hashes. With a usual agreement's leaf of 1 KB it still fits, in a code that prints.
TEST_F(CodeTest, ALargeLogsCodePrints) {
  const std::string hash(32, 'h');
  while (proof_.inclusion_size() < 27) {
    proof_.add_inclusion(hash);
  }
  proof_.set_leaf(std::string(1000, 'l'));
  const std::string code = Code();
  EXPECT_THAT(code, StartsWith(kCodePrefix));
  EXPECT_LE(code.size(), kMostCodeLength);
  const absl::StatusOr<QrCode> qr = MakeQr(code);
  ASSERT_TRUE(qr.ok());
  EXPECT_LE(qr->side, 161);
}

// Index and size anywhere, against the log's own proofs.
TEST_F(CodeTest, EveryPlaceInTrees) {
  for (uint64_t more = 0; more < 20; ++more) {
    const uint64_t size = harness_.log().state().size;
    for (uint64_t index = 0; index < size; ++index) {
      auto proof = harness_.Run(harness_.log().Prove(index, true));
      ASSERT_TRUE(proof.ok());
      const absl::StatusOr<std::string> code = MakeCode(*proof);
      ASSERT_TRUE(code.ok()) << code.status();
      EXPECT_TRUE(Check(*code).ok()) << index << " of " << size << ": " << Check(*code);
    }
    harness_.AppendMany(1);
  }
}

}  // namespace
}  // namespace relais::receipt
