#include "common/feeds/reason.h"

#include <algorithm>
#include <array>

namespace relais::feeds {
namespace {

struct Named {
  Reason reason;
  std::string_view name;
};

constexpr std::array<Named, 19> kReasons = {{{Reason::kMalformed, "MALFORMED"},
                                             {Reason::kBadEncoding, "BAD_ENCODING"},
                                             {Reason::kMissingField, "MISSING_FIELD"},
                                             {Reason::kTooLong, "TOO_LONG"},
                                             {Reason::kNirDetected, "NIR_DETECTED"},
                                             {Reason::kUnknownCode, "UNKNOWN_CODE"},
                                             {Reason::kBadDate, "BAD_DATE"},
                                             {Reason::kBadAmount, "BAD_AMOUNT"},
                                             {Reason::kBadPostalCode, "BAD_POSTAL_CODE"},
                                             {Reason::kUnexpectedField, "UNEXPECTED_FIELD"},
                                             {Reason::kOutOfTerritory, "OUT_OF_TERRITORY"},
                                             {Reason::kImmediateDanger, "IMMEDIATE_DANGER"},
                                             {Reason::kOpposed, "OPPOSED"},
                                             {Reason::kReferenceReused, "REFERENCE_REUSED"},
                                             {Reason::kFutureDate, "FUTURE_DATE"},
                                             {Reason::kTooOld, "TOO_OLD"},
                                             {Reason::kWindowOpen, "WINDOW_OPEN"},
                                             {Reason::kTooEarly, "TOO_EARLY"},
                                             {Reason::kNoGround, "NO_GROUND"}}};

}  // namespace

std::string_view FeedTypeName(FeedType type) { return type == FeedType::kEdf ? "edf" : "bspp"; }

std::optional<FeedType> ParseFeedType(std::string_view name) {
  if (name == "edf") return FeedType::kEdf;
  if (name == "bspp") return FeedType::kBspp;
  return std::nullopt;
}

std::string_view ReasonName(Reason reason) {
  const auto* found = std::find_if(kReasons.begin(), kReasons.end(),
                                   [reason](const Named& named) { return named.reason == reason; });
  return found == kReasons.end() ? std::string_view() : found->name;
}

std::optional<Reason> ParseReason(std::string_view name) {
  const auto* found = std::find_if(kReasons.begin(), kReasons.end(),
                                   [name](const Named& named) { return named.name == name; });
  return found == kReasons.end() ? std::nullopt : std::optional<Reason>(found->reason);
}

std::string_view OutcomeKindName(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kAccepted:
      return "ACCEPTED";
    case OutcomeKind::kDuplicate:
      return "DUPLICATE";
    case OutcomeKind::kRefused:
      return "REFUSED";
  }
  return "";
}

}  // namespace relais::feeds
