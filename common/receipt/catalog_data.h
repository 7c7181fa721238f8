// The catalogues' files as they are, made from catalog/*.json by CMakeLists.txt.
#pragma once

#include <string_view>
#include <vector>

namespace relais::receipt::internal {

const std::vector<std::string_view>& CatalogData();

}  // namespace relais::receipt::internal
