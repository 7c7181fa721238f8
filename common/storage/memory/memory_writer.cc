#include "common/storage/memory/memory_writer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/base/status.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

// Strict mode: a caller that breaks the contract is a bug to be found now, not an error to be handled.
[[noreturn]] void Violation(std::string_view rule) {
  std::fprintf(stderr, "storage contract violated: %.*s\n", static_cast<int>(rule.size()), rule.data());
  std::abort();
}

absl::StatusOr<std::optional<uint64_t>> VersionOnDisk(const MemoryDisk& disk, std::string_view key) {
  const std::optional<std::string> value = disk.Data(key);
  if (!value.has_value()) {
    return std::optional<uint64_t>();
  }
  ASSIGN_OR_RETURN(const StoredValue stored, DecodeValue(*value));
  return std::optional<uint64_t>(stored.version);
}

}  // namespace

absl::Status MemoryWriter::failure() const {
  return killed_ ? absl::UnavailableError("store is closed") : absl::OkStatus();
}

void MemoryWriter::Kill() {
  // Waits for a group in progress on another thread: nothing touches the disk once this returns.
  std::lock_guard lock(mu_);
  killed_ = true;
}

void MemoryWriter::FailAll(Ticket& ticket) const { ticket.results.assign(ticket.requests.size(), failure()); }

bool MemoryWriter::Submit(Ticket* ticket) {
  if (killed_) {
    FailAll(*ticket);
    return false;
  }
  auto run = [self = shared_from_this(), ticket] { self->Run(ticket); };
  if (options_.commit_delay) {
    executor_.PostAfter(options_.commit_delay(), std::move(run));
  } else {
    executor_.Post(std::move(run));
  }
  return true;
}

void MemoryWriter::Run(Ticket* ticket) {
  {
    std::lock_guard lock(mu_);
    if (!killed_) {
      RunGroup(*ticket);
    }
  }
  // A step of its own: the process may die between the commit and its answer.
  executor_.Post([self = shared_from_this(), ticket] {
    if (self->killed_) {
      self->FailAll(*ticket);
    }
    ticket->waiter.resume();
  });
}

void MemoryWriter::RunGroup(Ticket& ticket) {
  ticket.results.assign(ticket.requests.size(), absl::UnknownError("not decided"));
  std::vector<Staged> group;
  Overlay overlay;
  uint64_t version = disk_->last_version();
  for (size_t i = 0; i < ticket.requests.size(); ++i) {
    CommitRequest& request = ticket.requests[i];
    absl::Status decided = ValidateCommit(request);
    if (options_.strict && !decided.ok()) {
      Violation(std::string(decided.message()));
    }
    decided.Update(CheckPreconditions(request, overlay));
    if (!decided.ok()) {
      ticket.results[i] = std::move(decided);
      continue;
    }
    ++version;
    for (const Mutation& mutation : request.batch) {
      overlay.insert_or_assign(EncodeDataKey(request.partition, mutation.key),
                               mutation.value.has_value() ? std::optional(version) : std::nullopt);
    }
    const auto leaves =
        static_cast<size_t>(std::count_if(request.leaves.begin(), request.leaves.end(),
                                          [](const LeafDraft& leaf) { return !leaf.bytes.empty(); }));
    group.push_back(Stage(i, std::move(request), version));
    if (options_.strict) {
      CheckSequencer(group.back(), leaves);
    }
  }
  if (group.empty()) {
    return;
  }
  for (Staged& staged : group) {
    if (CrashHere()) {
      return;
    }
    disk_->Apply(staged.write);
    ticket.results[staged.index] = staged.result;
    if (CrashHere()) {
      return;
    }
  }
  sequencer_.Committed();
}

absl::Status MemoryWriter::CheckPreconditions(const CommitRequest& request, const Overlay& overlay) const {
  for (const Precondition& precondition : request.preconditions) {
    const std::string key = EncodeDataKey(request.partition, precondition.key);
    std::optional<uint64_t> current;
    if (const auto it = overlay.find(key); it != overlay.end()) {
      current = it->second;
    } else {
      ASSIGN_OR_RETURN(current, VersionOnDisk(*disk_, key));
    }
    if (current != precondition.version) {
      return absl::AbortedError("a precondition did not hold");
    }
  }
  return absl::OkStatus();
}

MemoryWriter::Staged MemoryWriter::Stage(size_t index, CommitRequest request, uint64_t version) {
  Staged staged;
  staged.index = index;
  staged.result.version = version;
  staged.write.version = version;
  for (const Mutation& mutation : request.batch) {
    std::optional<std::string> value;
    if (mutation.value.has_value()) {
      value = EncodeValue(version, *mutation.value);
    }
    staged.write.data.emplace_back(EncodeDataKey(request.partition, mutation.key), std::move(value));
  }
  staged.result.leaves = sequencer_.Stage(std::move(request.leaves), staged.write.rows);
  return staged;
}

void MemoryWriter::CheckSequencer(const Staged& staged, size_t leaves) {
  for (const LogRow& row : staged.write.rows) {
    if (!ValidateTable(row.table).ok() || row.key.empty()) {
      Violation("the sequencer writes a row outside the log's tables");
    }
  }
  const LeafRange& range = staged.result.leaves;
  const uint64_t before = tree_size_.value_or(range.tree_size - leaves);
  if (range.count != leaves || range.tree_size != before + leaves || (leaves > 0 && range.first != before)) {
    Violation("the sequencer's places are not consecutive");
  }
  tree_size_ = range.tree_size;
}

bool MemoryWriter::CrashHere() {
  if (options_.crash_at && options_.crash_at(steps_++)) {
    killed_ = true;
  }
  return killed_;
}

}  // namespace relais::storage
