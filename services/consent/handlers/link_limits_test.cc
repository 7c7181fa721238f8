// Who is not made one human: too many, where there is no room, or who was taken apart (ADR 24, points 3 and 4
// of the second review). Each case failed before.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/consent/handlers/linking.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::AreOne;
using testing::Crashing;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Refuse;
using testing::Several;
using testing::SimWorld;
using testing::Split;
using testing::Two;

constexpr auto kWrongState = common::v1::ERROR_REASON_WRONG_STATE;

void Pass(SimWorld& world) { world.harness().sim().RunFor(absl::Seconds(1)); }

std::string LinkOf(const absl::StatusOr<v1::MergeResponse>& merged) {
  SimWorld::Require(merged.status());
  return merged->link_id();
}

// Rectified so that it is just like the other's that is rectified so.
void MakeAlike(SimWorld& world, const Ref& name) {
  v1::RectifyRequest rectify;
  rectify.set_request_id("y" + std::string(name.handle().substr(4, 20)));
  *rectify.mutable_person() = name;
  v1::Traits& traits = *rectify.mutable_traits();
  traits.set_surname("Martin");
  traits.set_first_names("Jeanne Marie");
  traits.mutable_birth_date()->set_year(1961);
  traits.mutable_birth_date()->set_month(4);
  traits.mutable_birth_date()->set_day(12);
  traits.set_birthplace("Lyon");
  SimWorld::Require(
      world.Run(world.service().record_rights().Rectify(world.As("ville-paris"), rectify)).status());
}

// ---- 3

TEST(LinkLimits, SoManyNamesAndNotOneMore) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, static_cast<int>(kMostNames) + 1);
  for (size_t i = 1; i < kMostNames; ++i) {
    ASSERT_TRUE(Merge(world, names[0], names[i], "m" + std::to_string(i)).ok()) << i;
  }
  const uint64_t leaves = world.log().state().size;
  const auto refused = Merge(world, names[0], names.back(), "too-many");
  EXPECT_EQ(rpc::ReasonOf(refused.status()), kWrongState);
  EXPECT_EQ(world.log().state().size, leaves) << "before its first commit";
  EXPECT_FALSE(world.service().registry().store.LoadOwn(world.IdOf(names.back()))->state->linked_to());
  ASSERT_TRUE(Refuse(world, names[5], "r1").ok());
  EXPECT_EQ(Recorded(world, names[11]), kDeny);
}

// Acts fill the other's file between the two commits: the first is undone, nobody is between them for ever.
TEST(LinkLimits, WhereTheSecondCommitHasNoRoomTheFirstIsVoid) {
  int full = 0;
  for (uint64_t step = 0; step < 30 && full == 0; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    v1::RecordRefusalRequest refusal;
    const auto lines = [&](int count) {
      refusal.clear_lines();
      for (int i = 0; i < count; ++i) {
        refusal.add_lines()->add_recipients()->set_institution("emmaus");
      }
    };
    lines(4000);
    const auto refuse = [&](const Ref& name, const std::string& request_id) {
      refusal.set_request_id(request_id);
      *refusal.mutable_person() = name;
      return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).status();
    };
    for (int i = 0; i < 5; ++i) {  // together with a full one it is too much
      ASSERT_TRUE(refuse(two.b, "b" + std::to_string(i)).ok());
    }
    *crashing.armed = true;
    const bool done = Merge(world, two.a, two.b).ok();
    world.Restart();
    ASSERT_FALSE(done) << "it was never between two commits";
    Store& store = world.service().registry().store;
    if (!store.LoadOwn(world.IdOf(two.b))->state->linked_to() ||
        !store.LoadOwn(world.IdOf(two.a))->state->links().empty()) {
      continue;
    }
    for (const int count : {4000, 80}) {  // long ones, then short
      lines(count);
      absl::Status last;
      for (int i = 0; last.ok() && i < 500; ++i) {
        last = refuse(two.a, "r" + std::to_string(count) + "-" + std::to_string(i));
      }
      ASSERT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
    }
    ++full;
    ASSERT_TRUE(world.Run(CompleteLink(world.service().registry().files(), world.IdOf(two.b))).ok());
    EXPECT_FALSE(store.LoadOwn(world.IdOf(two.b))->state->linked_to()) << "on her own again";
    EXPECT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c1")).ok());
    EXPECT_EQ(Recorded(world, two.b), kPermit);
    EXPECT_EQ(rpc::ReasonOf(Merge(world, two.a, two.b).status()), kWrongState);
    EXPECT_FALSE(AreOne(world, two.a, two.b));
  }
  EXPECT_EQ(full, 1);
}

