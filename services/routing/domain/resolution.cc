#include "services/routing/domain/resolution.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/calendar/deadline.h"

namespace relais::routing {
namespace {

struct StepText {
  std::string_view code;
  std::string_view text;
};
// French first, then English.
constexpr StepText kSteps[] = {
    {"CHOSEN_DESK", "guichet choisi par l'expéditeur / desk chosen by the sender"},
    {"PIVOT_ACTIVE", "référent pivot de la personne / the person's référent pivot"},
    {"PIVOT_NONE", "aucun référent pivot actif / no active référent pivot"},
    {"PIVOT_CONFLICT",
     "plusieurs référents pivots actifs : le plus ancien, jusqu'à ce qu'elle décide / several active "
     "référent "
     "pivots: the oldest, until she decides"},
    {"PIVOT_NOTICE",
     "vous avez proposé ce référent pivot : un autre est actif aussi, ou ne l'est plus / you proposed this "
     "référent pivot: another is active too, or no longer"},
    {"PIVOT_DESK_GONE",
     "le guichet du référent n'est plus à l'annuaire / the référent's desk left the directory"},
    {"PIVOT_NOT_PERMITTED", "le référent ne peut pas recevoir cela / the référent may not receive this"},
    {"OWN_DESK",
     "votre institution agit pour elle dans son coffre-fort / your institution acts for her in her vault"},
    {"PIVOT_TOLD", "le référent est informé autrement / the référent is told otherwise"},
    {"DESK_NOT_PERMITTED", "ce guichet ne peut pas recevoir cela / this desk may not receive this"},
    {"MINOR_TO_CRIP", "mineure ou mineur : CRIP / a minor: CRIP"},
    {"NO_DWELLING", "sans logement : SIAO ou 115 / no dwelling: SIAO or 115"},
    {"DESK_OF_TERRITORY", "guichet du territoire / desk of the territory"},
    {"DESK_OF_CITY", "guichet de toute la ville / desk for the whole city"},
    {"ON_CALL", "guichet fermé et danger sérieux : astreinte / desk closed and danger serious: on-call desk"},
    {"ESCALATED",
     "transmis par un autre guichet : personne ne l'a pris à temps / passed on: nobody took it in time"},
    {"DPO_NOTICE",
     "à l'attention du délégué à la protection des données : un agent de votre institution a été recherché "
     "dans "
     "un journal / for the DPO: an agent of your institution was searched for in a log"},
    {"REVIEW_NOTICE",
     "à l'attention du délégué à la protection des données : une urgence reçue par votre institution n'a pas "
     "été "
     "évaluée à temps / for the DPO: an emergency that your institution received was not reviewed in time"},
    {"REVIEW_NOTICE_WITHOUT_DPO",
     "une urgence reçue par votre institution n'a pas été évaluée à temps, et son délégué à la protection "
     "des "
     "données n'a pas de guichet / an emergency that your institution received was not reviewed in time, and "
     "its DPO has no desk"},
    {"CLOSURE_NOTICE",
     "votre institution peut agir pour des personnes dans le coffre-fort : il ferme / your institution may "
     "act for persons in the vault: it closes"},
    {"NO_DESK", "aucun guichet à l'annuaire / no desk in the directory"},
};

// Desks that may answer, in the directory's order of preference.
std::vector<const directory::Desk*> Desks(const directory::Directory& directory, const Query& query) {
  if (query.situation.minor()) {
    return directory.DesksFor("MINOR", 0);
  }
  const int insee = InseeOfPostal(query.situation.postal_code());
  if (query.situation.no_dwelling()) {
    return directory.DesksFor("NO_DWELLING", insee);
  }
  return directory.DesksFor("ADULT", insee);
}

// True when the sender's protocol, if it has one for this, names the desk among its recipients.
bool MayReceive(const directory::Directory& directory, const directory::Protocol* protocol,
                const directory::Desk& desk) {
  return protocol == nullptr || directory.IsRecipient(*protocol, desk);
}

const directory::Desk* OnCallIfClosed(const directory::Directory& directory, const calendar::Paris& paris,
                                      const directory::Desk& desk, const Query& query, absl::Time now) {
  if (query.urgency != v1::URGENCY_SERIOUS || desk.on_call.empty() || desk.hours.IsOpen(paris, now)) {
    return nullptr;
  }
  return directory.FindDesk(desk.on_call);
}

std::string_view DeskStep(const Query& query, const directory::Desk& desk) {
  if (query.situation.minor()) {
    return "MINOR_TO_CRIP";
  }
  if (query.situation.no_dwelling()) {
    return "NO_DWELLING";
  }
  return desk.whole_city ? "DESK_OF_CITY" : "DESK_OF_TERRITORY";
}

void AddPivot(const directory::Directory& directory, const Query& query, const v1::ReferentState* pivot,
              Resolution& out) {
  if (pivot == nullptr) {
    out.steps.push_back(MakeStep("PIVOT_NONE"));
    return;
  }
  if (query.pivot_conflict) {
    out.steps.push_back(MakeStep("PIVOT_CONFLICT"));
  }
  const directory::Desk* desk = directory.FindDesk(pivot->desk());
  if (desk == nullptr) {
    out.steps.push_back(MakeStep("PIVOT_DESK_GONE"));
    return;
  }
  const directory::Protocol* protocol = directory.FindProtocol(query.sender, query.signal_type, query.event);
  const bool one_of_theirs = protocol != nullptr && directory.IsRecipient(*protocol, *desk);
  out.candidates.push_back({desk, pivot->referent().function(), one_of_theirs, MakeStep("PIVOT_ACTIVE")});
}

// An audience is an institution's, whatever function its human has: it goes on her agreement with that
// institution, and no team's ground is looked for before it.

// The sender's own desk, for what concerns nobody else. Null when it has none.
const directory::Desk* OwnDesk(const directory::Directory& directory, const std::string& institution) {
  const directory::Institution* found = directory.FindInstitution(institution);
  const directory::Desk* first = nullptr;
  for (const directory::Desk* desk : directory.DesksOf(institution)) {
    if (desk->relief_only || (found != nullptr && desk->id == found->dpo.desk)) {
      continue;
    }
    if (desk->whole_city) {
      return desk;
    }
    first = first == nullptr ? desk : first;
  }
  return first;
}

void AddOwnDesk(const directory::Directory& directory, const Query& query, const v1::ReferentState* pivot,
                Resolution& out) {
  const directory::Desk* desk = pivot == nullptr ? nullptr : directory.FindDesk(pivot->desk());
  const bool pivots = desk != nullptr && desk->institution == query.sender;
  if (!pivots) {
    desk = OwnDesk(directory, query.sender);
  }
  if (desk == nullptr) {
    out.steps.push_back(MakeStep("NO_DESK"));
    return;
  }
  out.candidates.push_back({desk, "", false, MakeStep(pivots ? "PIVOT_ACTIVE" : "OWN_DESK")});
}

void AddPivotAlone(const directory::Directory& directory, const Query& query, const v1::ReferentState* pivot,
                   Resolution& out) {
  const directory::Desk* desk = pivot == nullptr ? nullptr : directory.FindDesk(pivot->desk());
  const auto& told = query.audience.told();
  if (desk != nullptr && std::find(told.begin(), told.end(), desk->institution) != told.end()) {
    out.steps.push_back(MakeStep("PIVOT_TOLD"));
    return;
  }
  AddPivot(directory, query, pivot, out);
  for (Candidate& candidate : out.candidates) {
    candidate.function.clear();
  }
}

}  // namespace

v1::Step MakeStep(std::string_view code) {
  v1::Step step;
  step.set_code(std::string(code));
  const auto* found =
      std::find_if(std::begin(kSteps), std::end(kSteps), [&](const StepText& s) { return s.code == code; });
  if (found != std::end(kSteps)) {
    step.set_text(std::string(found->text));
  }
  return step;
}

int InseeOfPostal(std::string_view postal_code) {
  int number = 0;
  const auto [end, error] =
      std::from_chars(postal_code.data(), postal_code.data() + postal_code.size(), number);
  if (error != std::errc() || end != postal_code.data() + postal_code.size() || postal_code.size() != 5) {
    return 0;
  }
  if (number == 75116) {
    return 75116;  // INSEE of the 16th has the same digits as the postal code of its north
  }
  return number >= 75001 && number <= 75020 ? number + 100 : 0;
}

Resolution Resolve(const directory::Directory& directory, const calendar::Paris& paris, const Query& query,
                   const v1::ReferentState* pivot, absl::Time now) {
  Resolution out;
  switch (query.audience.kind()) {
    case v1::Audience::KIND_REFERENT:
      AddPivotAlone(directory, query, pivot, out);
      return out;
    case v1::Audience::KIND_OWN_DESK:
      AddOwnDesk(directory, query, pivot, out);
      return out;
    default:
      break;
  }
  if (!query.desk.empty()) {
    if (const directory::Desk* chosen = directory.FindDesk(query.desk)) {
      out.candidates.push_back({chosen, "", true, MakeStep("CHOSEN_DESK")});
    } else {
      out.steps.push_back(MakeStep("NO_DESK"));
    }
    return out;
  }
  // A minor's report goes to the CRIP and to no référent (D-4.5).
  if (!query.situation.minor()) {
    AddPivot(directory, query, pivot, out);
  }
  const directory::Protocol* protocol = directory.FindProtocol(query.sender, query.signal_type, query.event);
  for (const directory::Desk* desk : Desks(directory, query)) {
    if (!MayReceive(directory, protocol, *desk)) {
      continue;
    }
    v1::Step step = MakeStep(DeskStep(query, *desk));
    const directory::Desk* on_call = OnCallIfClosed(directory, paris, *desk, query, now);
    if (on_call != nullptr && MayReceive(directory, protocol, *on_call)) {
      out.steps.push_back(step);
      out.candidates.push_back({on_call, "", true, MakeStep("ON_CALL")});
    }
    out.candidates.push_back({desk, "", true, std::move(step)});
  }
  if (out.candidates.empty()) {
    out.steps.push_back(MakeStep("NO_DESK"));
  }
  return out;
}

absl::Time DeadlineOf(const calendar::Paris& paris, const directory::Desk& desk, v1::Urgency urgency,
                      absl::Time received) {
  calendar::Urgency kind = calendar::Urgency::kOther;
  if (urgency == v1::URGENCY_SERIOUS) {
    kind = calendar::Urgency::kSerious;
  } else if (urgency == v1::URGENCY_CONCERN) {
    kind = calendar::Urgency::kConcern;
  }
  return calendar::ReportDeadline(paris, desk.hours, calendar::DeadlineRules(), kind, received);
}

const directory::Desk* NextInChain(const directory::Directory& directory, const v1::MessageState& message) {
  const directory::Desk* here = directory.FindDesk(message.desk());
  if (here == nullptr) {
    return nullptr;
  }
  std::vector<std::string> chain = here->escalation;
  if (chain.empty() && !here->on_call.empty()) {
    chain.push_back(here->on_call);
  }
  for (const std::string& id : chain) {
    const bool seen =
        id == message.desk() ||
        std::find(message.past_desks().begin(), message.past_desks().end(), id) != message.past_desks().end();
    const directory::Desk* desk = seen ? nullptr : directory.FindDesk(id);
    if (desk != nullptr) {
      return desk;
    }
  }
  return nullptr;
}

}  // namespace relais::routing
