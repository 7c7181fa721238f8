#include "common/merkle/proofs.h"

#include <vector>

#include "common/merkle/testing/reference_tree.h"
#include "common/merkle/verify.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

using testing::NodeStore;
using testing::ReferenceConsistency;
using testing::ReferenceInclusion;
using testing::ReferenceRoot;
using testing::SomeLeaves;

constexpr size_t kSizes = 130;

class ProofsTest : public ::testing::Test {
 protected:
  ProofsTest() : leaves_(SomeLeaves(kSizes)), store_(leaves_) {
    for (size_t n = 0; n <= kSizes; ++n) {
      roots_.push_back(ReferenceRoot(First(n)));
    }
  }
  std::span<const Hash> First(size_t n) const { return std::span(leaves_).first(n); }

  std::vector<Hash> leaves_;
  NodeStore store_;
  std::vector<Hash> roots_;
};

TEST_F(ProofsTest, RootsAtEverySize) {
  for (size_t n = 0; n <= kSizes; ++n) {
    EXPECT_EQ(*RootFromNodes(n, store_.Reader()), roots_[n]);
  }
}

TEST_F(ProofsTest, EveryInclusionProofIsTheReferencesAndVerifies) {
  for (size_t size = 1; size <= kSizes; ++size) {
    for (size_t index = 0; index < size; ++index) {
      store_.reads = 0;
      const auto proof = BuildInclusionProof(index, size, store_.Reader());
      ASSERT_TRUE(proof.ok());
      EXPECT_LE(store_.reads, 16);
      ASSERT_EQ(*proof, ReferenceInclusion(index, First(size))) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(index, size, leaves_[index], *proof, roots_[size]).ok());
    }
  }
}

TEST_F(ProofsTest, EveryConsistencyProofIsTheReferencesAndVerifies) {
  for (size_t size = 0; size <= kSizes; ++size) {
    for (size_t old = 0; old <= size; ++old) {
      store_.reads = 0;
      const auto proof = BuildConsistencyProof(old, size, store_.Reader());
      ASSERT_TRUE(proof.ok());
      EXPECT_LE(store_.reads, 16);
      ASSERT_EQ(*proof, ReferenceConsistency(old, First(size))) << old << " to " << size;
      ASSERT_TRUE(VerifyConsistency(old, size, roots_[old], roots_[size], *proof).ok());
    }
  }
}

TEST_F(ProofsTest, OnlyTheRightEdgeNeedsMoreThanOneNode) {
  const auto parts = *InclusionProofNodes(0, 7);
  EXPECT_EQ(parts, (std::vector<ProofPart>{{{0, 1}}, {{1, 1}}, {{1, 2}, {0, 6}}}));
  const auto full = *InclusionProofNodes(3, 8);
  EXPECT_EQ(full, (std::vector<ProofPart>{{{0, 2}}, {{1, 0}}, {{2, 1}}}));
  EXPECT_EQ(*ConsistencyProofNodes(6, 8), (std::vector<ProofPart>{{{1, 2}}, {{1, 3}}, {{2, 0}}}));
}

TEST_F(ProofsTest, LargeTreesTakeFewReads) {
  const NodeReader any = [this](NodeId) -> absl::StatusOr<Hash> {
    ++store_.reads;
    return EmptyRoot();
  };
  const uint64_t size = kMaxTreeSize - 1;
  for (const uint64_t index : {uint64_t{0}, size / 3, size - 1}) {
    store_.reads = 0;
    EXPECT_TRUE(BuildInclusionProof(index, size, any).ok());
    EXPECT_LE(store_.reads, 2 * 62);
    store_.reads = 0;
    EXPECT_TRUE(BuildConsistencyProof(index, size, any).ok());
    EXPECT_LE(store_.reads, 2 * 62);
  }
}

TEST_F(ProofsTest, BadArgumentsAndReadErrors) {
  EXPECT_TRUE(absl::IsInvalidArgument(InclusionProofNodes(0, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(InclusionProofNodes(5, 5).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(InclusionProofNodes(0, kMaxTreeSize + 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ConsistencyProofNodes(6, 5).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ConsistencyProofNodes(6, kMaxTreeSize + 1).status()));
  const NodeReader broken = [](NodeId) -> absl::StatusOr<Hash> { return absl::UnavailableError("disk"); };
  EXPECT_TRUE(absl::IsUnavailable(BuildInclusionProof(0, 2, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(BuildConsistencyProof(1, 2, broken).status()));
  EXPECT_TRUE(absl::IsUnavailable(RootFromNodes(2, broken).status()));
}

}  // namespace
}  // namespace relais::merkle
