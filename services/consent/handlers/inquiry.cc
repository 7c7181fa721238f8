#include "services/consent/handlers/inquiry.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/domain/stated_ground.h"
#include "services/consent/handlers/questions.h"
#include "services/consent/teams.h"

namespace relais::consent {

absl::StatusOr<std::shared_ptr<const Inquiry>> Inquire(Registry& registry, rpc::Call call,
                                                       v1::CheckRequest request) {
  RETURN_IF_ERROR(CheckMayAsk(call, request.sender(), request.recipient()));
  if (request.has_time() && !request.dry_run()) {
    return rpc::InvalidField("time", "only with dry_run");
  }
  // D-2.6.7: from instant to instant it would tell an institution when and why she said no.
  if (request.has_time() && !call.caller.is_service()) {
    return rpc::InvalidField("time", "only for services");
  }
  auto inquiry = std::make_shared<Inquiry>();
  inquiry->rules = registry.rules.Of(call.directory);
  ASSIGN_OR_RETURN(inquiry->question, QuestionFrom(call, *inquiry->rules, request));
  inquiry->call = std::move(call);
  inquiry->request = std::move(request);
  return inquiry;
}

namespace {

// What comes with each category that is permitted: what comes with a question about it alone.
std::vector<Obligations> OwedByCategory(const Inquiry& inquiry, const Answer& answer) {
  std::vector<Obligations> owed;
  owed.reserve(answer.categories.size());
  for (size_t i = 0; i < answer.categories.size(); ++i) {
    owed.push_back(ObligationsOf(answer.categories[i], inquiry.question.categories[i], *inquiry.rules));
  }
  return owed;
}

}  // namespace

absl::StatusOr<Decided> DecideNow(Registry& registry, const Inquiry& inquiry, const Id128& person,
                                  bool fresh) {
  Decided decided;
  // The size first: her state may then only be newer than it says, never older.
  decided.size = registry.context.log.state().size;
  ASSIGN_OR_RETURN(const VersionedState loaded,
                   fresh ? registry.store.LoadFresh(person) : registry.store.Load(person));
  // Never before her last act, whatever the clock did: an act that is there counts.
  decided.now = inquiry.request.has_time()
                    ? TimeFrom(inquiry.request.time())
                    : std::max(WholeMicros(registry.context.log.Now()), loaded.state->latest());
  decided.version = loaded.version;
  decided.root = loaded.RootFor(person);
  decided.unfinished = loaded.unfinished;
  Teams teams;
  if (MayBeTeam(*loaded.state, inquiry.question, *inquiry.rules)) {
    ASSIGN_OR_RETURN(teams, ReadTeams(registry, person));
  }
  const Moment moment{decided.now, registry.paris.DayOf(decided.now)};
  decided.answer = Decide(*loaded.state, inquiry.question, *inquiry.rules, moment, teams);
  decided.owed = OwedByCategory(inquiry, decided.answer);
  return decided;
}

namespace {

std::string BasisOf(const CategoryAnswer& category) {
  return category.basis ? category.basis->ToHex() : std::string();
}

// Where one ground and one agreement do not speak for every category of a permit.
void AddBases(const v1::CheckRequest& request, const Answer& answer, v1::CheckDecided& payload) {
  const bool alike =
      std::all_of(answer.categories.begin(), answer.categories.end(), [&](const auto& category) {
        return category.ground == answer.whole.ground && category.basis == answer.whole.basis &&
               category.represented == answer.whole.represented;
      });
  if (!answer.whole.permitted() || alike) {
    return;
  }
  for (size_t i = 0; i < answer.categories.size(); ++i) {
    v1::CategoryBasis* basis = payload.add_bases();
    basis->set_category(request.categories(static_cast<int>(i)));
    basis->set_ground(answer.categories[i].ground);
    basis->set_consent_id(BasisOf(answer.categories[i]));
    basis->set_represented(answer.categories[i].represented);
  }
}

// As PackFrom does, without spelling out the type's name for each check.
void Pack(const v1::CheckDecided& payload, google::protobuf::Any& any) {
  static const std::string& type =
      *new std::string(absl::StrCat("type.googleapis.com/", v1::CheckDecided::descriptor()->full_name()));
  any.set_type_url(type);
  any.set_value(payload.SerializeAsString());
}

}  // namespace

absl::StatusOr<storage::CommitRequest> CommitOf(Registry& registry, const Inquiry& inquiry,
                                                const Id128& person, const Decided& decided) {
  const v1::CheckRequest& request = inquiry.request;
  const rpc::Caller& caller = inquiry.call.caller;
  const CategoryAnswer& whole = decided.answer.whole;
  audit::Event event = rpc::EventOf(inquiry.call, {caller.Name(), caller.function, caller.agent},
                                    audit::v1::EVENT_CLASS_CHECK_DECIDED, request.request_id());
  event.event_id = decided.event_id;
  event.subject = PersonSubject(person);
  event.ground = whole.ground;
  event.decision = whole.decision;
  event.purpose = request.purpose();
  event.categories.assign(request.categories().begin(), request.categories().end());
  std::sort(event.categories.begin(), event.categories.end());
  event.categories.erase(std::unique(event.categories.begin(), event.categories.end()),
                         event.categories.end());
  event.exercise = request.exercise();
  *event.details.mutable_recipient() = request.recipient();
  event.details.set_relation(whole.ground == common::v1::GROUND_TEAM ? "REFERENT"
                             : request.recipient_desk().empty()      ? "NONE"
                                                                     : "DESK");
  if (!whole.permitted()) {
    event.details.set_denial_reason(v1::Reason_Name(whole.reason));
  }
  v1::CheckDecided payload;
  *payload.mutable_sender() = request.sender();
  *payload.mutable_recipient() = request.recipient();
  payload.set_act(request.act());
  payload.set_consent_id(BasisOf(whole));
  payload.set_represented(whole.represented);
  payload.set_recipient_kind(std::string(inquiry.rules->KindOf(request.recipient().institution())));
  payload.set_reason(whole.reason);
  payload.set_source_reference(request.stated_ground().source_reference());
  payload.set_decided_at_size(decided.size);
  const std::vector<CategoryAnswer>& answers = decided.answer.categories;
  const bool on_duty = std::any_of(answers.begin(), answers.end(), [](const CategoryAnswer& answer) {
    return answer.permitted() && IsLegalDuty(answer.ground);
  });
  if (whole.permitted() && on_duty) {
    payload.set_facts(request.stated_ground().facts());
  }
  payload.set_stated_ground(request.stated_ground().ground());
  payload.set_signal_type(request.stated_ground().signal_type());
  payload.set_event(request.stated_ground().event());
  AddBases(request, decided.answer, payload);
  Pack(payload, *event.details.mutable_payload());
  storage::CommitRequest commit;
  commit.partition = PersonPartition(decided.root);
  commit.preconditions.push_back({std::string(kStateKey), decided.version});
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, registry.context.log.Draft(std::move(event)));
  commit.leaves.push_back(std::move(leaf));
  return commit;
}

