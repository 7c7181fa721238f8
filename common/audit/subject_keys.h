// One audit key per subject and service. It seals the subject's leaves and state; destroying it erases them, while
// every proof stays true.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"
#include "common/storage/store.h"

namespace relais::audit {

/// Thread-safe. Keys are wrapped by the current epoch key of the ring ("audit-epoch"); the wrapped row is written
/// with the subject's first leaf, so a key never exists without one. Formats: docs/formats.md, "Subject keys".
class SubjectKeys {
 public:
  /// `cache_entries` bounds memory. `ring` must hold "audit-epoch"; Open makes the first one.
  static absl::StatusOr<std::unique_ptr<SubjectKeys>> Open(crypto::KeyRing& ring, Random& random,
                                                           size_t cache_entries);
  virtual ~SubjectKeys() = default;
  /// The store is there only once the log is (the log's sequencer opens it).
  virtual void Attach(const storage::Store& store) = 0;

  struct Key {
    Secret secret;
    std::vector<storage::LogRow> rows;  // to be written with a leaf, until known to be durable; empty afterwards
  };
  /// The subject's key, made if it has none. Two callers at once get the same one.
  virtual absl::StatusOr<Key> GetOrCreate(const Subject& subject) = 0;
  /// NOT_FOUND: never had one, or erased.
  virtual absl::StatusOr<Secret> Get(const Subject& subject) = 0;
  /// Called when leaves with this subject are durable: its rows need not be written again.
  virtual void MarkDurable(std::string_view encoded_subject) = 0;
  /// Rows that destroy the key and the subject's pointers; to be committed with the ERASED leaf.
  virtual absl::StatusOr<std::vector<storage::LogRow>> EraseRows(const Subject& subject) = 0;

  /// Seals a value of state for a subject: AEAD under HKDF(subject's key, "relais state v1"), bound to `context`
  /// (partition and key) so that it cannot be moved. The subject must have a key or get one with this commit's
  /// leaf (GetOrCreate).
  virtual absl::StatusOr<std::string> SealState(const Subject& subject, std::string_view context,
                                                std::string_view plain) = 0;
  /// NOT_FOUND when erased.
  virtual absl::StatusOr<std::string> OpenState(const Subject& subject, std::string_view context,
                                                std::string_view sealed) = 0;
};

}  // namespace relais::audit
