// A receipt with everything in it, for tests.
#pragma once

#include <string>

#include "common/base/proto_time.h"
#include "relais/consent/v1/receipt.pb.h"

namespace relais::receipt::testing {

inline absl::Time At(int month, int day, int hour) {
  return absl::FromCivil(absl::CivilHour(2026, month, day, hour), absl::UTCTimeZone());
}

inline void AddParty(consent::v1::Receipt& receipt, const std::string& id, const std::string& name) {
  consent::v1::ReceiptParty* party = receipt.add_parties();
  party->set_institution(id);
  party->set_name(name);
  party->set_controller(name);
  party->set_dpo_name("Déléguée de " + name);
  party->set_dpo_email("dpo@" + id + ".example");
  party->set_dpia("AIPD-2026-" + id);
}

inline void AddLabel(consent::v1::CodeLabel& label, const std::string& code, const std::string& fr,
                     const std::string& en, bool special = false) {
  label.set_code(code);
  label.set_fr(fr);
  label.set_en(en);
  label.set_special(special);
}

/// The same agreement given by somebody else in that capacity, whose mandate ends with 30 November 2026 in
/// Paris.
inline void GiveFor(consent::v1::Representation kind, consent::v1::Receipt& receipt) {
  consent::v1::Consent& consent = *receipt.mutable_consent();
  consent.mutable_representative()->set_kind(kind);
  consent.mutable_representative()->set_reference("TJ Paris 24/01234");
  *consent.mutable_mandate_until() = ToProto(At(11, 30, 23));
  *receipt.mutable_lasts_until() = consent.mandate_until();
}

/// Ville de Paris may give identity and health to CAF and to every hospital, to open rights.
inline consent::v1::Receipt SampleReceipt() {
  consent::v1::Receipt receipt;
  consent::v1::Consent& consent = *receipt.mutable_consent();
  consent.set_consent_id(std::string(32, 'a'));
  consent.mutable_collector()->set_institution("ville-paris");
  consent.mutable_collector()->set_function("assistant-social");
  consent::v1::ConsentLine* line = consent.add_lines();
  line->add_purposes("RIGHTS_OPENING");
  line->add_categories("IDENTITY");
  line->add_categories("HEALTH");
  line->add_recipients()->set_institution("caf");
  line->add_recipients()->set_kind("HOSPITAL");
  line->add_acts(common::v1::ACT_TRANSMIT);
  consent.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
  consent.set_explicit_(true);
  *consent.mutable_valid_from() = ToProto(At(11, 3, 10));
  *consent.mutable_valid_until() = ToProto(At(11, 3, 10) + absl::Hours(24 * 365));
  consent.set_method(consent::v1::METHOD_SIGNED_PAPER);
  consent.mutable_notice()->set_id("notice-1");
  consent.mutable_notice()->set_version("2");
  consent.mutable_notice()->set_language("fr");
  consent.mutable_notice()->set_sha256(std::string(32, '\x01'));
  consent.add_aids(consent::v1::AID_INTERPRETER);
  *receipt.mutable_recorded() = ToProto(At(11, 3, 10));
  *receipt.mutable_as_of() = ToProto(At(11, 4, 9));
  receipt.set_state(consent::v1::RECEIPT_STATE_GIVEN);
  AddParty(receipt, "ville-paris", "Ville de Paris");
  AddParty(receipt, "caf", "Caisse d'allocations familiales");
  AddLabel(*receipt.add_kinds(), "HOSPITAL", "Hôpital", "Hospital");
  AddLabel(*receipt.add_purposes(), "RIGHTS_OPENING", "Ouvrir ou rétablir des droits sociaux",
           "Open or restore social rights");
  AddLabel(*receipt.add_categories(), "IDENTITY", "Identité", "Identity");
  AddLabel(*receipt.add_categories(), "HEALTH", "Santé", "Health", true);
  receipt.set_function_label("Assistante sociale");
  receipt.set_directory_version(7);
  receipt.set_person("rh1_sample");
  receipt.add_storage_locations("FR");
  receipt.mutable_proof()->set_origin("relais.test/consent/1");
  receipt.mutable_proof()->set_leaf_index(41);
  return receipt;
}

}  // namespace relais::receipt::testing
