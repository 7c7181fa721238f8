#include "services/routing/domain/referent.h"

#include <gtest/gtest.h>

#include "common/base/proto_time.h"
#include "common/rpc/call.h"

namespace relais::routing {
namespace {

using State = v1::Referent;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

v1::ReferentState Proposal(const std::string& id) {
  v1::ReferentState referent;
  referent.set_referent_id(id);
  referent.set_desk("dsol-75113");
  return referent;
}

v1::PersonSlot SlotWith(State::State state) {
  v1::PersonSlot slot;
  AddProposal(slot, Proposal("r"), kNow);
  slot.mutable_referents(0)->set_state(state);
  return slot;
}

struct Case {
  State::State from;
  ReferentStep step;
  State::State to;  // UNSPECIFIED: refused
};

// D-5.2: every state with every step.
constexpr State::State kNo = State::STATE_UNSPECIFIED;
constexpr Case kCases[] = {
    {State::STATE_PROPOSED, ReferentStep::kAgree, State::STATE_AGREED},
    {State::STATE_PROPOSED, ReferentStep::kRefuse, State::STATE_REFUSED},
    {State::STATE_PROPOSED, ReferentStep::kAccept, kNo},
    {State::STATE_PROPOSED, ReferentStep::kDecline, kNo},
    {State::STATE_PROPOSED, ReferentStep::kEnd, State::STATE_ENDED},
    {State::STATE_AGREED, ReferentStep::kAgree, kNo},
    {State::STATE_AGREED, ReferentStep::kRefuse, kNo},
    {State::STATE_AGREED, ReferentStep::kAccept, State::STATE_ACTIVE},
    {State::STATE_AGREED, ReferentStep::kDecline, State::STATE_DECLINED},
    {State::STATE_AGREED, ReferentStep::kEnd, State::STATE_ENDED},
    {State::STATE_ACTIVE, ReferentStep::kAgree, kNo},
    {State::STATE_ACTIVE, ReferentStep::kRefuse, kNo},
    {State::STATE_ACTIVE, ReferentStep::kAccept, kNo},
    {State::STATE_ACTIVE, ReferentStep::kDecline, kNo},
    {State::STATE_ACTIVE, ReferentStep::kEnd, State::STATE_ENDED},
};

TEST(TakeStep, EveryTransition) {
  for (const Case& c : kCases) {
    v1::PersonSlot slot = SlotWith(c.from);
    const auto after = TakeStep(slot, "r", c.step, kNow + absl::Seconds(5));
    const std::string what = State::State_Name(c.from) + " step " + std::to_string(static_cast<int>(c.step));
    if (c.to == kNo) {
      EXPECT_EQ(rpc::ReasonOf(after.status()), common::v1::ERROR_REASON_WRONG_STATE) << what;
      EXPECT_EQ(slot.referents(0).state(), c.from) << what;
      continue;
    }
    ASSERT_TRUE(after.ok()) << what;
    EXPECT_EQ(after->state(), c.to) << what;
    EXPECT_EQ(slot.referents(0).state(), c.to) << what;
    EXPECT_EQ(FromProto(after->since()), kNow + absl::Seconds(5)) << what;
  }
}

TEST(TakeStep, FinalStatesAreFinal) {
  for (const auto final : {State::STATE_REFUSED, State::STATE_DECLINED, State::STATE_ENDED}) {
    for (const auto step : {ReferentStep::kAgree, ReferentStep::kRefuse, ReferentStep::kAccept,
                            ReferentStep::kDecline, ReferentStep::kEnd}) {
      v1::PersonSlot slot = SlotWith(final);
      EXPECT_TRUE(absl::IsFailedPrecondition(TakeStep(slot, "r", step, kNow).status()));
    }
  }
}

TEST(TakeStep, AtMostOneActivePerPerson) {
  v1::PersonSlot slot = SlotWith(State::STATE_ACTIVE);
  AddProposal(slot, Proposal("second"), kNow);
  ASSERT_TRUE(TakeStep(slot, "second", ReferentStep::kAgree, kNow).ok());
  EXPECT_EQ(rpc::ReasonOf(TakeStep(slot, "second", ReferentStep::kAccept, kNow).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  ASSERT_TRUE(TakeStep(slot, "r", ReferentStep::kEnd, kNow).ok());
  ASSERT_TRUE(TakeStep(slot, "second", ReferentStep::kAccept, kNow).ok());
  EXPECT_EQ(ActiveReferent(slot)->referent_id(), "second");
}

TEST(TakeStep, UnknownIdIsNotFound) {
  v1::PersonSlot slot = SlotWith(State::STATE_PROPOSED);
  EXPECT_TRUE(absl::IsNotFound(TakeStep(slot, "other", ReferentStep::kAgree, kNow).status()));
}

TEST(CurrentReferent, ActiveThenInTheMakingThenTheNewest) {
  v1::PersonSlot slot;
  EXPECT_EQ(CurrentReferent(slot), nullptr);
  AddProposal(slot, Proposal("one"), kNow);
  ASSERT_TRUE(TakeStep(slot, "one", ReferentStep::kRefuse, kNow).ok());
  EXPECT_EQ(CurrentReferent(slot)->referent_id(), "one");
  AddProposal(slot, Proposal("two"), kNow);
  EXPECT_EQ(CurrentReferent(slot)->referent_id(), "two");
  ASSERT_TRUE(TakeStep(slot, "two", ReferentStep::kAgree, kNow).ok());
  ASSERT_TRUE(TakeStep(slot, "two", ReferentStep::kAccept, kNow).ok());
  AddProposal(slot, Proposal("three"), kNow);
  EXPECT_EQ(CurrentReferent(slot)->referent_id(), "two");
  ASSERT_TRUE(TakeStep(slot, "two", ReferentStep::kEnd, kNow).ok());
  EXPECT_EQ(CurrentReferent(slot)->referent_id(), "three");
  EXPECT_EQ(ActiveReferent(slot), nullptr);
}

TEST(AddProposal, DropsTheOldestFinalOnesBeyondTheLimit) {
  v1::PersonSlot slot;
  for (int i = 0; i < kReferentsKept; ++i) {
    AddProposal(slot, Proposal(std::to_string(i)), kNow);
  }
  ASSERT_TRUE(TakeStep(slot, "3", ReferentStep::kRefuse, kNow).ok());
  AddProposal(slot, Proposal("new"), kNow);
  EXPECT_EQ(slot.referents_size(), kReferentsKept);
  EXPECT_EQ(FindReferent(slot, "3"), nullptr);
  EXPECT_NE(FindReferent(slot, "0"), nullptr);
  // What is not over is never dropped.
  AddProposal(slot, Proposal("newer"), kNow);
  EXPECT_EQ(slot.referents_size(), kReferentsKept + 1);
}

// D-5.2: of several active ones she keeps one, or ends one; nobody else's step depends on it.
TEST(TakeStep, HerDecisionInAConflict) {
  v1::PersonSlot slot = SlotWith(State::STATE_ACTIVE);
  slot.mutable_referents(0)->set_conflict("c");
  slot.mutable_referents(0)->set_follows(true);
  v1::PersonSlot kept = slot;
  const auto after = TakeStep(kept, "r", ReferentStep::kAgree, kNow + absl::Seconds(5));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->state(), State::STATE_ACTIVE);
  EXPECT_EQ(FromProto(after->since()), FromProto(slot.referents(0).since())) << "he is no younger by it";
  EXPECT_EQ(after->chosen_in(), "c");
  EXPECT_EQ(FromProto(after->chosen()), kNow + absl::Seconds(5));
  for (const ReferentStep step : {ReferentStep::kRefuse, ReferentStep::kEnd}) {
    v1::PersonSlot ended = slot;
    const auto gone = TakeStep(ended, "r", step, kNow + absl::Seconds(5));
    ASSERT_TRUE(gone.ok()) << gone.status();
    EXPECT_EQ(gone->state(), State::STATE_ENDED);
    EXPECT_TRUE(gone->conflict().empty());
    EXPECT_FALSE(gone->follows());
  }
  EXPECT_FALSE(TakeStep(slot, "r", ReferentStep::kAccept, kNow).ok());
  EXPECT_FALSE(TakeStep(slot, "r", ReferentStep::kDecline, kNow).ok());
}

}  // namespace
}  // namespace relais::routing
