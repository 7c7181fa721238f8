#include "services/consent/erasure_notices.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/her_acts.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/permits_given.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

// The name that a notice is remembered under; no method of the API has it.
constexpr char kAsk[] = "relais.consent.v1.ConsentService/erasure-notice";

// What was taken back, of whom.
struct Cause {
  Id128 person;
  uint64_t leaf = 0;
  absl::Time time;
  Id128 id;
  MeantBasis meant;         // what the permits meant rest on
  std::vector<Line> lines;  // empty: all of that
};

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

// Nothing was taken back: none.
std::optional<Cause> CauseOf(const audit::FollowedLeaf& leaf) {
  const std::optional<Id128> person = PersonOf(leaf);
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.header.event_id());
  if (!person || !id.ok() || leaf.header.exercise()) {
    return std::nullopt;
  }
  Cause cause{*person, leaf.index, leaf.time, *id, OnAnyAgreement(), {}};
  v1::ConsentWithdrawn withdrawn;
  v1::RefusalRecorded refused;
  v1::EmergencyReviewed reviewed;
  if (leaf.details.payload().UnpackTo(&withdrawn) && withdrawn.end() != v1::CONSENT_END_TERMINATED) {
    // Her lines decide, not the list of agreements, which may be cut.
    if (!withdrawn.consent_id().empty()) {
      cause.meant = OnAnyOf({withdrawn.consent_id()});
    }
    cause.lines = LinesFrom(withdrawn.lines());
    return cause;
  }
  if (leaf.details.payload().UnpackTo(&refused)) {
    cause.lines = LinesFrom(refused.lines());
    return cause;
  }
  if (leaf.details.payload().UnpackTo(&reviewed) && reviewed.outcome() == v1::REVIEW_OUTCOME_NOT_JUSTIFIED) {
    cause.meant = OnAnyOf({reviewed.emergency_id()});
    return cause;
  }
  return std::nullopt;
}

// What one side of a split has and the other has not: agreements and emergencies.
std::set<std::string> BasesWithout(const PersonState& theirs, const PersonState& ours) {
  std::set<std::string> bases;
  for (const Agreement& agreement : theirs.agreements()) {
    if (ours.FindAgreement(agreement.id) == nullptr) {
      bases.insert(agreement.id.ToHex());
    }
  }
  for (const Emergency& emergency : theirs.emergencies()) {
    if (ours.FindEmergency(emergency.id) == nullptr) {
      bases.insert(emergency.id.ToHex());
    }
  }
  return bases;
}

// They are two: what was permitted under the names of the one side on what stands on the other was another
// human's. Of the leaves of a split that about who stays is the cause on her side, and that about who left on
// hers; whoever went along has hers from that one.
Task<absl::StatusOr<std::vector<Cause>>> CausesOfSplit(Registry& registry, audit::FollowedLeaf leaf,
                                                       v1::PersonsSplit split) {
  const std::optional<Id128> person = PersonOf(leaf);
  CO_ASSIGN_OR_RETURN(const Id128 link, Id128::FromHex(split.link_id()));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(leaf.header.event_id()));
  CO_ASSIGN_OR_RETURN(const std::optional<Between> begun, FindLinkBetween(registry.files(), link));
  std::vector<Cause> causes;
  if (!person || !begun) {
    co_return causes;
  }
  const absl::Status completed = co_await CompleteLink(registry.files(), begun->linked);
  CO_RETURN_IF_ERROR(completed);
  CO_ASSIGN_OR_RETURN(const std::optional<Between> between, FindLinkBetween(registry.files(), link));
  if (!between || (*person != between->canonical && *person != between->linked)) {
    co_return causes;
  }
  const Id128 other = *person == between->canonical ? between->linked : between->canonical;
  const absl::StatusOr<VersionedState> theirs = registry.store.LoadFresh(other);
  if (absl::IsNotFound(theirs.status())) {
    co_return causes;  // erased
  }
  CO_RETURN_IF_ERROR(theirs.status());
  CO_ASSIGN_OR_RETURN(const VersionedState ours, registry.store.LoadFresh(*person));
  const std::set<std::string> bases = BasesWithout(*theirs->state, *ours.state);
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, registry.store.GroupOf(*person));
  for (const Id128& name : names) {
    causes.push_back(Cause{name, leaf.index, leaf.time, id, OnAnyOf(bases), {}});
  }
  co_return causes;
}

using ByInstitution = std::map<std::string, PermittedItems>;

void AddAsked(const audit::OpenedLeaf& leaf, ByInstitution& asked) {
  v1::ErasureAsked notice;
  if (!leaf.details.payload().UnpackTo(&notice)) {
    return;
  }
  for (const v1::ErasureItem& item : notice.items()) {
    for (const std::string& category : item.categories()) {
      uint64_t& before = asked[notice.institution()][{item.purpose(), category}];
      before = std::max(before, notice.cause_leaf());
    }
  }
}

