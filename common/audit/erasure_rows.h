// The rows in which an erasure is remembered beside the leaves. Private to erasures.cc and
// erasures_reapplied.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/audit/meta_rows.h"
#include "common/base/id128.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// The cause of an erasure that the journal had and a restored store had not.
inline constexpr char kRestored[] = "RESTORE";

[[nodiscard]] inline std::string ErasingKey(const Id128& id) { return MetaKey(kErasingPrefix, id.ToBytes()); }
[[nodiscard]] inline std::string ErasedKey(const Id128& id) { return MetaKey(kErasedPrefix, id.ToBytes()); }

/// A commit's leaves that are none: rows alone.
[[nodiscard]] inline std::vector<storage::LeafDraft> Rows(std::vector<storage::LogRow> rows) {
  std::vector<storage::LeafDraft> drafts;
  drafts.push_back(RowsOnly(std::move(rows)));
  return drafts;
}

}  // namespace relais::audit::internal
