#include "services/vault/expiring_uploads.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/upload_handlers.h"

namespace relais::vault {
namespace {
constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr size_t kPage = 500;
}  // namespace

void ExpiringUploads::Start() {
  running_ = true;
  Spawn(vault_.context.executor, Run());
}

Task<bool> ExpiringUploads::Stop() {
  stopping_ = true;
  while (running_) {
    co_await Sleep(vault_.context.executor, kPoll);
  }
  co_return true;
}

Task<void> ExpiringUploads::Run() {
  absl::Duration waited = absl::ZeroDuration();
  while (!stopping_) {
    if (waited >= vault_.settings.expiry_scan) {
      waited = absl::ZeroDuration();
      // What failed is found again by the next look; the store's own failure stops the service elsewhere.
      const auto looked = co_await Look();
    }
    const absl::Duration step = std::min(absl::Milliseconds(500), vault_.settings.expiry_scan);
    co_await Sleep(vault_.context.executor, step);
    waited += step;
  }
  running_ = false;
}

Task<absl::StatusOr<uint64_t>> ExpiringUploads::Look() {
  vault_.writers.DropOld(vault_.context.clock.Now());
  uint64_t ended = 0;
  Id128 from;
  absl::Status failed;
  for (;;) {
    CO_ASSIGN_OR_RETURN(const std::vector<OpenUpload> page, vault_.store.OpenUploads(from, kPage));
    for (const OpenUpload& open : page) {
      const auto past = co_await EndIfPast(open);
      ended += past.ok() && *past ? 1 : 0;
      if (failed.ok()) {
        failed = past.status();
      }
    }
    if (page.size() < kPage || stopping_) {
      break;
    }
    from = storage::NextId(page.back().upload);
  }
  CO_RETURN_IF_ERROR(failed);
  co_return ended;
}

Task<absl::StatusOr<bool>> ExpiringUploads::EndIfPast(OpenUpload open) {
  CO_ASSIGN_OR_RETURN(const auto upload, vault_.store.Upload(open.person, open.upload));
  if (!upload.has_value()) {
    co_return false;  // it ended, and the follower takes it off the list; or she is being erased
  }
  const auto head = vault_.papers.Head(open.upload);
  if (!head.ok() && !absl::IsDataLoss(head.status())) {
    co_return head.status();
  }
  // Of bytes that are damaged only the beginning counts: they end all the same.
  const bool there = head.ok() && head->has_value();
  if (!Expired(upload->value, there ? &(*head)->value : nullptr, vault_.context.clock.Now(),
               vault_.settings.uploads)) {
    co_return false;
  }
  rpc::Call call = OwnCall(vault_.context);
  rpc::Actor actor = ActorOfOwn(call);
  Ending ending;
  ending.reason = "EXPIRED";
  const auto ended = co_await EndUpload(vault_, std::move(call), std::move(actor), open.person, open.upload,
                                        std::move(ending));
  CO_RETURN_IF_ERROR(ended.status());
  co_return true;
}

}  // namespace relais::vault
