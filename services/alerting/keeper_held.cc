// What a legal hold copies of alerting's state (common/audit/holds.h).
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/alerting/keeper.h"

namespace relais::alerting {
namespace {

constexpr std::string_view kRowPrefix = "row/";
constexpr size_t kPageSize = 200;

void Add(std::string name, const google::protobuf::Message& content,
         std::vector<audit::v1::HeldState>& states) {
  audit::v1::HeldState& state = states.emplace_back();
  state.set_name(std::move(name));
  state.mutable_content()->PackFrom(content);
}

}  // namespace

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& person) {
  ASSIGN_OR_RETURN(const std::vector<Id128> records, store_.RecordsOf(person.id));
  std::vector<audit::Subject> subjects;
  subjects.reserve(records.size());
  for (const Id128& record : records) {
    subjects.push_back(AlertingStore::SubjectOf(record));
  }
  return subjects;
}

absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOf(const audit::Subject& subject) {
  std::vector<audit::v1::HeldState> states;
  if (subject.kind != audit::Subject::Kind::kSenderRecord) {
    return states;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::RecordState> record, store_.FrozenRecord(subject.id));
  if (record.has_value()) {
    Add("record", *record, states);
  }
  std::set<Id128> alerts;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(AlertingStore::RecordPartition(subject.id),
                                                                   kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const std::optional<v1::RowState> row,
                       store_.OpenFrozenRow(subject.id, entry.key, entry.entry.value));
      if (!row.has_value()) {
        continue;
      }
      ASSIGN_OR_RETURN(const Id128 id,
                       Id128::FromBytes(std::string_view(entry.key).substr(kRowPrefix.size())));
      Add(absl::StrCat(std::string(kRowPrefix), id.ToHex()), *row, states);
      if (const absl::StatusOr<Id128> alert = Id128::FromBytes(row->alert()); alert.ok()) {
        alerts.insert(*alert);
      }
    }
    from = page.next;
  } while (!from.empty());
  for (const Id128& id : alerts) {
    ASSIGN_OR_RETURN(const std::optional<v1::AlertState> alert, store_.FrozenAlert(subject.id, id));
    if (alert.has_value()) {
      Add("alert/" + id.ToHex(), *alert, states);
    }
  }
  return states;
}

}  // namespace relais::alerting
