#include "services/vault/domain/share_rules.h"

#include <gtest/gtest.h>

#include "services/vault/domain/document_types.h"
#include "services/vault/domain/testing.h"

namespace relais::vault {
namespace {

using common::v1::ERROR_REASON_INVALID_FIELDS;
using common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
using common::v1::ERROR_REASON_NOT_PERMITTED;
using common::v1::ERROR_REASON_PEER_BEHIND;
using common::v1::ERROR_REASON_WRONG_STATE;
using testing::Agreed;
using testing::At;
using testing::IdOf;
using testing::PartyOf;
using testing::ShareOfOne;

const absl::Time kNow = At(11, 20);

Reading ByCaf(v1::DocumentType type = v1::DOCUMENT_TYPE_TAX_NOTICE) {
  return {"caf", "conseiller-droits", IdOf(1), type, v1::Document::STATE_ACTIVE, true};
}

// ---- reading

TEST(Reading, OneRecipientOnePaperUntilADate) {  // D-3.6
  const v1::StoredShare share = ShareOfOne();
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), kNow, true), std::nullopt);
  Reading other = ByCaf();
  other.institution = "cpam";
  EXPECT_EQ(JudgeBeforeConsent(share, other, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  other = ByCaf();
  other.document = IdOf(2);
  EXPECT_EQ(JudgeBeforeConsent(share, other, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), At(12, 20) - absl::Nanoseconds(1), true), std::nullopt);
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), At(12, 20), true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Reading, PrivateByDefault) {  // D-3.6
  EXPECT_EQ(JudgeBeforeConsent(v1::StoredShare(), ByCaf(), kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  Reading nobody = ByCaf();
  nobody.institution.clear();
  EXPECT_EQ(JudgeBeforeConsent(v1::StoredShare(), nobody, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Reading, AFunctionWhereTheShareNamesOne) {
  v1::StoredShare share = ShareOfOne();
  share.mutable_recipient()->set_function("conseiller-droits");
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), kNow, true), std::nullopt);
  Reading other = ByCaf();
  other.function = "agent-accueil";
  EXPECT_EQ(JudgeBeforeConsent(share, other, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  other.function.clear();
  EXPECT_EQ(JudgeBeforeConsent(share, other, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Reading, ATypeCoversItsPapersAndNoOthers) {
  v1::StoredShare share = ShareOfOne();
  share.clear_document();
  share.set_type(v1::DOCUMENT_TYPE_TAX_NOTICE);
  Reading later = ByCaf();
  later.document = IdOf(99);
  EXPECT_EQ(JudgeBeforeConsent(share, later, kNow, true), std::nullopt);
  later.type = v1::DOCUMENT_TYPE_PAYSLIP;
  EXPECT_EQ(JudgeBeforeConsent(share, later, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Reading, OnlyTheCurrentTextOfAPaperThatIsKept) {
  Reading earlier = ByCaf();
  earlier.current_version = false;
  EXPECT_EQ(JudgeBeforeConsent(ShareOfOne(), earlier, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  for (const auto state : {v1::Document::STATE_PENDING_CONSENT, v1::Document::STATE_DESTROYED}) {
    Reading reading = ByCaf();
    reading.state = state;
    EXPECT_EQ(JudgeBeforeConsent(ShareOfOne(), reading, kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  }
}

TEST(Reading, ALostLeaseSuspendsAndClosesNothing) {
  const v1::StoredShare share = ShareOfOne();
  EXPECT_EQ(StateOf(share, kNow, false), v1::Share::STATE_SUSPENDED);
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), kNow, false), ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(StateOf(share, kNow, true), v1::Share::STATE_ACTIVE) << "and it is back with the lease";
  // Who could not read anyway learns nothing of the lease.
  Reading other = ByCaf();
  other.institution = "cpam";
  EXPECT_EQ(JudgeBeforeConsent(share, other, kNow, false), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), At(12, 21), false), ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Reading, WhatEndedOpensNothing) {
  for (const auto state : {v1::Share::STATE_REVOKED, v1::Share::STATE_WITHDRAWN, v1::Share::STATE_EXPIRED,
                           v1::Share::STATE_DESTROYED, v1::Share::STATE_UNSPECIFIED}) {
    v1::StoredShare share = ShareOfOne();
    share.set_state(state);
    EXPECT_EQ(JudgeBeforeConsent(share, ByCaf(), kNow, true), ERROR_REASON_NO_SUCH_OR_NOT_YOURS) << state;
    EXPECT_EQ(StateOf(share, kNow, true), state);
  }
}

// ---- what consent says

TEST(Consent, APermitOnTheSharesAgreement) {
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), Agreed({"DOCUMENTS"}, IdOf(7)), kNow), std::nullopt);
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), ConsentAnswer(), kNow), ERROR_REASON_NOT_PERMITTED);
  ConsentAnswer denied = Agreed({"DOCUMENTS"}, IdOf(7));
  denied.decision = common::v1::DECISION_DENY;
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), denied, kNow), ERROR_REASON_NOT_PERMITTED);
}

