#include "services/vault/handlers/share_handlers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/paging.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

constexpr size_t kMostOurs = 100;  // of an institution's own list: each has a leaf

// Under which name of hers a share is made: the one that holds the paper, for there it is read. A whole type
// is shared under the first, and covers the papers under it alone.
struct SharedUnder {
  HostedName name;
  Id128 document;
  std::optional<Stored<v1::StoredDocument>> paper;  // nullopt: a type
};
absl::StatusOr<SharedUnder> WhereToShare(const VaultStore& store, const std::vector<HostedName>& names,
                                         const v1::ShareRequest& request) {
  if (names.empty()) {
    return rpc::NoSuchOrNotYours();
  }
  SharedUnder where;
  where.name = names.front();
  if (request.what_case() != v1::ShareRequest::kDocumentId) {
    return where;
  }
  ASSIGN_OR_RETURN(where.document, Id128::FromHex(request.document_id()));
  ASSIGN_OR_RETURN(auto found, WhichNameHasPaper(store, names, where.document));
  if (!found.has_value()) {
    return rpc::NoSuchOrNotYours();
  }
  RETURN_IF_ERROR(AsDamage(found->row.status()));
  where.name = names[found->at];
  where.paper = *std::move(found->row);
  return where;
}

// Her shares from an id on, in the order of their ids.
struct ShareListing {
  std::map<Id128, v1::Share> shares;
  std::vector<Id128> unreadable;  // where rows do not open
};

// Those under one name, at most `most`; shown as of `person`, the caller's name for her.
absl::Status AddShares(const Vault& vault, const Id128& name, const common::v1::PersonRef& person,
                       bool with_ended, const Id128& from, size_t most, ShareListing& out) {
  std::optional<Id128> at = from;
  size_t added = 0;
  while (at.has_value() && added < most) {
    ASSIGN_OR_RETURN(const auto page, vault.store.ReadableShares(name, *at, kMostPage));
    for (const Row<v1::StoredShare>& row : page.rows) {
      v1::Share share = ShareOf(row.id, row.stored, person, vault.context.clock.Now(), vault.lease.Held());
      const bool open =
          share.state() == v1::Share::STATE_ACTIVE || share.state() == v1::Share::STATE_SUSPENDED;
      if (added < most && (with_ended || open)) {
        out.shares.emplace(row.id, std::move(share));
        ++added;
      }
    }
    out.unreadable.insert(out.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
    out.unreadable.insert(out.unreadable.end(), page.gaps.begin(), page.gaps.end());
    at = page.next;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RoomForShares(const Vault& vault, const Id128& person, size_t more) {
  ASSIGN_OR_RETURN(const auto shares, AllShares(vault.store, person));
  const absl::Time now = vault.context.clock.Now();
  const auto in_force = std::count_if(shares.rows.begin(), shares.rows.end(), [&](const auto& row) {
    return StateOf(row.stored.value, now, /*lease=*/true) == v1::Share::STATE_ACTIVE;
  });
  return static_cast<size_t>(in_force) + shares.missing() + more <= kMostShares
             ? absl::OkStatus()
             : StatusOf(common::v1::ERROR_REASON_OVERLOADED);
}

Task<absl::StatusOr<JudgedWish>> JudgedShare(const Vault& vault, rpc::Call call, ShareWish wish) {
  CO_RETURN_IF_ERROR(vault.context.MayDisclose());
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault));
  if (phase != VaultPhase::kOpen) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  if (call.directory->FindPurpose(wish.share.purpose()) == nullptr) {
    co_return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, "purpose",
                                   "is not in the directory in force");
  }
  if (call.directory->FindInstitution(wish.share.recipient().institution()) == nullptr) {
    co_return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, "recipient.institution",
                                   "is not in the directory in force");
  }
  if (!vault.lease.Held()) {
    co_return StatusOf(common::v1::ERROR_REASON_PEER_BEHIND);
  }
  if (!IsDocumentType(wish.type)) {
    co_return rpc::InvalidField("type", "is no type of papers");
  }
  // On the list before consent is asked, as a reading is.
  const auto* recipient = call.directory->FindInstitution(wish.share.recipient().institution());
  ReadingBasis basis;
  basis.person = wish.person;
  basis.share = vault.context.random.Id();
  basis.covered = CoveredBy(wish.share, wish.type, recipient->kind);
  JudgedWish judged;
  judged.watch = vault.streams.Open(std::move(basis));
  consent::v1::CheckRequest question =
      CheckOfShare(wish.person, wish.share, wish.type, wish.share.recipient().function());
  CO_ASSIGN_OR_RETURN(const Answered answered, co_await AskConsent(vault, std::move(question)));
  ShareWanted wanted;
  wanted.type = wish.type;
  wanted.document = wish.document;
  wanted.recipient = wish.share.recipient();
  wanted.shared_by = wish.share.shared_by().institution();
  wanted.until = FromProto(wish.share.until());
  CO_ASSIGN_OR_RETURN(const Id128 consent, IdOf(wish.share.consent()));
  wanted.consent_id = consent.ToHex();
  const absl::Time now = vault.context.clock.Now();
  if (const Refusal why = JudgeShare(wanted, answered.answer, now, vault.settings.shares); why.has_value()) {
    const bool itself = wanted.recipient.institution() == wanted.shared_by;
    if (*why == common::v1::ERROR_REASON_WRONG_STATE) {
      co_return WrongState("the paper", v1::Document::State_Name(*wish.document), "be shared");
    }
    if (*why != common::v1::ERROR_REASON_INVALID_FIELDS) {
      co_return StatusOf(*why);
    }
    co_return itself
        ? rpc::InvalidField("recipient.institution", "is the one that shares: it reads as her host")
        : rpc::InvalidField("until", "must be later than now, and within what one share may last (a year)");
  }
  judged.watch->Permitted(answered.decided_at, absl::InfiniteFuture());
  // From here on what is followed is later than the answer: a no closes this share.
  const absl::Status caught_up = co_await CaughtUp(vault, answered.decided_at);
  CO_RETURN_IF_ERROR(caught_up);
  wish.share.set_state(v1::Share::STATE_ACTIVE);
  *wish.share.mutable_since() = ToProto(now);
  judged.share = std::move(wish.share);
  co_return judged;
}

