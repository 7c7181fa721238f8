#include "services/consent/handlers/candidate_handlers.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/authors.h"
#include "services/consent/handlers/candidates.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kConfirm[] = "relais.consent.v1.PersonService/ConfirmMatch";
constexpr char kReject[] = "relais.consent.v1.PersonService/RejectMatch";
constexpr size_t kRowsAtOnce = 100;
constexpr size_t kMostBytes = 900'000;  // of a page: a message has 1 MiB
constexpr size_t kMostOver = 1000;      // rows taken from the list with one page

absl::Status WrongState(std::string_view why) {
  return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
}

v1::TraitComparison ComparisonOf(identity::TraitMatch match) {
  switch (match) {
    case identity::TraitMatch::kSame:
      return v1::TRAIT_COMPARISON_SAME;
    case identity::TraitMatch::kDiffers:
      return v1::TRAIT_COMPARISON_DIFFERS;
    default:
      return v1::TRAIT_COMPARISON_ABSENT;
  }
}

v1::RecordComparison CompareRecords(const v1::Traits& a, const v1::Traits& b) {
  const identity::TraitComparison compared =
      identity::Compare(identity::Normalize(TraitsFrom(a)), identity::Normalize(TraitsFrom(b)));
  v1::RecordComparison out;
  out.set_surname(ComparisonOf(compared.surname));
  out.set_first_names(ComparisonOf(compared.first_names));
  out.set_birth_date(ComparisonOf(compared.birth_date));
  out.set_birthplace(ComparisonOf(compared.birthplace));
  out.set_phone(ComparisonOf(compared.phone));
  out.set_address(ComparisonOf(compared.address));
  out.set_identifiers(ComparisonOf(compared.identifiers));
  return out;
}

struct Pair {
  Id128 id;
  Id128 persons[2];
  v1::StoredRecord records[2];
  std::string institutions[2];
  int64_t found = 0;
};

// They were linked otherwise since.
absl::StatusOr<bool> AreOne(Registry& registry, const Id128& one, const Id128& other) {
  ASSIGN_OR_RETURN(const VersionedState first, registry.store.LoadFresh(one));
  ASSIGN_OR_RETURN(const VersionedState second, registry.store.LoadFresh(other));
  return first.RootFor(one) == second.RootFor(other);
}

// Nullopt: decided, not there any more, linked otherwise, or one is erased.
absl::StatusOr<std::optional<Pair>> OpenPair(Registry& registry, const Id128& id) {
  ASSIGN_OR_RETURN(const std::optional<StoredPair> stored, ReadPair(registry, id));
  if (!stored || stored->candidate.state() != v1::CANDIDATE_STATE_UNSPECIFIED) {
    return std::optional<Pair>();
  }
  Pair pair;
  pair.id = id;
  pair.found = stored->candidate.found();
  ASSIGN_OR_RETURN(pair.persons[0], Id128::FromBytes(stored->candidate.person()));
  ASSIGN_OR_RETURN(pair.persons[1], Id128::FromBytes(stored->candidate.other()));
  pair.institutions[0] = stored->candidate.institution();
  pair.institutions[1] = stored->candidate.other_institution();
  for (int side = 0; side < 2; ++side) {
    absl::StatusOr<std::optional<v1::StoredRecord>> record =
        registry.store.ReadRecord(pair.persons[side], pair.institutions[side]);
    if (absl::IsNotFound(record.status()) || (record.ok() && !record->has_value())) {
      return std::optional<Pair>();
    }
    RETURN_IF_ERROR(record.status());
    pair.records[side] = **std::move(record);
  }
  ASSIGN_OR_RETURN(const bool one, AreOne(registry, pair.persons[0], pair.persons[1]));
  if (one) {
    return std::optional<Pair>();
  }
  return std::optional(std::move(pair));
}

