#include "services/cli/root_key.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/testing/seeded_random.h"
#include "common/directory/sign.h"

namespace relais::cli {
namespace {

class RootKeyTest : public ::testing::Test {
 protected:
  RootKeyTest() {
    std::string name = std::filesystem::temp_directory_path() / "relais-root-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    settings_.keys = folder_ + "/root.pub";
    std::ofstream(settings_.keys) << directory::FormatRootKey("old-root", old_.verify_key()) << "\n"
                                  << directory::FormatRootKey("new-root", new_.verify_key()) << "\n";
  }
  ~RootKeyTest() override { std::filesystem::remove_all(folder_); }

  relais::testing::SeededRandom random_{1};
  const crypto::SigningKey old_ = crypto::SigningKey::Generate(random_);
  const crypto::SigningKey new_ = crypto::SigningKey::Generate(random_);
  std::string folder_;
  ClientSettings settings_;
};

TEST_F(RootKeyTest, IsTheNameUnderWhichTheKeyIsListed) {
  EXPECT_EQ(RootKeyName(settings_, old_.verify_key()).value(), "old-root");
  EXPECT_EQ(RootKeyName(settings_, new_.verify_key()).value(), "new-root");
}

TEST_F(RootKeyTest, AKeyThatIsNotListedHasNone) {
  const absl::Status status =
      RootKeyName(settings_, crypto::SigningKey::Generate(random_).verify_key()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST_F(RootKeyTest, WithoutAListTheNameMustBeGiven) {
  settings_.keys = folder_ + "/absent";
  EXPECT_TRUE(absl::IsFailedPrecondition(RootKeyName(settings_, old_.verify_key()).status()));
  settings_.keys = "";
  EXPECT_TRUE(absl::IsFailedPrecondition(RootKeyName(settings_, old_.verify_key()).status()));
}

}  // namespace
}  // namespace relais::cli
