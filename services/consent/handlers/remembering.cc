#include "services/consent/handlers/remembering.h"

#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/remembered_row.h"

namespace relais::consent {

absl::StatusOr<rpc::Idempotency::Seen> LookUnderName(const rpc::ServiceContext& context, const Id128& root,
                                                     const Id128& person, std::string_view owner,
                                                     std::string_view method, std::string_view request_id,
                                                     const google::protobuf::Message& content) {
  ASSIGN_OR_RETURN(
      rpc::Idempotency::Seen seen,
      context.idempotency.Look(context.store, PersonPartition(person), owner, method, request_id, content));
  if (root == person) {
    return seen;
  }
  seen.key = RowKey(root, person, seen.key);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(PersonPartition(root), seen.key));
  if (entry) {  // of since she was linked
    ASSIGN_OR_RETURN(seen.answer, rpc::AnswerIn(entry->value, seen.digest));
  }
  return seen;
}

absl::StatusOr<bool> IsThere(const rpc::ServiceContext& context, const Id128& root, const Id128& person,
                             const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> own, context.store.Get(PersonPartition(person), key));
  if (own || root == person) {
    return own.has_value();
  }
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> here,
                   context.store.Get(PersonPartition(root), RowKey(root, person, key)));
  return here.has_value();
}

}  // namespace relais::consent
