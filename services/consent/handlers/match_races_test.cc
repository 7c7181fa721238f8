// What crosses the matching of records: a crash between the commits of a candidate, a steward who rejects it
// while likeness links the two, and keys that tell no humans apart (ADR 40).
#include <gtest/gtest.h>

#include <algorithm>

#include "services/consent/convert.h"
#include "services/consent/handlers/candidates.h"
#include "services/consent/handlers/match_rows.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/testing/hooked_store.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::AreOne;
using testing::Crashing;
using testing::Hooked;
using testing::Ref;
using testing::SimWorld;

v1::Traits Jeanne(int month = 1, int day = 1) {
  v1::Traits traits;
  traits.set_surname("Martin");
  traits.set_first_names("Jeanne Marie");
  traits.mutable_birth_date()->set_year(1961);
  traits.mutable_birth_date()->set_month(month);
  traits.mutable_birth_date()->set_day(day);
  traits.set_birthplace("Lyon");
  return traits;
}

rpc::Call Steward(SimWorld& world) { return world.As("ville-paris", "steward"); }

std::vector<std::string> Listed(SimWorld& world) {
  const auto listed = world.Run(world.service().candidates().ListCandidates(Steward(world), {}));
  SimWorld::Require(listed.status());
  std::vector<std::string> ids;
  for (const v1::Candidate& candidate : listed->candidates()) {
    ids.push_back(candidate.candidate_id());
  }
  return ids;
}
size_t RowsInList(SimWorld& world) {
  const auto page = world.context().store.Scan(CandidateList(world.service().registry()), "", "", 100);
  SimWorld::Require(page.status());
  return page->entries.size();
}

std::vector<audit::FollowedLeaf> Followed(SimWorld& world) {
  std::vector<audit::FollowedLeaf> all;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::FollowedLeaf followed;
    followed.index = leaf.index;
    followed.time = leaf.leaf.time;
    followed.header = leaf.leaf.header;
    followed.details = leaf.details;
    all.push_back(std::move(followed));
  }
  return all;
}
// True: every leaf was applied.
Task<bool> ApplyAll(OwnLeaves& own, std::vector<audit::FollowedLeaf> leaves) {
  for (audit::FollowedLeaf& leaf : leaves) {
    if (!own.Concerns(leaf)) {
      continue;
    }
    const absl::Status applied = co_await own.Apply(std::move(leaf), true);
    if (!applied.ok()) {
      co_return false;
    }
  }
  co_return true;
}

TEST(MatchRaces, ACandidateInterruptedAtEveryStepIsListedOnce) {
  for (uint64_t step = 0; step < 60; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    world.NewPerson("V-1", Jeanne());
    ASSERT_TRUE(world.Register("r2", "C-1", Jeanne(), "caf").ok());
    *crashing.armed = true;
    const bool done = world.Run(ApplyAll(world.service().own_leaves(), Followed(world)));
    world.Restart();
    world.harness().sim().RunFor(absl::Seconds(1));  // another instant
    world.Follow(world.service().own_leaves());
    EXPECT_EQ(RowsInList(world), 1u) << step;
    EXPECT_EQ(Listed(world).size(), 1u) << step;
    EXPECT_EQ(Listed(world).size(), 1u) << step << ": shown once a listing";
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CANDIDATE_FOUND), 2u) << step;
    if (done) {
      EXPECT_GE(step, 8u);
      return;
    }
  }
  FAIL() << "it never ended";
}

TEST(MatchRaces, ARowOfNoCandidateLeavesTheList) {
  SimWorld world;
  world.NewPerson("V-1", Jeanne());
  ASSERT_TRUE(world.Register("r2", "C-1", Jeanne(), "caf").ok());
  world.Follow(world.service().own_leaves());
  const std::vector<std::string> ids = Listed(world);
  ASSERT_EQ(ids.size(), 1u);
  // One of nobody, and one more of this one, as an earlier version might have left them.
  std::vector<storage::CommitRequest> rows(1);
  rows[0].partition = CandidateList(world.service().registry());
  rows[0].batch.push_back({CandidateListKey(*Id128::FromHex(ids[0]), 1), std::string()});
  rows[0].batch.push_back({CandidateListKey(world.context().random.Id(), 2), std::string()});
  ASSERT_TRUE(world.Run(CommitEach(world.service().registry(), std::move(rows))).ok());
  ASSERT_EQ(RowsInList(world), 3u);
  EXPECT_EQ(Listed(world), ids);
  EXPECT_EQ(RowsInList(world), 1u);
  EXPECT_EQ(Listed(world), ids);
}

