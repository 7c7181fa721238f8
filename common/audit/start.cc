#include "common/audit/start.h"

#include <utility>

#include "common/audit/cursor.h"
#include "common/base/status.h"

namespace relais::audit {

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
  event.event_class = audit::v1::EVENT_CLASS_SERVICE_STARTED;
  CO_ASSIGN_OR_RETURN(storage::LeafDraft started, log.Draft(event));
  commit.leaves.push_back(std::move(started));
  const absl::StatusOr<storage::CommitResult> result = co_await store.Commit(std::move(commit));
  co_return result.status();
}

}  // namespace relais::audit
