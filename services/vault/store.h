// The vault's partitions, typed (docs/formats.md, "Rows of the vault"): what is said of papers in the
// person's, how far bytes are in the document's, and derived rows in index buckets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "common/rpc/service_context.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/format/row_seal.h"

namespace relais::vault {

template <typename T>
struct Stored {
  T value;
  uint64_t version = 0;  // 0: not there yet
};

/// A row found by a scan: its id and what it holds.
template <typename T>
struct Row {
  Id128 id;
  Stored<T> stored;
};
template <typename T>
struct Rows {
  std::vector<Row<T>> rows;   // ascending ids
  std::optional<Id128> next;  // the id to go on from; nullopt: that was all
};

/// What a scan finds that goes past what does not open: for lists, exports, holds and the scrub, which must
/// not be taken away whole by one row.
template <typename T>
struct ReadableRows {
  std::vector<Row<T>> rows;       // ascending ids
  std::vector<Id128> unreadable;  // rows that do not open, ascending
  std::vector<Id128> gaps;        // stretches of the disk that do not read: each begins at that id or later
  std::optional<Id128> next;      // the id to go on from; nullopt: that was all
  /// At least so many are not in `rows`, a gap counted as one.
  [[nodiscard]] size_t missing() const { return unreadable.size() + gaps.size(); }
};

/// Of a row of an operation: it is there and does not read, so it is replaced as it is, without a guard.
inline constexpr uint64_t kDoesNotRead = ~uint64_t{0};

/// Whether a person whose erasure is under way reads as erased (kLive: nothing is there) or still opens
/// (kFrozen: for who erases her, and for followers).
enum class View { kLive, kFrozen };

/// Where a duplicate mark leads.
struct DuplicateOf {
  Id128 document;
  uint32_t version = 0;
};

/// A generation of a person's key, wrapped (format/paper_keys.h).
struct WrappedPersonKey {
  uint32_t generation = 0;
  Stored<std::string> wrapped;
};

/// An upload under way, as the derived list of all of them has it.
struct OpenUpload {
  Id128 upload;
  Id128 person;
  Id128 document;
  uint32_t version = 0;
  uint64_t size = 0;
  std::string depositor;  // institution
};

/// Which list of an institution's a pointer is in.
enum class PointerKind { kShared, kAsked };

/// Thread-safe. Reads are synchronous and see every acknowledged commit; they may wait for the disk (not on
/// gRPC's threads: ResumeOn). Getters: nullopt when there is none or the person is erased (by `view`);
/// DATA_LOSS when a row does not open or parse: nothing of it is used.
///
/// Put… adds to a commit the new value and the precondition that nobody changed it since it was read
/// (`version` 0: that nobody made it); Guard… adds the precondition alone; Remove… the deletion and the
/// precondition. All set `commit.partition`. One commit names a key once: never guard what is put or removed
/// too. A sealed row of a person who never had a leaf needs a leaf about her in the same commit
/// (common/audit/subject_keys.h). FAILED_PRECONDITION (audit::IsErased) from Put… when she is erased.
class VaultStore {
 public:
  explicit VaultStore(const rpc::ServiceContext& context)
      : context_(context), rows_(context.log.DeriveKey(kRowKeyInfo), context.random) {}

  [[nodiscard]] static storage::Partition PersonPartition(const Id128& person) {
    return {storage::PartitionKind::kPerson, person};
  }
  /// Of the bytes of one version; the id is the upload's.
  [[nodiscard]] static storage::Partition ContentPartition(const Id128& content) {
    return {storage::PartitionKind::kDocument, content};
  }
  [[nodiscard]] static audit::Subject SubjectOf(const Id128& person) {
    return {audit::Subject::Kind::kPerson, person};
  }

