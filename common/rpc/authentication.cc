#include "common/rpc/authentication.h"

#include <grpc/grpc_security_constants.h>

#include "common/rpc/policy.h"

namespace relais::rpc {
namespace {

absl::Status NotAuthenticated(std::string_view message) {
  return Refusal(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_NOT_AUTHENTICATED, message);
}

absl::StatusOr<Caller> CallerOf(const pki::PeerIdentity& identity, const directory::Directory& directory) {
  if (directory.IsRevoked(identity)) {
    return NotAuthenticated("the certificate is revoked");
  }
  Caller caller;
  caller.certificate = identity.fingerprint;
  if (identity.kind == pki::PeerIdentity::Kind::kService) {
    caller.kind = Caller::Kind::kService;
    caller.service = identity.service;
    caller.roles = {common::v1::ROLE_SERVICE};
    return caller;
  }
  const absl::StatusOr<directory::SystemRef> system = directory.SystemOf(identity);
  if (!system.ok()) {
    return NotAuthenticated("the certificate is of no system of the directory");
  }
  caller.institution = system->institution->id;
  caller.system = system->system->id;
  caller.roles = RolesOf(*system->system);
  return caller;
}

class AuthProcessor final : public grpc::AuthMetadataProcessor {
 public:
  AuthProcessor(Authenticator& authenticator, std::function<bool(std::string_view)> authenticated_later,
                std::function<void(const std::string&, const std::string&)> on_refused)
      : authenticator_(authenticator),
        authenticated_later_(std::move(authenticated_later)),
        on_refused_(std::move(on_refused)) {}

  // Everything is in memory: not worth another thread.
  [[nodiscard]] bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) override {
    const auto field = metadata.find(":path");
    const std::string_view path = field == metadata.end()
                                      ? std::string_view()
                                      : std::string_view(field->second.data(), field->second.size());
    if (authenticated_later_(path)) {
      return grpc::Status::OK;
    }
    const Authenticator::Outcome outcome = authenticator_.Authenticate(PeerCertificatePem(*context));
    if (outcome.caller.ok()) {
      return grpc::Status::OK;
    }
    on_refused_(outcome.peer, std::string(path));
    return {grpc::StatusCode::UNAUTHENTICATED, std::string(outcome.caller.status().message())};
  }

 private:
  Authenticator& authenticator_;
  const std::function<bool(std::string_view)> authenticated_later_;
  const std::function<void(const std::string&, const std::string&)> on_refused_;
};

}  // namespace

Authenticator::Authenticator(pki::PeerTrust trust, CurrentDirectory directory, const Clock& clock,
                             size_t cache_entries)
    : trust_(std::move(trust)),
      directory_(std::move(directory)),
      clock_(clock),
      cache_entries_(cache_entries) {}

Authenticator::Entry* Authenticator::Find(std::string_view leaf_pem) {
  const auto at = index_.find(leaf_pem);
  if (at == index_.end()) {
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return &entries_.front();
}

Authenticator::Outcome Authenticator::Authenticate(std::string_view leaf_pem) {
  if (leaf_pem.empty()) {
    return {"", NotAuthenticated("a client certificate is required")};
  }
  Outcome outcome = Identified(leaf_pem);
  if (outcome.caller.ok() && clock_.Now() > outcome.not_after) {
    outcome.caller = NotAuthenticated("the certificate has expired");
  }
  return outcome;
}

Authenticator::Outcome Authenticator::Identified(std::string_view leaf_pem) {
  const std::shared_ptr<const directory::Directory> directory = directory_();
  {
    std::lock_guard lock(mu_);
    if (Entry* entry = Find(leaf_pem)) {
      if (entry->directory != directory) {
        entry->outcome.caller = CallerOf(entry->identity, *directory);
        entry->directory = directory;
      }
      return entry->outcome;
    }
  }
  return Add(leaf_pem, directory);
}

Authenticator::Outcome Authenticator::Add(std::string_view leaf_pem,
                                          const std::shared_ptr<const directory::Directory>& directory) {
  absl::StatusOr<pki::PeerIdentity> identity = trust_.Identify(leaf_pem);
  if (!identity.ok()) {
    return {"", NotAuthenticated("no authority of this suite vouches for the certificate")};
  }
  Outcome outcome{identity->Name(), CallerOf(*identity, *directory), identity->not_after};
  std::lock_guard lock(mu_);
  if (Find(leaf_pem) == nullptr) {
    entries_.push_front({std::string(leaf_pem), *std::move(identity), directory, outcome});
    index_.emplace(entries_.front().pem, entries_.begin());
    if (entries_.size() > cache_entries_) {
      index_.erase(entries_.back().pem);
      entries_.pop_back();
    }
  }
  return outcome;
}

std::string PeerCertificatePem(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> values = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return values.size() == 1 ? std::string(values[0].data(), values[0].size()) : std::string();
}

std::shared_ptr<grpc::AuthMetadataProcessor> MakeAuthProcessor(
    Authenticator& authenticator, std::function<bool(std::string_view)> authenticated_later,
    std::function<void(const std::string&, const std::string&)> on_refused) {
  return std::make_shared<AuthProcessor>(authenticator, std::move(authenticated_later),
                                         std::move(on_refused));
}

}  // namespace relais::rpc
