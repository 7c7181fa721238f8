#include "services/cli/suppression_file.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/identity/record_key.h"
#include "common/pki/file.h"
#include "common/pki/spiffe.h"

namespace relais::cli {
namespace {

constexpr char kFormat[] = "relais-suppression-key/1";
constexpr size_t kMostBytes = 64 << 10;
constexpr size_t kKeyBytes = 32;

absl::Status Malformed() { return absl::InvalidArgumentError("this is not a suppression key file"); }

absl::Status AddLine(const std::vector<std::string>& words, SuppressionFile& file) {
  if (words.size() != 3 || !pki::IsValidId(words[0]) ||
      (!file.institution.empty() && words[0] != file.institution)) {
    return Malformed();
  }
  const absl::StatusOr<uint64_t> version = crypto::ParseDecimal(words[1]);
  absl::StatusOr<std::string> key = crypto::HexDecode(words[2]);
  if (!version.ok() || *version == 0 || *version > UINT32_MAX || !key.ok() || key->size() != kKeyBytes) {
    return Malformed();
  }
  file.institution = words[0];
  const bool fresh = file.keys.emplace(static_cast<uint32_t>(*version), Secret(*std::move(key))).second;
  return fresh ? absl::OkStatus() : Malformed();
}

}  // namespace

absl::StatusOr<SuppressionFile> ParseSuppressionFile(std::string_view text) {
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n', absl::SkipEmpty());
  if (lines.size() < 2 || lines[0] != kFormat) {
    return Malformed();
  }
  SuppressionFile file;
  for (size_t i = 1; i < lines.size(); ++i) {
    RETURN_IF_ERROR(AddLine(absl::StrSplit(lines[i], ' '), file));
  }
  return file;
}

Secret FormatSuppressionFile(const SuppressionFile& file) {
  std::string text = absl::StrCat(kFormat, "\n");
  for (const auto& [version, key] : file.keys) {
    absl::StrAppend(&text, file.institution, " ", version, " ", crypto::HexEncode(key.ExposeSecret()), "\n");
  }
  return Secret(std::move(text));
}

absl::StatusOr<SuppressionFile> ReadSuppressionFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::PermissionDeniedError(path + " must be readable by its owner alone (chmod 600)");
  }
  ASSIGN_OR_RETURN(std::string text, pki::ReadWholeFile(path, kMostBytes));
  const Secret held(std::move(text));
  return ParseSuppressionFile(held.ExposeSecret());
}

absl::Status WriteSuppressionFile(const crypto::KeyRing& ring, const std::string& institution,
                                  const std::string& path) {
  ASSIGN_OR_RETURN(const auto keys, identity::SuppressionKeys(ring).All(institution));
  SuppressionFile file{institution, {}};
  for (const identity::SuppressionKey& key : keys) {
    file.keys.emplace(key.version, key.key);
  }
  constexpr mode_t kPrivate = 0600;
  return pki::WriteFileDurably(path, FormatSuppressionFile(file).ExposeSecret(), kPrivate);
}

}  // namespace relais::cli
