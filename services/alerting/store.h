// Alerting's partitions, typed: reference claims, sender records with their rows, alerts, and the desks'
// lists.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/service_context.h"
#include "relais/alerting/v1/state.pb.h"

namespace relais::alerting {

template <typename T>
struct Stored {
  T value;
  uint64_t version = 0;  // 0: not there yet
};

/// Thread-safe. Records, rows and alerts are sealed under the sender record's audit key: what is erased there
/// is gone everywhere here.
class AlertingStore {
 public:
  explicit AlertingStore(const rpc::ServiceContext& context) : context_(context) {}

  [[nodiscard]] storage::Partition ClaimPartition(std::string_view institution,
                                                  std::string_view reference) const {
    return context_.idempotency.Bucket("reference", institution, reference);
  }
  static storage::Partition RecordPartition(const Id128& record) {
    return {storage::PartitionKind::kSenderRecord, record};
  }
  static storage::Partition AlertPartition(const Id128& alert) {
    return {storage::PartitionKind::kAlert, alert};
  }
  static audit::Subject SubjectOf(const Id128& record) {
    return {audit::Subject::Kind::kSenderRecord, record};
  }

  /// One per partition, in order; version 0 where there is none.
  absl::StatusOr<std::vector<Stored<v1::ReferenceClaim>>> Claims(
      const std::vector<storage::Partition>& partitions) const;
  static void PutClaim(const Stored<v1::ReferenceClaim>& claim, storage::CommitRequest& commit);

  struct StoredRecord : Stored<v1::RecordState> {
    std::optional<v1::ErasedRecord> erased;  // it is being erased, or was: its successor counts
  };
  absl::StatusOr<StoredRecord> Record(const Id128& record) const;
  /// The record that counts where this one did: itself, or after an erasure its successor. Of one that does
  /// not exist yet (version 0) the objection that it takes over (D-1.6).
  struct CurrentRecord {
    Id128 id;
    Stored<v1::RecordState> stored;
  };
  absl::StatusOr<CurrentRecord> Current(Id128 record) const;
  /// In place of the record's state, from its erasure on. With the precondition that nobody changed it.
  static void PutErased(const v1::ErasedRecord& erased, const Id128& record, uint64_t version,
                        storage::CommitRequest& commit);
  /// The record, row or alert of a record that is being erased: as Record, Row and Alert, for who erases it.
  /// Nullopt: not there, or not to be opened any more.
  absl::StatusOr<std::optional<v1::RecordState>> FrozenRecord(const Id128& record) const;
  absl::StatusOr<std::optional<v1::RowState>> OpenFrozenRow(const Id128& record, std::string_view key,
                                                            std::string_view value) const;
  absl::StatusOr<std::optional<v1::AlertState>> FrozenAlert(const Id128& record, const Id128& alert) const;

  /// Sender records under which a person was registered: derived rows of her partition. Not the vault's
  /// record of her, which is known by its id.
  static storage::Partition PersonPartition(const Id128& person) {
    return {storage::PartitionKind::kPerson, person};
  }
  static storage::CommitRequest LinkToPerson(const Id128& person, const Id128& sender_record);
  absl::StatusOr<std::vector<Id128>> RecordsOf(const Id128& person) const;
  /// The record of her in which reminders are kept (reminders.h): made of her id, so that nobody else's can
  /// be hers, and that no row has to say that it is. Unlike an institution's record it has no successor: it
  /// is erased with her alone.
  [[nodiscard]] Id128 VaultRecordOf(const Id128& person) const;
  /// Who was registered under a record that is hers alone: derived rows of its partition. Guarded by what the
  /// record was read at: none is left behind in one that is being erased.
  static storage::CommitRequest NameInRecord(const Id128& sender_record, uint64_t version,
                                             const Id128& person);
  absl::StatusOr<std::vector<Id128>> PersonsOf(const Id128& sender_record) const;
  absl::Status PutRecord(const Stored<v1::RecordState>& state, const Id128& record,
                         storage::CommitRequest& commit) const;

  /// Keys of a record's rows: this, then the row's id.
  static constexpr std::string_view kRowPrefix = "row/";
  /// The row of such a key.
  static absl::StatusOr<Id128> RowOf(std::string_view key) {
    return Id128::FromBytes(key.substr(kRowPrefix.size()));
  }
  absl::StatusOr<std::optional<v1::RowState>> Row(const Id128& record, const Id128& row) const;
  /// Accepted rows of a record in order of their ids, at most `limit`; none of one that is being erased.
  struct RowPage {
    std::vector<v1::RowState> rows;
    std::string next;  // key to go on from; empty: no more
  };
  absl::StatusOr<RowPage> RowsOf(const Id128& record, std::string_view from, size_t limit) const;
  /// The reminders of a record, in order of their ids; rows that do not open are left out, and so are those
  /// of a record that is being erased.
  struct StoredReminder {
    Id128 row;
    uint64_t version = 0;
    v1::RowState state;
  };
  absl::StatusOr<std::vector<StoredReminder>> Reminders(const Id128& record) const;
  /// What stands in a row's place: a row, nothing (version 0), or a mark that the reference went to another
  /// record.
  struct RowPlace {
    uint64_t version = 0;
    bool accepted = false;
  };
  absl::StatusOr<RowPlace> PlaceOf(const Id128& record, const Id128& row) const;
  /// Adds the row and the precondition that its place is as it was read.
  absl::Status PutRow(const v1::RowState& state, const Id128& record, const Id128& row, uint64_t version,
                      storage::CommitRequest& commit) const;
  /// Marks the place, so that whoever was about to put a row there fails and reads its claim again.
  static storage::CommitRequest GiveUpRow(const Id128& record, const Id128& row, uint64_t version);

  /// nullopt when there is none or its record is erased.
  absl::StatusOr<std::optional<Stored<v1::AlertState>>> Alert(const Id128& alert) const;
  absl::Status PutAlert(const Stored<v1::AlertState>& state, const Id128& alert,
                        storage::CommitRequest& commit) const;

  /// A desk's list: derived rows, newest first.
  [[nodiscard]] storage::CommitRequest ListAt(std::string_view desk, absl::Time raised,
                                              const Id128& alert) const;
  [[nodiscard]] storage::CommitRequest TakeFromList(std::string_view desk, absl::Time raised,
                                                    const Id128& alert) const;
  struct DeskPage {
    std::vector<Id128> alerts;
    std::string next;  // key to go on from; empty: no more
  };
  absl::StatusOr<DeskPage> ListOf(std::string_view desk, std::string_view from, size_t limit) const;

 private:
  absl::StatusOr<std::optional<std::string>> OpenFrozen(const Id128& record,
                                                        const storage::Partition& partition,
                                                        std::string_view key, std::string_view sealed) const;
  absl::StatusOr<std::optional<std::string>> Open(const Id128& record, const storage::Partition& partition,
                                                  std::string_view key, std::string_view sealed) const;
  absl::StatusOr<std::string> Seal(const Id128& record, const storage::Partition& partition,
                                   std::string_view key, std::string_view plain) const;

  const rpc::ServiceContext& context_;
};

}  // namespace relais::alerting
