// The published RFC 6962 vectors, tests/testdata/merkle/rfc6962_vectors.txt.
#include <fstream>
#include <functional>
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

// The tampered vectors of github.com/transparency-dev/merkle, testdata/{inclusion,consistency}/ (Apache
// License 2.0): each of its files is one of the proofs above with one change, which the file's name says.
// Here the change is made under that name, so that no thousand files need be kept. What those files write as
// a hash of another length cannot be written as a Hash; HashFromBytes refuses it before any proof is looked
// at.
using Change = std::pair<const char*, std::function<void(Proof&)>>;

const Hash kGarbage = {0xab, 0xac, 0xab, 0xa0};

std::vector<Change> ChangesOfHashes(const Proof& p) {
  std::vector<Change> changes = {
      {"preceding garbage", [](Proof& x) { x.hashes.insert(x.hashes.begin(), kGarbage); }},
      {"preceding empty", [](Proof& x) { x.hashes.insert(x.hashes.begin(), Hash{}); }},
      {"trailing garbage", [](Proof& x) { x.hashes.push_back(kGarbage); }},
      {"trailing empty", [](Proof& x) { x.hashes.push_back(Hash{}); }}};
  if (!p.hashes.empty()) {
    changes.push_back({"empty proof", [](Proof& x) { x.hashes.clear(); }});
    changes.push_back({"removed component, truncated proof", [](Proof& x) { x.hashes.pop_back(); }});
    changes.push_back(
        {"inserted component", [](Proof& x) { x.hashes.insert(x.hashes.begin() + 1, kGarbage); }});
    changes.push_back(
        {"preceding proof[0]", [](Proof& x) { x.hashes.insert(x.hashes.begin(), x.hashes[0]); }});
  }
  for (size_t i = 0; i < p.hashes.size(); ++i) {
    changes.push_back({"modified proof[i] bit 3", [i](Proof& x) { x.hashes[i][0] ^= 1 << 3; }});
    changes.push_back({"modified proof[i] bit 4", [i](Proof& x) { x.hashes[i][0] ^= 1 << 4; }});
  }
  return changes;
}

TEST_F(PublishedVectorsTest, TamperedInclusionProofsAreRefused) {
  int tried = 0;
  for (const Proof& p : v_.inclusion) {
    const Hash& leaf = v_.leaves.at(p.from);
    const Hash& root = v_.roots.at(p.size);
    std::vector<Change> changes = ChangesOfHashes(p);
    changes.push_back({"preceding root", [&](Proof& x) { x.hashes.insert(x.hashes.begin(), root); }});
    changes.push_back({"trailing root", [&](Proof& x) { x.hashes.push_back(root); }});
    changes.push_back({"leafIdx - 1", [](Proof& x) { --x.from; }});
    changes.push_back({"leafIdx + 1", [](Proof& x) { ++x.from; }});
    changes.push_back({"leafIdx ^ 2", [](Proof& x) { x.from ^= 2; }});
    changes.push_back({"treeSize * 2", [](Proof& x) { x.size *= 2; }});
    changes.push_back({"treeSize / 2", [](Proof& x) { x.size /= 2; }});
    for (const auto& [name, change] : changes) {
      Proof changed = p;
      change(changed);
      EXPECT_FALSE(VerifyInclusion(changed.from, changed.size, leaf, changed.hashes, root).ok())
          << name << " of " << p.from << " in " << p.size;
      ++tried;
    }
    EXPECT_FALSE(VerifyInclusion(p.from, p.size, leaf, p.hashes, Hash{}).ok()) << "empty root";
    EXPECT_FALSE(VerifyInclusion(p.from, p.size, leaf, p.hashes, kGarbage).ok()) << "random root";
    EXPECT_FALSE(VerifyInclusion(p.from, p.size, HashLeaf("WrongLeaf"), p.hashes, root).ok()) << "wrong leaf";
  }
  EXPECT_GT(tried, 80);
  // inclusion/additional: trees of none.
  for (const uint64_t index : {0U, 1U}) {
    EXPECT_FALSE(VerifyInclusion(index, 0, Hash{}, {}, Hash{}).ok());
    EXPECT_FALSE(VerifyInclusion(index, 0, EmptyRoot(), {}, EmptyRoot()).ok());
    EXPECT_FALSE(VerifyInclusion(0, index, kGarbage, {}, Hash{}).ok()) << "random leaf";
  }
}

