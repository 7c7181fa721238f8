// Persons who turn out to be one human: what was permitted before is void, and one référent leads over all
// their names (D-5.2).
#include "services/routing/testing/linked_persons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace relais::routing {
namespace {

using namespace testing;  // NOLINT: what the tests are made of
using ::testing::IsEmpty;
using ::testing::SizeIs;

// ---- permits (architecture, "Delivery": nothing is sent once a followed leaf revokes the permit)

TEST(LinkedPersons, AnOfferOnItsWayIsNotSentOnceALinkIsFollowed) {
  World world;
  world.MustSubmit("s1");
  const uint64_t before = world.consent_log().log().state().size;
  world.consent.delay = absl::Seconds(1);
  absl::StatusOr<v1::PullResponse> response = absl::UnknownError("none");
  v1::PullRequest request;
  request.set_desk("dsol-75113");
  Start(world.service().inboxes().Pull(world.Dsol(), request),
        [&](absl::StatusOr<v1::PullResponse> r) { response = std::move(r); });
  world.Settle(absl::Milliseconds(100));  // permitted; the answer is on its way
  SayLinked(world, 1, 2);                 // her other name brings an old no
  world.consent.answers_at = before;
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->messages_size(), 0);
}

// A consumer that takes its time over every message.
class SlowStream final : public InboxHandlers::SubscribeStream {
 public:
  explicit SlowStream(Executor& executor) : executor_(executor) {}
  void HangUp() { gone_ = true; }
  Task<std::optional<v1::SubscribeRequest>> Read() override {
    if (!opened_) {
      opened_ = true;
      v1::SubscribeRequest request;
      request.mutable_open()->set_desk("dsol-75113");
      request.mutable_open()->set_max_in_flight(10);
      co_return request;
    }
    while (!gone_) {
      co_await Sleep(executor_, absl::Milliseconds(20));
    }
    co_return std::nullopt;
  }
  Task<bool> Write(v1::SubscribeResponse response) override {
    got.push_back(response.message().content().note().text());
    co_await Sleep(executor_, absl::Seconds(10));
    co_return !gone_;
  }
  [[nodiscard]] bool cancelled() const override { return gone_; }
  std::vector<std::string> got;

 private:
  Executor& executor_;
  bool opened_ = false;
  bool gone_ = false;
};

TEST(LinkedPersons, NorIsOneThatWaitsBehindASlowStream) {
  for (const bool link : {false, true}) {
    World world;
    world.MustSubmit("first", 3);
    world.MustSubmit("second", 1);
    auto stream = std::make_shared<SlowStream>(world.sim());
    bool ended = false;
    Start(world.service().inboxes().Subscribe(world.Dsol(), stream), [&](absl::Status) { ended = true; });
    world.Settle();  // both are offered; the first is being written
    ASSERT_THAT(stream->got, SizeIs(1));
    ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), 2u);
    if (link) {
      world.consent.permits = [](const consent::v1::CheckRequest& check) {
        return check.person().person_id() != World::Person(1).ToBytes();
      };
      SayLinked(world, 1, 2);
    }
    world.Settle(absl::Seconds(30));
    EXPECT_EQ(stream->got.size(), link ? 1u : 2u);
    stream->HangUp();
    world.Settle(absl::Seconds(30));
    EXPECT_TRUE(ended);
  }
}

TEST(LinkedPersons, WhatWaitsUnderAnyNameIsPulledBack) {
  World world;
  AreOne(world, 1, 3, 1);
  const std::string hers = world.MustSubmit("s1", 1);
  const std::string others = world.MustSubmit("s3", 3);
  const std::string stranger = world.MustSubmit("s4", 4);
  world.consent.permits = [](const consent::v1::CheckRequest& check) {
    return check.person().person_id() == World::Person(4).ToBytes();
  };
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u) << "nothing was followed yet";
  SayLinked(world, 1, 2, 2);  // no leaf is about 3, who is one human with her too
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 2u);
  const auto waiting = world.Waiting();
  ASSERT_THAT(waiting, SizeIs(1));
  EXPECT_EQ(waiting[0].message_id(), stranger);
}

