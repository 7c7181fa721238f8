// What a legal hold copies of the vault's state (common/audit/holds.h; ADR 54), and who copies texts (ADR
// 70).
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/vault/held_state.h"
#include "services/vault/held_texts.h"
#include "services/vault/keeper.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 100;
constexpr absl::Duration kUnlessWoken = absl::Hours(1);

template <typename T>
void AddUnreadable(std::string_view kind, const ReadableRows<T>& page,
                   std::vector<audit::v1::HeldState>& states) {
  for (const Id128& id : page.unreadable) {
    states.push_back(UnreadableState(absl::StrCat(std::string(kind), "/", id.ToHex()), "ALTERED"));
  }
  for (const Id128& id : page.gaps) {
    states.push_back(UnreadableState(absl::StrCat(std::string(kind), "/from/", id.ToHex()), "ALTERED"));
  }
}

Task<absl::Status> KeepDocuments(const Vault& vault, Id128 person, audit::HeldSink& sink) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(auto page, vault.store.ReadableDocuments(person, *from, kRowsAtOnce, View::kFrozen));
    std::vector<audit::v1::HeldState> states;
    for (Row<v1::StoredDocument>& row : page.rows) {
      v1::StoredDocument& document = row.stored.value;
      for (v1::StoredVersion& version : *document.mutable_versions()) {
        version.clear_wrapped_key();  // opens nothing once her key is gone
      }
      states.push_back(NamedState("document/" + row.id.ToHex(), document));
    }
    AddUnreadable("document", page, states);
    const absl::Status kept = co_await audit::KeepAll(std::move(states), sink);
    CO_RETURN_IF_ERROR(kept);
    from = page.next;
  }
  co_return absl::OkStatus();
}

// Rows that are kept as they are: `read` gives a page of them from an id on.
template <typename T>
using ReadPage = absl::StatusOr<ReadableRows<T>> (VaultStore::*)(const Id128& person, const Id128& from,
                                                                 size_t limit, View view) const;

template <typename T>
Task<absl::Status> KeepRows(const Vault& vault, Id128 person, std::string kind, ReadPage<T> read,
                            audit::HeldSink& sink) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page, (vault.store.*read)(person, *from, kRowsAtOnce, View::kFrozen));
    std::vector<audit::v1::HeldState> states;
    for (const Row<T>& row : page.rows) {
      states.push_back(NamedState(absl::StrCat(kind, "/", row.id.ToHex()), row.stored.value));
    }
    AddUnreadable(kind, page, states);
    const absl::Status kept = co_await audit::KeepAll(std::move(states), sink);
    CO_RETURN_IF_ERROR(kept);
    from = page.next;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> KeepHosts(const Vault& vault, Id128 person, audit::HeldSink& sink) {
  CO_ASSIGN_OR_RETURN(const auto hosts, vault.store.ReadableHosts(person, View::kFrozen));
  std::vector<audit::v1::HeldState> states;
  for (const VaultStore::HostRow& host : hosts.rows) {
    states.push_back(NamedState("host/" + host.institution, host.stored.value));
  }
  std::set<std::string> unreadable;
  for (const std::string& institution : hosts.unreadable) {
    unreadable.insert(institution.empty() ? "host" : "host/" + institution);
  }
  if (hosts.gaps != 0) {
    unreadable.insert("host");
  }
  for (const std::string& name : unreadable) {
    states.push_back(UnreadableState(name, "ALTERED"));
  }
  const absl::Status kept = co_await audit::KeepAll(std::move(states), sink);
  co_return kept;
}

}  // namespace

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& /*person*/) {
  return std::vector<audit::Subject>();
}

Task<absl::Status> Keeper::EachState(audit::Subject subject, audit::HeldSink& sink) {
  if (subject.kind != audit::Subject::Kind::kPerson) {
    co_return absl::OkStatus();
  }
  absl::Status kept = co_await KeepDocuments(vault_, subject.id, sink);
  CO_RETURN_IF_ERROR(kept);
  kept = co_await KeepRows<v1::StoredShare>(vault_, subject.id, "share", &VaultStore::ReadableShares, sink);
  CO_RETURN_IF_ERROR(kept);
  kept = co_await KeepRows<v1::StoredRequest>(vault_, subject.id, "request", &VaultStore::ReadableRequests,
                                              sink);
  CO_RETURN_IF_ERROR(kept);
  kept = co_await KeepHosts(vault_, subject.id, sink);
  co_return kept;
}

Task<absl::Status> Keeper::EachText(audit::Subject subject, audit::HeldSink& sink) {
  if (subject.kind != audit::Subject::Kind::kPerson) {
    co_return absl::OkStatus();
  }
  HeldTexts texts{vault_, subject.id, std::nullopt, [this] { return copying_.stopping(); }};
  const absl::Status kept = co_await KeepTexts(std::move(texts), sink);
  co_return kept;
}

// ---- behind the follower

Task<bool> Keeper::StopCopying() {
  const bool stopped = co_await copying_.Stop();
  co_return stopped;
}

Task<absl::Duration> Keeper::CopyTexts() {
  co_await ResumeOn(vault_.context.executor);
  absl::Status copied;
  if (vault_.context.maintenance != nullptr) {
    copied = co_await vault_.context.maintenance->holds().CopyTexts();
  }
  co_return copying_.PauseAfter(copied, kUnlessWoken, "texts cannot be copied now for a legal hold");
}

}  // namespace relais::vault
