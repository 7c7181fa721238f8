// What institutions said of a person's status: that she died, that she moved, that she is not to be grouped
// (D-5.6). Pure.
//
// Each institution's word is kept apart, and no other is told who said what. Death is a fact: whoever meets
// her alive takes back everybody's word. "Do not group" protects: only who said it takes it back, and one
// word is enough. None of it decides on a disclosure (ADR 0023).
#pragma once

#include <string_view>

#include "relais/consent/v1/person_service.pb.h"
#include "relais/consent/v1/person_state.pb.h"

namespace relais::consent {

/// True for the changes that are of a day.
[[nodiscard]] bool HasDay(v1::StatusChange change);

/// `day` is read only where HasDay.
void ApplyStatus(std::string_view institution, v1::StatusChange change, const common::v1::Date& day,
                 v1::StoredStatus& status);

/// One institution's own word.
[[nodiscard]] v1::PersonStatus StatusSaidBy(const v1::StoredStatus& status, std::string_view institution);
/// Everybody's together under one name: the last day said; one "do not group" is enough. Of a human who has
/// several names: status_of_names.h.
[[nodiscard]] v1::PersonStatus StatusOf(const v1::StoredStatus& status);

}  // namespace relais::consent
