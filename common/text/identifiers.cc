#include "common/text/identifiers.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace relais::text {
namespace {

bool AllDigits(std::string_view text, size_t count) {
  return text.size() == count &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool PassesLuhn(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

int DigitSum(std::string_view digits) {
  int sum = 0;
  for (const char c : digits) sum += c - '0';
  return sum;
}

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

constexpr std::string_view kLaPoste = "356000000";

}  // namespace

bool IsSiret(std::string_view text) {
  if (!AllDigits(text, 14) || !PassesLuhn(text.substr(0, 9))) return false;
  if (PassesLuhn(text)) return true;
  return text.starts_with(kLaPoste) && DigitSum(text) % 5 == 0;
}

bool IsRpps(std::string_view text) { return AllDigits(text, 11) && PassesLuhn(text); }

PostalCode ClassifyPostalCode(std::string_view text) {
  if (!AllDigits(text, 5)) return PostalCode::kInvalid;
  if (!text.starts_with("75")) return PostalCode::kElsewhere;
  return Arrondissement::FromPostalCode(text) ? PostalCode::kParis : PostalCode::kInvalid;
}

std::optional<Arrondissement> Arrondissement::FromNumber(int number) {
  if (number < 1 || number > 20) return std::nullopt;
  return Arrondissement(number);
}

std::optional<Arrondissement> Arrondissement::FromPostalCode(std::string_view text) {
  if (!AllDigits(text, 5)) return std::nullopt;
  if (text == "75116") return Arrondissement(16);
  return FromNumber(Number(text) - 75000);
}

std::optional<Arrondissement> Arrondissement::FromInseeCode(std::string_view text) {
  if (!AllDigits(text, 5)) return std::nullopt;
  return FromNumber(Number(text) - 75100);
}

std::string Arrondissement::InseeCode() const { return absl::StrCat(75100 + number_); }

}  // namespace relais::text
