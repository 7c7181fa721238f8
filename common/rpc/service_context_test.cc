#include "common/rpc/service_context.h"

#include <gtest/gtest.h>

#include "common/base/testing/fake_clock.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using testing::InstitutionCaller;
using testing::ServiceCaller;

class ServiceContextTest : public ::testing::Test {
 protected:
  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    return call;
  }
  Call Institution() {
    return CallOf(InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL));
  }
  storage::LeafRange Write(const Id128& event_id, const audit::Subject& subject) {
    audit::Event event;
    event.event_class = audit::v1::EVENT_CLASS_CONSENT_RECORDED;
    event.event_id = event_id;
    event.institution = "ville-paris";
    event.subject = subject;
    const auto written = BlockOn(WriteLoneLeaf(world_.context(), event));
    EXPECT_TRUE(written.ok()) << written.status();
    return written->leaves;
  }

  relais::testing::FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  const ServiceContext& context_ = world_.context();
  const Id128 person_ = context_.random.Id();
};

TEST_F(ServiceContextTest, AHandleIsItsInstitutionsAlone) {
  const common::v1::PersonRef ref = RefFor(context_, Institution(), person_);
  ASSERT_TRUE(ref.has_handle());
  EXPECT_EQ(PersonOf(context_, Institution(), ref, "person").value(), person_);
  const Call edf = CallOf(InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER));
  EXPECT_EQ(ReasonOf(PersonOf(context_, edf, ref, "person").status()),
            common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  EXPECT_EQ(ReasonOf(PersonOf(context_, CallOf(ServiceCaller("routing")), ref, "person").status()),
            common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
}

TEST_F(ServiceContextTest, TheRawIdIsForServicesAlone) {
  const Call service = CallOf(ServiceCaller("routing"));
  const common::v1::PersonRef ref = RefFor(context_, service, person_);
  EXPECT_EQ(ref.person_id(), person_.bytes());
  EXPECT_EQ(PersonOf(context_, service, ref, "person").value(), person_);
  EXPECT_EQ(ReasonOf(PersonOf(context_, Institution(), ref, "person").status()),
            common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  // Machine-readable too: which of a request's names it is.
  const google::rpc::BadRequest fields =
      FieldsOf(PersonOf(context_, Institution(), ref, "names[3]").status());
  ASSERT_EQ(fields.field_violations_size(), 1);
  EXPECT_EQ(fields.field_violations(0).field(), "names[3]");
  common::v1::PersonRef bad;
  bad.set_person_id("short");
  EXPECT_EQ(ReasonOf(PersonOf(context_, service, bad, "person").status()),
            common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_FALSE(PersonOf(context_, service, common::v1::PersonRef(), "person").ok());
}

TEST_F(ServiceContextTest, WrittenTellsRevisionInstantAndProof) {
  const storage::LeafRange leaves = Write(context_.random.Id(), {audit::Subject::Kind::kPerson, person_});
  const auto bare = BlockOn(WrittenOf(context_, leaves, false, false));
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_EQ(bare->revision(), "relais.test/consent/1:1");
  EXPECT_EQ(bare->time().seconds(), 1'800'000'000);
  EXPECT_FALSE(bare->has_proof());
  const auto proven = BlockOn(WrittenOf(context_, leaves, true, true));
  ASSERT_TRUE(proven.ok()) << proven.status();
  const auto verified = audit::VerifyProof(proven->proof(), {{world_.log().origin(), world_.verify_key()}});
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST_F(ServiceContextTest, WrittenAgainFindsTheLeafByItsEvent) {
  const audit::Subject subject{audit::Subject::Kind::kPerson, person_};
  const Id128 event_id = context_.random.Id();
  Write(context_.random.Id(), subject);
  Write(event_id, subject);
  Write(context_.random.Id(), subject);
  const auto again = BlockOn(WrittenAgain(context_, subject, event_id, true, false));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->revision(), "relais.test/consent/1:2");
  EXPECT_EQ(again->proof().leaf_index(), 1u);
  EXPECT_EQ(BlockOn(WrittenAgain(context_, subject, context_.random.Id(), false, false)).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ServiceContextTest, FreshEnough) {
  Write(context_.random.Id(), {audit::Subject::Kind::kPerson, person_});
  EXPECT_TRUE(FreshEnough(context_, "").ok());
  EXPECT_TRUE(FreshEnough(context_, "relais.test/consent/1:1").ok());
  EXPECT_EQ(ReasonOf(FreshEnough(context_, "relais.test/consent/1:2")), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(FreshEnough(context_, "relais.test/routing/1:1")), common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(ReasonOf(FreshEnough(context_, "yesterday")), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST_F(ServiceContextTest, NoBusinessWriteAfterTheClockJumpedBackOrTheStoreFailed) {
  Write(context_.random.Id(), {audit::Subject::Kind::kPerson, person_});
  EXPECT_TRUE(context_.Writable().ok());
  clock_.SetCivil(absl::FromUnixSeconds(1'800'000'000) - absl::Seconds(3));
  EXPECT_EQ(ReasonOf(context_.Writable()), common::v1::ERROR_REASON_CLOCK_JUMPED_BACK);
  world_.store().Kill();
  EXPECT_EQ(ReasonOf(context_.Writable()), common::v1::ERROR_REASON_STORE_FAILED);
}

TEST_F(ServiceContextTest, AnExpiredDirectoryStopsDisclosure) {
  EXPECT_TRUE(context_.MayDisclose().ok());
  clock_.SetCivil(absl::FromCivil(absl::CivilDay(2061, 1, 1), absl::UTCTimeZone()));
  EXPECT_EQ(ReasonOf(context_.MayDisclose()), common::v1::ERROR_REASON_DIRECTORY_EXPIRED);
}

}  // namespace
}  // namespace relais::rpc
