#include "services/consent/handlers/record_rights_handlers.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/does_not_read.h"
#include "common/audit/readable_leaves.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/page_token.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/acting_for_her.h"
#include "services/consent/handlers/objection_records.h"
#include "services/consent/handlers/person_archive.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/rectification.h"
#include "services/consent/handlers/rectification_notices.h"
#include "services/consent/handlers/rights_rows.h"
#include "services/consent/handlers/withheld_rows.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 500;
constexpr char kRectify[] = "relais.consent.v1.RightsService/Rectify";

absl::Status CheckTraits(const Registry& registry, const v1::RectifyRequest& request) {
  if (request.traits().ByteSizeLong() == 0 && request.clear().empty()) {
    return rpc::InvalidField("traits", "say what is to be another value");
  }
  if (request.traits().has_birth_date()) {
    const std::optional<absl::CivilDay> born = DayFrom(request.traits().birth_date());
    if (!born || *born > registry.paris.DayOf(registry.context.log.Now())) {
      return rpc::InvalidField("traits.birth_date", "must be a day, not in the future");
    }
  }
  return absl::OkStatus();
}

// Of the traits that are about to go: only keyed digests.
absl::Status KeepLinks(Registry& registry, const directory::Directory& directory,
                       const std::string& institution, v1::StoredRecord& record) {
  ASSIGN_OR_RETURN(const std::vector<RecordName> names,
                   RecordsOfTraits(registry, directory, institution, record.traits()));
  for (const RecordName& name : names) {
    const bool known = std::any_of(
        record.linked_before().begin(), record.linked_before().end(), [&](const v1::LinkedRecord& before) {
          return before.supplier() == name.supplier && before.key_version() == name.key_version &&
                 before.digest() == name.digest;
        });
    if (!known) {
      v1::LinkedRecord* before = record.add_linked_before();
      before->set_supplier(name.supplier);
      before->set_key_version(name.key_version);
      before->set_digest(name.digest);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedAct> PlanRectification(Registry& registry, const directory::Directory& directory,
                                             const Id128& person, const v1::RectifyRequest& request,
                                             const std::string& institution, const PersonState& state,
                                             const audit::Event& event, absl::Time instant) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredRecord> record, registry.store.ReadRecord(person, institution));
  if (!record) {
    return rpc::NoSuchOrNotYours();
  }
  ASSIGN_OR_RETURN(const Rectified rectified, Rectify(record->traits(), request));
  v1::RecordRectified payload;
  payload.set_institution(institution);
  payload.mutable_fields()->Assign(rectified.changed.begin(), rectified.changed.end());
  if (!rectified.changed.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> to_tell,
                     WhoGotTraits(registry.context.log, person, institution));
    payload.mutable_to_tell()->Assign(to_tell.begin(), to_tell.end());
  }
  PlannedAct act;
  act.state = state;
  act.event = event;
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(event.event_id.ToBytes());
  for (const std::string& recipient : payload.to_tell()) {
    RETURN_IF_ERROR(NotifyOfRectification(registry, {person, event, payload, instant}, recipient, act));
  }
  RETURN_IF_ERROR(KeepLinks(registry, directory, institution, *record));
  *record->mutable_traits() = rectified.traits;
  ASSIGN_OR_RETURN(storage::Mutation row,
                   registry.store.WriteSealed(person, RecordKey(institution), *record));
  act.rows.push_back(std::move(row));
  return act;
}

// What the first leaf of the act says: the same for a repeated request.
absl::StatusOr<v1::RecordRectified> SaidOf(audit::Log& log, const Id128& person,
                                           const std::string& event_id) {
  uint64_t from = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> indices,
                     log.LeavesOf(PersonSubject(person), from, kLeavesAtOnce));
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, indices));
    for (const audit::OpenedLeaf& leaf : read.leaves) {
      v1::RecordRectified said;
      if (leaf.leaf.header.event_id() == event_id && leaf.details.payload().UnpackTo(&said)) {
        return said;
      }
    }
    if (indices.size() < kLeavesAtOnce) {
      return absl::DataLossError("a rectification that was recorded is not in the log");
    }
    from = indices.back() + 1;
  }
}

// One that does not read keeps no other from her.
absl::Status AddConsents(Registry& registry, const Id128& person, PersonArchive& archive) {
  for (const Agreement& agreement : archive.state->agreements()) {
    if (archive.own_only && agreement.collector != archive.institution) {
      continue;
    }
    absl::StatusOr<std::optional<v1::Consent>> consent = ReadConsent(registry, person, agreement.id);
    if (audit::DoesNotRead(consent.status())) {
      ++archive.unreadable;
      continue;
    }
    RETURN_IF_ERROR(consent.status());
    if (*consent) {
      archive.consents.push_back(**std::move(consent));
    }
  }
  return absl::OkStatus();
}

// What a page token is bound to: who asks, for which request of hers, and what there is to give. Where that
// has changed since the first page, it is none of this archive's.
std::string Binding(const rpc::Call& call, const Id128& person, const v1::ExportRequest& request,
                    const std::vector<ArchiveEntry>& entries) {
  const std::string who =
      absl::StrCat("export/", call.caller.institution.size(), ":", call.caller.institution, "/",
                   call.caller.agent.size(), ":", call.caller.agent, "/");
  return crypto::Sha256(absl::StrCat(who, person.ToBytes(), request.rights_id(), "/", DigestOf(entries)));
}

