#include "common/receipt/qr.h"

#include <qrencode.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/receipt/markup.h"

namespace relais::receipt {
namespace {

constexpr int kLargestWithM = 25;
constexpr int kQuiet = 4;

struct Free {
  void operator()(QRcode* code) const { QRcode_free(code); }
};
using Handle = std::unique_ptr<QRcode, Free>;

Handle Encode(const std::string& text, QRecLevel level) {
  // The library chooses the densest mode that the characters allow.
  return Handle(QRcode_encodeString(text.c_str(), 0, level, QR_MODE_8, 1));
}

}  // namespace

absl::StatusOr<QrCode> MakeQr(std::string_view text) {
  const std::string owned(text);
  Handle made = Encode(owned, QR_ECLEVEL_M);
  if (made == nullptr || made->version > kLargestWithM) {
    made = Encode(owned, QR_ECLEVEL_L);
  }
  if (made == nullptr) {
    return absl::InvalidArgumentError("too much for a QR code");
  }
  QrCode code;
  code.side = made->width;
  const size_t modules = static_cast<size_t>(code.side) * static_cast<size_t>(code.side);
  code.dark.reserve(modules);
  for (size_t i = 0; i < modules; ++i) {
    code.dark.push_back((made->data[i] & 1) != 0);
  }
  return code;
}

std::string QrSvg(const QrCode& code, int millimetres, std::string_view label) {
  const int side = code.side + 2 * kQuiet;
  std::string path;
  for (int row = 0; row < code.side; ++row) {
    for (int column = 0; column < code.side; ++column) {
      const int first = column;
      while (column < code.side && code.At(row, column)) {
        ++column;
      }
      if (column > first) {
        absl::StrAppend(&path, "M", first + kQuiet, " ", row + kQuiet, "h", column - first, "v1h-",
                        column - first, "z");
      }
    }
  }
  return absl::StrCat("<svg class=\"qr\" role=\"img\" aria-label=\"", Escape(label),
                      "\" xmlns=\"http://www.w3.org/2000/svg\" width=\"", millimetres, "mm\" height=\"",
                      millimetres, "mm\" viewBox=\"0 0 ", side, " ", side,
                      "\" shape-rendering=\"crispEdges\"><rect width=\"", side, "\" height=\"", side,
                      "\" fill=\"#fff\"/><path fill=\"#000\" d=\"", path, "\"/></svg>");
}

}  // namespace relais::receipt
