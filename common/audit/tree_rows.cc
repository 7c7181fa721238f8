#include "common/audit/tree_rows.h"

#include <bit>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/proofs.h"

namespace relais::audit::internal {

using storage::LogTable;

std::string NodeKey(const merkle::NodeId& id) {
  const uint32_t height = (id.level - 1) % kTileLevels + 1;  // above the tile's base
  const uint64_t base = id.index << height;                  // the first node of the base that is under it
  const uint64_t before = base % (uint64_t{1} << kTileLevels);
  // Over n nodes of the base n - popcount(n) subtrees are complete; then come those under this one, and
  // itself.
  const uint64_t place = before - std::popcount(before) + (uint64_t{1} << height) - 2;
  std::string key(1, static_cast<char>(TileLevel(id.level)));
  AppendBigEndian64(key, base >> kTileLevels);
  key.push_back(static_cast<char>(place));
  return key;
}

absl::StatusOr<uint64_t> TreeRows::Size() const {
  ASSIGN_OR_RETURN(const std::optional<storage::Store::LogEntry> last, store_.LogLast(LogTable::kLeaves));
  if (!last.has_value()) {
    return 0;
  }
  if (last->key.size() != sizeof(uint64_t)) {
    return absl::DataLossError("log: malformed leaf index");
  }
  return ReadBigEndian64(last->key) + 1;
}

absl::StatusOr<std::string> TreeRows::Leaf(uint64_t index) const {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, store_.LogGet(LogTable::kLeaves, IndexKey(index)));
  if (!bytes.has_value()) {
    return absl::DataLossError(absl::StrCat("log: leaf ", index, " is missing"));
  }
  return *std::move(bytes);
}

absl::StatusOr<merkle::Hash> TreeRows::Node(const merkle::NodeId& id) const {
  if (id.level == 0) {
    ASSIGN_OR_RETURN(const std::string leaf, Leaf(id.index));
    return merkle::HashLeaf(leaf);
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_.LogGet(LogTable::kNodes, NodeKey(id)));
  if (!row.has_value() || row->size() != merkle::kHashSize) {
    return absl::DataLossError(absl::StrCat("log: node ", id.index, " of level ", id.level, " is missing"));
  }
  return merkle::HashFromBytes(*row);
}

merkle::NodeReader TreeRows::Reader() const {
  return [this](merkle::NodeId id) { return Node(id); };
}

absl::StatusOr<merkle::Frontier> TreeRows::Range(uint64_t size) const {
  return merkle::Frontier::Load(size, Reader());
}

absl::StatusOr<std::vector<merkle::Hash>> TreeRows::Inclusion(uint64_t index, uint64_t size) const {
  return merkle::BuildInclusionProof(index, size, Reader());
}

absl::StatusOr<std::vector<merkle::Hash>> TreeRows::Consistency(uint64_t old_size, uint64_t new_size) const {
  return merkle::BuildConsistencyProof(old_size, new_size, Reader());
}

}  // namespace relais::audit::internal
