#include "services/vault/vault.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kComeBackAfter = absl::Seconds(1);

struct Said {
  common::v1::ErrorReason reason;
  absl::StatusCode code;
  const char* message;
};

constexpr Said kSaid[] = {
    {common::v1::ERROR_REASON_INVALID_FIELDS, absl::StatusCode::kInvalidArgument,
     "fields do not fit together: see the method's description"},
    {common::v1::ERROR_REASON_TOO_LARGE, absl::StatusCode::kInvalidArgument,
     "larger than one paper may be, or than was declared"},
    {common::v1::ERROR_REASON_QUOTA_EXCEEDED, absl::StatusCode::kResourceExhausted,
     "the quota of this vault or of the depositor does not hold that much more"},
    {common::v1::ERROR_REASON_OFFSET_MISMATCH, absl::StatusCode::kFailedPrecondition,
     "the bytes do not continue where the upload is: ask QueryUpload"},
    {common::v1::ERROR_REASON_INTERRUPTED_TOO_OFTEN, absl::StatusCode::kFailedPrecondition,
     "this upload was interrupted too often for any byte to follow; it ended: begin another one"},
    {common::v1::ERROR_REASON_HASH_MISMATCH, absl::StatusCode::kInvalidArgument,
     "the text has another SHA-256 than was declared; the upload ended"},
    {common::v1::ERROR_REASON_TYPE_NOT_ALLOWED, absl::StatusCode::kInvalidArgument,
     "the content is of no type that the vault takes, or of another than was declared"},
    {common::v1::ERROR_REASON_MALWARE_FOUND, absl::StatusCode::kInvalidArgument,
     "the scanner found malware; nothing of the file was kept"},
    {common::v1::ERROR_REASON_DUPLICATE_DOCUMENT, absl::StatusCode::kAlreadyExists,
     "a text with that hash is already in this vault"},
    {common::v1::ERROR_REASON_SCANNER_UNAVAILABLE, absl::StatusCode::kUnavailable,
     "the scanner that this vault requires does not answer: complete the upload later"},
    {common::v1::ERROR_REASON_VAULT_CLOSED, absl::StatusCode::kFailedPrecondition,
     "the vault is closing or closed: papers can be read and exported, not deposited or shared"},
    {common::v1::ERROR_REASON_WRONG_STATE, absl::StatusCode::kFailedPrecondition,
     "not in a state that allows it"},
    {common::v1::ERROR_REASON_NOT_PERMITTED, absl::StatusCode::kPermissionDenied,
     "her agreement does not permit this; ask her"},
    {common::v1::ERROR_REASON_PEER_BEHIND, absl::StatusCode::kUnavailable,
     "the consent registry cannot be followed at the moment: nothing is shown to others"},
    {common::v1::ERROR_REASON_PEER_UNAVAILABLE, absl::StatusCode::kUnavailable,
     "the consent registry does not answer"},
    {common::v1::ERROR_REASON_OVERLOADED, absl::StatusCode::kResourceExhausted, "too many of these at once"},
    {common::v1::ERROR_REASON_ETAG_MISMATCH, absl::StatusCode::kAborted,
     "changed since it was read: read again"},
};

}  // namespace

rpc::Call OwnCall(const rpc::ServiceContext& context) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = kOwnName;
  call.directory = context.directory();
  return call;
}

absl::StatusOr<VaultPhase> PhaseNow(const Vault& vault) {
  ASSIGN_OR_RETURN(const Stored<v1::StoredClosure> stored, vault.store.Closure());
  std::optional<ClosurePlan> plan;
  if (stored.value.has_closure()) {
    const v1::Closure& closure = stored.value.closure();
    plan = ClosurePlan{vault.paris.DayOf(FromProto(closure.announced())), DayOf(closure.closing_day()),
                       DayOf(closure.retrieval_until()), stored.value.without_notice()};
  }
  return PhaseOn(plan, vault.paris.DayOf(vault.context.clock.Now()));
}

absl::Status StatusOf(common::v1::ErrorReason reason) {
  if (reason == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
    return rpc::NoSuchOrNotYours();
  }
  if (reason == common::v1::ERROR_REASON_DOCUMENT_DAMAGED) {
    return Papers::Damaged();
  }
  for (const Said& said : kSaid) {
    if (said.reason == reason) {
      return rpc::Refusal(said.code, reason, said.message);
    }
  }
  return absl::InternalError("a refusal without words");
}

absl::Status WrongState(const std::string& thing, const std::string& state, const std::string& asked) {
  const std::string prefix = "STATE_";  // of values of nested enums
  const std::string name = state.compare(0, prefix.size(), prefix) == 0 ? state.substr(prefix.size()) : state;
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      absl::StrCat(thing, " is ", name, ": it cannot ", asked));
}

absl::Duration PauseBeforeTry(Random& random, int attempt) {
  constexpr int kDoublings = 9;
  uint32_t drawn = 0;
  random.Fill(reinterpret_cast<uint8_t*>(&drawn), sizeof drawn);
  const absl::Duration most = absl::Milliseconds(int64_t{1} << std::min(attempt - 1, kDoublings));
  return most * (static_cast<double>(drawn) / std::numeric_limits<uint32_t>::max());
}

absl::Status TooManyAtOnce() { return rpc::Overloaded(kComeBackAfter); }

}  // namespace relais::vault
