#include "common/rpc/scope_store.h"

#include <algorithm>

#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::rpc {
namespace {

constexpr char kFormat = 0x01;
constexpr std::string_view kPrefix = "s/";
constexpr size_t kRowsAtOnce = 1000;

absl::StatusOr<audit::v1::ScopeState> Decode(std::string_view row) {
  audit::v1::ScopeState state;
  if (row.empty() || row.front() != kFormat ||
      !state.ParseFromArray(row.data() + 1, static_cast<int>(row.size() - 1))) {
    return absl::DataLossError("a scope does not parse");
  }
  return state;
}

}  // namespace

absl::Time ApproveBy(const audit::v1::ScopeState& state) {
  return std::min(FromProto(state.until()), FromProto(state.proposed()) + kProposalLife);
}

audit::v1::Scope::State StateAt(const audit::v1::ScopeState& state, absl::Time now) {
  if (state.approved_by().empty()) {
    return now < ApproveBy(state) ? audit::v1::Scope::STATE_PROPOSED : audit::v1::Scope::STATE_LAPSED;
  }
  return now < FromProto(state.until()) ? audit::v1::Scope::STATE_IN_FORCE : audit::v1::Scope::STATE_ENDED;
}

storage::Partition ScopePartition(const ServiceContext& context) {
  return context.idempotency.Bucket("audit-scopes", "", "");
}

std::string ScopeKey(std::string_view scope_id) { return std::string(kPrefix) + std::string(scope_id); }

storage::Mutation PutScope(const audit::v1::ScopeState& state) {
  return {ScopeKey(state.scope_id()), std::string(1, kFormat) + state.SerializeAsString()};
}

absl::StatusOr<std::optional<StoredScope>> GetScope(const ServiceContext& context,
                                                    std::string_view scope_id) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(ScopePartition(context), ScopeKey(scope_id)));
  if (!entry.has_value()) {
    return std::optional<StoredScope>();
  }
  StoredScope stored;
  ASSIGN_OR_RETURN(stored.state, Decode(entry->value));
  stored.version = entry->version;
  return std::optional<StoredScope>(std::move(stored));
}

absl::StatusOr<std::vector<audit::v1::ScopeState>> ReadScopes(const ServiceContext& context) {
  std::vector<audit::v1::ScopeState> scopes;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     context.store.Scan(ScopePartition(context), kPrefix, from, kRowsAtOnce));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(audit::v1::ScopeState state, Decode(entry.entry.value));
      scopes.push_back(std::move(state));
    }
    from = page.next;
  } while (!from.empty());
  return scopes;
}

}  // namespace relais::rpc
