// permit-after-refusal: D-2.6.2 and ADR 40, judged again from the leaves alone.
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/permits.h"

namespace relais::cli::questions {
namespace {

// Step 1 of D-2.6 comes before her word.
bool IsLegalDuty(common::v1::Ground ground) {
  return ground == common::v1::GROUND_CP_226_14_1 || ground == common::v1::GROUND_INFO_PREOCCUPANTE ||
         ground == common::v1::GROUND_CASF_226_2_2;
}

class PermitAfterRefusal final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "permit-after-refusal",
        "une transmission permise malgré un refus, un retrait ou une opposition de sa part",
        "a permit in spite of a covering refusal, withdrawal or objection of hers",
        {"consent"}};
    return kDescription;
  }
  [[nodiscard]] bool NeedsHerActs() const override { return true; }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    const std::optional<PermitLeaf> permit = PermitIn(leaf, past);
    if (!permit) {
      return;
    }
    for (const PermittedCategory& category : permit->categories) {
      if (!IsLegalDuty(category.ground)) {
        Judge(leaf, *permit, category, past.her_acts());
      }
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return findings_.Take(); }
  [[nodiscard]] size_t held() const override { return findings_.size(); }

 private:
  void Judge(const SeenLeaf& leaf, const PermitLeaf& permit, const PermittedCategory& category,
             const HerActs& acts) {
    if (const auto objection = acts.Objection(permit.person, permit.check.sender().institution())) {
      Report(leaf, category, "OBJECTED", *objection);
      return;
    }
    const Sought sought = permit.SoughtFor(leaf, category);
    const bool special = permit.IsSpecial(category.category);
    if (const ActOfHers* denial = acts.Standing(permit.person, sought, special)) {
      Report(leaf, category, denial->kind == ActOfHers::Kind::kRefusal ? "REFUSED" : "WITHDRAWN",
             denial->leaf);
      return;
    }
    // A denial ends the agreements before it: the one that followed does not bring them back. Nor does one
    // begin that could not answer a no which stood then.
    const ActOfHers* cited = category.ground == common::v1::GROUND_AGREEMENT && category.basis
                                 ? acts.FindAgreement(permit.person, *category.basis)
                                 : nullptr;
    if (cited == nullptr) {
      return;
    }
    if (const ActOfHers* denial = acts.EndOf(permit.person, *cited, sought, special)) {
      Report(leaf, category, "ENDED_AGREEMENT", denial->leaf);
    }
  }

  void Report(const SeenLeaf& leaf, const PermittedCategory& category, std::string what, uint64_t act) {
    Finding finding = AboutCategory(leaf, category, std::move(what));
    finding.leaves.push_back(act);
    findings_.Add(std::move(finding));
  }

  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakePermitAfterRefusal(const Options& /*options*/) {
  return std::make_unique<PermitAfterRefusal>();
}

}  // namespace relais::cli::questions
