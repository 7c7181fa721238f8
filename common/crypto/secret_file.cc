#include "common/crypto/secret_file.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/private_file.h"

namespace relais::crypto {
namespace {

// The longest form: 64 bytes in hexadecimal, carriage return, newline.
constexpr size_t kMaxFile = 130;

bool IsSecretSize(size_t n) { return n == 32 || n == 64; }

std::string_view WithoutNewline(std::string_view text) {
  for (const char end : {'\n', '\r'}) {
    if (!text.empty() && text.back() == end) {
      text.remove_suffix(1);
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<Secret> ReadSecretFile(const std::string& path) {
  absl::StatusOr<std::string> read = internal::ReadPrivateFile(path, kMaxFile);
  if (absl::IsDataLoss(read.status())) {
    return absl::InvalidArgumentError(absl::StrCat(path, " holds no secret of 32 or 64 bytes"));
  }
  RETURN_IF_ERROR(read.status());
  Secret content(*std::move(read));

  // Hexadecimal first: 64 digits are a secret of 32 bytes, not a raw one of 64 that happens to be readable.
  absl::StatusOr<std::string> decoded = HexDecode(WithoutNewline(content.ExposeSecret()));
  if (decoded.ok() && IsSecretSize(decoded->size())) {
    return Secret(*std::move(decoded));
  }
  if (IsSecretSize(content.size())) {
    return content;
  }
  return absl::InvalidArgumentError(absl::StrCat(path, " holds no secret of 32 or 64 bytes"));
}

absl::Status WriteSecretFile(const std::string& path, const Secret& secret) {
  if (!IsSecretSize(secret.size())) {
    return absl::InvalidArgumentError("a secret file holds 32 or 64 bytes");
  }
  const Secret text(HexEncode(secret.ExposeSecret()) + "\n");
  return internal::CreatePrivateFile(path, text.ExposeSecret());
}

}  // namespace relais::crypto
