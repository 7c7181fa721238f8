#include "common/audit/start.h"

#include <optional>
#include <utility>
#include <vector>

#include "common/audit/big_endian.h"
#include "common/audit/cursor.h"
#include "common/audit/meta.h"
#include "common/audit/meta_rows.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

// Who signed at the last start; empty when nothing is remembered of it.
absl::StatusOr<std::vector<std::string>> LastSigners(const storage::Store& store) {
  ASSIGN_OR_RETURN(const std::optional<std::string> row,
                   store.LogGet(storage::LogTable::kMeta, kMetaSigners));
  if (!row.has_value()) {
    return std::vector<std::string>();
  }
  return DecodeSigners(*row);
}

void DescribeChange(const std::vector<std::string>& before, const std::vector<std::string>& now,
                    Event& event) {
  audit::v1::LogKeysChanged changed;
  changed.mutable_keys()->Add(now.begin(), now.end());
  changed.mutable_previous()->Add(before.begin(), before.end());
  event.event_class = audit::v1::EVENT_CLASS_LOG_KEYS_CHANGED;
  event.details.mutable_payload()->PackFrom(changed);
}

}  // namespace

Task<absl::Status> RecordStart(Log& log, storage::Store& store, std::string institution,
                               uint64_t directory_version) {
  storage::CommitRequest commit;
  // Nothing is written there: a commit needs a partition to order its leaves by.
  commit.partition = internal::CursorPartition("start");
  Event event;
  event.institution = std::move(institution);
  event.directory_version = directory_version;
  if (log.state().size == 0) {
    event.event_class = audit::v1::EVENT_CLASS_LOG_OPENED;
    CO_ASSIGN_OR_RETURN(storage::LeafDraft opened, log.Draft(event));
    commit.leaves.push_back(std::move(opened));
  }
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> before, LastSigners(store));
  const std::vector<std::string> now = log.signer_keys();
  if (!before.empty() && before != now) {
    Event change = event;
    DescribeChange(before, now, change);
    CO_ASSIGN_OR_RETURN(storage::LeafDraft changed, log.Draft(change));
    commit.leaves.push_back(std::move(changed));
  }
  event.event_class = audit::v1::EVENT_CLASS_SERVICE_STARTED;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft started, log.Draft(event));
  if (before != now) {
    started.rows.push_back({storage::LogTable::kMeta, std::string(kMetaSigners),
                            std::optional<std::string>(EncodeSigners(now))});
  }
  commit.leaves.push_back(std::move(started));
  const absl::StatusOr<storage::CommitResult> result = co_await store.Commit(std::move(commit));
  co_return result.status();
}

Task<absl::Status> RecordContinued(Log& log, storage::Store& store, std::string institution,
                                   uint64_t directory_version) {
  Event event;
  event.event_class = audit::v1::EVENT_CLASS_LOG_CONTINUED;
  event.institution = std::move(institution);
  event.directory_version = directory_version;
  event.details.mutable_payload()->PackFrom(*log.lost());
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, log.Draft(event));
  draft.rows.push_back(internal::MetaRow(std::string(internal::kOriginKey), log.origin()));
  draft.rows.push_back(
      internal::MetaRow(internal::MetaKey(internal::kEarlierPrefix, IndexKey(log.lost()->lost_from())),
                        log.lost()->previous_origin()));
  storage::CommitRequest commit;
  commit.partition = internal::CursorPartition("start");
  commit.leaves.push_back(std::move(draft));
  const absl::StatusOr<storage::CommitResult> result = co_await store.Commit(std::move(commit));
  co_return result.status();
}

}  // namespace relais::audit