// What a cause takes back of a permit and she does not give again: her state now.
class WhatIsTakenBack {
 public:
  WhatIsTakenBack(const Cause& cause, const PersonState& state, const Rules& rules, absl::Time now)
      : cause_(cause), state_(state), rules_(rules), now_(now), by_number_(WithdrawalByNumber()) {}

  void Add(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check, ByInstitution& permitted) const {
    const Question question = QuestionOf(leaf, check);
    for (const std::string& category : CategoriesOn(leaf, check, cause_.meant)) {
      const Line one{{question.purpose}, {category}, {{question.recipient, ""}}, {question.act}};
      const bool taken =
          cause_.lines.empty() || std::any_of(cause_.lines.begin(), cause_.lines.end(),
                                              [&](const Line& line) { return Overlap(line, one, rules_); });
      if (taken) {
        AddUnlessGiven(leaf, question, category, permitted);
      }
    }
    if (by_number_ == nullptr) {
      return;
    }
    // What rested on another agreement is denied from then on where it has the lines of the one she named.
    for (const std::string& category : CategoriesOn(leaf, check, OnAnyAgreement())) {
      if (IsAbout(*by_number_, state_, question, category, rules_)) {
        AddUnlessGiven(leaf, question, category, permitted);
      }
    }
  }

 private:
  // The cause, where it is one and still stands in her history.
  [[nodiscard]] const Denial* WithdrawalByNumber() const {
    const auto found = std::find_if(
        state_.denials().begin(), state_.denials().end(),
        [&](const Denial& denial) { return denial.id == cause_.id && denial.agreement.has_value(); });
    return found == state_.denials().end() ? nullptr : &*found;
  }

  void AddUnlessGiven(const audit::OpenedLeaf& leaf, const Question& question, const std::string& category,
                      ByInstitution& permitted) const {
    if (ReadHerActs(state_, question, category, rules_, now_).agreement == nullptr) {
      permitted[question.recipient][{question.purpose, category}] = leaf.index;
    }
  }

  const Cause& cause_;
  const PersonState& state_;
  const Rules& rules_;
  const absl::Time now_;
  const Denial* const by_number_;
};

struct Notice {
  Cause cause;
  std::string institution;
  google::protobuf::RepeatedPtrField<v1::ErasureItem> items;
  Id128 id;
};

std::optional<Notice> NoticeTo(const Cause& cause, const std::string& institution,
                               const PermittedItems& permitted, const PermittedItems& asked) {
  PermittedItems due;
  for (const auto& [item, permit] : permitted) {
    const auto before = asked.find(item);
    if (before == asked.end() || permit >= before->second) {
      due.emplace(item, permit);
    }
  }
  if (due.empty()) {
    return std::nullopt;
  }
  return Notice{cause, institution, ItemsTo(due), ErasureNoticeId(cause.id, cause.person, institution)};
}

absl::StatusOr<std::vector<Notice>> NoticesFor(Registry& registry, const Cause& cause) {
  audit::Log& log = registry.context.log;
  ASSIGN_OR_RETURN(const VersionedState now, registry.store.Load(cause.person));
  const std::shared_ptr<const Rules> rules = registry.rules.Of(registry.context.directory());
  const WhatIsTakenBack taken(cause, *now.state, *rules, std::max(log.Now(), now.state->latest()));
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, {cause.person}));
  ByInstitution permitted;
  ByInstitution asked;
  RETURN_IF_ERROR(ForEachLeaf(log, leaves, [&](const audit::OpenedLeaf& leaf) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASURE_ASKED) {
      AddAsked(leaf, asked);
    } else if (const auto check = PermitIn(leaf); check && leaf.index < cause.leaf) {
      taken.Add(leaf, *check, permitted);
    }
  }));
  std::vector<Notice> notices;
  for (const auto& [institution, items] : permitted) {
    if (std::optional<Notice> notice = NoticeTo(cause, institution, items, asked[institution])) {
      notices.push_back(*std::move(notice));
    }
  }
  return notices;
}

// The same however often it is tried.
DutyName DutyOf(const Registry& registry, const Notice& notice) {
  return {notice.institution, notice.cause.person, v1::DUTY_KIND_ANSWER_ERASURE, notice.id,
          TimesOfNotice(registry.paris, notice.cause.time).due};
}

audit::Event AskedEvent(const rpc::ServiceContext& context, const Notice& notice, absl::Time due) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "consent";
  call.directory = context.directory();
  audit::Event event = rpc::EventOf(call, {call.caller.Name(), "", ""}, audit::v1::EVENT_CLASS_ERASURE_ASKED,
                                    notice.id.ToHex());
  event.event_id = notice.id;
  std::set<std::string> categories;
  for (const v1::ErasureItem& item : notice.items) {
    categories.insert(item.categories().begin(), item.categories().end());
  }
  event.categories.assign(categories.begin(), categories.end());
  event.details.mutable_recipient()->set_institution(notice.institution);
  v1::ErasureAsked payload;
  payload.set_notice_id(notice.id.ToHex());
  payload.set_institution(notice.institution);
  payload.set_cause_id(notice.cause.id.ToHex());
  payload.set_cause_leaf(notice.cause.leaf);
  *payload.mutable_due() = TimeTo(due);
  *payload.mutable_items() = notice.items;
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

