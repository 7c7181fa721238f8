#include "services/cli/vault_export.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/merkle/checkpoint.h"
#include "relais/vault/v1/events.pb.h"
#include "services/cli/output.h"
#include "services/cli/receipt.h"
#include "services/vault/format/sealed_text.h"

namespace relais::cli {
namespace {

constexpr char kKeyFormat[] = "relais-vault-export-key/1";
constexpr char kFormat[] = "relais-vault-export/1";
constexpr char kManifest[] = "manifest.json";
constexpr char kDocuments[] = "documents/";
constexpr char kReceipts[] = "receipts/";
constexpr char kCertificates[] = "certificates/";
constexpr size_t kMostReceiptBytes = size_t{4} << 20;
constexpr size_t kMostManifestBytes = size_t{64} << 20;
constexpr size_t kMostFiles = 1'000'000;
constexpr size_t kKeyBytes = 32;

absl::Status Broken(std::string_view what) {
  return absl::DataLossError(absl::StrCat("export: ", Printable(what)));
}

// A member of an object, by its type; empty or zero for another one.
std::string Text(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}
uint64_t Number(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : UINT64_MAX;
}
// An array of objects; null for anything else.
const nlohmann::json* Objects(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array() ||
      !std::all_of(found->begin(), found->end(),
                   [](const nlohmann::json& each) { return each.is_object(); })) {
    return nullptr;
  }
  return &*found;
}

// What the leaf says whose receipt this is, once all of the receipt was checked. `what`: its name in an
// error.
absl::StatusOr<audit::v1::LeafDetails> Proved(const std::string& what, const std::string& text,
                                              const std::vector<audit::NamedVerifyKey>& keys) {
  const auto proof = ParseReceipt(text);
  if (!proof.ok()) {
    return Broken(absl::StrCat(what, ": ", proof.status().message()));
  }
  const auto verified = audit::VerifyProof(*proof, keys);
  if (!verified.ok()) {
    return Broken(absl::StrCat(what, ": ", verified.status().message()));
  }
  if (const absl::Status said = CheckReceipt(text, *proof); !said.ok()) {
    return Broken(absl::StrCat(what, ": ", said.message()));
  }
  if (!verified->details.has_value()) {
    return Broken(absl::StrCat(what, ": its leaf does not open"));
  }
  return *verified->details;
}

}  // namespace

std::string FormatVaultExportKey(const VaultExportKey& key) {
  return absl::StrCat(kKeyFormat, "\n", key.export_id.ToHex(), " ", crypto::HexEncode(key.key.ExposeSecret()),
                      "\n");
}

absl::StatusOr<VaultExportKey> ParseVaultExportKey(const std::string& text) {
  const absl::Status malformed = absl::InvalidArgumentError("this is not a key of an export");
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 3 || lines[0] != kKeyFormat || !lines[2].empty()) {
    return malformed;
  }
  const std::vector<std::string> parts = absl::StrSplit(lines[1], ' ');
  if (parts.size() != 2) {
    return malformed;
  }
  const auto id = Id128::FromHex(parts[0]);
  absl::StatusOr<std::string> key = crypto::HexDecode(parts[1]);
  if (!id.ok() || !key.ok() || key->size() != kKeyBytes) {
    return malformed;
  }
  return VaultExportKey{*id, Secret(*std::move(key))};
}

VaultExportReader::VaultExportReader(std::vector<audit::NamedVerifyKey> keys,
                                     std::vector<merkle::NoteVerifier> verifiers,
                                     std::optional<VaultExportKey> key)
    : keys_(std::move(keys)),
      verifiers_(std::move(verifiers)),
      key_(std::move(key)),
      tar_([this](std::string_view name, uint64_t size) { return TakeFile(name, size); },
           [this](std::string_view data) { return TakeData(data); }) {
  if (key_.has_value()) {
    opener_.emplace(key_->key, vault::ExportContext(key_->export_id));
  }
}

