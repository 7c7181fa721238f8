#include "services/consent/handlers/person_handlers.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/objection_records.h"
#include "services/consent/handlers/own_records.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRegister[] = "relais.consent.v1.PersonService/Register";

absl::Status CheckRegister(const Registry& registry, const rpc::Call& call,
                           const v1::RegisterRequest& request) {
  if (request.own_identifier().empty() == request.sender_record().empty()) {
    return rpc::InvalidField("own_identifier", "exactly one of own_identifier and sender_record is required");
  }
  if (!request.sender_record().empty()) {
    if (!call.caller.is_service()) {
      return rpc::InvalidField("sender_record", "is for services");
    }
    if (request.sender_record().size() != Id128::kSize) {
      return rpc::InvalidField("sender_record", "must have 16 bytes");
    }
  }
  if (request.traits().has_birth_date()) {
    const std::optional<absl::CivilDay> born = DayFrom(request.traits().birth_date());
    if (!born || *born > registry.paris.DayOf(registry.context.log.Now())) {
      return rpc::InvalidField("traits.birth_date", "must be a day, not in the future");
    }
  }
  return absl::OkStatus();
}

// Register does the same whether or not the name, the person and the record are there already (ADR 26): what
// is there is read as what is not, sealed as if it were new, and written again as it is, in the same commits.
// The one row that only a new person has is that of her key. A rewriting that loses a race is not repeated:
// what it would keep is there. What still differs in time is covered by the ticks of the answer (ADR 43).

// Who is claimed where, and since which commit.
struct HeldClaim {
  Id128 person;
  uint64_t version = 0;
};

// As Store::ReadClaim, with the version.
absl::StatusOr<std::optional<HeldClaim>> FindClaim(Registry& registry, const storage::Partition& bucket) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry, registry.context.store.Get(bucket, kClaimKey));
  if (!entry) {
    return std::optional<HeldClaim>();
  }
  v1::PersonClaim claim;
  if (!claim.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored claim does not parse");
  }
  if (claim.person_id().empty()) {
    return rpc::NoSuchOrNotYours();  // erased
  }
  ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(claim.person_id()));
  return std::optional(HeldClaim{person, entry->version});
}

// The person of a name, made up if nobody has it yet.
Task<absl::StatusOr<Id128>> ClaimPerson(Registry& registry, storage::Partition bucket) {
  std::optional<Id128> before;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const std::optional<HeldClaim> held, FindClaim(registry, bucket));
    if (held && before == held->person) {
      co_return held->person;
    }
    const Id128 fresh = registry.context.random.Id();
    const Id128 person = held ? held->person : fresh;
    storage::CommitRequest commit = registry.store.ClaimFor(bucket, person);
    if (held) {
      commit.preconditions.front().version = held->version;
    }
    const absl::StatusOr<storage::CommitResult> result =
        co_await registry.context.store.Commit(std::move(commit));
    if (result.ok()) {
      co_return person;
    }
    if (!absl::IsAborted(result.status())) {
      co_return result.status();
    }
    before = held ? std::optional(held->person) : std::nullopt;
  }
  co_return TooContended();
}

// Of a request that was carried out before: its name may have been taken from that person since
// (UnlinkIdentifier), and given to another. Who is erased is nobody any more: her name registers somebody
// new.
absl::Status CheckStillNames(Registry& registry, const Claim& claim, const storage::Partition& bucket) {
  const absl::StatusOr<storage::LeafRange> done = FindLeaf(registry.context.log, claim);
  if (absl::IsDataLoss(done.status())) {
    return absl::OkStatus();  // claimed, and no more
  }
  RETURN_IF_ERROR(done.status());
  ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> leaves, registry.context.log.OpenAt({done->first}));
  if (leaves.empty() || leaves[0].opening == audit::OpenedLeaf::Opening::kErased) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::optional<Id128> named, registry.store.ReadClaim(bucket));
  if (named) {
    ASSIGN_OR_RETURN(const std::optional<storage::Entry> made,
                     registry.context.store.Get(PersonPartition(*named), EventRow(claim.event_id)));
    if (made) {
      return absl::OkStatus();
    }
  }
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      "the person whom this request registered no longer has this name");
}

struct Registration {
  Id128 person;
  std::string institution;
  v1::StoredRecord record;  // as this request gives it
  audit::Event event;       // without subject
};

// The leaf of the act about the person, and the one that links the sender record's key to her.
absl::Status DraftLeaves(Registry& registry, const Registration& registration,
                         storage::CommitRequest& commit) {
  audit::Event event = registration.event;
  event.subject = PersonSubject(registration.person);
  ASSIGN_OR_RETURN(storage::LeafDraft of_person, registry.context.log.Draft(event));
  commit.leaves.push_back(std::move(of_person));
  if (registration.record.sender_record().empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(registration.record.sender_record()));
  event.subject = audit::Subject{audit::Subject::Kind::kSenderRecord, record};
  ASSIGN_OR_RETURN(storage::LeafDraft of_record, registry.context.log.Draft(event));
  commit.leaves.push_back(std::move(of_record));
  return absl::OkStatus();
}

