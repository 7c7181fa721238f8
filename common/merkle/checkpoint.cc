#include "common/merkle/checkpoint.h"

#include <algorithm>
#include <iterator>

#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/text.h"
#include "common/merkle/utf8.h"

namespace relais::merkle {
namespace {

bool IsLine(std::string_view line) {
  return !line.empty() && line.find('\n') == std::string_view::npos && internal::IsNoteText(line);
}

}  // namespace

absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint) {
  if (!IsLine(checkpoint.origin)) {
    return absl::InvalidArgumentError("checkpoint: bad origin");
  }
  std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
                     crypto::Base64Encode(AsBytes(checkpoint.root)) + "\n";
  for (const std::string& extension : checkpoint.extensions) {
    if (!IsLine(extension)) {
      return absl::InvalidArgumentError("checkpoint: bad extension line");
    }
    text += extension + "\n";
  }
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  std::vector<std::string_view> lines = crypto::internal::Split(text, '\n');
  if (!lines.back().empty() || lines.size() < 4) {
    return absl::InvalidArgumentError("checkpoint: fewer than three lines or no final newline");
  }
  lines.pop_back();
  if (!std::all_of(lines.begin(), lines.end(), IsLine)) {
    return absl::InvalidArgumentError("checkpoint: a line is empty or not plain text");
  }
  const absl::StatusOr<uint64_t> size = crypto::ParseDecimal(lines[1]);
  if (!size.ok()) {
    return absl::InvalidArgumentError("checkpoint: bad tree size");
  }
  const absl::StatusOr<std::string> root = crypto::Base64Decode(lines[2]);
  if (!root.ok() || root->size() != kHashSize) {
    return absl::InvalidArgumentError("checkpoint: bad root hash");
  }
  Checkpoint checkpoint;
  checkpoint.origin = std::string(lines[0]);
  checkpoint.size = *size;
  ASSIGN_OR_RETURN(checkpoint.root, HashFromBytes(*root));
  checkpoint.extensions.assign(lines.begin() + 3, lines.end());
  return checkpoint;
}

absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const crypto::SigningKey& key) {
  ASSIGN_OR_RETURN(const std::string text, FormatCheckpoint(checkpoint));
  return SignNote(text, checkpoint.origin, key);
}

absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::string_view origin,
                                          std::span<const NoteVerifier> verifiers) {
  std::vector<NoteVerifier> own;
  std::copy_if(verifiers.begin(), verifiers.end(), std::back_inserter(own),
               [origin](const NoteVerifier& verifier) { return verifier.name == origin; });
  ASSIGN_OR_RETURN(const VerifiedNote verified, VerifyNote(note, own));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(verified.text));
  if (checkpoint.origin != origin) {
    return absl::InvalidArgumentError("checkpoint: of another log");
  }
  return checkpoint;
}

}  // namespace relais::merkle
