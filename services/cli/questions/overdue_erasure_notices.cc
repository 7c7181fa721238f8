// overdue-erasure-notices: who received what was withdrawn answers within a month (RGPD art. 12, 19; D-2.7).
#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

constexpr absl::Duration kMonth = absl::Hours(24 * 31);

class OverdueErasureNotices final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {"overdue-erasure-notices",
                                             "notifications d'effacement restées sans réponse plus d'un mois",
                                             "erasure notices unanswered for more than a month",
                                             {"routing"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    if (const auto withdrawn =
            leaf.As<routing::v1::MessageWithdrawn>(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN)) {
      const absl::StatusOr<Id128> id = Id128::FromHex(withdrawn->message_id());
      if (id.ok() && withdrawn->after_delivery() && leaf.in_period && !leaf.header.exercise()) {
        Finding matter = About(leaf, "");
        matter.facts["message"] = withdrawn->message_id();
        matter.facts["cause"] = withdrawn->cause();
        matters_.Open(*id, std::move(matter), leaf.time + kMonth);
      }
    }
    // Answers are not written yet. When they are: matters_.Close(id, leaf.index, leaf.time).
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
