#include "services/routing/domain/content.h"

#include <algorithm>
#include <string>

namespace relais::routing {
namespace {

constexpr std::string_view kIdentity = "IDENTITY";
constexpr std::string_view kContact = "CONTACT";
constexpr std::string_view kAddress = "ADDRESS";
constexpr std::string_view kEnergyDebt = "ENERGY_DEBT";
constexpr std::string_view kSigns = "SIGNS";
constexpr std::string_view kSocialSituation = "SOCIAL_SITUATION";
constexpr std::string_view kFamily = "FAMILY";

std::vector<std::string_view> CategoriesIn(const v1::UnpaidBill& bill) {
  std::vector<std::string_view> categories = {kEnergyDebt};  // that there is one
  if (!bill.surname().empty() || !bill.first_names().empty()) {
    categories.push_back(kIdentity);
  }
  if (!bill.address().empty() || !bill.postal_code().empty() || !bill.town().empty()) {
    categories.push_back(kAddress);
  }
  return categories;
}

std::vector<std::string_view> CategoriesIn(const v1::DistressReport& report) {
  std::vector<std::string_view> categories = {kSocialSituation};  // that there was one
  if (!report.surname().empty() || !report.first_names().empty() || report.has_birth_date()) {
    categories.push_back(kIdentity);
  }
  if (!report.phone().empty()) {
    categories.push_back(kContact);
  }
  if (!report.place().empty() || !report.postal_code().empty()) {
    categories.push_back(kAddress);
  }
  if (!report.signs().empty()) {
    categories.push_back(kSigns);
  }
  if (report.adults() > 0 || report.minors() > 0) {
    categories.push_back(kFamily);
  }
  return categories;
}

}  // namespace

std::vector<std::string_view> CategoriesIn(const v1::Content& content) {
  switch (content.content_case()) {
    case v1::Content::kUnpaidBill:
      return CategoriesIn(content.unpaid_bill());
    case v1::Content::kDistressReport:
      return CategoriesIn(content.distress_report());
    case v1::Content::kSettlement:
      return {kEnergyDebt};
    case v1::Content::kReferentProposal:
      return {kIdentity};
    default:
      return {};
  }
}

bool WithholdSpecialSigns(const directory::Directory& directory, v1::Content& content) {
  if (!content.has_distress_report()) {
    return false;
  }
  auto& signs = *content.mutable_distress_report()->mutable_signs();
  const auto special = [&](const std::string& sign) {
    const directory::CodeEntry* entry = directory.FindSign(sign);
    return entry == nullptr || entry->special_category;
  };
  const auto kept = std::remove_if(signs.begin(), signs.end(), special);
  const bool found = kept != signs.end();
  signs.erase(kept, signs.end());
  return found;
}

}  // namespace relais::routing
