// The rotation of a master from the command line, without a service.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "services/cli/command.h"
#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

class RewrapRing : public ::testing::Test {
 protected:
  RewrapRing() {
    std::string pattern = (fs::temp_directory_path() / "relais-rewrap-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    EXPECT_TRUE(crypto::WriteSecretFile(Path("master"), kOld).ok());
    auto ring = crypto::FileKeyRing::Create(Path("ring"), kOld, random_);
    EXPECT_TRUE(ring.ok() && (*ring)->Put("vault-epoch", 1, kKey).ok());
    fs::copy_file(Path("ring"), Path("copy"));
    std::ofstream(Path("vault.yaml"))
        << "store:\n  path: " << Path("store") << "\naudit:\n  ring: " << Path("ring")
        << "\n  ring_copy: " << Path("copy") << "\n  master: " << Path("master") << "\n";
  }
  ~RewrapRing() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  // `arguments` after the verb; what it printed is in `printed_`.
  absl::StatusOr<int> Run(const std::string& arguments) {
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    app.parse("pki rewrap-ring " + arguments);
    ::testing::internal::CaptureStdout();
    absl::StatusOr<int> code = context.command();
    printed_ = ::testing::internal::GetCapturedStdout();
    return code;
  }
  bool Opens(const std::string& name, const Secret& master) {
    const auto ring = crypto::FileKeyRing::Open(Path(name), master, random_);
    return ring.ok() && (*ring)->Get("vault-epoch", 1).ok();
  }

  const Secret kOld = Secret(std::string(32, 'o'));
  const Secret kKey = Secret(std::string(32, 'k'));
  testing::SeededRandom random_{1};
  std::string folder_;
  std::string printed_;
};

TEST_F(RewrapRing, OfAServiceTheRingAndItsCopyGetAMasterThatIsMade) {
  const std::string line =
      absl::StrCat("--service-config ", Path("vault.yaml"), " --new-master ", Path("master.new"));
  const absl::StatusOr<int> code = Run(line);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, kExitOk);
  struct stat info {};
  ASSERT_EQ(::stat(Path("master.new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const absl::StatusOr<Secret> made = crypto::ReadSecretFile(Path("master.new"));
  ASSERT_TRUE(made.ok());
  for (const char* name : {"ring", "copy"}) {
    EXPECT_TRUE(Opens(name, *made)) << name;
    EXPECT_FALSE(Opens(name, kOld)) << name;
    EXPECT_NE(printed_.find(Path(name) + ": 1 key under the new master"), std::string::npos) << printed_;
  }
  EXPECT_EQ(printed_.find(kKey.ExposeSecret()), std::string::npos);
  // Again: it says that nothing was left to do, and makes no other master.
  const absl::StatusOr<int> again = Run(line);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(printed_.find("were under the new master already"), std::string::npos) << printed_;
  EXPECT_TRUE(Opens("ring", *made));
}

TEST_F(RewrapRing, ByHandOneFileIsLeftToBeDoneLater) {
  const std::string ring = absl::StrCat("--ring ", Path("ring"), " --master ", Path("master"),
                                        " --new-master ", Path("master.new"));
  ASSERT_TRUE(Run(ring).ok());
  EXPECT_FALSE(Opens("ring", kOld));
  EXPECT_TRUE(Opens("copy", kOld));
  const absl::StatusOr<int> both = Run(absl::StrCat("--json ", ring, " --copy ", Path("copy")));
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_NE(printed_.find("\"rewrapped\":false"), std::string::npos) << printed_;
  EXPECT_NE(printed_.find("\"rewrapped\":true"), std::string::npos) << printed_;
  EXPECT_TRUE(Opens("copy", *crypto::ReadSecretFile(Path("master.new"))));
}

TEST_F(RewrapRing, AMasterThatDoesNotOpenItIsRefusedAndNoneIsMade) {
  ASSERT_TRUE(crypto::WriteSecretFile(Path("wrong"), Secret(std::string(32, 'w'))).ok());
  const absl::StatusOr<int> code = Run(absl::StrCat("--ring ", Path("ring"), " --master ", Path("wrong"),
                                                    " --new-master ", Path("master.new")));
  EXPECT_TRUE(absl::IsFailedPrecondition(code.status())) << code.status();
  EXPECT_FALSE(fs::exists(Path("master.new")));
  EXPECT_TRUE(Opens("ring", kOld));
}

TEST_F(RewrapRing, WhichRingMustBeSaidInOneWay) {
  const std::string new_master = " --new-master " + Path("master.new");
  for (const std::string& line :
       {std::string(), "--ring " + Path("ring"), "--master " + Path("master"),
        absl::StrCat("--service-config ", Path("vault.yaml"), " --ring ", Path("ring"))}) {
    const absl::StatusOr<int> code = Run(line + new_master);
    EXPECT_TRUE(absl::IsInvalidArgument(code.status())) << line;
  }
  EXPECT_FALSE(fs::exists(Path("master.new")));
}

}  // namespace
}  // namespace relais::cli
