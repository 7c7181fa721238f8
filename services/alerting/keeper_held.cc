// What a legal hold copies of alerting's state (common/audit/holds.h).
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/keeper.h"

namespace relais::alerting {
namespace {

constexpr std::string_view kRecordKey = "record";
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
  subjects.reserve(records.size() + 1);
  for (const Id128& record : records) {
    subjects.push_back(AlertingStore::SubjectOf(record));
  }
  const Id128 vaults = store_.VaultRecordOf(person.id);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> reminded,
                   context_.store.Get(AlertingStore::RecordPartition(vaults), kRecordKey));
  if (reminded.has_value()) {
    subjects.push_back(AlertingStore::SubjectOf(vaults));
  }
  return subjects;
}

// At a collective address the record is not hers alone: of it she has the row under which she was registered,
// its alert, and the leaves that name these.
absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOfPerson(const Id128& person) const {
  std::vector<audit::v1::HeldState> states;
  ASSIGN_OR_RETURN(const std::vector<Id128> names, store_.RecordsOf(person));
  for (const Id128& name : names) {
    ASSIGN_OR_RETURN(const std::vector<Stored<v1::ReferenceClaim>> claims,
                     store_.Claims({{storage::PartitionKind::kIndexBucket, name}}));
    const absl::StatusOr<Id128> record = Id128::FromBytes(claims[0].value.record());
    if (!record.ok()) {
      continue;  // a record: a subject of its own
    }
    const std::string key = absl::StrCat(std::string(AlertingStore::kRowPrefix), name.ToBytes());
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                     context_.store.Get(AlertingStore::RecordPartition(*record), key));
    if (!entry.has_value()) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<v1::RowState> row, store_.OpenFrozenRow(*record, key, entry->value));
    if (!row.has_value()) {
      continue;
    }
    Add(absl::StrCat(std::string(AlertingStore::kRowPrefix), name.ToHex()), *row, states);
    std::string alert_id;
    if (const absl::StatusOr<Id128> alert = Id128::FromBytes(row->alert()); alert.ok()) {
      ASSIGN_OR_RETURN(const std::optional<v1::AlertState> state, store_.FrozenAlert(*record, *alert));
      if (state.has_value() && state->row() == name.ToBytes()) {
        alert_id = alert->ToHex();
        Add("alert/" + alert_id, *state, states);
      }
    }
    RETURN_IF_ERROR(AddLeavesNaming(*record, name, alert_id, states));
  }
  return states;
}

absl::Status Keeper::AddLeavesNaming(const Id128& record, const Id128& row, const std::string& alert,
                                     std::vector<audit::v1::HeldState>& states) const {
  uint64_t from = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> indices,
                     context_.log.LeavesOf(AlertingStore::SubjectOf(record), from, kPageSize));
    if (indices.empty()) {
      return absl::OkStatus();
    }
    from = indices.back() + 1;
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> leaves, context_.log.OpenAt(indices));
    for (const audit::OpenedLeaf& leaf : leaves) {
      v1::SignalAccepted accepted;
      v1::AlertChanged changed;
      const google::protobuf::Any& payload = leaf.details.payload();
      if ((payload.UnpackTo(&accepted) && accepted.row_id() == row.ToBytes()) ||
          (payload.UnpackTo(&changed) && !alert.empty() && changed.alert_id() == alert)) {
        Add(absl::StrCat("leaf/", leaf.index), leaf.details, states);
      }
    }
  }
}

absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOf(const audit::Subject& subject) {
  if (subject.kind == audit::Subject::Kind::kPerson) {
    return StateOfPerson(subject.id);
  }
  std::vector<audit::v1::HeldState> states;
  ASSIGN_OR_RETURN(const std::optional<v1::RecordState> record, store_.FrozenRecord(subject.id));
  if (record.has_value()) {
    Add("record", *record, states);
  }
  std::set<Id128> alerts;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     context_.store.Scan(AlertingStore::RecordPartition(subject.id),
                                         AlertingStore::kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const std::optional<v1::RowState> row,
                       store_.OpenFrozenRow(subject.id, entry.key, entry.entry.value));
      if (!row.has_value()) {
        continue;
      }
      ASSIGN_OR_RETURN(const Id128 id, AlertingStore::RowOf(entry.key));
      Add(absl::StrCat(std::string(AlertingStore::kRowPrefix), id.ToHex()), *row, states);
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