// Two whom a steward is asked about, and who by now are alike enough to be linked at once.
struct Pair {
  explicit Pair(SimWorld& world)
      : ville(world.NewPerson("V-1", Jeanne())), caf(world.Register("r2", "C-1", Jeanne(), "caf")->person()) {
    world.Follow(world.service().own_leaves());
    candidate = Listed(world).at(0);
    for (const auto& [institution, person] : {std::pair("ville-paris", ville), std::pair("caf", caf)}) {
      v1::RectifyRequest rectify;
      rectify.set_request_id("y1");
      *rectify.mutable_person() = person;
      *rectify.mutable_traits()->mutable_birth_date() = Jeanne(4, 12).birth_date();
      SimWorld::Require(
          world.Run(world.service().record_rights().Rectify(world.As(institution), rectify)).status());
    }
    same = rpc::HandleFor(world.context(), "ville-paris", world.IdOf(caf, "caf"));
  }
  Ref ville;
  Ref caf;
  Ref same;  // the CAF's, by a handle of the Ville's
  std::string candidate;
};

v1::RejectMatchRequest RejectionOf(const Pair& pair) {
  v1::RejectMatchRequest request;
  request.set_request_id("j1");
  request.set_candidate_id(pair.candidate);
  return request;
}
Task<bool> Reject(SimWorld& world, v1::RejectMatchRequest request) {
  const rpc::Call steward = Steward(world);
  const absl::StatusOr<v1::RejectMatchResponse> rejected =
      co_await world.service().candidates().RejectMatch(steward, std::move(request));
  co_return rejected.ok();
}

TEST(MatchRaces, RejectedAfterLikenessLookedAndBeforeItLinks) {
  SimWorld world;
  const Pair pair(world);
  Hooked<SimWorld> other(world);
  other.store().Before(
      [](const storage::CommitRequest& commit) {  // the first leaf of a link
        return commit.partition.kind == storage::PartitionKind::kPerson && !commit.leaves.empty();
      },
      [&] { return Reject(world, RejectionOf(pair)); });
  ASSERT_TRUE(world.Run(ApplyAll(other.service().own_leaves(), Followed(world))));
  ASSERT_TRUE(other.store().met() && other.store().gave());
  EXPECT_GE(world.Count(audit::v1::EVENT_CLASS_PERSONS_LINKED), 1u) << "that the test can fail";
  EXPECT_FALSE(AreOne(world, pair.ville, pair.same));
  world.Follow(world.service().own_leaves());
  EXPECT_FALSE(AreOne(world, pair.ville, pair.same)) << "nor again";
}

TEST(MatchRaces, LinkedAfterARejectionLookedAndBeforeItIsDecided) {
  SimWorld world;
  const Pair pair(world);
  Hooked<SimWorld> other(world);
  other.store().Before(
      [](const storage::CommitRequest& commit) {
        return std::any_of(commit.batch.begin(), commit.batch.end(),
                           [](const storage::Mutation& row) { return row.key == kPairKey; });
      },
      [&] { return ApplyAll(world.service().own_leaves(), Followed(world)); });
  const auto rejected =
      world.Run(other.service().candidates().RejectMatch(Steward(world), RejectionOf(pair)));
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  ASSERT_TRUE(other.store().met() && other.store().gave());
  ASSERT_TRUE(AreOne(world, pair.ville, pair.same)) << "that the test can fail";
  world.Follow(world.service().own_leaves());
  EXPECT_FALSE(AreOne(world, pair.ville, pair.same));
}

// Of one key so many records have that they are not looked at: that by another key there is one is no proof.
TEST(MatchRaces, WhoIsOneOfManyByOneKeyIsNotLinkedAtOnceByAnother) {
  for (const size_t others : {size_t{1}, kMostAlike, kMostAlike + 1}) {
    SimWorld world;
    Registry& registry = world.service().registry();
    const MatchKey& key = world.service().own_leaves().key();
    v1::StoredMatchKeys keys;
    keys.set_key_version(key.version);
    const v1::Traits by_birthplace = Jeanne(4, 12);
    for (const Id128& each : MatchKeysOf(key.secret, TraitsFrom(by_birthplace)).link) {
      keys.add_link_keys(each.ToBytes());
    }
    ASSERT_EQ(keys.link_keys_size(), 1);
    for (size_t i = 0; i < others; ++i) {
      std::vector<storage::CommitRequest> entries =
          EntriesOf(BucketsOf(registry, keys), {world.context().random.Id(), "emmaus"}, true);
      ASSERT_TRUE(world.Run(CommitEach(registry, std::move(entries))).ok());
    }
    v1::Traits both = Jeanne(4, 12);
    both.set_phone("0612345678");
    v1::Traits by_phone = both;
    by_phone.set_birthplace("");
    const auto caf = world.Register("r2", "C-1", by_phone, "caf");
    ASSERT_TRUE(caf.ok());
    const Ref ville = world.NewPerson("V-1", both);  // who came last is who looks
    world.Follow(world.service().own_leaves());
    const Ref same = rpc::HandleFor(world.context(), "ville-paris", world.IdOf(caf->person(), "caf"));
    // Those others are nobody: where they are looked at they do not count.
    EXPECT_EQ(AreOne(world, ville, same), others < kMostAlike) << others;
    EXPECT_EQ(Listed(world).size(), others < kMostAlike ? 0u : 1u) << others;
  }
}

}  // namespace
}  // namespace relais::consent
