#include "services/vault/events.h"

#include "common/base/proto_time.h"
#include "common/rpc/refusal.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/format/content_head.h"

namespace relais::vault {
namespace {

audit::Event EventOf(const Acting& acting, audit::v1::EventClass event_class) {
  audit::Event event = rpc::EventOf(acting.call, acting.actor, event_class, acting.request_id);
  event.details.set_relation(std::string(acting.relation));
  return event;
}

template <typename Payload>
audit::Event AboutHer(const Acting& acting, audit::v1::EventClass event_class, const Payload& payload) {
  audit::Event event = EventOf(acting, event_class);
  event.subject = audit::Subject{audit::Subject::Kind::kPerson, acting.person};
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

template <typename Payload>
audit::Event AboutNobody(const Acting& acting, audit::v1::EventClass event_class, const Payload& payload) {
  audit::Event event = EventOf(acting, event_class);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

// Ids of stored messages; what is none is left out.
std::string HexOf(std::string_view bytes) {
  const auto id = Id128::FromBytes(bytes);
  return id.ok() ? id->ToHex() : std::string();
}

}  // namespace

rpc::Actor ActorOfOwn(const rpc::Call& own) { return {own.caller.Name(), "", ""}; }

audit::Event UploadEvent(const Acting& acting, const Id128& id, const v1::StoredUpload& upload,
                         v1::Upload::State state, std::string_view reason) {
  v1::UploadChanged payload;
  payload.set_upload_id(id.ToHex());
  payload.set_document_id(HexOf(upload.document()));
  payload.set_version(upload.version());
  payload.set_state(state);
  payload.set_reason(std::string(reason));
  payload.set_size(upload.size());
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_UPLOAD_CHANGED, payload);
  *event.details.mutable_recipient() = upload.depositor();
  return event;
}

audit::Event DepositedEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document) {
  v1::DocumentDeposited payload;
  payload.set_document_id(id.ToHex());
  payload.set_type(document.type());
  payload.set_state(document.state());
  if (document.versions_size() > 0) {
    const v1::StoredVersion& last = document.versions(document.versions_size() - 1);
    payload.set_version(last.version().version());
    payload.set_size(last.version().size());
    payload.set_hash_algorithm(last.version().hash_algorithm());
    payload.set_sha256(last.version().sha256());
    payload.set_media_type(last.version().media_type());
    *payload.mutable_depositor() = last.version().depositor();
    payload.set_header_sha256(last.header_sha256());
  }
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, payload);
  event.categories = CategoriesOf(document.type());
  return event;
}

audit::Event ReadEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document,
                       uint32_t version, uint64_t offset, uint64_t length, const ReadUnder& under) {
  v1::DocumentRead payload;
  payload.set_document_id(id.ToHex());
  payload.set_version(version);
  payload.set_offset(offset);
  payload.set_length(length);
  payload.set_share_id(under.share_id);
  payload.set_permit_id(under.permit_id);
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_READ, payload);
  event.purpose = under.purpose;
  event.categories = CategoriesOf(document.type());
  event.decision = common::v1::DECISION_PERMIT;
  if (!under.share_id.empty()) {
    event.ground = common::v1::GROUND_AGREEMENT;
  }
  event.details.mutable_recipient()->set_institution(acting.actor.institution);
  event.details.mutable_recipient()->set_function(acting.actor.function);
  return event;
}

audit::Event ReadCutEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document,
                          uint32_t version, std::string_view share_id, std::string_view cause,
                          uint64_t sent) {
  v1::DocumentReadCut payload;
  payload.set_document_id(id.ToHex());
  payload.set_version(version);
  payload.set_share_id(std::string(share_id));
  payload.set_cause(std::string(cause));
  payload.set_sent(sent);
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT, payload);
  event.categories = CategoriesOf(document.type());
  return event;
}

audit::Event RefusedEvent(const Acting& acting, v1::JournalEntry::Act act, std::string_view document_id,
                          common::v1::ErrorReason reason, uint64_t count) {
  v1::VaultRefused payload;
  payload.set_act(act);
  payload.set_document_id(std::string(document_id));
  payload.set_reason(rpc::ReasonName(reason));
  payload.set_count(count);
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_VAULT_REFUSED, payload);
  event.decision = common::v1::DECISION_DENY;
  return event;
}

audit::Event LookedEvent(const Acting& acting, std::string_view what, std::string_view document_id) {
  v1::VaultLooked payload;
  payload.set_what(std::string(what));
  payload.set_document_id(std::string(document_id));
  return AboutHer(acting, audit::v1::EVENT_CLASS_VAULT_LOOKED, payload);
}

audit::Event ChangedEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document,
                          const std::vector<std::string>& fields) {
  v1::DocumentChanged payload;
  payload.set_document_id(id.ToHex());
  payload.mutable_fields()->Assign(fields.begin(), fields.end());
  payload.set_type(document.type());
  payload.set_state(document.state());
  return AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_CHANGED, payload);
}

audit::Event VerifiedEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& /*document*/,
                           const std::vector<v1::VersionCheck>& checks, std::string_view scrub_id) {
  v1::DocumentVerified payload;
  payload.set_document_id(id.ToHex());
  payload.mutable_versions()->Assign(checks.begin(), checks.end());
  payload.set_scrub_id(std::string(scrub_id));
  return AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED, payload);
}

audit::Event DestroyedEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document,
                            std::string_view cause, absl::Time now, uint32_t epoch) {
  v1::DocumentDestroyed payload;
  payload.set_document_id(id.ToHex());
  payload.set_type(document.type());
  for (const v1::StoredVersion& version : document.versions()) {
    *payload.add_versions() = version.version();
  }
  payload.set_cause(std::string(cause));
  *payload.mutable_keys_destroyed() = ToProto(now);
  payload.set_copies_end_with_epoch(epoch);
  return AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, payload);
}

