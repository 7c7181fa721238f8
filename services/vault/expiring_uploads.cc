#include "services/vault/expiring_uploads.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/upload_handlers.h"

namespace relais::vault {
namespace {
constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr size_t kPage = 500;
constexpr absl::Duration kEverybody = absl::Hours(1);
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
  Found found;
  const absl::Status listed = co_await LookAtList(found);
  CO_RETURN_IF_ERROR(listed);
  const absl::Duration now = vault_.context.clock.Monotonic();
  if ((found.gaps || !found.unreadable.empty()) && now >= everybody_due_) {
    everybody_due_ = now + kEverybody;
    const absl::Status looked = co_await LookAtEverybody(found);
    CO_RETURN_IF_ERROR(looked);
  }
  CO_RETURN_IF_ERROR(found.failed);
  co_return found.ended;
}

Task<absl::Status> ExpiringUploads::LookAtList(Found& found) {
  std::optional<Id128> from = Id128();
  while (from.has_value() && !stopping_) {
    CO_ASSIGN_OR_RETURN(const VaultStore::OpenUploadRows page, vault_.store.OpenUploads(*from, kPage));
    for (const OpenUpload& open : page.rows) {
      const bool ended = co_await End(open, found);
      found.ended += ended ? 1 : 0;
    }
    found.unreadable.insert(found.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
    found.gaps = found.gaps || page.gaps != 0;
    from = page.next;
  }
  co_return absl::OkStatus();
}

// A row of the list that nobody has an upload for is of one that is over.
Task<absl::Status> ExpiringUploads::LookAtEverybody(Found& found) {
  std::optional<Id128> from = Id128();
  while (from.has_value() && !stopping_) {
    CO_ASSIGN_OR_RETURN(const VaultStore::ReadablePersons page, vault_.store.PersonsThatRead(*from, kPage));
    found.all = found.all && page.gaps.empty();
    for (const Id128& person : page.persons) {
      const absl::Status looked = co_await LookAt(person, found);
      CO_RETURN_IF_ERROR(looked);
    }
    from = page.next;
    co_await ResumeOn(vault_.context.executor);
  }
  if (stopping_ || !found.all) {
    co_return absl::OkStatus();
  }
  for (const Id128& upload : found.unreadable) {
    if (!found.under_way.contains(upload)) {
      OpenUpload over;
      over.upload = upload;
      const auto off = co_await vault_.context.store.Commit(vault_.store.SetOpenUpload(over, false));
      CO_RETURN_IF_ERROR(off.status());
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ExpiringUploads::LookAt(Id128 person, Found& found) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto page, vault_.store.ReadableUploads(person, *from, kPage));
    found.under_way.insert(page.unreadable.begin(), page.unreadable.end());
    found.all = found.all && page.gaps.empty();
    for (const Row<v1::StoredUpload>& row : page.rows) {
      found.under_way.insert(row.id);
      const auto document = IdOf(row.stored.value.document());
      if (!document.ok()) {
        continue;
      }
      OpenUpload open;
      open.upload = row.id;
      open.person = person;
      open.document = *document;
      open.version = row.stored.value.version();
      open.size = row.stored.value.size();
      open.depositor = row.stored.value.depositor().institution();
      const absl::Status listed = co_await ListAnew(open);
      CO_RETURN_IF_ERROR(listed);
      const bool ended = co_await End(std::move(open), found);
      found.ended += ended ? 1 : 0;
    }
    from = page.next;
  }
  co_return absl::OkStatus();
}

// Looked at again once it is listed: what ends it later takes it off.
Task<absl::Status> ExpiringUploads::ListAnew(OpenUpload open) {
  const auto listed = co_await vault_.context.store.Commit(vault_.store.SetOpenUpload(open, true));
  CO_RETURN_IF_ERROR(listed.status());
  const auto still = vault_.store.Upload(open.person, open.upload);
  if (!still.ok() || still->has_value()) {
    co_return absl::OkStatus();
  }
  const auto off = co_await vault_.context.store.Commit(vault_.store.SetOpenUpload(open, false));
  co_return off.status();
}

Task<bool> ExpiringUploads::End(OpenUpload open, Found& found) {
  const absl::StatusOr<bool> past = co_await EndIfPast(std::move(open));
  if (found.failed.ok()) {
    found.failed = past.status();
  }
  co_return past.ok() && *past;
}

// It ended, and the follower, which lists an upload once its row is there, may have listed it again from a
// leaf that it had already applied. Of who is being erased it is her erasure's to take off.
Task<absl::Status> ExpiringUploads::TakeOffTheList(OpenUpload open) {
  CO_ASSIGN_OR_RETURN(const auto upload, vault_.store.Upload(open.person, open.upload, View::kFrozen));
  if (upload.has_value()) {
    co_return absl::OkStatus();
  }
  const auto off = co_await vault_.context.store.Commit(vault_.store.SetOpenUpload(open, false));
  co_return off.status();
}

Task<absl::StatusOr<bool>> ExpiringUploads::EndIfPast(OpenUpload open) {
  CO_ASSIGN_OR_RETURN(const auto upload, vault_.store.Upload(open.person, open.upload));
  if (!upload.has_value()) {
    const absl::Status off = co_await TakeOffTheList(std::move(open));
    CO_RETURN_IF_ERROR(off);
    co_return false;
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
