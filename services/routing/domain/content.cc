#include "services/routing/domain/content.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/directory/codes.h"

namespace relais::routing {
namespace {

constexpr std::string_view kIdentity = "IDENTITY";
constexpr std::string_view kContact = "CONTACT";
constexpr std::string_view kAddress = "ADDRESS";
constexpr std::string_view kEnergyDebt = "ENERGY_DEBT";
constexpr std::string_view kSigns = "SIGNS";
constexpr std::string_view kSocialSituation = "SOCIAL_SITUATION";
constexpr std::string_view kFamily = "FAMILY";
constexpr std::string_view kDocuments = "DOCUMENTS";

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
  if (!report.surname().empty() || !report.first_names().empty() || !report.alias().empty() ||
      report.has_birth_date()) {
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
  if (report.adults() > 0 || report.minors() > 0 || report.pregnant() > 0) {
    categories.push_back(kFamily);
  }
  return categories;
}

bool IsOffence(const directory::Directory& directory, std::string_view code) {
  const directory::CodeEntry* entry = directory.FindCategory(code);
  return entry != nullptr && entry->offence;
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
    case v1::Content::kExpiringPaper:
    case v1::Content::kAskedPapers:
      return {kDocuments};
    case v1::Content::kPlannedExit:
      return {directory::kOffenceCategory};
    default:
      return {};
  }
}

bool HasOffenceData(const directory::Directory& directory,
                    const google::protobuf::RepeatedPtrField<std::string>& categories) {
  return std::any_of(categories.begin(), categories.end(),
                     [&](const std::string& code) { return IsOffence(directory, code); });
}

bool HasOffenceDataAlone(const directory::Directory& directory,
                         const google::protobuf::RepeatedPtrField<std::string>& categories) {
  return !categories.empty() &&
         std::all_of(categories.begin(), categories.end(),
                     [&](const std::string& code) { return IsOffence(directory, code); });
}

bool GoesOnHerAgreementAlone(const v1::Content& content) {
  return content.has_expiring_paper() || content.has_asked_papers();
}

bool StaysWithWhoActsForHer(const v1::Content& content) { return content.has_asked_papers(); }

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

void LeaveCodesAlone(const directory::Directory& directory, v1::Content& content) {
  v1::Content codes;
  switch (content.content_case()) {
    case v1::Content::kUnpaidBill: {
      const v1::UnpaidBill& bill = content.unpaid_bill();
      codes.mutable_unpaid_bill()->set_event(bill.event());
      codes.mutable_unpaid_bill()->set_fluid(bill.fluid());
      *codes.mutable_unpaid_bill()->mutable_event_day() = bill.event_day();
      break;
    }
    case v1::Content::kDistressReport: {
      const v1::DistressReport& report = content.distress_report();
      v1::DistressReport& left = *codes.mutable_distress_report();
      left.set_place_kind(report.place_kind());
      left.set_postal_code(report.postal_code());
      for (const std::string& sign : report.signs()) {
        if (directory.FindSign(sign) != nullptr) {
          left.add_signs(sign);
        }
      }
      left.set_danger(report.danger());
      left.set_informed(report.informed());
      left.set_agreement(report.agreement());
      break;
    }
    case v1::Content::kNote:
      codes.mutable_note();
      break;
    case v1::Content::kSettlement:
      *codes.mutable_settlement() = content.settlement();
      break;
    case v1::Content::kPlannedExit:
      *codes.mutable_planned_exit()->mutable_leaving_on() = content.planned_exit().leaving_on();
      break;
    default:
      break;
  }
  content = std::move(codes);
}

}  // namespace relais::routing
