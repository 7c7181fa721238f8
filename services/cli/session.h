// Calls to the services as one system: channels, metadata, deadlines, repetition.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/status_mapping.h"
#include "common/rpc/tls.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "services/cli/settings.h"

namespace relais::cli {

class Session {
 public:
  /// Reads settings and authorities; connects to nobody. INVALID_ARGUMENT or FAILED_PRECONDITION for settings
  /// that are wrong or missing, and for a system that has no certificate.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Globals& globals);
  /// The same; without --as it acts as the setting `auditor`, where there is one.
  static absl::StatusOr<std::unique_ptr<Session>> OpenForAudit(const Globals& globals);

  [[nodiscard]] const ClientSettings& settings() const { return settings_; }
  [[nodiscard]] const std::string& institution() const { return as_.institution; }
  [[nodiscard]] const std::string& system() const { return as_.system; }
  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] absl::Duration timeout() const { return timeout_; }

  /// The channel to "consent", "routing", "alerting" or "vault", the same at every call.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel(const std::string& service);
  /// Metadata and deadline of one attempt.
  void Prepare(grpc::ClientContext& context, absl::Duration timeout) const;

  /// One call of a gRPC service, whose package says where it lives. Repeated on UNAVAILABLE until the
  /// timeout: what the CLI calls either writes nothing or carries a request id. `patience`: what an attempt
  /// is given at least, for a method that may take long. Errors as rpc::FromGrpc.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request, absl::Duration patience = absl::ZeroDuration()) {
    return CallAt<Service>(ServiceOf(Service::service_full_name()), method, request, patience);
  }
  /// The same at a named service: AuditService lives at each.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> CallAt(const std::string& service,
                                  grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                        Response*),
                                  const Request& request, absl::Duration patience = absl::ZeroDuration()) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = Channel(service);
    if (!channel.ok()) {
      return channel.status();
    }
    const auto stub = Service::NewStub(*channel);
    const absl::Time until = absl::Now() + timeout_;
    absl::Duration pause = absl::Milliseconds(100);
    while (true) {
      grpc::ClientContext context;
      Prepare(context, std::max(until - absl::Now(), patience));
      Response response;
      const grpc::Status status = ((*stub).*method)(&context, request, &response);
      if (status.ok()) {
        return response;
      }
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE || absl::Now() + pause >= until) {
        return Explain(service, rpc::FromGrpc(status));
      }
      WaitFor(**channel, pause);
      pause = std::min(pause * 2, absl::Seconds(1));
    }
  }

  /// Says which service did not answer; answers pass unchanged.
  [[nodiscard]] absl::Status Explain(const std::string& service, absl::Status status) const;

 private:
  Session() = default;
  /// Until the pause is over, or the channel, which is not, is connected.
  static void WaitFor(grpc::Channel& channel, absl::Duration pause);
  static absl::StatusOr<std::unique_ptr<Session>> Make(const Globals& globals, ClientSettings settings);
  /// "consent" of "relais.consent.v1.ConsentService".
  static std::string ServiceOf(const std::string& full_name);

  ClientSettings settings_;
  SystemId as_;
  bool json_ = false;
  absl::Duration timeout_;
  std::string reason_;
  rpc::TlsFiles files_;
  std::unique_ptr<pki::PeerTrust> trust_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

/// A fresh idempotency key, or the one given.
[[nodiscard]] std::string RequestId(const std::string& given);

}  // namespace relais::cli
