// Refusing what the directory does not have, by field path.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "common/directory/directory.h"
#include "relais/common/v1/types.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// INVALID_ARGUMENT / UNKNOWN_CODE about a field.
absl::Status UnknownCode(std::string_view field);

absl::Status CheckPurpose(const Rules& rules, std::string_view purpose, std::string_view field);
absl::Status CheckCategory(const Rules& rules, std::string_view category, std::string_view field);
/// The institution exists, and its function if one is named.
absl::Status CheckParty(const directory::Directory& directory, const common::v1::Party& party,
                        std::string_view field);
/// Codes, institutions and kinds of all lines exist; acts are said; together they fit a leaf. `complete`: no
/// list is empty (agreements).
absl::Status CheckLines(const Rules& rules, const ProtoLines& lines, bool complete);
/// INVALID_FIELDS for an institution kind that only sends: it reads nothing, whatever she agrees to (D-2.5).
absl::Status CheckReads(std::string_view kind, std::string_view field);
/// No purpose or category that is out of use on that day, no data on offences (art. 10), special categories
/// only explicitly (D-2.7); no recipient that only sends (D-2.5).
absl::Status CheckMayAgree(const Rules& rules, const ProtoLines& lines, bool explicit_given,
                           absl::CivilDay today);

}  // namespace relais::consent