absl::Status StillAgreed(const JudgedWish& judged) {
  const auto cut = judged.watch->WhyCut();
  if (!cut.has_value()) {
    return absl::OkStatus();
  }
  // What cut it first may hide a no that came after: without one, consent is asked anew.
  return cut == "WITHDRAWN" ? StatusOfCut(*cut) : absl::AbortedError("what consent answered counts no more");
}

Task<absl::Status> SettleShare(const Vault& vault, Id128 person, Id128 share, JudgedWish judged) {
  const auto cut = judged.watch->WhyCut();
  if (cut != "WITHDRAWN") {
    co_return absl::OkStatus();  // a reading asks again whatever else there is
  }
  absl::Status ended = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(ended); ++i) {
    CO_ASSIGN_OR_RETURN(auto stored, vault.store.Share(person, share));
    if (!stored.has_value() || stored->value.state() != v1::Share::STATE_ACTIVE) {
      break;
    }
    stored->value.set_state(v1::Share::STATE_WITHDRAWN);
    *stored->value.mutable_ended() = ToProto(vault.context.clock.Now());
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(vault.store.PutShare(person, share, *stored, commit));
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    std::vector<audit::Event> events;
    events.push_back(ShareEvent(acting, share, stored->value));
    const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
    ended = done.status();
    if (ended.ok()) {
      vault.streams.EndShare(person, share, v1::Share::STATE_WITHDRAWN);
    } else if (!IsCollision(ended)) {
      co_return ended;
    }
  }
  co_return StatusOfCut(*cut);
}

Task<absl::StatusOr<v1::ShareResponse>> ShareHandlers::Share(rpc::Call call, v1::ShareRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 id = vault_.context.random.Id();
  absl::StatusOr<v1::ShareResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryShare(call, person, request, id);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_SHARE, request.document_id()};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), done.status());
    co_return refused;
  }
  co_return done;
}

