// Text that others wrote, made harmless for a page. Pure.
#pragma once

#include <string>
#include <string_view>

namespace relais::receipt {

/// Without control characters and without the characters that turn writing around (U+200E, U+200F, U+202A to
/// U+202E, U+2066 to U+2069), ends of lines as spaces; what is no UTF-8 as U+FFFD.
[[nodiscard]] std::string Clean(std::string_view text);
/// Clean, and `&`, `<`, `>`, `"`, `'` escaped: fit for content and for quoted attributes.
[[nodiscard]] std::string Escape(std::string_view text);

}  // namespace relais::receipt
