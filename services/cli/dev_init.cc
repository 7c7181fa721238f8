#include "services/cli/dev_init.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/directory/edit.h"
#include "common/directory/lint.h"
#include "common/directory/sign.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/pki/development.h"
#include "common/pki/file.h"
#include "services/cli/settings.h"
#include "services/cli/suppression_file.h"

namespace relais::cli {
namespace {

constexpr mode_t kPublic = 0644;
constexpr mode_t kFolder = 0700;
constexpr size_t kKeyBytes = 32;
constexpr char kRootKeyName[] = "development-root";
constexpr char kMatchKeyName[] = "match";
constexpr int kDevFirstFreeMib = 256;
constexpr int kDevSecondFreeMib = 64;
constexpr absl::Duration kDirectoryLife = absl::Hours(24 * 366);

using Ports = std::map<std::string, std::pair<int, int>>;  // service → its port and its metrics'

// Who calls whom; a service that is not named is configured absent there.
const std::map<std::string, std::vector<std::string>>& Peers() {
  static const auto* const peers =
      new std::map<std::string, std::vector<std::string>>{{"consent", {"routing", "vault"}},
                                                          {"routing", {"consent", "alerting", "vault"}},
                                                          {"alerting", {"consent", "routing", "vault"}},
                                                          {"vault", {"consent"}}};
  return *peers;
}

bool Exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

bool Sends(const directory::Institution& institution) {
  return std::any_of(institution.systems.begin(), institution.systems.end(),
                     [](const directory::System& system) { return system.HasRole("SIGNAL_SENDER"); });
}

absl::Status MakePki(const DevInit& init, const directory::Directory& directory) {
  pki::DevelopmentPki pki;
  pki.trust_domain = directory.trust_domain();
  for (const directory::Institution& institution : directory.content().institutions) {
    for (const directory::System& system : institution.systems) {
      pki.systems.push_back({institution.id, system.id});
    }
  }
  pki.services.assign(std::begin(kServices), std::end(kServices));
  pki.now = init.now;
  return pki::MakeDevelopmentPki(init.dir + "/pki", pki);
}

absl::Status MakeSharedKeys(const DevInit& init, const directory::Directory& directory, Random& random) {
  const std::string folder = init.dir + "/keys";
  RETURN_IF_ERROR(pki::MakeFolder(folder, kFolder));
  const Secret master(random.Bytes(kKeyBytes));
  RETURN_IF_ERROR(crypto::WriteSecretFile(folder + "/master", master));
  ASSIGN_OR_RETURN(const auto ring, crypto::FileKeyRing::Create(folder + "/ring", master, random));
  RETURN_IF_ERROR(ring->Put(identity::kHandleKeyName, 1, Secret(random.Bytes(kKeyBytes))));
  RETURN_IF_ERROR(ring->Put(kMatchKeyName, 1, Secret(random.Bytes(kKeyBytes))));
  for (const directory::Institution& institution : directory.content().institutions) {
    if (!Sends(institution)) {
      continue;
    }
    RETURN_IF_ERROR(
        ring->Put(identity::SuppressionKeyName(institution.id), 1, Secret(random.Bytes(kKeyBytes))));
    RETURN_IF_ERROR(WriteSuppressionFile(
        *ring, institution.id,
        absl::StrCat(init.dir, "/pki/institutions/", institution.id, "/suppression.key")));
  }
  return absl::OkStatus();
}

std::string Origin(const directory::Directory& directory, const std::string& service) {
  return absl::StrCat(directory.trust_domain(), "/", service, "/1");
}

// The log's signer and the master of its own ring, which the service makes itself with its store.
absl::StatusOr<directory::LogEntry> MakeLogKeys(const DevInit& init, const directory::Directory& directory,
                                                const std::string& service, Random& random) {
  const std::string folder = absl::StrCat(init.dir, "/", service);
  RETURN_IF_ERROR(pki::MakeFolder(folder, kFolder));
  RETURN_IF_ERROR(crypto::WriteSecretFile(folder + "/master", Secret(random.Bytes(kKeyBytes))));
  const crypto::SigningKey signer = crypto::SigningKey::Generate(random);
  RETURN_IF_ERROR(crypto::WriteSecretFile(folder + "/signer.key", signer.seed()));
  return directory::LogEntry{service, Origin(directory, service), {signer.verify_key().bytes()}};
}

absl::Status MakeDirectory(const DevInit& init, const directory::Directory& from,
                           std::vector<directory::LogEntry> logs, Random& random) {
  directory::Edit edit;
  edit.logs = std::move(logs);
  const absl::Time shown = init.test_start.value_or(init.now);
  if (from.content().not_after < shown + kDirectoryLife) {
    edit.not_after = absl::FromUnixSeconds(absl::ToUnixSeconds(shown + kDirectoryLife));
  }
  ASSIGN_OR_RETURN(const std::string yaml, directory::Apply(init.template_yaml, edit));
  RETURN_IF_ERROR(directory::ParseAndLint(yaml).status());
  const std::string folder = init.dir + "/directory";
  RETURN_IF_ERROR(pki::MakeFolder(folder, kFolder));
  const crypto::SigningKey root = crypto::SigningKey::Generate(random);
  RETURN_IF_ERROR(crypto::WriteSecretFile(folder + "/root.key", root.seed()));
  ASSIGN_OR_RETURN(const std::string signature, directory::SignDirectory(yaml, root, kRootKeyName));
  RETURN_IF_ERROR(pki::WriteFileDurably(folder + "/directory.yaml", yaml, kPublic));
  RETURN_IF_ERROR(pki::WriteFileDurably(folder + "/directory.yaml.sig", signature, kPublic));
  return pki::WriteFileDurably(folder + "/root.pub",
                               directory::FormatRootKey(kRootKeyName, root.verify_key()) + "\n", kPublic);
}

// YAML's double quotes: paths may hold anything.
std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

std::string ConfigText(const DevInit& init, const directory::Directory& directory, const std::string& service,
                       const Ports& ports) {
  const std::string& dir = init.dir;
  const std::string own = absl::StrCat(dir, "/", service);
  const auto address = [](int port) { return Quoted(absl::StrCat("127.0.0.1:", port)); };
  std::string text =
      absl::StrCat("# Settings of relais-", service, " in a development suite.\n",
                   "listen: ", address(ports.at(service).first), "\n",
                   "metrics:\n  listen: ", address(ports.at(service).second), "\n", "reflection: true\n");
  absl::StrAppend(&text, "tls:\n",
                  "  certificate: ", Quoted(absl::StrCat(dir, "/pki/services/", service, "/tls.crt")), "\n",
                  "  key: ", Quoted(absl::StrCat(dir, "/pki/services/", service, "/tls.key")), "\n",
                  "  roots: ", Quoted(dir + "/pki/ca/bundle.pem"), "\n",
                  "  institutions_ca: ", Quoted(dir + "/pki/ca/institutions.pem"), "\n",
                  "  services_ca: ", Quoted(dir + "/pki/ca/services.pem"), "\n");
  absl::StrAppend(&text, "store:\n  path: ", Quoted(own + "/store"), "\n");
  // A developer's disk is often nearly full: what counts there is that a store does not break.
  absl::StrAppend(&text, "disk:\n  first_free_mib: ", kDevFirstFreeMib,
                  "\n  second_free_mib: ", kDevSecondFreeMib, "\n");
  absl::StrAppend(&text, "keys:\n  ring: ", Quoted(dir + "/keys/ring"),
                  "\n  master: ", Quoted(dir + "/keys/master"), "\n");
  absl::StrAppend(&text, "audit:\n  ring: ", Quoted(own + "/ring"), "\n  master: ", Quoted(own + "/master"),
                  "\n  signer_key: ", Quoted(own + "/signer.key"),
                  "\n  origin: ", Quoted(Origin(directory, service)),
                  "\n  published: ", Quoted(own + "/published"),
                  "\n  erasure_journal: ", Quoted(own + "/erasures"), "\n");
  absl::StrAppend(&text, "backup:\n  folder: ", Quoted(own + "/backups"), "\n");
  absl::StrAppend(&text, "directory:\n  file: ", Quoted(dir + "/directory/directory.yaml"),
                  "\n  root_keys: ", Quoted(dir + "/directory/root.pub"),
                  "\n  state: ", Quoted(own + "/directory"), "\n");
  const std::vector<std::string>& peers = Peers().at(service);
  if (!peers.empty()) {
    absl::StrAppend(&text, "peers:\n");
    for (const std::string& peer : peers) {
      absl::StrAppend(&text, "  ", peer, ":\n    target: ", address(ports.at(peer).first), "\n");
    }
  }
  return text;
}

std::string TestClock(const DevInit& init) {
  return init.test_start.has_value() ? absl::StrCat(Rfc3339(*init.test_start), ",", Rfc3339(init.now)) : "";
}

absl::Status WriteServices(const DevInit& init, const directory::Directory& directory, const Ports& ports) {
  const std::string flags =
      init.test_start.has_value() ? absl::StrCat("--test-mode\n--test-clock=", TestClock(init), "\n") : "";
  for (const char* service : kServices) {
    const std::string own = absl::StrCat(init.dir, "/", service);
    RETURN_IF_ERROR(
        pki::WriteFileDurably(own + "/config.yaml", ConfigText(init, directory, service, ports), kPublic));
    RETURN_IF_ERROR(pki::WriteFileDurably(own + "/flags", flags, kPublic));
  }
  return absl::OkStatus();
}

absl::Status WriteFunctions(const DevInit& init, const directory::Directory& directory) {
  std::string text;
  for (const directory::Institution& institution : directory.content().institutions) {
    for (const directory::System& system : institution.systems) {
      if (const std::string function = FunctionFor(directory, institution, system); !function.empty()) {
        absl::StrAppend(&text, institution.id, "/", system.id, " ", function, "\n");
      }
    }
  }
  return pki::WriteFileDurably(init.dir + "/functions", text, kPublic);
}

// The system that has a role, "institution/system"; "" for none.
std::string SystemWith(const directory::Directory& directory, const std::string& role) {
  for (const directory::Institution& institution : directory.content().institutions) {
    for (const directory::System& system : institution.systems) {
      if (system.HasRole(role)) {
        return absl::StrCat(institution.id, "/", system.id);
      }
    }
  }
  return "";
}

absl::Status WriteEnv(const DevInit& init, const directory::Directory& directory, const Ports& ports) {
  std::string text = "# source this file, then: relais status\n";
  // What an env file that was sourced before may have left is unset.
  const auto set = [&text](const std::string& name, const std::string& value) {
    if (value.empty()) {
      absl::StrAppend(&text, "unset ", name, "\n");
    } else {
      absl::StrAppend(&text, "export ", name, "=", ShellQuote(value), "\n");
    }
  };
  set("RELAIS_HOME", init.dir);
  set("RELAIS_PKI", init.dir + "/pki");
  set("RELAIS_TRUST_ROOTS", init.dir + "/pki/ca/bundle.pem");
  set("RELAIS_TRUST_DOMAIN", directory.trust_domain());
  set("RELAIS_KEYS", init.dir + "/directory/root.pub");
  set("RELAIS_CONSENT", absl::StrCat("127.0.0.1:", ports.at("consent").first));
  set("RELAIS_ROUTING", absl::StrCat("127.0.0.1:", ports.at("routing").first));
  set("RELAIS_ALERTING", absl::StrCat("127.0.0.1:", ports.at("alerting").first));
  set("RELAIS_VAULT", absl::StrCat("127.0.0.1:", ports.at("vault").first));
  set("RELAIS_AS", SystemWith(directory, "OPERATOR"));
  set("RELAIS_AUDITOR", SystemWith(directory, "AUDITOR"));
  set("RELAIS_TEST_CLOCK", TestClock(init));
  if (!init.bin_dir.empty()) {
    absl::StrAppend(&text, "case \":$PATH:\" in *:", ShellQuote(init.bin_dir),
                    ":*) ;; *) export PATH=", ShellQuote(init.bin_dir), ":\"$PATH\" ;; esac\n");
  }
  return pki::WriteFileDurably(init.dir + "/env", text, kPublic);
}

absl::Status CheckFresh(const std::string& dir) {
  for (const char* name :
       {"env", "pki", "keys", "directory", "functions", "consent", "routing", "alerting", "vault"}) {
    if (Exists(absl::StrCat(dir, "/", name))) {
      return absl::AlreadyExistsError(
          absl::StrCat(dir, "/", name, " is there already: choose another folder"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string ShellQuote(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string FunctionFor(const directory::Directory& directory, const directory::Institution& institution,
                        const directory::System& system) {
  static const std::map<std::string, std::string> kNeeds = {{"SIGNAL_SENDER", "SUBMIT_SIGNAL"},
                                                            {"PROFESSIONAL", "TAKE"},
                                                            {"STEWARD", "MATCH_PERSONS"},
                                                            {"AUDITOR", "AUDIT"},
                                                            {"DPO", "AUDIT"},
                                                            {"OPERATOR", "OPERATE"}};
  const directory::Function* best = nullptr;
  for (const directory::Function& function : directory.content().functions) {
    const directory::Function* here = directory.FindFunction(institution.id, function.id);
    const bool fits = here != nullptr &&
                      std::any_of(system.roles.begin(), system.roles.end(), [here](const std::string& role) {
                        const auto need = kNeeds.find(role);
                        return need != kNeeds.end() && here->May(need->second);
                      });
    if (fits && (best == nullptr || here->may.size() > best->may.size())) {
      best = here;
    }
  }
  return best == nullptr ? "" : best->id;
}

absl::StatusOr<std::vector<int>> PickLoopbackPorts(size_t n) {
  std::vector<int> ports;
  std::vector<int> sockets;  // kept open until all are chosen, so that all differ
  while (ports.size() < n) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockets.push_back(fd);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      break;
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int fd : sockets) {
    close(fd);
  }
  if (ports.size() < n) {
    return absl::UnavailableError("no free loopback port");
  }
  return ports;
}

absl::Status InitDevelopment(const DevInit& init, const PickPorts& pick_ports, Random& random) {
  RETURN_IF_ERROR(CheckFresh(init.dir));
  ASSIGN_OR_RETURN(const directory::Directory directory, directory::ParseAndLint(init.template_yaml));
  ASSIGN_OR_RETURN(const std::vector<int> picked, pick_ports(2 * std::size(kServices)));
  Ports ports;
  std::vector<directory::LogEntry> logs;
  RETURN_IF_ERROR(pki::MakeFolder(init.dir, kFolder));
  RETURN_IF_ERROR(MakePki(init, directory));
  RETURN_IF_ERROR(MakeSharedKeys(init, directory, random));
  for (const char* service : kServices) {
    const size_t at = 2 * ports.size();
    ports[service] = {picked[at], picked[at + 1]};
    ASSIGN_OR_RETURN(directory::LogEntry log, MakeLogKeys(init, directory, service, random));
    logs.push_back(std::move(log));
  }
  RETURN_IF_ERROR(MakeDirectory(init, directory, std::move(logs), random));
  RETURN_IF_ERROR(WriteServices(init, directory, ports));
  RETURN_IF_ERROR(WriteFunctions(init, directory));
  return WriteEnv(init, directory, ports);
}

}  // namespace relais::cli
