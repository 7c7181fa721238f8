// The scopes over this log that were proposed or granted at run time.
//
// One index bucket, key "s/" ‖ scope id (32 hexadecimal digits), value 0x01 ‖ relais.audit.v1.ScopeState; the
// leaf of each change is in the same commit. Rows of scopes that ended or lapsed kKeptAfterEnd ago go with
// the next proposal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/service_context.h"
#include "common/storage/store.h"
#include "relais/audit/v1/audit_query.pb.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::rpc {

inline constexpr absl::Duration kLongestScope = absl::Hours(24 * 90);
inline constexpr absl::Duration kProposalLife = absl::Hours(24 * 7);
inline constexpr absl::Duration kKeptAfterEnd = absl::Hours(24 * 90);

struct StoredScope {
  audit::v1::ScopeState state;
  uint64_t version = 0;
};

/// By when a proposal must be approved.
[[nodiscard]] absl::Time ApproveBy(const audit::v1::ScopeState& state);
[[nodiscard]] audit::v1::Scope::State StateAt(const audit::v1::ScopeState& state, absl::Time now);

[[nodiscard]] storage::Partition ScopePartition(const ServiceContext& context);
[[nodiscard]] storage::Mutation PutScope(const audit::v1::ScopeState& state);
[[nodiscard]] std::string ScopeKey(std::string_view scope_id);

/// nullopt: there is none.
[[nodiscard]] absl::StatusOr<std::optional<StoredScope>> GetScope(const ServiceContext& context,
                                                                  std::string_view scope_id);
[[nodiscard]] absl::StatusOr<std::vector<audit::v1::ScopeState>> ReadScopes(const ServiceContext& context);

}  // namespace relais::rpc
