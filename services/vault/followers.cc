#include "services/vault/followers.h"

#include <utility>

#include "common/audit/followed_holds.h"
#include "common/audit/followed_links.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "relais/consent/v1/events.pb.h"
#include "services/vault/agreed_since.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/judging_hosts.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr size_t kPage = 200;  // shares closed in one commit, at most

// Of what she objects to nothing hangs on a paper, but consent may decide otherwise from there on.
bool VoidsPermits(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_OBJECTION_RECORDED;
}

// Of her restriction of an institution's processing neither: but no permit counts any more, and no host.
bool JudgesAnew(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED;
}

// The agreement that a leaf says she recorded, 16 bytes; nullopt: it says none that reads.
std::optional<std::string> AgreedIn(const audit::FollowedLeaf& leaf) {
  if (leaf.header.event_class() != audit::v1::EVENT_CLASS_CONSENT_RECORDED) {
    return std::nullopt;
  }
  const auto said = PayloadOf<consent::v1::ConsentRecorded>(leaf.details);
  if (!said.has_value()) {
    return std::nullopt;
  }
  const auto id = Id128::FromHex(said->consent().consent_id());
  return id.ok() ? std::optional(id->ToBytes()) : std::nullopt;
}

// Her shares that open.
absl::StatusOr<std::vector<Row<v1::StoredShare>>> SharesThatOpen(const Vault& vault, const Id128& person) {
  std::vector<Row<v1::StoredShare>> out;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesUnder(vault, person, "v/share/"));
  for (const std::string& name : names) {
    const auto id = IdOf(name);
    if (!id.ok()) {
      PassedOver(id.status());
      continue;
    }
    auto share = vault.store.Share(person, *id);
    if (absl::IsDataLoss(share.status())) {
      PassedOver(share.status());
      continue;
    }
    RETURN_IF_ERROR(share.status());
    if (share->has_value()) {
      out.push_back({*id, **std::move(share)});
    }
  }
  return out;
}

// nullopt: there is none, or it does not open.
absl::StatusOr<std::optional<Stored<v1::StoredHost>>> HostThatOpens(const Vault& vault, const Id128& person,
                                                                    const std::string& institution) {
  auto host = vault.store.Host(person, institution);
  if (absl::IsDataLoss(host.status())) {
    PassedOver(host.status());
    return std::optional<Stored<v1::StoredHost>>();
  }
  return host;
}

// What the share covers by its paper. UNSPECIFIED, which any line touches, of a paper that is not there or
// does not open.
absl::StatusOr<v1::DocumentType> TypeUnder(const Vault& vault, const Id128& person,
                                           const v1::StoredShare& share) {
  if (share.document().empty()) {
    return share.type();
  }
  const auto id = IdOf(share.document());
  if (!id.ok()) {
    return v1::DOCUMENT_TYPE_UNSPECIFIED;
  }
  const auto stored = vault.store.Document(person, *id);
  if (absl::IsDataLoss(stored.status())) {
    PassedOver(stored.status());
    return v1::DOCUMENT_TYPE_UNSPECIFIED;
  }
  RETURN_IF_ERROR(stored.status());
  return stored->has_value() ? (*stored)->value.type() : v1::DOCUMENT_TYPE_UNSPECIFIED;
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
  return NoOf(leaf).has_value() || AgreedIn(leaf).has_value() || VoidsPermits(leaf.header.event_class()) ||
         JudgesAnew(leaf.header.event_class()) ||
         leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED || audit::IsOfHold(leaf) ||
         audit::IsOfLink(leaf);
}

Task<absl::Status> ConsentLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  absl::Status done;
  const bool of_several = audit::IsOfLink(leaf) || audit::IsOfHold(leaf);
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
    co_await vault_.access.LinksAreThere();  // a drop may be made visible on what was answered before
  } else if (JudgesAnew(leaf.header.event_class())) {
    done = co_await Restricted(*person, leaf.index, effects);
  } else if (auto agreed = AgreedIn(leaf); agreed.has_value()) {
    done = co_await NoteAgreed(vault_, *person, *std::move(agreed), leaf.time);
  } else if (auto no = NoOf(leaf); no.has_value()) {
    done = co_await Ended(*person, *std::move(no), std::move(leaf), effects);
  }
  if (audit::IsErased(done)) {
    co_return absl::OkStatus();  // what was hers to end is gone
  }
  if (absl::IsDataLoss(done) && of_several) {
    PassedOver(done);  // holds up the erasures and links of all
    co_return absl::OkStatus();
  }
  co_return done;
}

