// What she said, as values: agreements, refusals and withdrawals, objections, emergencies. Plain structures,
// so that a decision is a function of values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/common/v1/types.pb.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/person_service.pb.h"

namespace relais::consent {

/// Under whose name an act was recorded, where persons are linked as one human (links.h). Zero: the history's
/// own person. `frozen`: it stands in that other person's history, which does not change.
struct Origin {
  Id128 of = {};
  bool frozen = false;
};

/// One institution, or every institution of a kind: exactly one member is set.
struct Recipient {
  std::string institution;
  std::string kind;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// Every combination of the four lists. In a denial an empty list means "all"; in an agreement no list is
/// empty.
struct Line {
  std::vector<std::string> purposes;
  std::vector<std::string> categories;
  std::vector<Recipient> recipients;
  std::vector<common::v1::Act> acts;
};

/// Lines that never change, shared by their copies: most people agree to one of a few forms, and a history is
/// copied at each act. Thread-safe as an immutable value.
class Lines {
 public:
  using value_type = Line;
  using const_iterator = std::vector<Line>::const_iterator;

  Lines() = default;
  Lines(std::vector<Line> lines)  // NOLINT(google-explicit-constructor): it is what they are
      : lines_(lines.empty() ? nullptr : std::make_shared<const std::vector<Line>>(std::move(lines))) {}
  Lines(std::initializer_list<Line> lines) : Lines(std::vector<Line>(lines)) {}

  [[nodiscard]] const std::vector<Line>& all() const {
    static const std::vector<Line> kNone;
    return lines_ == nullptr ? kNone : *lines_;
  }
  [[nodiscard]] const_iterator begin() const { return all().begin(); }
  [[nodiscard]] const_iterator end() const { return all().end(); }
  [[nodiscard]] size_t size() const { return all().size(); }
  [[nodiscard]] bool empty() const { return lines_ == nullptr; }
  [[nodiscard]] const Line& operator[](size_t i) const { return all()[i]; }
  [[nodiscard]] const Line& front() const { return all().front(); }
  /// Copies of one another: equal without being compared.
  [[nodiscard]] bool SharedWith(const Lines& other) const { return lines_ == other.lines_; }

 private:
  std::shared_ptr<const std::vector<Line>> lines_;
};

/// An agreement prolonged: the same lines for longer. No new word on what she said no to in between.
struct Renewal {
  absl::Time at;
  absl::Time valid_until;                             // excluded
  absl::Time mandate_until = absl::InfiniteFuture();  // excluded
};

/// Until when something counts, and whether a representative's mandate ends it rather than its period.
struct Term {
  absl::Time until;  // excluded
  bool by_mandate = false;
};

/// Her agreement. `at` is when she gave it: never later than when it was recorded, so that one recorded late
/// does not overrule what she said in between.
struct Agreement {
  Id128 id;
  absl::Time at;
  absl::Time recorded;
  absl::Time valid_from;
  absl::Time valid_until;  // excluded
  bool explicit_given = false;
  std::string source_reference;  // empty: any; else for this report only (D-4.4a)
  std::string reference_of;      // whose reference that is: others number theirs alike
  Lines lines;

  // Given for her by a representative, whose mandate carries it until then (D-2.8, D-2.9).
  bool represented = false;
  absl::Time mandate_until = absl::InfiniteFuture();  // excluded
  bool child_protection_only = false;                 // a minor whom nobody represents
  std::string collector;                              // institution
  std::vector<Renewal> renewals;                      // in their order
  /// Ended otherwise than by her; an invalidated one counts as never given (D-2.12).
  struct Ended {
    absl::Time at;
    bool invalidated = false;
  };
  std::optional<Ended> ended;
  Origin origin = {};

