// Leaf format v1 (docs/formats.md): a clear header, part P sealed for whom it concerns, part R sealed for a
// month.
//
//   byte  0        0x01
//   bytes 1–8      time, microseconds since 1970, big-endian; zero in a draft, given by the log
//   bytes 9–24     16 random bytes
//   then three parts, each a 4-byte big-endian length and that many bytes:
//     header       relais.audit.v1.LeafHeader
//     P            key-committing AEAD of relais.audit.v1.LeafDetails under
//                  HKDF-SHA256(subject's audit key, salt = random, info = "relais leaf P v1"); a leaf without
//                  subject uses the log's own key in place of a subject's
//     R            the same of relais.audit.v1.LeafActor under the month's key, info = "relais leaf R v1"
//   Associated data of both: 0x01 ‖ random. The Merkle hash binds the rest.
// commitment = HMAC-SHA256(HKDF-SHA256(subject's audit key, random, "relais leaf commitment v1"), subject).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/base/secret.h"
#include "common/merkle/tiles.h"

namespace relais::audit {

inline constexpr size_t kLeafTimeOffset = 1;
inline constexpr size_t kLeafRandomOffset = 9;
inline constexpr size_t kLeafRandomSize = 16;
/// So that every leaf fits an entry bundle, where two bytes tell its length (ADR 0008).
inline constexpr size_t kMaxLeafSize = merkle::kMaxEntrySize;

/// A leaf taken apart, nothing opened.
struct Leaf {
  absl::Time time;
  std::string random;
  audit::v1::LeafHeader header;
  std::string sealed_p;
  std::string sealed_r;
};

/// Makes the bytes of a leaf, time zero. `random` is 16 fresh bytes; `subject_key` the subject's audit key,
/// or the log's key when `event.subject` is empty. INVALID_ARGUMENT: no class or id, details that name a
/// subject of their own, or more than kMaxLeafSize bytes: an author bounds what it says.
absl::StatusOr<std::string> SealLeaf(const Event& event, std::string_view random, bool test_mode,
                                     const Secret& subject_key, const Secret& month_key);
/// A leaf's bytes, and the header that is in them.
struct SealedLeaf {
  std::string bytes;
  audit::v1::LeafHeader header;
};
/// The same under another event id than the event's own.
absl::StatusOr<SealedLeaf> SealLeafAs(const Event& event, const Id128& event_id, std::string_view random,
                                      bool test_mode, const Secret& subject_key, const Secret& month_key);
/// Takes bytes apart. INVALID_ARGUMENT names the part that is wrong; every prefix and every extension is
/// refused.
absl::StatusOr<Leaf> ParseLeaf(std::string_view bytes);
/// The key that opens part P of the leaf with this random, and nothing else: what a receipt carries.
Secret LeafKey(const Secret& subject_key, std::string_view random);
/// Opens part P and checks the commitment. INVALID_ARGUMENT when key and leaf do not belong together.
///
/// Part P does not hold the subject, so that a receipt, which carries this leaf's key, tells no institution
/// the id behind its handle: who knows the subject (the log, from its rows beside the leaves) checks the
/// commitment and gets it filled in.
absl::StatusOr<audit::v1::LeafDetails> OpenDetails(const Leaf& leaf, const std::optional<Subject>& subject,
                                                   const Secret& subject_key);
/// Opens part P with a receipt's key; the commitment cannot be checked with it.
absl::StatusOr<audit::v1::LeafDetails> OpenDetailsWithLeafKey(const Leaf& leaf, const Secret& leaf_key);
/// What OpenDetails will give of the event's leaf.
audit::v1::LeafDetails DetailsOf(Event event);
absl::StatusOr<audit::v1::LeafActor> OpenActor(const Leaf& leaf, const Secret& month_key);
/// "2026-11": names the month key of an instant (UTC).
std::string MonthName(absl::Time time);
/// Writes the time into draft bytes.
void StampTime(std::string& bytes, absl::Time time);

}  // namespace relais::audit
