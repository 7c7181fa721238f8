// Handles: the only names institutions have for persons. A handle is stable for one institution, different
// for each, and useless to another.
//
//   "rh1_" + base64url, without padding, of: generation (2 bytes, big-endian) ‖ AES-256-SIV(person id, 16
//   bytes)
//
// The key of a generation is HKDF-SHA-256(version `generation` of "handle" in the key ring, info "relais
// handle v1", 64 bytes). Associated data: one string, "relais handle v1" and then the institution id preceded
// by its length (4 bytes, big-endian).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/id128.h"
#include "common/crypto/key_ring.h"
#include "common/crypto/siv.h"

namespace relais::identity {

inline constexpr std::string_view kHandleKeyName = "handle";
inline constexpr std::string_view kHandlePrefix = "rh1_";
inline constexpr size_t kHandleSize = 50;

/// Which generation makes an institution's handles, and which others are still understood, until when
/// (exclusive).
struct HandlePolicy {
  struct Retiring {
    uint16_t generation = 0;
    absl::Time until;
  };
  struct Generations {
    uint16_t current = 1;
    std::vector<Retiring> retiring = {};
  };

  Generations standard;                                          // institutions not named below
  std::map<std::string, Generations, std::less<>> institutions;  // those in rotation, or rotated
};

/// Immutable, thread-safe, about a microsecond a call. A rotation makes a new codec.
class HandleCodec {
 public:
  /// Reads the keys of all generations the policy names. NOT_FOUND when the ring lacks one, INVALID_ARGUMENT
  /// when a generation is 0. `clock` must outlive the codec.
  static absl::StatusOr<HandleCodec> Create(const crypto::KeyRing& ring, HandlePolicy policy,
                                            const Clock& clock);

  /// Under the institution's current generation.
  [[nodiscard]] std::string ToHandle(const Id128& person, std::string_view institution) const;

  /// INVALID_ARGUMENT "not a handle of this institution", always the same words and never the handle:
  /// malformed (one spelling per handle: no padding, no stray bits), of another institution, of a generation
  /// that the policy does not name or that has ended.
  [[nodiscard]] absl::StatusOr<Id128> FromHandle(std::string_view handle, std::string_view institution) const;

  /// Whether `handle` is made under another generation than the institution's current one, so that
  /// TranslateHandles has something to do. False for what is no handle.
  [[nodiscard]] bool IsRetiring(std::string_view handle, std::string_view institution) const;

 private:
  HandleCodec(HandlePolicy policy, std::map<uint16_t, crypto::AesSiv> keys, const Clock& clock)
      : policy_(std::move(policy)), keys_(std::move(keys)), clock_(&clock) {}

  [[nodiscard]] const HandlePolicy::Generations& GenerationsOf(std::string_view institution) const;
  [[nodiscard]] bool Understood(uint16_t generation, const HandlePolicy::Generations& generations) const;

  HandlePolicy policy_;
  std::map<uint16_t, crypto::AesSiv> keys_;
  const Clock* clock_;
};

}  // namespace relais::identity
