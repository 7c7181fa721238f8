#include "services/vault/counting.h"

#include <utility>

#include "services/vault/vault.h"

namespace relais::vault {
namespace {

constexpr size_t kAtOnce = 100;  // in one commit

}  // namespace

Task<absl::Status> Counting::Count(std::string institution, VaultStore::CountedChange change) {
  Waiting own{change, OneShot<Answer>(vault_.context.executor)};
  if (Joins(institution, own)) {
    Answer answer = co_await own.answer;
    if (answer.has_value()) {
      co_return *std::move(answer);
    }
  }
  const std::vector<Waiting> others = NextOf(institution);
  std::vector<VaultStore::CountedChange> changes = {change};
  for (const Waiting& other : others) {
    changes.push_back(other.change);
  }
  std::vector<absl::Status> done = co_await Commit(institution, std::move(changes));
  HandOver(institution);
  for (size_t i = 0; i < others.size(); ++i) {
    others[i].answer.Set(std::move(done[i + 1]));
  }
  co_return std::move(done.front());
}

bool Counting::Joins(const std::string& institution, const Waiting& waiting) {
  const std::lock_guard lock(mu_);
  const auto [at, nobody] = waiting_.try_emplace(institution);
  if (!nobody) {
    at->second.push_back(waiting);
  }
  return !nobody;
}

// Without the one that commits them.
std::vector<Counting::Waiting> Counting::NextOf(const std::string& institution) {
  const std::lock_guard lock(mu_);
  std::deque<Waiting>& waiting = waiting_[institution];
  std::vector<Waiting> next;
  while (!waiting.empty() && next.size() + 1 < kAtOnce) {
    next.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
  return next;
}

void Counting::HandOver(const std::string& institution) {
  const std::lock_guard lock(mu_);
  const auto at = waiting_.find(institution);
  if (at->second.empty()) {
    waiting_.erase(at);
    return;
  }
  at->second.front().answer.Set(std::nullopt);
  at->second.pop_front();
}

// What became of each.
Task<std::vector<absl::Status>> Counting::Commit(std::string institution,
                                                 std::vector<VaultStore::CountedChange> changes) {
  absl::Status done = absl::AbortedError("an institution's usage changes too often");
  for (int i = 0; i < kTries; ++i) {
    auto counts = vault_.store.CountFor(institution, changes);
    if (!counts.ok()) {
      done = counts.status();
      break;
    }
    if (!counts->commit.has_value()) {
      co_return std::move(counts->each);
    }
    const auto committed = co_await vault_.context.store.Commit(*std::move(counts->commit));
    if (absl::IsAborted(committed.status())) {
      continue;
    }
    for (absl::Status& each : counts->each) {
      each.Update(committed.status());
    }
    co_return std::move(counts->each);
  }
  co_return std::vector<absl::Status>(changes.size(), done);
}

}  // namespace relais::vault
