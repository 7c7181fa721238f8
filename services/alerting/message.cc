#include "services/alerting/message.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/proto_time.h"
#include "common/calendar/days.h"
#include "common/feeds/form.h"
#include "common/text/normalize.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr std::string_view kAssessment = "SOCIAL_ASSESSMENT";
constexpr std::string_view kEnergyAid = "ENERGY_AID";
constexpr std::string_view kChildProtection = "CHILD_PROTECTION";
// What a brigade's report holds (D-4.3); FAMILY only when it says who lives there.
constexpr std::string_view kReportCategories[] = {"IDENTITY", "CONTACT", "ADDRESS", "SIGNS",
                                                  "SOCIAL_SITUATION"};
constexpr std::string_view kFamily = "FAMILY";
constexpr std::string_view kUnpaidBill = "UNPAID_BILL";
constexpr std::string_view kDistressReport = "DISTRESS_REPORT";
constexpr std::string_view kBillCategories[] = {"IDENTITY", "ADDRESS", "ENERGY_DEBT"};
constexpr std::string_view kOralNotice = "fiche-bspp-orale";
constexpr std::string_view kOralNoticeVersion = "1";
constexpr int kOralMonths = 3;
constexpr std::string_view kNoFacts = "faits non précisés / facts not stated";

// The days that a Date may hold (proto/relais/common/v1/types.proto).
bool IsDate(absl::CivilDay day) { return day.year() >= 1800 && day.year() <= 9999; }

// Consent takes no text of these alone for facts (D-2.11); a feed does.
bool SaysSomething(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") != std::string_view::npos;
}

// When she was met: never after the report was taken in, though its clock may be ahead.
absl::Time MetAt(const feeds::BsppRow& row, const v1::RowState& state) {
  return state.has_accepted() ? std::min(row.intervention_at, FromProto(state.accepted()))
                              : row.intervention_at;
}

// Unknown where it cannot be hers.
std::optional<absl::CivilDay> BirthDayOf(const feeds::BsppRow& row, const v1::RowState& state,
                                         const calendar::Paris& paris) {
  const std::optional<absl::CivilDay>& said = row.person.naissance;
  const bool can_be = said.has_value() && IsDate(*said) && *said <= paris.DayOf(MetAt(row, state));
  return can_be ? said : std::nullopt;
}

// The facts of the ground that is stated, which must be there.
std::string GroundFactsOf(const feeds::BsppRow& row) {
  if (row.ground == feeds::Ground::kNone || SaysSomething(row.ground_facts)) {
    return row.ground_facts;
  }
  return SaysSomething(row.facts) ? row.facts : std::string(kNoFacts);
}

common::v1::Ground GroundOf(feeds::Fondement fondement) {
  switch (fondement) {
    case feeds::Fondement::kArt2:
      return common::v1::GROUND_ART2;
    case feeds::Fondement::kArt6:
      return common::v1::GROUND_ART6;
    case feeds::Fondement::kConvention:
      return common::v1::GROUND_CONVENTION;
    case feeds::Fondement::kNone:
      break;
  }
  return common::v1::GROUND_UNSPECIFIED;
}

bool IsMinor(const feeds::BsppRow& row, const calendar::Paris& paris) {
  return row.person.naissance.has_value() &&
         calendar::IsMinorOn(*row.person.naissance, paris.DayOf(row.intervention_at));
}

// D-4.4a, in this order: a ground of the law that is stated; her agreement; else break-glass.
common::v1::Ground GroundOf(const feeds::BsppRow& row, const calendar::Paris& paris) {
  if (row.ground == feeds::Ground::kArt226_14_1) {
    return common::v1::GROUND_CP_226_14_1;
  }
  if (row.ground == feeds::Ground::kInfoPreoccupante) {
    return common::v1::GROUND_INFO_PREOCCUPANTE;
  }
  if (row.agreement == feeds::Agreement::kGiven && !IsMinor(row, paris)) {
    return common::v1::GROUND_AGREEMENT;
  }
  return common::v1::GROUND_EMERGENCY;
}

