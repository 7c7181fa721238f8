#include "services/vault/acts_of_nobody.h"

#include <algorithm>
#include <vector>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/storage/value_format.h"
#include "services/vault/lost_answer.h"

namespace relais::vault {
namespace {

constexpr size_t kHead = Id128::kSize + sizeof(uint64_t);
constexpr size_t kAtOnce = 256;
// Far more than are committed between a draft and its leaf.
constexpr uint64_t kMostRead = 100'000;

}  // namespace

ActOfNobody ActOfNobody::Fresh(const rpc::ServiceContext& context) {
  return {context.random.Id(), context.log.state().size};
}

void RememberActOfNobody(const rpc::Idempotency::Seen& seen, const ActOfNobody& act,
                         const google::protobuf::Message& answer, storage::CommitRequest& commit) {
  std::string row = act.event_id.ToBytes();
  row += storage::EncodeBigEndian64(act.from);
  row += answer.SerializeAsString();
  rpc::Idempotency::RememberText(seen, std::move(row), commit);
}

absl::StatusOr<ActOfNobody> ReadActOfNobody(std::string_view row, google::protobuf::Message& answer) {
  if (row.size() < kHead || !answer.ParseFromString(std::string(row.substr(kHead)))) {
    return AnswerIsLost("GetScrub, GetClosure, the leaves of the vault's log");
  }
  ActOfNobody act;
  ASSIGN_OR_RETURN(act.event_id, Id128::FromBytes(row.substr(0, Id128::kSize)));
  ASSIGN_OR_RETURN(act.from, storage::DecodeBigEndian64(row.substr(Id128::kSize, sizeof(uint64_t))));
  return act;
}

Task<absl::StatusOr<common::v1::Written>> WrittenBefore(const rpc::ServiceContext& context, ActOfNobody act,
                                                        bool want_proof) {
  const std::string event_id = act.event_id.ToBytes();
  const uint64_t end = std::min(context.log.state().size, act.from + kMostRead);
  for (uint64_t index = act.from; index < end;) {
    CO_ASSIGN_OR_RETURN(const std::vector<std::string> leaves, context.log.ReadLeaves(index, kAtOnce));
    if (leaves.empty()) {
      break;
    }
    for (const std::string& bytes : leaves) {
      CO_ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes));
      if (leaf.header.event_id() == event_id) {
        const storage::LeafRange found{index, 1, index + 1};
        absl::StatusOr<common::v1::Written> written =
            co_await rpc::WrittenOf(context, found, want_proof, true);
        co_return written;
      }
      ++index;
    }
  }
  co_return absl::DataLossError("the leaf of a remembered act is not there");
}

}  // namespace relais::vault
