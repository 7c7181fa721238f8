#include "services/consent/domain/against.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "services/consent/domain/contested.h"
#include "services/consent/domain/together.h"

namespace relais::consent {
namespace {

enum class Takes { kNothing, kPart, kAll };

// A no and an agreement, looked at together.
class Against {
 public:
  Against(const PersonState& state, const Denial& denial, const Agreement& agreement, const Rules& rules,
          absl::Time now)
      : state_(state),
        denial_(denial),
        agreement_(agreement),
        rules_(rules),
        now_(now),
        later_(denial.at >= agreement.at),
        one_(state.OneSince(denial.origin.of, agreement.origin.of)) {}

  [[nodiscard]] TookFrom Took() const {
    // One between the two commits of a link or split is not one human with anybody yet.
    const absl::Time since =
        one_ == absl::InfiniteFuture() ? now_ : std::max({denial_.at, one_, agreement_.at});
    return {since, !later_ && agreement_.recorded > one_, denial_.represented};
  }

  // The agreement had ended by then, or it is not then yet.
  [[nodiscard]] bool TakesNothing() const {
    const absl::Time since = Took().since;
    return since > now_ || since >= agreement_.TermAt(since).until;
  }

  // What comes after an agreement ends it wherever it holds, whatever else she agreed to (D-2.6.2).
  [[nodiscard]] bool IsLater() const { return later_; }

  [[nodiscard]] Takes From(const Line& line) const {
    Takes takes = Takes::kNothing;
    for (Contested& part : ContestedBy(state_, denial_, agreement_, line, rules_)) {
      if (!later_) {
        AnswerAll(part);
      }
      if (!part.empty()) {
        takes = std::max(takes, part.whole ? Takes::kAll : Takes::kPart);
      }
    }
    return takes;
  }

 private:
  void AnswerAll(Contested& part) const {
    if (MayAnswer(agreement_, part)) {
      Answer(agreement_.lines, rules_, part);
    }
    for (const Agreement& yes : state_.agreements()) {
      if (part.empty()) {
        return;
      }
      if (yes.at > denial_.at && yes.at <= agreement_.at && MayAnswer(yes, part)) {
        Answer(yes.lines, rules_, part);
      }
    }
  }

  // Her own no is answered by herself alone; across names by what was recorded since they are one.
  [[nodiscard]] bool MayAnswer(const Agreement& yes, const Contested& part) const {
    return !yes.InvalidAt(now_) && (denial_.represented || !yes.represented) &&
           yes.recorded > state_.OneSince(denial_.origin.of, yes.origin.of) && IsAsWide(yes) &&
           (yes.explicit_given || !NeedsExplicit(part));
  }

  // One that is limited to a report, or to child protection, answers for what is so limited alone.
  [[nodiscard]] bool IsAsWide(const Agreement& yes) const {
    const bool reports = yes.source_reference.empty() ||
                         (yes.source_reference == agreement_.source_reference &&
                          (yes.reference_of.empty() || yes.reference_of == agreement_.reference_of));
    return reports && (!yes.child_protection_only || agreement_.child_protection_only);
  }

  [[nodiscard]] bool NeedsExplicit(const Contested& part) const {
    return std::any_of(part.categories.begin(), part.categories.end(),
                       [&](const std::string* category) { return rules_.CategoryOf(*category).special; });
  }

