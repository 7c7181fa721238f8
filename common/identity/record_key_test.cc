#include "common/identity/record_key.h"

#include "absl/strings/escaping.h"
#include "common/crypto/memory_key_ring.h"
#include "common/text/normalize.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

const Secret kKey(std::string(32, 'k'));
constexpr RecordParts kMarie = {"MARTIN", "MARIE", "12 BOULEVARD DE L HOPITAL", "75013"};

// Computed by another program.
TEST(RecordKeyTest, Golden) {
  EXPECT_EQ(absl::BytesToHexString(RecordDigest(kKey, "edf", kMarie)),
            "1d4c9bbd35dc1b5fb62117fd2bb2181041669f5176625706d7fa680f5131d69f");
  EXPECT_EQ(SenderRecordId(kKey, "edf", kMarie).ToHex(), "deb47b1096efe55a5ad31111641acfc4");
}

// D-1.6: "12 bd. de l'Hôpital" and "12 BOULEVARD DE L HOPITAL" are one.
TEST(RecordKeyTest, TwoSpellingsAreOneRecord) {
  const std::string address = text::NormalizeAddress("12 bd. de l'Hôpital");
  EXPECT_EQ(RecordDigest(kKey, "edf", {"MARTIN", "MARIE", address, "75013"}),
            RecordDigest(kKey, "edf", kMarie));
}

TEST(RecordKeyTest, EveryPartCountsAndStaysApart) {
  const std::string digest = RecordDigest(kKey, "edf", kMarie);
  EXPECT_NE(digest, RecordDigest(kKey, "engie", kMarie));
  EXPECT_NE(digest, RecordDigest(kKey, "edf", {"MARTI", "NMARIE", kMarie.adresse, kMarie.code_postal}));
  EXPECT_NE(digest, RecordDigest(kKey, "edf", {"MARIE", "MARTIN", kMarie.adresse, kMarie.code_postal}));
  EXPECT_NE(digest,
            RecordDigest(kKey, "edf", {"MARTIN", "MARIE", "12 RUE DE L HOPITAL", kMarie.code_postal}));
  EXPECT_NE(digest, RecordDigest(kKey, "edf", {"MARTIN", "MARIE", kMarie.adresse, "75012"}));
  EXPECT_NE(digest, RecordDigest(Secret(std::string(32, 'l')), "edf", kMarie));
}

TEST(RecordKeyTest, TheIdIsNotAPieceOfTheDigest) {
  EXPECT_NE(SenderRecordId(kKey, "edf", kMarie).ToBytes(), RecordDigest(kKey, "edf", kMarie).substr(0, 16));
}

class SuppressionKeysTest : public ::testing::Test {
 protected:
  void Add(std::string_view institution, char fill) {
    EXPECT_TRUE(ring_.Add(SuppressionKeyName(institution), Secret(std::string(32, fill))).ok());
  }

  crypto::MemoryKeyRing ring_;
  const SuppressionKeys keys_{ring_};
};

TEST_F(SuppressionKeysTest, TheNewestIsCurrentAndOldOnesStayReadable) {
  Add("edf", 'a');
  Add("engie", 'x');
  Add("edf", 'b');
  const auto current = keys_.Current("edf");
  ASSERT_TRUE(current.ok());
  EXPECT_EQ(current->version, 2U);
  EXPECT_EQ(current->key.ExposeSecret(), std::string(32, 'b'));
  EXPECT_EQ(keys_.Get("edf", 1)->ExposeSecret(), std::string(32, 'a'));

  const auto all = keys_.All("edf");
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].version, 2U);
  EXPECT_EQ((*all)[1].version, 1U);
  EXPECT_EQ((*all)[1].key.ExposeSecret(), std::string(32, 'a'));
}

TEST_F(SuppressionKeysTest, ADestroyedVersionIsLeftOut) {
  Add("edf", 'a');
  Add("edf", 'b');
  Add("edf", 'c');
  ASSERT_TRUE(ring_.Destroy(SuppressionKeyName("edf"), 2).ok());
  const auto all = keys_.All("edf");
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].version, 3U);
  EXPECT_EQ((*all)[1].version, 1U);
}

TEST_F(SuppressionKeysTest, AnInstitutionWithoutKeysIsNotFound) {
  Add("edf", 'a');
  EXPECT_EQ(keys_.Current("ed").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(keys_.All("edf2").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(keys_.Get("edf", 2).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace relais::identity