bool RestsOnTheSame(common::v1::Ground ground, const v1::CheckDecided& recorded, const Answer& now) {
  const std::vector<CategoryAnswer>& categories = now.categories;
  const auto rests = [](const CategoryAnswer& category, common::v1::Ground on, const std::string& basis) {
    return category.permitted() && category.ground == on && BasisOf(category) == basis;
  };
  if (recorded.bases().empty()) {  // all rest on the one
    return std::all_of(categories.begin(), categories.end(), [&](const CategoryAnswer& category) {
      return rests(category, ground, recorded.consent_id());
    });
  }
  return std::equal(categories.begin(), categories.end(), recorded.bases().begin(), recorded.bases().end(),
                    [&](const CategoryAnswer& category, const v1::CategoryBasis& basis) {
                      return rests(category, basis.ground(), basis.consent_id());
                    });
}

absl::Time PermitEnd(const Decided& decided, absl::Duration life) {
  return std::min(decided.now + life, decided.answer.whole.expires);
}

v1::Permit PermitOf(const audit::Log& log, uint64_t leaf, absl::Time end) {
  v1::Permit permit;
  permit.set_permit_id(absl::StrCat(log.origin(), ":", leaf));
  *permit.mutable_expires() = TimeTo(end);
  return permit;
}

}  // namespace relais::consent
