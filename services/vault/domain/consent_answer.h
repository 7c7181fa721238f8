// What consent said to the vault, as values: the domain makes no call.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "relais/common/v1/types.pb.h"

namespace relais::vault {

/// A recorded check's answer about one disclosure.
struct ConsentAnswer {
  struct Category {
    std::string category;
    common::v1::Decision decision = common::v1::DECISION_DENY;
    common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
    std::string consent_id;                       // 32 hexadecimal digits; empty: it rests on none
    absl::Time expires = absl::InfiniteFuture();  // when that ground ends
  };
  common::v1::Decision decision = common::v1::DECISION_DENY;
  std::vector<Category> categories;
  std::string permit_id;
  absl::Time permit_expires = absl::InfinitePast();
};

/// True when all of `categories` are permitted on her agreement and on that one (D-3.1: access is hers and of
/// those she *explicitly* authorises; a permit on another ground, or on another agreement, opens nothing
/// here).
[[nodiscard]] bool RestsOn(const ConsentAnswer& answer, const std::vector<std::string>& categories,
                           const std::string& consent_id);

/// The first of the ends of what it rests on; InfiniteFuture when nothing ends.
[[nodiscard]] absl::Time EndOf(const ConsentAnswer& answer);

}  // namespace relais::vault
