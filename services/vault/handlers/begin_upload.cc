// The first step of a deposit, of UploadHandlers.
#include <algorithm>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/drop_permit.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/remembered.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

v1::StoredUpload UploadFrom(const v1::BeginUploadRequest& request, const rpc::Actor& actor,
                            const Id128& document, uint32_t version, absl::Time now) {
  v1::StoredUpload upload;
  upload.set_document(document.ToBytes());
  upload.set_version(version);
  upload.set_size(request.size());
  upload.set_sha256(request.sha256());
  upload.set_media_type(request.media_type());
  upload.set_type(request.description().type());
  upload.set_title(request.description().title());
  if (request.description().has_expires()) {
    *upload.mutable_expires() = request.description().expires();
  }
  *upload.mutable_depositor() = PartyOf(actor);
  *upload.mutable_begun() = ToProto(now);
  upload.set_allow_duplicate(request.allow_duplicate());
  if (request.has_drop()) {
    *upload.mutable_drop_host() = request.drop().host();
    upload.set_drop_purpose(request.drop().purpose());
  }
  return upload;
}

absl::Status InvalidFieldsOf(const std::vector<WrongField>& wrong) {
  google::rpc::BadRequest fields;
  for (const WrongField& each : wrong) {
    auto* violation = fields.add_field_violations();
    violation->set_field(each.field);
    violation->set_description(each.must);
  }
  return rpc::InvalidFields(fields, common::v1::ERROR_REASON_INVALID_FIELDS);
}

// The paper in her vault that holds a text of this hash; nullopt: none.
absl::StatusOr<std::optional<Id128>> HolderOf(const Vault& vault, const Id128& person,
                                              const v1::StoredUsage& usage, std::string_view sha256) {
  if (sha256.empty()) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const std::string mark, vault.keys.Mark(person, usage, sha256));
  if (mark.empty()) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const auto found, vault.store.Duplicate(person, mark));
  return found.has_value() ? std::optional<Id128>(found->value.document) : std::optional<Id128>();
}

// Of what is under way in her vault, what was dropped in, and what waits of it. What does not read counts as
// that. Under the guard of her sums, which every paper and upload that is made changes.
absl::StatusOr<DropsUnderWay> DropsInto(const Vault& vault, const Id128& person, const v1::StoredUsage& usage,
                                        std::string_view depositor) {
  constexpr size_t kPage = 100;
  DropsUnderWay drops = AllUnderWay(usage);
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const auto page, vault.store.ReadableUploads(person, *from, kPage));
    for (const Row<v1::StoredUpload>& row : page.rows) {
      CountUpload(row.stored.value, depositor, drops);
    }
    from = page.next;
  }
  from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const auto page, vault.store.ReadableDocuments(person, *from, kPage));
    for (const Row<v1::StoredDocument>& row : page.rows) {
      CountPaper(row.stored.value, drops);
    }
    drops.waiting += static_cast<uint32_t>(page.missing());
    from = page.next;
  }
  return drops;
}

// Under which names the caller may have begun it before. Else none but the given one: it acts for her under
// none, or drops in.
std::vector<Id128> WhereBegun(const absl::StatusOr<std::vector<HostedName>>& hosted, const Id128& given) {
  std::vector<Id128> names;
  if (hosted.ok()) {
    names = PersonsOf(*hosted);
  }
  if (std::find(names.begin(), names.end(), given) == names.end()) {
    names.push_back(given);
  }
  return names;
}

// The name of hers that the text goes to: the one that holds the paper it is a version of; a new paper goes
// to the first under which the caller acts for her, where Count says what is left. The given one for who
// drops in, and where the caller acts for her under none.
absl::StatusOr<Id128> WhereToDeposit(const Vault& vault, const rpc::Call& call,
                                     const absl::StatusOr<std::vector<HostedName>>& hosted,
                                     const Id128& given, const v1::BeginUploadRequest& request) {
  if (request.has_drop()) {
    return given;
  }
  if (!hosted.ok() && vault.access.Host(call, given).ok()) {
    return hosted.status();  // of another name: suspended there, it is for all
  }
  if (!hosted.ok() || hosted->empty()) {
    return given;
  }
  const std::vector<HostedName>& names = *hosted;
  if (request.document_id().empty()) {
    return names.front().person;
  }
  ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(request.document_id()));
  ASSIGN_OR_RETURN(const auto found, WhichNameHasPaper(vault.store, names, document));
  return names[found.has_value() ? found->at : 0].person;
}

}  // namespace

