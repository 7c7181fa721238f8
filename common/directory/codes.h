// The words that code depends on, and that a directory may therefore not invent. Purposes, categories and
// signs are the directory's own lists; those here are the ones every directory is expected to have.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace relais::directory {

/// What a system may be; the policy option of the protos uses the same names.
inline constexpr std::array<std::string_view, 6> kRoles = {"SIGNAL_SENDER", "PROFESSIONAL", "STEWARD",
                                                           "AUDITOR",       "DPO",          "OPERATOR"};

inline constexpr std::array<std::string_view, 20> kInstitutionKinds = {"VILLE",
                                                                       "DEPARTEMENT_SOCIAL",
                                                                       "CCAS",
                                                                       "SIAO",
                                                                       "SHELTER",
                                                                       "BENEFITS",
                                                                       "CHILD_PROTECTION",
                                                                       "ASSOCIATION",
                                                                       "HEALTH_INSURANCE",
                                                                       "HOSPITAL",
                                                                       "HOUSING",
                                                                       "ENERGY_SUPPLIER",
                                                                       "WATER_SUPPLIER",
                                                                       "FIRE_BRIGADE",
                                                                       "EMPLOYMENT",
                                                                       "PRISON",
                                                                       "AUDITOR",
                                                                       "OPERATOR",
                                                                       "EMPLOYER",
                                                                       "LANDLORD"};

/// What a function may do: `may` in the directory, `capabilities` in the policy of each method.
inline constexpr std::array<std::string_view, 16> kCapabilities = {
    "SUBMIT_SIGNAL",  // send what a protocol allows
    "REGISTER_PERSON",
    "RECORD_CONSENT",    // agreements, renewals, information given; her refusal and withdrawal need nothing
    "RECORD_OBJECTION",  // lift one; to record hers needs nothing
    "CHECK",             // ask consent.Check for its own institution, and send what it permits
    "RECEIVE",           // read an inbox, and alerts
    "TAKE",              // take, transfer, terminate; propose a référent
    "BE_REFERENT",
    "ASK_CONTACT",  // ask another institution's contact privilégié (D-4.11)
    "DECLARE_EMERGENCY",
    "REVIEW_EMERGENCY",
    "MATCH_PERSONS",  // steward: candidates, merges, splits
    "KEEP_PAPERS",  // in a vault: deposit, and for whom the institution is host, read, share, destroy, export
    "ANSWER_RIGHTS",  // rights requests, her access history; to open one, or to restrict, needs nothing
    "AUDIT",
    "OPERATE"};

/// RGPD art. 10: of an authorised sender's planned exits (D-2.7).
inline constexpr std::string_view kAuthorisedExit = "AUTHORISED_EXIT";
/// Grounds a protocol may name. ART2 and ART6: décret 2008-780 (D-1.4, D-1.5).
inline constexpr std::array<std::string_view, 8> kGrounds = {
    "ART2",           "ART6",         "CONVENTION", "ACCORD", "ART_226_14_1", "INFO_PREOCCUPANTE",
    "VITAL_INTEREST", kAuthorisedExit};

inline constexpr std::array<std::string_view, 8> kPublics = {
    "ADULT", "FAMILY", "MINOR", "YOUNG_ADULT", "ELDERLY", "DISABLED", "PREGNANT", "NO_DWELLING"};

inline constexpr std::string_view kUnpaidBill = "UNPAID_BILL";
inline constexpr std::string_view kDistressReport = "DISTRESS_REPORT";
inline constexpr std::string_view kContactRequest = "CONTACT_REQUEST";
inline constexpr std::string_view kPlannedExit = "PLANNED_EXIT";
inline constexpr std::array<std::string_view, 4> kSignals = {kUnpaidBill, kDistressReport, kContactRequest,
                                                             kPlannedExit};

/// `evenement` of the bills' feed; the last three close dossiers and need no ground.
inline constexpr std::array<std::string_view, 7> kBillEvents = {
    "LETTRE_1", "LETTRE_2", "REDUCTION", "COUPURE", "RETABLISSEMENT", "REGLEMENT", "ECHEANCIER"};
/// `danger` of the distress reports, without IMMEDIATE, which is not for this system (D-4.4).
inline constexpr std::array<std::string_view, 3> kDistressEvents = {"NONE", "CONCERN", "SERIOUS"};
inline constexpr std::array<std::string_view, 1> kContactEvents = {"REQUEST"};
inline constexpr std::string_view kPrisonExit = "PRISON";
inline constexpr std::array<std::string_view, 3> kExitEvents = {"HOSPITAL", kPrisonExit, "CHILD_WELFARE"};

