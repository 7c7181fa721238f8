// Who is kept because somebody had to do with her (D-2.10).
#include "services/consent/contacts.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/memory/memory_store.h"
#include "common/storage/testing/damaged_store.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/keeper.h"
#include "services/consent/teams.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

constexpr absl::Duration kDay = absl::Hours(24);

audit::FollowedLeaf LeafAbout(const SimWorld& world, const Id128& person, audit::v1::EventClass event_class,
                              const std::string& institution) {
  audit::FollowedLeaf leaf;
  leaf.time = world.context().log.Now();
  leaf.header.set_event_class(event_class);
  leaf.header.set_institution(institution);
  leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
  leaf.details.mutable_subject()->set_id(person.ToBytes());
  return leaf;
}

void Sweep(SimWorld& world) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  }
}

int Erased(SimWorld& world) { return world.Count(audit::v1::EVENT_CLASS_ERASE_REQUESTED); }

// She is registered; 700 days later what the test does; 32 days more, and retention is applied.
struct Old {
  Old() { world.harness().sim().RunFor(kDay * 700); }
  void After() {
    world.harness().sim().RunFor(kDay * 32);
    Sweep(world);
  }
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("D-1");
  const Id128 id = world.IdOf(person);
};

TEST(Contact, AQuestionWithoutAFunctionIsNone) {
  Old old;
  v1::CheckRequest nightly = SimWorld::CheckFor(old.person, false);
  nightly.mutable_sender()->clear_function();
  ASSERT_TRUE(
      old.world.Run(old.world.service().checks().Check(old.world.As("ville-paris", "dsol", ""), nightly))
          .ok());
  old.After();
  EXPECT_EQ(Erased(old.world), 1);
}

TEST(Contact, AQuestionInAFunctionIsOne) {
  Old old;
  ASSERT_TRUE(old.world
                  .Run(old.world.service().checks().Check(old.world.As("ville-paris"),
                                                          SimWorld::CheckFor(old.person, false)))
                  .ok());
  old.After();
  EXPECT_EQ(Erased(old.world), 0);
}

// What became of her withdrawal is a question too.
TEST(Contact, WhatBecameOfAWithdrawalIsAskedInAFunctionOrByAMachine) {
  for (const char* function : {"", "assistant-social"}) {
    SimWorld world;
    v1::GetWithdrawalStatusRequest nightly;
    *nightly.mutable_person() = world.NewPerson("D-1");
    const auto withdrawn = world.WithdrawAll(nightly.person(), "w-1");
    ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
    nightly.set_withdrawal_id(withdrawn->withdrawal_id());
    world.harness().sim().RunFor(kDay * 700);
    const auto status = world.Run(world.service().withdrawals().GetWithdrawalStatus(
        world.As("ville-paris", "dsol", function), nightly));
    ASSERT_TRUE(status.ok()) << status.status();
    world.harness().sim().RunFor(kDay * 32);
    Sweep(world);
    EXPECT_EQ(Erased(world), *function == '\0' ? 1 : 0) << function;
  }
}

// A hospital announces leavings by a feed, and has social workers too.
TEST(Contact, WhoSendsAFeedMeetsHerInAFunction) {
  for (const char* function : {"", "assistant-social"}) {
    Old old;
    v1::RegisterRequest request;
    request.set_request_id("r-1");
    request.set_sender_record(std::string(16, 's'));
    *request.mutable_acting() = SimWorld::Acting("edf", function);
    const auto known =
        old.world.Run(old.world.service().persons().Register(old.world.AsService("alerting"), request));
    ASSERT_TRUE(known.ok()) << known.status();
    old.world.harness().sim().RunFor(kDay * 700);
    request.set_request_id("r-2");
    ASSERT_TRUE(
        old.world.Run(old.world.service().persons().Register(old.world.AsService("alerting"), request)).ok());
    old.After();
    // Whom nobody met, and whom the feed alone knows, with its record of her.
    EXPECT_EQ(Erased(old.world), *function == '\0' ? 3 : 1) << function;
  }
}

TEST(Contact, APaperDepositedOrReadOrAHostIsOne) {
  for (const auto event_class : {audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED,
                                 audit::v1::EVENT_CLASS_DOCUMENT_READ, audit::v1::EVENT_CLASS_HOST_CHANGED}) {
    Old old;
    VaultLeaves follower(old.world.service().registry());
    const audit::FollowedLeaf leaf = LeafAbout(old.world, old.id, event_class, "emmaus");
    ASSERT_TRUE(follower.Concerns(leaf));
    ASSERT_TRUE(old.world.Run(follower.Apply(leaf, false)).ok());
    ASSERT_TRUE(old.world.Run(follower.Apply(leaf, false)).ok());  // followed twice
    old.After();
    EXPECT_EQ(Erased(old.world), 0) << event_class;
    old.world.harness().sim().RunFor(kDay * 700);
    Sweep(old.world);
    EXPECT_EQ(Erased(old.world), 1) << "two years after it";
  }
}

