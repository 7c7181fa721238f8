// What every backend must do, checked on each: the storage contract as tests. Every case closes the store,
// opens it again and checks again.
//
//   INSTANTIATE_TEST_SUITE_P(RocksDb, StoreConformance,
//                            ::testing::Values(Case("RocksDb", [] { return std::make_unique<MyBackend>();
//                            })));
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/store.h"
#include "common/storage/testing/counting_sequencer.h"

namespace relais::storage::testing {

/// One store on data of its own, with a CountingSequencer. The executor has threads of its own.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Opens the store, empty the first time; a failure of the test if it cannot.
  virtual void Open() = 0;
  /// Closes it and opens the same data with a new sequencer that goes on from it.
  virtual void Reopen() = 0;
  virtual Store& store() = 0;
  virtual CountingSequencer& sequencer() = 0;
  virtual Executor& executor() = 0;
  /// Makes the open store fail, as its disk or its process would.
  virtual void Break() = 0;
};

struct BackendCase {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};
[[nodiscard]] BackendCase Case(std::string name, std::function<std::unique_ptr<Backend>()> make);
inline void PrintTo(const BackendCase& c, std::ostream* out) { *out << c.name; }

class StoreConformance : public ::testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override;

  Store& store() { return backend_->store(); }
  /// Runs `check`, reopens, runs it again.
  void CheckTwice(const std::function<void()>& check);
  absl::StatusOr<CommitResult> Commit(CommitRequest request);
  std::vector<absl::StatusOr<CommitResult>> CommitAll(std::vector<CommitRequest> requests);
  /// "value@version", "-" when absent, or the error.
  std::string Read(const Partition& partition, std::string_view key);
  /// The bytes of all leaves, in order.
  std::vector<std::string> Leaves();

  std::unique_ptr<Backend> backend_;
};

// Short forms for tests.
[[nodiscard]] Partition MakePartition(PartitionKind kind, uint8_t n);
[[nodiscard]] CommitRequest Put(const Partition& partition, std::string key, std::string value);
[[nodiscard]] CommitRequest WithLeaf(CommitRequest request, std::string leaf);
[[nodiscard]] CommitRequest IfAbsent(CommitRequest request, std::string key);
[[nodiscard]] CommitRequest IfVersion(CommitRequest request, std::string key, uint64_t version);

}  // namespace relais::storage::testing
