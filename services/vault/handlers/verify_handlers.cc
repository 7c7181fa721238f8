#include "services/vault/handlers/verify_handlers.h"

#include <optional>
#include <string>
#include <utility>

#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/reading_right.h"
#include "services/vault/handlers/which_name.h"
#include "services/vault/paper_check.h"

namespace relais::vault {
namespace {

// Under which name a paper was checked.
struct CheckedUnder {
  HostedName name;
  std::optional<PaperCheck> check;  // nullopt: neither the vault nor the log has it under any
};

// First where its record lies; of one whose record is gone the log of each name is asked.
Task<absl::StatusOr<CheckedUnder>> CheckUnder(const Vault& vault, std::vector<HostedName> names,
                                              Id128 document) {
  CO_ASSIGN_OR_RETURN(const auto found, WhichNameHasPaper(vault.store, names, document));
  if (found.has_value()) {
    std::swap(names.front(), names[found->at]);
  }
  const CheckOptions options;
  for (const HostedName& name : names) {
    auto checked = co_await CheckPaper(vault, name.person, document, options);
    CO_RETURN_IF_ERROR(checked.status());
    if (checked->has_value()) {
      co_return CheckedUnder{name, *std::move(checked)};
    }
  }
  co_return CheckedUnder{names.front(), std::nullopt};
}

}  // namespace

Task<absl::StatusOr<v1::VerifyResponse>> VerifyHandlers::Verify(rpc::Call call, v1::VerifyRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(request.document_id()));
  const Attempt attempt{v1::JournalEntry::ACT_VERIFIED, request.document_id()};
  CO_ASSIGN_OR_RETURN(const auto names, co_await vault_.access.RequireHostedNames(call, person, attempt));
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    absl::Status closed = StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
    const absl::Status refused = co_await vault_.access.Refused(call, person, attempt, std::move(closed));
    co_return refused;
  }
  const auto under = co_await CheckUnder(vault_, names, document);
  if (!under.ok()) {
    absl::Status why = AsDamage(under.status());
    const absl::Status refused = co_await vault_.access.Refused(call, person, attempt, std::move(why));
    co_return refused;
  }
  const std::optional<PaperCheck>& checked = under->check;
  if (checked.has_value() && checked->checks.empty() && checked->document.version == 0) {
    // Nothing says what it should be, nor that there is none.
    const absl::Status refused = co_await vault_.access.Refused(call, person, attempt, Papers::Damaged());
    co_return refused;
  }
  if (!checked.has_value() || (checked->destroyed() && checked->checks.empty())) {
    absl::Status why =
        checked.has_value() ? WrongState("the paper", "DESTROYED", "be verified") : rpc::NoSuchOrNotYours();
    const absl::Status refused = co_await vault_.access.Refused(call, person, attempt, std::move(why));
    co_return refused;
  }
  const Acting acting{call, actor, "", under->name.person, kAsHost};
  const std::optional<HostGuard> guard = HostGuard{call.caller.institution, under->name.host.version};
  const absl::StatusOr<storage::CommitResult> done =
      co_await WriteChecks(vault_, acting, document, *checked, std::string(), guard);
  if (absl::IsNotFound(done.status()) || audit::IsErased(done.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  if (!done.ok()) {
    co_return AsDamage(done.status());
  }
  v1::VerifyResponse response;
  for (const v1::VersionCheck& check : checked->checks) {
    *response.add_versions() = check;
  }
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenOf(vault_.context, done->leaves, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
