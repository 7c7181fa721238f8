#include "services/cli/suppression_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "common/crypto/memory_key_ring.h"
#include "common/identity/record_key.h"

namespace relais::cli {
namespace {

TEST(SuppressionFile, RoundTrips) {
  const SuppressionFile file{"edf", {{1, Secret(std::string(32, 'a'))}, {4, Secret(std::string(32, 'b'))}}};
  const auto read = ParseSuppressionFile(FormatSuppressionFile(file).ExposeSecret());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->institution, "edf");
  ASSERT_EQ(read->keys.size(), 2U);
  EXPECT_EQ(read->keys.at(4).ExposeSecret(), std::string(32, 'b'));
}

TEST(SuppressionFile, RefusesAnyOtherForm) {
  const std::string key(64, 'a');
  for (const std::string& text :
       {std::string(), std::string("relais-suppression-key/1\n"),
        "relais-suppression-key/2\nedf 1 " + key + "\n", "relais-suppression-key/1\nedf 0 " + key + "\n",
        "relais-suppression-key/1\nedf 1 " + key + "00\n",
        "relais-suppression-key/1\nedf 1 " + key + "\nengie 2 " + key + "\n",
        "relais-suppression-key/1\nedf 1 " + key + "\nedf 1 " + key + "\n",
        "relais-suppression-key/1\n../x 1 " + key + "\n"}) {
    const auto read = ParseSuppressionFile(text);
    EXPECT_FALSE(read.ok()) << text;
    EXPECT_EQ(std::string(read.status().message()).find(key), std::string::npos);
  }
}

TEST(SuppressionFile, HoldsEveryVersionThatIsLeftAndNobodyElseReadsIt) {
  crypto::MemoryKeyRing ring;
  const std::string name = identity::SuppressionKeyName("edf");
  for (const char c : {'a', 'b', 'c'}) {
    ASSERT_TRUE(ring.Add(name, Secret(std::string(32, c))).ok());
  }
  ASSERT_TRUE(ring.Destroy(name, 2).ok());
  const std::string path = ::testing::TempDir() + "/suppression.key";
  ASSERT_TRUE(WriteSuppressionFile(ring, "edf", path).ok());
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto read = ReadSuppressionFile(path);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->keys.size(), 2U);
  EXPECT_TRUE(read->keys.contains(3));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(ReadSuppressionFile(path).status()));
}

}  // namespace
}  // namespace relais::cli
