// in-force: for one act, the rule, protocol, purpose, function and log signer in force by the directory it
// names.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/crypto/encoding.h"
#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {
namespace {

class InForce final : public Question {
 public:
  explicit InForce(const LeafName& leaf) : leaf_(leaf) {}

  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {
        "in-force",
        "règle, protocole, finalité et signataire en vigueur pour un acte (--leaf)",
        "rule, protocol, purpose and signer in force for one act (--leaf)",
        {"consent", "routing", "alerting", "vault"},
        true};
    return kDescription;
  }
  [[nodiscard]] Range Wanted(std::string_view service) const override {
    return service == leaf_.service ? Range{leaf_.index, leaf_.index + 1} : Range{0, 0};
  }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    if (leaf.service != leaf_.service || leaf.index != leaf_.index) {
      return;
    }
    Finding answer = About(leaf, "IN_FORCE");
    answer.facts["event"] = audit::v1::EventClass_Name(leaf.header.event_class());
    answer.facts["directory_version"] = absl::StrCat(leaf.header.directory_version());
    answer.facts["ground"] = common::v1::Ground_Name(leaf.header.ground());
    answer.facts["decision"] = common::v1::Decision_Name(leaf.header.decision());
    if (const auto directory = past.DirectoryAt(leaf.header.directory_version())) {
      AddDirectory(leaf, *directory, answer);
    } else {
      answer.what = "DIRECTORY_NOT_TO_BE_HAD";
    }
    answers_.push_back(std::move(answer));
  }
  [[nodiscard]] std::vector<Finding> Finish(absl::Time /*now*/) override { return std::move(answers_); }

 private:
  static void AddDirectory(const SeenLeaf& leaf, const directory::Directory& directory, Finding& answer) {
    if (const directory::CodeEntry* purpose = directory.FindPurpose(leaf.header.purpose())) {
      answer.facts["purpose"] = absl::StrCat(purpose->code, ": ", purpose->fr, " / ", purpose->en);
    }
    if (const directory::Function* function =
            directory.FindFunction(answer.institution, leaf.details.acting_function())) {
      answer.facts["function"] = absl::StrCat(function->id, ": ", function->label,
                                              function->BoundBySecrecy() ? ", bound by secrecy" : "");
    }
    if (const auto check = leaf.As<consent::v1::CheckDecided>(audit::v1::EVENT_CLASS_CHECK_DECIDED)) {
      answer.facts["rule"] = consent::v1::Reason_Name(check->reason());
      AddProtocol(*check, directory, answer);
    }
    std::vector<std::string> signers;
    for (const directory::LogEntry* log : directory.LogKeys(leaf.service)) {
      for (const std::string& key : log->keys) {
        signers.push_back(absl::StrCat(log->origin, " ", crypto::HexEncode(key)));
      }
    }
    answer.facts["signer"] = absl::StrJoin(signers, ", ");
  }

  static void AddProtocol(const consent::v1::CheckDecided& check, const directory::Directory& directory,
                          Finding& answer) {
    const directory::Protocol* protocol =
        directory.FindProtocol(check.sender().institution(), check.signal_type(), check.event());
    if (protocol == nullptr) {
      return;
    }
    answer.facts["protocol"] = protocol->id;
    if (protocol->convention) {
      answer.facts["convention"] = absl::StrCat(protocol->convention->reference, ", signed ",
                                                absl::FormatCivilTime(protocol->convention->signed_on));
    }
  }

  const LeafName leaf_;
  std::vector<Finding> answers_;
};

}  // namespace

std::unique_ptr<Question> MakeInForce(const Options& options) {
  return std::make_unique<InForce>(options.leaf);
}

}  // namespace relais::cli::questions
