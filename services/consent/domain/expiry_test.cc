#include "services/consent/domain/expiry.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

Line Agreed() {
  return {{"RIGHTS_OPENING"}, {"IDENTITY", "CONTACT"}, {{"caf", ""}}, {common::v1::ACT_TRANSMIT}};
}

Agreement AgreementWith(std::vector<Line> lines) {
  Agreement agreement;
  agreement.id = testing::IdOf(1);
  agreement.at = testing::Noon(2026, 11, 3);
  agreement.lines = std::move(lines);
  return agreement;
}

bool TakenBackBy(const Line& denied, std::optional<Id128> named = {},
                 absl::Time at = testing::Noon(2026, 11, 4), std::vector<Line> agreed = {Agreed()}) {
  Rules rules;
  rules.institution_kinds["caf"] = "CAF";
  PersonState state;
  const Agreement agreement = AgreementWith(std::move(agreed));
  state.Add(agreement);
  Denial denial;
  denial.kind = Denial::Kind::kWithdrawal;
  denial.at = at;
  denial.agreement = named;
  denial.lines = {denied};
  state.Add(denial);
  return IsTakenBack(state, agreement, rules);
}

TEST(IsTakenBack, ByEverythingByItsNameAndByItsLines) {
  EXPECT_TRUE(TakenBackBy(Line()));
  EXPECT_TRUE(TakenBackBy(Line(), testing::IdOf(1)));
  EXPECT_TRUE(TakenBackBy(Agreed()));
  EXPECT_TRUE(TakenBackBy({{}, {}, {{"", "CAF"}}, {}}));
}

TEST(IsTakenBack, NotByLessNorByWhatCameBefore) {
  EXPECT_FALSE(TakenBackBy({{}, {"IDENTITY"}, {}, {}}));
  EXPECT_FALSE(TakenBackBy({{}, {}, {{"cpam", ""}}, {}}));
  EXPECT_FALSE(TakenBackBy({{}, {}, {{"", "VILLE"}}, {}}));
  EXPECT_FALSE(TakenBackBy(Line(), testing::IdOf(2)));
  EXPECT_FALSE(TakenBackBy(Line(), {}, testing::Noon(2026, 11, 2)));
  Line other = Agreed();
  other.purposes = {"HOUSING"};
  EXPECT_FALSE(TakenBackBy(Agreed(), {}, testing::Noon(2026, 11, 4), {Agreed(), other}));
}

}  // namespace
}  // namespace relais::consent
