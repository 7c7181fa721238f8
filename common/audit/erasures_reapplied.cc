// Erasures that the journal has and a restored store has not: the part of Erasures that makes them again.
#include <utility>

#include "common/audit/erasure_rows.h"
#include "common/audit/erasures.h"
#include "common/audit/meta_rows.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

using storage::LogTable;

constexpr size_t kScan = 500;

}  // namespace

// The subjects of this store that the journal has beyond what was applied here, by erasure.
absl::StatusOr<std::map<Id128, std::vector<Subject>>> Erasures::Missing(uint64_t applied) const {
  std::map<std::string, Id128> hashes;
  const std::vector<ErasureJournal::Entry>& entries = journal_->entries();
  for (size_t i = applied; i < entries.size(); ++i) {
    if (!pending_.contains(entries[i].erasure)) {
      hashes.emplace(entries[i].hash, entries[i].erasure);
    }
  }
  std::map<Id128, std::vector<Subject>> missing;
  std::string from;
  while (!hashes.empty()) {
    ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                     store_.LogScan(LogTable::kSubjectKeys, "", from, kScan));
    if (rows.empty()) {
      break;
    }
    for (const storage::Store::LogEntry& row : rows) {
      from = row.key + '\0';
      ASSIGN_OR_RETURN(const Subject subject, Subject::Decode(row.key));
      const auto found = hashes.find(journal_->HashOf(subject));
      if (found != hashes.end() && !SubjectKeys::IsTombstone(row.value)) {
        missing[found->second].push_back(subject);
      }
    }
  }
  return missing;
}

Task<absl::Status> Erasures::BeginAgain(Id128 id, std::vector<Subject> subjects) {
  Pending pending;
  pending.stored.set_erasure_id(id.ToBytes());
  pending.stored.set_cause(kRestored);
  for (const Subject& subject : subjects) {
    pending.stored.add_subjects(subject.Encode());
    log_.keys().Freeze(subject);
  }
  std::vector<storage::LogRow> rows;
  rows.push_back(MetaRow(ErasingKey(id), pending.stored));
  std::vector<storage::LeafDraft> drafts = Rows(std::move(rows));
  const absl::StatusOr<storage::CommitResult> noted = co_await CommitThere(store_, std::move(drafts));
  CO_RETURN_IF_ERROR(noted.status());
  std::lock_guard lock(mu_);
  pending_.emplace(id, std::move(pending));
  journalled_.insert(id);
  co_return absl::OkStatus();
}

Task<absl::Status> Erasures::Reapply() {
  CO_ASSIGN_OR_RETURN(auto applied, ReadMeta<audit::v1::StoredJournal>(store_, kJournalKey));
  const uint64_t known = journal_->entries().size();
  if (!journal_->kept() || applied.entries() == known) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const auto missing, Missing(applied.entries()));
  if (!missing.empty()) {
    log::Warn("this store is an older one: erasures of the journal are made again before it serves",
              {log::Field::Count("erasures", static_cast<int64_t>(missing.size()))});
  }
  for (const auto& [id, subjects] : missing) {
    const absl::Status begun = co_await BeginAgain(id, subjects);
    CO_RETURN_IF_ERROR(begun);
    const absl::Status erased = co_await EraseOne(id);
    CO_RETURN_IF_ERROR(erased);
  }
  // Those that were under way are in the journal too: they end as they would have.
  applied.set_entries(known);
  std::vector<storage::LogRow> rows;
  rows.push_back(MetaRow(std::string(kJournalKey), applied));
  std::vector<storage::LeafDraft> drafts = Rows(std::move(rows));
  const absl::StatusOr<storage::CommitResult> done = co_await CommitThere(store_, std::move(drafts));
  co_return done.status();
}

}  // namespace relais::audit::internal
