// Rows of a person's partition that followers derive from other services' logs: read, and changed under the
// guard of her state, so that nothing is written about who is being erased.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Whom a followed leaf is about, if it is a person.
inline std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

/// The row, or the default where there is none.
template <typename Stored>
absl::StatusOr<Stored> ReadRow(Registry& registry, const Id128& person, const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(PersonPartition(person), key));
  Stored stored;
  if (entry) {
    RETURN_IF_ERROR(registry.store.Open(person, key, entry->value, stored));
  }
  return stored;
}

/// False: nothing is to be changed.
template <typename Stored>
using Change = std::function<bool(Stored& stored)>;

/// One row of hers, changed under the guard of her state's version: not once she is being erased.
template <typename Stored>
absl::StatusOr<std::optional<storage::CommitRequest>> Prepare(Registry& registry, const Id128& person,
                                                              const std::string& key,
                                                              const Change<Stored>& change) {
  const absl::StatusOr<VersionedState> state = registry.store.LoadOwn(person);
  if (absl::IsNotFound(state.status())) {
    return std::optional<storage::CommitRequest>();
  }
  RETURN_IF_ERROR(state.status());
  ASSIGN_OR_RETURN(Stored stored, ReadRow<Stored>(registry, person, key));
  if (!change(stored)) {
    return std::optional<storage::CommitRequest>();
  }
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.preconditions.push_back({std::string(kStateKey), state->version});
  ASSIGN_OR_RETURN(storage::Mutation row, registry.store.WriteSealed(person, key, stored));
  commit.batch.push_back(std::move(row));
  return std::optional(std::move(commit));
}

/// Reads, changes and commits, again when her state changed meanwhile. OK too when she is not here or erased.
template <typename Stored>
Task<absl::Status> ChangeRow(Registry& registry, Id128 person, std::string key, Change<Stored> change) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    absl::StatusOr<std::optional<storage::CommitRequest>> commit =
        Prepare<Stored>(registry, person, key, change);
    if (audit::IsErased(commit.status()) || (commit.ok() && !commit->has_value())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(commit.status());
    storage::CommitRequest request = **std::move(commit);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(request));
    if (audit::IsErased(done.status())) {
      co_return absl::OkStatus();
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return TooContended();
}

}  // namespace relais::consent