// Memory first: what is open stops before anything is written. Then the rows, after which nothing new begins;
// then what began in between. Hosts that stand on another agreement, or under another name of hers, consent
// judges: a no there may deny them too, and when an agreement expires, what was permitted by it alone.
Task<absl::Status> ConsentLeaves::Ended(Id128 person, HerNo no, audit::FollowedLeaf leaf, bool effects) {
  vault_.streams.Withdraw(person, no, leaf.index, leaf.time);
  const absl::Status shares = co_await CloseShares(person, no, leaf.time);
  CO_RETURN_IF_ERROR(shares);
  const absl::Status hosts = co_await CloseHosts(person, no, leaf.time);
  CO_RETURN_IF_ERROR(hosts);
  vault_.streams.Withdraw(person, no, leaf.index, leaf.time);
  if (effects) {
    CO_ASSIGN_OR_RETURN(std::vector<Id128> names, vault_.access.NamesOf(person));
    const absl::Status judged = co_await JudgeHostsOfAll(std::move(names), std::move(no));
    CO_RETURN_IF_ERROR(judged);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::CloseShares(Id128 person, HerNo no, absl::Time said) {
  co_await vault_.access.LinksAreThere();
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
  CO_ASSIGN_OR_RETURN(auto shares, SharesThatOpen(vault_, person));
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
    CO_ASSIGN_OR_RETURN(const v1::DocumentType type, TypeUnder(vault_, person, share));
    Covered covered = CoveredBy(share, type, KindOf(vault_, share.recipient().institution()));
    if (type == v1::DOCUMENT_TYPE_UNSPECIFIED) {
      covered.categories.clear();  // whatever it may have been: any line touches it
    }
    if (!Ends(no, covered)) {
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
  co_await vault_.access.LinksAreThere();
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> institutions, InstitutionsOf(vault_, person));
  for (const std::string& institution : institutions) {
    absl::Status closed = co_await CloseHost(person, institution, said, no);
    while (IsCollision(closed)) {
      closed = co_await CloseHost(person, institution, said, no);
    }
    CO_RETURN_IF_ERROR(closed);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsentLeaves::CloseHost(Id128 person, std::string institution, absl::Time said,
                                            HerNo no) {
  CO_ASSIGN_OR_RETURN(auto host, HostThatOpens(vault_, person, institution));
  if (!host.has_value() || KnewOf(FromProto(host->value.since()), said) ||
      !Ends(no, CoveredBy(host->value, institution, KindOf(vault_, institution)))) {
    co_return absl::OkStatus();
  }
  const absl::Status ended = co_await EndHost(vault_, person, std::move(institution), *std::move(host));
  co_return ended;
}

// From here on another name's no binds, or another's yes is gone: whatever was permitted before, under any
// name of hers, is asked for again. Shares ask at each reading; of hosts, who are judged from rows, it is
// asked here; and what she said no to at a desk under one of the names ends under the others (JudgeHost).
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
    HerNo any;
    const absl::Status judged = co_await JudgeHostsOfAll(names, std::move(any));
    CO_RETURN_IF_ERROR(judged);
  }
  co_return absl::OkStatus();
}

// Whose processing is in the payload, but it counts for all names of hers, and consent is asked anyway: what
// it denies from this leaf on ends. Shares ask at each reading.
Task<absl::Status> ConsentLeaves::Restricted(Id128 person, uint64_t index, bool effects) {
  vault_.streams.VoidPermits(person, index);
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, vault_.access.NamesOf(person));
  for (const Id128& name : names) {
    vault_.streams.VoidPermits(name, index);
  }
  if (effects) {
    HerNo any;
    const absl::Status judged = co_await JudgeHostsOfAll(names, std::move(any));
    CO_RETURN_IF_ERROR(judged);
  }
  co_return absl::OkStatus();
}

// Each name of hers: one that is being erased, or of which something does not open, keeps none of the others.
// Nor does one that consent gives no decision about: its hosts are suspended, and following goes on. What was
// not reached here is judged by the next round (host_rounds.h).
Task<absl::Status> ConsentLeaves::JudgeHostsOfAll(std::vector<Id128> names, HerNo no) {
  co_await vault_.access.LinksAreThere();
  for (const Id128& name : names) {
    const absl::StatusOr<bool> judged = co_await JudgeHostsOf(vault_, name, no, Occasion::kHerNo);
    if (absl::IsDataLoss(judged.status())) {
      PassedOver(judged.status());
    } else if (!audit::IsErased(judged.status())) {
      CO_RETURN_IF_ERROR(judged.status());
    }
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
  const auto id = Id128::FromHex(requested->erasure_id());
  if (!id.ok()) {
    log::Error("an erasure without an id cannot be followed", {log::Field::Code(id.status())});
    co_return absl::OkStatus();
  }
  request.id = *id;
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
