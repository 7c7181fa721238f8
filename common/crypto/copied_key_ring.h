// A key ring that is in two places: a ring without which everything is lost must not be lost with one disk
// (ADR 34).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/crypto/file_key_ring.h"

namespace relais::crypto {

/// A FileKeyRing and a copy of its file, which is replaced at every change, equally without history: what is
/// destroyed is destroyed in both once the call returned OK. The copy is put back by hand: it is a ring file
/// like the other. Thread-safe.
class CopiedKeyRing final : public KeyRing {
 public:
  /// `ring` was opened from `path`. The copy is made, or brought up to date: a crash may have come in
  /// between; one that is damaged is replaced. FAILED_PRECONDITION when it has a key that the ring never had:
  /// the ring is an older one, or the copy another's; nothing is changed then. Other errors are
  /// FileKeyRing's, of the copy.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<CopiedKeyRing>> Open(std::unique_ptr<FileKeyRing> ring,
                                                                           std::string path, std::string copy,
                                                                           const Secret& master,
                                                                           Random& random);

  [[nodiscard]] absl::StatusOr<Secret> Get(std::string_view name, uint32_t version) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Latest(std::string_view name) const override;
  /// UNAVAILABLE when the copy cannot be written: the ring may have the change already. The copy stays owed:
  /// Latest and whatever changes first write it, and are UNAVAILABLE until that succeeds.
  [[nodiscard]] absl::StatusOr<uint32_t> Add(std::string_view name, const Secret& secret) override;
  [[nodiscard]] absl::Status Put(std::string_view name, uint32_t version, const Secret& secret) override;
  /// NOT_FOUND only once the copy has no such key either.
  [[nodiscard]] absl::Status Destroy(std::string_view name, uint32_t version) override;
  [[nodiscard]] std::vector<KeyVersion> List() const override;

 private:
  CopiedKeyRing(std::unique_ptr<FileKeyRing> ring, std::string path, std::string copy)
      : ring_(std::move(ring)), path_(std::move(path)), copy_(std::move(copy)) {}
  absl::Status CheckCopy(const Secret& master, Random& random) const;
  absl::Status Copy() const;
  absl::Status Settle() const;  // mu_ is held
  absl::Status SettleAfter(const absl::Status& change) const;

  const std::unique_ptr<FileKeyRing> ring_;
  const std::string path_;
  const std::string copy_;
  mutable std::mutex mu_;     // held while the ring changes and the copy is written
  mutable bool owed_ = true;  // the copy may lack something
};

}  // namespace relais::crypto
