// notice-given: the exact notice she was given for one agreement (D-2.13).
#include "common/crypto/encoding.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class NoticeGiven final : public Question {
 public:
  explicit NoticeGiven(std::string agreement) : agreement_(std::move(agreement)) {}

  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {"notice-given",
                                             "la notice exacte remise pour un accord (--agreement)",
                                             "the exact notice given for one agreement (--agreement)",
                                             {"consent"},
                                             true};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& /*past*/) override {
    const auto recorded = leaf.As<consent::v1::ConsentRecorded>(audit::v1::EVENT_CLASS_CONSENT_RECORDED);
    if (recorded && !agreement_.empty() && recorded->consent().consent_id() == agreement_) {
      Answer(leaf, "NOTICE", recorded->consent());
    }
    const auto renewed = leaf.As<consent::v1::ConsentRenewed>(audit::v1::EVENT_CLASS_CONSENT_RENEWED);
    if (renewed && !agreement_.empty() && renewed->consent_id() == agreement_) {
      Answer(leaf, "NOTICE_OF_RENEWAL", renewed->renewal());
    }
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return std::move(answers_); }

 private:
  template <typename Given>
  void Answer(const SeenLeaf& leaf, std::string what, const Given& given) {
    const consent::v1::Notice& notice = given.notice();
    Finding answer = About(leaf, std::move(what));
    answer.facts["agreement"] = agreement_;
    answer.facts["id"] = notice.id();
    answer.facts["version"] = notice.version();
    answer.facts["sha256"] = notice.sha256().empty() ? "not given" : crypto::HexEncode(notice.sha256());
    answer.facts["language"] = notice.language();
    std::string aids;
    for (const int aid : given.aids()) {
      aids += (aids.empty() ? "" : ", ") + consent::v1::Aid_Name(static_cast<consent::v1::Aid>(aid));
    }
    answer.facts["aids"] = aids;
    answers_.push_back(std::move(answer));
  }

  const std::string agreement_;
  std::vector<Finding> answers_;
};

}  // namespace

std::unique_ptr<Question> MakeNoticeGiven(const Options& options) {
  return std::make_unique<NoticeGiven>(options.agreement);
}

}  // namespace relais::cli::questions
