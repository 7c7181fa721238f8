// Where a request about a person is remembered: under the name that it names, and nowhere else. Of who is
// linked, in the partition that guards her, in a row of hers by name (Store, RowKey): it goes with her at a
// split, as everything under her name does, and is hers alone, so that another name's request of the same id
// is another request (ADR 24).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/rpc/idempotency.h"
#include "google/protobuf/message.h"
#include "services/consent/store.h"

namespace relais::consent {

/// `root`: whose partition guards her now; the key of what is seen is one of that partition. Rows from before
/// she was linked are in her own. REQUEST_ID_REUSED.
absl::StatusOr<rpc::Idempotency::Seen> LookUnderName(const rpc::ServiceContext& context, const Id128& root,
                                                     const Id128& person, std::string_view owner,
                                                     std::string_view method, std::string_view request_id,
                                                     const google::protobuf::Message& content);

/// Whether a row that says that something was made is there, written under this name.
absl::StatusOr<bool> IsThere(const rpc::ServiceContext& context, const Id128& root, const Id128& person,
                             const std::string& key);

}  // namespace relais::consent
