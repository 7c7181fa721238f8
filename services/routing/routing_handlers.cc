#include "services/routing/routing_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/routing/change.h"
#include "services/routing/domain/content.h"
#include "services/routing/domain/delivery.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {

Query QueryOf(const v1::MessageState& message, const v1::Situation& situation, std::string desk) {
  Query query;
  query.sender = message.sender().institution();
  query.signal_type = message.stated_ground().signal_type();
  query.event = message.stated_ground().event();
  query.situation = situation;
  query.urgency = message.urgency();
  query.desk = std::move(desk);
  return query;
}

// Who may send in whose name: an institution in its own, a service for the one it names. The function is that
// of the human who acts, never one that is merely claimed.
absl::StatusOr<rpc::Actor> SenderOf(const rpc::Call& call, const common::v1::Party& sender,
                                    const std::string& agent) {
  if (call.caller.is_service()) {
    if (call.directory->FindInstitution(sender.institution()) == nullptr) {
      return rpc::InvalidField("sender.institution", "is not in the directory");
    }
    return rpc::Actor{sender.institution(), sender.function(), agent};
  }
  if (!sender.function().empty() && sender.function() != call.caller.function) {
    return rpc::InvalidField("sender.function", "must be that of the human who acts");
  }
  if (sender.institution() != call.caller.institution) {
    return rpc::InvalidField("sender.institution", "must be the caller's own institution");
  }
  if (!agent.empty()) {
    return rpc::InvalidField("agent", "is for services; name the human in metadata relais-agent");
  }
  return rpc::Actor{sender.institution(), call.caller.function, call.caller.agent};
}

absl::Status CheckCodes(const directory::Directory& directory, const std::string& purpose,
                        const google::protobuf::RepeatedPtrField<std::string>& categories) {
  if (directory.FindPurpose(purpose) == nullptr) {
    return rpc::InvalidField("purpose", "is not a purpose of the directory");
  }
  for (int i = 0; i < categories.size(); ++i) {
    if (directory.FindCategory(categories[i]) == nullptr) {
      return rpc::InvalidField("categories[" + std::to_string(i) + "]", "is not a category of the directory");
    }
  }
  return absl::OkStatus();
}

// Of data on offences a recipient sees at most that she leaves an institution, and the day (D-2.7).
absl::Status CheckOffenceData(const directory::Directory& directory, const v1::SubmitRequest& request) {
  const v1::Content& content = request.content();
  if (!content.has_planned_exit()) {
    return HasOffenceData(directory, request.categories())
               ? rpc::InvalidField("content", "of data on offences may be a planned exit alone")
               : absl::OkStatus();
  }
  if (!HasOffenceDataAlone(directory, request.categories())) {
    return rpc::InvalidField("categories", "must be data on offences alone: a planned exit holds no other");
  }
  const common::v1::StatedGround& stated = request.stated_ground();
  if (stated.ground() != common::v1::GROUND_AUTHORISED_EXIT) {
    return rpc::InvalidField("stated_ground.ground", "of a planned exit is GROUND_AUTHORISED_EXIT");
  }
  const common::v1::Date& day = content.planned_exit().leaving_on();
  if (!content.planned_exit().has_leaving_on() || !stated.has_event_day() ||
      day.SerializeAsString() != stated.event_day().SerializeAsString()) {
    return rpc::InvalidField("stated_ground.event_day", "must be the day on which she leaves");
  }
  if (!request.marks().empty()) {
    return rpc::InvalidField("marks", "a planned exit has none");
  }
  return absl::OkStatus();
}

// What is asked, before it has a recipient.
template <typename Request>
v1::MessageState DraftOf(const Request& request, const rpc::Actor& actor, const Id128& person) {
  v1::MessageState message;
  message.set_person(person.ToBytes());
  message.mutable_sender()->set_institution(actor.institution);
  message.mutable_sender()->set_function(actor.function);
  message.set_purpose(request.purpose());
  *message.mutable_categories() = request.categories();
  if (request.has_stated_ground()) {
    *message.mutable_stated_ground() = request.stated_ground();
  }
  message.set_urgency(request.urgency());
  return message;
}

}  // namespace

