#include "services/vault/handlers/request_handlers.h"

#include <algorithm>
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

absl::StatusOr<std::vector<Row<v1::StoredRequest>>> AllRequests(const VaultStore& store,
                                                                const Id128& person) {
  std::vector<Row<v1::StoredRequest>> out;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(auto page, store.Requests(person, *from, kMostPage));
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(out));
    from = page.next;
  }
  return out;
}

// Of all these names, in the order of their ids from one on, past what does not open.
absl::StatusOr<ReadableRows<v1::StoredRequest>> ReadableFrom(const VaultStore& store,
                                                             const std::vector<HostedName>& names,
                                                             const Id128& from) {
  ReadableRows<v1::StoredRequest> out;
  for (const HostedName& name : names) {
    out.next = from;
    while (out.next.has_value()) {
      ASSIGN_OR_RETURN(auto page, store.ReadableRequests(name.person, *out.next, kMostPage));
      std::move(page.rows.begin(), page.rows.end(), std::back_inserter(out.rows));
      out.unreadable.insert(out.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
      out.gaps.insert(out.gaps.end(), page.gaps.begin(), page.gaps.end());
      out.next = page.next;
    }
  }
  std::sort(out.rows.begin(), out.rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

// What an asker sees of its own request: what it said and how it stands.
v1::DocumentRequest Shown(const Vault& vault, const rpc::Call& call, const Id128& person, const Id128& id,
                          const Stored<v1::StoredRequest>& request) {
  return RequestOf(id, request, rpc::RefFor(vault.context, call, person), vault.context.clock.Now(),
                   vault.settings.requests);
}

absl::StatusOr<Asking> AskingOf(const rpc::Actor& actor, const v1::RequestDocumentRequest& request) {
  Asking asking{actor.institution, actor.function, request.purpose(), {}};
  for (const int type : request.types()) {
    if (!IsDocumentType(type)) {
      return rpc::InvalidField("types", "holds what is no type of papers");
    }
    asking.types.push_back(static_cast<v1::DocumentType>(type));
  }
  return asking;
}

absl::Status WhyNotAsked(common::v1::ErrorReason why, absl::Time until, absl::Time now,
                         const RequestRules& rules) {
  if (why != common::v1::ERROR_REASON_INVALID_FIELDS) {
    return StatusOf(why);
  }
  return until <= now || until > now + rules.longest_share
             ? rpc::InvalidField("until",
                                 "must be later than now, and within what one share may last (a year)")
             : rpc::InvalidField("types", "must be some, each once, and none that no agreement shares");
}

// The request by which all of it was asked for already; nullopt: nothing of it was. WRONG_STATE, naming the
// request, for what was asked for in part: what is left is to be asked for by itself.
absl::StatusOr<std::optional<Row<v1::StoredRequest>>> SameIn(
    const std::vector<Row<v1::StoredRequest>>& requests, const Asking& asking, absl::Time now,
    const RequestRules& rules) {
  std::optional<Id128> in_part;
  for (const Row<v1::StoredRequest>& row : requests) {
    switch (AskedIn(row.stored.value, asking, now, rules)) {
      case AskedBefore::kAll:
        return std::optional(row);
      case AskedBefore::kSome:
        in_part = row.id;
        break;
      case AskedBefore::kNothing:
        break;
    }
  }
  if (in_part.has_value()) {
    return rpc::WithNextStep(
        WrongState("a request for one of these types", "PENDING", "be made again beside it"),
        "request " + in_part->ToHex());
  }
  return std::optional<Row<v1::StoredRequest>>();
}

// What that share is of now; UNSPECIFIED when its paper is not there, or does not open.
v1::DocumentType SharedType(const VaultStore& store, const Id128& person, const v1::StoredShare& share) {
  if (share.document().empty()) {
    return share.type();
  }
  const auto id = IdOf(share.document());
  if (!id.ok()) {
    return v1::DOCUMENT_TYPE_UNSPECIFIED;
  }
  const auto paper = store.Document(person, *id);
  const bool kept = paper.ok() && paper->has_value() && (*paper)->value.state() == v1::Document::STATE_ACTIVE;
  return kept ? (*paper)->value.type() : v1::DOCUMENT_TYPE_UNSPECIFIED;
}

// WRONG_STATE, naming the share by which the asker has a paper of one of those types. It is the asker's own
// to list, and tells nothing of what else she has.
absl::Status NotSharedYet(const VaultStore& store, const Id128& person, const Asking& asking,
                          absl::Time now) {
  ASSIGN_OR_RETURN(const auto shares, AllShares(store, person));
  for (const Row<v1::StoredShare>& row : shares.rows) {
    const v1::StoredShare& share = row.stored.value;
    if (share.recipient().institution() == asking.institution &&
        HasAlready(share, SharedType(store, person, share), asking, now)) {
      return rpc::WithNextStep(
          WrongState("a paper of one of these types", "shared with you", "be asked for again"),
          "share " + row.id.ToHex());
    }
  }
  return absl::OkStatus();
}

bool Waits(const v1::DocumentRequest& request) {
  return request.state() == v1::DocumentRequest::STATE_PENDING;
}

}  // namespace

Task<absl::StatusOr<v1::RequestDocumentResponse>> RequestHandlers::RequestDocument(
    rpc::Call call, v1::RequestDocumentRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 id = vault_.context.random.Id();
  absl::StatusOr<v1::RequestDocumentResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryAsk(call, person, request, id);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_REQUEST, ""};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), done.status());
    co_return refused;
  }
  co_return done;
}

