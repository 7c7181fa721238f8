// What the note format needs of Unicode: is it UTF-8, and does it hold a space.
#pragma once

#include <string_view>

namespace relais::merkle::internal {

/// Well-formed UTF-8 (no overlong forms, no surrogates) without control characters below U+0020 except
/// newline.
[[nodiscard]] bool IsNoteText(std::string_view text);

/// A key name: not empty, well-formed, no control character, no Unicode space, no '+'.
[[nodiscard]] bool IsKeyName(std::string_view name);

}  // namespace relais::merkle::internal
