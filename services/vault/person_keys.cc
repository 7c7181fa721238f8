// One person's key renewed: rotation.h says how.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "services/vault/events.h"
#include "services/vault/rotation.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 100;
constexpr uint64_t kVersionsPerCommit = 300;
constexpr size_t kMarksPerCommit = 500;

audit::Event PersonRotated(const Acting& acting, const std::string& rotation, uint32_t current,
                           uint32_t destroyed, uint64_t keys) {
  v1::PaperKeysRotated said;
  said.set_rotation_id(rotation);
  said.set_level(v1::KEY_LEVEL_PERSON);
  said.set_current(current);
  said.set_destroyed(destroyed);
  said.set_keys(keys);
  return RotatedEvent(acting, acting.person, said);
}

// The keys of her generations, each unwrapped once.
class Generations {
 public:
  Generations(const Vault& vault, const Id128& person) : vault_(vault), person_(person) {}

  void Add(uint32_t generation, const Secret& key) { keys_.insert_or_assign(generation, key); }
  absl::StatusOr<Secret> Get(uint32_t generation) {
    const auto it = keys_.find(generation);
    if (it != keys_.end()) {
      return it->second;
    }
    ASSIGN_OR_RETURN(const Secret key, vault_.keys.PersonKey(person_, generation));
    keys_.insert_or_assign(generation, key);
    return key;
  }
  // The same key under `target`; nullopt: it is already. Empty, of what is destroyed, stays empty.
  absl::StatusOr<std::optional<std::string>> Renewed(const VersionName& name, const std::string& wrapped,
                                                     uint32_t target) {
    if (wrapped.empty()) {
      return std::optional<std::string>();
    }
    ASSIGN_OR_RETURN(const uint32_t by, GenerationOf(wrapped));
    if (by == target) {
      return std::optional<std::string>();
    }
    ASSIGN_OR_RETURN(const Secret old, Get(by));
    ASSIGN_OR_RETURN(const Secret key, UnwrapVersionKey(old, name, wrapped));
    ASSIGN_OR_RETURN(const Secret anew, Get(target));
    ASSIGN_OR_RETURN(std::string renewed, WrapVersionKey(vault_.context.random, target, anew, name, key));
    return std::optional<std::string>(std::move(renewed));
  }

 private:
  const Vault& vault_;
  const Id128 person_;
  std::map<uint32_t, Secret> keys_;
};

// Where the renewal of one person is.
struct Renewal {
  uint32_t target = 0;
  Id128 from;         // documents from here on are still to be looked at
  bool more = true;   // of documents
  uint64_t keys = 0;  // wrapped anew
};

absl::StatusOr<uint64_t> RenewDocuments(const Vault& vault, const Id128& person, Generations& generations,
                                        Renewal& renewal, storage::CommitRequest& commit) {
  uint64_t count = 0;
  while (count < kVersionsPerCommit) {
    ASSIGN_OR_RETURN(Rows<v1::StoredDocument> rows, vault.store.Documents(person, renewal.from, kRowsAtOnce));
    for (Row<v1::StoredDocument>& row : rows.rows) {
      bool changed = false;
      for (v1::StoredVersion& version : *row.stored.value.mutable_versions()) {
        const VersionName name{person, row.id, version.version().version()};
        ASSIGN_OR_RETURN(std::optional<std::string> renewed,
                         generations.Renewed(name, version.wrapped_key(), renewal.target));
        if (renewed.has_value()) {
          version.set_wrapped_key(*std::move(renewed));
          changed = true;
          ++count;
        }
      }
      if (changed) {
        RETURN_IF_ERROR(vault.store.PutDocument(person, row.id, row.stored, commit));
      }
    }
    renewal.more = rows.next.has_value();
    if (!renewal.more) {
      break;
    }
    renewal.from = *rows.next;
  }
  return count;
}

absl::StatusOr<uint64_t> RenewUploads(const Vault& vault, const Id128& person, Generations& generations,
                                      uint32_t target, storage::CommitRequest& commit) {
  uint64_t count = 0;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(Rows<v1::StoredUpload> rows, vault.store.Uploads(person, *from, kRowsAtOnce));
    for (Row<v1::StoredUpload>& row : rows.rows) {
      ASSIGN_OR_RETURN(const Id128 document, IdOf(row.stored.value.document()));
      const VersionName name{person, document, row.stored.value.version()};
      ASSIGN_OR_RETURN(std::optional<std::string> renewed,
                       generations.Renewed(name, row.stored.value.wrapped_key(), target));
      if (renewed.has_value()) {
        row.stored.value.set_wrapped_key(*std::move(renewed));
        RETURN_IF_ERROR(vault.store.PutUpload(person, row.id, row.stored, commit));
        ++count;
      }
    }
    from = rows.next;
  }
  return count;
}

