#include "services/cli/past_directories.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/parse.h"
#include "common/pki/file.h"
#include "relais/routing/v1/directory_service.grpc.pb.h"

namespace relais::cli {
namespace {

constexpr size_t kMostKeyBytes = size_t{1} << 20;
constexpr size_t kMostVersions = 32;

}  // namespace

absl::StatusOr<std::unique_ptr<PastDirectories>> PastDirectories::Open(Session& session) {
  const absl::StatusOr<std::string> text = pki::ReadWholeFile(session.settings().keys, kMostKeyBytes);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read the directory's root keys, '", session.settings().keys, "' (RELAIS_KEYS)"));
  }
  ASSIGN_OR_RETURN(directory::RootKeys roots, directory::ParseRootKeys(*text));
  return std::unique_ptr<PastDirectories>(new PastDirectories(session, std::move(roots)));
}

absl::StatusOr<std::shared_ptr<const directory::Directory>> PastDirectories::Fetch(uint64_t version) {
  using Service = routing::v1::DirectoryService;
  routing::v1::GetVersionRequest request;
  request.set_version(version);
  ASSIGN_OR_RETURN(const auto answer, session_.Call<Service>(&Service::Stub::GetVersion, request));
  RETURN_IF_ERROR(directory::VerifySigned(answer.directory(), answer.signature(), roots_).status());
  ASSIGN_OR_RETURN(directory::Directory parsed, directory::ParseDirectory(answer.directory()));
  if (parsed.version() != version) {
    return absl::DataLossError(absl::StrCat("directory version ", version, " says it is ", parsed.version()));
  }
  return std::make_shared<const directory::Directory>(std::move(parsed));
}

std::shared_ptr<const directory::Directory> PastDirectories::At(uint64_t version) {
  if (version == 0) {
    return nullptr;  // to the service, 0 is the one in force
  }
  if (const auto found = versions_.find(version); found != versions_.end()) {
    return found->second;
  }
  if (versions_.size() >= kMostVersions) {
    versions_.erase(versions_.begin());  // logs name them in ascending order
  }
  absl::StatusOr<std::shared_ptr<const directory::Directory>> fetched = Fetch(version);
  if (!fetched.ok() && !absl::IsNotFound(fetched.status())) {
    status_.Update(fetched.status());
  }
  return versions_[version] = fetched.ok() ? *std::move(fetched) : nullptr;
}

}  // namespace relais::cli
