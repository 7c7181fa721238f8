// Where a legal hold's rows stand and what they are sealed for (holds.h). Private to common/audit.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/audit/event.h"
#include "common/base/id128.h"
#include "common/base/secret.h"
#include "common/crypto/sha256.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

inline constexpr std::string_view kHoldRow = "hold";
inline constexpr std::string_view kHeldItemPrefix = "i/";
inline constexpr std::string_view kHeldNamePrefix = "s/";

[[nodiscard]] inline storage::Partition HoldPartition(const Id128& id) {
  return {storage::PartitionKind::kHold, id};
}
/// Associated data of a sealed row: it opens nowhere else.
[[nodiscard]] inline std::string HoldContext(const Id128& id, std::string_view row) {
  return absl::StrCat("relais hold v1|", HoldPartition(id).Encode(), "|", std::string(row));
}
/// Under which key the item of that name stands: tells the name to nobody without the hold's key.
[[nodiscard]] inline std::string HeldItemKey(const Secret& key, std::string_view name) {
  return absl::StrCat(std::string(kHeldItemPrefix), crypto::HmacSha256(key, name));
}
/// Where it stands that another person is covered too. Likewise.
[[nodiscard]] inline std::string HeldNameKey(const Secret& key, const Subject& person) {
  return absl::StrCat(std::string(kHeldNamePrefix),
                      crypto::HmacSha256(key, absl::StrCat("name/", person.Encode())));
}

}  // namespace relais::audit::internal
