// Rotation of a master: every ring file under it is sealed anew under another (ADR 34). No key changes, so
// nothing that is sealed under a ring's keys does.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/base/secret.h"

namespace relais::crypto {

struct RewrappedRing {
  std::string path;
  size_t keys = 0;        // that it has; destroyed ones do not count
  bool rewrapped = true;  // false: it was under the new master already
};

/// Of ring files, a ring and its copy, say: each on its own, one after another (FileKeyRing::Rewrap). All are
/// opened before the first is changed. After a failure or a kill each of them opens with exactly one of the
/// two masters, and the same call again does the rest.
///
/// FAILED_PRECONDITION when one opens with neither; INVALID_ARGUMENT when the masters are the same; otherwise
/// FileKeyRing's errors, which name the file. Services that have a ring open must be stopped, or are
/// restarted with the new master afterwards.
[[nodiscard]] absl::StatusOr<std::vector<RewrappedRing>> RewrapRings(const std::vector<std::string>& paths,
                                                                     const Secret& old_master,
                                                                     const Secret& new_master,
                                                                     Random& random);

}  // namespace relais::crypto