// Of her vault only what this asker asked for, or is shared with it, makes a difference. What was asked for
// already is given back: the asker looks at its own request, and she is not asked twice (action 4).
Task<absl::StatusOr<v1::RequestDocumentResponse>> RequestHandlers::TryAsk(rpc::Call call, Id128 person,
                                                                          v1::RequestDocumentRequest request,
                                                                          Id128 id) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto seen, vault_.store.Seen(person, call, actor, "RequestDocument",
                                                         request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  v1::RequestDocumentResponse response;
  if (before.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto made, vault_.store.Request(person, before->event_id));
    if (!made.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    *response.mutable_request() = Shown(vault_, call, person, before->event_id, *made);
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, person, before->event_id, request.want_proof()));
    co_return response;
  }
  if (call.directory->FindPurpose(request.purpose()) == nullptr) {
    co_return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, "purpose",
                                   "is not in the directory in force");
  }
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase != VaultPhase::kOpen) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  CO_ASSIGN_OR_RETURN(const auto same, JudgeAsking(person, actor, request));
  storage::CommitRequest commit;
  const Acting acting{call, actor, request.request_id(), person, kAsNobody};
  std::vector<audit::Event> events;
  RememberedAct act{id, {}};
  if (same.has_value()) {
    act.event_id = same->id;
    commit.partition = VaultStore::PersonPartition(person);
    RememberAct(seen, act, commit);
    events.push_back(LookedEvent(acting, "REQUESTS", ""));
    const auto looked = co_await CommitActs(vault_, std::move(commit), std::move(events));
    CO_RETURN_IF_ERROR(looked.status());
    *response.mutable_request() = Shown(vault_, call, person, same->id, same->stored);
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, person, same->id, request.want_proof()));
    co_return response;
  }
  Stored<v1::StoredRequest> asked;
  *asked.value.mutable_asker() = PartyOf(actor);
  *asked.value.mutable_types() = request.types();
  asked.value.set_purpose(request.purpose());
  asked.value.set_why(request.why());
  *asked.value.mutable_until() = request.until();
  *asked.value.mutable_asked() = ToProto(vault_.context.clock.Now());
  asked.value.set_state(v1::DocumentRequest::STATE_PENDING);
  CO_RETURN_IF_ERROR(vault_.store.PutRequest(person, id, asked, commit));
  RememberAct(seen, act, commit);
  events.push_back(RequestEvent(acting, id, asked.value));
  events.back().event_id = id;
  CO_ASSIGN_OR_RETURN(audit::Event for_hosts, ForHosts(person, id, asked.value, commit));
  events.push_back(std::move(for_hosts));
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  *response.mutable_request() = Shown(vault_, call, person, id, asked);
  CO_ASSIGN_OR_RETURN(*response.mutable_written(), co_await WrittenAct(vault_, *done, request.want_proof()));
  co_return response;
}

// What tells her hosts, in the commit that asks: written whether she has any or not, so that the log does not
// tell either. Guarded by their rows: none is told whom she unlinked meanwhile.
absl::StatusOr<audit::Event> RequestHandlers::ForHosts(const Id128& person, const Id128& id,
                                                       const v1::StoredRequest& asked,
                                                       storage::CommitRequest& commit) const {
  const absl::Time now = vault_.context.clock.Now();
  ASSIGN_OR_RETURN(const VaultStore::ReadableHostRows hosts, vault_.store.ReadableHosts(person));
  for (const VaultStore::HostRow& row : hosts.rows) {
    vault_.store.GuardHost(person, row.institution, row.stored.version, commit);
  }
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  return AskedEvent(acting, id, asked, ExpiryOf(asked, vault_.settings.requests),
                    ActiveHostsOf(hosts.rows, now));
}

