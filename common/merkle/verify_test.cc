// Every tampering with a proof is refused.
#include "common/merkle/verify.h"

#include <string>
#include <vector>

#include "common/merkle/testing/reference_tree.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

using testing::ReferenceConsistency;
using testing::ReferenceInclusion;
using testing::ReferenceRoot;
using testing::SomeLeaves;

constexpr size_t kSizes = 40;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() : leaves_(SomeLeaves(kSizes)) {
    for (size_t n = 0; n <= kSizes; ++n) {
      roots_.push_back(ReferenceRoot(First(n)));
    }
  }
  std::span<const Hash> First(size_t n) const { return std::span(leaves_).first(n); }

  // The proofs that differ from a right one: a bit flipped anywhere, one hash less, one more, two exchanged.
  static std::vector<std::vector<Hash>> Tampered(const std::vector<Hash>& proof, const Hash& extra) {
    std::vector<std::vector<Hash>> all;
    for (size_t i = 0; i < proof.size(); ++i) {
      for (const size_t byte : {size_t{0}, size_t{17}, size_t{31}}) {
        all.push_back(proof);
        all.back()[i][byte] ^= 0x10;
      }
      all.push_back(proof);
      all.back().erase(all.back().begin() + static_cast<std::ptrdiff_t>(i));
      if (i > 0 && proof[i] != proof[i - 1]) {
        all.push_back(proof);
        std::swap(all.back()[i], all.back()[i - 1]);
      }
    }
    for (size_t i = 0; i <= proof.size(); ++i) {
      all.push_back(proof);
      all.back().insert(all.back().begin() + static_cast<std::ptrdiff_t>(i), extra);
    }
    return all;
  }

  std::vector<Hash> leaves_;
  std::vector<Hash> roots_;
};

TEST_F(VerifyTest, TamperedInclusionIsRefused) {
  for (size_t size = 1; size <= kSizes; ++size) {
    for (size_t index = 0; index < size; ++index) {
      const std::vector<Hash> proof = ReferenceInclusion(index, First(size));
      const Hash& leaf = leaves_[index];
      ASSERT_TRUE(VerifyInclusion(index, size, leaf, proof, roots_[size]).ok());
      for (const Hash& extra : {EmptyRoot(), roots_[size], leaf, Hash{}}) {
        for (const auto& wrong : Tampered(proof, extra)) {
          ASSERT_FALSE(VerifyInclusion(index, size, leaf, wrong, roots_[size]).ok()) << index << "/" << size;
        }
      }
      for (size_t other = 0; other < kSizes; ++other) {
        if (other != index) {
          ASSERT_FALSE(VerifyInclusion(other, size, leaf, proof, roots_[size]).ok());
          ASSERT_FALSE(VerifyInclusion(index, size, leaves_[other], proof, roots_[size]).ok());
        }
      }
      for (size_t other = 0; other <= kSizes; ++other) {
        if (other != size) {
          ASSERT_FALSE(VerifyInclusion(index, size, leaf, proof, roots_[other]).ok());
          ASSERT_FALSE(VerifyInclusion(index, other, leaf, proof, roots_[other]).ok());
        }
      }
    }
  }
}

// A proof fixes the path, and several sizes can have the same path for one leaf: then root and proof agree
// with each of them. It is the signed checkpoint that ties a root to its size.
TEST_F(VerifyTest, ASizeWithAnotherPathIsRefused) {
  const std::vector<Hash> proof = ReferenceInclusion(0, First(8));
  for (const uint64_t size : {1, 2, 3, 4, 9, 16, 17}) {
    EXPECT_FALSE(VerifyInclusion(0, size, leaves_[0], proof, roots_[8]).ok()) << size;
  }
}

TEST_F(VerifyTest, TamperedConsistencyIsRefused) {
  for (size_t size = 1; size <= kSizes; ++size) {
    for (size_t old = 0; old <= size; ++old) {
      const std::vector<Hash> proof = ReferenceConsistency(old, First(size));
      ASSERT_TRUE(VerifyConsistency(old, size, roots_[old], roots_[size], proof).ok());
      for (const Hash& extra : {EmptyRoot(), roots_[old], roots_[size], Hash{}}) {
        for (const auto& wrong : Tampered(proof, extra)) {
          ASSERT_FALSE(VerifyConsistency(old, size, roots_[old], roots_[size], wrong).ok())
              << old << " to " << size;
        }
      }
      for (size_t other = 0; other <= kSizes; ++other) {
        if (other != old) {
          ASSERT_FALSE(VerifyConsistency(old, size, roots_[other], roots_[size], proof).ok());
          ASSERT_FALSE(VerifyConsistency(other, size, roots_[other], roots_[size], proof).ok() &&
                       !(other == 0 && proof.empty()) && !(other == size && proof.empty()));
        }
        // Nothing is proven about the new root from an empty tree.
        if (other != size && old != 0) {
          ASSERT_FALSE(VerifyConsistency(old, size, roots_[old], roots_[other], proof).ok());
        }
      }
    }
  }
}

TEST_F(VerifyTest, SaysWhichCheckFailed) {
  const Hash& leaf = leaves_[0];
  const std::vector<Hash> none;
  const std::vector<Hash> one = {leaves_[1]};
  const auto inclusion = [&](uint64_t index, uint64_t size, const std::vector<Hash>& proof,
                             const Hash& root) {
    return std::string(VerifyInclusion(index, size, leaf, proof, root).message());
  };
  EXPECT_EQ(inclusion(0, 0, none, EmptyRoot()), "inclusion: leaf index not below the tree size");
  EXPECT_EQ(inclusion(1, 1, none, leaf), "inclusion: leaf index not below the tree size");
  EXPECT_EQ(inclusion(0, 1, one, leaf), "inclusion: proof too long");
  EXPECT_EQ(inclusion(0, 2, none, roots_[2]), "inclusion: proof too short");
  EXPECT_EQ(inclusion(0, 2, one, roots_[3]), "inclusion: proof does not lead to the root");

  const auto consistency = [&](uint64_t from, uint64_t to, const Hash& old_root, const Hash& new_root,
                               const std::vector<Hash>& proof) {
    return std::string(VerifyConsistency(from, to, old_root, new_root, proof).message());
  };
  EXPECT_EQ(consistency(2, 1, roots_[2], roots_[1], none), "consistency: old size above the new size");
  EXPECT_EQ(consistency(0, 1, roots_[1], roots_[1], none), "consistency: wrong root for an empty tree");
  EXPECT_EQ(consistency(0, 1, EmptyRoot(), roots_[1], one), "consistency: proof too long");
  EXPECT_EQ(consistency(2, 2, roots_[2], roots_[3], none), "consistency: same size, different roots");
  EXPECT_EQ(consistency(2, 2, roots_[2], roots_[2], one), "consistency: proof too long");
  EXPECT_EQ(consistency(1, 2, roots_[1], roots_[2], none), "consistency: proof too short");
  EXPECT_EQ(consistency(1, 2, roots_[1], roots_[3], one), "consistency: proof does not lead to the new root");
  const std::vector<Hash> three_to_four = ReferenceConsistency(3, First(4));
  EXPECT_EQ(consistency(3, 4, roots_[2], roots_[4], three_to_four),
            "consistency: proof does not lead to the old root");
  EXPECT_EQ(consistency(0, 0, EmptyRoot(), EmptyRoot(), none), "");
}

}  // namespace
}  // namespace relais::merkle
