#include "services/consent/erasure_notices.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/period.h"
#include "services/consent/duties.h"
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
  Id128 id;
  bool emergency = false;
  Bases bases;
  std::vector<Line> lines;  // empty: all of them
};

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional(*id) : std::nullopt;
}

absl::StatusOr<std::optional<Cause>> CauseOf(const audit::FollowedLeaf& leaf) {
  const std::optional<Id128> person = PersonOf(leaf);
  if (!person || leaf.header.exercise()) {
    return std::optional<Cause>();
  }
  Cause cause;
  cause.person = *person;
  cause.leaf = leaf.index;
  v1::ConsentWithdrawn withdrawn;
  v1::EmergencyReviewed reviewed;
  if (leaf.details.payload().UnpackTo(&withdrawn)) {
    if (withdrawn.end() == v1::CONSENT_END_TERMINATED) {
      return std::optional<Cause>();
    }
    ASSIGN_OR_RETURN(cause.id, Id128::FromBytes(leaf.header.event_id()));
    cause.bases.insert(withdrawn.consent_ids().begin(), withdrawn.consent_ids().end());
    cause.lines = LinesFrom(withdrawn.lines());
  } else if (leaf.details.payload().UnpackTo(&reviewed) &&
             reviewed.outcome() == v1::REVIEW_OUTCOME_NOT_JUSTIFIED) {
    ASSIGN_OR_RETURN(cause.id, Id128::FromHex(reviewed.emergency_id()));
    cause.emergency = true;
    cause.bases.insert(reviewed.emergency_id());
  } else {
    return std::optional<Cause>();
  }
  return std::optional(std::move(cause));
}

using Asked = std::map<std::string, std::set<std::string>>;  // institution → categories it had permits for

absl::StatusOr<Asked> WhoIsAsked(Registry& registry, const Cause& cause) {
  const std::shared_ptr<const Rules> rules = registry.rules.Of(registry.context.directory());
  audit::Log& log = registry.context.log;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, {cause.person}));
  Asked asked;
  const absl::Status read = ForEachPermitOn(
      log, leaves, cause.leaf, cause.bases,
      [&](const audit::OpenedLeaf& leaf, const v1::CheckDecided& check) {
        Line permitted;
        permitted.purposes = {leaf.leaf.header.purpose()};
        permitted.categories = CategoriesOn(leaf, check, cause.bases);
        permitted.recipients = {{check.recipient().institution(), ""}};
        permitted.acts = {check.act()};
        const bool taken = cause.lines.empty() ||
                           std::any_of(cause.lines.begin(), cause.lines.end(),
                                       [&](const Line& line) { return Overlap(line, permitted, *rules); });
        if (taken) {
          asked[check.recipient().institution()].insert(permitted.categories.begin(),
                                                        permitted.categories.end());
        }
      });
  RETURN_IF_ERROR(read);
  return asked;
}

struct Notice {
  Cause cause;
  std::string institution;
  std::vector<std::string> categories;
  Id128 id;
};

audit::Event AskedEvent(const rpc::ServiceContext& context, const Notice& notice, absl::Time due) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "consent";
  call.directory = context.directory();
  audit::Event event = rpc::EventOf(call, {call.caller.Name(), "", ""}, audit::v1::EVENT_CLASS_ERASURE_ASKED,
                                    notice.id.ToHex());
  event.event_id = notice.id;
  event.categories = notice.categories;
  event.details.mutable_recipient()->set_institution(notice.institution);
  v1::ErasureAsked payload;
  payload.set_notice_id(notice.id.ToHex());
  payload.set_institution(notice.institution);
  if (notice.cause.emergency) {
    payload.set_emergency_id(notice.cause.id.ToHex());
  } else {
    payload.set_withdrawal_id(notice.cause.id.ToHex());
  }
  *payload.mutable_due() = TimeTo(due);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

absl::StatusOr<PlannedAct> PlanNotice(Registry& registry, const Notice& notice, const PersonState& state,
                                      absl::Time instant) {
  const std::string row = ErasureDutyRow(notice.institution, notice.id);
  v1::StoredDuty stored;
  ASSIGN_OR_RETURN(const bool asked, registry.store.OpenRowOfName(notice.cause.person, row, stored));
  if (asked) {
    return absl::AlreadyExistsError("asked before");
  }
  const DutyName duty{notice.institution, notice.cause.person, v1::DUTY_KIND_ANSWER_ERASURE, notice.id,
                      WholeMicros(AddMonths(instant, 1, registry.paris.zone()))};
  stored.set_id(notice.id.ToBytes());
  stored.set_due(Micros(duty.due));
  stored.set_since(Micros(instant));
  (notice.cause.emergency ? stored.mutable_emergency_id() : stored.mutable_withdrawal_id())
      ->assign(notice.cause.id.ToBytes());
  PlannedAct act;
  act.state = state;
  act.event = AskedEvent(registry.context, notice, duty.due);
  act.remembered.set_event_id(notice.id.ToBytes());
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(notice.cause.person, row, stored));
  act.rows.push_back(std::move(mutation));
  act.first.push_back(AddDuty(registry.context, duty));
  return act;
}

// Made before, or nobody is there to be protected any more: nothing is left to do.
bool NothingLeft(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || absl::IsNotFound(status) || audit::IsErased(status);
}

Task<absl::Status> Ask(Registry& registry, Notice notice) {
  ActRequest what;
  what.person = notice.cause.person;
  what.owner = "service/consent";
  what.method = kAsk;
  what.request_id = notice.id.ToHex();
  what.content = std::make_shared<v1::ErasureAsked>();
  what.of_name = true;
  const PlanAct plan = [&registry, notice](const PersonState& state, absl::Time instant) {
    return PlanNotice(registry, notice, state, instant);
  };
  const absl::StatusOr<RecordedAct> act =
      co_await RecordAct(registry.context, registry.store, std::move(what), plan);
  co_return NothingLeft(act.status()) ? absl::OkStatus() : act.status();
}

}  // namespace

Id128 ErasureNoticeId(const Id128& cause, const Id128& person, std::string_view institution) {
  const std::string digest = crypto::Sha256(
      absl::StrCat("relais erasure notice v1", cause.ToBytes(), person.ToBytes(), std::string(institution)));
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

bool ErasureNotices::Wants(audit::v1::EventClass event_class) {
  return event_class == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN ||
         event_class == audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED;
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
    co_return absl::OkStatus();  // asked already
  }
  CO_ASSIGN_OR_RETURN(const std::optional<Cause> cause, CauseOf(leaf));
  if (!cause) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(registry_.context.executor);
  CO_ASSIGN_OR_RETURN(const Asked asked, WhoIsAsked(registry_, *cause));
  for (const auto& [institution, categories] : asked) {
    Notice notice{*cause, institution, {categories.begin(), categories.end()}, {}};
    notice.id = ErasureNoticeId(cause->id, cause->person, institution);
    const absl::Status done = co_await Ask(registry_, std::move(notice));
    CO_RETURN_IF_ERROR(done);
  }
  co_return absl::OkStatus();
}

}  // namespace relais::consent