absl::StatusOr<v1::ExportResponse> ArchiveOf(Registry& registry, const Secret& token_key,
                                             const rpc::Call& call, const Id128& person, Opens opens,
                                             const v1::ExportRequest& request, size_t page_bytes) {
  const audit::Log& log = registry.context.log;
  rpc::PagePlace place;
  place.size = log.state().size;
  ASSIGN_OR_RETURN(const VersionedState now, registry.store.LoadFresh(person));
  const std::shared_ptr<const Rules> rules = registry.rules.Of(call.directory);
  PersonArchive archive;
  archive.own_only = opens == Opens::kItsOwn;
  archive.rules = rules.get();
  archive.paris = &registry.paris;
  archive.institution = call.caller.institution;
  archive.handle = rpc::HandleFor(registry.context, call.caller.institution, person).handle();
  archive.time = log.Now();
  archive.state = now.state.get();
  ASSIGN_OR_RETURN(archive.record, registry.store.ReadRecord(person, call.caller.institution));
  RETURN_IF_ERROR(AddConsents(registry, person, archive));
  ASSIGN_OR_RETURN(archive.requests, ListRights(registry, person, call.caller.institution));
  ASSIGN_OR_RETURN(const std::vector<Id128> group, registry.store.GroupOf(person));
  ASSIGN_OR_RETURN(archive.reviews, ReadReviews(registry, group));
  const std::vector<ArchiveEntry> entries = EntriesOf(archive);
  const std::string binding = Binding(call, person, request, entries);
  if (!request.page_token().empty()) {
    const absl::StatusOr<rpc::PagePlace> read =
        rpc::ReadPageToken(token_key, request.page_token(), binding, log.Now());
    if (!read.ok() || read->to >= entries.size()) {
      return rpc::InvalidField("page_token", "is none of this archive's, or something changed: begin again");
    }
    place = *read;
  }
  archive.revision = log.Revision(place.size);
  ArchivePage page = WriteArchive(archive, entries, place.to, page_bytes);
  v1::ExportResponse response;
  response.set_archive_json(std::move(page.json));
  response.set_revision(archive.revision);
  if (page.next != 0) {
    response.set_next_page_token(
        rpc::MakePageToken(token_key, {place.size, 0, page.next, log.Now()}, binding));
  }
  return response;
}

}  // namespace

RecordRightsHandlers::RecordRightsHandlers(Registry& registry, size_t page_bytes)
    : registry_(registry),
      page_bytes_(page_bytes),
      token_key_(registry.context.log.DeriveKey(rpc::kPageTokenKeyInfo)) {}

Task<absl::StatusOr<v1::RectifyResponse>> RecordRightsHandlers::Rectify(rpc::Call call,
                                                                        v1::RectifyRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckTraits(registry_, request));
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_RECORD_RECTIFIED, request.request_id());
  event.event_id = context.random.Id();
  const PlanAct plan = [&registry = registry_, directory = call.directory, person, request,
                        institution = actor.institution,
                        event](const PersonState& state, absl::Time instant) {
    return PlanRectification(registry, *directory, person, request, institution, state, event, instant);
  };
  ActRequest what{person,
                  rpc::RequestOwner(call, actor),
                  kRectify,
                  request.request_id(),
                  ContentOf(request),
                  request.want_proof(),
                  true};
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  CO_ASSIGN_OR_RETURN(const v1::RecordRectified said,
                      SaidOf(context.log, person, act->remembered.event_id()));
  // Another name or address may be one that objected (D-1.6): as at registration, before it answers.
  CO_ASSIGN_OR_RETURN(const std::optional<v1::StoredRecord> record,
                      registry_.store.ReadRecord(person, actor.institution));
  std::vector<RecordName> names;
  if (record) {
    CO_ASSIGN_OR_RETURN(names,
                        RecordsOfTraits(registry_, *call.directory, actor.institution, record->traits()));
  }
  event.event_class = audit::v1::EVENT_CLASS_OBJECTION_RECORDED;
  for (const RecordName& name : names) {
    const absl::Status attached = co_await AttachRecord(registry_, person, name, event);
    CO_RETURN_IF_ERROR(attached);
  }
  v1::RectifyResponse response;
  *response.mutable_changed() = said.fields();
  *response.mutable_to_tell() = said.to_tell();
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

Task<absl::StatusOr<v1::ExportResponse>> RecordRightsHandlers::Export(rpc::Call call,
                                                                      v1::ExportRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.rights_id()));
  co_await ResumeOn(context.executor);
  CO_ASSIGN_OR_RETURN(const Opens opens, ActsForHer(registry_, call, person));
  CO_ASSIGN_OR_RETURN(const RightsRow row, ReadRights(registry_, person, id, actor.institution));
  if (!AsksForCopy(row)) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                           "this request of hers is answered, or asks for something else than a copy");
  }
  CO_ASSIGN_OR_RETURN(const v1::ExportResponse response,
                      ArchiveOf(registry_, token_key_, call, person, opens, request, page_bytes_));
  audit::Event event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_RIGHTS_EXPORTED, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::RightsExported payload;
  payload.set_rights_id(request.rights_id());
  event.details.mutable_payload()->PackFrom(payload);
  const absl::StatusOr<storage::CommitResult> told = co_await rpc::WriteLoneLeaf(context, std::move(event));
  if (audit::IsErased(told.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(told.status());
  co_return response;
}

}  // namespace relais::consent
