// Where her requests are kept (rights_state.proto): a sealed row in her partition, and a row in her
// institution's list of deadlines, which is durable before the request is (as ends of agreements are,
// expiries.h). A row of the list tells that something may be due: who reads it looks at the request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "services/consent/domain/rights.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr std::string_view kRightsPrefix = "rights/";
[[nodiscard]] std::string RightsKey(const Id128& id);

struct RightsRow {
  Id128 id;
  std::string institution;
  v1::Right right = v1::RIGHT_UNSPECIFIED;
  std::string reference;
  RightsCase the;
};

[[nodiscard]] v1::StoredRights StoredFrom(const RightsRow& row, const calendar::Paris& paris);
/// DATA_LOSS when it holds no request.
[[nodiscard]] absl::StatusOr<RightsRow> RowFrom(const v1::StoredRights& stored, const calendar::Paris& paris);
/// NO_SUCH_OR_NOT_YOURS: no such request, of another institution, or she is erased.
[[nodiscard]] absl::StatusOr<RightsRow> ReadRights(Registry& registry, const Id128& person, const Id128& id,
                                                   std::string_view institution);
/// All of hers that were made to that institution, by id.
[[nodiscard]] absl::StatusOr<std::vector<RightsRow>> ListRights(Registry& registry, const Id128& person,
                                                                std::string_view institution);

/// Whether she has asked for what is kept about her, and waits for it (RGPD art. 15, 20).
[[nodiscard]] inline bool AsksForCopy(const RightsRow& row) {
  return IsPending(row.the) && (row.right == v1::RIGHT_ACCESS || row.right == v1::RIGHT_PORTABILITY);
}

[[nodiscard]] common::v1::Date DateTo(absl::CivilDay day);
[[nodiscard]] v1::RightsRequest RequestOf(const Registry& registry, const Id128& person,
                                          const RightsRow& row);

// ---- the list of deadlines

[[nodiscard]] storage::CommitRequest DueOf(const Registry& registry, const Id128& person,
                                           const RightsRow& row);
struct DueRow {
  std::string key;
  absl::Time due;
  Id128 id;
  Id128 person;
};
struct DueRows {
  std::vector<DueRow> rows;
  uint32_t unreadable = 0;  // gone past
  std::string next;         // the key to go on from; empty: nothing more is due
};
/// Deadlines before `now` from key `from` on, oldest first, at most `limit`.
[[nodiscard]] absl::StatusOr<DueRows> DueBefore(const Registry& registry, std::string_view institution,
                                                absl::Time now, const std::string& from, size_t limit);
/// What one reading of the list takes off it, at most: the rest is for the next ones.
inline constexpr size_t kMostSettled = 200;
/// Takes rows off the list; what is not there any more does not matter.
[[nodiscard]] Task<absl::Status> ForgetDue(Registry& registry, std::string institution,
                                           std::vector<std::string> keys);
/// Takes every deadline of hers off the lists: she is being erased.
[[nodiscard]] Task<absl::Status> ForgetAllDue(Registry& registry, Id128 person);

}  // namespace relais::consent
