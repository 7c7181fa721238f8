#include "tests/bench/vault/connection.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "common/rpc/tls.h"
#include "tests/bench/sample.h"

namespace relais::bench {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr auto kConnectTime = std::chrono::seconds(20);

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const VaultSuite& suite, const std::string& target,
                                                       const std::string& service,
                                                       const std::string& institution,
                                                       const std::string& system) {
  pki::PeerTrust::Options options;
  options.trust_domain = suite.trust_domain;
  ASSIGN_OR_RETURN(options.services_pem, pki::ReadWholeFile(suite.pki + "/ca/services.pem", kMostPemBytes));
  ASSIGN_OR_RETURN(const pki::PeerTrust trust, pki::PeerTrust::Create(options));
  const std::string own = absl::StrCat(suite.pki, "/institutions/", institution, "/", system);
  ASSIGN_OR_RETURN(
      std::shared_ptr<grpc::Channel> channel,
      rpc::MakeChannel({target, service, {own + "/tls.crt", own + "/tls.key", suite.pki + "/ca/bundle.pem"}},
                       trust, nullptr));
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTime)) {
    return absl::UnavailableError("no connection to " + target);
  }
  return channel;
}

void PrepareCall(grpc::ClientContext& context, std::chrono::seconds deadline) {
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  context.AddMetadata("relais-agent", kAgent);
  context.AddMetadata("relais-function", kFunction);
}

}  // namespace relais::bench
