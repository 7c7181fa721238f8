#include "services/vault/handlers/reading_right.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/audit/does_not_read.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/handlers/which_name.h"

namespace relais::vault {
namespace {

// Shares that consent is asked about for one reading, and in one list; what is left of a list is the next
// page's.
constexpr size_t kMostAsked = 4;
constexpr size_t kMostAskedInList = 20;
constexpr size_t kPage = 500;
constexpr absl::Duration kCatchUp = absl::Seconds(1);
constexpr absl::Duration kPoll = absl::Milliseconds(2);

// Tree size of a revision "<origin>:<size>"; 0, which every no is later than, when it does not say.
uint64_t SizeOf(std::string_view revision) {
  uint64_t size = 0;
  const size_t colon = revision.rfind(':');
  if (colon == std::string_view::npos || !absl::SimpleAtoi(std::string(revision.substr(colon + 1)), &size)) {
    return 0;
  }
  return size;
}

absl::Status Behind() { return StatusOf(common::v1::ERROR_REASON_PEER_BEHIND); }

std::string KindOf(const Vault& vault, std::string_view institution) {
  const auto* found = vault.context.directory()->FindInstitution(institution);
  return found == nullptr ? std::string() : found->kind;
}

Reading ReadingOf(const rpc::Call& call, const Id128& id, const v1::StoredDocument& document,
                  uint32_t version) {
  Reading reading;
  reading.institution = call.caller.is_service() ? std::string() : call.caller.institution;
  reading.function = call.caller.function;
  reading.document = id;
  reading.type = document.type();
  reading.state = document.state();
  reading.current_version =
      document.versions_size() > 0 &&
      (version == 0 || version == document.versions(document.versions_size() - 1).version().version());
  return reading;
}

// Of papers that these shares name, those whose record does not open.
void AddUnreadable(const VaultStore& store, const Id128& person,
                   const std::vector<Row<v1::StoredShare>>& shares, std::set<Id128>& unreadable) {
  for (const Row<v1::StoredShare>& share : shares) {
    const auto document = IdOf(share.stored.value.document());
    if (document.ok() && audit::DoesNotRead(store.Document(person, *document).status())) {
      unreadable.insert(*document);
    }
  }
}

// `end` nullopt: to the last.
uint32_t CountBetween(const std::set<Id128>& ids, const Id128& from, const std::optional<Id128>& end) {
  const auto last = end.has_value() ? ids.lower_bound(*end) : ids.end();
  return static_cast<uint32_t>(std::distance(ids.lower_bound(from), last));
}

absl::Status MayBeShown(const Vault& vault) {
  RETURN_IF_ERROR(vault.context.MayDisclose());
  ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault));
  return phase == VaultPhase::kOpen ? absl::OkStatus() : StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
}

}  // namespace

Task<absl::StatusOr<Answered>> AskConsent(const Vault& vault, consent::v1::CheckRequest request,
                                          absl::Duration within) {
  if (!vault.peers.check) {
    co_return StatusOf(common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  }
  const absl::Duration timeout = std::min(within, vault.settings.peer_timeout);
  const auto response = co_await vault.peers.check(std::move(request), timeout);
  if (!response.ok()) {
    co_return rpc::PeerFailure(response.status(), "consent");
  }
  if (response->reason() == consent::v1::REASON_DIRECTORY_EXPIRED) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_DIRECTORY_EXPIRED,
                           "the consent registry's directory is past its not_after: nothing is disclosed");
  }
  Answered answered;
  answered.answer = AnswerOf(*response);
  answered.decided_at = SizeOf(response->revision());
  co_return answered;
}

Task<absl::Status> CaughtUp(const Vault& vault, uint64_t decided_at) {
  const audit::Follower* consent = vault.lease.consent();
  if (consent == nullptr) {
    co_return Behind();
  }
  const absl::Duration end = vault.context.clock.Monotonic() + kCatchUp;
  while (consent->applied() < decided_at || !vault.lease.Held()) {
    if (vault.context.clock.Monotonic() >= end) {
      co_return Behind();
    }
    co_await Sleep(vault.context.executor, kPoll);
  }
  co_return absl::OkStatus();
}

