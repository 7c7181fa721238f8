// Who is writing the bytes of which upload, in memory: one at a time, and none once it ended; and what one
// call leaves to the next (ADR 55).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/base/executor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/crypto/sha256.h"
#include "services/vault/domain/content_type.h"
#include "services/vault/papers.h"

namespace relais::vault {

/// What is known of a text so far without reading it again: its hash and type up to `bytes`.
struct TextSoFar {
  uint64_t bytes = 0;
  crypto::Sha256Hasher hasher;
  ContentRecogniser recogniser;
};

/// What a call leaves to the next one that goes on with the same upload.
struct KeptUpload {
  std::optional<TextSoFar> text;  // nullopt: what came is read again when it is completed
  std::optional<OpenRun> run;     // nullopt: the next one begins another

  [[nodiscard]] bool empty() const { return !text.has_value() && !run.has_value(); }
};

/// Thread-safe. An upload's row ends durably before its bytes are emptied, and a writer enters before it
/// reads the row: so after Close no bytes come any more.
class UploadWriters {
 public:
  explicit UploadWriters(Executor& executor) : executor_(executor) {}

  /// Leaves when destroyed.
  class Place {
   public:
    Place(UploadWriters& of, const Id128& upload) : of_(&of), upload_(upload) {}
    Place(Place&& other) noexcept : of_(std::exchange(other.of_, nullptr)), upload_(other.upload_) {}
    Place& operator=(Place&&) = delete;
    ~Place();
    /// Somebody wants it to end.
    [[nodiscard]] bool Unwanted() const;
    /// Called once, when somebody does; from any thread, perhaps within this call. For a stream that waits
    /// for its client.
    void WhenUnwanted(std::function<void()> then);

   private:
    UploadWriters* of_;
    Id128 upload_;
  };
  /// nullopt while somebody else writes.
  [[nodiscard]] std::optional<Place> Enter(const Id128& upload);
  /// Resumes with true once nobody writes it; those who do are told (Unwanted). False after `wait`.
  Task<bool> Interrupt(Id128 upload, absl::Duration wait);
  /// The same of an upload that ended: what was kept of it is dropped.
  Task<bool> Close(Id128 upload, absl::Duration wait);

  /// Keeps that between calls: of the kMost uploads to which bytes came last, for kLongest. After a restart
  /// there is none. A text of 2 GiB has more pieces than runs (8,192, 1,024), so that one that comes a piece
  /// a call lives on this; what is dropped for its age costs a run an hour at most, 168 until the upload is
  /// past its time.
  static constexpr size_t kMost = 8192;  // about a kilobyte each
  static constexpr absl::Duration kLongest = absl::Hours(1);
  void Keep(const Id128& upload, KeptUpload kept, absl::Time now);
  /// Of who goes on: it is no more kept. Empty: nothing was.
  [[nodiscard]] KeptUpload Take(const Id128& upload);
  /// Drops what was kept kLongest before `now`, or earlier.
  void DropOld(absl::Time now);

 private:
  struct Kept {
    uint64_t number = 0;
    absl::Time since;
    KeptUpload what;
  };
  void Drop(const Id128& upload);  // under mu_
  void Leave(const Id128& upload);
  bool Writing(const Id128& upload) const;

  Executor& executor_;
  mutable std::mutex mu_;
  std::map<Id128, std::function<void()>> writing_;  // and what is called when it is unwanted
  std::set<Id128> unwanted_;
  std::map<Id128, Kept> kept_;
  std::map<uint64_t, Id128> order_;  // by number, which ascends with time
  uint64_t next_ = 0;
};

}  // namespace relais::vault