  // ---- one row
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredDocument>>> Document(
      const Id128& person, const Id128& id, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredUpload>>> Upload(const Id128& person,
                                                                               const Id128& id,
                                                                               View view = View::kLive) const;
  /// Of an upload that is over; nullopt while it is under way, and of one that there never was.
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredUploadEnd>>> UploadEnd(const Id128& person,
                                                                                     const Id128& id) const;
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredShare>>> Share(const Id128& person,
                                                                             const Id128& id,
                                                                             View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredRequest>>> Request(
      const Id128& person, const Id128& id, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredHost>>> Host(const Id128& person,
                                                                           std::string_view institution,
                                                                           View view = View::kLive) const;
  /// An empty one, version 0, when there is none or she is erased.
  [[nodiscard]] absl::StatusOr<Stored<v1::StoredUsage>> Usage(const Id128& person,
                                                              View view = View::kLive) const;

  // ---- all rows of a kind, from an id on; `limit` 1 to 1000
  [[nodiscard]] absl::StatusOr<Rows<v1::StoredDocument>> Documents(const Id128& person, const Id128& from,
                                                                   size_t limit,
                                                                   View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<Rows<v1::StoredUpload>> Uploads(const Id128& person, const Id128& from,
                                                               size_t limit, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<Rows<v1::StoredShare>> Shares(const Id128& person, const Id128& from,
                                                             size_t limit, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<Rows<v1::StoredRequest>> Requests(const Id128& person, const Id128& from,
                                                                 size_t limit, View view = View::kLive) const;
  struct HostRow {
    std::string institution;
    Stored<v1::StoredHost> stored;
  };
  /// The institution that a key of such a row names, after its prefix; nullopt: none.
  [[nodiscard]] std::optional<std::string> InstitutionIn(const Id128& person, std::string_view name) const;
  /// All of them: a person has few.
  [[nodiscard]] absl::StatusOr<std::vector<HostRow>> Hosts(const Id128& person,
                                                           View view = View::kLive) const;

  // ---- the same past what does not open: no DATA_LOSS
  [[nodiscard]] absl::StatusOr<ReadableRows<v1::StoredDocument>> ReadableDocuments(
      const Id128& person, const Id128& from, size_t limit, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<ReadableRows<v1::StoredShare>> ReadableShares(const Id128& person,
                                                                             const Id128& from, size_t limit,
                                                                             View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<ReadableRows<v1::StoredRequest>> ReadableRequests(
      const Id128& person, const Id128& from, size_t limit, View view = View::kLive) const;
  [[nodiscard]] absl::StatusOr<ReadableRows<v1::StoredUpload>> ReadableUploads(const Id128& person,
                                                                               const Id128& from,
                                                                               size_t limit,
                                                                               View view = View::kLive) const;
  struct ReadableHostRows {
    std::vector<HostRow> rows;
    std::vector<std::string> unreadable;  // institutions; "" where the key does not tell it either
    size_t gaps = 0;
  };
  [[nodiscard]] absl::StatusOr<ReadableHostRows> ReadableHosts(const Id128& person,
                                                               View view = View::kLive) const;
  /// How many of her rows do not read or, whatever their kind, do not open: a gap counted as one. Whether
  /// papers' records open is not looked at.
  [[nodiscard]] absl::StatusOr<uint64_t> UnreadableRows(const Id128& person) const;

  // ---- changes of the person's rows
  absl::Status PutDocument(const Id128& person, const Id128& id, const Stored<v1::StoredDocument>& document,
                           storage::CommitRequest& commit) const;
  absl::Status PutUpload(const Id128& person, const Id128& id, const Stored<v1::StoredUpload>& upload,
                         storage::CommitRequest& commit) const;
  absl::Status PutShare(const Id128& person, const Id128& id, const Stored<v1::StoredShare>& share,
                        storage::CommitRequest& commit) const;
  absl::Status PutRequest(const Id128& person, const Id128& id, const Stored<v1::StoredRequest>& request,
                          storage::CommitRequest& commit) const;
  /// `version` kDoesNotRead: whatever is there is replaced, without a guard.
  absl::Status PutHost(const Id128& person, std::string_view institution, const Stored<v1::StoredHost>& host,
                       storage::CommitRequest& commit) const;
  /// `version` kDoesNotRead: whatever is there is replaced, without a guard.
  absl::Status PutUsage(const Id128& person, const Stored<v1::StoredUsage>& usage,
                        storage::CommitRequest& commit) const;
  /// The version of the row of her sums, whatever it says: kDoesNotRead where the disk does not tell, 0 when
  /// there is none.
  [[nodiscard]] absl::StatusOr<uint64_t> UsageVersion(const Id128& person) const;
  /// Of the row that each act puts which meets sums that do not open (sums.h), so that none misses another.
  [[nodiscard]] absl::StatusOr<uint64_t> AnewVersion(const Id128& person) const;
  static void PutAnew(const Id128& person, uint64_t version, storage::CommitRequest& commit);
  /// The upload is over: its row goes, and what became of it stays.
  absl::Status EndUpload(const Id128& person, const Id128& id, const Stored<v1::StoredUpload>& upload,
                         v1::Upload::State state, std::string_view reason,
                         storage::CommitRequest& commit) const;

  static void GuardDocument(const Id128& person, const Id128& id, uint64_t version,
                            storage::CommitRequest& commit);
  static void GuardShare(const Id128& person, const Id128& id, uint64_t version,
                         storage::CommitRequest& commit);
  void GuardHost(const Id128& person, std::string_view institution, uint64_t version,
                 storage::CommitRequest& commit) const;
  static void GuardUsage(const Id128& person, uint64_t version, storage::CommitRequest& commit);

  // ---- her keys, wrapped; not sealed besides. A frozen person's are there until they are removed.
  [[nodiscard]] absl::StatusOr<std::optional<Stored<std::string>>> PersonKey(const Id128& person,
                                                                             uint32_t generation) const;
  /// Ascending generations.
  [[nodiscard]] absl::StatusOr<std::vector<WrappedPersonKey>> PersonKeys(const Id128& person) const;
  static void PutPersonKey(const Id128& person, const WrappedPersonKey& key, storage::CommitRequest& commit);
  static void RemovePersonKey(const Id128& person, uint32_t generation, uint64_t version,
                              storage::CommitRequest& commit);

  // ---- duplicate marks (format/paper_keys.h, DuplicateMark)
  [[nodiscard]] absl::StatusOr<std::optional<Stored<DuplicateOf>>> Duplicate(const Id128& person,
                                                                             std::string_view mark) const;
  struct DuplicateRow {
    std::string mark;
    Stored<DuplicateOf> stored;
  };
  /// From a mark on (empty: the first), at most `limit`; fewer: that was all. Go on from the last mark and a
  /// zero byte.
  [[nodiscard]] absl::StatusOr<std::vector<DuplicateRow>> Duplicates(const Id128& person,
                                                                     std::string_view from,
                                                                     size_t limit) const;
  struct ReadableDuplicateRows {
    std::vector<DuplicateRow> rows;
    std::vector<DuplicateRow> unreadable;  // marks that lead nowhere: their versions count
    std::string next;                      // the mark to go on from; empty: that was all
  };
  /// The same past what does not read.
  [[nodiscard]] absl::StatusOr<ReadableDuplicateRows> ReadableDuplicates(const Id128& person,
                                                                         std::string_view from,
                                                                         size_t limit) const;
  static void PutDuplicate(const Id128& person, std::string_view mark, const Stored<DuplicateOf>& duplicate,
                           storage::CommitRequest& commit);
  static void RemoveDuplicate(const Id128& person, std::string_view mark, uint64_t version,
                              storage::CommitRequest& commit);

  // ---- derived: what an institution finds (kept by cleaning.h)
  struct PointerRow {
    Id128 id;  // of the share or the request
    Stored<v1::InstitutionPointer> stored;
  };
  struct PointerRows {
    std::vector<PointerRow> rows;
    std::optional<Id128> next;
  };
  [[nodiscard]] absl::StatusOr<PointerRows> Pointers(PointerKind kind, std::string_view institution,
                                                     const Id128& from, size_t limit) const;
  /// The same past what does not open: no DATA_LOSS.
  [[nodiscard]] absl::StatusOr<ReadableRows<v1::InstitutionPointer>> ReadablePointers(
      PointerKind kind, std::string_view institution, const Id128& from, size_t limit) const;
  /// Not guarded: the row says what the leaf says. nullopt removes it.
  [[nodiscard]] storage::CommitRequest SetPointer(PointerKind kind, std::string_view institution,
                                                  const Id128& id,
                                                  const std::optional<v1::InstitutionPointer>& pointer) const;

  /// What an institution has deposited: derived, so what is under way may lack.
  [[nodiscard]] absl::StatusOr<Stored<v1::InstitutionUsage>> InstitutionUsage(
      std::string_view institution) const;
  /// What one upload counts for there, from its beginning on. kNone: nothing any more.
  enum class Counted { kNone, kReserved, kKept };
  /// An upload and the version it makes: several may be made at a time of which one is kept.
  struct CountedText {
    Id128 document;
    uint32_t version = 0;
    Id128 upload;
  };
  struct CountedChange {
    CountedText text;
    uint64_t size = 0;  // bytes
    Counted counted = Counted::kNone;
  };
  struct Counts {
    std::optional<storage::CommitRequest> commit;  // nullopt: all count so already
    /// For each that was given. DATA_LOSS: what it counts for does not read, and is left as it is.
    std::vector<absl::Status> each;
  };
  /// The commit that makes them count so, in that order, once however often it is asked for. Committing it is
  /// ABORTED when somebody was faster.
  [[nodiscard]] absl::StatusOr<Counts> CountFor(std::string_view institution,
                                                const std::vector<CountedChange>& changes) const;
  struct CountedRow {
    CountedText text;
    Counted counted = Counted::kNone;
  };
  /// What counts there of a paper, whichever version.
  [[nodiscard]] absl::StatusOr<std::vector<CountedRow>> CountedTexts(std::string_view institution,
                                                                     const Id128& document) const;

  // ---- derived: papers by the day on which they expire (D-3.7)
  /// Not guarded.
  [[nodiscard]] storage::CommitRequest SetExpiry(absl::CivilDay day, const Id128& person,
                                                 const Id128& document, bool present) const;
  struct ExpiryRows {
    std::vector<v1::ExpiryPointer> rows;
    std::string next;  // where to go on; empty: that was all
  };
  /// Papers whose last day is `day`, by the keys, which say all. A pointer may be stale: look at the paper.
  /// What does not read is passed over.
  [[nodiscard]] absl::StatusOr<ExpiryRows> Expiries(absl::CivilDay day, std::string_view from,
                                                    size_t limit) const;

  /// Under which days her papers are listed, or were: in her partition, not under her keys, so that every
  /// pointer is found once a day has changed or she is erased. Noted before the pointer is made and dropped
  /// after it went.
  struct ListedDay {
    Id128 document;
    absl::CivilDay day;
  };
  /// Of one paper, or of all. What is no such row, or does not read, is passed over.
  [[nodiscard]] absl::StatusOr<std::vector<ListedDay>> ListedDays(const Id128& person,
                                                                  const std::optional<Id128>& document) const;
  /// Not guarded.
  [[nodiscard]] storage::CommitRequest SetListedDay(const Id128& person, const ListedDay& listed,
                                                    bool present) const;

  // ---- derived: hosts that are SUSPENDED, of everybody (kept by cleaning.h; ADR 51)
  struct UnjudgedHost {
    Id128 person;
    std::string institution;
  };
  struct UnjudgedHosts {
    std::vector<UnjudgedHost> rows;
    std::string next;  // where to go on; empty: that was all
  };
  /// `person` nullopt: everybody's. A row may be stale: look at the host. What is no such row, or does not
  /// read, is passed over.
  [[nodiscard]] absl::StatusOr<UnjudgedHosts> Unjudged(const std::optional<Id128>& person,
                                                       std::string_view from, size_t limit) const;
  /// Not guarded.
  [[nodiscard]] storage::CommitRequest SetUnjudged(const UnjudgedHost& host, bool present) const;

  // ---- derived: uploads under way, of everybody
  struct OpenUploadRows {
    std::vector<OpenUpload> rows;   // ascending ids
    std::vector<Id128> unreadable;  // uploads whose row does not open: whose they are it does not tell
    size_t gaps = 0;                // stretches of the disk that do not read
    std::optional<Id128> next;      // the id to go on from; nullopt: that was all
  };
  /// Past what does not open: no DATA_LOSS.
  [[nodiscard]] absl::StatusOr<OpenUploadRows> OpenUploads(const Id128& from, size_t limit) const;
  [[nodiscard]] absl::StatusOr<std::optional<OpenUpload>> OpenUploadOf(const Id128& upload) const;
  [[nodiscard]] storage::CommitRequest SetOpenUpload(const OpenUpload& upload, bool present) const;

  // ---- one row each: operations. An empty one, version 0, when there is none. Put… set the partition. A
  // scrub's that does not read is as none, version kDoesNotRead: it must not keep the next one from
  // beginning.
  [[nodiscard]] absl::StatusOr<Stored<v1::StoredRotation>> Rotation() const;
  [[nodiscard]] absl::StatusOr<Stored<v1::StoredScrub>> Scrub() const;
  [[nodiscard]] absl::StatusOr<Stored<v1::StoredClosure>> Closure() const;
  void PutRotation(const Stored<v1::StoredRotation>& rotation, storage::CommitRequest& commit) const;
  void PutScrub(const Stored<v1::StoredScrub>& scrub, storage::CommitRequest& commit) const;
  void PutClosure(const Stored<v1::StoredClosure>& closure, storage::CommitRequest& commit) const;

  /// Persons who have a partition here, in order of their ids, from `from` on; for what looks at everybody.
  [[nodiscard]] absl::StatusOr<std::vector<Id128>> Persons(const Id128& from, size_t limit) const;
  /// The same past what does not read.
  struct ReadablePersons {
    std::vector<Id128> persons;
    std::vector<Id128> gaps;  // each begins at that id or later
    std::optional<Id128> next;
  };
  [[nodiscard]] absl::StatusOr<ReadablePersons> PersonsThatRead(const Id128& from, size_t limit) const;

  /// Remembers requests in her partition under the caller's name (common/rpc/idempotency.h).
  [[nodiscard]] absl::StatusOr<rpc::Idempotency::Seen> Seen(const Id128& person, const rpc::Call& call,
                                                            const rpc::Actor& actor, std::string_view method,
                                                            std::string_view request_id,
                                                            const google::protobuf::Message& content) const;

  /// The same of an act about `given` that is done under another name of hers: a request_id of the one name
  /// says nothing about the same one of the other.
  [[nodiscard]] absl::StatusOr<rpc::Idempotency::Seen> SeenUnder(
      const Id128& name, const Id128& given, const rpc::Call& call, const rpc::Actor& actor,
      std::string_view method, std::string_view request_id, const google::protobuf::Message& content) const;

  /// What is sealed under no person's keys: names in keys, derived rows, heads of texts.
  [[nodiscard]] const RowSeal& rows() const { return rows_; }
  /// What such a value is bound to.
  [[nodiscard]] static std::string RowOf(const storage::Partition& partition, std::string_view key) {
    return partition.Encode() + "/" + std::string(key);
  }

 private:
  /// Of a host, in her partition and in the list of those that are suspended.
  [[nodiscard]] std::string HostName(const Id128& person, std::string_view institution) const;
  [[nodiscard]] std::string HostKey(const Id128& person, std::string_view institution) const;
  [[nodiscard]] std::string ListedDayKey(const ListedDay& listed) const;
  [[nodiscard]] std::optional<ListedDay> ListedDayIn(std::string_view key) const;
  absl::StatusOr<std::optional<std::string>> OpenValue(const storage::Partition& partition,
                                                       std::string_view key,
                                                       const std::optional<storage::Entry>& entry) const;
  storage::CommitRequest SetSealed(const storage::Partition& partition, std::string key,
                                   const std::optional<std::string>& value) const;
  template <typename T>
  absl::StatusOr<std::optional<Stored<T>>> Get(const Id128& person, const std::string& key, View view) const;
  template <typename T>
  absl::StatusOr<Rows<T>> Scan(const Id128& person, std::string_view prefix, const Id128& from, size_t limit,
                               View view) const;
  template <typename T>
  absl::StatusOr<ReadableRows<T>> ScanReadable(const Id128& person, std::string_view prefix,
                                               const Id128& from, size_t limit, View view) const;
  template <typename T>
  absl::StatusOr<std::optional<Stored<T>>> OpenRow(const Id128& person, std::string_view key,
                                                   const storage::Entry& entry, View view) const;
  absl::StatusOr<bool> Opens(const Id128& person, const storage::KeyedEntry& entry) const;
  template <typename T>
  absl::Status Put(const Id128& person, const std::string& key, const Stored<T>& stored,
                   storage::CommitRequest& commit) const;
  absl::StatusOr<std::optional<std::string>> Open(const Id128& person, std::string_view key,
                                                  std::string_view sealed, View view) const;

  const rpc::ServiceContext& context_;
  const RowSeal rows_;
};

/// Id128 from bytes of a stored message. DATA_LOSS when they are no id.
[[nodiscard]] absl::StatusOr<Id128> IdOf(std::string_view bytes);

}  // namespace relais::vault
