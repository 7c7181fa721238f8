#include "services/consent/convert.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::Noon;

TEST(Convert, AStateSurvivesTheDisk) {
  PersonState state;
  Agreement agreement;
  agreement.id = IdOf(1);
  agreement.at = Noon(2026, 11, 1) + absl::Microseconds(7);
  agreement.recorded = Noon(2026, 11, 2);
  agreement.valid_from = agreement.at;
  agreement.valid_until = Noon(2027, 11, 1);
  agreement.explicit_given = true;
  agreement.source_reference = "REF";
  agreement.reference_of = "bspp";
  agreement.lines = {testing::MakeLine({"P"}, {"C", "D"}, {testing::To("caf"), testing::Kind("SIAO")})};
  agreement.represented = true;
  agreement.mandate_until = Noon(2027, 5, 1);
  agreement.child_protection_only = true;
  agreement.collector = "ville-paris";
  state.Add(agreement);
  state.Renew(IdOf(1), {Noon(2026, 11, 2) + absl::Hours(1), Noon(2028, 1, 1), Noon(2027, 6, 1)});
  state.End(IdOf(1), {Noon(2026, 11, 2) + absl::Hours(2), true});
  state.Add(Denial{IdOf(2), Denial::Kind::kWithdrawal, Noon(2026, 11, 3), IdOf(1), {Line()}, true});
  state.Record({"edf", 3, std::string(32, 'd'), 5, Noon(2026, 11, 4), std::nullopt});
  state.LiftRecord("edf", 3, std::string(32, 'd'), 6, Noon(2026, 11, 5));
  Emergency emergency{IdOf(3),           "caf",  "medecin", {"HEALTH"}, Noon(2026, 11, 6),
                      Noon(2026, 11, 9), "bspp", "agent-1"};
  emergency.recipient_kind = "BENEFITS";
  state.Add(std::move(emergency));
  state.Add(Emergency{IdOf(4), "caf", "", {"HEALTH"}, Noon(2026, 11, 6), Noon(2026, 11, 9)});
  state.Review(IdOf(4), Noon(2026, 11, 6), v1::REVIEW_OUTCOME_NOT_JUSTIFIED);
  state.Inform(IdOf(4), Noon(2026, 11, 6));
  state.Add(Information{IdOf(5), Noon(2026, 11, 6), "ville-paris", "assistant-social", {Line()}});

  const v1::StoredPerson stored = StoredFrom(state);
  const absl::StatusOr<PersonState> read = StateFrom(stored);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(StoredFrom(*read).SerializeAsString(), stored.SerializeAsString());
  ASSERT_EQ(read->agreements().size(), 1u);
  EXPECT_EQ(read->agreements()[0].at, agreement.at);
  EXPECT_EQ(read->agreements()[0].reference_of, "bspp");
  EXPECT_EQ(read->agreements()[0].lines[0].recipients, agreement.lines[0].recipients);
  EXPECT_EQ(read->denials()[0].agreement, IdOf(1));
  EXPECT_EQ(read->objections()[0].lifted, Noon(2026, 11, 5));
  EXPECT_EQ(read->objections()[0].generation, 6u);
  EXPECT_EQ(read->emergencies()[0].until, Noon(2026, 11, 9));
  EXPECT_EQ(read->agreements()[0].TermAt(absl::InfiniteFuture()).until, Noon(2027, 6, 1));
  EXPECT_EQ(read->agreements()[0].mandate_until, agreement.mandate_until);
  EXPECT_TRUE(read->agreements()[0].InvalidAt(Noon(2026, 11, 3)));
  EXPECT_TRUE(read->agreements()[0].represented && read->agreements()[0].child_protection_only);
  EXPECT_TRUE(read->denials()[0].represented);
  EXPECT_EQ(read->emergencies()[0].declared_agent, "agent-1");
  EXPECT_EQ(read->emergencies()[0].recipient_kind, "BENEFITS");
  EXPECT_FALSE(read->emergencies()[0].reviewed.has_value());
  EXPECT_FALSE(read->emergencies()[1].CountsAt(Noon(2026, 11, 6)));
  ASSERT_EQ(read->information().size(), 1u);
  EXPECT_EQ(read->information()[0].by_function, "assistant-social");
  EXPECT_EQ(read->latest(), Noon(2026, 11, 6));
  const absl::StatusOr<PersonState> empty = StateFrom(StoredFrom(PersonState()));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->latest(), absl::InfinitePast());
}

TEST(Convert, ABrokenStateIsNoState) {
  v1::StoredPerson stored;
  stored.add_denials()->set_id("short");
  EXPECT_FALSE(StateFrom(stored).ok());
}

TEST(Convert, DaysExistOrAreNone) {
  common::v1::Date date;
  date.set_year(2028);
  date.set_month(2);
  date.set_day(29);
  EXPECT_EQ(DayFrom(date), absl::CivilDay(2028, 2, 29));
  date.set_year(2027);
  EXPECT_EQ(DayFrom(date), std::nullopt);
}

TEST(Convert, TimesKeepMicroseconds) {
  const absl::Time time = Noon(2026, 11, 3) + absl::Microseconds(123456);
  EXPECT_EQ(TimeFrom(TimeTo(time)), time);
  EXPECT_EQ(FromMicros(Micros(time)), time);
  EXPECT_EQ(TimeTo(time).nanos(), 123456000);
}

}  // namespace
}  // namespace relais::consent
