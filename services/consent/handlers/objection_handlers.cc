#include "services/consent/handlers/objection_handlers.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "services/consent/domain/period.h"
#include "services/consent/handlers/codes.h"
#include "services/consent/handlers/objection_records.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRecord[] = "relais.consent.v1.ConsentService/RecordObjection";
constexpr char kLift[] = "relais.consent.v1.ConsentService/LiftObjection";
constexpr size_t kDigestSize = 32;

// All that one act changes: records, and her own objections to suppliers of which there is no record to
// change.
struct Targets {
  std::vector<RecordName> records;
  std::vector<std::string> own;
  [[nodiscard]] bool empty() const { return records.empty() && own.empty(); }
};

RecordText TextOf(const v1::RecordIdentity& identity) {
  return {identity.nom(), identity.prenoms(), identity.adresse(), identity.code_postal()};
}

absl::StatusOr<std::vector<std::string>> SuppliersAsked(
    const directory::Directory& directory, const google::protobuf::RepeatedPtrField<std::string>& named) {
  if (named.empty()) {
    return SuppliersOf(directory);
  }
  for (int i = 0; i < named.size(); ++i) {
    if (!IsSupplier(directory, named[i])) {
      return UnknownCode(absl::StrCat("suppliers[", i, "]"));
    }
  }
  const std::set<std::string> each_once(named.begin(), named.end());
  return std::vector<std::string>(each_once.begin(), each_once.end());
}

absl::Status NothingToBind() {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      "no supplier named has a suppression key here; tell the operators");
}

absl::StatusOr<Targets> FeedTarget(const Registry& registry, const rpc::Call& call, const rpc::Actor& actor,
                                   const v1::RecordObjectionRequest& request) {
  if (!call.caller.is_service()) {
    return rpc::InvalidField("digest", "is for services; a desk gives name and address");
  }
  if (!IsSupplier(*call.directory, actor.institution)) {
    return rpc::InvalidField("acting.party.institution", "must be the supplier whose digest it is");
  }
  for (const std::string& supplier : request.suppliers()) {
    if (supplier != actor.institution) {
      return rpc::InvalidField("suppliers", "a digest is of one supplier, the acting one");
    }
  }
  const v1::RecordDigest& digest = request.digest();
  if (digest.digest().size() != kDigestSize) {
    return rpc::InvalidField("digest.digest", "must have 32 bytes");
  }
  if (!registry.context.suppression.Get(actor.institution, digest.key_version()).ok()) {
    return rpc::InvalidField("digest.key_version", "is no version of that supplier's suppression key");
  }
  Targets targets;
  targets.records.push_back({actor.institution, digest.key_version(), digest.digest()});
  return targets;
}

absl::StatusOr<Targets> TargetsOf(const Registry& registry, const rpc::Call& call, const rpc::Actor& actor,
                                  const v1::RecordObjectionRequest& request) {
  if (request.has_digest()) {
    return FeedTarget(registry, call, actor, request);
  }
  if (!request.has_identity() && !request.has_person()) {
    return rpc::InvalidField("identity", "is required where no person is named");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> suppliers,
                   SuppliersAsked(*call.directory, request.suppliers()));
  Targets targets;
  for (const std::string& supplier : suppliers) {
    std::vector<RecordName> records;
    if (request.has_identity()) {
      ASSIGN_OR_RETURN(records, RecordsAt(registry, supplier, TextOf(request.identity())));
    }
    if (records.empty() && request.has_person()) {
      targets.own.push_back(supplier);
    } else if (records.empty() && !request.suppliers().empty()) {
      return NothingToBind();
    }
    targets.records.insert(targets.records.end(), records.begin(), records.end());
  }
  return targets.empty() ? absl::StatusOr<Targets>(NothingToBind()) : targets;
}

// When this act was first carried out, if only in part; InfiniteFuture: it was not.
absl::StatusOr<absl::Time> DoneAt(audit::Log& log, const Claim& claim) {
  const absl::StatusOr<storage::LeafRange> first = FindLeaf(log, claim);
  if (absl::IsDataLoss(first.status())) {
    return absl::InfiniteFuture();
  }
  RETURN_IF_ERROR(first.status());
  ASSIGN_OR_RETURN(const std::vector<std::string> bytes, log.ReadLeaves(first->first, 1));
  if (bytes.empty()) {
    return absl::InfiniteFuture();
  }
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes[0]));
  return leaf.time;
}

// What lifting concerns: the records of that name and address, if they are given, and for a known person
// every record and own objection to those suppliers that was in her file under this name at `done`, lifted or
// not, so that a repetition finds the same: what she objected to after the first time is not its to lift
// (D-1.6), and what was said under another name of hers is lifted under that name.
absl::StatusOr<Targets> LiftTargets(Registry& registry, const std::vector<std::string>& suppliers,
                                    const v1::LiftObjectionRequest& request,
                                    const std::optional<Id128>& person, absl::Time done) {
  Targets targets;
  std::shared_ptr<const PersonState> state;
  Id128 name;  // as the history marks what was said under it
  if (person) {
    ASSIGN_OR_RETURN(const VersionedState loaded, registry.store.LoadFresh(*person));
    state = loaded.state;
    name = loaded.RootFor(*person) == *person ? Id128() : *person;
  }
  for (const std::string& supplier : suppliers) {
    std::vector<RecordName> records;
    if (request.has_identity()) {
      ASSIGN_OR_RETURN(records, RecordsAt(registry, supplier, TextOf(request.identity())));
    }
    targets.records.insert(targets.records.end(), records.begin(), records.end());
    if (state == nullptr) {
      continue;
    }
    bool own = false;
    bool recorded = !records.empty();
    for (const Objection& objection : state->objections()) {
      const RecordName record{objection.supplier, objection.key_version, objection.digest};
      const bool known =
          std::find(targets.records.begin(), targets.records.end(), record) != targets.records.end();
      if (objection.supplier != supplier || known || objection.recorded > done ||
          objection.origin.of != name) {
        continue;
      }
      if (objection.digest.empty()) {
        own = true;
      } else {
        recorded = true;
        targets.records.push_back(record);
      }
    }
    if (own || !recorded) {
      targets.own.push_back(supplier);
    }
  }
  return targets.empty() ? absl::StatusOr<Targets>(NothingToBind()) : targets;
}