// ADR 76: who fills the file of one name does not part it from her noes under the others.
TEST(LinkLimits, AFullFileIsLinkedAndHasRoomForANo) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  v1::RecordRefusalRequest refusal;
  *refusal.mutable_person() = two.b;
  absl::Status last;
  for (const int lines : {4000, 80}) {  // long ones, then short
    refusal.clear_lines();
    for (int i = 0; i < lines; ++i) {
      refusal.add_lines()->add_recipients()->set_institution("emmaus");
    }
    last = absl::OkStatus();
    for (int i = 0; last.ok() && i < 500; ++i) {
      refusal.set_request_id("f" + std::to_string(lines) + "-" + std::to_string(i));
      last = world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).status();
    }
    ASSERT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  }
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_TRUE(AreOne(world, two.a, two.b));
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(two.a)), kPermit);
  refusal.set_request_id("narrow");
  EXPECT_EQ(
      world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).status().code(),
      absl::StatusCode::kResourceExhausted)
      << "as of one file: it would have no room again after a split";
  EXPECT_TRUE(Refuse(world, two.b, "r1").ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(two.a)), kDeny);
}

// What an earlier build filled is linked as it would have been.
TEST(LinkLimits, FilesAreCountedWithTheirWithdrawalsOrByTheirBytes) {
  const auto lines = [](size_t kib) {
    Line line;
    line.recipients.push_back({"emmaus", ""});
    return std::vector<Line>((kib << 10) / 12, line);
  };
  const auto agreed = [&](size_t kib) {
    Agreement agreement;
    agreement.id = Id128::FromBytes(std::string(Id128::kSize, 'a')).value();
    agreement.lines = Lines(lines(kib));
    PersonState state;
    state.Add(std::move(agreement));
    return state;
  };
  const auto refused = [&](size_t kib) {
    PersonState state;
    state.Add(Denial{Id128(), Denial::Kind::kRefusal, absl::UnixEpoch(), std::nullopt, lines(kib)});
    return state;
  };
  EXPECT_TRUE(Store::MayLink(refused(829), refused(9)));
  EXPECT_FALSE(Store::MayLink(refused(829), refused(15)));
  EXPECT_TRUE(Store::MayLink(agreed(350), agreed(340))) << "690 as they are";
  EXPECT_FALSE(Store::MayLink(agreed(350), agreed(360)));
  PersonState many = refused(832);
  EXPECT_TRUE(Store::MayLink(many, PersonState()));
  for (char id = 0; id < 80; ++id) {
    Agreement agreement;
    agreement.id = Id128::FromBytes(std::string(Id128::kSize, id)).value();
    many.Add(std::move(agreement));
  }
  EXPECT_FALSE(Store::MayLink(many, PersonState())) << "a withdrawal has more than the lines that it keeps";
}

