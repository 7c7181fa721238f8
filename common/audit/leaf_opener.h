// Opens a log's leaves with the keys that its service holds. Private to common/audit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/drafted.h"
#include "common/audit/leaf.h"
#include "common/audit/log.h"
#include "common/audit/month_keys.h"
#include "common/audit/subject_keys.h"
#include "common/base/secret.h"
#include "common/merkle/tree.h"

namespace relais::audit::internal {

/// A leaf as read, with what it says when that is known without opening it.
struct ReadLeaf {
  std::string bytes;
  std::optional<std::string> subject;  // encoded
  std::shared_ptr<const DraftedLeaf> drafted;
};

/// Null when nobody is named.
[[nodiscard]] std::shared_ptr<const DraftedActor> ActorOf(audit::v1::LeafActor actor, absl::Time month);
[[nodiscard]] OpenedLeaf Withheld(uint64_t index, const merkle::Hash& hash);

/// Thread-safe. Keys outlive it. DATA_LOSS for bytes that are no leaf, or do not open with the key that is
/// there.
class LeafOpener {
 public:
  LeafOpener(const Secret& log_key, SubjectKeys& keys, const MonthKeys& months)
      : log_key_(log_key), keys_(keys), months_(months) {}

  /// The key of part P; nullopt when it is destroyed.
  [[nodiscard]] absl::StatusOr<std::optional<Secret>> KeyOf(const Leaf& leaf,
                                                            const std::optional<std::string>& subject) const;
  /// With `wanted`, leaves of other classes are withheld.
  [[nodiscard]] absl::StatusOr<OpenedLeaf> Open(uint64_t index, ReadLeaf read,
                                                const Log::Wanted& wanted) const;
  /// As Log::OpenActor.
  [[nodiscard]] absl::StatusOr<OpenedActor> OpenActor(const Leaf& leaf) const;
  [[nodiscard]] absl::StatusOr<LeafForIndex> ForIndex(OpenedLeaf opened) const;

 private:
  const Secret& log_key_;
  SubjectKeys& keys_;
  const MonthKeys& months_;
};

}  // namespace relais::audit::internal