inline constexpr std::string_view kDepartmentalFlag = "DEPARTMENTAL_SOCIAL_SERVICE";
inline constexpr std::string_view kCommunalFlag = "COMMUNAL_COSIGNER";
inline constexpr std::string_view kReliefFlag = "RELIEF_ONLY";

inline constexpr std::array<std::string_view, 8> kExpectedPurposes = {
    "SOCIAL_ASSESSMENT",   "ENERGY_AID",       "RIGHTS_OPENING",        "HEALTH_CARE_COORDINATION",
    "SHELTER_ORIENTATION", "CHILD_PROTECTION", "REFERENT_COORDINATION", "EMERGENCY_PROTECTION"};

inline constexpr std::array<std::string_view, 16> kExpectedCategories = {
    "IDENTITY",         "CONTACT", "ADDRESS", "HOUSING",  "ENERGY_DEBT", "RESOURCES",
    "SOCIAL_SITUATION", "FAMILY",  "HEALTH",  "ORIGIN",   "OPINION",     "RELIGION",
    "SEX_LIFE",         "OFFENCE", "SIGNS",   "DOCUMENTS"};
/// RGPD art. 9 among them (D-2.7); OFFENCE is art. 10.
inline constexpr std::array<std::string_view, 5> kSpecialCategories = {"HEALTH", "ORIGIN", "OPINION",
                                                                       "RELIGION", "SEX_LIFE"};
inline constexpr std::string_view kOffenceCategory = "OFFENCE";

/// D-4.6.
inline constexpr std::array<std::string_view, 18> kExpectedSigns = {"ENERGY_CUT",
                                                                    "RENT_ARREARS",
                                                                    "OVER_INDEBTEDNESS",
                                                                    "JOB_LOSS",
                                                                    "BEREAVEMENT",
                                                                    "SEPARATION",
                                                                    "SERIOUS_ILLNESS",
                                                                    "HOUSING_UNFIT",
                                                                    "ISOLATION",
                                                                    "AUTONOMY_LOSS",
                                                                    "UNDERNOURISHMENT",
                                                                    "REPEATED_CALLOUTS",
                                                                    "LEAVING_HOSPITAL",
                                                                    "LEAVING_PRISON",
                                                                    "LEAVING_CHILD_WELFARE",
                                                                    "ROUGH_SLEEPING_CHILDREN",
                                                                    "ROUGH_SLEEPING_PREGNANT",
                                                                    "VIOLENCE"};
inline constexpr std::array<std::string_view, 3> kSpecialSigns = {"SERIOUS_ILLNESS", "LEAVING_PRISON",
                                                                  "VIOLENCE"};

template <size_t N>
[[nodiscard]] constexpr bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& words) {
  for (const std::string_view candidate : words) {
    if (candidate == word) {
      return true;
    }
  }
  return false;
}

/// True when `event` is one of `signal`'s.
[[nodiscard]] constexpr bool IsEventOf(std::string_view signal, std::string_view event) {
  if (signal == kUnpaidBill) {
    return IsOneOf(event, kBillEvents);
  }
  if (signal == kDistressReport) {
    return IsOneOf(event, kDistressEvents);
  }
  if (signal == kContactRequest) {
    return IsOneOf(event, kContactEvents);
  }
  return signal == kPlannedExit && IsOneOf(event, kExitEvents);
}

/// Bill events that close dossiers: they disclose nothing and so need no ground .
[[nodiscard]] constexpr bool IsClosingEvent(std::string_view event) {
  return event == "RETABLISSEMENT" || event == "REGLEMENT" || event == "ECHEANCIER";
}

/// Employers and landlords may ask for a contact and read nothing (D-4.9).
[[nodiscard]] constexpr bool MayOnlyRequestContact(std::string_view kind) {
  return kind == "EMPLOYER" || kind == "LANDLORD";
}

/// Kinds that send signals and never read a social file (D-2.5).
[[nodiscard]] constexpr bool OnlySends(std::string_view kind) {
  return MayOnlyRequestContact(kind) || kind == "ENERGY_SUPPLIER" || kind == "WATER_SUPPLIER" ||
         kind == "FIRE_BRIGADE";
}

}  // namespace relais::directory
