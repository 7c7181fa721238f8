#include "services/consent/domain/naive_model.h"

#include <algorithm>
#include <map>

namespace relais::consent::testing {
namespace {

using common::v1::Act;

const std::map<std::string, std::string>& Kinds() {
  static const auto* const kinds = new std::map<std::string, std::string>{
      {"ville-paris", "DEPARTEMENT_SOCIAL"},
      {"casvp", "CCAS"},
      {"siao", "SIAO"},
      {"crip75", "CHILD_PROTECTION"},
      {"emmaus", "ASSOCIATION"},
      {"edf", "ENERGY_SUPPLIER"},
      {"bspp", "FIRE_BRIGADE"},
  };
  return *kinds;
}

bool In(const std::vector<std::string>& list, const std::string& word) {
  for (const std::string& each : list) {
    if (each == word) {
      return true;
    }
  }
  return false;
}

// 0: not covered, 1: by kind or by "all", 2: by name.
int Covered(const std::vector<Line>& lines, const Question& question, const std::string& category) {
  int best = 0;
  for (const Line& line : lines) {
    bool act = line.acts.empty();
    for (const Act each : line.acts) {
      act = act || each == question.act;
    }
    if (!act || !(line.purposes.empty() || In(line.purposes, question.purpose)) ||
        !(line.categories.empty() || In(line.categories, category))) {
      continue;
    }
    if (line.recipients.empty()) {
      best = std::max(best, 1);
    }
    for (const Recipient& recipient : line.recipients) {
      if (recipient.institution == question.recipient) {
        best = 2;
      } else if (recipient.institution.empty() && recipient.kind == Kinds().at(question.recipient)) {
        best = std::max(best, 1);
      }
    }
  }
  return best;
}

v1::Reason ModelBill(const Question& q, const std::string& category, absl::CivilDay today) {
  const Stated& s = q.stated;
  const bool supplier = q.sender == "edf" || q.sender == "engie";
  const bool letter = s.event == "LETTRE_1";
  const bool cut = s.event == "COUPURE" || s.event == "REDUCTION";
  bool protocol = false;
  if (s.ground == common::v1::GROUND_ART2) {
    protocol = supplier && letter;
  } else if (s.ground == common::v1::GROUND_ART6) {
    protocol = supplier && cut;
  } else {
    protocol = q.sender == "edf" && (letter || s.event == "LETTRE_2");
  }
  if (!protocol || s.signal_type != "UNPAID_BILL" || q.purpose != "ENERGY_AID" ||
      q.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (s.event_day && *s.event_day > today) {
    return v1::REASON_TOO_EARLY;
  }
  if (s.ground == common::v1::GROUND_ART6) {
    if (!s.event_day) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (!(*s.event_day + 6 <= today)) {
      return v1::REASON_TOO_EARLY;
    }
  } else {
    if (s.ground == common::v1::GROUND_ART2 &&
        (!s.event_day || !s.objection_end || *s.objection_end - *s.event_day < 8)) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (s.ground == common::v1::GROUND_CONVENTION && today < absl::CivilDay(2026, 1, 15)) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (s.objection_end && !(today > *s.objection_end)) {
      return v1::REASON_WINDOW_OPEN;
    }
  }
  const bool social = (q.recipient_desk == "dsol-75113" && q.recipient == "ville-paris") ||
                      (q.recipient_desk == "casvp-psa" && q.recipient == "casvp");
  if (!social) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return category == "IDENTITY" || category == "ADDRESS" || category == "ENERGY_DEBT"
             ? v1::REASON_OPT_OUT_REGIME
             : v1::REASON_CATEGORY_NOT_ALLOWED;
}

bool Sworn(const std::string& institution, const std::string& function) {
  return ((institution == "ville-paris" || institution == "casvp" || institution == "crip75") &&
          function == "assistant-social") ||
         (institution == "bspp" && function == "officier") ||
         (institution == "siao" && function == "travailleur-social") ||
         ((institution == "emmaus" || institution == "prison") && function == "educateur");
}

// Who speaks for himself: bound by secrecy, to protect, to whom the law names. The brigade sends reports.
v1::Reason ModelWord(const Question& q, const std::string& category) {
  const common::v1::Ground ground = q.stated.ground;
  const bool shared = ground == common::v1::GROUND_CASF_226_2_2;
  const bool child = q.purpose == "CHILD_PROTECTION";
  const bool other = q.purpose == "SOCIAL_ASSESSMENT" || q.purpose == "EMERGENCY_PROTECTION";
  if (q.sender == "bspp" || !Sworn(q.sender, q.sender_function) || !(child || (other && !shared))) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  bool named = q.recipient == "crip75";
  if (ground == common::v1::GROUND_CP_226_14_1) {
    named = named || q.recipient == "ville-paris" || q.recipient == "casvp" || q.recipient == "siao";
  }
  if (!named || (shared && !Sworn(q.recipient, q.recipient_function))) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return category == "OFFENCE" ? v1::REASON_CATEGORY_NOT_ALLOWED : v1::REASON_LEGAL_DUTY;
}

v1::Reason ModelDuty(const Question& q, const std::string& category) {
  const Stated& s = q.stated;
  if (!s.has_facts || q.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (s.signal_type.empty()) {
    return ModelWord(q, category);
  }
  const bool child = q.purpose == "CHILD_PROTECTION";
  const bool crip = s.ground == common::v1::GROUND_INFO_PREOCCUPANTE;
  const bool alert = s.ground == common::v1::GROUND_CP_226_14_1;
  const bool brigade =
      q.sender == "bspp" && (s.event == "CONCERN" || s.event == "SERIOUS") && (crip || alert);
  const bool prison = q.sender == "prison" && s.event == "SERIOUS" && alert;
  if (!(brigade || prison) || s.signal_type != "DISTRESS_REPORT" ||
      (q.purpose != "SOCIAL_ASSESSMENT" && !child)) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  const bool social = q.recipient == "ville-paris" && q.recipient_desk == "dsol-75113";
  const bool allowed =
      prison ? q.recipient == "ville-paris" && !child
             : q.recipient == "crip75" || (!crip && !child && (q.recipient == "siao" || social));
  if (!allowed) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  const bool listed = prison ? category == "IDENTITY" || category == "OFFENCE"
                             : category == "IDENTITY" || category == "ADDRESS" || category == "SIGNS" ||
                                   category == "OFFENCE";
  return listed ? v1::REASON_LEGAL_DUTY : v1::REASON_CATEGORY_NOT_ALLOWED;
}

// The prison says when she leaves, to the social service or to the SIAO, and that is all it says.
v1::Reason ModelExit(const Question& q, const std::string& category, absl::CivilDay today) {
  const Stated& s = q.stated;
  const bool exit = s.signal_type == "PLANNED_EXIT" && s.event == "PRISON" && q.sender == "prison";
  const bool planned = s.event_day && !(*s.event_day < today);
  if (!exit || !planned || q.purpose != "SOCIAL_ASSESSMENT" || q.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (today > absl::CivilDay(2026, 12, 31)) {
    return v1::REASON_OFFENCE_NOT_AUTHORISED;
  }
  const bool social =
      (q.recipient == "ville-paris" && q.recipient_desk == "dsol-75113") || q.recipient == "siao";
  if (!social) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return category == "OFFENCE" ? v1::REASON_AUTHORISED_EXIT : v1::REASON_CATEGORY_NOT_ALLOWED;
}

bool ModelTeam(const PersonState& state, const Teams& teams, const Question& q, const std::string& category,
               absl::Time now) {
  const bool telling = q.act == common::v1::ACT_TRANSMIT || q.act == common::v1::ACT_CONSULT;
  if (!teams.known || !telling || category == "HEALTH" || category == "OFFENCE" ||
      !Sworn(q.sender, q.sender_function) || !Sworn(q.recipient, q.recipient_function)) {
    return false;
  }
  bool told = false;
  for (const Information& information : state.information()) {
    if (information.at > now || !Sworn(information.by, information.by_function) ||
        (information.by != q.sender && information.by != q.recipient)) {
      continue;
    }
    for (const Line& line : information.lines) {
      bool recipient = false;
      for (const Recipient& each : line.recipients) {
        recipient = recipient || each.institution == q.recipient;
      }
      bool act = line.acts.empty();
      for (const Act each : line.acts) {
        act = act || each == q.act;
      }
      told = told || (recipient && act && In(line.purposes, q.purpose) && In(line.categories, category));
    }
  }
  const auto active = [&](const Mission& mission, const std::string& institution,
                          const std::string& function) {
    return mission.institution == institution && mission.function == function && mission.from <= now &&
           !(mission.until && *mission.until <= now);
  };
  for (const Mission& theirs : teams.missions) {
    for (const Mission& ours : teams.missions) {
      if (ours.team == theirs.team && active(theirs, q.recipient, q.recipient_function) &&
          active(ours, q.sender, q.sender_function)) {
        return told;
      }
    }
  }
  return false;
}

// ---- her demand that processing be restricted

bool Stands(const Restriction& restriction, const Question& q, absl::Time now) {
  const bool ended = restriction.until && *restriction.until <= now;
  const bool begun = restriction.from <= now;
  return begun && !ended && (restriction.institution == q.sender || restriction.institution == q.recipient);
}

// What she agreed to before it is what she restricted; what it hears and came after it counts (art. 18.2).
bool Stopped(const PersonState& state, const Question& q, const Agreement& agreement, absl::Time now,
             const Hears& hears) {
  for (const Restriction& restriction : state.restrictions()) {
    const bool heard = !hears || hears(restriction.origin.of, agreement);
    const bool after = agreement.recorded > restriction.from && heard;
    if (Stands(restriction, q, now) && !after) {
      return true;
    }
  }
  return false;
}

// ---- her own acts, in their order

struct Said {
  absl::Time when;
  bool names_it = false;
  bool by_other = false;  // a representative
  const Agreement* agreement = nullptr;
  const Denial* denial = nullptr;
};

// Whether it may be what permits: any of hers, or the one that is named.
bool Named(const Question& q, const Agreement& agreement) {
  return q.agreement ? agreement.id == *q.agreement : true;
}

struct Lacks {
  bool explicitly = false;
  bool invalid = false;
};

std::vector<Said> WhatSheSaid(const PersonState& state, const Question& q, const std::string& category,
                              absl::Time now, const Hears& hears, Lacks& lacks) {
  const auto reaches = [&](const auto& agreement) {
    const bool about_this = agreement.source_reference.empty() ||
                            (agreement.source_reference == q.stated.source_reference &&
                             (agreement.reference_of.empty() || agreement.reference_of == q.sender));
    const bool kind = !agreement.child_protection_only || q.recipient == "crip75";
    return about_this && kind ? Covered(agreement.lines.all(), q, category) : 0;
  };
  std::vector<Said> said;
  for (const Agreement& agreement : state.agreements()) {
    const int covered = reaches(agreement);
    if (covered == 0 || agreement.recorded > now || category == "OFFENCE" ||
        Stopped(state, q, agreement, now, hears)) {
      continue;
    }
    if (agreement.ended && agreement.ended->invalidated && agreement.ended->at <= now) {
      lacks.invalid = lacks.invalid || Named(q, agreement);
    } else if (category == "HEALTH" && !agreement.explicit_given) {
      lacks.explicitly = lacks.explicitly || Named(q, agreement);
    } else {
      said.push_back({agreement.at, covered == 2, agreement.represented, &agreement, nullptr});
    }
  }
  for (const Denial& denial : state.denials()) {
    const int own = Covered(denial.lines, q, category);
    int covered = own;
    // Of what was taken back, and no broader than her own words.
    const auto within = [own](int taken) { return taken == 0 ? 0 : std::max(own, taken); };
    if (own != 0 && denial.taken_back) {
      covered = within(reaches(*denial.taken_back));
    } else if (own != 0 && denial.agreement) {
      for (const Agreement& agreement : state.agreements()) {
        covered = agreement.id == *denial.agreement ? within(reaches(agreement)) : covered;
      }
    }
    if (covered != 0 && denial.at <= now) {
      said.push_back({denial.at, covered == 2, denial.represented, nullptr, &denial});
    }
  }
  std::stable_sort(said.begin(), said.end(), [](const Said& a, const Said& b) { return a.when < b.when; });
  return said;
}

struct HerLastWord {
  const Denial* no = nullptr;
  std::vector<const Agreement*> live;
};

// The noes that stand, in the order they were said.
class Standing {
 public:
  explicit Standing(const Hears& hears) : hears_(hears) {}

  void Add(const Said& no) { noes_.push_back(no); }
  // It takes away every no that hears it, is no narrower and not hers where another speaks.
  void Answer(const Said& yes) {
    std::vector<Said> left;
    for (const Said& no : noes_) {
      const bool heard = !hears_ || hears_(no.denial->origin.of, *yes.agreement);
      const bool narrower = no.names_it && !yes.names_it;
      const bool over_her_head = yes.by_other && !no.by_other;
      if (!heard || narrower || over_her_head) {
        left.push_back(no);
      }
    }
    noes_ = left;
  }
  [[nodiscard]] bool StillAgainst(const Said& yes) const {
    Standing without = *this;
    without.Answer(yes);
    return !without.noes_.empty();
  }
  // The last; of one instant narrow before broad, hers before a representative's.
  [[nodiscard]] const Denial* Last() const {
    const Said* last = nullptr;
    const auto rank = [](const Said& no) { return (no.names_it ? 2 : 0) + (no.by_other ? 0 : 1); };
    for (const Said& no : noes_) {
      if (last == nullptr || no.when > last->when || (no.when == last->when && rank(no) >= rank(*last))) {
        last = &no;
      }
    }
    return last == nullptr ? nullptr : last->denial;
  }

 private:
  const Hears& hears_;
  std::vector<Said> noes_;
};

// Of what was said in one instant agreements come first and undo what they can, then they count, then the
// noes.
HerLastWord Replay(const std::vector<Said>& said, const Hears& hears) {
  Standing standing(hears);
  HerLastWord last;
  for (size_t i = 0; i < said.size();) {
    size_t end = i;
    while (end < said.size() && said[end].when == said[i].when) {
      ++end;
    }
    for (size_t k = i; k < end; ++k) {
      if (said[k].agreement != nullptr) {
        standing.Answer(said[k]);
      }
    }
    for (size_t k = i; k < end; ++k) {
      if (said[k].agreement != nullptr && !standing.StillAgainst(said[k])) {
        last.live.push_back(said[k].agreement);
      }
    }
    for (size_t k = i; k < end; ++k) {
      if (said[k].denial != nullptr) {
        standing.Add(said[k]);
        last.live.clear();
      }
    }
    i = end;
  }
  last.no = standing.Last();
  return last;
}

struct Ends {
  absl::Time period;
  absl::Time mandate;
};

Ends EndsOf(const Agreement& agreement, absl::Time now) {
  Ends ends{agreement.valid_until, agreement.mandate_until};
  for (const Renewal& renewal : agreement.renewals) {
    if (renewal.at <= now) {
      ends = {renewal.valid_until, renewal.mandate_until};
    }
  }
  return ends;
}

// REASON_AGREEMENT, or what is missing.
v1::Reason ModelAgreement(const std::vector<const Agreement*>& live, const Question& q, const Lacks& lacks,
                          absl::Time now) {
  bool mandate = false;
  bool terminated = false;
  bool expired = false;
  for (const Agreement* agreement : live) {
    if (!Named(q, *agreement)) {
      continue;
    }
    const Ends ends = EndsOf(*agreement, now);
    if (agreement->ended && agreement->ended->at <= now) {
      terminated = true;
    } else if (now >= ends.mandate && ends.mandate < ends.period) {
      mandate = true;
    } else if (now >= ends.period) {
      expired = true;
    } else if (agreement->valid_from <= now) {
      return v1::REASON_AGREEMENT;
    }
  }
  return lacks.explicitly ? v1::REASON_EXPLICIT_REQUIRED
         : mandate        ? v1::REASON_MANDATE_ENDED
         : terminated     ? v1::REASON_TERMINATED
         : expired        ? v1::REASON_EXPIRED
         : lacks.invalid  ? v1::REASON_INVALIDATED
                          : v1::REASON_NO_GROUND;
}

bool ModelEmergency(const PersonState& state, const Question& q, const std::string& category,
                    absl::Time now) {
  for (const Emergency& emergency : state.emergencies()) {
    const bool none = emergency.outcome == v1::REVIEW_OUTCOME_NOT_JUSTIFIED && emergency.reviewed &&
                      *emergency.reviewed <= now;
    const bool theirs =
        emergency.recipient == q.recipient &&
        (emergency.recipient_function.empty() || emergency.recipient_function == q.recipient_function);
    if (theirs && emergency.from <= now && now < emergency.until && !none &&
        In(emergency.categories, category) && category != "OFFENCE" && q.act != common::v1::ACT_HOST) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool Restricted(const PersonState& state, const Question& question, absl::Time now) {
  for (const Restriction& restriction : state.restrictions()) {
    if (Stands(restriction, question, now)) {
      return true;
    }
  }
  return false;
}

bool Permits(v1::Reason reason) {
  return reason == v1::REASON_LEGAL_DUTY || reason == v1::REASON_OPT_OUT_REGIME ||
         reason == v1::REASON_AUTHORISED_EXIT || reason == v1::REASON_TEAM ||
         reason == v1::REASON_AGREEMENT || reason == v1::REASON_EMERGENCY;
}

Reasons ModelAll(const PersonState& state, const Teams& teams, const Question& question,
                 const Moment& moment) {
  Reasons reasons;
  for (const std::string& category : question.categories) {
    reasons.each.push_back(Model(state, teams, question, category, moment));
  }
  reasons.whole = reasons.each.at(0);
  for (const v1::Reason reason : reasons.each) {
    if (Permits(reasons.whole) && !Permits(reason)) {
      reasons.whole = reason;  // the first that is denied
    }
  }
  return reasons;
}

v1::Reason Model(const PersonState& state, const Teams& teams, const Question& q, const std::string& category,
                 const Moment& moment, const Hears& hears) {
  const common::v1::Ground ground = q.stated.ground;
  v1::Reason missing = v1::REASON_UNSPECIFIED;
  // 0
  if ((q.recipient == "edf" || q.recipient == "bspp") && q.recipient != q.sender) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  if (category == "OFFENCE" && (q.sender != "prison" || moment.today > absl::CivilDay(2026, 12, 31))) {
    return v1::REASON_OFFENCE_NOT_AUTHORISED;
  }
  // 1
  if (ground == common::v1::GROUND_CP_226_14_1 || ground == common::v1::GROUND_INFO_PREOCCUPANTE ||
      ground == common::v1::GROUND_CASF_226_2_2) {
    missing = ModelDuty(q, category);
    if (missing == v1::REASON_LEGAL_DUTY) {
      return missing;
    }
  }
  // 2
  for (const Objection& objection : state.objections()) {
    if (objection.supplier == q.sender && objection.recorded <= moment.now &&
        !(objection.lifted && *objection.lifted <= moment.now)) {
      return v1::REASON_OBJECTED;
    }
  }
  Lacks lacks;
  const HerLastWord last = Replay(WhatSheSaid(state, q, category, moment.now, hears, lacks), hears);
  if (last.no != nullptr) {
    return last.no->kind == Denial::Kind::kWithdrawal ? v1::REASON_WITHDRAWN : v1::REASON_REFUSED;
  }
  // 3, 4: neither counts while processing is restricted
  const bool restricted = Restricted(state, q, moment.now);
  if (!restricted && (ground == common::v1::GROUND_ART2 || ground == common::v1::GROUND_ART6 ||
                      ground == common::v1::GROUND_CONVENTION)) {
    missing = ModelBill(q, category, moment.today);
    if (missing == v1::REASON_OPT_OUT_REGIME) {
      return missing;
    }
  }
  if (!restricted && ground == common::v1::GROUND_AUTHORISED_EXIT) {
    missing = ModelExit(q, category, moment.today);
    if (missing == v1::REASON_AUTHORISED_EXIT) {
      return missing;
    }
  }
  if (!restricted && ModelTeam(state, teams, q, category, moment.now)) {
    return v1::REASON_TEAM;
  }
  // 5
  const v1::Reason agreement = ModelAgreement(last.live, q, lacks, moment.now);
  if (agreement == v1::REASON_AGREEMENT) {
    return agreement;
  }
  // 6
  if (ModelEmergency(state, q, category, moment.now)) {
    return v1::REASON_EMERGENCY;
  }
  // 7
  if (missing != v1::REASON_UNSPECIFIED) {
    return missing;
  }
  const bool nothing = agreement == v1::REASON_NO_GROUND || agreement == v1::REASON_EXPIRED;
  return restricted && nothing ? v1::REASON_RESTRICTED : agreement;
}

}  // namespace relais::consent::testing
