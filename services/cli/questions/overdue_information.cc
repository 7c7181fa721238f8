// overdue-information: who received under the decree or a legal authorisation tells her at first contact,
// within one month (RGPD art. 14, D-2.7).
#include "absl/container/flat_hash_set.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

// A month of 31 days: never said too early.
constexpr absl::Duration kDelay = absl::Hours(24 * 31);

bool BringsDuty(common::v1::Ground ground) {
  switch (ground) {
    case common::v1::GROUND_ART2:
    case common::v1::GROUND_ART6:
    case common::v1::GROUND_CONVENTION:
    case common::v1::GROUND_CP_226_14_1:
    case common::v1::GROUND_AUTHORISED_EXIT:
      return true;
    default:
      return false;
  }
}

// Owed once by an institution to a person.
Id128 MatterOf(const Id128& person, const std::string& institution) {
  const std::string digest = crypto::Sha256(person.ToBytes() + institution);
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

class OverdueInformation final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "overdue-information",
        "destinataires qui n'ont pas informé la personne dans le mois (RGPD art. 14)",
        "recipients who did not inform the person within a month (RGPD art. 14)",
        {"consent"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const std::optional<Id128> person = leaf.Person();
    if (!person) {
      return;
    }
    const auto check = leaf.As<consent::v1::CheckDecided>(audit::v1::EVENT_CLASS_CHECK_DECIDED);
    if (check && leaf.header.decision() == common::v1::DECISION_PERMIT && BringsDuty(leaf.header.ground()) &&
        !leaf.header.exercise()) {
      const Id128 matter = MatterOf(*person, check->recipient().institution());
      if (seen_.insert(matter).second && leaf.in_period) {
        matters_.Open(matter, About(leaf, ""), leaf.time + kDelay);
      }
    }
    const auto told = leaf.As<consent::v1::InformationRecorded>(audit::v1::EVENT_CLASS_INFORMATION_RECORDED);
    if (told && told->occasion() == consent::v1::INFORMATION_OCCASION_FIRST_CONTACT) {
      const std::string& by = told->told_by().empty() ? leaf.header.institution() : told->told_by();
      matters_.Close(MatterOf(*person, by), leaf.index, leaf.time);
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time now) override { return matters_.Finish(now); }
  [[nodiscard]] size_t held() const override { return matters_.size() + seen_.size() / 4; }

 private:
  OpenMatters matters_;
  absl::flat_hash_set<Id128> seen_;
};

}  // namespace

std::unique_ptr<Question> MakeOverdueInformation(const Options& /*options*/) {
  return std::make_unique<OverdueInformation>();
}

}  // namespace relais::cli::questions