// The share's id is the event's too: what is remembered is one.
Task<absl::StatusOr<v1::ShareResponse>> ShareHandlers::TryShare(rpc::Call call, Id128 given,
                                                                v1::ShareRequest request, Id128 id) {
  const rpc::ServiceContext& context = vault_.context;
  CO_ASSIGN_OR_RETURN(const auto names, vault_.access.HostedNames(call, given));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto earlier, SeenUnderAny(vault_.store, PersonsOf(names), given, call, actor,
                                                       "Share", request.request_id(), request));
  v1::ShareResponse response;
  if (earlier.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto before, ReadAct(earlier->seen));
    CO_ASSIGN_OR_RETURN(const auto made, vault_.store.Share(earlier->name, before->event_id));
    if (!made.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    *response.mutable_share() = ShareOf(before->event_id, *made, rpc::RefFor(context, call, given),
                                        context.clock.Now(), vault_.lease.Held());
    CO_ASSIGN_OR_RETURN(
        *response.mutable_written(),
        co_await WrittenBefore(vault_, earlier->name, before->event_id, request.want_proof()));
    co_return response;
  }
  CO_ASSIGN_OR_RETURN(const SharedUnder where, WhereToShare(vault_.store, names, request));
  const Id128 person = where.name.person;
  CO_ASSIGN_OR_RETURN(const auto seen, vault_.store.SeenUnder(person, given, call, actor, "Share",
                                                              request.request_id(), request));
  CO_RETURN_IF_ERROR(RoomForShares(vault_, person, 1));
  ShareWish wish;
  wish.person = person;
  storage::CommitRequest commit;
  switch (request.what_case()) {
    case v1::ShareRequest::kDocumentId:
      wish.type = where.paper->value.type();
      wish.document = where.paper->value.state();
      wish.share.set_document(where.document.ToBytes());
      VaultStore::GuardDocument(person, where.document, where.paper->version, commit);
      break;
    case v1::ShareRequest::kType:
      wish.type = request.type();
      wish.share.set_type(request.type());
      break;
    case v1::ShareRequest::WHAT_NOT_SET:
      co_return rpc::InvalidField("document_id", "or a type is required");
  }
  *wish.share.mutable_recipient() = request.recipient();
  wish.share.set_purpose(request.purpose());
  *wish.share.mutable_until() = request.until();
  CO_ASSIGN_OR_RETURN(const Id128 consent, Id128::FromHex(request.consent_id()));
  wish.share.set_consent(consent.ToBytes());
  *wish.share.mutable_shared_by() = PartyOf(actor);
  CO_ASSIGN_OR_RETURN(const JudgedWish judged, co_await JudgedShare(vault_, call, std::move(wish)));
  KeyCommits::Ticket linking = vault_.access.linking().Enter();
  CO_RETURN_IF_ERROR(StillAgreed(judged));
  const Stored<v1::StoredShare> stored{judged.share, 0};
  CO_RETURN_IF_ERROR(vault_.store.PutShare(person, id, stored, commit));
  vault_.store.GuardHost(person, actor.institution, where.name.host.version, commit);
  RememberedAct act{id, {}};
  RememberAct(seen, act, commit);
  const Acting acting{call, actor, request.request_id(), person, kAsHost};
  std::vector<audit::Event> events;
  events.push_back(ShareEvent(acting, id, stored.value));
  events.back().event_id = id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  linking = KeyCommits::Ticket();
  CO_RETURN_IF_ERROR(done.status());
  const absl::Status settled = co_await SettleShare(vault_, person, id, judged);
  CO_RETURN_IF_ERROR(settled);
  CO_ASSIGN_OR_RETURN(const auto now, vault_.store.Share(person, id));
  *response.mutable_share() = ShareOf(id, now.value_or(stored), rpc::RefFor(context, call, given),
                                      context.clock.Now(), vault_.lease.Held());
  CO_ASSIGN_OR_RETURN(*response.mutable_written(), co_await WrittenAct(vault_, *done, request.want_proof()));
  co_return response;
}

