// The leaves the vault writes (proto/relais/vault/v1/events.proto): one function an act. None holds a title,
// a file's name, or a reason given in words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/audit/follower.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/events.pb.h"
#include "relais/vault/v1/state.pb.h"

namespace relais::vault {

/// How the one who acts has to do with her, as leaves say it.
inline constexpr std::string_view kAsHost = "HOST";
inline constexpr std::string_view kAsShare = "SHARE";
inline constexpr std::string_view kAsNobody = "NONE";

/// Who acts in whose vault. Of the service's own acts: OwnCall's (vault.h), ActorOfOwn, no request id,
/// kAsNobody.
struct Acting {
  const rpc::Call& call;
  const rpc::Actor& actor;
  std::string_view request_id;  // empty: none
  Id128 person;
  std::string_view relation = kAsNobody;
};
/// The service itself.
[[nodiscard]] rpc::Actor ActorOfOwn(const rpc::Call& own);

/// `state` OPEN or ENDED; `reason` of an end: an ErrorReason by name, `EXPIRED`, `ABANDONED`. The recipient
/// of the leaf is the depositor: whose usage it is.
[[nodiscard]] audit::Event UploadEvent(const Acting& acting, const Id128& id, const v1::StoredUpload& upload,
                                       v1::Upload::State state, std::string_view reason);
/// Of the last version of `document`; `document` as it is stored from then on.
[[nodiscard]] audit::Event DepositedEvent(const Acting& acting, const Id128& id,
                                          const v1::StoredDocument& document);

/// Under what a paper is read; both empty: she, through her host.
struct ReadUnder {
  std::string share_id;
  std::string permit_id;
  std::string purpose;
};
[[nodiscard]] audit::Event ReadEvent(const Acting& acting, const Id128& id,
                                     const v1::StoredDocument& document, uint32_t version, uint64_t offset,
                                     uint64_t length, const ReadUnder& under);
[[nodiscard]] audit::Event ReadCutEvent(const Acting& acting, const Id128& id,
                                        const v1::StoredDocument& document, uint32_t version,
                                        std::string_view share_id, std::string_view cause, uint64_t sent);
/// `document_id` empty: none in particular. `reason`: an ErrorReason.
[[nodiscard]] audit::Event RefusedEvent(const Acting& acting, v1::JournalEntry::Act act,
                                        std::string_view document_id, common::v1::ErrorReason reason,
                                        uint64_t count);
/// `what`: `METADATA`, `LIST`, `COUNT`, `JOURNAL`, `SHARES`, `REQUESTS`, `HOSTS`, `UPLOAD`, `RECEIPT`.
[[nodiscard]] audit::Event LookedEvent(const Acting& acting, std::string_view what,
                                       std::string_view document_id);
/// `fields`: `expires`, `state`, `title`, `type`, sorted.
[[nodiscard]] audit::Event ChangedEvent(const Acting& acting, const Id128& id,
                                        const v1::StoredDocument& document,
                                        const std::vector<std::string>& fields);
[[nodiscard]] audit::Event VerifiedEvent(const Acting& acting, const Id128& id,
                                         const v1::StoredDocument& document,
                                         const std::vector<v1::VersionCheck>& checks,
                                         std::string_view scrub_id);
/// `document`: as it was before. `cause`: `HERS` or `REFUSED_DROP`.
[[nodiscard]] audit::Event DestroyedEvent(const Acting& acting, const Id128& id,
                                          const v1::StoredDocument& document, std::string_view cause,
                                          absl::Time now, uint32_t epoch);
/// `share` as it is from then on.
[[nodiscard]] audit::Event ShareEvent(const Acting& acting, const Id128& id, const v1::StoredShare& share);
[[nodiscard]] audit::Event RequestEvent(const Acting& acting, const Id128& id,
                                        const v1::StoredRequest& request);
/// Whether that institution's DPO reads it as one addressed to it. kNobody: of what follows from an act under
/// another name of hers, or where it never was a host: it would tell who knows her (ADR 24, 68).
enum class AddressedTo { kIt, kNobody };
[[nodiscard]] audit::Event HostEvent(const Acting& acting, std::string_view institution,
                                     const v1::StoredHost& host, AddressedTo to = AddressedTo::kIt);
/// Of the beginning, or, with its hashes, of the end.
[[nodiscard]] audit::Event ExportedEvent(const Acting& acting, const v1::VaultExported& exported);
/// `cause`: as in the proto. `sent`: bytes of the archive.
[[nodiscard]] audit::Event ExportCutEvent(const Acting& acting, std::string_view export_id,
                                          std::string_view cause, uint64_t sent);
/// A host of hers at that instant, and for which purpose it acts for her.
struct ActiveHost {
  std::string institution;
  std::string purpose;
};
[[nodiscard]] audit::Event ExpiringEvent(const Acting& acting, const Id128& id,
                                         const v1::StoredDocument& document, uint32_t days_before,
                                         const std::vector<ActiveHost>& hosts);
/// For her hosts at that instant, apart from RequestEvent, which who asks may read. `acting`: the service's
/// own.
[[nodiscard]] audit::Event AskedEvent(const Acting& acting, const Id128& id, const v1::StoredRequest& request,
                                      absl::Time expires, const std::vector<ActiveHost>& hosts);
/// `person` nullopt: of the level above persons, about nobody (`acting.person` is then not looked at).
[[nodiscard]] audit::Event RotatedEvent(const Acting& acting, const std::optional<Id128>& person,
                                        const v1::PaperKeysRotated& rotated);
/// About nobody.
[[nodiscard]] audit::Event ScrubbedEvent(const Acting& acting, const v1::Scrub& scrub);
[[nodiscard]] audit::Event ClosureEvent(const Acting& acting, const v1::Closure& closure);

/// The person a leaf is about; nullopt without one.
[[nodiscard]] std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf);

/// The payload of a leaf; nullopt when it is none of that type.
template <typename Payload>
[[nodiscard]] std::optional<Payload> PayloadOf(const audit::v1::LeafDetails& details) {
  Payload payload;
  if (!details.payload().UnpackTo(&payload)) {
    return std::nullopt;
  }
  return payload;
}

/// Which event classes of the vault's log a peer service may see opened.
[[nodiscard]] bool MayOpen(std::string_view peer, audit::v1::EventClass event_class);

}  // namespace relais::vault
