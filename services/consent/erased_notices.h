// Notices of an erasure: who received of somebody is told, once, that she is erased, and says within a month
// what became of it (RGPD art. 12, 17, 19; D-2.7). ADR 61.
//
// They outlive her, so they stand in no partition of hers but in one index bucket for all (state.proto,
// StoredErasedNotice). Of her there is in it, sealed under a key of the log's own, the recipient's own handle
// and for which purposes it had which categories: no trait, nothing another institution could use (D-2.10).
// That goes when it is answered, the rest `Registry::erasure_notice_months` after it was due.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/state.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The notice to an institution that this person is erased: a keyed hash, the same however often it is made.
[[nodiscard]] Id128 ErasedNoticeId(const rpc::ServiceContext& context, const Id128& person,
                                   std::string_view institution);

/// The bucket, and a notice's row in it.
[[nodiscard]] storage::Partition ErasedNotices(const rpc::ServiceContext& context);
[[nodiscard]] std::string ErasedNoticeRow(const Id128& notice);

struct ErasedNotice {
  Id128 id;
  Id128 person;
  std::string institution;
  google::protobuf::RepeatedPtrField<v1::ErasureItem> items;
  std::string cause_id;  // as ErasureAsked has it
};
/// Durable on OK, in one commit with its leaf, which is about nobody. One that was made before is not made
/// again, answered or not.
Task<absl::Status> MakeErasedNotice(Registry& registry, ErasedNotice notice);

struct FoundErasedNotice {
  v1::StoredErasedNotice stored;
  uint64_t version = 0;
};
/// Nullopt: there never was one, or it is gone.
[[nodiscard]] absl::StatusOr<std::optional<FoundErasedNotice>> FindErasedNotice(
    const rpc::ServiceContext& context, const Id128& notice);
/// What makes of a notice that was found an answered one. Leaves and requests are the caller's to add.
[[nodiscard]] storage::CommitRequest AnswerOfErasedNotice(const rpc::ServiceContext& context,
                                                          const Id128& notice, FoundErasedNotice found,
                                                          v1::ErasureOutcome outcome, absl::Time now);

/// What that institution still owes, by due instant, from the place `from` on (empty: the first). At most
/// `most`, which may be 0, up to 1000; `next` is empty at the end. Each has `person`: her handle of the
/// generation in use, as long as the old one is understood.
struct OwedErasedNotices {
  std::vector<v1::Duty> duties;
  uint32_t unreadable = 0;  // gone past
  std::string next;
};
[[nodiscard]] absl::StatusOr<OwedErasedNotices> ListErasedNotices(Registry& registry,
                                                                  const std::string& institution,
                                                                  bool overdue_only, const std::string& from,
                                                                  size_t most, absl::Time now);
/// Whether text of a caller is such a place.
[[nodiscard]] bool IsPlaceOfErasedNotice(std::string_view from);

/// Removes what has been kept long enough (D-2.10), and says so as EVENT_CLASS_PURGED. How many.
Task<absl::StatusOr<int>> PurgeErasedNotices(Registry& registry);

}  // namespace relais::consent
