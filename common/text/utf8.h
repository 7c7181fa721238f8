// Text as institutions send it: UTF-8 checked strictly, trimmed, brought to NFC, measured in code points.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relais::text {

[[nodiscard]] bool IsAscii(std::string_view bytes);

/// Well-formed UTF-8 as Unicode defines it: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool IsUtf8(std::string_view bytes);

/// Without the U+0020 and U+00A0 at either end, and nothing else: a tab stays. Never turns ill-formed bytes
/// into well-formed ones.
[[nodiscard]] std::string_view Trim(std::string_view utf8);

/// Code points of well-formed UTF-8.
[[nodiscard]] size_t CodePoints(std::string_view utf8);

/// Whether `utf8` (well-formed) is already in NFC. Quick for ASCII and for Latin text.
[[nodiscard]] bool IsNfc(std::string_view utf8);
/// The NFC form of well-formed UTF-8.
[[nodiscard]] std::string ToNfc(std::string_view utf8);

/// Each ill-formed part (as Unicode's "maximal subpart") becomes U+FFFD. `replaced` tells whether there was
/// one.
[[nodiscard]] std::string ReplaceIllFormed(std::string_view bytes, bool& replaced);

/// Decodes windows-1252. The five bytes that code page leaves undefined (81, 8D, 8F, 90, 9D) are kept as they
/// are, which is never well-formed UTF-8: a later check still refuses them.
[[nodiscard]] std::string DecodeWindows1252(std::string_view bytes);

/// Appends one code point (a Unicode scalar value) as UTF-8.
void AppendCodePoint(std::string& out, char32_t code_point);

/// Decodes the code point at the start of `utf8` (well-formed, not empty) and removes it.
[[nodiscard]] char32_t TakeCodePoint(std::string_view& utf8);

}  // namespace relais::text
