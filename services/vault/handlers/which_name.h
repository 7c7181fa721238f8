// One human under several names (ADR 34, "Two names, two vaults"; ADR 68): under which of them a row lies,
// and that each was looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "services/vault/handlers/access.h"

namespace relais::vault {

/// A row of hers, with the name under which it lies: what is done about it is done there, leaf, keys and
/// quota included.
template <typename Row>
struct UnderName {
  size_t at = 0;            // of the names that were given
  absl::StatusOr<Row> row;  // an error: there is one, or there may be, and it does not open
};

/// `row_of(name)`: absl::StatusOr<std::optional<Row>>. Nullopt: no name has it. What does not open may be it,
/// unless another name has it. An error when the store gives none.
template <typename Name, typename RowOf,
          typename Row = typename std::invoke_result_t<const RowOf&, const Name&>::value_type::value_type>
absl::StatusOr<std::optional<UnderName<Row>>> WhichName(const std::vector<Name>& names, const RowOf& row_of) {
  std::optional<UnderName<Row>> found;
  for (size_t at = 0; at < names.size(); ++at) {
    absl::StatusOr<std::optional<Row>> row = row_of(names[at]);
    if (audit::DoesNotRead(row.status())) {
      found = UnderName<Row>{at, row.status()};
      continue;
    }
    RETURN_IF_ERROR(row.status());
    if (row->has_value()) {
      found = UnderName<Row>{at, **std::move(row)};
      return found;
    }
  }
  return found;
}

/// A row of hers and whose name it lies under.
template <typename Row>
struct Named {
  Id128 name;
  absl::StatusOr<Row> row;  // as UnderName's
};

/// WhichName over all her names, of `Id128`. Mostly it lies under the given one: then nobody asks which
/// others there are, which costs a seek in every table.
template <typename RowOf,
          typename Row = typename std::invoke_result_t<const RowOf&, const Id128&>::value_type::value_type>
absl::StatusOr<std::optional<Named<Row>>> UnderWhichName(const Access& access, const Id128& given,
                                                         const RowOf& row_of) {
  absl::StatusOr<std::optional<Row>> here = row_of(given);
  if (here.ok() && here->has_value()) {
    return Named<Row>{given, **std::move(here)};
  }
  ASSIGN_OR_RETURN(const std::vector<Id128> names, access.NamesOf(given));
  ASSIGN_OR_RETURN(auto found, WhichName(names, row_of));
  if (!found.has_value()) {
    return std::optional<Named<Row>>();
  }
  return Named<Row>{names[found->at], std::move(found->row)};
}

/// WhichName of a paper, of those under which the caller acts for her.
[[nodiscard]] absl::StatusOr<std::optional<UnderName<Stored<v1::StoredDocument>>>> WhichNameHasPaper(
    const VaultStore& store, const std::vector<HostedName>& names, const Id128& document);

/// What is remembered of an act of the caller's about `given`, under whichever of the names it was done:
/// which of them it would be now depends on who is host of what. Nullopt: it comes for the first time.
/// ALREADY_EXISTS / REQUEST_ID_REUSED when it came with other content under one of them.
struct SeenAt {
  Id128 name;
  rpc::Idempotency::Seen seen;
};
[[nodiscard]] absl::StatusOr<std::optional<SeenAt>> SeenUnderAny(
    const VaultStore& store, const std::vector<Id128>& names, const Id128& given, const rpc::Call& call,
    const rpc::Actor& actor, std::string_view method, std::string_view request_id,
    const google::protobuf::Message& content);
[[nodiscard]] std::vector<Id128> PersonsOf(const std::vector<HostedName>& names);

/// Leaves VAULT_LOOKED under each of them, guarded by what lets the caller act for her there. `what` and
/// `document_id` as LookedEvent's. ABORTED (IsCollision) when that has changed: judge anew.
Task<absl::Status> LookedUnder(const Vault& vault, rpc::Call call, std::vector<HostedName> names,
                               std::string what, std::string document_id);

}  // namespace relais::vault