absl::StatusOr<vault::v1::VaultExported> OpenVaultExportProof(
    const std::string& text, const std::vector<audit::NamedVerifyKey>& keys) {
  ASSIGN_OR_RETURN(const audit::v1::LeafDetails details, Proved("the proof", text, keys));
  vault::v1::VaultExported exported;
  if (!details.payload().UnpackTo(&exported) || exported.archive_sha256().empty()) {
    return Broken("the proof: it is none of the end of an export");
  }
  return exported;
}

absl::Status CheckProvedWhole(const VaultExportFacts& facts, const vault::v1::VaultExported& proved) {
  if (proved.export_id() != facts.export_id) {
    return Broken("the proof: of another export");
  }
  if (proved.archive_sha256() != facts.archive_sha256 ||
      (proved.sealed() == facts.opened &&
       (proved.sha256() != facts.sha256 || proved.bytes() != facts.size))) {
    return Broken("the archive is not the one that was sent: something was changed in it or taken from it");
  }
  if (proved.texts() != facts.documents + facts.unproved || proved.certificates() != facts.certificates ||
      proved.damaged() != facts.damaged.size() || proved.unreadable() != facts.unreadable) {
    return Broken("the proof: other numbers of papers than the archive has");
  }
  return absl::OkStatus();
}

absl::Status VaultExportReader::Write(std::string_view bytes) {
  size_ += bytes.size();
  sent_.Update(bytes);
  if (opener_.has_value()) {
    opened_.clear();
    RETURN_IF_ERROR(opener_->Write(bytes, &opened_));
    bytes = opened_;
  }
  archive_.Update(bytes);
  return tar_.Write(bytes);
}

absl::StatusOr<VaultExportFacts> VaultExportReader::Finish() {
  if (opener_.has_value()) {
    opened_.clear();
    if (!opener_->Finish(&opened_).ok()) {
      return EndsAt("cut short, or its end was altered,");
    }
    archive_.Update(opened_);
    RETURN_IF_ERROR(tar_.Write(opened_));
  }
  // What is no archive was found while it came: this one is, as far as it goes.
  if (!tar_.Finish().ok()) {
    return EndsAt("cut short");
  }
  if (in_file_) {
    RETURN_IF_ERROR(EndFile());
  }
  VaultExportFacts facts;
  facts.opened = opener_.has_value();
  facts.size = size_;
  facts.sha256 = sent_.Finish();
  facts.archive_sha256 = archive_.Finish();
  RETURN_IF_ERROR(CheckManifest(facts));
  return facts;
}

absl::Status VaultExportReader::EndsAt(const std::string& how) const {
  if (now_.path.empty()) {
    return Broken(absl::StrCat("the archive is ", how, " before its first file"));
  }
  return Broken(in_file_ && left_ > 0 ? absl::StrCat("the archive is ", how, " within ", now_.path, ": ",
                                                     left_, " of its ", now_.size, " bytes are missing")
                                      : absl::StrCat("the archive is ", how, " after ", now_.path));
}

absl::Status VaultExportReader::TakeFile(std::string_view path, uint64_t size) {
  const std::string name(path);
  if (in_file_) {
    RETURN_IF_ERROR(EndFile());
  }
  if (has_manifest_) {
    return Broken("something follows the manifest");
  }
  if (seen_.size() >= kMostFiles) {
    return Broken("too many files");
  }
  if (!paths_.insert(name).second) {
    return Broken(absl::StrCat(name, " is there twice"));
  }
  in_file_ = true;
  now_ = {name, size, ""};
  left_ = size;
  kept_.clear();
  const bool receipt = absl::StartsWith(name, kReceipts) || absl::StartsWith(name, kCertificates);
  const bool manifest = name == kManifest;
  keep_ = receipt || manifest;
  if ((receipt && size > kMostReceiptBytes) || (manifest && size > kMostManifestBytes)) {
    return Broken(absl::StrCat(name, " is too large"));
  }
  return absl::OkStatus();
}

