// A whole log in one file, and the check of a whole log wherever its leaves come from.
//
//   line 1   {"checkpoint":"<C2SP signed note>","format":"relais-log-export/1","origin":"…"} in exactly this
//            spelling (keys sorted, no spaces), ended by LF
//   then, for each leaf 0 … size-1 of the checkpoint: 4-byte big-endian length, the leaf's exact bytes
//   and nothing after the last.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/note.h"
#include "common/merkle/tree.h"

namespace relais::cli {

struct VerifiedLog {
  merkle::Checkpoint checkpoint;
  std::string note;  // the checkpoint as it was given, signatures and all
  std::optional<absl::Time> first;
  std::optional<absl::Time> last;
  std::map<std::string, uint64_t> by_class;  // leaves by event class
};

/// Recomputes a log from its leaves: each parses, their times never decrease, the root is the checkpoint's.
/// Errors are DATA_LOSS and name the check that failed. Not thread-safe.
class LogVerifier {
 public:
  /// Opens the checkpoint: DATA_LOSS unless one of the keys of its origin signed it.
  static absl::StatusOr<LogVerifier> Open(const std::string& checkpoint,
                                          std::span<const merkle::NoteVerifier> verifiers);
  /// Also checks that the log contains `older`, a checkpoint believed before, of the same origin.
  absl::Status MustContain(const merkle::Checkpoint& older);

  absl::Status Add(std::string_view leaf);
  [[nodiscard]] absl::StatusOr<VerifiedLog> Finish() const;
  [[nodiscard]] const merkle::Checkpoint& checkpoint() const { return log_.checkpoint; }

 private:
  absl::Status CheckOlder() const;

  merkle::Frontier tree_;
  std::optional<merkle::Checkpoint> older_;
  VerifiedLog log_;
};

[[nodiscard]] std::string ExportHeader(const std::string& origin, const std::string& checkpoint);
void WriteLeaf(std::ostream& out, std::string_view leaf);
/// True when the first line is an export's.
[[nodiscard]] bool LooksLikeExport(std::string_view first_line);

/// INVALID_ARGUMENT for a file of another form; DATA_LOSS as LogVerifier.
[[nodiscard]] absl::StatusOr<VerifiedLog> VerifyExport(std::istream& in,
                                                       std::span<const merkle::NoteVerifier> verifiers);

}  // namespace relais::cli
