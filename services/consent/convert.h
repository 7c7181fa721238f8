// Between messages and the domain's values. No rule here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/identity/traits.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/timestamp.pb.h"
#include "relais/common/v1/types.pb.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/state.pb.h"
#include "services/consent/domain/acts.h"
#include "services/consent/domain/person_state.h"

namespace relais::consent {

using ProtoLines = google::protobuf::RepeatedPtrField<v1::ConsentLine>;

std::vector<Line> LinesFrom(const ProtoLines& lines);
void LinesTo(const std::vector<Line>& lines, ProtoLines& out);

/// Nullopt when that day does not exist.
std::optional<absl::CivilDay> DayFrom(const common::v1::Date& date);
absl::Time TimeFrom(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp TimeTo(absl::Time time);
/// As stored; InfinitePast is 0.
int64_t Micros(absl::Time time);
absl::Time FromMicros(int64_t micros);

identity::Traits TraitsFrom(const v1::Traits& traits);

/// Frozen acts stand elsewhere and are left out, but for who asks how much all of it is.
v1::StoredPerson StoredFrom(const PersonState& state, bool with_frozen = false);
/// DATA_LOSS when an id is no id.
absl::StatusOr<PersonState> StateFrom(const v1::StoredPerson& stored);
/// The same where what agreements cover is kept elsewhere: asked for by their place in it, in order.
using LinesOfAgreement = absl::FunctionRef<Lines(int)>;
absl::StatusOr<PersonState> StateFrom(const v1::StoredPerson& stored, LinesOfAgreement lines_of);

}  // namespace relais::consent
