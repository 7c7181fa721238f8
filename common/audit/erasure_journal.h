// The erasures ever made, kept outside the store, so that a restore of an older store makes them again. Names
// nobody: a subject stands there as a keyed hash. Text, one line per subject (docs/formats.md, "Erasure
// journal"):
//
//   relais-erasures/1
//   <erasure id, 32 hex digits> <HMAC-SHA-256(ring key "erasure-journal", "relais erasure v1" ‖ subject),
//   hex>
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"

namespace relais::audit {

/// Not thread-safe. The file is only ever appended to.
class ErasureJournal {
 public:
  struct Entry {
    Id128 erasure;
    std::string hash;  // 32 bytes
  };

  /// Reads the file, made when missing; a last line that a crash cut is removed. The key is made in the ring
  /// when missing. DATA_LOSS for anything else that is not a journal. `path` empty: entries are kept in
  /// memory only.
  static absl::StatusOr<std::unique_ptr<ErasureJournal>> Open(std::string path, crypto::KeyRing& ring,
                                                              Random& random);

  /// False for one in memory: it says nothing after a restart.
  [[nodiscard]] bool kept() const { return !path_.empty(); }
  [[nodiscard]] std::string HashOf(const Subject& subject) const;
  [[nodiscard]] bool Contains(const Id128& erasure) const { return known_.contains(erasure); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// Durable on OK (fsync). A subject that is there already is not written again. After an error the next try
  /// first removes what this one left in the file. DATA_LOSS when the file lost something meanwhile.
  absl::Status Append(const Id128& erasure, const std::vector<Subject>& subjects);

 private:
  ErasureJournal(std::string path, Secret key) : path_(std::move(path)), key_(std::move(key)) {}
  absl::Status Load();
  void Take(Entry entry);

  const std::string path_;
  const Secret key_;
  size_t size_ = 0;  // bytes of the file that count
  std::vector<Entry> entries_;
  std::set<Id128> known_;
  std::set<std::pair<Id128, std::string>> lines_;
};

}  // namespace relais::audit
