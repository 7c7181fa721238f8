#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"
#include "common/pki/spiffe.h"

namespace relais::directory::internal {
namespace {

bool IsDecreeGround(const std::string& ground) { return ground == "ART2" || ground == "ART6"; }
bool IsBillGround(const std::string& ground) { return IsDecreeGround(ground) || ground == "CONVENTION"; }

// The decree's fields (D-1.5): surname, first name, address; tariff, amount and period are the debt.
bool IsDecreeCategory(const std::string& category) {
  return category == "IDENTITY" || category == "ADDRESS" || category == "ENERGY_DEBT";
}

class ProtocolLint {
 public:
  ProtocolLint(const Directory& directory, const Protocol& protocol, Problems& problems)
      : directory_(directory),
        protocol_(protocol),
        sender_(directory.FindInstitution(protocol.sender)),
        path_(absl::StrCat("protocols[", protocol.id, "]")),
        problems_(problems) {}

  void Check() {
    if (!pki::IsValidId(protocol_.id)) {
      Error(".id", "must be lower-case letters, digits and '-'");
    }
    CheckSender();
    CheckEvents();
    CheckCodes();
    CheckGrounds();
    CheckRecipients();
    CheckDecree();
  }

 private:
  void Error(const std::string& key, std::string message) {
    problems_.Error(path_ + key, std::move(message));
  }

  void CheckSender() {
    if (sender_ == nullptr) {
      Error(".sender", absl::StrCat("no institution '", protocol_.sender, "'"));
      return;
    }
    if (std::none_of(sender_->systems.begin(), sender_->systems.end(),
                     [](const System& system) { return system.HasRole("SIGNAL_SENDER"); })) {
      Error(".sender", absl::StrCat(protocol_.sender, " has no SIGNAL_SENDER system"));
    }
    if (MayOnlyRequestContact(sender_->kind) && protocol_.signal != kContactRequest) {
      Error(".signal", "employers and landlords send contact requests only (D-4.9)");
    }
  }

  void CheckEvents() {
    if (!IsOneOf(protocol_.signal, kSignals)) {
      Error(".signal", absl::StrCat("'", protocol_.signal, "' is not a signal"));
      return;
    }
    if (protocol_.events.empty()) {
      Error(".events", "must name at least one");
    }
    for (const std::string& event : protocol_.events) {
      if (!IsEventOf(protocol_.signal, event)) {
        Error(".events", absl::StrCat("'", event, "' is not an event of ", protocol_.signal));
      }
    }
  }

  void CheckCodes() {
    const CodeEntry* purpose = directory_.FindPurpose(protocol_.purpose);
    if (purpose == nullptr) {
      Error(".purpose", absl::StrCat("no purpose '", protocol_.purpose, "'"));
    } else if (purpose->deprecated_on.has_value()) {
      problems_.Warning(path_ + ".purpose", absl::StrCat("'", protocol_.purpose, "' is deprecated"));
    }
    if (protocol_.categories.empty()) {
      Error(".categories", "must name at least one");
    }
    for (const std::string& code : protocol_.categories) {
      if (directory_.FindCategory(code) == nullptr) {
        Error(".categories", absl::StrCat("no category '", code, "'"));
      } else if (protocol_.signal == kContactRequest && code != "IDENTITY" && code != "CONTACT") {
        Error(".categories",
              "a contact request holds a name, a phone and a time: IDENTITY and CONTACT (D-4.9)");
      }
      const auto& offence = directory_.content().offence_senders;
      if (code == kOffenceCategory &&
          std::none_of(offence.begin(), offence.end(),
                       [&](const auto& authorised) { return authorised.institution == protocol_.sender; })) {
        Error(".categories",
              absl::StrCat(protocol_.sender, " has no authorisation for offence data (D-2.7)"));
      }
    }
  }

  void CheckGrounds() {
    const bool closes = !protocol_.events.empty() &&
                        std::all_of(protocol_.events.begin(), protocol_.events.end(),
                                    [](const std::string& event) { return IsClosingEvent(event); });
    if (protocol_.grounds.empty() != closes) {
      Error(".grounds",
            closes ? "closing events disclose nothing and have no ground" : "must name at least one");
    }
    for (const std::string& ground : protocol_.grounds) {
      if (!IsOneOf(ground, kGrounds)) {
        Error(".grounds", absl::StrCat("'", ground, "' is not a ground"));
      } else if (IsBillGround(ground) != (protocol_.signal == kUnpaidBill)) {
        Error(".grounds", absl::StrCat(ground, " is not a ground for ", protocol_.signal));
      }
    }
    if (protocol_.HasGround(kAuthorisedExit)) {
      CheckAuthorisedExit();
    }
    if (protocol_.HasGround("CONVENTION") && !protocol_.convention.has_value()) {
      Error(".convention", "the ground CONVENTION needs a signed convention (D-1.13)");
    }
    if (!protocol_.HasGround("CONVENTION") && protocol_.convention.has_value()) {
      Error(".convention", "a convention is named where no ground rests on it");
    }
    const bool supplier =
        sender_ == nullptr || sender_->kind == "ENERGY_SUPPLIER" || sender_->kind == "WATER_SUPPLIER";
    if (protocol_.signal == kUnpaidBill && !supplier) {
      Error(".sender", "unpaid bills come from suppliers");
    }
  }

