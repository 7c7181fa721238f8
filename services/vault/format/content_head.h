// How far the bytes of a version are: the row `head` of its partition, in which it is sealed
// (docs/formats.md, "Rows of the vault"). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/vault/format/paper_keys.h"
#include "services/vault/format/sealed_text.h"

namespace relais::vault {

struct ContentHead {
  VersionName name;
  uint64_t size = 0;       // bytes of text declared
  uint64_t committed = 0;  // bytes of text that are durable: whole pieces, or `size`
  absl::Time touched;      // when that last grew; microseconds
  Header header;           // runs so far: at least one
  bool complete = false;   // the last piece is there: of an empty text only this tells it

  /// The partition holds every piece.
  [[nodiscard]] bool Whole() const { return complete; }
};

/// INVALID_ARGUMENT when it cannot be: more committed than declared, no whole pieces, a header out of order,
/// runs that begin elsewhere than at a piece that is committed.
[[nodiscard]] absl::StatusOr<std::string> EncodeContentHead(const ContentHead& head);
/// DATA_LOSS for anything but what EncodeContentHead writes.
[[nodiscard]] absl::StatusOr<ContentHead> DecodeContentHead(std::string_view bytes);

/// The head once the piece at `committed` is durable: `length` bytes of text, sealed by `run`, which is
/// listed if this is its first piece. INVALID_ARGUMENT for a piece that does not continue the text;
/// RESOURCE_EXHAUSTED for one run more than a text may have.
[[nodiscard]] absl::StatusOr<ContentHead> WithPiece(ContentHead head, uint64_t length, const Run& run,
                                                    absl::Time now);

}  // namespace relais::vault
