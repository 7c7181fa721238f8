#include "common/receipt/record.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/proto_time.h"
#include "common/crypto/encoding.h"
#include "common/receipt/markup.h"
#include "google/protobuf/util/json_util.h"

namespace relais::receipt {
namespace {

using Json = nlohmann::ordered_json;
using Labels = google::protobuf::RepeatedPtrField<consent::v1::CodeLabel>;

constexpr char kSchema[] = "ISO/IEC TS 27560:2023";
constexpr char kAuthority[] = "authority:cnil";
// Of parties that are no institution of the directory: where the collector tells, or keeps it.
constexpr char kElsewhere[] = "held by ";

std::string Instant(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone());
}

// "SIGNED_PAPER" of METHOD_SIGNED_PAPER.
std::string Word(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

const consent::v1::CodeLabel* Find(const Labels& labels, const std::string& code) {
  const auto found =
      std::find_if(labels.begin(), labels.end(), [&](const auto& each) { return each.code() == code; });
  return found == labels.end() ? nullptr : &*found;
}

Json Described(const consent::v1::CodeLabel* label) {
  return label == nullptr ? Json::object() : Json{{"fr", Clean(label->fr())}, {"en", Clean(label->en())}};
}

std::string PartyId(const std::string& institution) { return "institution:" + institution; }

std::string RecipientId(const consent::v1::Recipient& recipient) {
  return recipient.institution().empty() ? "kind:" + recipient.kind() : PartyId(recipient.institution());
}

// Who spoke for her: a party without a name, which the collector's file has (D-2.8, D-2.9).
std::string RepresentativeId(consent::v1::Representation kind) {
  return "representative:" + Word(consent::v1::Representation_Name(kind), "REPRESENTATION_");
}

// RGPD art. 6, kept apart from the secrecy ground (D-2.1), which is her agreement.
std::string BasisText(consent::v1::LegalBasis basis) {
  switch (basis) {
    case consent::v1::LEGAL_BASIS_PUBLIC_TASK:
      return "GDPR 6(1)(e)";
    case consent::v1::LEGAL_BASIS_CONSENT:
      return "GDPR 6(1)(a)";
    case consent::v1::LEGAL_BASIS_LEGAL_OBLIGATION:
      return "GDPR 6(1)(c)";
    case consent::v1::LEGAL_BASIS_VITAL_INTEREST:
      return "GDPR 6(1)(d)";
    case consent::v1::LEGAL_BASIS_LEGITIMATE_INTEREST:
      return "GDPR 6(1)(f)";
    default:
      return "";
  }
}

Json PiiOf(const consent::v1::Receipt& receipt, const consent::v1::ConsentLine& line) {
  Json list = Json::array();
  for (const std::string& category : line.categories()) {
    const consent::v1::CodeLabel* label = Find(receipt.categories(), category);
    const bool special = label != nullptr && label->special();
    list.push_back({{"pii_type", category},
                    {"pii_type_description", Described(label)},
                    {"pii_optional", true},
                    {"sensitive_pii_category", special},
                    {"special_pii_category", special}});
  }
  return list;
}

Json PurposeOf(const consent::v1::Receipt& receipt, const consent::v1::ConsentLine& line,
               const std::string& purpose) {
  const consent::v1::Consent& consent = receipt.consent();
  Json acts = Json::array();
  for (const int act : line.acts()) {
    acts.push_back(Word(common::v1::Act_Name(act), "ACT_"));
  }
  Json recipients = Json::array();
  for (const consent::v1::Recipient& recipient : line.recipients()) {
    recipients.push_back(RecipientId(recipient));
  }
  const std::string email = receipt.parties_size() > 0 ? Clean(receipt.parties(0).dpo_email()) : "";
  Json out = {
      {"purpose", purpose},
      {"purpose_type", purpose},
      {"purpose_description", Described(Find(receipt.purposes(), purpose))},
      {"lawful_basis", BasisText(consent.legal_basis())},
      {"secrecy_ground", "AGREEMENT"},
      {"pii_information", PiiOf(receipt, line)},
      {"pii_controllers", Json::array({PartyId(consent.collector().institution())})},
      {"collection_method", Word(consent::v1::Method_Name(consent.method()), "METHOD_")},
      {"processing_method", std::move(acts)},
      {"storage_locations", receipt.storage_locations()},
      {"retention_period", absl::StrCat("until ", Instant(ToProto(EndOf(receipt))))},
      {"jurisdiction", "FR"},
      {"recipient_third_parties", std::move(recipients)},
      {"withdrawal_method",
       {{"fr",
         "À n'importe quel guichet social, à tout moment, sans raison à donner; ou par écrit à " + email},
        {"en", "At any social desk, at any time, without giving a reason; or in writing to " + email}}},
      {"privacy_rights", {"access", "rectification", "erasure", "restriction", "portability", "objection"}},
      {"authority_party", kAuthority}};
  if (receipt.parties_size() > 0 && !receipt.parties(0).dpia().empty()) {
    out["impact_assessment"] = Clean(receipt.parties(0).dpia());
  }
  if (!consent.source_reference().empty()) {
    out["limited_to_reference"] = consent.source_reference();
  }
  return out;
}

Json ProcessingOf(const consent::v1::Receipt& receipt) {
  const consent::v1::Consent& consent = receipt.consent();
  Json purposes = Json::array();
  for (const consent::v1::ConsentLine& line : consent.lines()) {
    for (const std::string& purpose : line.purposes()) {
      purposes.push_back(PurposeOf(receipt, line, purpose));
    }
  }
  Json notice = {{"id", consent.notice().id()}, {"version", consent.notice().version()}};
  if (!consent.notice().sha256().empty()) {
    notice["sha256"] = crypto::HexEncode(consent.notice().sha256());
  }
  return {{"privacy_notice", std::move(notice)},
          {"language", consent.notice().language()},
          {"purposes", std::move(purposes)}};
}

// The first that says something.
std::string FirstOf(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) {
      return Clean(text);
    }
  }
  return "";
}

