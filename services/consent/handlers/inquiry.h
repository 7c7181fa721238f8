// One question about one person on its way to an answer and a leaf.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/storage/store.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/decision.h"
#include "services/consent/handlers/answers.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// What is asked, of whomever.
struct Inquiry {
  rpc::Call call;
  v1::CheckRequest request;
  Question question;
  std::shared_ptr<const Rules> rules;

  [[nodiscard]] Sees sees() const {
    return call.caller.is_service() ? Sees::kEverything : Sees::kInstitutionsShare;
  }
};

/// An answer and the state it stands on.
struct Decided {
  Answer answer;
  std::vector<Obligations> owed;  // by category, with those that are permitted
  absl::Time now;                 // the instant decided for
  uint64_t version = 0;           // of her state
  Id128 root;                     // in whose partition it is
  bool unfinished = false;        // her linking is to be completed before this may be recorded
  uint64_t size = 0;              // of the log, at or before her state was read
  Id128 event_id;                 // of the leaf to come
};

/// Checks the request against the directory and the caller. The person is not looked at.
absl::StatusOr<std::shared_ptr<const Inquiry>> Inquire(Registry& registry, rpc::Call call,
                                                       v1::CheckRequest request);
/// Decides on her state; `fresh`: as the store has it, whatever the cache says. NO_SUCH_OR_NOT_YOURS.
absl::StatusOr<Decided> DecideNow(Registry& registry, const Inquiry& inquiry, const Id128& person,
                                  bool fresh);
/// The commit of the decision's leaf, guarded by the state's version.
absl::StatusOr<storage::CommitRequest> CommitOf(Registry& registry, const Inquiry& inquiry,
                                                const Id128& person, const Decided& decided);
/// Whether each category of `now` is permitted on the ground and the act of hers that a recorded permit's
/// leaf says: `ground` of its header, the rest of its payload.
[[nodiscard]] bool RestsOnTheSame(common::v1::Ground ground, const v1::CheckDecided& recorded,
                                  const Answer& now);
/// The end of a permit given now.
absl::Time PermitEnd(const Decided& decided, absl::Duration life);
v1::Permit PermitOf(const audit::Log& log, uint64_t leaf, absl::Time end);

}  // namespace relais::consent
