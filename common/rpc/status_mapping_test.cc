#include "common/rpc/status_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusMapping, ARefusalSurvivesTheWire) {
  const absl::Status sent = WithNextStep(
      Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED, "not permitted"),
      "ask her");
  const grpc::Status wire = ToGrpc(sent, "c-1");
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  const absl::Status received = FromGrpc(wire);
  EXPECT_EQ(received.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(received.message(), "not permitted");
  EXPECT_EQ(ReasonOf(received), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(NextStepOf(received), "ask her");
}

TEST(StatusMapping, FieldsAndDelaysSurviveTheWire) {
  const absl::Status fields = FromGrpc(ToGrpc(InvalidField("lines[0].purposes", "is required"), ""));
  ASSERT_EQ(FieldsOf(fields).field_violations_size(), 1);
  EXPECT_EQ(FieldsOf(fields).field_violations(0).field(), "lines[0].purposes");
  const absl::Status busy = FromGrpc(ToGrpc(Overloaded(absl::Milliseconds(250)), ""));
  EXPECT_EQ(busy.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfterOf(busy), absl::Milliseconds(250));
}

TEST(StatusMapping, OnTheWireItIsGooglesModel) {
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(ToGrpc(Overloaded(absl::Seconds(1)), "").error_details()));
  EXPECT_EQ(status.code(), 8);
  ASSERT_EQ(status.details_size(), 2);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.domain(), "relais");
  EXPECT_EQ(info.reason(), "OVERLOADED");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(status.details(1).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
}

TEST(StatusMapping, NoBackendTextReachesAClient) {
  for (const absl::Status& below :
       {absl::InternalError("rocksdb: /var/lib/x"), absl::UnavailableError("rocksdb: /var/lib/x"),
        absl::NotFoundError("rocksdb: /var/lib/x"), absl::InvalidArgumentError("rocksdb: /var/lib/x"),
        absl::ResourceExhaustedError("rocksdb: /var/lib/x"), absl::DataLossError("rocksdb: /var/lib/x"),
        absl::DeadlineExceededError("rocksdb: /var/lib/x"), absl::CancelledError("rocksdb: /var/lib/x")}) {
    const grpc::Status wire = ToGrpc(below, "c-1");
    EXPECT_FALSE(wire.ok());
    EXPECT_THAT(wire.error_message(), Not(HasSubstr("rocksdb")));
    EXPECT_THAT(wire.error_details(), Not(HasSubstr("rocksdb")));
  }
  EXPECT_EQ(ToGrpc(absl::NotFoundError("x"), "").error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(ForClient(absl::UnavailableError("x"))), common::v1::ERROR_REASON_STORE_FAILED);
  EXPECT_EQ(ReasonOf(ForClient(absl::ResourceExhaustedError("x"))), common::v1::ERROR_REASON_OVERLOADED);
}

TEST(StatusMapping, AnInternalErrorCarriesTheCallsId) {
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(ToGrpc(absl::InternalError("x"), "abcd-7").error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.metadata().at("call_id"), "abcd-7");
}

TEST(StatusMapping, AStrangersStatusHasNoReason) {
  const absl::Status status = FromGrpc({grpc::StatusCode::NOT_FOUND, "no", "not a status"});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_UNSPECIFIED);
}

}  // namespace
}  // namespace relais::rpc
