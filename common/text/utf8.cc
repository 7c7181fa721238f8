#include "common/text/utf8.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "absl/base/internal/raw_logging.h"

namespace relais::text {
namespace {

constexpr std::string_view kNoBreakSpace = "\xC2\xA0";

uint8_t Byte(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

bool IsContinuation(std::string_view bytes, size_t i) {
  return i < bytes.size() && (Byte(bytes, i) & 0xC0) == 0x80;
}

struct Sequence {
  size_t size;  // bytes of the sequence, or of the ill-formed part
  bool well_formed;
};

/// The sequence at `i`, by table 3-7 of the Unicode Standard.
Sequence SequenceAt(std::string_view bytes, size_t i) {
  const uint8_t lead = Byte(bytes, i);
  if (lead < 0x80) return {1, true};
  size_t size = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  if (i + 1 >= bytes.size() || Byte(bytes, i + 1) < low || Byte(bytes, i + 1) > high) return {1, false};
  for (size_t k = 2; k < size; ++k) {
    if (!IsContinuation(bytes, i + k)) return {k, false};
  }
  return {size, true};
}

size_t AsciiPrefix(std::string_view bytes) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    if ((word & 0x8080808080808080U) != 0) break;
  }
  while (i < bytes.size() && Byte(bytes, i) < 0x80) ++i;
  return i;
}

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* const nfc = [] {
    UErrorCode error = U_ZERO_ERROR;
    const auto* instance = icu::Normalizer2::getNFCInstance(error);
    ABSL_RAW_CHECK(U_SUCCESS(error), "ICU has no NFC data");
    return instance;
  }();
  return *nfc;
}

icu::StringPiece Piece(std::string_view utf8) { return {utf8.data(), static_cast<int32_t>(utf8.size())}; }

/// Code points 80–9F of windows-1252; 0 where it defines none.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

}  // namespace

bool IsAscii(std::string_view bytes) { return AsciiPrefix(bytes) == bytes.size(); }

bool IsUtf8(std::string_view bytes) {
  size_t i = AsciiPrefix(bytes);
  while (i < bytes.size()) {
    const Sequence sequence = SequenceAt(bytes, i);
    if (!sequence.well_formed) return false;
    i += sequence.size;
  }
  return true;
}

std::string_view Trim(std::string_view utf8) {
  for (;;) {
    if (utf8.starts_with(' ')) {
      utf8.remove_prefix(1);
    } else if (utf8.starts_with(kNoBreakSpace)) {
      utf8.remove_prefix(kNoBreakSpace.size());
    } else {
      break;
    }
  }
  for (;;) {
    if (utf8.ends_with(' ')) {
      utf8.remove_suffix(1);
    } else if (utf8.ends_with(kNoBreakSpace)) {
      utf8.remove_suffix(kNoBreakSpace.size());
    } else {
      return utf8;
    }
  }
}

size_t CodePoints(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(),
                                           [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

bool IsNfc(std::string_view utf8) {
  // Below U+0300 (lead byte CC) every sequence of code points is in NFC; most French text ends here.
  const bool latin =
      std::all_of(utf8.begin(), utf8.end(), [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
  if (latin) return true;
  UErrorCode error = U_ZERO_ERROR;
  const bool is_nfc = Nfc().isNormalizedUTF8(Piece(utf8), error) != 0;
  ABSL_RAW_CHECK(U_SUCCESS(error), "ICU failed to check NFC");
  return is_nfc;
}

std::string ToNfc(std::string_view utf8) {
  if (IsNfc(utf8)) return std::string(utf8);
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode error = U_ZERO_ERROR;
  Nfc().normalizeUTF8(0, Piece(utf8), sink, nullptr, error);
  ABSL_RAW_CHECK(U_SUCCESS(error), "ICU failed to normalise");
  return out;
}

std::string ReplaceIllFormed(std::string_view bytes, bool& replaced) {
  replaced = false;
  std::string out;
  out.reserve(bytes.size());
  size_t i = 0;
  while (i < bytes.size()) {
    const Sequence sequence = SequenceAt(bytes, i);
    if (sequence.well_formed) {
      out.append(bytes.substr(i, sequence.size));
    } else {
      replaced = true;
      AppendCodePoint(out, U'\uFFFD');
    }
    i += sequence.size;
  }
  return out;
}

std::string DecodeWindows1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    const bool in_table = byte >= 0x80 && byte < 0xA0;
    const char32_t code_point = in_table ? char32_t{kWindows1252[byte - 0x80]} : byte;
    if (in_table && code_point == 0) {
      out.push_back(c);
    } else {
      AppendCodePoint(out, code_point);
    }
  }
  return out;
}

void AppendCodePoint(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

char32_t TakeCodePoint(std::string_view& utf8) {
  const uint8_t lead = Byte(utf8, 0);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code_point = size == 1 ? lead : static_cast<char32_t>(lead & (0xFF >> (size + 1)));
  for (size_t k = 1; k < size && k < utf8.size(); ++k)
    code_point = (code_point << 6) | (Byte(utf8, k) & 0x3F);
  utf8.remove_prefix(std::min(size, utf8.size()));
  return code_point;
}

}  // namespace relais::text
