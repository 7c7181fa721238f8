#include "services/cli/archive_pages.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace relais::cli {

absl::StatusOr<std::string> JoinArchivePages(const std::vector<std::string>& pages) {
  using Json = nlohmann::ordered_json;
  if (pages.size() == 1) {
    return pages.front();
  }
  Json whole;
  for (const std::string& text : pages) {
    Json page = Json::parse(text, nullptr, false);
    if (!page.is_object()) {
      return absl::DataLossError("a page of the export is no JSON object");
    }
    if (whole.is_null()) {
      whole = std::move(page);
      continue;
    }
    for (const auto& [name, list] : page.items()) {
      if (list.is_array() && whole.contains(name) && whole[name].is_array()) {
        whole[name].insert(whole[name].end(), list.begin(), list.end());
      }
    }
  }
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace relais::cli
