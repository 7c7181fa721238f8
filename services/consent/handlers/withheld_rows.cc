#include "services/consent/handlers/withheld_rows.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "relais/consent/v1/rights_state.pb.h"
#include "services/consent/convert.h"

namespace relais::consent {
namespace {

constexpr size_t kRowsAtOnce = 500;
constexpr size_t kIndicesAtOnce = 1000;

absl::StatusOr<Review> ReviewFrom(const v1::StoredReview& stored) {
  Review review;
  review.decision = stored.decision();
  review.at = FromMicros(stored.at());
  if (stored.has_keep_until()) {
    const std::optional<absl::CivilDay> day = DayFrom(stored.keep_until());
    if (!day) {
      return absl::DataLossError("a stored review has no day");
    }
    review.keep_until = *day;
  }
  return review;
}

absl::StatusOr<Review> ReadReview(Registry& registry, const Id128& name, const storage::KeyedEntry& entry) {
  v1::StoredReview stored;
  RETURN_IF_ERROR(registry.store.Open(name, entry.key, entry.entry.value, stored));
  return ReviewFrom(stored);
}

absl::Status AddReviewsOf(Registry& registry, const Id128& name, Reviews& reviews) {
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page,
                     registry.context.store.Scan(PersonPartition(name), kWithheldPrefix, from, kRowsAtOnce));
    for (const storage::KeyedEntry& entry : page.entries) {
      const absl::StatusOr<Id128> event = Id128::FromHex(entry.key.substr(kWithheldPrefix.size()));
      if (!event.ok()) {
        continue;  // of no entry
      }
      absl::StatusOr<Review> review = ReadReview(registry, name, entry);
      if (absl::IsNotFound(review.status())) {
        return absl::OkStatus();
      }
      if (audit::DoesNotRead(review.status())) {  // what is damaged is fsck's to say
        review = Review();
        review->unreadable = true;
      }
      RETURN_IF_ERROR(review.status());
      AddReview(*event, *review, reviews);
    }
    from = page.next;
  } while (!from.empty());
  return absl::OkStatus();
}

}  // namespace

std::string WithheldKey(const Id128& event) { return std::string(kWithheldPrefix) + event.ToHex(); }

absl::StatusOr<Reviews> ReadReviews(Registry& registry, const std::vector<Id128>& group) {
  Reviews reviews;
  for (const Id128& name : group) {
    RETURN_IF_ERROR(AddReviewsOf(registry, name, reviews));
  }
  return reviews;
}

absl::StatusOr<std::vector<uint64_t>> LeavesBelow(audit::Log& log, const std::vector<Id128>& group,
                                                  uint64_t end) {
  std::vector<uint64_t> all;
  for (const Id128& person : group) {
    for (uint64_t from = 0;;) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                       log.LeavesOf(PersonSubject(person), from, kIndicesAtOnce));
      all.insert(all.end(), some.begin(), some.end());
      if (some.size() < kIndicesAtOnce || some.back() >= end) {
        break;
      }
      from = some.back() + 1;
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::lower_bound(all.begin(), all.end(), end), all.end());
  return all;
}

}  // namespace relais::consent
