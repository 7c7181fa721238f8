// Telephone numbers, brought to one spelling for matching. Pure.
#pragma once

#include <string>
#include <string_view>

namespace relais::identity {

/// "+" and digits: "06 12 34 56 78", "0033612345678", "+33 (0)6.12.34.56.78" and "612345678" (a spreadsheet
/// ate the zero) are "+33612345678". Numbers of other countries need + or 00. Empty for what is no
/// subscriber's number: another character than digits and separators, a wrong length, the last eight digits
/// all equal (a filler).
[[nodiscard]] std::string NormalizePhone(std::string_view text);

}  // namespace relais::identity
