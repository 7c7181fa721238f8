#include "services/vault/handlers/host_handlers.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/handlers/commit_act.h"

namespace relais::vault {
namespace {

constexpr int kMostListed = 100;

// Asked about its own acting for her: it gives to itself.
consent::v1::CheckRequest CheckOfHost(const Id128& person, const rpc::Actor& actor,
                                      const std::string& purpose) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(person.ToBytes());
  request.mutable_sender()->set_institution(actor.institution);
  request.mutable_sender()->set_function(actor.function);
  *request.mutable_recipient() = request.sender();
  request.set_purpose(purpose);
  request.add_categories("DOCUMENTS");
  request.set_act(common::v1::ACT_HOST);
  return request;
}

// On the list before consent is asked, as a reading is: a no that is followed before the row is there closes
// no row, and is seen here.
std::shared_ptr<OpenReading> WatchFor(const Vault& vault, const Id128& person, const rpc::Actor& actor,
                                      const v1::LinkHostRequest& request, const Id128& mark) {
  ReadingBasis basis;
  basis.person = person;
  basis.share = mark;  // rests on an answer of consent's
  basis.covered.consent_id = request.consent_id();
  basis.covered.purpose = request.purpose();
  basis.covered.institution = actor.institution;
  basis.covered.act = common::v1::ACT_HOST;
  basis.covered.categories = {"DOCUMENTS"};
  return vault.streams.Open(std::move(basis));
}

// What was linked while her no was followed ends as if it had come after. Its follower does the same; this is
// for the answer.
Task<absl::Status> EndLinked(const Vault& vault, Id128 person, std::string institution) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(auto host, vault.store.Host(person, institution));
    if (!host.has_value() || !End(host->value, v1::Host::STATE_WITHDRAWN, vault.context.clock.Now())) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(vault.store.PutHost(person, institution, *host, commit));
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    std::vector<audit::Event> events;
    events.push_back(HostEvent(acting, institution, host->value));
    const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
    if (!IsCollision(done.status())) {
      CO_RETURN_IF_ERROR(done.status());
      vault.streams.EndHost(person, institution, v1::Host::STATE_WITHDRAWN);
      co_return absl::OkStatus();
    }
  }
  co_return absl::AbortedError("the host changes too often");
}

}  // namespace

Task<absl::StatusOr<v1::LinkHostResponse>> HostHandlers::LinkHost(rpc::Call call,
                                                                  v1::LinkHostRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  if (call.directory->FindPurpose(request.purpose()) == nullptr) {
    co_return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, "purpose",
                                   "is not in the directory in force");
  }
  const Id128 event_id = vault_.context.random.Id();
  std::optional<uint64_t> begun;
  absl::StatusOr<v1::LinkHostResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryLink(call, person, request, event_id, begun);
    done = std::move(tried);
  }
  if (!done.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_HOST, ""};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), done.status());
    co_return refused;
  }
  co_return done;
}

// `begun`: the row's version when the first attempt began; lives in LinkHost's frame, which awaits this. A
// row that came since and acts for nobody is her no meanwhile: it is not linked over.
Task<absl::StatusOr<v1::LinkHostResponse>> HostHandlers::TryLink(rpc::Call call, Id128 person,
                                                                 v1::LinkHostRequest request, Id128 event_id,
                                                                 std::optional<uint64_t>& begun) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto seen,
                      vault_.store.Seen(person, call, actor, "LinkHost", request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  CO_ASSIGN_OR_RETURN(const auto known, vault_.store.Host(person, actor.institution));
  v1::LinkHostResponse response;
  if (before.has_value()) {
    if (!known.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    *response.mutable_host() = HostOf(actor.institution, known->value, vault_.context.clock.Now());
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, person, before->event_id, request.want_proof()));
    co_return response;
  }
  const uint64_t version = known.has_value() ? known->version : 0;
  if (!begun.has_value()) {
    begun = version;
  }
  const bool acts = known.has_value() && ActsForHer(known->value, vault_.context.clock.Now());
  if (version != *begun && !acts) {
    co_return StatusOf(common::v1::ERROR_REASON_NOT_PERMITTED);
  }
  CO_RETURN_IF_ERROR(vault_.context.MayDisclose());
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  const auto watch = WatchFor(vault_, person, actor, request, event_id);
  consent::v1::CheckRequest question = CheckOfHost(person, actor, request.purpose());
  CO_ASSIGN_OR_RETURN(const Answered answered, co_await AskConsent(vault_, std::move(question)));
  if (const Refusal why = JudgeLink(request.consent_id(), answered.answer); why.has_value()) {
    co_return StatusOf(*why);
  }
  watch->Permitted(answered.decided_at, absl::InfiniteFuture());
  const absl::Status caught_up = co_await CaughtUp(vault_, answered.decided_at);
  CO_RETURN_IF_ERROR(caught_up);
  // From here on a no that is followed waits for the row, and ends it (ConsentLeaves).
  KeyCommits::Ticket linking = vault_.access.linking().Enter();
  if (const auto cut = watch->WhyCut(); cut.has_value()) {
    co_return StatusOfCut(*cut);
  }
  CO_ASSIGN_OR_RETURN(const Id128 consent, Id128::FromHex(request.consent_id()));
  Stored<v1::StoredHost> host{
      Linked(consent.ToBytes(), request.purpose(), answered.answer, vault_.context.clock.Now()), version};
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault_.store.PutHost(person, actor.institution, host, commit));
  RememberedAct act{event_id, {}};
  RememberAct(seen, act, commit);
  const Acting acting{call, actor, request.request_id(), person, kAsHost};
  std::vector<audit::Event> events;
  events.push_back(HostEvent(acting, actor.institution, host.value));
  events.back().event_id = event_id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  linking = KeyCommits::Ticket();
  CO_RETURN_IF_ERROR(done.status());
  if (const auto cut = watch->WhyCut(); cut.has_value()) {
    const absl::Status ended = co_await EndLinked(vault_, person, actor.institution);
    CO_RETURN_IF_ERROR(ended);
    co_return StatusOfCut(*cut);
  }
  *response.mutable_host() = HostOf(actor.institution, host.value, vault_.context.clock.Now());
  CO_ASSIGN_OR_RETURN(*response.mutable_written(), co_await WrittenAct(vault_, *done, request.want_proof()));
  co_return response;
}