Json InstitutionParty(const consent::v1::Receipt& receipt, const consent::v1::ReceiptParty& party,
                      const char* role) {
  const std::string gone = absl::StrCat("not in version ", receipt.directory_version(), " of the directory");
  Json out = {{"party_id", PartyId(party.institution())},
              {"party_name", FirstOf({party.name(), party.institution()})},
              {"party_role", role},
              {"party_type", "organisation"},
              {"party_address", FirstOf({party.address(), party.dpo_email(), gone})},
              {"party_controller", Clean(party.controller())},
              {"party_contact", FirstOf({party.dpo_name(), party.dpo_email(), gone})},
              {"party_email", Clean(party.dpo_email())}};
  if (!party.siret().empty()) {
    out["party_registration"] = "SIRET " + Clean(party.siret());
  }
  return out;
}

// In which capacities somebody spoke for her: for the agreement, for its renewals, for what took it back.
std::set<consent::v1::Representation> RepresentativesOf(const consent::v1::Receipt& receipt) {
  std::set<consent::v1::Representation> kinds;
  if (receipt.consent().has_representative()) {
    kinds.insert(receipt.consent().representative().kind());
  }
  for (const consent::v1::ReceiptRenewal& renewal : receipt.renewals()) {
    if (renewal.has_representative()) {
      kinds.insert(renewal.representative().kind());
    }
  }
  if (receipt.state_by_representative()) {
    kinds.insert(consent::v1::REPRESENTATION_UNSPECIFIED);  // in which capacity is not kept
  }
  return kinds;
}

Json RepresentativeParty(const consent::v1::Receipt& receipt, consent::v1::Representation kind) {
  const std::string elsewhere = kElsewhere + PartyId(receipt.consent().collector().institution());
  const consent::v1::Representative& named = receipt.consent().representative();
  Json out = {{"party_id", RepresentativeId(kind)},
              {"party_name", elsewhere},
              {"party_role", "representative"},
              {"party_type", kind == consent::v1::REPRESENTATION_ASE ? "organisation" : "person"},
              {"party_address", elsewhere},
              {"party_contact", elsewhere},
              {"party_capacity", Word(consent::v1::Representation_Name(kind), "REPRESENTATION_")}};
  if (named.kind() == kind && !named.reference().empty()) {
    out["party_mandate"] = Clean(named.reference());
  }
  if (const std::optional<absl::Time> end = MandateEnd(receipt); end && named.kind() == kind) {
    out["party_mandate_until"] = Instant(ToProto(*end));
  }
  return out;
}

Json PartiesOf(const consent::v1::Receipt& receipt) {
  Json list = Json::array();
  for (int i = 0; i < receipt.parties_size(); ++i) {
    list.push_back(
        InstitutionParty(receipt, receipt.parties(i), i == 0 ? "pii_controller" : "recipient_third_party"));
  }
  for (const consent::v1::Representation kind : RepresentativesOf(receipt)) {
    list.push_back(RepresentativeParty(receipt, kind));
  }
  for (const consent::v1::CodeLabel& kind : receipt.kinds()) {
    const std::string listed = absl::StrCat("in version ", receipt.directory_version(), " of the directory, ",
                                            kElsewhere, PartyId(receipt.consent().collector().institution()));
    list.push_back({{"party_id", "kind:" + kind.code()},
                    {"party_name", Clean(kind.fr())},
                    {"party_role", "recipient_third_party"},
                    {"party_type", "every organisation of this kind"},
                    {"party_address", listed},
                    {"party_contact", listed}});
  }
  list.push_back({{"party_id", kAuthority},
                  {"party_name", "Commission nationale de l'informatique et des libertés"},
                  {"party_role", "authority"},
                  {"party_type", "supervisory authority"},
                  {"party_address", "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France"},
                  {"party_contact", "https://www.cnil.fr/fr/adresser-une-plainte"},
                  {"party_url", "https://www.cnil.fr"}});
  return list;
}

std::string Seconds(absl::Duration duration) {
  return absl::StrCat("PT", std::max(int64_t{0}, absl::ToInt64Seconds(duration)), "S");
}

