// The storage contract: an ordered key-value store cut into partitions, with the audit log's rows beside
// them.
//
// What every backend keeps, and nothing an ordered, partitioned, replicated engine could not:
//  - a commit touches one partition; on OK its batch and its leaves are durable (fsynced); after any crash
//  both
//    or neither are visible;
//  - commits are applied in one total order; a commit sees every commit that came before it;
//  - each key remembers the version (the number of the commit that wrote it), which preconditions compare.
// Formats on disk: docs/formats.md, "Store".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"

namespace relais::storage {

/// What a partition is about: all there are. One byte on disk; values are never reused.
enum class PartitionKind : uint8_t {
  kPerson = 'P',
  kSenderRecord = 'R',
  kMessage = 'M',
  kInboxSegment = 'I',
  kHousehold = 'H',
  kCase = 'C',
  kReferral = 'F',
  kAlert = 'A',
  kDocument = 'D',
  kRightsRequest = 'Q',
  kIndexBucket = 'X',
  kCursor = 'U',
  kHold = 'L',  // a legal hold's copies
};

/// One partition: 17 bytes on disk, kind then id.
struct Partition {
  PartitionKind kind = PartitionKind::kCursor;
  Id128 id;

  static constexpr size_t kEncodedSize = 1 + Id128::kSize;
  [[nodiscard]] std::string Encode() const;
  friend bool operator==(const Partition&, const Partition&) = default;
  friend std::strong_ordering operator<=>(const Partition& a, const Partition& b) {
    return std::tie(a.kind, a.id) <=> std::tie(b.kind, b.id);
  }
};

/// A value and the number of the commit that wrote it.
struct Entry {
  std::string value;
  uint64_t version = 0;
};

struct KeyedEntry {
  std::string key;  // within the partition
  Entry entry;
};

/// Up to `page_size` entries in key order; `next` is the key to go on from, empty when there is no more.
struct Page {
  std::vector<KeyedEntry> entries;
  std::string next;
};

/// A change of one partition. Keys are relative to it: 1 to 512 bytes; values up to 1 MiB.
struct Mutation {
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
};

/// Holds when the key is absent (`version` nullopt) or was last written by exactly that commit.
struct Precondition {
  std::string key;
  std::optional<uint64_t> version;
};

/// The audit log's own tables, beside the partitions. Only a Sequencer's rows write to them.
enum class LogTable : uint8_t {
  kLeaves = 0,     // index, 8 bytes big-endian → leaf bytes
  kNodes = 1,      // tile level, 1 byte; tile, 8 bytes; place, 1 byte → 32 bytes; complete subtrees
  kSubjectLeaves,  // subject, 17 bytes; index, 8 bytes → empty
  kLeafSubjects,   // index, 8 bytes → subject, 17 bytes
  kSubjectKeys,    // subject, 17 bytes → wrapped audit key
  kMeta,           // what the log remembers of itself
};
inline constexpr int kLogTables = 6;

/// What a row of the log holds: text, or nothing, which deletes the row. Read like a
/// std::optional<std::string>; the text may be shared with who keeps it besides.
class LogValue {
 public:
  LogValue() = default;
  // All implicit, so that a row is written like any other aggregate.
  LogValue(std::nullopt_t /*deletes*/) {}                                                  // NOLINT
  LogValue(const char* text) : own_(text) {}                                               // NOLINT
  LogValue(std::string text) : own_(std::move(text)) {}                                    // NOLINT
  LogValue(std::optional<std::string> text) : own_(std::move(text)) {}                     // NOLINT
  LogValue(std::shared_ptr<const std::string> not_null) : shared_(std::move(not_null)) {}  // NOLINT