TEST(LinkedPersons, TheLeafThatSaysNobodysNameVoidsToo) {
  World world;
  AreOne(world, 1, 2, 1);
  world.MustSubmit("s1", 1);
  world.MustSubmit("s2", 2);
  world.consent.permits = [](const auto&) { return false; };  // the other's yes is gone
  consent::v1::PersonsSplit payload;
  payload.set_link_id(Link(1).ToHex());
  Say(world, 1, audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload);
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 2u);
}

TEST(LinkedPersons, ASplitPullsBackOnBothSides) {
  World world;
  AreOne(world, 1, 2, 1);
  world.MustSubmit("s1", 1);
  world.MustSubmit("s2", 2);
  world.consent.permits = [](const auto&) { return false; };
  AreTwo(world, 1, 2, 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 2u);
}

TEST(LinkedPersons, SubmittedOnAPermitFromBeforeTheLink) {
  World world;
  world.consent.answers_at = world.consent_log().log().state().size;
  AreOne(world, 1, 2);
  // Permitted as of before the link, by the checks of the submission itself; whoever asks again is told no.
  const size_t before = world.consent.asked.size();
  constexpr size_t kOfSubmission = 2;
  world.consent.permits = [&](const auto&) { return world.consent.asked.size() <= before + kOfSubmission; };
  ASSERT_TRUE(world.Submit(world.Note("s1", 2)).ok());
  world.Settle();
  EXPECT_GT(world.consent.asked.size(), before + kOfSubmission);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
}

// ---- erasure

TEST(LinkedPersons, ErasedSheIsNobodysNameAndNoLinkIsKeptAboutHer) {
  World world;
  AreOne(world, 2, 1, 1);
  AreOne(world, 2, 3, 2);
  const audit::FollowedLinks links(world.context().store, world.context().log);
  ASSERT_THAT(*links.NamesOf(World::Person(3)), SizeIs(3));
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(World::Person(900).ToHex());
  payload.set_cause("REQUEST");
  Say(world, 1, audit::v1::EVENT_CLASS_ERASE_REQUESTED, payload);
  world.Settle(absl::Seconds(30));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1u);
  EXPECT_THAT(*links.NamesOf(World::Person(3)), SizeIs(2)) << "of those who are not erased";
  SayLinked(world, 2, 1, 1);  // read again
  SayLinked(world, 4, 1, 3);
  world.Settle();
  EXPECT_THAT(*links.NamesOf(World::Person(1)), SizeIs(1));
  EXPECT_THAT(*links.NamesOf(World::Person(2)), SizeIs(2));
  EXPECT_THAT(*links.NamesOf(World::Person(4)), SizeIs(1));
}

// ---- one référent over all names

TEST(LinkedPersons, HerReferentIsFoundUnderEveryName) {  // D-5.2
  World world;
  Active(world, kHospital, 1);
  EXPECT_EQ(GoesTo(world, 2), "dsol-75120") << "somebody else";
  AreOne(world, 2, 1);
  EXPECT_EQ(GoesTo(world, 1), "dsol-75113");
  EXPECT_EQ(GoesTo(world, 2), "dsol-75113");
  EXPECT_THAT(SaidOfConflicts(world), IsEmpty());
  world.Restart();
  EXPECT_EQ(GoesTo(world, 2), "dsol-75113");
  AreTwo(world, 2, 1);
  EXPECT_EQ(GoesTo(world, 1), "dsol-75113");
  EXPECT_EQ(GoesTo(world, 2), "dsol-75120");
}

