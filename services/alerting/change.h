// Read, change, commit, and again when somebody was faster: the one way an alert changes.
#pragma once

#include <functional>

#include "services/alerting/store.h"

namespace relais::alerting {

/// True: changed, to be written with an ALERT_CHANGED leaf. May be called more than once, each time with the
/// alert as it is then and `settling` empty.
using AlertChange = std::function<absl::StatusOr<bool>(v1::AlertState&)>;

/// The alert after it. NOT_FOUND when there is none (erased, or never raised).
Task<absl::StatusOr<v1::AlertState>> ChangeAlert(const rpc::ServiceContext& context,
                                                 const AlertingStore& store, Id128 alert, AlertChange change);
/// Raises an alert; an existing one is left as it is.
Task<absl::Status> RaiseAlert(const rpc::ServiceContext& context, const AlertingStore& store, Id128 alert,
                              v1::AlertState state);
/// A call of alerting's own, for leaves that no caller caused.
rpc::Call OwnCall(const rpc::ServiceContext& context);

}  // namespace relais::alerting
