#include "services/consent/handlers/person_handlers.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

#include "common/audit/follower.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

TEST(Register, SameIdentifierSameHandleOneLeafEach) {
  SimWorld world;
  const auto first = world.Register("r1", "case-1", SimWorld::Marie());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->person().handle().substr(0, 4), "rh1_");
  const auto second = world.Register("r2", "case-1");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->person().handle(), first->person().handle());
  const auto other = world.Register("r3", "case-2");
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->person().handle(), first->person().handle());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 3u);
}

TEST(Register, RepetitionGivesTheSameAnswerAndOneLeaf) {
  SimWorld world;
  const auto first = world.Register("r1", "case-1", SimWorld::Marie());
  ASSERT_TRUE(first.ok());
  world.harness().sim().RunFor(absl::Seconds(5));
  const auto again = world.Register("r1", "case-1", SimWorld::Marie());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 1u);
}

// A request id counts for seven days at least, whatever is tidied up meanwhile.
TEST(Register, RepetitionAfterSevenDaysIsStillOne) {
  SimWorld world;
  const auto first = world.Register("r1", "case-1", SimWorld::Marie());
  ASSERT_TRUE(first.ok()) << first.status();
  world.harness().sim().RunFor(absl::Hours(24 * 7 + 1));
  SimWorld::Require(world.Run(world.maintenance().RunOnce()));
  world.Restart();
  const auto again = world.Register("r1", "case-1", SimWorld::Marie());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 1u);
  EXPECT_EQ(rpc::ReasonOf(world.Register("r1", "case-2").status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST(Register, OtherContentUnderTheSameRequestIsRefused) {
  SimWorld world;
  ASSERT_TRUE(world.Register("r1", "case-1").ok());
  EXPECT_EQ(rpc::ReasonOf(world.Register("r1", "case-2").status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  // Another institution's request ids are its own.
  EXPECT_TRUE(world.Register("r1", "case-2", {}, "caf").ok());
}

TEST(Register, InstitutionsSeeDifferentPersonsAndHandles) {
  SimWorld world;
  const auto ville = world.Register("r1", "case-1", SimWorld::Marie());
  const auto caf = world.Register("r1", "case-1", SimWorld::Marie(), "caf");
  ASSERT_TRUE(ville.ok() && caf.ok());
  EXPECT_NE(ville->person().handle(), caf->person().handle());
  v1::ResolveRequest request;
  *request.mutable_person() = ville->person();
  const auto stolen = world.Run(world.service().persons().Resolve(world.As("caf"), request));
  EXPECT_EQ(rpc::ReasonOf(stolen.status()), common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
}

TEST(Register, AServiceRegistersASenderRecordAndLinksItsKey) {
  SimWorld world;
  v1::RegisterRequest request;
  request.set_request_id("r1");
  request.set_sender_record(std::string(16, 'r'));
  *request.mutable_acting() = SimWorld::Acting("edf");
  const auto response = world.Run(world.service().persons().Register(world.AsService("alerting"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->person().person_id().size(), 16u);
  const auto leaves = world.Leaves();
  std::set<audit::v1::Subject::Kind> subjects;
  std::set<std::string> events;
  for (const auto& leaf : leaves) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_PERSON_REGISTERED) {
      subjects.insert(leaf.details.subject().kind());
      events.insert(leaf.leaf.header.event_id());
      EXPECT_EQ(leaf.leaf.header.institution(), "edf");
    }
  }
  EXPECT_EQ(subjects, (std::set{audit::v1::Subject::KIND_PERSON, audit::v1::Subject::KIND_SENDER_RECORD}));
  EXPECT_EQ(events.size(), 1u);
}

TEST(Register, AnInstitutionCannotTakeTheRequestIdOfAService) {
  SimWorld world;
  // As a follower of alerting will name its effect: anyone can work that out.
  const std::string foretold = audit::EffectId("relais.test/alerting/1", 7, 0);
  ASSERT_TRUE(world.Register(foretold, "case-1", {}, "edf").ok());
  v1::RegisterRequest request;
  request.set_request_id(foretold);
  request.set_sender_record(std::string(16, 'r'));
  *request.mutable_acting() = SimWorld::Acting("edf");
  const auto response = world.Run(world.service().persons().Register(world.AsService("alerting"), request));
  EXPECT_TRUE(response.ok()) << response.status();
}

TEST(Register, RefusesWhatItShould) {
  SimWorld world;
  const auto run = [&](const rpc::Call& call, const v1::RegisterRequest& request) {
    return world.Run(world.service().persons().Register(call, request)).status().code();
  };
  v1::RegisterRequest request;
  request.set_request_id("r1");
  EXPECT_EQ(run(world.As("ville-paris"), request), absl::StatusCode::kInvalidArgument);  // no name at all
  request.set_sender_record(std::string(16, 'r'));
  EXPECT_EQ(run(world.As("ville-paris"), request), absl::StatusCode::kInvalidArgument);      // for services
  EXPECT_EQ(run(world.AsService("alerting"), request), absl::StatusCode::kInvalidArgument);  // for whom?
  request.set_sender_record("short");
  *request.mutable_acting() = SimWorld::Acting("edf");
  EXPECT_EQ(run(world.AsService("alerting"), request), absl::StatusCode::kInvalidArgument);
  request.clear_sender_record();
  request.clear_acting();
  request.set_own_identifier("case-1");
  request.mutable_traits()->mutable_birth_date()->set_year(2027);
  request.mutable_traits()->mutable_birth_date()->set_month(2);
  request.mutable_traits()->mutable_birth_date()->set_day(1);
  EXPECT_EQ(run(world.As("ville-paris"), request), absl::StatusCode::kInvalidArgument);  // in the future
  request.mutable_traits()->mutable_birth_date()->set_year(1990);
  request.mutable_traits()->mutable_birth_date()->set_day(30);
  EXPECT_EQ(run(world.As("ville-paris"), request), absl::StatusCode::kInvalidArgument);  // 30 February
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 0u);
}

TEST(Register, InterruptedAtEveryStepIsCompletedByItsRepetition) {
  int interrupted = 0;
  for (uint64_t step = 0; step < 40; ++step) {
    auto options = SimWorld::DefaultOptions();
    auto armed = std::make_shared<bool>(false);
    auto base = std::make_shared<uint64_t>(0);
    options.store.crash_at = [armed, base, step](uint64_t at) {
      if (!*armed) {
        *base = at + 1;
        return false;
      }
      return at >= *base + step;
    };
    SimWorld world(options);
    ASSERT_TRUE(world.Object(SimWorld::ObjectionOf("o1")).ok());
    *armed = true;
    const bool done = world.Register("r1", "case-1", SimWorld::Marie()).ok();
    interrupted += done ? 0 : 1;
    world.Restart();
    const auto response = world.Register("r1", "case-1", SimWorld::Marie());
    ASSERT_TRUE(response.ok()) << "step " << step << ": " << response.status();
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PERSON_REGISTERED), 1u) << step;
    EXPECT_EQ(world.Decision(SimWorld::CutFor(response->person())), common::v1::DECISION_DENY) << step;
    const auto again = world.Register("r2", "case-1");
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->person().handle(), response->person().handle()) << step;
    if (done) {
      break;
    }
  }
  EXPECT_GE(interrupted, 6);  // claims, person, links, objections: several commits, before and after each
}

TEST(Register, ManyAtOnceOfOneIdentifierAreOnePerson) {
  testing::PoolWorld world;
  std::vector<std::thread> threads;
  std::mutex mu;
  std::set<std::string> handles;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        v1::RegisterRequest request;
        request.set_request_id("r" + std::to_string(t) + "-" + std::to_string(i));
        request.set_own_identifier("case-1");
        const auto response = BlockOn(world.service().persons().Register(world.As("ville-paris"), request));
        const std::lock_guard lock(mu);
        handles.insert(response.ok() ? response->person().handle() : response.status().ToString());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(handles.size(), 1u) << *handles.begin();
}

TEST(Resolve, FindsTheCallersOwnRecordAlone) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  v1::ResolveRequest by_identifier;
  by_identifier.set_own_identifier("case-1");
  const auto found = world.Run(world.service().persons().Resolve(world.As("ville-paris"), by_identifier));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->person().handle(), person.handle());
  EXPECT_EQ(found->own_identifier(), "case-1");
  EXPECT_EQ(found->traits().surname(), "Durand");
  v1::ResolveRequest by_handle;
  *by_handle.mutable_person() = person;
  const auto same = world.Run(world.service().persons().Resolve(world.As("ville-paris"), by_handle));
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->SerializeAsString(), found->SerializeAsString());
  // CAF has no record of her, under that identifier nor under its own handle of her.
  EXPECT_EQ(world.Run(world.service().persons().Resolve(world.As("caf"), by_identifier)).status().code(),
            absl::StatusCode::kNotFound);
  *by_handle.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  EXPECT_EQ(world.Run(world.service().persons().Resolve(world.As("caf"), by_handle)).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Resolve, KeepsTraitsAsFirstGiven) {
  SimWorld world;
  world.NewPerson("case-1", SimWorld::Marie());
  v1::Traits other;
  other.set_surname("Martin");
  ASSERT_TRUE(world.Register("r2", "case-1", other).ok());
  v1::ResolveRequest request;
  request.set_own_identifier("case-1");
  const auto found = world.Run(world.service().persons().Resolve(world.As("ville-paris"), request));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->traits().surname(), "Durand");
}

}  // namespace
}  // namespace relais::consent
