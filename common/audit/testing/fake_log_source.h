// A log that can be made to lie, for tests of those who verify.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/log_source.h"
#include "common/base/testing/seeded_random.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/proofs.h"
#include "common/merkle/testing/reference_tree.h"

namespace relais::audit::testing {

/// Honest until told otherwise.
class FakeLogSource final : public LogSource {
 public:
  explicit FakeLogSource(std::string origin = "relais.test/fake/1") : origin_(std::move(origin)) {}

  void Add(std::string leaf) {
    tree_.Append(merkle::HashLeaf(leaf));
    leaves_.push_back(std::move(leaf));
  }
  void AddMany(size_t count, const std::string& prefix = "leaf ") {
    for (size_t i = 0; i < count; ++i) {
      Add(prefix + std::to_string(leaves_.size()));
    }
  }
  [[nodiscard]] size_t size() const { return leaves_.size(); }
  [[nodiscard]] std::vector<merkle::NoteVerifier> verifiers() const { return {{origin_, key_.verify_key()}}; }
  [[nodiscard]] const crypto::SigningKey& key() const { return key_; }
  [[nodiscard]] merkle::Hash RootAt(uint64_t size) const {
    return merkle::RootFromNodes(size, tree_.Reader()).value();
  }
  [[nodiscard]] std::string Note(uint64_t size) const {
    return merkle::SignCheckpoint({origin_, size, RootAt(size), {}}, key_).value();
  }

  absl::StatusOr<std::string> Checkpoint(uint64_t /*min_size*/, absl::Duration /*wait*/) override {
    return note.value_or(Note(shown.value_or(leaves_.size())));
  }
  absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size, uint64_t new_size) override {
    ++proofs;
    return merkle::BuildConsistencyProof(old_size, new_size, tree_.Reader());
  }
  absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) override {
    return merkle::BuildInclusionProof(index, size, tree_.Reader());
  }
  absl::Status Leaves(uint64_t from, uint64_t to,
                      const std::function<absl::Status(std::string_view)>& take) override {
    for (uint64_t i = from; i < to; ++i) {
      if (cut_at == i) {
        return absl::UnavailableError("cut");
      }
      ++fetched;
      const auto lie = altered.find(i);
      if (const absl::Status status = take(lie == altered.end() ? leaves_[i] : lie->second); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  // How it lies or fails.
  std::optional<uint64_t> shown;            // the size of the checkpoint it shows
  std::optional<std::string> note;          // shown as it is
  std::map<uint64_t, std::string> altered;  // leaves it gives in place of others
  std::optional<uint64_t> cut_at;           // the connection breaks before this leaf
  // What was asked of it.
  uint64_t fetched = 0;
  uint64_t proofs = 0;

 private:
  // The same for every fake: one log's key, many histories.
  static crypto::SigningKey Key() {
    relais::testing::SeededRandom random(5);
    return crypto::SigningKey::Generate(random);
  }

  crypto::SigningKey key_ = Key();
  std::string origin_;
  std::vector<std::string> leaves_;
  merkle::testing::NodeStore tree_;
};

}  // namespace relais::audit::testing