std::vector<std::string> CategoriesOf(const feeds::BsppRow& row) {
  std::vector<std::string> categories(std::begin(kReportCategories), std::end(kReportCategories));
  // A sum could come round to nothing.
  if (row.household.adults > 0 || row.household.minors > 0 || row.household.pregnant > 0) {
    categories.emplace_back(kFamily);
  }
  return categories;
}

std::string DangerOf(const feeds::BsppRow& row) {
  return row.danger == feeds::Danger::kNoDanger ? "NONE" : std::string(feeds::CodeOf(row.danger));
}

// The purpose of the protocol under which it is sent, which is what consent compares; without one it will be
// denied, for the purpose it would have had.
std::string PurposeOf(const directory::Directory& directory, const std::string& institution,
                      std::string_view signal, const std::string& event, std::string_view otherwise) {
  const directory::Protocol* protocol = directory.FindProtocol(institution, signal, event);
  return protocol != nullptr ? protocol->purpose : std::string(otherwise);
}

// D-4.4a, as consent counts it: the same hour three months later.
absl::Time EndOfOralAgreement(absl::Time given, const calendar::Paris& paris) {
  const absl::CivilSecond then = absl::ToCivilSecond(given, paris.zone());
  const absl::CivilDay day = calendar::AddMonths(absl::CivilDay(then), kOralMonths);
  const absl::CivilSecond end(day.year(), day.month(), day.day(), then.hour(), then.minute(), then.second());
  return absl::FromCivil(end, paris.zone());
}

bool GoesToCrip(const feeds::BsppRow& row, const calendar::Paris& paris) {
  return IsMinor(row, paris) || GroundOf(row, paris) == common::v1::GROUND_INFO_PREOCCUPANTE;
}

std::string ReportPurposeOf(const feeds::BsppRow& row, const std::string& institution,
                            const directory::Directory& directory, const calendar::Paris& paris) {
  return PurposeOf(directory, institution, kDistressReport, DangerOf(row),
                   GoesToCrip(row, paris) ? kChildProtection : kAssessment);
}

routing::v1::Urgency UrgencyOf(feeds::Danger danger) {
  switch (danger) {
    case feeds::Danger::kSerious:
      return routing::v1::URGENCY_SERIOUS;
    case feeds::Danger::kConcern:
      return routing::v1::URGENCY_CONCERN;
    default:
      return routing::v1::URGENCY_ORDINARY;
  }
}

routing::v1::Content BillContent(const feeds::EdfRow& row) {
  routing::v1::Content content;
  routing::v1::UnpaidBill& bill = *content.mutable_unpaid_bill();
  bill.set_event(std::string(feeds::CodeOf(row.evenement)));
  *bill.mutable_event_day() = ToDate(row.date_evenement);
  bill.set_fluid(std::string(feeds::CodeOf(row.fluide)));
  bill.set_surname(row.nom);
  bill.set_first_names(row.prenoms);
  bill.set_address(row.adresse);
  bill.set_postal_code(row.code_postal);
  bill.set_town(row.commune);
  bill.set_tariff_option(row.option_tarifaire);
  if (row.montant_cents.has_value()) {
    bill.mutable_amount_owed()->set_minor_units(*row.montant_cents);
    bill.mutable_amount_owed()->set_currency("EUR");
  }
  if (row.periode.has_value() && IsDate(row.periode->first)) {
    *bill.mutable_period_start() = ToDate(row.periode->first);
  }
  if (row.periode.has_value() && IsDate(row.periode->last)) {
    *bill.mutable_period_end() = ToDate(row.periode->last);
  }
  return content;
}

// D-2.7, D-4.8: an oral agreement is not explicit, and special categories need explicit agreement.
void WithholdSpecialSigns(const directory::Directory& directory, routing::v1::SubmitRequest& request) {
  auto& signs = *request.mutable_content()->mutable_distress_report()->mutable_signs();
  const auto special = [&](const std::string& sign) {
    const directory::CodeEntry* entry = directory.FindSign(sign);
    return entry == nullptr || entry->special_category;
  };
  const auto kept = std::remove_if(signs.begin(), signs.end(), special);
  if (kept != signs.end()) {
    signs.erase(kept, signs.end());
    request.add_marks("SIGNES_RETENUS");
  }
}

