#include "services/vault/handlers/access.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "common/audit/does_not_read.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/reading_right.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);  // RefusedCalls'
constexpr absl::Duration kPoll = absl::Seconds(1);
constexpr absl::Duration kLinkPoll = absl::Milliseconds(1);

struct WhoAndWhom {
  std::string institution;
  Id128 person;  // zero: too many to tell apart
};
WhoAndWhom NamedBy(const rpc::RefusedCalls::Leaf& leaf) {
  const auto person = Id128::FromHex(leaf.about);
  return {leaf.caller.empty() ? "service/" + std::string(kOwnName) : leaf.caller,
          person.ok() ? *person : Id128()};
}

std::string MethodOf(v1::JournalEntry::Act act, std::string_view document_id) {
  return std::to_string(static_cast<int>(act)) + "/" + std::string(document_id);
}

Attempt ReadMethod(std::string_view method) {
  Attempt attempt;
  const size_t slash = method.find('/');
  int act = 0;
  if (slash != std::string_view::npos && absl::SimpleAtoi(std::string(method.substr(0, slash)), &act) &&
      v1::JournalEntry::Act_IsValid(act)) {
    attempt.act = static_cast<v1::JournalEntry::Act>(act);
    attempt.document_id = std::string(method.substr(slash + 1));
  }
  return attempt;
}

}  // namespace

absl::Status ActsNow(const std::optional<Stored<v1::StoredHost>>& host, absl::Time now) {
  if (!host.has_value() || !IsLinked(host->value, now)) {
    return rpc::NoSuchOrNotYours();
  }
  if (!ActsForHer(host->value, now) && host->value.restored()) {
    return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_BEHIND,
                        "the host is suspended: link anew, the vault was restored");
  }
  if (!ActsForHer(host->value, now)) {
    return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_BEHIND,
                        "the consent registry gives no decision: the host is suspended, ask again later");
  }
  return absl::OkStatus();
}

Access::Access(const Vault& vault) : vault_(vault) {}

absl::StatusOr<Stored<v1::StoredHost>> Access::Host(const rpc::Call& call, const Id128& person) const {
  if (call.caller.is_service() || call.caller.institution.empty()) {
    return rpc::NoSuchOrNotYours();
  }
  auto stored = vault_.store.Host(person, call.caller.institution);
  if (audit::DoesNotRead(stored.status())) {
    return Papers::Damaged();
  }
  ASSIGN_OR_RETURN(auto host, std::move(stored));
  RETURN_IF_ERROR(ActsNow(host, vault_.context.log.Now()));
  return *std::move(host);
}

absl::StatusOr<std::vector<Id128>> Access::NamesOf(const Id128& person) const {
  auto names = audit::FollowedLinks(vault_.context.store, vault_.context.log).NamesOf(person);
  if (audit::DoesNotRead(names.status())) {
    // As of one row that names nobody: under fewer names less is found.
    log::Error("who is one human with whom does not read", {log::Field::Code(names.status())});
    return std::vector<Id128>{person};
  }
  return names;
}

absl::StatusOr<audit::FollowedLinks::ReadableNames> Access::ReadableNamesOf(const Id128& person) const {
  return audit::FollowedLinks(vault_.context.store, vault_.context.log).ReadableNamesOf(person);
}

absl::Status Access::WhyUnreadable(const rpc::Call& call, const Id128& name, const absl::Status& why) const {
  if (!audit::DoesNotRead(why)) {
    return why;
  }
  const absl::Status acts = Host(call, name).status();
  return acts.ok() ? AsDamage(why) : acts;
}

Task<bool> Access::LinksAreThere() const {
  const uint64_t mark = linking_.Mark();
  while (!linking_.AllEnded(mark)) {
    co_await Sleep(vault_.context.executor, kLinkPoll);
  }
  co_return true;
}

absl::StatusOr<std::vector<HostedName>> Access::HostedNames(const rpc::Call& call,
                                                            const Id128& person) const {
  ASSIGN_OR_RETURN(const std::vector<Id128> names, NamesOf(person));
  std::vector<HostedName> hosted;
  for (const Id128& name : names) {
    auto host = Host(call, name);
    if (host.ok()) {
      hosted.push_back({name, *std::move(host)});
    } else if (rpc::ReasonOf(host.status()) != common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
      return host.status();
    }
  }
  return hosted;
}

Task<absl::StatusOr<std::vector<HostedName>>> Access::RequireHostedNames(rpc::Call call, Id128 person,
                                                                         Attempt attempt) {
  auto hosted = HostedNames(call, person);
  if (hosted.ok() && hosted->empty()) {
    hosted = rpc::NoSuchOrNotYours();
  }
  if (!hosted.ok()) {
    absl::Status refused = co_await Refused(std::move(call), person, std::move(attempt), hosted.status());
    co_return refused;
  }
  co_return hosted;
}

Task<absl::Status> Access::Refused(rpc::Call call, Id128 person, Attempt attempt, absl::Status why) {
  auto actor = rpc::ActorOf(call, nullptr);
  if (!actor.ok()) {
    co_return why;
  }
  absl::Status refused = co_await Refused(std::move(call), *std::move(actor), person, attempt.act,
                                          std::move(attempt.document_id), std::move(why));
  co_return refused;
}

