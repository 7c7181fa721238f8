// expired-representatives: agreements that a representative gave and whose mandate has ended (D-2.8, D-2.9).
#include <map>

#include "common/base/proto_time.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/permits.h"

namespace relais::cli::questions {
namespace {

// A decision is made just before its leaf.
constexpr absl::Duration kWriting = absl::Seconds(5);

class ExpiredRepresentatives final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "expired-representatives",
        "accords dont le mandat du représentant a pris fin : permis quand même, ou encore à reprendre",
        "agreements whose representative's mandate has ended: permitted all the same, or to be taken up "
        "again",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    if (const auto agreed = leaf.As<consent::v1::ConsentRecorded>(audit::v1::EVENT_CLASS_CONSENT_RECORDED)) {
      const consent::v1::Consent& consent = agreed->consent();
      const absl::StatusOr<Id128> id = Id128::FromHex(consent.consent_id());
      if (id.ok() && consent.has_mandate_until()) {
        Mandate& mandate = mandates_[*id];
        mandate.finding = About(leaf, "");
        mandate.finding.facts["agreement"] = consent.consent_id();
        mandate.in_period = leaf.in_period;
        Set(mandate, consent.mandate_until(), consent.valid_until());
      }
    }
    if (const auto again = leaf.As<consent::v1::ConsentRenewed>(audit::v1::EVENT_CLASS_CONSENT_RENEWED)) {
      Renewed(again->consent_id(), again->renewal());
    }
    if (const auto withdrawn =
            leaf.As<consent::v1::ConsentWithdrawn>(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN)) {
      for (const std::string& consent : withdrawn->consent_ids()) {
        Forget(consent);
      }
    }
    if (const auto touched =
            leaf.As<consent::v1::AgreementsTouched>(audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED)) {
      for (const std::string& consent : touched->consent_ids()) {
        Forget(consent);
      }
    }
    if (const std::optional<PermitLeaf> permit = PermitIn(leaf, past)) {
      for (const PermittedCategory& category : permit->categories) {
        Judge(leaf, category);
      }
    }
  }

  [[nodiscard]] std::vector<Finding> Finish(absl::Time now) override {
    for (auto& [id, mandate] : mandates_) {
      if (mandate.in_period && !mandate.withdrawn && now >= mandate.until && now < mandate.period) {
        mandate.finding.what = "MANDATE_ENDED";
        mandate.finding.facts["ended"] = TimeText(mandate.until);
        findings_.Add(std::move(mandate.finding));
      }
    }
    mandates_.clear();
    return findings_.Take();
  }
  [[nodiscard]] size_t held() const override { return mandates_.size() + findings_.size(); }

 private:
  struct Mandate {
    Finding finding;
    absl::Time until;
    absl::Time period;
    bool in_period = true;
    bool withdrawn = false;  // some of it at least: what is left is the desk's to see
  };

  static std::string TimeText(absl::Time time) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  }
  static void Set(Mandate& mandate, const google::protobuf::Timestamp& until,
                  const google::protobuf::Timestamp& period) {
    mandate.until = FromProto(until);
    mandate.period = FromProto(period);
  }
  Mandate* Find(const std::string& hex) {
    const absl::StatusOr<Id128> id = Id128::FromHex(hex);
    const auto found = id.ok() ? mandates_.find(*id) : mandates_.end();
    return found == mandates_.end() ? nullptr : &found->second;
  }
  void Renewed(const std::string& consent, const consent::v1::Renewal& renewal) {
    Mandate* mandate = Find(consent);
    if (mandate == nullptr) {
      return;
    }
    mandate->period = FromProto(renewal.valid_until());
    mandate->until =
        renewal.has_mandate_until() ? FromProto(renewal.mandate_until()) : absl::InfiniteFuture();
  }
  void Forget(const std::string& consent) {
    if (Mandate* mandate = Find(consent); mandate != nullptr) {
      mandate->withdrawn = true;
    }
  }
  void Judge(const SeenLeaf& leaf, const PermittedCategory& category) {
    if (category.ground != common::v1::GROUND_AGREEMENT || !category.basis) {
      return;
    }
    const auto found = mandates_.find(*category.basis);
    if (found != mandates_.end() && leaf.time - kWriting >= found->second.until) {
      Finding finding = AboutCategory(leaf, category, "PERMITTED_AFTER_MANDATE");
      finding.leaves.insert(finding.leaves.end(), found->second.finding.leaves.begin(),
                            found->second.finding.leaves.end());
      finding.facts["ended"] = TimeText(found->second.until);
      findings_.Add(std::move(finding));
    }
  }

  std::map<Id128, Mandate> mandates_;
  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakeExpiredRepresentatives(const Options& /*options*/) {
  return std::make_unique<ExpiredRepresentatives>();
}

}  // namespace relais::cli::questions
