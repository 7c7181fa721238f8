#include "common/rpc/call.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

// Refusals that say something about the question asked, and not about the health of who was asked.
bool IsAnswer(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case common::v1::ERROR_REASON_INVALID_FIELDS:
    case common::v1::ERROR_REASON_NIR_DETECTED:
    case common::v1::ERROR_REASON_NOT_YOUR_HANDLE:
    case common::v1::ERROR_REASON_REQUEST_ID_REUSED:
    case common::v1::ERROR_REASON_ETAG_MISMATCH:
    case common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS:
    case common::v1::ERROR_REASON_PEER_BEHIND:
    case common::v1::ERROR_REASON_WRONG_STATE:
    case common::v1::ERROR_REASON_NOT_PERMITTED:
    case common::v1::ERROR_REASON_UNKNOWN_CODE:
    case common::v1::ERROR_REASON_DIRECTORY_EXPIRED:
    case common::v1::ERROR_REASON_IMMEDIATE_DANGER:
    case common::v1::ERROR_REASON_NOT_A_PARTY:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<Actor> ActorOf(const Call& call, const common::v1::Acting* acting) {
  const bool named = acting != nullptr && !acting->party().institution().empty();
  if (!call.caller.is_service()) {
    if (named && acting->party().institution() != call.caller.institution) {
      return InvalidField("acting", "is for services; an institution acts for itself");
    }
    return Actor{call.caller.institution, call.caller.function, call.caller.agent};
  }
  if (!named) {
    return InvalidField("acting", "is required of services");
  }
  if (call.directory->FindInstitution(acting->party().institution()) == nullptr) {
    return InvalidField("acting.party.institution", "is not in the directory");
  }
  return Actor{acting->party().institution(), acting->party().function(), acting->agent()};
}

std::string RequestOwner(const Call& call, const Actor& actor) {
  return call.caller.is_service() ? absl::StrCat(call.caller.Name(), "/", actor.institution)
                                  : actor.institution;
}

audit::Event EventOf(const Call& call, const Actor& actor, audit::v1::EventClass event_class,
                     std::string_view request_id) {
  audit::Event event;
  event.event_class = event_class;
  event.institution = actor.institution;
  event.directory_version = call.directory->version();
  event.details.set_acting_function(actor.function);
  event.actor.set_agent(actor.agent);
  event.actor.set_certificate(call.caller.certificate);
  event.actor.set_request_id(std::string(request_id));
  event.actor.set_motive(call.caller.reason);
  return event;
}

absl::Status PeerFailure(const absl::Status& status, std::string_view peer) {
  if (status.ok() || IsAnswer(status)) {
    return status;
  }
  return Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_UNAVAILABLE,
                 "the service " + std::string(peer) + " does not answer");
}

}  // namespace relais::rpc