constexpr char kAskedBefore[] = "asked before";

absl::StatusOr<PlannedAct> PlanNotice(Registry& registry, const Notice& notice, const PersonState& state) {
  const DutyName duty = DutyOf(registry, notice);
  const std::string row = ErasureDutyRow(notice.institution, notice.id);
  v1::StoredDuty stored;
  ASSIGN_OR_RETURN(const bool asked, registry.store.OpenRowOfName(notice.cause.person, row, stored));
  if (asked) {
    return absl::AlreadyExistsError(kAskedBefore);
  }
  stored.set_id(notice.id.ToBytes());
  stored.set_due(Micros(duty.due));
  stored.set_since(Micros(TimesOfNotice(registry.paris, notice.cause.time).since));
  *stored.mutable_items() = notice.items;
  PlannedAct act;
  act.state = state;
  act.event = AskedEvent(registry.context, notice, duty.due);
  act.remembered.set_event_id(notice.id.ToBytes());
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(notice.cause.person, row, stored));
  act.rows.push_back(std::move(mutation));
  act.first.push_back(AddDuty(registry.context, duty));
  return act;
}

bool SheIsGone(const absl::Status& status) {
  return audit::IsErased(status) || rpc::ReasonOf(status) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
}

Task<absl::Status> Ask(Registry& registry, Notice notice) {
  ActRequest what;
  what.person = notice.cause.person;
  what.owner = "service/consent";
  what.method = kAsk;
  what.request_id = notice.id.ToHex();
  what.content = std::make_shared<v1::ErasureAsked>();
  what.of_name = true;
  const PlanAct plan = [&registry, notice](const PersonState& state, absl::Time /*instant*/) {
    return PlanNotice(registry, notice, state);
  };
  const absl::StatusOr<RecordedAct> act =
      co_await RecordAct(registry.context, registry.store, std::move(what), plan);
  if (SheIsGone(act.status())) {  // nor may the entry stay that was made before
    storage::CommitRequest gone = RemoveDuty(registry.context, DutyOf(registry, notice));
    const absl::StatusOr<storage::CommitResult> removed =
        co_await registry.context.store.Commit(std::move(gone));
    co_return removed.status();
  }
  co_return absl::IsAlreadyExists(act.status()) && act.status().message() == kAskedBefore ? absl::OkStatus()
                                                                                          : act.status();
}

// Asks whoever is to be asked because of it.
Task<absl::Status> AskAll(Registry& registry, Cause cause) {
  const absl::StatusOr<std::vector<Notice>> notices = NoticesFor(registry, cause);
  if (SheIsGone(notices.status())) {
    co_return absl::OkStatus();
  }
  if (absl::IsDataLoss(notices.status())) {
    // What is damaged is fsck's to say; what follows this log does not wait for it.
    log::Error("no notices to erase are made for a leaf: one before it, about the same person, does not open",
               {log::Field::Count("leaf", static_cast<int64_t>(cause.leaf))});
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(notices.status());
  for (const Notice& notice : *notices) {
    const absl::Status done = co_await Ask(registry, notice);
    CO_RETURN_IF_ERROR(done);
  }
  co_return absl::OkStatus();
}

}  // namespace

Id128 ErasureNoticeId(const Id128& cause, const Id128& person, std::string_view institution) {
  const std::string digest = crypto::Sha256(
      absl::StrCat("relais erasure notice v1", cause.ToBytes(), person.ToBytes(), std::string(institution)));
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

bool ErasureNotices::Wants(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN ||
         event_class == audit::v1::EVENT_CLASS_REFUSAL_RECORDED ||
         event_class == audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED ||
         event_class == audit::v1::EVENT_CLASS_PERSONS_SPLIT;
}

std::string ErasureNotices::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person ? person->ToBytes() : "";
}

bool ErasureNotices::Concerns(const audit::FollowedLeaf& leaf) const {
  return Wants(leaf.header.event_class());
}

Task<absl::Status> ErasureNotices::Apply(audit::FollowedLeaf leaf, bool effects) {
  if (!effects) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(registry_.context.executor);
  std::vector<Cause> causes;
  v1::PersonsSplit split;
  if (leaf.details.payload().UnpackTo(&split)) {
    absl::StatusOr<std::vector<Cause>> of_split = co_await CausesOfSplit(registry_, leaf, split);
    if (SheIsGone(of_split.status())) {
      co_return absl::OkStatus();
    }
    CO_RETURN_IF_ERROR(of_split.status());
    causes = *std::move(of_split);
  } else if (std::optional<Cause> cause = CauseOf(leaf)) {
    causes.push_back(*std::move(cause));
  }
  for (const Cause& cause : causes) {
    const absl::Status asked = co_await AskAll(registry_, cause);
    CO_RETURN_IF_ERROR(asked);
  }
  co_return absl::OkStatus();
}

}  // namespace relais::consent
