// overdue-rectification-notices: who received what was rectified answers within a month (RGPD art. 12, 16,
// 19; D-2.7).
#include "common/base/proto_time.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

class OverdueRectificationNotices final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "overdue-rectification-notices",
        "notifications de rectification restées sans réponse plus d'un mois",
        "rectification notices unanswered for more than a month",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    if (const auto told = leaf.As<consent::v1::RecordRectified>(audit::v1::EVENT_CLASS_RECORD_RECTIFIED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(told->notice_id());  // of leaves to a recipient alone
      if (id.ok() && leaf.in_period && !leaf.header.exercise()) {
        Finding matter = About(leaf, "");
        matter.facts["notice"] = told->notice_id();
        matter.facts["recipient"] = told->to_tell_size() > 0 ? told->to_tell(0) : "";
        matters_.Open(*id, std::move(matter), FromProto(told->due()));
      }
    } else if (const auto answered = leaf.As<consent::v1::RectificationAnswered>(
                   audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(answered->notice_id());
      if (id.ok()) {
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

std::unique_ptr<Question> MakeOverdueRectificationNotices(const Options& /*options*/) {
  return std::make_unique<OverdueRectificationNotices>();
}

}  // namespace relais::cli::questions
