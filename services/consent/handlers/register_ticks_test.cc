// When Register answers, in simulated time: on whole ticks, whatever it found (ADR 43).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/memory/memory_store.h"
#include "services/consent/handlers/person_handlers.h"
#include "services/consent/testing/noting_store.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::NotingStore;
using testing::SimWorld;

constexpr absl::Duration kTick = absl::Milliseconds(4);

bool IsWhole(absl::Duration time) {
  absl::Duration rest;
  absl::IDivDuration(time, kTick, &rest);
  return rest == absl::ZeroDuration();
}

v1::Traits Jeanne(const std::string& surname) {
  v1::Traits traits;
  traits.set_surname(surname);
  traits.set_first_names("Jeanne");
  traits.set_address("8 rue de Tolbiac");
  traits.set_postal_code("75013");
  return traits;
}

// A disk that takes its time: the more commits and the more that is not there, the longer.
class RegisterTicks : public ::testing::Test {
 protected:
  RegisterTicks() {
    store_->OnLook([this](bool found) { world_.harness().sim().Skip(absl::Microseconds(found ? 3 : 41)); });
    // D-1.6: Marie objected before anybody registered her.
    SimWorld::Require(world_.Object(SimWorld::ObjectionOf("ob1", {"edf"})).status());
  }

  audit::testing::HarnessOptions Slow() {
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      storage::MemoryStore::Options slow;
      slow.strict = true;
      slow.commit_delay = [this] { return commit_ + absl::Microseconds(17 * (commits_++ % 11)); };
      auto noting = std::make_unique<NotingStore>(
          std::make_unique<storage::MemoryStore>(disk_, executor, sequencer, std::move(slow)));
      store_ = noting.get();
      return absl::StatusOr<std::unique_ptr<storage::Store>>(std::move(noting));
    };
    return options;
  }

  v1::RegisterRequest Request(const std::string& name, const v1::Traits& traits) {
    v1::RegisterRequest request;
    request.set_request_id("r-" + name);
    request.set_own_identifier("id-" + name);
    *request.mutable_traits() = traits;
    return request;
  }
  // What happened before, then what is asked; `name` is of this case alone.
  struct Case {
    const char* what;
    std::function<v1::RegisterRequest(const std::string& name)> prepare;
    absl::StatusCode code = absl::StatusCode::kOk;
  };
  std::vector<Case> Cases() {
    const auto before = [this](v1::RegisterRequest request, const std::string& institution = "ville-paris") {
      const auto registered =
          world_.Run(at_once_.persons().Register(world_.As(institution), std::move(request)));
      SimWorld::Require(registered.status());
      return registered->person();
    };
    const auto again = [this](const std::string& name) {
      v1::RegisterRequest request = Request(name, Jeanne(name));
      request.set_request_id("again-" + name);
      return request;
    };
    return {
        {"unknown", [this](const std::string& name) { return Request(name, Jeanne(name)); }},
        {"known to the caller",
         [=, this](const std::string& name) {
           before(Request(name, Jeanne(name)));
           return again(name);
         }},
        {"known to another",
         [=, this](const std::string& name) {
           before(Request(name, Jeanne(name)), "casvp");
           return again(name);
         }},
        {"objected", [this](const std::string& name) { return Request(name, SimWorld::Marie()); }},
        {"repeated",
         [=, this](const std::string& name) {
           before(Request(name, Jeanne(name)));
           return Request(name, Jeanne(name));
         }},
        {"refused: the request came before with other content",
         [=, this](const std::string& name) {
           before(Request(name, Jeanne(name)));
           return Request(name, Jeanne("Autre"));
         },
         absl::StatusCode::kAlreadyExists},
        {"refused: she is being erased",
         [=, this](const std::string& name) {
           const common::v1::PersonRef person = before(Request(name, Jeanne(name)));
           world_.log().keys().Freeze(PersonSubject(world_.IdOf(person)));
           return again(name);
         },
         absl::StatusCode::kFailedPrecondition},
        {"refused: nobody is born tomorrow",
         [this](const std::string& name) {
           v1::RegisterRequest request = Request(name, Jeanne(name));
           request.mutable_traits()->mutable_birth_date()->set_year(2099);
           request.mutable_traits()->mutable_birth_date()->set_month(1);
           request.mutable_traits()->mutable_birth_date()->set_day(1);
           return request;
         },
         absl::StatusCode::kInvalidArgument},
    };
  }
  absl::Duration TimeOf(Service& service, const Case& each, const std::string& name) {
    v1::RegisterRequest request = each.prepare(name);
    const absl::Duration came = world_.harness().clock().Monotonic();
    const auto answer = world_.Run(service.persons().Register(world_.As("ville-paris"), std::move(request)));
    EXPECT_EQ(answer.status().code(), each.code) << each.what << ": " << answer.status();
    return world_.harness().clock().Monotonic() - came;
  }

  absl::Duration commit_ = absl::Microseconds(200);
  int commits_ = 0;
  std::shared_ptr<storage::MemoryDisk> disk_ = std::make_shared<storage::MemoryDisk>();
  NotingStore* store_ = nullptr;  // the world's
  SimWorld world_{Slow(), Settings()};
  Service at_once_{world_.context(), SimWorld::AtOnce(), *calendar::Paris::Load()};
};

