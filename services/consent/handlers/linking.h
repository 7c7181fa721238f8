// Linking persons as one human and undoing it: commit by commit, each guarded, any prefix completed later.
//
// A link: B frozen with the link to A → entry in the link's own bucket → A lists B. A is whoever of both has
// others linked to her, else the lower id; where both have, nobody is linked: B's list is empty, by the
// version that guards its freezing, and stays so. If before she lists B anything changes about who is one
// human with A, or there is no room left, B's link is void (`turn`), B is released, and the call judges anew.
// A split: A's list ends the link, and of whoever went along with B, and keeps
// what leaves in a row → B takes that row, lists those who went along, who then point to her → the row is
// tidied away. Whoever meets a state in between completes it: an act, a recorded check, an erasure, the
// follower of this registry's own log. Until then B's name reads both histories, guarded by A's version.
#pragma once

#include <optional>
#include <vector>

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
  /// When it was wished: where anybody of both was taken apart since, by whatever split, it links nobody. Of
  /// likeness, which nobody wished, the same holds whenever it was, and of a confirmation where the two of
  /// them were: only a merge, asked for anew, makes them one again.
  absl::Time at;
  /// Whose act; without subject, class and payload. Its author must have a record of both, or be the
  /// registry.
  audit::Event event;
};

enum class LinkResult {
  kLinked,          // by the wished link, now or before; maybe undone since
  kAlready,         // by another link
  kBothHaveOthers,  // others are linked to each of them: undo the links of one first
  kTakenApart,      // since the wish; or ever, where only a merge links them again
  kTooMuch,         // names, links before, or acts, to be read as one (links.h, MayJoin)
};
struct Linked {
  LinkResult result = LinkResult::kLinked;
  Id128 link;  // the one between them: kLinked, kAlready
};

/// Links them. NO_SUCH_OR_NOT_YOURS when one of them is not there. Idempotent by the link's id: one that was
/// made before and undone since is not made again.
Task<absl::StatusOr<Linked>> LinkPersons(Files files, LinkWish wish);
/// What LinkPersons would answer now; kLinked: it would link them.
absl::StatusOr<LinkResult> WouldLink(const Files& files, const LinkWish& wish);
/// Why nobody was linked, for a steward: WRONG_STATE. OK of kLinked.
absl::Status LinkRefusal(LinkResult result);

/// Undoes a link, with whoever was said to be one with whom it freezes. `event.event_id`: of its leaves; the
/// same again completes it. The one who is on her own again. NO_SUCH_OR_NOT_YOURS; WRONG_STATE when another
/// act undid it.
Task<absl::StatusOr<Id128>> SplitPersons(Files files, Id128 link, audit::Event event);

/// Completes what was interrupted in this person's linking or splitting. OK when there is nothing to do.
Task<absl::Status> CompleteLink(Files files, Id128 person);
/// The same of everybody who is one human with her, or whose split from them left something here: before
/// they are erased. To be guarded by the version read before: what is split later changes it.
Task<absl::Status> SettleLinks(Files files, Id128 person);

/// A link between two, as either has it.
struct Between {
  Id128 canonical;
  Id128 linked;
  Link link;
};
/// Nullopt: there is none, it was never complete, or whom it linked is erased.
absl::StatusOr<std::optional<Between>> FindLinkBetween(const Files& files, const Id128& link);
/// Whom a link freezes; nullopt: it is forgotten, with somebody who was erased.
absl::StatusOr<std::optional<v1::LinkEntry>> ReadLinkEntry(const Files& files, const Id128& link);
/// Forgets the entries of every link of a person who is being erased.
Task<absl::Status> ForgetLinks(Registry& registry, Id128 person);

/// What was taken apart of two humans, given by all their names, by the own history of each name: also of
/// those that are frozen.
struct Past {
  bool each_other = false;                 // one of these and one of those
  absl::Time last = absl::InfinitePast();  // when a link of any of them ended last
  [[nodiscard]] bool any() const { return last != absl::InfinitePast(); }
};
absl::StatusOr<Past> PastOf(const Files& files, const std::vector<Id128>& ones,
                            const std::vector<Id128>& others);

}  // namespace relais::consent