consent::v1::CheckRequest CheckOfShare(const Id128& person, const v1::StoredShare& share,
                                       v1::DocumentType type, std::string_view function) {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(person.ToBytes());
  request.mutable_sender()->set_institution(share.shared_by().institution());
  request.mutable_recipient()->set_institution(share.recipient().institution());
  request.mutable_recipient()->set_function(std::string(function));
  request.set_purpose(share.purpose());
  for (std::string& category : CategoriesOf(type)) {
    request.add_categories(std::move(category));
  }
  request.set_act(common::v1::ACT_SHARE_DOCUMENT);
  request.set_consent_id(crypto::HexEncode(share.consent()));
  return request;
}

const v1::StoredVersion* VersionOf(const v1::StoredDocument& document, uint32_t version) {
  if (version == 0) {
    return document.versions().empty() ? nullptr : &document.versions(document.versions_size() - 1);
  }
  for (const v1::StoredVersion& stored : document.versions()) {
    if (stored.version().version() == version) {
      return &stored;
    }
  }
  return nullptr;
}

absl::Status AsDamage(const absl::Status& status) {
  const bool bare = rpc::ReasonOf(status) == common::v1::ERROR_REASON_UNSPECIFIED;
  return absl::IsDataLoss(status) && bare ? Papers::Damaged() : status;
}

absl::StatusOr<ReadableRows<v1::StoredShare>> AllShares(const VaultStore& store, const Id128& person) {
  ReadableRows<v1::StoredShare> out;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    ASSIGN_OR_RETURN(auto page, store.ReadableShares(person, *from, kPage));
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(out.rows));
    out.unreadable.insert(out.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
    out.gaps.insert(out.gaps.end(), page.gaps.begin(), page.gaps.end());
    from = page.next;
  }
  return out;
}

ReadUnder ReadingRight::under() const {
  if (hers()) {
    return {};
  }
  return {share_id->ToHex(), permit_id, share.value.purpose()};
}

void ReadingRight::Guard(const VaultStore& store, std::string_view institution,
                         storage::CommitRequest& commit) const {
  VaultStore::GuardDocument(person, document_id, document.version, commit);
  if (hers()) {
    store.GuardHost(person, institution, host.version, commit);
  } else {
    VaultStore::GuardShare(person, *share_id, share.version, commit);
  }
}

absl::StatusOr<ReadingRights::Found> ReadingRights::Find(const Id128& person, const Id128& document) const {
  ASSIGN_OR_RETURN(auto found, UnderWhichName(vault_.access, person, [&](const Id128& name) {
                     return vault_.store.Document(name, document);
                   }));
  if (!found.has_value()) {
    return rpc::NoSuchOrNotYours();
  }
  if (!found->row.ok()) {
    return Found{found->name, {}, false};
  }
  return Found{found->name, *std::move(found->row)};
}

// Who could read a paper is told that it does not open; to all others it is as if there were none.
absl::Status ReadingRights::WhoMayKnow(const rpc::Call& call, const Found& found,
                                       const ReadWanted& wanted) const {
  const auto host = vault_.access.Host(call, found.person);
  if (host.ok()) {
    return Papers::Damaged();
  }
  if (rpc::ReasonOf(host.status()) != common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS ||
      call.caller.is_service()) {
    return host.status();
  }
  ASSIGN_OR_RETURN(const auto shares, AllShares(vault_.store, found.person));
  const absl::Time now = vault_.context.log.Now();
  const bool with_them =
      std::any_of(shares.rows.begin(), shares.rows.end(), [&](const Row<v1::StoredShare>& row) {
        const v1::StoredShare& share = row.stored.value;
        return IsWith(share, call.caller.institution, call.caller.function) &&
               StateOf(share, now, true) == v1::Share::STATE_ACTIVE &&
               (share.document().empty() || share.document() == wanted.document.bytes()) &&
               (!wanted.share.has_value() || *wanted.share == row.id);
      });
  return with_them || shares.missing() != 0 ? Papers::Damaged() : rpc::NoSuchOrNotYours();
}