v1::Candidate Shown(const Registry& registry, const rpc::Call& call, const Pair& pair) {
  v1::Candidate out;
  out.set_candidate_id(pair.id.ToHex());
  *out.mutable_found() = TimeTo(FromMicros(pair.found));
  *out.mutable_comparison() = CompareRecords(pair.records[0].traits(), pair.records[1].traits());
  for (int side = 0; side < 2; ++side) {
    v1::CandidateSide* shown = out.add_sides();
    if (pair.institutions[side] != call.caller.institution) {
      continue;
    }
    shown->set_own_mandate(true);
    *shown->mutable_person() = rpc::HandleFor(registry.context, call.caller.institution, pair.persons[side]);
    shown->set_own_identifier(pair.records[side].own_identifier());
    *shown->mutable_traits() = pair.records[side].traits();
  }
  return out;
}

// A row leaves the list when its candidate is decided on, is gone with somebody who was erased, or has
// another row. A candidate is there before its row.
absl::StatusOr<bool> IsOver(Registry& registry, const Id128& id, const std::string& row) {
  ASSIGN_OR_RETURN(const std::optional<StoredPair> stored, ReadPair(registry, id));
  return !stored || stored->candidate.state() != v1::CANDIDATE_STATE_UNSPECIFIED ||
         CandidateListKey(id, stored->candidate.found()) != row;
}

absl::Status AppendCompared(const audit::Event& base, const Registry& registry, const Pair& pair,
                            std::vector<audit::Event>& events) {
  v1::CandidateCompared payload;
  payload.set_candidate_id(pair.id.ToHex());
  audit::Event event = base;
  event.event_id = registry.context.random.Id();
  event.details.mutable_payload()->PackFrom(payload);
  ASSIGN_OR_RETURN(std::vector<audit::Event> about,
                   AboutEach(registry.files(), event, {pair.persons[0], pair.persons[1]}));
  std::move(about.begin(), about.end(), std::back_inserter(events));
  return absl::OkStatus();
}

// A candidate and what is decided on it.
struct Deciding {
  Id128 id;
  Id128 one;
  Id128 other;
  bool confirmed = false;
  audit::Event event;  // its id is the act's, and a link's
  Claim claim;
  absl::Time decided;         // what was undone since is not made again
  std::optional<Id128> link;  // it is over: the link by which they were one then
};

LinkWish WishOf(const Deciding& deciding) {
  LinkWish wish;
  wish.one = deciding.one;
  wish.other = deciding.other;
  wish.link = deciding.event.event_id;
  wish.cause = v1::LINK_CAUSE_CONFIRMED;
  wish.at = deciding.decided;
  wish.event = AsRegistrys(deciding.event);  // her own is the decision's: she may know neither
  return wish;
}

absl::StatusOr<storage::CommitRequest> DecisionCommit(Registry& registry, const Deciding& deciding,
                                                      const StoredPair& pair) {
  v1::StoredCandidate candidate = pair.candidate;
  candidate.set_state(deciding.confirmed ? v1::CANDIDATE_STATE_CONFIRMED : v1::CANDIDATE_STATE_REJECTED);
  candidate.set_decided_by(deciding.event.event_id.ToBytes());
  candidate.set_decided(Micros(deciding.decided));
  storage::CommitRequest commit;
  commit.partition = PairBucket(registry, deciding.id);
  commit.preconditions.push_back({kPairKey, pair.version});
  commit.batch.push_back({kPairKey, candidate.SerializeAsString()});
  v1::CandidateDecided payload;
  payload.set_candidate_id(deciding.id.ToHex());
  payload.set_confirmed(deciding.confirmed);
  audit::Event event = deciding.event;
  event.details.mutable_payload()->PackFrom(payload);
  ASSIGN_OR_RETURN(const std::vector<audit::Event> events,
                   AboutEach(registry.files(), event, {deciding.one, deciding.other}));
  for (const audit::Event& about : events) {
    ASSIGN_OR_RETURN(storage::LeafDraft leaf, registry.context.log.Draft(about));
    commit.leaves.push_back(std::move(leaf));
  }
  return commit;
}

absl::Status AreTwo(Registry& registry, const Deciding& deciding) {
  ASSIGN_OR_RETURN(const bool one, AreOne(registry, deciding.one, deciding.other));
  return one ? WrongState("they are linked as one: split them instead") : absl::OkStatus();
}

// Whether it may be decided so now.
absl::Status MayDecide(Registry& registry, const Deciding& deciding) {
  if (!deciding.confirmed) {
    return AreTwo(registry, deciding);
  }
  ASSIGN_OR_RETURN(const LinkResult result, WouldLink(registry.files(), WishOf(deciding)));
  return result == LinkResult::kAlready ? absl::OkStatus() : LinkRefusal(result);
}