  const PersonState& state_;
  const Denial& denial_;
  const Agreement& agreement_;
  const Rules& rules_;
  const absl::Time now_;
  const bool later_;      // than the agreement
  const absl::Time one_;  // since when the two names are one human
};

struct Part {
  absl::Time since;
  Contested what;
};

// What later noes hold of the line, in the order of `since`: no more than HoldTogether takes.
std::vector<Part> LaterParts(const PersonState& state, const Agreement& agreement, const Line& line,
                             const Rules& rules, absl::Time now) {
  std::vector<Part> parts;
  for (const Denial& denial : state.denials()) {
    if (parts.size() == kMostParts) {
      break;
    }
    const Against against(state, denial, agreement, rules, now);
    if (!against.IsLater() || against.TakesNothing()) {
      continue;
    }
    for (Contested& part : ContestedBy(state, denial, agreement, line, rules)) {
      if (!part.limited && parts.size() < kMostParts) {
        parts.push_back({against.Took().since, std::move(part)});
      }
    }
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& one, const Part& other) { return one.since < other.since; });
  return parts;
}

// Since when later noes hold all of the line together; never: InfiniteFuture.
absl::Time HeldSince(const PersonState& state, const Agreement& agreement, const Line& line,
                     const Rules& rules, absl::Time now) {
  const std::vector<Part> parts = LaterParts(state, agreement, line, rules, now);
  std::vector<const Contested*> all;
  all.reserve(parts.size());
  for (const Part& part : parts) {
    all.push_back(&part.what);
  }
  const std::optional<size_t> first = HoldTogether(line, all).first;
  return first ? parts[*first - 1].since : absl::InfiniteFuture();
}

// Since when nothing is left of any line. `lines`: since when one no alone holds it.
absl::Time NothingLeftSince(const PersonState& state, const Agreement& agreement,
                            const std::vector<absl::Time>& lines, const Rules& rules, absl::Time now) {
  absl::Time last = absl::InfinitePast();
  for (size_t i = 0; i < lines.size() && last != absl::InfiniteFuture(); ++i) {
    if (lines[i] > last) {  // else it was gone by then, whatever several noes hold of it
      last = std::max(last, std::min(lines[i], HeldSince(state, agreement, agreement.lines[i], rules, now)));
    }
  }
  return lines.empty() ? absl::InfiniteFuture() : last;
}

}  // namespace

Taken WhatWasTaken(const PersonState& state, const Agreement& agreement, const Rules& rules, absl::Time now) {
  Taken taken;
  // By line: since when a no held all of it.
  std::vector<absl::Time> lines(agreement.lines.size(), absl::InfiniteFuture());
  for (const Denial& denial : state.denials()) {
    const Against against(state, denial, agreement, rules, now);
    if (against.TakesNothing()) {
      continue;
    }
    const TookFrom took = against.Took();
    bool something = false;
    for (size_t i = 0; i < lines.size(); ++i) {
      const Takes takes = against.From(agreement.lines[i]);
      something = something || takes != Takes::kNothing;
      lines[i] = takes == Takes::kAll ? std::min(lines[i], took.since) : lines[i];
    }
    if (something) {
      taken.noes.push_back(took);
    }
  }
  std::stable_sort(taken.noes.begin(), taken.noes.end(),
                   [](const TookFrom& one, const TookFrom& other) { return one.since < other.since; });
  const absl::Time last =
      taken.noes.empty() ? absl::InfiniteFuture() : NothingLeftSince(state, agreement, lines, rules, now);
  if (last != absl::InfiniteFuture()) {
    taken.whole = last;
    std::erase_if(taken.noes, [&](const TookFrom& took) { return took.since > last; });
  }
  return taken;
}

bool TakesFrom(const PersonState& state, const Denial& denial, const Agreement& agreement, const Rules& rules,
               absl::Time now) {
  const Against against(state, denial, agreement, rules, now);
  return !against.TakesNothing() &&
         std::any_of(agreement.lines.begin(), agreement.lines.end(),
                     [&](const Line& line) { return against.From(line) != Takes::kNothing; });
}

size_t ComparedPerLine(const PersonState& state) {
  size_t noes = 0;
  for (const Denial& denial : state.denials()) {
    noes += denial.lines.size() * (denial.taken_back ? denial.taken_back->lines.size() : 1);
  }
  size_t answers = 1;
  for (const Agreement& yes : state.agreements()) {
    answers += yes.lines.size();
  }
  return noes * answers;
}

}  // namespace relais::consent
