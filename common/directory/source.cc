#include "common/directory/source.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/directory/lint.h"
#include "common/pki/file.h"

namespace relais::directory {
namespace {

constexpr char kRememberedHeader[] = "relais-directory-remembered/1";
constexpr size_t kMaxYaml = size_t{8} << 20;
constexpr size_t kMaxSignature = 4096;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

struct Remembered {
  uint64_t version = 0;
  std::string sha256;  // hexadecimal
};

std::string HexDigest(const std::string& yaml) { return absl::BytesToHexString(crypto::Sha256(yaml)); }

absl::StatusOr<ArchivedDirectory> ReadSigned(const std::string& path) {
  ArchivedDirectory text;
  ASSIGN_OR_RETURN(text.yaml, pki::ReadWholeFile(path, kMaxYaml));
  ASSIGN_OR_RETURN(text.signature, pki::ReadWholeFile(path + ".sig", kMaxSignature));
  return text;
}

// nullopt on the very first start. A damaged memory is an error, not a first start: it would let an old
// version in.
absl::StatusOr<std::optional<Remembered>> ReadRemembered(const std::string& path) {
  const auto text = pki::ReadWholeFile(path, kMaxSignature);
  if (absl::IsNotFound(text.status())) {
    return std::nullopt;
  }
  if (!text.ok()) {
    return text.status();
  }
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  Remembered remembered;
  if (lines.size() != 4 || lines[0] != kRememberedHeader || !lines[1].starts_with("version ") ||
      !absl::SimpleAtoi(lines[1].substr(8), &remembered.version) || !lines[2].starts_with("sha256 ")) {
    return absl::DataLossError(
        absl::StrCat(path, " is damaged: restore it, or the newest directory ever served"));
  }
  remembered.sha256 = lines[2].substr(7);
  return remembered;
}

absl::Status WriteRemembered(const std::string& path, const Remembered& remembered) {
  return pki::WriteFileDurably(
      path,
      absl::StrCat(kRememberedHeader, "\nversion ", remembered.version, "\nsha256 ", remembered.sha256, "\n"),
      kFileMode);
}

absl::Status CheckNotBack(const std::optional<Remembered>& remembered, const Remembered& offered) {
  if (!remembered.has_value() || offered.version > remembered->version) {
    return absl::OkStatus();
  }
  if (offered.version < remembered->version) {
    return absl::FailedPreconditionError(absl::StrCat("the directory's version ", offered.version,
                                                      " is older than version ", remembered->version,
                                                      ", which was served already"));
  }
  if (offered.sha256 != remembered->sha256) {
    return absl::FailedPreconditionError(absl::StrCat("the directory's version ", offered.version,
                                                      " was served already with another content"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectorySource>> DirectorySource::Open(Options options) {
  // The constructor is private.
  std::unique_ptr<DirectorySource> source(new DirectorySource(std::move(options)));
  RETURN_IF_ERROR(pki::MakeFolder(source->options_.archive_dir, kFolderMode));
  RETURN_IF_ERROR(source->Reload());
  return source;
}

absl::Status DirectorySource::Reload() {
  const std::lock_guard<std::mutex> one_at_a_time(reload_mutex_);
  ASSIGN_OR_RETURN(ArchivedDirectory text, ReadSigned(options_.path));
  // The signature first: nothing unsigned is even parsed.
  RETURN_IF_ERROR(VerifySigned(text.yaml, text.signature, options_.root_keys).status());
  ASSIGN_OR_RETURN(Directory parsed, ParseAndLint(text.yaml));
  const Remembered offered{parsed.version(), HexDigest(text.yaml)};
  auto remembered = ReadRemembered(options_.remembered_path);
  RETURN_IF_ERROR(remembered.status());
  RETURN_IF_ERROR(CheckNotBack(*remembered, offered));
  RETURN_IF_ERROR(Archive(offered.version, text));
  if (!remembered->has_value() || offered.version > (*remembered)->version) {
    RETURN_IF_ERROR(WriteRemembered(options_.remembered_path, offered));
  }
  auto served = std::make_shared<const Directory>(std::move(parsed));
  const std::lock_guard<std::mutex> lock(mutex_);
  current_ = std::move(served);
  current_text_ = std::move(text);
  return absl::OkStatus();
}

std::shared_ptr<const Directory> DirectorySource::Current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

ArchivedDirectory DirectorySource::CurrentSigned() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_text_;
}

absl::StatusOr<ArchivedDirectory> DirectorySource::Archived(uint64_t version) const {
  auto text = ReadSigned(ArchivePath(version));
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("no version ", version, " of the directory in the archive"));
  }
  RETURN_IF_ERROR(text.status());
  RootKeys keys = options_.retired_keys;
  keys.insert(options_.root_keys.begin(), options_.root_keys.end());
  RETURN_IF_ERROR(VerifySigned(text->yaml, text->signature, keys).status());
  return text;
}

std::string DirectorySource::ArchivePath(uint64_t version) const {
  return absl::StrCat(options_.archive_dir, "/", version, ".yaml");
}

absl::Status DirectorySource::Archive(uint64_t version, const ArchivedDirectory& text) const {
  const std::string path = ArchivePath(version);
  const auto present = ReadSigned(path);
  if (present.ok() && present->yaml == text.yaml && present->signature == text.signature) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(pki::WriteFileDurably(path, text.yaml, kFileMode));
  return pki::WriteFileDurably(path + ".sig", text.signature, kFileMode);
}

}  // namespace relais::directory
