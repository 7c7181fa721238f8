#include "common/audit/testing/fake_tail_source.h"

#include <algorithm>
#include <utility>

namespace relais::audit::testing {

using audit::internal::Waiters;

FakeTailSource::FakeTailSource(Executor& executor, std::string origin)
    : executor_(executor), growth_(std::make_shared<Waiters>(executor)), origin_(std::move(origin)) {}

uint64_t FakeTailSource::ReadableLocked() const {
  return std::min<uint64_t>(leaves_.size(), hold_.value_or(leaves_.size()));
}

LogState FakeTailSource::StateLocked() const {
  merkle::Frontier tree;
  for (const FollowedLeaf& leaf : leaves_) {
    tree.Append(merkle::HashLeaf(leaf.bytes), nullptr);
  }
  return {origin_, tree.size(), tree.root()};
}

Task<absl::StatusOr<std::vector<FollowedLeaf>>> FakeTailSource::Read(uint64_t from, size_t limit,
                                                                     absl::Duration wait) {
  {
    const Waiters::Ticket ticket(growth_);
    bool nothing = false;
    {
      std::lock_guard lock(mu_);
      ++reads_;
      nothing = read_status_.ok() && ReadableLocked() <= from;
    }
    if (nothing) {
      const OneShot<bool> woken = ticket.Wait(wait);
      co_await woken;
    }
  }
  std::lock_guard lock(mu_);
  if (!read_status_.ok()) {
    co_return read_status_;
  }
  std::vector<FollowedLeaf> out;
  for (uint64_t i = from; i < ReadableLocked() && out.size() < limit; ++i) {
    out.push_back(leaves_[i]);
  }
  co_return out;
}

Task<absl::StatusOr<LogState>> FakeTailSource::Probe(std::string /*nonce*/) {
  LogState state;
  absl::Status status;
  absl::Duration delay;
  {
    std::lock_guard lock(mu_);
    ++probes_;
    state = StateLocked();
    status = probe_status_;
    delay = probe_delay_;
  }
  if (delay > absl::ZeroDuration()) {
    co_await Sleep(executor_, delay);
  }
  if (!status.ok()) {
    co_return status;
  }
  co_return state;
}

void FakeTailSource::Append(std::string bytes, audit::v1::TailLeaf::Opening opening) {
  {
    std::lock_guard lock(mu_);
    FollowedLeaf leaf;
    leaf.index = leaves_.size();
    leaf.bytes = std::move(bytes);
    leaf.opening = opening;
    leaves_.push_back(std::move(leaf));
  }
  growth_->WakeAll();
}

void FakeTailSource::AppendMany(size_t count) {
  const uint64_t first = state().size;
  for (size_t i = 0; i < count; ++i) {
    Append("leaf " + std::to_string(first + i));
  }
}

void FakeTailSource::Fork(uint64_t index, std::string bytes) {
  std::lock_guard lock(mu_);
  leaves_.at(index).bytes = std::move(bytes);
}

void FakeTailSource::Truncate(uint64_t size) {
  std::lock_guard lock(mu_);
  leaves_.resize(size);
}

void FakeTailSource::SetOrigin(std::string origin) {
  std::lock_guard lock(mu_);
  origin_ = std::move(origin);
}

void FakeTailSource::FailReads(absl::Status status) {
  {
    std::lock_guard lock(mu_);
    read_status_ = std::move(status);
  }
  growth_->WakeAll();
}

void FakeTailSource::FailProbes(absl::Status status) {
  std::lock_guard lock(mu_);
  probe_status_ = std::move(status);
}

void FakeTailSource::HoldReadsAt(std::optional<uint64_t> size) {
  {
    std::lock_guard lock(mu_);
    hold_ = size;
  }
  growth_->WakeAll();
}

void FakeTailSource::DelayProbes(absl::Duration delay) {
  std::lock_guard lock(mu_);
  probe_delay_ = delay;
}

LogState FakeTailSource::state() const {
  std::lock_guard lock(mu_);
  return StateLocked();
}

size_t FakeTailSource::reads() const {
  std::lock_guard lock(mu_);
  return reads_;
}

size_t FakeTailSource::probes() const {
  std::lock_guard lock(mu_);
  return probes_;
}

}  // namespace relais::audit::testing
