// Against guessing: an institution whose questions too often name something unknown or another's may not ask
// for a while (api.md, Oracles).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "relais/common/v1/errors.pb.h"

namespace relais::rpc {

/// A miss: a question that named a handle of another institution's, or something that is not there or not the
/// caller's. True for the reasons NOT_YOUR_HANDLE and NO_SUCH_OR_NOT_YOURS.
[[nodiscard]] bool IsMiss(common::v1::ErrorReason reason);

/// Counts the misses in the answer of a batch, which says them of each item: the answer's one list of
/// messages that have a text `error`, naming a reason ("ERROR_REASON_NOT_YOUR_HANDLE"). Thread-safe.
class BatchMisses {
 public:
  /// Of answers that are no batch's.
  BatchMisses() = default;
  explicit BatchMisses(const google::protobuf::Descriptor& answer);
  /// `answer` is of the type given.
  [[nodiscard]] uint64_t In(const google::protobuf::Message& answer) const;

 private:
  const google::protobuf::FieldDescriptor* items_ = nullptr;
  const google::protobuf::FieldDescriptor* error_ = nullptr;
};

/// A token bucket an institution: full, it holds `most` misses, and it fills within `window`. Once it is
/// empty the institution is held back until a hundredth of it is back, so that guessing goes on in steps that
/// are seen. In memory: a restart forgets. One bucket an institution of the directory, so bounded by it.
/// Thread-safe.
class MissLimiter {
 public:
  struct Options {
    uint64_t most = 250'000;                  // 1 to a thousand million
    absl::Duration window = absl::Hours(24);  // a second to a year
    /// Told each miss or batch of them, and each time an institution begins to be held back. By any thread,
    /// not under a lock. May be empty.
    std::function<void(uint64_t misses)> on_misses;
    std::function<void(const std::string& institution)> on_held_back;
  };
  /// The clock must outlive it.
  MissLimiter(Options options, const Clock& clock);
  MissLimiter(const MissLimiter&) = delete;
  MissLimiter& operator=(const MissLimiter&) = delete;
  ~MissLimiter() = default;

  /// OK; or RESOURCE_EXHAUSTED / OVERLOADED with when to come back. While nobody is held back: one load.
  [[nodiscard]] absl::Status MayAsk(std::string_view institution);
  /// The institution missed that often in one call; 0: nothing happened.
  void Note(std::string_view institution, uint64_t misses);

 private:
  // Kept as the time that filled it, which adds up exactly.
  struct Bucket {
    absl::Duration credit;
    absl::Duration filled;  // monotonic instant up to which
    bool held_back = false;
  };
  Bucket& Filled(std::string_view institution);  // under mu_

  const Options options_;
  const Clock& clock_;
  const absl::Duration miss_;       // what fills a bucket by one
  const absl::Duration full_;       // by all
  const absl::Duration release_;    // by a hundredth, at least one
  std::atomic<int> held_back_ = 0;  // institutions
  std::mutex mu_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace relais::rpc
