#include "common/crypto/aead.h"

#include <string>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/aes_gcm.h"
#include "common/crypto/encoding.h"
#include "common/crypto/hkdf.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

const Secret kKey(std::string(32, 'k'));
constexpr std::string_view kSalt = "0123456789abcdef";
const absl::Status kRefused = absl::InvalidArgumentError("authentication failed");

TEST(AeadTest, IsWhatTheHeaderSays) {
  const Secret keys = HkdfSha256(kKey, kSalt, "relais aead v1", 64);
  const auto gcm = AesGcmSeal(Secret(std::string(keys.ExposeSecret().substr(0, 32))), std::string(12, '\0'),
                              "aad", "hello");
  const auto sealed = Seal(kKey, kSalt, "aad", "hello");
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(*sealed, std::string(keys.ExposeSecret().substr(32)) + *gcm);
  EXPECT_EQ(sealed->size(), 5 + kAeadOverhead);
}

// Golden bytes: what is stored must open for ever.
TEST(AeadTest, GoldenBytes) {
  EXPECT_EQ(HexEncode(*Seal(kKey, kSalt, "aad", "hello")),
            "1b3eff28faefe9a157660d457d2ca464358ebbf7c7629f8b0393a580febb8615"
            "04663fd43b50fd98e663c34aaf21fcb1106287351a");
}

TEST(AeadTest, OpensWhatItSealed) {
  for (const size_t n : {0, 1, 15, 16, 17, 1000, 70000}) {
    const std::string text(n, 't');
    const auto opened = Open(kKey, kSalt, "aad", *Seal(kKey, kSalt, "aad", text));
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, text);
  }
}

TEST(AeadTest, EveryAlterationIsRefusedAlike) {
  const std::string sealed = *Seal(kKey, kSalt, "aad", "hello");
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string altered = sealed;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(Open(kKey, kSalt, "aad", altered).status(), kRefused);
  }
  for (size_t n = 0; n < sealed.size(); ++n) {
    EXPECT_EQ(Open(kKey, kSalt, "aad", sealed.substr(0, n)).status(), kRefused);
  }
  EXPECT_EQ(Open(kKey, kSalt, "aad", sealed + "x").status(), kRefused);
  EXPECT_EQ(Open(kKey, kSalt, "aae", sealed).status(), kRefused);
  EXPECT_EQ(Open(kKey, "0123456789abcdeF", "aad", sealed).status(), kRefused);
  EXPECT_EQ(Open(Secret(std::string(32, 'K')), kSalt, "aad", sealed).status(), kRefused);
}

// Plain GCM opens under any key whose tag happens to fit; here the commitment settles it before.
TEST(AeadTest, CommitsToTheKey) {
  const Secret other(std::string(32, 'o'));
  const Secret other_keys = HkdfSha256(other, kSalt, "relais aead v1", 64);
  const std::string other_gcm = *AesGcmSeal(Secret(std::string(other_keys.ExposeSecret().substr(0, 32))),
                                            std::string(12, '\0'), "aad", "hello");
  const std::string own_commitment = Seal(kKey, kSalt, "aad", "hello")->substr(0, 32);
  EXPECT_EQ(Open(other, kSalt, "aad", own_commitment + other_gcm).status(), kRefused);
  EXPECT_TRUE(Open(other, kSalt, "aad", std::string(other_keys.ExposeSecret().substr(32)) + other_gcm).ok());
}

TEST(AeadTest, ShortKeysAndSaltsAreRefused) {
  EXPECT_FALSE(Seal(Secret(std::string(31, 'k')), kSalt, "", "x").ok());
  EXPECT_FALSE(Seal(kKey, "0123456789abcde", "", "x").ok());
  EXPECT_FALSE(Open(Secret(), kSalt, "", std::string(48, 'x')).ok());
  EXPECT_TRUE(Seal(Secret(std::string(64, 'k')), kSalt, "", "x").ok());
}

TEST(AeadTest, RandomSaltInFront) {
  testing::SeededRandom random(1);
  const std::string first = *SealRandom(random, kKey, "aad", "hello");
  const std::string second = *SealRandom(random, kKey, "aad", "hello");
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 5 + kAeadRandomOverhead);
  EXPECT_EQ(*OpenRandom(kKey, "aad", first), "hello");
  EXPECT_EQ(first.substr(24), *Seal(kKey, first.substr(0, 24), "aad", "hello"));
  for (size_t i = 0; i < first.size(); ++i) {
    std::string altered = first;
    altered[i] = static_cast<char>(altered[i] ^ 0x80);
    EXPECT_EQ(OpenRandom(kKey, "aad", altered).status(), kRefused);
    EXPECT_EQ(OpenRandom(kKey, "aad", first.substr(0, i)).status(), kRefused);
  }
}

}  // namespace
}  // namespace relais::crypto
