// A store with threads of its own, in a world of virtual time: for tests.
#pragma once

#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/testing/forwarding_store.h"

namespace relais::storage::testing {

/// A commit is waited for where it is asked for, so that a simulated world, which is one thread, meets nobody
/// else's. The inner store's executor has threads of its own.
class BlockingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) override {
    absl::StatusOr<CommitResult> done = BlockOn(inner_->Commit(std::move(request)));
    co_return done;
  }
  Task<std::vector<absl::StatusOr<CommitResult>>> CommitAll(std::vector<CommitRequest> requests) override {
    std::vector<absl::StatusOr<CommitResult>> done = BlockOn(inner_->CommitAll(std::move(requests)));
    co_return done;
  }
};

}  // namespace relais::storage::testing
