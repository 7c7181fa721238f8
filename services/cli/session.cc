#include "services/cli/session.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/pki/file.h"

namespace relais::cli {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;
constexpr char kDevelopmentAgent[] = "dev-agent";
constexpr absl::Duration kAtLeast = absl::Milliseconds(100);  // between two attempts

bool IsPrintableAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

absl::Status Missing(const char* setting) {
  return absl::FailedPreconditionError(
      absl::StrCat("the setting ", setting, " is missing: source the suite's env file, or use --config"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const Globals& globals) {
  ASSIGN_OR_RETURN(ClientSettings settings, ReadClientSettings(globals));
  return Make(globals, std::move(settings));
}

absl::StatusOr<std::unique_ptr<Session>> Session::OpenForAudit(const Globals& globals) {
  ASSIGN_OR_RETURN(ClientSettings settings, ReadClientSettings(globals));
  if (globals.as.empty() && !settings.auditor.empty()) {
    settings.as = settings.auditor;
  }
  return Make(globals, std::move(settings));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Make(const Globals& globals, ClientSettings settings) {
  std::unique_ptr<Session> session(new Session);
  ASSIGN_OR_RETURN(session->as_, ParseSystemId(settings.as));
  if (!absl::ParseDuration(globals.timeout, &session->timeout_) ||
      session->timeout_ <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--timeout wants a duration such as 500ms, 10s or 2m");
  }
  if (settings.trust_roots.empty()) {
    return Missing("trust_roots (RELAIS_TRUST_ROOTS)");
  }
  if (settings.trust_domain.empty()) {
    return Missing("trust_domain (RELAIS_TRUST_DOMAIN)");
  }
  session->files_.roots = settings.trust_roots;
  if (!settings.certificate.empty()) {
    session->files_.certificate = settings.certificate;
    session->files_.key = settings.key;
  } else if (!settings.pki.empty()) {
    const std::string folder =
        absl::StrCat(settings.pki, "/institutions/", session->as_.institution, "/", session->as_.system);
    session->files_.certificate = folder + "/tls.crt";
    session->files_.key = folder + "/tls.key";
    if (access(session->files_.certificate.c_str(), R_OK) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("there is no certificate for ", settings.as, " (",
                                                     session->files_.certificate, "): see --as"));
    }
  } else {
    return Missing("pki (RELAIS_PKI)");
  }
  pki::PeerTrust::Options trust;
  trust.trust_domain = settings.trust_domain;
  absl::StatusOr<std::string> services = pki::ReadWholeFile(settings.services_ca, kMostPemBytes);
  if (!services.ok()) {
    return absl::FailedPreconditionError("cannot read services_ca " + settings.services_ca);
  }
  trust.services_pem = *std::move(services);
  ASSIGN_OR_RETURN(pki::PeerTrust made, pki::PeerTrust::Create(trust));
  session->trust_ = std::make_unique<pki::PeerTrust>(std::move(made));
  if (settings.function.empty()) {
    settings.function = ProposedFunction(settings, settings.as);
    if (settings.agent.empty() && !settings.function.empty()) {
      settings.agent = kDevelopmentAgent;
    }
  }
  session->json_ = globals.json;
  session->reason_ = globals.reason;
  session->settings_ = std::move(settings);
  return session;
}

// A connection comes about only while somebody waits on its channel: of its own gRPC looks at sockets every
// five seconds, and a handshake takes several looks.
void Session::WaitFor(grpc::Channel& channel, absl::Duration pause) {
  const absl::Time until = absl::Now() + pause;
  if (channel.WaitForConnected(absl::ToChronoTime(until))) {
    absl::SleepFor(std::min(until - absl::Now(), kAtLeast));
  }
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Session::Channel(const std::string& service) {
  const auto target = settings_.targets.find(service);
  if (target == settings_.targets.end() || target->second.empty()) {
    return Missing(("RELAIS_" + absl::AsciiStrToUpper(service)).c_str());
  }
  std::shared_ptr<grpc::Channel>& channel = channels_[service];
  if (channel == nullptr) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> made =
        rpc::MakeChannel({target->second, service, files_}, *trust_, nullptr);
    if (!made.ok()) {
      return absl::UnauthenticatedError(
          absl::StrCat("no certificate to call with: ", made.status().message()));
    }
    channel = *std::move(made);
  }
  return channel;
}

void Session::Prepare(grpc::ClientContext& context, absl::Duration timeout) const {
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
  if (!settings_.agent.empty()) {
    context.AddMetadata("relais-agent", settings_.agent);
  }
  if (!settings_.function.empty()) {
    context.AddMetadata("relais-function", settings_.function);
  }
  if (!reason_.empty()) {
    context.AddMetadata(IsPrintableAscii(reason_) ? "relais-reason" : "relais-reason-bin", reason_);
  }
}

absl::Status Session::Explain(const std::string& service, absl::Status status) const {
  const bool silent = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  if (!silent || rpc::ReasonOf(status) != common::v1::ERROR_REASON_UNSPECIFIED) {
    return status;
  }
  return absl::Status(status.code(),
                      absl::StrCat("the ", service, " service does not answer at ",
                                   settings_.targets.at(service), " (", status.message(), ")"));
}

std::string Session::ServiceOf(const std::string& full_name) {
  const std::vector<std::string> parts = absl::StrSplit(full_name, '.');
  return parts.size() > 1 ? parts[1] : full_name;
}

std::string RequestId(const std::string& given) {
  return given.empty() ? SystemRandom().Id().ToHex() : given;
}

}  // namespace relais::cli
