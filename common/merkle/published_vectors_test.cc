// The published RFC 6962 vectors, tests/testdata/merkle/rfc6962_vectors.txt.
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/encoding.h"
#include "common/merkle/proofs.h"
#include "common/merkle/testing/reference_tree.h"
#include "common/merkle/verify.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

struct Proof {
  uint64_t from = 0;
  uint64_t size = 0;
  std::vector<Hash> hashes;
};

struct Vectors {
  std::vector<Hash> leaves;
  std::map<uint64_t, Hash> roots;
  std::vector<Proof> inclusion;
  std::vector<Proof> consistency;
};

Hash FromHex(const std::string& hex) { return *HashFromBytes(*crypto::HexDecode(hex)); }

Proof ReadProof(std::istringstream& fields) {
  Proof proof;
  fields >> proof.from >> proof.size;
  for (std::string hex; fields >> hex;) {
    proof.hashes.push_back(FromHex(hex));
  }
  return proof;
}

Vectors ReadVectors() {
  Vectors v;
  std::ifstream file("tests/testdata/merkle/rfc6962_vectors.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string kind;
    fields >> kind;
    if (kind == "inclusion") {
      v.inclusion.push_back(ReadProof(fields));
    } else if (kind == "consistency") {
      v.consistency.push_back(ReadProof(fields));
    } else if (kind == "leaf" || kind == "root") {
      uint64_t number = 0;
      std::string hex;
      fields >> number >> hex;
      if (kind == "root") {
        v.roots[number] = FromHex(hex);
      } else {
        v.leaves.push_back(HashLeaf(*crypto::HexDecode(hex == "-" ? "" : hex)));
      }
    }
  }
  return v;
}

class PublishedVectorsTest : public ::testing::Test {
 protected:
  const Vectors v_ = ReadVectors();
  const testing::NodeStore store_{v_.leaves};
};

TEST_F(PublishedVectorsTest, TheFileIsWhole) {
  EXPECT_EQ(v_.leaves.size(), 8U);
  EXPECT_EQ(v_.roots.size(), 9U);
  EXPECT_EQ(v_.inclusion.size(), 5U);
  EXPECT_EQ(v_.consistency.size(), 5U);
}

TEST_F(PublishedVectorsTest, Roots) {
  for (const auto& [size, root] : v_.roots) {
    EXPECT_EQ(HashToHex(*RootFromNodes(size, store_.Reader())), HashToHex(root)) << size;
  }
}

TEST_F(PublishedVectorsTest, InclusionProofs) {
  for (const Proof& p : v_.inclusion) {
    EXPECT_EQ(*BuildInclusionProof(p.from, p.size, store_.Reader()), p.hashes);
    EXPECT_TRUE(VerifyInclusion(p.from, p.size, v_.leaves.at(p.from), p.hashes, v_.roots.at(p.size)).ok());
  }
}

TEST_F(PublishedVectorsTest, ConsistencyProofs) {
  for (const Proof& p : v_.consistency) {
    EXPECT_EQ(*BuildConsistencyProof(p.from, p.size, store_.Reader()), p.hashes);
    EXPECT_TRUE(VerifyConsistency(p.from, p.size, v_.roots.at(p.from), v_.roots.at(p.size), p.hashes).ok());
  }
}

// The false sizes and indexes that the same source tries on each of its proofs.
TEST_F(PublishedVectorsTest, PublishedCorruptionsAreRefused) {
  for (const Proof& p : v_.inclusion) {
    const Hash& leaf = v_.leaves.at(p.from);
    const Hash& root = v_.roots.at(p.size);
    for (const uint64_t index : {p.from - 1, p.from + 1, p.from ^ 2}) {
      EXPECT_FALSE(VerifyInclusion(index, p.size, leaf, p.hashes, root).ok()) << index;
    }
    EXPECT_FALSE(VerifyInclusion(p.from, p.size * 2, leaf, p.hashes, root).ok());
    EXPECT_FALSE(VerifyInclusion(p.from, p.size / 2, leaf, p.hashes, root).ok());
  }
  for (const Proof& p : v_.consistency) {
    if (p.hashes.empty()) {
      continue;
    }
    const Hash& old_root = v_.roots.at(p.from);
    const Hash& new_root = v_.roots.at(p.size);
    for (const uint64_t from : {p.from - 1, p.from + 1, p.from ^ 2}) {
      EXPECT_FALSE(VerifyConsistency(from, p.size, old_root, new_root, p.hashes).ok()) << from;
    }
    EXPECT_FALSE(VerifyConsistency(p.from, p.size * 2, old_root, new_root, p.hashes).ok());
    EXPECT_FALSE(VerifyConsistency(p.from, p.size / 2, old_root, new_root, p.hashes).ok());
    EXPECT_FALSE(VerifyConsistency(p.from, p.size, new_root, old_root, p.hashes).ok());
  }
}

}  // namespace
}  // namespace relais::merkle
