// Seals texts: chunk by chunk for the vault, as a stream for files. Constant memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "services/vault/format/sealed_text.h"

namespace relais::vault {

/// Seals the chunks of one run, in order, each place once: whatever fails afterwards, what was sealed is
/// never sealed again under these keys. Whoever goes on after an interruption begins another run, unless he
/// has this very sealer and all that it sealed is durable: there is one of a run (moved, never copied), and
/// one that was moved from seals nothing. Not thread-safe.
class RunSealer {
 public:
  RunSealer(RunSealer&& other) noexcept
      : key_(std::move(other.key_)),
        run_(std::move(other.run_)),
        next_(other.next_),
        ended_(std::exchange(other.ended_, true)) {}
  RunSealer& operator=(RunSealer&& other) noexcept;
  RunSealer(const RunSealer&) = delete;
  RunSealer& operator=(const RunSealer&) = delete;
  ~RunSealer() = default;

  /// `text_key`: 32 random bytes that serve this text alone. INVALID_ARGUMENT for a key of another length or
  /// a place beyond the longest text.
  [[nodiscard]] static absl::StatusOr<RunSealer> Begin(const Secret& text_key, std::string_view context,
                                                       uint64_t first_chunk, Random& random);

  /// To be listed in the header once a chunk of it is durable.
  [[nodiscard]] const Run& run() const { return run_; }
  [[nodiscard]] uint64_t next_chunk() const { return next_; }

  /// Appends the next chunk. `text` has kChunkSize bytes; the last one up to that, and none only where it is
  /// the only one. INVALID_ARGUMENT for another length; FAILED_PRECONDITION after the last one, or beyond the
  /// longest text.
  [[nodiscard]] absl::Status Seal(std::string_view text, bool last, std::string* out);

 private:
  RunSealer(Secret key, Run run) : key_(std::move(key)), run_(std::move(run)), next_(run_.first_chunk) {}

  Secret key_;
  Run run_;
  uint64_t next_;
  bool ended_ = false;
};

/// Seals a text of unknown length as a file: header, then chunks. Holds back at most one chunk. Not
/// thread-safe.
class StreamSealer {
 public:
  [[nodiscard]] static absl::StatusOr<StreamSealer> Begin(const Secret& text_key, std::string_view context,
                                                          Random& random);
  /// Comes first.
  [[nodiscard]] const std::string& header() const { return header_; }
  /// Appends what is complete.
  [[nodiscard]] absl::Status Write(std::string_view text, std::string* out);
  /// Appends the rest. Nothing may follow.
  [[nodiscard]] absl::Status Finish(std::string* out);

 private:
  StreamSealer(RunSealer run, std::string header) : run_(std::move(run)), header_(std::move(header)) {}

  RunSealer run_;
  std::string header_;
  std::string held_;  // a whole chunk may still be the last one
};

}  // namespace relais::vault
