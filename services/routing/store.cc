#include "services/routing/store.h"

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "services/routing/domain/delivery.h"

namespace relais::routing {
namespace {

constexpr std::string_view kState = "state";
constexpr std::string_view kSlot = "slot";
constexpr std::string_view kTakenBack = "taken-back";
constexpr std::string_view kLinkPrefix = "msg/";
constexpr std::string_view kNoticePrefix = "note/";
constexpr std::string_view kNoticeKeyInfo = "relais routing notice v1";

std::string ContextOf(const storage::Partition& partition, std::string_view key) {
  return partition.Encode() + "/" + std::string(key);
}

audit::Subject PersonSubject(const Id128& person) { return {audit::Subject::Kind::kPerson, person}; }

void AddValue(std::string_view key, std::string value, uint64_t version, storage::CommitRequest& commit) {
  storage::Precondition unchanged{std::string(key), std::nullopt};
  if (version != 0) {
    unchanged.version = version;
  }
  commit.preconditions.push_back(std::move(unchanged));
  commit.batch.push_back({std::string(key), std::move(value)});
}

absl::StatusOr<std::vector<Id128>> MessagesUnder(const storage::Store& store, const Id128& person,
                                                 std::string_view prefix) {
  std::vector<Id128> out;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     store.Scan(RoutingStore::PersonPartition(person), prefix, from, 1000));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(std::string_view(entry.key).substr(prefix.size())));
      out.push_back(id);
    }
    from = page.next;
  } while (!from.empty());
  return out;
}

absl::StatusOr<v1::MessageState> Parse(const std::string& plain) {
  v1::MessageState state;
  if (!state.ParseFromString(plain)) {
    return absl::DataLossError("a message's state cannot be read");
  }
  return state;
}

}  // namespace

absl::StatusOr<std::optional<Stored<v1::MessageState>>> RoutingStore::Message(const Id128& message) const {
  const storage::Partition partition = MessagePartition(message);
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(partition, kState));
  if (!entry.has_value()) {
    return std::optional<Stored<v1::MessageState>>();
  }
  ASSIGN_OR_RETURN(auto state, OpenMessage(partition, entry->value, /*frozen=*/false));
  if (!state.has_value()) {
    return std::optional<Stored<v1::MessageState>>();
  }
  return std::optional(Stored<v1::MessageState>{std::move(*state), entry->version});
}

absl::StatusOr<std::optional<v1::MessageState>> RoutingStore::FrozenMessage(const Id128& message) const {
  const storage::Partition partition = MessagePartition(message);
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(partition, kState));
  if (!entry.has_value()) {
    return std::optional<v1::MessageState>();
  }
  return OpenMessage(partition, entry->value, /*frozen=*/true);
}

absl::StatusOr<std::optional<v1::MessageState>> RoutingStore::Notice(const Id128& message) const {
  const storage::Partition partition = MessagePartition(message);
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(partition, kState));
  if (!entry.has_value() || !std::string_view(entry->value).starts_with(Id128().bytes())) {
    return std::optional<v1::MessageState>();
  }
  return OpenMessage(partition, entry->value, /*frozen=*/false);
}

// The person's 16 bytes in clear, so that her key can be found, then the sealed state. Of a notice, which is
// about nobody, zeros: it is sealed under a key of the log's own.
absl::StatusOr<std::optional<v1::MessageState>> RoutingStore::OpenMessage(const storage::Partition& partition,
                                                                          std::string_view value,
                                                                          bool frozen) const {
  if (value.size() < Id128::kSize) {
    return absl::DataLossError("a message's state is too short");
  }
  ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(value.substr(0, Id128::kSize)));
  const std::string_view sealed = value.substr(Id128::kSize);
  const std::string context = ContextOf(partition, kState);
  if (person.IsZero()) {
    ASSIGN_OR_RETURN(const std::string plain,
                     crypto::OpenRandom(context_.log.DeriveKey(kNoticeKeyInfo), context, sealed));
    ASSIGN_OR_RETURN(v1::MessageState state, Parse(plain));
    return std::optional(std::move(state));
  }
  const auto plain = frozen ? context_.log.keys().OpenFrozenState(PersonSubject(person), context, sealed)
                            : context_.log.keys().OpenState(PersonSubject(person), context, sealed);
  if (absl::IsNotFound(plain.status())) {
    return std::optional<v1::MessageState>();
  }
  RETURN_IF_ERROR(plain.status());
  ASSIGN_OR_RETURN(v1::MessageState state, Parse(*plain));
  return std::optional(std::move(state));
}

