#include "common/identity/traits.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/identity/phone.h"
#include "common/text/normalize.h"
#include "common/text/utf8.h"

namespace relais::identity {
namespace {

using Words = std::vector<std::string>;

// Sorted, for binary search.
constexpr std::array<std::string_view, 28> kParticles = {
    "AL",  "D",  "DA", "DAS", "DE", "DEGLI", "DEL", "DELLA", "DELLE", "DEN", "DER", "DES", "DI",  "DO",
    "DOS", "DU", "EL", "L",   "LA", "LE",    "LES", "LOS",   "VAN",   "VOM", "VON", "ZU",  "ZUM", "ZUR"};
constexpr std::array<std::string_view, 13> kFillers = {
    "ANONYME",       "INCONNU", "INCONNUE", "N C",         "NC", "NEANT", "NON COMMUNIQUE",
    "NON RENSEIGNE", "NR",      "SANS NOM", "SANS PRENOM", "X",  "XX"};
constexpr std::array<std::string_view, 9> kArrondissementWords = {
    "ARR", "ARRDT", "ARRONDISSEMENT", "CEDEX", "E", "EME", "ER", "ERE", "IEME"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMoreStreetWords = {
    {{"CHE", "CHEMIN"},
     {"CHEM", "CHEMIN"},
     {"CRS", "COURS"},
     {"DR", "DOCTEUR"},
     {"GAL", "GENERAL"},
     {"PDT", "PRESIDENT"},
     {"QU", "QUAI"},
     {"RES", "RESIDENCE"},
     {"RTE", "ROUTE"}}};

static_assert(std::is_sorted(kParticles.begin(), kParticles.end()));
static_assert(std::is_sorted(kFillers.begin(), kFillers.end()));
static_assert(std::is_sorted(kArrondissementWords.begin(), kArrondissementWords.end()));

template <size_t N>
bool Contains(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

bool IsParticle(const std::string& word) { return Contains(kParticles, word); }

Words Split(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string Join(const Words& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out.push_back(' ');
    out += word;
  }
  return out;
}

/// The normalised words of a name; none when it says nothing.
Words NameWords(std::string_view utf8) {
  if (!text::IsUtf8(utf8)) return {};
  const std::string plain = text::NormalizeName(utf8);
  if (Contains(kFillers, plain)) return {};
  return Split(plain);
}

void WriteOutSaints(Words& words) {
  for (std::string& word : words) {
    if (word == "ST") word = "SAINT";
    if (word == "STE") word = "SAINTE";
  }
}

Words SurnameWords(std::string_view utf8) {
  const Words words = NameWords(utf8);
  Words out;
  // A particle stands before another word; at the end it is a name (LE, VAN and DO are names too).
  for (size_t i = 0; i < words.size(); ++i) {
    if (i + 1 == words.size() || !IsParticle(words[i])) out.push_back(words[i]);
  }
  WriteOutSaints(out);
  return out;
}

void SortUnique(Words& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

Words FirstNames(std::string_view utf8) {
  Words words = NameWords(utf8);
  SortUnique(words);
  return words;
}

bool HasDigit(const std::string& word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string Birthplace(std::string_view utf8) {
  Words words = NameWords(utf8);
  std::erase_if(
      words, [](const std::string& word) { return HasDigit(word) || Contains(kArrondissementWords, word); });
  // "Le Havre" and "Havre (Le)".
  if (!std::all_of(words.begin(), words.end(), IsParticle)) std::erase_if(words, IsParticle);
  WriteOutSaints(words);
  const std::string place = Join(words);
  return place == "FRANCE" ? "" : place;
}

/// "12BIS" → "12", "BIS".
void DetachNumber(Words& words) {
  if (words.empty()) return;
  const std::string first = words.front();
  const size_t digits = std::min(first.find_first_not_of("0123456789"), first.size());
  if (digits == 0 || digits == first.size()) return;
  words.front() = first.substr(0, digits);
  words.insert(words.begin() + 1, first.substr(digits));
}

void WriteOutRepetition(std::string& word) {
  if (word == "B") word = "BIS";
  if (word == "T") word = "TER";
  if (word == "Q") word = "QUATER";
}

std::string Address(std::string_view utf8) {
  if (!text::IsUtf8(utf8)) return "";
  Words words = Split(text::NormalizeAddress(utf8));
  DetachNumber(words);
  if (words.size() > 2 && HasDigit(words[0])) {
    WriteOutRepetition(words[1]);
    // NormalizeAddress reads R as RUE in second place only; after "12 BIS" it stands third.
    if (words[2] == "R") words[2] = "RUE";
  }
  for (std::string& word : words) {
    const auto* const found = std::find_if(kMoreStreetWords.begin(), kMoreStreetWords.end(),
                                           [&](const auto& entry) { return entry.first == word; });
    if (found != kMoreStreetWords.end()) word = found->second;
  }
  std::erase_if(words, IsParticle);
  return Join(words);
}

Words Identifiers(const std::vector<SharedIdentifier>& identifiers) {
  Words out;
  for (const SharedIdentifier& identifier : identifiers) {
    Words value = NameWords(identifier.value);
    std::string joined;
    for (const std::string& word : value) joined += word;
    if (!joined.empty() && !identifier.scheme.empty()) out.push_back(identifier.scheme + ":" + joined);
  }
  SortUnique(out);
  return out;
}

bool IsFillerDay(absl::CivilDay day) {
  return (day.month() == 1 && day.day() == 1) || (day.month() == 12 && day.day() == 31);
}

template <typename T>
TraitMatch CompareIf(bool both_known, const T& a, const T& b) {
  if (!both_known) return TraitMatch::kAbsent;
  return a == b ? TraitMatch::kSame : TraitMatch::kDiffers;
}

template <typename T>
TraitMatch CompareText(const T& a, const T& b) {
  return CompareIf(!a.empty() && !b.empty(), a, b);
}

std::string_view SchemeOf(std::string_view identifier) { return identifier.substr(0, identifier.rfind(':')); }

TraitMatch CompareIdentifiers(const Words& a, const Words& b) {
  TraitMatch match = TraitMatch::kAbsent;
  for (const std::string& one : a) {
    for (const std::string& other : b) {
      if (one == other) return TraitMatch::kSame;
      if (SchemeOf(one) == SchemeOf(other)) match = TraitMatch::kDiffers;
    }
  }
  return match;
}

}  // namespace

std::string NormalTraits::Surname() const { return Join(surname_words); }

NormalTraits Normalize(const Traits& traits) {
  NormalTraits out;
  out.surname_words = SurnameWords(traits.surname);
  out.first_names = FirstNames(traits.first_names);
  out.birth_date = traits.birth_date;
  out.birth_date_exact =
      traits.birth_date.has_value() && !traits.birth_date_presumed && !IsFillerDay(*traits.birth_date);
  out.birthplace = Birthplace(traits.birthplace);
  out.phone = NormalizePhone(traits.phone);
  out.postal_code = Join(NameWords(traits.postal_code));
  // Streets of the same name are everywhere.
  if (!out.postal_code.empty()) out.address = Address(traits.address);
  out.identifiers = Identifiers(traits.identifiers);
  return out;
}

TraitComparison Compare(const NormalTraits& a, const NormalTraits& b) {
  TraitComparison out;
  out.surname = CompareText(a.surname_words, b.surname_words);
  out.first_names = CompareText(a.first_names, b.first_names);
  out.birth_date =
      CompareIf(a.birth_date.has_value() && b.birth_date.has_value(), a.birth_date, b.birth_date);
  out.birthplace = CompareText(a.birthplace, b.birthplace);
  out.phone = CompareText(a.phone, b.phone);
  out.address = CompareIf(!a.address.empty() && !b.address.empty(), std::pair(a.address, a.postal_code),
                          std::pair(b.address, b.postal_code));
  out.identifiers = CompareIdentifiers(a.identifiers, b.identifiers);
  return out;
}

}  // namespace relais::identity
