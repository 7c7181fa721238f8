#include "services/vault/domain/request_rules.h"

#include <gtest/gtest.h>

#include "services/vault/domain/testing.h"

namespace relais::vault {
namespace {

using common::v1::ERROR_REASON_INVALID_FIELDS;
using common::v1::ERROR_REASON_WRONG_STATE;
using testing::At;
using v1::DOCUMENT_TYPE_PAYSLIP;
using v1::DOCUMENT_TYPE_TAX_NOTICE;

const absl::Time kNow = At(11, 20);

v1::StoredRequest Asked() {
  v1::StoredRequest request;
  request.add_types(DOCUMENT_TYPE_TAX_NOTICE);
  request.add_types(DOCUMENT_TYPE_PAYSLIP);
  *request.mutable_until() = ToProto(At(12, 20));
  *request.mutable_asked() = ToProto(kNow);
  request.set_state(v1::DocumentRequest::STATE_PENDING);
  return request;
}

TEST(Requests, WhatMayBeAsked) {
  EXPECT_EQ(JudgeRequest({DOCUMENT_TYPE_TAX_NOTICE}, At(12, 20), 0, kNow, {}), std::nullopt);
  EXPECT_EQ(JudgeRequest({}, At(12, 20), 0, kNow, {}), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({DOCUMENT_TYPE_PAYSLIP, DOCUMENT_TYPE_PAYSLIP}, At(12, 20), 0, kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({v1::DOCUMENT_TYPE_UNSPECIFIED}, At(12, 20), 0, kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT}, At(12, 20), 0, kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({DOCUMENT_TYPE_TAX_NOTICE}, kNow, 0, kNow, {}), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({DOCUMENT_TYPE_TAX_NOTICE}, absl::InfiniteFuture(), 0, kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeRequest({DOCUMENT_TYPE_TAX_NOTICE}, At(12, 20), 10, kNow, {}),
            common::v1::ERROR_REASON_OVERLOADED);
}

TEST(Requests, SheDecidesWithinThirtyDays) {
  EXPECT_EQ(StateOf(Asked(), At(12, 20) - absl::Seconds(1), {}), v1::DocumentRequest::STATE_PENDING);
  EXPECT_EQ(StateOf(Asked(), At(12, 20), {}), v1::DocumentRequest::STATE_EXPIRED);
  EXPECT_EQ(JudgeDecision(Asked(), true, {DOCUMENT_TYPE_PAYSLIP}, At(12, 20), At(12, 20), {}),
            ERROR_REASON_WRONG_STATE);
  v1::StoredRequest refused = Asked();
  refused.set_state(v1::DocumentRequest::STATE_REFUSED);
  EXPECT_EQ(StateOf(refused, At(12, 25), {}), v1::DocumentRequest::STATE_REFUSED);
  EXPECT_EQ(JudgeDecision(refused, true, {DOCUMENT_TYPE_PAYSLIP}, At(12, 1), kNow, {}),
            ERROR_REASON_WRONG_STATE);
}

TEST(Requests, WhatSheMayGrant) {
  EXPECT_EQ(
      JudgeDecision(Asked(), true, {DOCUMENT_TYPE_PAYSLIP, DOCUMENT_TYPE_PAYSLIP}, At(12, 20), kNow, {}),
      std::nullopt)
      << "two payslips";
  EXPECT_EQ(JudgeDecision(Asked(), true, {}, At(12, 20), kNow, {}), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeDecision(Asked(), true, {v1::DOCUMENT_TYPE_LEASE}, At(12, 20), kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeDecision(Asked(), true, {DOCUMENT_TYPE_PAYSLIP}, At(12, 21), kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(JudgeDecision(Asked(), false, {}, At(12, 20), kNow, {}), std::nullopt);
  EXPECT_EQ(JudgeDecision(Asked(), false, {DOCUMENT_TYPE_PAYSLIP}, At(12, 20), kNow, {}),
            ERROR_REASON_INVALID_FIELDS);
}

// Action 4: none is asked twice.
TEST(Requests, WhatWasAskedAlready) {
  v1::StoredRequest request = Asked();
  request.mutable_asker()->set_institution("caf");
  request.mutable_asker()->set_function("conseiller-droits");
  request.set_purpose("RIGHTS_OPENING");
  Asking asking{"caf", "agent-accueil", "RIGHTS_OPENING", {DOCUMENT_TYPE_PAYSLIP}};
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kAll) << "whichever of its functions asked";
  asking.types = {DOCUMENT_TYPE_PAYSLIP, v1::DOCUMENT_TYPE_LEASE};
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kSome);
  asking.types = {v1::DOCUMENT_TYPE_LEASE};
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kNothing);
  asking.types = {DOCUMENT_TYPE_TAX_NOTICE, DOCUMENT_TYPE_PAYSLIP};
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kAll);
  EXPECT_EQ(AskedIn(request, asking, At(12, 20), {}), AskedBefore::kNothing) << "it ended undecided";
  v1::StoredRequest refused = request;
  refused.set_state(v1::DocumentRequest::STATE_REFUSED);
  EXPECT_EQ(AskedIn(refused, asking, kNow, {}), AskedBefore::kNothing);
  asking.purpose = "SOCIAL_ASSESSMENT";
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kNothing);
  asking.purpose = "RIGHTS_OPENING";
  asking.institution = "cpam";
  EXPECT_EQ(AskedIn(request, asking, kNow, {}), AskedBefore::kNothing);
}

TEST(Requests, WhatTheAskerHasAlready) {
  v1::StoredShare share = testing::ShareOfOne();
  const Asking asking{"caf", "agent-accueil", "RIGHTS_OPENING", {DOCUMENT_TYPE_PAYSLIP}};
  EXPECT_TRUE(HasAlready(share, DOCUMENT_TYPE_PAYSLIP, asking, kNow));
  EXPECT_FALSE(HasAlready(share, DOCUMENT_TYPE_TAX_NOTICE, asking, kNow));
  EXPECT_FALSE(HasAlready(share, v1::DOCUMENT_TYPE_UNSPECIFIED, asking, kNow));
  EXPECT_FALSE(HasAlready(share, DOCUMENT_TYPE_PAYSLIP, asking, At(12, 20))) << "past its date";
  share.mutable_recipient()->set_function("conseiller-droits");
  EXPECT_FALSE(HasAlready(share, DOCUMENT_TYPE_PAYSLIP, asking, kNow)) << "with another function";
  share.mutable_recipient()->clear_function();
  share.set_purpose("SOCIAL_ASSESSMENT");
  EXPECT_FALSE(HasAlready(share, DOCUMENT_TYPE_PAYSLIP, asking, kNow));
  share = testing::ShareOfOne();
  share.set_state(v1::Share::STATE_REVOKED);
  EXPECT_FALSE(HasAlready(share, DOCUMENT_TYPE_PAYSLIP, asking, kNow));
}

}  // namespace
}  // namespace relais::vault
