// Who checks offline is told which key that takes, and where it comes from.
#include "services/cli/log_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace relais::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LogKeys, WithoutSettingsTheOptionIsNamed) {
  const auto keys = ReadLogKeys(ClientSettings(), {});
  EXPECT_TRUE(absl::IsFailedPrecondition(keys.status()));
  const std::string said(keys.status().message());
  EXPECT_THAT(said, HasSubstr("--key ORIGIN+ID+KEY"));
  EXPECT_THAT(said, HasSubstr("RELAIS_DIRECTORY"));
  EXPECT_THAT(said, HasSubstr("whoever runs the log"));
  EXPECT_THAT(said, Not(HasSubstr("cannot read ''")));
}

TEST(LogKeys, AFileThatIsNotThereIsNamed) {
  ClientSettings settings;
  settings.directory = "/nowhere/directory.yaml";
  settings.keys = "/nowhere/root.pub";
  const auto keys = ReadLogKeys(settings, {});
  EXPECT_THAT(std::string(keys.status().message()), HasSubstr("cannot read '/nowhere/directory.yaml'"));
  EXPECT_THAT(std::string(keys.status().message()), HasSubstr("--key ORIGIN+ID+KEY"));
}

}  // namespace
}  // namespace relais::cli
