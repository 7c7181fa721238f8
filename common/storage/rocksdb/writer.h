// The queue of commits and the one thread that drains it.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/rocksdb/database.h"
#include "common/storage/rocksdb/failure_latch.h"
#include "common/storage/rocksdb/group.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/store.h"

namespace relais::storage {

/// Thread-safe. While one group is being synced the next one gathers in the queue: the busier the store, the
/// more commits share an fsync. Commits are written in the order they entered the queue.
class Writer {
 public:
  /// What one caller waits for. Lives in the frame of the waiting coroutine, which stays suspended, and so
  /// keeps it alive, until every request is answered.
  struct Ticket {
    explicit Ticket(std::vector<CommitRequest> commits);
    std::vector<CommitRequest> requests;
    std::vector<GroupWriter::Result> results;  // one per request; those out of bounds are answered at once
    size_t unanswered = 0;
    size_t bytes = 0;
    size_t next = 0;  // the first request the writer has not looked at
    std::coroutine_handle<> waiter;
  };

  Writer(Database& database, Executor& executor, Sequencer& sequencer, std::shared_ptr<FailureLatch> latch,
         const RocksDbOptions& options, uint64_t last_version);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Takes the ticket and resumes its waiter on the executor later; or answers it at once, with
  /// RESOURCE_EXHAUSTED or UNAVAILABLE, and returns false. A ticket is taken whole or not at all.
  bool Submit(Ticket* ticket);
  /// Commits everything queued, then ends the thread. Later tickets are UNAVAILABLE. May be called again.
  void Stop();
  [[nodiscard]] size_t queued() const;

 private:
  struct Group {
    std::vector<GroupWriter::Item> items;
    std::vector<Ticket*> done;  // nothing of them is left in the queue
  };

  void Run();
  bool WaitForGroup(Group& group);
  void TakeGroup(Group& group);
  void FailQueue(const absl::Status& why);
  void Resume(const std::vector<Ticket*>& tickets);

  Executor& executor_;
  const std::shared_ptr<FailureLatch> latch_;
  const RocksDbOptions options_;
  GroupWriter group_writer_;  // the thread's

  mutable std::mutex mu_;
  std::condition_variable work_;
  std::deque<Ticket*> queue_;
  size_t queued_commits_ = 0;
  size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace relais::storage
