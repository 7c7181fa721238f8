#include "services/routing/domain/pivots.h"

#include <gtest/gtest.h>

#include "common/base/proto_time.h"

namespace relais::routing {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
// What stands for a conflict: any text that differs when it does.
std::string Name(const std::vector<NamedSlot>& names) { return ConflictBetween(ActivePivots(names)); }

v1::ReferentState ActiveSince(const std::string& id, int minutes) {
  v1::ReferentState referent;
  referent.set_referent_id(id);
  referent.set_state(v1::Referent::STATE_ACTIVE);
  *referent.mutable_since() = ToProto(kNow + absl::Minutes(minutes));
  return referent;
}
NamedSlot SlotOf(char name, const std::vector<v1::ReferentState>& referents) {
  NamedSlot slot;
  slot.person = *Id128::FromBytes(std::string(Id128::kSize, name));
  for (const v1::ReferentState& referent : referents) {
    *slot.slot.add_referents() = referent;
  }
  return slot;
}
const v1::ReferentState* Leading(const std::vector<NamedSlot>& names) {
  return LeadingPivot(ActivePivots(names), Name(names));
}
// Until there is nothing to do; how many steps that took.
int Settle(std::vector<NamedSlot>& names) {
  for (int steps = 0; steps < 100; ++steps) {
    const std::string conflict = Name(names);
    const auto step = NextPivotStep(ActivePivots(names), conflict);
    if (!step.has_value()) {
      return steps;
    }
    EXPECT_TRUE(TakePivotStep(*step, conflict, kNow, names[step->name].slot).has_value());
  }
  ADD_FAILURE() << "it does not come to an end";
  return -1;
}
v1::ReferentState& At(std::vector<NamedSlot>& names, size_t name, int referent = 0) {
  return *names[name].slot.mutable_referents(referent);
}
void Choose(v1::ReferentState& referent, int minutes) {
  referent.set_chosen_in(referent.conflict());
  *referent.mutable_chosen() = ToProto(kNow + absl::Minutes(minutes));
}

TEST(Pivots, NoneAndOneAreNoConflict) {
  std::vector<NamedSlot> names = {SlotOf('a', {}), SlotOf('b', {})};
  EXPECT_EQ(Leading(names), nullptr);  // D-5.7
  EXPECT_EQ(Settle(names), 0);
  names[1] = SlotOf('b', {ActiveSince("r", 1)});
  EXPECT_EQ(Leading(names)->referent_id(), "r");
  EXPECT_EQ(Name(names), "");
  EXPECT_EQ(Settle(names), 0);
}

TEST(Pivots, TheOldestLeadsWhateverTheOrderOfNames) {  // D-5.2
  std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("young", 9)}),
                                  SlotOf('b', {ActiveSince("old", 1)}),
                                  SlotOf('c', {ActiveSince("middle", 5)})};
  const std::string conflict = Name(names);
  EXPECT_NE(conflict, "");
  EXPECT_EQ(Leading(names)->referent_id(), "old");
  EXPECT_EQ(Settle(names), 3);
  EXPECT_EQ(ConflictOf(At(names, 0)), v1::PIVOT_CONFLICT_FOLLOWS);
  EXPECT_EQ(ConflictOf(At(names, 1)), v1::PIVOT_CONFLICT_LEADS);
  EXPECT_EQ(ConflictOf(At(names, 2)), v1::PIVOT_CONFLICT_FOLLOWS);
  std::swap(names[0], names[2]);
  EXPECT_EQ(Name(names), conflict);
  EXPECT_EQ(Settle(names), 0);
}

TEST(Pivots, OfOneInstantTheLowerId) {
  const std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r2", 1)}),
                                        SlotOf('b', {ActiveSince("r1", 1)})};
  EXPECT_EQ(Leading(names)->referent_id(), "r1");
}

TEST(Pivots, WhomSheKeepsLeadsAtOnceAndTheOthersEnd) {
  std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r1", 1)}), SlotOf('b', {ActiveSince("r2", 2)}),
                                  SlotOf('c', {ActiveSince("r3", 3)})};
  Settle(names);
  Choose(At(names, 1), 10);
  EXPECT_EQ(Leading(names)->referent_id(), "r2");
  EXPECT_EQ(ConflictOf(At(names, 1)), v1::PIVOT_CONFLICT_CHOSEN);
  Settle(names);
  EXPECT_EQ(At(names, 0).state(), v1::Referent::STATE_ENDED);
  EXPECT_EQ(At(names, 1).state(), v1::Referent::STATE_ACTIVE);
  EXPECT_EQ(At(names, 2).state(), v1::Referent::STATE_ENDED);
  EXPECT_EQ(ConflictOf(At(names, 1)), v1::PIVOT_CONFLICT_UNSPECIFIED);
}

TEST(Pivots, OfTwoSheChoseTheLastWordCounts) {
  for (const bool first_later : {true, false}) {
    std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r1", 1)}), SlotOf('b', {ActiveSince("r2", 2)})};
    Settle(names);
    Choose(At(names, 0), first_later ? 20 : 10);
    Choose(At(names, 1), first_later ? 10 : 20);
    Settle(names);
    EXPECT_EQ(Leading(names)->referent_id(), first_later ? "r1" : "r2");
    EXPECT_EQ(ActivePivots(names).size(), 1u);
  }
}

// One of three ends by itself before her word is carried out: she chose between the other two all the same.
TEST(Pivots, HerChoiceOutlivesOneThatEnds) {
  std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r1", 1)}), SlotOf('b', {ActiveSince("r2", 2)}),
                                  SlotOf('c', {ActiveSince("r3", 3)})};
  Settle(names);
  Choose(At(names, 1), 10);
  At(names, 2).set_state(v1::Referent::STATE_ENDED);
  Settle(names);
  EXPECT_EQ(ActivePivots(names).size(), 1u);
  EXPECT_EQ(Leading(names)->referent_id(), "r2");
}

