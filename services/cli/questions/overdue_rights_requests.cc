// overdue-rights-requests: a request of hers is answered within a month, or three when it was extended in
// time (RGPD art. 12.3; D-2.7).
#include "common/base/proto_time.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

class OverdueRightsRequests final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "overdue-rights-requests",
        "demandes d'exercice des droits restées sans réponse dans le délai",
        "requests under her rights unanswered within their time",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    if (const auto opened = leaf.As<consent::v1::RightsOpened>(audit::v1::EVENT_CLASS_RIGHTS_OPENED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(opened->rights_id());
      if (id.ok() && leaf.in_period && !leaf.header.exercise()) {
        Finding matter = About(leaf, "");
        matter.facts["request"] = opened->rights_id();
        matter.facts["right"] = consent::v1::Right_Name(opened->right());
        matters_.Open(*id, std::move(matter), FromProto(opened->due()));
      }
    }
    if (const auto answered = leaf.As<consent::v1::RightsAnswered>(audit::v1::EVENT_CLASS_RIGHTS_ANSWERED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(answered->rights_id());
      if (!id.ok()) {
        return;
      }
      if (answered->outcome() == consent::v1::RIGHTS_OUTCOME_EXTENDED) {
        matters_.Extend(*id, FromProto(answered->due()));
      } else {
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

std::unique_ptr<Question> MakeOverdueRightsRequests(const Options& /*options*/) {
  return std::make_unique<OverdueRightsRequests>();
}

}  // namespace relais::cli::questions
