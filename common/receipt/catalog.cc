#include "common/receipt/catalog.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/receipt/catalog_data.h"

namespace relais::receipt {
namespace {

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError("message catalogue: " + std::string(what));
}

bool ReadTexts(const nlohmann::json& json, std::map<std::string, std::string, std::less<>>& out) {
  if (!json.is_object()) {
    return false;
  }
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      return false;
    }
    out[key] = value.get<std::string>();
  }
  return true;
}

int RankOf(std::string_view language) { return language == "fr" ? 0 : language == "en" ? 1 : 2; }

std::vector<Catalog> ParseAll() {
  std::vector<Catalog> all;
  for (const std::string_view json : internal::CatalogData()) {
    absl::StatusOr<Catalog> catalog = ParseCatalog(json);
    if (!catalog.ok()) {
      std::fprintf(stderr, "%s\n", std::string(catalog.status().message()).c_str());
      std::abort();
    }
    all.push_back(*std::move(catalog));
  }
  std::sort(all.begin(), all.end(), [](const Catalog& a, const Catalog& b) {
    return std::pair(RankOf(a.language), a.language) < std::pair(RankOf(b.language), b.language);
  });
  return all;
}

}  // namespace

std::string_view Catalog::Message(std::string_view key) const {
  const auto found = messages.find(key);
  return found == messages.end() ? std::string_view() : std::string_view(found->second);
}

absl::StatusOr<Catalog> ParseCatalog(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Wrong("not a JSON object");
  }
  for (const char* key : {"language", "name", "direction"}) {
    if (!json.contains(key) || !json[key].is_string() || json[key].get_ref<const std::string&>().empty()) {
      return Wrong(absl::StrCat("`", key, "` must be text"));
    }
  }
  if (!json.contains("draft") || !json["draft"].is_boolean()) {
    return Wrong("`draft` must be true or false");
  }
  Catalog catalog;
  catalog.language = json["language"].get<std::string>();
  catalog.name = json["name"].get<std::string>();
  const std::string direction = json["direction"].get<std::string>();
  if (direction != "ltr" && direction != "rtl") {
    return Wrong("`direction` must be ltr or rtl");
  }
  const bool tag = std::all_of(catalog.language.begin(), catalog.language.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!tag) {
    return Wrong("`language` must be a BCP 47 tag");
  }
  catalog.right_to_left = direction == "rtl";
  catalog.draft = json["draft"].get<bool>();
  if (!json.contains("messages") || !ReadTexts(json["messages"], catalog.messages)) {
    return Wrong("`messages` must be an object of texts, none empty");
  }
  if (json.contains("words") && !ReadTexts(json["words"], catalog.words)) {
    return Wrong("`words` must be an object of texts, none empty");
  }
  return catalog;
}

const std::vector<Catalog>& Catalogs() {
  static const auto* const kAll = new std::vector<Catalog>(ParseAll());
  return *kAll;
}

absl::StatusOr<const Catalog*> FindCatalog(std::string_view language) {
  std::string names;
  for (const Catalog& catalog : Catalogs()) {
    if (catalog.language == language) {
      return &catalog;
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", catalog.language);
  }
  return absl::NotFoundError("no such language; there are: " + names);
}

std::set<std::string> Placeholders(std::string_view message) {
  std::set<std::string> names;
  for (size_t open = message.find('{'); open != std::string_view::npos; open = message.find('{', open + 1)) {
    const size_t close = message.find('}', open);
    if (close == std::string_view::npos) {
      break;
    }
    names.insert(std::string(message.substr(open + 1, close - open - 1)));
  }
  return names;
}

std::vector<std::string> Differences(const Catalog& catalog, const Catalog& reference) {
  std::vector<std::string> found;
  for (const auto& [key, message] : reference.messages) {
    const auto here = catalog.messages.find(key);
    if (here == catalog.messages.end()) {
      found.push_back("lacks " + key);
    } else if (Placeholders(here->second) != Placeholders(message)) {
      found.push_back("other placeholders in " + key);
    }
  }
  for (const auto& [key, message] : catalog.messages) {
    if (reference.messages.find(key) == reference.messages.end()) {
      found.push_back("has " + key + ", which is none");
    }
  }
  return found;
}

std::string Fill(std::string_view message, Values values) {
  std::string out;
  while (!message.empty()) {
    const size_t open = message.find('{');
    out += message.substr(0, open);
    if (open == std::string_view::npos) {
      break;
    }
    message.remove_prefix(open);
    const size_t close = message.find('}');
    const std::string_view name = message.substr(1, close == std::string_view::npos ? 0 : close - 1);
    const auto value =
        std::find_if(values.begin(), values.end(), [&](const auto& each) { return each.first == name; });
    if (close == std::string_view::npos || value == values.end()) {
      out += '{';
      message.remove_prefix(1);
    } else {
      out += value->second;
      message.remove_prefix(close + 1);
    }
  }
  return out;
}

}  // namespace relais::receipt