// nullopt: the caller is no host of hers.
absl::StatusOr<std::optional<ReadingRight>> ReadingRights::Hers(const rpc::Call& call, const Found& found,
                                                                const ReadWanted& wanted) const {
  auto host = vault_.access.Host(call, found.person);
  if (rpc::ReasonOf(host.status()) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
    return std::optional<ReadingRight>();
  }
  RETURN_IF_ERROR(host.status());
  ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
  if (phase == VaultPhase::kClosed) {
    return StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED);
  }
  const bool destroyed = found.document.value.state() == v1::Document::STATE_DESTROYED;
  if (wanted.text && (destroyed || VersionOf(found.document.value, wanted.version) == nullptr)) {
    return rpc::NoSuchOrNotYours();
  }
  ReadingRight right;
  right.person = found.person;
  right.document_id = wanted.document;
  right.document = found.document;
  right.host = *std::move(host);
  ReadingBasis basis;
  basis.person = right.person;
  basis.document = right.document_id;
  basis.covered =
      CoveredBy(right.host.value, call.caller.institution, KindOf(vault_, call.caller.institution));
  basis.since = FromProto(right.host.value.since());
  basis.until = FromProto(right.host.value.until());
  right.open = vault_.streams.Open(std::move(basis));
  return std::optional<ReadingRight>(std::move(right));
}

Task<absl::StatusOr<ReadingRight>> ReadingRights::Of(rpc::Call call, ReadWanted wanted) const {
  auto judged = co_await Judge(std::move(call), wanted);
  if (!judged.ok()) {
    co_return AsDamage(judged.status());
  }
  co_return judged;
}

Task<absl::StatusOr<ReadingRight>> ReadingRights::Judge(rpc::Call call, ReadWanted wanted) const {
  CO_ASSIGN_OR_RETURN(Found found, Find(wanted.person, wanted.document));
  if (!found.opens) {
    co_return WhoMayKnow(call, found, wanted);
  }
  auto hers = Hers(call, found, wanted);
  if (hers.ok() && hers->has_value()) {
    co_return **std::move(hers);
  }
  // A host that is suspended, or whose row does not open, says nothing of who reads by a share.
  const bool suspended = rpc::ReasonOf(hers.status()) == common::v1::ERROR_REASON_PEER_BEHIND;
  if (!hers.ok() && !suspended && !audit::DoesNotRead(hers.status())) {
    co_return hers.status();
  }
  auto shared = co_await ByShare(std::move(call), std::move(found), wanted);
  // Only a host that has no share at all is told of its hosting.
  const bool none = rpc::ReasonOf(shared.status()) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  if (none && !hers.ok()) {
    co_return hers.status();
  }
  co_return shared;
}

Task<absl::StatusOr<ReadingRight>> ReadingRights::ByShare(rpc::Call call, Found found,
                                                          ReadWanted wanted) const {
  const Reading reading = ReadingOf(call, wanted.document, found.document.value, wanted.version);
  const absl::Time now = vault_.context.log.Now();
  absl::Status refusal = rpc::NoSuchOrNotYours();
  std::vector<Row<v1::StoredShare>> shares;
  if (wanted.share.has_value()) {
    CO_ASSIGN_OR_RETURN(auto named, vault_.store.Share(found.person, *wanted.share));
    if (named.has_value()) {
      shares.push_back({*wanted.share, *std::move(named)});
    }
  } else {
    CO_ASSIGN_OR_RETURN(auto all, AllShares(vault_.store, found.person));
    shares = std::move(all.rows);
    if (all.missing() != 0) {
      refusal = Papers::Damaged();  // theirs may be among them
    }
  }
  std::vector<Row<v1::StoredShare>> asked;
  for (Row<v1::StoredShare>& share : shares) {
    const Refusal before = JudgeBeforeConsent(share.stored.value, reading, now, vault_.lease.Held());
    if (!before.has_value()) {
      asked.push_back(std::move(share));
    } else if (*before == common::v1::ERROR_REASON_PEER_BEHIND) {
      refusal = Behind();
    }
  }
  if (asked.empty()) {
    co_return refusal;
  }
  CO_RETURN_IF_ERROR(MayBeShown(vault_));
  for (size_t i = 0; i < asked.size() && i < kMostAsked; ++i) {
    ReadingRight right;
    right.person = found.person;
    right.document_id = wanted.document;
    right.document = found.document;
    right.share_id = asked[i].id;
    right.share = std::move(asked[i].stored);
    auto permitted = co_await Permitted(call, std::move(right), reading);
    if (permitted.ok()) {
      co_return permitted;
    }
    refusal = permitted.status();
    if (rpc::ReasonOf(refusal) != common::v1::ERROR_REASON_NOT_PERMITTED) {
      break;
    }
  }
  co_return refusal;
}

