#include "services/vault/handlers/receipt_handlers.h"

#include <string>
#include <utility>
#include <vector>

#include "common/audit/readable_leaves.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/events.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/reading_right.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

constexpr size_t kLeavesAtOnce = 500;

// Whose receipt is looked for.
struct Wanted {
  std::string document;
  uint32_t version = 0;    // 0: the destruction, else the latest deposit
  std::string dropped_by;  // empty: for her host; else of its drops alone
};

struct Act {
  uint64_t leaf = 0;
  uint32_t version = 0;
  absl::Time time;
  bool dropped = false;
};
// What the log has of it under one name.
struct Acts {
  std::optional<Act> deposit;
  std::optional<Act> destruction;
  bool unreadable = false;  // some leaves about her do not read

  [[nodiscard]] const std::optional<Act>& wanted() const { return destruction ? destruction : deposit; }
};

bool IsWanted(const v1::DocumentDeposited& said, const std::string& relation, const Wanted& wanted) {
  const bool theirs = said.depositor().institution() == wanted.dropped_by && relation == kAsNobody;
  return said.document_id() == wanted.document && (wanted.version == 0 || wanted.version == said.version()) &&
         (wanted.dropped_by.empty() || theirs);
}

void Take(const audit::OpenedLeaf& leaf, const Wanted& wanted, Acts& acts) {
  if (leaf.opening != audit::OpenedLeaf::Opening::kOpened) {
    return;
  }
  if (const auto deposited = PayloadOf<v1::DocumentDeposited>(leaf.details)) {
    if (IsWanted(*deposited, leaf.details.relation(), wanted)) {
      const bool dropped = leaf.details.relation() == kAsNobody;
      acts.deposit = Act{leaf.index, deposited->version(), leaf.leaf.time, dropped};
    }
    return;
  }
  if (wanted.version != 0 || !wanted.dropped_by.empty()) {
    return;
  }
  const auto destroyed = PayloadOf<v1::DocumentDestroyed>(leaf.details);
  if (destroyed.has_value() && destroyed->document_id() == wanted.document) {
    acts.destruction = Act{leaf.index, 0, leaf.leaf.time};
  }
}

// A version is deposited once: what comes after it is not looked at.
Task<absl::StatusOr<Acts>> ActsUnder(const Vault& vault, Id128 name, Wanted wanted) {
  audit::Log& log = vault.context.log;
  Acts acts;
  const uint64_t size = log.state().size;
  for (uint64_t from = 0;;) {
    co_await ResumeOn(vault.context.executor);
    CO_ASSIGN_OR_RETURN(std::vector<uint64_t> some,
                        log.LeavesOf(VaultStore::SubjectOf(name), from, kLeavesAtOnce));
    while (!some.empty() && some.back() >= size) {
      some.pop_back();
    }
    if (some.empty() || (wanted.version != 0 && acts.deposit.has_value())) {
      co_return acts;
    }
    from = some.back() + 1;
    CO_ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, some));
    acts.unreadable = acts.unreadable || !read.unreadable.empty();
    for (const audit::OpenedLeaf& leaf : read.leaves) {
      Take(leaf, wanted, acts);
    }
  }
}

// Which act comes last cannot be said while some do not read; which deposit is a version's can.
bool IsSure(const Acts& acts, const Wanted& wanted) {
  return !acts.unreadable || acts.destruction.has_value() || wanted.version != 0;
}

}  // namespace

// nullopt: there is none. DOCUMENT_DAMAGED: there may be, or a later one, among what does not read. A drop
// that waits for consent is shown to nobody but who dropped it in (ADR 35); whether one does, its row says.
Task<absl::StatusOr<std::optional<ReceiptHandlers::Found>>> ReceiptHandlers::FindOfHost(
    std::vector<HostedName> hosted, v1::GetReceiptRequest request) const {
  const Wanted wanted{request.document_id(), request.version(), ""};
  CO_ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(wanted.document));
  bool unreadable = false;
  for (const HostedName& name : hosted) {
    const auto row = vault_.store.Document(name.person, document);
    if (!row.ok() && !absl::IsDataLoss(row.status())) {
      co_return row.status();
    }
    if (row.ok() && row->has_value() && (*row)->value.state() == v1::Document::STATE_PENDING_CONSENT) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const Acts acts, co_await ActsUnder(vault_, name.person, wanted));
    const std::optional<Act>& act = acts.wanted();
    if (act.has_value() && (row.ok() || !act->dropped)) {
      if (!IsSure(acts, wanted)) {
        co_return rpc::WithNextStep(Papers::Damaged(), "ask for the receipt of one version");
      }
      co_return std::optional(Found{act->leaf, act->version, act->time, name.person, name.host});
    }
    unreadable = unreadable || acts.unreadable || act.has_value();
  }
  if (unreadable) {
    co_return Papers::Damaged();
  }
  co_return std::optional<Found>();
}

