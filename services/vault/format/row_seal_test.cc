#include "services/vault/format/row_seal.h"

#include <gtest/gtest.h>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/aead.h"
#include "common/crypto/encoding.h"
#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;

class RowSealTest : public ::testing::Test {
 protected:
  relais::testing::SeededRandom random_{1};
  RowSeal rows_{testing::TextKey(), random_};
};

// Computed from docs/formats.md by another implementation.
TEST_F(RowSealTest, GoldenBytes) {
  EXPECT_EQ(crypto::HexEncode(rows_.Name({"host", IdOf(1)}, "ville-paris")),
            "ae803655fcff2c5073be9bcf9e962e7d"
            "b4f072df6a6a6fe90bf62707d46ae420ee574247a59c929cf1257f0db7278107"
            "b2add9fcaf977ccbdf86e6808ff970dfef4afc75626893955e0de298d7623ec5");
  const std::string sealed = *crypto::HexDecode(
      "737373737373737373737373737373737373737373737373"
      "a1e01f57499f34aa4303d41a950a4856b4d5d24bfeda077fd89778a5fb89b72d"
      "45908911357f5d3ee399d3ab66fb63e355de254e");
  EXPECT_EQ(*rows_.Open("D" + std::string(16, '\x02') + "/head", sealed), "text");
}

TEST_F(RowSealTest, ANameIsFoundAgainAndTellsItsTextToWhoHasTheKey) {
  const std::string name = rows_.Name({"host", IdOf(1)}, "ville-paris");
  EXPECT_EQ(rows_.Name({"host", IdOf(1)}, "ville-paris"), name);
  EXPECT_EQ(rows_.TextOf({"host", IdOf(1)}, name), "ville-paris");
  EXPECT_EQ(name.find("ville"), std::string::npos);
  EXPECT_NE(rows_.Name({"host", IdOf(2)}, "ville-paris"), name) << "two persons with one host show it not";
  EXPECT_NE(rows_.Name({"day", IdOf(1)}, "ville-paris"), name);
  EXPECT_NE(rows_.Name({"host", IdOf(1)}, "ville-pariss"), name);
  EXPECT_FALSE(rows_.TextOf({"host", IdOf(2)}, name).has_value());
  EXPECT_FALSE(rows_.TextOf({"day", IdOf(1)}, name).has_value());
  const RowSeal another(testing::TextKey('o'), random_);
  EXPECT_FALSE(another.TextOf({"host", IdOf(1)}, name).has_value());
  EXPECT_NE(another.Name({"host", IdOf(1)}, "ville-paris"), name);
}

TEST_F(RowSealTest, ANamesLengthTellsNothing) {
  EXPECT_EQ(rows_.Name({"host", IdOf(1)}, "a").size(), rows_.Name({"host", IdOf(1)}, "ville-paris").size());
  for (const size_t size : {0, 1, 63, 64, 65}) {
    const std::string text(size, 'x');
    EXPECT_EQ(rows_.TextOf({"host", IdOf(1)}, rows_.Name({"host", IdOf(1)}, text)), text) << size;
  }
}

TEST_F(RowSealTest, WhatIsNoNameIsNone) {
  const std::string name = rows_.Name({"host", IdOf(1)}, "ville-paris");
  for (size_t n = 0; n < name.size(); ++n) {
    EXPECT_FALSE(rows_.TextOf({"host", IdOf(1)}, std::string_view(name).substr(0, n)).has_value()) << n;
    std::string altered = name;
    altered[n] = static_cast<char>(altered[n] ^ 1);
    EXPECT_FALSE(rows_.TextOf({"host", IdOf(1)}, altered).has_value()) << n;
  }
  EXPECT_FALSE(rows_.TextOf({"host", IdOf(1)}, "ville-paris").has_value());
}

TEST_F(RowSealTest, AValueOpensInItsRowAlone) {
  const std::string sealed = rows_.Seal("row/a", "text");
  EXPECT_EQ(sealed.size(), 4 + crypto::kAeadRandomOverhead);
  EXPECT_NE(rows_.Seal("row/a", "text"), sealed) << "two that say the same do not look it";
  EXPECT_EQ(*rows_.Open("row/a", sealed), "text");
  EXPECT_EQ(*rows_.Open("row/a", rows_.Seal("row/a", "")), "");
  EXPECT_TRUE(absl::IsDataLoss(rows_.Open("row/b", sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(rows_.Open("row/a", "text").status()));
  for (size_t n = 0; n < sealed.size(); ++n) {
    EXPECT_TRUE(absl::IsDataLoss(rows_.Open("row/a", std::string_view(sealed).substr(0, n)).status())) << n;
    std::string altered = sealed;
    altered[n] = static_cast<char>(altered[n] ^ 1);
    EXPECT_TRUE(absl::IsDataLoss(rows_.Open("row/a", altered).status())) << n;
  }
}

}  // namespace
}  // namespace relais::vault
