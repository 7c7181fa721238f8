// Finds a NIR (numéro de sécurité sociale) in any text, so that it can be refused: this suite has no right to
// hold one (D-6.5, LIL art. 30). Pure.
#pragma once

#include <string_view>

namespace relais::text {

/// Whether `utf8` holds the 15 characters of a NIR with a valid key: 13 and a key of two digits =
/// 97 − (13 digits mod 97), where 2A counts as 19 and 2B as 18, in either case.
///  - It may start with any digit: provisional and older numbers do.
///  - Between any two characters there may be spaces, no-break spaces (the narrow one too), `.` and `-`,
///  several
///    at once ("…005 - 64"): detecting more is the safe side.
///  - The digits right before and right after it, if any, make it part of a longer number: not a NIR.
[[nodiscard]] bool ContainsNir(std::string_view utf8);

}  // namespace relais::text
