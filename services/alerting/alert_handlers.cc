#include "services/alerting/alert_handlers.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/status.h"
#include "services/alerting/domain/alert_state.h"

namespace relais::alerting {
namespace {
constexpr uint32_t kDefaultPage = 50;
}

absl::StatusOr<v1::AlertState> AlertHandlers::Find(const rpc::Call& call, const Id128& alert) const {
  ASSIGN_OR_RETURN(auto stored, store_.Alert(alert));
  if (!stored.has_value() || stored->value.desk_institution() != call.caller.institution) {
    return rpc::NoSuchOrNotYours();
  }
  return std::move(stored->value);
}

v1::Alert AlertHandlers::Show(const rpc::Call& call, const Id128& alert, const v1::AlertState& state) const {
  v1::Alert out;
  out.set_alert_id(alert.ToHex());
  // Of a message that waits, was pulled back, or comes from another institution's desk, consent has not said
  // that this one may know whom it is about.
  const auto person = Id128::FromBytes(state.person());
  if (person.ok() && state.told() == call.caller.institution) {
    *out.mutable_person() = rpc::RefFor(context_, call, *person);
  }
  out.set_state(state.state());
  out.set_rule(state.rule());
  out.set_desk(state.desk());
  out.set_message_id(state.message_id());
  out.set_ground(state.ground());
  *out.mutable_raised() = state.raised();
  out.set_facts(state.facts());
  *out.mutable_marks() = state.marks();
  *out.mutable_notes() = state.notes();
  out.set_exercise(state.exercise());
  return out;
}

Task<absl::StatusOr<v1::GetResponse>> AlertHandlers::Get(rpc::Call call, v1::GetRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.alert_id()));
  CO_ASSIGN_OR_RETURN(const v1::AlertState state, Find(call, id));
  v1::GetResponse response;
  *response.mutable_alert() = Show(call, id, state);
  co_return response;
}

Task<absl::StatusOr<v1::ListResponse>> AlertHandlers::List(rpc::Call call, v1::ListRequest request) {
  co_await ResumeOn(context_.executor);
  const directory::Desk* desk = call.directory->FindDesk(request.desk());
  if (desk == nullptr || desk->institution != call.caller.institution) {
    co_return rpc::NoSuchOrNotYours();
  }
  std::string from;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &from)) {
    co_return rpc::InvalidField("page_token", "is not one of this method's");
  }
  const size_t limit = request.page_size() == 0 ? kDefaultPage : request.page_size();
  CO_ASSIGN_OR_RETURN(const auto page, store_.ListOf(request.desk(), from, limit));
  v1::ListResponse response;
  for (const Id128& id : page.alerts) {
    const auto state = Find(call, id);
    // Moved to another desk, or erased, since it was listed.
    if (state.ok() && state->desk() == request.desk()) {
      *response.add_alerts() = Show(call, id, *state);
    }
  }
  response.set_next_page_token(absl::WebSafeBase64Escape(page.next));
  co_return response;
}

Task<absl::StatusOr<v1::TakeResponse>> AlertHandlers::Take(rpc::Call call, v1::TakeRequest request) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.alert_id()));
  CO_ASSIGN_OR_RETURN(const v1::AlertState state, Find(call, id));
  if (state.message_id().empty()) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                           "the alert has not been sent to the desk yet");
  }
  routing::v1::TakeRequest take;
  take.set_request_id(request.request_id());
  take.set_message_id(state.message_id());
  take.mutable_acting()->mutable_party()->set_institution(call.caller.institution);
  take.mutable_acting()->mutable_party()->set_function(call.caller.function);
  take.mutable_acting()->set_agent(call.caller.agent);
  auto taken = co_await peers_.take(std::move(take), settings_.peer_timeout);
  if (!taken.ok()) {
    co_return rpc::PeerFailure(taken.status(), "routing");
  }
  AlertChange change = [](v1::AlertState& alert) -> absl::StatusOr<bool> {
    return Advance(alert, v1::Alert::STATE_TAKEN);
  };
  CO_ASSIGN_OR_RETURN(const v1::AlertState after, co_await ChangeAlert(context_, store_, id, change));
  v1::TakeResponse response;
  *response.mutable_alert() = Show(call, id, after);
  *response.mutable_written() = std::move(*taken->mutable_written());
  co_return response;
}

}  // namespace relais::alerting
