// An objection binds the supplier from the revision it was answered with until it is lifted, and no longer
// (D-1.6): any thread, under load, across restarts. One desk objects for her and lifts it in turn while the
// supplier asks on several threads; what each of them saw is judged by testing/history.h.
//
// Bounded by counts: nothing here waits for time to pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/rpc/service_context.h"
#include "services/consent/testing/history.h"
#include "services/consent/testing/history_scene.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_PERMIT;
using ::testing::IsEmpty;
using testing::Lost;
using testing::Meet;
using testing::Operation;
using testing::Person;
using testing::PoolWorld;
using testing::Record;
using testing::Scene;
using testing::SizeOf;
using testing::Violations;

constexpr int kActs = 60;
constexpr int kActsBetweenRestarts = 15;
constexpr int kSuppliers = 3;        // threads of the one supplier
constexpr int kMostQuestions = 300;  // of each
constexpr char kSupplier[] = "edf";

// A cut of two weeks ago, by the registry's clock.
v1::CheckRequest CutOf(PoolWorld& world, const Person& person, bool recorded, const std::string& fresh) {
  v1::CheckRequest request = PoolWorld::CutFor(person.ref, kSupplier);
  *request.mutable_person() = rpc::HandleFor(world.context(), kSupplier, world.IdOf(person.ref));
  const absl::CivilDay day = absl::ToCivilDay(world.log().Now(), absl::UTCTimeZone()) - 14;
  auto* event_day = request.mutable_stated_ground()->mutable_event_day();
  event_day->set_year(static_cast<int>(day.year()));
  event_day->set_month(day.month());
  event_day->set_day(day.day());
  request.set_dry_run(!recorded);
  request.set_at_least_as_fresh(fresh);
  return request;
}

void AskAsSupplier(Scene& run, Person& person, bool recorded) {
  const std::string fresh = person.LastNo();
  Operation check;
  check.named = recorded ? Operation::Named::kExactly : Operation::Named::kAtLeast;
  check.fresh = fresh.empty() ? 0 : SizeOf(fresh);
  Record(run, person, check, [&](Operation& operation) -> uint64_t {
    const auto response = run.suite.During([&](PoolWorld& world) {
      return BlockOn(
          world.service().checks().Check(world.As(kSupplier), CutOf(world, person, recorded, fresh)));
    });
    if (Lost(response.status())) {
      return 0;
    }
    operation.permitted = response->decision() == DECISION_PERMIT;
    run.permits += operation.permitted ? 1 : 0;
    return SizeOf(response->revision());
  });
}

// Its revision is the log's once it is done, which may be that of what came after it.
void Object(Scene& run, Person& person, const std::string& id) {
  v1::RecordObjectionRequest request;
  request.set_request_id(id);
  request.add_suppliers(kSupplier);
  *request.mutable_person() = person.ref;
  Operation objection;
  objection.kind = Operation::Kind::kObject;
  objection.named = Operation::Named::kAtMost;
  Record(run, person, objection, [&](Operation& /*operation*/) -> uint64_t {
    const auto response = run.suite.During([&](PoolWorld& world) {
      return BlockOn(world.service().objections().RecordObjection(world.As("ville-paris"), request));
    });
    if (Lost(response.status())) {
      return 0;
    }
    person.SaidNo(response->written().revision());
    return SizeOf(response->written().revision());
  });
}

void Lift(Scene& run, Person& person, const std::string& id) {
  v1::LiftObjectionRequest request;
  request.set_request_id(id);
  request.add_suppliers(kSupplier);
  *request.mutable_person() = person.ref;
  Operation lifting;
  lifting.kind = Operation::Kind::kLift;
  lifting.named = Operation::Named::kAtMost;
  Record(run, person, lifting, [&](Operation& /*operation*/) -> uint64_t {
    const auto response = run.suite.During([&](PoolWorld& world) {
      return BlockOn(world.service().objections().LiftObjection(world.As("ville-paris"), request));
    });
    return Lost(response.status()) ? 0 : SizeOf(response->written().revision());
  });
}

// Before she says anything the decree lets the supplier.
Operation LetFromTheStart() {
  Operation start;
  start.kind = Operation::Kind::kLift;
  start.answered = 0;
  start.named = Operation::Named::kAtMost;
  return start;
}

TEST(ObjectionHistory, BindsFromItsRevisionUntilItIsLifted) {
  Scene run;
  Person person;
  Meet(run, "case-1", person);
  person.Add(LetFromTheStart());
  std::vector<std::thread> suppliers;
  for (int k = 0; k < kSuppliers; ++k) {
    suppliers.emplace_back([&run, &person, k] {
      for (int i = 0; i < kMostQuestions && !run.over; ++i) {
        AskAsSupplier(run, person, k % 2 == 0);
      }
    });
  }
  for (int i = 0; i < kActs; ++i) {
    const std::string id = "act-" + std::to_string(i);
    if (i % 2 == 0) {
      Object(run, person, id);
    } else {
      Lift(run, person, id);
    }
    AskAsSupplier(run, person, true);
    AskAsSupplier(run, person, false);
    if (i % kActsBetweenRestarts == kActsBetweenRestarts - 1) {
      run.suite.Restart();
    }
  }
  run.over = true;
  for (std::thread& supplier : suppliers) {
    supplier.join();
  }
  EXPECT_THAT(Violations(person.history), IsEmpty());
  EXPECT_GE(run.permits.load(), static_cast<uint64_t>(kActs));  // those asked after each lifting
  RecordProperty("operations", static_cast<int>(person.history.size()));
}

}  // namespace
}  // namespace relais::consent