TEST_F(PublishedVectorsTest, TamperedConsistencyProofsAreRefused) {
  for (const Proof& p : v_.consistency) {
    const Hash& old_root = v_.roots.at(p.from);
    const Hash& new_root = v_.roots.at(p.size);
    std::vector<Change> changes = ChangesOfHashes(p);
    for (const Hash& root : {old_root, new_root}) {
      changes.push_back({"preceding root", [root](Proof& x) { x.hashes.insert(x.hashes.begin(), root); }});
      changes.push_back({"trailing root", [root](Proof& x) { x.hashes.push_back(root); }});
    }
    changes.push_back({"size1 - 1", [](Proof& x) { --x.from; }});
    changes.push_back({"size1 + 1", [](Proof& x) { ++x.from; }});
    changes.push_back({"size1 ^ 2", [](Proof& x) { x.from ^= 2; }});
    changes.push_back({"size2 * 2", [](Proof& x) { x.size *= 2; }});
    changes.push_back({"size2 / 2", [](Proof& x) { x.size /= 2; }});
    for (const auto& [name, change] : changes) {
      Proof changed = p;
      change(changed);
      EXPECT_FALSE(VerifyConsistency(changed.from, changed.size, old_root, new_root, changed.hashes).ok())
          << name << " of " << p.from << " to " << p.size;
    }
    EXPECT_FALSE(VerifyConsistency(p.from, p.size, kGarbage, new_root, p.hashes).ok()) << "wrong root1";
    EXPECT_FALSE(VerifyConsistency(p.from, p.size, old_root, kGarbage, p.hashes).ok()) << "wrong root2";
  }
  // consistency/additional.
  const Hash& one = v_.roots.at(1);
  const Hash empty = EmptyRoot();
  const std::vector<Hash> some = {empty};
  EXPECT_FALSE(VerifyConsistency(0, 1, empty, empty, some).ok()) << "consistency check on empty tree";
  EXPECT_FALSE(VerifyConsistency(0, 1, kGarbage, one, {}).ok()) << "size1 is zero and does not equal size2";
  EXPECT_FALSE(VerifyConsistency(2, 1, kGarbage, one, some).ok()) << "size1 is greater than size2";
  EXPECT_FALSE(VerifyConsistency(1, 0, one, empty, some).ok()) << "size1 is greater than size2";
  EXPECT_FALSE(VerifyConsistency(0, 0, empty, kGarbage, {}).ok()) << "sizes are zero, roots are not equal";
  EXPECT_FALSE(VerifyConsistency(1, 1, one, kGarbage, {}).ok()) << "sizes are one, roots are not equal";
  EXPECT_FALSE(VerifyConsistency(0, 0, empty, empty, some).ok()) << "sizes are zero, proof is not empty";
  EXPECT_FALSE(VerifyConsistency(1, 1, one, one, some).ok()) << "sizes are one, proof is not empty";
  EXPECT_FALSE(VerifyConsistency(1, 2, one, v_.roots.at(2), {}).ok()) << "sizes differ, proof is empty";
  EXPECT_TRUE(VerifyConsistency(0, 0, empty, empty, {}).ok()) << "sizes are equal (zero) and proof is empty";
  EXPECT_TRUE(VerifyConsistency(1, 1, one, one, {}).ok()) << "sizes are equal (one) and proof is empty";
}

}  // namespace
}  // namespace relais::merkle
