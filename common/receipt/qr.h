// QR codes of receipt codes, as dots and as a picture. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::receipt {

struct QrCode {
  int side = 0;            // modules
  std::vector<bool> dark;  // row by row
  [[nodiscard]] bool At(int row, int column) const {
    return dark[static_cast<size_t>(row) * static_cast<size_t>(side) + static_cast<size_t>(column)];
  }
};

/// Of upper-case letters, digits and $%*+-./: (two to a byte and a half). Error correction M (15 %) as long
/// as the code stays at or below version 25 (117 modules), else L (7 %). INVALID_ARGUMENT when the text does
/// not fit.
[[nodiscard]] absl::StatusOr<QrCode> MakeQr(std::string_view text);

/// An SVG element with a quiet zone of four modules, black on white; `millimetres` a side when printed.
/// `label` (text, escaped here) is its accessible name.
[[nodiscard]] std::string QrSvg(const QrCode& code, int millimetres, std::string_view label);

}  // namespace relais::receipt
