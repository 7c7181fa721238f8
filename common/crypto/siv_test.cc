#include "common/crypto/siv.h"

#include <openssl/err.h>

#include <string>
#include <thread>
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

// The key of Wycheproof's edge cases and altered tags.
constexpr char kEdge[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

// Project Wycheproof, aes_siv_cmac_test.json, 512-bit keys: tcId 302, 303, 305, 306, 320 and the edge cases
// 325 to 334 of the counter.
TEST(AesSivTest, Wycheproof) {
  const Vector vectors[] = {
      {"c25cafc6018b98dfbb79a40ec89c575a4f88c4116489bba27707479800c01302"
       "35334a45dbe8d8dae3da8dcb45bbe5dce031b0f68ded544fda7eca30d6749442",
       {"deeb0ccf3aef47a296ed1ca8f4ae5907"},
       "beec61030fa3d670337196beade6aeaa",
       "5865208eab9163db85cab9f96d846234a2626aae22f5c17c9aad4b501f4416e4"},
      {"27faf97fb303aa4f2f364edd23997f4c77b8e51ebb8293c59dfb1d24f0fb629f"
       "6c820fc2d91bf48f0035eeec347e37ec4fb0cb36102bcdc5a248c47a2f97eab9",
       {"cc94f64e14df90265f7f12a8a0386d0a"},
       "6b1db0f5a43376885002dc98bd556f1dac9b66b66213a9fa6069df995a123384",
       "d0016d675b49f11ea873707412d45709b7703a028a0cfc312cf61cbe22b91e3c"
       "f20b7d4c9308ee15f18b4eba00889284"},
      {"e2c5662bb18fbb411d0304e4241db073fe60a4704fee290073513038a22b4cd5"
       "42580b2b4edbc37e3de01c0cb61abcad46986cdc491ce9e5ae5af223ff58b953",
       {"fab912dec29a34aabfaef176"},
       "0d",
       "1c6969ecb15741a9959b7a8492250e391a"},
      {"3ab062dbdd38b951a9fb0d8bb185959a93dab3496b850a3062b93003036c8bd2"
       "aabbf37d5d3f6a399d4cedefb70c1b8a7b45639fe118c10e39f36fa58618a84d",
       {"e8605f13db8c482d48bdba2d"},
       "5c6f",
       "fddea9ac778b978a968033ce52ec61162588"},
      {"139383f3f82dc78e0b380027f9e5fcd2ed23716404be5c554452e4dc73d23702"
       "6594491820c6b8297185cc1fa84f49a5c7d7cd05c5de090ff1c3397bc2740437",
       {"d39da73ffc03ad0a9213ffc7"},
       "48604944a80fadf50d55b87727934458c8",
       "a9cf73951cb39823777f35c96c845169476e2ec2317cb6b8dd8b6172fdceabff9d"},
      {kEdge,
       {""},
       "8dbfee9580e7e2bc66100a674497f4e1",
       "000000000000000000000000000000007ef8aa7e4dd49d9cfa09e9cb574fd90d"},
      {kEdge,
       {"000102030405060708090a0b0c0d0e0f"},
       "bfa1733d07afa03cb3f2eeb81bbde037",
       "000000000000000000000000000000004ce637d6ca9cdf1c2feb0d140865cddb"},
      {kEdge,
       {""},
       "72543a9a07a3c18a280060653432c05c",
       "ffffffffffffffffffffffffffffffff3db09cc48f2780859351901d1014ae06"},
      {kEdge,
       {"000102030405060708090a0b0c0d0e0f"},
       "404aa73280eb830afde284ba6b18d48a",
       "ffffffffffffffffffffffffffffffff0fae016c086fc20546b374c24f3ebad0"},
      {kEdge,
       {""},
       "ff4d7cdeb8f3c4e37a05a91ee26e2a84",
       "ffffffffffffffffffffffff7fffffffb0a9da80307785ecc1545966c64844de"},
      {kEdge,
       {"000102030405060708090a0b0c0d0e0f"},
       "cd53e1763fbb8663afe74dc1bd443e52",
       "ffffffffffffffffffffffff7fffffff82b74728b73fc76c14b6bdb999625008"},
      {kEdge,
       {""},
       "6eb52fc95a5185a3bd2a30d3058414ab",
       "ffffffffffffffff7fffffffffffffff21518997d2d5c4ac067bc0ab21a27af1"},
      {kEdge,
       {"000102030405060708090a0b0c0d0e0f"},
       "5cabb261dd19c72368c8d40c5aae007d",
       "ffffffffffffffff7fffffffffffffff134f143f559d862cd39924747e886e27"},
      {kEdge,
       {""},
       "114cc36e58faceb2e6a2344a679ea4c3",
       "fffffffffffffffffffffffffffffffe2f849650d6e89e2668e990219195719c"},
      {kEdge,
       {"000102030405060708090a0b0c0d0e0f"},
       "23525ec6dfb28c323340d09538b4b015",
       "fffffffffffffffffffffffffffffffe1d9a0bf851a0dca6bd0b74fecebf654a"},
  };
  for (const Vector& v : vectors) {
    Check(*AesSiv::Create(Secret(Hex(v.key))), v);
  }
}

// The same file's altered tags: tcId 336, 341, 346, 349, 352, 364, 370 and 385, with bit 0, 1, 7, 8, 31, 63,
// 64 and 96 flipped.
TEST(AesSivTest, WycheproofInvalid) {
  const AesSiv siv = *AesSiv::Create(Secret(Hex(kEdge)));
  const Vector vectors[] = {
      {kEdge, {""}, "3031323334353637", "202e4a8f8b4c66788f3af230fb1c3ada5ead70c7f066d4df"},
      {kEdge,
       {""},
       "303132333435363738393a3b3c3d3e3f",
       "06b4e8166f28082987a32cdaf53deb61211dffad7562c4b924bb79fed73d9ce2"},
      {kEdge,
       {""},
       "303132333435363738393a3b3c3d3e3f40414243",
       "b05d6cf8eeb36a37849710e7d1f72940adfd10a7615d6515b999dbfc5a10f3ae"
       "9df5f19a"},
      {kEdge,
       {""},
       "303132333435363738393a3b3c3d3e3f",
       "04b5e8166f28082987a32cdaf53deb61211dffad7562c4b924bb79fed73d9ce2"},
      {kEdge, {""}, "3031323334353637", "212e4a0f8b4c66788f3af230fb1c3ada5ead70c7f066d4df"},
      {kEdge, {""}, "3031323334353637", "212e4a8f8b4c66f88f3af230fb1c3ada5ead70c7f066d4df"},
      {kEdge,
       {""},
       "303132333435363738393a3b3c3d3e3f40414243",
       "305d6cf8eeb36a37859710e7d1f72940adfd10a7615d6515b999dbfc5a10f3ae"
       "9df5f19a"},
      {kEdge,
       {""},
       "303132333435363738393a3b3c3d3e3f",
       "04b4e8166f28082987a32cdaf43deb61211dffad7562c4b924bb79fed73d9ce2"},
  };
  for (const Vector& v : vectors) {
    const std::string ad = Hex(v.ads[0]);
    const std::vector<std::string_view> ads = {ad};
    EXPECT_EQ(siv.Open(ads, Hex(v.sealed)).status(), absl::InvalidArgumentError("authentication failed"))
        << v.sealed;
    // Only the tag was altered: the rest is the text's true ciphertext.
    const std::string sealed = HexEncode(*siv.Seal(ads, Hex(v.plaintext)));
    EXPECT_NE(sealed, v.sealed);
    EXPECT_EQ(sealed.substr(2 * AesSiv::kOverhead), std::string_view(v.sealed).substr(2 * AesSiv::kOverhead));
  }
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
