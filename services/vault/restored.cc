#include "services/vault/restored.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/commit_act.h"

namespace relais::vault {
namespace {

constexpr size_t kPersonsAPage = 200;
constexpr size_t kPersonsAtOnce = 32;
constexpr int64_t kPagesALine = 50;    // of the log, from the first on
constexpr size_t kRightsAtOnce = 200;  // in one commit, at most
constexpr std::string_view kMark = "state";
constexpr char kDone = 'D';
constexpr char kUnderWay = 'P';

storage::Partition Bucket(const rpc::ServiceContext& context) {
  return context.idempotency.Bucket("vault-restored", "", "");
}

// How far it came under the origin that the log has now.
struct Mark {
  bool done = false;
  Id128 next;  // persons before it were looked at
};

// One that is of another origin, or does not read, is none: what is done twice suspends once more.
absl::StatusOr<Mark> ReadMark(const rpc::ServiceContext& context) {
  Mark mark;
  const auto entry = context.store.Get(Bucket(context), kMark);
  if (audit::DoesNotRead(entry.status())) {
    return mark;
  }
  RETURN_IF_ERROR(entry.status());
  if (!entry->has_value()) {
    return mark;
  }
  const std::string& value = (*entry)->value;
  const std::string& origin = context.log.origin();
  if (value == kDone + origin) {
    mark.done = true;
  } else if (value.size() == 1 + Id128::kSize + origin.size() && value.front() == kUnderWay &&
             value.ends_with(origin)) {
    ASSIGN_OR_RETURN(mark.next, Id128::FromBytes(std::string_view(value).substr(1, Id128::kSize)));
  }
  return mark;
}

// Nobody else writes it. Nullopt: it has ended.
Task<absl::Status> PutMark(const rpc::ServiceContext& context, std::optional<Id128> next) {
  const std::string& origin = context.log.origin();
  storage::CommitRequest commit;
  commit.partition = Bucket(context);
  std::string value = kDone + origin;
  if (next.has_value()) {
    value = kUnderWay + next->ToBytes() + origin;
  }
  commit.batch.push_back({std::string(kMark), std::move(value)});
  const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  co_return done.status();
}

struct Counts {
  int64_t hosts = 0;
  int64_t shares = 0;
  int64_t passed_over = 0;

  void Add(const Counts& more) {
    hosts += more.hosts;
    shares += more.shares;
    passed_over += more.passed_over;
  }
};

absl::Status StretchIsLost() {
  return absl::DataLossError(
      "a stretch of the restored store does not read: who may act or read by what lies there is not known");
}

// What ends of hers, by commits that each hold at most so many rights.
class Ending {
 public:
  Ending(const Vault& vault, const Id128& person)
      : vault_(vault), own_(OwnCall(vault.context)), actor_(ActorOfOwn(own_)), person_(person) {}

  absl::Status Add(const VaultStore::HostRow& row) {
    RETURN_IF_ERROR(vault_.store.PutHost(person_, row.institution, row.stored, commit_));
    events_.push_back(HostEvent({own_, actor_, "", person_}, row.institution, row.stored.value));
    return absl::OkStatus();
  }
  absl::Status Add(const Row<v1::StoredShare>& row) {
    RETURN_IF_ERROR(vault_.store.PutShare(person_, row.id, row.stored, commit_));
    events_.push_back(ShareEvent({own_, actor_, "", person_}, row.id, row.stored.value));
    return absl::OkStatus();
  }
  [[nodiscard]] bool full() const { return events_.size() >= kRightsAtOnce; }
  Task<absl::Status> Write() {
    if (events_.empty()) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit = std::exchange(commit_, storage::CommitRequest());
    std::vector<audit::Event> events = std::exchange(events_, std::vector<audit::Event>());
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    co_return done.status();
  }

