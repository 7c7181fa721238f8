// untold-agent-searches: a search by agent tells that agent's institution's DPO. The log of the search has a
// leaf about it; routing makes a message of it at the desk that the directory names for that DPO, under the
// search's event id.
//
//   NO_DESK    the directory in force named none: the leaf alone is there, for a DPO who looks
//   NOT_TOLD   there is a desk, and after a day still no message in routing's log, if that was read
#include <set>

#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

constexpr absl::Duration kGrace = absl::Hours(24);

class UntoldAgentSearches final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "untold-agent-searches",
        "recherches visant un agent dont le délégué à la protection des données n'a pas été averti",
        "searches for an agent of which his institution's DPO was not told",
        {"consent", "routing", "alerting", "vault"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    routing_read_ = routing_read_ || leaf.service == "routing";
    if (const auto searched = leaf.As<audit::v1::AgentSearched>(audit::v1::EVENT_CLASS_AGENT_SEARCHED)) {
      if (leaf.in_period) {
        searches_.emplace(leaf.header.event_id(), SearchOf(leaf, *searched, past));
      }
    } else if (leaf.Is(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED) && leaf.opened &&
               !leaf.Subject().has_value()) {
      told_.insert(leaf.header.event_id());
    }
  }

  [[nodiscard]] std::vector<Finding> Finish(absl::Time now) override {
    FindingList findings;
    for (auto& [event, finding] : searches_) {
      if (told_.contains(event)) {
        continue;
      }
      const bool no_desk = finding.what == "NO_DESK";
      if (no_desk || (routing_read_ && finding.time + kGrace <= now)) {
        findings.Add(finding);
      }
    }
    return findings.Take();
  }
  [[nodiscard]] size_t held() const override { return searches_.size() + told_.size(); }

 private:
  static Finding SearchOf(const SeenLeaf& leaf, const audit::v1::AgentSearched& searched, const Past& past) {
    const auto directory = past.DirectoryAt(leaf.header.directory_version());
    const directory::Institution* institution =
        directory == nullptr ? nullptr : directory->FindInstitution(searched.institution());
    const bool no_desk = institution != nullptr && institution->dpo.desk.empty();
    Finding finding = About(leaf, no_desk ? "NO_DESK" : "NOT_TOLD");
    finding.recipient = searched.institution();
    finding.facts["searched_by"] = searched.searched_by();
    return finding;
  }

  std::map<std::string, Finding> searches_;  // by event id
  std::set<std::string> told_;               // event ids of notices
  bool routing_read_ = false;
};

}  // namespace

std::unique_ptr<Question> MakeUntoldAgentSearches(const Options& /*options*/) {
  return std::make_unique<UntoldAgentSearches>();
}

}  // namespace relais::cli::questions
