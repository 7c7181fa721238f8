#include "services/consent/handlers/acting_for_her.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/consent/domain/decision.h"
#include "services/consent/domain/receipt_state.h"
#include "services/consent/handlers/rights_rows.h"

namespace relais::consent {
namespace {

bool Stands(v1::ReceiptState state) {
  return state == v1::RECEIPT_STATE_GIVEN || state == v1::RECEIPT_STATE_PARTLY_WITHDRAWN ||
         state == v1::RECEIPT_STATE_NOT_YET;
}

bool LineLetsHost(const PersonState& state, const Rules& rules, const Line& line,
                  const std::string& institution, const Moment& moment) {
  if (std::find(line.acts.begin(), line.acts.end(), common::v1::ACT_HOST) == line.acts.end()) {
    return false;
  }
  Question question;
  question.sender = institution;
  question.recipient = institution;
  question.categories = line.categories;
  question.act = common::v1::ACT_HOST;
  return std::any_of(line.purposes.begin(), line.purposes.end(), [&](const std::string& purpose) {
    question.purpose = purpose;
    return Decide(state, question, rules, moment).whole.permitted();
  });
}

}  // namespace

bool IsHost(const PersonState& state, const Rules& rules, const std::string& institution,
            const Moment& moment) {
  return std::any_of(state.agreements().begin(), state.agreements().end(), [&](const Agreement& agreement) {
    return agreement.TermAt(moment.now).until > moment.now &&
           std::any_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
             return LineLetsHost(state, rules, line, institution, moment);
           });
  });
}

bool ConcernsHost(const Agreement& agreement, const Rules& rules, std::string_view institution) {
  const std::string_view kind = rules.KindOf(institution);
  return std::any_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
    const bool lets_host =
        std::find(line.acts.begin(), line.acts.end(), common::v1::ACT_HOST) != line.acts.end();
    return std::any_of(line.recipients.begin(), line.recipients.end(), [&](const Recipient& recipient) {
      return recipient.institution.empty() ? lets_host && recipient.kind == kind
                                           : recipient.institution == institution;
    });
  });
}

absl::StatusOr<std::optional<v1::Consent>> ReadConsent(Registry& registry, const Id128& person,
                                                       const Id128& consent) {
  v1::Consent out;
  ASSIGN_OR_RETURN(const bool found, registry.store.OpenRow(person, ConsentKey(consent), out));
  return found ? std::optional(std::move(out)) : std::nullopt;
}

absl::StatusOr<Opens> ActsForHer(Registry& registry, const rpc::Call& call, const Id128& person) {
  ASSIGN_OR_RETURN(const VersionedState now, registry.store.Load(person));
  const std::shared_ptr<const Rules> rules = registry.rules.Of(call.directory);
  const absl::Time instant = std::max(registry.context.log.Now(), now.state->latest());
  const Moment moment{instant, registry.paris.DayOf(instant)};
  if (IsHost(*now.state, *rules, call.caller.institution, moment)) {
    return Opens::kEverything;
  }
  for (const Agreement& agreement : now.state->agreements()) {
    if (agreement.collector == call.caller.institution &&
        Stands(ReceiptStateOf(*now.state, agreement, *rules, instant).state)) {
      return Opens::kEverything;
    }
  }
  // That she asked for what is kept about her is its own word, and binds it for its own processing (RGPD art.
  // 15). Shown to who must keep it secret alone (D-2.2).
  if (rules->IsBoundBySecrecy(call.caller.institution, call.caller.function)) {
    ASSIGN_OR_RETURN(const std::vector<RightsRow> requests,
                     ListRights(registry, person, call.caller.institution));
    if (std::any_of(requests.begin(), requests.end(), AsksForCopy)) {
      return Opens::kItsOwn;
    }
  }
  return rpc::NoSuchOrNotYours();
}

}  // namespace relais::consent
