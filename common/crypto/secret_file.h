// One secret in one file: a master key, a signing seed.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace relais::crypto {

/// A secret of 32 or 64 bytes, raw or as hexadecimal digits with or without a final newline. NOT_FOUND;
/// PERMISSION_DENIED when the group or the world has any right on the file; INVALID_ARGUMENT for other
/// content, which is not quoted; UNAVAILABLE when the file system fails.
[[nodiscard]] absl::StatusOr<Secret> ReadSecretFile(const std::string& path);

/// Writes it in hexadecimal with mode 0600; durable on OK. ALREADY_EXISTS if there is a file, because a key
/// that is overwritten is lost with everything under it. INVALID_ARGUMENT unless it has 32 or 64 bytes.
[[nodiscard]] absl::Status WriteSecretFile(const std::string& path, const Secret& secret);

}  // namespace relais::crypto
