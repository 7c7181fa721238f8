#include "common/rpc/call.h"

#include <gtest/gtest.h>

#include "common/rpc/refusal.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using testing::InstitutionCaller;
using testing::SampleDirectory;
using testing::ServiceCaller;

Call CallOf(Caller caller) {
  Call call;
  call.caller = std::move(caller);
  call.directory = SampleDirectory(7);
  return call;
}

TEST(ActorOf, AnInstitutionActsForItself) {
  Call call = CallOf(InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER));
  call.caller.agent = "a-1";
  call.caller.function = "f";
  const auto actor = ActorOf(call, nullptr);
  ASSERT_TRUE(actor.ok());
  EXPECT_EQ(actor->institution, "edf");
  EXPECT_EQ(actor->agent, "a-1");
  common::v1::Acting acting;
  acting.mutable_party()->set_institution("ville-paris");
  EXPECT_EQ(ActorOf(call, &acting).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ActorOf, AServiceNamesWhomItActsFor) {
  const Call call = CallOf(ServiceCaller("alerting"));
  EXPECT_EQ(ActorOf(call, nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  common::v1::Acting acting;
  acting.mutable_party()->set_institution("edf");
  acting.mutable_party()->set_function("f");
  acting.set_agent("a");
  const auto actor = ActorOf(call, &acting);
  ASSERT_TRUE(actor.ok());
  EXPECT_EQ(actor->institution, "edf");
  EXPECT_EQ(actor->function, "f");
  acting.mutable_party()->set_institution("nobody");
  EXPECT_FALSE(ActorOf(call, &acting).ok());
}

TEST(RequestOwner, AServicesRequestsAreNoInstitutions) {
  const Actor edf{"edf", "", ""};
  EXPECT_EQ(RequestOwner(CallOf(InstitutionCaller("edf", "billing", common::v1::ROLE_PROFESSIONAL)), edf),
            "edf");
  EXPECT_EQ(RequestOwner(CallOf(ServiceCaller("alerting")), edf), "service/alerting/edf");
}

TEST(EventOf, FillsWhatTheCallKnows) {
  Call call = CallOf(InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL));
  call.caller.certificate = "ab12";
  call.caller.reason = "why";
  const audit::Event event = EventOf(call, {"ville-paris", "assistant-social", "a-1"},
                                     audit::v1::EVENT_CLASS_CONSENT_RECORDED, "r-1");
  EXPECT_EQ(event.institution, "ville-paris");
  EXPECT_EQ(event.directory_version, 7u);
  EXPECT_EQ(event.details.acting_function(), "assistant-social");
  EXPECT_EQ(event.actor.agent(), "a-1");
  EXPECT_EQ(event.actor.certificate(), "ab12");
  EXPECT_EQ(event.actor.request_id(), "r-1");
  EXPECT_EQ(event.actor.motive(), "why");
}

TEST(PeerFailure, AnswersPassAndFailuresDoNot) {
  EXPECT_TRUE(PeerFailure(absl::OkStatus(), "consent").ok());
  EXPECT_EQ(ReasonOf(PeerFailure(NoSuchOrNotYours(), "consent")),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  for (const absl::Status& failure :
       {absl::DeadlineExceededError("x"), absl::UnavailableError("x"), absl::UnauthenticatedError("x"),
        Overloaded(absl::Seconds(1)),
        Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_ROLE, "x")}) {
    const absl::Status seen = PeerFailure(failure, "consent");
    EXPECT_EQ(seen.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(seen), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  }
}

TEST(Reasons, EveryReasonHasANameAndBack) {
  for (int i = 1; i < common::v1::ErrorReason_ARRAYSIZE; ++i) {
    const auto reason = static_cast<common::v1::ErrorReason>(i);
    if (common::v1::ErrorReason_IsValid(i)) {
      EXPECT_EQ(ReasonFromName(ReasonName(reason)), reason);
    }
  }
  EXPECT_EQ(ReasonFromName("NOTHING"), common::v1::ERROR_REASON_UNSPECIFIED);
}

}  // namespace
}  // namespace relais::rpc