  /// By the renewals known at that instant. Endings apart.
  [[nodiscard]] Term TermAt(absl::Time now) const {
    Term term{valid_until};
    absl::Time mandate = mandate_until;
    for (const Renewal& renewal : renewals) {
      if (renewal.at <= now) {
        term.until = renewal.valid_until;
        mandate = renewal.mandate_until;
      }
    }
    if (mandate < term.until) {
      term = {mandate, true};
    }
    return term;
  }
  [[nodiscard]] bool EndedBy(absl::Time now) const { return ended && ended->at <= now; }
  [[nodiscard]] bool InvalidAt(absl::Time now) const { return EndedBy(now) && ended->invalidated; }
};

/// What an agreement covered, as a withdrawal of it keeps it: it says how far the no reaches, and how broad
/// it is, also where the agreement itself is not (links.h).
struct TakenBack {
  Lines lines;
  std::string source_reference;
  std::string reference_of;
  bool child_protection_only = false;
};

/// Her no: a refusal, or a withdrawal of what she had agreed to. A withdrawal of one agreement covers what
/// that agreement covers, within `lines`.
struct Denial {
  enum class Kind { kRefusal, kWithdrawal };
  Id128 id;
  Kind kind = Kind::kRefusal;
  absl::Time at;  // when it was recorded
  std::optional<Id128> agreement;
  std::vector<Line> lines;
  bool represented = false;  // a representative said it; else she herself
  Origin origin = {};
  /// Of the agreement; filled when it is recorded (PersonState::Add).
  std::optional<TakenBack> taken_back = std::nullopt;
};

/// Her objection to what a supplier may otherwise transmit (D-1.6). It ends by lifting and in no other way.
struct Objection {
  std::string supplier;
  // The record it is about. Empty for a person's own objection, made without one.
  uint32_t key_version = 0;
  std::string digest;
  // Of the record's objection: the last change of it that is applied here.
  uint64_t generation = 0;
  absl::Time recorded;
  std::optional<absl::Time> lifted;
  Origin origin = {};
  std::optional<absl::Time> said_again = std::nullopt;  // while it stood

  [[nodiscard]] absl::Time LastSaid() const {
    return said_again ? std::max(recorded, *said_again) : recorded;
  }
};

/// Break-glass: one recipient, listed categories, until its end (D-2.6.6).
struct Emergency {
  Id128 id;
  std::string recipient;
  std::string recipient_function;  // empty: any of the institution's
  std::vector<std::string> categories;
  absl::Time from;
  absl::Time until;  // excluded

  std::string declared_by = {};     // institution
  std::string declared_agent = {};  // its human; until it is judged
  std::optional<absl::Time> reviewed = std::nullopt;
  v1::ReviewOutcome outcome = v1::REVIEW_OUTCOME_UNSPECIFIED;
  std::optional<absl::Time> informed = std::nullopt;  // when she was told of it
  Origin origin = {};
  std::string recipient_kind = {};  // when it was declared; empty: of an earlier build

  /// One that was judged to be none counts no longer.
  [[nodiscard]] bool CountsAt(absl::Time now) const {
    const bool none = reviewed && *reviewed <= now && outcome == v1::REVIEW_OUTCOME_NOT_JUSTIFIED;
    return from <= now && now < until && !none;
  }
};

/// She was told beforehand what is shared, for what, with which institutions (D-2.4, D-2.6.4).
struct Information {
  Id128 id;
  absl::Time at;
  std::string by;           // institution
  std::string by_function;  // of the human who told her
  std::vector<Line> lines;
  Origin origin = {};
};

/// An institution's processing is restricted at her demand (RGPD art. 18), until it says that it ends.
struct Restriction {
  Id128 id;
  std::string institution;
  absl::Time from;
  std::optional<absl::Time> until;  // nullopt: it stands
  Origin origin = {};
};

/// Her history is frozen: acts on her go to another person's.
struct LinkedTo {
  Id128 link;
  Id128 canonical;
  absl::Time since;
  v1::LinkCause cause = v1::LINK_CAUSE_UNSPECIFIED;
  Id128 via = {};     // with whom she was said to be one: the canonical, or one who is linked to her
  uint64_t turn = 0;  // of the canonical (PersonState::turns) when this was written
};

/// Somebody whose frozen history is read with this one, or was until then.
struct Link {
  Id128 id;
  Id128 person;  // who is linked; of one by which this person herself was: to whom
  absl::Time since;
  v1::LinkCause cause = v1::LINK_CAUSE_UNSPECIFIED;
  std::optional<absl::Time> until;
  Id128 via = {};        // with whom the linked one was said to be one
  Id128 went_with = {};  // ended because that link did: she went along with `via`, where this link goes on
  bool left = false;     // this person was the linked one
  Id128 ended_by = {};   // the event that ended it
};

}  // namespace relais::consent
