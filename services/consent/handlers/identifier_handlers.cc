#include "services/consent/handlers/identifier_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/handlers/own_records.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kLink[] = "relais.consent.v1.PersonService/LinkIdentifier";
constexpr char kUnlink[] = "relais.consent.v1.PersonService/UnlinkIdentifier";
constexpr int kMostIdentifiers = 20;

absl::Status WrongState(std::string_view why) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
}

absl::Status NamesAnother() { return WrongState("this identifier names another person of yours"); }

// What the two acts on an identifier have in common.
struct Naming {
  Id128 person;
  std::string institution;
  std::string identifier;
  storage::Partition bucket;
  audit::Event event;
};

bool Lists(const v1::StoredRecord& record, const std::string& identifier) {
  const auto& more = record.more_identifiers();
  return record.own_identifier() == identifier ||
         std::find(more.begin(), more.end(), identifier) != more.end();
}

int NamesIn(const v1::StoredRecord& record) {
  return record.more_identifiers_size() + (record.own_identifier().empty() ? 0 : 1) +
         (record.sender_record().empty() ? 0 : 1);
}

absl::StatusOr<PlannedAct> ActWith(Registry& registry, const Naming& naming, bool linked,
                                   const PersonState& state, const v1::StoredRecord& record) {
  v1::IdentifierChanged payload;
  payload.set_institution(naming.institution);
  payload.set_linked(linked);
  PlannedAct act;
  act.state = state;
  act.event = naming.event;
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(naming.event.event_id.ToBytes());
  ASSIGN_OR_RETURN(storage::Mutation row,
                   registry.store.WriteSealed(naming.person, RecordKey(naming.institution), record));
  act.rows.push_back(std::move(row));
  return act;
}

absl::StatusOr<PlannedAct> PlanLink(Registry& registry, const Naming& naming, const PersonState& state) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredRecord> record,
                   registry.store.ReadRecord(naming.person, naming.institution));
  if (!record) {
    return rpc::NoSuchOrNotYours();
  }
  ASSIGN_OR_RETURN(const std::optional<Id128> claimed, registry.store.ReadClaim(naming.bucket));
  if (claimed && *claimed != naming.person) {
    return NamesAnother();
  }
  if (!Lists(*record, naming.identifier)) {
    if (NamesIn(*record) >= kMostIdentifiers) {
      return WrongState("she has twenty identifiers of yours already");
    }
    record->add_more_identifiers(naming.identifier);
  }
  return ActWith(registry, naming, true, state, *record);
}

// The claim goes first: until her record says so too, a repetition finds what is left to do.
absl::StatusOr<PlannedAct> PlanUnlink(Registry& registry, const Naming& naming, const PersonState& state) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredRecord> record,
                   registry.store.ReadRecord(naming.person, naming.institution));
  if (!record || !Lists(*record, naming.identifier)) {
    return rpc::NoSuchOrNotYours();
  }
  if (NamesIn(*record) == 1) {
    return WrongState("it is the last name of your record of her");
  }
  auto& more = *record->mutable_more_identifiers();
  if (record->own_identifier() == naming.identifier) {
    record->set_own_identifier(more.empty() ? "" : more[0]);
    if (!more.empty()) {
      more.erase(more.begin());
    }
  } else {
    more.erase(std::find(more.begin(), more.end(), naming.identifier));
  }
  ASSIGN_OR_RETURN(PlannedAct act, ActWith(registry, naming, false, state, *record));
  ASSIGN_OR_RETURN(std::optional<storage::CommitRequest> unclaim,
                   registry.store.Unclaim(naming.bucket, naming.person));
  if (unclaim) {
    act.first.push_back(*std::move(unclaim));
  }
  return act;
}

// Makes the claim that her record promises. If she was erased meanwhile, the claim goes again.
Task<absl::Status> MakeClaim(Registry& registry, Naming naming) {
  const rpc::ServiceContext& context = registry.context;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> record,
                        registry.store.ReadRecord(naming.person, naming.institution));
    if (!record || !Lists(*record, naming.identifier)) {
      co_return absl::OkStatus();  // an old request: it was taken away since
    }
    CO_ASSIGN_OR_RETURN(const std::optional<Id128> claimed, registry.store.ReadClaim(naming.bucket));
    if (claimed) {
      co_return *claimed == naming.person ? absl::OkStatus() : NamesAnother();
    }
    storage::CommitRequest claim = registry.store.ClaimFor(naming.bucket, naming.person);
    const absl::StatusOr<storage::CommitResult> made = co_await context.store.Commit(std::move(claim));
    if (absl::IsAborted(made.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(made.status());
    const absl::Status there = registry.store.LoadFresh(naming.person).status();
    if (!absl::IsNotFound(there)) {
      co_return there;
    }
    CO_ASSIGN_OR_RETURN(std::optional<storage::CommitRequest> unclaim,
                        registry.store.Unclaim(naming.bucket, naming.person));
    if (unclaim) {
      const absl::StatusOr<storage::CommitResult> gone = co_await context.store.Commit(*std::move(unclaim));
      CO_RETURN_IF_ERROR(gone.status());
    }
    co_return there;
  }
  co_return TooContended();
}