absl::StatusOr<std::optional<v1::PersonSlot>> RoutingStore::FrozenSlot(const Id128& person) const {
  const storage::Partition partition = PersonPartition(person);
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(partition, kSlot));
  if (!entry.has_value()) {
    return std::optional<v1::PersonSlot>();
  }
  const auto plain =
      context_.log.keys().OpenFrozenState(PersonSubject(person), ContextOf(partition, kSlot), entry->value);
  if (absl::IsNotFound(plain.status())) {
    return std::optional<v1::PersonSlot>();
  }
  RETURN_IF_ERROR(plain.status());
  v1::PersonSlot slot;
  if (!slot.ParseFromString(*plain)) {
    return absl::DataLossError("a pivot slot cannot be read");
  }
  return std::optional(std::move(slot));
}

absl::Status RoutingStore::PutMessage(const Stored<v1::MessageState>& message, const Id128& id,
                                      storage::CommitRequest& commit) const {
  const storage::Partition partition = MessagePartition(id);
  const std::string context = ContextOf(partition, kState);
  const std::string plain = message.value.SerializeAsString();
  Id128 person;
  std::string sealed;
  if (IsAboutNobody(message.value)) {
    ASSIGN_OR_RETURN(
        sealed, crypto::SealRandom(context_.random, context_.log.DeriveKey(kNoticeKeyInfo), context, plain));
  } else {
    ASSIGN_OR_RETURN(person, Id128::FromBytes(message.value.person()));
    ASSIGN_OR_RETURN(sealed, context_.log.keys().SealState(PersonSubject(person), context, plain));
  }
  commit.partition = partition;
  AddValue(kState, person.ToBytes() + sealed, message.version, commit);
  if (message.version == 0) {
    commit.preconditions.push_back({std::string(kTakenBack), std::nullopt});
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RoutingStore::Has(const Id128& message) const {
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(MessagePartition(message), kState));
  return entry.has_value();
}

absl::StatusOr<std::optional<absl::Time>> RoutingStore::TakenBackAt(const Id128& message) const {
  ASSIGN_OR_RETURN(const auto entry, context_.store.Get(MessagePartition(message), kTakenBack));
  if (!entry.has_value()) {
    return std::optional<absl::Time>();
  }
  v1::TakenBack taken_back;
  if (!taken_back.ParseFromString(entry->value)) {
    return absl::DataLossError("what is noted of a message that was pulled back cannot be read");
  }
  return std::optional<absl::Time>(FromProto(taken_back.at()));
}

storage::CommitRequest RoutingStore::NoteTakenBack(const Id128& message, absl::Time now) {
  v1::TakenBack taken_back;
  *taken_back.mutable_at() = ToProto(now);
  storage::CommitRequest commit;
  commit.partition = MessagePartition(message);
  commit.preconditions.push_back({std::string(kState), std::nullopt});
  AddValue(kTakenBack, taken_back.SerializeAsString(), 0, commit);
  return commit;
}

absl::StatusOr<Stored<v1::PersonSlot>> RoutingStore::Slot(const Id128& person) const {
  const storage::Partition partition = PersonPartition(person);
  ASSIGN_OR_RETURN(auto entry, context_.store.Get(partition, kSlot));
  Stored<v1::PersonSlot> out;
  if (!entry.has_value()) {
    return out;
  }
  out.version = entry->version;
  auto plain =
      context_.log.keys().OpenState(PersonSubject(person), ContextOf(partition, kSlot), entry->value);
  if (absl::IsNotFound(plain.status())) {
    return out;
  }
  RETURN_IF_ERROR(plain.status());
  if (!out.value.ParseFromString(*plain)) {
    return absl::DataLossError("a pivot slot cannot be read");
  }
  return out;
}

absl::Status RoutingStore::PutSlot(const Stored<v1::PersonSlot>& slot, const Id128& person,
                                   storage::CommitRequest& commit) const {
  const storage::Partition partition = PersonPartition(person);
  ASSIGN_OR_RETURN(std::string sealed,
                   context_.log.keys().SealState(PersonSubject(person), ContextOf(partition, kSlot),
                                                 slot.value.SerializeAsString()));
  commit.partition = partition;
  AddValue(kSlot, std::move(sealed), slot.version, commit);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Id128>> RoutingStore::UndeliveredOf(const Id128& person) const {
  return MessagesUnder(context_.store, person, kLinkPrefix);
}

absl::StatusOr<std::vector<Id128>> RoutingStore::NoticesOf(const Id128& person) const {
  return MessagesUnder(context_.store, person, kNoticePrefix);
}

storage::CommitRequest RoutingStore::NoteNotice(const Id128& person, const Id128& message) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  commit.batch.push_back({std::string(kNoticePrefix) + message.ToBytes(), std::string()});
  return commit;
}

storage::CommitRequest RoutingStore::LinkToPerson(const Id128& person, const Id128& message, bool present) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  std::optional<std::string> value;
  if (present) {
    value = std::string();
  }
  commit.batch.push_back({std::string(kLinkPrefix) + message.ToBytes(), std::move(value)});
  return commit;
}

}  // namespace relais::routing