TEST_F(RegisterTicks, EveryAnswerComesOnTheSameTick) {
  std::set<absl::Duration> works;
  int number = 0;
  for (const Case& each : Cases()) {
    const absl::Duration work = TimeOf(at_once_, each, "work-" + std::to_string(number));
    EXPECT_LT(work, kTick) << each.what;
    works.insert(work);
    EXPECT_EQ(TimeOf(world_.service(), each, "tick-" + std::to_string(number)), kTick) << each.what;
    ++number;
  }
  EXPECT_GT(works.size(), 5u) << "a disk that tells nothing: this test would not either";
}

TEST_F(RegisterTicks, WorkThatTakesLongerEndsOnALaterTick) {
  commit_ = absl::Microseconds(2700);
  int number = 0;
  for (const Case& each : Cases()) {
    EXPECT_TRUE(IsWhole(TimeOf(world_.service(), each, "n" + std::to_string(number++)))) << each.what;
  }
  const absl::Duration unknown = TimeOf(world_.service(), Cases().front(), "last");
  EXPECT_TRUE(IsWhole(unknown));
  EXPECT_GT(unknown, kTick);
}

// Nobody learns from a service how long it waited.
TEST_F(RegisterTicks, AServiceIsAnsweredAtOnce) {
  v1::RegisterRequest request = Request("s1", Jeanne("s1"));
  *request.mutable_acting() = SimWorld::Acting("ville-paris");
  const absl::Duration came = world_.harness().clock().Monotonic();
  const auto answer =
      world_.Run(world_.service().persons().Register(world_.AsService("alerting"), std::move(request)));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_LT(world_.harness().clock().Monotonic() - came, kTick);
}

// Who is alike is looked for when the answer has long gone.
TEST(RegisterAndMatching, MatchingWaitsUntilTheAnswerIsGone) {
  SimWorld world(SimWorld::DefaultOptions(), Settings());
  ASSERT_TRUE(world.service().Start().ok());
  v1::Traits traits = Jeanne("Martin");
  traits.mutable_birth_date()->set_year(1961);
  traits.mutable_birth_date()->set_month(4);
  traits.mutable_birth_date()->set_day(12);
  traits.set_birthplace("Lyon");
  const auto linked = [&] { return world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED); };
  SimWorld::Require(world.Register("r1", "V-1", traits).status());
  world.harness().sim().RunFor(absl::Seconds(1));
  SimWorld::Require(world.Register("r2", "C-1", traits, "caf").status());
  EXPECT_EQ(linked(), 0u);
  world.harness().sim().RunFor(absl::Milliseconds(45));
  EXPECT_EQ(linked(), 0u);
  world.harness().sim().RunFor(absl::Seconds(1));
  EXPECT_EQ(linked(), 2u);
  world.Run(world.service().Stop());
}

// A follower that starts again does not wait for each registration of years.
TEST(RegisterAndMatching, WhatIsOldIsMatchedAtOnce) {
  SimWorld world(SimWorld::DefaultOptions(), Settings());
  for (int i = 0; i < 20; ++i) {
    SimWorld::Require(world.Register("r" + std::to_string(i), "V-" + std::to_string(i)).status());
  }
  world.harness().sim().RunFor(absl::Seconds(1));
  const absl::Duration begun = world.harness().clock().Monotonic();
  world.Follow(world.service().own_leaves());
  EXPECT_LT(world.harness().clock().Monotonic() - begun, absl::Milliseconds(50));
}

}  // namespace
}  // namespace relais::consent
