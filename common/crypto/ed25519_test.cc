#include "common/crypto/ed25519.h"

#include <openssl/err.h>

#include <string>
#include <thread>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

struct Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
const Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519Test, Rfc8032Vectors) {
  for (const Vector& v : kVectors) {
    const auto key = SigningKey::FromSeed(Secret(*HexDecode(v.seed)));
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(HexEncode(key->verify_key().bytes()), v.public_key);
    EXPECT_EQ(HexEncode(key->Sign(*HexDecode(v.message))), v.signature);
    const auto verify = VerifyKey::FromBytes(*HexDecode(v.public_key));
    ASSERT_TRUE(verify.ok());
    EXPECT_TRUE(verify->Verify(*HexDecode(v.message), *HexDecode(v.signature)));
    EXPECT_EQ(HexEncode(key->seed().ExposeSecret()), v.seed);
    EXPECT_TRUE(*verify == key->verify_key());
  }
}

TEST(Ed25519Test, EveryAlterationIsRefused) {
  const VerifyKey key = *VerifyKey::FromBytes(*HexDecode(kVectors[2].public_key));
  const std::string message = *HexDecode(kVectors[2].message);
  const std::string signature = *HexDecode(kVectors[2].signature);
  for (size_t i = 0; i < signature.size() * 8; ++i) {
    std::string altered = signature;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(key.Verify(message, altered)) << "bit " << i;
  }
  EXPECT_FALSE(key.Verify(message + " ", signature));
  EXPECT_FALSE(key.Verify("", signature));
  EXPECT_FALSE(key.Verify(message, ""));
  EXPECT_FALSE(key.Verify(message, signature.substr(1)));
  EXPECT_FALSE(key.Verify(message, signature + "x"));
  EXPECT_FALSE(VerifyKey::FromBytes(*HexDecode(kVectors[1].public_key))->Verify(message, signature));
}

// gRPC would take a leftover in the thread's queue for a failure of its own.
TEST(Ed25519Test, ARefusalLeavesNoErrorInTheQueue) {
  const VerifyKey key = *VerifyKey::FromBytes(*HexDecode(kVectors[0].public_key));
  ERR_clear_error();
  EXPECT_FALSE(key.Verify("m", std::string(64, '\xff')));
  EXPECT_FALSE(key.Verify("m", *HexDecode(kVectors[0].signature)));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Ed25519Test, UnusableKeysAreRefused) {
  const std::string good = *HexDecode(kVectors[0].public_key);
  EXPECT_FALSE(VerifyKey::FromBytes("").ok());
  EXPECT_FALSE(VerifyKey::FromBytes(good.substr(1)).ok());
  EXPECT_FALSE(VerifyKey::FromBytes(good + "x").ok());
  const char* const bad[] = {
      // Points of small order, also with the sign bit.
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      // Not below the prime.
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  for (const char* hex : bad) {
    EXPECT_FALSE(VerifyKey::FromBytes(*HexDecode(hex)).ok()) << hex;
  }
  EXPECT_FALSE(SigningKey::FromSeed(Secret("short")).ok());
  EXPECT_FALSE(SigningKey::FromSeed(Secret(std::string(64, 's'))).ok());
}

TEST(Ed25519Test, GeneratedKeysDifferAndComeBackFromTheirSeed) {
  testing::SeededRandom random(7);
  const SigningKey a = SigningKey::Generate(random);
  const SigningKey b = SigningKey::Generate(random);
  EXPECT_FALSE(a.verify_key() == b.verify_key());
  const SigningKey again = *SigningKey::FromSeed(a.seed());
  EXPECT_EQ(again.Sign("m"), a.Sign("m"));
}

TEST(Ed25519Test, ThreadsShareOneKey) {
  testing::SeededRandom random(8);
  const SigningKey key = SigningKey::Generate(random);
  const std::string expected = key.Sign("m");
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([key, t, &wrong, &expected] {
      for (int i = 0; i < 50; ++i) {
        wrong[t] += key.Sign("m") != expected || !key.verify_key().Verify("m", expected) ? 1 : 0;
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
