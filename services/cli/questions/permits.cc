#include "services/cli/questions/permits.h"

#include <utility>

namespace relais::cli::questions {
namespace {

std::optional<Id128> BasisOf(const std::string& hex) {
  const absl::StatusOr<Id128> id = Id128::FromHex(hex);
  return id.ok() ? std::optional(*id) : std::nullopt;
}

}  // namespace

std::optional<PermitLeaf> PermitIn(const SeenLeaf& leaf, const Past& past) {
  if (leaf.header.decision() != common::v1::DECISION_PERMIT || !leaf.in_period) {
    return std::nullopt;
  }
  std::optional<consent::v1::CheckDecided> check =
      leaf.As<consent::v1::CheckDecided>(audit::v1::EVENT_CLASS_CHECK_DECIDED);
  const std::optional<Id128> person = leaf.Person();
  if (!check || !person) {
    return std::nullopt;
  }
  PermitLeaf permit;
  permit.person = *person;
  for (const consent::v1::CategoryBasis& basis : check->bases()) {
    permit.categories.push_back({basis.category(), basis.ground(), BasisOf(basis.consent_id())});
  }
  if (permit.categories.empty()) {
    for (const std::string& category : leaf.header.categories()) {
      permit.categories.push_back({category, leaf.header.ground(), BasisOf(check->consent_id())});
    }
  }
  permit.check = std::move(*check);
  permit.directory = past.DirectoryAt(leaf.header.directory_version());
  return permit;
}

Sought PermitLeaf::SoughtFor(const SeenLeaf& leaf, const PermittedCategory& category) const {
  Sought sought;
  sought.purpose = leaf.header.purpose();
  sought.category = category.category;
  sought.act = check.act();
  sought.recipient = check.recipient().institution();
  const directory::Institution* recipient =
      directory == nullptr ? nullptr : directory->FindInstitution(check.recipient().institution());
  sought.recipient_kind = recipient == nullptr ? std::string_view() : std::string_view(recipient->kind);
  sought.source_reference = check.source_reference();
  return sought;
}

bool PermitLeaf::IsSpecial(const std::string& category) const {
  const directory::CodeEntry* entry = directory == nullptr ? nullptr : directory->FindCategory(category);
  return entry != nullptr && entry->special_category;
}

Finding AboutCategory(const SeenLeaf& leaf, const PermittedCategory& category, std::string what) {
  Finding finding = About(leaf, std::move(what));
  finding.facts["purpose"] = leaf.header.purpose();
  finding.facts["category"] = category.category;
  finding.facts["ground"] = common::v1::Ground_Name(category.ground);
  if (category.basis) {
    finding.facts["agreement"] = category.basis->ToHex();
  }
  return finding;
}

}  // namespace relais::cli::questions