template <typename Request>
absl::StatusOr<Naming> NamingOf(Registry& registry, const rpc::Call& call, const rpc::Actor& actor,
                                const Request& request) {
  Naming naming;
  ASSIGN_OR_RETURN(naming.person, rpc::PersonOf(registry.context, call, request.person(), "person"));
  naming.institution = actor.institution;
  naming.identifier = request.own_identifier();
  naming.bucket = registry.store.OwnIdentifierBucket(actor.institution, request.own_identifier());
  naming.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_IDENTIFIER_CHANGED, request.request_id());
  naming.event.event_id = registry.context.random.Id();
  return naming;
}

template <typename Request>
ActRequest ActOf(const rpc::Call& call, const rpc::Actor& actor, const Request& request, const Id128& person,
                 const char* method) {
  return {person,
          rpc::RequestOwner(call, actor),
          method,
          request.request_id(),
          ContentOf(request),
          request.want_proof(),
          true};
}

void SetError(const absl::Status& status, v1::BatchResolveResult& out) {
  const common::v1::ErrorReason reason = rpc::ReasonOf(status);
  out.set_error(common::v1::ErrorReason_Name(
      reason == common::v1::ERROR_REASON_UNSPECIFIED ? common::v1::ERROR_REASON_STORE_FAILED : reason));
}

absl::StatusOr<v1::ResolveResponse> ResolveOne(Registry& registry, const rpc::Call& call,
                                               const rpc::Actor& actor, const v1::PersonName& name,
                                               const std::string& field) {
  Id128 person;
  if (name.by_case() == v1::PersonName::kPerson) {
    ASSIGN_OR_RETURN(person, rpc::PersonOf(registry.context, call, name.person(), field));
  } else if (!name.own_identifier().empty()) {
    ASSIGN_OR_RETURN(person, PersonOfIdentifier(registry, actor.institution, name.own_identifier()));
  } else {
    return rpc::InvalidField(field, "a handle or an own identifier is required");
  }
  return OwnRecord(registry, call, actor, person);
}

}  // namespace

Task<absl::StatusOr<v1::BatchResolveResponse>> IdentifierHandlers::BatchResolve(
    rpc::Call call, v1::BatchResolveRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  co_await ResumeOn(registry_.context.executor);
  v1::BatchResolveResponse response;
  for (int i = 0; i < request.names_size(); ++i) {
    v1::BatchResolveResult& out = *response.add_results();
    absl::StatusOr<v1::ResolveResponse> found =
        ResolveOne(registry_, call, actor, request.names(i), absl::StrCat("names[", i, "]"));
    if (!found.ok()) {
      SetError(found.status(), out);
      continue;
    }
    *out.mutable_person() = std::move(*found->mutable_person());
    out.set_own_identifier(found->own_identifier());
    *out.mutable_traits() = std::move(*found->mutable_traits());
    *out.mutable_more_identifiers() = std::move(*found->mutable_more_identifiers());
    if (found->has_status()) {
      *out.mutable_status() = found->status();
    }
  }
  co_return response;
}

Task<absl::StatusOr<v1::TranslateHandlesResponse>> IdentifierHandlers::TranslateHandles(
    rpc::Call call, v1::TranslateHandlesRequest request) {
  const identity::HandleCodec& codec = registry_.context.handles;
  const std::string& institution = call.caller.institution;
  co_await ResumeOn(registry_.context.executor);
  v1::TranslateHandlesResponse response;
  for (const std::string& handle : request.handles()) {
    v1::TranslatedHandle& out = *response.add_handles();
    const absl::StatusOr<Id128> person = codec.FromHandle(handle, institution);
    if (!person.ok()) {
      out.set_error(common::v1::ErrorReason_Name(common::v1::ERROR_REASON_NOT_YOUR_HANDLE));
      continue;
    }
    out.set_handle(codec.ToHandle(*person, institution));
    out.set_changed(out.handle() != handle);
  }
  co_return response;
}

Task<absl::StatusOr<v1::LinkIdentifierResponse>> IdentifierHandlers::LinkIdentifier(
    rpc::Call call, v1::LinkIdentifierRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Naming naming, NamingOf(registry_, call, actor, request));
  const PlanAct plan = [&registry = registry_, naming](const PersonState& state, absl::Time /*instant*/) {
    return PlanLink(registry, naming, state);
  };
  ActRequest what = ActOf(call, actor, request, naming.person, kLink);
  absl::StatusOr<RecordedAct> act =
      co_await RecordAct(registry_.context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  const absl::Status claimed = co_await MakeClaim(registry_, naming);
  CO_RETURN_IF_ERROR(claimed);
  v1::LinkIdentifierResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::UnlinkIdentifierResponse>> IdentifierHandlers::UnlinkIdentifier(
    rpc::Call call, v1::UnlinkIdentifierRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Naming naming, NamingOf(registry_, call, actor, request));
  const PlanAct plan = [&registry = registry_, naming](const PersonState& state, absl::Time /*instant*/) {
    return PlanUnlink(registry, naming, state);
  };
  ActRequest what = ActOf(call, actor, request, naming.person, kUnlink);
  absl::StatusOr<RecordedAct> act =
      co_await RecordAct(registry_.context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  v1::UnlinkIdentifierResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
