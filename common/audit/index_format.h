// The derived indexes of a log on disk (docs/formats.md, "Indexes of the log"). Private to common/audit.
// Pure.
//
// Leaves are indexed in runs of consecutive ones, at most kRunLeaves, none across a segment's end. For each
// value that some leaf of the run has in a dimension, one row: where it occurs.
//
//   partition   {kIndexBucket, first 16 bytes of HMAC-SHA256(K, 'p' ‖ generation(4) ‖ dimension(1) ‖
//               segment(8))}, segment = index / kSegmentLeaves
//   key         first 16 bytes of HMAC-SHA256(K, 'v' ‖ dimension(1) ‖ value) ‖ index of the run's first leaf
//   (8) value       0x01 ‖ varints: index of the first occurrence less the run's first index, then each less
//   the one
//               before
//
// K is derived from the log's own key, or, for what is in part R, from the key of the month that sealed it:
// once that is destroyed neither partition nor key can be found from a name any more.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/secret.h"
#include "relais/audit/v1/leaf.pb.h"

namespace relais::audit {

/// One byte on disk; values are never reused.
enum class Dimension : uint8_t {
  kInstitution = 1,
  kRecipient = 2,
  kPurpose = 3,
  kCategory = 4,
  kGround = 5,
  kDecision = 6,
  kDenialReason = 7,
  kEventClass = 8,
  kRelation = 9,
  kDirectoryVersion = 10,
  kAgent = 11,        // of part R; its value is AgentValue
  kCertificate = 12,  // of part R
};

struct IndexedValue {
  Dimension dimension = Dimension::kInstitution;
  std::string value;
  friend bool operator==(const IndexedValue&, const IndexedValue&) = default;
  friend std::strong_ordering operator<=>(const IndexedValue& a, const IndexedValue& b) {
    return std::tie(a.dimension, a.value) <=> std::tie(b.dimension, b.value);
  }
};

namespace internal {

inline constexpr std::string_view kIndexKeyInfo = "relais audit index v1";
inline constexpr uint64_t kRunLeaves = 4096;
inline constexpr uint64_t kSegmentLeaves = 65536;
inline constexpr size_t kValueHashSize = 16;
/// The largest number a Dimension has.
inline constexpr size_t kDimensions = 12;

/// Whether the dimension belongs to part R.
[[nodiscard]] bool IsMonthly(Dimension dimension);

[[nodiscard]] std::string NumberValue(uint64_t number);
/// Agents' ids are their institution's own.
[[nodiscard]] std::string AgentValue(std::string_view institution, std::string_view agent);

/// Called for each value that a leaf is found by; the value lives as long as the call.
using ValueVisitor = absl::FunctionRef<void(Dimension, std::string_view)>;
/// `details` is empty when erased.
void VisitValues(const audit::v1::LeafHeader& header, const audit::v1::LeafDetails& details,
                 ValueVisitor visit);
void VisitActorValues(std::string_view institution, std::string_view agent, std::string_view certificate,
                      ValueVisitor visit);
/// The same as a list.
[[nodiscard]] std::vector<IndexedValue> ValuesOf(const audit::v1::LeafHeader& header,
                                                 const audit::v1::LeafDetails& details);
[[nodiscard]] std::vector<IndexedValue> ActorValuesOf(const audit::v1::LeafHeader& header,
                                                      const audit::v1::LeafActor& actor);

[[nodiscard]] Id128 IndexPartition(const Secret& key, uint32_t generation, Dimension dimension,
                                   uint64_t segment);
/// The beginning of the keys of a value's rows.
[[nodiscard]] std::string ValueHash(const Secret& key, Dimension dimension, std::string_view value);
[[nodiscard]] std::string PostingKey(std::string_view value_hash, uint64_t first);

/// `indices` ascend, none below `first`.
[[nodiscard]] std::string EncodePostings(uint64_t first, const std::vector<uint64_t>& indices);
/// Appends the indices. DATA_LOSS when the bytes are no postings, or one lies outside of the run.
[[nodiscard]] absl::Status DecodePostings(uint64_t first, std::string_view bytes, std::vector<uint64_t>& out);

/// The state of the indexes of a log: partition IndexMeta, key "state".
///
///   byte  0       0x01
///   bytes 1–4     generation: a rebuild makes the next one
///   bytes 5–12    leaves indexed: every one below this index
struct IndexState {
  uint32_t generation = 1;
  uint64_t indexed = 0;
};
inline constexpr std::string_view kIndexStateKey = "state";
[[nodiscard]] Id128 IndexMeta(const Secret& key);
[[nodiscard]] std::string EncodeIndexState(const IndexState& state);
[[nodiscard]] absl::StatusOr<IndexState> DecodeIndexState(std::string_view bytes);

/// Every partition that has rows is listed in the same partition, so that it can be emptied without the key
/// that named it: key "part/" ‖ generation(4) ‖ month ("2026-11", or "" for what no month seals) ‖ '/' ‖
/// dimension(1) ‖ segment(8), value 0x01 ‖ partition id(16).
inline constexpr std::string_view kCatalogPrefix = "part/";
[[nodiscard]] std::string CatalogPrefix(uint32_t generation);
[[nodiscard]] std::string CatalogPrefix(uint32_t generation, std::string_view month);
[[nodiscard]] std::string CatalogKey(uint32_t generation, std::string_view month, Dimension dimension,
                                     uint64_t segment);
[[nodiscard]] std::string EncodeCatalogValue(const Id128& partition);
[[nodiscard]] absl::StatusOr<Id128> DecodeCatalogValue(std::string_view bytes);

}  // namespace internal
}  // namespace relais::audit