  [[nodiscard]] bool has_value() const { return shared_ != nullptr || own_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const std::string& operator*() const { return shared_ != nullptr ? *shared_ : *own_; }
  const std::string* operator->() const { return &**this; }
  friend bool operator==(const LogValue& a, const LogValue& b) {
    return a.has_value() == b.has_value() && (!a.has_value() || *a == *b);
  }

 private:
  std::optional<std::string> own_;
  std::shared_ptr<const std::string> shared_;
};

struct LogRow {
  LogTable table = LogTable::kMeta;
  std::string key;
  LogValue value;
};

/// One leaf as its author hands it over: everything but its place and its time, which the sequencer gives.
/// A draft without bytes is no leaf: only its rows are written (the log's own housekeeping).
struct LeafDraft {
  std::string bytes;              // leaf format v1, time zero (docs/formats.md)
  std::string subject = {};       // 17 bytes, or empty: none
  std::vector<LogRow> rows = {};  // written with the leaf: a new subject's key
  /// What the sequencer wants back of its own drafting. Never written.
  std::shared_ptr<const void> drafted = {};
};

struct LeafRange {
  uint64_t first = 0;  // index of the first leaf; meaningless when count is 0
  uint64_t count = 0;
  uint64_t tree_size = 0;  // of the log once this commit is durable
};

/// Gives leaves their place. Implemented by the audit log; called only on a store's writer, one group at a
/// time: Stage for each commit of the group, then once Committed (the group is durable) or Abandoned.
class Sequencer {
 public:
  virtual ~Sequencer() = default;
  /// Appends to `rows` what the log must write for these leaves. No leaves: returns the current size.
  virtual LeafRange Stage(std::vector<LeafDraft> leaves, std::vector<LogRow>& rows) = 0;
  virtual void Committed() = 0;
  virtual void Abandoned() = 0;
};

struct CommitRequest {
  Partition partition;
  std::vector<Mutation> batch = {};  // may be empty: a commit of leaves guarded by preconditions
  std::vector<Precondition> preconditions = {};
  std::vector<LeafDraft> leaves = {};
};

struct CommitResult {
  uint64_t version = 0;  // of every key this commit wrote
  LeafRange leaves;
};

/// Thread-safe. Reads are synchronous and see every commit that was acknowledged. Coroutines resume on the
/// executor the store was opened with.
///
/// Errors: ABORTED a precondition did not hold (nothing was written); INVALID_ARGUMENT a key, value or batch
/// out of bounds, or a key named twice; RESOURCE_EXHAUSTED the queue of commits is full (nothing was
/// written); UNAVAILABLE the store failed and accepts nothing more: the process should stop serving (see
/// `failure`).
class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual absl::StatusOr<std::optional<Entry>> Get(const Partition& partition,
                                                                 std::string_view key) const = 0;
  /// Calls `use` with the value where it lies, for one too large to be copied without need: it is there until
  /// `use` returns, which does not call the store. False: there is none, and `use` was not called. Errors as
  /// Get's, and what `use` returned.
  [[nodiscard]] virtual absl::StatusOr<bool> WithValue(
      const Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const;
  struct Address {
    Partition partition;
    std::string key;
  };
  /// One result per address, in order.
  [[nodiscard]] virtual absl::StatusOr<std::vector<std::optional<Entry>>> MultiGet(
      const std::vector<Address>& addresses) const = 0;
  /// Keys of `partition` that start with `prefix`, from `from` (empty: from the first). page_size 1–1000.
  [[nodiscard]] virtual absl::StatusOr<Page> Scan(const Partition& partition, std::string_view prefix,
                                                  std::string_view from, size_t page_size) const = 0;
  /// As Scan, for who goes past damage (salvage.h): what does not read ends a page before it, `next` after
  /// the last row that was read. DATA_LOSS: nothing was read, not even the first row from `from` on.
  [[nodiscard]] virtual absl::StatusOr<Page> ScanReadable(const Partition& partition, std::string_view prefix,
                                                          std::string_view from, size_t page_size) const {
    return Scan(partition, prefix, from, page_size);
  }

  /// Durable on OK.
  virtual Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) = 0;
  /// Several commits at once, in order, sharing one fsync where the backend can. Each stands or falls alone.
  virtual Task<std::vector<absl::StatusOr<CommitResult>>> CommitAll(std::vector<CommitRequest> requests) = 0;

  [[nodiscard]] virtual absl::StatusOr<std::optional<std::string>> LogGet(LogTable table,
                                                                          std::string_view key) const = 0;
  /// One result per key, in order.
  [[nodiscard]] virtual absl::StatusOr<std::vector<std::optional<std::string>>> LogMultiGet(
      LogTable table, const std::vector<std::string>& keys) const;
  struct LogEntry {
    std::string key;
    std::string value;
  };
  /// Rows of `table` whose key starts with `prefix`, from key `from` on (at or after; empty: the first of the
  /// prefix), ascending, at most `limit` and at most about 4 MiB.
  [[nodiscard]] virtual absl::StatusOr<std::vector<LogEntry>> LogScan(LogTable table, std::string_view prefix,
                                                                      std::string_view from,
                                                                      size_t limit) const = 0;
  /// The last row of `table` in key order.
  [[nodiscard]] virtual absl::StatusOr<std::optional<LogEntry>> LogLast(LogTable table) const = 0;

  /// Partitions of a kind that hold a key, in order of their ids, from `from` on, at most `limit`. For
  /// housekeeping that looks at everything in its own time: what is written meanwhile may or may not be seen.
  [[nodiscard]] virtual absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind,
                                                                              const Id128& from,
                                                                              size_t limit) const = 0;

  /// Makes deleted rows of the table unrecoverable from the live files (compaction).
  virtual absl::Status LogCompact(LogTable table) = 0;
  /// The same of everything that was deleted or replaced, in partitions and the log's tables; but for large
  /// values of partition kind kDocument, which are sealed under keys of their own and may lie in the files
  /// until these are rewritten (ADR 44). Takes long on a large store; blocks the caller, not the store.
  virtual absl::Status Compact() = 0;

  /// OK while the store works; else why it stopped.
  [[nodiscard]] virtual absl::Status failure() const = 0;
};

}  // namespace relais::storage