absl::Status VaultExportReader::TakeData(std::string_view data) {
  if (!in_file_ || data.size() > left_) {
    return Broken("bytes of no file");
  }
  left_ -= data.size();
  hasher_.Update(data);
  if (keep_) {
    kept_.append(data);
  }
  return absl::OkStatus();
}

absl::Status VaultExportReader::EndFile() {
  in_file_ = false;
  if (left_ != 0) {
    return Broken(absl::StrCat(now_.path, " is cut"));
  }
  now_.sha256 = crypto::HexEncode(hasher_.Finish());
  if (now_.path == kManifest) {
    has_manifest_ = true;
    manifest_ = std::move(kept_);
    return absl::OkStatus();
  }
  if (absl::StartsWith(now_.path, kReceipts)) {
    RETURN_IF_ERROR(TakeReceipt(now_.path));
  }
  if (absl::StartsWith(now_.path, kCertificates)) {
    RETURN_IF_ERROR(TakeCertificate(now_.path));
  }
  seen_.push_back(now_);
  return absl::OkStatus();
}

absl::Status VaultExportReader::TakeReceipt(const std::string& path) {
  ASSIGN_OR_RETURN(const audit::v1::LeafDetails details, Proved(path, kept_, keys_));
  vault::v1::DocumentDeposited deposited;
  if (!details.payload().UnpackTo(&deposited)) {
    return Broken(absl::StrCat(path, ": it is no receipt of a deposit"));
  }
  receipts_[path] = {deposited.document_id(), deposited.version(), deposited.size(),
                     crypto::HexEncode(deposited.sha256()), path};
  return absl::OkStatus();
}

absl::Status VaultExportReader::TakeCertificate(const std::string& path) {
  ASSIGN_OR_RETURN(const audit::v1::LeafDetails details, Proved(path, kept_, keys_));
  vault::v1::DocumentDestroyed destroyed;
  if (!details.payload().UnpackTo(&destroyed)) {
    return Broken(absl::StrCat(path, ": it is no certificate of destruction"));
  }
  certificates_[path] = destroyed.document_id();
  return absl::OkStatus();
}

absl::Status VaultExportReader::CheckManifest(VaultExportFacts& facts) {
  if (!has_manifest_) {
    return Broken(absl::StrCat("there is no manifest: the archive ends after ",
                               now_.path.empty() ? "nothing" : now_.path));
  }
  const nlohmann::json manifest = nlohmann::json::parse(manifest_, nullptr, false);
  if (!manifest.is_object() || Text(manifest, "format") != kFormat) {
    return Broken(absl::StrCat("manifest: not ", kFormat));
  }
  facts.export_id = Text(manifest, "export_id");
  facts.made = Text(manifest, "made");
  facts.origin = Text(manifest, "origin");
  facts.log_size = Number(manifest, "size");
  facts.files = seen_.size();
  if (key_.has_value() && facts.export_id != key_->export_id.ToHex()) {
    return Broken("manifest: another export than the key's");
  }
  const auto checkpoint = merkle::OpenCheckpoint(Text(manifest, "checkpoint"), facts.origin, verifiers_);
  if (!checkpoint.ok()) {
    return Broken(absl::StrCat("manifest: checkpoint: ", checkpoint.status().message()));
  }
  if (checkpoint->size != facts.log_size) {
    return Broken("manifest: its checkpoint is of another size");
  }
  for (const char* wanted : {"LISEZMOI.txt", "metadata.json", "journal.json"}) {
    if (!paths_.contains(wanted)) {
      return Broken(absl::StrCat(wanted, " is missing"));
    }
  }
  const auto damaged = manifest.find("damaged");
  if (damaged != manifest.end() && damaged->is_array()) {
    for (const nlohmann::json& id : *damaged) {
      facts.damaged.push_back(id.is_string() ? Printable(id.get<std::string>()) : "?");
    }
  }
  if (manifest.contains("unreadable")) {  // as all have that say so
    facts.unreadable = Number(manifest, "unreadable");
  }
  const auto current_only = manifest.find("current_only");
  facts.current_only =
      current_only != manifest.end() && current_only->is_boolean() && current_only->get<bool>();
  RETURN_IF_ERROR(CheckFiles(manifest));
  RETURN_IF_ERROR(CheckDocuments(manifest, facts));
  return CheckDestroyed(manifest, facts);
}

