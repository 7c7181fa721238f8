#include "common/audit/followed_links.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/event.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "relais/consent/v1/person_events.pb.h"

namespace relais::audit {

// One link while it stands with one canonical person. When who is linked goes along with somebody, the same
// link goes on with another one: that is a new beginning, which the end of the first must not prevent.
struct FollowedLinks::Between {
  Id128 link;
  Id128 canonical;
  Id128 linked;
  bool ended = false;

  // The same at both ends; names nobody. The link's id and the person's are random.
  [[nodiscard]] std::string Key() const {
    constexpr size_t kNameSize = 16;
    return std::string(kPrefix) + crypto::Sha256(link.ToBytes() + canonical.ToBytes()).substr(0, kNameSize);
  }
  static constexpr std::string_view kPrefix = "with/";
};

namespace {

constexpr size_t kPageSize = 500;

storage::Partition PartitionOf(const Id128& person) { return {storage::PartitionKind::kPerson, person}; }

// Nullopt: another class, a leaf that does not name both, or one that nobody can read.
template <typename Between, typename Payload>
std::optional<Between> BetweenIn(const FollowedLeaf& leaf, bool ended) {
  Payload payload;
  if (!leaf.details.payload().UnpackTo(&payload) || payload.linked_id().empty()) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> link = Id128::FromHex(payload.link_id());
  const absl::StatusOr<Id128> canonical = Id128::FromBytes(payload.canonical_id());
  const absl::StatusOr<Id128> linked = Id128::FromBytes(payload.linked_id());
  if (!link.ok() || !canonical.ok() || !linked.ok() || *canonical == *linked) {
    return std::nullopt;
  }
  return Between{*link, *canonical, *linked, ended};
}

void AddOnce(const Id128& person, std::vector<Id128>& persons) {
  if (std::find(persons.begin(), persons.end(), person) == persons.end()) {
    persons.push_back(person);
  }
}

}  // namespace

bool IsOfLink(const FollowedLeaf& leaf) {
  return leaf.header.event_class() == audit::v1::EVENT_CLASS_PERSONS_LINKED ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_PERSONS_SPLIT;
}

Task<absl::StatusOr<std::vector<Id128>>> FollowedLinks::Apply(FollowedLeaf leaf) {
  std::optional<Between> between = BetweenIn<Between, consent::v1::PersonsLinked>(leaf, /*ended=*/false);
  if (!between.has_value()) {
    between = BetweenIn<Between, consent::v1::PersonsSplit>(leaf, /*ended=*/true);
  }
  std::vector<Id128> named;
  if (leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON) {
    if (const auto about = Id128::FromBytes(leaf.details.subject().id()); about.ok()) {
      named.push_back(*about);
    }
  }
  if (between.has_value()) {
    AddOnce(between->canonical, named);
    AddOnce(between->linked, named);
  }
  std::vector<Id128> names;
  CO_RETURN_IF_ERROR(AddNames(named, names));
  if (between.has_value()) {
    const absl::Status first = co_await Note(*between, between->canonical, between->linked);
    CO_RETURN_IF_ERROR(first);
    const absl::Status second = co_await Note(*between, between->linked, between->canonical);
    CO_RETURN_IF_ERROR(second);
    CO_RETURN_IF_ERROR(AddNames(named, names));
  }
  co_return names;
}

// An end is noted whether or not the beginning is there: that may be read again, and begins nothing then.
Task<absl::Status> FollowedLinks::Note(Between between, Id128 at, Id128 other) {
  CO_ASSIGN_OR_RETURN(const bool gone, IsGone(at));
  CO_ASSIGN_OR_RETURN(const bool other_gone, IsGone(other));
  if (gone || (other_gone && !between.ended)) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  commit.partition = PartitionOf(at);
  if (!between.ended) {
    commit.preconditions.push_back({between.Key(), std::nullopt});
  }
  commit.batch.push_back({between.Key(), between.ended ? std::string() : other.ToBytes()});
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

Task<absl::Status> FollowedLinks::Forget(Id128 person) {
  const absl::StatusOr<std::vector<Row>> rows = RowsOf(person);
  if (DoesNotRead(rows.status())) {
    log::Error("who is one human with whom does not read: it is looked for at everybody's",
               {log::Field::Code(rows.status())});
    const absl::Status ended = co_await EndWhereNamed(person);
    co_return ended;
  }
  CO_RETURN_IF_ERROR(rows.status());
  for (const Row& row : *rows) {
    std::optional<Id128> other = row.other;
    if (!other.has_value()) {
      CO_ASSIGN_OR_RETURN(other, OtherEnd(person, row.key));
    }
    if (!other.has_value()) {
      continue;
    }
    CO_ASSIGN_OR_RETURN(const std::optional<storage::Entry> there, store_.Get(PartitionOf(*other), row.key));
    if (!there.has_value()) {
      continue;  // erased herself, or not noted there yet
    }
    const absl::Status ended = co_await EndAt(*other, row.key, there->version);
    CO_RETURN_IF_ERROR(ended);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> FollowedLinks::EndAt(Id128 person, std::string key, uint64_t version) {
  storage::CommitRequest commit;
  commit.partition = PartitionOf(person);
  commit.preconditions.push_back({key, version});
  commit.batch.push_back({std::move(key), std::string()});
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  // Else it was ended, or removed with whose it is.
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

Task<absl::Status> FollowedLinks::EndWhereNamed(Id128 person) {
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(
        const storage::SalvagedPartitions found,
        storage::SalvagePartitions(store_, storage::PartitionKind::kPerson, *from, kPageSize));
    for (const storage::Partition& other : found.partitions) {
      std::string at;
      do {
        CO_ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                            storage::Salvage(store_, other, Between::kPrefix, at, kPageSize));
        for (const storage::KeyedEntry& row : page.entries) {
          if (row.entry.value == person.bytes()) {
            const absl::Status ended = co_await EndAt(other.id, row.key, row.entry.version);
            CO_RETURN_IF_ERROR(ended);
          }
        }
        at = page.next;
      } while (!at.empty());
    }
    from = found.next;
  }
  co_return absl::OkStatus();
}

// Its key is the same there: for a row that does not say where.
absl::StatusOr<std::optional<Id128>> FollowedLinks::OtherEnd(const Id128& person,
                                                             const std::string& key) const {
  Id128 from;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::Partition> persons,
                     store_.ListPartitions(storage::PartitionKind::kPerson, from, kPageSize));
    for (const storage::Partition& other : persons) {
      from = storage::NextId(other.id);
      ASSIGN_OR_RETURN(const std::optional<storage::Entry> row, store_.Get(other, key));
      if (other.id != person && row.has_value() && row->value == person.bytes()) {
        return std::optional<Id128>(other.id);
      }
    }
    if (persons.size() < kPageSize || from.IsZero()) {
      return std::optional<Id128>();
    }
  }
}

absl::StatusOr<std::vector<Id128>> FollowedLinks::NamesOf(const Id128& person) const {
  std::vector<Id128> names = {person};
  for (size_t i = 0; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<Row> rows, RowsOf(names[i]));
    for (const Row& row : rows) {
      if (row.other.has_value()) {  // else it names nobody: under fewer names less is found
        AddOnce(*row.other, names);
      }
    }
  }
  return names;
}

