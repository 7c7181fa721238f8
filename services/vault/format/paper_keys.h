// The keys of papers: version ← person ← epoch ← master (docs/formats.md, "Keys of papers"; ADR 34).
//
// Each level wraps the one below with SealRandom (common/crypto/aead.h), which commits to its key, and binds
// what it wraps to its place. Rotating a level wraps the level below anew and touches no text.
//
// Errors: DATA_LOSS for a wrapped key that does not open in its place; NOT_FOUND, of which
// crypto::IsDestroyed is true, when the epoch that wraps it was destroyed: what it held is gone for ever, as
// it should be. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"

namespace relais::vault {

inline constexpr size_t kPaperKeySize = 32;

/// The level above persons' keys, as an HSM can have it: no epoch key ever comes out. Implementations are
/// thread-safe.
class EpochKeys {
 public:
  virtual ~EpochKeys() = default;

  struct Wrapped {
    uint32_t epoch = 0;
    std::string sealed;
  };
  /// The epoch that wraps now. NOT_FOUND before the first one was made.
  [[nodiscard]] virtual absl::StatusOr<uint32_t> Current() const = 0;
  /// Epochs whose key is still there, ascending.
  [[nodiscard]] virtual std::vector<uint32_t> Held() const = 0;
  [[nodiscard]] virtual absl::StatusOr<Wrapped> Wrap(std::string_view aad, const Secret& key) = 0;
  [[nodiscard]] virtual absl::StatusOr<Secret> Unwrap(uint32_t epoch, std::string_view aad,
                                                      std::string_view sealed) const = 0;
  /// Makes the next epoch and wraps under it from here on. Durable.
  [[nodiscard]] virtual absl::StatusOr<uint32_t> Begin() = 0;
  /// Destroys an epoch that is not the current one (FAILED_PRECONDITION). Durable. NOT_FOUND if there is
  /// none. Whatever it still wraps is lost, and with it papers: the caller has seen every row wrapped anew,
  /// and no commit is under way of a key that was wrapped before Begin (as common/audit/epoch_rotation.h
  /// does).
  [[nodiscard]] virtual absl::Status Destroy(uint32_t epoch) = 0;
};

/// Epoch keys in the service's own ring, under the name `vault-epoch`.
class RingEpochKeys final : public EpochKeys {
 public:
  static constexpr std::string_view kRingName = "vault-epoch";

  /// Both must outlive it.
  RingEpochKeys(crypto::KeyRing& ring, Random& random) : ring_(ring), random_(random) {}

  [[nodiscard]] absl::StatusOr<uint32_t> Current() const override;
  [[nodiscard]] std::vector<uint32_t> Held() const override;
  [[nodiscard]] absl::StatusOr<Wrapped> Wrap(std::string_view aad, const Secret& key) override;
  [[nodiscard]] absl::StatusOr<Secret> Unwrap(uint32_t epoch, std::string_view aad,
                                              std::string_view sealed) const override;
  [[nodiscard]] absl::StatusOr<uint32_t> Begin() override;
  [[nodiscard]] absl::Status Destroy(uint32_t epoch) override;

 private:
  crypto::KeyRing& ring_;
  Random& random_;
};

/// A fresh key for a person or a version.
[[nodiscard]] Secret NewPaperKey(Random& random);

/// A generation of a person's key, wrapped for her partition. Generations count from 1.
[[nodiscard]] absl::StatusOr<std::string> WrapPersonKey(EpochKeys& epochs, const Id128& person,
                                                        uint32_t generation, const Secret& key);
[[nodiscard]] absl::StatusOr<Secret> UnwrapPersonKey(const EpochKeys& epochs, const Id128& person,
                                                     uint32_t generation, std::string_view wrapped);
/// The epoch that wraps it.
[[nodiscard]] absl::StatusOr<uint32_t> EpochOf(std::string_view wrapped_person_key);

/// What a version's key is for, and nothing else.
struct VersionName {
  Id128 person;
  Id128 document;
  uint32_t version = 0;
};
[[nodiscard]] absl::StatusOr<std::string> WrapVersionKey(Random& random, uint32_t generation,
                                                         const Secret& person_key, const VersionName& name,
                                                         const Secret& key);
/// `person_key` is of the generation that GenerationOf says.
[[nodiscard]] absl::StatusOr<Secret> UnwrapVersionKey(const Secret& person_key, const VersionName& name,
                                                      std::string_view wrapped);
[[nodiscard]] absl::StatusOr<uint32_t> GenerationOf(std::string_view wrapped_version_key);

/// By which the same text is noticed twice in one vault, and in no other: 32 bytes. Another person's key, or
/// another generation, gives another mark, so rotating her key writes her marks anew.
[[nodiscard]] std::string DuplicateMark(const Secret& person_key, std::string_view text_sha256);

}  // namespace relais::vault
