// What her access history keeps back, in cases that a lawyer can read.
#include "services/consent/domain/withholding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;

struct Checked {
  audit::v1::LeafHeader header;
  v1::CheckDecided check;

  [[nodiscard]] bool Withheld() const { return IsWithheld(header, check, testing::SampleRules()); }
};

// The Ville's to the SIAO, to assess her situation.
Checked Decided(common::v1::Decision decision, common::v1::Ground ground,
                common::v1::Ground stated = common::v1::GROUND_UNSPECIFIED) {
  Checked checked;
  checked.header.set_decision(decision);
  checked.header.set_ground(ground);
  checked.header.set_purpose("SOCIAL_ASSESSMENT");
  checked.check.mutable_sender()->set_institution("ville-paris");
  checked.check.mutable_recipient()->set_institution("siao");
  checked.check.set_stated_ground(stated);
  return checked;
}

Checked ToChildProtection(common::v1::Ground stated) {
  Checked denied = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, stated);
  denied.check.mutable_recipient()->set_institution("crip75");
  return denied;
}

TEST(Withholding, WhatSheAgreedToIsShownAndSoIsItsDenial) {
  EXPECT_FALSE(Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT).Withheld());
  EXPECT_FALSE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED).Withheld());
  EXPECT_FALSE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, common::v1::GROUND_ART6).Withheld());
}

TEST(Withholding, ProtectedReportsAreNotPermittedOrDenied) {
  for (const common::v1::Ground ground :
       {common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE,
        common::v1::GROUND_CASF_226_2_2}) {
    EXPECT_TRUE(Decided(DECISION_PERMIT, ground, ground).Withheld()) << ground;
    EXPECT_TRUE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, ground).Withheld()) << ground;
    Checked mixed = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT);
    mixed.check.add_bases()->set_ground(ground);
    EXPECT_TRUE(mixed.Withheld()) << ground;
  }
}

// Stated in vain, and permitted all the same because she agreed: that is hers to see.
TEST(Withholding, WhatHerAgreementPermittedIsShownWhateverWasStated) {
  EXPECT_FALSE(
      Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT, common::v1::GROUND_CP_226_14_1).Withheld());
}

TEST(Withholding, ADeniedReportOfBeforeLeavesSaidTheirGround) {
  Checked report = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED);
  report.check.set_signal_type("DISTRESS_REPORT");
  EXPECT_TRUE(report.Withheld());
}

TEST(Withholding, WhateverConcernsChildProtection) {
  Checked purpose = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT);
  purpose.header.set_purpose("CHILD_PROTECTION");
  EXPECT_TRUE(purpose.Withheld());
  Checked recipient = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED);
  recipient.check.mutable_recipient()->set_institution("crip75");
  EXPECT_TRUE(recipient.Withheld());
}

struct Reviewed {
  std::string reviewer;
  bool may_show = false;
  friend bool operator==(const Reviewed&, const Reviewed&) = default;
};
Reviewed By(const Checked& checked) {
  const std::optional<Withholding> found =
      WithholdingOf(checked.header, checked.check, testing::SampleRules());
  return found ? Reviewed{found->reviewer, found->may_show} : Reviewed{"it is shown", true};
}