Task<absl::StatusOr<v1::UnlinkHostResponse>> HostHandlers::UnlinkHost(rpc::Call call,
                                                                      v1::UnlinkHostRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 event_id = vault_.context.random.Id();
  absl::StatusOr<v1::UnlinkHostResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryUnlink(call, person, request, event_id);
    done = std::move(tried);
  }
  co_return done;
}

// Her no, at any desk that has a name for her. A desk that is no host of hers learns nothing: whatever that
// institution was, one leaf is written and the answer is the same. Her own key is not given with the proof
// then, for the leaf says what it was. A row is put whatever there was, so that a link under way collides.
Task<absl::StatusOr<v1::UnlinkHostResponse>> HostHandlers::TryUnlink(rpc::Call call, Id128 person,
                                                                     v1::UnlinkHostRequest request,
                                                                     Id128 event_id) {
  const absl::Time now = vault_.context.clock.Now();
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto seen,
                      vault_.store.Seen(person, call, actor, "UnlinkHost", request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  const bool with_key = request.want_proof() && vault_.access.Host(call, person).ok();
  v1::UnlinkHostResponse response;
  if (before.has_value()) {
    auto again = co_await rpc::WrittenAgain(vault_.context, VaultStore::SubjectOf(person), before->event_id,
                                            request.want_proof(), with_key);
    CO_RETURN_IF_ERROR(again.status());
    *response.mutable_written() = *std::move(again);
    co_return response;
  }
  CO_ASSIGN_OR_RETURN(auto host, vault_.store.Host(person, request.institution()));
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(person);
  Stored<v1::StoredHost> row;
  if (host.has_value()) {
    row = *std::move(host);
  } else {
    row.value.set_state(v1::Host::STATE_UNLINKED);
    *row.value.mutable_ended() = ToProto(now);
  }
  const bool ended = End(row.value, v1::Host::STATE_UNLINKED, now);
  // An institution that nobody knows links nothing: no row is left for every name that is typed.
  if (row.version != 0 || call.directory->FindInstitution(request.institution()) != nullptr) {
    CO_RETURN_IF_ERROR(vault_.store.PutHost(person, request.institution(), row, commit));
  }
  v1::StoredHost after = std::move(row.value);
  after.set_state(v1::Host::STATE_UNLINKED);
  RememberedAct act{event_id, {}};
  RememberAct(seen, act, commit);
  const Acting acting{call, actor, request.request_id(), person, with_key ? kAsHost : kAsNobody};
  std::vector<audit::Event> events;
  events.push_back(HostEvent(acting, request.institution(), after));
  events.back().event_id = event_id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (ended) {
    vault_.streams.EndHost(person, request.institution(), v1::Host::STATE_UNLINKED);
  }
  auto written = co_await rpc::WrittenOf(vault_.context, *done, request.want_proof(), with_key);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::ListHostsResponse>> HostHandlers::ListHosts(rpc::Call call,
                                                                    v1::ListHostsRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
  CO_ASSIGN_OR_RETURN(const auto own, co_await vault_.access.RequireHost(call, person, std::move(attempt)));
  CO_ASSIGN_OR_RETURN(auto rows, vault_.store.Hosts(person));
  const absl::Time now = vault_.context.clock.Now();
  std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    return ActsForHer(a.stored.value, now) && !ActsForHer(b.stored.value, now);
  });
  v1::ListHostsResponse response;
  for (const VaultStore::HostRow& row : rows) {
    const bool was_one = !row.stored.value.consent().empty();  // else only unlinked
    const bool wanted = (request.with_ended() && was_one) || ActsForHer(row.stored.value, now);
    if (wanted && response.hosts_size() < kMostListed) {
      *response.add_hosts() = HostOf(row.institution, row.stored.value, now);
    }
  }
  storage::CommitRequest commit;
  VaultStore::GuardHost(person, actor.institution, own.version, commit);
  const Acting acting{call, actor, "", person, kAsHost};
  std::vector<audit::Event> events;
  events.push_back(LookedEvent(acting, "HOSTS", ""));
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  co_return response;
}

}  // namespace relais::vault
