#include "common/rpc/idempotency.h"

#include <utility>

#include "common/base/status.h"
#include "common/identity/request_key.h"
#include "common/rpc/call.h"
#include "common/rpc/remembered_row.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace relais::rpc {
namespace {

// Row: 0x01 ‖ 32-byte keyed digest of the content ‖ serialized answer.
constexpr char kRowVersion = 1;
constexpr size_t kDigestSize = 32;
constexpr std::string_view kRowPrefix = "req/";

std::string CanonicalBytes(const google::protobuf::Message& message) {
  std::string out;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return out;
}

}  // namespace

absl::StatusOr<Idempotency::Seen> Idempotency::Look(const storage::Store& store,
                                                    const storage::Partition& partition,
                                                    std::string_view owner, std::string_view method,
                                                    std::string_view request_id,
                                                    const google::protobuf::Message& content) const {
  const std::string kind = "request/" + std::string(method);
  Seen seen;
  seen.key = std::string(kRowPrefix) + identity::BucketId(key_, kind, owner, request_id).ToBytes();
  seen.digest = identity::ContentDigest(key_, kind, CanonicalBytes(content));
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, store.Get(partition, seen.key));
  if (!entry) {
    return seen;
  }
  ASSIGN_OR_RETURN(seen.answer, AnswerIn(entry->value, seen.digest));
  return seen;
}

absl::StatusOr<std::string> AnswerIn(std::string_view row, std::string_view digest) {
  if (row.size() < 1 + kDigestSize || row[0] != kRowVersion) {
    return absl::DataLossError("a remembered request does not parse");
  }
  if (!ConstantTimeEqual(row.substr(1, kDigestSize), digest)) {
    return Refusal(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_REQUEST_ID_REUSED,
                   "this request_id came before with other content");
  }
  return std::string(row.substr(1 + kDigestSize));
}

void Idempotency::Remember(const Seen& seen, const google::protobuf::Message& answer,
                           storage::CommitRequest& commit) {
  RememberText(seen, answer.SerializeAsString(), commit);
}

void Idempotency::RememberText(const Seen& seen, std::string answer, storage::CommitRequest& commit) {
  std::string row(1, kRowVersion);
  row += seen.digest;
  row += answer;
  commit.preconditions.push_back({seen.key, std::nullopt});
  commit.batch.push_back({seen.key, std::move(row)});
}

storage::Partition Idempotency::Bucket(std::string_view kind, std::string_view institution,
                                       std::string_view name) const {
  return {storage::PartitionKind::kIndexBucket, identity::BucketId(key_, kind, institution, name)};
}

}  // namespace relais::rpc
