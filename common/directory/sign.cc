#include "common/directory/sign.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/pki/spiffe.h"

namespace relais::directory {
namespace {

constexpr char kHeader[] = "relais-directory-signature/1";
constexpr std::string_view kContext("relais directory v1\0", 20);
constexpr size_t kMaxSignatureText = 4096;

std::string Message(std::string_view yaml) {
  std::string message(kContext);
  message.append(yaml);
  return message;
}

struct NamedBytes {
  std::string name;
  std::string bytes;
};

// "<name> <base64>", exactly one space.
absl::StatusOr<NamedBytes> ParseLine(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  NamedBytes out;
  if (words.size() != 2 || !pki::IsValidId(words[0]) || !absl::Base64Unescape(words[1], &out.bytes)) {
    return absl::InvalidArgumentError("a line must be a key name and base64, separated by a space");
  }
  out.name = words[0];
  return out;
}

}  // namespace

absl::StatusOr<std::string> SignDirectory(std::string_view yaml, const crypto::SigningKey& key,
                                          const std::string& key_name) {
  if (!pki::IsValidId(key_name)) {
    return absl::InvalidArgumentError("a key name is lower-case letters, digits and '-'");
  }
  return absl::StrCat(kHeader, "\n", key_name, " ", absl::Base64Escape(key.Sign(Message(yaml))), "\n");
}

absl::StatusOr<std::string> VerifySigned(std::string_view yaml, std::string_view signature,
                                         const RootKeys& keys) {
  if (signature.size() > kMaxSignatureText || !signature.ends_with('\n')) {
    return absl::InvalidArgumentError("the directory's signature file is malformed");
  }
  const std::vector<std::string> lines =
      absl::StrSplit(std::string(signature.substr(0, signature.size() - 1)), '\n');
  if (lines.size() < 2 || lines[0] != kHeader) {
    return absl::InvalidArgumentError("the directory's signature file is malformed");
  }
  const std::string message = Message(yaml);
  std::string signer;
  for (size_t i = 1; i < lines.size(); ++i) {
    ASSIGN_OR_RETURN(const NamedBytes line, ParseLine(lines[i]));
    const auto key = keys.find(line.name);
    if (key == keys.end()) {
      continue;
    }
    if (!key->second.Verify(message, line.bytes)) {
      return absl::PermissionDeniedError(
          absl::StrCat("the directory's signature by ", line.name, " is wrong"));
    }
    signer = line.name;
  }
  if (signer.empty()) {
    return absl::PermissionDeniedError("no known root key signed the directory");
  }
  return signer;
}

absl::StatusOr<RootKeys> ParseRootKeys(std::string_view text) {
  RootKeys keys;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& line : lines) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    ASSIGN_OR_RETURN(NamedBytes named, ParseLine(line));
    ASSIGN_OR_RETURN(crypto::VerifyKey key, crypto::VerifyKey::FromBytes(named.bytes));
    if (!keys.emplace(std::move(named.name), std::move(key)).second) {
      return absl::InvalidArgumentError("a root key's name is repeated");
    }
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError("there is no root key");
  }
  return keys;
}

std::string FormatRootKey(const std::string& name, const crypto::VerifyKey& key) {
  return absl::StrCat(name, " ", absl::Base64Escape(key.bytes()), "\n");
}

}  // namespace relais::directory
