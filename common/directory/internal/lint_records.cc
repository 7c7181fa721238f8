#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/encoding.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"
#include "common/merkle/note.h"
#include "common/pki/spiffe.h"

namespace relais::directory::internal {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void CheckLogs(const Directory& directory, Problems& problems) {
  Unique origins(problems, "origin");
  for (const LogEntry& log : directory.content().logs) {
    const std::string path = absl::StrCat("logs[", log.origin, "]");
    origins.Add(log.origin, path);
    if (!pki::IsValidId(log.service)) {
      problems.Error(path + ".service", "must be lower-case letters, digits and '-'");
    }
    if (log.keys.empty()) {
      problems.Error(path + ".keys", "must hold at least one key");
    }
    for (const std::string& key : log.keys) {
      if (!crypto::VerifyKey::FromBytes(key).ok()) {
        problems.Error(path + ".keys", "is not an Ed25519 public key in base64");
      }
    }
  }
}

void CheckWitnesses(const Directory& directory, Problems& problems) {
  const Witnesses& witnesses = directory.content().witnesses;
  constexpr size_t kMostWitnesses = 32;
  if (witnesses.keys.size() > kMostWitnesses) {
    problems.Error("witnesses.keys", "are more than 32");
  }
  if (static_cast<size_t>(witnesses.quorum) > witnesses.keys.size()) {
    problems.Error("witnesses.quorum", "is more than there are witnesses");
  }
  Unique names(problems, "witness");
  Unique keys(problems, "the key of witness");
  for (size_t i = 0; i < witnesses.keys.size(); ++i) {
    const std::string path = absl::StrCat("witnesses.keys[", i, "]");
    const auto verifier = merkle::ParseVerifierKey(witnesses.keys[i], merkle::KeyType::kCosignature);
    if (!verifier.ok()) {
      problems.Error(path, "is not a C2SP verifier key of a witness (Ed25519 cosignatures)");
      continue;
    }
    names.Add(verifier->name, path);
    // One key is one witness, whatever it calls itself; and no log vouches for itself.
    keys.Add(crypto::HexEncode(verifier->key.bytes()), path);
    for (const LogEntry& log : directory.content().logs) {
      if (std::find(log.keys.begin(), log.keys.end(), verifier->key.bytes()) != log.keys.end()) {
        problems.Error(path, absl::StrCat("is a key of the log ", log.origin));
      }
    }
  }
}

void CheckRevocations(const Directory& directory, Problems& problems) {
  const auto& revocations = directory.content().revocations;
  for (size_t i = 0; i < revocations.size(); ++i) {
    const Revocation& revocation = revocations[i];
    const std::string path = absl::StrCat("revocations[", i, "]");
    const bool by_fingerprint =
        !revocation.fingerprint.empty() && revocation.issuer.empty() && revocation.serial.empty();
    const bool by_serial =
        revocation.fingerprint.empty() && !revocation.issuer.empty() && !revocation.serial.empty();
    // A mistyped revocation revokes nothing, silently: forms are checked to the letter.
    if (by_fingerprint == by_serial) {
      problems.Error(path, "must be a fingerprint alone, or an issuer with a serial");
    } else if (by_fingerprint && !IsSha256Hex(revocation.fingerprint)) {
      problems.Error(path + ".fingerprint", "must be 64 lower-case hexadecimal digits");
    } else if (by_serial && !IsSerial(revocation.serial)) {
      problems.Error(path + ".serial", "must be lower-case hexadecimal without leading zeros");
    }
  }
}

void CheckAuditor(const Directory& directory, const AuditorScope& auditor, const std::string& path,
                  Problems& problems) {
  const Institution* institution = directory.FindInstitution(auditor.institution);
  const System* system = institution == nullptr ? nullptr : institution->FindSystem(auditor.system);
  if (system == nullptr) {
    problems.Error(path, absl::StrCat("no system '", auditor.institution, "/", auditor.system, "'"));
  } else if (!system->HasRole(auditor.scope == "OWN_INSTITUTION" ? "DPO" : "AUDITOR")) {
    problems.Error(path, "the system has not the role that the scope needs");
  }
  if (auditor.scope == "AUTHORITY") {
    if (!auditor.until.has_value()) {
      problems.Error(path + ".until", "an authority's scope is limited in time");
    }
    if (auditor.granted_by.size() < 2 || auditor.granted_by[0] == auditor.granted_by[1]) {
      problems.Error(path + ".granted_by", "an authority's scope is granted by two");
    }
  } else if (auditor.scope != "OWN_INSTITUTION" && auditor.scope != "SUITE") {
    problems.Error(path + ".scope", "must be OWN_INSTITUTION, SUITE or AUTHORITY");
  }
}

void CheckAddresses(const Directory& directory, Problems& problems) {
  const auto& addresses = directory.content().collective_addresses;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const std::string path = absl::StrCat("collective_addresses[", i, "]");
    const std::string& kind = addresses[i].kind;
    if (kind != "HOTEL" && kind != "SHELTER" && kind != "DOMICILIATION") {
      problems.Error(path + ".kind", "must be HOTEL, SHELTER or DOMICILIATION");
    }
    const std::string& code = addresses[i].postal_code;
    if (code.size() != 5 || code.find_first_not_of("0123456789") != std::string::npos) {
      problems.Error(path + ".postal_code", "must be five digits");
    }
  }
}

}  // namespace

bool IsSha256Hex(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of(kHexDigits) == std::string::npos;
}

bool IsSerial(const std::string& text) {
  return !text.empty() && text.front() != '0' && text.find_first_not_of(kHexDigits) == std::string::npos;
}

void LintRecords(const Directory& directory, Problems& problems) {
  if (!pki::IsValidTrustDomain(directory.trust_domain())) {
    problems.Error("trust_domain", "must be lower-case labels separated by dots");
  }
  CheckLogs(directory, problems);
  CheckWitnesses(directory, problems);
  CheckRevocations(directory, problems);
  const auto& auditors = directory.content().auditors;
  for (size_t i = 0; i < auditors.size(); ++i) {
    CheckAuditor(directory, auditors[i], absl::StrCat("auditors[", i, "]"), problems);
  }
  for (const OffenceAuthorisation& authorisation : directory.content().offence_senders) {
    if (directory.FindInstitution(authorisation.institution) == nullptr) {
      problems.Error("offence_senders", absl::StrCat("no institution '", authorisation.institution, "'"));
    }
  }
  CheckAddresses(directory, problems);
}

}  // namespace relais::directory::internal
