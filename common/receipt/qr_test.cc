#include "common/receipt/qr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zbar.h>

#include <cstdio>

#include "common/receipt/code.h"

namespace relais::receipt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// By a decoder that is not the encoder's: zbar.
std::string Decoded(const QrCode& code, int scale = 4) {
  constexpr int kQuiet = 4;
  const int side = (code.side + 2 * kQuiet) * scale;
  std::string grey(static_cast<size_t>(side) * static_cast<size_t>(side), '\xFF');
  for (int y = 0; y < code.side * scale; ++y) {
    for (int x = 0; x < code.side * scale; ++x) {
      if (code.At(y / scale, x / scale)) {
        grey[static_cast<size_t>(y + kQuiet * scale) * static_cast<size_t>(side) +
             static_cast<size_t>(x + kQuiet * scale)] = '\0';
      }
    }
  }
  zbar::ImageScanner scanner;
  scanner.set_config(zbar::ZBAR_NONE, zbar::ZBAR_CFG_ENABLE, 0);
  scanner.set_config(zbar::ZBAR_QRCODE, zbar::ZBAR_CFG_ENABLE, 1);
  zbar::Image image(static_cast<unsigned>(side), static_cast<unsigned>(side), "Y800", grey.data(),
                    grey.size());
  if (scanner.scan(image) != 1) {
    return "";
  }
  return image.symbol_begin()->get_data();
}

std::string TextOf(size_t length) {
  std::string text(kCodePrefix);
  for (size_t i = 0; text.size() < length; ++i) {
    text += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(i * 7 + i / 5) % 32];
  }
  return text;
}

TEST(Qr, AnIndependentDecoderReadsEverySize) {
  for (const size_t length : {40U, 400U, 1200U, 2400U, static_cast<unsigned>(kMostCodeLength)}) {
    const absl::StatusOr<QrCode> code = MakeQr(TextOf(length));
    ASSERT_TRUE(code.ok()) << length;
    EXPECT_EQ(Decoded(*code), TextOf(length)) << length;
  }
}

TEST(Qr, ALongestCodeHas161Modules) {
  const absl::StatusOr<QrCode> code = MakeQr(TextOf(kMostCodeLength));
  ASSERT_TRUE(code.ok());
  EXPECT_LE(code->side, 161);
}

TEST(Qr, WhatDoesNotFit) { EXPECT_FALSE(MakeQr(TextOf(5000)).ok()); }

TEST(Qr, ThePictureHasEveryModuleAndAnEscapedName) {
  const absl::StatusOr<QrCode> code = MakeQr(TextOf(40));
  ASSERT_TRUE(code.ok());
  const std::string svg = QrSvg(*code, 60, "a\"><script>");
  EXPECT_THAT(svg, HasSubstr("aria-label=\"a&quot;&gt;&lt;script&gt;\""));
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
  // Redrawn from the path: as many dark modules, in the same places.
  QrCode drawn{code->side, std::vector<bool>(code->dark.size(), false)};
  size_t at = svg.find(" d=\"M") + 4;
  while (svg[at] == 'M') {
    int column = 0;
    int row = 0;
    int width = 0;
    int read = 0;
    ASSERT_EQ(std::sscanf(svg.c_str() + at, "M%d %dh%dv1h-%*dz%n", &column, &row, &width, &read), 3);
    for (int i = 0; i < width; ++i) {
      drawn.dark[static_cast<size_t>((row - 4) * code->side + column - 4 + i)] = true;
    }
    at += static_cast<size_t>(read);
  }
  EXPECT_EQ(drawn.dark, code->dark);
}

}  // namespace
}  // namespace relais::receipt
