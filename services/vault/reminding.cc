#include "services/vault/reminding.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "services/vault/convert.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/domain/reminders.h"
#include "services/vault/events.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 200;
constexpr int kAhead = kReminderDays.front();  // the earliest reminder
constexpr int kPast = 30;                      // pointers of days that went by are removed for so long

bool ExpiresOn(const v1::StoredDocument& document, absl::CivilDay day) {
  return document.state() != v1::Document::STATE_DESTROYED && document.has_expires() &&
         DayOf(document.expires()) == day;
}

bool AnySuspended(const std::vector<VaultStore::HostRow>& rows, absl::Time now) {
  return std::any_of(rows.begin(), rows.end(), [&](const VaultStore::HostRow& row) {
    return StateOf(row.stored.value, now) == v1::Host::STATE_SUSPENDED;
  });
}

}  // namespace

Reminding::Reminding(const Vault& vault)
    : vault_(vault), background_(vault.context.executor, [this] { return Turn(); }) {}

Task<bool> Reminding::Stop() {
  const bool stopped = co_await background_.Stop();
  co_return stopped;
}

Task<absl::Duration> Reminding::Turn() {
  const absl::StatusOr<size_t> sent = co_await LookOnce();
  co_return background_.PauseAfter(sent.status(), vault_.settings.reminder_scan,
                                   "reminders of papers that expire cannot be sent now");
}

Task<absl::StatusOr<size_t>> Reminding::LookOnce() {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  const absl::CivilDay today = vault_.paris.DayOf(vault_.context.log.Now());
  Looked all;
  absl::Status first;
  for (int days = -kPast; days <= kAhead && !background_.stopping(); ++days) {
    const absl::StatusOr<Looked> here = co_await LookAt(today + days, today);
    first.Update(here.status());
    all.sent += here.ok() ? here->sent : 0;
    all.passed_over += here.ok() ? here->passed_over : 0;
  }
  if (all.passed_over != 0) {
    log::Error("papers that expire: rows do not read, so not every host is reminded",
               {log::Field::Count("papers", static_cast<int64_t>(all.passed_over))});
  }
  CO_RETURN_IF_ERROR(first);
  co_return all.sent;
}

Task<absl::StatusOr<Reminding::Looked>> Reminding::LookAt(absl::CivilDay day, absl::CivilDay today) {
  Looked looked;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const VaultStore::ExpiryRows rows, vault_.store.Expiries(day, from, kRowsAtOnce));
    for (const v1::ExpiryPointer& pointer : rows.rows) {
      CO_ASSIGN_OR_RETURN(const Id128 person, IdOf(pointer.person()));
      CO_ASSIGN_OR_RETURN(const Id128 document, IdOf(pointer.document()));
      bool passed_over = false;
      const absl::StatusOr<bool> reminded = co_await Remind(day, today, person, document, passed_over);
      const bool damaged = audit::DoesNotRead(reminded.status());  // keeps nobody else's
      if (!damaged) {
        CO_RETURN_IF_ERROR(reminded.status());
      }
      looked.passed_over += damaged || passed_over ? 1 : 0;
      looked.sent += !damaged && *reminded ? 1 : 0;
    }
    from = rows.next;
  } while (!from.empty());
  co_return looked;
}

Task<absl::StatusOr<bool>> Reminding::Remind(absl::CivilDay day, absl::CivilDay today, Id128 person,
                                             Id128 document, bool& passed_over) {
  for (int i = 0; i < kTries; ++i) {
    auto stored = vault_.store.Document(person, document);
    CO_RETURN_IF_ERROR(stored.status());
    if (!stored->has_value() || !ExpiresOn((*stored)->value, day) || day < today) {
      const absl::Status dropped = co_await DropPointer(day, person, document);
      CO_RETURN_IF_ERROR(dropped);
      co_return false;
    }
    v1::StoredDocument& paper = (*stored)->value;
    const std::vector<uint32_t> sent(paper.reminded().begin(), paper.reminded().end());
    const std::optional<uint32_t> due = ReminderDue(day, sent, today);
    if (!due.has_value() || paper.state() != v1::Document::STATE_ACTIVE) {
      co_return false;
    }
    paper.add_reminded(*due);
    CO_ASSIGN_OR_RETURN(const VaultStore::ReadableHostRows rows, vault_.store.ReadableHosts(person));
    passed_over = rows.gaps + rows.unreadable.size() != 0;
    const std::vector<ActiveHost> hosts = ActiveHostsOf(rows.rows, vault_.context.clock.Now());
    // Sent once, and to nobody now: it waits for consent's decision as they do, or for a row that reads.
    if (hosts.empty() && (passed_over || AnySuspended(rows.rows, vault_.context.clock.Now()))) {
      co_return false;
    }
    const rpc::Call own = OwnCall(vault_.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    storage::CommitRequest commit;
    const absl::Status put = vault_.store.PutDocument(person, document, **stored, commit);
    auto leaf = vault_.context.log.Draft(ExpiringEvent(acting, document, paper, *due, hosts));
    if (audit::IsErased(put) || audit::IsErased(leaf.status())) {
      co_return false;
    }
    CO_RETURN_IF_ERROR(put);
    CO_RETURN_IF_ERROR(leaf.status());
    commit.leaves.push_back(*std::move(leaf));
    const absl::StatusOr<storage::CommitResult> done =
        co_await vault_.context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return true;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a paper changes too often to be reminded of");
}

// A paper that got this very day meanwhile keeps its pointer: looked at once more after it went.
Task<absl::Status> Reminding::DropPointer(absl::CivilDay day, Id128 person, Id128 document) {
  storage::CommitRequest drop = vault_.store.SetExpiry(day, person, document, false);
  const absl::StatusOr<storage::CommitResult> dropped = co_await vault_.context.store.Commit(std::move(drop));
  CO_RETURN_IF_ERROR(dropped.status());
  CO_ASSIGN_OR_RETURN(const auto now, vault_.store.Document(person, document));
  if (!now.has_value() || !ExpiresOn(now->value, day) || day < vault_.paris.DayOf(vault_.context.log.Now())) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest back = vault_.store.SetExpiry(day, person, document, true);
  const absl::StatusOr<storage::CommitResult> put = co_await vault_.context.store.Commit(std::move(back));
  co_return put.status();
}

}  // namespace relais::vault
