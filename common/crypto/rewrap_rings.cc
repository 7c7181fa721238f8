#include "common/crypto/rewrap_rings.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/file_key_ring.h"

namespace relais::crypto {
namespace {

struct Opened {
  std::unique_ptr<FileKeyRing> ring;
  bool done = false;  // under the new master
};

absl::StatusOr<Opened> OpenWithEither(const std::string& path, const Secret& old_master,
                                      const Secret& new_master, Random& random) {
  auto ring = FileKeyRing::Open(path, old_master, random);
  if (ring.ok()) {
    return Opened{*std::move(ring), false};
  }
  if (!absl::IsFailedPrecondition(ring.status())) {
    return ring.status();
  }
  ring = FileKeyRing::Open(path, new_master, random);
  if (absl::IsFailedPrecondition(ring.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("key ring ", path, ": neither the old master nor the new one opens it"));
  }
  RETURN_IF_ERROR(ring.status());
  return Opened{*std::move(ring), true};
}

}  // namespace

absl::StatusOr<std::vector<RewrappedRing>> RewrapRings(const std::vector<std::string>& paths,
                                                       const Secret& old_master, const Secret& new_master,
                                                       Random& random) {
  if (ConstantTimeEqual(old_master.ExposeSecret(), new_master.ExposeSecret())) {
    return absl::InvalidArgumentError("the new master is the old one");
  }
  std::vector<Opened> rings;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(Opened opened, OpenWithEither(path, old_master, new_master, random));
    rings.push_back(std::move(opened));
  }
  std::vector<RewrappedRing> out;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!rings[i].done) {
      RETURN_IF_ERROR(rings[i].ring->Rewrap(new_master));
    }
    out.push_back({paths[i], rings[i].ring->List().size(), !rings[i].done});
  }
  return out;
}

}  // namespace relais::crypto
