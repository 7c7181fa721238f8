#include "services/vault/judging_hosts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/open_streams.h"
#include "services/vault/peers.h"

namespace relais::vault {
namespace {

constexpr size_t kKeysAtOnce = 500;

consent::v1::CheckRequest QuestionOf(const Id128& person, const std::string& institution,
                                     const std::string& purpose) {
  consent::v1::CheckRequest question;
  question.mutable_person()->set_person_id(person.ToBytes());
  question.mutable_sender()->set_institution(institution);
  question.mutable_recipient()->set_institution(institution);
  question.set_purpose(purpose);
  question.add_categories("DOCUMENTS");
  question.set_act(common::v1::ACT_HOST);
  question.set_dry_run(true);
  return question;
}

struct Told {
  HostFate fate = HostFate::kUnjudged;
  absl::Status failed;  // OK: it is an answer of consent's
};

// An error only for kAskAgain. The failure itself is looked at, before all failures become one.
Task<absl::StatusOr<Told>> AskOf(const Vault& vault, consent::v1::CheckRequest question) {
  if (!vault.peers.check) {
    co_return StatusOf(common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  }
  const auto response = co_await vault.peers.check(std::move(question), vault.settings.peer_timeout);
  Told told;
  told.failed = response.status();
  if (!response.ok()) {
    told.fate = FateWithoutAnswer(told.failed.code(), rpc::ReasonOf(told.failed));
  } else if (response->reason() != consent::v1::REASON_DIRECTORY_EXPIRED) {  // which says nothing about her
    told.fate = StaysLinked(AnswerOf(*response)) ? HostFate::kStays : HostFate::kEnds;
  }
  if (told.fate == HostFate::kAskAgain) {
    co_return rpc::PeerFailure(told.failed, "consent");
  }
  co_return told;
}

// `said`: with its leaf.
Task<absl::Status> Put(const Vault& vault, Id128 person, std::string institution, Stored<v1::StoredHost> host,
                       bool said, AddressedTo to = AddressedTo::kIt) {
  storage::CommitRequest commit;
  CO_RETURN_IF_ERROR(vault.store.PutHost(person, institution, host, commit));
  std::vector<audit::Event> events;
  if (said) {
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    events.push_back(HostEvent(acting, institution, host.value, to));
  }
  const auto done = co_await CommitActs(vault, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (host.value.state() != v1::Host::STATE_ACTIVE) {
    // What began while this was written began under the row that was.
    vault.streams.EndHost(person, institution, host.value.state());
  }
  co_return absl::OkStatus();
}

// Whether she said no to it at a desk under another name of hers, and agreed to nothing since that it stands
// on (ADR 62). Consent knows nothing of that.
absl::StatusOr<bool> SaidNoElsewhere(const Vault& vault, const Id128& person, const std::string& institution,
                                     const std::string& consent_bytes) {
  ASSIGN_OR_RETURN(const auto known, vault.access.ReadableNamesOf(person));
  for (const Id128& name : known.names) {
    if (name == person) {
      continue;
    }
    const auto host = vault.store.Host(name, institution);
    if (audit::DoesNotRead(host.status())) {
      continue;  // nobody knows what it said
    }
    RETURN_IF_ERROR(host.status());
    if (host->has_value() && !MayBeLinkedOn((*host)->value, consent_bytes)) {
      return true;
    }
  }
  return false;
}

// As consent judges one that is linked.
Task<absl::StatusOr<bool>> JudgeLinked(const Vault& vault, Id128 person, std::string institution,
                                       Stored<v1::StoredHost> host, Occasion occasion) {
  if (host.value.restored() && occasion == Occasion::kRound) {
    co_return false;  // no answer would let it act again; LinkHost asks
  }
  const bool suspended = host.value.state() == v1::Host::STATE_SUSPENDED;
  consent::v1::CheckRequest question = QuestionOf(person, institution, host.value.purpose());
  CO_ASSIGN_OR_RETURN(const Told told, co_await AskOf(vault, std::move(question)));
  const bool changed = Meet(host.value, told.fate, occasion, vault.context.clock.Now());
  if (changed && told.fate == HostFate::kUnjudged) {
    log::Warn("consent gives no decision about a host that a no may deny: it is suspended",
              {log::Field::Code(told.failed)});
  }
  // Suspended for one no more: the row is another then, so that an answer from before this no, which would
  // let it act again, finds it changed.
  const bool once_more = suspended && told.fate == HostFate::kUnjudged && occasion == Occasion::kHerNo;
  if (changed || once_more) {
    const absl::Status put =
        co_await Put(vault, person, std::move(institution), std::move(host), /*said=*/changed);
    CO_RETURN_IF_ERROR(put);
  }
  co_return true;
}

Task<absl::StatusOr<bool>> JudgeOnce(const Vault& vault, Id128 person, std::string institution, HerNo no,
                                     Occasion occasion) {
  auto host = vault.store.Host(person, institution);
  if (absl::IsDataLoss(host.status())) {
    if (occasion == Occasion::kHerNo) {  // else it was said then
      PassedOver(host.status());
    }
    co_return false;
  }
  CO_RETURN_IF_ERROR(host.status());
  if (!host->has_value() ||
      !Touches(no, CoveredBy((*host)->value, institution, KindOf(vault, institution)))) {
    co_return false;
  }
  const absl::Time now = vault.context.clock.Now();
  if (IsLinked((*host)->value, now)) {
    CO_ASSIGN_OR_RETURN(const bool denied,
                        SaidNoElsewhere(vault, person, institution, (*host)->value.consent()));
    if (denied && End((*host)->value, v1::Host::STATE_UNLINKED, now)) {
      const absl::Status put = co_await Put(vault, person, std::move(institution), **std::move(host),
                                            /*said=*/true, AddressedTo::kNobody);
      CO_RETURN_IF_ERROR(put);
      co_return false;
    }
    auto judged = co_await JudgeLinked(vault, person, std::move(institution), **std::move(host), occasion);
    co_return judged;
  }
  // Past its period nobody asks about it any more.
  if ((*host)->value.state() == v1::Host::STATE_SUSPENDED &&
      End((*host)->value, v1::Host::STATE_EXPIRED, now)) {
    const absl::Status put =
        co_await Put(vault, person, std::move(institution), **std::move(host), /*said=*/true);
    CO_RETURN_IF_ERROR(put);
  }
  co_return false;
}

}  // namespace

void PassedOver(const absl::Status& why) {
  log::Warn("a row of a vault does not open: what ends goes on without it", {log::Field::Code(why)});
}

std::string KindOf(const Vault& vault, std::string_view institution) {
  const auto directory = vault.context.directory();
  const auto* found = directory->FindInstitution(institution);
  return found == nullptr ? std::string() : found->kind;
}

absl::StatusOr<std::vector<std::string>> NamesUnder(const Vault& vault, const Id128& person,
                                                    std::string_view prefix) {
  std::vector<std::string> names;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, vault.context.store.Scan(VaultStore::PersonPartition(person),
                                                                        prefix, from, kKeysAtOnce));
    for (const storage::KeyedEntry& row : page.entries) {
      names.push_back(row.key.substr(prefix.size()));
    }
    from = page.next;
  } while (!from.empty());
  return names;
}

absl::StatusOr<std::vector<std::string>> InstitutionsOf(const Vault& vault, const Id128& person) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesUnder(vault, person, "v/host/"));
  std::vector<std::string> institutions;
  for (const std::string& name : names) {
    if (std::optional<std::string> institution = vault.store.InstitutionIn(person, name);
        institution.has_value()) {
      institutions.push_back(*std::move(institution));
    } else {
      PassedOver(absl::DataLossError("no host's key"));
    }
  }
  std::sort(institutions.begin(), institutions.end());
  return institutions;
}

