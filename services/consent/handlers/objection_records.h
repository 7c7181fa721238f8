// Objections on record: one bucket for each digest of a supplier, and the persons whose record has it
// (D-1.6).
//
// Two partitions are concerned, the bucket and each linked person, and a check looks at the person alone.
// What keeps them together:
//  - a change is made in the bucket first, under a growing generation, then in each linked person's state,
//  and only
//    then answered. Who is linked is read after the bucket's commit;
//  - a person is linked by a commit guarded by the bucket's version, after her partition exists; the
//  objection read
//    with that version, if there is one, is then applied to her before Register answers;
//  - so either the change sees the link, or the link sees the change. Her state takes a change only if its
//  generation
//    is newer than what it has, so late ones do no harm.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Who objects or lifts, once for all records concerned.
struct ObjectionChange {
  bool lift = false;
  absl::Time kept_until;  // of an objection
  bool from_feed = false;
  std::optional<Id128> person;  // known to the caller: linked to the record
  audit::Event event;           // without subject and payload; its id is the act's
};

/// Changes one record and every person linked to it. The bucket's leaf, if it was written now and not before.
Task<absl::StatusOr<std::optional<storage::LeafRange>>> ChangeRecord(Registry& registry, RecordName record,
                                                                     ObjectionChange change);
/// Changes a person's own objection, which is about no record.
Task<absl::StatusOr<std::optional<storage::LeafRange>>> ChangeOwn(Registry& registry, Id128 person,
                                                                  std::string supplier,
                                                                  ObjectionChange change);
/// Links a person to a record and applies the objection on it. `event`: without subject, id and payload.
Task<absl::Status> AttachRecord(Registry& registry, Id128 person, RecordName record, audit::Event event);

/// Takes a person out of a record's bucket: its objection, if any, stays (D-1.6).
Task<absl::Status> UnlinkPerson(Registry& registry, Id128 person, RecordName record);

/// Name and address, as given.
struct RecordText {
  std::string nom;
  std::string prenoms;
  std::string adresse;
  std::string code_postal;
  /// False when a part is missing: then there is no record key.
  [[nodiscard]] bool complete() const {
    return !nom.empty() && !prenoms.empty() && !adresse.empty() && !code_postal.empty();
  }
};

/// The digests of a name and address at one supplier, one per version of its suppression key that is left;
/// none when the supplier has no key.
absl::StatusOr<std::vector<RecordName>> RecordsAt(const Registry& registry, const std::string& supplier,
                                                  const RecordText& text);

/// The records that an institution's own record of a person can be: a supplier's, at that supplier; anyone
/// else's, at all of them. None when a part of name and address is missing.
absl::StatusOr<std::vector<RecordName>> RecordsOfTraits(const Registry& registry,
                                                        const directory::Directory& directory,
                                                        const std::string& institution,
                                                        const v1::Traits& traits);

/// How many RecordsOfTraits gives of whole traits.
absl::StatusOr<size_t> CountRecords(const Registry& registry, const directory::Directory& directory,
                                    const std::string& institution);

/// Energy and water suppliers: those whose transmissions are opt-out.
[[nodiscard]] bool IsSupplier(const directory::Directory& directory, std::string_view institution);
[[nodiscard]] std::vector<std::string> SuppliersOf(const directory::Directory& directory);

}  // namespace relais::consent