// Whose word it is: a representative's, or her own.
std::string Sayer(const consent::v1::Receipt& receipt, bool represented,
                  const consent::v1::Representative& by) {
  return represented ? RepresentativeId(by.kind()) : receipt.person();
}

// What came after the agreement and its renewals: its state, how long what is left lasts from then on, whose
// word it is. What is no word of hers is the collector's to tell.
struct LastEvent {
  std::string state;
  std::string lasts;
  std::string entity;
};

std::optional<LastEvent> LastEventOf(const consent::v1::Receipt& receipt) {
  const std::string collector = PartyId(receipt.consent().collector().institution());
  const std::string sayer = Sayer(receipt, receipt.state_by_representative(), consent::v1::Representative());
  const std::string no = receipt.refused_before() ? "refused" : "withdrawn";
  switch (receipt.state()) {
    case consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN:
      return LastEvent{"consent_partly_" + no, Seconds(EndOf(receipt) - FromProto(receipt.state_since())),
                       sayer};
    case consent::v1::RECEIPT_STATE_WITHDRAWN:
      return LastEvent{"consent_" + no, Seconds(absl::ZeroDuration()), sayer};
    case consent::v1::RECEIPT_STATE_EXPIRED:
      return LastEvent{"consent_expired", Seconds(absl::ZeroDuration()), collector};
    case consent::v1::RECEIPT_STATE_TERMINATED:
      return LastEvent{"consent_terminated", Seconds(absl::ZeroDuration()), collector};
    case consent::v1::RECEIPT_STATE_INVALIDATED:
      return LastEvent{"consent_invalidated", Seconds(absl::ZeroDuration()), collector};
    default:
      return std::nullopt;
  }
}

Json EventsOf(const consent::v1::Receipt& receipt) {
  const consent::v1::Consent& consent = receipt.consent();
  const char* type = consent.explicit_() ? "explicit_consent" : "expressed_consent";
  std::vector<std::pair<absl::Time, Json>> events;
  const auto add = [&](const google::protobuf::Timestamp& time, const google::protobuf::Timestamp& start,
                       std::string lasts, std::string entity, std::string state) {
    // Nothing became of it before it was there, whenever it was given.
    events.emplace_back(std::max(FromProto(time), FromProto(receipt.recorded())),
                        Json{{"event_time", Instant(time)},
                             {"validity_start", Instant(start)},
                             {"validity_duration", std::move(lasts)},
                             {"entity_id", std::move(entity)},
                             {"event_type", type},
                             {"event_state", std::move(state)}});
  };
  add(receipt.recorded(), consent.valid_from(),
      Seconds(FromProto(consent.valid_until()) - FromProto(consent.valid_from())),
      Sayer(receipt, consent.has_representative(), consent.representative()), "consent_given");
  for (const consent::v1::ReceiptRenewal& renewal : receipt.renewals()) {
    add(renewal.at(), renewal.at(), Seconds(FromProto(renewal.valid_until()) - FromProto(renewal.at())),
        Sayer(receipt, renewal.has_representative(), renewal.representative()), "consent_renewed");
  }
  if (std::optional<LastEvent> last = LastEventOf(receipt)) {
    add(receipt.state_since(), receipt.state_since(), std::move(last->lasts), std::move(last->entity),
        std::move(last->state));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  Json list = Json::array();
  for (auto& [time, event] : events) {
    list.push_back(std::move(event));
  }
  return list;
}

}  // namespace

absl::Time EndOf(const consent::v1::Receipt& receipt) {
  return FromProto(receipt.has_lasts_until() ? receipt.lasts_until() : receipt.consent().valid_until());
}

std::optional<absl::Time> MandateEnd(const consent::v1::Receipt& receipt) {
  if (receipt.renewals_size() > 0) {
    const consent::v1::ReceiptRenewal& last = receipt.renewals(receipt.renewals_size() - 1);
    return last.has_mandate_until() ? std::optional(FromProto(last.mandate_until())) : std::nullopt;
  }
  const consent::v1::Consent& consent = receipt.consent();
  return consent.has_mandate_until() ? std::optional(FromProto(consent.mandate_until())) : std::nullopt;
}

std::string WriteRecord(const consent::v1::Receipt& receipt) {
  const consent::v1::Consent& consent = receipt.consent();
  std::string proof;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  if (!google::protobuf::util::MessageToJsonString(receipt.proof(), &proof, options).ok()) {
    proof = "null";
  }
  const Json out = {{"format", kRecordFormat},
                    {"act", "consent"},
                    {"schema_version", kSchema},
                    {"receipt_id", absl::StrCat(receipt.proof().origin(), "#", receipt.proof().leaf_index())},
                    {"receipt_time", Instant(receipt.as_of())},
                    {"test", receipt.test()},
                    {"record_header",
                     {{"schema_version", kSchema},
                      {"record_id", consent.consent_id()},
                      {"pii_principal_id", receipt.person()}}},
                    {"pii_processing", ProcessingOf(receipt)},
                    {"party_identification", PartiesOf(receipt)},
                    {"event", EventsOf(receipt)},
                    {"directory_version", receipt.directory_version()},
                    {"proof", Json::parse(proof)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace relais::receipt
