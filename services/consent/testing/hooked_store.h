// A store before one commit of which something else happens: for tests of races.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/storage/store.h"
#include "services/consent/service.h"

namespace relais::consent::testing {

/// Passes everything on. Before the first commit for which `when` says true, it waits for what `then` gives.
class HookedStore final : public storage::Store {
 public:
  using When = std::function<bool(const storage::CommitRequest&)>;
  using Then = std::function<Task<bool>()>;

  explicit HookedStore(storage::Store& store) : store_(store) {}

  void Before(When when, Then then) {
    when_ = std::move(when);
    then_ = std::move(then);
    met_ = false;
  }
  /// Whether it happened, and what it gave.
  [[nodiscard]] bool met() const { return met_; }
  [[nodiscard]] bool gave() const { return gave_; }

  absl::StatusOr<std::optional<storage::Entry>> Get(const storage::Partition& partition,
                                                    std::string_view key) const override {
    return store_.Get(partition, key);
  }
  absl::StatusOr<std::vector<std::optional<storage::Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    return store_.MultiGet(addresses);
  }
  absl::StatusOr<storage::Page> Scan(const storage::Partition& partition, std::string_view prefix,
                                     std::string_view from, size_t page_size) const override {
    return store_.Scan(partition, prefix, from, page_size);
  }
  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    if (!met_ && when_ && when_(request)) {
      met_ = true;
      const bool gave = co_await then_();
      gave_ = gave;
    }
    absl::StatusOr<storage::CommitResult> result = co_await store_.Commit(std::move(request));
    co_return result;
  }
  Task<std::vector<absl::StatusOr<storage::CommitResult>>> CommitAll(
      std::vector<storage::CommitRequest> requests) override {
    return store_.CommitAll(std::move(requests));
  }
  absl::StatusOr<std::optional<std::string>> LogGet(storage::LogTable table,
                                                    std::string_view key) const override {
    return store_.LogGet(table, key);
  }
  absl::StatusOr<std::vector<LogEntry>> LogScan(storage::LogTable table, std::string_view prefix,
                                                std::string_view from, size_t limit) const override {
    return store_.LogScan(table, prefix, from, limit);
  }
  absl::StatusOr<std::optional<LogEntry>> LogLast(storage::LogTable table) const override {
    return store_.LogLast(table);
  }
  absl::StatusOr<std::vector<storage::Partition>> ListPartitions(storage::PartitionKind kind,
                                                                 const Id128& from,
                                                                 size_t limit) const override {
    return store_.ListPartitions(kind, from, limit);
  }
  absl::Status LogCompact(storage::LogTable table) override { return store_.LogCompact(table); }
  absl::Status Compact() override { return store_.Compact(); }
  absl::Status failure() const override { return store_.failure(); }

 private:
  storage::Store& store_;
  When when_;
  Then then_;
  bool met_ = false;
  bool gave_ = false;
};

/// The service of a world on such a store, beside the world's own.
template <typename World>
class Hooked {
 public:
  explicit Hooked(World& world)
      : store_(world.harness().store()), service_(On(world, store_), Settings(), *calendar::Paris::Load()) {}

  HookedStore& store() { return store_; }
  Service& service() { return service_; }

 private:
  static rpc::ServiceContext On(World& world, storage::Store& store) {
    const rpc::ServiceContext& real = world.context();
    return {real.clock,   real.random,      real.executor,    store,          real.log,
            real.handles, real.suppression, real.idempotency, real.directory, real.maintenance};
  }

  HookedStore store_;
  Service service_;
};

}  // namespace relais::consent::testing
