#include "services/vault/handlers/upload_stream.h"

#include <utility>

namespace relais::vault {

void Note(std::string_view bytes, TextSoFar& text) {
  text.hasher.Update(bytes);
  text.recogniser.Write(bytes);
  text.bytes += bytes.size();
}

TextSoFar NothingYet() {
  TextSoFar text;
  return text;
}

Task<absl::Status> PieceStream::Give(std::vector<PieceAssembler::Piece> pieces,
                                     std::shared_ptr<Lookahead::Held> room) {
  if (text_.has_value()) {
    for (const PieceAssembler::Piece& piece : pieces) {
      Note(piece.text, *text_);
    }
  }
  const absl::Status before = co_await Finish();
  if (!before.ok()) {
    co_return before;
  }
  const OneShot<absl::Status> done(executor_);
  under_way_.emplace(done);
  Start(writer_.Append(std::move(pieces)), [done, room = std::move(room)](absl::Status status) mutable {
    room.reset();  // whoever waits may end, and what it is of with it
    done.Set(std::move(status));
  });
  co_return absl::OkStatus();
}

Task<absl::Status> PieceStream::Finish() {
  if (under_way_.has_value()) {
    const OneShot<absl::Status> done = *std::exchange(under_way_, std::nullopt);
    absl::Status status = co_await done;
    if (failed_.ok()) {
      failed_ = std::move(status);
    }
  }
  co_return failed_;
}

KeptUpload PieceStream::Take() {
  KeptUpload kept;
  if (failed_.ok()) {
    kept.text = std::exchange(text_, std::nullopt);
    kept.run = writer_.TakeRun();
  }
  return kept;
}

}  // namespace relais::vault
