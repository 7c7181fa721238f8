// How far an upload is, what became of it, and giving it up: of UploadHandlers.
#include <optional>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/remembered.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

constexpr v1::JournalEntry::Act kAct = v1::JournalEntry::ACT_UPLOAD;
constexpr size_t kPage = 100;

// Which upload is to be given up. A host of hers may name a drop under way by the paper that it makes: her
// journal names no other id of it.
absl::StatusOr<std::string> UploadMeant(const Vault& vault, const rpc::Call& call, const Id128& person,
                                        const std::string& named) {
  const absl::Status host = vault.access.Host(call, person).status();
  if (rpc::ReasonOf(host) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
    return named;
  }
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(const auto page, vault.store.ReadableUploads(person, *from, kPage));
    for (const Row<v1::StoredUpload>& row : page.rows) {
      const auto paper = IdOf(row.stored.value.document());
      if (row.stored.value.has_drop_host() && paper.ok() && paper->ToHex() == named) {
        return row.id.ToHex();
      }
    }
    from = page.next;
  }
  return named;
}

}  // namespace

absl::StatusOr<v1::Upload> UploadHandlers::Now(const OwnUpload& upload) const {
  ASSIGN_OR_RETURN(const auto head, vault_.papers.Head(upload.id));
  return UploadOf(upload.id, upload.stored.value, head.has_value() ? &head->value : nullptr,
                  vault_.settings.uploads);
}

// Under way first: one that ends meanwhile is found over.
absl::StatusOr<std::optional<KnownUpload>> FindKnownUpload(const Vault& vault, const Id128& person,
                                                           const Id128& id) {
  ASSIGN_OR_RETURN(const auto open, vault.store.Upload(person, id));
  if (open.has_value()) {
    ASSIGN_OR_RETURN(const auto head, vault.papers.Head(id));
    KnownUpload known;
    known.upload =
        UploadOf(id, open->value, head.has_value() ? &head->value : nullptr, vault.settings.uploads);
    known.depositor = open->value.depositor().institution();
    known.drop = open->value.has_drop_host();
    return std::optional<KnownUpload>(std::move(known));
  }
  ASSIGN_OR_RETURN(const auto end, vault.store.UploadEnd(person, id));
  if (!end.has_value()) {
    return std::optional<KnownUpload>();
  }
  return std::optional<KnownUpload>({UploadOf(id, end->value), end->value.depositor(), end->value.drop()});
}

absl::StatusOr<Id128> NameOfUpload(const Vault& vault, const Id128& given, std::string_view upload_id) {
  const auto id = Id128::FromHex(upload_id);
  if (!id.ok()) {
    return given;
  }
  ASSIGN_OR_RETURN(const auto found, UnderWhichName(vault.access, given, [&](const Id128& name) {
                     return FindKnownUpload(vault, name, *id);
                   }));
  return found.has_value() ? found->name : given;
}

Task<absl::StatusOr<v1::QueryUploadResponse>> UploadHandlers::QueryUpload(rpc::Call call,
                                                                          v1::QueryUploadRequest request) {
  const rpc::ServiceContext& context = vault_.context;
  co_await ResumeOn(context.executor);
  CO_RETURN_IF_ERROR(rpc::FreshEnough(context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 given, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.upload_id()));
  CO_ASSIGN_OR_RETURN(const Id128 person, NameOfUpload(vault_, given, request.upload_id()));
  auto known = FindKnownUpload(vault_, person, id);
  KnownUpload upload;
  absl::Status may = vault_.access.WhyUnreadable(call, person, known.status());
  if (known.ok()) {
    upload = (*std::move(known)).value_or(KnownUpload());
    may = MayKnow(vault_, call, person, upload.depositor, upload.drop);
  }
  if (!may.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), actor, given, kAct, "", std::move(may));
    co_return said;
  }
  const Acting acting{call, actor, "", person, upload.drop ? kAsNobody : kAsHost};
  v1::QueryUploadResponse response;
  response.set_revision(context.log.Revision(context.log.state().size));
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(person);
  std::vector<audit::Event> events;
  events.push_back(LookedEvent(acting, "UPLOAD", upload.upload.document_id()));
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  *response.mutable_upload() = std::move(upload.upload);
  co_return response;
}

Task<absl::StatusOr<v1::AbandonUploadResponse>> UploadHandlers::AbandonUpload(
    rpc::Call call, v1::AbandonUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 given, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const std::string upload_id, UploadMeant(vault_, call, given, request.upload_id()));
  CO_ASSIGN_OR_RETURN(const Id128 person, NameOfUpload(vault_, given, upload_id));
  CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                      vault_.store.Seen(person, call, actor, "AbandonUpload", request.request_id(), request));
  if (seen.answer.has_value()) {
    auto again = co_await AnswerAgain<v1::AbandonUploadResponse>(vault_.context, person, *seen.answer,
                                                                 request.want_proof());
    co_return again;
  }
  const auto upload = FindUpload(vault_, call, request.person(), upload_id, UploadUse::kGiveUp);
  if (!upload.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), actor, given, kAct, "", upload.status());
    co_return said;
  }
  v1::AbandonUploadResponse response;
  Ending ending;
  ending.reason = "ABANDONED";
  ending.request_id = request.request_id();
  ending.event_id = vault_.context.random.Id();
  ending.by_host = upload->host.has_value();
  const Id128 event_id = ending.event_id;
  ending.also = [&, event_id](storage::CommitRequest& commit) {
    RememberAct(seen, event_id, response, commit);
    if (upload->host.has_value()) {
      vault_.store.GuardHost(person, actor.institution, upload->host->version, commit);
    }
  };
  const auto ended =
      co_await EndUpload(vault_, std::move(call), actor, person, upload->id, std::move(ending));
  CO_RETURN_IF_ERROR(ended.status());
  auto written = co_await rpc::WrittenOf(vault_.context, *ended, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
