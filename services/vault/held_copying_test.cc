// Texts are copied for a legal hold behind the follower that placed it: it goes on, nothing is destroyed that
// was not copied, and a copy goes on where it was broken off (D-2.10; ADR 70).
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>

#include "relais/consent/v1/events.pb.h"
#include "services/vault/testing/damage.h"
#include "services/vault/testing/held.h"
#include "services/vault/testing/held_back.h"

namespace relais::vault {
namespace {

using testing::BytesOf;
using testing::CountRows;
using testing::Destroy;
using testing::HeldBackWorld;
using testing::Hex;
using testing::HoldId;
using testing::Kept;
using testing::Pdf;
using testing::Place;
using testing::TextIn;
using testing::World;

constexpr size_t kLarge = size_t{3} << 20;  // several commits of a copy
constexpr size_t kSmall = 300'000;          // one

storage::Partition OfTheHold() { return {storage::PartitionKind::kHold, HoldId()}; }

// A hold is followed, and the first commit of its copy of texts does not end.
void PlaceAndKeepBack(HeldBackWorld& at) {
  at.store->KeepBackNext();
  Place(at.world);
  World::Require(at.store->keeps_back() ? absl::OkStatus()
                                        : absl::FailedPreconditionError("no text is being copied"));
}

bool IsWhole(World& world, const World::Deposited& paper) {
  return Kept(world).contains("text/" + paper.document + "/" + std::to_string(paper.version));
}
size_t CountUnreadable(World& world) {
  const auto kept = Kept(world);
  return static_cast<size_t>(std::count_if(
      kept.begin(), kept.end(), [](const auto& item) { return item.first.starts_with("unreadable/"); }));
}

TEST(HeldCopying, WhatConsentSaysLaterIsFollowedMeanwhile) {
  HeldBackWorld at;
  World& world = at.world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(kLarge));
  const std::string share = world.Share(1, paper.document);
  PlaceAndKeepBack(at);
  EXPECT_TRUE(Kept(world).contains("document/" + paper.document)) << "what is small is copied at once";
  EXPECT_TRUE(Kept(world).contains("share/" + share));
  world.consent.permits = [](const auto&) { return false; };
  consent::v1::RefusalRecorded refusal;
  refusal.add_lines()->add_acts(common::v1::ACT_SHARE_DOCUMENT);
  world.ConsentSays(1, audit::v1::EVENT_CLASS_REFUSAL_RECORDED, refusal);
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.service().consent_follower()->applied(), world.consent_log().log().state().size);
  EXPECT_TRUE(world.vault().lease.Held());
  const auto shares = world.store().Shares(World::Person(1), Id128(), 10);
  ASSERT_TRUE(shares.ok()) << shares.status();
  ASSERT_EQ(shares->rows.size(), 1U);
  EXPECT_EQ(shares->rows[0].stored.value.state(), v1::Share::STATE_WITHDRAWN);
  EXPECT_TRUE(at.store->keeps_back());
  EXPECT_FALSE(IsWhole(world, paper)) << "that the test can fail";
  at.store->LetGo();
  world.Settle();
  EXPECT_TRUE(IsWhole(world, paper));
  EXPECT_TRUE(TextIn(Kept(world), paper.document, 1) == Pdf(kLarge));
}

TEST(HeldCopying, WhoDestroysOneCopiesThatOneAndWaitsForNoOther) {
  HeldBackWorld at;
  World& world = at.world;
  world.Host(1);
  const World::Deposited large = world.MustDeposit(1, Pdf(kLarge, 1));
  const World::Deposited small = world.MustDeposit(1, Pdf(kSmall, 2));
  PlaceAndKeepBack(at);
  const int before = at.store->commits();
  const absl::Status destroyed = Destroy(world, small.document, "d1");
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  EXPECT_EQ(at.store->commits(), before + 1) << "of what is destroyed, and of nothing else";
  EXPECT_TRUE(at.store->keeps_back());
  world.Settle();
  EXPECT_EQ(CountRows(world, BytesOf(small)), 0U);
  EXPECT_EQ(TextIn(Kept(world), small.document, 1), Pdf(kSmall, 2));
  EXPECT_TRUE(IsWhole(world, small));
  EXPECT_FALSE(IsWhole(world, large));
  at.store->LetGo();
  world.Settle();
  EXPECT_TRUE(TextIn(Kept(world), large.document, 1) == Pdf(kLarge, 1));
  EXPECT_TRUE(IsWhole(world, large));
  EXPECT_EQ(CountUnreadable(world), 0U);
}

TEST(HeldCopying, WhatIsBeingCopiedMayBeDestroyedAndIsKeptWhole) {
  HeldBackWorld at;
  World& world = at.world;
  world.Host(1);
  const World::Deposited paper = world.MustDeposit(1, Pdf(kLarge));
  PlaceAndKeepBack(at);
  const absl::Status destroyed = Destroy(world, paper.document, "d1");
  ASSERT_TRUE(destroyed.ok()) << destroyed;
  world.Settle();
  EXPECT_EQ(CountRows(world, BytesOf(paper)), 0U);
  EXPECT_TRUE(at.store->keeps_back());
  EXPECT_TRUE(IsWhole(world, paper));
  at.store->LetGo();  // that copy finds nothing any more
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(TextIn(Kept(world), paper.document, 1) == Pdf(kLarge));
  EXPECT_EQ(CountUnreadable(world), 0U);
}