// What was asked for already and is given back; nullopt: it may be asked now.
absl::StatusOr<std::optional<Row<v1::StoredRequest>>> RequestHandlers::JudgeAsking(
    const Id128& person, const rpc::Actor& actor, const v1::RequestDocumentRequest& request) const {
  const absl::Time now = vault_.context.clock.Now();
  const RequestRules& rules = vault_.settings.requests;
  const absl::Time until = FromProto(request.until());
  ASSIGN_OR_RETURN(const Asking asking, AskingOf(actor, request));
  ASSIGN_OR_RETURN(const auto requests, AllRequests(vault_.store, person));
  const auto open = std::count_if(requests.begin(), requests.end(), [&](const auto& row) {
    return row.stored.value.asker().institution() == actor.institution &&
           StateOf(row.stored.value, now, rules) == v1::DocumentRequest::STATE_PENDING;
  });
  const Refusal why = JudgeRequest(asking.types, until, static_cast<uint32_t>(open), now, rules);
  if (why == common::v1::ERROR_REASON_INVALID_FIELDS) {
    return WhyNotAsked(*why, until, now, rules);
  }
  ASSIGN_OR_RETURN(auto same, SameIn(requests, asking, now, rules));
  if (same.has_value()) {
    return same;
  }
  RETURN_IF_ERROR(NotSharedYet(vault_.store, person, asking, now));
  if (why.has_value()) {
    return WhyNotAsked(*why, until, now, rules);
  }
  return same;
}

Task<absl::StatusOr<v1::DecideRequestResponse>> RequestHandlers::DecideRequest(
    rpc::Call call, v1::DecideRequestRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 event_id = vault_.context.random.Id();
  absl::StatusOr<v1::DecideRequestResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryDecide(call, person, request, event_id);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_REQUEST, ""};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), done.status());
    co_return refused;
  }
  co_return done;
}

