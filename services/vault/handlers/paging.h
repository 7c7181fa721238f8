// Lists that are read in pages: how many rows an answer has, and where it begins.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/rpc/refusal.h"

namespace relais::vault {

inline constexpr size_t kDefaultPage = 50;
inline constexpr size_t kMostPage = 1000;

/// Rows of an answer where `page_size` asks for so many; 0: kDefaultPage.
[[nodiscard]] inline size_t PageSize(uint32_t asked, size_t most = kMostPage) {
  return std::min(asked == 0 ? kDefaultPage : static_cast<size_t>(asked), most);
}

/// The id with which the page begins that `page_token` names; zero for the first. INVALID_FIELDS for what is
/// no token of a list. It is an id that its reader was shown or was about to be: nothing is kept secret in
/// it.
[[nodiscard]] inline absl::StatusOr<Id128> PageBegin(const std::string& token) {
  if (token.empty()) {
    return Id128();
  }
  auto id = Id128::FromHex(token);
  if (!id.ok()) {
    return rpc::InvalidField("page_token", "must be one that an answer had");
  }
  return id;
}

/// How many of `ids` lie before that of the next page; nullopt: all, there is none.
[[nodiscard]] inline uint32_t CountBefore(const std::vector<Id128>& ids, const std::optional<Id128>& next) {
  const auto before = [&](const Id128& id) { return !next.has_value() || id < *next; };
  return static_cast<uint32_t>(std::count_if(ids.begin(), ids.end(), before));
}

}  // namespace relais::vault
