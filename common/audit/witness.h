// A witness of logs (c2sp.org/tlog-witness, the part that decides): cosigns a checkpoint only when the log
// only grew since the last one it cosigned.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/evidence.h"
#include "common/audit/log_source.h"
#include "common/audit/tile_folder.h"
#include "common/crypto/ed25519.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit {

struct WitnessKey {
  std::string name;  // a C2SP key name
  crypto::SigningKey key;
};

/// What it cosigned last is kept per log in its folder: file <SHA-256 of the origin in hexadecimal>, the
/// cosigned note. It is durable before a cosignature is returned, so that no crash makes it vouch for two
/// histories. One process at a time; not thread-safe.
class Witness {
 public:
  /// FAILED_PRECONDITION while another process uses the folder.
  static absl::StatusOr<std::unique_ptr<Witness>> Open(const std::string& folder, WitnessKey key);

  struct Cosigned {
    merkle::Checkpoint checkpoint;
    uint64_t before = 0;    // size it had cosigned before
    std::string note;       // as offered, with our cosignature
    std::string signature;  // the line alone
  };
  /// Cosigns `note`, a checkpoint of a log whose keys are among `verifiers`, at `now`. The source gives the
  /// consistency proof. ABORTED is an alarm, as for a mirror: no cosignature, evidence saved in the folder.
  /// DATA_LOSS when what is kept is damaged; other errors are the source's and the file system's.
  absl::StatusOr<Cosigned> Cosign(const std::string& note, std::span<const merkle::NoteVerifier> verifiers,
                                  LogSource& source, absl::Time now);

 private:
  Witness(std::unique_ptr<TileFolder> folder, WitnessKey key)
      : folder_(std::move(folder)), key_(std::move(key)) {}
  absl::StatusOr<std::optional<merkle::Checkpoint>> Last(const std::string& origin, std::string* note) const;
  absl::Status CheckGrowth(const merkle::Checkpoint& last, const merkle::Checkpoint& offered,
                           LogSource& source, Evidence& evidence, absl::Time now);

  const std::unique_ptr<TileFolder> folder_;
  const WitnessKey key_;
};

/// A witness's key pair: `path` is a secret file with the seed, `path`.pub its verifier key and a newline.
absl::Status WriteWitnessKey(const std::string& path, const WitnessKey& key);
/// INVALID_ARGUMENT when the two do not belong together; else as ReadSecretFile.
[[nodiscard]] absl::StatusOr<WitnessKey> ReadWitnessKey(const std::string& path);

}  // namespace relais::audit