Task<absl::StatusOr<v1::RevokeResponse>> ShareHandlers::Revoke(rpc::Call call, v1::RevokeRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 event_id = vault_.context.random.Id();
  absl::StatusOr<v1::RevokeResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryRevoke(call, person, request, event_id);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_SHARE, ""};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), done.status());
    co_return refused;
  }
  co_return done;
}

// By any of her hosts, or by whom it is with for its own; what ended already stays as it ended. A host's
// right is asked for under the name that holds the share.
Task<absl::StatusOr<v1::RevokeResponse>> ShareHandlers::TryRevoke(rpc::Call call, Id128 given,
                                                                  v1::RevokeRequest request, Id128 event_id) {
  const rpc::ServiceContext& context = vault_.context;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.share_id()));
  CO_ASSIGN_OR_RETURN(const auto names, vault_.access.NamesOf(given));
  CO_ASSIGN_OR_RETURN(auto found,
                      WhichName(names, [&](const Id128& name) { return vault_.store.Share(name, id); }));
  const Id128 person = found.has_value() ? names[found->at] : given;
  const auto host = vault_.access.Host(call, person);
  std::optional<Stored<v1::StoredShare>> stored;
  if (found.has_value()) {
    CO_RETURN_IF_ERROR(vault_.access.WhyUnreadable(call, person, found->row.status()));
    stored = *std::move(found->row);
  }
  const bool received = stored.has_value() && IsWith(stored->value, actor.institution, actor.function);
  if (!host.ok() && !received) {
    co_return host.status();
  }
  if (!stored.has_value()) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(
      SeenUnderAny(vault_.store, names, given, call, actor, "Revoke", request.request_id(), request)
          .status());
  CO_ASSIGN_OR_RETURN(const auto seen, vault_.store.SeenUnder(person, given, call, actor, "Revoke",
                                                              request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  v1::RevokeResponse response;
  const absl::Time now = context.clock.Now();
  common::v1::Written written;
  if (before.has_value()) {
    CO_ASSIGN_OR_RETURN(written,
                        co_await WrittenBefore(vault_, person, before->event_id, request.want_proof()));
  } else {
    if (!request.etag().empty() && request.etag() != EtagOf(stored->version)) {
      co_return StatusOf(common::v1::ERROR_REASON_ETAG_MISMATCH);
    }
    storage::CommitRequest commit;
    std::vector<audit::Event> events;
    const bool active = stored->value.state() == v1::Share::STATE_ACTIVE;
    if (active) {
      stored->value.set_state(v1::Share::STATE_REVOKED);
      *stored->value.mutable_ended() = ToProto(now);
      CO_RETURN_IF_ERROR(vault_.store.PutShare(person, id, *stored, commit));
    } else {
      VaultStore::GuardShare(person, id, stored->version, commit);
    }
    RememberedAct act{event_id, {}};
    RememberAct(seen, act, commit);
    const Acting acting{call, actor, request.request_id(), person, host.ok() ? kAsHost : kAsShare};
    events.push_back(ShareEvent(acting, id, stored->value));
    events.back().event_id = event_id;
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    CO_RETURN_IF_ERROR(done.status());
    if (active) {
      vault_.streams.EndShare(person, id, v1::Share::STATE_REVOKED);
    }
    CO_ASSIGN_OR_RETURN(written, co_await WrittenAct(vault_, *done, request.want_proof()));
    if (active) {
      CO_ASSIGN_OR_RETURN(const auto ended, vault_.store.Share(person, id));
      stored = ended.has_value() ? ended : stored;
    }
  }
  *response.mutable_share() =
      ShareOf(id, *stored, rpc::RefFor(context, call, given), now, vault_.lease.Held());
  if (!host.ok()) {
    response.mutable_share()->clear_consent_id();
    response.mutable_share()->clear_etag();
  }
  *response.mutable_written() = std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::ShareServiceListResponse>> ShareHandlers::List(rpc::Call call,
                                                                       v1::ShareServiceListRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  if (!request.has_person()) {
    auto ours = co_await ListOurs(std::move(call), std::move(request));
    co_return ours;
  }
  auto hers = co_await ListHers(std::move(call), std::move(request));
  co_return hers;
}

Task<absl::StatusOr<v1::ShareServiceListResponse>> ShareHandlers::ListHers(
    rpc::Call call, v1::ShareServiceListRequest request) {
  const rpc::ServiceContext& context = vault_.context;
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
  CO_ASSIGN_OR_RETURN(const auto names,
                      co_await vault_.access.RequireHostedNames(call, person, std::move(attempt)));
  const size_t size = PageSize(request.page_size());
  const common::v1::PersonRef shown_as = rpc::RefFor(context, call, person);
  v1::ShareServiceListResponse response;
  response.set_revision(context.log.Revision(context.log.state().size));
  ShareListing found;
  for (const HostedName& name : names) {
    CO_RETURN_IF_ERROR(AddShares(vault_, name.person, shown_as, request.with_ended(), from, size + 1, found));
  }
  std::optional<Id128> next;
  for (auto& [id, share] : found.shares) {
    if (static_cast<size_t>(response.shares_size()) == size) {
      next = id;
      response.set_next_page_token(id.ToHex());
      break;
    }
    *response.add_shares() = std::move(share);
  }
  response.set_unreadable(CountBefore(found.unreadable, next));
  const absl::Status looked = co_await LookedUnder(vault_, call, names, "SHARES", "");
  CO_RETURN_IF_ERROR(looked);
  co_return response;
}

// From the derived list of the institution's: what it says is held against her row.
Task<absl::StatusOr<v1::ShareServiceListResponse>> ShareHandlers::ListOurs(
    rpc::Call call, v1::ShareServiceListRequest request) {
  const rpc::ServiceContext& context = vault_.context;
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_RETURN_IF_ERROR(context.MayDisclose());
  v1::ShareServiceListResponse response;
  response.set_revision(context.log.Revision(context.log.state().size));
  CO_ASSIGN_OR_RETURN(const auto pointers,
                      vault_.store.ReadablePointers(PointerKind::kShared, actor.institution, from,
                                                    PageSize(request.page_size(), kMostOurs)));
  size_t unreadable = pointers.missing();
  for (const auto& pointer : pointers.rows) {
    const auto person = Id128::FromBytes(pointer.stored.value.person());
    if (!person.ok()) {
      continue;
    }
    auto found = vault_.store.Share(*person, pointer.id);
    if (audit::DoesNotRead(found.status())) {
      ++unreadable;
      continue;
    }
    CO_RETURN_IF_ERROR(found.status());
    const std::optional<Stored<v1::StoredShare>> stored = *std::move(found);
    if (!stored.has_value() || !IsWith(stored->value, actor.institution, actor.function)) {
      continue;
    }
    v1::Share share = ShareOf(pointer.id, *stored, rpc::RefFor(context, call, *person), context.clock.Now(),
                              vault_.lease.Held());
    const bool open = share.state() == v1::Share::STATE_ACTIVE || share.state() == v1::Share::STATE_SUSPENDED;
    if (!request.with_ended() && !open) {
      continue;
    }
    share.clear_consent_id();
    share.clear_etag();
    const Acting acting{call, actor, "", *person, kAsShare};
    storage::CommitRequest commit;
    VaultStore::GuardShare(*person, pointer.id, stored->version, commit);
    std::vector<audit::Event> events;
    events.push_back(LookedEvent(acting, "SHARES", share.document_id()));
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    if (IsCollision(done.status()) || audit::IsErased(done.status())) {
      continue;  // it is another now: the next look tells
    }
    CO_RETURN_IF_ERROR(done.status());
    *response.add_shares() = std::move(share);
  }
  response.set_unreadable(static_cast<uint32_t>(unreadable));
  if (pointers.next.has_value()) {
    response.set_next_page_token(pointers.next->ToHex());
  }
  co_return response;
}

}  // namespace relais::vault
