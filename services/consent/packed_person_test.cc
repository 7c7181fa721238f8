#include "services/consent/packed_person.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::Noon;

Agreement AgreementTo(uint8_t id, const std::string& institution) {
  Agreement agreement;
  agreement.id = IdOf(id);
  agreement.at = Noon(2026, 3, 1);
  agreement.recorded = agreement.at;
  agreement.valid_from = agreement.at;
  agreement.valid_until = Noon(2027, 3, 1);
  agreement.collector = "casvp";
  agreement.lines = {{{"ENERGY_AID"}, {"IDENTITY", "ENERGY_DEBT"}, {{institution, ""}, {"", "CCAS"}}, {}}};
  agreement.renewals.push_back({Noon(2026, 9, 1), Noon(2028, 3, 1)});
  return agreement;
}

PersonState SomebodysState() {
  PersonState state;
  state.Add(AgreementTo(1, "caf"));
  state.Add(AgreementTo(2, "caf"));
  state.Add(AgreementTo(3, "aphp"));
  Denial denial;
  denial.id = IdOf(4);
  denial.kind = Denial::Kind::kWithdrawal;
  denial.at = Noon(2026, 4, 1);
  denial.agreement = IdOf(2);
  denial.lines = {{{}, {"ENERGY_DEBT"}, {}, {}}};
  state.Add(denial);
  return state;
}

std::string Stored(const PersonState& state) { return StoredFrom(state).SerializeAsString(); }

TEST(PackedPerson, GivesBackWhatWasPacked) {
  LineSets sets;
  const PersonState state = SomebodysState();
  const std::shared_ptr<const PackedPerson> packed = PackedPerson::Pack(state, sets);
  ASSERT_NE(packed, nullptr);
  const absl::StatusOr<PersonState> again = packed->Unpack(sets);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Stored(*again), Stored(state));
  EXPECT_EQ(again->latest(), state.latest());
}

TEST(PackedPerson, WhatManyAgreeToIsKeptOnce) {
  LineSets sets;
  const PersonState state = SomebodysState();
  ASSERT_NE(PackedPerson::Pack(state, sets), nullptr);
  EXPECT_FALSE(sets.Of(1).empty());  // two agreements with the same lines, and one with others
  EXPECT_FALSE(sets.Of(2).empty());
  EXPECT_TRUE(sets.Of(3).empty());
  EXPECT_TRUE(sets.Of(0).empty());
}

TEST(PackedPerson, ThoseWhoAreUnpackedShareTheirLines) {
  LineSets sets;
  const std::shared_ptr<const PackedPerson> packed = PackedPerson::Pack(SomebodysState(), sets);
  const absl::StatusOr<PersonState> one = packed->Unpack(sets);
  const absl::StatusOr<PersonState> other = packed->Unpack(sets);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_TRUE(one->agreements()[0].lines.SharedWith(other->agreements()[1].lines));
  EXPECT_FALSE(one->agreements()[0].lines.SharedWith(one->agreements()[2].lines));
}

TEST(LineSets, GiveTheSameLinesOnceAndOthersAsTheyAre) {
  v1::StoredPerson stored = StoredFrom(SomebodysState());
  LineSets sets(1);
  const Lines first = sets.Shared(stored.agreements(0).lines());
  EXPECT_TRUE(first.SharedWith(sets.Shared(stored.agreements(1).lines())));
  const Lines third = sets.Shared(stored.agreements(2).lines());  // the table is full
  ASSERT_EQ(third.size(), 1u);
  EXPECT_EQ(third.front().recipients.front().institution, "aphp");
  EXPECT_FALSE(third.SharedWith(sets.Shared(stored.agreements(2).lines())));
  EXPECT_TRUE(sets.Shared({}).empty());
}

TEST(PackedPerson, AFullTableLeavesTheLinesWhereTheyAre) {
  LineSets full(1);
  const PersonState state = SomebodysState();
  const std::shared_ptr<const PackedPerson> packed = PackedPerson::Pack(state, full);
  ASSERT_NE(packed, nullptr);
  const absl::StatusOr<PersonState> again = packed->Unpack(full);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Stored(*again), Stored(state));
}

TEST(PackedPerson, AnotherTableIsNoticed) {
  LineSets sets;
  const std::shared_ptr<const PackedPerson> packed = PackedPerson::Pack(SomebodysState(), sets);
  ASSERT_NE(packed, nullptr);
  EXPECT_TRUE(absl::IsDataLoss(packed->Unpack(LineSets()).status()));
}

TEST(PackedPerson, OneWhoIsOrWasLinkedIsNotPacked) {
  LineSets sets;
  PersonState frozen;
  LinkedTo to;
  to.link = IdOf(9);
  to.canonical = IdOf(8);
  frozen.LinkTo(to);
  EXPECT_EQ(PackedPerson::Pack(frozen, sets), nullptr);
  PersonState canonical;
  Link link;
  link.id = IdOf(9);
  link.person = IdOf(7);
  canonical.Add(link);
  EXPECT_EQ(PackedPerson::Pack(canonical, sets), nullptr);
}

}  // namespace
}  // namespace relais::consent
