#include "services/consent/handlers/notice_handlers.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kRegister[] = "relais.consent.v1.ConsentService/RegisterNotice";
// The steward's text, which is for everybody, or, without registrant, one of an earlier build, which is
// anybody's; followed by the institution that registered it, one's own.
constexpr std::string_view kTextKey = "text";
constexpr size_t kTextsAtOnce = 500;
constexpr size_t kSha256Size = 32;
constexpr size_t kMostTextBytes = 200'000;

storage::Partition BucketOf(const rpc::ServiceContext& context, const v1::Notice& notice) {
  // None of the three has a slash.
  return context.idempotency.Bucket("notice", "",
                                    absl::StrCat(notice.id(), "/", notice.version(), "/", notice.language()));
}

std::string KeyOf(std::string_view institution) {
  return absl::StrCat(std::string(kTextKey), "/", std::string(institution));
}

absl::StatusOr<std::optional<v1::StoredNotice>> ReadNotice(const rpc::ServiceContext& context,
                                                           const v1::Notice& notice, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(BucketOf(context, notice), std::string(key)));
  if (!entry) {
    return std::optional<v1::StoredNotice>();
  }
  v1::StoredNotice stored;
  if (!stored.ParseFromString(entry->value)) {
    return absl::DataLossError("a stored notice does not parse");
  }
  return std::optional(std::move(stored));
}

bool SameController(const directory::Directory& directory, std::string_view one, std::string_view other) {
  const directory::Institution* a = directory.FindInstitution(one);
  const directory::Institution* b = directory.FindInstitution(other);
  return a != nullptr && b != nullptr && !a->controller.empty() && a->controller == b->controller;
}

// The first text of that name by an institution for which it says true.
template <typename Wanted>
absl::StatusOr<std::optional<v1::StoredNotice>> FirstOf(const rpc::ServiceContext& context,
                                                        const v1::Notice& notice, const Wanted& wanted) {
  const std::string prefix = KeyOf("");
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     context.store.Scan(BucketOf(context, notice), prefix, from, kTextsAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      const std::string registrant = row.key.substr(prefix.size());
      if (wanted(registrant)) {
        return ReadNotice(context, notice, row.key);
      }
    }
    from = page.next;
  } while (!from.empty());
  return std::optional<v1::StoredNotice>();
}

// What that institution gives under this name: its own text, one of its controller's, the steward's.
absl::StatusOr<std::optional<v1::StoredNotice>> NoticeFor(const rpc::ServiceContext& context,
                                                          const v1::Notice& notice,
                                                          std::string_view institution) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> own, ReadNotice(context, notice, KeyOf(institution)));
  if (own) {
    return own;
  }
  const std::shared_ptr<const directory::Directory> directory = context.directory();
  ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> controllers,
                   FirstOf(context, notice, [&](const std::string& registrant) {
                     return SameController(*directory, registrant, institution);
                   }));
  if (controllers) {
    return controllers;
  }
  return ReadNotice(context, notice, kTextKey);
}

absl::Status AnotherText() {
  return rpc::Refusal(
      absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
      "this version has its text: a registered notice never changes, give it another version");
}

bool OfEarlierBuild(const v1::StoredNotice& stored) { return stored.registrant().empty(); }

// Whether that text of an earlier build is that institution's, as its leaf says. Reads the log up to it: once
// for a name that such a build took.
absl::StatusOr<bool> IsTextOf(const rpc::ServiceContext& context, const v1::StoredNotice& stored,
                              std::string_view institution) {
  ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(stored.event_id()));
  ASSIGN_OR_RETURN(const storage::LeafRange found, FindLeaf(context.log, Claim{event, {}, 0}));
  ASSIGN_OR_RETURN(const std::vector<std::string> bytes, context.log.ReadLeaves(found.first, 1));
  if (bytes.empty()) {
    return absl::DataLossError("a leaf that was found is gone");
  }
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes[0]));
  return leaf.header.institution() == institution;
}

// What stands under that name already for who registers under `key`; nullopt: nothing. An earlier build had
// one key for all: only who registered there is held to it.
absl::StatusOr<std::optional<v1::StoredNotice>> Standing(const rpc::ServiceContext& context,
                                                         const v1::StoredNotice& asked,
                                                         const std::string& key, const Id128& event) {
  ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> known, ReadNotice(context, asked.notice(), key));
  if (known || key == kTextKey) {
    return known;
  }
  ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> earlier, ReadNotice(context, asked.notice(), kTextKey));
  if (!earlier || !OfEarlierBuild(*earlier)) {
    return std::optional<v1::StoredNotice>();
  }
  bool own = earlier->event_id() == event.ToBytes();
  if (!own && earlier->notice().sha256() != asked.notice().sha256()) {
    ASSIGN_OR_RETURN(own, IsTextOf(context, *earlier, asked.registrant()));
  }
  return own ? std::move(earlier) : std::optional<v1::StoredNotice>();
}

}  // namespace

std::string LanguageOf(const std::string& language) { return language.empty() ? "fr" : language; }

absl::Status CompleteNotice(const Registry& registry, std::string_view institution, v1::Notice& notice) {
  if (const size_t size = notice.sha256().size(); size != 0 && size != kSha256Size) {
    return rpc::InvalidField("notice.sha256", "must have 32 bytes");
  }
  notice.set_language(LanguageOf(notice.language()));
  ASSIGN_OR_RETURN(const std::optional<v1::StoredNotice> stored,
                   NoticeFor(registry.context, notice, institution));
  const bool another = stored && !notice.sha256().empty() && notice.sha256() != stored->notice().sha256();
  if (!stored || (another && OfEarlierBuild(*stored))) {
    return registry.notices_required
               ? rpc::InvalidField("notice", "is not in the register, in that version and language")
               : absl::OkStatus();
  }
  if (another) {
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
  stored.set_registrant(actor.institution);
  const bool for_all = call.caller.roles.contains(common::v1::ROLE_STEWARD);
  const std::string key = for_all ? std::string(kTextKey) : KeyOf(actor.institution);
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(context, registry_.store, rpc::RequestOwner(call, actor), kRegister,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  CO_ASSIGN_OR_RETURN(const std::optional<v1::StoredNotice> known,
                      Standing(context, stored, key, claim->event_id));
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
  commit.preconditions.push_back({key, std::nullopt});
  commit.batch.push_back({key, stored.SerializeAsString()});
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

Task<absl::StatusOr<v1::GetNoticeResponse>> NoticeHandlers::GetNotice(rpc::Call call,
                                                                      v1::GetNoticeRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  co_await ResumeOn(registry_.context.executor);
  v1::Notice name;
  name.set_id(request.id());
  name.set_version(request.version());
  name.set_language(LanguageOf(request.language()));
  CO_ASSIGN_OR_RETURN(std::optional<v1::StoredNotice> stored,
                      NoticeFor(registry_.context, name, call.caller.institution));
  if (!stored) {
    CO_ASSIGN_OR_RETURN(stored, FirstOf(registry_.context, name, [](const std::string&) { return true; }));
  }
  if (!stored) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetNoticeResponse response;
  *response.mutable_notice() = std::move(*stored->mutable_notice());
  response.set_text(stored->text());
  co_return response;
}

}  // namespace relais::consent