absl::StatusOr<FollowedLinks::ReadableNames> FollowedLinks::ReadableNamesOf(const Id128& person) const {
  ReadableNames found;
  found.names.push_back(person);
  for (size_t i = 0; i < found.names.size(); ++i) {
    const absl::StatusOr<std::vector<Row>> rows = RowsOf(found.names[i]);
    if (DoesNotRead(rows.status())) {
      log::Error("who is one human with whom does not read", {log::Field::Code(rows.status())});
      found.all = false;
      continue;
    }
    RETURN_IF_ERROR(rows.status());
    for (const Row& row : *rows) {
      found.all = found.all && row.other.has_value();
      if (row.other.has_value()) {
        AddOnce(*row.other, found.names);
      }
    }
  }
  return found;
}

absl::Status FollowedLinks::AddNames(const std::vector<Id128>& persons, std::vector<Id128>& names) const {
  for (const Id128& person : persons) {
    ASSIGN_OR_RETURN(const std::vector<Id128> all, NamesOf(person));
    for (const Id128& name : all) {
      AddOnce(name, names);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FollowedLinks::Row>> FollowedLinks::RowsOf(const Id128& person) const {
  std::vector<Row> rows;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     store_.Scan(PartitionOf(person), Between::kPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      if (row.entry.value.empty()) {
        continue;
      }
      const auto other = Id128::FromBytes(row.entry.value);
      if (other.ok()) {
        rows.push_back({row.key, *other});
      } else {
        log::Error("a row of who is one human with whom does not read", {log::Field::Code(other.status())});
        rows.push_back({row.key, std::nullopt});
      }
    }
    from = page.next;
  } while (!from.empty());
  return rows;
}

absl::StatusOr<bool> FollowedLinks::IsGone(const Id128& person) const {
  const Subject subject{Subject::Kind::kPerson, person};
  if (log_.keys().Frozen(subject)) {
    return true;
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> row,
                   store_.LogGet(storage::LogTable::kSubjectKeys, subject.Encode()));
  return row.has_value() && SubjectKeys::IsTombstone(*row);
}

}  // namespace relais::audit
