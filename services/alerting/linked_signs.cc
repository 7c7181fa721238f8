#include "services/alerting/linked_signs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/person_events.pb.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;

struct SourceRecord {
  Id128 id;
  std::string institution;
};

}  // namespace

Task<absl::Status> LinkedSigns::Apply(audit::FollowedLeaf leaf) {
  consent::v1::PersonsLinked linked;
  consent::v1::PersonsSplit split;
  const google::protobuf::Any& payload = leaf.details.payload();
  if (payload.UnpackTo(&linked) && !linked.linked_id().empty()) {
    CO_ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(linked.link_id()));
    CO_ASSIGN_OR_RETURN(const Id128 stays, Id128::FromBytes(linked.canonical_id()));
    CO_ASSIGN_OR_RETURN(const Id128 comes, Id128::FromBytes(linked.linked_id()));
    const absl::Status first = co_await Link(link, stays, comes);
    CO_RETURN_IF_ERROR(first);
    const absl::Status second = co_await Link(link, comes, stays);
    CO_RETURN_IF_ERROR(second);
    const absl::Status noted = co_await Note(stays);
    co_return noted;
  }
  if (payload.UnpackTo(&split) && !split.linked_id().empty()) {
    CO_ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(split.link_id()));
    CO_ASSIGN_OR_RETURN(const Id128 stays, Id128::FromBytes(split.canonical_id()));
    CO_ASSIGN_OR_RETURN(const Id128 leaves, Id128::FromBytes(split.linked_id()));
    const absl::Status first = co_await Split(link, stays);
    CO_RETURN_IF_ERROR(first);
    const absl::Status second = co_await Split(link, leaves);
    CO_RETURN_IF_ERROR(second);
    const absl::Status staying = co_await Note(stays);
    CO_RETURN_IF_ERROR(staying);
    const absl::Status leaving = co_await Note(leaves);
    co_return leaving;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LinkedSigns::Registered(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> others, store_.OneWith(person));
  if (others.empty()) {
    co_return absl::OkStatus();
  }
  const absl::Status noted = co_await Note(person);
  co_return noted;
}

// Unless the link is there, or has ended already: leaves of two persons may come in either order.
Task<absl::Status> LinkedSigns::Link(Id128 link, Id128 person, Id128 other) {
  const absl::StatusOr<storage::CommitResult> done =
      co_await context_.store.Commit(AlertingStore::BeginOne(person, link, other));
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

Task<absl::Status> LinkedSigns::Split(Id128 link, Id128 person) {
  const absl::StatusOr<storage::CommitResult> done =
      co_await context_.store.Commit(AlertingStore::EndOne(person, link));
  co_return done.status();
}

absl::StatusOr<std::vector<Id128>> LinkedSigns::OneHumanWith(const Id128& person) const {
  std::vector<Id128> group = {person};
  for (size_t i = 0; i < group.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<Id128> others, store_.OneWith(group[i]));
    for (const Id128& other : others) {
      if (std::find(group.begin(), group.end(), other) == group.end()) {
        group.push_back(other);
      }
    }
  }
  return group;
}

// Of everybody who is one human with her: a record has another's sign when a record of another source is
// among them.
Task<absl::Status> LinkedSigns::Note(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, OneHumanWith(person));
  std::vector<SourceRecord> records;
  for (const Id128& each : group) {
    CO_ASSIGN_OR_RETURN(const std::vector<Id128> named, store_.RecordsOf(each));
    for (const Id128& name : named) {
      CO_ASSIGN_OR_RETURN(const AlertingStore::CurrentRecord current, store_.Current(name));
      if (current.stored.version != 0) {  // else a row at a collective address: its record is not hers alone
        records.push_back({current.id, current.stored.value.institution()});
      }
    }
  }
  for (const SourceRecord& record : records) {
    const bool linked = std::any_of(records.begin(), records.end(), [&](const SourceRecord& other) {
      return other.institution != record.institution;
    });
    const absl::Status set = co_await Set(record.id, linked);
    CO_RETURN_IF_ERROR(set);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LinkedSigns::Set(Id128 record, bool linked) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(AlertingStore::StoredRecord stored, store_.Record(record));
    if (stored.version == 0 || stored.erased.has_value() || stored.value.linked_sign() == linked) {
      co_return absl::OkStatus();
    }
    stored.value.set_linked_sign(linked);
    storage::CommitRequest commit;
    const absl::Status put = store_.PutRecord(stored, record, commit);
    if (audit::IsErased(put)) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(put);
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

}  // namespace relais::alerting
