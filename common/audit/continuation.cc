#include "common/audit/continuation.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/meta_rows.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

constexpr size_t kMostContinuations = 1000;

struct Named {
  std::string name;
  uint32_t epoch = 0;
};

absl::StatusOr<Named> Split(std::string_view origin) {
  const size_t slash = origin.rfind('/');
  Named named;
  if (slash == std::string_view::npos ||
      !absl::SimpleAtoi(std::string(origin.substr(slash + 1)), &named.epoch) || named.epoch == 0) {
    return absl::NotFoundError("an origin without an epoch");
  }
  named.name = std::string(origin.substr(0, slash));
  return named;
}

absl::StatusOr<std::map<uint64_t, std::string>> EarlierOrigins(const storage::Store& store) {
  ASSIGN_OR_RETURN(const std::vector<storage::Store::LogEntry> rows,
                   store.LogScan(storage::LogTable::kMeta, kEarlierPrefix, "", kMostContinuations));
  std::map<uint64_t, std::string> earlier;
  for (const storage::Store::LogEntry& row : rows) {
    if (row.key.size() != kEarlierPrefix.size() + sizeof(uint64_t)) {
      return absl::DataLossError("log: a meta row does not parse");
    }
    earlier[ReadBigEndian64(std::string_view(row.key).substr(kEarlierPrefix.size()))] = row.value;
  }
  return earlier;
}

}  // namespace

absl::StatusOr<std::string> PreviousOrigin(std::string_view origin) {
  ASSIGN_OR_RETURN(const Named named, Split(origin));
  if (named.epoch < 2) {
    return absl::NotFoundError("a first epoch has none before it");
  }
  return absl::StrCat(named.name, "/", named.epoch - 1);
}

bool GoesOn(std::string_view origin, std::string_view next) {
  const absl::StatusOr<Named> before = Split(origin);
  const absl::StatusOr<Named> after = Split(next);
  return before.ok() && after.ok() && before->name == after->name && before->epoch < after->epoch;
}

absl::StatusOr<Continuation> ContinuationOf(const LogOptions& options, const storage::Store& store,
                                            const Checkpoints& checkpoints, uint64_t size) {
  Continuation continuation;
  ASSIGN_OR_RETURN(continuation.earlier, EarlierOrigins(store));
  ASSIGN_OR_RETURN(const std::optional<std::string> origin,
                   store.LogGet(storage::LogTable::kMeta, kOriginKey));
  const bool continued = origin.has_value() && *origin == options.origin;
  if (origin.has_value() && !continued && !(options.accept_loss && GoesOn(*origin, options.origin))) {
    return absl::FailedPreconditionError(
        absl::StrCat("this store's log goes on as ", *origin, ": set audit.origin to that"));
  }
  if (!options.accept_loss) {
    return continuation;
  }
  const absl::StatusOr<std::string> previous = PreviousOrigin(options.origin);
  if (!previous.ok()) {
    return absl::FailedPreconditionError(
        "to accept a loss, set audit.origin to the next epoch of the log: <name>/<epoch + 1>");
  }
  // When this log has published already there is nothing of the previous one to find.
  if (continued && checkpoints.Published().ok()) {
    return continuation;
  }
  absl::StatusOr<std::optional<Checkpoints::PublishedNote>> published = checkpoints.PublishedBy(*previous);
  if (!published.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the published checkpoint is not one of ", *previous,
                     ": audit.origin must be the next epoch of the log that published it"));
  }
  continuation.published_is_previous = true;
  if (continued) {
    return continuation;
  }
  audit::v1::LogContinued lost;
  lost.set_previous_origin(*previous);
  lost.set_lost_from(size);
  lost.set_lost_to(size);
  if (published->has_value()) {
    lost.set_last_checkpoint((*published)->note);
    lost.set_lost_to(std::max(size, (*published)->checkpoint.size));
  }
  continuation.earlier[size] = *previous;
  continuation.lost = std::move(lost);
  return continuation;
}

}  // namespace relais::audit::internal
