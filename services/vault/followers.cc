#include "services/vault/followers.h"

#include <utility>

#include "common/audit/followed_holds.h"
#include "common/audit/followed_links.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/reading_right.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr size_t kPage = 200;  // shares closed in one commit, at most

std::string KindOf(const Vault& vault, std::string_view institution) {
  const auto* found = vault.context.directory()->FindInstitution(institution);
  return found == nullptr ? std::string() : found->kind;
}

// Of what she objects to nothing hangs on a paper, but consent may decide otherwise from there on.
bool VoidsPermits(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_OBJECTION_RECORDED;
}

audit::Event OwnEvent(const Vault& vault) {
  audit::Event event;
  event.institution = "service/" + std::string(kOwnName);
  event.directory_version = vault.context.directory()->version();
  return event;
}

}  // namespace

std::optional<HerNo> NoOf(const audit::FollowedLeaf& leaf) {
  HerNo no;
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN:
      if (const auto said = PayloadOf<consent::v1::ConsentWithdrawn>(leaf.details); said.has_value()) {
        no.consent_id = said->consent_id();
        no.lines.assign(said->lines().begin(), said->lines().end());
      }
      return no;
    case audit::v1::EVENT_CLASS_REFUSAL_RECORDED:
      if (const auto said = PayloadOf<consent::v1::RefusalRecorded>(leaf.details); said.has_value()) {
        no.lines.assign(said->lines().begin(), said->lines().end());
      }
      return no;
    case audit::v1::EVENT_CLASS_CONSENT_EXPIRED:
      if (const auto said = PayloadOf<consent::v1::ConsentExpired>(leaf.details); said.has_value()) {
        no.consent_id = said->consent_id();
      }
      return no;
    default:
      return std::nullopt;
  }
}

std::string ConsentLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  if (audit::IsOfLink(leaf) || audit::IsOfHold(leaf) ||
      leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
    return "several persons";  // no person's 16 bytes
  }
  const auto person = PersonOf(leaf);
  return person.has_value() ? person->ToBytes() : "";
}

bool ConsentLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  return NoOf(leaf).has_value() || VoidsPermits(leaf.header.event_class()) ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED || audit::IsOfHold(leaf) ||
         audit::IsOfLink(leaf);
}

Task<absl::Status> ConsentLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  absl::Status done;
  const auto person = PersonOf(leaf);
  if (audit::IsOfHold(leaf)) {
    done = co_await Hold(std::move(leaf));
  } else if (audit::IsOfLink(leaf)) {
    done = co_await Linked(std::move(leaf), effects);
  } else if (!person.has_value()) {
    co_return absl::OkStatus();
  } else if (leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
    done = co_await Erase(*person, std::move(leaf));
  } else if (VoidsPermits(leaf.header.event_class())) {
    vault_.streams.VoidPermits(*person, leaf.index);
  } else if (auto no = NoOf(leaf); no.has_value()) {
    done = co_await Ended(*person, *std::move(no), std::move(leaf));
  }
  // Somebody who is being erased: what was hers to end is gone.
  co_return audit::IsErased(done) ? absl::OkStatus() : done;
}

