#include "services/cli/root_key.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/sign.h"
#include "common/pki/file.h"

namespace relais::cli {
namespace {
constexpr size_t kMostBytes = size_t{1} << 20;
}  // namespace

absl::StatusOr<std::string> RootKeyName(const ClientSettings& settings, const crypto::VerifyKey& key) {
  if (settings.keys.empty()) {
    return absl::FailedPreconditionError(
        "give the root key's name with --name, or the list it is in with RELAIS_KEYS");
  }
  const absl::StatusOr<std::string> text = pki::ReadWholeFile(settings.keys, kMostBytes);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read '", settings.keys, "': give the root key's name with --name"));
  }
  ASSIGN_OR_RETURN(const directory::RootKeys roots, directory::ParseRootKeys(*text));
  for (const auto& [name, root] : roots) {
    if (root.bytes() == key.bytes()) {
      return name;
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this key is not in ", settings.keys,
                   ": services would refuse its signature. With --name it is made all the same"));
}

}  // namespace relais::cli