// Whoever cannot name a paper of hers has nothing of her log looked at.
Task<absl::StatusOr<std::optional<ReceiptHandlers::Found>>> ReceiptHandlers::FindOfDrop(
    rpc::Call call, Id128 person, v1::GetReceiptRequest request) const {
  const Wanted wanted{request.document_id(), request.version(), call.caller.institution};
  CO_ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(request.document_id()));
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, vault_.access.NamesOf(person));
  CO_ASSIGN_OR_RETURN(const auto row, WhichName(names, [&](const Id128& name) {
                        return vault_.store.Document(name, document);
                      }));
  if (!row.has_value() || wanted.dropped_by.empty()) {
    co_return std::optional<Found>();
  }
  CO_ASSIGN_OR_RETURN(const Acts acts, co_await ActsUnder(vault_, names[row->at], wanted));
  if (!acts.deposit.has_value()) {
    co_return std::optional<Found>();
  }
  if (!IsSure(acts, wanted)) {
    co_return rpc::WithNextStep(Papers::Damaged(), "ask for the receipt of one version");
  }
  co_return std::optional(
      Found{acts.deposit->leaf, acts.deposit->version, acts.deposit->time, names[row->at], std::nullopt});
}

Task<absl::StatusOr<ReceiptHandlers::Found>> ReceiptHandlers::FindAct(rpc::Call call, Id128 person,
                                                                      v1::GetReceiptRequest request) const {
  CO_ASSIGN_OR_RETURN(std::vector<HostedName> hosted, vault_.access.HostedNames(call, person));
  const auto hers = co_await FindOfHost(std::move(hosted), request);
  if (hers.ok() && hers->has_value()) {
    co_return **hers;
  }
  CO_ASSIGN_OR_RETURN(const auto theirs, co_await FindOfDrop(std::move(call), person, std::move(request)));
  if (theirs.has_value()) {
    co_return *theirs;
  }
  CO_RETURN_IF_ERROR(hers.status());
  co_return rpc::NoSuchOrNotYours();
}

Task<absl::StatusOr<v1::GetReceiptResponse>> ReceiptHandlers::GetReceipt(rpc::Call call,
                                                                         v1::GetReceiptRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  absl::StatusOr<v1::GetReceiptResponse> given = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(given.status()); ++i) {
    auto tried = co_await TryGive(call, person, request);
    given = std::move(tried);
  }
  if (!given.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_LOOKED, request.document_id()};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), AsDamage(given.status()));
    co_return refused;
  }
  co_return given;
}

Task<absl::StatusOr<v1::GetReceiptResponse>> ReceiptHandlers::TryGive(rpc::Call call, Id128 person,
                                                                      v1::GetReceiptRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  v1::GetReceiptResponse response;
  response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
  CO_ASSIGN_OR_RETURN(const Found found, co_await FindAct(call, person, request));
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  const Acting acting{call, actor, "", found.person, found.host.has_value() ? kAsHost : kAsNobody};
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(found.person);
  if (found.host.has_value()) {
    vault_.store.GuardHost(found.person, call.caller.institution, found.host->version, commit);
  }
  std::vector<audit::Event> events;
  events.push_back(LookedEvent(acting, "RECEIPT", request.document_id()));
  const auto looked = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(looked.status());
  auto proof = co_await vault_.context.log.Prove(found.leaf, /*with_key=*/true);
  CO_RETURN_IF_ERROR(proof.status());
  *response.mutable_proof() = *std::move(proof);
  response.set_version(found.version);
  *response.mutable_time() = ToProto(found.time);
  co_return response;
}

}  // namespace relais::vault
