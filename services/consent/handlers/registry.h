// What every handler of the registry works with.
#pragma once

#include <memory>

#include "common/calendar/paris.h"
#include "common/rpc/service_context.h"
#include "services/consent/directory_rules.h"
#include "services/consent/store.h"

namespace relais::consent {

/// Outlives the handlers. Thread-safe.
struct Registry {
  const rpc::ServiceContext& context;
  Store& store;
  RulesCache& rules;
  calendar::Paris paris;
};

/// The instants of the domain have whole microseconds, as stored.
inline absl::Time WholeMicros(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }

/// The `acting` of a request, or null.
template <typename Request>
const common::v1::Acting* ActingOf(const Request& request) {
  return request.has_acting() ? &request.acting() : nullptr;
}

}  // namespace relais::consent
