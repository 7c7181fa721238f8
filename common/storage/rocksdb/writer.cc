#include "common/storage/rocksdb/writer.h"

#include <algorithm>
#include <utility>

#include "common/storage/validate.h"

namespace relais::storage {
namespace {

// Waiters resumed by one function of the executor: few enough to spread over its threads, many enough that
// the writer does not spend its time on handing over.
constexpr size_t kWaitersPerPost = 32;

void Answer(Writer::Ticket& ticket, const absl::Status& status) {
  for (size_t i = ticket.next; i < ticket.results.size(); ++i) {
    if (!ticket.results[i].has_value()) {
      ticket.results[i] = status;
    }
  }
}

}  // namespace

Writer::Ticket::Ticket(std::vector<CommitRequest> commits)
    : requests(std::move(commits)), results(requests.size()) {
  for (size_t i = 0; i < requests.size(); ++i) {
    absl::Status valid = ValidateCommit(requests[i]);
    if (valid.ok()) {
      ++unanswered;
      bytes += CommitBytes(requests[i]);
    } else {
      results[i] = std::move(valid);
    }
  }
}

Writer::Writer(Database& database, Executor& executor, Sequencer& sequencer,
               std::shared_ptr<FailureLatch> latch, const RocksDbOptions& options, uint64_t last_version)
    : executor_(executor),
      latch_(std::move(latch)),
      options_(options),
      group_writer_(database, sequencer, options, last_version) {
  thread_ = std::thread([this] { Run(); });
}

Writer::~Writer() { Stop(); }

bool Writer::Submit(Ticket* ticket) {
  if (ticket->unanswered == 0) {
    return false;
  }
  {
    std::lock_guard lock(mu_);
    if (latch_->failed()) {
      Answer(*ticket, latch_->why());
      return false;
    }
    if (stopping_) {
      Answer(*ticket, absl::UnavailableError("store is closed"));
      return false;
    }
    // An empty queue takes anything, or a CommitAll larger than the queue could never get in.
    if (!queue_.empty() && (queued_commits_ + ticket->unanswered > options_.queue_limit ||
                            queued_bytes_ + ticket->bytes > options_.queue_bytes)) {
      Answer(*ticket, absl::ResourceExhaustedError("too many commits are waiting"));
      return false;
    }
    queue_.push_back(ticket);
    queued_commits_ += ticket->unanswered;
    queued_bytes_ += ticket->bytes;
  }
  work_.notify_one();
  return true;
}

void Writer::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

size_t Writer::queued() const {
  std::lock_guard lock(mu_);
  return queued_commits_;
}

void Writer::Run() {
  Group group;
  while (WaitForGroup(group)) {
    absl::Status status = latch_->why();
    if (status.ok()) {
      status = group_writer_.Run(group.items);
    }
    if (!status.ok()) {
      latch_->Set(status);
      // Of a group that failed nothing is acknowledged, not even a refusal decided from it.
      for (const GroupWriter::Item& item : group.items) {
        *item.result = latch_->why();
      }
      Resume(group.done);
      FailQueue(latch_->why());
      continue;
    }
    Resume(group.done);
  }
}

bool Writer::WaitForGroup(Group& group) {
  group.items.clear();
  group.done.clear();
  std::unique_lock lock(mu_);
  work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) {
    return false;
  }
  TakeGroup(group);
  return true;
}

void Writer::TakeGroup(Group& group) {
  size_t bytes = 0;
  while (!queue_.empty()) {
    Ticket& ticket = *queue_.front();
    while (ticket.next < ticket.requests.size()) {
      const size_t i = ticket.next;
      if (ticket.results[i].has_value()) {  // out of bounds, answered when it came
        ++ticket.next;
        continue;
      }
      const size_t size = CommitBytes(ticket.requests[i]);
      if (!group.items.empty() &&
          (group.items.size() >= options_.group_limit || bytes + size > options_.group_bytes)) {
        return;
      }
      group.items.push_back({.request = &ticket.requests[i], .result = &ticket.results[i]});
      bytes += size;
      --queued_commits_;
      queued_bytes_ -= size;
      ++ticket.next;
    }
    group.done.push_back(&ticket);
    queue_.pop_front();
  }
}

void Writer::FailQueue(const absl::Status& why) {
  std::vector<Ticket*> tickets;
  {
    std::lock_guard lock(mu_);
    tickets.assign(queue_.begin(), queue_.end());
    queue_.clear();
    queued_commits_ = 0;
    queued_bytes_ = 0;
  }
  for (Ticket* ticket : tickets) {
    Answer(*ticket, why);
  }
  Resume(tickets);
}

void Writer::Resume(const std::vector<Ticket*>& tickets) {
  for (size_t begin = 0; begin < tickets.size(); begin += kWaitersPerPost) {
    const size_t end = std::min(begin + kWaitersPerPost, tickets.size());
    std::vector<std::coroutine_handle<>> waiters;
    waiters.reserve(end - begin);
    for (size_t i = begin; i < end; ++i) {
      waiters.push_back(tickets[i]->waiter);
    }
    // From here on the tickets are gone with their coroutines' frames.
    executor_.Post([waiters = std::move(waiters)] {
      for (const std::coroutine_handle<> waiter : waiters) {
        waiter.resume();
      }
    });
  }
}

}  // namespace relais::storage
