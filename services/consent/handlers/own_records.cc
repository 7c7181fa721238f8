#include "services/consent/handlers/own_records.h"

#include <optional>

#include "common/base/status.h"
#include "services/consent/domain/status.h"
#include "services/consent/handlers/status_handlers.h"
#include "services/consent/status_of_names.h"

namespace relais::consent {

absl::StatusOr<v1::StoredStatus> ReadStatus(Registry& registry, const Id128& person) {
  const std::string key(kStatusKey);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(person), key));
  v1::StoredStatus status;
  if (entry) {
    RETURN_IF_ERROR(registry.store.Open(person, key, entry->value, status));
  }
  return status;
}

absl::StatusOr<Id128> PersonOfIdentifier(Registry& registry, const std::string& institution,
                                         const std::string& own_identifier) {
  ASSIGN_OR_RETURN(const std::optional<Id128> person,
                   registry.store.ReadClaim(registry.store.OwnIdentifierBucket(institution, own_identifier)));
  if (!person) {
    return rpc::NoSuchOrNotYours();
  }
  return *person;
}

absl::StatusOr<v1::ResolveResponse> OwnRecord(Registry& registry, const rpc::Call& call,
                                              const rpc::Actor& actor, const Id128& person) {
  ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> record,
                   registry.store.ReadRecord(person, actor.institution));
  if (!record) {
    return rpc::NoSuchOrNotYours();
  }
  v1::ResolveResponse response;
  *response.mutable_person() = rpc::RefFor(registry.context, call, person);
  response.set_own_identifier(record->own_identifier());
  *response.mutable_traits() = record->traits();
  *response.mutable_more_identifiers() = record->more_identifiers();
  v1::PersonStatus status;
  if (call.caller.is_service()) {
    ASSIGN_OR_RETURN(status, StatusOfHuman(registry, person));
  } else {
    ASSIGN_OR_RETURN(const v1::StoredStatus stored, ReadStatus(registry, person));
    status = StatusSaidBy(stored, actor.institution);
  }
  if (status.ByteSizeLong() != 0) {
    *response.mutable_status() = status;
  }
  return response;
}

}  // namespace relais::consent