// Records the decision once, and takes the candidate from the list. `deciding` gets who the two are.
Task<absl::Status> Decide(Registry& registry, Deciding& deciding) {
  co_await ResumeOn(registry.context.executor);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(const std::optional<StoredPair> pair, ReadPair(registry, deciding.id));
    if (!pair) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_ASSIGN_OR_RETURN(deciding.one, Id128::FromBytes(pair->candidate.person()));
    CO_ASSIGN_OR_RETURN(deciding.other, Id128::FromBytes(pair->candidate.other()));
    if (pair->candidate.state() != v1::CANDIDATE_STATE_UNSPECIFIED) {
      if (pair->candidate.decided_by() != deciding.event.event_id.ToBytes()) {
        co_return WrongState("this candidate is decided on already");
      }
      deciding.decided = FromMicros(pair->candidate.decided());
      if (!pair->candidate.link_id().empty()) {
        CO_ASSIGN_OR_RETURN(deciding.link, Id128::FromBytes(pair->candidate.link_id()));
      }
    } else {
      deciding.decided = WholeMicros(registry.context.log.Now());
      CO_RETURN_IF_ERROR(MayDecide(registry, deciding));
      absl::StatusOr<storage::CommitRequest> commit = DecisionCommit(registry, deciding, *pair);
      if (audit::IsErased(commit.status())) {
        co_return rpc::NoSuchOrNotYours();
      }
      CO_RETURN_IF_ERROR(commit.status());
      const absl::StatusOr<storage::CommitResult> done =
          co_await registry.context.store.Commit(*std::move(commit));
      if (absl::IsAborted(done.status())) {
        continue;
      }
      CO_RETURN_IF_ERROR(done.status());
    }
    storage::CommitRequest unlist;
    unlist.partition = CandidateList(registry);
    unlist.batch.push_back({CandidateListKey(deciding.id, pair->candidate.found()), std::nullopt});
    const absl::StatusOr<storage::CommitResult> gone =
        co_await registry.context.store.Commit(std::move(unlist));
    co_return gone.status();
  }
  co_return TooContended();
}

template <typename Request>
Task<absl::StatusOr<Deciding>> DecidingOf(Registry& registry, rpc::Call call, Request request,
                                          std::string method, bool confirmed) {
  CO_RETURN_IF_ERROR(registry.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  Deciding deciding;
  deciding.confirmed = confirmed;
  CO_ASSIGN_OR_RETURN(deciding.id, Id128::FromHex(request.candidate_id()));
  const absl::StatusOr<Claim> claim =
      co_await ClaimRequest(registry.context, registry.store, rpc::RequestOwner(call, actor), method,
                            request.request_id(), ContentOf(request));
  CO_RETURN_IF_ERROR(claim.status());
  deciding.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_CANDIDATE_DECIDED, request.request_id());
  deciding.event.event_id = claim->event_id;
  deciding.claim = *claim;
  co_return deciding;
}

// The leaf of the act that the steward's own institution reads.
Task<absl::StatusOr<common::v1::Written>> WrittenUnder(const rpc::ServiceContext& context, Deciding deciding,
                                                       bool want_proof) {
  CO_ASSIGN_OR_RETURN(const storage::LeafRange leaf,
                      FindLeafOf(context.log, deciding.claim, deciding.event.institution));
  absl::StatusOr<common::v1::Written> written = co_await rpc::WrittenOf(context, leaf, want_proof, true);
  co_return written;
}

}  // namespace

