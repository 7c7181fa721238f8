// irregular-transmissions: rows that reached the service although the row alone condemns them (feeds.md,
// "Where a row is judged"): the sender's machine should have held them back. Per sender, kind of feed and
// reason.
#include <tuple>

#include "absl/strings/str_cat.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class IrregularTransmissions final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "irregular-transmissions",
        "lignes que l'expéditeur n'aurait pas dû transmettre, par expéditeur et motif",
        "rows a sender should not have sent, per sender and reason",
        {"alerting"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const auto refused = leaf.As<alerting::v1::SignalRefused>(audit::v1::EVENT_CLASS_SIGNAL_REFUSED);
    if (!refused || refused->gated() || !refused->irregular() || !leaf.in_period) {
      return;
    }
    Tally& tally = tallies_[{leaf.header.institution(), refused->type(), refused->reason()}];
    if (tally.leaves == 0) {
      tally.first = About(leaf, refused->reason());
    }
    tally.last = leaf.index;
    tally.rows += refused->count();
    ++tally.leaves;
  }

  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override {
    FindingList findings;
    for (auto& [key, tally] : tallies_) {
      if (tally.last != tally.first.leaves[0]) {
        tally.first.leaves.push_back(tally.last);
      }
      tally.first.facts["feed"] = alerting::v1::FeedType_Name(std::get<1>(key));
      tally.first.facts["rows"] = absl::StrCat(tally.rows);
      tally.first.facts["leaves"] = absl::StrCat(tally.leaves);
      findings.Add(std::move(tally.first));
    }
    return findings.Take();
  }
  [[nodiscard]] size_t held() const override { return tallies_.size(); }

 private:
  struct Tally {
    Finding first;
    uint64_t last = 0;
    uint64_t rows = 0;
    uint64_t leaves = 0;
  };
  std::map<std::tuple<std::string, alerting::v1::FeedType, std::string>, Tally> tallies_;
};

}  // namespace

std::unique_ptr<Question> MakeIrregularTransmissions(const Options& /*options*/) {
  return std::make_unique<IrregularTransmissions>();
}

}  // namespace relais::cli::questions
