// Readings that stand still: their clients took a first message and take no more.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/bench/vault/connection.h"

namespace relais::bench {

/// They stand until this ends, which ends them. For one thread.
class StandingReadings {
 public:
  StandingReadings() = default;
  ~StandingReadings();
  StandingReadings(const StandingReadings&) = delete;
  StandingReadings& operator=(const StandingReadings&) = delete;

  /// One more, over a connection of its own, as a system of an institution that calls her `handle`. What the
  /// vault says when it takes no more.
  absl::Status Add(const VaultSuite& suite, const std::string& institution, const std::string& system,
                   const std::string& handle, const std::string& document_id);

 private:
  struct Reading {
    std::unique_ptr<vault::v1::DocumentService::Stub> stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<vault::v1::DownloadResponse>> stream;
  };
  std::vector<std::unique_ptr<Reading>> readings_;
};

}  // namespace relais::bench