Task<absl::Status> EndHost(const Vault& vault, Id128 person, std::string institution,
                           Stored<v1::StoredHost> host) {
  if (!End(host.value, v1::Host::STATE_WITHDRAWN, vault.context.clock.Now())) {
    co_return absl::OkStatus();
  }
  const absl::Status put =
      co_await Put(vault, person, std::move(institution), std::move(host), /*said=*/true);
  co_return put;
}

Task<absl::StatusOr<bool>> JudgeHost(const Vault& vault, Id128 person, std::string institution, HerNo no,
                                     Occasion occasion) {
  absl::StatusOr<bool> judged = co_await JudgeOnce(vault, person, institution, no, occasion);
  while (IsCollision(judged.status())) {
    judged = co_await JudgeOnce(vault, person, institution, no, occasion);
  }
  co_return judged;
}

Task<absl::StatusOr<bool>> JudgeHostsOf(const Vault& vault, Id128 person, HerNo no, Occasion occasion) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> institutions, InstitutionsOf(vault, person));
  bool asked = false;
  for (const std::string& institution : institutions) {
    CO_ASSIGN_OR_RETURN(const bool here, co_await JudgeHost(vault, person, institution, no, occasion));
    asked = asked || here;
  }
  co_return asked;
}

}  // namespace relais::vault
