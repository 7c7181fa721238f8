// Small drawings for those who do not read, 24 by 24, in the colour of the text. Our own.
#pragma once

#include <string>
#include <string_view>

namespace relais::receipt {

/// An SVG element, hidden from screen readers, which have the words beside it; empty for an unknown name.
[[nodiscard]] std::string Pictogram(std::string_view name);

}  // namespace relais::receipt