TEST(LinkLimits, WhatIsReadTogetherLeavesRoomToBeTakenApart) {
  SimWorld world;
  const Two two(world);
  const auto fill = [&](const Ref& name, const std::string& prefix, int most) {
    v1::RecordRefusalRequest refusal;
    *refusal.mutable_person() = name;
    for (int i = 0; i < 4000; ++i) {
      refusal.add_lines()->add_recipients()->set_institution("emmaus");
    }
    for (int i = 0; i < most; ++i) {
      refusal.set_request_id(prefix + std::to_string(i));
      if (!world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).ok()) {
        return i;
      }
    }
    return most;
  };
  ASSERT_EQ(fill(two.b, "before", 4), 4);
  const std::string link = LinkOf(Merge(world, two.a, two.b));
  EXPECT_LT(fill(two.b, "while", 200), 200) << "the file of both is full";
  EXPECT_FALSE(Refuse(world, two.a, "r1").ok() && fill(two.a, "more", 200) == 200);
  const auto split = Split(world, link);
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_FALSE(AreOne(world, two.a, two.b));
  EXPECT_TRUE(world.service().registry().store.LoadFresh(world.IdOf(two.b)).ok());
}

// More rows than a commit may have are under her name.
TEST(LinkLimits, ASplitOfManyRowsIsMadePageByPage) {
  bool ended = false;
  for (uint64_t step = 0; step < 60 && !ended; step += 3) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    const std::string link = LinkOf(Merge(world, two.a, two.b));
    constexpr int kRows = 4500;
    for (int from = 0; from < kRows; from += 1500) {
      storage::CommitRequest commit;
      commit.partition = PersonPartition(world.IdOf(two.a));
      for (int i = from; i < from + 1500; ++i) {
        commit.batch.push_back({RowKey(world.IdOf(two.a), world.IdOf(two.b), "req/" + std::to_string(i)),
                                std::string("answer")});
      }
      const auto put = [](const rpc::ServiceContext& context, storage::CommitRequest rows) {
        return context.store.Commit(std::move(rows));
      };
      SimWorld::Require(world.Run(put(world.context(), std::move(commit))).status());
    }
    *crashing.armed = true;
    ended = Split(world, link).ok();
    world.Restart();
    ASSERT_TRUE(Split(world, link).ok()) << step;
    const auto rows = [&](const Ref& at, const std::string& prefix) {
      size_t count = 0;
      std::string from;
      do {
        const auto page = world.context().store.Scan(PersonPartition(world.IdOf(at)), prefix, from, 1000);
        count += page->entries.size();
        from = page->next;
      } while (!from.empty());
      return count;
    };
    EXPECT_GE(rows(two.b, "req/"), static_cast<size_t>(kRows)) << step;
    EXPECT_EQ(rows(two.a, "of/"), 0u) << step;
    EXPECT_EQ(rows(two.a, "split/"), 0u) << step;
  }
  EXPECT_TRUE(ended);
}

// Between the commits of a split nothing of the other side permits under the name that leaves.
TEST(LinkLimits, WhoIsLeavingIsNotPermittedByTheOthersYes) {
  int between = 0;
  bool ended = false;
  for (uint64_t step = 0; step < 40 && !ended; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    const std::string link = LinkOf(Merge(world, two.a, two.b));
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
    *crashing.armed = true;
    ended = Split(world, link).ok();
    world.Restart();
    Store& store = world.service().registry().store;
    const auto root = store.LoadOwn(world.IdOf(two.a));
    if (root->state->HasLinked() || !store.LoadOwn(world.IdOf(two.b))->state->linked_to()) {
      continue;
    }
    ++between;
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(two.b)), kDeny) << step;
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(two.a)), kPermit) << step;
    EXPECT_EQ(Recorded(world, two.b), kDeny) << step;
  }
  EXPECT_TRUE(ended);
  EXPECT_GE(between, 1);
}

// ---- 4

