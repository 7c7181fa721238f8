// The settings `handles.*`: under which generation an institution's handles are made, and which other is
// still understood.
//
//   handles:
//     generation: 1
//     institutions:
//       edf: {generation: 2, retiring: 1, retiring_until: "2027-06-30T00:00:00Z"}
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/config.h"
#include "common/crypto/key_ring.h"
#include "common/directory/directory.h"
#include "common/identity/handle.h"

namespace relais::rpc {

/// Under `handles`, for every institution without an entry of its own: `generation` (1 to 65535; 1),
/// `retiring` (likewise; 0, the default: none) and with it, never alone, `retiring_until` (RFC 3339,
/// exclusive). Under `handles.institutions.<id>` the same of that one, in place of all three; there
/// `generation` is required. INVALID_ARGUMENT naming the first key whose value does not fit the others or is
/// no instant; what is missing or no number is the config's to report (Config::Finish).
[[nodiscard]] absl::StatusOr<identity::HandlePolicy> ReadHandlePolicy(Config& config);

/// That the directory has every institution with an entry, and the ring every generation's key. The error
/// names the key of the settings: INVALID_ARGUMENT for the institution, for the generation as KeyRing::Get.
[[nodiscard]] absl::Status CheckHandlePolicy(const identity::HandlePolicy& policy,
                                             const directory::Directory& directory,
                                             const crypto::KeyRing& ring);

}  // namespace relais::rpc
