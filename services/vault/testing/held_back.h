// A vault whose copies for legal holds can be kept back: for tests.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/task.h"
#include "common/storage/testing/forwarding_store.h"
#include "services/vault/testing/world_on.h"

namespace relais::vault::testing {

/// In a world of virtual time. Commits of pieces of texts to a hold are counted, and one may be kept back.
class HeldBackStore final : public storage::testing::ForwardingStore {
 public:
  HeldBackStore(std::unique_ptr<storage::Store> inner, Executor& executor)
      : ForwardingStore(std::move(inner)), executor_(executor) {}

  /// The next commit of pieces does not come to its end until LetGo; those after it do.
  void KeepBackNext() { keep_next_ = true; }
  [[nodiscard]] bool keeps_back() const { return kept_back_.has_value(); }
  void LetGo() {
    keep_next_ = false;
    if (const auto go = std::exchange(kept_back_, std::nullopt); go.has_value()) {
      go->Set(true);
    }
  }
  /// Commits of pieces that were asked for.
  [[nodiscard]] int commits() const { return commits_; }

  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (HasPieces(request)) {
      ++commits_;
      if (std::exchange(keep_next_, false)) {
        const OneShot<bool> go(executor_);
        kept_back_ = go;
        co_await go;
      }
    }
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }

 private:
  static constexpr size_t kSurelyAPiece = 100'000;
  static bool HasPieces(const storage::CommitRequest& request) {
    return request.partition.kind == storage::PartitionKind::kHold &&
           std::any_of(request.batch.begin(), request.batch.end(), [](const storage::Mutation& row) {
             return row.value.has_value() && row.value->size() > kSurelyAPiece;
           });
  }

  Executor& executor_;
  bool keep_next_ = false;
  std::optional<OneShot<bool>> kept_back_;
  int commits_ = 0;
};

using HeldBackWorld = WorldOn<HeldBackStore>;

}  // namespace relais::vault::testing
