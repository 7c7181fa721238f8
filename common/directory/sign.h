// The directory's detached signature, `directory.yaml.sig`:
//
//   relais-directory-signature/1
//   <key name> <base64 of the Ed25519 signature>
//
// one line per signature (two while a root key replaces another), over "relais directory v1\0" followed by
// the bytes of the YAML file. Root keys are kept as text too, `<key name> <base64 of the public key>` per
// line.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/crypto/ed25519.h"

namespace relais::directory {

/// By name. A key name is 1 to 64 characters of `a-z 0-9 -`.
using RootKeys = std::map<std::string, crypto::VerifyKey>;

/// The text of the signature file. INVALID_ARGUMENT for a malformed key name.
absl::StatusOr<std::string> SignDirectory(std::string_view yaml, const crypto::SigningKey& key,
                                          const std::string& key_name);

/// The name of the key that signed. Lines of unknown keys are passed over; INVALID_ARGUMENT for a malformed
/// text, PERMISSION_DENIED when no known key signed or when a known key's signature is wrong.
absl::StatusOr<std::string> VerifySigned(std::string_view yaml, std::string_view signature,
                                         const RootKeys& keys);

/// Blank lines and lines starting with '#' are skipped. INVALID_ARGUMENT for a malformed line, a repeated
/// name or no key at all.
absl::StatusOr<RootKeys> ParseRootKeys(std::string_view text);
/// A line ParseRootKeys reads.
std::string FormatRootKey(const std::string& name, const crypto::VerifyKey& key);

}  // namespace relais::directory
