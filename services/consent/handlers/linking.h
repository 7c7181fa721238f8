// Linking persons as one human and undoing it: commit by commit, each guarded, any prefix completed later.
//
// A link: entry in its own bucket → B frozen with the link to A (the lower id) → A lists B, and whom B
// listed; those then point to A too. A split: A's list ends the link and keeps what leaves in a row → B takes
// that row and is on her own. Whoever meets a state in between completes it: an act, a recorded check, the
// follower of this registry's own log. Until then B's name already reads both histories, guarded by A's
// version.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

struct LinkWish {
  Id128 one;
  Id128 other;
  Id128 link;  // its id, and the event id of its leaves
  v1::LinkCause cause = v1::LINK_CAUSE_UNSPECIFIED;
  audit::Event event;  // whose act; without subject, class and payload
};

/// Links them. The link that is between them now, which is another than the wished one when they were one
/// human already. NO_SUCH_OR_NOT_YOURS when one of them is not there. Idempotent by the link's id: one that
/// was made before and undone since is not made again.
Task<absl::StatusOr<Id128>> LinkPersons(Files files, LinkWish wish);

/// Undoes a link. `event.event_id`: of its leaves; the same again completes it. The one who is on her own
/// again. NO_SUCH_OR_NOT_YOURS; WRONG_STATE when another act undid it.
Task<absl::StatusOr<Id128>> SplitPersons(Files files, Id128 link, audit::Event event);

/// Completes what was interrupted in this person's linking or splitting. OK when there is nothing to do.
Task<absl::Status> CompleteLink(Files files, Id128 person);

/// The entry of a link; nullopt: there is none.
absl::StatusOr<std::optional<v1::LinkEntry>> ReadLinkEntry(const Files& files, const Id128& link);
/// Forgets the entries of every link of a person who is being erased.
Task<absl::Status> ForgetLinks(Registry& registry, Id128 person);

}  // namespace relais::consent
