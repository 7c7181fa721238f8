#include "services/cli/document_verbs.h"

#include <gtest/gtest.h>

#include "common/rpc/refusal.h"

namespace relais::cli {
namespace {

// Whatever the vault says for the moment alone: what was sent or received before is kept for it.
TEST(MayHelpAgain, WhereTheVaultIsAwayOrHasNoPlace) {
  EXPECT_TRUE(MayHelpAgain(absl::UnavailableError("away")));
  EXPECT_TRUE(MayHelpAgain(rpc::Overloaded(absl::Milliseconds(200))));
  EXPECT_TRUE(MayHelpAgain(rpc::StoodStill(absl::Minutes(5), absl::Milliseconds(200))));
}

TEST(MayHelpAgain, NotWhereItSaysNo) {
  EXPECT_FALSE(MayHelpAgain(absl::OkStatus()));
  EXPECT_FALSE(MayHelpAgain(rpc::NoSuchOrNotYours()));
  EXPECT_FALSE(MayHelpAgain(
      rpc::Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_QUOTA_EXCEEDED, "full")));
  EXPECT_FALSE(MayHelpAgain(absl::PermissionDeniedError("she withdrew")));
}

}  // namespace
}  // namespace relais::cli
