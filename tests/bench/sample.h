// The messages of the measurements: one typical act of each kind, all of invented people.
#pragma once

#include <string>

#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"

namespace relais::bench {

/// The system that asks, gives and records. The sample directory must hold it.
inline constexpr char kInstitution[] = "ville-paris";
inline constexpr char kSystem[] = "dsol";
inline constexpr char kFunction[] = "assistant-social";
inline constexpr char kAgent[] = "bench-agent";

/// The run of a registry that bench_registry_build made.
inline constexpr char kBuiltRun[] = "size";

/// `run` keeps runs on one store apart.
consent::v1::RegisterRequest RegistrationOf(const std::string& run, uint64_t person);
/// An agreement to what CheckOf asks.
consent::v1::RecordConsentRequest AgreementOf(const std::string& handle, const std::string& request_id);
/// Agreements to something else, of several kinds by `kind`.
consent::v1::RecordConsentRequest OtherAgreementOf(const std::string& handle, const std::string& request_id,
                                                   uint64_t kind);
/// May two categories be transmitted to another institution?
consent::v1::CheckRequest CheckOf(const std::string& handle, bool dry_run);

/// The same question about many.
consent::v1::BatchCheckRequest BatchCheckOf(bool dry_run);

/// What the echo always answers: a recorded permit, of the size the service gives.
consent::v1::CheckResponse EchoedPermit();

}  // namespace relais::bench
