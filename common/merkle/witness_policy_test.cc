#include "common/merkle/witness_policy.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/testing/seeded_random.h"
#include "common/merkle/cosignature.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

class WitnessPolicyTest : public ::testing::Test {
 protected:
  WitnessPolicyTest() {
    for (int i = 0; i < 6; ++i) {
      keys_.push_back(crypto::SigningKey::Generate(random_));
    }
  }
  [[nodiscard]] std::string Witness(size_t i) const {
    return VerifierKeyString(absl::StrCat("w.example/", i), keys_[i].verify_key(), KeyType::kCosignature);
  }
  [[nodiscard]] std::string Log() const { return VerifierKeyString("example.com/log", log_.verify_key()); }
  // The specification's example.
  [[nodiscard]] std::string Example() const {
    return absl::StrCat("log ", Log(), "\n\nwitness X1 ", Witness(0), "\nwitness X2 ", Witness(1),
                        "\nwitness X3 ", Witness(2),
                        "\ngroup X-witnesses 2 X1 X2 X3\n\n# the others\nwitness Y1 ", Witness(3),
                        " https://w.example\nwitness Y2 ", Witness(4), "\nwitness\tY3 \t", Witness(5),
                        "\ngroup Y-witnesses any Y1 Y2 Y3\n\n"
                        "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n");
  }
  [[nodiscard]] std::string CosignedBy(const std::vector<size_t>& witnesses) const {
    UnverifiedNote note = *ParseNote(*SignCheckpoint({"example.com/log", 7, HashLeaf("r"), {}}, log_));
    for (const size_t i : witnesses) {
      note.signatures.push_back(*Cosign(note.text, absl::StrCat("w.example/", i), keys_[i], 1000 + i));
    }
    return *FormatNote(note);
  }
  static std::string Error(const std::string& text) {
    const auto policy = ParsePolicy(text);
    return policy.ok() ? "" : std::string(policy.status().message());
  }

  relais::testing::SeededRandom random_{9};
  crypto::SigningKey log_ = crypto::SigningKey::Generate(random_);
  std::vector<crypto::SigningKey> keys_;
};

TEST_F(WitnessPolicyTest, TheExampleOfTheSpecification) {
  const auto policy = ParsePolicy(Example());
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->logs.size(), 1U);
  EXPECT_EQ(policy->witnesses.size(), 6U);
  EXPECT_EQ(policy->witnesses[3].url, "https://w.example");
  EXPECT_EQ(policy->groups.size(), 3U);
  // Every set of witnesses, against the rule in words: two of X and one of Y.
  for (unsigned set = 0; set < 64; ++set) {
    std::vector<size_t> signers;
    for (size_t i = 0; i < 6; ++i) {
      if ((set >> i & 1) != 0) {
        signers.push_back(i);
      }
    }
    const bool enough = std::popcount(set & 7) >= 2 && std::popcount(set >> 3) >= 1;
    EXPECT_EQ(IsQuorum(*policy, signers), enough) << set;
    EXPECT_EQ(OpenWitnessed(CosignedBy(signers), *policy, {}).ok(), enough) << set;
  }
}

TEST_F(WitnessPolicyTest, QuorumOfOneWitnessAndOfNone) {
  const std::string one = absl::StrCat("witness a ", Witness(0), "\nquorum a\n");
  EXPECT_TRUE(IsQuorum(*ParsePolicy(one), std::vector<size_t>{0}));
  EXPECT_FALSE(IsQuorum(*ParsePolicy(one), {}));
  EXPECT_TRUE(IsQuorum(*ParsePolicy("quorum none\n"), {}));
}

TEST_F(WitnessPolicyTest, TheLogMustHaveSigned) {
  const auto policy = ParsePolicy("quorum none\n");
  const std::vector<NoteVerifier> right = {{"example.com/log", log_.verify_key()}};
  const std::vector<NoteVerifier> wrong = {{"example.com/log", keys_[0].verify_key()}};
  EXPECT_TRUE(OpenWitnessed(CosignedBy({}), *policy, right).ok());
  EXPECT_FALSE(OpenWitnessed(CosignedBy({}), *policy, wrong).ok());
  EXPECT_FALSE(OpenWitnessed(CosignedBy({}), *policy, {}).ok());
  // A policy's own logs win over what the caller knows.
  const auto own = ParsePolicy(
      absl::StrCat("log ", VerifierKeyString("example.com/log", keys_[0].verify_key()), "\nquorum none\n"));
  EXPECT_FALSE(OpenWitnessed(CosignedBy({}), *own, right).ok());
}

TEST_F(WitnessPolicyTest, AWrongCosignatureOfAKnownWitnessRefuses) {
  std::string note = CosignedBy({0, 1, 3});
  const auto policy = ParsePolicy(Example());
  ASSERT_TRUE(OpenWitnessed(note, *policy, {}).ok());
  UnverifiedNote parsed = *ParseNote(note);
  parsed.signatures[3].signature[20] ^= 1;
  EXPECT_FALSE(OpenWitnessed(*FormatNote(parsed), *policy, {}).ok());
}

