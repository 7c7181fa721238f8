#include "services/alerting/linked_signs.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "common/audit/does_not_read.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "services/alerting/message.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;
constexpr size_t kPageSize = 20;

// D-4.8: a sign of a special category never counts without explicit agreement, and of one alerting knows
// nothing. A bill is a sign. Exercises never count (D-7.2).
bool HasCommonSign(const directory::Directory& directory, const feeds::Row& row) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  if (report == nullptr) {
    return true;
  }
  return !report->exercise &&
         std::any_of(report->signs.begin(), report->signs.end(), [&](const std::string& code) {
           const directory::CodeEntry* sign = directory.FindSign(code);
           return sign != nullptr && !sign->special_category;
         });
}

// Of what does not read no sign counts, and it has none of others': it must hold up neither the leaves of all
// nor anybody's erasure.
void PassedOver(const absl::Status& why) {
  log::Error("a sender record does not read: signs of linked persons go on without it",
             {log::Field::Code(why)});
}

}  // namespace

Task<absl::Status> LinkedSigns::Apply(audit::FollowedLeaf leaf) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> concerned, co_await links_.Apply(std::move(leaf)));
  std::set<Id128> done;
  for (const Id128& person : concerned) {
    if (done.contains(person)) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, links_.NamesOf(person));
    done.insert(names.begin(), names.end());
    const absl::Status noted = co_await Note(names);
    CO_RETURN_IF_ERROR(noted);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LinkedSigns::Changed(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, links_.NamesOf(person));
  if (names.size() == 1) {
    co_return absl::OkStatus();
  }
  const absl::Status noted = co_await Note(names);
  co_return noted;
}

Task<absl::Status> LinkedSigns::RecordChanged(Id128 record) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> persons, store_.PersonsOf(record));
  for (const Id128& person : persons) {
    const absl::Status changed = co_await Changed(person);
    CO_RETURN_IF_ERROR(changed);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LinkedSigns::Forget(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, links_.NamesOf(person));
  const absl::Status forgotten = co_await links_.Forget(person);
  CO_RETURN_IF_ERROR(forgotten);
  for (const Id128& name : names) {
    if (name != person) {
      CO_ASSIGN_OR_RETURN(const std::vector<Id128> left, links_.NamesOf(name));
      const absl::Status noted = co_await Note(left);
      CO_RETURN_IF_ERROR(noted);
    }
  }
  co_return absl::OkStatus();
}

// A record has another's sign when a record of another source with a sign that counts is among them. Somebody
// else may judge at the same time by what was there before: who changed anything looks again.
Task<absl::Status> LinkedSigns::Note(std::vector<Id128> names) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const std::vector<SourceRecord> records, RecordsOf(names));
    bool changed = false;
    for (const SourceRecord& record : records) {
      const bool linked = std::any_of(records.begin(), records.end(), [&](const SourceRecord& other) {
        return other.counts && other.institution != record.institution;
      });
      CO_ASSIGN_OR_RETURN(const bool set, co_await Set(record.id, linked));
      changed = changed || set;
    }
    if (!changed) {
      co_return absl::OkStatus();
    }
  }
  co_return absl::AbortedError("the records of one human change too often");
}

absl::StatusOr<std::vector<LinkedSigns::SourceRecord>> LinkedSigns::RecordsOf(
    const std::vector<Id128>& names) const {
  std::vector<SourceRecord> records;
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(const std::vector<Id128> registered, store_.RecordsOf(name));
    for (const Id128& id : registered) {
      const absl::StatusOr<AlertingStore::CurrentRecord> read = store_.Current(id);
      if (audit::DoesNotRead(read.status())) {
        PassedOver(read.status());
        continue;
      }
      RETURN_IF_ERROR(read.status());
      const AlertingStore::CurrentRecord& current = *read;
      if (current.stored.version == 0 || current.stored.value.institution().empty()) {
        continue;  // a row at a collective address, whose record is not hers alone; or one being erased
      }
      ASSIGN_OR_RETURN(const bool counts, Counts(current.id));
      records.push_back({current.id, current.stored.value.institution(), counts});
    }
  }
  return records;
}

absl::StatusOr<bool> LinkedSigns::Counts(const Id128& record) const {
  const std::shared_ptr<const directory::Directory> directory = context_.directory();
  std::string from;
  do {
    const absl::StatusOr<AlertingStore::RowPage> page = store_.RowsOf(record, from, kPageSize);
    if (audit::DoesNotRead(page.status())) {
      PassedOver(page.status());
      return false;
    }
    RETURN_IF_ERROR(page.status());
    for (const v1::RowState& state : page->rows) {
      const absl::StatusOr<feeds::Row> row = ParsedRow(state);
      if (row.ok() && HasCommonSign(*directory, *row)) {
        return true;
      }
    }
    from = page->next;
  } while (!from.empty());
  return false;
}

// True: it was otherwise.
Task<absl::StatusOr<bool>> LinkedSigns::Set(Id128 record, bool linked) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(AlertingStore::StoredRecord stored, store_.Record(record));
    if (stored.version == 0 || stored.erased.has_value() || stored.value.linked_sign() == linked) {
      co_return false;
    }
    stored.value.set_linked_sign(linked);
    storage::CommitRequest commit;
    const absl::Status put = store_.PutRecord(stored, record, commit);
    if (audit::IsErased(put)) {
      co_return false;
    }
    CO_RETURN_IF_ERROR(put);
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return true;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

}  // namespace relais::alerting