// One bounded commit of records. Every one puts `v/usage`: an act of hers that read before it does not go on.
Task<absl::Status> RenewSome(const Vault& vault, Id128 person, const std::string& rotation,
                             Renewal& renewal) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      co_await Sleep(vault.context.executor, PauseBeforeTry(vault.context.random, i));
    }
    CO_ASSIGN_OR_RETURN(Stored<v1::StoredUsage> usage, vault.store.Usage(person));
    if (usage.version == 0) {
      renewal.more = false;  // she is being erased
      co_return absl::OkStatus();
    }
    Renewal next = renewal;
    storage::CommitRequest commit;
    const KeyCommits::Ticket ticket = vault.keys.commits().Enter();
    Generations generations(vault, person);
    CO_ASSIGN_OR_RETURN(const auto there, vault.store.PersonKey(person, next.target));
    const bool begins = !there.has_value();
    if (begins) {
      const Secret key = NewPaperKey(vault.context.random);
      WrappedPersonKey row;
      row.generation = next.target;
      CO_ASSIGN_OR_RETURN(row.wrapped.value, WrapPersonKey(vault.keys.epochs(), person, next.target, key));
      VaultStore::PutPersonKey(person, row, commit);
      generations.Add(next.target, key);
    }
    CO_ASSIGN_OR_RETURN(const uint64_t versions, RenewDocuments(vault, person, generations, next, commit));
    CO_ASSIGN_OR_RETURN(const uint64_t uploads,
                        RenewUploads(vault, person, generations, next.target, commit));
    if (!begins && versions + uploads == 0) {
      renewal = next;
      co_return absl::OkStatus();
    }
    next.keys += versions + uploads;
    usage.value.set_key_generation(next.target);
    CO_RETURN_IF_ERROR(vault.store.PutUsage(person, usage, commit));
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    if (begins) {
      CO_ASSIGN_OR_RETURN(
          storage::LeafDraft leaf,
          vault.context.log.Draft(PersonRotated(acting, rotation, next.target, 0, versions + uploads)));
      commit.leaves.push_back(std::move(leaf));
    }
    const absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
    if (done.ok()) {
      renewal = next;
      co_return absl::OkStatus();
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a vault changes too often for its key to be renewed");
}

// The text that a mark stands for; nullopt: it is in the vault no more.
class Hashes {
 public:
  Hashes(const Vault& vault, const Id128& person) : vault_(vault), person_(person) {}

  absl::StatusOr<std::optional<std::string>> Of(const DuplicateOf& marked) {
    auto it = documents_.find(marked.document);
    if (it == documents_.end()) {
      ASSIGN_OR_RETURN(auto stored, vault_.store.Document(person_, marked.document));
      it = documents_.emplace(marked.document, stored.has_value() ? stored->value : v1::StoredDocument())
               .first;
    }
    if (it->second.state() != v1::Document::STATE_DESTROYED) {
      for (const v1::StoredVersion& version : it->second.versions()) {
        if (version.version().version() == marked.version) {
          return std::optional<std::string>(version.version().sha256());
        }
      }
    }
    return std::optional<std::string>();
  }

 private:
  const Vault& vault_;
  const Id128 person_;
  std::map<Id128, v1::StoredDocument> documents_;
};

// What one page of marks becomes. True: there is something to commit.
absl::StatusOr<bool> MoveMarks(const Vault& vault, const Id128& person, const Secret& key,
                               const std::vector<VaultStore::DuplicateRow>& rows,
                               storage::CommitRequest& commit) {
  Hashes hashes(vault, person);
  std::set<std::string> made;
  for (const VaultStore::DuplicateRow& row : rows) {
    ASSIGN_OR_RETURN(const std::optional<std::string> sha256, hashes.Of(row.stored.value));
    const std::string mark = sha256.has_value() ? DuplicateMark(key, *sha256) : std::string();
    if (mark == row.mark) {
      continue;
    }
    VaultStore::RemoveDuplicate(person, row.mark, row.stored.version, commit);
    if (mark.empty() || !made.insert(mark).second) {
      continue;
    }
    ASSIGN_OR_RETURN(const auto there, vault.store.Duplicate(person, mark));
    if (!there.has_value()) {
      VaultStore::PutDuplicate(person, mark, {row.stored.value, 0}, commit);
    }
  }
  return !commit.batch.empty();
}

