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
#include "relais/vault/v1/events.pb.h"
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
  uint64_t documents = 0;     // texts, each proved by its receipt
  uint64_t bytes = 0;         // of them
  uint64_t certificates = 0;  // of destroyed papers, each proved
  uint64_t files = 0;         // but the manifest
  bool current_only = false;
  bool opened = false;               // it was sealed
  std::vector<std::string> damaged;  // what lacks, by its own word
  uint64_t unreadable = 0;     // leaves of the log, likewise: papers that they alone tell of may be missing
  uint64_t unproved = 0;       // texts besides `documents`, whose deposit is among those leaves
  uint64_t size = 0;           // of what was read
  std::string sha256;          // likewise; 32 bytes
  std::string archive_sha256;  // of the archive, opened; 32 bytes
};

/// Nothing lacks and nothing may lack, by the archive's own word.
[[nodiscard]] inline bool NothingLacks(const VaultExportFacts& facts) {
  return facts.damaged.empty() && facts.unreadable == 0;
}

/// What `ARCHIVE.proof.json` proves of an export: the receipt of its end. DATA_LOSS naming the check that
/// failed.
[[nodiscard]] absl::StatusOr<vault::v1::VaultExported> OpenVaultExportProof(
    const std::string& text, const std::vector<audit::NamedVerifyKey>& keys);
/// OK when this is, byte for byte, the archive that was sent: nothing was taken from it or changed in it. Of
/// a sealed one that was opened before, the archive alone is compared. DATA_LOSS.
absl::Status CheckProvedWhole(const VaultExportFacts& facts, const vault::v1::VaultExported& proved);

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
  absl::Status TakeCertificate(const std::string& path);
  absl::Status CheckManifest(VaultExportFacts& facts);
  absl::Status CheckFiles(const nlohmann::json& manifest) const;
  absl::Status CheckDocuments(const nlohmann::json& manifest, VaultExportFacts& facts) const;
  absl::Status CheckDestroyed(const nlohmann::json& manifest, VaultExportFacts& facts) const;

  const std::vector<audit::NamedVerifyKey> keys_;
  const std::vector<merkle::NoteVerifier> verifiers_;
  const std::optional<VaultExportKey> key_;
  std::optional<vault::StreamOpener> opener_;
  vault::TarReader tar_;
  uint64_t size_ = 0;
  crypto::Sha256Hasher sent_;
  crypto::Sha256Hasher archive_;
  std::string opened_;  // used again and again

  bool in_file_ = false;
  Seen now_;
  uint64_t left_ = 0;
  bool keep_ = false;
  std::string kept_;  // of a receipt, a certificate or the manifest
  crypto::Sha256Hasher hasher_;

  std::vector<Seen> seen_;
  std::set<std::string> paths_;
  std::map<std::string, Deposited> receipts_;        // by path
  std::map<std::string, std::string> certificates_;  // by path: of which paper
  std::string manifest_;
  bool has_manifest_ = false;
};

}  // namespace relais::cli
