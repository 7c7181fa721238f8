#include "common/identity/match_key.h"

#include <algorithm>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/identity/keyed_hash.h"

namespace relais::identity {
namespace {

constexpr size_t kMaxWords = 4;
constexpr size_t kMaxIdentifiers = 16;

/// Collects hashes of (kind, fields). A key with an empty field is not made: unknown is not equal to unknown.
class Keys {
 public:
  Keys(const Secret& key, std::string_view context) : key_(key), context_(context) {}

  void Add(std::initializer_list<std::string_view> kind_and_fields) {
    const std::span fields(kind_and_fields.begin(), kind_and_fields.size());
    if (std::any_of(fields.begin(), fields.end(), [](std::string_view field) { return field.empty(); }))
      return;
    ids_.push_back(KeyedId(key_, context_, fields));
  }

  std::vector<Id128> Take() {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    return std::move(ids_);
  }

 private:
  const Secret& key_;
  std::string_view context_;
  std::vector<Id128> ids_;
};

/// Words hold no comma, so the list says where each ends.
std::string List(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) absl::StrAppend(&out, out.empty() ? "" : ",", word);
  return out;
}

std::span<const std::string> First(const std::vector<std::string>& words, size_t most) {
  return std::span(words).first(std::min(words.size(), most));
}

std::string DateText(const NormalTraits& traits) {
  return traits.birth_date.has_value() ? absl::FormatCivilTime(*traits.birth_date) : "";
}

std::string YearText(const NormalTraits& traits) {
  return traits.birth_date.has_value() ? absl::StrCat(traits.birth_date->year()) : "";
}

/// 3 April and 4 March are one.
std::string EitherOrderText(const NormalTraits& traits) {
  if (!traits.birth_date.has_value()) return "";
  const auto [low, high] = std::minmax({traits.birth_date->day(), traits.birth_date->month()});
  return absl::StrCat(traits.birth_date->year(), "/", low, "/", high);
}

std::string AllNames(const NormalTraits& traits) {
  std::vector<std::string> names = traits.first_names;
  names.insert(names.end(), traits.surname_words.begin(), traits.surname_words.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return List(names);
}

void AddByFirstName(const NormalTraits& traits, const std::string& first_name, Keys& keys) {
  const std::string surname = traits.Surname();
  const std::string day = EitherOrderText(traits);
  for (const std::string& word : First(traits.surname_words, kMaxWords)) {
    keys.Add({"name+day", word, first_name, day});
  }
  keys.Add({"name+year", surname, first_name, YearText(traits)});
  keys.Add({"name+birthplace", surname, first_name, traits.birthplace});
  keys.Add({"name+address", surname, first_name, traits.postal_code, traits.address});
  keys.Add({"name+phone", first_name, traits.phone});
}

}  // namespace

std::vector<Id128> LinkKeys(const Secret& key, const Traits& traits) {
  const NormalTraits normal = Normalize(traits);
  if (!normal.birth_date_exact) return {};
  const std::string surname = normal.Surname();
  const std::string first_names = List(normal.first_names);
  const std::string date = DateText(normal);
  Keys keys(key, "relais match link v1");
  keys.Add({"birthplace", surname, first_names, date, normal.birthplace});
  keys.Add({"phone", surname, first_names, date, normal.phone});
  for (const std::string& identifier : First(normal.identifiers, kMaxIdentifiers)) {
    keys.Add({"identifier", surname, first_names, date, identifier});
  }
  return keys.Take();
}

std::vector<Id128> CandidateKeys(const Secret& key, const Traits& traits) {
  const NormalTraits normal = Normalize(traits);
  Keys keys(key, "relais match candidate v1");
  for (const std::string& name : First(normal.first_names, kMaxWords)) AddByFirstName(normal, name, keys);
  if (!normal.surname_words.empty()) keys.Add({"all names+date", AllNames(normal), DateText(normal)});
  for (const std::string& identifier : First(normal.identifiers, kMaxIdentifiers)) {
    keys.Add({"identifier", identifier});
  }
  return keys.Take();
}

}  // namespace relais::identity
