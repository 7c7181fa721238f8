// A person's state in few bytes, for a cache of many. In memory alone: never stored, never sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "services/consent/convert.h"
#include "services/consent/domain/person_state.h"

namespace relais::consent {

/// What agreements cover, once each: most people agree to one of a few forms. Bounded; what is in it stays.
/// It says nothing about anybody. Thread-safe.
class LineSets {
 public:
  explicit LineSets(size_t most = 4096) : most_(most) {}
  /// From 1; 0: the table is full, these are too long for it, or none.
  uint32_t IdOf(const ProtoLines& lines);
  /// Empty for an id that was never given.
  [[nodiscard]] Lines Of(uint32_t id) const;
  /// The same lines, shared with everybody who agreed to them where the table has room for that.
  [[nodiscard]] Lines Shared(const ProtoLines& lines);

 private:
  const size_t most_;
  mutable std::shared_mutex mu_;
  absl::flat_hash_map<std::string, uint32_t> ids_;
  std::vector<Lines> lines_;
};

/// An immutable value: everything of the state of one who was never linked to anybody (links.h).
class PackedPerson {
 public:
  /// Null when she was: acts of others may be in it, which only their own histories have.
  static std::shared_ptr<const PackedPerson> Pack(const PersonState& state, LineSets& sets);
  /// What was packed. `sets` is the table that it was packed with; DATA_LOSS with another one.
  [[nodiscard]] absl::StatusOr<PersonState> Unpack(const LineSets& sets) const;
  /// What it takes of memory, about.
  [[nodiscard]] size_t size() const { return sizeof(PackedPerson) + bytes_.capacity(); }

 private:
  std::string bytes_;  // v1.PackedPerson
};

}  // namespace relais::consent
