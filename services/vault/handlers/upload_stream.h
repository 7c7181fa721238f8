// The bytes of an upload on their way to the disk: one commit is under way while the next pieces come in.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "services/vault/lookahead.h"
#include "services/vault/upload_writers.h"

namespace relais::vault {

/// Not thread-safe; lives in the frame of one coroutine, which awaits Finish before it ends.
class PieceStream {
 public:
  /// `text`: what is known of the text up to where the writer stands; nullopt: nothing is kept of it.
  PieceStream(Executor& executor, PaperWriter& writer, std::optional<TextSoFar> text)
      : executor_(executor), writer_(writer), text_(std::move(text)) {}
  PieceStream(const PieceStream&) = delete;
  PieceStream& operator=(const PieceStream&) = delete;
  ~PieceStream() = default;

  /// Takes the pieces; resumes once those before are durable, with how that went. `room` (null: none) is
  /// given back when their commit has ended, or is not begun: always before Finish resumes.
  Task<absl::Status> Give(std::vector<PieceAssembler::Piece> pieces, std::shared_ptr<Lookahead::Held> room);
  /// Resumes once all are durable. The first error there was.
  Task<absl::Status> Finish();
  /// What the next call may go on with, up to the last piece given; after Finish. Empty when something
  /// failed.
  [[nodiscard]] KeptUpload Take();

 private:
  Executor& executor_;
  PaperWriter& writer_;
  std::optional<TextSoFar> text_;
  std::optional<OneShot<absl::Status>> under_way_;
  absl::Status failed_;
};

/// Adds bytes that follow.
void Note(std::string_view bytes, TextSoFar& text);
/// What is known where nothing was read yet.
[[nodiscard]] TextSoFar NothingYet();

}  // namespace relais::vault
