#include "services/vault/host_rounds.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "services/vault/expired_shares.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/judging_hosts.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 500;
constexpr int kMostUnanswered = 3;

// What does not answer about one person may about the next; about so many in a row, and it is away.
class Unanswered {
 public:
  void Note(const absl::StatusOr<bool>& judged) {
    if (absl::IsUnavailable(judged.status())) {
      ++in_a_row_;
    } else if (judged.ok() && *judged) {
      in_a_row_ = 0;
    }
  }
  [[nodiscard]] bool none() const { return in_a_row_ == 0; }
  [[nodiscard]] bool away() const { return in_a_row_ >= kMostUnanswered; }

 private:
  int in_a_row_ = 0;
};

}  // namespace

HostRounds::HostRounds(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

Task<bool> HostRounds::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

Task<absl::Duration> HostRounds::Turn() {
  if (vault_.lease.consent() == nullptr) {
    co_return vault_.settings.host_scan;
  }
  co_await ResumeOn(vault_.context.executor);
  absl::Status done = co_await LookAtUnjudged();
  if (done.ok()) {
    done = co_await Step();
  }
  co_return background_.PauseAfter(done, vault_.settings.host_scan, "hosts cannot be judged now");
}

// Who is none any more leaves the list by the own log's follower.
Task<absl::Status> HostRounds::LookAtUnjudged() {
  Unanswered unanswered;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const VaultStore::UnjudgedHosts hosts,
                        vault_.store.Unjudged(std::nullopt, from, kRowsAtOnce));
    for (const VaultStore::UnjudgedHost& host : hosts.rows) {
      HerNo any;
      const absl::StatusOr<bool> judged =
          co_await JudgeHost(vault_, host.person, host.institution, std::move(any), Occasion::kRound);
      unanswered.Note(judged);
      if (unanswered.away()) {
        co_return judged.status();
      }
      if (background_.stopping()) {
        co_return absl::OkStatus();
      }
    }
    from = hosts.next;
    co_await ResumeOn(vault_.context.executor);
  } while (!from.empty());
  co_return absl::OkStatus();
}

// Somebody whose rows do not open, or who is being erased, keeps nobody; nor does a stretch that does not
// read. Who was not answered about is passed over until the next round, unless consent turns out to be away:
// then it goes on with the first of them.
Task<absl::Status> HostRounds::Step() {
  const absl::Duration now = vault_.context.clock.Monotonic();
  if (!from_.has_value()) {
    if (now < due_) {
      co_return absl::OkStatus();
    }
    due_ = now + vault_.settings.host_round;
    from_ = Id128();
  }
  CO_ASSIGN_OR_RETURN(const VaultStore::ReadablePersons found,
                      vault_.store.PersonsThatRead(*from_, kPersonsPerStep));
  Unanswered unanswered;
  absl::Status shares;
  for (const Id128& person : found.persons) {
    // What is not written now is at the next round; meanwhile it opens nothing.
    const absl::Status expired = co_await ExpireShares(vault_, person);
    if (!IsCollision(expired) && !audit::IsErased(expired)) {
      shares.Update(expired);
    }
    HerNo any;
    const absl::StatusOr<bool> judged =
        co_await JudgeHostsOf(vault_, person, std::move(any), Occasion::kRound);
    unanswered.Note(judged);
    if (unanswered.away()) {
      co_return judged.status();
    }
    if (unanswered.none()) {
      from_ = storage::NextId(person);
    }
    if (background_.stopping()) {
      co_return absl::OkStatus();
    }
    co_await ResumeOn(vault_.context.executor);
  }
  if (!shares.ok()) {
    log::Warn("shares that ran out cannot all be written so now", {log::Field::Code(shares)});
  }
  from_ = found.next;
  co_return absl::OkStatus();
}

}  // namespace relais::vault
