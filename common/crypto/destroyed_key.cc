#include "common/crypto/destroyed_key.h"

#include "absl/strings/cord.h"

namespace relais::crypto {
namespace {
constexpr char kUrl[] = "relais/destroyed-key";
}  // namespace

bool IsDestroyed(const absl::Status& status) { return status.GetPayload(kUrl).has_value(); }

absl::Status internal::DestroyedError(absl::string_view text) {
  absl::Status status = absl::NotFoundError(text);
  status.SetPayload(kUrl, absl::Cord());
  return status;
}

}  // namespace relais::crypto