TEST(Contact, WhatTheVaultDoesByItselfIsNone) {
  Old old;
  const VaultLeaves follower(old.world.service().registry());
  EXPECT_FALSE(
      follower.Concerns(LeafAbout(old.world, old.id, audit::v1::EVENT_CLASS_HOST_CHANGED, "service/vault")));
  EXPECT_FALSE(
      follower.Concerns(LeafAbout(old.world, old.id, audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING, "emmaus")));
}

TEST(Contact, OneWriteADay) {
  Old old;
  VaultLeaves follower(old.world.service().registry());
  const auto version = [&] {
    return old.world.context().store.Get(PersonPartition(old.id), std::string(kMetKey)).value()->version;
  };
  audit::FollowedLeaf leaf = LeafAbout(old.world, old.id, audit::v1::EVENT_CLASS_DOCUMENT_READ, "emmaus");
  ASSERT_TRUE(old.world.Run(follower.Apply(leaf, true)).ok());
  const uint64_t first = version();
  leaf.time += absl::Minutes(1);
  ASSERT_TRUE(old.world.Run(follower.Apply(leaf, true)).ok());
  EXPECT_EQ(version(), first);
  leaf.time -= kDay * 10;  // of a rebuild: the latest stays
  ASSERT_TRUE(old.world.Run(follower.Apply(leaf, true)).ok());
  EXPECT_EQ(version(), first);
  leaf.time += kDay * 11;
  ASSERT_TRUE(old.world.Run(follower.Apply(leaf, true)).ok());
  EXPECT_NE(version(), first);
}

TEST(Contact, NothingIsKeptOfSomebodyWhoIsNotHere) {
  SimWorld world;
  VaultLeaves follower(world.service().registry());
  const Id128 nobody = world.harness().random().Id();
  ASSERT_TRUE(
      world
          .Run(follower.Apply(LeafAbout(world, nobody, audit::v1::EVENT_CLASS_DOCUMENT_READ, "emmaus"), true))
          .ok());
  EXPECT_TRUE(world.context().store.Scan(PersonPartition(nobody), "", "", 10)->entries.empty());
}

TEST(Contact, WhoHasAReferentIsNotDue) {
  Old old;
  RoutingLeaves follower(old.world.service().registry());
  const auto say = [&](routing::v1::Referent::State state) {
    audit::FollowedLeaf leaf =
        LeafAbout(old.world, old.id, audit::v1::EVENT_CLASS_REFERENT_CHANGED, "ville-paris");
    routing::v1::ReferentChanged changed;
    changed.set_referent_id(std::string(32, 'a'));
    changed.mutable_referent()->set_institution("emmaus");
    changed.set_state(state);
    leaf.details.mutable_payload()->PackFrom(changed);
    ASSERT_TRUE(old.world.Run(follower.Apply(leaf, true)).ok());
  };
  say(routing::v1::Referent::STATE_ACTIVE);
  old.After();
  EXPECT_EQ(Erased(old.world), 0);
  say(routing::v1::Referent::STATE_ENDED);
  Sweep(old.world);
  old.world.harness().sim().RunFor(kDay * 2);
  Sweep(old.world);
  EXPECT_EQ(Erased(old.world), 1);
}

// What the vault would say since is not known: nobody goes for that.
TEST(Contact, NobodyIsDueWhileTheVaultsLogIsBehind) {
  Old old;
  old.world.harness().sim().RunFor(kDay * 32);
  bool followed = false;
  Keeper keeper(old.world.service().registry(), RetentionRules(), [&followed] { return followed; });
  old.world.maintenance().UseKeeper(&keeper);
  Sweep(old.world);
  EXPECT_EQ(Erased(old.world), 0);
  followed = true;
  old.world.harness().sim().RunFor(kDay * 2);
  Sweep(old.world);
  EXPECT_EQ(Erased(old.world), 1);
}

// One whose rows do not read, and one of whom it cannot be told when she was met.
TEST(Contact, RetentionGoesOnPastWhoDoesNotRead) {
  storage::testing::DamagedStore* store = nullptr;
  audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
  options.make_store = [&store](
                           Executor& executor,
                           storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
    auto made = std::make_unique<storage::testing::DamagedStore>(std::make_unique<storage::MemoryStore>(
        std::make_shared<storage::MemoryDisk>(), executor, sequencer,
        storage::MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true}));
    store = made.get();
    return std::unique_ptr<storage::Store>(std::move(made));
  };
  SimWorld world(options);
  std::set<Id128> persons;
  for (const char* name : {"D-1", "D-2", "D-3", "D-4"}) {
    persons.insert(world.IdOf(world.NewPerson(name)));
  }
  world.harness().sim().RunFor(kDay * 732);
  const std::vector<Id128> in_order(persons.begin(), persons.end());
  store->Damage(PersonPartition(in_order[0]), std::string(kMetKey));
  store->Damage(PersonPartition(in_order[2]), "", std::string(20, '\xff'));
  Sweep(world);
  EXPECT_EQ(Erased(world), 2);
}

}  // namespace
}  // namespace relais::consent