Task<absl::StatusOr<consent::v1::CheckResponse>> RoutingHandlers::Ask(v1::MessageState message,
                                                                      Candidate candidate,
                                                                      bool with_stated_ground) {
  message.set_desk(candidate.desk->id);
  message.mutable_recipient()->set_institution(candidate.desk->institution);
  message.mutable_recipient()->set_function(candidate.function);
  consent::v1::CheckRequest check = Courier::CheckOf(message);
  check.set_dry_run(true);
  if (!with_stated_ground) {
    check.mutable_stated_ground()->set_ground(common::v1::GROUND_AGREEMENT);
  }
  auto answer = co_await peers_.check(std::move(check), settings_.peer_timeout);
  if (!answer.ok()) {
    co_return rpc::PeerFailure(answer.status(), "consent");
  }
  co_return std::move(*answer);
}

Task<absl::StatusOr<RoutingHandlers::Search>> RoutingHandlers::Find(rpc::Call call, v1::MessageState message,
                                                                    Query query) {
  CO_ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(message.person()));
  CO_ASSIGN_OR_RETURN(const HerPivots pivots, pivots_.Of(person));
  query.pivot_conflict = !pivots.conflict.empty();
  Resolution resolution =
      routing::Resolve(*call.directory, paris_, query, pivots.Leading(), context_.clock.Now());
  Search search;
  search.steps = std::move(resolution.steps);
  for (Candidate& candidate : resolution.candidates) {
    const bool stated = candidate.stated_ground_counts && message.has_stated_ground();
    // The stated ground first; her agreement is the second check (D-1.5).
    for (const bool with_stated_ground : {true, false}) {
      if (with_stated_ground && !stated) {
        continue;
      }
      auto answer = co_await Ask(message, candidate, with_stated_ground);
      if (!answer.ok()) {
        co_return answer.status();
      }
      if (Courier::Permits(message, *answer)) {
        search.steps.push_back(candidate.step);
        search.chosen = Chosen{std::move(candidate), std::move(*answer), !with_stated_ground};
        co_return search;
      }
      search.next_step = answer->next_step();
    }
    search.steps.push_back(
        MakeStep(candidate.step.code() == "PIVOT_ACTIVE" ? "PIVOT_NOT_PERMITTED" : "DESK_NOT_PERMITTED"));
    search.last = std::move(candidate);
  }
  co_return search;
}

Task<absl::StatusOr<v1::ResolveResponse>> RoutingHandlers::Resolve(rpc::Call call,
                                                                   v1::ResolveRequest request) {
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, SenderOf(call, request.sender(), ""));
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckCodes(*call.directory, request.purpose(), request.categories()));
  const v1::MessageState message = DraftOf(request, actor, person);
  const Query query = QueryOf(message, request.situation(), "");
  auto search = co_await Find(call, message, query);
  CO_RETURN_IF_ERROR(search.status());
  v1::ResolveResponse response;
  for (v1::Step& step : search->steps) {
    // Institutions are not told that somebody follows her: routing's reasons about a pivot are for services.
    const bool about_pivot = absl::StartsWith(step.code(), "PIVOT_");
    if (call.caller.is_service() || !about_pivot) {
      *response.add_steps() = std::move(step);
    }
  }
  const absl::Time now = context_.clock.Now();
  const Resolution territory = routing::Resolve(*call.directory, paris_, query, nullptr, now);
  if (!territory.candidates.empty()) {
    response.set_territory_desk(territory.candidates.front().desk->id);
    response.set_territory_institution(territory.candidates.front().desk->institution);
  }
  response.set_decision(search->chosen ? common::v1::DECISION_PERMIT : common::v1::DECISION_DENY);
  if (search->chosen) {
    const directory::Desk& desk = *search->chosen->candidate.desk;
    response.mutable_recipient()->set_institution(desk.institution);
    response.set_desk(desk.id);
    *response.mutable_deadline() = ToProto(DeadlineOf(paris_, desk, request.urgency(), now));
  }
  co_return response;
}

