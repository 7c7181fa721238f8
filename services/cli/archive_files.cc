#include "services/cli/archive_files.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr char kStandardOutput[] = "-";

// A link that leads nowhere too.
bool IsThere(const std::string& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found;
}

bool Collide(const std::string& one, const std::string& other) {
  return NameOneFile(one, other) || NameOneFile(PrivateFile::PartialOf(one), other) ||
         NameOneFile(one, PrivateFile::PartialOf(other));
}

absl::Status CheckApart(const ArchivePaths& paths) {
  std::vector<std::string> named;
  for (const std::string& path : {paths.archive, paths.key, paths.proof}) {
    if (path.empty() || path == kStandardOutput) {
      continue;
    }
    for (const std::string& other : named) {
      if (Collide(other, path)) {
        return absl::InvalidArgumentError(absl::StrCat("one would be written over the other: ", other,
                                                       " and ", path, " are to be two files"));
      }
    }
    named.push_back(path);
  }
  return absl::OkStatus();
}

absl::Status WriteAside(const std::string& path, std::string_view text, std::optional<PrivateFile>& file) {
  if (path.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(PrivateFile begun, PrivateFile::Begin(path));
  file.emplace(std::move(begun));
  return file->Write(text);
}

}  // namespace

absl::Status CheckArchivePaths(const ArchivePaths& paths) {
  RETURN_IF_ERROR(CheckApart(paths));
  for (const std::string& path : {paths.key, paths.archive, paths.proof}) {
    if (!path.empty() && path != kStandardOutput && IsThere(path)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path,
                       " is there: an export writes over no archive, key or proof, since what a key opened "
                       "or a proof proved is lost with it; name another file"));
    }
  }
  return absl::OkStatus();
}

ArchiveFiles::ArchiveFiles(ArchivePaths paths, PrivateFile archive)
    : paths_(std::move(paths)), archive_(std::move(archive)) {}

absl::StatusOr<ArchiveFiles> ArchiveFiles::Begin(ArchivePaths paths) {
  RETURN_IF_ERROR(CheckArchivePaths(paths));
  ASSIGN_OR_RETURN(PrivateFile archive, PrivateFile::Begin(paths.archive));
  return ArchiveFiles(std::move(paths), std::move(archive));
}

absl::Status ArchiveFiles::WriteKey(std::string_view text) { return WriteAside(paths_.key, text, key_); }

absl::Status ArchiveFiles::WriteProof(std::string_view text) {
  return WriteAside(paths_.proof, text, proof_);
}

absl::Status ArchiveFiles::Finish() {
  RETURN_IF_ERROR(archive_.Sync());
  for (std::optional<PrivateFile>* each : {&key_, &proof_}) {
    if (each->has_value()) {
      RETURN_IF_ERROR((*each)->Sync());
    }
  }
  // An export takes long, and so may a disk: what came meanwhile is named before anything takes its name.
  RETURN_IF_ERROR(CheckArchivePaths(paths_));
  // Whoever reads standard output may go away: nothing is proved that did not go out.
  const bool goes_out = paths_.archive == kStandardOutput;
  if (goes_out) {
    RETURN_IF_ERROR(archive_.Finish());
  }
  for (std::optional<PrivateFile>* each : {&key_, &proof_}) {
    if (each->has_value()) {
      RETURN_IF_ERROR((*each)->Finish(PrivateFile::Over::kNothing));
    }
  }
  return goes_out ? absl::OkStatus() : archive_.Finish(PrivateFile::Over::kNothing);
}

void ArchiveFiles::Remove() {
  archive_.Remove();  // first: it never lies there without what opens and proves it
  for (std::optional<PrivateFile>* each : {&key_, &proof_}) {
    if (each->has_value()) {
      (*each)->Remove();
    }
  }
}

}  // namespace relais::cli
