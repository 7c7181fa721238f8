// Where the registry keeps what it knows: partitions, keys and seals. Formats: state.proto.
//
//   person               "state"               sealed StoredPerson; its version guards every act and every
//   check
//                        "record/<institution>" sealed StoredRecord
//                        "consent/<id>"        sealed Consent, complete
//                        "duty/<institution>"  sealed StoredDuty (duties.h)
//                        "team", "sent/<institution>"  sealed, by routing's log (teams.h)
//                        "withheld/<event id>"  sealed StoredReview (handlers/withheld_rows.h)
//                        "req/…"               requests remembered (common/rpc/idempotency.h)
//   bucket of a name     "claim"               PersonClaim: (institution, own identifier or sender record) →
//   person bucket of a digest   "state"               ObjectionOnRecord
//                        "p/<person id>"       persons whose record has this digest
//                        "e/<event id>"        EventApplied
//   bucket of a request  "req/…"               ClaimedAct, for requests that name no partition
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/id128.h"
#include "common/rpc/service_context.h"
#include "common/storage/store.h"
#include "google/protobuf/message_lite.h"
#include "relais/consent/v1/state.pb.h"
#include "services/consent/domain/links.h"
#include "services/consent/person_cache.h"

namespace relais::consent {

inline constexpr std::string_view kStateKey = "state";
inline constexpr std::string_view kClaimKey = "claim";
inline constexpr std::string_view kPersonPrefix = "p/";
inline constexpr std::string_view kRecordPrefix = "record/";
inline constexpr std::string_view kConsentPrefix = "consent/";
inline constexpr std::string_view kNamesPrefix = "of/";

storage::Partition PersonPartition(const Id128& person);
audit::Subject PersonSubject(const Id128& person);
std::string RecordKey(std::string_view institution);
std::string ConsentKey(const Id128& consent);
std::string PersonRow(const Id128& person);
std::string EventRow(const Id128& event);
/// In the partition of who stays: sealed by her, what leaves with that link.
std::string SplitKey(const Id128& link);
/// Before the keys of rows in the partition of another person that are hers by name.
std::string NamePrefix(const Id128& person);
/// The key of a row of hers in the partition `root`, where she is linked.
std::string RowKey(const Id128& root, const Id128& person, const std::string& key);

/// One record's objection: a bucket for each (supplier, key version, digest).
struct RecordName {
  std::string supplier;
  uint32_t key_version = 0;
  std::string digest;  // 32 bytes
  friend bool operator==(const RecordName&, const RecordName&) = default;
};

/// Try again later: lost the race for a person's partition too often, or she cannot be read as one just now.
/// The same words for both: who is being linked, split or erased with somebody is nobody's to know.
absl::Status TooContended();

class Store;

/// What a step that is nobody's handler works with.
struct Files {
  const rpc::ServiceContext& context;
  Store& store;
};

/// Thread-safe. Reads are synchronous.
class Store {
 public:
  /// What `PersonCache` may hold.
  Store(const rpc::ServiceContext& context, size_t cached_persons, size_t packed_bytes);

  /// Her state from the cache or the store; NO_SUCH_OR_NOT_YOURS when there is no such person, or she is
  /// erased. Of linked persons: their histories together (domain/links.h), guarded by one version.
  absl::StatusOr<VersionedState> Load(const Id128& person);
  /// Of the cache alone; a null state: not there.
  [[nodiscard]] VersionedState Cached(const Id128& person);
  /// Her own stored history, whoever she is linked to. Not for decisions.
  absl::StatusOr<VersionedState> LoadOwn(const Id128& person);
  /// Herself first, then everybody who is one human with her.
  absl::StatusOr<std::vector<Id128>> GroupOf(const Id128& person);
  /// A row of acts of hers or of anybody who is one human with her, wherever it was written; the newest.
  /// False: there is none.
  absl::StatusOr<bool> OpenRow(const Id128& person, const std::string& key,
                               google::protobuf::MessageLite& out);
  /// The same of this name of hers alone.
  absl::StatusOr<bool> OpenRowOfName(const Id128& person, const std::string& key,
                                     google::protobuf::MessageLite& out);
  /// Whether somebody who is being erased has that link in her list, going on or not: whom it links waits
  /// until she is given what is hers (leaving_erased.h).
  absl::StatusOr<bool> ListsWhileErased(const Id128& person, const Id128& link);
  /// From the store, whatever the cache has. OVERLOADED: she is being linked or split all the time, or
  /// somebody who is one human with her is being erased without her, by a restore, and has not left her yet:
  /// then nothing is decided.
  absl::StatusOr<VersionedState> LoadFresh(const Id128& person);
  /// To be held during a commit that changes her state.
  [[nodiscard]] PersonCache& cache() { return cache_; }