uint32_t Count(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

// What names nobody: all that an exercise says.
void AddCodes(const feeds::BsppRow& row, routing::v1::DistressReport& report) {
  report.set_place_kind(std::string(feeds::CodeOf(row.place.kind)));
  report.set_postal_code(row.place.code_postal);
  report.mutable_signs()->Assign(row.signs.begin(), row.signs.end());
  report.set_danger(DangerOf(row));
  report.set_informed(std::string(feeds::CodeOf(row.informed)));
  report.set_agreement(std::string(feeds::CodeOf(row.agreement)));
}

// D-4.3; not her sex, which it does not list (minimum data).
void AddFacts(const feeds::BsppRow& row, const v1::RowState& state, const calendar::Paris& paris,
              routing::v1::DistressReport& report) {
  *report.mutable_intervention_at() = ToProto(row.intervention_at);
  std::vector<std::string> place;
  for (const std::string* part :
       {&row.place.adresse, &row.place.commune, &row.place.repere, &row.place.etage, &row.place.acces}) {
    if (!part->empty()) {
      place.push_back(*part);
    }
  }
  report.set_place(absl::StrJoin(place, ", "));
  report.set_surname(row.person.nom);
  report.set_first_names(row.person.prenoms);
  report.set_alias(row.person.alias);
  if (const auto born = BirthDayOf(row, state, paris)) {
    *report.mutable_birth_date() = ToDate(*born);
  }
  report.set_phone(row.person.telephone);
  if (row.household.adults > 0) {
    report.set_adults(Count(row.household.adults));
  }
  if (row.household.minors > 0) {
    report.set_minors(Count(row.household.minors));
  }
  if (row.household.pregnant > 0) {
    report.set_pregnant(Count(row.household.pregnant));
  }
  report.set_facts(row.facts);
  report.set_reported_words(row.reported_words);
  report.set_requested_action(row.requested_action);
  if (row.prior.count > 0) {
    report.set_prior_interventions(Count(row.prior.count));
  }
  if (row.prior.since.has_value() && IsDate(*row.prior.since)) {
    *report.mutable_prior_interventions_since() = ToDate(*row.prior.since);
  }
}

routing::v1::Content ReportContent(const feeds::BsppRow& row, const v1::RowState& state,
                                   const calendar::Paris& paris) {
  routing::v1::Content content;
  routing::v1::DistressReport& report = *content.mutable_distress_report();
  AddCodes(row, report);
  if (!row.exercise) {
    AddFacts(row, state, paris, report);
  }
  return content;
}

void AddBill(const feeds::EdfRow& row, const directory::Directory& directory,
             routing::v1::SubmitRequest& request) {
  const std::string event(feeds::CodeOf(row.evenement));
  request.set_purpose(PurposeOf(directory, request.sender().institution(), kUnpaidBill, event, kEnergyAid));
  for (const std::string_view category : kBillCategories) {
    request.add_categories(std::string(category));
  }
  common::v1::StatedGround& ground = *request.mutable_stated_ground();
  ground.set_ground(GroundOf(row.fondement));
  ground.set_signal_type(std::string(kUnpaidBill));
  ground.set_event(event);
  *ground.mutable_event_day() = ToDate(row.date_evenement);
  if (row.fin_opposition.has_value()) {
    *ground.mutable_objection_end() = ToDate(*row.fin_opposition);
  }
  ground.set_source_reference(row.reference);
  *request.mutable_content() = BillContent(row);
  request.mutable_situation()->set_postal_code(row.code_postal);
  // A cut or a reduction is a concern; letters are ordinary (D-4.5).
  request.set_urgency(feeds::IsCutOrReduction(row.evenement) ? routing::v1::URGENCY_CONCERN
                                                             : routing::v1::URGENCY_ORDINARY);
}

void AddReport(const feeds::BsppRow& row, const v1::RowState& state, const directory::Directory& directory,
               const calendar::Paris& paris, routing::v1::SubmitRequest& request) {
  request.set_purpose(ReportPurposeOf(row, request.sender().institution(), directory, paris));
  for (std::string& category : CategoriesOf(row)) {
    request.add_categories(std::move(category));
  }
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  stated.set_ground(GroundOf(row, paris));
  if (!row.exercise) {
    stated.set_facts(GroundFactsOf(row));
  }
  stated.set_signal_type(std::string(kDistressReport));
  stated.set_event(DangerOf(row));
  *stated.mutable_event_day() = ToDate(paris.DayOf(row.intervention_at));
  stated.set_source_reference(row.reference);
  *request.mutable_content() = ReportContent(row, state, paris);
  request.set_exercise(row.exercise);
  request.set_urgency(UrgencyOf(row.danger));
  routing::v1::Situation& situation = *request.mutable_situation();
  situation.set_postal_code(row.place.code_postal);
  situation.set_minor(GoesToCrip(row, paris));
  // No dwelling → SIAO/115; dwelling → arrondissement (D-4.5).
  situation.set_no_dwelling(row.place.kind != feeds::PlaceKind::kDomicile);
  if (stated.ground() == common::v1::GROUND_AGREEMENT) {
    WithholdSpecialSigns(directory, request);
  }
}

}  // namespace

