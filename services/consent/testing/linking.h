// Short ways to link and split persons, for the tests of linking.h.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/consent/testing/world.h"

namespace relais::consent::testing {

inline constexpr auto kPermit = common::v1::DECISION_PERMIT;
inline constexpr auto kDeny = common::v1::DECISION_DENY;
using Ref = common::v1::PersonRef;

template <typename World>
absl::StatusOr<v1::MergeResponse> Merge(World& world, const Ref& one, const Ref& other,
                                        const std::string& request_id = "m1") {
  v1::MergeRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = one;
  *request.mutable_other() = other;
  return world.Run(world.service().links().Merge(world.As("ville-paris", "steward"), request));
}

template <typename World>
absl::StatusOr<v1::SplitResponse> Split(World& world, const std::string& link,
                                        const std::string& request_id = "s1") {
  v1::SplitRequest request;
  request.set_request_id(request_id);
  request.set_link_id(link);
  return world.Run(world.service().links().Split(world.As("ville-paris", "steward"), request));
}

template <typename World>
absl::StatusOr<v1::RecordRefusalResponse> Refuse(World& world, const Ref& person,
                                                 const std::string& request_id) {
  v1::RecordRefusalRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.add_lines();  // everything
  return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
}

// A is the one with the lower id.
template <typename World>
struct Two {
  explicit Two(World& world) : a(world.NewPerson("case-1")), b(world.NewPerson("case-2")) {
    if (world.IdOf(b) < world.IdOf(a)) {
      std::swap(a, b);
    }
  }
  Ref a;
  Ref b;
};

template <typename World>
common::v1::Decision Recorded(World& world, const Ref& person) {
  const auto response = world.Check(World::CheckFor(person, false));
  World::Require(response.status());
  return response->decision();
}

template <typename World>
absl::Status Erase(World& world, const Ref& person, const std::string& request_id = "e1") {
  v1::EraseRequest erase;
  erase.set_request_id(request_id);
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  return world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).status();
}

/// So many persons of the Ville, the lowest id first.
template <typename World>
std::vector<Ref> Several(World& world, int count) {
  std::vector<Ref> names;
  for (int i = 1; i <= count; ++i) {
    names.push_back(world.NewPerson("case-" + std::to_string(i)));
  }
  std::sort(names.begin(), names.end(),
            [&](const Ref& a, const Ref& b) { return world.IdOf(a) < world.IdOf(b); });
  return names;
}

template <typename World>
bool AreOne(World& world, const Ref& one, const Ref& other) {
  Store& store = world.service().registry().store;
  const Id128 a = world.IdOf(one);
  const Id128 b = world.IdOf(other);
  const auto first = store.LoadFresh(a);
  const auto second = store.LoadFresh(b);
  return first.ok() && second.ok() && first->RootFor(a) == second->RootFor(b);
}

/// Whether a person's id stands in clear anywhere in persons' partitions and index buckets.
template <typename World>
bool InStore(World& world, const Id128& id) {
  for (const char kind : {'P', 'X'}) {
    const auto partitions =
        world.context().store.ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10000);
    for (const storage::Partition& partition : *partitions) {
      const auto page = world.context().store.Scan(partition, "", "", 1000);
      for (const auto& row : page->entries) {
        if ((partition.Encode() + row.key + row.entry.value).find(id.ToBytes()) != std::string::npos) {
          return true;
        }
      }
    }
  }
  return false;
}

// A machine that stops before the store's step number `step` after `arm` was called.
struct Crashing {
  std::shared_ptr<bool> armed = std::make_shared<bool>(false);
  audit::testing::HarnessOptions options;
  explicit Crashing(uint64_t step) : options(SimWorld::DefaultOptions()) {
    auto base = std::make_shared<uint64_t>(0);
    options.store.crash_at = [armed = armed, base, step](uint64_t at) {
      if (!*armed) {
        *base = at + 1;
        return false;
      }
      return at >= *base + step;
    };
  }
};

}  // namespace relais::consent::testing
