// What a legal hold copies of the vault's state (common/audit/holds.h).
#include <algorithm>
#include <optional>
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
constexpr uint64_t kMostText = uint64_t{64}
                               << 20;  // of one person's papers in a copy, and in memory at a time

void Add(std::string name, const google::protobuf::Message& content,
         std::vector<audit::v1::HeldState>& states) {
  audit::v1::HeldState& state = states.emplace_back();
  state.set_name(std::move(name));
  state.mutable_content()->PackFrom(content);
}

// A current text that could be copied.
struct Text {
  VersionName name;
  v1::StoredVersion version;
};

// What cannot be read is left out: nobody can keep it.
absl::Status AddText(const Papers& papers, const Text& text, std::vector<audit::v1::HeldState>& states) {
  const absl::StatusOr<PaperText> opened = papers.Open(text.name, text.version);
  if (!opened.ok()) {
    return absl::IsUnavailable(opened.status()) ? opened.status() : absl::OkStatus();
  }
  const ByteRange all{0, opened->size()};
  for (uint64_t piece = 0; piece < opened->pieces(); ++piece) {
    absl::StatusOr<std::string> bytes = opened->Read(piece, all);
    if (absl::IsUnavailable(bytes.status())) {
      return bytes.status();
    }
    if (!bytes.ok()) {
      continue;
    }
    google::protobuf::BytesValue value;
    value.set_value(*std::move(bytes));
    Add(absl::StrCat("text/", text.name.document.ToHex(), "/", text.name.version, "/", piece), value, states);
  }
  return absl::OkStatus();
}

absl::Status AddDocuments(const Vault& vault, const Id128& person,
                          std::vector<audit::v1::HeldState>& states) {
  std::vector<Text> texts;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(Rows<v1::StoredDocument> rows,
                     vault.store.Documents(person, *from, kRowsAtOnce, View::kFrozen));
    for (Row<v1::StoredDocument>& row : rows.rows) {
      v1::StoredDocument& document = row.stored.value;
      if (document.state() != v1::Document::STATE_DESTROYED && document.versions_size() > 0) {
        const v1::StoredVersion& last = document.versions(document.versions_size() - 1);
        texts.push_back({{person, row.id, last.version().version()}, last});
      }
      for (v1::StoredVersion& version : *document.mutable_versions()) {
        version.clear_wrapped_key();  // opens nothing once her key is gone
      }
      Add("document/" + row.id.ToHex(), document, states);
    }
    from = rows.next;
  }
  std::sort(texts.begin(), texts.end(), [](const Text& a, const Text& b) {
    return a.version.version().size() < b.version.version().size();
  });
  uint64_t bytes = 0;
  for (const Text& text : texts) {
    bytes += text.version.version().size();
    if (bytes > kMostText) {
      break;
    }
    RETURN_IF_ERROR(AddText(vault.papers, text, states));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<audit::Subject>> Keeper::HeldWith(const audit::Subject& /*person*/) {
  return std::vector<audit::Subject>();
}

absl::StatusOr<std::vector<audit::v1::HeldState>> Keeper::StateOf(const audit::Subject& subject) {
  std::vector<audit::v1::HeldState> states;
  if (subject.kind != audit::Subject::Kind::kPerson) {
    return states;
  }
  RETURN_IF_ERROR(AddDocuments(vault_, subject.id, states));
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const auto rows, vault_.store.Shares(subject.id, *from, kRowsAtOnce, View::kFrozen));
    for (const Row<v1::StoredShare>& row : rows.rows) {
      Add("share/" + row.id.ToHex(), row.stored.value, states);
    }
    from = rows.next;
  }
  from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const auto rows, vault_.store.Requests(subject.id, *from, kRowsAtOnce, View::kFrozen));
    for (const Row<v1::StoredRequest>& row : rows.rows) {
      Add("request/" + row.id.ToHex(), row.stored.value, states);
    }
    from = rows.next;
  }
  ASSIGN_OR_RETURN(const auto hosts, vault_.store.Hosts(subject.id, View::kFrozen));
  for (const VaultStore::HostRow& host : hosts) {
    Add("host/" + host.institution, host.stored.value, states);
  }
  return states;
}

}  // namespace relais::vault
