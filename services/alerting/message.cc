#include "services/alerting/message.h"

#include <algorithm>
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
// What a brigade's report holds (D-4.3), whatever of it is filled.
constexpr std::string_view kReportCategories[] = {"IDENTITY", "CONTACT", "ADDRESS", "SIGNS",
                                                  "SOCIAL_SITUATION"};
constexpr std::string_view kBillCategories[] = {"IDENTITY", "ADDRESS", "ENERGY_DEBT"};
constexpr std::string_view kOralNotice = "fiche-bspp-orale";
constexpr std::string_view kOralNoticeVersion = "1";

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
  if (row.periode.has_value()) {
    *bill.mutable_period_start() = ToDate(row.periode->first);
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

routing::v1::Content ReportContent(const feeds::BsppRow& row) {
  routing::v1::Content content;
  routing::v1::DistressReport& report = *content.mutable_distress_report();
  *report.mutable_intervention_at() = ToProto(row.intervention_at);
  report.set_place_kind(std::string(feeds::CodeOf(row.place.kind)));
  std::vector<std::string> place;
  for (const std::string* part :
       {&row.place.adresse, &row.place.commune, &row.place.repere, &row.place.etage, &row.place.acces}) {
    if (!part->empty()) {
      place.push_back(*part);
    }
  }
  report.set_place(absl::StrJoin(place, ", "));
  report.set_postal_code(row.place.code_postal);
  report.set_surname(row.person.nom);
  report.set_first_names(row.person.prenoms);
  if (row.person.naissance.has_value()) {
    *report.mutable_birth_date() = ToDate(*row.person.naissance);
  }
  report.set_phone(row.person.telephone);
  report.set_adults(static_cast<uint32_t>(row.household.adults));
  report.set_minors(static_cast<uint32_t>(row.household.minors));
  report.mutable_signs()->Assign(row.signs.begin(), row.signs.end());
  report.set_facts(row.facts);
  report.set_reported_words(row.reported_words);
  report.set_danger(std::string(feeds::CodeOf(row.danger)));
  report.set_informed(std::string(feeds::CodeOf(row.informed)));
  report.set_agreement(std::string(feeds::CodeOf(row.agreement)));
  report.set_requested_action(row.requested_action);
  report.set_prior_interventions(static_cast<uint32_t>(row.prior.count));
  return content;
}

void AddBill(const feeds::EdfRow& row, const calendar::Paris& /*paris*/,
             routing::v1::SubmitRequest& request) {
  request.set_purpose(std::string(kEnergyAid));
  for (const std::string_view category : kBillCategories) {
    request.add_categories(std::string(category));
  }
  common::v1::StatedGround& ground = *request.mutable_stated_ground();
  ground.set_ground(GroundOf(row.fondement));
  ground.set_signal_type("UNPAID_BILL");
  ground.set_event(std::string(feeds::CodeOf(row.evenement)));
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

void AddReport(const feeds::BsppRow& row, const calendar::Paris& paris, routing::v1::SubmitRequest& request) {
  const bool minor = IsMinor(row, paris);
  const common::v1::Ground ground = GroundOf(row, paris);
  const bool to_crip = minor || ground == common::v1::GROUND_INFO_PREOCCUPANTE;
  request.set_purpose(std::string(to_crip ? kChildProtection : kAssessment));
  for (const std::string_view category : kReportCategories) {
    request.add_categories(std::string(category));
  }
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  stated.set_ground(ground);
  stated.set_facts(row.ground_facts);
  stated.set_signal_type("DISTRESS_REPORT");
  stated.set_event(row.danger == feeds::Danger::kNoDanger ? "NONE" : std::string(feeds::CodeOf(row.danger)));
  *stated.mutable_event_day() = ToDate(paris.DayOf(row.intervention_at));
  stated.set_source_reference(row.reference);
  *request.mutable_content() = ReportContent(row);
  routing::v1::Situation& situation = *request.mutable_situation();
  situation.set_postal_code(row.place.code_postal);
  situation.set_minor(to_crip);
  // No dwelling → SIAO/115; dwelling → arrondissement (D-4.5).
  situation.set_no_dwelling(row.place.kind != feeds::PlaceKind::kDomicile);
  switch (row.danger) {
    case feeds::Danger::kSerious:
      request.set_urgency(routing::v1::URGENCY_SERIOUS);
      break;
    case feeds::Danger::kConcern:
      request.set_urgency(routing::v1::URGENCY_CONCERN);
      break;
    default:
      request.set_urgency(routing::v1::URGENCY_ORDINARY);
  }
}

}  // namespace

absl::StatusOr<feeds::Row> ParsedRow(const v1::RowState& state) {
  // Signs were judged when the row came; the directory may have dropped one since.
  const feeds::FormContext form;
  feeds::FormResult result = feeds::JudgeForm(TypeOf(state.type()), RawOf(state.row()), form);
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

consent::v1::Traits TraitsOf(const feeds::Row& row) {
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
  if (report.person.naissance.has_value()) {
    *traits.mutable_birth_date() = ToDate(*report.person.naissance);
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
    AddBill(*bill, paris, request);
  } else {
    const auto& report = std::get<feeds::BsppRow>(row);
    AddReport(report, paris, request);
    request.set_exercise(report.exercise);
    if (request.stated_ground().ground() == common::v1::GROUND_AGREEMENT) {
      WithholdSpecialSigns(directory, request);
    }
  }
  request.mutable_marks()->MergeFrom(state.marks());
  return request;
}

std::optional<consent::v1::RecordConsentRequest> OralAgreementOf(const feeds::Row& row,
                                                                 const std::string& desk_institution,
                                                                 const calendar::Paris& paris) {
  const auto* report = std::get_if<feeds::BsppRow>(&row);
  if (report == nullptr || GroundOf(*report, paris) != common::v1::GROUND_AGREEMENT) {
    return std::nullopt;
  }
  consent::v1::RecordConsentRequest request;
  consent::v1::ConsentLine& line = *request.add_lines();
  line.add_purposes(std::string(kAssessment));
  for (const std::string_view category : kReportCategories) {
    line.add_categories(std::string(category));
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
  for (const std::string_view category : kReportCategories) {
    request.add_categories(std::string(category));
  }
  request.set_facts(report->facts);
  request.set_person_unable(true);
  request.set_danger_serious(true);
  request.set_source_reference(report->reference);
  return request;
}

routing::v1::SubmitRequest SettlementOf(const feeds::EdfRow& settling, const feeds::Row& told,
                                        const std::string& institution, const v1::RowState& told_state,
                                        const directory::Directory& directory, const calendar::Paris& paris) {
  routing::v1::SubmitRequest request = SubmissionOf(told, institution, told_state, directory, paris);
  request.clear_content();
  request.clear_marks();
  request.clear_categories();
  request.add_categories("ENERGY_DEBT");
  routing::v1::Settlement& settlement = *request.mutable_content()->mutable_settlement();
  settlement.set_event(std::string(feeds::CodeOf(settling.evenement)));
  *settlement.mutable_event_day() = ToDate(settling.date_evenement);
  settlement.set_fluid(std::string(feeds::CodeOf(settling.fluide)));
  request.set_urgency(routing::v1::URGENCY_ORDINARY);
  return request;
}

std::string SettledNote(const feeds::EdfRow& settling) {
  switch (settling.evenement) {
    case feeds::Evenement::kReglement:
      return "facture réglée depuis / the bill has been paid since";
    case feeds::Evenement::kEcheancier:
      return "échéancier accordé depuis / a payment plan was agreed since";
    default:
      return "fourniture rétablie depuis / supply was restored since";
  }
}

}  // namespace relais::alerting
