// What the directory says, as plain values. `Directory` (directory.h) holds and indexes them; formats and
// meaning of each key are in docs/formats.md and, by example, in deploy/dev/directory.yaml.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/calendar/opening_hours.h"

namespace relais::directory {

inline constexpr int kFirstArrondissement = 75101;  ///< INSEE codes, not postal codes (D-6.3).
inline constexpr int kLastArrondissement = 75120;

/// For certificates of other authorities: an issuer's distinguished name (RFC 2253) with a DNS name, or the
/// SHA-256 of the public key (64 lower-case hexadecimal digits).
struct CertificateMapping {
  std::string issuer;
  std::string dns;
  std::string key_pin;
};

/// A system of an institution: what a certificate identifies.
struct System {
  std::string id;
  std::vector<std::string> roles;  ///< codes.h, kRoles.
  /// False when only `certificates` identify it and its SPIFFE id is to be refused.
  bool spiffe = true;
  std::vector<CertificateMapping> certificates;

  [[nodiscard]] bool HasRole(std::string_view role) const {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  }
};

struct Dpo {
  std::string name;
  std::string email;
  std::string desk;  ///< Desk id where notices to the DPO arrive; empty: none, then nothing is pushed.
};

struct Institution {
  std::string id;
  std::string name;
  std::string kind;        ///< codes.h, kInstitutionKinds.
  std::string controller;  ///< Responsible for the processing (RGPD art. 4.7).
  Dpo dpo;
  std::string dpia;     ///< Reference of the impact assessment (AIPD); may be empty.
  std::string siret;    ///< 14 digits; may be empty.
  std::string address;  ///< Where it can be written to by post, on one line; may be empty.
  std::vector<System> systems;

  [[nodiscard]] const System* FindSystem(std::string_view system) const;
};

/// The desk's contact privilégié (actions 17, 89, 92).
struct DeskContact {
  std::string title;
  std::string phone;
  std::string email;
};

/// A desk: where messages are delivered and humans take them.
struct Desk {
  std::string id;           ///< Unique in the directory.
  std::string institution;  ///< Id of its institution.
  /// The institution's system that serves its inbox: a PROFESSIONAL one, or at its DPO's desk a DPO's; empty:
  /// any PROFESSIONAL one.
  std::string system;
  std::string name;
  std::vector<std::string> publics;  ///< codes.h, kPublics.
  bool whole_city = false;           ///< `arrondissements: ALL`: also serves who has no known place.
  std::vector<int> arrondissements;  ///< INSEE codes; all twenty when `whole_city`.
  calendar::OpeningHours hours = calendar::OpeningHours::Always();
  DeskContact contact;
  std::vector<std::string> escalation;  ///< Desk ids, tried in this order when nobody takes a message.
  std::string on_call;                  ///< Desk id of the astreinte; empty: none (D-4.5).
  /// Flags: RELIEF_ONLY, DEPARTMENTAL_SOCIAL_SERVICE, COMMUNAL_COSIGNER.
  bool relief_only = false;  ///< Reached as on-call desk or by escalation, never chosen by territory.
  bool departmental_social_service = false;
  bool communal_cosigner = false;  ///< A commune's desk that co-signed the FSL convention (D-1.5).

  [[nodiscard]] bool Serves(std::string_view audience) const {
    return std::find(publics.begin(), publics.end(), audience) != publics.end();
  }
  [[nodiscard]] bool Covers(int insee) const {
    return std::find(arrondissements.begin(), arrondissements.end(), insee) != arrondissements.end();
  }
};

/// How a function is bound by professional secrecy.
enum class Secrecy { kNone, kMission, kProfession };

/// What a human does in her institution. Applies to the institutions and the kinds named.
struct Function {
  std::string id;
  std::string label;
  std::vector<std::string> kinds;
  std::vector<std::string> institutions;
  Secrecy secrecy = Secrecy::kNone;
  std::vector<std::string> may;  ///< codes.h, kCapabilities.

