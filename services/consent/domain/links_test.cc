#include "services/consent/domain/links.h"

#include <gtest/gtest.h>

#include "services/consent/domain/story.h"

namespace relais::consent {
namespace {

using testing::At;
using testing::CutQuestion;
using testing::IdOf;
using testing::Noon;
using testing::RightsLine;
using testing::RightsQuestion;
using testing::Story;
using testing::To;

const Id128 kA = IdOf(101);
const Id128 kB = IdOf(102);
const Id128 kLink = IdOf(103);

common::v1::Decision Asked(const PersonState& state, const Question& question, int day) {
  static const Rules rules = testing::SampleRules();
  return Decide(state, question, rules, At(Noon(2026, 11, day))).whole.decision;
}
common::v1::Decision Rights(const PersonState& state, int day) { return Asked(state, RightsQuestion(), day); }

constexpr auto kPermit = common::v1::DECISION_PERMIT;
constexpr auto kDeny = common::v1::DECISION_DENY;

const Line& ToCaf() {
  static const Line line = RightsLine({To("caf")});
  return line;
}

// A, with B listed since noon of the 10th.
PersonState Canonical(PersonState state) {
  state.Add(Link{kLink, kB, Noon(2026, 11, 10), v1::LINK_CAUSE_MERGED, std::nullopt});
  return state;
}
PersonState Together(const Story& a, const Story& b) {
  return Unite(Canonical(a.state()), {{kB, b.state()}});
}

// An agreement or a refusal of that day, of noon.
Agreement AgreementOf(int number, int day) {
  Agreement agreement;
  agreement.id = IdOf(static_cast<uint8_t>(number));
  agreement.at = agreement.recorded = agreement.valid_from = Noon(2026, 11, day);
  agreement.valid_until = Noon(2027, 11, day);
  agreement.lines = {ToCaf()};
  return agreement;
}

TEST(Unite, HerNoUnderEitherNameCounts) {
  EXPECT_EQ(Rights(Together(Story().Agrees(2, {ToCaf()}), Story()), 11), kPermit);
  EXPECT_EQ(Rights(Together(Story(), Story().Agrees(2, {ToCaf()})), 11), kPermit);
  EXPECT_EQ(Rights(Together(Story().Agrees(2, {ToCaf()}), Story().Refuses(3, {ToCaf()})), 11), kDeny);
  EXPECT_EQ(Rights(Together(Story().Refuses(3, {ToCaf()}), Story().Agrees(2, {ToCaf()})), 11), kDeny);
  // Her own no is answered under its name (D-2.6.2).
  EXPECT_EQ(Rights(Together(Story().Refuses(2, {ToCaf()}).Agrees(3, {ToCaf()}), Story()), 11), kPermit);
  // On a tie the refusal wins (D-2.6.2).
  EXPECT_EQ(Rights(Together(Story().Refuses(2, {ToCaf()}), Story().Agrees(2, {ToCaf()})), 11), kDeny);
  EXPECT_EQ(
      Asked(Together(Story(), Story().ObjectsTo(2, "edf")), CutQuestion(absl::CivilDay(2026, 11, 3)), 11),
      kDeny);
}

// ADR 40: of a link by likeness nobody knows that the yes is of who said the no.
TEST(Unite, AYesFromBeforeTheLinkAnswersNoNoOfAnotherName) {
  for (const bool hers : {true, false}) {
    const Story no = Story().Refuses(2, {ToCaf()});
    const Story yes = Story().Agrees(3, {ToCaf()}).Agrees(4, {ToCaf()});
    const PersonState united = hers ? Together(no, yes) : Together(yes, no);
    EXPECT_EQ(Rights(united, 9), kDeny);
    EXPECT_EQ(Rights(united, 11), kDeny);
    // One that is recorded since they are one does, under whatever name.
    for (const Id128& name : {Id128(), kB}) {
      PersonState answered = united;
      answered.SpeakAs(name);
      Agreement now = AgreementOf(60, 12);
      now.valid_until = Noon(2026, 11, 20);
      answered.Add(now);
      answered.SpeakAs({});
      EXPECT_EQ(Rights(answered, 11), kDeny);
      EXPECT_EQ(Rights(answered, 13), kPermit);
      EXPECT_EQ(Rights(answered, 21), kDeny) << "those before it never began";
    }
    // Recorded since, given before: it is of the day it was given.
    PersonState late = united;
    Agreement given = AgreementOf(61, 12);
    given.at = Noon(2026, 11, 3);
    late.Add(given);
    EXPECT_EQ(Rights(late, 13), kPermit) << "after her no";
    given.at = Noon(2026, 11, 1);
    PersonState earlier = united;
    earlier.Add(given);
    EXPECT_EQ(Rights(earlier, 13), kDeny) << "before it";
  }
  // Two noes of one class, one under each name: to answer one is not to answer both.
  PersonState both =
      Together(Story().Refuses(2, {ToCaf()}).Agrees(5, {ToCaf()}), Story().Refuses(3, {ToCaf()}));
  EXPECT_EQ(Rights(both, 11), kDeny);
  both = Together(Story().Refuses(3, {ToCaf()}).Agrees(5, {ToCaf()}), Story().Refuses(2, {ToCaf()}));
  EXPECT_EQ(Rights(both, 11), kDeny);
}

TEST(Unite, BetweenTwoWhoAreLinkedTheLaterLinkCounts) {
  const Id128 c = IdOf(104);
  PersonState canonical = Canonical(PersonState());
  canonical.Add(Link{IdOf(105), c, Noon(2026, 11, 13), v1::LINK_CAUSE_MERGED, std::nullopt});
  EXPECT_EQ(canonical.OneSince({}, kB), Noon(2026, 11, 10));
  EXPECT_EQ(canonical.OneSince(kB, c), Noon(2026, 11, 13));
  EXPECT_EQ(canonical.OneSince(c, {}), Noon(2026, 11, 13));
  EXPECT_EQ(canonical.OneSince(c, c), absl::InfinitePast());
  EXPECT_EQ(canonical.OneSince({}, IdOf(99)), absl::InfiniteFuture());
  PersonState united = Unite(canonical, {{kB, PersonState()}, {c, Story().Refuses(3, {ToCaf()}).state()}});
  united.SpeakAs(kB);
  united.Add(AgreementOf(60, 12));  // to A and B as one, before C came
  united.SpeakAs({});
  EXPECT_EQ(Rights(united, 14), kDeny);
  united.Add(AgreementOf(61, 15));
  EXPECT_EQ(Rights(united, 16), kPermit);
}

// RGPD art. 18.2, the same rule: what she restricted is given free by her, not by whom she is linked to.
TEST(Unite, AYesFromBeforeTheLinkEndsNoRestrictionOfAnotherName) {
  PersonState restricted;
  Restriction restriction;
  restriction.id = IdOf(100);
  restriction.institution = "ville-paris";
  restriction.from = Noon(2026, 11, 2);
  restricted.Add(restriction);
  PersonState united = Unite(Canonical(restricted), {{kB, Story().Agrees(3, {ToCaf()}).state()}});
  EXPECT_EQ(Rights(united, 11), kDeny);
  united.SpeakAs(kB);
  united.Add(AgreementOf(60, 12));
  united.SpeakAs({});
  EXPECT_EQ(Rights(united, 13), kPermit);
}

TEST(Unite, ActsAreInTheirOrderAndSayWhose) {
  Story b;
  b.Agrees(1, {ToCaf()});
  PersonState canonical = Canonical(PersonState());
  canonical.Add(AgreementOf(50, 11));
  const PersonState united = Unite(canonical, {{kB, b.state()}});
  ASSERT_EQ(united.agreements().size(), 2u);
  EXPECT_EQ(united.agreements()[0].origin.of, kB);
  EXPECT_TRUE(united.agreements()[0].origin.frozen);
  EXPECT_FALSE(united.agreements()[1].origin.frozen);
  EXPECT_GE(united.latest(), Noon(2026, 11, 11));
}

TEST(Unite, ACopyCountsInsteadOfWhatIsFrozen) {
  Story b;
  b.Agrees(1, {ToCaf()}).ObjectsTo(2, "edf");
  PersonState united = Unite(Canonical(PersonState()), {{kB, b.state()}});
  ASSERT_TRUE(united.End(IdOf(1), {Noon(2026, 11, 12), false}));
  EXPECT_FALSE(united.LiftOwn("edf", Noon(2026, 11, 13))) << "A's own: she has none";
  united.SpeakAs(kB);
  ASSERT_TRUE(united.LiftOwn("edf", Noon(2026, 11, 13)));
  united.SpeakAs({});
  // As it is stored, and read again.
  PersonStateBuilder stored;
  for (const Agreement& agreement : united.agreements()) {
    EXPECT_FALSE(agreement.origin.frozen);
    stored.Put(agreement);
  }
  for (const Objection& objection : united.objections()) {
    EXPECT_FALSE(objection.origin.frozen);
    stored.Put(objection);
  }
  stored.Put(united.links()[0]);
  const PersonState again = Unite(std::move(stored).Build(united.latest()), {{kB, b.state()}});
  ASSERT_EQ(again.agreements().size(), 1u);
  EXPECT_TRUE(again.agreements()[0].ended.has_value());
  ASSERT_EQ(again.objections().size(), 1u);
  EXPECT_TRUE(again.objections()[0].lifted.has_value());
}

// Two frozen histories with the same act of one name, in two states: what has ended has ended.
TEST(Unite, OfCopiesOfAnActTheEndedOneCounts) {
  const Id128 c = IdOf(104);
  for (const bool ended_first : {true, false}) {
    PersonState ended = Story().Agrees(1, {ToCaf()}).Emergency(9, "aphp", {"IDENTITY"}).state();
    ASSERT_TRUE(ended.End(IdOf(1), {Noon(2026, 11, 9), true}));
    ASSERT_TRUE(ended.Review(IdOf(2), Noon(2026, 11, 9), v1::REVIEW_OUTCOME_NOT_JUSTIFIED));
    // C holds a changed copy of what is B's, or B the original, in either order.
    PersonStateBuilder copy;
    for (Agreement agreement : ended.agreements()) {
      agreement.origin = {kB, false};
      copy.Put(agreement);
    }
    for (consent::Emergency emergency : ended.emergencies()) {
      emergency.origin = {kB, false};
      copy.Put(emergency);
    }
    const FrozenHistory of_c{c, std::move(copy).Build(ended.latest())};
    const FrozenHistory of_b{kB, Story().Agrees(1, {ToCaf()}).Emergency(9, "aphp", {"IDENTITY"}).state()};
    std::vector<FrozenHistory> frozen = {of_c, of_b};
    if (!ended_first) {
      std::swap(frozen[0], frozen[1]);
    }
    const PersonState united = Unite(Canonical(PersonState()), frozen);
    ASSERT_EQ(united.agreements().size(), 1u);
    EXPECT_TRUE(united.agreements()[0].ended && united.agreements()[0].ended->invalidated) << ended_first;
    ASSERT_EQ(united.emergencies().size(), 1u);
    EXPECT_FALSE(united.emergencies()[0].CountsAt(Noon(2026, 11, 10))) << ended_first;
    EXPECT_EQ(Rights(united, 11), kDeny) << ended_first;
  }
}

// Each name has its own: until every one is lifted, she objects.
TEST(Unite, OfTheSameRecordsObjectionTheNewestChangeCounts) {
  const auto with = [](uint64_t generation, bool lifted) {
    PersonState state;
    state.Record({"edf", 1, std::string(32, 'd'), lifted ? generation - 1 : generation, Noon(2026, 11, 1),
                  std::nullopt});
    if (lifted) {
      EXPECT_TRUE(state.LiftRecord("edf", 1, std::string(32, 'd'), generation, Noon(2026, 11, 2)));
    }
    return state;
  };
  const Question cut = CutQuestion(absl::CivilDay(2026, 11, 3));
  PersonState united = Unite(Canonical(with(1, false)), {{kB, with(1, false)}});
  EXPECT_EQ(united.objections().size(), 2u);
  // The lifting has reached B and not yet A: until it does, she objects.
  united = Unite(Canonical(with(1, false)), {{kB, with(2, true)}});
  EXPECT_EQ(Asked(united, cut, 11), kDeny);
  EXPECT_TRUE(united.LiftRecord("edf", 1, std::string(32, 'd'), 2, Noon(2026, 11, 11)));
  EXPECT_EQ(Asked(united, cut, 12), kPermit);
}

TEST(Part, EachKeepsWhatWasSaidUnderItsName) {
  PersonState united = Together(Story().Agrees(2, {ToCaf()}), Story());
  united.SpeakAs(kB);
  united.Add(AgreementOf(60, 12));
  united.SpeakAs({});
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  ASSERT_EQ(parted.stays.agreements().size(), 1u);
  EXPECT_EQ(parted.stays.agreements()[0].id, IdOf(1));
  ASSERT_EQ(parted.leaves.agreements().size(), 1u);
  EXPECT_EQ(parted.leaves.agreements()[0].id, IdOf(60));
  EXPECT_TRUE(parted.leaves.agreements()[0].origin.of.IsZero());
  ASSERT_EQ(parted.stays.links().size(), 1u);
  EXPECT_EQ(parted.stays.links()[0].until, Noon(2026, 11, 14));
}

TEST(Part, EveryNoSaidMeanwhileStaysWithBoth) {
  PersonState united = Together(Story().Agrees(2, {ToCaf()}), Story().Agrees(3, {ToCaf()}));
  united.Add(Denial{IdOf(70), Denial::Kind::kRefusal, Noon(2026, 11, 12), std::nullopt, {ToCaf()}});
  united.SpeakAs(kB);
  united.Record({"edf", 0, "", 0, Noon(2026, 11, 13), std::nullopt});
  united.SpeakAs({});
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  const PersonState b =
      Rejoin(Story().Agrees(3, {ToCaf()}).state(), parted.leaves, *parted.stays.FindLink(kLink), kA);
  EXPECT_EQ(Rights(parted.stays, 15), kDeny);
  EXPECT_EQ(Rights(b, 15), kDeny);
  const Question cut = CutQuestion(absl::CivilDay(2026, 11, 3));
  EXPECT_EQ(Asked(parted.stays, cut, 15), kDeny);
  EXPECT_EQ(Asked(b, cut, 15), kDeny);
  EXPECT_FALSE(b.linked_to().has_value());
  EXPECT_EQ(b.links().back().person, kA);
}

// ADR 24, point 1: on the side that has not the agreement its withdrawal covered everything, broadly.
TEST(Part, AWithdrawalOfOneAgreementReachesAsFarOnBothSides) {
  const Line to_cpam = RightsLine({To("cpam")});
  const Line to_all = RightsLine({testing::Kind("BENEFITS")});  // the CAF's kind
  Question to_the_other = RightsQuestion();
  to_the_other.recipient = "cpam";
  for (const bool under_b : {true, false}) {
    // A's narrow agreement, withdrawn while they are one; B has one that has nothing to do with it.
    PersonState united = Together(Story().Agrees(2, {ToCaf()}), Story().Agrees(3, {to_cpam}));
    united.SpeakAs(under_b ? kB : Id128());
    united.Add(Denial{IdOf(70), Denial::Kind::kWithdrawal, Noon(2026, 11, 12), IdOf(1), {Line()}});
    united.SpeakAs({});
    ASSERT_TRUE(united.denials()[0].taken_back.has_value());
    const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
    PersonState b =
        Rejoin(Story().Agrees(3, {to_cpam}).state(), parted.leaves, *parted.stays.FindLink(kLink), kA);
    PersonState a = parted.stays;
    EXPECT_EQ(Asked(b, to_the_other, 15), kPermit) << "an unrelated agreement";
    for (PersonState* side : {&a, &b}) {
      EXPECT_EQ(Rights(*side, 15), kDeny);
      Agreement broad = AgreementOf(80, 16);
      broad.lines = {to_all};
      side->Add(broad);
      EXPECT_EQ(Rights(*side, 17), kDeny) << "a broad yes does not undo a narrow no";
      side->Add(AgreementOf(81, 18));
      EXPECT_EQ(Rights(*side, 19), kPermit);
    }
  }
}

TEST(Part, WhatItTookBackIsKeptWithItsLimits) {
  PersonState united =
      Together(Story().Agrees(2, {ToCaf()}, false, "report-1"), Story().Agrees(3, {ToCaf()}));
  united.Add(Denial{IdOf(70), Denial::Kind::kWithdrawal, Noon(2026, 11, 12), IdOf(1), {Line()}});
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  const PersonState b =
      Rejoin(Story().Agrees(3, {ToCaf()}).state(), parted.leaves, *parted.stays.FindLink(kLink), kA);
  EXPECT_EQ(Rights(b, 15), kPermit) << "it was limited to one report";
  Question about_it = RightsQuestion();
  about_it.stated.source_reference = "report-1";
  EXPECT_EQ(Asked(b, about_it, 15), kDeny);
}

TEST(Part, AnObjectionSaidAgainUnderHerNameIsHersAndStaysWithBoth) {
  PersonState united = Together(Story().ObjectsTo(2, "edf"), Story().ObjectsTo(3, "engie"));
  const auto object = [&](const Id128& name, const char* supplier) {
    united.SpeakAs(name);
    ASSERT_TRUE(united.Record({supplier, 0, "", 0, Noon(2026, 11, 12), std::nullopt}));
    united.SpeakAs({});
  };
  object(kB, "edf");    // A's stands already: B has her own
  object(kB, "engie");  // hers stands: said once more while they are one
  ASSERT_EQ(united.objections().size(), 3u);
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  const PersonState b =
      Rejoin(Story().ObjectsTo(3, "engie").state(), parted.leaves, *parted.stays.FindLink(kLink), kA);
  for (const PersonState* side : {&parted.stays, &b}) {
    for (const char* supplier : {"edf", "engie"}) {
      EXPECT_EQ(Asked(*side, CutQuestion(absl::CivilDay(2026, 11, 3), supplier), 15), kDeny) << supplier;
    }
  }
}

// D-1.6: a record's lifting is asked for where it was objected to, not on the other side.
TEST(Part, AnObjectionOnARecordStaysWithTheOtherSideAsItsOwn) {
  const std::string digest(32, 'd');
  PersonState united = Together(Story(), Story());
  united.SpeakAs(kB);
  ASSERT_TRUE(united.Record({"edf", 1, digest, 7, Noon(2026, 11, 12), std::nullopt}));
  united.SpeakAs({});
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  ASSERT_EQ(parted.stays.objections().size(), 1u);
  EXPECT_EQ(parted.stays.objections()[0].digest, "");
  EXPECT_EQ(parted.stays.objections()[0].generation, 0u);
  EXPECT_EQ(parted.stays.objections()[0].recorded, Noon(2026, 11, 12));
  PersonState a = parted.stays;
  PersonState b = Rejoin(PersonState(), parted.leaves, *parted.stays.FindLink(kLink), kA);
  ASSERT_EQ(b.objections().size(), 1u);
  EXPECT_EQ(b.objections()[0].digest, digest);
  const Question cut = CutQuestion(absl::CivilDay(2026, 11, 3));
  // Each is lifted on its own side, in its own way.
  EXPECT_TRUE(b.LiftRecord("edf", 1, digest, 8, Noon(2026, 11, 15)));
  EXPECT_EQ(Asked(b, cut, 16), kPermit);
  EXPECT_EQ(Asked(a, cut, 16), kDeny);
  EXPECT_TRUE(a.LiftOwn("edf", Noon(2026, 11, 17)));
  EXPECT_EQ(Asked(a, cut, 18), kPermit);
}

TEST(Part, WhoWasSaidToBeOneWithHerLeavesToo) {
  const Id128 c = IdOf(104);
  const Id128 c_link = IdOf(105);
  PersonState canonical = Canonical(PersonState());
  canonical.Add(Link{c_link, c, Noon(2026, 11, 11), v1::LINK_CAUSE_MERGED, std::nullopt, kB});
  PersonState united = Unite(canonical, {{kB, Story().Refuses(3, {ToCaf()}).state()}, {c, PersonState()}});
  united.SpeakAs(c);
  united.Add(AgreementOf(60, 12));
  united.SpeakAs({});
  EXPECT_EQ(LeavingWith(united.links(), kLink), (std::vector<Id128>{kB, c}));
  EXPECT_EQ(LeavingWith(united.links(), c_link), std::vector<Id128>{c});
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  EXPECT_TRUE(parted.stays.agreements().empty());
  ASSERT_NE(parted.stays.FindLink(c_link), nullptr);
  EXPECT_EQ(parted.stays.FindLink(c_link)->went_with, kLink);
  const PersonState b =
      Rejoin(Story().Refuses(3, {ToCaf()}).state(), parted.leaves, *parted.stays.FindLink(kLink), kA);
  ASSERT_EQ(b.agreements().size(), 1u);
  EXPECT_EQ(b.agreements()[0].origin.of, c);
  ASSERT_NE(b.FindLink(c_link), nullptr);
  EXPECT_FALSE(b.FindLink(c_link)->until.has_value());
  EXPECT_TRUE(b.HasLinked());
  EXPECT_FALSE(parted.stays.HasLinked());
}

// ADR 24, points 3 and 4: a link that is not listed is void once anything changed.
TEST(Turns, GrowWithWhateverChangesWhoIsOneWithHer) {
  PersonState state;
  uint64_t before = state.turns();
  state.LinkTo({kLink, kA, Noon(2026, 11, 9), v1::LINK_CAUSE_MERGED});
  EXPECT_GT(state.turns(), before);
  PersonState canonical = Canonical(PersonState());
  EXPECT_GT(canonical.turns(), 0u);
  before = canonical.turns();
  const Parted parted = Part(Unite(canonical, {{kB, PersonState()}}), kLink, Noon(2026, 11, 14));
  EXPECT_GT(parted.stays.turns(), before);
}

TEST(MayJoin, SoManyNamesAndLinks) {
  const auto with = [](size_t linked, size_t ended) {
    PersonState state;
    for (size_t i = 0; i < linked + ended; ++i) {
      Link link;
      link.id = IdOf(static_cast<uint8_t>(i));
      link.person = IdOf(static_cast<uint8_t>(100 + i));
      link.since = Noon(2026, 11, 3);
      if (i >= linked) {
        link.until = Noon(2026, 11, 4);
      }
      state.Add(link);
    }
    return state;
  };
  EXPECT_TRUE(MayJoin(with(kMostNames - 2, 0), with(0, 0)));
  EXPECT_FALSE(MayJoin(with(kMostNames - 1, 0), with(0, 0)));
  EXPECT_FALSE(MayJoin(with(0, 0), with(kMostNames - 1, 0)));
  EXPECT_TRUE(MayJoin(with(1, kMostLinks - 2), with(0, 3)));
  EXPECT_FALSE(MayJoin(with(1, kMostLinks - 1), with(0, 3)));
  EXPECT_FALSE(MayJoin(with(0, 0), with(0, kMostLinks)));
}

TEST(RootOfTwo, WhoHasOthersElseTheLowerId) {
  EXPECT_EQ(RootOfTwo(kB, false, kA, false), kA);
  EXPECT_EQ(RootOfTwo(kA, false, kB, true), kB);
  EXPECT_EQ(RootOfTwo(kB, true, kA, false), kB);
  EXPECT_EQ(RootOfTwo(kA, true, kB, true), std::nullopt);
}

TEST(Part, HerNoFromBeforeTheLinkIsHersAlone) {
  const Story b = Story().Refuses(3, {ToCaf()});
  const PersonState united = Together(Story().Agrees(2, {ToCaf()}), b);
  ASSERT_EQ(Rights(united, 11), kDeny);
  const Parted parted = Part(united, kLink, Noon(2026, 11, 14));
  EXPECT_EQ(Rights(parted.stays, 15), kPermit);
  // And what of hers was changed meanwhile goes back changed.
  PersonState other = Unite(Canonical(PersonState()), {{kB, Story().Agrees(3, {ToCaf()}).state()}});
  ASSERT_TRUE(other.End(IdOf(1), {Noon(2026, 11, 12), false}));
  const Parted changed = Part(other, kLink, Noon(2026, 11, 14));
  EXPECT_TRUE(changed.stays.agreements().empty());
  const PersonState back =
      Rejoin(Story().Agrees(3, {ToCaf()}).state(), changed.leaves, *changed.stays.FindLink(kLink), kA);
  ASSERT_EQ(back.agreements().size(), 1u);
  EXPECT_TRUE(back.agreements()[0].ended.has_value());
}

}  // namespace
}  // namespace relais::consent
