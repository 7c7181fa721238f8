#include "services/vault/handlers/host_handlers.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/which_name.h"
#include "services/vault/judging_hosts.h"

namespace relais::vault {
namespace {

constexpr int kMostListed = 100;

// Active ones first, then suspended ones.
int PlaceOf(const v1::StoredHost& host, absl::Time now) {
  if (ActsForHer(host, now)) {
    return 0;
  }
  return IsLinked(host, now) ? 1 : 2;
}

// Asked about its own acting for her on that very agreement (ADR 71): it gives to itself.
consent::v1::CheckRequest CheckOfHost(const Id128& person, const rpc::Actor& actor,
                                      const v1::LinkHostRequest& link) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(person.ToBytes());
  request.mutable_sender()->set_institution(actor.institution);
  request.mutable_sender()->set_function(actor.function);
  *request.mutable_recipient() = request.sender();
  request.set_purpose(link.purpose());
  request.add_categories("DOCUMENTS");
  request.set_act(common::v1::ACT_HOST);
  request.set_consent_id(link.consent_id());
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
    if (!host.has_value()) {
      co_return absl::OkStatus();
    }
    const absl::Status ended = co_await EndHost(vault, person, institution, *std::move(host));
    if (!IsCollision(ended)) {
      co_return ended;
    }
  }
  co_return absl::AbortedError("the host changes too often");
}

// Her no to that institution under whichever name of hers: what does not read may be one. The row under this
// name guards the link besides.
absl::Status MayBeLinked(const Vault& vault, const Id128& person, const std::string& institution,
                         const std::string& consent_bytes) {
  ASSIGN_OR_RETURN(const auto known, vault.access.ReadableNamesOf(person));
  if (!known.all) {
    return Papers::Damaged();
  }
  for (const Id128& name : known.names) {
    ASSIGN_OR_RETURN(const auto host, vault.store.Host(name, institution));
    if (host.has_value() && !MayBeLinkedOn(host->value, consent_bytes)) {
      return StatusOf(common::v1::ERROR_REASON_NOT_PERMITTED);
    }
  }
  return absl::OkStatus();
}

// Hosts of hers under these names, past what does not read.
struct HostsOfHers {
  std::vector<VaultStore::HostRow> rows;
  uint32_t unreadable = 0;  // a stretch counts as one
};
absl::StatusOr<HostsOfHers> HostsUnder(const VaultStore& store, const std::vector<HostedName>& names) {
  HostsOfHers out;
  for (const HostedName& name : names) {
    ASSIGN_OR_RETURN(VaultStore::ReadableHostRows some, store.ReadableHosts(name.person));
    std::move(some.rows.begin(), some.rows.end(), std::back_inserter(out.rows));
    out.unreadable += static_cast<uint32_t>(some.unreadable.size() + some.gaps);
  }
  return out;
}

// The row that her no is put to: version 0 where there is none, kDoesNotRead where it says nothing any more.
absl::StatusOr<Stored<v1::StoredHost>> RowToEnd(const Vault& vault, const Id128& name,
                                                const std::string& institution) {
  auto row = vault.store.Host(name, institution);
  if (audit::DoesNotRead(row.status())) {
    PassedOver(row.status());
    return Stored<v1::StoredHost>{{}, kDoesNotRead};
  }
  RETURN_IF_ERROR(row.status());
  return row->has_value() ? **std::move(row) : Stored<v1::StoredHost>();
}

// Whether the no that she said under the one name is one to a host under the other: not if she agreed since
// to what that stands on. One that does not read is taken to stand on what was before.
bool Binds(const Stored<v1::StoredHost>& no, const v1::StoredHost& host) {
  return no.version == 0 || no.version == kDoesNotRead || !MayBeLinkedOn(no.value, host.consent());
}

}  // namespace

