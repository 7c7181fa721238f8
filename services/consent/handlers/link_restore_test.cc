// A restored store links whom the journal of erasures tells apart (ADR 24, point 5; leaving_erased.h).
#include <gtest/gtest.h>

#include "common/storage/testing/temp_folder.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::AreOne;
using testing::Crashing;
using testing::Erase;
using testing::InStore;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Ref;
using testing::Refuse;
using testing::Several;
using testing::SimWorld;
using testing::Split;

// Who was erased in the time that a restore loses, after they were taken apart.
enum class Gone { kRoot, kLeaver, kBothWhoLeft };

// A root, one who is linked to her, and one who is linked by that one.
struct Three {
  explicit Three(SimWorld& world) : names(Several(world, 3)) {
    // What stands in her own history alone would permit.
    SimWorld::Require(world.Record(SimWorld::ConsentFor(names[1], "c0")).status());
    const auto first = Merge(world, names[0], names[1], "m1");
    const auto second = Merge(world, names[1], names[2], "m2");
    SimWorld::Require(first.status());
    SimWorld::Require(second.status());
    links = {first->link_id(), second->link_id()};
    const auto yes = world.Record(SimWorld::ConsentFor(names[1], "c1"));
    SimWorld::Require(yes.status());
    consent = yes->consent_id();
    SimWorld::Require(Refuse(world, names[0], "r1").status());
  }
  std::vector<Ref> names;
  std::vector<std::string> links;
  std::string consent;

  [[nodiscard]] std::vector<Ref> Erased(Gone gone) const {
    return gone == Gone::kRoot     ? std::vector<Ref>{names[0]}
           : gone == Gone::kLeaver ? std::vector<Ref>{names[1]}
                                   : std::vector<Ref>{names[1], names[2]};
  }
  [[nodiscard]] std::vector<Ref> Left(Gone gone) const {
    return gone == Gone::kRoot     ? std::vector<Ref>{names[1], names[2]}
           : gone == Gone::kLeaver ? std::vector<Ref>{names[0], names[2]}
                                   : std::vector<Ref>{names[0]};
  }
};

void TakeApartAndErase(SimWorld& world, const Three& three, Gone gone) {
  SimWorld::Require(Split(world, three.links[0], "s1").status());
  if (gone == Gone::kLeaver) {
    SimWorld::Require(Split(world, three.links[1], "s2").status());
  }
  SimWorld::Require(Erase(world, three.Erased(gone).front()));
  SimWorld::Require(world.Run(world.maintenance().RunOnce()));
}

// Nobody decides without what was said: an answer, if there is one, is no.
void ExpectNoPermit(SimWorld& world, const Three& three, const std::string& where) {
  for (const Ref& name : three.names) {
    for (const bool dry_run : {true, false}) {
      const auto answer = world.Check(SimWorld::CheckFor(name, dry_run));
      EXPECT_FALSE(answer.ok() && answer->decision() == kPermit) << where;
    }
  }
}

void ExpectParted(SimWorld& world, const Three& three, Gone gone, const std::string& where) {
  for (const Ref& name : three.Erased(gone)) {
    EXPECT_FALSE(InStore(world, world.IdOf(name))) << where;
    EXPECT_EQ(world.Check(SimWorld::CheckFor(name)).status().code(), absl::StatusCode::kNotFound) << where;
  }
  for (const Ref& name : three.Left(gone)) {
    const auto answer = world.Check(SimWorld::CheckFor(name, false));
    ASSERT_TRUE(answer.ok()) << where << answer.status();
    EXPECT_EQ(answer->decision(), kDeny) << where << ": said while they were one";
  }
  const Ref first = three.Left(gone).front();
  if (gone == Gone::kRoot) {
    EXPECT_TRUE(AreOne(world, three.names[1], three.names[2])) << where;
    v1::GetConsentRequest get;
    *get.mutable_person() = first;
    get.set_consent_id(three.consent);
    EXPECT_TRUE(world.Run(world.service().consents().GetConsent(world.As("ville-paris"), get)).ok()) << where;
  } else if (gone == Gone::kLeaver) {
    EXPECT_FALSE(AreOne(world, three.names[0], three.names[2])) << where;
  }
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(first, "c9")).ok()) << where;
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(first)), kPermit) << where;
  if (gone == Gone::kLeaver) {
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(three.names[2])), kDeny) << where << ": another's yes";
  }
}

constexpr Gone kAll[] = {Gone::kRoot, Gone::kLeaver, Gone::kBothWhoLeft};

TEST(LinkRestore, WhoeverStaysHasWhatIsHersBeforeTheOthersAreErased) {
  for (const Gone gone : kAll) {
    const storage::testing::TempFolder folder;
    SimWorld world(SimWorld::DefaultOptions(), {}, {}, folder.path() + "/erasures");
    const Three three(world);
    const std::shared_ptr<storage::MemoryDisk> backup = world.harness().disk()->Clone();
    TakeApartAndErase(world, three, gone);
    world.Restart(backup);
    ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok());
    ExpectParted(world, three, gone, "case " + std::to_string(static_cast<int>(gone)));
  }
}

// The copy was made between two commits of the split.
TEST(LinkRestore, FromBetweenTwoCommitsOfASplit) {
  for (const Gone gone : kAll) {
    bool ended = false;
    for (uint64_t step = 0; step < 40 && !ended; ++step) {
      const storage::testing::TempFolder folder;
      Crashing crashing(step);
      SimWorld world(crashing.options, {}, {}, folder.path() + "/erasures");
      const Three three(world);
      *crashing.armed = true;
      ended = Split(world, three.links[0], "s1").ok();
      const std::shared_ptr<storage::MemoryDisk> backup = world.harness().disk()->Clone();
      world.Restart();
      TakeApartAndErase(world, three, gone);
      world.Restart(backup);
      ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok()) << step;
      ExpectParted(world, three, gone,
                   "case " + std::to_string(static_cast<int>(gone)) + ", step " + std::to_string(step));
    }
    EXPECT_TRUE(ended);
  }
}

// It dies while it makes the erasures again, and then serves.
TEST(LinkRestore, InterruptedNobodyIsPermittedAndItEndsAlike) {
  for (const Gone gone : kAll) {
    bool ended = false;
    for (uint64_t step = 0; step < 200 && !ended; ++step) {
      const storage::testing::TempFolder folder;
      SimWorld world(SimWorld::DefaultOptions(), {}, {}, folder.path() + "/erasures");
      const Three three(world);
      const std::shared_ptr<storage::MemoryDisk> backup = world.harness().disk()->Clone();
      TakeApartAndErase(world, three, gone);
      auto seen = std::make_shared<uint64_t>(0);
      auto armed = std::make_shared<bool>(false);
      world.Restart(backup, [seen, armed, step](uint64_t) { return *armed && (*seen)++ >= step; });
      *armed = true;
      ended = world.Run(world.maintenance().Reapply()).ok();
      const std::string where =
          "case " + std::to_string(static_cast<int>(gone)) + ", step " + std::to_string(step);
      world.Restart();
      ExpectNoPermit(world, three, where);
      ASSERT_TRUE(world.Run(world.maintenance().Reapply()).ok()) << where;
      ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok()) << where;
      ExpectParted(world, three, gone, where);
    }
    EXPECT_TRUE(ended);
  }
}

}  // namespace
}  // namespace relais::consent
