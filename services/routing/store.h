// Routing's partitions, typed: messages, pivot slots, and the derived inbox pointers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/service_context.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

template <typename T>
struct Stored {
  T value;
  uint64_t version = 0;  // 0: not there yet
};

/// Thread-safe. Values with anything personal are sealed under the person's audit key; an erased person's are
/// gone. Notices to a DPO, about no person, are sealed under a key of the log's own.
class RoutingStore {
 public:
  explicit RoutingStore(const rpc::ServiceContext& context) : context_(context) {}

  static storage::Partition MessagePartition(const Id128& message) {
    return {storage::PartitionKind::kMessage, message};
  }
  static storage::Partition PersonPartition(const Id128& person) {
    return {storage::PartitionKind::kPerson, person};
  }

  /// nullopt when there is none or its person is erased.
  absl::StatusOr<std::optional<Stored<v1::MessageState>>> Message(const Id128& message) const;
  /// The same of a person whose erasure is under way, for who erases her.
  absl::StatusOr<std::optional<v1::MessageState>> FrozenMessage(const Id128& message) const;
  /// The message if it is a notice to a DPO, about no person.
  absl::StatusOr<std::optional<v1::MessageState>> Notice(const Id128& message) const;
  /// Her slot while her erasure is under way too; nullopt when there is none or it opens no more.
  absl::StatusOr<std::optional<v1::PersonSlot>> FrozenSlot(const Id128& person) const;
  /// An empty slot when there is none.
  absl::StatusOr<Stored<v1::PersonSlot>> Slot(const Id128& person) const;

  /// Whether there is a message, also one that is being erased.
  absl::StatusOr<bool> Has(const Id128& message) const;
  /// When a message was pulled back that had not come; nullopt: it was not.
  absl::StatusOr<std::optional<absl::Time>> TakenBackAt(const Id128& message) const;
  /// Notes that, with the preconditions that it has not come, and was not pulled back before.
  static storage::CommitRequest NoteTakenBack(const Id128& message, absl::Time now);

  /// Adds to a commit the new value and the precondition that nobody changed it since it was read; of a new
  /// one, that it was not pulled back before it came.
  absl::Status PutMessage(const Stored<v1::MessageState>& message, const Id128& id,
                          storage::CommitRequest& commit) const;
  absl::Status PutSlot(const Stored<v1::PersonSlot>& slot, const Id128& person,
                       storage::CommitRequest& commit) const;

  /// Messages of a person that are not delivered yet: derived rows "msg/<id>" of her partition.
  absl::StatusOr<std::vector<Id128>> UndeliveredOf(const Id128& person) const;
  static storage::CommitRequest LinkToPerson(const Id128& person, const Id128& message, bool present);
  /// Notices about a référent of hers, which are about nobody but go with her: rows "note/<id>".
  absl::StatusOr<std::vector<Id128>> NoticesOf(const Id128& person) const;
  static storage::CommitRequest NoteNotice(const Id128& person, const Id128& message);

 private:
  absl::StatusOr<std::optional<v1::MessageState>> OpenMessage(const storage::Partition& partition,
                                                              std::string_view value, bool frozen) const;

  const rpc::ServiceContext& context_;
};

}  // namespace relais::routing