// Who may have an inquiry says whether there still is one; of what went to nobody, who asked.
TEST(Withholding, WhoReviewsItAndWhatTheLawKeepsBack) {
  EXPECT_EQ(By(Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT)), (Reviewed{"it is shown", true}));
  const common::v1::Ground report = common::v1::GROUND_CP_226_14_1;
  EXPECT_EQ(By(Decided(DECISION_PERMIT, report, report)), (Reviewed{"siao", false}));
  EXPECT_EQ(By(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, report)),
            (Reviewed{"ville-paris", true}));
  Checked mixed = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT);
  mixed.check.add_bases()->set_ground(report);
  EXPECT_EQ(By(mixed), (Reviewed{"siao", false}));
  EXPECT_EQ(By(Decided(DECISION_PERMIT, common::v1::GROUND_CASF_226_2_2)), (Reviewed{"siao", true}));
  Checked of_a_child = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED);
  of_a_child.header.set_purpose("CHILD_PROTECTION");
  EXPECT_EQ(By(of_a_child), (Reviewed{"ville-paris", true}));
  of_a_child.check.mutable_recipient()->set_institution("crip75");
  EXPECT_EQ(By(of_a_child), (Reviewed{"crip75", true})) << "denied too";
  EXPECT_EQ(By(ToChildProtection(common::v1::GROUND_INFO_PREOCCUPANTE)), (Reviewed{"crip75", true}));
  v1::EmergencyDeclared emergency;
  emergency.mutable_recipient()->set_institution("crip75");
  const std::optional<Withholding> declared = WithholdingOf(emergency, testing::SampleRules());
  ASSERT_TRUE(declared.has_value());
  EXPECT_EQ(declared->reviewer, "crip75");
  EXPECT_TRUE(declared->may_show);
  emergency.mutable_recipient()->set_institution("siao");
  EXPECT_FALSE(WithholdingOf(emergency, testing::SampleRules()).has_value());
}

// Code pénal 226-14: what went to nobody names who wanted to report all the same.
TEST(Withholding, NobodyShowsAReportThatAnotherAskedFor) {
  Checked report = ToChildProtection(common::v1::GROUND_CP_226_14_1);
  EXPECT_EQ(By(report), (Reviewed{"crip75", false}));
  report.check.mutable_sender()->set_institution("crip75");
  EXPECT_EQ(By(report), (Reviewed{"crip75", true})) << "its own";
  Checked of_before = ToChildProtection(common::v1::GROUND_UNSPECIFIED);
  of_before.check.set_signal_type("DISTRESS_REPORT");
  EXPECT_EQ(By(of_before), (Reviewed{"crip75", false}));
  Checked agreed = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT, common::v1::GROUND_CP_226_14_1);
  agreed.check.mutable_recipient()->set_institution("crip75");
  EXPECT_EQ(By(agreed), (Reviewed{"crip75", false})) << "stated in vain";
}

// Of whom the directory says nothing any more; and nobody else reviews it in its place.
TEST(Withholding, WhoIsInNoDirectoryMayHaveBeenChildProtection) {
  for (const common::v1::Decision decision : {DECISION_PERMIT, DECISION_DENY}) {
    Checked gone = Decided(decision, common::v1::GROUND_AGREEMENT);
    gone.check.mutable_recipient()->set_institution("crip-d-avant");
    EXPECT_EQ(By(gone), (Reviewed{"crip-d-avant", true}));
    gone.check.set_recipient_kind("CHILD_PROTECTION");
    EXPECT_EQ(By(gone), (Reviewed{"crip-d-avant", true}));
    gone.check.set_recipient_kind("BENEFITS");
    EXPECT_FALSE(gone.Withheld()) << "the leaf says that it was none";
    gone.check.mutable_recipient()->set_institution("crip75");
    EXPECT_TRUE(gone.Withheld()) << "by the directory, of who is in it";
  }
  // A report is one whatever its recipient was.
  Checked report = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, common::v1::GROUND_CP_226_14_1);
  report.check.mutable_recipient()->set_institution("caf-d-avant");
  report.check.set_recipient_kind("BENEFITS");
  EXPECT_EQ(By(report), (Reviewed{"ville-paris", true}));
  v1::EmergencyDeclared declared;
  declared.mutable_recipient()->set_institution("crip-d-avant");
  EXPECT_TRUE(IsWithheld(declared, testing::SampleRules()));
  Emergency emergency;
  emergency.recipient = "crip-d-avant";
  EXPECT_TRUE(IsWithheld(emergency, testing::SampleRules()));
  declared.set_recipient_kind("HOSPITAL");
  emergency.recipient_kind = "HOSPITAL";
  EXPECT_FALSE(IsWithheld(declared, testing::SampleRules())) << "it says that it was none";
  EXPECT_FALSE(IsWithheld(emergency, testing::SampleRules()));
  emergency.recipient = "siao";
  EXPECT_FALSE(IsWithheld(emergency, testing::SampleRules()));
}

