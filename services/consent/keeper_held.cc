// What a legal hold copies of the registry's state (common/audit/holds.h).
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/person_state.pb.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "services/consent/contacts.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/rights_rows.h"
#include "services/consent/handlers/status_handlers.h"
#include "services/consent/handlers/withheld_rows.h"
#include "services/consent/keeper.h"
#include "services/consent/teams.h"

namespace relais::consent {
namespace {

constexpr size_t kPageSize = 200;
constexpr size_t kNameDigits = 8;

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
      {kMetKey, v1::StoredContact::default_instance()},
      {kWithheldPrefix, v1::StoredReview::default_instance()},
      {kStatusKey, v1::StoredStatus::default_instance()},
  };
  for (const SealedRow& row : kRows) {
    if (key.starts_with(row.key)) {
      return &row.type;
    }
  }
  return nullptr;
}

absl::StatusOr<v1::StoredPerson> OwnHistory(Registry& registry, const Id128& person) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(person), kStateKey));
  v1::StoredPerson stored;
  if (entry) {
    const absl::Status opened = registry.store.OpenFrozen(person, kStateKey, entry->value, stored);
    if (!absl::IsNotFound(opened)) {
      RETURN_IF_ERROR(opened);
    }
  }
  return stored;
}

// Whether that history has this link in its list, going on: until then, and afterwards, whom it freezes is
// another human as far as anybody can say.
bool Lists(const v1::StoredPerson& canonical, const std::string& link) {
  return std::any_of(canonical.links().begin(), canonical.links().end(), [&link](const v1::StoredLink& each) {
    return each.link_id() == link && each.until() == 0;
  });
}

// Everybody else who is one human with her; also while she is being erased.
absl::StatusOr<std::vector<Id128>> OtherNamesOf(Registry& registry, const Id128& person) {
  std::vector<Id128> names;
  ASSIGN_OR_RETURN(v1::StoredPerson stored, OwnHistory(registry, person));
  if (stored.has_linked_to()) {
    ASSIGN_OR_RETURN(const Id128 canonical, Id128::FromBytes(stored.linked_to().canonical_id()));
    const std::string link = stored.linked_to().link_id();
    ASSIGN_OR_RETURN(stored, OwnHistory(registry, canonical));
    if (!Lists(stored, link)) {
      return names;
    }
    names.push_back(canonical);
  }
  for (const v1::StoredLink& link : stored.links()) {
    ASSIGN_OR_RETURN(const Id128 linked, Id128::FromBytes(link.person_id()));
    if (link.until() == 0 && linked != person) {
      names.push_back(linked);
    }
  }
  return names;
}

// Whose key seals a row, and under which key: of a person who is linked, rows stand under her name.
struct NamedRow {
  Id128 name;
  std::string key;
};
absl::StatusOr<NamedRow> NameOf(const Id128& holder, const std::string& key) {
  if (!key.starts_with(kNamesPrefix)) {
    return NamedRow{holder, key};
  }
  ASSIGN_OR_RETURN(const Id128 name, Id128::FromBytes(key.substr(kNamesPrefix.size(), Id128::kSize)));
  return NamedRow{name, key.substr(NamePrefix(name).size())};
}

}  // namespace

absl::StatusOr<std::optional<std::vector<audit::Subject>>> Keeper::NamesOf(const audit::Subject& person) {
  ASSIGN_OR_RETURN(const std::vector<Id128> names, OtherNamesOf(registry_, person.id));
  std::vector<audit::Subject> subjects;
  subjects.reserve(names.size());
  for (const Id128& name : names) {
    subjects.push_back(PersonSubject(name));
  }
  return std::optional(std::move(subjects));
}

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
      ASSIGN_OR_RETURN(const NamedRow named, NameOf(subject.id, row.key));
      const google::protobuf::Message* const type = TypeOf(named.key);
      if (type == nullptr) {
        continue;
      }
      const std::unique_ptr<google::protobuf::Message> content(type->New());
      const absl::Status opened =
          registry_.store.OpenFrozen(named.name, named.key, row.entry.value, *content);
      if (absl::IsNotFound(opened)) {
        continue;
      }
      RETURN_IF_ERROR(opened);
      audit::v1::HeldState& state = states.emplace_back();
      // Told apart by a beginning: the whole id is nobody's to see.
      state.set_name(named.name == subject.id
                         ? named.key
                         : absl::StrCat(named.key, "/of/", named.name.ToHex().substr(0, kNameDigits)));
      state.mutable_content()->PackFrom(*content);
    }
    from = page.next;
  } while (!from.empty());
  return states;
}

}  // namespace relais::consent
