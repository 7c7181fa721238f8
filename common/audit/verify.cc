#include "common/merkle/verify.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/log.h"
#include "common/base/status.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit {
namespace {

absl::Status Failed(std::string_view check, const absl::Status& why) {
  return absl::InvalidArgumentError(
      absl::StrCat("proof: ", std::string(check), ": ", std::string(why.message())));
}

absl::StatusOr<std::vector<merkle::Hash>> HashesOf(const common::v1::Proof& proof) {
  std::vector<merkle::Hash> hashes;
  for (const std::string& bytes : proof.inclusion()) {
    ASSIGN_OR_RETURN(const merkle::Hash hash, merkle::HashFromBytes(bytes));
    hashes.push_back(hash);
  }
  return hashes;
}

absl::Status CheckInclusion(const common::v1::Proof& proof, const merkle::Checkpoint& checkpoint) {
  if (checkpoint.size != proof.tree_size()) {
    return absl::InvalidArgumentError("proof: tree size: the checkpoint is of another size");
  }
  const absl::StatusOr<std::vector<merkle::Hash>> hashes = HashesOf(proof);
  if (!hashes.ok()) {
    return Failed("inclusion", hashes.status());
  }
  const absl::Status included = merkle::VerifyInclusion(
      proof.leaf_index(), proof.tree_size(), merkle::HashLeaf(proof.leaf()), *hashes, checkpoint.root);
  return included.ok() ? included : Failed("inclusion", included);
}

}  // namespace

absl::StatusOr<VerifiedProof> VerifyProof(const common::v1::Proof& proof,
                                          const std::vector<NamedVerifyKey>& keys) {
  std::vector<merkle::NoteVerifier> verifiers;
  verifiers.reserve(keys.size());
  for (const NamedVerifyKey& key : keys) {
    verifiers.push_back({key.name, key.key});
  }
  absl::StatusOr<merkle::Checkpoint> checkpoint =
      merkle::OpenCheckpoint(proof.checkpoint(), proof.origin(), verifiers);
  if (!checkpoint.ok()) {
    return Failed("checkpoint", checkpoint.status());
  }
  RETURN_IF_ERROR(CheckInclusion(proof, *checkpoint));
  absl::StatusOr<Leaf> leaf = ParseLeaf(proof.leaf());
  if (!leaf.ok()) {
    return Failed("leaf", leaf.status());
  }
  VerifiedProof verified{*std::move(leaf), proof.leaf_index(), proof.tree_size(), std::nullopt};
  if (!proof.leaf_key().empty()) {
    absl::StatusOr<audit::v1::LeafDetails> details =
        OpenDetailsWithLeafKey(verified.leaf, Secret(proof.leaf_key()));
    if (!details.ok()) {
      return Failed("leaf key", details.status());
    }
    verified.details = *std::move(details);
  }
  return verified;
}

}  // namespace relais::audit
