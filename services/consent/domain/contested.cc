#include "services/consent/domain/contested.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "services/consent/domain/expiry.h"
#include "services/consent/domain/her_acts.h"

namespace relais::consent {
namespace {

template <typename Value>
using Some = Contested::Some<Value>;

template <typename Value>
bool Has(const std::vector<Value>& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The values of an agreement's line that both lists of a no hold; an empty one means "all".
template <typename Value>
Some<Value> Shared(const std::vector<Value>& agreed, const std::vector<Value>& no,
                   const std::vector<Value>& bound) {
  Some<Value> shared;
  for (const Value& value : agreed) {
    if ((no.empty() || Has(no, value)) && (bound.empty() || Has(bound, value))) {
      shared.push_back(&value);
    }
  }
  return shared;
}

std::string_view KindOf(const Recipient& recipient, const Rules& rules) {
  return recipient.institution.empty() ? recipient.kind : rules.KindOf(recipient.institution);
}

bool HasKind(const std::vector<Recipient>& list, std::string_view kind) {
  return !kind.empty() && std::any_of(list.begin(), list.end(), [&](const Recipient& each) {
    return each.institution.empty() && each.kind == kind;
  });
}

// By name or by kind.
bool Covers(const Line& line, const Recipient& recipient, const Rules& rules) {
  return Has(line.recipients, recipient) || HasKind(line.recipients, KindOf(recipient, rules));
}

// What a bound leaves of whom a no holds broadly: all of it, and narrowly the institutions that the bound
// names.
void AddWithin(const Recipient& agreed, const std::vector<Recipient>& bound, const Rules& rules,
               Contested& part) {
  const std::string_view kind = KindOf(agreed, rules);
  if (bound.empty() || HasKind(bound, kind)) {
    part.broad.push_back(&agreed);
  }
  for (const Recipient& each : bound) {
    const bool within = agreed.institution.empty() ? rules.KindOf(each.institution) == kind : each == agreed;
    if (!each.institution.empty() && within) {
      part.narrow.push_back(&each);
    }
  }
}

// `no` says whom, and how broadly; `bound` limits it further and is narrow where it names the institution.
Contested PartOf(const Line& line, const Line& no, const Line& bound, const Rules& rules) {
  Contested part;
  part.line = &line;
  part.purposes = Shared(line.purposes, no.purposes, bound.purposes);
  part.categories = Shared(line.categories, no.categories, bound.categories);
  part.acts = Shared(line.acts, no.acts, bound.acts);
  if (part.purposes.empty() || part.categories.empty() || part.acts.empty()) {
    return part;
  }
  for (const Recipient& named : no.recipients) {
    if (!named.institution.empty() && Covers(line, named, rules) &&
        (bound.recipients.empty() || Covers(bound, named, rules))) {
      part.narrow.push_back(&named);
    }
  }
  for (const Recipient& agreed : line.recipients) {
    if (no.recipients.empty() || HasKind(no.recipients, KindOf(agreed, rules))) {
      AddWithin(agreed, bound.recipients, rules, part);
    }
  }
  std::erase_if(part.broad, [&](const Recipient* broad) {
    return std::any_of(part.narrow.begin(), part.narrow.end(),
                       [&](const Recipient* narrow) { return *narrow == *broad; });
  });
  part.whole = HoldsLine(no, line, rules) && HoldsLine(bound, line, rules);
  return part;
}

void AddPart(Contested part, std::vector<Contested>& out) {
  if (!part.empty()) {
    out.push_back(std::move(part));
  }
}

// Of what a withdrawal took back. Of one report, or of child protection, alone it is no more than a part of
// what is not so limited.
template <typename Agreed>
void AddPartsOf(const Agreed& taken, const Denial& denial, const Agreement& agreement, const Line& line,
                const Rules& rules, std::vector<Contested>& out) {
  const bool report = !taken.source_reference.empty();
  const bool same_reports =
      taken.source_reference == agreement.source_reference && taken.reference_of == agreement.reference_of;
  const bool named_otherwise = !taken.reference_of.empty() && !agreement.reference_of.empty() &&
                               taken.reference_of != agreement.reference_of;
  if (report && !agreement.source_reference.empty() &&
      (taken.source_reference != agreement.source_reference || named_otherwise)) {
    return;
  }
  const bool limited =
      (report && !same_reports) || (taken.child_protection_only && !agreement.child_protection_only);
  for (const Line& bound : denial.lines) {
    for (const Line& no : taken.lines) {
      Contested part = PartOf(line, no, bound, rules);
      part.limited = limited;
      part.whole = part.whole && !limited;
      AddPart(std::move(part), out);
    }
  }
}

// `wanted` and all of it in a line.
template <typename Value>
bool HasAll(const std::vector<Value>& list, const Some<Value>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Value* value) { return Has(list, *value); });
}

}  // namespace

std::vector<Contested> ContestedBy(const PersonState& state, const Denial& denial, const Agreement& agreement,
                                   const Line& line, const Rules& rules) {
  std::vector<Contested> parts;
  const Agreement* named = denial.agreement && !denial.taken_back  // recorded before they kept it
                               ? state.FindAgreement(*denial.agreement)
                               : nullptr;
  if (denial.agreement && denial.taken_back) {
    AddPartsOf(*denial.taken_back, denial, agreement, line, rules, parts);
  } else if (named != nullptr) {
    AddPartsOf(*named, denial, agreement, line, rules, parts);
  } else {
    static const Line kNoBound;
    for (const Line& no : denial.lines) {
      AddPart(PartOf(line, no, kNoBound, rules), parts);
    }
  }
  return parts;
}

void Answer(const Lines& yes, const Rules& rules, Contested& contested) {
  for (const Line& answer : yes) {
    const bool all_of_it = HasAll(answer.purposes, contested.purposes) &&
                           HasAll(answer.categories, contested.categories) &&
                           HasAll(answer.acts, contested.acts);
    if (!all_of_it) {
      contested.whole = contested.whole && !Overlap(answer, *contested.line, rules);
      continue;
    }
    size_t answered =
        std::erase_if(contested.narrow, [&](const Recipient* each) { return Has(answer.recipients, *each); });
    answered +=
        std::erase_if(contested.broad, [&](const Recipient* each) { return Covers(answer, *each, rules); });
    const bool some_of_a_kind =
        std::any_of(contested.broad.begin(), contested.broad.end(), [&](const Recipient* each) {
          return std::any_of(answer.recipients.begin(), answer.recipients.end(), [&](const Recipient& named) {
            return each->institution.empty() && KindOf(named, rules) == each->kind;
          });
        });
    contested.whole = contested.whole && answered == 0 && !some_of_a_kind;
  }
}

}  // namespace relais::consent
