// What a recorded permit says, category by category.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "relais/consent/v1/events.pb.h"
#include "services/cli/questions/question.h"

namespace relais::cli::questions {

/// One category of a permit and what it rests on.
struct PermittedCategory {
  std::string category;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  std::optional<Id128> basis;  // agreement or emergency
};

struct PermitLeaf {
  Id128 person;
  consent::v1::CheckDecided check;
  std::vector<PermittedCategory> categories;
  std::shared_ptr<const directory::Directory> directory;  // null: not to be had

  [[nodiscard]] Sought SoughtFor(const SeenLeaf& leaf, const PermittedCategory& category) const;
  /// RGPD art. 9, by that directory.
  [[nodiscard]] bool IsSpecial(const std::string& category) const;
};

/// A CHECK_DECIDED that permits, opened and of the period; nullopt for any other leaf.
[[nodiscard]] std::optional<PermitLeaf> PermitIn(const SeenLeaf& leaf, const Past& past);

/// The finding about one category of it.
[[nodiscard]] Finding AboutCategory(const SeenLeaf& leaf, const PermittedCategory& category,
                                    std::string what);

}  // namespace relais::cli::questions
