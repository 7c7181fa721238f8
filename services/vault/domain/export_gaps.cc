#include "services/vault/domain/export_gaps.h"

#include <iterator>

namespace relais::vault {

std::set<std::string> LackingPapers(const std::map<PaperVersion, uint64_t>& deposited,
                                    const std::set<PaperVersion>& exported,
                                    const std::map<std::string, uint64_t>& destroyed, bool current_only) {
  std::set<std::string> lacking;
  for (auto each = deposited.begin(); each != deposited.end(); ++each) {
    const std::string& document = each->first.first;
    const auto next = std::next(each);
    const bool earlier = next != deposited.end() && next->first.first == document;
    if (!exported.contains(each->first) && !destroyed.contains(document) && !(current_only && earlier)) {
      lacking.insert(document);
    }
  }
  return lacking;
}

}  // namespace relais::vault
