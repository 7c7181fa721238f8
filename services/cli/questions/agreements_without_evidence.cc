// agreements-without-evidence: what has to stand beside an agreement, as far as its leaf holds it (D-2.8,
// D-2.13).
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class AgreementsWithoutEvidence final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "agreements-without-evidence",
        "accords signés sans pièce, sans notice, ou dits à l'équipage sans référence du rapport",
        "signed agreements without evidence, without notice, or spoken on site without the report's "
        "reference",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const auto recorded = leaf.As<consent::v1::ConsentRecorded>(audit::v1::EVENT_CLASS_CONSENT_RECORDED);
    if (!recorded || !leaf.in_period) {
      return;
    }
    const consent::v1::Consent& consent = recorded->consent();
    if (consent.method() == consent::v1::METHOD_SIGNED_PAPER && consent.evidence().empty()) {
      Report(leaf, consent, "NO_EVIDENCE");
    }
    if (consent.notice().id().empty() || consent.notice().version().empty()) {
      Report(leaf, consent, "NO_NOTICE");
    }
    if (consent.method() == consent::v1::METHOD_SPOKEN_ON_SITE && consent.source_reference().empty()) {
      Report(leaf, consent, "NO_SOURCE_REFERENCE");  // D-4.4a
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return findings_.Take(); }
  [[nodiscard]] size_t held() const override { return findings_.size(); }

 private:
  void Report(const SeenLeaf& leaf, const consent::v1::Consent& consent, std::string what) {
    Finding finding = About(leaf, std::move(what));
    finding.facts["agreement"] = consent.consent_id();
    finding.facts["method"] = consent::v1::Method_Name(consent.method());
    findings_.Add(std::move(finding));
  }

  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakeAgreementsWithoutEvidence(const Options& /*options*/) {
  return std::make_unique<AgreementsWithoutEvidence>();
}

}  // namespace relais::cli::questions
