// Between rows on the wire, rows as judged, and rows as kept.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/feeds/dossier.h"
#include "common/feeds/form.h"
#include "common/feeds/judge.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "relais/alerting/v1/state.pb.h"
#include "relais/common/v1/types.pb.h"

namespace relais::alerting {

/// INVALID_ARGUMENT when one of them says nothing.
absl::Status CheckRows(const google::protobuf::RepeatedPtrField<v1::FeedRow>& rows);
std::vector<v1::FeedRow> TakeRows(google::protobuf::RepeatedPtrField<v1::FeedRow>* rows);

feeds::FeedType TypeOf(v1::FeedType type);
/// The raw row that a wire row stands for; malformed when it is not of that format.
feeds::RawRow RawOf(v1::FeedType type, v1::FeedRow row);

common::v1::Date ToDate(absl::CivilDay day);
absl::CivilDay FromDate(const common::v1::Date& date);

v1::DossierState ToState(const feeds::Dossier& dossier);
feeds::Dossier FromState(const v1::DossierState& dossier);
std::vector<feeds::Dossier> DossiersOf(const v1::RecordState& record);

v1::RowResult ResultOf(uint64_t line, const feeds::Outcome& outcome);
/// A refusal for form: reason and field.
v1::RowResult RefusedForForm(uint64_t line, const feeds::FormResult& form);

/// What contents of rows are hashed as, by the intake and by the sender's machine.
inline constexpr std::string_view kContentKind = "row";

/// "LETTRE_1", "COUPURE", "DISTRESS_REPORT"…
std::string EventOf(const feeds::Row& row);
const std::string& ReferenceOf(const feeds::Row& row);

}  // namespace relais::alerting
