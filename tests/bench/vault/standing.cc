#include "tests/bench/vault/standing.h"

#include <chrono>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/status_mapping.h"

namespace relais::bench {

StandingReadings::~StandingReadings() {
  for (const std::unique_ptr<Reading>& reading : readings_) {
    reading->context.TryCancel();
  }
  for (const std::unique_ptr<Reading>& reading : readings_) {
    reading->stream->Finish();
  }
}

absl::Status StandingReadings::Add(const VaultSuite& suite, const std::string& institution,
                                   const std::string& system, const std::string& handle,
                                   const std::string& document_id) {
  auto reading = std::make_unique<Reading>();
  ASSIGN_OR_RETURN(const auto channel, Connect(suite, suite.vault, "vault", institution, system));
  reading->stub = vault::v1::DocumentService::NewStub(channel);
  PrepareCall(reading->context, std::chrono::hours(1));
  vault::v1::DownloadRequest request;
  request.mutable_person()->set_handle(handle);
  request.set_document_id(document_id);
  reading->stream = reading->stub->Download(&reading->context, request);
  if (vault::v1::DownloadResponse first; !reading->stream->Read(&first)) {
    return rpc::FromGrpc(reading->stream->Finish());
  }
  readings_.push_back(std::move(reading));
  return absl::OkStatus();
}

}  // namespace relais::bench
