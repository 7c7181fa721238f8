// What every handler of the registry works with.
#pragma once

#include <algorithm>
#include <functional>
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
  /// True: an agreement on a notice that is not in the register is refused.
  bool notices_required = false;
  /// False: no two persons are found, nor made, to be one human (ADR 24).
  bool links = false;
  /// How long after it was due an institution is shown that it did not say what became of an erasure
  /// (D-2.10).
  int erasure_notice_months = 3;
  [[nodiscard]] Files files() const { return {context, store}; }
  /// Whether who helps her is known up to now, by routing's log; empty: never (D-2.6.4).
  std::function<bool()> teams_known = {};
};

/// OK, or WRONG_STATE: this registry makes no two persons one.
inline absl::Status LinksAreOn(const Registry& registry) {
  return registry.links
             ? absl::OkStatus()
             : rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                            "this registry links nobody: links.enabled is off");
}

/// The instants of the domain have whole microseconds, as stored.
inline absl::Time WholeMicros(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }

/// Of a listing: 50 unless said, at most 1000.
inline size_t PageSize(uint32_t asked) { return asked == 0 ? 50 : std::min<size_t>(asked, 1000); }

/// The `acting` of a request, or null.
template <typename Request>
const common::v1::Acting* ActingOf(const Request& request) {
  return request.has_acting() ? &request.acting() : nullptr;
}

}  // namespace relais::consent
