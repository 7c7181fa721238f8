#include "services/consent/domain/stated_ground.h"

#include <algorithm>
#include <array>

#include "common/directory/codes.h"

namespace relais::consent {
namespace {

constexpr int kLeastObjectionDays = 8;  // D-1.4
constexpr int kFullDaysOfCut = 5;       // D-1.5: the supplier informs after five full days

// "Autorités judiciaires, médicales ou administratives" of code pénal 226-14 1°, by kind of the directory.
constexpr std::array<std::string_view, 6> kAuthorities = {"VILLE", "DEPARTEMENT_SOCIAL", "CCAS",
                                                          "SIAO",  "CHILD_PROTECTION",   "HOSPITAL"};
constexpr std::string_view kCrip = kChildProtection;  // institution kind, and the purpose of the same name
// For which a professional may speak on a legal duty or authorisation.
constexpr std::array<std::string_view, 3> kProtectingPurposes = {kCrip, "SOCIAL_ASSESSMENT",
                                                                 "EMERGENCY_PROTECTION"};
// Surname, first names, address; tariff option, amount, period (D-1.5).
constexpr std::array<std::string_view, 3> kDecreeCategories = {"IDENTITY", "ADDRESS", "ENERGY_DEBT"};

template <typename List, typename Value>
bool Has(const List& list, const Value& value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

const ProtocolRule* ProtocolFor(const Question& question, const Rules& rules) {
  const ProtocolRule* protocol =
      rules.FindProtocol(question.sender, question.stated.signal_type, question.stated.event);
  return protocol != nullptr && Has(protocol->grounds, question.stated.ground) ? protocol : nullptr;
}

// A desk of somebody else says nothing about this recipient.
const DeskRule* DeskOf(const Question& question, const Rules& rules) {
  const DeskRule* desk = rules.FindDesk(question.recipient_desk);
  return desk != nullptr && desk->institution == question.recipient ? desk : nullptr;
}

bool CutOrReduction(std::string_view event) { return event == "COUPURE" || event == "REDUCTION"; }
// D-1.13: a cut or a reduction is told under the decree or not at all, whatever a protocol lists together.
bool Letter(std::string_view event) { return event == "LETTRE_1" || event == "LETTRE_2"; }

// What the bill and its dates say, whoever receives what.
v1::Reason JudgeBill(const Stated& stated, const ProtocolRule& protocol, absl::CivilDay today) {
  if (stated.event_day && *stated.event_day > today) {
    return v1::REASON_TOO_EARLY;
  }
  switch (stated.ground) {
    case common::v1::GROUND_ART2:
      if (stated.event != "LETTRE_1" || !stated.event_day || !stated.objection_end ||
          *stated.objection_end < *stated.event_day + kLeastObjectionDays) {
        return v1::REASON_GROUND_NOT_ESTABLISHED;
      }
      break;
    case common::v1::GROUND_ART6:
      if (!CutOrReduction(stated.event) || !stated.event_day) {
        return v1::REASON_GROUND_NOT_ESTABLISHED;
      }
      return today <= *stated.event_day + kFullDaysOfCut ? v1::REASON_TOO_EARLY : v1::REASON_OPT_OUT_REGIME;
    default:
      if (!Letter(stated.event) || !protocol.convention_signed || *protocol.convention_signed > today) {
        return v1::REASON_GROUND_NOT_ESTABLISHED;
      }
      break;
  }
  // A window that the sender itself gave gates its own letter (D-1.4), under a convention too.
  return stated.objection_end && today <= *stated.objection_end ? v1::REASON_WINDOW_OPEN
                                                                : v1::REASON_OPT_OUT_REGIME;
}

// Who may be told on that ground.
bool IsCompetent(const Question& question, const Rules& rules) {
  const std::string_view kind = rules.KindOf(question.recipient);
  return question.stated.ground == common::v1::GROUND_CP_226_14_1 ? Has(kAuthorities, kind) : kind == kCrip;
}

// A report under its sender's protocol.
v1::Reason JudgeReport(const Question& question, std::string_view category, const Rules& rules) {
  const ProtocolRule* protocol = ProtocolFor(question, rules);
  if (protocol == nullptr) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  // One protocol has one purpose; what is told to protect a child is child protection whatever the report was
  // for.
  const bool other_purpose = question.purpose != protocol->purpose;
  if (other_purpose && question.purpose != kCrip) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (!IsCompetent(question, rules) || (other_purpose && rules.KindOf(question.recipient) != kCrip) ||
      !rules.IsRecipient(*protocol, question.recipient, DeskOf(question, rules))) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return Has(protocol->categories, category) ? v1::REASON_LEGAL_DUTY : v1::REASON_CATEGORY_NOT_ALLOWED;
}

// A professional's own word: who only sends has none but its protocol's.
v1::Reason JudgeProfessional(const Question& question, std::string_view category, const Rules& rules) {
  const bool shared = question.stated.ground == common::v1::GROUND_CASF_226_2_2;
  const bool purpose = shared ? question.purpose == kCrip : Has(kProtectingPurposes, question.purpose);
  if (!purpose || rules.OnlySends(question.sender) ||
      !rules.IsBoundBySecrecy(question.sender, question.sender_function)) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (!IsCompetent(question, rules) ||
      (shared && !rules.IsBoundBySecrecy(question.recipient, question.recipient_function))) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return rules.CategoryOf(category).offence ? v1::REASON_CATEGORY_NOT_ALLOWED : v1::REASON_LEGAL_DUTY;
}

}  // namespace

bool IsLegalDuty(common::v1::Ground ground) {
  return ground == common::v1::GROUND_CP_226_14_1 || ground == common::v1::GROUND_INFO_PREOCCUPANTE ||
         ground == common::v1::GROUND_CASF_226_2_2;
}

bool IsOptOut(common::v1::Ground ground) {
  return ground == common::v1::GROUND_ART2 || ground == common::v1::GROUND_ART6 ||
         ground == common::v1::GROUND_CONVENTION;
}

v1::Reason JudgeLegalDuty(const Question& question, std::string_view category, const Rules& rules) {
  if (!question.stated.has_facts || question.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  return question.stated.signal_type.empty() ? JudgeProfessional(question, category, rules)
                                             : JudgeReport(question, category, rules);
}

v1::Reason JudgeOptOut(const Question& question, std::string_view category, const Rules& rules,
                       absl::CivilDay today) {
  const ProtocolRule* protocol = ProtocolFor(question, rules);
  if (protocol == nullptr || question.purpose != protocol->purpose ||
      question.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (const v1::Reason bill = JudgeBill(question.stated, *protocol, today);
      bill != v1::REASON_OPT_OUT_REGIME) {
    return bill;
  }
  const DeskRule* desk = DeskOf(question, rules);
  if (desk == nullptr || (!desk->departmental && !desk->communal_cosigner) ||
      !rules.IsRecipient(*protocol, question.recipient, desk)) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return Has(kDecreeCategories, category) && Has(protocol->categories, category)
             ? v1::REASON_OPT_OUT_REGIME
             : v1::REASON_CATEGORY_NOT_ALLOWED;
}

v1::Reason JudgeAuthorisedExit(const Question& question, std::string_view category, const Rules& rules,
                               absl::CivilDay today) {
  const Stated& stated = question.stated;
  const ProtocolRule* protocol = ProtocolFor(question, rules);
  if (protocol == nullptr || stated.signal_type != directory::kPlannedExit ||
      stated.event != directory::kPrisonExit || question.purpose != protocol->purpose ||
      question.act != common::v1::ACT_TRANSMIT || !stated.event_day || *stated.event_day < today) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (!rules.MaySendOffenceData(question.sender, today)) {
    return v1::REASON_OFFENCE_NOT_AUTHORISED;
  }
  if (!rules.IsRecipient(*protocol, question.recipient, DeskOf(question, rules))) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return rules.CategoryOf(category).offence && Has(protocol->categories, category)
             ? v1::REASON_AUTHORISED_EXIT
             : v1::REASON_CATEGORY_NOT_ALLOWED;
}

}  // namespace relais::consent