Task<absl::StatusOr<v1::LinkHostResponse>> HostHandlers::LinkHost(rpc::Call call,
                                                                  v1::LinkHostRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  const Id128 event_id = vault_.context.random.Id();
  absl::StatusOr<v1::LinkHostResponse> done = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(done.status()); ++i) {
    auto tried = co_await TryLink(call, person, request, event_id);
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

// The row is read only once consent's log has been followed up to the answer: what she agreed to since she
// unlinked it is in it then, and an unlink that comes later collides with the commit.
Task<absl::StatusOr<v1::LinkHostResponse>> HostHandlers::TryLink(rpc::Call call, Id128 person,
                                                                 v1::LinkHostRequest request,
                                                                 Id128 event_id) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto seen,
                      vault_.store.Seen(person, call, actor, "LinkHost", request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  v1::LinkHostResponse response;
  if (before.has_value()) {
    CO_ASSIGN_OR_RETURN(const auto known, vault_.store.Host(person, actor.institution));
    if (!known.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    *response.mutable_host() = HostOf(actor.institution, known->value, vault_.context.clock.Now());
    CO_ASSIGN_OR_RETURN(*response.mutable_written(),
                        co_await WrittenBefore(vault_, person, before->event_id, request.want_proof()));
    co_return response;
  }
  if (call.directory->FindPurpose(request.purpose()) == nullptr) {
    co_return rpc::InvalidFieldFor(common::v1::ERROR_REASON_UNKNOWN_CODE, "purpose",
                                   "is not in the directory in force");
  }
  CO_RETURN_IF_ERROR(vault_.context.MayDisclose());
  CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    co_return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  const auto watch = WatchFor(vault_, person, actor, request, event_id);
  consent::v1::CheckRequest question = CheckOfHost(person, actor, request);
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
  CO_ASSIGN_OR_RETURN(const auto row, vault_.store.Host(person, actor.institution));
  CO_RETURN_IF_ERROR(MayBeLinked(vault_, person, actor.institution, consent.ToBytes()));
  const Stored<v1::StoredHost> known = row.value_or(Stored<v1::StoredHost>());
  Stored<v1::StoredHost> host{
      Linked(known.value, consent.ToBytes(), request.purpose(), answered.answer, vault_.context.clock.Now()),
      known.version};
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
  if (!done.ok()) {
    co_return AsDamage(done.status());
  }
  co_return done;
}

// Her no, at any desk that has a name for her. A desk that is no host of hers learns nothing: whatever that
// institution was, one leaf is written and the answer is the same. Her own key is not given with the proof
// then, for the leaf says what it was. A row is put whatever there was, so that a link under way collides;
// and first, so that one under another name that comes later sees it. Also when it comes again: what was not
// reached elsewhere then is now.
Task<absl::StatusOr<v1::UnlinkHostResponse>> HostHandlers::TryUnlink(rpc::Call call, Id128 person,
                                                                     v1::UnlinkHostRequest request,
                                                                     Id128 event_id) {
  const absl::Time now = vault_.context.clock.Now();
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const auto seen,
                      vault_.store.Seen(person, call, actor, "UnlinkHost", request.request_id(), request));
  CO_ASSIGN_OR_RETURN(const auto before, ReadAct(seen));
  const bool acts = vault_.access.Host(call, person).ok();
  const bool with_key = request.want_proof() && acts;
  v1::UnlinkHostResponse response;
  if (before.has_value()) {
    const absl::Status elsewhere = co_await UnlinkElsewhere(call, person, request);
    CO_RETURN_IF_ERROR(elsewhere);
    auto again = co_await rpc::WrittenAgain(vault_.context, VaultStore::SubjectOf(person), before->event_id,
                                            request.want_proof(), with_key);
    CO_RETURN_IF_ERROR(again.status());
    *response.mutable_written() = *std::move(again);
    co_return response;
  }
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredHost> row, RowToEnd(vault_, person, request.institution()));
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(person);
  const AddressedTo to = row.value.consent().empty() ? AddressedTo::kNobody : AddressedTo::kIt;
  const bool unknown = row.version == kDoesNotRead;
  const bool ended = Unlink(row.value, now) || unknown;
  // An institution that nobody knows links nothing: no row is left for every name that is typed.
  if (row.version != 0 || call.directory->FindInstitution(request.institution()) != nullptr) {
    CO_RETURN_IF_ERROR(vault_.store.PutHost(person, request.institution(), row, commit));
  }
  v1::StoredHost after = std::move(row.value);
  after.set_state(v1::Host::STATE_UNLINKED);
  RememberedAct act{event_id, {}};
  RememberAct(seen, act, commit);
  const Acting acting{call, actor, request.request_id(), person, acts ? kAsHost : kAsNobody};
  std::vector<audit::Event> events;
  events.push_back(HostEvent(acting, request.institution(), after, to));
  events.back().event_id = event_id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (ended) {
    vault_.streams.EndHost(person, request.institution(), v1::Host::STATE_UNLINKED);
  }
  const absl::Status elsewhere = co_await UnlinkElsewhere(call, person, request);
  CO_RETURN_IF_ERROR(elsewhere);
  auto written = co_await rpc::WrittenOf(vault_.context, *done, request.want_proof(), with_key);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

// What it is or was under her other names ends too: her no is one human's (ADR 62, 68). Links under way that
// looked before her no was there have their row first. An error when that may not be all of her names: each
// that is known was reached.
Task<absl::Status> HostHandlers::UnlinkElsewhere(rpc::Call call, Id128 given, v1::UnlinkHostRequest request) {
  co_await vault_.access.LinksAreThere();
  CO_ASSIGN_OR_RETURN(const auto known, vault_.access.ReadableNamesOf(given));
  absl::Status done = known.all ? absl::OkStatus() : Papers::Damaged();
  for (const Id128& name : known.names) {
    if (name == given) {
      continue;
    }
    absl::Status ended = absl::AbortedError("not tried");
    for (int i = 0; i < kTries && IsCollision(ended); ++i) {
      ended = co_await UnlinkUnder(call, given, name, request);
    }
    if (!audit::IsErased(ended)) {
      done.Update(AsDamage(ended));
    }
  }
  co_return done;
}

// The leaf is the vault's own and addressed to nobody: neither who reads that name's journal nor that
// institution is told at which desk, and so under which name, she said it. One that is nothing there stays
// so; LinkHost asks every name.
Task<absl::Status> HostHandlers::UnlinkUnder(rpc::Call call, Id128 given, Id128 name,
                                             v1::UnlinkHostRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor asker, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredHost> host, RowToEnd(vault_, name, request.institution()));
  CO_ASSIGN_OR_RETURN(const Stored<v1::StoredHost> no, RowToEnd(vault_, given, request.institution()));
  if (host.version == 0 || !Binds(no, host.value)) {
    co_return absl::OkStatus();
  }
  CO_ASSIGN_OR_RETURN(const auto seen, vault_.store.SeenUnder(name, given, call, asker, "UnlinkHost",
                                                              request.request_id(), request));
  if (seen.answer.has_value()) {
    co_return absl::OkStatus();  // this act came so far before
  }
  const bool unknown = host.version == kDoesNotRead;
  const bool ended = Unlink(host.value, vault_.context.clock.Now()) || unknown;
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault_.store.PutHost(name, request.institution(), host, commit));
  host.value.set_state(v1::Host::STATE_UNLINKED);
  RememberedAct act{vault_.context.random.Id(), {}};
  RememberAct(seen, act, commit);
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", name, kAsNobody};
  std::vector<audit::Event> events;
  events.push_back(HostEvent(acting, request.institution(), host.value, AddressedTo::kNobody));
  events.back().event_id = act.event_id;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (ended) {
    vault_.streams.EndHost(name, request.institution(), v1::Host::STATE_UNLINKED);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<v1::ListHostsResponse>> HostHandlers::ListHosts(rpc::Call call,
                                                                    v1::ListHostsRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_RETURN_IF_ERROR(rpc::FreshEnough(vault_.context, request.at_least_as_fresh()));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  Attempt attempt{v1::JournalEntry::ACT_LOOKED, ""};
  CO_ASSIGN_OR_RETURN(const auto names,
                      co_await vault_.access.RequireHostedNames(call, person, std::move(attempt)));
  CO_ASSIGN_OR_RETURN(HostsOfHers hers, HostsUnder(vault_.store, names));
  const absl::Time now = vault_.context.clock.Now();
  std::stable_sort(hers.rows.begin(), hers.rows.end(), [&](const auto& a, const auto& b) {
    return PlaceOf(a.stored.value, now) < PlaceOf(b.stored.value, now);
  });
  v1::ListHostsResponse response;
  response.set_revision(vault_.context.log.Revision(vault_.context.log.state().size));
  response.set_unreadable(hers.unreadable);
  for (const VaultStore::HostRow& row : hers.rows) {
    const bool was_one = !row.stored.value.consent().empty();  // else only unlinked
    const bool wanted = (request.with_ended() && was_one) || IsLinked(row.stored.value, now);
    // Once, as it stands best: under whichever name it acts for her.
    const bool listed =
        std::any_of(response.hosts().begin(), response.hosts().end(),
                    [&](const v1::Host& host) { return host.institution() == row.institution; });
    if (wanted && !listed && response.hosts_size() < kMostListed) {
      *response.add_hosts() = HostOf(row.institution, row.stored.value, now);
    }
  }
  const absl::Status looked = co_await LookedUnder(vault_, call, names, "HOSTS", "");
  CO_RETURN_IF_ERROR(looked);
  co_return response;
}

}  // namespace relais::vault
