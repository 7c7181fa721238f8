#include "common/feeds/form.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/feeds/form_internal.h"
#include "common/text/nir.h"
#include "common/text/normalize.h"
#include "common/text/utf8.h"

namespace relais::feeds {
namespace internal {

bool IsReference(std::string_view text) {
  constexpr size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

Cell::Cell(std::string_view raw) { Set(raw); }

void Cell::Set(std::string_view raw) {
  owns_ = false;
  decodes_ = text::IsUtf8(raw);
  view_ = decodes_ ? text::Trim(raw) : std::string_view();
  if (!text::IsNfc(view_)) {
    owned_ = text::ToNfc(view_);
    owns_ = true;
  }
}

std::optional<int64_t> ParseCents(std::string_view text) {
  constexpr size_t kMostEuroDigits = 7;
  constexpr size_t kMostCentDigits = 2;
  const size_t point = std::min(text.find_first_of(".,"), text.size());
  const std::string_view euros = text.substr(0, point);
  const std::string_view cents = text.substr(std::min(point + 1, text.size()));
  const auto all_digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (euros.empty() || euros.size() > kMostEuroDigits || !all_digits(euros)) return std::nullopt;
  if (cents.size() > kMostCentDigits || !all_digits(cents)) return std::nullopt;
  if (point < text.size() && cents.empty()) return std::nullopt;
  int64_t value = 0;
  for (const char c : euros) value = value * 10 + (c - '0');
  for (size_t i = 0; i < kMostCentDigits; ++i) value = value * 10 + (i < cents.size() ? cents[i] - '0' : 0);
  return value == 0 ? std::nullopt : std::optional<int64_t>(value);
}

RecordKeyParts MakeRecordKey(std::string_view nom, std::string_view prenoms, std::string_view adresse,
                             std::string_view code_postal) {
  return {text::NormalizeName(nom), text::NormalizeName(prenoms), text::NormalizeAddress(adresse),
          text::NormalizeName(code_postal)};
}

}  // namespace internal

FormResult JudgeForm(FeedType type, const RawRow& raw, const FormContext& context) {
  return type == FeedType::kEdf ? internal::JudgeEdfForm(raw) : internal::JudgeBsppForm(raw, context);
}

void Normalise(RawRow& raw) {
  for (std::string& field : raw.fields) {
    const internal::Cell cell(field);
    if (cell.decodes() && cell.text() != field) field = std::string(cell.text());
  }
}

std::string_view ShowableReference(std::string_view text) {
  return internal::IsReference(text) && !text::ContainsNir(text) ? text : std::string_view();
}

}  // namespace relais::feeds
