// What her withdrawal or refusal, read in consent's log, ends in her vault. Pure; on a doubt the no wins
// (D-2.6.2).
#pragma once

#include <string>
#include <vector>

#include "relais/common/v1/types.pb.h"
#include "relais/consent/v1/consent.pb.h"

namespace relais::vault {

/// A no of hers, or the end of an agreement by others or by its period.
struct HerNo {
  /// The one agreement that is meant; empty: none in particular.
  std::string consent_id;
  /// What it covers: an empty list within a line means "all"; no line at all: everything.
  std::vector<consent::v1::ConsentLine> lines;
};

/// What a share or a host's authority is, in consent's terms.
struct Covered {
  std::string consent_id;  // 32 hexadecimal digits; empty: not known which, the end of any touches it
  std::string purpose;
  std::string institution;  // who received
  std::string kind;         // of that institution, by the directory; empty: not known
  common::v1::Act act = common::v1::ACT_UNSPECIFIED;
  std::vector<std::string> categories;  // empty: no category in particular, any touches it
};

/// True when its lines meet, whichever agreement it names: consent may deny it from there on, for a
/// withdrawal of one agreement ends every agreement before it as far as its lines go. A recipient kind meets
/// what an institution of unknown kind has: it may be that kind.
[[nodiscard]] bool Touches(const HerNo& no, const Covered& covered);

/// True when it ends by itself: it is touched, and no other agreement is named.
[[nodiscard]] bool Ends(const HerNo& no, const Covered& covered);

}  // namespace relais::vault