absl::Status VaultExportReader::CheckFiles(const nlohmann::json& manifest) const {
  const nlohmann::json* files = Objects(manifest, "files");
  if (files == nullptr || files->size() != seen_.size()) {
    return Broken("manifest: other files than there are");
  }
  for (size_t i = 0; i < seen_.size(); ++i) {
    const nlohmann::json& said = (*files)[i];
    if (Text(said, "path") != seen_[i].path || Number(said, "size") != seen_[i].size ||
        Text(said, "sha256") != seen_[i].sha256) {
      return Broken(absl::StrCat(seen_[i].path, " is not what the manifest says"));
    }
  }
  return absl::OkStatus();
}

absl::Status VaultExportReader::CheckDocuments(const nlohmann::json& manifest,
                                               VaultExportFacts& facts) const {
  const nlohmann::json* documents = Objects(manifest, "documents");
  if (documents == nullptr) {
    return Broken("manifest: no documents");
  }
  std::map<std::string, const Seen*> texts;
  for (const Seen& seen : seen_) {
    if (absl::StartsWith(seen.path, kDocuments)) {
      texts[seen.path] = &seen;
    }
  }
  for (const nlohmann::json& document : *documents) {
    const std::string path = Text(document, "path");
    const auto text = texts.find(path);
    if (text == texts.end() || text->second->size != Number(document, "size") ||
        text->second->sha256 != Text(document, "sha256")) {
      return Broken(absl::StrCat("document ", path, " is not there as said"));
    }
    const auto said = document.find("receipt");
    if (facts.unreadable > 0 && said != document.end() && *said == "") {
      ++facts.unproved;
      texts.erase(text);
      continue;
    }
    const auto receipt = receipts_.find(Text(document, "receipt"));
    if (receipt == receipts_.end()) {
      return Broken(absl::StrCat("document ", path, " has no receipt"));
    }
    const Deposited& deposited = receipt->second;
    if (deposited.document_id != Text(document, "document_id") ||
        deposited.version != Number(document, "version") || deposited.size != text->second->size ||
        deposited.sha256 != text->second->sha256) {
      return Broken(absl::StrCat("document ", path, " is not the one its receipt is of"));
    }
    ++facts.documents;
    facts.bytes += text->second->size;
    texts.erase(text);
  }
  return texts.empty() ? absl::OkStatus()
                       : Broken(absl::StrCat(texts.begin()->first, " is a text that nothing is said of"));
}

absl::Status VaultExportReader::CheckDestroyed(const nlohmann::json& manifest,
                                               VaultExportFacts& facts) const {
  const nlohmann::json* destroyed = Objects(manifest, "destroyed");
  if (destroyed == nullptr) {
    return Broken("manifest: it does not say what was destroyed");
  }
  std::map<std::string, std::string> certificates = certificates_;
  for (const nlohmann::json& paper : *destroyed) {
    const std::string path = Text(paper, "certificate");
    const auto certificate = certificates.find(path);
    if (certificate == certificates.end() || certificate->second != Text(paper, "document_id")) {
      return Broken(absl::StrCat("certificate ", path, " is not there as said"));
    }
    ++facts.certificates;
    certificates.erase(certificate);
  }
  return certificates.empty()
             ? absl::OkStatus()
             : Broken(absl::StrCat(certificates.begin()->first, " is a certificate that nothing is said of"));
}

}  // namespace relais::cli
