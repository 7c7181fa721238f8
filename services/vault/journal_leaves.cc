#include "services/vault/journal_leaves.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/audit/readable_leaves.h"
#include "common/base/status.h"
#include "common/storage/value_format.h"
#include "services/vault/domain/journal.h"
#include "services/vault/events.h"

namespace relais::vault {
namespace {

constexpr size_t kIndices = 4096;
constexpr size_t kOpenedAtOnce = 100;
constexpr size_t kRowsAtOnce = 1000;

storage::Partition Listed(const Vault& vault) {
  return vault.context.idempotency.Bucket("vault-maintenance", "", "");
}

// A person's leaves below `below`, ascending.
absl::StatusOr<std::vector<uint64_t>> LeavesOf(const Vault& vault, const Id128& person, uint64_t below) {
  std::vector<uint64_t> out;
  for (uint64_t from = 0; from < below;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                     vault.context.log.LeavesOf(VaultStore::SubjectOf(person), from, kIndices));
    for (const uint64_t index : some) {
      if (index < below) {
        out.push_back(index);
      }
    }
    from = some.size() < kIndices ? below : some.back() + 1;
  }
  return out;
}

// The leaf of the first paper among a person's leaves: one of the first, as a rule. nullopt: she has none
// yet. Who never had a key of papers is not looked for.
absl::StatusOr<std::optional<uint64_t>> FirstPaper(const Vault& vault, const Id128& person,
                                                   const std::vector<uint64_t>& leaves) {
  const auto usage = vault.store.Usage(person);
  if (usage.ok() && usage->value.key_generation() == 0) {
    return std::optional<uint64_t>();
  }
  for (size_t at = 0; at < leaves.size(); at += kOpenedAtOnce) {
    const size_t end = std::min(leaves.size(), at + kOpenedAtOnce);
    const std::vector<uint64_t> block(leaves.begin() + static_cast<std::ptrdiff_t>(at),
                                      leaves.begin() + static_cast<std::ptrdiff_t>(end));
    ASSIGN_OR_RETURN(const auto read, audit::OpenReadable(vault.context.log, block));
    for (const audit::OpenedLeaf& leaf : read.leaves) {
      if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED) {
        return std::optional(leaf.index);
      }
    }
  }
  return std::optional<uint64_t>();
}

// Ascending, from `from` on. What does not read of the list is left out: it keeps nobody's journal.
absl::StatusOr<std::vector<uint64_t>> MaintenanceFrom(const Vault& vault, uint64_t from, uint64_t below) {
  std::vector<uint64_t> out;
  std::string key = storage::EncodeBigEndian64(from);
  do {
    const auto page = vault.context.store.Scan(Listed(vault), "", key, kRowsAtOnce);
    if (absl::IsDataLoss(page.status())) {
      return out;
    }
    RETURN_IF_ERROR(page.status());
    for (const storage::KeyedEntry& row : page->entries) {
      const auto index = storage::DecodeBigEndian64(row.key);
      if (index.ok() && *index < below) {
        out.push_back(*index);
      }
    }
    key = page->next;
  } while (!key.empty());
  return out;
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> JournalLeaves(const Vault& vault, const std::vector<Id128>& names,
                                                    uint64_t below) {
  std::vector<uint64_t> out;
  std::optional<uint64_t> first;
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOf(vault, name, below));
    ASSIGN_OR_RETURN(const std::optional<uint64_t> paper, FirstPaper(vault, name, leaves));
    if (paper.has_value()) {
      first = std::min(*paper, first.value_or(*paper));
    }
    out.insert(out.end(), leaves.begin(), leaves.end());
  }
  if (first.has_value()) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> maintenance, MaintenanceFrom(vault, *first, below));
    out.insert(out.end(), maintenance.begin(), maintenance.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool IsMaintenance(const audit::FollowedLeaf& leaf) {
  return IsOfNobody(leaf.header.event_class()) && leaf.header.commitment().empty();  // no subject's
}

storage::CommitRequest ListMaintenance(const Vault& vault, uint64_t index) {
  storage::CommitRequest commit;
  commit.partition = Listed(vault);
  commit.batch.push_back({storage::EncodeBigEndian64(index), std::string("1")});
  return commit;
}

}  // namespace relais::vault
