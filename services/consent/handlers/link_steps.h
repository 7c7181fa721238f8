// The single steps of linking.h. Private to linking.cc and splitting.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/storage/store.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/store.h"

namespace relais::consent {

enum class Step { kDone, kAgain };

/// A change of one person's own stored history, guarded by its version.
absl::StatusOr<storage::CommitRequest> ChangeOf(const Files& files, const Id128& person,
                                                const VersionedState& now, const PersonState& next);
absl::Status AddLeaf(const Files& files, audit::Event event, audit::v1::EventClass event_class,
                     const Id128& person, const google::protobuf::Message& payload,
                     storage::CommitRequest& commit);
/// With both ids: for leaves of the registry alone.
v1::PersonsLinked LinkedPayload(const Link& link, const Id128& canonical);
v1::PersonsSplit SplitPayload(const Link& link, const Id128& canonical);
/// True: committed; false: something came between.
Task<absl::StatusOr<bool>> CommitFor(Files files, Id128 person, storage::CommitRequest commit);

/// She takes what leaves with her link, which ended, or, if she went along with somebody, is pointed to her.
Task<absl::StatusOr<Step>> LeaveOnce(Files files, Id128 person, VersionedState own, VersionedState canonical);
/// Removes from the others' partitions what she took by links that ended.
Task<absl::Status> TidyAfter(Files files, Id128 person, std::vector<Link> links);
/// Whoever is in her list points to her.
Task<absl::Status> PointAll(Files files, Id128 person, std::vector<Link> links);

}  // namespace relais::consent
