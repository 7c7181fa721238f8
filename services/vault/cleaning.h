// What the vault makes of its own log, in other partitions than the act's: bytes that no record holds any
// more go, and the derived lists follow (README, "Acts and commits").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "common/audit/follower.h"
#include "relais/vault/v1/events.pb.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// The own log → emptied document partitions (an upload that ended, a paper that was destroyed), what
/// institutions have deposited, their pointers to shares and requests, papers by the day on which they
/// expire, uploads under way, hosts that are suspended, acts of maintenance for everybody's journal. Each
/// effect may be made again; leaves of one person in order.
///
/// A destroyed paper's record keeps `versions[].content`: by it the bytes are found. A row that does
/// not open is passed over: it stops neither what others are counted for nor anybody's erasure.
class OwnLeaves final : public audit::LeafHandler {
 public:
  explicit OwnLeaves(const Vault& vault) : vault_(vault) {}

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> UploadChanged(Id128 person, std::string depositor, v1::UploadChanged changed);
  Task<absl::Status> Deposited(Id128 person, v1::DocumentDeposited deposited);
  Task<absl::Status> Destroyed(Id128 person, v1::DocumentDestroyed destroyed);
  Task<absl::Status> Described(Id128 person, v1::DocumentChanged changed);
  Task<absl::Status> Expires(Id128 person, std::string document_id);
  Task<absl::Status> ListDay(Id128 person, Id128 document, std::optional<absl::CivilDay> day);
  Task<absl::Status> ListHost(Id128 person, std::string institution);
  Task<absl::Status> Pointer(PointerKind kind, std::string institution, Id128 person, std::string id,
                             google::protobuf::Timestamp until, bool present);
  Task<absl::Status> Count(std::string institution, VaultStore::CountedText text, uint64_t size,
                           VaultStore::Counted counted);
  Task<absl::Status> Uncount(std::string institution, Id128 document, uint32_t version);

  const Vault& vault_;
};

/// Nobody writes the upload any more, its bytes are gone, and it is in no derived list. Idempotent.
/// UNAVAILABLE while somebody does not stop writing.
Task<absl::Status> CleanUpload(const Vault& vault, OpenUpload upload);

/// That upload counts no more there. Idempotent. DATA_LOSS: what it counts for does not read.
Task<absl::Status> CountNoMore(const Vault& vault, std::string institution, VaultStore::CountedText text);

/// Of the list of uploads under way, whose rows read: hers.
[[nodiscard]] absl::StatusOr<std::vector<OpenUpload>> OpenUploadsOf(const Vault& vault, const Id128& person);

/// For who erases her, while she is frozen and once the own log's follower has caught up: the bytes of all
/// her papers and uploads, and every derived row that names her. Her partition itself stays. Idempotent.
Task<absl::Status> EraseElsewhere(const Vault& vault, Id128 person);

}  // namespace relais::vault