 private:
  const Vault& vault_;
  const rpc::Call own_;
  const rpc::Actor actor_;
  const Id128 person_;
  storage::CommitRequest commit_;
  std::vector<audit::Event> events_;
};

Task<absl::Status> SuspendHosts(const Vault& vault, Id128 person, Counts& counts) {
  CO_ASSIGN_OR_RETURN(VaultStore::ReadableHostRows hosts, vault.store.ReadableHosts(person));
  if (hosts.gaps != 0) {
    co_return StretchIsLost();
  }
  counts.passed_over += static_cast<int64_t>(hosts.unreadable.size());
  Ending ending(vault, person);
  for (VaultStore::HostRow& row : hosts.rows) {
    if (!SuspendRestored(row.stored.value)) {
      continue;
    }
    CO_RETURN_IF_ERROR(ending.Add(row));
    ++counts.hosts;
    if (ending.full()) {
      const absl::Status written = co_await ending.Write();
      CO_RETURN_IF_ERROR(written);
    }
  }
  const absl::Status written = co_await ending.Write();
  co_return written;
}

Task<absl::Status> RevokeShares(const Vault& vault, Id128 person, Counts& counts) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(ReadableRows<v1::StoredShare> shares,
                        vault.store.ReadableShares(person, *from, kRightsAtOnce));
    if (!shares.gaps.empty()) {
      co_return StretchIsLost();
    }
    counts.passed_over += static_cast<int64_t>(shares.unreadable.size());
    Ending ending(vault, person);
    for (Row<v1::StoredShare>& row : shares.rows) {
      v1::StoredShare& share = row.stored.value;
      if (share.state() != v1::Share::STATE_ACTIVE) {
        continue;
      }
      share.set_state(v1::Share::STATE_REVOKED);
      *share.mutable_ended() = ToProto(vault.context.clock.Now());
      CO_RETURN_IF_ERROR(ending.Add(row));
      ++counts.shares;
    }
    const absl::Status written = co_await ending.Write();
    CO_RETURN_IF_ERROR(written);
    from = shares.next;
  }
  co_return absl::OkStatus();
}

struct Ended {
  absl::Status status;
  Counts counts;
};

Task<Ended> EndRightsOf(const Vault& vault, Id128 person) {
  Ended ended;
  ended.status = co_await SuspendHosts(vault, person, ended.counts);
  if (ended.status.ok()) {
    ended.status = co_await RevokeShares(vault, person, ended.counts);
  }
  co_return ended;
}

// At once, so that their commits share what it costs to make one durable. Resumes when none is under way,
// with the first that failed.
Task<absl::Status> EndRightsOfSome(const Vault& vault, std::span<const Id128> persons, Counts& counts) {
  std::vector<Task<Ended>> tasks;
  tasks.reserve(persons.size());
  for (const Id128& person : persons) {
    tasks.push_back(EndRightsOf(vault, person));
  }
  const std::vector<Ended> ended = co_await WhenAll(vault.context.executor, std::move(tasks));
  absl::Status failed;
  for (const Ended& one : ended) {
    counts.Add(one.counts);
    if (!audit::IsErased(one.status)) {
      failed.Update(one.status);
    }
  }
  co_return failed;
}

void Say(const Counts& counts) {
  log::Warn("the log goes on after a loss: hosts wait to be linked anew, and shares to be given anew",
            {log::Field::Count("hosts", counts.hosts), log::Field::Count("shares", counts.shares)});
  if (counts.passed_over != 0) {
    log::Error("rows of hosts and shares do not open: they let nobody act",
               {log::Field::Count("rows", counts.passed_over)});
  }
}

void SayHowFar(int64_t pages, const Counts& counts) {
  log::Warn("the vault does not serve yet: what the backup lets act or read is being ended",
            {log::Field::Count("persons", pages * static_cast<int64_t>(kPersonsAPage)),
             log::Field::Count("hosts", counts.hosts), log::Field::Count("shares", counts.shares)});
}

}  // namespace

absl::StatusOr<bool> RightsAreRestored(const Vault& vault) {
  const audit::Log& log = vault.context.log;
  if (log.OriginOf(0) == log.origin()) {
    return false;  // never continued, or nothing had survived
  }
  ASSIGN_OR_RETURN(const Mark mark, ReadMark(vault.context));
  return !mark.done;
}

Task<absl::Status> EndRestoredRights(const Vault& vault) {
  CO_ASSIGN_OR_RETURN(const bool restored, RightsAreRestored(vault));
  if (!restored) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(vault.context.executor);
  CO_ASSIGN_OR_RETURN(const Mark mark, ReadMark(vault.context));
  Counts counts;
  int64_t pages = 0;
  std::optional<Id128> from = mark.next;
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const VaultStore::ReadablePersons found,
                        vault.store.PersonsThatRead(*from, kPersonsAPage));
    if (!found.gaps.empty()) {
      co_return StretchIsLost();
    }
    std::span<const Id128> left(found.persons);
    while (!left.empty()) {
      const size_t many = std::min(kPersonsAtOnce, left.size());
      const absl::Status ended = co_await EndRightsOfSome(vault, left.first(many), counts);
      CO_RETURN_IF_ERROR(ended);
      left = left.subspan(many);
    }
    from = found.next;
    const absl::Status noted = co_await PutMark(vault.context, from);
    CO_RETURN_IF_ERROR(noted);
    if (from.has_value() && pages++ % kPagesALine == 0) {
      SayHowFar(pages, counts);
    }
  }
  Say(counts);
  co_return absl::OkStatus();
}

}  // namespace relais::vault