// On the list before consent is asked: a no that is followed meanwhile is not missed.
Task<absl::StatusOr<ReadingRight>> ReadingRights::Permitted(rpc::Call call, ReadingRight right,
                                                            Reading reading) const {
  const v1::StoredShare& share = right.share.value;
  ReadingBasis basis;
  basis.person = right.person;
  basis.document = right.document_id;
  basis.covered = CoveredBy(share, reading.type, KindOf(vault_, share.recipient().institution()));
  basis.share = right.share_id;
  basis.since = FromProto(share.since());
  basis.until = FromProto(share.until());
  right.open = vault_.streams.Open(std::move(basis));
  consent::v1::CheckRequest question = CheckOfShare(right.person, share, reading.type, call.caller.function);
  CO_ASSIGN_OR_RETURN(const Answered answered, co_await AskConsent(vault_, std::move(question)));
  const absl::Time now = vault_.context.log.Now();
  if (const Refusal why = JudgeConsent(share, reading, answered.answer, now); why.has_value()) {
    co_return StatusOf(*why);
  }
  right.permit_id = answered.answer.permit_id;
  right.permit_expires = answered.answer.permit_expires;
  right.open->Permitted(answered.decided_at, right.permit_expires);
  if (const auto cut = right.open->WhyCut(); cut.has_value()) {
    co_return StatusOfCut(*cut);
  }
  co_return right;
}

