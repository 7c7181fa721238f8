#include "common/crypto/siv.h"

#include <openssl/err.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

std::string Hex(std::string_view hex) { return *HexDecode(hex); }

struct Vector {
  const char* key;
  std::vector<const char*> ads;
  const char* plaintext;
  const char* sealed;
};

void Check(const AesSiv& siv, const Vector& v) {
  std::vector<std::string> ads(v.ads.size());
  for (size_t i = 0; i < ads.size(); ++i) {
    ads[i] = Hex(v.ads[i]);
  }
  const std::vector<std::string_view> views(ads.begin(), ads.end());
  const auto sealed = siv.Seal(views, Hex(v.plaintext));
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(HexEncode(*sealed), v.sealed);
  const auto opened = siv.Open(views, *sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(HexEncode(*opened), v.plaintext);
}

TEST(AesSivTest, Rfc5297AppendixA) {
  const Vector vectors[] = {
      {"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
       {"101112131415161718191a1b1c1d1e1f2021222324252627"},
       "112233445566778899aabbccddee",
       "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"},
      {"7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
       {"00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
        "102030405060708090a0", "09f911029d74e35bd84156c5635688c0"},
       "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
       "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
       "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"},
  };
  for (const Vector& v : vectors) {
    Check(*AesSiv::CreateForRfcVectors(Secret(Hex(v.key))), v);
  }
}

// A line of tests/testdata/vault/aes_siv_512_vectors.txt.
struct Published {
  std::string id, result, key, ad, text, sealed;
};

std::vector<Published> PublishedVectors() {
  std::ifstream file("tests/testdata/vault/aes_siv_512_vectors.txt");
  EXPECT_TRUE(file) << "run from the repository's root";
  std::vector<Published> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::istringstream fields(line);
    Published v;
    EXPECT_TRUE(fields >> v.id >> v.result >> v.key >> v.ad >> v.text >> v.sealed) << line;
    for (std::string* field : {&v.key, &v.ad, &v.text, &v.sealed}) {
      *field = *field == "-" ? "" : Hex(*field);
    }
    vectors.push_back(std::move(v));
  }
  return vectors;
}

// Those without a text have no other answer than a refusal here: an empty one is never sealed.
void ExpectNoEmptyText(const AesSiv& siv, const std::vector<std::string_view>& ads, const Published& v) {
  EXPECT_EQ(v.sealed.size(), AesSiv::kOverhead) << v.id;
  EXPECT_TRUE(absl::IsInvalidArgument(siv.Seal(ads, v.text).status())) << v.id;
  EXPECT_TRUE(absl::IsInvalidArgument(siv.Open(ads, v.sealed).status())) << v.id;
}

// Project Wycheproof's whole group of 512-bit keys, tcId 296 to 442.
TEST(AesSivTest, Wycheproof) {
  int with_text = 0;
  int without_text = 0;
  for (const Published& v : PublishedVectors()) {
    if (v.result != "valid") {
      continue;
    }
    const AesSiv siv = *AesSiv::Create(Secret(v.key));
    const std::vector<std::string_view> ads = {v.ad};
    if (v.text.empty()) {
      ++without_text;
      ExpectNoEmptyText(siv, ads, v);
      continue;
    }
    ++with_text;
    const auto sealed = siv.Seal(ads, v.text);
    ASSERT_TRUE(sealed.ok()) << v.id;
    EXPECT_EQ(HexEncode(*sealed), HexEncode(v.sealed)) << v.id;
    const auto opened = siv.Open(ads, v.sealed);
    ASSERT_TRUE(opened.ok()) << v.id;
    EXPECT_EQ(HexEncode(*opened), HexEncode(v.text)) << v.id;
  }
  EXPECT_EQ(with_text, 33);
  EXPECT_EQ(without_text, 6);
}

