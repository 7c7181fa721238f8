#include "common/merkle/tlog_proof.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/merkle/verify.h"

namespace relais::merkle {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1\n";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kMaxHashes = 63;

absl::Status Malformed(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("tlog-proof: ", what));
}

// Takes a line that begins with `prefix` off `rest`; what follows the prefix, or nullopt.
std::optional<std::string_view> TakeLine(std::string_view& rest, std::string_view prefix) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos || rest.substr(0, prefix.size()) != prefix || end < prefix.size()) {
    return std::nullopt;
  }
  const std::string_view line = rest.substr(prefix.size(), end - prefix.size());
  rest.remove_prefix(end + 1);
  return line;
}

absl::Status Check(const TlogProof& proof) {
  if (proof.hashes.size() > kMaxHashes) {
    return Malformed("more than 63 hashes");
  }
  if (proof.extra.has_value() && proof.extra->size() > kMaxProofExtra) {
    return Malformed("too much extra data");
  }
  return ParseNote(proof.checkpoint).status();
}

}  // namespace

absl::StatusOr<std::string> FormatTlogProof(const TlogProof& proof) {
  RETURN_IF_ERROR(Check(proof));
  std::string text(kFirstLine);
  if (proof.extra.has_value()) {
    text.append(kExtra).append(crypto::Base64Encode(*proof.extra)).append("\n");
  }
  text.append(kIndex).append(std::to_string(proof.index)).append("\n");
  for (const Hash& hash : proof.hashes) {
    text.append(crypto::Base64Encode(AsBytes(hash))).append("\n");
  }
  return text.append("\n").append(proof.checkpoint);
}

absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text) {
  if (!LooksLikeTlogProof(text)) {
    return Malformed("the first line is not c2sp.org/tlog-proof@v1");
  }
  std::string_view rest = text.substr(kFirstLine.size());
  TlogProof proof;
  if (const auto extra = TakeLine(rest, kExtra); extra.has_value()) {
    absl::StatusOr<std::string> bytes = crypto::Base64Decode(*extra);
    if (!bytes.ok()) {
      return Malformed("extra data that is not base64");
    }
    proof.extra = *std::move(bytes);
  }
  const auto index = TakeLine(rest, kIndex);
  const absl::StatusOr<uint64_t> number =
      index.has_value() ? crypto::ParseDecimal(*index) : absl::StatusOr<uint64_t>(Malformed(""));
  if (!number.ok()) {
    return Malformed("no index line");
  }
  proof.index = *number;
  for (auto line = TakeLine(rest, ""); !line.has_value() || !line->empty(); line = TakeLine(rest, "")) {
    const absl::StatusOr<std::string> bytes =
        line.has_value() ? crypto::Base64Decode(*line) : absl::StatusOr<std::string>(Malformed(""));
    if (!bytes.ok() || bytes->size() != kHashSize || proof.hashes.size() == kMaxHashes) {
      return Malformed("a line of the inclusion proof is not a hash, or there are too many");
    }
    ASSIGN_OR_RETURN(const Hash hash, HashFromBytes(*bytes));
    proof.hashes.push_back(hash);
  }
  proof.checkpoint = std::string(rest);
  RETURN_IF_ERROR(Check(proof));
  return proof;
}

bool LooksLikeTlogProof(std::string_view text) { return text.substr(0, kFirstLine.size()) == kFirstLine; }

absl::StatusOr<WitnessedCheckpoint> VerifyTlogProof(const TlogProof& proof, std::string_view leaf,
                                                    const WitnessPolicy& policy,
                                                    std::span<const NoteVerifier> logs) {
  ASSIGN_OR_RETURN(WitnessedCheckpoint opened, OpenWitnessed(proof.checkpoint, policy, logs));
  RETURN_IF_ERROR(VerifyInclusion(proof.index, opened.checkpoint.size, HashLeaf(leaf), proof.hashes,
                                  opened.checkpoint.root));
  return opened;
}

}  // namespace relais::merkle
