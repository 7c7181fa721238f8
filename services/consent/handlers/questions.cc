#include "services/consent/handlers/questions.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/handlers/codes.h"

namespace relais::consent {
namespace {

absl::Status ReadDay(const common::v1::Date& date, const char* field, std::optional<absl::CivilDay>& out) {
  out = DayFrom(date);
  return out ? absl::OkStatus() : rpc::InvalidField(absl::StrCat("stated_ground.", field), "is no day");
}

absl::StatusOr<Stated> StatedFrom(const common::v1::StatedGround& stated) {
  Stated out;
  out.ground = stated.ground();
  out.has_facts = stated.facts().find_first_not_of(" \t\r\n") != std::string::npos;
  out.signal_type = stated.signal_type();
  out.event = stated.event();
  out.source_reference = stated.source_reference();
  if (stated.has_event_day()) {
    RETURN_IF_ERROR(ReadDay(stated.event_day(), "event_day", out.event_day));
  }
  if (stated.has_objection_end()) {
    RETURN_IF_ERROR(ReadDay(stated.objection_end(), "objection_end", out.objection_end));
  }
  return out;
}

bool IsOwn(const rpc::Call& call, const common::v1::Party& party) {
  return !call.caller.is_service() && call.caller.institution == party.institution();
}

// Of the caller's own institution, in a function that is not the caller's.
bool IsColleague(const rpc::Call& call, const common::v1::Party& party) {
  return IsOwn(call, party) && !party.function().empty() && party.function() != call.caller.function;
}

// A party that asks for itself speaks in the function of the human who asks, or in none: what a function
// opens (a team, an emergency declared for it) is not had by naming it, and the log says who spoke. Between
// two functions of one institution one is that human's, and the other is a colleague's.
absl::Status CheckOwnFunction(const rpc::Call& call, const common::v1::Party& party,
                              const common::v1::Party& other, const char* field) {
  const bool other_asks =
      IsOwn(call, other) && !other.function().empty() && other.function() == call.caller.function;
  if (IsColleague(call, party) && !other_asks) {
    return rpc::InvalidField(absl::StrCat(field, ".function"),
                             "of your own institution is the function in which you ask, or left out");
  }
  return absl::OkStatus();
}

// Who receives names the agreement that it means, by its reference, and no more (ADR 78).
bool NamesAnAgreement(const common::v1::StatedGround& stated) {
  return (stated.ground() == common::v1::GROUND_UNSPECIFIED ||
          stated.ground() == common::v1::GROUND_AGREEMENT) &&
         stated.facts().empty() && stated.signal_type().empty() && stated.event().empty();
}

// D-1.4, D-2.6: a ground of the law is the sender's word, in the function of who speaks; a service says whose
// word it passes on.
absl::Status CheckMayState(const rpc::Call& call, const v1::CheckRequest& request) {
  const bool may = call.caller.is_service() ||
                   (IsOwn(call, request.sender()) && !IsColleague(call, request.sender())) ||
                   NamesAnAgreement(request.stated_ground());
  return may ? absl::OkStatus() : rpc::InvalidField("stated_ground", "is the sender's to state");
}

}  // namespace

absl::Status CheckMayAsk(const rpc::Call& call, const common::v1::Party& sender,
                         const common::v1::Party& recipient) {
  if (call.caller.is_service() || call.caller.institution == sender.institution() ||
      call.caller.institution == recipient.institution()) {
    return absl::OkStatus();
  }
  return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_A_PARTY,
                      "only the sender, the recipient or a service may ask");
}

absl::StatusOr<Question> QuestionFrom(const rpc::Call& call, const Rules& rules,
                                      const v1::CheckRequest& request) {
  RETURN_IF_ERROR(CheckParty(*call.directory, request.sender(), "sender"));
  RETURN_IF_ERROR(CheckParty(*call.directory, request.recipient(), "recipient"));
  RETURN_IF_ERROR(CheckOwnFunction(call, request.sender(), request.recipient(), "sender"));
  RETURN_IF_ERROR(CheckOwnFunction(call, request.recipient(), request.sender(), "recipient"));
  RETURN_IF_ERROR(CheckMayState(call, request));
  RETURN_IF_ERROR(CheckPurpose(rules, request.purpose(), "purpose"));
  if (request.categories().empty()) {
    return rpc::InvalidField("categories", "is required");
  }
  for (int i = 0; i < request.categories_size(); ++i) {
    if (!rules.categories.contains(request.categories(i))) {
      return UnknownCode(absl::StrCat("categories[", i, "]"));
    }
  }
  if (request.act() == common::v1::ACT_UNSPECIFIED || !common::v1::Act_IsValid(request.act())) {
    return rpc::InvalidField("act", "is required");
  }
  if (!request.recipient_desk().empty()) {
    const DeskRule* desk = rules.FindDesk(request.recipient_desk());
    if (desk == nullptr || desk->institution != request.recipient().institution()) {
      return UnknownCode("recipient_desk");
    }
  }
  Question question;
  question.sender = request.sender().institution();
  question.sender_function = request.sender().function();
  question.recipient = request.recipient().institution();
  question.recipient_function = request.recipient().function();
  question.recipient_desk = request.recipient_desk();
  question.purpose = request.purpose();
  question.categories.assign(request.categories().begin(), request.categories().end());
  question.act = request.act();
  if (!request.consent_id().empty()) {
    ASSIGN_OR_RETURN(question.agreement, Id128::FromHex(request.consent_id()));
  }
  if (request.has_stated_ground()) {
    ASSIGN_OR_RETURN(question.stated, StatedFrom(request.stated_ground()));
  }
  return question;
}

v1::CheckRequest CheckOf(const v1::BatchCheckRequest& request) {
  v1::CheckRequest check;
  *check.mutable_sender() = request.sender();
  *check.mutable_recipient() = request.recipient();
  check.set_purpose(request.purpose());
  *check.mutable_categories() = request.categories();
  check.set_act(request.act());
  check.set_dry_run(request.dry_run());
  check.set_request_id(request.request_id());
  return check;
}

}  // namespace relais::consent
