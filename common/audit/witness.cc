#include "common/audit/witness.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/secret_file.h"
#include "common/crypto/sha256.h"
#include "common/merkle/cosignature.h"
#include "common/merkle/verify.h"

namespace relais::audit {
namespace {

using merkle::Checkpoint;
using merkle::KeyType;

std::string FileOf(const std::string& origin) { return crypto::HexEncode(crypto::Sha256(origin)); }

}  // namespace

absl::StatusOr<std::unique_ptr<Witness>> Witness::Open(const std::string& folder, WitnessKey key) {
  ASSIGN_OR_RETURN(std::unique_ptr<TileFolder> opened, TileFolder::OpenForWriting(folder));
  return std::unique_ptr<Witness>(new Witness(std::move(opened), std::move(key)));
}

absl::StatusOr<std::optional<Checkpoint>> Witness::Last(const std::string& origin, std::string* note) const {
  ASSIGN_OR_RETURN(std::optional<std::string> kept, folder_->Read(FileOf(origin)));
  if (!kept.has_value()) {
    return std::optional<Checkpoint>();
  }
  *note = *std::move(kept);
  absl::Status damaged = absl::DataLossError(
      absl::StrCat("what was cosigned last of ", origin, " is damaged: ", folder_->PathOf(FileOf(origin))));
  const auto parsed = merkle::ParseNote(*note);
  if (!parsed.ok()) {
    return damaged;
  }
  const std::vector<merkle::NoteVerifier> own = {{key_.name, key_.key.verify_key()}};
  const auto cosignatures = merkle::VerifyCosignatures(*parsed, own);
  const auto checkpoint = merkle::ParseCheckpoint(parsed->text);
  if (!cosignatures.ok() || cosignatures->empty() || !checkpoint.ok() || checkpoint->origin != origin) {
    return damaged;
  }
  return std::optional<Checkpoint>(*checkpoint);
}

absl::StatusOr<Witness::Cosigned> Witness::Cosign(const std::string& note,
                                                  std::span<const merkle::NoteVerifier> verifiers,
                                                  LogSource& source, absl::Time now) {
  const std::string origin = note.substr(0, note.find('\n'));
  Evidence evidence;
  evidence.files["checkpoint-offered"] = note;
  const absl::StatusOr<Checkpoint> offered = merkle::OpenCheckpoint(note, origin, verifiers);
  if (!offered.ok()) {
    evidence.what = absl::StrCat("signature: the checkpoint does not verify with the log's keys: ",
                                 offered.status().message());
    return RaiseAlarm(*folder_, evidence, now);
  }
  Cosigned cosigned;
  cosigned.checkpoint = *offered;
  std::string held;
  ASSIGN_OR_RETURN(const std::optional<Checkpoint> last, Last(origin, &held));
  if (last.has_value()) {
    cosigned.before = last->size;
    evidence.files["checkpoint-held"] = held;
    RETURN_IF_ERROR(CheckGrowth(*last, *offered, source, evidence, now));
  }
  ASSIGN_OR_RETURN(merkle::UnverifiedNote parsed, merkle::ParseNote(note));
  ASSIGN_OR_RETURN(
      merkle::NoteSignature line,
      merkle::Cosign(parsed.text, key_.name, key_.key, static_cast<uint64_t>(absl::ToUnixSeconds(now))));
  cosigned.signature = merkle::FormatSignatureLine(line);
  std::erase_if(parsed.signatures, [&line](const merkle::NoteSignature& other) {
    return other.name == line.name && other.key_id == line.key_id;
  });
  parsed.signatures.push_back(std::move(line));
  ASSIGN_OR_RETURN(cosigned.note, merkle::FormatNote(parsed));
  RETURN_IF_ERROR(folder_->WriteDurably(FileOf(origin), cosigned.note));
  return cosigned;
}

absl::Status Witness::CheckGrowth(const Checkpoint& last, const Checkpoint& offered, LogSource& source,
                                  Evidence& evidence, absl::Time now) {
  if (offered.size < last.size) {
    evidence.what =
        absl::StrCat("roll-back: the log had ", last.size, " leaves and now shows ", offered.size);
    return RaiseAlarm(*folder_, evidence, now);
  }
  std::vector<merkle::Hash> proof;
  if (offered.size > last.size && last.size > 0) {
    ASSIGN_OR_RETURN(proof, source.Consistency(last.size, offered.size));
  }
  absl::Status grown = merkle::VerifyConsistency(last.size, offered.size, last.root, offered.root, proof);
  if (grown.ok()) {
    return grown;
  }
  evidence.what = absl::StrCat("fork: the log of ", offered.size, " leaves does not begin with the ",
                               last.size, " cosigned before (", grown.message(), ")");
  evidence.AddProof("consistency", last.size, offered.size, proof);
  return RaiseAlarm(*folder_, evidence, now);
}

absl::Status WriteWitnessKey(const std::string& path, const WitnessKey& key) {
  // Checks the name before anything is written.
  RETURN_IF_ERROR(merkle::Cosign("check\n", key.name, key.key, 0).status());
  RETURN_IF_ERROR(crypto::WriteSecretFile(path, key.key.seed()));
  std::ofstream out(path + ".pub", std::ios::binary | std::ios::trunc);
  out << merkle::VerifierKeyString(key.name, key.key.verify_key(), KeyType::kCosignature) << "\n";
  out.close();
  return out.fail() ? absl::UnavailableError("cannot write " + path + ".pub") : absl::OkStatus();
}

absl::StatusOr<WitnessKey> ReadWitnessKey(const std::string& path) {
  ASSIGN_OR_RETURN(const Secret seed, crypto::ReadSecretFile(path));
  ASSIGN_OR_RETURN(crypto::SigningKey key, crypto::SigningKey::FromSeed(seed));
  std::ifstream in(path + ".pub", std::ios::binary);
  std::string line;
  if (!in || !std::getline(in, line)) {
    return absl::InvalidArgumentError("cannot read " + path + ".pub, the witness's verifier key");
  }
  ASSIGN_OR_RETURN(const merkle::NoteVerifier verifier,
                   merkle::ParseVerifierKey(line, KeyType::kCosignature));
  if (!(verifier.key == key.verify_key())) {
    return absl::InvalidArgumentError(path + ".pub is not the key of " + path);
  }
  return WitnessKey{verifier.name, std::move(key)};
}

}  // namespace relais::audit
