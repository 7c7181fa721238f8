// Contrôler everything in the background: every paper read whole and held against its record and the log;
// then what lies on the disk and belongs to nobody goes (D-3.1).
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/idempotency.h"
#include "common/storage/store.h"
#include "services/vault/background.h"
#include "services/vault/paper_check.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. Begin writes the row; the worker does the rest, not faster than
/// `settings.scrub_bytes_per_second`, and goes on after a restart with the person where it was. By itself
/// every `settings.scrub_every`, counted from the first start.
///
/// Of a paper that is not intact: `damaged` in its record and DOCUMENT_VERIFIED in her journal, in one
/// commit. Whose it is, the report does not say.
///
/// It comes to its end whatever the disk is like: rows that do not open and stretches that do not read are
/// counted (`unreadable`) and passed over, and so is a person of whom nothing says which papers there should
/// be (`passed_over`). Every other row of the store but the log's own is read too.
///
/// A host or share of hers that is in force by its row and not by the last leaf about it is ended again
/// (rights_put_back.h) and counted (`rights_put_back`).
///
/// Only what has a head that says whose it is, and is in no record of that person, is removed: bytes without
/// a head are damage, not rubbish.
class Scrubber {
 public:
  explicit Scrubber(const Vault& vault);

  void Start() { background_.Start(); }
  Task<bool> Stop();

  struct Begun {
    v1::Scrub scrub;
    storage::LeafRange leaves;  // none: it was under way already
  };
  /// Begins a scrub, or answers with the one under way. Durable on OK. ABORTED: try again.
  Task<absl::StatusOr<Begun>> Begin(rpc::Call call, rpc::Actor actor, std::string request_id,
                                    std::optional<rpc::Idempotency::Seen> seen);

  /// Everything that can be done now, to the end of the scrub under way.
  Task<absl::Status> RunOnce();

  [[nodiscard]] static storage::Partition Bucket(const rpc::ServiceContext& context);

 private:
  Task<absl::Duration> Turn();
  Task<absl::Status> Go(Stored<v1::StoredScrub> stored);
  Task<absl::Status> ScrubPersons(Stored<v1::StoredScrub>& stored);
  Task<absl::Status> ScrubPerson(Id128 person, v1::Scrub& scrub);
  Task<absl::Status> ScrubPapers(Id128 person, v1::Scrub& scrub);
  Task<absl::Status> ScrubPaper(Id128 person, Id128 document, const LoggedPapers& logged, v1::Scrub& scrub);
  Task<absl::Status> RemoveOrphans(Stored<v1::StoredScrub>& stored);
  Task<absl::Status> RemoveIfOrphan(Id128 content, v1::Scrub& scrub);
  absl::StatusOr<bool> IsOrphan(const Id128& content, const ContentHead& head) const;
  Task<absl::Status> ReadOthers(Stored<v1::StoredScrub>& stored);
  Task<absl::Status> ReadPartition(storage::Partition partition, v1::Scrub& scrub);
  Task<absl::Status> Save(Stored<v1::StoredScrub>& stored, std::string next);
  Task<absl::Status> Finish(Stored<v1::StoredScrub>& stored);

  const Vault& vault_;
  Background background_;
};

}  // namespace relais::vault
