// overdue-emergency-reviews: break-glass is reviewed by somebody else, within 72 hours (D-2.6.6).
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

constexpr absl::Duration kDelay = absl::Hours(72);

class OverdueEmergencyReviews final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "overdue-emergency-reviews",
        "urgences (bris de glace) non revues par un tiers dans les 72 heures",
        "emergencies (break-glass) not reviewed by somebody else within 72 hours",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    if (const auto declared =
            leaf.As<consent::v1::EmergencyDeclared>(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(declared->emergency_id());
      if (id.ok() && leaf.in_period && !leaf.header.exercise()) {
        Finding matter = About(leaf, "");
        matter.facts["emergency"] = declared->emergency_id();
        matters_.Open(*id, std::move(matter), leaf.time + kDelay);
      }
    }
    if (const auto reviewed =
            leaf.As<consent::v1::EmergencyReviewed>(audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED)) {
      if (const absl::StatusOr<Id128> id = Id128::FromHex(reviewed->emergency_id()); id.ok()) {
        matters_.Close(*id, leaf.index, leaf.time);
      }
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time now) override { return matters_.Finish(now); }
  [[nodiscard]] size_t held() const override { return matters_.size(); }

 private:
  OpenMatters matters_;
};

}  // namespace

std::unique_ptr<Question> MakeOverdueEmergencyReviews(const Options& /*options*/) {
  return std::make_unique<OverdueEmergencyReviews>();
}

}  // namespace relais::cli::questions
