// What a legal hold copies of the registry's state (common/audit/holds.h).
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/rights_rows.h"
#include "services/consent/keeper.h"
#include "services/consent/teams.h"

namespace relais::consent {
namespace {

constexpr size_t kPageSize = 200;

struct SealedRow {
  std::string_view key;  // or its beginning
  const google::protobuf::Message& type;
};

// Null for a row that says nothing of her: a request remembered.
const google::protobuf::Message* TypeOf(std::string_view key) {
  static const SealedRow kRows[] = {
      {kStateKey, v1::StoredPerson::default_instance()},
      {kRecordPrefix, v1::StoredRecord::default_instance()},
      {kConsentPrefix, v1::Consent::default_instance()},
      {kDutyPrefix, v1::StoredDuty::default_instance()},
      {kRightsPrefix, v1::StoredRights::default_instance()},
      {kTeamKey, v1::StoredTeam::default_instance()},
      {kSentPrefix, v1::StoredDeliveries::default_instance()},
  };
  for (const SealedRow& row : kRows) {
    if (key.starts_with(row.key)) {
      return &row.type;
    }
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& person) {
  std::vector<audit::Subject> subjects;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, registry_.context.store.Scan(PersonPartition(person.id),
                                                                            kRecordPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      v1::StoredRecord record;
      const absl::Status opened = registry_.store.OpenFrozen(person.id, row.key, row.entry.value, record);
      if (absl::IsNotFound(opened)) {
        continue;
      }
      RETURN_IF_ERROR(opened);
      if (record.sender_record().empty()) {
        continue;
      }
      ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(record.sender_record()));
      subjects.push_back({audit::Subject::Kind::kSenderRecord, id});
    }
    from = page.next;
  } while (!from.empty());
  return subjects;
}

absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOf(const audit::Subject& subject) {
  std::vector<audit::v1::HeldState> states;
  if (subject.kind != audit::Subject::Kind::kPerson) {
    return states;
  }
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     registry_.context.store.Scan(PersonPartition(subject.id), "", from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      const google::protobuf::Message* const type = TypeOf(row.key);
      if (type == nullptr) {
        continue;
      }
      const std::unique_ptr<google::protobuf::Message> content(type->New());
      const absl::Status opened = registry_.store.OpenFrozen(subject.id, row.key, row.entry.value, *content);
      if (absl::IsNotFound(opened)) {
        continue;
      }
      RETURN_IF_ERROR(opened);
      audit::v1::HeldState& state = states.emplace_back();
      state.set_name(row.key);
      state.mutable_content()->PackFrom(*content);
    }
    from = page.next;
  } while (!from.empty());
  return states;
}

}  // namespace relais::consent