TEST(LinkedPersons, ItsOwnReferentIsShownUnderEveryName) {  // D-5.2, ADR 42
  World world;
  const std::string id = Active(world, kHospital, 1);
  const auto get = [&](const std::string& institution, const std::string& system, uint64_t person) {
    v1::GetReferentRequest request;
    *request.mutable_person() = world.Handle(institution, person);
    return world.Run(world.service().referents().GetReferent(world.As(institution, system), request));
  };
  EXPECT_TRUE(absl::IsNotFound(get("aphp", "pass", 2).status())) << "two persons still";
  AreOne(world, 2, 1);
  for (const uint64_t person : {1, 2}) {
    const v1::Referent shown = Shown(world, kHospital, person);
    EXPECT_EQ(shown.referent_id(), id);
    // By the name he is under, so that what is asked about him finds him.
    EXPECT_EQ(shown.person().handle(), world.Handle("aphp", 1).handle());
    EXPECT_EQ(shown.conflict(), v1::PIVOT_CONFLICT_UNSPECIFIED);
    const auto his = get("ville-paris", "dsol", person);
    ASSERT_TRUE(his.ok()) << his.status();
    EXPECT_EQ(his->referent().referent_id(), id);
    // Whose he is not sees nothing under either.
    const auto other = get("caf", "droits", person);
    EXPECT_EQ(rpc::ReasonOf(other.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
  v1::EndRequest end;
  end.set_request_id("end");
  *end.mutable_person() = Shown(world, kHospital, 2).person();
  end.set_referent_id(id);
  end.set_reason("relais passé");
  EXPECT_TRUE(world.Run(world.service().referents().End(world.As("aphp", "pass"), end)).ok());
  EXPECT_EQ(Shown(world, kHospital, 2).state(), v1::Referent::STATE_ENDED);
  AreTwo(world, 2, 1);
  EXPECT_TRUE(absl::IsNotFound(get("aphp", "pass", 2).status()));
  EXPECT_EQ(Shown(world, kHospital, 1).referent_id(), id);
}

TEST(LinkedPersons, WhoWentAlongIsFoundThere) {
  World world;
  AreOne(world, 1, 2, 1);
  AreOne(world, 1, 3, 2);  // with 2
  Active(world, kHospital, 3);
  // 2 leaves 1, and 3 with her: the link goes on at 2.
  AreTwo(world, 1, 2, 1);
  AreTwo(world, 1, 3, 2);
  SayLinked(world, 2, 3, 2);
  world.Settle();
  EXPECT_EQ(GoesTo(world, 2), "dsol-75113");
  EXPECT_EQ(GoesTo(world, 3), "dsol-75113");
  EXPECT_EQ(GoesTo(world, 1), "dsol-75120");
}

TEST(LinkedPersons, NobodyElseIsAcceptedUnderAnotherName) {  // D-5.2
  World world;
  Active(world, kHospital, 1);
  const std::string second = Agreed(world, kOutreach, 2);
  AreOne(world, 1, 2);
  EXPECT_EQ(rpc::ReasonOf(Accept(world, kOutreach, 2, second).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  // Who may not answer learns nothing by it.
  const auto asked = world.Run(world.service().referents().Accept(
      world.As("emmaus", "maraude"), AcceptanceOf(world, {"", "", "emmaus", ""}, 2, second)));
  EXPECT_EQ(rpc::ReasonOf(asked.status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  AreTwo(world, 1, 2);
  EXPECT_TRUE(Accept(world, kOutreach, 2, second).ok());
}

// Links, holds and erasures of all are followed in one order: what does not read of one person stops none.
TEST(LinkedPersons, ASlotThatDoesNotReadStopsNobodysLeaves) {
  World world;
  Active(world, kHospital, 1);
  const storage::Partition hers = RoutingStore::PersonPartition(World::Person(1));
  const auto slot = world.context().store.Get(hers, "slot");
  ASSERT_TRUE(slot.ok() && slot->has_value());
  std::string damaged = (*slot)->value;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  storage::CommitRequest commit;
  commit.partition = hers;
  commit.batch.push_back({"slot", std::move(damaged)});
  World::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  AreOne(world, 1, 2);
  world.Settle(absl::Seconds(5));
  EXPECT_EQ(world.service().consent_follower()->applied(), world.consent_log().log().state().size);
}

}  // namespace
}  // namespace relais::routing