Task<absl::StatusOr<v1::BeginUploadResponse>> UploadHandlers::BeginUpload(rpc::Call call,
                                                                          v1::BeginUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  Beginning beginning;
  CO_ASSIGN_OR_RETURN(beginning.person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(beginning.actor, rpc::ActorOf(call, nullptr));
  beginning.event_id = vault_.context.random.Id();
  const auto host =
      IsHost(vault_.store, beginning.person, beginning.actor.institution, vault_.context.clock.Now());
  if (!host.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), beginning.actor, beginning.person,
                                       v1::JournalEntry::ACT_UPLOAD, request.document_id(), host.status());
    co_return said;
  }
  if (!*host && request.has_drop()) {
    const DropTerms terms{beginning.person,         {},
                          PartyOf(beginning.actor), request.drop().host(),
                          request.drop().purpose(), request.description().type()};
    // Whichever institution is named: whether it acts for her is judged when the drop is complete (ADR 74).
    const auto may = co_await MayStore(vault_, terms, /*recorded=*/false);
    // While consent cannot be asked a drop is taken, and shown to nobody (ADR 35).
    beginning.permitted =
        may.ok() ? *may : rpc::ReasonOf(may.status()) == common::v1::ERROR_REASON_PEER_UNAVAILABLE;
    if (!may.ok() && !beginning.permitted) {
      const absl::Status said =
          co_await vault_.access.Refused(std::move(call), beginning.actor, beginning.person,
                                         v1::JournalEntry::ACT_UPLOAD, request.document_id(), may.status());
      co_return said;
    }
  }
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      const absl::Duration pause = PauseBeforeTry(vault_.context.random, i);
      co_await Sleep(vault_.context.executor, pause);
    }
    auto begun = co_await BeginOnce(call, request, beginning);
    if (begun.ok()) {
      if (begun->again) {
        co_return std::move(begun->response);
      }
      auto written = co_await rpc::WrittenOf(vault_.context, begun->leaves, request.want_proof(), true);
      CO_RETURN_IF_ERROR(written.status());
      *begun->response.mutable_written() = *std::move(written);
      co_return std::move(begun->response);
    }
    if (!absl::IsAborted(begun.status())) {
      const absl::Status said =
          co_await vault_.access.Refused(std::move(call), beginning.actor, beginning.person,
                                         v1::JournalEntry::ACT_UPLOAD, request.document_id(), begun.status());
      co_return said;
    }
  }
  co_return TooManyAtOnce();
}