absl::StatusOr<std::optional<Id128>> PersonIn(const Registry& registry, const rpc::Call& call, bool named,
                                              const common::v1::PersonRef& ref) {
  if (!named) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry.context, call, ref, "person"));
  // She must exist before anything is recorded about her.
  RETURN_IF_ERROR(registry.store.Load(person).status());
  return std::optional(person);
}

Task<absl::StatusOr<common::v1::Written>> ChangeAll(Registry& registry, Targets targets,
                                                    ObjectionChange change, Claim claim, bool want_proof) {
  std::optional<storage::LeafRange> first;
  for (const RecordName& record : targets.records) {
    const absl::StatusOr<std::optional<storage::LeafRange>> leaves =
        co_await ChangeRecord(registry, record, change);
    CO_RETURN_IF_ERROR(leaves.status());
    first = first ? first : *leaves;
  }
  if (change.person) {
    for (const std::string& supplier : targets.own) {
      const absl::StatusOr<std::optional<storage::LeafRange>> leaves =
          co_await ChangeOwn(registry, *change.person, supplier, change);
      CO_RETURN_IF_ERROR(leaves.status());
      first = first ? first : *leaves;
    }
  }
  if (!first) {
    CO_ASSIGN_OR_RETURN(first, FindLeaf(registry.context.log, claim));
  }
  // The revision comes after the last of these commits: at it, all of them count.
  storage::LeafRange act = *first;
  act.tree_size = registry.context.log.state().size;
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenOf(registry.context, act, want_proof, true);
  co_return written;
}

}  // namespace

Task<absl::StatusOr<v1::RecordObjectionResponse>> ObjectionHandlers::RecordObjection(
    rpc::Call call, v1::RecordObjectionRequest request) {
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, ActingOf(request)));
  CO_ASSIGN_OR_RETURN(const Targets targets, TargetsOf(registry_, call, actor, request));
  ObjectionChange change;
  CO_ASSIGN_OR_RETURN(change.person, PersonIn(registry_, call, request.has_person(), request.person()));
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(registry_.context, registry_.store, rpc::RequestOwner(call, actor), kRecord,
                            request.request_id(), ContentOf(request));
  if (!claim.ok()) {
    co_return claim.status();
  }
  change.kept_until = AddMonths(claim->time, kept_months_, registry_.paris.zone());
  change.from_feed = request.has_digest();
  change.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_OBJECTION_RECORDED, request.request_id());
  change.event.event_id = claim->event_id;
  v1::RecordObjectionResponse response;
  *response.mutable_kept_until() = TimeTo(change.kept_until);
  absl::StatusOr<common::v1::Written> written =
      co_await ChangeAll(registry_, targets, std::move(change), *claim, request.want_proof());
  if (!written.ok()) {
    co_return written.status();
  }
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::LiftObjectionResponse>> ObjectionHandlers::LiftObjection(
    rpc::Call call, v1::LiftObjectionRequest request) {
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  if (request.suppliers().empty()) {
    co_return rpc::InvalidField("suppliers", "is required: it ends only where she lifts it (D-1.6)");
  }
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> suppliers,
                      SuppliersAsked(*call.directory, request.suppliers()));
  if (std::find(suppliers.begin(), suppliers.end(), actor.institution) != suppliers.end()) {
    co_return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED,
                           "an objection is lifted through someone other than the supplier (D-1.6)");
  }
  if (!request.has_identity() && !request.has_person()) {
    co_return rpc::InvalidField("identity", "is required where no person is named");
  }
  ObjectionChange change;
  change.lift = true;
  CO_ASSIGN_OR_RETURN(change.person, PersonIn(registry_, call, request.has_person(), request.person()));
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(registry_.context, registry_.store, rpc::RequestOwner(call, actor), kLift,
                            request.request_id(), ContentOf(request));
  if (!claim.ok()) {
    co_return claim.status();
  }
  CO_ASSIGN_OR_RETURN(const absl::Time done, DoneAt(registry_.context.log, *claim));
  CO_ASSIGN_OR_RETURN(const Targets targets, LiftTargets(registry_, suppliers, request, change.person, done));
  change.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_OBJECTION_LIFTED, request.request_id());
  change.event.event_id = claim->event_id;
  absl::StatusOr<common::v1::Written> written =
      co_await ChangeAll(registry_, targets, std::move(change), *claim, request.want_proof());
  if (!written.ok()) {
    co_return written.status();
  }
  v1::LiftObjectionResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::consent
