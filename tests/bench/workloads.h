// What is measured: the echo, and the consent registry's calls about people registered for the purpose.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "tests/bench/closed_loop.h"
#include "tests/bench/paced_loop.h"
#include "tests/bench/raw_rocksdb.h"
#include "tests/bench/sample.h"

namespace relais::bench {

struct Suite {
  std::string echo;     // host:port of bench_echo
  std::string consent;  // host:port
  std::string pki;      // folder of the development PKI
  std::string trust_domain;
  int channels = 2;  // connections to each
  // Who calls: the asking system, unless said.
  std::string institution = kInstitution;
  std::string system = kSystem;
};

/// Connections to one service or to the echo, with the caller's certificate. UNAVAILABLE, NOT_FOUND.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> OpenChannels(const Suite& suite,
                                                                         const std::string& target);

/// Bytes that a call writes and answers, as seen by asking once with proof.
struct Sizes {
  size_t check_answer = 0;
  size_t echo_answer = 0;
  size_t check_leaf = 0;
  size_t agreement_leaf = 0;
  /// What RecordConsent writes beside its leaf; values estimated from what was sent.
  std::vector<StateRow> agreement_rows;
};

/// Who is asked about: everyone alike, or a few.
struct Among {
  uint64_t persons = 0;  // 0: all that were prepared
};

/// One thread drives it; calls run on gRPC's.
class Workloads {
 public:
  /// Opens the connections with the asking system's certificate. UNAVAILABLE when a file is missing.
  static absl::StatusOr<std::unique_ptr<Workloads>> Connect(const Suite& suite);

  /// Registers `persons` and records one agreement of each. Two figures, or the first error.
  absl::StatusOr<std::vector<Figure>> Prepare(uint64_t persons, int in_flight);
  /// In place of Prepare: persons who are there, by their handles, one a line.
  absl::Status UseHandles(const std::string& path);
  [[nodiscard]] uint64_t persons() const { return handles_.size(); }
  absl::StatusOr<Sizes> MeasureSizes();

  Figure Echo(const std::string& name, const Loop& loop);
  /// Every answer must be a permit; a recorded one must carry its permit.
  Figure Check(const std::string& name, const Loop& loop, Among among, bool dry_run);
  /// The same at a fixed rate.
  Figure PacedEcho(const std::string& name, const Pace& pace);
  Figure PacedCheck(const std::string& name, const Pace& pace, Among among, bool dry_run);
  /// Dry run, about so many persons a call. The figure counts calls.
  Figure BatchCheck(const std::string& name, const Loop& loop, Among among, int persons);
  Figure RecordConsent(const std::string& name, const Loop& loop, Among among);

 private:
  using ConsentStub = consent::v1::ConsentService::Stub;
  using PersonStub = consent::v1::PersonService::Stub;

  Workloads() = default;
  using RunLoop = std::function<Figure(const StartCall&)>;
  Figure RunCheck(int slots, const RunLoop& run, Among among, bool dry_run,
                  const std::vector<std::shared_ptr<ConsentStub>>& stubs);
  // A person's handle, drawn for this slot; each slot draws its own sequence.
  const std::string& Draw(int slot, Among among);
  void StartDrawing(int slots);

  std::string run_;  // keeps this run's identifiers apart from another's
  std::vector<std::shared_ptr<ConsentStub>> echo_;
  std::vector<std::shared_ptr<ConsentStub>> consent_;
  std::vector<std::shared_ptr<PersonStub>> persons_;
  std::vector<std::string> handles_;
  std::vector<uint64_t> draws_;
  uint64_t agreement_loops_ = 0;
};

}  // namespace relais::bench
