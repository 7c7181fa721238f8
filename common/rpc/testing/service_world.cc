#include "common/rpc/testing/service_world.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/directory/parse.h"

namespace relais::rpc::testing {
namespace {

constexpr char kDirectory[] = R"(
not_after: "2060-12-31T22:59:59Z"
format: relais-directory/1
trust_domain: relais.test
institutions:
  - id: ville-paris
    name: Ville de Paris
    kind: DEPARTEMENT_SOCIAL
    dpo: {name: DPO, email: dpo@ville-paris.example}
    systems:
      - {id: dsol, roles: [PROFESSIONAL]}
      - {id: dpo, roles: [DPO]}
  - id: edf
    name: EDF
    kind: ENERGY_SUPPLIER
    dpo: {name: DPO, email: dpo@edf.example}
    systems:
      - {id: billing, roles: [SIGNAL_SENDER]}
      - {id: dpo, roles: [DPO]}
  - id: auditor
    name: Auditor
    kind: AUDITOR
    dpo: {name: DPO, email: dpo@auditor.example}
    systems:
      - {id: suite, roles: [AUDITOR]}
  - id: operator
    name: Operator
    kind: OPERATOR
    dpo: {name: DPO, email: dpo@operator.example}
    systems:
      - {id: ops, roles: [OPERATOR]}
  - id: authority
    name: Authority
    kind: AUDITOR
    dpo: {name: DPO, email: dpo@authority.example}
    systems:
      - {id: inquiry, roles: [AUDITOR]}
functions:
  - id: assistant-social
    label: Assistant de service social
    institutions: [ville-paris]
    secrecy: PROFESSION
    may: [REGISTER_PERSON, RECORD_CONSENT]
  - id: auditeur
    label: Auditeur
    institutions: [auditor]
    secrecy: MISSION
    may: [AUDIT]
)";

constexpr char kAuditors[] = R"(
auditors:
  - {institution: auditor, system: suite, scope: SUITE}
)";

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "service world: %s\n", value.status().ToString().c_str());
    std::abort();
  }
  return *std::move(value);
}
void Must(const absl::Status& status) { Must<bool>(status.ok() ? absl::StatusOr<bool>(true) : status); }

constexpr size_t kKeySize = 32;

}  // namespace

std::shared_ptr<const directory::Directory> SampleDirectory(uint64_t version, std::string_view extra) {
  const std::string yaml = absl::StrCat("version: ", version, kDirectory, kAuditors + 1, std::string(extra));
  return std::make_shared<const directory::Directory>(Must(directory::ParseDirectory(yaml)));
}

std::shared_ptr<const directory::Directory> DirectoryWithoutAuditors(uint64_t version) {
  const std::string yaml = absl::StrCat("version: ", version, kDirectory);
  return std::make_shared<const directory::Directory>(Must(directory::ParseDirectory(yaml)));
}

std::shared_ptr<const directory::Directory> SampleDirectoryWith(uint64_t version, std::string_view from,
                                                                std::string_view to) {
  std::string yaml = absl::StrCat("version: ", version, kDirectory);
  const size_t at = yaml.find(from);
  yaml = at == std::string::npos ? std::string("there is none") : yaml.replace(at, from.size(), to);
  return std::make_shared<const directory::Directory>(Must(directory::ParseDirectory(yaml)));
}

Caller InstitutionCaller(const std::string& institution, const std::string& system, common::v1::Role role) {
  Caller caller;
  caller.institution = institution;
  caller.system = system;
  caller.roles = {role};
  return caller;
}

Caller ServiceCaller(const std::string& service) {
  Caller caller;
  caller.kind = Caller::Kind::kService;
  caller.service = service;
  caller.roles = {common::v1::ROLE_SERVICE};
  return caller;
}

ServiceWorld::ServiceWorld(Clock& clock, Executor& executor, const std::string& service, uint64_t seed)
    : random_(seed), directory_(SampleDirectory(1)) {
  Must(ring_.Put("handle", 1, Secret(random_.Bytes(kKeySize))));
  audit::LogOptions options;
  options.origin = "relais.test/" + service + "/1";
  const crypto::SigningKey key = crypto::SigningKey::Generate(random_);
  verify_key_ = std::make_unique<crypto::VerifyKey>(key.verify_key());
  options.signers.push_back({options.origin, key});
  options.ring = &ring_;
  log_ = Must(audit::Log::Create(std::move(options), clock, random_, executor));
  store_ = std::make_unique<storage::MemoryStore>(std::make_shared<storage::MemoryDisk>(), executor,
                                                  log_->sequencer(), storage::MemoryStore::Options());
  Must(log_->Recover(*store_));
  handles_ = std::make_unique<identity::HandleCodec>(
      Must(identity::HandleCodec::Create(ring_, identity::HandlePolicy(), clock)));
  suppression_ = std::make_unique<identity::SuppressionKeys>(ring_);
  idempotency_ = std::make_unique<Idempotency>(Secret(random_.Bytes(kKeySize)));
  context_ = std::make_unique<ServiceContext>(ServiceContext{clock, random_, executor, *store_, *log_,
                                                             *handles_, *suppression_, *idempotency_,
                                                             [this] { return directory(); }});
}

ServiceWorld::~ServiceWorld() {
  log_->Stop();
  store_->Kill();
}

std::shared_ptr<const directory::Directory> ServiceWorld::directory() const {
  std::lock_guard lock(mu_);
  return directory_;
}

void ServiceWorld::SetDirectory(std::shared_ptr<const directory::Directory> directory) {
  std::lock_guard lock(mu_);
  directory_ = std::move(directory);
}

}  // namespace relais::rpc::testing
