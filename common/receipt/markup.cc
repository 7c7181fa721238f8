#include "common/receipt/markup.h"

#include "common/text/utf8.h"

namespace relais::receipt {
namespace {

bool TurnsWriting(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

}  // namespace

std::string Clean(std::string_view given) {
  bool replaced = false;
  const std::string utf8 = text::ReplaceIllFormed(given, replaced);
  std::string_view rest = utf8;
  std::string out;
  while (!rest.empty()) {
    const char32_t c = text::TakeCodePoint(rest);
    if (c == '\n' || c == '\t' || c == 0x2028 || c == 0x2029) {
      out += ' ';
    } else if (!IsControl(c) && !TurnsWriting(c)) {
      text::AppendCodePoint(out, c);
    }
  }
  return out;
}

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : Clean(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace relais::receipt
