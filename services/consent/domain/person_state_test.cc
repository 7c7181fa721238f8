#include "services/consent/domain/person_state.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::Noon;

Objection OnRecord(uint64_t generation, absl::Time at) {
  Objection objection;
  objection.supplier = "edf";
  objection.key_version = 1;
  objection.digest = "digest";
  objection.generation = generation;
  objection.recorded = at;
  return objection;
}

bool Binds(const PersonState& state) {
  return std::any_of(state.objections().begin(), state.objections().end(),
                     [](const Objection& objection) { return !objection.lifted; });
}

TEST(PersonState, ActsNeverTieNorGoBackWithTheClock) {
  PersonState state;
  const absl::Time noon = Noon(2026, 11, 3);
  EXPECT_EQ(state.InstantOfNext(noon + absl::Nanoseconds(1700)), noon + absl::Microseconds(1));
  Denial denial;
  denial.at = noon;
  state.Add(denial);
  EXPECT_EQ(state.InstantOfNext(noon), noon + absl::Microseconds(1));
  EXPECT_EQ(state.InstantOfNext(noon - absl::Seconds(1)), noon + absl::Microseconds(1));
  EXPECT_EQ(state.InstantOfNext(noon + absl::Seconds(1)), noon + absl::Seconds(1));
}

TEST(PersonState, AnObjectionOnRecordIsAppliedOncePerGeneration) {
  PersonState state;
  EXPECT_TRUE(state.Record(OnRecord(1, Noon(2026, 11, 1))));
  EXPECT_FALSE(state.Record(OnRecord(1, Noon(2026, 11, 2))));
  EXPECT_EQ(state.objections().size(), 1u);
  EXPECT_TRUE(state.Record(OnRecord(2, Noon(2026, 11, 3))));  // renewed
  EXPECT_EQ(state.objections().size(), 1u);
  EXPECT_EQ(state.objections()[0].recorded, Noon(2026, 11, 1));
}

TEST(PersonState, ALateObjectionDoesNotUndoALaterLifting) {
  PersonState state;
  ASSERT_TRUE(state.Record(OnRecord(1, Noon(2026, 11, 1))));
  ASSERT_TRUE(state.LiftRecord("edf", 1, "digest", 3, Noon(2026, 11, 4)));
  EXPECT_FALSE(state.Record(OnRecord(2, Noon(2026, 11, 3))));
  EXPECT_FALSE(Binds(state));
  EXPECT_TRUE(state.Record(OnRecord(4, Noon(2026, 11, 5))));
  EXPECT_TRUE(Binds(state));
  EXPECT_FALSE(state.LiftRecord("edf", 1, "digest", 4, Noon(2026, 11, 6)));
  EXPECT_TRUE(Binds(state));
}

TEST(PersonState, ALiftingThatComesFirstWins) {
  PersonState state;
  EXPECT_TRUE(state.LiftRecord("edf", 1, "digest", 2, Noon(2026, 11, 2)));
  EXPECT_FALSE(state.Record(OnRecord(1, Noon(2026, 11, 1))));
  EXPECT_FALSE(Binds(state));
}

TEST(PersonState, LiftingOneRecordLeavesTheOthers) {
  PersonState state;
  ASSERT_TRUE(state.Record(OnRecord(1, Noon(2026, 11, 1))));
  Objection other = OnRecord(1, Noon(2026, 11, 1));
  other.key_version = 2;
  ASSERT_TRUE(state.Record(other));
  EXPECT_TRUE(state.LiftRecord("engie", 1, "digest", 2, Noon(2026, 11, 2)));
  EXPECT_TRUE(state.LiftRecord("edf", 1, "digest", 2, Noon(2026, 11, 2)));
  EXPECT_TRUE(Binds(state));
  EXPECT_FALSE(state.LiftOwn("edf", Noon(2026, 11, 2)));
  EXPECT_TRUE(state.LiftRecord("edf", 2, "digest", 2, Noon(2026, 11, 2)));
  EXPECT_FALSE(Binds(state));
}

TEST(PersonState, FindsAgreementsById) {
  PersonState state;
  Agreement agreement;
  agreement.id = IdOf(4);
  state.Add(agreement);
  EXPECT_NE(state.FindAgreement(IdOf(4)), nullptr);
  EXPECT_EQ(state.FindAgreement(IdOf(5)), nullptr);
}

}  // namespace
}  // namespace relais::consent