// Until a page is moved, a text is not noticed a second time by its old mark: a vault of more than some
// hundred papers, for some seconds.
Task<absl::Status> RenewMarks(const Vault& vault, Id128 person, uint32_t target) {
  std::string from;
  int tries = 0;
  for (;;) {
    CO_ASSIGN_OR_RETURN(const Stored<v1::StoredUsage> usage, vault.store.Usage(person));
    if (usage.version == 0) {
      co_return absl::OkStatus();
    }
    CO_ASSIGN_OR_RETURN(const std::vector<VaultStore::DuplicateRow> rows,
                        vault.store.Duplicates(person, from, kMarksPerCommit));
    if (rows.empty()) {
      co_return absl::OkStatus();
    }
    CO_ASSIGN_OR_RETURN(const Secret key, vault.keys.PersonKey(person, target));
    storage::CommitRequest commit;
    CO_ASSIGN_OR_RETURN(const bool any, MoveMarks(vault, person, key, rows, commit));
    if (any) {
      CO_RETURN_IF_ERROR(vault.store.PutUsage(person, usage, commit));
      const absl::StatusOr<storage::CommitResult> done =
          co_await vault.context.store.Commit(std::move(commit));
      if (absl::IsAborted(done.status()) && ++tries < kTries) {
        co_await Sleep(vault.context.executor, PauseBeforeTry(vault.context.random, tries));
        continue;
      }
      CO_RETURN_IF_ERROR(done.status());
    }
    from = rows.back().mark + '\0';
  }
}

// True: nothing of hers is wrapped by another generation than this one.
absl::StatusOr<bool> AllBy(const Vault& vault, const Id128& person, uint32_t generation) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const Rows<v1::StoredDocument> rows, vault.store.Documents(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredDocument>& row : rows.rows) {
      for (const v1::StoredVersion& version : row.stored.value.versions()) {
        if (version.wrapped_key().empty()) {
          continue;
        }
        ASSIGN_OR_RETURN(const uint32_t by, GenerationOf(version.wrapped_key()));
        if (by != generation) {
          return false;
        }
      }
    }
    from = rows.next;
  }
  from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const Rows<v1::StoredUpload> rows, vault.store.Uploads(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredUpload>& row : rows.rows) {
      ASSIGN_OR_RETURN(const uint32_t by, GenerationOf(row.stored.value.wrapped_key()));
      if (by != generation) {
        return false;
      }
    }
    from = rows.next;
  }
  return true;
}

}  // namespace

Task<absl::Status> RenewPersonKey(const Vault& vault, Id128 person, std::string rotation_id, uint64_t& keys) {
  CO_ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> held, vault.store.PersonKeys(person));
  if (held.empty()) {
    co_return absl::OkStatus();
  }
  Renewal renewal;
  // Several: an earlier renewal of hers is to be finished, and that is one.
  renewal.target = held.back().generation + (held.size() == 1 ? 1 : 0);
  while (renewal.more) {
    const uint64_t before = renewal.keys;
    const absl::Status renewed = co_await RenewSome(vault, person, rotation_id, renewal);
    if (audit::IsErased(renewed)) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(renewed);
    keys += renewal.keys - before;
  }
  const absl::Status marked = co_await RenewMarks(vault, person, renewal.target);
  if (!audit::IsErased(marked)) {
    CO_RETURN_IF_ERROR(marked);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> DropOldPersonKeys(const Vault& vault, Id128 person, std::string rotation_id,
                                     uint64_t keys) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      co_await Sleep(vault.context.executor, PauseBeforeTry(vault.context.random, i));
    }
    // Read first: whatever changes her papers from here on changes it too.
    CO_ASSIGN_OR_RETURN(const Stored<v1::StoredUsage> usage, vault.store.Usage(person));
    CO_ASSIGN_OR_RETURN(const std::vector<WrappedPersonKey> held, vault.store.PersonKeys(person));
    if (usage.version == 0 || held.size() <= 1 || held.back().generation != usage.value.key_generation()) {
      co_return absl::OkStatus();
    }
    const uint32_t current = held.back().generation;
    CO_ASSIGN_OR_RETURN(const bool all, AllBy(vault, person, current));
    if (!all) {
      co_return absl::AbortedError("something is still wrapped by a generation that is going out");
    }
    storage::CommitRequest commit;
    VaultStore::GuardUsage(person, usage.version, commit);
    uint32_t destroyed = 0;
    for (const WrappedPersonKey& key : held) {
      if (key.generation != current) {
        VaultStore::RemovePersonKey(person, key.generation, key.wrapped.version, commit);
        destroyed = key.generation;
      }
    }
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    auto leaf = vault.context.log.Draft(PersonRotated(acting, rotation_id, current, destroyed, keys));
    if (audit::IsErased(leaf.status())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(leaf.status());
    commit.leaves.push_back(*std::move(leaf));
    const absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
    if (done.ok() || !absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a vault changes too often for its key to be renewed");
}

}  // namespace relais::vault