// What is remembered: the decision's event, then the shares it made. One commit for all of it.
Task<absl::StatusOr<v1::DecideRequestResponse>> RequestHandlers::TryDecide(rpc::Call call, Id128 given,
                                                                           v1::DecideRequestRequest request,
                                                                           Id128 event_id) {
  const rpc::ServiceContext& context = vault_.context;
  CO_ASSIGN_OR_RETURN(const auto names, vault_.access.HostedNames(call, given));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.document_request_id()));
  CO_ASSIGN_OR_RETURN(auto found, WhichName(names, [&](const HostedName& name) {
                        return vault_.store.Request(name.person, id);
                      }));
  if (!found.has_value()) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(found->row.status());
  const Id128 person = names[found->at].person;
  Stored<v1::StoredRequest> asked = *std::move(found->row);
  CO_RETURN_IF_ERROR(SeenUnderAny(vault_.store, PersonsOf(names), given, call, actor, "DecideRequest",
                                  request.request_id(), request)
                         .status());
  CO_ASSIGN_OR_RETURN(const auto seen, vault_.store.SeenUnder(person, given, call, actor, "DecideRequest",
                                                              request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  v1::DecideRequestResponse response;
  if (before.has_value()) {
    *response.mutable_request() = Shown(vault_, call, given, id, asked);
    for (const Id128& made : before->made) {
      CO_ASSIGN_OR_RETURN(const auto share, vault_.store.Share(person, made));
      if (share.has_value()) {
        *response.add_shares() = ShareOf(made, *share, rpc::RefFor(context, call, given), context.clock.Now(),
                                         vault_.lease.Held());
      }
    }
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, person, before->event_id, request.want_proof()));
    co_return response;
  }
  if (!request.has_until()) {
    *request.mutable_until() = asked.value.until();
  }
  storage::CommitRequest commit;
  std::vector<Row<v1::StoredDocument>> papers;
  std::vector<v1::DocumentType> types;
  for (const std::string& hex : request.document_ids()) {
    CO_ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(hex));
    CO_ASSIGN_OR_RETURN(auto holder, WhichNameHasPaper(vault_.store, names, document));
    if (!holder.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(AsDamage(holder->row.status()));
    if (names[holder->at].person != person) {
      // Its share would lie under its own name, in another commit (ADR 68).
      co_return rpc::InvalidField(
          "document_ids", "must lie under the name that was asked about: share another one by itself");
    }
    const Stored<v1::StoredDocument> stored = *std::move(holder->row);
    if (std::any_of(papers.begin(), papers.end(), [&](const auto& paper) { return paper.id == document; })) {
      co_return rpc::InvalidField("document_ids", "must be different papers");
    }
    types.push_back(stored.value.type());
    VaultStore::GuardDocument(person, document, stored.version, commit);
    papers.push_back({document, stored});
  }
  if (const Refusal why = JudgeDecision(asked.value, request.granted(), types, FromProto(request.until()),
                                        context.clock.Now(), vault_.settings.requests);
      why.has_value()) {
    const bool when = request.granted() && FromProto(request.until()) > FromProto(asked.value.until());
    if (*why == common::v1::ERROR_REASON_WRONG_STATE) {
      const auto state = StateOf(asked.value, context.clock.Now(), vault_.settings.requests);
      co_return WrongState("the request", v1::DocumentRequest::State_Name(state), "be decided");
    }
    if (*why != common::v1::ERROR_REASON_INVALID_FIELDS) {
      co_return StatusOf(*why);
    }
    co_return when ? rpc::InvalidField("until", "must not be later than what was asked for")
                   : rpc::InvalidField("document_ids",
                                       "must be papers of the types that were asked for; none with a no");
  }
  if (request.granted()) {
    CO_RETURN_IF_ERROR(RoomForShares(vault_, person, papers.size()));
  }
  CO_ASSIGN_OR_RETURN(const auto shares, co_await SharesFor(call, person, request, asked.value, papers));
  KeyCommits::Ticket linking = vault_.access.linking().Enter();
  for (const JudgedWish& share : shares) {
    CO_RETURN_IF_ERROR(StillAgreed(share));
  }
  RememberedAct act{event_id, {}};
  const Acting acting{call, actor, request.request_id(), person, kAsHost};
  std::vector<audit::Event> events(1);
  for (const JudgedWish& made : shares) {
    const Id128 share_id = context.random.Id();
    const Stored<v1::StoredShare> stored{made.share, 0};
    CO_RETURN_IF_ERROR(vault_.store.PutShare(person, share_id, stored, commit));
    events.push_back(ShareEvent(acting, share_id, made.share));
    asked.value.add_shares(share_id.ToBytes());
    act.made.push_back(share_id);
    *response.add_shares() = ShareOf(share_id, stored, rpc::RefFor(context, call, given), context.clock.Now(),
                                     vault_.lease.Held());
  }
  asked.value.set_state(request.granted() ? v1::DocumentRequest::STATE_GRANTED
                                          : v1::DocumentRequest::STATE_REFUSED);
  *asked.value.mutable_decided() = ToProto(context.clock.Now());
  CO_RETURN_IF_ERROR(vault_.store.PutRequest(person, id, asked, commit));
  vault_.store.GuardHost(person, actor.institution, names[found->at].host.version, commit);
  RememberAct(seen, act, commit);
  events.front() = RequestEvent(acting, id, asked.value);
  for (audit::Event& event : events) {
    event.event_id = event_id;  // one act
  }
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  linking = KeyCommits::Ticket();
  CO_RETURN_IF_ERROR(done.status());
  for (size_t i = 0; i < shares.size(); ++i) {
    const absl::Status settled = co_await SettleShare(vault_, person, act.made[i], shares[i]);
    CO_RETURN_IF_ERROR(settled);
    CO_ASSIGN_OR_RETURN(const auto now, vault_.store.Share(person, act.made[i]));
    if (now.has_value()) {
      *response.mutable_shares(static_cast<int>(i)) = ShareOf(
          act.made[i], *now, rpc::RefFor(context, call, given), context.clock.Now(), vault_.lease.Held());
    }
  }
  *response.mutable_request() = Shown(vault_, call, given, id, asked);
  CO_ASSIGN_OR_RETURN(*response.mutable_written(), co_await WrittenAct(vault_, *done, request.want_proof()));
  co_return response;
}