  // D-2.7: who is authorised says that she leaves prison, and when, and nothing else.
  void CheckAuthorisedExit() {
    const std::string ground(kAuthorisedExit);
    const auto& authorised = directory_.content().offence_senders;
    if (std::none_of(authorised.begin(), authorised.end(),
                     [&](const auto& entry) { return entry.institution == protocol_.sender; })) {
      Error(".grounds", absl::StrCat(ground, " needs its sender among offence_senders (D-2.7)"));
    }
    const bool prison = std::all_of(protocol_.events.begin(), protocol_.events.end(),
                                    [](const std::string& event) { return event == kPrisonExit; });
    if (protocol_.signal != kPlannedExit || !prison) {
      Error(".events", absl::StrCat(ground, " is for PLANNED_EXIT PRISON (D-2.7)"));
    }
    for (const std::string& code : protocol_.categories) {
      const CodeEntry* category = directory_.FindCategory(code);
      if (category != nullptr && !category->offence) {
        Error(".categories", absl::StrCat(ground, " carries data on offences alone, not ", code));
      }
    }
  }

  void CheckRecipients() {
    if (protocol_.recipients.empty()) {
      Error(".recipients", "must name at least one");
    }
    for (size_t i = 0; i < protocol_.recipients.size(); ++i) {
      const RecipientRule& rule = protocol_.recipients[i];
      const std::string key = absl::StrCat(".recipients[", i, "]");
      const int set =
          (rule.institution.empty() ? 0 : 1) + (rule.kind.empty() ? 0 : 1) + (rule.desks.empty() ? 0 : 1);
      if (set != 1) {
        Error(key, "must be one of institution, kind, desks");
        continue;
      }
      CheckRecipient(rule, key);
    }
    const auto& desks = directory_.content().desks;
    if (std::none_of(desks.begin(), desks.end(),
                     [&](const Desk& desk) { return directory_.IsRecipient(protocol_, desk); })) {
      Error(".recipients", "no desk can receive it");
    }
  }

  void CheckRecipient(const RecipientRule& rule, const std::string& key) {
    std::string kind = rule.kind;
    if (!rule.institution.empty()) {
      const Institution* institution = directory_.FindInstitution(rule.institution);
      if (institution == nullptr) {
        Error(key, absl::StrCat("no institution '", rule.institution, "'"));
        return;
      }
      kind = institution->kind;
    }
    if (!rule.desks.empty()) {
      if (rule.desks != kDepartmentalFlag && rule.desks != kCommunalFlag) {
        Error(key, absl::StrCat("'", rule.desks, "' is not a desk flag"));
      }
      return;
    }
    if (!IsOneOf(kind, kInstitutionKinds)) {
      Error(key, absl::StrCat("'", kind, "' is not a kind of institution"));
    } else if (OnlySends(kind)) {
      Error(key, absl::StrCat("a ", kind, " reads nothing"));
    }
  }

  // What rests on the decree goes to social services, with the decree's fields (D-1.4, D-1.5). A closing
  // event follows the dossiers it closes and is held to the same.
  void CheckDecree() {
    const bool decree = std::any_of(protocol_.grounds.begin(), protocol_.grounds.end(), IsDecreeGround);
    if (!decree && !(protocol_.signal == kUnpaidBill && protocol_.grounds.empty())) {
      return;
    }
    for (const RecipientRule& rule : protocol_.recipients) {
      if (rule.desks.empty()) {
        Error(".recipients", "the decree knows desks of the social services only (D-1.5)");
      }
    }
    for (const std::string& code : protocol_.categories) {
      if (!IsDecreeCategory(code)) {
        Error(".categories", absl::StrCat(code, " is not among the decree's fields (D-1.5)"));
      }
    }
  }

  const Directory& directory_;
  const Protocol& protocol_;
  const Institution* sender_;
  std::string path_;
  Problems& problems_;
};

}  // namespace

void LintProtocols(const Directory& directory, Problems& problems) {
  Unique ids(problems, "protocol");
  Unique uses(problems, "sender, signal and event");
  for (const Protocol& protocol : directory.content().protocols) {
    const std::string path = absl::StrCat("protocols[", protocol.id, "]");
    ids.Add(protocol.id, path);
    for (const std::string& event : protocol.events) {
      uses.Add(absl::StrCat(protocol.sender, " ", protocol.signal, " ", event), path + ".events");
    }
    ProtocolLint(directory, protocol, problems).Check();
  }
}

}  // namespace relais::directory::internal
