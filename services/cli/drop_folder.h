// Drop folders: a sender's machine leaves files in IN, they are imported once each and moved to OUT
// (docs/formats.md, "Drop folders").
//
//   IN/NAME.csv or IN/NAME.ndjson   taken once IN/NAME.ctl is there and matches
//   OUT/NAME.csv OUT/NAME.ctl OUT/NAME.csv.results.csv OUT/NAME.csv.refused.csv
//   OUT/NAME.csv.error              why the file itself was refused
//   OUT/.seq-<type>                 the highest sequence number taken
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/feeds/reason.h"

namespace relais::cli {

/// NAME.ctl: a line `key: value` (or `key=value`) for each of type, version, rows, sha256, seq.
struct ControlFile {
  feeds::FeedType type = feeds::FeedType::kEdf;
  uint64_t version = 1;
  uint64_t rows = 0;
  std::string sha256;  // 64 lower-case hexadecimal digits
  uint64_t seq = 0;
};
/// INVALID_ARGUMENT names the line or key that is wrong, missing or repeated.
[[nodiscard]] absl::StatusOr<ControlFile> ParseControlFile(std::string_view text);

/// OK when the file is the one the control file describes. DATA_LOSS "TRUNCATED: …" otherwise.
absl::Status MatchControl(const ControlFile& control, const std::string& path);

/// What one pass over IN did.
struct DropPass {
  int taken = 0;
  int code = 0;                       // the worst of ExitCode
  std::vector<std::string> messages;  // for the log; no personal data
};

/// Imports `data` with its results beside it in OUT, and returns the exit code and what to say.
struct DropImport {
  int code = 0;
  std::string message;
};
using ImportDropped = std::function<DropImport(const ControlFile& control, const std::string& data,
                                               const std::string& results, const std::string& refused)>;

/// One pass, in the order of sequence numbers. A file that is incomplete, or whose import was, stays in IN
/// for the next pass. One process per pair of folders.
class DropFolder {
 public:
  DropFolder(std::string in, std::string out, ImportDropped import)
      : in_(std::move(in)), out_(std::move(out)), import_(std::move(import)) {}

  absl::StatusOr<DropPass> Pass();

 private:
  struct Candidate;
  [[nodiscard]] std::vector<Candidate> Find(DropPass& pass) const;
  void Take(const Candidate& candidate, DropPass& pass) const;
  // The highest sequence number taken; none before the first file.
  [[nodiscard]] std::optional<uint64_t> LastTaken(feeds::FeedType type) const;
  void CheckSequence(const Candidate& candidate, DropPass& pass) const;
  [[nodiscard]] std::string SequencePath(feeds::FeedType type) const;

  std::string in_;
  std::string out_;
  ImportDropped import_;
};

}  // namespace relais::cli