// The same file's altered tags.
TEST(AesSivTest, WycheproofInvalid) {
  int with_text = 0;
  int without_text = 0;
  for (const Published& v : PublishedVectors()) {
    if (v.result != "invalid") {
      continue;
    }
    const AesSiv siv = *AesSiv::Create(Secret(v.key));
    const std::vector<std::string_view> ads = {v.ad};
    if (v.text.empty()) {
      ++without_text;
      ExpectNoEmptyText(siv, ads, v);
      continue;
    }
    ++with_text;
    EXPECT_EQ(siv.Open(ads, v.sealed).status(), absl::InvalidArgumentError("authentication failed")) << v.id;
    // Only the tag was altered: the rest is the text's true ciphertext.
    const std::string sealed = *siv.Seal(ads, v.text);
    EXPECT_NE(sealed, v.sealed) << v.id;
    EXPECT_EQ(HexEncode(sealed.substr(AesSiv::kOverhead)), HexEncode(v.sealed.substr(AesSiv::kOverhead)))
        << v.id;
  }
  EXPECT_EQ(with_text, 81);
  EXPECT_EQ(without_text, 27);
}

class AesSivBehaviour : public ::testing::Test {
 protected:
  const AesSiv siv_ = *AesSiv::Create(Secret(std::string(32, 'm') + std::string(32, 'e')));
  const std::vector<std::string_view> ads_ = {"constant", "edf"};
};

TEST_F(AesSivBehaviour, IsDeterministicAndDependsOnEveryInput) {
  const std::string sealed = *siv_.Seal(ads_, "person");
  EXPECT_EQ(sealed, *siv_.Seal(ads_, "person"));
  EXPECT_EQ(sealed.size(), 6 + AesSiv::kOverhead);
  const std::vector<std::vector<std::string_view>> others = {
      {}, {"constant"}, {"constant", "edg"}, {"constan", "tedf"}, {"constantedf"}, {"constant", "edf", ""}};
  for (const auto& ads : others) {
    EXPECT_NE(*siv_.Seal(ads, "person"), sealed);
    EXPECT_EQ(siv_.Open(ads, sealed).status(), absl::InvalidArgumentError("authentication failed"));
  }
}

TEST_F(AesSivBehaviour, EveryAlterationIsRefused) {
  const std::string sealed = *siv_.Seal(ads_, "person");
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string altered = sealed;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(siv_.Open(ads_, altered).ok());
  }
  for (size_t n = 0; n < sealed.size(); ++n) {
    EXPECT_FALSE(siv_.Open(ads_, sealed.substr(0, n)).ok());
  }
  EXPECT_FALSE(siv_.Open(ads_, sealed + "x").ok());
  const AesSiv other = *AesSiv::Create(Secret(std::string(64, 'o')));
  EXPECT_FALSE(other.Open(ads_, sealed).ok());
  EXPECT_EQ(*siv_.Open(ads_, sealed), "person");
}

TEST_F(AesSivBehaviour, EmptyTextIsRefusedEmptyAssociatedDataCounts) {
  EXPECT_TRUE(absl::IsInvalidArgument(siv_.Seal(ads_, "").status()));
  EXPECT_FALSE(siv_.Open(ads_, std::string(AesSiv::kOverhead, '\0')).ok());
  const std::vector<std::string_view> empty = {std::string_view()};
  const std::string sealed = *siv_.Seal(empty, "person");
  EXPECT_EQ(*siv_.Open(empty, sealed), "person");
  EXPECT_NE(sealed, *siv_.Seal({}, "person"));
  EXPECT_FALSE(siv_.Open({}, sealed).ok());
}

// gRPC would take a leftover in the thread's queue for a failure of its own.
TEST_F(AesSivBehaviour, ARefusalLeavesNoErrorInTheQueue) {
  ERR_clear_error();
  EXPECT_FALSE(siv_.Open(ads_, std::string(40, 'x')).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(AesSivBehaviour, SizesAreChecked) {
  EXPECT_FALSE(AesSiv::Create(Secret(std::string(32, 'k'))).ok());
  EXPECT_FALSE(AesSiv::Create(Secret()).ok());
  EXPECT_FALSE(AesSiv::CreateForRfcVectors(Secret(std::string(64, 'k'))).ok());
  EXPECT_TRUE(siv_.Seal(std::vector<std::string_view>(126, "a"), "x").ok());
  EXPECT_FALSE(siv_.Seal(std::vector<std::string_view>(127, "a"), "x").ok());
}

TEST_F(AesSivBehaviour, ThreadsShareOneKey) {
  const std::string expected = *siv_.Seal(ads_, "person");
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &wrong, &expected] {
      const AesSiv copy = siv_;
      for (int i = 0; i < 1000; ++i) {
        wrong[t] += *copy.Seal(ads_, "person") != expected || *siv_.Open(ads_, expected) != "person" ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace relais::crypto