// Writes `fresh` where nothing is; else, with `again`, what is there once more.
void WriteOrKeep(const std::optional<storage::Entry>& there, storage::Mutation fresh, bool again,
                 storage::CommitRequest& commit) {
  if (there && !again) {
    return;
  }
  commit.preconditions.push_back({fresh.key, there ? std::optional(there->version) : std::nullopt});
  commit.batch.push_back(there ? storage::Mutation{std::move(fresh.key), there->value} : std::move(fresh));
}

// Nullopt: this act was committed before.
absl::StatusOr<std::optional<storage::CommitRequest>> PersonCommit(Registry& registry,
                                                                   const Registration& registration,
                                                                   bool again) {
  const storage::Partition partition = PersonPartition(registration.person);
  const std::string done = EventRow(registration.event.event_id);
  const std::string record_key = RecordKey(registration.institution);
  ASSIGN_OR_RETURN(const std::vector<std::optional<storage::Entry>> rows,
                   registry.context.store.MultiGet(
                       {{partition, done}, {partition, std::string(kStateKey)}, {partition, record_key}}));
  if (rows[0]) {
    return std::optional<storage::CommitRequest>();
  }
  storage::CommitRequest commit;
  commit.partition = partition;
  RETURN_IF_ERROR(DraftLeaves(registry, registration, commit));
  commit.preconditions.push_back({done, std::nullopt});
  commit.batch.push_back({done, std::string()});
  ASSIGN_OR_RETURN(storage::Mutation state, registry.store.WriteState(registration.person, PersonState()));
  WriteOrKeep(rows[1], std::move(state), again, commit);
  ASSIGN_OR_RETURN(storage::Mutation record,
                   registry.store.WriteSealed(registration.person, record_key, registration.record));
  WriteOrKeep(rows[2], std::move(record), again, commit);  // traits are kept as first given
  return std::optional(std::move(commit));
}

// Her state has another version afterwards: who has it in the cache must not decide on the one before.
Task<absl::StatusOr<storage::CommitResult>> CommitPerson(Registry& registry, Id128 person,
                                                         storage::CommitRequest commit) {
  const PersonCache::Writing writing(registry.store.cache(), person);
  absl::StatusOr<storage::CommitResult> result = co_await registry.context.store.Commit(std::move(commit));
  co_return result;
}

Task<absl::StatusOr<common::v1::Written>> WritePerson(Registry& registry, Registration registration,
                                                      bool want_proof) {
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(std::optional<storage::CommitRequest> commit,
                        PersonCommit(registry, registration, attempt == 0));
    if (!commit) {
      absl::StatusOr<common::v1::Written> again =
          co_await rpc::WrittenAgain(registry.context, PersonSubject(registration.person),
                                     registration.event.event_id, want_proof, true);
      co_return again;
    }
    const absl::StatusOr<storage::CommitResult> result =
        co_await CommitPerson(registry, registration.person, *std::move(commit));
    if (result.ok()) {
      absl::StatusOr<common::v1::Written> written =
          co_await rpc::WrittenOf(registry.context, result->leaves, want_proof, true);
      co_return written;
    }
    if (!absl::IsAborted(result.status())) {
      co_return result.status();
    }
  }
  co_return TooContended();
}

absl::StatusOr<std::vector<RecordName>> RecordsOf(Registry& registry, const directory::Directory& directory,
                                                  const Registration& registration) {
  ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> stored,
                   registry.store.ReadRecord(registration.person, registration.institution));
  if (!stored) {
    return std::vector<RecordName>();
  }
  return RecordsOfTraits(registry, directory, registration.institution, stored->traits());
}

// Writes the row of the act once more, in place of a record that is not attached.
Task<absl::Status> RewriteAct(Registry& registry, Id128 person, Id128 act) {
  storage::CommitRequest commit;
  commit.partition = PersonPartition(person);
  std::string key = EventRow(act);
  CO_ASSIGN_OR_RETURN(std::optional<storage::Entry> row, registry.context.store.Get(commit.partition, key));
  if (!row) {
    co_return absl::OkStatus();  // erased meanwhile
  }
  commit.preconditions.push_back({key, row->version});
  commit.batch.push_back({std::move(key), std::move(row->value)});
  const absl::StatusOr<storage::CommitResult> result =
      co_await registry.context.store.Commit(std::move(commit));
  co_return absl::IsAborted(result.status()) ? absl::OkStatus() : result.status();
}

