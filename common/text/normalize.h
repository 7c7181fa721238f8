// The normaliser of the sender record key: two spellings of one name or address become one text (D-1.6).
// Pure.
//
// Compatibility decomposition, marks removed, œ→OE æ→AE ß→SS, upper case; every run of anything but A–Z and
// 0–9 becomes one space; trimmed. Letters without decomposition (ø, ł, other scripts) become a space.
#pragma once

#include <string>
#include <string_view>

namespace relais::text {

/// Names and postal codes. `utf8` must be well-formed. "D’Alméïda-Łask" gives "D ALMEIDA ASK".
[[nodiscard]] std::string NormalizeName(std::string_view utf8);

/// Addresses: as NormalizeName, then abbreviations that are whole words are written out: AV AVE→AVENUE,
/// BD BLD BVD→BOULEVARD, R→RUE (second word only), PL→PLACE, FG FBG→FAUBOURG, IMP→IMPASSE, PASS→PASSAGE,
/// SQ→SQUARE, ALL→ALLEE, ST→SAINT, STE→SAINTE. "12 bd. de l'Hôpital" gives "12 BOULEVARD DE L HOPITAL".
[[nodiscard]] std::string NormalizeAddress(std::string_view utf8);

}  // namespace relais::text