absl::StatusOr<feeds::Row> ParsedRow(const v1::RowState& state) {
  // Signs were judged when the row came; the directory may have dropped one since.
  const feeds::FormContext form;
  feeds::FormResult result = feeds::JudgeForm(TypeOf(state.type()), RawOf(state.type(), state.row()), form);
  if (!result.row.has_value()) {
    return absl::DataLossError("an accepted row no longer parses");
  }
  return std::move(*result.row);
}

bool AtCollectiveAddress(const directory::Directory& directory, const feeds::Row& row) {
  std::string address;
  std::string postal_code;
  if (const auto* bill = std::get_if<feeds::EdfRow>(&row)) {
    address = bill->adresse;
    postal_code = bill->code_postal;
  } else {
    address = std::get<feeds::BsppRow>(row).place.adresse;
    postal_code = std::get<feeds::BsppRow>(row).place.code_postal;
  }
  const std::string normal = text::NormalizeAddress(address);
  const auto& collective = directory.content().collective_addresses;
  return std::any_of(collective.begin(), collective.end(), [&](const directory::CollectiveAddress& entry) {
    return entry.postal_code == postal_code && text::NormalizeAddress(entry.address) == normal;
  });
}

consent::v1::Traits TraitsOf(const feeds::Row& row, const v1::RowState& state, const calendar::Paris& paris) {
  consent::v1::Traits traits;
  if (const auto* bill = std::get_if<feeds::EdfRow>(&row)) {
    traits.set_surname(bill->nom);
    traits.set_first_names(bill->prenoms);
    traits.set_address(bill->adresse);
    traits.set_postal_code(bill->code_postal);
    traits.set_town(bill->commune);
    return traits;
  }
  const auto& report = std::get<feeds::BsppRow>(row);
  traits.set_surname(report.person.nom);
  traits.set_first_names(report.person.prenoms);
  if (const auto born = BirthDayOf(report, state, paris)) {
    *traits.mutable_birth_date() = ToDate(*born);
  }
  // The feed allows a longer one; what is no telephone number serves no matching.
  if (report.person.telephone.size() <= 30) {
    traits.set_phone(report.person.telephone);
  }
  if (report.place.kind == feeds::PlaceKind::kDomicile) {
    traits.set_address(report.place.adresse);
    traits.set_postal_code(report.place.code_postal);
    if (report.place.commune.size() <= 100) {
      traits.set_town(report.place.commune);
    }
  }
  return traits;
}

routing::v1::SubmitRequest SubmissionOf(const feeds::Row& row, const std::string& institution,
                                        const v1::RowState& state, const directory::Directory& directory,
                                        const calendar::Paris& paris) {
  routing::v1::SubmitRequest request;
  request.mutable_sender()->set_institution(institution);
  if (const auto* bill = std::get_if<feeds::EdfRow>(&row)) {
    AddBill(*bill, directory, request);
  } else {
    AddReport(std::get<feeds::BsppRow>(row), state, directory, paris, request);
  }
  request.mutable_marks()->MergeFrom(state.marks());
  return request;
}

