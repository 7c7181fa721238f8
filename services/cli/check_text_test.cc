#include "services/cli/check_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace relais::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A permit of an exercise lets nothing go, and is not to be taken for one that does.
TEST(CheckText, WhatAuthorisesNothingSaysSo) {
  consent::v1::CheckResponse response;
  response.set_decision(common::v1::DECISION_PERMIT);
  response.set_ground(common::v1::GROUND_AGREEMENT);
  EXPECT_THAT(CheckText(response, false, false), HasSubstr("(dry run: authorises nothing)"));
  EXPECT_THAT(CheckText(response, false, true), HasSubstr("(dry run: authorises nothing)"));
  EXPECT_THAT(CheckText(response, true, true), HasSubstr("(exercise: authorises nothing)"));
  EXPECT_THAT(CheckText(response, true, false), Not(HasSubstr("authorises nothing")));
}

}  // namespace
}  // namespace relais::cli