  [[nodiscard]] bool BoundBySecrecy() const { return secrecy != Secrecy::kNone; }
  [[nodiscard]] bool May(std::string_view capability) const {
    return std::find(may.begin(), may.end(), capability) != may.end();
  }
};

/// A signed convention (D-1.13).
struct Convention {
  std::string reference;
  absl::CivilDay signed_on;
};

/// Who may receive under a protocol: exactly one member is set. `desks` is a desk flag
/// (`DEPARTMENTAL_SOCIAL_SERVICE`, `COMMUNAL_COSIGNER`).
struct RecipientRule {
  std::string institution;
  std::string kind;
  std::string desks;
};

/// Who may send which signal, for which purpose, on which grounds, to whom. One entry answers for one
/// (sender, signal, event).
struct Protocol {
  std::string id;
  std::string sender;                   ///< Institution id.
  std::string signal;                   ///< codes.h, kSignals.
  std::vector<std::string> events;      ///< Events of that signal.
  std::string purpose;                  ///< A purpose code of this directory.
  std::vector<std::string> grounds;     ///< codes.h, kGrounds; empty only for events that close.
  std::vector<std::string> categories;  ///< Category codes of this directory.
  std::vector<RecipientRule> recipients;
  std::optional<Convention> convention;

  [[nodiscard]] bool HasGround(std::string_view ground) const {
    return std::find(grounds.begin(), grounds.end(), ground) != grounds.end();
  }
};

/// An entry of a code list: purpose, category or sign. What does not apply to a list is left at its default.
struct CodeEntry {
  std::string code;
  std::string fr;
  std::string en;
  bool special_category = false;     ///< RGPD art. 9: needs explicit agreement (D-2.7).
  bool offence = false;              ///< RGPD art. 10: no agreement unlocks it (D-2.7).
  int weight = 0;                    ///< Signs: 1 to 100.
  std::vector<std::string> publics;  ///< Signs: whom it may concern.
  std::optional<absl::CivilDay> deprecated_on;

  [[nodiscard]] bool IsDeprecated(absl::CivilDay day) const { return deprecated_on && day >= *deprecated_on; }
};

/// An institution authorised to send data on offences (D-2.7).
struct OffenceAuthorisation {
  std::string institution;
  std::string basis;                    ///< The text that authorises it.
  std::optional<absl::CivilDay> until;  ///< Last day; none: without end.
};

/// Keys that may have signed a log's checkpoints; several while one replaces another.
struct LogEntry {
  std::string service;            ///< "consent", "routing", …
  std::string origin;             ///< First line of its checkpoints.
  std::vector<std::string> keys;  ///< Ed25519 public keys, 32 raw bytes each.
};

/// Who cosigns checkpoints of the logs.
struct Witnesses {
  std::vector<std::string> keys;  ///< C2SP verifier keys of cosignatures, "<name>+<id>+<base64>".
  int quorum = 0;                 ///< How many of them a checkpoint needs; 0: none is demanded.
};

/// A revoked certificate: by fingerprint, or by issuer and serial. Being listed is enough, whatever
/// `revoked_at`.
struct Revocation {
  std::string fingerprint;  ///< SHA-256 of the certificate, lower-case hexadecimal.
  std::string issuer;       ///< RFC 2253.
  std::string serial;       ///< Lower-case hexadecimal, no leading zeros.
  absl::Time revoked_at;
  std::string reason;
};

/// What an auditor's system may ask of the logs.
struct AuditorScope {
  std::string institution;
  std::string system;
  std::string scope;                    ///< OWN_INSTITUTION, SUITE or AUTHORITY.
  std::optional<absl::Time> until;      ///< Required for AUTHORITY.
  std::vector<std::string> granted_by;  ///< Two different names for AUTHORITY.
};

/// An address where many households share one door: a sender record there is not a person.
struct CollectiveAddress {
  std::string name;
  std::string kind;  ///< HOTEL, SHELTER or DOMICILIATION.
  std::string address;
  std::string postal_code;
};

}  // namespace relais::directory
