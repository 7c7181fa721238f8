// overdue-erasure-notices: who received what was withdrawn answers within a month (RGPD art. 12, 19; D-2.7).
#include "common/base/proto_time.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

class OverdueErasureNotices final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {"overdue-erasure-notices",
                                             "notifications d'effacement restées sans réponse plus d'un mois",
                                             "erasure notices unanswered for more than a month",
                                             {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    if (const auto asked = leaf.As<consent::v1::ErasureAsked>(audit::v1::EVENT_CLASS_ERASURE_ASKED)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(asked->notice_id());
      if (id.ok() && leaf.in_period && !leaf.header.exercise()) {
        Finding matter = About(leaf, "");
        matter.facts["notice"] = asked->notice_id();
        matter.facts["recipient"] = asked->institution();
        matters_.Open(*id, std::move(matter), FromProto(asked->due()));
      }
    } else if (const auto answered =
                   leaf.As<consent::v1::ErasureAnswered>(audit::v1::EVENT_CLASS_ERASURE_ANSWERED)) {
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

std::unique_ptr<Question> MakeOverdueErasureNotices(const Options& /*options*/) {
  return std::make_unique<OverdueErasureNotices>();
}

}  // namespace relais::cli::questions
