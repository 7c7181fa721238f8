// The published vectors of Project Wycheproof, tests/testdata/vault/aes_256_gcm_vectors.txt, against the
// primitive that seals every chunk and wraps every key.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "common/crypto/aes_gcm.h"
#include "common/crypto/encoding.h"

namespace relais::vault {
namespace {

std::string FromHex(const std::string& hex) { return hex == "-" ? "" : *crypto::HexDecode(hex); }

TEST(PublishedVectors, Aes256GcmAgrees) {
  std::ifstream file("tests/testdata/vault/aes_256_gcm_vectors.txt");
  ASSERT_TRUE(file) << "run from the repository's root";
  int valid = 0;
  int invalid = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::istringstream fields(line);
    std::string id, result, key_hex, nonce, aad, text, cipher, tag;
    ASSERT_TRUE(fields >> id >> result >> key_hex >> nonce >> aad >> text >> cipher >> tag) << line;
    const Secret key(FromHex(key_hex));
    const std::string sealed = FromHex(cipher) + FromHex(tag);
    const auto opened = crypto::AesGcmOpen(key, FromHex(nonce), FromHex(aad), sealed);
    std::string into(FromHex(cipher).size(), 'x');
    const absl::Status to = crypto::AesGcmOpenInto(key, FromHex(nonce), FromHex(aad), sealed, into);
    if (result == "valid") {
      ++valid;
      EXPECT_EQ(*crypto::AesGcmSeal(key, FromHex(nonce), FromHex(aad), FromHex(text)), sealed) << id;
      std::string appended = "before";  // as chunks are sealed
      EXPECT_TRUE(crypto::AesGcmSealTo(key, FromHex(nonce), FromHex(aad), FromHex(text), &appended).ok())
          << id;
      EXPECT_EQ(appended, "before" + sealed) << id;
      ASSERT_TRUE(opened.ok()) << id;
      EXPECT_EQ(*opened, FromHex(text)) << id;
      EXPECT_TRUE(to.ok()) << id;
      EXPECT_EQ(into, FromHex(text)) << id;
    } else {
      ++invalid;
      EXPECT_FALSE(opened.ok()) << id;
      EXPECT_FALSE(to.ok()) << id;
      EXPECT_EQ(into, std::string(into.size(), '\0')) << id;
    }
  }
  EXPECT_EQ(valid, 39);
  EXPECT_EQ(invalid, 27);
}

}  // namespace
}  // namespace relais::vault
