#include "services/consent/domain/her_acts.h"

#include <algorithm>
#include <optional>

#include "services/consent/domain/against.h"

namespace relais::consent {
namespace {

enum class Cover { kNone, kBroad, kNarrow };

template <typename List, typename Value>
bool AllOrHas(const List& list, const Value& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

Cover CoverOfRecipients(const std::vector<Recipient>& recipients, std::string_view institution,
                        std::string_view kind) {
  if (recipients.empty()) {
    return Cover::kBroad;
  }
  Cover cover = Cover::kNone;
  for (const Recipient& recipient : recipients) {
    if (!recipient.institution.empty()) {
      if (recipient.institution == institution) {
        return Cover::kNarrow;
      }
    } else if (!kind.empty() && recipient.kind == kind) {
      cover = Cover::kBroad;
    }
  }
  return cover;
}

struct Asked {
  const Question& question;
  std::string_view category;
  std::string_view kind;  // of the recipient
};

Cover CoverOf(const std::vector<Line>& lines, const Asked& asked) {
  Cover cover = Cover::kNone;
  for (const Line& line : lines) {
    if (AllOrHas(line.categories, asked.category) && AllOrHas(line.purposes, asked.question.purpose) &&
        AllOrHas(line.acts, asked.question.act)) {
      cover = std::max(cover, CoverOfRecipients(line.recipients, asked.question.recipient, asked.kind));
    }
  }
  return cover;
}

// Of an agreement, or of what a withdrawal of it keeps.
template <typename Agreed>
Cover CoverOfAgreed(const Agreed& agreed, const Asked& asked) {
  const bool anothers = !agreed.reference_of.empty() && agreed.reference_of != asked.question.sender;
  if (agreed.child_protection_only && asked.kind != kChildProtection) {
    return Cover::kNone;
  }
  if (!agreed.source_reference.empty() &&
      (anothers || agreed.source_reference != asked.question.stated.source_reference)) {
    return Cover::kNone;
  }
  return CoverOf(agreed.lines.all(), asked);
}

// A withdrawal of one agreement reaches as far as what it takes back, within its own lines.
Cover CoverWithin(Cover own, Cover taken) {
  return taken == Cover::kNone ? Cover::kNone : std::max(own, taken);
}

Cover CoverOf(const Denial& denial, const PersonState& state, const Asked& asked) {
  const Cover own = CoverOf(denial.lines, asked);
  if (own == Cover::kNone || !denial.agreement) {
    return own;
  }
  if (denial.taken_back) {
    return CoverWithin(own, CoverOfAgreed(*denial.taken_back, asked));
  }
  const Agreement* agreement = state.FindAgreement(*denial.agreement);  // recorded before they kept it
  return agreement == nullptr ? own : CoverWithin(own, CoverOfAgreed(*agreement, asked));
}

struct Covering {
  const Agreement* agreement;
  Cover cover;
};

// Noes of one class: narrow or broad, hers or a representative's.
struct NoClass {
  bool narrow = false;
  bool represented = false;
  friend bool operator==(const NoClass&, const NoClass&) = default;

  // Only an agreement as narrow undoes a narrow no, and only her own undoes hers.
  [[nodiscard]] bool UndoneBy(const Covering& covering) const {
    return (!narrow || covering.cover == Cover::kNarrow) && (represented || !covering.agreement->represented);
  }
  // Between noes of one instant the lower is told of.
  [[nodiscard]] int Rank() const { return (narrow ? 0 : 2) + (represented ? 1 : 0); }
};

// The latest no of its class under one name; of two at one instant the one recorded later.
struct CoveringNo {
  const Denial* denial;
  NoClass of;
  absl::Time undone = absl::InfiniteFuture();  // by the first agreement after it that can; else it stands
};

// Across names a yes answers only what she was one human with when it was recorded.
bool CanUndo(const PersonState& state, const Covering& covering, const CoveringNo& no) {
  return no.of.UndoneBy(covering) &&
         covering.agreement->recorded > state.OneSince(no.denial->origin.of, covering.agreement->origin.of);
}

std::vector<CoveringNo> NoesOf(const PersonState& state, const Asked& asked,
                               const std::vector<Covering>& agreements, absl::Time now) {
  std::vector<CoveringNo> noes;
  for (const Denial& denial : state.denials()) {
    const Cover cover = denial.at > now ? Cover::kNone : CoverOf(denial, state, asked);
    if (cover == Cover::kNone) {
      continue;
    }
    const NoClass of{cover == Cover::kNarrow, denial.represented};
    const auto known = std::find_if(noes.begin(), noes.end(), [&](const CoveringNo& no) {
      return no.of == of && no.denial->origin.of == denial.origin.of;
    });
    if (known == noes.end()) {
      noes.push_back({&denial, of});
    } else if (denial.at >= known->denial->at) {
      known->denial = &denial;
    }
  }
  for (CoveringNo& no : noes) {
    for (const Covering& covering : agreements) {
      if (covering.agreement->at > no.denial->at && CanUndo(state, covering, no)) {
        no.undone = std::min(no.undone, covering.agreement->at);
      }
    }
  }
  return noes;
}

// The latest that stands; null: none.
const Denial* Standing(const std::vector<CoveringNo>& noes) {
  const CoveringNo* latest = nullptr;
  for (const CoveringNo& no : noes) {
    const bool later = latest == nullptr || no.denial->at > latest->denial->at ||
                       (no.denial->at == latest->denial->at && no.of.Rank() < latest->of.Rank());
    if (no.undone == absl::InfiniteFuture() && later) {
      latest = &no;
    }
  }
  return latest == nullptr ? nullptr : latest->denial;
}

v1::Reason ReasonOf(const Denial& denial) {
  return denial.kind == Denial::Kind::kRefusal ? v1::REASON_REFUSED : v1::REASON_WITHDRAWN;
}

bool Objects(const PersonState& state, std::string_view sender, absl::Time now) {
  return std::any_of(state.objections().begin(), state.objections().end(), [&](const Objection& objection) {
    return objection.supplier == sender && objection.recorded <= now &&
           (!objection.lifted || *objection.lifted > now);
  });
}

// Every no ends the agreements before it, and one that could not undo a no began only if that no was undone.
bool Began(const PersonState& state, const Covering& covering, const std::vector<CoveringNo>& noes) {
  const absl::Time given = covering.agreement->at;
  return std::all_of(noes.begin(), noes.end(), [&](const CoveringNo& no) {
    return given > no.denial->at && (given >= no.undone || CanUndo(state, covering, no));
  });
}

int NearnessOf(v1::Reason lacking) {
  switch (lacking) {
    case v1::REASON_EXPLICIT_REQUIRED:
      return 5;
    case v1::REASON_MANDATE_ENDED:
      return 4;
    case v1::REASON_TERMINATED:
      return 3;
    case v1::REASON_EXPIRED:
      return 2;
    case v1::REASON_INVALIDATED:
      return 1;
    default:
      return 0;
  }
}

void Lack(HerWord& word, v1::Reason reason, const Agreement& agreement) {
  if (NearnessOf(reason) > NearnessOf(word.lacking)) {
    word.lacking = reason;
    word.represented = agreement.represented;
  }
}

// Of any that she gave, or of the one that is asked about.
bool MayRestOn(const Agreement& agreement, const Question& question) {
  return !question.agreement || *question.agreement == agreement.id;
}

// The agreements that cover what is asked, in force or not, also beside the one that is asked about: each may
// have undone a no.
std::vector<Covering> CoveringAgreements(const PersonState& state, const Asked& asked,
                                         const CategoryRule& rule, absl::Time now, HerWord& word) {
  std::vector<Covering> agreements;
  for (const Agreement& agreement : state.agreements()) {
    if (agreement.recorded > now || rule.offence) {
      continue;
    }
    const Cover cover = CoverOfAgreed(agreement, asked);
    if (cover == Cover::kNone) {
      continue;
    }
    const bool invalid = agreement.InvalidAt(now);
    if (!invalid && (!rule.special || agreement.explicit_given)) {
      agreements.push_back({&agreement, cover});
    } else if (MayRestOn(agreement, asked.question)) {
      Lack(word, invalid ? v1::REASON_INVALIDATED : v1::REASON_EXPLICIT_REQUIRED, agreement);
    }
  }
  return agreements;
}

}  // namespace

HerWord ReadHerActs(const PersonState& state, const Question& question, std::string_view category,
                    const Rules& rules, absl::Time now) {
  HerWord word;
  if (Objects(state, question.sender, now)) {
    word.denied = v1::REASON_OBJECTED;
    return word;
  }
  const Asked asked{question, category, rules.KindOf(question.recipient)};
  const std::vector<Covering> agreements =
      CoveringAgreements(state, asked, rules.CategoryOf(category), now, word);
  const std::vector<CoveringNo> noes = NoesOf(state, asked, agreements, now);
  if (const Denial* standing = Standing(noes)) {
    word.denied = ReasonOf(*standing);
    word.represented = standing->represented;
    return word;
  }
  absl::Time longest = absl::InfinitePast();
  for (const Covering& covering : agreements) {
    const Agreement& agreement = *covering.agreement;
    if (!MayRestOn(agreement, question) || !Began(state, covering, noes)) {
      continue;
    }
    const Term term = agreement.TermAt(now);
    if (agreement.EndedBy(now)) {
      Lack(word, v1::REASON_TERMINATED, agreement);
    } else if (now >= term.until) {
      Lack(word, term.by_mandate ? v1::REASON_MANDATE_ENDED : v1::REASON_EXPIRED, agreement);
    } else if (now >= agreement.valid_from && (word.agreement == nullptr || term.until > longest)) {
      word.agreement = &agreement;
      longest = term.until;
    }
  }
  if (word.agreement != nullptr) {
    word.represented = word.agreement->represented;
  }
  return word;
}

namespace {

template <typename List>
bool Meet(const List& a, const List& b) {
  return a.empty() || b.empty() || std::any_of(a.begin(), a.end(), [&](const auto& x) {
           return std::find(b.begin(), b.end(), x) != b.end();
         });
}

bool RecipientsMeet(const Recipient& a, const Recipient& b, const Rules& rules) {
  if (a == b) {
    return true;
  }
  const std::string_view kind_a = a.institution.empty() ? a.kind : rules.KindOf(a.institution);
  const std::string_view kind_b = b.institution.empty() ? b.kind : rules.KindOf(b.institution);
  return (a.institution.empty() || b.institution.empty()) && !kind_a.empty() && kind_a == kind_b;
}

}  // namespace

bool Overlap(const Line& a, const Line& b, const Rules& rules) {
  const bool recipients =
      a.recipients.empty() || b.recipients.empty() ||
      std::any_of(a.recipients.begin(), a.recipients.end(), [&](const Recipient& x) {
        return std::any_of(b.recipients.begin(), b.recipients.end(),
                           [&](const Recipient& y) { return RecipientsMeet(x, y, rules); });
      });
  return recipients && Meet(a.purposes, b.purposes) && Meet(a.categories, b.categories) &&
         Meet(a.acts, b.acts);
}

bool IsAbout(const Denial& denial, const PersonState& state, const Question& question,
             std::string_view category, const Rules& rules) {
  return CoverOf(denial, state, Asked{question, category, rules.KindOf(question.recipient)}) != Cover::kNone;
}

std::vector<Id128> AgreementsTouched(const PersonState& state, const Denial& denial, const Rules& rules,
                                     absl::Time now) {
  std::vector<Id128> touched;
  if (denial.agreement) {
    touched.push_back(*denial.agreement);
  }
  for (const Agreement& agreement : state.agreements()) {
    const bool named = denial.agreement && *denial.agreement == agreement.id;
    if (!named && !agreement.EndedBy(now) && TakesFrom(state, denial, agreement, rules, now)) {
      touched.push_back(agreement.id);
    }
  }
  return touched;
}

}  // namespace relais::consent
