// `relais pki`: certificates and keys of a suite whose keys are at hand; witnesses' keys.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/audit/witness.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/merkle/note.h"
#include "common/pki/certificate.h"
#include "common/pki/development.h"
#include "common/pki/file.h"
#include "common/pki/spiffe.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/pki_verbs.h"
#include "services/cli/settings.h"
#include "services/cli/suppression_file.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr size_t kKeyBytes = 32;
constexpr int kDefaultDays = 365;

struct PkiOptions {
  std::string name;
  std::string institution;
  std::string file;
  bool show = false;
  std::string system;
  std::string service;
  int days = kDefaultDays;
};

// Before a key is added to the ring that no file would then hold.
absl::Status CheckFolderOf(const std::string& path, const std::string& institution) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  return folder.empty() || std::filesystem::is_directory(folder, error)
             ? absl::OkStatus()
             : absl::InvalidArgumentError(
                   absl::StrCat("there is no folder ", folder.string(), ": is ", institution,
                                " an institution of this suite? --file writes elsewhere"));
}

absl::StatusOr<int> RunSuppressionKey(Context& context, const PkiOptions& options) {
  if (!pki::IsValidId(options.institution)) {
    return absl::InvalidArgumentError("an institution's id is 1 to 64 of a-z 0-9 -");
  }
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const std::string folder, settings.InHome("keys"));
  const std::string path = options.file.empty() ? absl::StrCat(settings.pki, "/institutions/",
                                                               options.institution, "/suppression.key")
                                                : options.file;
  RETURN_IF_ERROR(CheckFolderOf(path, options.institution));
  ASSIGN_OR_RETURN(const Secret master, crypto::ReadSecretFile(folder + "/master"));
  SystemRandom random;
  ASSIGN_OR_RETURN(const auto ring, crypto::FileKeyRing::Open(folder + "/ring", master, random));
  const std::string name = identity::SuppressionKeyName(options.institution);
  if (!options.show) {
    RETURN_IF_ERROR(ring->Add(name, Secret(random.Bytes(kKeyBytes))).status());
  }
  ASSIGN_OR_RETURN(const uint32_t version, ring->Latest(name));
  RETURN_IF_ERROR(WriteSuppressionFile(*ring, options.institution, path));
  Print(context.globals.json,
        nlohmann::json{{"institution", options.institution}, {"version", version}, {"file", path}},
        absl::StrCat("version ", version, " for ", options.institution, ": ", path, "\n",
                     options.show ? "" : "services use it within a second\n"));
  return kExitOk;
}

// It names nobody until the settings of the services say so (`handles.*`).
absl::StatusOr<int> RunHandleKey(Context& context, const PkiOptions&) {
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const std::string folder, settings.InHome("keys"));
  ASSIGN_OR_RETURN(const Secret master, crypto::ReadSecretFile(folder + "/master"));
  SystemRandom random;
  ASSIGN_OR_RETURN(const auto ring, crypto::FileKeyRing::Open(folder + "/ring", master, random));
  ASSIGN_OR_RETURN(const uint32_t generation,
                   ring->Add(identity::kHandleKeyName, Secret(random.Bytes(kKeyBytes))));
  Print(context.globals.json, nlohmann::json{{"generation", generation}},
        absl::StrCat("generation ", generation, " of handles; used where a service's handles.* say so\n"));
  return kExitOk;
}

absl::StatusOr<int> RunIssue(Context& context, const PkiOptions& options) {
  if (options.system.empty() == options.service.empty()) {
    return absl::InvalidArgumentError("give either institution/system or --service");
  }
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  if (settings.pki.empty() || settings.trust_domain.empty()) {
    return absl::FailedPreconditionError("RELAIS_PKI and RELAIS_TRUST_DOMAIN say where the authorities are");
  }
  ASSIGN_OR_RETURN(const auto authorities, pki::LoadDevelopmentAuthorities(settings.pki));
  const absl::Time now = SystemClock().Now();
  const pki::Validity validity{now - absl::Hours(1), now + absl::Hours(24) * options.days};
  std::string folder;
  pki::LeafRequest request;
  if (options.system.empty()) {
    if (!pki::IsValidId(options.service)) {
      return absl::InvalidArgumentError("a service's id is 1 to 64 of a-z 0-9 -");
    }
    folder = absl::StrCat(settings.pki, "/services/", options.service);
    request = pki::ServiceRequest(settings.trust_domain, options.service, validity);
  } else {
    ASSIGN_OR_RETURN(const SystemId id, ParseSystemId(options.system));
    folder = absl::StrCat(settings.pki, "/institutions/", id.institution, "/", id.system);
    request = pki::SystemRequest(settings.trust_domain, {id.institution, id.system}, validity);
  }
  const pki::Authority& issuer = options.system.empty() ? authorities.services : authorities.institutions;
  ASSIGN_OR_RETURN(const pki::IssuedCertificate issued, pki::IssueCertificate(issuer, request));
  RETURN_IF_ERROR(pki::WriteCertificate(folder, issued));
  Print(context.globals.json, nlohmann::json{{"folder", folder}},
        absl::StrCat("issued: ", folder, "/tls.crt\n"));
  return kExitOk;
}