TEST(Consent, NoOtherAgreementAndNoOtherGroundOpensAPaper) {  // D-3.1
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), Agreed({"DOCUMENTS"}, IdOf(8)), kNow),
            ERROR_REASON_NOT_PERMITTED);
  for (const auto ground : {common::v1::GROUND_TEAM, common::v1::GROUND_EMERGENCY,
                            common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE,
                            common::v1::GROUND_CASF_226_2_2, common::v1::GROUND_UNSPECIFIED}) {
    ConsentAnswer answer = Agreed({"DOCUMENTS"}, IdOf(7));
    answer.categories[0].ground = ground;
    EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), answer, kNow), ERROR_REASON_NOT_PERMITTED) << ground;
  }
}

TEST(Consent, AMedicalPaperNeedsBothCategories) {  // D-2.7
  const Reading medical = ByCaf(v1::DOCUMENT_TYPE_MEDICAL);
  EXPECT_EQ(JudgeConsent(ShareOfOne(), medical, Agreed({"DOCUMENTS"}, IdOf(7)), kNow),
            ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(JudgeConsent(ShareOfOne(), medical, Agreed({"DOCUMENTS", "HEALTH"}, IdOf(7)), kNow),
            std::nullopt);
  ConsentAnswer half = Agreed({"DOCUMENTS", "HEALTH"}, IdOf(7));
  half.categories[1].decision = common::v1::DECISION_DENY;
  EXPECT_EQ(JudgeConsent(ShareOfOne(), medical, half, kNow), ERROR_REASON_NOT_PERMITTED);
}

TEST(Consent, ACriminalJudgmentIsNobodysButHers) {  // D-2.7, art. 10
  EXPECT_EQ(JudgeBeforeConsent(ShareOfOne(), ByCaf(v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT), kNow, true),
            ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Consent, APermitThatHasRunOutOrHasNoName) {
  ConsentAnswer answer = Agreed({"DOCUMENTS"}, IdOf(7));
  answer.permit_expires = kNow;
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), answer, kNow), ERROR_REASON_NOT_PERMITTED);
  answer = Agreed({"DOCUMENTS"}, IdOf(7));
  answer.permit_id.clear();
  EXPECT_EQ(JudgeConsent(ShareOfOne(), ByCaf(), answer, kNow), ERROR_REASON_NOT_PERMITTED)
      << "a dry run authorises nothing";
}

// ---- making one

ShareWanted Wanted() {
  return {v1::DOCUMENT_TYPE_TAX_NOTICE,
          v1::Document::STATE_ACTIVE,
          PartyOf("caf"),
          "ville-paris",
          At(12, 20),
          IdOf(7).ToHex()};
}

TEST(MakingAShare, OnAnAgreementThatLastsAsLong) {
  const ConsentAnswer agreed = Agreed({"DOCUMENTS"}, IdOf(7));
  EXPECT_EQ(JudgeShare(Wanted(), agreed, kNow, {}), std::nullopt);
  ShareWanted wanted = Wanted();
  wanted.until = At(12, 31) + absl::Seconds(1);
  EXPECT_EQ(JudgeShare(wanted, agreed, kNow, {}), ERROR_REASON_NOT_PERMITTED);
  wanted.until = kNow;
  EXPECT_EQ(JudgeShare(wanted, agreed, kNow, {}), ERROR_REASON_INVALID_FIELDS);
  wanted.until = absl::InfiniteFuture();
  EXPECT_EQ(JudgeShare(wanted, agreed, kNow, {}), ERROR_REASON_INVALID_FIELDS) << "there is always a date";
  wanted = Wanted();
  wanted.consent_id = IdOf(8).ToHex();
  EXPECT_EQ(JudgeShare(wanted, agreed, kNow, {}), ERROR_REASON_NOT_PERMITTED);
  wanted.consent_id.clear();
  EXPECT_EQ(JudgeShare(wanted, agreed, kNow, {}), ERROR_REASON_NOT_PERMITTED);
}

TEST(MakingAShare, NotWithOneselfNorOfWhatIsNotKept) {
  ShareWanted wanted = Wanted();
  wanted.recipient = PartyOf("ville-paris");
  EXPECT_EQ(JudgeShare(wanted, Agreed({"DOCUMENTS"}, IdOf(7)), kNow, {}), ERROR_REASON_INVALID_FIELDS);
  wanted = Wanted();
  wanted.document = v1::Document::STATE_PENDING_CONSENT;
  EXPECT_EQ(JudgeShare(wanted, Agreed({"DOCUMENTS"}, IdOf(7)), kNow, {}), ERROR_REASON_WRONG_STATE);
  wanted = Wanted();
  wanted.type = v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT;
  EXPECT_EQ(JudgeShare(wanted, Agreed({"DOCUMENTS", "OFFENCE"}, IdOf(7)), kNow, {}),
            ERROR_REASON_NOT_PERMITTED);
  wanted.type = v1::DOCUMENT_TYPE_UNSPECIFIED;
  EXPECT_EQ(JudgeShare(wanted, Agreed({"DOCUMENTS"}, IdOf(7)), kNow, {}), ERROR_REASON_INVALID_FIELDS);
  wanted = Wanted();
  wanted.document.reset();
  EXPECT_EQ(JudgeShare(wanted, Agreed({"DOCUMENTS"}, IdOf(7)), kNow, {}), std::nullopt)
      << "a type needs no paper yet";
}

