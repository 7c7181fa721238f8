// What an export says in words and JSON (docs/formats.md, "Vault export"). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/calendar/paris.h"
#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/host_service.pb.h"
#include "relais/vault/v1/share_service.pb.h"

namespace relais::vault {

/// `LISEZMOI.txt`: what this is and how to check it, in French, then in English. `origin`: of the vault's
/// log, whose key that takes; the key itself comes from elsewhere, or it would prove nothing. `current_only`:
/// without earlier versions, which it then says.
[[nodiscard]] std::string ExportReadme(absl::Time made, const std::string& origin, bool current_only);

/// `metadata.json`, piece by piece in this order: documents, shares, requests, hosts, any number of each.
class ExportMetadata {
 public:
  void Add(const v1::Document& document) { Append(0, document); }
  void Add(const v1::Share& share) { Append(1, share); }
  void Add(const v1::DocumentRequest& request) { Append(2, request); }
  void Add(const v1::Host& host) { Append(3, host); }
  /// `unreadable`: rows of shares, requests and hosts that do not open.
  [[nodiscard]] std::string Finish(size_t unreadable);

 private:
  void Append(int section, const google::protobuf::Message& message);

  std::string out_ = "{";
  int section_ = -1;  // begun last
  bool empty_ = true;
};

/// A line of `journal.json`, without what separates it from others.
[[nodiscard]] std::string ExportJournalLine(const v1::JournalEntry& entry);
inline constexpr std::string_view kJournalBegin = "{\"entries\": [\n";
inline constexpr std::string_view kJournalBetween = ",\n";
/// `unreadable`: leaves that do not read, of which there is no line.
[[nodiscard]] std::string ExportJournalEnd(uint64_t unreadable);

/// `journal.txt`, the same for who reads it: of each entry a sentence in French, then in English.
[[nodiscard]] std::string ExportJournalSentences(const v1::JournalEntry& entry, const calendar::Paris& paris);
inline constexpr std::string_view kJournalTextBegin =
    "VOTRE JOURNAL : qui a fait, ou tenté, quoi (heures de Paris)\n"
    "YOUR JOURNAL: who did, or tried, what (times of Paris)\n";
/// `unreadable`: as of ExportJournalEnd.
[[nodiscard]] std::string ExportJournalTextEnd(uint64_t unreadable);

/// A file of the archive.
struct ExportedFile {
  std::string path;
  uint64_t size = 0;
  std::string sha256;  // 32 bytes
};
/// A text in it.
struct ExportedText {
  std::string document_id;
  v1::DocumentVersion version;
  v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED;
  std::string title;
  std::string expires;  // `2031-05-02`; empty: never
  std::string path;
  std::string receipt;  // path; empty: the leaf of its deposit does not read, so that nothing proves it
};
/// A destroyed paper, by its certificate.
struct ExportedDestruction {
  std::string document_id;
  std::string certificate;  // path
};
struct ExportManifest {
  std::string export_id;
  absl::Time made;
  std::string origin;
  uint64_t log_size = 0;
  std::string checkpoint;
  std::string person;  // the host's handle
  std::vector<ExportedFile> files;
  bool current_only = false;
  std::vector<ExportedText> texts;
  std::vector<ExportedDestruction> destroyed;
  std::vector<std::string> damaged;
  uint64_t unreadable = 0;  // leaves about her
};
/// `manifest.json`.
[[nodiscard]] std::string ExportManifestText(const ExportManifest& manifest);

}  // namespace relais::vault
