#include "services/consent/domain/against.h"

#include <algorithm>
#include <string>
#include <vector>

#include "services/consent/domain/expiry.h"
#include "services/consent/domain/her_acts.h"

namespace relais::consent {
namespace {

Takes ByLines(const std::vector<Line>& noes, const Line& line, const Rules& rules) {
  Takes takes = Takes::kNothing;
  for (const Line& no : noes) {
    if (HoldsLine(no, line, rules)) {
      return Takes::kAll;
    }
    if (Overlap(no, line, rules)) {
      takes = Takes::kPart;
    }
  }
  return takes;
}

// By what a withdrawal of another agreement took back. Of one report, or of child protection, alone it is no
// more than a part of what is not so limited.
template <typename Agreed>
Takes ByAgreed(const Agreed& agreed, const Agreement& agreement, const Line& line, const Rules& rules) {
  const bool report = !agreed.source_reference.empty();
  if (report && !agreement.source_reference.empty() &&
      agreed.source_reference != agreement.source_reference) {
    return Takes::kNothing;
  }
  const bool of_report =
      report && (agreement.source_reference.empty() || agreed.reference_of != agreement.reference_of);
  const bool of_protection = agreed.child_protection_only && !agreement.child_protection_only;
  const Takes takes = ByLines(agreed.lines.all(), line, rules);
  return of_report || of_protection ? std::min(takes, Takes::kPart) : takes;
}

Takes ByDenial(const PersonState& state, const Denial& denial, const Agreement& agreement, const Line& line,
               const Rules& rules) {
  const Takes own = ByLines(denial.lines, line, rules);
  if (own == Takes::kNothing || !denial.agreement || *denial.agreement == agreement.id) {
    return own;
  }
  if (denial.taken_back) {
    return std::min(own, ByAgreed(*denial.taken_back, agreement, line, rules));
  }
  const Agreement* named = state.FindAgreement(*denial.agreement);
  return named == nullptr ? own : std::min(own, ByAgreed(*named, agreement, line, rules));
}

template <typename List>
bool HasAll(const List& list, const List& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  });
}

// The institutions of a kind that the line names, which the no names itself: only a yes that names them too
// is as narrow (D-2.6.2).
template <typename Lines>
void AddNamed(const Lines& noes, const Line& line, const Rules& rules, std::vector<Recipient>& wanted) {
  for (const Line& no : noes) {
    for (const Recipient& recipient : no.recipients) {
      const Recipient kind{"", std::string(rules.KindOf(recipient.institution))};
      if (!recipient.institution.empty() && HasAll(line.recipients, std::vector<Recipient>{kind})) {
        wanted.push_back(recipient);
      }
    }
  }
}

// Whom a yes must name to answer the no for this line.
std::vector<Recipient> WhomToName(const Denial& denial, const Line& line, const Rules& rules) {
  std::vector<Recipient> wanted = line.recipients;
  AddNamed(denial.lines, line, rules, wanted);
  if (denial.taken_back) {
    AddNamed(denial.taken_back->lines, line, rules, wanted);
  }
  return wanted;
}

bool NeedsExplicit(const Line& line, const Rules& rules) {
  return std::any_of(line.categories.begin(), line.categories.end(),
                     [&](const std::string& category) { return rules.CategoryOf(category).special; });
}

// Whether the no was answered for this line by another agreement before this one was given.
bool WasAnswered(const PersonState& state, const Denial& denial, const Agreement& agreement, const Line& line,
                 const Rules& rules, absl::Time now) {
  const std::vector<Recipient> wanted = WhomToName(denial, line, rules);
  return std::any_of(state.agreements().begin(), state.agreements().end(), [&](const Agreement& yes) {
    const bool between = yes.at > denial.at && yes.at <= agreement.at && !yes.InvalidAt(now);
    const bool may = yes.recorded > state.OneSince(denial.origin.of, yes.origin.of) &&
                     (denial.represented || !yes.represented) &&
                     (yes.explicit_given || !NeedsExplicit(line, rules));
    const bool limited = !yes.source_reference.empty() || yes.child_protection_only;
    return between && may && !limited &&
           std::any_of(yes.lines.begin(), yes.lines.end(), [&](const Line& answer) {
             return HasAll(answer.purposes, line.purposes) && HasAll(answer.categories, line.categories) &&
                    HasAll(answer.acts, line.acts) && HasAll(answer.recipients, wanted);
           });
  });
}

}  // namespace

NoAgainst Against(const PersonState& state, const Denial& denial, const Agreement& agreement,
                  const Line& line, const Rules& rules, absl::Time now) {
  const bool later = denial.at >= agreement.at;
  if (denial.origin.of == agreement.origin.of) {
    const bool concerns = later && (!denial.agreement || *denial.agreement == agreement.id);
    const Takes takes = concerns ? ByLines(denial.lines, line, rules) : Takes::kNothing;
    return {takes, takes == Takes::kNothing ? absl::InfinitePast() : denial.at};
  }
  // Of two names. One between the two commits of a link or split is not one human with anybody yet.
  const Takes takes = ByDenial(state, denial, agreement, line, rules);
  if (takes == Takes::kNothing) {
    return {};
  }
  const absl::Time one = state.OneSince(denial.origin.of, agreement.origin.of);
  if (!later && (agreement.recorded > one || WasAnswered(state, denial, agreement, line, rules, now))) {
    return {};
  }
  const absl::Time since = one == absl::InfiniteFuture() ? now : std::max(denial.at, one);
  return since < agreement.TermAt(since).until ? NoAgainst{takes, since} : NoAgainst();  // it had ended
}

bool AllIsTaken(const PersonState& state, const Agreement& agreement, const Rules& rules, absl::Time now) {
  return std::all_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
    return std::any_of(state.denials().begin(), state.denials().end(), [&](const Denial& denial) {
      return Against(state, denial, agreement, line, rules, now).takes == Takes::kAll;
    });
  });
}

}  // namespace relais::consent