// She is asked anew when somebody joins whom she did not choose between.
TEST(Pivots, AnotherConflictIsAnotherQuestion) {
  std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r1", 1)}), SlotOf('b', {ActiveSince("r2", 2)})};
  Settle(names);
  Choose(At(names, 1), 10);
  Settle(names);
  names.push_back(SlotOf('c', {ActiveSince("r0", 0)}));
  Settle(names);
  EXPECT_EQ(ActivePivots(names).size(), 2u);
  EXPECT_EQ(Leading(names)->referent_id(), "r0");
}

TEST(Pivots, PartedTheyAreInNone) {
  std::vector<NamedSlot> names = {SlotOf('a', {ActiveSince("r1", 1)}), SlotOf('b', {ActiveSince("r2", 2)})};
  Settle(names);
  Choose(At(names, 0), 10);
  std::vector<NamedSlot> first = {names[0]};
  std::vector<NamedSlot> second = {names[1]};
  EXPECT_EQ(Settle(first), 1);
  EXPECT_EQ(Settle(second), 1);
  EXPECT_EQ(ActivePivots(first).size() + ActivePivots(second).size(), 2u);
  // What she said of that conflict is no word in one that begins anew.
  std::vector<NamedSlot> again = {first[0], second[0]};
  Settle(again);
  EXPECT_EQ(ActivePivots(again).size(), 2u);
}

// From wherever it was left, also half written: the same in the end.
TEST(Pivots, WhereverItWasLeft) {
  const std::vector<NamedSlot> fresh = {SlotOf('a', {ActiveSince("r1", 1)}),
                                        SlotOf('b', {ActiveSince("r2", 2)}),
                                        SlotOf('c', {ActiveSince("r3", 3)})};
  std::vector<NamedSlot> whole = fresh;
  const int steps = Settle(whole);
  for (int done = 0; done <= steps; ++done) {
    std::vector<NamedSlot> names = fresh;
    const std::string conflict = Name(names);
    for (int i = 0; i < done; ++i) {
      const auto step = NextPivotStep(ActivePivots(names), conflict);
      TakePivotStep(*step, conflict, kNow, names[step->name].slot);
    }
    EXPECT_EQ(Settle(names), steps - done);
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(names[i].slot.SerializeAsString(), whole[i].slot.SerializeAsString());
    }
  }
}

// ADR 42: an institution is shown its own, under whatever name of hers.
TEST(Pivots, WhomAnInstitutionIsShown) {
  const auto of = [](v1::ReferentState referent, const std::string& proposer,
                     const std::string& institution) {
    referent.mutable_proposed_by()->set_institution(proposer);
    referent.mutable_referent()->set_institution(institution);
    return referent;
  };
  const auto in = [](v1::ReferentState referent, v1::Referent::State state) {
    referent.set_state(state);
    return referent;
  };
  const auto shown = [](const std::vector<NamedSlot>& names, const std::string& institution) {
    const auto found = ReferentFor(names, Leading(names), institution);
    return found ? found->referent->referent_id() + std::to_string(found->name) : std::string("none");
  };
  const v1::ReferentState old = of(ActiveSince("old", 1), "aphp", "ville-paris");
  const v1::ReferentState young = of(ActiveSince("young", 9), "aphp", "caf");
  const v1::ReferentState waits = of(in(ActiveSince("w", 5), v1::Referent::STATE_AGREED), "aphp", "casvp");
  const v1::ReferentState over = of(in(ActiveSince("o", 5), v1::Referent::STATE_ENDED), "aphp", "casvp");
  const v1::ReferentState later = of(in(ActiveSince("l", 6), v1::Referent::STATE_REFUSED), "aphp", "siao");

  std::vector<NamedSlot> names = {SlotOf('a', {}), SlotOf('b', {old})};
  EXPECT_EQ(shown(names, "aphp"), "old1") << "who proposed him";
  EXPECT_EQ(shown(names, "ville-paris"), "old1") << "who is him";
  EXPECT_EQ(shown(names, "emmaus"), "none");
  names = {SlotOf('a', {young}), SlotOf('b', {old})};
  EXPECT_EQ(shown(names, "aphp"), "young0") << "the name it asks by first, in a conflict too";
  EXPECT_EQ(shown(names, "ville-paris"), "old1");
  EXPECT_EQ(shown(names, "caf"), "young0");
  names = {SlotOf('c', {over}), SlotOf('a', {young}), SlotOf('b', {old})};
  EXPECT_EQ(shown(names, "aphp"), "old2") << "who leads";
  EXPECT_EQ(shown(names, "caf"), "young1");
  EXPECT_EQ(shown(names, "casvp"), "o0");
  names = {SlotOf('a', {over}), SlotOf('b', {waits})};
  EXPECT_EQ(shown(names, "aphp"), "w1") << "what waits for an answer before what is over";
  names = {SlotOf('a', {over, later}), SlotOf('b', {over})};
  EXPECT_EQ(shown(names, "aphp"), "l0") << "the newest";
  names = {SlotOf('a', {waits}), SlotOf('b', {waits})};
  EXPECT_EQ(shown(names, "aphp"), "w0");
}

TEST(Pivots, AStepOfSomebodyWhoIsGoneIsNone) {
  v1::PersonSlot slot;
  EXPECT_FALSE(TakePivotStep({PivotStep::Kind::kEnd, 0, "r", false}, "c", kNow, slot).has_value());
}

}  // namespace
}  // namespace relais::routing