audit::Event ShareEvent(const Acting& acting, const Id128& id, const v1::StoredShare& share) {
  v1::ShareChanged payload;
  payload.set_share_id(id.ToHex());
  payload.set_document_id(HexOf(share.document()));
  payload.set_type(share.type());
  *payload.mutable_recipient() = share.recipient();
  payload.set_consent_id(HexOf(share.consent()));
  *payload.mutable_until() = share.until();
  payload.set_state(share.state());
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_SHARE_CHANGED, payload);
  event.purpose = share.purpose();
  if (share.type() != v1::DOCUMENT_TYPE_UNSPECIFIED) {
    event.categories = CategoriesOf(share.type());
  }
  *event.details.mutable_recipient() = share.recipient();
  return event;
}

audit::Event RequestEvent(const Acting& acting, const Id128& id, const v1::StoredRequest& request) {
  v1::DocumentRequestChanged payload;
  payload.set_document_request_id(id.ToHex());
  *payload.mutable_asker() = request.asker();
  *payload.mutable_types() = request.types();
  payload.set_state(request.state());
  for (const std::string& share : request.shares()) {
    payload.add_share_ids(HexOf(share));
  }
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED, payload);
  event.purpose = request.purpose();
  *event.details.mutable_recipient() = request.asker();
  return event;
}

audit::Event HostEvent(const Acting& acting, std::string_view institution, const v1::StoredHost& host,
                       AddressedTo to) {
  v1::HostChanged payload;
  payload.set_institution(std::string(institution));
  payload.set_consent_id(HexOf(host.consent()));
  payload.set_state(host.state());
  *payload.mutable_until() = host.until();
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_HOST_CHANGED, payload);
  event.purpose = host.purpose();
  if (to == AddressedTo::kIt) {
    event.details.mutable_recipient()->set_institution(std::string(institution));
  }
  return event;
}

audit::Event ExportedEvent(const Acting& acting, const v1::VaultExported& exported) {
  audit::Event event = AboutHer(acting, audit::v1::EVENT_CLASS_VAULT_EXPORTED, exported);
  event.details.mutable_recipient()->set_institution(acting.actor.institution);
  event.details.mutable_recipient()->set_function(acting.actor.function);
  return event;
}

audit::Event ExportCutEvent(const Acting& acting, std::string_view export_id, std::string_view cause,
                            uint64_t sent) {
  v1::VaultExportCut payload;
  payload.set_export_id(std::string(export_id));
  payload.set_cause(std::string(cause));
  payload.set_sent(sent);
  return AboutHer(acting, audit::v1::EVENT_CLASS_VAULT_EXPORT_CUT, payload);
}

audit::Event ExpiringEvent(const Acting& acting, const Id128& id, const v1::StoredDocument& document,
                           uint32_t days_before, const std::vector<ActiveHost>& hosts) {
  v1::DocumentExpiring payload;
  payload.set_document_id(id.ToHex());
  payload.set_type(document.type());
  *payload.mutable_expires() = document.expires();
  payload.set_days_before(days_before);
  for (const ActiveHost& host : hosts) {
    payload.add_hosts(host.institution);
    payload.add_purposes(host.purpose);
  }
  return AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING, payload);
}

audit::Event AskedEvent(const Acting& acting, const Id128& id, const v1::StoredRequest& request,
                        absl::Time expires, const std::vector<ActiveHost>& hosts) {
  v1::DocumentAsked payload;
  payload.set_document_request_id(id.ToHex());
  *payload.mutable_asker() = request.asker();
  *payload.mutable_types() = request.types();
  payload.set_purpose(request.purpose());
  *payload.mutable_expires() = ToProto(expires);
  for (const ActiveHost& host : hosts) {
    payload.add_hosts(host.institution);
    payload.add_purposes(host.purpose);
  }
  return AboutHer(acting, audit::v1::EVENT_CLASS_DOCUMENT_ASKED, payload);
}

audit::Event RotatedEvent(const Acting& acting, const std::optional<Id128>& person,
                          const v1::PaperKeysRotated& rotated) {
  audit::Event event = AboutNobody(acting, audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED, rotated);
  if (person.has_value()) {
    event.subject = audit::Subject{audit::Subject::Kind::kPerson, *person};
  }
  return event;
}

audit::Event ScrubbedEvent(const Acting& acting, const v1::Scrub& scrub) {
  v1::VaultScrubbed payload;
  *payload.mutable_scrub() = scrub;
  return AboutNobody(acting, audit::v1::EVENT_CLASS_VAULT_SCRUBBED, payload);
}

audit::Event ClosureEvent(const Acting& acting, const v1::Closure& closure) {
  v1::ClosureAnnounced payload;
  *payload.mutable_closure() = closure;
  return AboutNobody(acting, audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED, payload);
}

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const auto id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

bool MayOpen(std::string_view peer, audit::v1::EventClass event_class) {
  switch (event_class) {
    // Alerting reminds her of papers that expire (D-3.7) and of what she was asked for, and of what was
    // renewed, destroyed or decided since no longer.
    case audit::v1::EVENT_CLASS_DOCUMENT_ASKED:
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING:
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
      return peer == "alerting";
    // Consent counts them as contact with her (D-2.10).
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      return peer == "alerting" || peer == "consent";
    case audit::v1::EVENT_CLASS_DOCUMENT_READ:
      return peer == "consent";
    case audit::v1::EVENT_CLASS_AGENT_SEARCHED:     // routing tells the DPO
    case audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED:  // and who may act for somebody
      return peer == "routing";
    default:  // nobody reads more
      return false;
  }
}

}  // namespace relais::vault
