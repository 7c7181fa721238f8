#include "common/text/normalize.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/ascii.h"
#include "common/text/utf8.h"

namespace relais::text {
namespace {

/// What a code point leaves, before runs of spaces are joined: letters, digits and spaces; nothing for a
/// mark. Marks are dropped, so the order in which decomposition puts them cannot matter and each code point
/// stands alone.
std::string Remainder(char32_t decomposed) {
  if (decomposed < 0x80) {
    const char c = static_cast<char>(decomposed);
    return std::string(1, absl::ascii_isalnum(c) ? absl::ascii_toupper(c) : ' ');
  }
  switch (decomposed) {
    case U'œ':
    case U'Œ':
      return "OE";
    case U'æ':
    case U'Æ':
      return "AE";
    case U'ß':
    case U'ẞ':
      return "SS";
    case U'ı':  // the one other letter whose upper case is in A–Z
      return "I";
    default:
      break;
  }
  const auto mask = U_GET_GC_MASK(static_cast<UChar32>(decomposed));
  return (mask & U_GC_M_MASK) != 0 ? "" : " ";
}

std::string ComputeReduced(char32_t code_point) {
  static const icu::Normalizer2* const nfkd = [] {
    UErrorCode error = U_ZERO_ERROR;
    const auto* instance = icu::Normalizer2::getNFKDInstance(error);
    ABSL_RAW_CHECK(U_SUCCESS(error), "ICU has no NFKD data");
    return instance;
  }();
  icu::UnicodeString decomposition;
  if (nfkd->getDecomposition(static_cast<UChar32>(code_point), decomposition) == 0)
    return Remainder(code_point);
  std::string out;
  for (int32_t i = 0; i < decomposition.length(); i = decomposition.moveIndex32(i, 1)) {
    out += Remainder(static_cast<char32_t>(decomposition.char32At(i)));
  }
  return out;
}

/// Latin letters are worked out once; anything beyond is rare.
constexpr char32_t kTableEnd = 0x250;

const std::string& LatinReduced(char32_t code_point) {
  static const auto& table = *new auto([] {
    std::array<std::string, kTableEnd> all;
    for (char32_t c = 0; c < kTableEnd; ++c) all[c] = ComputeReduced(c);
    return all;
  }());
  return table[code_point];
}

class Writer {
 public:
  explicit Writer(size_t expected) { out_.reserve(expected); }
  void Put(char c) {
    if (c == ' ') {
      pending_space_ = true;
      return;
    }
    if (pending_space_ && !out_.empty()) out_.push_back(' ');
    pending_space_ = false;
    out_.push_back(c);
  }
  void Put(std::string_view text) {
    for (const char c : text) Put(c);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
  bool pending_space_ = false;
};

struct Abbreviation {
  std::string_view word;
  std::string_view full;
};

constexpr std::array<Abbreviation, 14> kAbbreviations = {{{"AV", "AVENUE"},
                                                          {"AVE", "AVENUE"},
                                                          {"BD", "BOULEVARD"},
                                                          {"BLD", "BOULEVARD"},
                                                          {"BVD", "BOULEVARD"},
                                                          {"PL", "PLACE"},
                                                          {"FG", "FAUBOURG"},
                                                          {"FBG", "FAUBOURG"},
                                                          {"IMP", "IMPASSE"},
                                                          {"PASS", "PASSAGE"},
                                                          {"SQ", "SQUARE"},
                                                          {"ALL", "ALLEE"},
                                                          {"ST", "SAINT"},
                                                          {"STE", "SAINTE"}}};

std::string_view WrittenOut(std::string_view word, size_t position) {
  constexpr size_t kLongest = 4;
  if (word.size() > kLongest) return word;
  if (word == "R") return position == 1 ? "RUE" : word;
  const auto* found = std::find_if(kAbbreviations.begin(), kAbbreviations.end(),
                                   [word](const Abbreviation& a) { return a.word == word; });
  return found == kAbbreviations.end() ? word : found->full;
}

}  // namespace

std::string NormalizeName(std::string_view utf8) {
  Writer writer(utf8.size());
  while (!utf8.empty()) {
    const char lead = utf8.front();
    if (absl::ascii_isascii(static_cast<unsigned char>(lead))) {
      writer.Put(absl::ascii_isalnum(static_cast<unsigned char>(lead)) ? absl::ascii_toupper(lead) : ' ');
      utf8.remove_prefix(1);
      continue;
    }
    const char32_t code_point = TakeCodePoint(utf8);
    if (code_point < kTableEnd) {
      writer.Put(LatinReduced(code_point));
    } else {
      writer.Put(ComputeReduced(code_point));
    }
  }
  return writer.Take();
}

std::string NormalizeAddress(std::string_view utf8) {
  const std::string plain = NormalizeName(utf8);
  std::string out;
  out.reserve(plain.size() + 16);
  std::string_view rest = plain;
  for (size_t position = 0; !rest.empty(); ++position) {
    const size_t end = std::min(rest.find(' '), rest.size());
    if (position > 0) out.push_back(' ');
    out += WrittenOut(rest.substr(0, end), position);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace relais::text
