// Checks a vault's export without any service (docs/formats.md, "Vault export"): what she takes away may lie
// on any computer. Pure: bytes in, a verdict out, constant memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/base/id128.h"
#include "common/base/secret.h"
#include "common/crypto/sha256.h"
#include "common/merkle/note.h"
#include "nlohmann/json.hpp"
#include "services/vault/format/opener.h"
#include "services/vault/format/tar.h"

namespace relais::cli {

/// The key of a sealed export.
struct VaultExportKey {
  Id128 export_id;
  Secret key;
};
/// The text of `FILE.key`.
[[nodiscard]] std::string FormatVaultExportKey(const VaultExportKey& key);
/// INVALID_ARGUMENT for anything else.
[[nodiscard]] absl::StatusOr<VaultExportKey> ParseVaultExportKey(const std::string& text);

/// What a whole archive holds.
struct VaultExportFacts {
  std::string export_id;
  std::string made;
  std::string origin;
  uint64_t log_size = 0;
  uint64_t documents = 0;  // texts, each proved by its receipt
  uint64_t bytes = 0;      // of them
  uint64_t files = 0;      // but the manifest
  std::vector<std::string> damaged;
  std::string archive_sha256;  // of the archive, opened; 32 bytes
};

/// Takes an archive piece by piece. Each receipt is checked when it has come, all else against the manifest
/// at the end. Not thread-safe.
class VaultExportReader {
 public:
  /// `keys`, `verifiers`: of the vault's log. `key`: of a sealed archive.
  VaultExportReader(std::vector<audit::NamedVerifyKey> keys, std::vector<merkle::NoteVerifier> verifiers,
                    std::optional<VaultExportKey> key);

  VaultExportReader(const VaultExportReader&) = delete;
  VaultExportReader& operator=(const VaultExportReader&) = delete;

  /// DATA_LOSS naming the check that failed. After an error nothing more is read.
  absl::Status Write(std::string_view bytes);
  /// DATA_LOSS likewise, and when the archive is cut: then naming the file within or after which it ends.
  absl::StatusOr<VaultExportFacts> Finish();

 private:
  struct Seen {
    std::string path;
    uint64_t size = 0;
    std::string sha256;  // hexadecimal
  };
  // What a receipt proves of a text.
  struct Deposited {
    std::string document_id;
    uint32_t version = 0;
    uint64_t size = 0;
    std::string sha256;   // hexadecimal
    std::string receipt;  // its path
  };

  // `how`: what became of the archive where it ends.
  [[nodiscard]] absl::Status EndsAt(const std::string& how) const;
  absl::Status TakeFile(std::string_view path, uint64_t size);
  absl::Status TakeData(std::string_view data);
  absl::Status EndFile();
  absl::Status TakeReceipt(const std::string& path);
  absl::Status CheckManifest(VaultExportFacts& facts);
  absl::Status CheckFiles(const nlohmann::json& manifest) const;
  absl::Status CheckDocuments(const nlohmann::json& manifest, VaultExportFacts& facts) const;

  const std::vector<audit::NamedVerifyKey> keys_;
  const std::vector<merkle::NoteVerifier> verifiers_;
  const std::optional<VaultExportKey> key_;
  std::optional<vault::StreamOpener> opener_;
  vault::TarReader tar_;
  crypto::Sha256Hasher archive_;
  std::string opened_;  // used again and again

  bool in_file_ = false;
  Seen now_;
  uint64_t left_ = 0;
  bool keep_ = false;
  std::string kept_;  // of a receipt or the manifest
  crypto::Sha256Hasher hasher_;

  std::vector<Seen> seen_;
  std::set<std::string> paths_;
  std::map<std::string, Deposited> receipts_;  // by path
  std::string manifest_;
  bool has_manifest_ = false;
};

}  // namespace relais::cli
