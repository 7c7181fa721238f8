// special-without-flag: RGPD art. 9 data need an explicit agreement (D-2.7), by the directory in force at the
// act.
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/permits.h"

namespace relais::cli::questions {
namespace {

class SpecialWithoutFlag final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "special-without-flag",
        "données sensibles (art. 9) convenues ou permises sans accord explicite",
        "special categories (art. 9) agreed to or permitted without an explicit agreement",
        {"consent"}};
    return kDescription;
  }
  [[nodiscard]] bool NeedsHerActs() const override { return true; }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    if (const auto recorded =
            leaf.As<consent::v1::ConsentRecorded>(audit::v1::EVENT_CLASS_CONSENT_RECORDED)) {
      if (leaf.in_period && !recorded->consent().explicit_()) {
        JudgeAgreement(leaf, recorded->consent(), past);
      }
      return;
    }
    const std::optional<PermitLeaf> permit = PermitIn(leaf, past);
    if (!permit) {
      return;
    }
    for (const PermittedCategory& category : permit->categories) {
      const bool on_agreement = category.ground == common::v1::GROUND_AGREEMENT && category.basis;
      const ActOfHers* cited =
          on_agreement ? past.her_acts().FindAgreement(permit->person, *category.basis) : nullptr;
      if (cited != nullptr && !cited->explicit_given && permit->IsSpecial(category.category)) {
        Finding finding = AboutCategory(leaf, category, "PERMITTED");
        finding.leaves.push_back(cited->leaf);
        findings_.Add(std::move(finding));
      }
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return findings_.Take(); }
  [[nodiscard]] size_t held() const override { return findings_.size(); }

 private:
  void JudgeAgreement(const SeenLeaf& leaf, const consent::v1::Consent& consent, const Past& past) {
    const auto directory = past.DirectoryAt(leaf.header.directory_version());
    for (const consent::v1::ConsentLine& line : consent.lines()) {
      for (const std::string& category : line.categories()) {
        const directory::CodeEntry* entry =
            directory == nullptr ? nullptr : directory->FindCategory(category);
        if (entry != nullptr && entry->special_category) {
          Finding finding = About(leaf, "AGREED");
          finding.facts["category"] = category;
          finding.facts["agreement"] = consent.consent_id();
          findings_.Add(std::move(finding));
          return;
        }
      }
    }
  }

  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakeSpecialWithoutFlag(const Options& /*options*/) {
  return std::make_unique<SpecialWithoutFlag>();
}

}  // namespace relais::cli::questions