TEST(HeldCopying, WhoIsErasedMeanwhileIsKeptWhole) {
  HeldBackWorld at;
  World& world = at.world;
  world.Host(1);
  const World::Deposited first = world.MustDeposit(1, Pdf(kLarge, 1));
  const World::Deposited second = world.MustDeposit(1, Pdf(kSmall, 2));
  PlaceAndKeepBack(at);
  audit::v1::EraseRequested erase;
  erase.set_erasure_id(World::Person(1008).ToHex());
  erase.set_cause("REQUEST");
  world.ConsentSays(1, audit::v1::EVENT_CLASS_ERASE_REQUESTED, erase);
  world.Settle(absl::Seconds(30));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1U);
  EXPECT_EQ(CountRows(world, BytesOf(first)), 0U);
  EXPECT_TRUE(at.store->keeps_back());
  at.store->LetGo();
  world.Settle(absl::Minutes(1));
  EXPECT_TRUE(TextIn(Kept(world), first.document, 1) == Pdf(kLarge, 1));
  EXPECT_EQ(TextIn(Kept(world), second.document, 1), Pdf(kSmall, 2));
  EXPECT_EQ(CountUnreadable(world), 0U);
}

TEST(HeldCopying, ADropThatRetentionTakesIsKeptBefore) {
  Settings settings;
  settings.epoch_length = absl::ZeroDuration();
  settings.scrub_every = absl::ZeroDuration();
  HeldBackWorld at(settings);
  World& world = at.world;
  world.Host(1);
  Place(world);
  const World::Deposited drop = world.MustDeposit(1, Pdf(kLarge));
  auto stored = *world.store().Document(World::Person(1), Hex(drop.document));
  stored->value.set_state(v1::Document::STATE_PENDING_CONSENT);
  storage::CommitRequest commit;
  World::Require(world.store().PutDocument(World::Person(1), Hex(drop.document), *stored, commit));
  const rpc::Call own = OwnCall(world.context());
  const rpc::Actor actor = ActorOfOwn(own);
  const Acting acting{own, actor, "", World::Person(1)};
  world.MustCommit(std::move(commit), ChangedEvent(acting, Hex(drop.document), stored->value, {"state"}));
  at.store->KeepBackNext();
  world.sim().Skip(absl::Hours(24 * 31));
  world.Settle(absl::Minutes(3));
  ASSERT_TRUE(at.store->keeps_back()) << "whichever copy it is";
  at.store->LetGo();
  world.Settle(absl::Minutes(3));
  EXPECT_EQ(world.Document(1, drop.document).state(), v1::Document::STATE_DESTROYED);
  EXPECT_TRUE(TextIn(Kept(world), drop.document, 1) == Pdf(kLarge));
  EXPECT_EQ(CountUnreadable(world), 0U);
}

TEST(HeldCopying, TheEndOfTheHoldEndsItsCopy) {
  HeldBackWorld at;
  World& world = at.world;
  world.Host(1);
  world.MustDeposit(1, Pdf(kLarge));
  PlaceAndKeepBack(at);
  audit::v1::HoldEnded ended;
  ended.set_hold_id(HoldId().ToHex());
  world.ConsentSays(1, audit::v1::EVENT_CLASS_HOLD_ENDED, ended);
  world.Settle(absl::Seconds(5));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(world.context().maintenance->holds().Read(HoldId(), "", 10).status()));
  const int before = at.store->commits();
  at.store->LetGo();
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(at.store->commits(), before) << "nothing more of it is copied";
  EXPECT_EQ(CountRows(world, OfTheHold()), 1U) << "that it has ended";
}

TEST(HeldCopying, PapersThatCameLaterAreCopiedWithinADay) {
  World world;
  world.Host(1);
  Place(world);
  const World::Deposited later = world.MustDeposit(1, Pdf(kSmall));
  ASSERT_FALSE(IsWhole(world, later)) << "that the test can fail";
  world.sim().Skip(absl::Hours(25));
  world.Settle(absl::Minutes(3));
  EXPECT_TRUE(IsWhole(world, later));
}

// The hold's rows as they lie on the disk.
std::map<std::string, std::string> OnDisk(World& world) {
  std::map<std::string, std::string> rows;
  std::string from;
  do {
    auto page = world.harness().disk()->ScanData(OfTheHold().Encode(), from, 1000);
    rows.insert(page.rows.begin(), page.rows.end());
    from = page.next;
  } while (!from.empty());
  return rows;
}

TEST(HeldCopying, WhereverTheProcessDiesTheCopyGoesOnFromThere) {
  bool reached = true;
  bool in_the_middle = false;
  uint64_t step = 0;
  for (; reached && step < 100; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.Host(1);
    const World::Deposited paper = world.MustDeposit(1, Pdf(kLarge));
    world.CrashAt(step);
    Place(world);
    reached = world.Dead();
    const std::map<std::string, std::string> before = OnDisk(world);
    if (reached) {
      world.Restart();
    }
    world.Settle(absl::Seconds(15));
    EXPECT_TRUE(IsWhole(world, paper));
    EXPECT_TRUE(TextIn(Kept(world), paper.document, 1) == Pdf(kLarge));
    const std::map<std::string, std::string> after = OnDisk(world);
    for (const auto& [key, value] : before) {
      ASSERT_TRUE(after.contains(key));
      EXPECT_TRUE(after.at(key) == value) << "what was copied is not copied again";
    }
    size_t bytes = 0;
    for (const auto& [key, value] : before) {
      bytes += value.size();
    }
    in_the_middle = in_the_middle || (bytes > kSmall && bytes < kLarge);
  }
  EXPECT_FALSE(reached) << "no step after " << step;
  EXPECT_TRUE(in_the_middle) << "that the test can fail";
}

}  // namespace
}  // namespace relais::vault
