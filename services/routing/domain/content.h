// What a message says, as far as the rules need to know it.
#pragma once

#include <string_view>
#include <vector>

#include "common/directory/directory.h"
#include "relais/routing/v1/content.pb.h"

namespace relais::routing {

/// The categories of the directory that a typed content holds: consent is asked about these, so a request
/// must name them. Empty for a note, whose words only its author can judge.
std::vector<std::string_view> CategoriesIn(const v1::Content& content);

/// D-2.7: some of the categories, or each of at least one, is data on offences in the directory.
bool HasOffenceData(const directory::Directory& directory,
                    const google::protobuf::RepeatedPtrField<std::string>& categories);
bool HasOffenceDataAlone(const directory::Directory& directory,
                         const google::protobuf::RepeatedPtrField<std::string>& categories);

/// True of a reminder of what is in her vault or was asked of her there: it goes on her agreement alone, no
/// other ground lets it (D-3.1).
bool GoesOnHerAgreementAlone(const v1::Content& content);
/// True of what only who acts for her in her vault may read: it stays within the institution that sends it.
bool StaysWithWhoActsForHer(const v1::Content& content);

/// The mark of a report from which signs were withheld.
inline constexpr std::string_view kSignsWithheld = "SIGNES_RETENUS";

/// Removes signs of a special category, and those the directory does not have. On an agreement it cannot be
/// told that she agreed to them explicitly (D-2.7, D-4.8). True when there were any.
bool WithholdSpecialSigns(const directory::Directory& directory, v1::Content& content);

/// Leaves codes alone: nothing that tells of anybody. What an exercise carries, whoever submits it.
void LeaveCodesAlone(const directory::Directory& directory, v1::Content& content);

}  // namespace relais::routing
