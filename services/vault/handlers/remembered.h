// Answers of acts that are repeated: the leaf is found again, so that the repetition has the same receipt.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/rpc/idempotency.h"
#include "common/rpc/service_context.h"
#include "services/vault/lost_answer.h"
#include "services/vault/store.h"

namespace relais::vault {

/// Adds to the commit of an act what a repetition needs: the event id of its (first) leaf, and an answer that
/// holds nothing personal and no `written`.
inline void RememberAct(const rpc::Idempotency::Seen& seen, const Id128& event_id,
                        const google::protobuf::Message& answer, storage::CommitRequest& commit) {
  rpc::Idempotency::RememberText(seen, event_id.ToBytes() + answer.SerializeAsString(), commit);
}

/// The answer to an act of uploads that was done before, with `written` as it was then. DATA_LOSS /
/// DOCUMENT_DAMAGED, with what to do, when what is remembered does not read.
template <typename Response>
Task<absl::StatusOr<Response>> AnswerAgain(const rpc::ServiceContext& context, Id128 person, std::string row,
                                           bool want_proof) {
  Response response;
  const absl::StatusOr<Id128> event_id = IdOf(std::string_view(row).substr(0, Id128::kSize));
  if (!event_id.ok() || !response.ParseFromString(row.substr(Id128::kSize))) {
    co_return AnswerIsLost("QueryUpload, List, ReadJournal");
  }
  auto written =
      co_await rpc::WrittenAgain(context, VaultStore::SubjectOf(person), *event_id, want_proof, true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