// On the list all the while: what is followed from the first answer on cuts it, whatever this one says.
Task<absl::Status> ReadingRights::AskAnew(rpc::Call call, ReadingRight right) const {
  CO_RETURN_IF_ERROR(MayBeShown(vault_));
  const v1::StoredShare& share = right.share.value;
  const Reading reading = ReadingOf(call, right.document_id, right.document.value, 0);
  consent::v1::CheckRequest question = CheckOfShare(right.person, share, reading.type, call.caller.function);
  CO_ASSIGN_OR_RETURN(const Answered answered, co_await AskConsent(vault_, std::move(question), kAskBefore));
  if (JudgeConsent(share, reading, answered.answer, vault_.context.log.Now()).has_value()) {
    right.open->Denied();
  } else {
    right.open->Permitted(answered.decided_at, answered.answer.permit_expires);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<ReadingRights::Shared>> ReadingRights::SharedWith(rpc::Call call, Id128 person,
                                                                      std::vector<v1::DocumentType> types,
                                                                      Id128 from, size_t limit) const {
  auto gathered = co_await Gather(std::move(call), person, std::move(types), from, limit);
  if (!gathered.ok()) {
    co_return AsDamage(gathered.status());
  }
  co_return gathered;
}

Task<absl::StatusOr<ReadingRights::Shared>> ReadingRights::Gather(rpc::Call call, Id128 person,
                                                                  std::vector<v1::DocumentType> types,
                                                                  Id128 from, size_t limit) const {
  // The candidates: papers with the shares that cover each, as many as one reading asks about, in the order
  // of the papers' ids.
  struct Candidate {
    Id128 name;
    Row<v1::StoredDocument> paper;
    std::vector<Row<v1::StoredShare>> shares;
  };
  std::map<Id128, Candidate> candidates;
  std::set<Id128> unreadable;
  absl::Status refusal = rpc::NoSuchOrNotYours();
  bool any = false;
  bool hidden = false;  // shares that do not open: theirs may be among them
  const absl::Time now = vault_.context.log.Now();
  CO_ASSIGN_OR_RETURN(const auto names, vault_.access.NamesOf(person));
  for (const Id128& name : names) {
    CO_ASSIGN_OR_RETURN(auto all, AllShares(vault_.store, name));
    std::vector<Row<v1::StoredShare>> shares = std::move(all.rows);
    hidden = hidden || all.missing() != 0;
    std::erase_if(shares, [&](const Row<v1::StoredShare>& share) {
      return call.caller.is_service() ||
             !IsWith(share.stored.value, call.caller.institution, call.caller.function) ||
             StateOf(share.stored.value, now, true) != v1::Share::STATE_ACTIVE;
    });
    if (shares.empty()) {
      continue;
    }
    any = true;
    size_t missing = 0;
    std::optional<Id128> at = from;
    while (at.has_value()) {
      CO_ASSIGN_OR_RETURN(auto page, vault_.store.ReadableDocuments(name, *at, kPage));
      missing += page.missing();
      for (Row<v1::StoredDocument>& paper : page.rows) {
        const v1::StoredDocument& document = paper.stored.value;
        if (!types.empty() && std::find(types.begin(), types.end(), document.type()) == types.end()) {
          continue;
        }
        const Reading reading = ReadingOf(call, paper.id, document, 0);
        Candidate candidate{name, paper, {}};
        for (const Row<v1::StoredShare>& share : shares) {
          const Refusal why = JudgeBeforeConsent(share.stored.value, reading, now, vault_.lease.Held());
          if (!why.has_value() && candidate.shares.size() < kMostAsked) {
            candidate.shares.push_back(share);
          } else if (why == common::v1::ERROR_REASON_PEER_BEHIND) {
            refusal = Behind();
          }
        }
        if (!candidate.shares.empty()) {
          candidates.emplace(paper.id, std::move(candidate));
        }
      }
      at = page.next;
    }
    if (missing != 0) {
      AddUnreadable(vault_.store, name, shares, unreadable);
    }
  }
  Shared out;
  if (candidates.empty()) {
    out.unreadable = CountBetween(unreadable, from, std::nullopt);
    if (any && rpc::ReasonOf(refusal) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
      co_return out;  // nothing is there yet of what is shared
    }
    co_return hidden && !any ? Papers::Damaged() : refusal;
  }
  CO_RETURN_IF_ERROR(MayBeShown(vault_));
  // One question for what is one to consent.
  std::map<std::pair<Id128, int>, absl::StatusOr<ReadingRight>> answers;
  for (auto& [id, candidate] : candidates) {
    if (out.rights.size() >= limit) {
      out.next = id;
    }
    for (size_t i = 0; i < candidate.shares.size() && !out.next.has_value(); ++i) {
      ReadingRight right;
      right.person = candidate.name;
      right.document_id = id;
      right.document = candidate.paper.stored;
      right.share_id = candidate.shares[i].id;
      right.share = candidate.shares[i].stored;
      const std::pair<Id128, int> key(*right.share_id, static_cast<int>(right.document.value.type()));
      auto known = answers.find(key);
      if (known == answers.end() && answers.size() >= kMostAskedInList) {
        out.next = id;
        break;
      }
      if (known == answers.end()) {
        const Reading reading = ReadingOf(call, id, right.document.value, 0);
        auto permitted = co_await Permitted(call, right, reading);
        if (!permitted.ok() && rpc::ReasonOf(permitted.status()) != common::v1::ERROR_REASON_NOT_PERMITTED) {
          co_return permitted.status();
        }
        known = answers.emplace(key, std::move(permitted)).first;
      }
      if (known->second.ok()) {
        right.permit_id = known->second->permit_id;
        right.permit_expires = known->second->permit_expires;
        right.open = known->second->open;
        out.rights.push_back(std::move(right));
        break;
      }
      refusal = known->second.status();
    }
    if (out.next.has_value()) {
      break;
    }
  }
  out.unreadable = CountBetween(unreadable, from, out.next);
  if (out.rights.empty() && !out.next.has_value() && out.unreadable == 0) {
    co_return refusal;
  }
  co_return out;
}

Task<absl::Status> ReadingRights::Record(rpc::Call call, std::vector<ReadingRight> rights,
                                         audit::Event event) const {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  if (!event.subject.has_value()) {
    co_return absl::InternalError("a reading is about somebody");
  }
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(event.subject->id);
  for (const ReadingRight& right : rights) {
    right.Guard(vault_.store, call.caller.institution, commit);
  }
  // A share may cover several of them.
  std::map<std::string, storage::Precondition> guards;
  for (storage::Precondition& guard : commit.preconditions) {
    std::string key = guard.key;
    guards.emplace(std::move(key), std::move(guard));
  }
  commit.preconditions.clear();
  for (auto& [key, guard] : guards) {
    commit.preconditions.push_back(std::move(guard));
  }
  auto draft = vault_.context.log.Draft(std::move(event));
  if (!draft.ok()) {
    co_return AsDamage(draft.status());
  }
  commit.leaves.push_back(*std::move(draft));
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  co_return AsDamage(done.status());
}

}  // namespace relais::vault
