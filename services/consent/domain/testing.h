// A small directory and short ways to write acts and questions, for the tests of decisions.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "services/consent/domain/decision.h"

namespace relais::consent::testing {

inline Id128 IdOf(uint8_t n) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw[15] = n;
  return Id128(raw);
}

/// Noon UTC of a day: never another day in Paris.
inline absl::Time Noon(int year, int month, int day) {
  return absl::FromCivil(absl::CivilHour(year, month, day, 12), absl::UTCTimeZone());
}
inline Moment At(absl::Time now) { return {now, absl::ToCivilDay(now, absl::UTCTimeZone())}; }

/// ville-paris, casvp (a co-signing commune), siao, aphp, crip75, caf, and the senders edf (with a
/// convention), engie (without), bspp; prison may send data on offences.
inline Rules SampleRules() {
  using common::v1::Ground;
  Rules rules;
  rules.version = 7;
  rules.not_after = Noon(2027, 12, 31);
  for (const auto& [id, kind] :
       std::initializer_list<std::pair<const char*, const char*>>{{"ville-paris", "DEPARTEMENT_SOCIAL"},
                                                                  {"casvp", "CCAS"},
                                                                  {"siao", "SIAO"},
                                                                  {"aphp", "HOSPITAL"},
                                                                  {"crip75", "CHILD_PROTECTION"},
                                                                  {"caf", "BENEFITS"},
                                                                  {"emmaus", "ASSOCIATION"},
                                                                  {"edf", "ENERGY_SUPPLIER"},
                                                                  {"engie", "ENERGY_SUPPLIER"},
                                                                  {"bspp", "FIRE_BRIGADE"},
                                                                  {"prison", "PRISON"}}) {
    rules.institution_kinds.emplace(id, kind);
  }
  rules.desks.emplace("dsol-75113", DeskRule{"ville-paris", true, false});
  rules.desks.emplace("casvp-psa", DeskRule{"casvp", false, true});
  rules.desks.emplace("siao-urgence", DeskRule{"siao", false, false});
  for (const char* purpose :
       {"SOCIAL_ASSESSMENT", "ENERGY_AID", "RIGHTS_OPENING", "CHILD_PROTECTION", "EMERGENCY_PROTECTION"}) {
    rules.purposes.emplace(purpose, std::nullopt);
  }
  for (const char* category : {"IDENTITY", "ADDRESS", "ENERGY_DEBT", "SOCIAL_SITUATION", "SIGNS"}) {
    rules.categories.emplace(category, CategoryRule());
  }
  rules.categories.emplace("HEALTH", CategoryRule{true, false, std::nullopt});
  rules.categories.emplace("OFFENCE", CategoryRule{false, true, std::nullopt});
  using Desks = ProtocolRecipient::Desks;
  const std::vector<ProtocolRecipient> desks = {{"", "", Desks::kDepartmental},
                                                {"", "", Desks::kCommunalCosigner}};
  const std::vector<std::string> decree = {"IDENTITY", "ADDRESS", "ENERGY_DEBT"};
  for (const char* supplier : {"edf", "engie"}) {
    std::vector<ProtocolRule>& protocols = rules.protocols[supplier];
    ProtocolRule letter{
        "UNPAID_BILL", {"LETTRE_1"}, "ENERGY_AID", {common::v1::GROUND_ART2}, decree, desks, {}};
    if (std::string(supplier) == "edf") {
      letter.grounds.push_back(common::v1::GROUND_CONVENTION);
      letter.convention_signed = absl::CivilDay(2026, 1, 15);
      protocols.push_back({"UNPAID_BILL",
                           {"LETTRE_2"},
                           "ENERGY_AID",
                           {common::v1::GROUND_CONVENTION},
                           decree,
                           desks,
                           absl::CivilDay(2026, 1, 15)});
    }
    protocols.push_back(std::move(letter));
    protocols.push_back({"UNPAID_BILL",
                         {"REDUCTION", "COUPURE"},
                         "ENERGY_AID",
                         {common::v1::GROUND_ART6},
                         {"IDENTITY", "ADDRESS", "ENERGY_DEBT", "SOCIAL_SITUATION"},
                         desks,
                         {}});
  }
  rules.protocols["bspp"].push_back({"DISTRESS_REPORT",
                                     {"CONCERN", "SERIOUS"},
                                     "SOCIAL_ASSESSMENT",
                                     {common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE},
                                     {"IDENTITY", "ADDRESS", "SIGNS", "OFFENCE"},
                                     {{"", "", Desks::kDepartmental},
                                      {"", "SIAO", Desks::kNone},
                                      {"", "CHILD_PROTECTION", Desks::kNone},
                                      {"", "ASSOCIATION", Desks::kNone}},
                                     {}});
  rules.protocols["prison"].push_back({"DISTRESS_REPORT",
                                       {"SERIOUS"},
                                       "SOCIAL_ASSESSMENT",
                                       {common::v1::GROUND_CP_226_14_1},
                                       {"IDENTITY", "OFFENCE"},
                                       {{"ville-paris", "", Desks::kNone}},
                                       {}});
  rules.protocols["prison"].push_back({"PLANNED_EXIT",
                                       {"PRISON"},
                                       "SOCIAL_ASSESSMENT",
                                       {common::v1::GROUND_AUTHORISED_EXIT},
                                       {"OFFENCE"},
                                       {{"", "", Desks::kDepartmental}, {"", "SIAO", Desks::kNone}},
                                       {}});
  rules.offence_senders.emplace("prison", absl::CivilDay(2026, 12, 31));
  // Everybody has an `accueil` too, which is not bound by secrecy.
  rules.secret_functions["bspp"] = {"officier"};
  rules.secret_functions["prison"] = {"educateur"};
  rules.secret_functions["ville-paris"] = {"assistant-social"};
  rules.secret_functions["siao"] = {"travailleur-social"};
  rules.secret_functions["emmaus"] = {"educateur"};
  rules.secret_functions["casvp"] = {"assistant-social"};
  rules.secret_functions["crip75"] = {"assistant-social"};
  return rules;
}

inline Recipient To(std::string institution) { return {std::move(institution), ""}; }
inline Recipient Kind(std::string kind) { return {"", std::move(kind)}; }

inline Line MakeLine(std::vector<std::string> purposes, std::vector<std::string> categories,
                     std::vector<Recipient> recipients,
                     std::vector<common::v1::Act> acts = {common::v1::ACT_TRANSMIT}) {
  return {std::move(purposes), std::move(categories), std::move(recipients), std::move(acts)};
}

}  // namespace relais::consent::testing
