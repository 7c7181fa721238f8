#include "common/receipt/record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
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

Json PartiesOf(const consent::v1::Receipt& receipt) {
  Json list = Json::array();
  for (int i = 0; i < receipt.parties_size(); ++i) {
    const consent::v1::ReceiptParty& party = receipt.parties(i);
    Json one = {{"party_id", PartyId(party.institution())},
                {"party_name", Clean(party.name())},
                {"party_role", i == 0 ? "pii_controller" : "recipient_third_party"},
                {"party_type", "organisation"},
                {"party_controller", Clean(party.controller())},
                {"party_contact", Clean(party.dpo_name())},
                {"party_email", Clean(party.dpo_email())}};
    if (!party.siret().empty()) {
      one["party_registration"] = "SIRET " + Clean(party.siret());
    }
    list.push_back(std::move(one));
  }
  for (const consent::v1::CodeLabel& kind : receipt.kinds()) {
    list.push_back({{"party_id", "kind:" + kind.code()},
                    {"party_name", Clean(kind.fr())},
                    {"party_role", "recipient_third_party"},
                    {"party_type", "every organisation of this kind"}});
  }
  list.push_back({{"party_id", kAuthority},
                  {"party_name", "Commission nationale de l'informatique et des libertés"},
                  {"party_role", "authority"},
                  {"party_address", "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France"},
                  {"party_url", "https://www.cnil.fr"}});
  return list;
}

Json EventsOf(const consent::v1::Receipt& receipt) {
  const consent::v1::Consent& consent = receipt.consent();
  const absl::Duration validity = FromProto(consent.valid_until()) - FromProto(consent.valid_from());
  std::vector<std::pair<absl::Time, Json>> events;
  const auto add = [&](const google::protobuf::Timestamp& time, Json event) {
    events.emplace_back(FromProto(time), std::move(event));
  };
  add(receipt.recorded(), {{"event_time", Instant(receipt.recorded())},
                           {"validity_start", Instant(consent.valid_from())},
                           {"validity_duration", absl::StrCat("PT", absl::ToInt64Seconds(validity), "S")},
                           {"entity_id", PartyId(consent.collector().institution())},
                           {"event_type", consent.explicit_() ? "explicit_consent" : "expressed_consent"},
                           {"event_state", "consent_given"}});
  for (const consent::v1::ReceiptRenewal& renewal : receipt.renewals()) {
    const absl::Duration longer = FromProto(renewal.valid_until()) - FromProto(renewal.at());
    add(renewal.at(), {{"event_time", Instant(renewal.at())},
                       {"validity_start", Instant(renewal.at())},
                       {"validity_duration", absl::StrCat("PT", absl::ToInt64Seconds(longer), "S")},
                       {"event_state", "consent_renewed"}});
  }
  const auto then = [&](const char* state) {
    add(receipt.state_since(), {{"event_time", Instant(receipt.state_since())}, {"event_state", state}});
  };
  switch (receipt.state()) {
    case consent::v1::RECEIPT_STATE_PARTLY_WITHDRAWN:
      then("consent_partly_withdrawn");
      break;
    case consent::v1::RECEIPT_STATE_WITHDRAWN:
      then("consent_withdrawn");
      break;
    case consent::v1::RECEIPT_STATE_EXPIRED:
      then("consent_expired");
      break;
    case consent::v1::RECEIPT_STATE_TERMINATED:
      then("consent_terminated");
      break;
    case consent::v1::RECEIPT_STATE_INVALIDATED:
      then("consent_invalidated");
      break;
    default:
      break;
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
