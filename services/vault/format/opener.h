// Opens sealed texts: any chunk by its place, or a file as a stream. Constant memory. Nothing comes out that
// was not authenticated as that chunk of that text.
//
// Errors, here and in pieces.h: DATA_LOSS "sealed text does not open" for whatever was altered, cut, moved,
// or belongs to another text, version or key: one message, whatever the cause.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "services/vault/format/sealed_text.h"

namespace relais::vault {

/// Immutable, copyable (copies share the keys), thread-safe.
class ChunkOpener {
 public:
  /// Checks key and context against the commitment of every run. DATA_LOSS when one differs; INVALID_ARGUMENT
  /// for a key that has not 32 bytes.
  [[nodiscard]] static absl::StatusOr<ChunkOpener> Create(const Secret& text_key, std::string_view context,
                                                          const Header& header);

  /// Appends the text of a chunk. `last`: it is the text's last one. After an error `*out` is as before.
  [[nodiscard]] absl::Status Open(uint64_t chunk, bool last, std::string_view sealed, std::string* out) const;
  /// The text where it is wanted: `out` has its length, kChunkTagSize less than `sealed`, and lies apart from
  /// it. After an error it holds zeros, or what it held.
  [[nodiscard]] absl::Status OpenInto(uint64_t chunk, bool last, std::string_view sealed,
                                      std::span<char> out) const;

 private:
  struct RunKey {
    uint64_t first_chunk = 0;
    Secret key;
  };
  explicit ChunkOpener(std::shared_ptr<const std::vector<RunKey>> runs) : runs_(std::move(runs)) {}

  std::shared_ptr<const std::vector<RunKey>> runs_;
};

/// Opens a file that comes in pieces of any length. Each chunk is given out once it is known to be genuine
/// and in its place; that the text is whole is known only when Finish says so. Not thread-safe.
class StreamOpener {
 public:
  StreamOpener(Secret text_key, std::string context)
      : text_key_(std::move(text_key)), context_(std::move(context)) {}

  /// Appends text. After an error nothing more can be opened.
  [[nodiscard]] absl::Status Write(std::string_view sealed, std::string* out);
  /// Appends the last chunk. DATA_LOSS when the file is cut.
  [[nodiscard]] absl::Status Finish(std::string* out);

 private:
  absl::Status ReadHeader();
  absl::Status Fail();

  Secret text_key_;
  std::string context_;
  std::optional<ChunkOpener> opener_;  // once the header was read
  uint64_t last_run_ = 0;              // its first chunk
  uint64_t chunk_ = 0;
  std::string held_;  // the header as far as it is there, then a chunk that may be the last one
  bool failed_ = false;
};

}  // namespace relais::vault