// Under several names of hers, in whichever order they are read.
TEST(Withholding, OfSeveralReviewsShownIsForGoodAndWhatDoesNotReadIsNotOverruled) {
  const Id128 event = *Id128::FromHex(std::string(32, 'e'));
  const absl::Time at = absl::UnixEpoch();
  Review shown;
  shown.decision = v1::WITHHELD_DECISION_SHOW;
  shown.at = at;
  Review kept;
  kept.decision = v1::WITHHELD_DECISION_KEEP;
  kept.keep_until = absl::CivilDay(2027, 6, 1);
  kept.at = at + absl::Hours(1);
  Review kept_later = kept;
  kept_later.keep_until = absl::CivilDay(2027, 2, 1);
  kept_later.at = at + absl::Hours(2);
  Review unreadable;
  unreadable.unreadable = true;
  const absl::CivilDay decided(2026, 11, 3);
  const auto of = [&](std::vector<Review> each) {
    Reviews reviews;
    for (const Review& review : each) {
      AddReview(event, review, reviews);
    }
    return reviews;
  };
  for (const Reviews& reviews : {of({shown, kept}), of({kept, shown}), of({unreadable, shown, kept})}) {
    EXPECT_TRUE(IsShown(reviews, event));
    EXPECT_FALSE(MayHaveBeenShown(reviews, event));
  }
  for (const Reviews& reviews : {of({kept, kept_later}), of({kept_later, kept})}) {
    EXPECT_EQ(ReviewOn(reviews, event, decided), kept_later.keep_until);
    EXPECT_FALSE(MayHaveBeenShown(reviews, event));
  }
  for (const Reviews& reviews : {of({kept, unreadable}), of({unreadable, kept})}) {
    EXPECT_FALSE(IsShown(reviews, event));
    EXPECT_TRUE(MayHaveBeenShown(reviews, event));
    EXPECT_EQ(ReviewOn(reviews, event, decided), ReviewOn(decided));
  }
}

TEST(Withholding, AReviewKeepsItATwelvemonthAtMostOrShowsIt) {
  constexpr auto kKeep = v1::WITHHELD_DECISION_KEEP;
  constexpr auto kShow = v1::WITHHELD_DECISION_SHOW;
  const absl::CivilDay today(2028, 2, 29);
  const Withholding free{"crip75", true};
  const Withholding bound{"siao", false};
  EXPECT_EQ(JudgeReview(free, kShow, std::nullopt, today), ReviewProblem::kNone);
  EXPECT_EQ(JudgeReview(free, kShow, today + 1, today), ReviewProblem::kDayOfShown);
  EXPECT_EQ(JudgeReview(bound, kShow, std::nullopt, today), ReviewProblem::kNotToBeShown);
  for (const Withholding& each : {free, bound}) {
    EXPECT_EQ(JudgeReview(each, kKeep, std::nullopt, today), ReviewProblem::kNoDay);
    EXPECT_EQ(JudgeReview(each, kKeep, today, today), ReviewProblem::kNotFuture);
    EXPECT_EQ(JudgeReview(each, kKeep, today + 1, today), ReviewProblem::kNone);
    EXPECT_EQ(JudgeReview(each, kKeep, absl::CivilDay(2029, 2, 28), today), ReviewProblem::kNone);
    EXPECT_EQ(JudgeReview(each, kKeep, absl::CivilDay(2029, 3, 1), today), ReviewProblem::kTooFar);
  }
}

}  // namespace
}  // namespace relais::consent
