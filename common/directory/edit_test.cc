#include "common/directory/edit.h"

#include <gtest/gtest.h>

#include "common/crypto/ed25519.h"
#include "common/directory/lint.h"
#include "common/directory/show.h"
#include "common/directory/testing/sample.h"

namespace relais::directory {
namespace {

LogEntry ConsentLog() {
  const auto key = crypto::SigningKey::FromSeed(Secret(std::string(32, 'k'))).value();
  return {"consent", "relais.test/consent/1", {key.verify_key().bytes()}};
}

TEST(Edit, AnEmptyEditChangesNoValue) {
  const std::string yaml = testing::SampleYaml();
  const auto edited = Apply(yaml, {});
  ASSERT_TRUE(edited.ok());
  EXPECT_TRUE(Diff(*testing::MakeDirectory(yaml), *testing::MakeDirectory(*edited)).empty());
}

TEST(Edit, FillsInLogs) {
  const auto edited = SetLogs(testing::SampleYaml(), {ConsentLog()});
  ASSERT_TRUE(edited.ok());
  const auto directory = testing::MakeDirectory(*edited);
  ASSERT_EQ(directory->LogKeys("consent").size(), 1U);
  EXPECT_EQ(directory->LogKeys("consent")[0]->origin, "relais.test/consent/1");
  EXPECT_EQ(directory->LogKeys("consent")[0]->keys, ConsentLog().keys);
  EXPECT_TRUE(directory->LogKeys("routing").empty());
  // Set replaces: filling in twice is filling in once.
  EXPECT_EQ(SetLogs(*edited, {ConsentLog()}).value(), *edited);
}

TEST(Edit, VersionAndEnd) {
  Edit edit;
  edit.version = 42;
  edit.not_after = absl::FromCivil(absl::CivilDay(2030, 1, 1), absl::UTCTimeZone());
  const auto directory = testing::MakeDirectory(Apply(testing::SampleYaml(), edit).value());
  EXPECT_EQ(directory->version(), 42U);
  EXPECT_EQ(directory->content().not_after, *edit.not_after);
}

TEST(Edit, RevocationsAreAdded) {
  Edit edit;
  edit.add_revocations = {{std::string(64, 'a'), "", "", absl::UnixEpoch(), "clé perdue : \"test\""}};
  const std::string once = Apply(testing::SampleYaml(), edit).value();
  edit.add_revocations = {{"", "CN=X", "1f", absl::UnixEpoch(), ""}};
  const auto directory = testing::MakeDirectory(Apply(once, edit).value());
  EXPECT_TRUE(directory->IsRevoked(std::string(64, 'a')));
  ASSERT_EQ(directory->content().revocations.size(), 2U);
  EXPECT_EQ(directory->content().revocations[0].reason, "clé perdue : \"test\"");
  EXPECT_EQ(directory->content().revocations[1].serial, "1f");
}

TEST(Edit, NeedsAMapping) {
  EXPECT_EQ(Apply("[]", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Apply("a: [", {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace relais::directory
