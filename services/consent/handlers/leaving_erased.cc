#include "services/consent/handlers/leaving_erased.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr size_t kMostAround = 4 * kMostNames;

// Also of who is being erased; nullopt: she is gone.
absl::StatusOr<std::optional<v1::StoredPerson>> OpenAnyway(const Files& files, const Id128& person) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   files.context.store.Get(PersonPartition(person), kStateKey));
  if (!entry) {
    return std::optional<v1::StoredPerson>();
  }
  v1::StoredPerson stored;
  const absl::Status opened = files.store.OpenFrozen(person, kStateKey, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    return std::optional<v1::StoredPerson>();
  }
  RETURN_IF_ERROR(opened);
  return std::optional(std::move(stored));
}

// Whom her history goes on with, and whoever's goes on with hers, or is still to leave it.
absl::StatusOr<std::vector<Id128>> NeighboursOf(const Files& files, const Id128& person,
                                                const v1::StoredPerson& stored) {
  std::vector<Id128> all;
  if (stored.has_linked_to()) {
    ASSIGN_OR_RETURN(const Id128 canonical, Id128::FromBytes(stored.linked_to().canonical_id()));
    all.push_back(canonical);
  }
  for (const v1::StoredLink& link : stored.links()) {
    ASSIGN_OR_RETURN(const Id128 other, Id128::FromBytes(link.person_id()));
    if (link.left()) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<v1::StoredPerson> theirs, OpenAnyway(files, other));
    // By that link; where it ended here it may go on elsewhere by now.
    if (theirs && theirs->linked_to().link_id() == link.link_id() &&
        (link.until() == 0 || theirs->linked_to().canonical_id() == person.ToBytes())) {
      all.push_back(other);
    }
  }
  return all;
}

// Everybody who is one human with her, or was and has not left yet.
absl::StatusOr<std::set<Id128>> Around(const Files& files, const Id128& person) {
  std::set<Id128> seen;
  std::vector<Id128> open = {person};
  while (!open.empty() && seen.size() < kMostAround) {
    const Id128 each = open.back();
    open.pop_back();
    if (seen.contains(each)) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<v1::StoredPerson> stored, OpenAnyway(files, each));
    if (!stored) {
      continue;
    }
    seen.insert(each);
    ASSIGN_OR_RETURN(const std::vector<Id128> neighbours, NeighboursOf(files, each, *stored));
    open.insert(open.end(), neighbours.begin(), neighbours.end());
  }
  return seen;
}

// While it lives they can be read and written; after it nobody decides on them from memory.
class Thawed {
 public:
  Thawed(const Files& files, std::set<Id128> persons) : files_(files), persons_(std::move(persons)) {
    for (const Id128& person : persons_) {
      files_.context.log.keys().Unfreeze(PersonSubject(person));
    }
  }
  ~Thawed() {
    for (const Id128& person : persons_) {
      files_.context.log.keys().Freeze(PersonSubject(person));
      const PersonCache::Writing forgotten(files_.store.cache(), person);
    }
  }
  Thawed(const Thawed&) = delete;
  Thawed& operator=(const Thawed&) = delete;
  [[nodiscard]] bool Have(const Id128& person) const { return persons_.contains(person); }

 private:
  Files files_;
  const std::set<Id128> persons_;
};

// A link between one who is being erased and one who is not; nullopt: there is none.
absl::StatusOr<std::optional<Id128>> LinkAcross(const Files& files, const std::set<Id128>& around,
                                                const Thawed& erased) {
  for (const Id128& name : around) {
    ASSIGN_OR_RETURN(const VersionedState united, files.store.LoadFresh(name));
    const Id128 root = united.RootFor(name);
    const auto is_one = [&](const Id128& person) {
      return person == root ||
             std::any_of(united.state->links().begin(), united.state->links().end(),
                         [&](const Link& link) { return !link.until && link.person == person; });
    };
    for (const Link& link : united.state->links()) {
      const Id128 with = is_one(link.via) ? link.via : root;
      if (!link.until && erased.Have(link.person) != erased.Have(with)) {
        return std::optional(link.id);
      }
    }
  }
  return std::optional<Id128>();
}

Task<absl::Status> PartAround(Files files, const std::set<Id128>& around, const Thawed& erased) {
  for (const Id128& each : around) {
    const absl::Status settled = co_await CompleteLink(files, each);
    CO_RETURN_IF_ERROR(settled);
  }
  for (size_t i = 0; i < kMostAround; ++i) {
    CO_ASSIGN_OR_RETURN(const std::optional<Id128> link, LinkAcross(files, around, erased));
    if (!link) {
      co_return absl::OkStatus();
    }
    audit::Event event =
        OwnEvent(files.context, audit::v1::EVENT_CLASS_PERSONS_SPLIT, files.context.random.Id());
    const absl::StatusOr<Id128> parted = co_await SplitPersons(files, *link, std::move(event));
    CO_RETURN_IF_ERROR(parted.status());
  }
  co_return TooContended();
}

}  // namespace

Task<absl::Status> PartFromErased(Files files, Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::set<Id128> around, Around(files, person));
  std::set<Id128> erased;
  for (const Id128& each : around) {
    if (files.context.log.keys().Frozen(PersonSubject(each))) {
      erased.insert(each);
    }
  }
  if (erased.size() == around.size()) {
    co_return absl::OkStatus();
  }
  const Thawed thawed(files, std::move(erased));
  absl::Status parted = co_await PartAround(files, around, thawed);
  co_return parted;
}

}  // namespace relais::consent
