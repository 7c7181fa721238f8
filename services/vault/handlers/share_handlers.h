// ShareService.Share, Revoke and List: everything is private until she shares it (D-3.6).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "relais/vault/v1/share_service.pb.h"
#include "services/vault/handlers/reading_right.h"

namespace relais::vault {

/// What a share is to be: judged by consent and by share_rules.h.
struct ShareWish {
  Id128 person;
  v1::StoredShare share;                                  // all but `since` and `state`
  v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED;  // of the paper, or the type itself
  std::optional<v1::Document::State> document;            // of the one paper; nullopt: a type
};
/// A share that may be stored, and what shows whether her no was followed before it was.
struct JudgedWish {
  v1::StoredShare share;
  std::shared_ptr<OpenReading> watch;
};
/// Shares in force that one person may have: what ends with a paper, or by her no, ends in commits of a
/// bounded size.
inline constexpr size_t kMostShares = 1000;
/// OVERLOADED when `more` of them would be too many.
[[nodiscard]] absl::Status RoomForShares(const Vault& vault, const Id128& person, size_t more);

/// The share as it may be stored now: asked of consent, recorded, and followed up to the answer. The refusals
/// of JudgeShare; VAULT_CLOSED; UNKNOWN_CODE for a purpose or an institution that the directory does not
/// have; PEER_UNAVAILABLE, PEER_BEHIND; DIRECTORY_EXPIRED. NOT_PERMITTED says nothing more to a host than
/// that.
Task<absl::StatusOr<JudgedWish>> JudgedShare(const Vault& vault, rpc::Call call, ShareWish wish);
/// With a place of Access::linking, held from before this until the row is stored: a no that is followed from
/// here on waits for the row, and ends it (ConsentLeaves), whenever this process dies. NOT_PERMITTED when one
/// was followed already since consent answered; ABORTED (IsCollision) when its answer counts no more
/// otherwise.
[[nodiscard]] absl::Status StillAgreed(const JudgedWish& judged);
/// Once it is stored and the place is given back: a no that came in between ends it now if its follower has
/// not done so yet. NOT_PERMITTED then.
Task<absl::Status> SettleShare(const Vault& vault, Id128 person, Id128 share, JudgedWish judged);

/// Thread-safe. Methods as in the proto.
class ShareHandlers {
 public:
  explicit ShareHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::ShareResponse>> Share(rpc::Call call, v1::ShareRequest request);
  Task<absl::StatusOr<v1::RevokeResponse>> Revoke(rpc::Call call, v1::RevokeRequest request);
  Task<absl::StatusOr<v1::ShareServiceListResponse>> List(rpc::Call call,
                                                          v1::ShareServiceListRequest request);

 private:
  Task<absl::StatusOr<v1::ShareResponse>> TryShare(rpc::Call call, Id128 given, v1::ShareRequest request,
                                                   Id128 id);
  Task<absl::StatusOr<v1::RevokeResponse>> TryRevoke(rpc::Call call, Id128 given, v1::RevokeRequest request,
                                                     Id128 event_id);
  Task<absl::StatusOr<v1::ShareServiceListResponse>> ListHers(rpc::Call call,
                                                              v1::ShareServiceListRequest request);
  Task<absl::StatusOr<v1::ShareServiceListResponse>> ListOurs(rpc::Call call,
                                                              v1::ShareServiceListRequest request);

  const Vault& vault_;
};

}  // namespace relais::vault
