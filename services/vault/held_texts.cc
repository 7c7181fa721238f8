#include "services/vault/held_texts.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "google/protobuf/wrappers.pb.h"
#include "services/vault/held_state.h"

namespace relais::vault {
namespace {

constexpr size_t kRowsAtOnce = 100;
constexpr uint64_t kPiecesAtOnce = 16;  // 4 MiB, then others have their turn

const char* WhyOf(const absl::Status& status) { return absl::IsNotFound(status) ? "MISSING" : "ALTERED"; }

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
    // Another copy may have kept it in the meantime, and the paper be destroyed.
    CO_ASSIGN_OR_RETURN(const bool kept_meanwhile, sink.Has(name));
    if (kept_meanwhile) {
      co_return true;
    }
    audit::v1::HeldState missing = UnreadableState(name, WhyOf(bytes.status()));
    const absl::Status kept = co_await sink.Keep(std::move(missing));
    CO_RETURN_IF_ERROR(kept);
    co_return false;
  }
  google::protobuf::BytesValue value;
  value.set_value(*std::move(bytes));
  audit::v1::HeldState state = NamedState(std::move(name), value);
  const absl::Status kept = co_await sink.KeepOnce(std::move(state));
  CO_RETURN_IF_ERROR(kept);
  co_return true;
}

Task<absl::Status> KeepText(const HeldTexts& texts, VersionName name, v1::StoredVersion version,
                            audit::HeldSink& sink) {
  const Vault& vault = texts.vault;
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
    CO_ASSIGN_OR_RETURN(const bool kept_meanwhile, sink.Has(whole_name));
    if (kept_meanwhile) {
      co_return absl::OkStatus();  // by another copy, and she is erased since
    }
    audit::v1::HeldState missing = UnreadableState(whole_name, WhyOf(text.status()));
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
    if (texts.stopping()) {
      co_return absl::UnavailableError("the service is stopping");
    }
    if ((piece + 1) % kPiecesAtOnce == 0) {
      co_await ResumeOn(vault.context.executor);
    }
  }
  if (!whole) {
    co_return absl::OkStatus();  // the next copy looks again
  }
  audit::v1::HeldState state = NamedState(whole_name, version.version());
  const absl::Status kept = co_await sink.KeepOnce(std::move(state));
  co_return kept;
}

Task<absl::Status> KeepVersions(const HeldTexts& texts, Id128 document, v1::StoredDocument stored,
                                audit::HeldSink& sink) {
  if (stored.state() == v1::Document::STATE_DESTROYED) {
    co_return absl::OkStatus();
  }
  for (const v1::StoredVersion& version : stored.versions()) {
    const VersionName name{texts.person, document, version.version().version()};
    const absl::Status kept = co_await KeepText(texts, name, version, sink);
    CO_RETURN_IF_ERROR(kept);
  }
  co_return absl::OkStatus();
}

// A record that does not open is named by the copy of state: nobody can tell its versions.
Task<absl::Status> KeepOne(const HeldTexts& texts, Id128 document, audit::HeldSink& sink) {
  CO_ASSIGN_OR_RETURN(auto stored, texts.vault.store.Document(texts.person, document, View::kFrozen));
  if (!stored.has_value()) {
    co_return absl::OkStatus();
  }
  const absl::Status kept = co_await KeepVersions(texts, document, std::move(stored->value), sink);
  co_return kept;
}

}  // namespace

Task<absl::Status> KeepTexts(HeldTexts texts, audit::HeldSink& sink) {
  if (texts.only.has_value()) {
    const absl::Status kept = co_await KeepOne(texts, *texts.only, sink);
    co_return kept;
  }
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(auto page,
                        texts.vault.store.ReadableDocuments(texts.person, *from, kRowsAtOnce, View::kFrozen));
    for (Row<v1::StoredDocument>& row : page.rows) {
      const absl::Status kept = co_await KeepVersions(texts, row.id, std::move(row.stored.value), sink);
      CO_RETURN_IF_ERROR(kept);
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

}  // namespace relais::vault