// She went along with another when that one left; her own history says nothing of whom they left.
TEST(LinkLimits, LikenessDoesNotLinkAgainThroughAThird) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 5);
  const Ref& third = names[0];
  const Ref& root = names[2];
  const Ref& left = names[3];
  const Ref& along = names[4];
  const std::string first = LinkOf(Merge(world, root, left, "m1"));
  const std::string second = LinkOf(Merge(world, left, along, "m2"));
  ASSERT_TRUE(Split(world, first, "s1").ok());
  ASSERT_TRUE(Split(world, second, "s2").ok());
  Pass(world);
  ASSERT_TRUE(Merge(world, third, names[1], "m3").ok());
  ASSERT_TRUE(Merge(world, third, root, "m4").ok());
  Store& store = world.service().registry().store;
  ASSERT_TRUE(store.LoadOwn(world.IdOf(root))->state->linked_to().has_value());
  MakeAlike(world, root);
  MakeAlike(world, along);
  world.Follow(world.service().own_leaves());
  EXPECT_FALSE(AreOne(world, root, along)) << "a steward said that they are two";
  const auto listed =
      world.Run(world.service().candidates().ListCandidates(world.As("ville-paris", "steward"), {}));
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->candidates_size(), 0) << "nor is it proposed";
  EXPECT_TRUE(Merge(world, root, along, "m5").ok()) << "a merge that is asked for anew does it";
}

// Whoever was ever taken apart from anybody is no longer linked by likeness: a steward is asked.
TEST(LinkLimits, LikenessAsksAStewardAboutWhoWasEverTakenApart) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  ASSERT_TRUE(Split(world, LinkOf(Merge(world, names[0], names[1], "m1"))).ok());
  MakeAlike(world, names[1]);
  MakeAlike(world, names[2]);
  world.Follow(world.service().own_leaves());
  EXPECT_FALSE(AreOne(world, names[1], names[2]));
  const rpc::Call steward = world.As("ville-paris", "steward");
  const auto listed = world.Run(world.service().candidates().ListCandidates(steward, {}));
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->candidates_size(), 1);
  Pass(world);
  v1::ConfirmMatchRequest confirm;
  confirm.set_request_id("k1");
  confirm.set_candidate_id(listed->candidates(0).candidate_id());
  const auto confirmed = world.Run(world.service().candidates().ConfirmMatch(steward, confirm));
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_TRUE(AreOne(world, names[1], names[2]));
}

// She was said to be one with somebody who leaves before the link is listed.
TEST(LinkLimits, ALinkThroughWhoLeftMeanwhileIsVoid) {
  int between = 0;
  for (uint64_t step = 0; step < 30; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const std::vector<Ref> names = Several(world, 3);
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(names[0], "c1")).ok());
    const std::string link = LinkOf(Merge(world, names[0], names[1], "m1"));
    *crashing.armed = true;
    const bool done = Merge(world, names[1], names[2], "m2").ok();  // frozen with the link to the first
    world.Restart();
    if (done) {
      break;
    }
    Store& store = world.service().registry().store;
    const auto frozen = store.LoadOwn(world.IdOf(names[2]));
    if (!frozen->state->linked_to() ||
        store.LoadOwn(world.IdOf(names[0]))->state->FindLink(frozen->state->linked_to()->link) != nullptr) {
      continue;
    }
    ++between;
    ASSERT_TRUE(Split(world, link).ok());
    EXPECT_EQ(world.Decision(SimWorld::CheckFor(names[2])), kDeny) << "void, whoever looks";
    ASSERT_TRUE(world.Run(CompleteLink(world.service().registry().files(), world.IdOf(names[2]))).ok());
    EXPECT_FALSE(AreOne(world, names[0], names[2])) << "nobody said so";
    EXPECT_EQ(rpc::ReasonOf(Merge(world, names[1], names[2], "m2").status()), kWrongState)
        << "asked for before the split";
    Pass(world);
    EXPECT_TRUE(Merge(world, names[1], names[2], "m3").ok());
    EXPECT_FALSE(AreOne(world, names[0], names[2]));
  }
  EXPECT_GE(between, 1);
}

}  // namespace
}  // namespace relais::consent
