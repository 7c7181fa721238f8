#include "services/consent/handlers/notice_handlers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRegister[] = "relais.consent.v1.ConsentService/RegisterNotice";
constexpr char kTextKey[] = "text";
constexpr size_t kSha256Size = 32;
constexpr size_t kMostTextBytes = 200'000;

storage::Partition BucketOf(const rpc::ServiceContext& context, const v1::Notice& notice) {
  // None of the three has a slash.
  return context.idempotency.Bucket("notice", "",
                                    absl::StrCat(notice.id(), "/", notice.version(), "/", notice.language()));
}

absl::StatusOr<std::optional<v1::StoredNotice>> ReadNotice(const rpc::ServiceContext& context,
                                                           const v1::Notice& notice) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(BucketOf(context, notice), kTextKey));
  if (!entry) {
    return std::optional<v1::StoredNotice>();
  }
  v1::StoredNotice stored;
  if (!stored.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored notice does not parse");
  }
  return std::optional(std::move(stored));
}

absl::Status AnotherText() {
  return rpc::Refusal(
      absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
      "this version has its text: a registered notice never changes, give it another version");
}

}  // namespace

std::string LanguageOf(const std::string& language) { return language.empty() ? "fr" : language; }

absl::Status CompleteNotice(const Registry& registry, v1::Notice& notice) {
  if (const size_t size = notice.sha256().size(); size != 0 && size != kSha256Size) {
    return rpc::InvalidField("notice.sha256", "must have 32 bytes");
  }
  notice.set_language(LanguageOf(notice.language()));
  ASSIGN_OR_RETURN(const std::optional<v1::StoredNotice> stored, ReadNotice(registry.context, notice));
  if (!stored) {
    return registry.notices_required
               ? rpc::InvalidField("notice", "is not in the register, in that version and language")
               : absl::OkStatus();
  }
  if (!notice.sha256().empty() && notice.sha256() != stored->notice().sha256()) {
    return rpc::InvalidField("notice.sha256", "is not that of the registered text");
  }
  notice.set_sha256(stored->notice().sha256());
  return absl::OkStatus();
}

Task<absl::StatusOr<v1::RegisterNoticeResponse>> NoticeHandlers::Answer(v1::Notice notice,
                                                                        storage::LeafRange leaves,
                                                                        bool want_proof) {
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenOf(registry_.context, leaves, want_proof, true);
  CO_RETURN_IF_ERROR(written.status());
  v1::RegisterNoticeResponse response;
  *response.mutable_notice() = std::move(notice);
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::RegisterNoticeResponse>> NoticeHandlers::RegisterNotice(
    rpc::Call call, v1::RegisterNoticeRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  if (request.text().size() > kMostTextBytes) {
    co_return rpc::InvalidField("text", "is too long");
  }
  v1::StoredNotice stored;
  v1::Notice& notice = *stored.mutable_notice();
  notice.set_id(request.id());
  notice.set_version(request.version());
  notice.set_language(LanguageOf(request.language()));
  notice.set_sha256(crypto::Sha256(request.text()));
  stored.set_text(request.text());
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(context, registry_.store, rpc::RequestOwner(call, actor), kRegister,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  CO_ASSIGN_OR_RETURN(const std::optional<v1::StoredNotice> known, ReadNotice(context, notice));
  if (known) {
    if (known->event_id() != claim->event_id.ToBytes()) {
      co_return AnotherText();
    }
    CO_ASSIGN_OR_RETURN(const storage::LeafRange again, FindLeaf(context.log, *claim));
    absl::StatusOr<v1::RegisterNoticeResponse> repeated =
        co_await Answer(notice, again, request.want_proof());
    co_return repeated;
  }
  stored.set_event_id(claim->event_id.ToBytes());
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_NOTICE_REGISTERED, request.request_id());
  event.event_id = claim->event_id;
  v1::NoticeRegistered payload;
  *payload.mutable_notice() = notice;
  event.details.mutable_payload()->PackFrom(payload);
  storage::CommitRequest commit;
  commit.partition = BucketOf(context, notice);
  commit.preconditions.push_back({kTextKey, std::nullopt});
  commit.batch.push_back({kTextKey, stored.SerializeAsString()});
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(event));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return AnotherText();
  }
  CO_RETURN_IF_ERROR(done.status());
  absl::StatusOr<v1::RegisterNoticeResponse> response =
      co_await Answer(notice, done->leaves, request.want_proof());
  co_return response;
}

Task<absl::StatusOr<v1::GetNoticeResponse>> NoticeHandlers::GetNotice(rpc::Call /*call*/,
                                                                      v1::GetNoticeRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  co_await ResumeOn(registry_.context.executor);
  v1::Notice name;
  name.set_id(request.id());
  name.set_version(request.version());
  name.set_language(LanguageOf(request.language()));
  CO_ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> stored, ReadNotice(registry_.context, name));
  if (!stored) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetNoticeResponse response;
  *response.mutable_notice() = std::move(*stored->mutable_notice());
  response.set_text(stored->text());
  co_return response;
}

}  // namespace relais::consent
