// access-without-relation: whoever gets to see something about her must have to do with her.
//
// What needs a relation: a message that goes to somebody (offered with a permit, delivered, taken), and a
// check that its recipient asked for himself and was permitted: he looks. A sender's check, and a service's,
// discloses nothing to who asks. A desk is the receiving institution's own, by the directory in force.
#include <algorithm>
#include <array>

#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

constexpr std::array<std::string_view, 4> kRelations = {"REFERENT", "CASE", "DESK", "SHARE"};

class AccessWithoutRelation final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {"access-without-relation",
                                             "accès ou remises sans lien connu avec la personne",
                                             "accesses and deliveries without a known relation to the person",
                                             {"consent", "routing"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    if (!leaf.opened || !leaf.in_period) {
      return;
    }
    const std::string& relation = leaf.details.relation();
    if (NeedsRelation(leaf) &&
        std::find(kRelations.begin(), kRelations.end(), relation) == kRelations.end()) {
      Finding finding = About(leaf, relation.empty() ? "ABSENT" : "NONE");
      finding.facts["event"] = audit::v1::EventClass_Name(leaf.header.event_class());
      finding.facts["purpose"] = leaf.header.purpose();
      findings_.Add(std::move(finding));
    } else if (const std::string desk = DeskOf(leaf); !desk.empty()) {
      const auto directory = past.DirectoryAt(leaf.header.directory_version());
      const directory::Desk* found = directory == nullptr ? nullptr : directory->FindDesk(desk);
      if (directory != nullptr && (found == nullptr || found->institution != leaf.header.institution())) {
        Finding finding = About(leaf, "ANOTHERS_DESK");
        finding.facts["desk"] = desk;
        findings_.Add(std::move(finding));
      }
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return findings_.Take(); }
  [[nodiscard]] size_t held() const override { return findings_.size(); }

 private:
  static bool NeedsRelation(const SeenLeaf& leaf) {
    if (const auto check = leaf.As<consent::v1::CheckDecided>(audit::v1::EVENT_CLASS_CHECK_DECIDED)) {
      return leaf.header.decision() == common::v1::DECISION_PERMIT &&
             leaf.header.institution() == check->recipient().institution() &&
             leaf.header.institution() != check->sender().institution();
    }
    if (const auto offered = leaf.As<routing::v1::MessageOffered>(audit::v1::EVENT_CLASS_MESSAGE_OFFERED)) {
      return !offered->permit_id().empty();  // else the attempt was given back
    }
    return leaf.Is(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED) || leaf.Is(audit::v1::EVENT_CLASS_MESSAGE_TAKEN);
  }

  // Of what a human or a system of the receiving institution did.
  static std::string DeskOf(const SeenLeaf& leaf) {
    if (const auto taken = leaf.As<routing::v1::MessageTaken>(audit::v1::EVENT_CLASS_MESSAGE_TAKEN)) {
      return taken->desk();
    }
    const auto delivered = leaf.As<routing::v1::MessageDelivered>(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED);
    return delivered ? delivered->desk() : "";
  }

  FindingList findings_;
};

}  // namespace

std::unique_ptr<Question> MakeAccessWithoutRelation(const Options& /*options*/) {
  return std::make_unique<AccessWithoutRelation>();
}

}  // namespace relais::cli::questions
