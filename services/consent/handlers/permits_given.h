// What was permitted on her word, read back from her own leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/base/id128.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "relais/consent/v1/consent.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/domain/question.h"

namespace relais::consent {

/// Indices of the leaves about any of these names, ascending.
[[nodiscard]] absl::StatusOr<std::vector<uint64_t>> LeavesOfNames(audit::Log& log,
                                                                  const std::vector<Id128>& names);
/// Gives each of them, opened where it opens, in their order. A bounded number is held at once.
[[nodiscard]] absl::Status ForEachLeaf(audit::Log& log, const std::vector<uint64_t>& leaves,
                                       const std::function<void(const audit::OpenedLeaf&)>& each);
/// The same of those that read: how many do not. For what must be answered all the same (D-3.1).
[[nodiscard]] absl::StatusOr<size_t> ForEachReadable(
    audit::Log& log, const std::vector<uint64_t>& leaves,
    const std::function<void(const audit::OpenedLeaf&)>& each);

/// The recorded permit that a leaf is; nullopt for anything else, and for that of an exercise.
[[nodiscard]] std::optional<v1::CheckDecided> PermitIn(const audit::OpenedLeaf& leaf);

/// Whether a category of a permit is meant: by its ground, and the agreement or emergency it rests on, 32
/// hexadecimal digits or empty.
using MeantBasis = std::function<bool(common::v1::Ground ground, const std::string& basis)>;
[[nodiscard]] MeantBasis OnAnyOf(std::set<std::string> bases);
[[nodiscard]] MeantBasis OnAnyAgreement();

/// The categories of such a permit that are meant.
[[nodiscard]] std::vector<std::string> CategoriesOn(const audit::OpenedLeaf& leaf,
                                                    const v1::CheckDecided& check, const MeantBasis& meant);

/// What such a permit was asked for, but for its categories.
[[nodiscard]] Question QuestionOf(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check);

/// Purpose and category → a leaf: of the last permit for it, or before which permits are meant.
using PermittedItems = std::map<std::pair<std::string, std::string>, uint64_t>;
/// As a notice says them, by purpose.
[[nodiscard]] google::protobuf::RepeatedPtrField<v1::ErasureItem> ItemsTo(const PermittedItems& items);

}  // namespace relais::consent
