// The history checker (testing/history.h) can say no: of each kind of act and check a history that no order
// of things explains, and beside it one that an order does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "services/consent/testing/history.h"

namespace relais::consent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Operation;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::Violations;

// Things, as a test numbers them.
constexpr uint64_t kAddressToCaf = 1;
constexpr uint64_t kAddressToCpam = 2;
constexpr uint64_t kIdentityToCaf = 4;
constexpr uint64_t kIdentityToCpam = 8;
constexpr uint64_t kAll = kAddressToCaf | kAddressToCpam | kIdentityToCaf | kIdentityToCpam;

Operation Op(Operation::Kind kind, uint64_t called, uint64_t answered, uint64_t revision,
             bool permitted = false) {
  Operation operation;
  operation.kind = kind;
  operation.called = called;
  operation.answered = answered;
  operation.revision = revision;
  operation.permitted = permitted;
  return operation;
}

using Kind = Operation::Kind;

TEST(HistoryChecker, AcceptsWhatOneOrderExplains) {
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kCheck, 3, 4, 11, true)}), IsEmpty());
  // At the same time as the withdrawal: before it.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 6, 12),
                          Op(Kind::kCheck, 4, 7, 11, true)}),
              IsEmpty());
  // An agreement that failed may have happened; a withdrawal that failed may not.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, Operation::kNever, 0), Op(Kind::kCheck, 3, 4, 11, true)}),
              IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, Operation::kNever, 0),
                          Op(Kind::kCheck, 4, 5, 12, true)}),
              IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kAgree, 5, 6, 13), Op(Kind::kCheck, 7, 8, 14, true)}),
              IsEmpty());
}

TEST(HistoryChecker, FindsAPermitThatNothingExplains) {
  EXPECT_THAT(Violations({Op(Kind::kCheck, 3, 4, 11, true)}), SizeIs(1));
  // Answered before she agreed.
  EXPECT_THAT(Violations({Op(Kind::kCheck, 1, 2, 9, true), Op(Kind::kAgree, 3, 4, 10)}), SizeIs(1));
  // Called after the withdrawal was answered, whatever revision it names.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kCheck, 5, 6, 11, true)}),
              SizeIs(1));
  // At the withdrawal's revision, though it was under way.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 6, 12),
                          Op(Kind::kCheck, 4, 7, 12, true)}),
              SizeIs(1));
  // The agreement that follows is of a later revision than the check's.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kAgree, 5, 9, 15), Op(Kind::kCheck, 6, 8, 13, true)}),
              SizeIs(1));
}

Operation About(uint64_t things, Operation operation) {
  operation.about = things;
  return operation;
}
Operation AtLeast(Operation operation) {
  operation.named = Operation::Named::kAtLeast;
  return operation;
}
Operation AtMost(Operation operation) {
  operation.named = Operation::Named::kAtMost;
  return operation;
}
Operation AskedFor(uint64_t fresh, Operation operation) {
  operation.fresh = fresh;
  return operation;
}

TEST(HistoryChecker, FindsADenialThatNothingExplains) {
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kCheck, 3, 4, 11)}),
              ElementsAre(StartsWith("denial")));
  // She agreed again, by the revisions alone.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 9, 12),
                          Op(Kind::kAgree, 4, 8, 13), Op(Kind::kCheck, 5, 7, 14)}),
              SizeIs(1));
  // The no came after the check.
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kCheck, 3, 4, 11), Op(Kind::kRefuse, 5, 6, 12)}),
      SizeIs(1));
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kCheck, 3, 6, 11), Op(Kind::kRefuse, 4, 7, 12)}),
      SizeIs(1));
}

TEST(HistoryChecker, AcceptsADenialThatOneOrderExplains) {
  EXPECT_THAT(Violations({Op(Kind::kCheck, 1, 2, 10)}), IsEmpty());
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 11), Op(Kind::kCheck, 5, 6, 12)}),
      IsEmpty());
  // At the same time as the agreement; at the same time as a dry run; after a no that failed.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 4, 12), Op(Kind::kCheck, 2, 3, 11)}), IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), AtLeast(Op(Kind::kCheck, 3, 6, 11)),
                          Op(Kind::kRefuse, 4, 7, 12)}),
              IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, Operation::kNever, 0),
                          Op(Kind::kCheck, 4, 5, 12)}),
              IsEmpty());
}

TEST(HistoryChecker, FindsAPermitAfterARefusal) {
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, 4, 11), Op(Kind::kCheck, 5, 6, 12, true)}),
      ElementsAre(StartsWith("permit")));
  // At its revision, though it was under way.
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, 6, 11), Op(Kind::kCheck, 4, 7, 11, true)}),
      SizeIs(1));
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, 6, 12), Op(Kind::kCheck, 4, 7, 11, true)}),
      IsEmpty());
}

// One line, one recipient, one category: what it took is permitted no more, and the rest still is.
TEST(HistoryChecker, JudgesANarrowNoThingByThing) {
  for (const Kind no : {Kind::kRefuse, Kind::kWithdraw}) {
    for (const uint64_t taken :
         {kAddressToCaf | kAddressToCpam, kAddressToCaf | kIdentityToCaf, kAddressToCaf}) {
      const std::vector<Operation> said = {About(kAll, Op(Kind::kAgree, 1, 2, 10)),
                                           About(taken, Op(no, 3, 4, 11))};
      for (const uint64_t thing : {kAddressToCaf, kAddressToCpam, kIdentityToCaf, kIdentityToCpam}) {
        for (const bool permitted : {false, true}) {
          std::vector<Operation> history = said;
          history.push_back(About(thing, Op(Kind::kCheck, 5, 6, 12, permitted)));
          const bool wrong = permitted == ((taken & thing) != 0);
          EXPECT_THAT(Violations(history), SizeIs(wrong ? 1 : 0))
              << taken << " " << thing << " " << permitted;
        }
      }
    }
  }
}