absl::StatusOr<int> RunWitnessKey(Context& context, const PkiOptions& options) {
  SystemRandom random;
  const audit::WitnessKey key{options.name, crypto::SigningKey::Generate(random)};
  RETURN_IF_ERROR(audit::WriteWitnessKey(options.file, key));
  const std::string verifier =
      merkle::VerifierKeyString(key.name, key.key.verify_key(), merkle::KeyType::kCosignature);
  Print(context.globals.json, nlohmann::json{{"file", options.file}, {"verifierKey", verifier}},
        absl::StrCat(verifier, "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunLogKey(Context& context, const PkiOptions& options) {
  ASSIGN_OR_RETURN(const Secret seed, crypto::ReadSecretFile(options.file));
  ASSIGN_OR_RETURN(const crypto::SigningKey key, crypto::SigningKey::FromSeed(seed));
  const std::string verifier = merkle::VerifierKeyString(options.name, key.verify_key());
  ASSIGN_OR_RETURN(const merkle::NoteVerifier checked, merkle::ParseVerifierKey(verifier));
  const std::string listed = crypto::Base64Encode(checked.key.bytes());
  Print(context.globals.json, nlohmann::json{{"verifierKey", verifier}, {"directoryKey", listed}},
        absl::StrCat(verifier, "\n"));
  return kExitOk;
}

absl::StatusOr<int> RunShow(Context& context, const PkiOptions& options) {
  std::string path = options.file;
  if (path.empty()) {
    ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
    ASSIGN_OR_RETURN(const SystemId id, ParseSystemId(settings.as));
    path = settings.certificate.empty()
               ? absl::StrCat(settings.pki, "/institutions/", id.institution, "/", id.system, "/tls.crt")
               : settings.certificate;
  }
  ASSIGN_OR_RETURN(const std::string pem, ReadInput(path, kMostPemBytes));
  ASSIGN_OR_RETURN(const pki::PeerCertificate certificate, pki::ParsePeerCertificate(pem));
  const auto instant = [](absl::Time time) {
    return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
  };
  std::vector<std::vector<std::string>> rows = {{"file", path},
                                                {"subject", certificate.subject},
                                                {"issuer", certificate.issuer},
                                                {"serial", certificate.serial},
                                                {"fingerprint", certificate.fingerprint},
                                                {"key pin", certificate.spki_pin},
                                                {"from", instant(certificate.not_before)},
                                                {"until", instant(certificate.not_after)}};
  for (const std::string& uri : certificate.uris) {
    rows.push_back({"uri", uri});
  }
  for (const std::string& dns : certificate.dns_names) {
    rows.push_back({"dns", dns});
  }
  Print(context.globals.json,
        nlohmann::json{{"file", path},
                       {"subject", certificate.subject},
                       {"issuer", certificate.issuer},
                       {"serial", certificate.serial},
                       {"fingerprint", certificate.fingerprint},
                       {"keyPin", certificate.spki_pin},
                       {"notBefore", instant(certificate.not_before)},
                       {"notAfter", instant(certificate.not_after)},
                       {"uris", certificate.uris},
                       {"dnsNames", certificate.dns_names}},
        Table(rows));
  return kExitOk;
}

}  // namespace

void AddPkiCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "pki", "certificates, keys of the shared ring and masters of key rings");

  CLI::App& suppression =
      AddVerb(noun, "suppression-key",
              "issue the next suppression key of an institution, and write the file it holds them in",
              "relais pki suppression-key edf");
  auto suppression_options = std::make_shared<PkiOptions>();
  suppression.add_option("institution", suppression_options->institution, "its id")->required();
  suppression.add_option("--file", suppression_options->file, "default: its folder of the PKI");
  suppression.add_flag("--show", suppression_options->show, "issue none: only write the file again");
  OnRun(suppression, context, suppression_options, RunSuppressionKey);

  CLI::App& handle =
      AddVerb(noun, "handle-key", "add the next generation of the key that handles are made under",
              "relais pki handle-key");
  OnRun(handle, context, std::make_shared<PkiOptions>(), RunHandleKey);

  CLI::App& issue = AddVerb(noun, "issue", "a new development certificate for a system or a service",
                            "relais pki issue edf/billing --days 90");
  auto issue_options = std::make_shared<PkiOptions>();
  issue.add_option("system", issue_options->system, "institution/system");
  issue.add_option("--service", issue_options->service, "a service instead");
  issue.add_option("--days", issue_options->days, "how long it is valid")
      ->capture_default_str()
      ->check(CLI::Range(1, 3650));
  OnRun(issue, context, issue_options, RunIssue);

  CLI::App& witness = AddVerb(noun, "witness-key", "a new key pair for a witness of the logs",
                              "relais pki witness-key witness.example/paris --file witness.key");
  auto witness_options = std::make_shared<PkiOptions>();
  witness.add_option("name", witness_options->name, "the witness's name, a URL without scheme")->required();
  witness
      .add_option("--file", witness_options->file,
                  "secret file to write; beside it FILE.pub with the verifier key")
      ->required();
  OnRun(witness, context, witness_options, RunWitnessKey);

  CLI::App& log_key = AddVerb(noun, "log-key", "the verifier key of a log's secret signing key",
                              "relais pki log-key new.key --origin relais.test/consent/1");
  auto log_key_options = std::make_shared<PkiOptions>();
  log_key.add_option("file", log_key_options->file, "the seed, a secret file")->required();
  log_key.add_option("--origin", log_key_options->name, "the log's origin")->required();
  OnRun(log_key, context, log_key_options, RunLogKey);

  CLI::App& show = AddVerb(noun, "show", "what a certificate says; without a file, your own",
                           "relais --as edf/billing pki show");
  auto show_options = std::make_shared<PkiOptions>();
  show.add_option("file", show_options->file, "PEM");
  OnRun(show, context, show_options, RunShow);

  AddRewrapRing(noun, context);
}

}  // namespace relais::cli
