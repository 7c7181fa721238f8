#include "services/consent/domain/her_acts.h"

#include <algorithm>
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

Cover CoverOf(const Agreement& agreement, const Asked& asked) {
  const bool anothers = !agreement.reference_of.empty() && agreement.reference_of != asked.question.sender;
  if (!agreement.source_reference.empty() &&
      (anothers || agreement.source_reference != asked.question.stated.source_reference)) {
    return Cover::kNone;
  }
  return CoverOf(agreement.lines, asked);
}

// A withdrawal of one agreement is as broad as what it takes back, within its own lines.
Cover CoverOf(const Denial& denial, const PersonState& state, const Asked& asked) {
  const Cover own = CoverOf(denial.lines, asked);
  if (own == Cover::kNone || !denial.agreement) {
    return own;
  }
  const Agreement* agreement = state.FindAgreement(*denial.agreement);
  return agreement == nullptr ? own : CoverOf(*agreement, asked);
}

struct Latest {
  absl::Time at = absl::InfinitePast();
  const Denial* denial = nullptr;

  void Take(absl::Time when, const Denial* what) {
    if (when >= at || denial == nullptr) {
      at = std::max(at, when);
      denial = what;
    }
  }
};

struct Denials {
  Latest narrow;
  Latest broad;
  [[nodiscard]] absl::Time latest() const { return std::max(narrow.at, broad.at); }
};

Denials DenialsOf(const PersonState& state, const Asked& asked, absl::Time now) {
  Denials denials;
  for (const Denial& denial : state.denials()) {
    if (denial.at > now) {
      continue;
    }
    const Cover cover = CoverOf(denial, state, asked);
    if (cover != Cover::kNone) {
      (cover == Cover::kNarrow ? denials.narrow : denials.broad).Take(denial.at, &denial);
    }
  }
  return denials;
}

struct Covering {
  const Agreement* agreement;
  Cover cover;
};

v1::Reason ReasonOf(const Denial& denial) {
  return denial.kind == Denial::Kind::kRefusal ? v1::REASON_REFUSED : v1::REASON_WITHDRAWN;
}

bool Objects(const PersonState& state, std::string_view sender, absl::Time now) {
  return std::any_of(state.objections().begin(), state.objections().end(), [&](const Objection& objection) {
    return objection.supplier == sender && objection.recorded <= now &&
           (!objection.lifted || *objection.lifted > now);
  });
}

// The denial that still stands, the later of the two; null: none.
const Denial* Standing(const Denials& denials, const std::vector<Covering>& agreements) {
  absl::Time any = absl::InfinitePast();
  absl::Time narrow = absl::InfinitePast();
  for (const Covering& covering : agreements) {
    any = std::max(any, covering.agreement->at);
    if (covering.cover == Cover::kNarrow) {
      narrow = std::max(narrow, covering.agreement->at);
    }
  }
  const Denial* standing = nullptr;
  if (denials.narrow.denial != nullptr && denials.narrow.at >= narrow) {
    standing = denials.narrow.denial;
  }
  if (denials.broad.denial != nullptr && denials.broad.at >= any &&
      (standing == nullptr || denials.broad.at > standing->at)) {
    standing = denials.broad.denial;
  }
  return standing;
}

// When she first named this institution again after her last narrow no; broad agreements before it never
// began.
absl::Time BroadFrom(const Denials& denials, const std::vector<Covering>& agreements) {
  if (denials.narrow.denial == nullptr) {
    return absl::InfinitePast();
  }
  absl::Time from = absl::InfiniteFuture();
  for (const Covering& covering : agreements) {
    if (covering.cover == Cover::kNarrow && covering.agreement->at > denials.narrow.at) {
      from = std::min(from, covering.agreement->at);
    }
  }
  return from;
}

}  // namespace

HerWord ReadHerActs(const PersonState& state, const Question& question, std::string_view category,
                    const Rules& rules, absl::Time now) {
  HerWord word;
  if (Objects(state, question.sender, now)) {
    word.denied = v1::REASON_OBJECTED;
    return word;
  }
  const CategoryRule rule = rules.CategoryOf(category);
  const Asked asked{question, category, rules.KindOf(question.recipient)};
  std::vector<Covering> agreements;
  for (const Agreement& agreement : state.agreements()) {
    if (agreement.recorded > now || rule.offence) {
      continue;
    }
    const Cover cover = CoverOf(agreement, asked);
    if (cover == Cover::kNone) {
      continue;
    }
    if (rule.special && !agreement.explicit_given) {
      word.lacking = v1::REASON_EXPLICIT_REQUIRED;
      continue;
    }
    agreements.push_back({&agreement, cover});
  }
  const Denials denials = DenialsOf(state, asked, now);
  if (const Denial* standing = Standing(denials, agreements); standing != nullptr) {
    word.denied = ReasonOf(*standing);
    return word;
  }
  const absl::Time broad_from = BroadFrom(denials, agreements);
  for (const Covering& covering : agreements) {
    const Agreement& agreement = *covering.agreement;
    const bool ended = agreement.at <= denials.latest() && denials.latest() != absl::InfinitePast();
    if (ended || (covering.cover == Cover::kBroad && agreement.at < broad_from)) {
      continue;
    }
    if (now >= agreement.valid_until) {
      word.lacking = word.lacking == v1::REASON_UNSPECIFIED ? v1::REASON_EXPIRED : word.lacking;
    } else if (now >= agreement.valid_from &&
               (word.agreement == nullptr || agreement.valid_until > word.agreement->valid_until)) {
      word.agreement = &agreement;
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
    if (meets && now < agreement.valid_until) {
      touched.push_back(agreement.id);
    }
  }
  return touched;
}

}  // namespace relais::consent