// One share a paper, each asked of consent. None for a refusal.
Task<absl::StatusOr<std::vector<JudgedWish>>> RequestHandlers::SharesFor(
    rpc::Call call, Id128 person, v1::DecideRequestRequest request, v1::StoredRequest asked,
    std::vector<Row<v1::StoredDocument>> papers) {
  std::vector<JudgedWish> shares;
  if (!request.granted()) {
    co_return shares;
  }
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 consent, Id128::FromHex(request.consent_id()));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.document_request_id()));
  for (const Row<v1::StoredDocument>& paper : papers) {
    ShareWish wish;
    wish.person = person;
    wish.type = paper.stored.value.type();
    wish.document = paper.stored.value.state();
    wish.share.set_document(paper.id.ToBytes());
    // With the institution that asked, whichever of its functions did.
    wish.share.mutable_recipient()->set_institution(asked.asker().institution());
    wish.share.set_purpose(asked.purpose());
    *wish.share.mutable_until() = request.until();
    wish.share.set_consent(consent.ToBytes());
    *wish.share.mutable_shared_by() = PartyOf(actor);
    wish.share.set_request(id.ToBytes());
    CO_ASSIGN_OR_RETURN(JudgedWish share, co_await JudgedShare(vault_, call, std::move(wish)));
    shares.push_back(std::move(share));
  }
  co_return shares;
}

Task<absl::StatusOr<v1::ListRequestsResponse>> RequestHandlers::ListRequests(
    rpc::Call call, v1::ListRequestsRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  if (!request.has_person()) {
    auto ours = co_await ListOurs(std::move(call), std::move(request));
    co_return ours;
  }
  auto hers = co_await ListHers(std::move(call), std::move(request));
  co_return hers;
}

Task<absl::StatusOr<v1::ListRequestsResponse>> RequestHandlers::ListHers(rpc::Call call,
                                                                         v1::ListRequestsRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
  CO_ASSIGN_OR_RETURN(const auto names,
                      co_await vault_.access.RequireHostedNames(call, person, std::move(attempt)));
  const size_t size = PageSize(request.page_size());
  v1::ListRequestsResponse response;
  response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
  std::optional<Id128> next;
  CO_ASSIGN_OR_RETURN(const auto all, ReadableFrom(vault_.store, names, from));
  for (const Row<v1::StoredRequest>& row : all.rows) {
    v1::DocumentRequest shown = Shown(vault_, call, person, row.id, row.stored);
    if (!request.with_ended() && !Waits(shown)) {
      continue;
    }
    if (static_cast<size_t>(response.requests_size()) == size) {
      next = row.id;
      response.set_next_page_token(row.id.ToHex());
      break;
    }
    *response.add_requests() = std::move(shown);
  }
  response.set_unreadable(CountBefore(all.unreadable, next) + CountBefore(all.gaps, next));
  const absl::Status looked = co_await LookedUnder(vault_, call, names, "REQUESTS", "");
  CO_RETURN_IF_ERROR(looked);
  co_return response;
}

// Its own questions, and how they stand: about her it learns her decision and nothing else.
Task<absl::StatusOr<v1::ListRequestsResponse>> RequestHandlers::ListOurs(rpc::Call call,
                                                                         v1::ListRequestsRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 from, PageBegin(request.page_token()));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  v1::ListRequestsResponse response;
  response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
  CO_ASSIGN_OR_RETURN(const auto pointers,
                      vault_.store.ReadablePointers(PointerKind::kAsked, actor.institution, from,
                                                    PageSize(request.page_size(), kMostOurs)));
  size_t unreadable = pointers.missing();
  for (const auto& pointer : pointers.rows) {
    const auto person = Id128::FromBytes(pointer.stored.value.person());
    if (!person.ok()) {
      continue;
    }
    auto found = vault_.store.Request(*person, pointer.id);
    if (audit::DoesNotRead(found.status())) {
      ++unreadable;
      continue;
    }
    CO_RETURN_IF_ERROR(found.status());
    const std::optional<Stored<v1::StoredRequest>> stored = *std::move(found);
    if (!stored.has_value() || stored->value.asker().institution() != actor.institution) {
      continue;
    }
    v1::DocumentRequest shown = Shown(vault_, call, *person, pointer.id, *stored);
    if (!request.with_ended() && !Waits(shown)) {
      continue;
    }
    const Acting acting{call, actor, "", *person, kAsNobody};
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(*person);
    std::vector<audit::Event> events;
    events.push_back(LookedEvent(acting, "REQUESTS", ""));
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    if (audit::IsErased(done.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(done.status());
    *response.add_requests() = std::move(shown);
  }
  response.set_unreadable(static_cast<uint32_t>(unreadable));
  if (pointers.next.has_value()) {
    response.set_next_page_token(pointers.next->ToHex());
  }
  co_return response;
}

}  // namespace relais::vault
