// Small papers of many persons, each of one piece: what a call costs beside its bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "tests/bench/closed_loop.h"
#include "tests/bench/vault/connection.h"

namespace relais::bench {

/// Deposits and reads them with a fixed number of chains in flight over several connections, through gRPC's
/// callback API, so that the caller itself takes little of the processors. Messages are a slot's and used
/// again. Every answer is judged; the first that is not the due one ends it all and is returned, with the
/// call and the paper. One thread drives it; the calls run on gRPC's.
class SmallPapers {
 public:
  struct Work {
    std::vector<std::string> handles;  // whose: paper i is of person i % size
    uint64_t papers = 0;
    std::string text;  // of each; at most one piece
    std::string sha256;
    int in_flight = 64;
    int connections = 2;
  };

  /// `suite.vault` as a system of an institution that is each person's host.
  static absl::StatusOr<std::unique_ptr<SmallPapers>> Open(const VaultSuite& suite,
                                                           const std::string& institution,
                                                           const std::string& system, Work work);

  /// BeginUpload, UploadPiece and CompleteUpload of each: one call of the figure.
  absl::StatusOr<Figure> Deposit();
  /// Each whole, by ReadRange, once all are deposited.
  absl::StatusOr<Figure> Read();

 private:
  using Stub = vault::v1::DocumentService::Stub;
  class Depositing;
  class Reading;

  explicit SmallPapers(Work work) : work_(std::move(work)) {}
  [[nodiscard]] const std::string& HandleOf(uint64_t paper) const {
    return work_.handles[paper % work_.handles.size()];
  }
  [[nodiscard]] Stub& StubOf(int slot) const { return *stubs_[slot % stubs_.size()]; }

  const Work work_;
  std::string run_;  // keeps this run's request ids apart from another's
  std::vector<std::unique_ptr<Stub>> stubs_;
  std::vector<std::string> documents_;
};

}  // namespace relais::bench
