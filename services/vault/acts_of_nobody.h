// Acts of operators that are about nobody, repeated: their leaf is in no person's list, so what is remembered
// says from where on in the log it is to be looked for (docs/formats.md, "Rows").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/rpc/idempotency.h"
#include "common/rpc/service_context.h"
#include "google/protobuf/message.h"

namespace relais::vault {

struct ActOfNobody {
  Id128 event_id;
  uint64_t from = 0;  // its leaf is this one or a later one

  /// A fresh event, before its leaf is drafted.
  static ActOfNobody Fresh(const rpc::ServiceContext& context);
};

/// Adds to its commit what a repetition needs; `answer` holds nothing personal.
void RememberActOfNobody(const rpc::Idempotency::Seen& seen, const ActOfNobody& act,
                         const google::protobuf::Message& answer, storage::CommitRequest& commit);
/// What was remembered. DATA_LOSS / DOCUMENT_DAMAGED, with what to do, when it does not read.
[[nodiscard]] absl::StatusOr<ActOfNobody> ReadActOfNobody(std::string_view row,
                                                          google::protobuf::Message& answer);

/// The `written` of an act that was done before, as it was then. Reads the log from `from` on, to the leaf.
Task<absl::StatusOr<common::v1::Written>> WrittenBefore(const rpc::ServiceContext& context, ActOfNobody act,
                                                        bool want_proof);

}  // namespace relais::vault
