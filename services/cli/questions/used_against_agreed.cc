// used-against-agreed: what was permitted on an agreement, held against the lines and the period of that
// agreement.
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/permits.h"

namespace relais::cli::questions {
namespace {

// A permit is written a moment after it was decided.
constexpr absl::Duration kWriting = absl::Seconds(10);

class UsedAgainstAgreed final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "used-against-agreed",
        "finalités, destinataires ou catégories permis au-delà de l'accord cité, ou hors de sa durée",
        "purposes, recipients or categories permitted beyond the agreement cited, or outside its period",
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
      if (category.ground == common::v1::GROUND_AGREEMENT) {
        Judge(leaf, *permit, category, past);
      }
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return findings_.Take(); }
  [[nodiscard]] size_t held() const override { return findings_.size(); }

 private:
  void Judge(const SeenLeaf& leaf, const PermitLeaf& permit, const PermittedCategory& category,
             const Past& past) {
    const HerActs& acts = past.her_acts();
    if (!category.basis) {
      findings_.Add(AboutCategory(leaf, category, "NONE_CITED"));
      return;
    }
    const ActOfHers* cited = acts.FindAgreement(permit.person, *category.basis);
    if (cited == nullptr) {
      if (past.complete()) {
        findings_.Add(AboutCategory(leaf, category, "NO_SUCH_AGREEMENT"));
      }
      return;
    }
    const bool ended = leaf.time < cited->from || leaf.time - kWriting >= cited->until;
    if (ended || !acts.Covers(*cited, permit.SoughtFor(leaf, category))) {
      Finding finding = AboutCategory(leaf, category, ended ? "OUTSIDE_PERIOD" : "NOT_COVERED");
      finding.leaves.push_back(cited->leaf);
      finding.facts["act"] = common::v1::Act_Name(permit.check.act());
      findings_.Add(std::move(finding));
    }
  }

  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakeUsedAgainstAgreed(const Options& /*options*/) {
  return std::make_unique<UsedAgainstAgreed>();
}

}  // namespace relais::cli::questions
