// What lacks in an export (D-3.4): the log's deposits against what it holds. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace relais::vault {

/// Document (32 hexadecimal digits) and version.
using PaperVersion = std::pair<std::string, uint32_t>;

/// Papers of which a version that was deposited is not exported, though the paper is not destroyed.
/// `deposited`: where the log says so. `current_only`: of each paper the version deposited last alone is
/// asked for.
[[nodiscard]] std::set<std::string> LackingPapers(const std::map<PaperVersion, uint64_t>& deposited,
                                                  const std::set<PaperVersion>& exported,
                                                  const std::map<std::string, uint64_t>& destroyed,
                                                  bool current_only);

}  // namespace relais::vault
