#include "services/consent/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

// A value may have 1 MiB (storage contract); the seal and what else is committed with it need some.
constexpr size_t kMostStateBytes = size_t{900} << 10;

std::string ContextOf(const Id128& person, std::string_view key) {
  return absl::StrCat("person/", person.ToHex(), "/", std::string(key));
}

}  // namespace

storage::Partition PersonPartition(const Id128& person) { return {storage::PartitionKind::kPerson, person}; }
audit::Subject PersonSubject(const Id128& person) { return {audit::Subject::Kind::kPerson, person}; }
std::string RecordKey(std::string_view institution) {
  return std::string(kRecordPrefix) + std::string(institution);
}
std::string ConsentKey(const Id128& consent) { return std::string(kConsentPrefix) + consent.ToHex(); }
std::string PersonRow(const Id128& person) { return std::string(kPersonPrefix) + person.ToBytes(); }
std::string EventRow(const Id128& event) { return "e/" + event.ToBytes(); }

Store::Store(const rpc::ServiceContext& context, size_t cached_persons)
    : context_(context), cache_(cached_persons) {}

absl::StatusOr<VersionedState> Store::Load(const Id128& person) {
  VersionedState found = cache_.Find(person);
  if (found.state != nullptr) {
    return found;
  }
  return LoadFresh(person);
}

absl::Status Store::OpenFrozen(const Id128& person, std::string_view key, std::string_view sealed,
                               google::protobuf::MessageLite& out) {
  ASSIGN_OR_RETURN(const std::string plain, context_.log.keys().OpenFrozenState(
                                                PersonSubject(person), ContextOf(person, key), sealed));
  return out.ParseFromString(plain) ? absl::OkStatus() : absl::DataLossError("a stored value does not parse");
}

absl::StatusOr<VersionedState> Store::LoadFresh(const Id128& person) {
  const uint64_t ticket = cache_.Ticket(person);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), kStateKey));
  if (!entry) {
    return rpc::NoSuchOrNotYours();
  }
  v1::StoredPerson stored;
  RETURN_IF_ERROR(Open(person, kStateKey, entry->value, stored));
  ASSIGN_OR_RETURN(PersonState state, StateFrom(stored));
  VersionedState loaded{std::make_shared<const PersonState>(std::move(state)), entry->version};
  cache_.Insert(person, loaded, ticket);
  return loaded;
}

absl::StatusOr<storage::Mutation> Store::WriteState(const Id128& person, const PersonState& state) {
  const v1::StoredPerson stored = StoredFrom(state);
  if (stored.ByteSizeLong() > kMostStateBytes) {
    return rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_WRONG_STATE,
                        "too much is recorded about this person; tell the operators");
  }
  return WriteSealed(person, std::string(kStateKey), stored);
}

absl::StatusOr<storage::Mutation> Store::WriteSealed(const Id128& person, std::string key,
                                                     const google::protobuf::MessageLite& message) {
  ASSIGN_OR_RETURN(std::string sealed, Seal(person, key, message));
  return storage::Mutation{std::move(key), std::move(sealed)};
}

absl::StatusOr<std::string> Store::Seal(const Id128& person, std::string_view key,
                                        const google::protobuf::MessageLite& message) {
  return context_.log.keys().SealState(PersonSubject(person), ContextOf(person, key),
                                       message.SerializeAsString());
}

absl::Status Store::Open(const Id128& person, std::string_view key, std::string_view sealed,
                         google::protobuf::MessageLite& out) {
  const absl::StatusOr<std::string> plain =
      context_.log.keys().OpenState(PersonSubject(person), ContextOf(person, key), sealed);
  if (absl::IsNotFound(plain.status())) {
    return rpc::NoSuchOrNotYours();  // erased
  }
  RETURN_IF_ERROR(plain.status());
  return out.ParseFromString(*plain) ? absl::OkStatus()
                                     : absl::DataLossError("a stored value does not parse");
}

absl::StatusOr<std::optional<v1::StoredRecord>> Store::ReadRecord(const Id128& person,
                                                                  std::string_view institution) {
  const std::string key = RecordKey(institution);
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context_.store.Get(PersonPartition(person), key));
  if (!entry) {
    return std::optional<v1::StoredRecord>();
  }
  v1::StoredRecord record;
  RETURN_IF_ERROR(Open(person, key, entry->value, record));
  return std::optional(std::move(record));
}

storage::Partition Store::OwnIdentifierBucket(std::string_view institution, std::string_view name) const {
  return context_.idempotency.Bucket("own_identifier", institution, name);
}

storage::Partition Store::SenderRecordBucket(std::string_view institution, std::string_view record) const {
  return context_.idempotency.Bucket("sender_record", institution, record);
}

storage::Partition Store::RequestBucket(std::string_view method, std::string_view institution,
                                        std::string_view request_id) const {
  return context_.idempotency.Bucket(absl::StrCat("request/", std::string(method)), institution, request_id);
}

storage::Partition Store::ObjectionBucket(const RecordName& record) const {
  return context_.idempotency.Bucket(absl::StrCat("objection/", record.key_version), record.supplier,
                                     record.digest);
}

storage::CommitRequest Store::ClaimFor(const storage::Partition& bucket, const Id128& person) const {
  v1::PersonClaim claim;
  claim.set_person_id(person.ToBytes());
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kClaimKey), std::nullopt});
  commit.batch.push_back({std::string(kClaimKey), claim.SerializeAsString()});
  return commit;
}

absl::StatusOr<std::optional<storage::CommitRequest>> Store::Unclaim(const storage::Partition& bucket,
                                                                     const Id128& person) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, kClaimKey));
  v1::PersonClaim claim;
  if (!entry || !claim.ParseFromString(entry->value) || claim.person_id() != person.ToBytes()) {
    return std::optional<storage::CommitRequest>();
  }
  storage::CommitRequest commit;
  commit.partition = bucket;
  commit.preconditions.push_back({std::string(kClaimKey), entry->version});
  commit.batch.push_back({std::string(kClaimKey), std::nullopt});
  return std::optional(std::move(commit));
}

absl::StatusOr<std::optional<Id128>> Store::ReadClaim(const storage::Partition& bucket) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, context_.store.Get(bucket, kClaimKey));
  if (!entry) {
    return std::optional<Id128>();
  }
  v1::PersonClaim claim;
  if (!claim.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored claim does not parse");
  }
  if (claim.person_id().empty()) {
    return rpc::NoSuchOrNotYours();  // erased
  }
  ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(claim.person_id()));
  return std::optional(person);
}

}  // namespace relais::consent