bool StandsOnRecordedGround(const feeds::Row& row, const calendar::Paris& paris) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  if (report == nullptr) {
    return false;
  }
  const common::v1::Ground ground = GroundOf(*report, paris);
  return ground == common::v1::GROUND_AGREEMENT || ground == common::v1::GROUND_EMERGENCY;
}

std::optional<consent::v1::RecordConsentRequest> OralAgreementOf(
    const feeds::Row& row, const std::string& institution, const v1::RowState& state,
    const directory::Directory& directory, const std::string& desk_institution, const calendar::Paris& paris,
    absl::Time now) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  if (report == nullptr || GroundOf(*report, paris) != common::v1::GROUND_AGREEMENT) {
    return std::nullopt;
  }
  const absl::Time given = MetAt(*report, state);
  if (EndOfOralAgreement(given, paris) <= now) {
    return std::nullopt;
  }
  consent::v1::RecordConsentRequest request;
  *request.mutable_valid_from() = ToProto(given);
  consent::v1::ConsentLine& line = *request.add_lines();
  line.add_purposes(ReportPurposeOf(*report, institution, directory, paris));
  for (std::string& category : CategoriesOf(*report)) {
    line.add_categories(std::move(category));
  }
  line.add_recipients()->set_institution(desk_institution);
  line.add_acts(common::v1::ACT_TRANSMIT);
  request.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
  request.set_method(consent::v1::METHOD_SPOKEN_ON_SITE);
  request.mutable_notice()->set_id(std::string(kOralNotice));
  request.mutable_notice()->set_version(std::string(kOralNoticeVersion));
  request.mutable_notice()->set_language("fr");
  request.set_source_reference(report->reference);
  return request;
}

std::optional<consent::v1::DeclareRequest> EmergencyOf(const feeds::Row& row,
                                                       const std::string& desk_institution) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  if (report == nullptr || report->agreement != feeds::Agreement::kUnable ||
      report->danger != feeds::Danger::kSerious || report->ground != feeds::Ground::kNone) {
    return std::nullopt;
  }
  consent::v1::DeclareRequest request;
  request.mutable_recipient()->set_institution(desk_institution);
  for (std::string& category : CategoriesOf(*report)) {
    request.add_categories(std::move(category));
  }
  request.set_facts(report->facts);
  request.set_person_unable(true);
  request.set_danger_serious(true);
  request.set_source_reference(report->reference);
  return request;
}

routing::v1::SubmitRequest SettlementOf(const feeds::EdfRow& settling, Settled settled,
                                        const feeds::Row& told, const std::string& institution,
                                        const v1::RowState& told_state, const directory::Directory& directory,
                                        const calendar::Paris& paris) {
  routing::v1::SubmitRequest request = SubmissionOf(told, institution, told_state, directory, paris);
  request.clear_content();
  request.clear_marks();
  request.clear_categories();
  request.add_categories("ENERGY_DEBT");
  routing::v1::Settlement& settlement = *request.mutable_content()->mutable_settlement();
  settlement.set_event(std::string(feeds::CodeOf(settling.evenement)));
  *settlement.mutable_event_day() = ToDate(settling.date_evenement);
  settlement.set_fluid(std::string(feeds::CodeOf(settling.fluide)));
  settlement.set_others_unpaid(settled == Settled::kInPart);
  request.set_urgency(routing::v1::URGENCY_ORDINARY);
  return request;
}

std::string SettledNote(const feeds::EdfRow& settling, Settled settled) {
  std::string fr = "fourniture rétablie depuis";
  std::string en = "supply was restored since";
  if (settling.evenement == feeds::Evenement::kReglement) {
    fr = "facture réglée depuis";
    en = "the bill has been paid since";
  } else if (settling.evenement == feeds::Evenement::kEcheancier) {
    fr = "échéancier accordé depuis";
    en = "a payment plan was agreed since";
  }
  if (settled == Settled::kInPart) {
    fr += " ; d'autres factures restent dues";
    en += "; other bills are still owed";
  }
  return absl::StrCat(fr, " / ", en);
}

}  // namespace relais::alerting