// ABORTED: somebody was faster.
Task<absl::StatusOr<UploadHandlers::Begun>> UploadHandlers::BeginOnce(rpc::Call call,
                                                                      v1::BeginUploadRequest request,
                                                                      Beginning beginning) {
  const Id128 given = beginning.person;
  const absl::Time now = vault_.context.clock.Now();
  const absl::StatusOr<std::vector<HostedName>> hosted = vault_.access.HostedNames(call, given);
  CO_ASSIGN_OR_RETURN(const auto earlier,
                      SeenUnderAny(vault_.store, WhereBegun(hosted, given), given, call, beginning.actor,
                                   "BeginUpload", request.request_id(), request));
  Begun begun;
  if (earlier.has_value()) {
    begun.again = true;
    CO_ASSIGN_OR_RETURN(begun.response,
                        co_await AnswerAgain<v1::BeginUploadResponse>(
                            vault_.context, earlier->name, *earlier->seen.answer, request.want_proof()));
    CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(begun.response.upload().upload_id()));
    CO_ASSIGN_OR_RETURN(auto known, FindKnownUpload(vault_, earlier->name, id));
    if (!known.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    *begun.response.mutable_upload() = std::move(known->upload);
    co_return begun;
  }
  CO_ASSIGN_OR_RETURN(const Id128 person, WhereToDeposit(vault_, call, hosted, given, request));
  CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                      vault_.store.SeenUnder(person, given, call, beginning.actor, "BeginUpload",
                                             request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto host, vault_.store.Host(person, beginning.actor.institution));
  BeginFacts facts;
  const absl::Status acts = ActsNow(host, now);
  facts.host = acts.ok();
  if (!facts.host && !request.has_drop()) {
    co_return acts;
  }
  if (!facts.host && !beginning.permitted) {
    co_return StatusOf(common::v1::ERROR_REASON_NOT_PERMITTED);
  }
  CO_ASSIGN_OR_RETURN(facts.phase, PhaseNow(vault_));
  CO_ASSIGN_OR_RETURN(const auto institution, vault_.store.InstitutionUsage(beginning.actor.institution));
  facts.institution = institution.value;
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredUsage> usage, vault_.store.Usage(person));
  std::optional<Stored<v1::StoredDocument>> later_of;
  Id128 document = vault_.context.random.Id();
  if (!request.document_id().empty()) {
    CO_ASSIGN_OR_RETURN(document, Id128::FromHex(request.document_id()));
    CO_ASSIGN_OR_RETURN(later_of, vault_.store.Document(person, document));
    facts.later_of = later_of.has_value() ? &later_of->value : nullptr;
  }
  if (!facts.host) {
    CO_ASSIGN_OR_RETURN(facts.drops, DropsInto(vault_, person, usage.value, beginning.actor.institution));
  }
  std::optional<Id128> holder;
  if (facts.host) {
    CO_ASSIGN_OR_RETURN(holder, HolderOf(vault_, person, usage.value, request.sha256()));
  }
  facts.duplicate = holder.has_value();
  const Refusal refusal =
      JudgeBegin(request, facts, vault_.settings.limits, vault_.settings.uploads, usage.value);
  if (refusal == common::v1::ERROR_REASON_INVALID_FIELDS) {
    co_return InvalidFieldsOf(WrongFields(request, facts.host));
  }
  if (refusal.has_value()) {
    const absl::Status why = StatusOf(*refusal);
    if (*refusal == common::v1::ERROR_REASON_QUOTA_EXCEEDED && facts.host) {
      co_return rpc::WithNextStep(
          why, FullLimitOf(request, facts, vault_.settings.limits, vault_.settings.uploads, usage.value));
    }
    co_return *refusal == common::v1::ERROR_REASON_DUPLICATE_DOCUMENT
        ? rpc::WithNextStep(why, "document " + holder->ToHex())
        : why;
  }

  const Id128 id = vault_.context.random.Id();
  v1::StoredUpload upload = UploadFrom(request, beginning.actor, document, NextVersion(facts.later_of), now);
  const Acting acting{call, beginning.actor, request.request_id(), person, facts.host ? kAsHost : kAsNobody};
  audit::Event event = UploadEvent(acting, id, upload, v1::Upload::STATE_OPEN, "");
  event.event_id = beginning.event_id;
  // The leaf first: it is what gives a person her key here.
  CO_ASSIGN_OR_RETURN(auto draft, vault_.context.log.Draft(event));
  storage::CommitRequest commit;
  commit.leaves.push_back(std::move(draft));
  const VersionName name{person, document, upload.version()};
  CO_ASSIGN_OR_RETURN(PaperKeys::NewKey key, vault_.keys.Make(name, usage.value, commit));
  upload.set_wrapped_key(key.wrapped);
  CO_RETURN_IF_ERROR(vault_.store.PutUpload(person, id, {upload, 0}, commit));
  CO_RETURN_IF_ERROR(vault_.store.PutUsage(person, usage, commit));
  if (facts.host) {
    vault_.store.GuardHost(person, beginning.actor.institution, host->version, commit);
  }
  if (later_of.has_value()) {
    VaultStore::GuardDocument(person, document, later_of->version, commit);
  }
  *begun.response.mutable_upload() = UploadOf(id, upload, nullptr, vault_.settings.uploads);
  if (holder.has_value()) {
    begun.response.set_duplicate_of(holder->ToHex());
  }
  v1::BeginUploadResponse remembered;  // ids alone: how far it is, and how large, is read again
  remembered.mutable_upload()->set_upload_id(id.ToHex());
  remembered.set_duplicate_of(begun.response.duplicate_of());
  RememberAct(seen, beginning.event_id, remembered, commit);
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  begun.leaves = done->leaves;
  co_return begun;
}

}  // namespace relais::vault
