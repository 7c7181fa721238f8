// What the vault's rows say beside random ids, sealed under a key of the vault's own (ADR 60;
// docs/formats.md, "Sealed rows"): names in keys, by which a row is found again, and values of rows that are
// no person's, so that they open whether a person's keys do or not. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/crypto/siv.h"

namespace relais::vault {

/// Of 32 bytes: audit::Log::DeriveKey of this. It is never rotated.
inline constexpr std::string_view kRowKeyInfo = "relais vault rows v1";

class RowSeal {
 public:
  /// `random` must outlive it.
  RowSeal(const Secret& key, Random& random);

  /// What the name is of: two that differ give one text two names that nobody else can compare.
  struct Place {
    std::string_view use;  // a constant
    Id128 of;              // a person, a document
  };
  /// The same bytes for the same place and text. 16 bytes more than the text, padded to a multiple of 64, so
  /// that its length tells nothing; the text has no zero byte.
  [[nodiscard]] std::string Name(const Place& place, std::string_view text) const;
  /// nullopt: no such name.
  [[nodiscard]] std::optional<std::string> TextOf(const Place& place, std::string_view name) const;

  /// A value, of at most 1 GiB, bound to its row: `row` is partition(17) ‖ "/" ‖ key.
  [[nodiscard]] std::string Seal(std::string_view row, std::string_view text) const;
  /// DATA_LOSS: it was altered, or is another row's.
  [[nodiscard]] absl::StatusOr<std::string> Open(std::string_view row, std::string_view sealed) const;

 private:
  Random& random_;
  const Secret value_key_;
  const crypto::AesSiv names_;
};

}  // namespace relais::vault
