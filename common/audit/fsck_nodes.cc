#include "common/audit/fsck_nodes.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/audit/tree_rows.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"

namespace relais::audit::internal {
namespace {

using merkle::Node;
using merkle::NodeId;
using storage::LogTable;

constexpr size_t kPage = 1000;
constexpr uint32_t kFirstBytes = 256;

std::string NameOf(const NodeId& id) { return absl::StrCat("node ", id.index, " of level ", id.level); }

}  // namespace

absl::StatusOr<storage::Store::LogEntry*> NodeRowCheck::Peek(uint32_t tile_level) {
  Tiles& tiles = tiles_[tile_level];
  if (tiles.page.empty() && !tiles.ended) {
    const std::string prefix(1, static_cast<char>(tile_level));
    ASSIGN_OR_RETURN(std::vector<storage::Store::LogEntry> rows,
                     store_.LogScan(LogTable::kNodes, prefix, tiles.next, kPage));
    if (rows.empty()) {
      tiles.ended = true;
    } else {
      tiles.next = rows.back().key + std::string(1, '\0');
      tiles.page.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    }
  }
  return tiles.page.empty() ? nullptr : &tiles.page.front();
}

void NodeRowCheck::Unexpected(const storage::Store::LogEntry& row) {
  findings_.Add(absl::StrCat("nodes row ", crypto::HexEncode(row.key)), "belongs to no node of the tree");
}

absl::Status NodeRowCheck::Expect(const Node& node) {
  const std::string key = NodeKey(node.id);
  const uint32_t tile_level = TileLevel(node.id.level);
  while (true) {
    ASSIGN_OR_RETURN(const storage::Store::LogEntry* const row, Peek(tile_level));
    if (row == nullptr || row->key > key) {
      findings_.Add(NameOf(node.id), "missing");
      return absl::OkStatus();
    }
    if (row->key < key) {
      Unexpected(*row);
      Pop(tile_level);
      continue;
    }
    if (row->value.size() != merkle::kHashSize) {
      findings_.Add(NameOf(node.id), absl::StrCat("has ", row->value.size(), " bytes, not a hash"));
    } else if (row->value != merkle::AsBytes(node.hash) && differ_.size() < Findings::kMostFindings) {
      differ_.insert(node.id);
    }
    Pop(tile_level);
    return absl::OkStatus();
  }
}

absl::Status NodeRowCheck::Finish(uint64_t proven) {
  for (uint32_t first = 0; first < kFirstBytes; ++first) {
    while (true) {
      ASSIGN_OR_RETURN(const storage::Store::LogEntry* const row, Peek(first));
      if (row == nullptr) {
        break;
      }
      Unexpected(*row);
      Pop(first);
    }
  }
  Judge(proven);
  return absl::OkStatus();
}

void NodeRowCheck::Judge(uint64_t proven) {
  for (const NodeId& id : differ_) {
    const uint64_t end = (id.index + 1) << id.level;
    const bool parent_differs = differ_.count({id.level + 1, id.index / 2}) > 0;
    const bool child_differs = id.level > 1 && (differ_.count({id.level - 1, 2 * id.index}) > 0 ||
                                                differ_.count({id.level - 1, 2 * id.index + 1}) > 0);
    if (end <= proven || (id.level > 1 && !child_differs)) {
      findings_.Add(NameOf(id), "is not the hash of what is below it");
    } else if (id.level == 1 && parent_differs) {
      findings_.Add(absl::StrCat("leaf ", 2 * id.index, " or ", 2 * id.index + 1),
                    "is not the one that was logged: the nodes above say otherwise");
    } else if (id.level == 1) {
      findings_.Add(absl::StrCat(NameOf(id), ", leaf ", 2 * id.index, " or leaf ", 2 * id.index + 1),
                    "one of them was altered: they do not fit");
    }
  }
}

}  // namespace relais::audit::internal