TEST(HistoryChecker, AnAgreementToOtherThingsExplainsNothing) {
  EXPECT_THAT(Violations({About(kAll, Op(Kind::kAgree, 1, 2, 10)),
                          About(kAddressToCaf, Op(Kind::kWithdraw, 3, 4, 11)),
                          About(kAddressToCpam, Op(Kind::kAgree, 5, 6, 12)),
                          About(kAddressToCaf, Op(Kind::kCheck, 7, 8, 13, true))}),
              SizeIs(1));
}

// What is asked together is permitted together, or not.
TEST(HistoryChecker, JudgesAllThingsOfACheck) {
  const std::vector<Operation> said = {About(kAll, Op(Kind::kAgree, 1, 2, 10)),
                                       About(kAddressToCaf, Op(Kind::kWithdraw, 3, 4, 11))};
  const auto with = [&said](uint64_t things, bool permitted) {
    std::vector<Operation> history = said;
    history.push_back(About(things, Op(Kind::kCheck, 5, 6, 12, permitted)));
    return Violations(history);
  };
  EXPECT_THAT(with(kAddressToCaf | kIdentityToCaf, true), SizeIs(1));
  EXPECT_THAT(with(kAddressToCaf | kIdentityToCaf, false), IsEmpty());
  EXPECT_THAT(with(kAddressToCpam | kIdentityToCpam, true), IsEmpty());
  EXPECT_THAT(with(kAddressToCpam | kIdentityToCpam, false), SizeIs(1));
}

// What is permitted unless she objects is let from the start.
TEST(HistoryChecker, FindsAPermitAfterAnObjectionUntilItIsLifted) {
  const Operation start = AtMost(Op(Kind::kLift, 0, 0, 0));
  EXPECT_THAT(Violations({start, Op(Kind::kCheck, 1, 2, 10, true)}), IsEmpty());
  EXPECT_THAT(Violations({start, Op(Kind::kCheck, 1, 2, 10)}), SizeIs(1));
  EXPECT_THAT(Violations({start, AtMost(Op(Kind::kObject, 1, 2, 10)), Op(Kind::kCheck, 3, 4, 12, true)}),
              SizeIs(1));
  // At the revision it was answered with, though it was under way.
  EXPECT_THAT(Violations({start, AtMost(Op(Kind::kObject, 1, 4, 10)), Op(Kind::kCheck, 2, 3, 10, true)}),
              SizeIs(1));
  EXPECT_THAT(Violations({start, AtMost(Op(Kind::kObject, 1, 4, 10)), Op(Kind::kCheck, 2, 3, 9, true)}),
              IsEmpty());
  EXPECT_THAT(Violations({start, AtMost(Op(Kind::kObject, 1, 2, 10)), AtMost(Op(Kind::kLift, 3, 4, 12)),
                          Op(Kind::kCheck, 5, 6, 13)}),
              SizeIs(1));
  // Lifted before the revision that its lifting was answered with.
  EXPECT_THAT(Violations({start, AtMost(Op(Kind::kObject, 1, 2, 10)), AtMost(Op(Kind::kLift, 3, 6, 14)),
                          Op(Kind::kCheck, 4, 5, 12, true)}),
              IsEmpty());
}

// One of a batch: denied at a revision that is the batch's, permitted at its own leaf's.
TEST(HistoryChecker, JudgesOneOfABatch) {
  EXPECT_THAT(
      Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, 7, 12), Op(Kind::kCheck, 4, 6, 12, true)}),
      SizeIs(1));
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kRefuse, 3, 4, 12),
                          AtMost(Op(Kind::kCheck, 5, 6, 14, true))}),
              SizeIs(1));
  // Before she agreed, however late the rest of the batch was.
  EXPECT_THAT(Violations({AtMost(Op(Kind::kCheck, 1, 4, 14)), Op(Kind::kAgree, 2, 3, 11)}), IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), AtMost(Op(Kind::kCheck, 3, 5, 14)),
                          Op(Kind::kRefuse, 4, 6, 15)}),
              SizeIs(1));
}

// She agreed, refused and agreed again; the checker that asked for the refusal's revision or a later one is
// not told what was before.
TEST(HistoryChecker, JudgesByTheRevisionAskedFor) {
  const Operation agreement = Op(Kind::kAgree, 1, 2, 10);
  const Operation refusal = Op(Kind::kRefuse, 3, 8, 12);
  EXPECT_THAT(Violations({agreement, refusal, AskedFor(12, AtLeast(Op(Kind::kCheck, 4, 5, 11)))}),
              ElementsAre(StartsWith("older than asked")));
  EXPECT_THAT(Violations({agreement, refusal, AskedFor(12, Op(Kind::kCheck, 4, 5, 11, true))}),
              ElementsAre(StartsWith("permit"), StartsWith("older than asked")));
  EXPECT_THAT(Violations({agreement, refusal, AskedFor(12, AtMost(Op(Kind::kCheck, 4, 5, 13, true)))}),
              ElementsAre(StartsWith("permit")));
  EXPECT_THAT(Violations({agreement, refusal, AskedFor(12, Op(Kind::kCheck, 4, 5, 13))}), IsEmpty());
}

}  // namespace
}  // namespace relais::consent
