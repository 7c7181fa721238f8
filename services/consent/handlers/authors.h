// Whose act a leaf says that it is. An institution's DPO reads the leaves of its own acts, each with the
// institution's handle of whom it is about: so no institution is the author of a leaf about somebody it has
// no record of, and the other names of one human are such (ADR 24).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "services/consent/store.h"

namespace relais::consent {

inline constexpr char kRegistry[] = "service/consent";

/// This registry's own event, of no act of anybody else.
audit::Event OwnEvent(const rpc::ServiceContext& context, audit::v1::EventClass event_class,
                      const Id128& event_id);
/// The same act as the registry's own, addressed to nobody; who acted stays for who may read everything.
audit::Event AsRegistrys(audit::Event event);
/// Whether that institution has a record of her.
absl::StatusOr<bool> HasRecord(const Files& files, const Id128& person, const std::string& institution);
/// The event about each of them: its author's where that institution has a record of her, the registry's
/// otherwise. Where it has none of any, one more about nobody, so that its own DPO reads of the act.
absl::StatusOr<std::vector<audit::Event>> AboutEach(const Files& files, const audit::Event& event,
                                                    const std::vector<Id128>& persons);

}  // namespace relais::consent
