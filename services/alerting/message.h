// From an accepted row to what is asked of the consent registry and sent through routing: exactly the fields
// that the row's ground allows (D-1.5, D-4.3, D-4.4a). Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/calendar/paris.h"
#include "common/directory/directory.h"
#include "common/feeds/row.h"
#include "relais/alerting/v1/state.pb.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "relais/routing/v1/routing_service.pb.h"
#include "services/alerting/domain/alert_state.h"

namespace relais::alerting {

/// The row as it was accepted, parsed again; DATA_LOSS when it no longer is well-formed.
absl::StatusOr<feeds::Row> ParsedRow(const v1::RowState& state);

/// True at an address that the directory flags as collective (hotel, shelter, domiciliation): there a sender
/// record is not one person (architecture, "Sender records").
bool AtCollectiveAddress(const directory::Directory& directory, const feeds::Row& row);

// What consent and routing are asked keeps every rule of their fields (proto/), whatever an accepted row
// holds: what cannot be the day of birth or of a period that it is written as, or is no telephone number or
// name of a town there, is left out, as unknown. A repetition says the same: all of it comes from the row and
// the instant at which it was accepted.

/// What is known of her, for registration.
consent::v1::Traits TraitsOf(const feeds::Row& row, const v1::RowState& state, const calendar::Paris& paris);

/// The submission, but for request id, person and correlation. Its purpose is that of the directory's
/// protocol for this sender, signal and event. Signs of a special category are left out where only her oral
/// agreement, which is not explicit, carries the report (D-2.7, D-4.8). Of an exercise the codes alone.
routing::v1::SubmitRequest SubmissionOf(const feeds::Row& row, const std::string& institution,
                                        const v1::RowState& state, const directory::Directory& directory,
                                        const calendar::Paris& paris);

/// True for a report that stands on something consent must be told first: her oral agreement, or break-glass.
bool StandsOnRecordedGround(const feeds::Row& row, const calendar::Paris& paris);

/// Her oral agreement to a brigade's report, limited to it: its purpose, the competent desk's institution
/// (D-4.4a). It dates from the intervention, when she gave it, however late the report comes: a no that she
/// said since stands (D-2.6.2). nullopt when she did not give one, or it is over at `now`, three months
/// later.
std::optional<consent::v1::RecordConsentRequest> OralAgreementOf(
    const feeds::Row& row, const std::string& institution, const v1::RowState& state,
    const directory::Directory& directory, const std::string& desk_institution, const calendar::Paris& paris,
    absl::Time now);

/// Break-glass: unable and serious (D-2.6.6). nullopt otherwise.
std::optional<consent::v1::DeclareRequest> EmergencyOf(const feeds::Row& row,
                                                       const std::string& desk_institution);

/// What settles a bill, told on the ground of what was told before (D-1.12).
routing::v1::SubmitRequest SettlementOf(const feeds::EdfRow& settling, Settled settled,
                                        const feeds::Row& told, const std::string& institution,
                                        const v1::RowState& told_state, const directory::Directory& directory,
                                        const calendar::Paris& paris);

/// French, then English.
std::string SettledNote(const feeds::EdfRow& settling, Settled settled);

}  // namespace relais::alerting
