// One audit key per subject and service. It seals the subject's leaves and state; destroying it erases them,
// while every proof stays true.
#pragma once

#include <memory>
#include <optional>
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

/// Thread-safe. Keys are wrapped by the current epoch key of the ring ("audit-epoch"); the wrapped row is
/// written with the subject's first leaf, so a key never exists without one. Formats (docs/formats.md,
/// "Subject keys"):
///
///   row           subject, 17 bytes → 0x01 | epoch version, 4 bytes big-endian | SealRandom(epoch key,
///                 "relais subject key v1" ‖ subject, 32-byte key)
///   tombstone     subject, 17 bytes → 0x01 | 0, 4 bytes
///
/// A subject is *frozen* from the moment its erasure is requested until its key is destroyed: its leaves
/// open, so that every follower can do its part, but its state reads as erased and nothing is written about
/// it.
///
///   sealed state  0x01 | SealRandom(HKDF-SHA256(subject's key, no salt, "relais state v1"), context, value)
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
    std::vector<storage::LogRow>
        rows;  // to be written with a leaf, until known to be durable; empty afterwards
  };
  /// The subject's key, made if it has none. Two callers at once get the same one. FAILED_PRECONDITION
  /// "erased": a destroyed key is never replaced by a new one.
  virtual absl::StatusOr<Key> GetOrCreate(const Subject& subject) = 0;
  /// NOT_FOUND: never had one, or erased.
  virtual absl::StatusOr<Secret> Get(const Subject& subject) = 0;
  /// Called when leaves with this subject are durable: its rows need not be written again.
  virtual void MarkDurable(std::string_view encoded_subject) = 0;
  /// Rows that destroy the key and the subject's pointers, at most kEraseRows; to be committed with the
  /// ERASED leaf. The key's row becomes a tombstone. Called again after that commit it gives what is left of
  /// the pointers: commit that too, until the answer is empty. NOT_FOUND: never had a key.
  static constexpr size_t kEraseRows = 2001;
  virtual absl::StatusOr<std::vector<storage::LogRow>> EraseRows(const Subject& subject) = 0;
  /// The row that makes a subject erased, whether it had a key or not.
  [[nodiscard]] static storage::LogRow TombstoneRow(const Subject& subject);
  /// Whether a key row's value is a tombstone.
  [[nodiscard]] static bool IsTombstone(std::string_view row_value);
  /// Called when a tombstone is durable.
  virtual void MarkErased(std::string_view encoded_subject) = 0;
  virtual void Freeze(const Subject& subject) = 0;
  /// Its erasure was not requested after all.
  virtual void Unfreeze(const Subject& subject) = 0;
  [[nodiscard]] virtual bool Frozen(const Subject& subject) const = 0;

  /// From here on keys are wrapped by this epoch's key, which must be in the ring.
  virtual absl::Status UseEpoch(uint32_t epoch) = 0;
  [[nodiscard]] virtual uint32_t epoch() const = 0;
  /// The same key under the epoch in use; nullopt for a row that needs no other: current, a tombstone, or
  /// under an epoch whose key is destroyed. DATA_LOSS for a row that does not open.
  [[nodiscard]] virtual absl::StatusOr<std::optional<std::string>> Renewed(std::string_view encoded_subject,
                                                                           std::string_view row) = 0;

  /// Seals a value of state for a subject: AEAD under HKDF(subject's key, "relais state v1"), bound to
  /// `context` (partition and key) so that it cannot be moved. The subject must have a key or get one with
  /// this commit's leaf: one is made for a subject that has none, and it is lost unless this commit has a
  /// leaf drafted for the subject. FAILED_PRECONDITION when erased.
  virtual absl::StatusOr<std::string> SealState(const Subject& subject, std::string_view context,
                                                std::string_view plain) = 0;
  /// NOT_FOUND when erased or frozen.
  virtual absl::StatusOr<std::string> OpenState(const Subject& subject, std::string_view context,
                                                std::string_view sealed) = 0;
  /// The same of a frozen subject too: for who erases it.
  virtual absl::StatusOr<std::string> OpenFrozenState(const Subject& subject, std::string_view context,
                                                      std::string_view sealed) = 0;
};

/// True for the error that says that a subject is erased, or about to be: whoever repeats what failed with it
/// will never succeed.
[[nodiscard]] bool IsErased(const absl::Status& status);

}  // namespace relais::audit
