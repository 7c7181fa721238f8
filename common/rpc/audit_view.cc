#include "common/rpc/audit_view.h"

#include "common/base/status.h"
#include "common/rpc/scope_store.h"

namespace relais::rpc {
namespace {

const directory::AuditorScope* ScopeOf(const Caller& caller, const directory::Directory& directory,
                                       std::string_view scope) {
  for (const directory::AuditorScope& each : directory.content().auditors) {
    if (each.institution == caller.institution && each.system == caller.system && each.scope == scope) {
      return &each;
    }
  }
  return nullptr;
}

bool Holds(const directory::AuditorScope* scope, absl::Time now) {
  return scope != nullptr && (!scope->until || now <= *scope->until);
}

absl::StatusOr<bool> GrantedAtRunTime(const ServiceContext& context, const Caller& caller,
                                      const directory::Directory& directory, absl::Time now) {
  // The directory of today: who takes the role away ends the scope too.
  const directory::Institution* institution = directory.FindInstitution(caller.institution);
  const directory::System* system = institution == nullptr ? nullptr : institution->FindSystem(caller.system);
  if (system == nullptr || !system->HasRole("AUDITOR")) {
    return false;
  }
  ASSIGN_OR_RETURN(const std::vector<audit::v1::ScopeState> scopes, ReadScopes(context));
  for (const audit::v1::ScopeState& scope : scopes) {
    if (scope.institution() == caller.institution && scope.system() == caller.system &&
        StateAt(scope, now) == audit::v1::Scope::STATE_IN_FORCE) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool HasSuiteScope(const Caller& caller, const directory::Directory& directory, absl::Time now) {
  return Holds(ScopeOf(caller, directory, "SUITE"), now);
}

absl::StatusOr<AuditView> ViewOf(const ServiceContext& context, const Caller& caller) {
  if (caller.is_service()) {
    return AuditView{AuditView::Kind::kAll, ""};
  }
  const std::shared_ptr<const directory::Directory> directory = context.directory();
  const absl::Time now = context.log.Now();
  if (HasSuiteScope(caller, *directory, now) || Holds(ScopeOf(caller, *directory, "AUTHORITY"), now)) {
    return AuditView{AuditView::Kind::kAll, ""};
  }
  ASSIGN_OR_RETURN(const bool granted, GrantedAtRunTime(context, caller, *directory, now));
  if (granted) {
    return AuditView{AuditView::Kind::kAll, ""};
  }
  if (Holds(ScopeOf(caller, *directory, "OWN_INSTITUTION"), now)) {
    return AuditView{AuditView::Kind::kOwn, caller.institution};
  }
  return AuditView();
}

absl::Status NoScope() {
  return Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_ROLE,
                 "neither the directory nor a grant gives this system a scope over this log");
}

bool ShowsActor(const AuditView& view, const audit::v1::LeafHeader& header) {
  return view.kind == AuditView::Kind::kAll ||
         (view.kind == AuditView::Kind::kOwn && header.institution() == view.institution);
}

std::optional<common::v1::PersonRef> Readdress(const ServiceContext& context, const AuditView& view,
                                               audit::v1::LeafDetails& details) {
  if (view.kind == AuditView::Kind::kAll || !details.has_subject()) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(details.subject().id());
  details.mutable_subject()->clear_id();
  if (!id.ok() || details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  return HandleFor(context, view.institution, *id);
}

audit::Event LogReadEvent(const Call& call, const audit::v1::LogRead& read) {
  audit::Event event = EventOf(call, {call.caller.institution, call.caller.function, call.caller.agent},
                               audit::v1::EVENT_CLASS_LOG_READ, "");
  event.details.mutable_payload()->PackFrom(read);
  return event;
}

}  // namespace relais::rpc
