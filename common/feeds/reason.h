// Why a row is refused, and what becomes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace relais::feeds {

enum class FeedType : uint8_t { kEdf, kBspp };
/// "edf", "bspp".
[[nodiscard]] std::string_view FeedTypeName(FeedType type);
[[nodiscard]] std::optional<FeedType> ParseFeedType(std::string_view name);

/// In the order of judgement: the first that applies is given. Numbers are those of the rule table and do not
/// change; 15 is OPPOSED again (an objection on file).
enum class Reason : uint8_t {
  kNone = 0,
  kMalformed = 1,
  kBadEncoding = 2,
  kMissingField = 3,
  kTooLong = 4,
  kNirDetected = 5,
  kUnknownCode = 6,
  kBadDate = 7,
  kBadAmount = 8,
  kBadPostalCode = 9,
  kUnexpectedField = 10,
  kOutOfTerritory = 11,
  kImmediateDanger = 12,
  kOpposed = 13,
  kReferenceReused = 14,
  kFutureDate = 16,
  kTooOld = 17,
  kWindowOpen = 18,
  kTooEarly = 19,
  kNoGround = 20,
};
/// "MALFORMED"; "" for kNone.
[[nodiscard]] std::string_view ReasonName(Reason reason);
[[nodiscard]] std::optional<Reason> ParseReason(std::string_view name);

enum class OutcomeKind : uint8_t { kAccepted, kDuplicate, kRefused };
/// "ACCEPTED", "DUPLICATE", "REFUSED".
[[nodiscard]] std::string_view OutcomeKindName(OutcomeKind kind);

}  // namespace relais::feeds
