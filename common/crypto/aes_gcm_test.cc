#include "common/crypto/aes_gcm.h"

#include <span>
#include <string>
#include <string_view>

#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

struct Vector {
  const char* key;
  const char* nonce;
  const char* aad;
  const char* plaintext;
  const char* sealed;
};

// Test cases 13, 14, 15 and 16 of the GCM submission to NIST (McGrew and Viega).
const Vector kVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(AesGcmTest, PublishedVectors) {
  for (const Vector& v : kVectors) {
    const Secret key(*HexDecode(v.key));
    const auto sealed = AesGcmSeal(key, *HexDecode(v.nonce), *HexDecode(v.aad), *HexDecode(v.plaintext));
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(HexEncode(*sealed), v.sealed);
    const auto opened = AesGcmOpen(key, *HexDecode(v.nonce), *HexDecode(v.aad), *sealed);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(HexEncode(*opened), v.plaintext);
  }
}

TEST(AesGcmTest, EveryAlteredByteIsRefused) {
  const Vector& v = kVectors[3];
  const Secret key(*HexDecode(v.key));
  const std::string nonce = *HexDecode(v.nonce);
  const std::string aad = *HexDecode(v.aad);
  const std::string sealed = *HexDecode(v.sealed);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_EQ(AesGcmOpen(key, nonce, aad, altered).status(),
              absl::InvalidArgumentError("authentication failed"));
  }
  for (size_t n = 0; n < sealed.size(); ++n) {
    EXPECT_FALSE(AesGcmOpen(key, nonce, aad, sealed.substr(0, n)).ok());
  }
  EXPECT_FALSE(AesGcmOpen(key, nonce, "", sealed).ok());
  EXPECT_FALSE(AesGcmOpen(key, std::string(12, 'n'), aad, sealed).ok());
  EXPECT_FALSE(AesGcmOpen(Secret(std::string(32, 'k')), nonce, aad, sealed).ok());
  // The refusals left nothing behind in the thread's context.
  EXPECT_TRUE(AesGcmOpen(key, nonce, aad, sealed).ok());
}

TEST(AesGcmTest, AppendedAndOnlyWhenItSeals) {
  const Secret key(std::string(32, 'k'));
  const std::string nonce(12, 'n');
  std::string sealed = "before";
  ASSERT_TRUE(AesGcmSealTo(key, nonce, "a", "text", &sealed).ok());
  EXPECT_EQ(sealed, "before" + *AesGcmSeal(key, nonce, "a", "text"));
  std::string as_it_was = "earlier";
  EXPECT_FALSE(AesGcmSealTo(key, "short", "a", "text", &as_it_was).ok());
  EXPECT_EQ(as_it_was, "earlier") << "a refusal leaves it as it was";
}

TEST(AesGcmTest, OpensWhereItIsWantedOrLeavesZeros) {
  const Secret key(std::string(32, 'k'));
  const std::string nonce(12, 'n');
  const std::string text = "text";
  const std::string sealed = *AesGcmSeal(key, nonce, "a", text);
  std::string around = "<....>";
  const std::span<char> within = std::span<char>(around).subspan(1, text.size());
  ASSERT_TRUE(AesGcmOpenInto(key, nonce, "a", sealed, within).ok());
  EXPECT_EQ(around, "<text>");
  std::string altered = sealed;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  const std::string zeros(text.size(), '\0');
  const auto refused = [&](std::string_view with_nonce, std::string_view aad, std::string_view bytes) {
    around = "<text>";
    const absl::Status opened = AesGcmOpenInto(key, with_nonce, aad, bytes, within);
    return absl::IsInvalidArgument(opened) && around == "<" + zeros + ">";
  };
  EXPECT_TRUE(refused(nonce, "b", sealed));
  EXPECT_TRUE(refused(nonce, "a", altered));
  EXPECT_TRUE(refused(nonce, "a", "short"));
  EXPECT_TRUE(refused(nonce, "a", sealed + "x")) << "a text that is longer than its place";
  EXPECT_TRUE(refused(nonce, "a", std::string_view(sealed).substr(1))) << "or shorter";
  EXPECT_TRUE(refused("short", "a", sealed));
  const std::string nothing = *AesGcmSeal(key, nonce, "a", "");
  EXPECT_TRUE(AesGcmOpenInto(key, nonce, "a", nothing, {}).ok());
  EXPECT_FALSE(AesGcmOpenInto(key, nonce, "b", nothing, {}).ok());
}

TEST(AesGcmTest, WrongSizesAreRefused) {
  const Secret key(std::string(32, 'k'));
  EXPECT_FALSE(AesGcmSeal(Secret(std::string(16, 'k')), std::string(12, 'n'), "", "x").ok());
  EXPECT_FALSE(AesGcmSeal(Secret(std::string(33, 'k')), std::string(12, 'n'), "", "x").ok());
  EXPECT_FALSE(AesGcmSeal(key, std::string(11, 'n'), "", "x").ok());
  EXPECT_FALSE(AesGcmOpen(key, std::string(13, 'n'), "", std::string(16, 'x')).ok());
}

}  // namespace
}  // namespace relais::crypto