// Memory first: what is open stops before anything is written. Then the rows, after which nothing new begins;
// then what began in between.
Task<absl::Status> ConsentLeaves::Ended(Id128 person, HerNo no, audit::FollowedLeaf leaf) {
  vault_.streams.Withdraw(person, no, leaf.index, leaf.time);
  const absl::Status shares = co_await CloseShares(person, no, leaf.time);
  CO_RETURN_IF_ERROR(shares);
  const absl::Status hosts = co_await CloseHosts(person, no, leaf.time);
  CO_RETURN_IF_ERROR(hosts);
  vault_.streams.Withdraw(person, no, leaf.index, leaf.time);
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::CloseShares(Id128 person, HerNo no, absl::Time said) {
  while (true) {
    const auto more = co_await CloseSomeShares(person, no, said);
    if (IsCollision(more.status())) {
      continue;  // somebody was faster: each collision is another's success
    }
    CO_RETURN_IF_ERROR(more.status());
    if (!*more) {
      co_return absl::OkStatus();
    }
  }
}

// One commit of what is to be closed; false: there is nothing left.
Task<absl::StatusOr<bool>> ConsentLeaves::CloseSomeShares(Id128 person, HerNo no, absl::Time said) {
  const absl::Time now = vault_.context.clock.Now();
  CO_ASSIGN_OR_RETURN(auto shares, AllShares(vault_.store, person));
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  storage::CommitRequest commit;
  std::vector<audit::Event> events;
  std::vector<Id128> closed;
  for (Row<v1::StoredShare>& row : shares) {
    v1::StoredShare& share = row.stored.value;
    if (share.state() != v1::Share::STATE_ACTIVE || KnewOf(FromProto(share.since()), said)) {
      continue;
    }
    v1::DocumentType type = share.type();
    if (!share.document().empty()) {
      CO_ASSIGN_OR_RETURN(const Id128 document, IdOf(share.document()));
      CO_ASSIGN_OR_RETURN(const auto stored, vault_.store.Document(person, document));
      type = stored.has_value() ? stored->value.type() : v1::DOCUMENT_TYPE_UNSPECIFIED;
    }
    if (!Ends(no, CoveredBy(share, type, KindOf(vault_, share.recipient().institution())))) {
      continue;
    }
    share.set_state(v1::Share::STATE_WITHDRAWN);
    *share.mutable_ended() = ToProto(now);
    CO_RETURN_IF_ERROR(vault_.store.PutShare(person, row.id, row.stored, commit));
    events.push_back(ShareEvent(acting, row.id, share));
    closed.push_back(row.id);
    if (closed.size() == kPage) {
      break;
    }
  }
  if (closed.empty()) {
    co_return false;
  }
  const bool more = closed.size() == kPage;
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  for (const Id128& share : closed) {
    vault_.streams.EndShare(person, share, v1::Share::STATE_WITHDRAWN);
  }
  co_return more;
}

Task<absl::Status> ConsentLeaves::CloseHosts(Id128 person, HerNo no, absl::Time said) {
  CO_ASSIGN_OR_RETURN(const auto hosts, vault_.store.Hosts(person));
  for (const VaultStore::HostRow& host : hosts) {
    absl::Status ended = co_await EndHost(person, host.institution, said, no);
    while (IsCollision(ended)) {
      ended = co_await EndHost(person, host.institution, said, no);
    }
    CO_RETURN_IF_ERROR(ended);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::EndHost(Id128 person, std::string institution, absl::Time said, HerNo no) {
  CO_ASSIGN_OR_RETURN(auto host, vault_.store.Host(person, institution));
  if (!host.has_value() || KnewOf(FromProto(host->value.since()), said) ||
      !Ends(no, CoveredBy(host->value, institution, KindOf(vault_, institution))) ||
      !End(host->value, v1::Host::STATE_WITHDRAWN, vault_.context.clock.Now())) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault_.store.PutHost(person, institution, *host, commit));
  const rpc::Call own = OwnCall(vault_.context);
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", person};
  std::vector<audit::Event> events;
  events.push_back(HostEvent(acting, institution, host->value));
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  // What began while this was written began under the row that was.
  vault_.streams.EndHost(person, institution, v1::Host::STATE_WITHDRAWN);
  co_return absl::OkStatus();
}

// From here on another name's no binds, or another's yes is gone: whatever was permitted before, under any
// name of hers, is asked for again. Shares ask at each reading; of hosts, who are judged from rows, it is
// asked here.
Task<absl::Status> ConsentLeaves::Linked(audit::FollowedLeaf leaf, bool effects) {
  const uint64_t index = leaf.index;
  if (const auto person = PersonOf(leaf); person.has_value()) {
    vault_.streams.VoidPermits(*person, index);
  }
  audit::FollowedLinks links(vault_.context.store, vault_.context.log);
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, co_await links.Apply(std::move(leaf)));
  for (const Id128& name : names) {
    vault_.streams.VoidPermits(name, index);
  }
  if (effects) {
    for (const Id128& name : names) {
      const absl::Status judged = co_await JudgeHostsAgain(name);
      CO_RETURN_IF_ERROR(judged);
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::JudgeHostsAgain(Id128 person) {
  CO_ASSIGN_OR_RETURN(const auto hosts, vault_.store.Hosts(person));
  for (const VaultStore::HostRow& host : hosts) {
    const v1::StoredHost& stored = host.stored.value;
    if (!ActsForHer(stored, vault_.context.clock.Now())) {
      continue;
    }
    consent::v1::CheckRequest question;
    question.mutable_person()->set_person_id(person.ToBytes());
    question.mutable_sender()->set_institution(host.institution);
    question.mutable_recipient()->set_institution(host.institution);
    question.set_purpose(stored.purpose());
    question.add_categories("DOCUMENTS");
    question.set_act(common::v1::ACT_HOST);
    question.set_dry_run(true);
    const auto answered = co_await AskConsent(vault_, std::move(question));
    if (rpc::ReasonOf(answered.status()) == common::v1::ERROR_REASON_DIRECTORY_EXPIRED) {
      continue;  // says nothing about her
    }
    CO_RETURN_IF_ERROR(answered.status());
    if (answered->answer.decision == common::v1::DECISION_PERMIT) {
      continue;
    }
    const HerNo everything;
    absl::Status ended = absl::AbortedError("not tried");
    while (IsCollision(ended)) {
      ended = co_await EndHost(person, host.institution, absl::InfiniteFuture(), everything);
    }
    CO_RETURN_IF_ERROR(ended);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::Hold(audit::FollowedLeaf leaf) {
  if (vault_.context.maintenance == nullptr) {
    co_return absl::OkStatus();
  }
  const absl::Status followed =
      co_await audit::FollowHold(vault_.context.maintenance->holds(), std::move(leaf), OwnEvent(vault_));
  co_return followed;
}

// One commit: maintenance does the rest behind the follower, with the keeper, and tells consent when it is
// done. What is open stops first; once she is frozen nothing new begins, and what began in between stops too.
Task<absl::Status> ConsentLeaves::Erase(Id128 person, audit::FollowedLeaf leaf) {
  vault_.streams.PersonGone(person);
  const auto requested = PayloadOf<audit::v1::EraseRequested>(leaf.details);
  if (vault_.context.maintenance == nullptr || !requested.has_value()) {
    co_return absl::OkStatus();
  }
  audit::ErasureRequest request;
  CO_ASSIGN_OR_RETURN(request.id, Id128::FromHex(requested->erasure_id()));
  CO_ASSIGN_OR_RETURN(const bool known, vault_.context.maintenance->Knows(request.id));
  if (known) {
    co_return absl::OkStatus();
  }
  request.subjects = {VaultStore::SubjectOf(person)};
  request.cause = requested->cause();
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(person);
  const absl::StatusOr<storage::CommitResult> begun =
      co_await vault_.context.maintenance->Request(std::move(request), OwnEvent(vault_), std::move(commit));
  vault_.streams.PersonGone(person);
  co_return audit::IsErased(begun.status()) ? absl::OkStatus() : begun.status();
}

Task<bool> ConsentLeaves::Drain() { co_return true; }

}  // namespace relais::vault