Task<absl::StatusOr<v1::ListCandidatesResponse>> CandidateHandlers::ListCandidates(
    rpc::Call call, v1::ListCandidatesRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  const rpc::ServiceContext& context = registry_.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  const absl::StatusOr<std::string> token = crypto::HexDecode(request.page_token());
  if (!token.ok()) {
    co_return rpc::InvalidField("page_token", "is none of this list's");
  }
  co_await ResumeOn(context.executor);
  const audit::Event base = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_CANDIDATE_COMPARED, "");
  const size_t most = PageSize(request.page_size());
  v1::ListCandidatesResponse response;
  std::vector<audit::Event> events;
  storage::CommitRequest over;
  over.partition = CandidateList(registry_);
  std::string from = *token;
  size_t bytes = 0;
  for (bool more = true; more;) {
    CO_ASSIGN_OR_RETURN(const storage::Page page, context.store.Scan(over.partition, "", from, kRowsAtOnce));
    more = !page.next.empty();
    for (const storage::KeyedEntry& row : page.entries) {
      if (static_cast<size_t>(response.candidates_size()) == most || bytes > kMostBytes ||
          over.batch.size() == kMostOver) {
        response.set_next_page_token(crypto::HexEncode(row.key));
        more = false;
        break;
      }
      CO_ASSIGN_OR_RETURN(const Id128 id, CandidateInListKey(row.key));
      CO_ASSIGN_OR_RETURN(const bool is_over, IsOver(registry_, id, row.key));
      if (is_over) {
        over.preconditions.push_back({row.key, row.entry.version});
        over.batch.push_back({row.key, std::nullopt});
        continue;
      }
      CO_ASSIGN_OR_RETURN(const std::optional<Pair> pair, OpenPair(registry_, id));
      if (pair) {
        *response.add_candidates() = Shown(registry_, call, *pair);
        bytes += response.candidates(response.candidates_size() - 1).ByteSizeLong();
        CO_RETURN_IF_ERROR(AppendCompared(base, registry_, *pair, events));
      }
    }
    from = page.next;
  }
  if (!over.batch.empty()) {
    const absl::StatusOr<storage::CommitResult> tidied = co_await context.store.Commit(std::move(over));
    if (!absl::IsAborted(tidied.status())) {  // else somebody listed one again: next time
      CO_RETURN_IF_ERROR(tidied.status());
    }
  }
  if (!events.empty()) {
    const absl::Status told = co_await rpc::WriteLoneLeaves(context, std::move(events));
    if (audit::IsErased(told)) {
      co_return TooContended();  // one of them just now: ask again
    }
    CO_RETURN_IF_ERROR(told);
  }
  co_return response;
}

Task<absl::StatusOr<v1::ConfirmMatchResponse>> CandidateHandlers::ConfirmMatch(
    rpc::Call call, v1::ConfirmMatchRequest request) {
  CO_RETURN_IF_ERROR(LinksAreOn(registry_));
  absl::StatusOr<Deciding> deciding = co_await DecidingOf(registry_, call, request, kConfirm, true);
  CO_RETURN_IF_ERROR(deciding.status());
  const absl::Status decided = co_await Decide(registry_, *deciding);
  CO_RETURN_IF_ERROR(decided);
  if (!deciding->link) {
    LinkWish wish = WishOf(*deciding);
    const absl::StatusOr<Linked> linked = co_await LinkPersons(registry_.files(), std::move(wish));
    if (audit::IsErased(linked.status())) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(linked.status());
    const absl::Status settled =
        co_await SettleCandidate(registry_, deciding->id, deciding->event.event_id, *linked);
    CO_RETURN_IF_ERROR(settled);
    if (linked->result != LinkResult::kAlready) {
      CO_RETURN_IF_ERROR(LinkRefusal(linked->result));
    }
    deciding->link = linked->link;
  }
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenUnder(registry_.context, *deciding, request.want_proof());
  CO_RETURN_IF_ERROR(written.status());
  v1::ConfirmMatchResponse response;
  response.set_link_id(deciding->link->ToHex());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<v1::RejectMatchResponse>> CandidateHandlers::RejectMatch(rpc::Call call,
                                                                             v1::RejectMatchRequest request) {
  absl::StatusOr<Deciding> deciding = co_await DecidingOf(registry_, call, request, kReject, false);
  CO_RETURN_IF_ERROR(deciding.status());
  const absl::Status decided = co_await Decide(registry_, *deciding);
  CO_RETURN_IF_ERROR(decided);
  absl::StatusOr<common::v1::Written> written =
      co_await WrittenUnder(registry_.context, *deciding, request.want_proof());
  CO_RETURN_IF_ERROR(written.status());
  v1::RejectMatchResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::consent
