// Who may agree for her (D-2.8, D-2.9). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/civil_time.h"
#include "relais/consent/v1/consent.pb.h"

namespace relais::consent {

struct RepresentationAsked {
  v1::Representation kind = v1::REPRESENTATION_UNSPECIFIED;  // she spoke for herself
  bool has_reference = false;
  v1::JudgmentScope scope = v1::JUDGMENT_SCOPE_UNSPECIFIED;
  std::optional<absl::CivilDay> from;
  std::optional<absl::CivilDay> until;
  /// What the agreement is about.
  bool special = false;                   // some category is one of art. 9
  bool only_to_child_protection = false;  // every recipient is
  /// By the collector's own record; nullopt: unknown or presumed, then she is of age and able (D-4.4a).
  std::optional<absl::CivilDay> born;
  /// A presumed one. Who speaks for a minor may stand on it, she herself is not held to it.
  std::optional<absl::CivilDay> presumed;
};

/// When refused, `field` names what is wrong and `problem` says it.
struct Representing {
  bool represented = false;
  std::optional<absl::CivilDay> last_day;  // of the mandate
  bool child_protection_only = false;
  std::string_view field;
  std::string_view problem;
  [[nodiscard]] bool ok() const { return problem.empty(); }
};

/// Adults: under tutelle, habilitation familiale or a mandat de protection future, by a judgment or mandate
/// with its reference, whose scope covers the person, within its dates; under curatelle and sauvegarde de
/// justice the person signs. Minors: one parent (a usual act: no special category (I)), both parents, the ASE
/// or a guardian ad hoc by a decision; nobody: to child protection only. Under 15 one of these is needed;
/// from 15 her own word is enough. A minor's representation ends the day before she comes of age: parents and
/// nobody speak only for who is a minor by a birth date, presumed or not; a decision without one says its
/// last day.
[[nodiscard]] Representing JudgeRepresentation(const RepresentationAsked& asked, absl::CivilDay today);

/// Whether that capacity may say no for her, or take back (D-2.8): every one but those in which the person
/// speaks herself. UNSPECIFIED: she did. Nothing else is asked, so that withdrawing is as easy as giving
/// (D-2.7).
[[nodiscard]] bool MaySayNo(v1::Representation said_by);

/// Whole years on that day.
[[nodiscard]] int AgeOn(absl::CivilDay born, absl::CivilDay today);

}  // namespace relais::consent
