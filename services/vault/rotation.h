// Keys of papers rotated in the background (docs/formats.md, "Keys of papers"; ADR 34, ADR 46). No text is
// read.
//
// An epoch, step by step; each step finds out by itself whether it was done, so that a crash between any two
// goes on:
//
//   1  the row says that a rotation is under way, and which epoch goes out (leaf PAPER_KEYS_ROTATED, nothing
//   destroyed) 2  the next epoch begins: whatever is wrapped from here on is wrapped by it 3  commits that
//   hold something wrapped before that have ended (KeyCommits) 4  every row that another epoch wraps is
//   wrapped anew, in a commit guarded by the row 5  a pass over every person finds no such row: only then,
//   and from then on, none can come 6  compaction: the old rows leave the live files 7  the old epoch's key
//   is destroyed 8  leaf PAPER_KEYS_ROTATED: destroyed; the row says that it ended
//
// A row that does not open stops it at 4, for good: the key that might open its copy in a backup stays.
//
// Persons' keys: of each person a new generation; every version key of hers and every duplicate mark is
// written anew, in bounded commits that each put `v/usage`, so that no act of hers goes on with what it read
// before; her old generations go once a look, guarded by `v/usage`, finds nothing that they wrap. A vault
// that keeps changing is passed over, come back to some times, and then left to the next rotation: it keeps
// nobody else's keys old.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/idempotency.h"
#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. Begin writes the row; the worker does the rest. One rotation at a time.
class Rotation {
 public:
  explicit Rotation(const Vault& vault);

  /// Makes the first epoch of a vault without papers. FAILED_PRECONDITION when the ring has no epoch, or an
  /// older one than this store knows, and there are keys of papers: a new ring would lose them all.
  absl::Status Prepare();
  void Start() { background_.Start(); }
  Task<bool> Stop();

  struct Begun {
    v1::Rotation rotation;
    storage::LeafRange leaves;  // none: it was under way already
  };
  /// Begins a rotation, or answers with the one under way. `seen`: remembers the request with it. Durable on
  /// OK. ABORTED: try again.
  Task<absl::StatusOr<Begun>> Begin(rpc::Call call, rpc::Actor actor, std::string request_id,
                                    v1::KeyLevel level, std::optional<rpc::Idempotency::Seen> seen);

  /// Since when the epoch is in use; InfinitePast before it was written down.
  [[nodiscard]] absl::StatusOr<absl::Time> EpochSince() const;

  /// Everything that can be done now, to the end of what is under way: what the worker does again and again.
  Task<absl::Status> RunOnce();

  /// Where rotations and requests for them are remembered.
  [[nodiscard]] static storage::Partition Bucket(const rpc::ServiceContext& context);

 private:
  Task<absl::Duration> Turn();
  Task<absl::Status> NoteFirstEpoch();
  Task<absl::Status> Go(Stored<v1::StoredRotation> stored);
  Task<absl::Status> RotateEpoch(Stored<v1::StoredRotation> stored);
  Task<absl::Status> RotatePersons(Stored<v1::StoredRotation> stored);
  Task<absl::StatusOr<uint64_t>> RotateSome(std::vector<Id128> persons, std::string rotation_id);
  Task<absl::Status> WaitForCommits();
  struct Progress;
  Task<absl::Status> WrapAll(uint32_t epoch, Progress& progress);
  Task<absl::StatusOr<uint64_t>> WrapPerson(Id128 person, uint32_t epoch);
  absl::StatusOr<bool> NoneIsOld(uint32_t epoch) const;
  Task<absl::Status> Save(Progress& progress, Id128 next);
  Task<absl::Status> Finish(Progress& progress, uint32_t current, uint32_t destroyed);
  absl::StatusOr<uint64_t> CountPersons() const;

  const Vault& vault_;
  Background background_;
};

/// Renews one person's key (person_keys.cc). `keys` grows by how many were wrapped anew, also where it fails.
/// DATA_LOSS: a row of hers is damaged; ABORTED: her vault keeps changing. What was not renewed is still
/// opened by its old generation.
Task<absl::Status> RenewPersonKey(const Vault& vault, Id128 person, std::string rotation_id, uint64_t& keys);
/// Removes generations of hers that nothing is wrapped by any more. ABORTED: something still is.
Task<absl::Status> DropOldPersonKeys(const Vault& vault, Id128 person, std::string rotation_id,
                                     uint64_t keys);

}  // namespace relais::vault
