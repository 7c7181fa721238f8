// Idempotency of writes: the same request id and content gives the same answer, with no second effect.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/storage/store.h"
#include "google/protobuf/message.h"

namespace relais::rpc {

/// Remembers answers in the partition that the request names, under key "req/" ‖ keyed hash of (owner,
/// method, request_id): a keyed digest of the content and the answer. The owner is RequestOwner's.
/// Thread-safe. Durable with the commit that it joins.
class Idempotency {
 public:
  explicit Idempotency(Secret key) : key_(std::move(key)) {}

  struct Seen {
    std::string key;                    // of the row
    std::string digest;                 // of the content
    std::optional<std::string> answer;  // serialized earlier answer: return it and write nothing
  };
  /// ALREADY_EXISTS / REQUEST_ID_REUSED when the same id came with other content.
  absl::StatusOr<Seen> Look(const storage::Store& store, const storage::Partition& partition,
                            std::string_view owner, std::string_view method, std::string_view request_id,
                            const google::protobuf::Message& content) const;
  /// What the commit must hold so that a repetition finds it: a mutation and the precondition that no one was
  /// faster. The answer must hold nothing personal in clear (ids, revisions, instants).
  static void Remember(const Seen& seen, const google::protobuf::Message& answer,
                       storage::CommitRequest& commit);
  /// The same with an answer that is bytes already.
  static void RememberText(const Seen& seen, std::string answer, storage::CommitRequest& commit);
  /// A bucket partition for requests that name no partition (kIndexBucket).
  [[nodiscard]] storage::Partition Bucket(std::string_view kind, std::string_view institution,
                                          std::string_view name) const;

 private:
  Secret key_;
};

}  // namespace relais::rpc
