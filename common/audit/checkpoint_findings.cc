#include "common/audit/checkpoint_findings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/merkle/note.h"

namespace relais::audit {

using merkle::Checkpoint;

std::optional<Checkpoint> ReadCheckpoint(std::string_view note, std::string_view name,
                                         std::span<const merkle::NoteVerifier> verifiers, bool* trusted,
                                         Findings& findings) {
  *trusted = false;
  const std::string file(name);
  const absl::StatusOr<merkle::UnverifiedNote> parsed = merkle::ParseNote(note);
  if (!parsed.ok()) {
    findings.Add(file, std::string(parsed.status().message()));
    return std::nullopt;
  }
  const auto text_lines = std::count(parsed->text.begin(), parsed->text.end(), '\n');
  const absl::StatusOr<Checkpoint> checkpoint = merkle::ParseCheckpoint(parsed->text);
  if (!checkpoint.ok()) {
    findings.Add(absl::StrCat(file, " lines 1-", text_lines), std::string(checkpoint.status().message()));
    return std::nullopt;
  }
  bool known = false;
  bool wrong = false;
  for (size_t i = 0; i < parsed->signatures.size(); ++i) {
    const merkle::NoteSignature& line = parsed->signatures[i];
    for (const merkle::NoteVerifier& verifier : verifiers) {
      if (verifier.name != checkpoint->origin || line.name != verifier.name ||
          line.key_id != merkle::NoteKeyId(verifier.name, verifier.key)) {
        continue;
      }
      known = true;
      if (!verifier.key.Verify(parsed->text, line.signature)) {
        wrong = true;
        findings.Add(absl::StrCat(file, " line ", static_cast<size_t>(text_lines) + 2 + i),
                     "the signature is not the log's over lines 1-" + std::to_string(text_lines));
      }
    }
  }
  if (!known) {
    findings.Add(file, absl::StrCat("no signature by a key of ", checkpoint->origin));
  }
  *trusted = known && !wrong;
  return *checkpoint;
}

}  // namespace relais::audit