TEST_F(WitnessPolicyTest, WrongLinesAreNamed) {
  const std::string a = absl::StrCat("witness a ", Witness(0), "\n");
  const std::string b = absl::StrCat("witness b ", Witness(1), "\n");
  const std::string end = "quorum a\n";
  EXPECT_EQ(Error(a + b + "group g 2 a b\nquorum g\n"), "");
  EXPECT_EQ(Error(a), "policy: no quorum line");
  EXPECT_EQ(Error(a + end + end), "policy: line 3: is a second quorum line");
  EXPECT_EQ(Error("quorum a\n" + a), "policy: line 1: names a quorum that is not defined before it");
  EXPECT_EQ(Error(a + absl::StrCat("witness c ", Witness(0), "\n") + end),
            "policy: line 2: repeats a witness's key");
  EXPECT_EQ(Error(a + absl::StrCat("witness a ", Witness(1), "\n") + end),
            "policy: line 2: defines a name that is there already");
  EXPECT_EQ(Error(absl::StrCat("witness none ", Witness(0), "\nquorum none\n")),
            "policy: line 1: defines a name that is there already");
  for (const char* k : {"0", "3", "01", "-1", "some", "1.5", ""}) {
    EXPECT_NE(Error(a + b + "group g " + k + " a b\nquorum g\n"), "") << k;
  }
  EXPECT_EQ(Error(a + b + "group g any a a\nquorum g\n"),
            "policy: line 3: names a member of a group for the second time");
  EXPECT_EQ(Error(a + b + "group g any a\ngroup h all a b\nquorum h\n"),
            "policy: line 4: names a member of a group for the second time");
  EXPECT_NE(Error(a + "group g any a none\nquorum g\n"), "");
  EXPECT_NE(Error(a + "group g any g\nquorum g\n"), "");
  EXPECT_NE(Error(a + "group g any\nquorum g\n"), "");
  EXPECT_NE(Error(a + "quorum a # mine\n"), "");
  EXPECT_NE(Error(a + "signer x\n" + end), "");
  EXPECT_NE(Error(absl::StrCat("log ", Log(), "\nlog ", Log(), "\nquorum none\n")), "");
  EXPECT_NE(Error(absl::StrCat("log ", Witness(0), "\nquorum none\n")), "");  // keys of the other type
  EXPECT_NE(Error(absl::StrCat("witness a ", Log(), "\nquorum a\n")), "");
  EXPECT_NE(Error("quorum none"), "");  // cut short
  EXPECT_NE(Error("quorum none\r\n"), "");
  EXPECT_NE(Error(std::string("quorum none\0\n", 13)), "");
  EXPECT_NE(Error(""), "");
  EXPECT_EQ(Error("  # a remark \xff\n\t\nquorum\tnone \n"), "");
}

TEST_F(WitnessPolicyTest, NamesAreOctets) {
  const std::string kelvin = "\xe2\x84\xaa";
  const auto policy = ParsePolicy(absl::StrCat("witness K ", Witness(0), "\nwitness ", kelvin, " ",
                                               Witness(1), "\nquorum ", kelvin, "\n"));
  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE(IsQuorum(*policy, std::vector<size_t>{1}));
  EXPECT_FALSE(IsQuorum(*policy, std::vector<size_t>{0}));
}

TEST_F(WitnessPolicyTest, QuorumOfADirectory) {
  const std::vector<NoteVerifier> witnesses = {*ParseVerifierKey(Witness(0), KeyType::kCosignature),
                                               *ParseVerifierKey(Witness(1), KeyType::kCosignature)};
  const std::vector<NoteVerifier> logs = {{"example.com/log", log_.verify_key()}};
  const auto both = QuorumOf(witnesses, 2);
  EXPECT_TRUE(OpenWitnessed(CosignedBy({0, 1}), *both, logs).ok());
  const auto missing = OpenWitnessed(CosignedBy({1}), *both, logs);
  EXPECT_EQ(missing.status().message(), "witnesses: 1 of 2 cosigned, which is no quorum");
  EXPECT_TRUE(OpenWitnessed(CosignedBy({}), *QuorumOf(witnesses, 0), logs).ok());
  EXPECT_FALSE(QuorumOf(witnesses, 3).ok());
  EXPECT_FALSE(QuorumOf({witnesses[0], witnesses[0]}, 1).ok());
}

TEST_F(WitnessPolicyTest, BigPoliciesAreAccepted) {
  std::string text;
  std::string group = "group g all";
  for (int i = 0; i < 32; ++i) {
    const crypto::SigningKey key = crypto::SigningKey::Generate(random_);
    absl::StrAppend(&text, "witness w", i, " ",
                    VerifierKeyString("w", key.verify_key(), KeyType::kCosignature), "\n");
    absl::StrAppend(&text, "log ", VerifierKeyString("l", key.verify_key()), "\n");
    absl::StrAppend(&text, "group g", i, " 1 w", i, "\n");
    absl::StrAppend(&group, " g", i);
  }
  EXPECT_EQ(Error(text + group + "\nquorum g\n"), "");
}

}  // namespace
}  // namespace relais::merkle
