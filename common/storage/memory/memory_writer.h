// The write side of a MemoryStore: decides commits, applies them to the disk, dies where it is told to.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/memory/memory_disk.h"
#include "common/storage/store.h"

namespace relais::storage {

/// Thread-safe; runs on the executor's threads, one group at a time. Work waiting on the executor keeps it
/// alive.
class MemoryWriter : public std::enable_shared_from_this<MemoryWriter> {
 public:
  struct Options {
    std::function<absl::Duration()> commit_delay = {};
    std::function<bool(uint64_t)> crash_at = {};
    bool strict = false;
  };
  /// A group on its way; lives in the frame of the coroutine that waits for it.
  struct Ticket {
    std::vector<CommitRequest> requests;
    std::vector<absl::StatusOr<CommitResult>> results;
    std::coroutine_handle<> waiter;
  };

  MemoryWriter(std::shared_ptr<MemoryDisk> disk, Executor& executor, Sequencer& sequencer, Options options)
      : disk_(std::move(disk)), executor_(executor), sequencer_(sequencer), options_(std::move(options)) {}

  /// Takes the ticket and resumes its waiter later, or answers at once and returns false.
  bool Submit(Ticket* ticket);
  void Kill();
  [[nodiscard]] absl::Status failure() const;

 private:
  using Overlay = std::map<std::string, std::optional<uint64_t>, std::less<>>;  // version; nullopt: deleted
  struct Staged {
    size_t index = 0;
    CommitResult result;
    MemoryDisk::Write write;
  };

  void Run(Ticket* ticket);
  void RunGroup(Ticket& ticket);
  absl::Status CheckPreconditions(const CommitRequest& request, const Overlay& overlay) const;
  Staged Stage(size_t index, CommitRequest request, uint64_t version);
  void CheckSequencer(const Staged& staged, size_t leaves);
  bool CrashHere();
  void FailAll(Ticket& ticket) const;

  const std::shared_ptr<MemoryDisk> disk_;
  Executor& executor_;
  Sequencer& sequencer_;
  const Options options_;
  std::recursive_mutex mu_;  // one group at a time; recursive: a crash hook may call Kill
  std::atomic<bool> killed_ = false;
  uint64_t steps_ = 0;
  std::optional<uint64_t> tree_size_;  // strict mode: what the sequencer last said
};

}  // namespace relais::storage