Task<absl::Status> Access::Refused(rpc::Call call, rpc::Actor actor, Id128 person, v1::JournalEntry::Act act,
                                   std::string document_id, absl::Status why) {
  why = audit::IsErased(why) ? rpc::NoSuchOrNotYours() : AsDamage(why);
  const common::v1::ErrorReason reason = rpc::ReasonOf(why);
  if (reason == common::v1::ERROR_REASON_UNSPECIFIED || !vault_.context.Writable().ok()) {
    co_return why;
  }
  auto leaves = refused_.Note(actor.institution, person.ToHex(), MethodOf(act, document_id),
                              rpc::ReasonName(reason), vault_.context.clock.Now());
  NotedNow();
  if (leaves.empty()) {
    co_return why;
  }
  const absl::Status written = co_await Write(std::move(leaves), std::move(call), std::move(actor));
  CO_RETURN_IF_ERROR(written);
  co_return why;
}

void Access::RefusedBehind(rpc::Call call, Id128 person, Attempt attempt, absl::Status why) {
  ++behind_;
  const common::v1::ErrorReason answered = rpc::ReasonOf(why);
  relais::Start(Refused(std::move(call), person, std::move(attempt), std::move(why)),
                [this, answered](const absl::Status& said) {
                  if (rpc::ReasonOf(said) != answered) {
                    log::Error("no leaf for a refused call", {log::Field::Internal(said)});
                  }
                  --behind_;
                });
}

// `call` and `actor`: whose attempt just now was refused, the one of these that stands alone; what was
// counted is no one human's.
Task<absl::Status> Access::Write(std::vector<rpc::RefusedCalls::Leaf> leaves, rpc::Call call,
                                 rpc::Actor actor) {
  const rpc::ServiceContext& context = vault_.context;
  for (const rpc::RefusedCalls::Leaf& leaf : leaves) {
    const WhoAndWhom who = NamedBy(leaf);
    Attempt attempt = ReadMethod(leaf.call.method());
    if (who.person.IsZero()) {
      attempt.document_id.clear();  // nobody's journal, nobody's paper
    }
    const bool just_now = leaf.alone && !who.person.IsZero() && actor.institution == who.institution;
    rpc::Call by = just_now ? call : OwnCall(context);
    rpc::Actor whose = actor;
    if (by.caller.is_service()) {
      whose = rpc::Actor{who.institution, "", ""};
    }
    const Acting acting{by, whose, "", who.person, kAsNobody};
    audit::Event event = RefusedEvent(acting, attempt.act, attempt.document_id,
                                      rpc::ReasonFromName(leaf.call.reason()), leaf.call.count());
    // Of whose key does not read no leaf is about her, and none goes unseen.
    const absl::Status key = context.log.keys().Get(VaultStore::SubjectOf(who.person)).status();
    if (who.person.IsZero() || audit::DoesNotRead(key)) {
      event.subject.reset();
      const auto lone = co_await rpc::WriteLoneLeaf(context, std::move(event));
      CO_RETURN_IF_ERROR(lone.status());
      continue;
    }
    auto draft = context.log.Draft(std::move(event));
    if (audit::IsErased(draft.status())) {
      continue;  // of her nothing is written any more
    }
    CO_RETURN_IF_ERROR(draft.status());
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(who.person);
    commit.leaves.push_back(*std::move(draft));
    const auto done = co_await context.store.Commit(std::move(commit));
    if (!done.ok() && !audit::IsErased(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::OkStatus();
}

void Access::NotedNow() {
  std::lock_guard lock(mu_);
  last_noted_ = vault_.context.clock.Monotonic();
  if (!waiting_ && !stopping_) {
    waiting_ = true;
    Spawn(vault_.context.executor, WriteCounted());
  }
}

// Until every minute in which something was refused is over.
Task<void> Access::WriteCounted() {
  const rpc::ServiceContext& context = vault_.context;
  bool more = true;
  while (more) {
    co_await Sleep(context.executor, kPoll);
    const bool all = stopping_;
    const auto looked = context.clock.Monotonic();  // writing may take longer than a minute
    auto due = refused_.Due(context.clock.Now(), all);
    rpc::Call own = OwnCall(context);
    rpc::Actor nobody;
    const absl::Status written = co_await Write(std::move(due), std::move(own), std::move(nobody));
    if (!written.ok()) {
      log::Error("counted refusals could not be written", {log::Field::Code(written)});
    }
    std::lock_guard lock(mu_);
    more = !all && looked <= last_noted_ + kWindow + kPoll;
    waiting_ = more;
  }
}

Task<bool> Access::Stop() {
  stopping_ = true;
  while (true) {
    {
      std::lock_guard lock(mu_);
      if (!waiting_ && behind_ == 0) {
        break;
      }
    }
    co_await Sleep(vault_.context.executor, kPoll / 4);
  }
  co_return true;
}

}  // namespace relais::vault