absl::Status RoutingHandlers::CheckSubmission(const rpc::Call& call, const v1::SubmitRequest& request) const {
  RETURN_IF_ERROR(CheckCodes(*call.directory, request.purpose(), request.categories()));
  if (request.content().content_case() == v1::Content::CONTENT_NOT_SET) {
    return rpc::InvalidField("content", "is required");
  }
  if (request.content().has_referent_proposal() && call.caller.service != kOwnName) {
    return rpc::InvalidField("content.referent_proposal", "is routing's own: use ReferentService.Propose");
  }
  if (request.content().has_pivot_conflict()) {
    return rpc::InvalidField("content.pivot_conflict", "is routing's own: made of what it follows");
  }
  if (request.content().has_expiring_paper() && !call.caller.is_service()) {
    return rpc::InvalidField("content.expiring_paper", "is for services");
  }
  if (request.content().has_asked_papers() && !call.caller.is_service()) {
    return rpc::InvalidField("content.asked_papers", "is for services");
  }
  if (StaysWithWhoActsForHer(request.content()) && request.audience().kind() != v1::Audience::KIND_OWN_DESK) {
    return rpc::InvalidField("audience.kind", "must be OWN_DESK for this content");
  }
  if (request.has_audience() && !call.caller.is_service()) {
    return rpc::InvalidField("audience", "is for services");
  }
  if (request.has_audience() && !request.desk().empty()) {
    return rpc::InvalidField("desk", "there is an audience");
  }
  if (request.content().has_agent_search()) {
    return rpc::InvalidField("content.agent_search", "is routing's own: made of a search in a log");
  }
  if (request.content().has_overdue_review()) {
    return rpc::InvalidField("content.overdue_review", "is routing's own: made of what it follows");
  }
  if (request.content().has_vault_closure()) {
    return rpc::InvalidField("content.vault_closure", "is routing's own: made of what it follows");
  }
  RETURN_IF_ERROR(CheckOffenceData(*call.directory, request));
  for (const std::string_view category : CategoriesIn(request.content())) {
    if (std::find(request.categories().begin(), request.categories().end(), category) ==
        request.categories().end()) {
      return rpc::InvalidField("categories",
                               absl::StrCat("lacks ", std::string(category), ", which the content holds"));
    }
  }
  if (!request.correlation().empty() && !call.caller.is_service()) {
    return rpc::InvalidField("correlation", "is for services");
  }
  if (!request.desk().empty() && call.directory->FindDesk(request.desk()) == nullptr) {
    return rpc::InvalidField("desk", "is not a desk of the directory");
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<v1::SubmitResponse>> RoutingHandlers::Submit(rpc::Call call, v1::SubmitRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_RETURN_IF_ERROR(context_.MayDisclose());
  Submission submission;
  CO_ASSIGN_OR_RETURN(submission.actor, SenderOf(call, request.sender(), request.agent()));
  if (!request.exercise()) {
    CO_ASSIGN_OR_RETURN(submission.person, rpc::PersonOf(context_, call, request.person(), "person"));
  }
  CO_RETURN_IF_ERROR(CheckSubmission(call, request));
  const std::string owner = call.caller.Name() + "/" + submission.actor.institution;
  submission.id = context_.idempotency.Bucket("message", owner, request.request_id()).id;
  CO_ASSIGN_OR_RETURN(submission.seen,
                      context_.idempotency.Look(context_.store, RoutingStore::MessagePartition(submission.id),
                                                owner, "Submit", request.request_id(), request));
  if (submission.seen.answer.has_value()) {
    auto again = co_await Answer(std::move(submission), request.want_proof());
    co_return again;
  }
  if (call.caller.is_service()) {  // who alone pulls back
    CO_ASSIGN_OR_RETURN(const std::optional<absl::Time> taken_back, store_.TakenBackAt(submission.id));
    if (taken_back.has_value()) {
      co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_NOT_PERMITTED,
                             "it was pulled back before it came");
    }
  }
  submission.message = DraftOf(request, submission.actor, submission.person);
  *submission.message.mutable_content() = request.content();
  *submission.message.mutable_marks() = request.marks();
  submission.message.set_exercise(request.exercise());
  submission.message.set_correlation(request.correlation());
  if (request.exercise()) {
    auto rehearsed = co_await Rehearse(std::move(call), std::move(request), std::move(submission));
    co_return rehearsed;
  }
  Query query = QueryOf(submission.message, request.situation(), request.desk());
  query.audience = request.audience();
  auto found = co_await Find(call, submission.message, std::move(query));
  CO_RETURN_IF_ERROR(found.status());
  CO_RETURN_IF_ERROR(Address(*found, submission.message));
  // The recorded check, whatever the trials said: this is the permit of the submission, or its denial.
  auto permit = co_await peers_.check(Courier::CheckOf(submission.message), settings_.peer_timeout);
  if (!permit.ok()) {
    co_return rpc::PeerFailure(permit.status(), "consent");
  }
  if (!Courier::Permits(submission.message, *permit)) {
    auto refused = co_await Refuse(call, submission.actor, request.request_id(),
                                   std::move(submission.message), permit->next_step());
    co_return refused;
  }
  auto queued =
      co_await Queue(std::move(call), std::move(request), std::move(submission), std::move(*permit));
  co_return queued;
}

// api.md: it never pages, discloses or counts. Whom it is about and every text are gone before anything is
// kept or asked; so nobody's acts decide where it goes, and it goes to no on-call desk.
Task<absl::StatusOr<v1::SubmitResponse>> RoutingHandlers::Rehearse(rpc::Call call, v1::SubmitRequest request,
                                                                   Submission submission) {
  v1::MessageState& message = submission.message;
  Query query = QueryOf(message, request.situation(), request.desk());
  query.urgency = v1::URGENCY_ORDINARY;
  const common::v1::Ground ground = message.stated_ground().ground();
  message.clear_person();
  message.clear_stated_ground();
  message.mutable_stated_ground()->set_ground(ground);
  LeaveCodesAlone(*call.directory, *message.mutable_content());
  const absl::Time now = context_.clock.Now();
  Resolution resolution = routing::Resolve(*call.directory, paris_, query, nullptr, now);
  Search search;
  if (!resolution.candidates.empty()) {
    search.last = std::move(resolution.candidates.front());
  }
  CO_RETURN_IF_ERROR(Address(search, message));
  consent::v1::CheckResponse permit = Courier::PermitAboutNobody(message, now);
  auto queued = co_await Queue(std::move(call), std::move(request), std::move(submission), std::move(permit));
  co_return queued;
}

Task<absl::StatusOr<v1::PullBackResponse>> RoutingHandlers::PullBack(rpc::Call call,
                                                                     v1::PullBackRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  // As Submit names a message: nobody pulls back another's.
  const std::string owner = call.caller.Name() + "/" + request.sender().institution();
  const Id128 id = context_.idempotency.Bucket("message", owner, request.submitted_as()).id;
  const absl::Status pulled = co_await courier_.TakeBack(id);
  if (!audit::IsErased(pulled)) {  // else it goes with her
    CO_RETURN_IF_ERROR(pulled);
  }
  co_return v1::PullBackResponse();
}

absl::Status RoutingHandlers::Address(const Search& found, v1::MessageState& message) {
  const Candidate& target = found.chosen ? found.chosen->candidate : found.last;
  if (target.desk == nullptr) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_NOT_PERMITTED,
                        "the directory has no desk for this");
  }
  message.set_desk(target.desk->id);
  message.mutable_recipient()->set_institution(target.desk->institution);
  message.mutable_recipient()->set_function(target.function);
  message.set_why(target.step.text());
  if (found.chosen && found.chosen->on_agreement) {
    message.mutable_stated_ground()->set_ground(common::v1::GROUND_AGREEMENT);
  }
  return absl::OkStatus();
}

