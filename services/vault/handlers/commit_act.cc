#include "services/vault/handlers/commit_act.h"

#include <utility>

#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/rpc/refusal.h"
#include "services/vault/lost_answer.h"

namespace relais::vault {

bool IsCollision(const absl::Status& status) {
  return absl::IsAborted(status) && rpc::ReasonOf(status) == common::v1::ERROR_REASON_UNSPECIFIED;
}

Task<absl::StatusOr<storage::LeafRange>> CommitActs(const Vault& vault, storage::CommitRequest commit,
                                                    std::vector<audit::Event> events) {
  for (audit::Event& event : events) {
    CO_ASSIGN_OR_RETURN(auto draft, vault.context.log.Draft(std::move(event)));
    commit.leaves.push_back(std::move(draft));
  }
  const auto done = co_await vault.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  co_return done->leaves;
}

absl::StatusOr<std::optional<RememberedAct>> ReadAct(const rpc::Idempotency::Seen& seen) {
  if (!seen.answer.has_value()) {
    return std::optional<RememberedAct>();
  }
  std::string_view text = *seen.answer;
  if (text.size() < Id128::kSize || text.size() % Id128::kSize != 0) {
    return AnswerIsLost("ListShares, ListHosts, ReadJournal");
  }
  RememberedAct act;
  ASSIGN_OR_RETURN(act.event_id, Id128::FromBytes(text.substr(0, Id128::kSize)));
  for (size_t at = Id128::kSize; at < text.size(); at += Id128::kSize) {
    ASSIGN_OR_RETURN(const Id128 made, Id128::FromBytes(text.substr(at, Id128::kSize)));
    act.made.push_back(made);
  }
  return std::optional<RememberedAct>(std::move(act));
}

void RememberAct(const rpc::Idempotency::Seen& seen, const RememberedAct& act,
                 storage::CommitRequest& commit) {
  std::string text = act.event_id.ToBytes();
  for (const Id128& made : act.made) {
    text += made.ToBytes();
  }
  rpc::Idempotency::RememberText(seen, std::move(text), commit);
}

Task<absl::StatusOr<common::v1::Written>> WrittenAct(const Vault& vault, storage::LeafRange leaves,
                                                     bool want_proof) {
  auto written = co_await rpc::WrittenOf(vault.context, leaves, want_proof, /*with_key=*/want_proof);
  co_return written;
}

Task<absl::StatusOr<common::v1::Written>> WrittenBefore(const Vault& vault, Id128 person, Id128 event_id,
                                                        bool want_proof) {
  auto written =
      co_await rpc::WrittenAgain(vault.context, VaultStore::SubjectOf(person), event_id, want_proof,
                                 /*with_key=*/want_proof);
  co_return written;
}

}  // namespace relais::vault
