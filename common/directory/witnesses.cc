#include "common/directory/witnesses.h"

#include <utility>
#include <vector>

#include "common/base/status.h"

namespace relais::directory {

absl::StatusOr<merkle::WitnessPolicy> WitnessPolicyOf(const Directory& directory) {
  const Witnesses& witnesses = directory.content().witnesses;
  std::vector<merkle::NoteVerifier> verifiers;
  for (const std::string& key : witnesses.keys) {
    ASSIGN_OR_RETURN(merkle::NoteVerifier verifier,
                     merkle::ParseVerifierKey(key, merkle::KeyType::kCosignature));
    verifiers.push_back(std::move(verifier));
  }
  return merkle::QuorumOf(std::move(verifiers), static_cast<size_t>(witnesses.quorum));
}

}  // namespace relais::directory