// Messages of one person are delivered in the order of these instants: no two are the same, and who was
// answered before asking again comes first.
absl::Time RoutingHandlers::NextInstant() {
  const int64_t now = absl::ToUnixMicros(context_.clock.Now());
  int64_t last = last_submitted_;
  int64_t next = 0;
  do {
    next = std::max(now, last + 1);
  } while (!last_submitted_.compare_exchange_weak(last, next));
  return absl::FromUnixMicros(next);
}

Task<absl::StatusOr<v1::SubmitResponse>> RoutingHandlers::Queue(rpc::Call call, v1::SubmitRequest request,
                                                                Submission submission,
                                                                consent::v1::CheckResponse permit) {
  v1::MessageState& message = submission.message;
  const directory::Desk* desk = call.directory->FindDesk(message.desk());
  const absl::Time now = NextInstant();
  message.set_ground(permit.ground());
  message.set_checked_at(Courier::SizeOf(permit.revision()));
  message.set_delivery(v1::MessageState::DELIVERY_QUEUED);
  *message.mutable_submitted() = ToProto(now);
  *message.mutable_deadline() = ToProto(DeadlineOf(paris_, *desk, message.urgency(), now));
  const Id128 event_id = context_.random.Id();
  message.set_event_id(event_id.ToBytes());

  v1::SubmitResponse response;
  response.set_message_id(submission.id.ToHex());
  *response.mutable_recipient() = message.recipient();
  response.set_desk(message.desk());
  *response.mutable_deadline() = message.deadline();

  // The leaf first: it is what gives a person her key here.
  audit::Event event = SubmittedEvent(call, submission.actor, request.request_id(), submission.id, message,
                                      permit.permit().permit_id());
  event.event_id = event_id;
  CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
  storage::CommitRequest commit;
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(store_.PutMessage(Stored<v1::MessageState>{message, 0}, submission.id, commit));
  rpc::Idempotency::Remember(submission.seen, response, commit);
  const auto done = co_await context_.store.Commit(std::move(commit));
  if (absl::IsAborted(done.status())) {
    // The same request at the same time: whoever was faster has answered it. Or it was pulled back meanwhile.
    auto again = co_await Submit(std::move(call), std::move(request));
    co_return again;
  }
  CO_RETURN_IF_ERROR(done.status());
  auto written = co_await rpc::WrittenOf(context_, done->leaves, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = std::move(*written);
  co_return response;
}

Task<absl::StatusOr<v1::SubmitResponse>> RoutingHandlers::Refuse(rpc::Call call, rpc::Actor actor,
                                                                 std::string request_id,
                                                                 v1::MessageState message,
                                                                 std::string next_step) {
  const audit::Event event = NotPermittedEvent(call, actor, request_id, message);
  CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
  storage::CommitRequest commit;
  commit.partition = RoutingStore::PersonPartition(*Id128::FromBytes(message.person()));
  commit.leaves.push_back(std::move(draft));
  const auto done = co_await context_.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  if (next_step.empty()) {
    next_step = "recueillez son accord / ask for her agreement";
  }
  co_return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED,
                         next_step);
}

Task<absl::StatusOr<v1::SubmitResponse>> RoutingHandlers::Answer(Submission submission, bool want_proof) {
  v1::SubmitResponse answer;
  if (!answer.ParseFromString(*submission.seen.answer)) {
    co_return absl::DataLossError("an earlier answer cannot be read");
  }
  CO_ASSIGN_OR_RETURN(const auto stored, store_.Message(submission.id));
  if (!stored.has_value()) {
    co_return answer;  // she is erased: what was answered still is
  }
  if (IsAboutNobody(stored->value)) {  // no person's leaves to look among
    storage::LeafRange none;
    none.tree_size = context_.log.state().size;
    CO_ASSIGN_OR_RETURN(*answer.mutable_written(), co_await rpc::WrittenOf(context_, none, false, false));
    co_return answer;
  }
  CO_ASSIGN_OR_RETURN(const Id128 event_id, Id128::FromBytes(stored->value.event_id()));
  const audit::Subject subject{audit::Subject::Kind::kPerson, submission.person};
  auto written = co_await rpc::WrittenAgain(context_, subject, event_id, want_proof, true);
  CO_RETURN_IF_ERROR(written.status());
  *answer.mutable_written() = std::move(*written);
  co_return answer;
}

}  // namespace relais::routing
