#include "services/consent/domain/her_acts.h"

#include <algorithm>
#include <array>
#include <optional>

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
  return CoverOf(agreed.lines, asked);
}

// A withdrawal of one agreement is as broad as what it takes back, within its own lines.
Cover CoverOf(const Denial& denial, const PersonState& state, const Asked& asked) {
  const Cover own = CoverOf(denial.lines, asked);
  if (own == Cover::kNone || !denial.agreement) {
    return own;
  }
  if (denial.taken_back) {
    return CoverOfAgreed(*denial.taken_back, asked);
  }
  const Agreement* agreement = state.FindAgreement(*denial.agreement);  // recorded before they kept it
  return agreement == nullptr ? own : CoverOfAgreed(*agreement, asked);
}

struct Covering {
  const Agreement* agreement;
  Cover cover;
};

// Noes of one class: narrow or broad, hers or a representative's.
struct NoClass {
  bool narrow = false;
  bool represented = false;

  // Only an agreement as narrow undoes a narrow no, and only her own undoes hers.
  [[nodiscard]] bool UndoneBy(const Covering& covering) const {
    return (!narrow || covering.cover == Cover::kNarrow) && (represented || !covering.agreement->represented);
  }
};

// In the order of preference between noes of one instant.
constexpr std::array<NoClass, 4> kClasses = {NoClass{true, false}, NoClass{true, true}, NoClass{false, false},
                                             NoClass{false, true}};

// The latest no of each class; of two at one instant the one recorded later.
using Denials = std::array<const Denial*, kClasses.size()>;

Denials DenialsOf(const PersonState& state, const Asked& asked, absl::Time now) {
  Denials denials{};
  for (const Denial& denial : state.denials()) {
    const Cover cover = denial.at > now ? Cover::kNone : CoverOf(denial, state, asked);
    for (size_t i = 0; cover != Cover::kNone && i < kClasses.size(); ++i) {
      if (kClasses[i].narrow == (cover == Cover::kNarrow) && kClasses[i].represented == denial.represented &&
          (denials[i] == nullptr || denial.at >= denials[i]->at)) {
        denials[i] = &denial;
      }
    }
  }
  return denials;
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

// What became of the noes of each class: when the first agreement after it undid it; InfinitePast where there
// was no no, InfiniteFuture where it stands.
struct Noes {
  std::array<absl::Time, kClasses.size()> undone;
  absl::Time latest = absl::InfinitePast();  // of all of them
  const Denial* standing = nullptr;          // the latest that stands
};

Noes NoesOf(const Denials& denials, const std::vector<Covering>& agreements) {
  Noes noes;
  for (size_t i = 0; i < kClasses.size(); ++i) {
    const Denial* denial = denials[i];
    noes.undone[i] = denial == nullptr ? absl::InfinitePast() : absl::InfiniteFuture();
    if (denial == nullptr) {
      continue;
    }
    noes.latest = std::max(noes.latest, denial->at);
    for (const Covering& covering : agreements) {
      if (covering.agreement->at > denial->at && kClasses[i].UndoneBy(covering)) {
        noes.undone[i] = std::min(noes.undone[i], covering.agreement->at);
      }
    }
    if (noes.undone[i] == absl::InfiniteFuture() &&
        (noes.standing == nullptr || denial->at > noes.standing->at)) {
      noes.standing = denial;
    }
  }
  return noes;
}

// Every no ends the agreements before it, and one that could not undo a no began only if that no was undone.
bool Began(const Covering& covering, const Noes& noes) {
  if (covering.agreement->at <= noes.latest && noes.latest != absl::InfinitePast()) {
    return false;
  }
  for (size_t i = 0; i < kClasses.size(); ++i) {
    if (!kClasses[i].UndoneBy(covering) && covering.agreement->at < noes.undone[i]) {
      return false;
    }
  }
  return true;
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

void Lack(HerWord& word, v1::Reason reason) {
  if (NearnessOf(reason) > NearnessOf(word.lacking)) {
    word.lacking = reason;
  }
}

// The agreements that cover what is asked, in force or not.
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
    if (agreement.InvalidAt(now)) {
      Lack(word, v1::REASON_INVALIDATED);
    } else if (rule.special && !agreement.explicit_given) {
      Lack(word, v1::REASON_EXPLICIT_REQUIRED);
    } else {
      agreements.push_back({&agreement, cover});
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
  const Noes noes = NoesOf(DenialsOf(state, asked, now), agreements);
  if (noes.standing != nullptr) {
    word.denied = ReasonOf(*noes.standing);
    return word;
  }
  absl::Time longest = absl::InfinitePast();
  for (const Covering& covering : agreements) {
    const Agreement& agreement = *covering.agreement;
    if (!Began(covering, noes)) {
      continue;
    }
    const Term term = agreement.TermAt(now);
    if (agreement.EndedBy(now)) {
      Lack(word, v1::REASON_TERMINATED);
    } else if (now >= term.until) {
      Lack(word, term.by_mandate ? v1::REASON_MANDATE_ENDED : v1::REASON_EXPIRED);
    } else if (now >= agreement.valid_from && (word.agreement == nullptr || term.until > longest)) {
      word.agreement = &agreement;
      longest = term.until;
    }
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

std::vector<Id128> AgreementsTouched(const PersonState& state, const Denial& denial, const Rules& rules,
                                     absl::Time now) {
  if (denial.agreement) {
    return {*denial.agreement};
  }
  std::vector<Id128> touched;
  for (const Agreement& agreement : state.agreements()) {
    const bool meets = std::any_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
      return std::any_of(denial.lines.begin(), denial.lines.end(),
                         [&](const Line& denied) { return Overlap(line, denied, rules); });
    });
    if (meets && now < agreement.TermAt(now).until && !agreement.EndedBy(now)) {
      touched.push_back(agreement.id);
    }
  }
  return touched;
}

}  // namespace relais::consent