  /// For what a history is written, in the order in which they stop: each leaves room for those after it,
  /// counted over all histories that are read together. What is counted is the file and what the withdrawal
  /// of each of its agreements by its number will add, so that this has its room from the start (ADR 76).
  enum class Room {
    kLongNoes,     // a no that adds more than 1 KiB
    kLets,         // agreements, renewals, information: with a share for each institution
    kNoes,         // a shorter no
    kEmergencies,  // within the share too; what lifts an objection, ends a restriction
    kActs,         // an objection about a record; what judges, ends or corrects
    kWholeNoes,    // of what is whole: see RoomOf; her own objections; restrictions
    kLinks,        // what links, parts or forgets
  };
  /// Of a no that joins `before`, as that history has it then (origin, what it keeps). Whole are the first
  /// withdrawal of an agreement by its number and without lines of its own, and a no to everything
  /// where something was let since the last such no (of that kind, under that name).
  [[nodiscard]] static Room RoomOf(const PersonState& before, const Denial& denial);
  /// The mutation that writes it. RESOURCE_EXHAUSTED when her file has no room left for that, or, of what
  /// lets something be shared, when `institution` has its share of it and this is no renewal. `before`: what
  /// it was before the act: what takes no more than was kept for it has room, and a no to a file that an
  /// earlier build filled further than any room goes is judged by the bytes of the file alone. The person's
  /// key must exist or be drafted for this commit.
  absl::StatusOr<storage::Mutation> WriteState(const Id128& person, const PersonState& state,
                                               Room room = Room::kActs, std::string_view institution = {},
                                               const PersonState* before = nullptr);
  /// Whether the two may be read together, with room left for her noes to everything.
  [[nodiscard]] static bool MayLink(const PersonState& united, const PersonState& other);
  absl::StatusOr<storage::Mutation> WriteSealed(const Id128& person, std::string key,
                                                const google::protobuf::MessageLite& message);
  absl::StatusOr<std::string> Seal(const Id128& person, std::string_view key,
                                   const google::protobuf::MessageLite& message);
  absl::Status Open(const Id128& person, std::string_view key, std::string_view sealed,
                    google::protobuf::MessageLite& out);
  /// The same of a person whose erasure is under way, for who erases her. NOT_FOUND once she is erased.
  absl::Status OpenFrozen(const Id128& person, std::string_view key, std::string_view sealed,
                          google::protobuf::MessageLite& out);
  /// Nullopt when that institution has none of her.
  absl::StatusOr<std::optional<v1::StoredRecord>> ReadRecord(const Id128& person,
                                                             std::string_view institution);

  [[nodiscard]] storage::Partition OwnIdentifierBucket(std::string_view institution,
                                                       std::string_view name) const;
  [[nodiscard]] storage::Partition SenderRecordBucket(std::string_view institution,
                                                      std::string_view record) const;
  [[nodiscard]] storage::Partition RequestBucket(std::string_view method, std::string_view institution,
                                                 std::string_view request_id) const;
  [[nodiscard]] storage::Partition ObjectionBucket(const RecordName& record) const;
  /// Who is claimed there; nullopt: nobody yet. NO_SUCH_OR_NOT_YOURS: somebody who is erased.
  absl::StatusOr<std::optional<Id128>> ReadClaim(const storage::Partition& bucket) const;
  /// Claims a name that nobody has for her.
  [[nodiscard]] storage::CommitRequest ClaimFor(const storage::Partition& bucket, const Id128& person) const;
  /// Frees a name again; nullopt when it is not hers.
  absl::StatusOr<std::optional<storage::CommitRequest>> Unclaim(const storage::Partition& bucket,
                                                                const Id128& person) const;

 private:
  struct Row {
    Id128 name;  // whose key seals it
    storage::Entry entry;
  };
  absl::Status FindRow(const Id128& holder, const Id128& name, const std::string& key,
                       std::optional<Row>& newest) const;
  absl::Status FindRowOfName(const Id128& root, const Id128& name, const std::string& key,
                             std::optional<Row>& newest) const;
  absl::StatusOr<bool> OpenFound(const std::string& key, const std::optional<Row>& row,
                                 google::protobuf::MessageLite& out);
  // From one person to whose partition guards her.
  struct Path {
    Id128 at;                           // who that is
    VersionedState root = {};           // hers alone
    std::vector<FrozenHistory> frozen;  // on the way
    uint64_t ticket = 0;                // for `at`, from before she was read
    bool unfinished = false;
  };
  absl::StatusOr<Path> PathOf(const Id128& person);
  absl::StatusOr<std::optional<VersionedState>> ReadUnited(const Id128& person);
  // What leaves with that link and is not taken yet; nullopt: it is, or somebody is erased.
  absl::StatusOr<std::optional<PersonState>> ReadWaiting(const Id128& at, const Id128& link);

  const rpc::ServiceContext& context_;
  PersonCache cache_;
};

}  // namespace relais::consent