// `commits` at least, whatever is known of her: her traits, as they were first given, name records or none.
Task<absl::Status> AttachObjections(Registry& registry, std::vector<RecordName> records, size_t commits,
                                    Registration registration) {
  audit::Event event = registration.event;
  event.event_class = audit::v1::EVENT_CLASS_OBJECTION_RECORDED;
  event.details.clear_payload();
  std::vector<Task<absl::Status>> attached;
  attached.reserve(commits);
  for (const RecordName& record : records) {
    attached.push_back(AttachRecord(registry, registration.person, record, event));
  }
  while (attached.size() < commits) {
    attached.push_back(RewriteAct(registry, registration.person, registration.event.event_id));
  }
  const std::vector<absl::Status> results = co_await WhenAll(registry.context.executor, std::move(attached));
  for (const absl::Status& result : results) {
    CO_RETURN_IF_ERROR(result);
  }
  co_return absl::OkStatus();
}

// From a call that has taken `spent` to its next tick, which is never now.
absl::Duration ToNextTick(absl::Duration spent, absl::Duration tick) {
  absl::Duration since_last;
  absl::IDivDuration(spent, tick, &since_last);
  return tick - since_last;
}

}  // namespace

Task<absl::StatusOr<v1::RegisterResponse>> PersonHandlers::Register(rpc::Call call,
                                                                    v1::RegisterRequest request) {
  const Clock& clock = registry_.context.clock;
  const absl::Duration came = clock.Monotonic();
  const bool on_ticks = !call.caller.is_service() && register_tick_ > absl::ZeroDuration();
  absl::StatusOr<v1::RegisterResponse> answer = co_await RegisterNow(std::move(call), std::move(request));
  if (on_ticks) {
    co_await Sleep(registry_.context.executor, ToNextTick(clock.Monotonic() - came, register_tick_));
  }
  co_return answer;
}

Task<absl::StatusOr<v1::RegisterResponse>> PersonHandlers::RegisterNow(rpc::Call call,
                                                                       v1::RegisterRequest request) {
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_RETURN_IF_ERROR(CheckRegister(registry_, call, request));
  const uint64_t size = registry_.context.log.state().size;
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(registry_.context, registry_.store, rpc::RequestOwner(call, actor), kRegister,
                            request.request_id(), ContentOf(request));
  if (!claim.ok()) {
    co_return claim.status();
  }
  const storage::Partition bucket =
      request.own_identifier().empty()
          ? registry_.store.SenderRecordBucket(actor.institution, request.sender_record())
          : registry_.store.OwnIdentifierBucket(actor.institution, request.own_identifier());
  if (claim->log_size < size) {  // it came before
    CO_RETURN_IF_ERROR(CheckStillNames(registry_, *claim, bucket));
  }
  const absl::StatusOr<Id128> person = co_await ClaimPerson(registry_, bucket);
  if (!person.ok()) {
    co_return person.status();
  }
  Registration registration;
  registration.person = *person;
  registration.institution = actor.institution;
  registration.record.set_own_identifier(request.own_identifier());
  registration.record.set_sender_record(request.sender_record());
  *registration.record.mutable_traits() = request.traits();
  registration.event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_PERSON_REGISTERED, request.request_id());
  registration.event.event_id = claim->event_id;
  v1::PersonRegistered payload;
  payload.set_institution(actor.institution);
  payload.set_sender_record(request.sender_record());
  registration.event.details.mutable_payload()->PackFrom(payload);
  absl::StatusOr<common::v1::Written> written =
      co_await WritePerson(registry_, registration, request.want_proof());
  if (audit::IsErased(written.status())) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                           "this record is being erased: register again later");
  }
  if (!written.ok()) {
    co_return written.status();
  }
  CO_ASSIGN_OR_RETURN(std::vector<RecordName> records, RecordsOf(registry_, *call.directory, registration));
  CO_ASSIGN_OR_RETURN(const size_t commits,
                      CountRecords(registry_, *call.directory, registration.institution));
  const absl::Status attached =
      co_await AttachObjections(registry_, std::move(records), commits, std::move(registration));
  CO_RETURN_IF_ERROR(attached);
  v1::RegisterResponse response;
  *response.mutable_person() = rpc::RefFor(registry_.context, call, *person);
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::ResolveResponse>> PersonHandlers::Resolve(rpc::Call call,
                                                                  v1::ResolveRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  co_await ResumeOn(registry_.context.executor);
  Id128 person;
  if (request.by_case() == v1::ResolveRequest::kPerson) {
    CO_ASSIGN_OR_RETURN(person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  } else if (!request.own_identifier().empty()) {
    CO_ASSIGN_OR_RETURN(person, PersonOfIdentifier(registry_, actor.institution, request.own_identifier()));
  } else {
    co_return rpc::InvalidField("by", "a handle or an own identifier is required");
  }
  co_return OwnRecord(registry_, call, actor, person);
}

}  // namespace relais::consent