// ---- while it is read

StreamFacts Running() {
  StreamFacts facts;
  facts.lease = true;
  facts.permit_expires = At(12, 1);
  facts.share = v1::Share::STATE_ACTIVE;
  facts.share_until = At(12, 20);
  return facts;
}

TEST(Stream, GoesOnWhileEverythingHolds) { EXPECT_EQ(WhyCut(Running(), kNow), std::nullopt); }

TEST(Stream, IsCutBy) {
  StreamFacts facts = Running();
  facts.permit_revoked = true;
  EXPECT_EQ(WhyCut(facts, kNow), "WITHDRAWN");
  facts.lease = false;
  EXPECT_EQ(WhyCut(facts, kNow), "WITHDRAWN") << "what ended for good is said first";
  facts = Running();
  facts.lease = false;
  EXPECT_EQ(WhyCut(facts, kNow), "SUSPENDED");
  facts = Running();
  facts.document_there = false;
  EXPECT_EQ(WhyCut(facts, kNow), "DESTROYED");
  EXPECT_EQ(WhyCut(Running(), At(12, 1)), "PERMIT_ENDED");
  facts = Running();
  facts.permit_revoked = true;
  EXPECT_EQ(WhyCut(facts, At(12, 1)), "WITHDRAWN");
  facts = Running();
  facts.denied = true;
  EXPECT_EQ(WhyCut(facts, kNow), "EXPIRED") << "consent, asked anew, says no";
  EXPECT_EQ(WhyCut(facts, At(12, 1)), "EXPIRED") << "what ended for good is said first";
  facts = Running();
  EXPECT_EQ(WhyCut(facts, At(12, 20)), "EXPIRED") << "likewise the share's end";
  facts.permit_expires = absl::InfiniteFuture();
  EXPECT_EQ(WhyCut(facts, At(12, 20)), "EXPIRED") << "the share's end";
  for (const auto& [state, cause] : {std::pair{v1::Share::STATE_REVOKED, "REVOKED"},
                                     {v1::Share::STATE_WITHDRAWN, "WITHDRAWN"},
                                     {v1::Share::STATE_EXPIRED, "EXPIRED"},
                                     {v1::Share::STATE_DESTROYED, "DESTROYED"},
                                     {v1::Share::STATE_UNSPECIFIED, "EXPIRED"}}) {
    facts = Running();
    facts.share = state;
    EXPECT_EQ(WhyCut(facts, kNow), cause) << state;
  }
}

TEST(Stream, AsksAnewBeforeItsPermitEnds) {
  EXPECT_EQ(WhenToAskAnew(kNow, kNow + absl::Seconds(60)), kNow + absl::Seconds(60) - kAskBefore);
  EXPECT_EQ(WhenToAskAnew(kNow, kNow + absl::Seconds(1)), kNow + absl::Milliseconds(500));
  EXPECT_EQ(WhenToAskAnew(kNow, absl::InfiniteFuture()), absl::InfiniteFuture());
}

TEST(Stream, AWithdrawalTouchesTheShare) {
  EXPECT_TRUE(Ends({IdOf(7).ToHex(), {}}, CoveredBy(ShareOfOne(), v1::DOCUMENT_TYPE_TAX_NOTICE, "BENEFITS")));
  EXPECT_FALSE(
      Ends({IdOf(8).ToHex(), {}}, CoveredBy(ShareOfOne(), v1::DOCUMENT_TYPE_TAX_NOTICE, "BENEFITS")));
  consent::v1::ConsentLine health;
  health.add_categories("HEALTH");
  EXPECT_TRUE(Ends({"", {health}}, CoveredBy(ShareOfOne(), v1::DOCUMENT_TYPE_MEDICAL, "BENEFITS")));
  EXPECT_FALSE(Ends({"", {health}}, CoveredBy(ShareOfOne(), v1::DOCUMENT_TYPE_PAYSLIP, "BENEFITS")));
}

TEST(DocumentTypes, EveryOneHasCategoriesAndAName) {
  for (int type = v1::DocumentType_MIN; type <= v1::DocumentType_MAX; ++type) {
    if (!IsDocumentType(type)) {
      continue;
    }
    EXPECT_EQ(CategoriesOf(static_cast<v1::DocumentType>(type)).front(), "DOCUMENTS");
    EXPECT_FALSE(CodeOf(static_cast<v1::DocumentType>(type)).empty());
  }
  EXPECT_FALSE(IsDocumentType(0));
  EXPECT_FALSE(IsDocumentType(50));
  EXPECT_EQ(CodeOf(v1::DOCUMENT_TYPE_TAX_NOTICE), "TAX_NOTICE");
  EXPECT_FALSE(MayBeShared(v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT));
  EXPECT_TRUE(MayBeShared(v1::DOCUMENT_TYPE_MEDICAL));
}

}  // namespace
}  // namespace relais::vault
