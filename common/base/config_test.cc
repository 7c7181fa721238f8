#include "common/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace relais {
namespace {

TEST(Config, ReadsTypedValuesAndDefaults) {
  auto config = Config::Parse("listen: 127.0.0.1:1\nlease:\n  duration: 2s\n  strict: true\n  size: 7\n", {});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->String("listen"), "127.0.0.1:1");
  EXPECT_EQ(config->Duration("lease.duration", absl::Seconds(1)), absl::Seconds(2));
  EXPECT_TRUE(config->Bool("lease.strict", false));
  EXPECT_EQ(config->Int("lease.size", 1, 0, 10), 7);
  EXPECT_EQ(config->String("other", "x"), "x");
  EXPECT_THAT(config->Children("lease"), ::testing::ElementsAre("duration", "size", "strict"));
  EXPECT_TRUE(config->Finish().ok());
}

TEST(Config, NamesEveryUnknownMissingAndMalformedKey) {
  auto config = Config::Parse("lisen: x\nsize: many\n", {});
  ASSERT_TRUE(config.ok());
  config->String("listen");
  config->Int("size", 1, 0, 10);
  const std::string message(config->Finish().message());
  EXPECT_THAT(message, ::testing::HasSubstr("'lisen' is not a setting"));
  EXPECT_THAT(message, ::testing::HasSubstr("'listen' is missing"));
  EXPECT_THAT(message, ::testing::HasSubstr("'size' must be an integer from 0 to 10"));
}

TEST(Config, ADurationHasItsBounds) {
  const auto message = [](const char* value) {
    auto config = Config::Parse("", {std::string("tick=") + value});
    config->Duration("tick", absl::Milliseconds(4), absl::Milliseconds(1), absl::Seconds(1));
    return std::string(config->Finish().message());
  };
  EXPECT_EQ(message("1ms"), "");
  EXPECT_EQ(message("1s"), "");
  EXPECT_THAT(message("0"), ::testing::HasSubstr("'tick' must be a duration from 1ms to 1s"));
  EXPECT_THAT(message("2s"), ::testing::HasSubstr("'tick' must be a duration from 1ms to 1s"));
  EXPECT_THAT(message("soon"), ::testing::HasSubstr("'tick' must be a duration such as"));
}

TEST(Config, FlagBeatsEnvironmentBeatsFile) {
  ::setenv("RELAIS_TEST_KEY", "env", 1);
  auto from_env = Config::Parse("test.key: file", {});
  EXPECT_EQ(from_env->String("test.key"), "env");
  auto from_flag = Config::Parse("test.key: file", {"test.key=flag"});
  EXPECT_EQ(from_flag->String("test.key"), "flag");
  ::unsetenv("RELAIS_TEST_KEY");
}

TEST(Config, RefusesWhatIsNotYaml) {
  EXPECT_FALSE(Config::Parse("a: [", {}).ok());
  EXPECT_FALSE(Config::Parse("a: [1, 2]", {}).ok());
  EXPECT_FALSE(Config::Parse("", {"novalue"}).ok());
}

}  // namespace
}  // namespace relais
