// What a legal hold copies of the vault's state (common/audit/holds.h; ADR 54).
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "google/protobuf/wrappers.pb.h"
#include "services/vault/keeper.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 100;
constexpr uint64_t kPiecesAtOnce = 16;  // 4 MiB, then others have their turn

audit::v1::HeldState Named(std::string name, const google::protobuf::Message& content) {
  audit::v1::HeldState state;
  state.set_name(std::move(name));
  state.mutable_content()->PackFrom(content);
  return state;
}

// That something could not be kept, and why.
audit::v1::HeldState Unreadable(std::string_view name, const char* why) {
  google::protobuf::StringValue value;
  value.set_value(why);
  return Named(absl::StrCat("unreadable/", std::string(name)), value);
}

const char* WhyOf(const absl::Status& status) { return absl::IsNotFound(status) ? "MISSING" : "ALTERED"; }

template <typename T>
void AddUnreadable(std::string_view kind, const ReadableRows<T>& page,
                   std::vector<audit::v1::HeldState>& states) {
  for (const Id128& id : page.unreadable) {
    states.push_back(Unreadable(absl::StrCat(std::string(kind), "/", id.ToHex()), "ALTERED"));
  }
  for (const Id128& id : page.gaps) {
    states.push_back(Unreadable(absl::StrCat(std::string(kind), "/from/", id.ToHex()), "ALTERED"));
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
      states.push_back(Named("document/" + row.id.ToHex(), document));
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
      states.push_back(Named(absl::StrCat(kind, "/", row.id.ToHex()), row.stored.value));
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
    states.push_back(Named("host/" + host.institution, host.stored.value));
  }
  std::set<std::string> unreadable;
  for (const std::string& institution : hosts.unreadable) {
    unreadable.insert(institution.empty() ? "host" : "host/" + institution);
  }
  if (hosts.gaps != 0) {
    unreadable.insert("host");
  }
  for (const std::string& name : unreadable) {
    states.push_back(Unreadable(name, "ALTERED"));
  }
  const absl::Status kept = co_await audit::KeepAll(std::move(states), sink);
  co_return kept;
}

// ---- texts

// As the record says it now: her keys may have been rotated since it was read. nullopt: it is destroyed.
absl::StatusOr<std::optional<PaperText>> OpenNow(const Vault& vault, const VersionName& name,
                                                 const v1::StoredVersion& version) {
  auto text = vault.papers.Open(name, version);
  if (text.ok()) {
    return std::optional<PaperText>(*std::move(text));
  }
  const auto now = vault.store.Document(name.person, name.document, View::kFrozen);
  if (!now.ok() || !now->has_value()) {
    return text.status();
  }
  if ((*now)->value.state() == v1::Document::STATE_DESTROYED) {
    return std::optional<PaperText>();
  }
  for (const v1::StoredVersion& fresh : (*now)->value.versions()) {
    if (fresh.version().version() == name.version && fresh.wrapped_key() != version.wrapped_key()) {
      ASSIGN_OR_RETURN(PaperText anew, vault.papers.Open(name, fresh));
      return std::optional<PaperText>(std::move(anew));
    }
  }
  return text.status();
}

// True: the piece is kept.
Task<absl::StatusOr<bool>> KeepPiece(const PaperText& text, uint64_t piece, std::string name,
                                     audit::HeldSink& sink) {
  CO_ASSIGN_OR_RETURN(const bool there, sink.Has(name));
  if (there) {
    co_return true;  // a copy that was broken off had got so far
  }
  absl::StatusOr<std::string> bytes = text.Read(piece, {0, text.size()});
  if (absl::IsUnavailable(bytes.status())) {
    co_return bytes.status();
  }
  if (!bytes.ok()) {
    audit::v1::HeldState missing = Unreadable(name, WhyOf(bytes.status()));
    const absl::Status kept = co_await sink.Keep(std::move(missing));
    CO_RETURN_IF_ERROR(kept);
    co_return false;
  }
  google::protobuf::BytesValue value;
  value.set_value(*std::move(bytes));
  audit::v1::HeldState state = Named(std::move(name), value);
  const absl::Status kept = co_await sink.KeepOnce(std::move(state));
  CO_RETURN_IF_ERROR(kept);
  co_return true;
}

Task<absl::Status> KeepText(const Vault& vault, VersionName name, v1::StoredVersion version,
                            audit::HeldSink& sink) {
  const std::string whole_name = absl::StrCat("text/", name.document.ToHex(), "/", name.version);
  CO_ASSIGN_OR_RETURN(const bool kept_whole, sink.Has(whole_name));
  if (kept_whole) {
    co_return absl::OkStatus();
  }
  const auto text = OpenNow(vault, name, version);
  if (absl::IsUnavailable(text.status())) {
    co_return text.status();
  }
  if (!text.ok()) {
    audit::v1::HeldState missing = Unreadable(whole_name, WhyOf(text.status()));
    const absl::Status kept = co_await sink.Keep(std::move(missing));
    co_return kept;
  }
  if (!text->has_value()) {
    co_return absl::OkStatus();
  }
  bool whole = true;
  for (uint64_t piece = 0; piece < (*text)->pieces(); ++piece) {
    std::string piece_name = absl::StrCat(whole_name, "/", piece);
    const absl::StatusOr<bool> kept = co_await KeepPiece(**text, piece, std::move(piece_name), sink);
    CO_RETURN_IF_ERROR(kept.status());
    whole = whole && *kept;
    if ((piece + 1) % kPiecesAtOnce == 0) {
      co_await ResumeOn(vault.context.executor);
    }
  }
  if (!whole) {
    co_return absl::OkStatus();  // the next copy looks again
  }
  audit::v1::HeldState state = Named(whole_name, version.version());
  const absl::Status kept = co_await sink.KeepOnce(std::move(state));
  co_return kept;
}

Task<absl::Status> KeepTexts(const Vault& vault, Id128 person, audit::HeldSink& sink) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page,
                        vault.store.ReadableDocuments(person, *from, kRowsAtOnce, View::kFrozen));
    for (const Row<v1::StoredDocument>& row : page.rows) {
      if (row.stored.value.state() == v1::Document::STATE_DESTROYED) {
        continue;
      }
      for (const v1::StoredVersion& version : row.stored.value.versions()) {
        const VersionName name{person, row.id, version.version().version()};
        const absl::Status kept = co_await KeepText(vault, name, version, sink);
        CO_RETURN_IF_ERROR(kept);
      }
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& /*person*/) {
  return std::vector<audit::Subject>();
}

// What is small first: it is kept also when a text does not let the copy come to its end.
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
  CO_RETURN_IF_ERROR(kept);
  kept = co_await KeepTexts(vault_, subject.id, sink);
  co_return kept;
}

}  // namespace relais::vault
