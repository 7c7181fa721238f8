#include "common/rpc/service_context.h"

#include <string>

#include "absl/strings/numbers.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "google/protobuf/util/time_util.h"

namespace relais::rpc {
namespace {

absl::Status NotYourHandle(std::string_view field) {
  return InvalidFieldFor(common::v1::ERROR_REASON_NOT_YOUR_HANDLE, field,
                         "not a name that you have for a person");
}

void SetTime(common::v1::Written& written, absl::Time time) {
  *written.mutable_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

absl::StatusOr<audit::Leaf> ReadLeaf(audit::Log& log, uint64_t index) {
  ASSIGN_OR_RETURN(const std::vector<std::string> leaves, log.ReadLeaves(index, 1));
  if (leaves.empty()) {
    return absl::DataLossError("a leaf that was written is not in the log");
  }
  return audit::ParseLeaf(leaves[0]);
}

// Indices of the subject's leaves, newest first. A subject has few: hundreds, not millions.
absl::StatusOr<std::vector<uint64_t>> NewestFirst(audit::Log& log, const audit::Subject& subject) {
  constexpr size_t kPage = 1000;
  std::vector<uint64_t> indices;
  while (true) {
    const uint64_t from = indices.empty() ? 0 : indices.back() + 1;
    ASSIGN_OR_RETURN(const std::vector<uint64_t> page, log.LeavesOf(subject, from, kPage));
    indices.insert(indices.end(), page.begin(), page.end());
    if (page.size() < kPage) {
      return std::vector<uint64_t>(indices.rbegin(), indices.rend());
    }
  }
}

// Fills what is told of one leaf; `size` is a tree size at which it is durable.
Task<absl::StatusOr<common::v1::Written>> WrittenAt(const ServiceContext& context, uint64_t index,
                                                    absl::Time time, uint64_t size, bool want_proof,
                                                    bool with_key) {
  common::v1::Written written;
  written.set_revision(context.log.Revision(size));
  SetTime(written, time);
  if (want_proof) {
    absl::StatusOr<common::v1::Proof> proof = co_await context.log.Prove(index, with_key);
    if (!proof.ok()) {
      co_return proof.status();
    }
    *written.mutable_proof() = *std::move(proof);
  }
  co_return written;
}

}  // namespace

absl::Status ServiceContext::Writable() const {
  if (!store.failure().ok()) {
    return Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_STORE_FAILED,
                   "this service cannot write and is stopping");
  }
  if (!log.ClockStatus().ok()) {
    return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_CLOCK_JUMPED_BACK,
                   "this service's clock jumped back; an operator has to decide");
  }
  return absl::OkStatus();
}

absl::Status ServiceContext::MayDisclose() const {
  if (directory()->Expired(clock.Now())) {
    return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_DIRECTORY_EXPIRED,
                   "the directory is past its not_after: nothing is disclosed");
  }
  return absl::OkStatus();
}

absl::StatusOr<Id128> PersonOf(const ServiceContext& context, const Call& call,
                               const common::v1::PersonRef& ref, std::string_view field) {
  switch (ref.ref_case()) {
    case common::v1::PersonRef::kHandle: {
      if (call.caller.is_service()) {
        return NotYourHandle(field);
      }
      const absl::StatusOr<Id128> person = context.handles.FromHandle(ref.handle(), call.caller.institution);
      if (!person.ok()) {
        return NotYourHandle(field);
      }
      return *person;
    }
    case common::v1::PersonRef::kPersonId: {
      if (!call.caller.is_service()) {
        return NotYourHandle(field);
      }
      const absl::StatusOr<Id128> person = Id128::FromBytes(ref.person_id());
      if (!person.ok() || person->IsZero()) {
        return InvalidField(std::string(field) + ".person_id", "must have 16 bytes, not all zero");
      }
      return *person;
    }
    case common::v1::PersonRef::REF_NOT_SET:
      break;
  }
  return InvalidField(field, "is required");
}

common::v1::PersonRef RefFor(const ServiceContext& context, const Call& call, const Id128& person) {
  if (!call.caller.is_service()) {
    return HandleFor(context, call.caller.institution, person);
  }
  common::v1::PersonRef ref;
  ref.set_person_id(person.ToBytes());
  return ref;
}

common::v1::PersonRef HandleFor(const ServiceContext& context, std::string_view institution,
                                const Id128& person) {
  common::v1::PersonRef ref;
  ref.set_handle(context.handles.ToHandle(person, institution));
  return ref;
}

Task<absl::StatusOr<common::v1::Written>> WrittenOf(const ServiceContext& context, storage::LeafRange leaves,
                                                    bool want_proof, bool with_key) {
  if (leaves.count == 0) {
    common::v1::Written written;
    written.set_revision(context.log.Revision(leaves.tree_size));
    SetTime(written, context.log.Now());
    co_return written;
  }
  CO_ASSIGN_OR_RETURN(const audit::Leaf leaf, ReadLeaf(context.log, leaves.first));
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenAt(context, leaves.first, leaf.time, leaves.tree_size, want_proof, with_key);
  co_return written;
}

Task<absl::StatusOr<common::v1::Written>> WrittenAgain(const ServiceContext& context, audit::Subject subject,
                                                       Id128 event_id, bool want_proof, bool with_key) {
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> indices, NewestFirst(context.log, subject));
  for (const uint64_t index : indices) {
    CO_ASSIGN_OR_RETURN(const audit::Leaf leaf, ReadLeaf(context.log, index));
    if (leaf.header.event_id() == event_id.bytes()) {
      absl::StatusOr<common::v1::Written> written =
          co_await WrittenAt(context, index, leaf.time, index + 1, want_proof, with_key);
      co_return written;
    }
  }
  co_return absl::NotFoundError("the subject has no leaf of this event");
}

absl::Status FreshEnough(const ServiceContext& context, std::string_view revision) {
  if (revision.empty()) {
    return absl::OkStatus();
  }
  const size_t colon = revision.rfind(':');
  uint64_t size = 0;
  if (colon == std::string_view::npos || !absl::SimpleAtoi(std::string(revision.substr(colon + 1)), &size)) {
    return InvalidField("at_least_as_fresh", "must be a revision that a write returned");
  }
  if (revision.substr(0, colon) != context.log.origin() || size > context.log.state().size) {
    return Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_BEHIND,
                   "this service has not yet reached that revision");
  }
  return absl::OkStatus();
}

}  // namespace relais::rpc
