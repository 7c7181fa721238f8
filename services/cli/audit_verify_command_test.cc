// `relais audit verify` of a file: what it is comes first, then the keys to check it with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "services/cli/command.h"
#include "services/cli/exit_code.h"
#include "services/cli/export_file.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::Not;

// Without settings: nothing says which key signs a log.
class AuditVerify : public ::testing::Test {
 protected:
  AuditVerify() {
    for (const char* setting : {"RELAIS_HOME", "RELAIS_DIRECTORY", "RELAIS_KEYS"}) {
      ::unsetenv(setting);
    }
    std::string pattern = (fs::temp_directory_path() / "relais-verify-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AuditVerify() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  // Of a file that holds `text`.
  absl::Status Verify(const std::string& text) {
    std::ofstream(Path(), std::ios::binary) << text;
    return VerifyAsItIs();
  }
  absl::Status VerifyAsItIs() {
    Context context;
    CLI::App app("", "relais");
    BuildApp(app, context);
    app.parse("audit verify " + Path());
    return context.command().status();
  }
  [[nodiscard]] std::string Path() const { return folder_ + "/file"; }

  std::string folder_;
};

TEST_F(AuditVerify, WhatIsNoReceiptIsSaidBeforeAKeyIsAskedFor) {
  for (const std::string& text :
       {std::string("# Relais\n\nA registry.\n"), std::string("{}"), std::string("[\"proof\"]\n"),
        std::string("{\"format\": \"x\"}\n"), std::string("\0\xff\n", 3)}) {
    const absl::Status status = Verify(text);
    EXPECT_EQ(ExitCodeOf(status), kExitUsage) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(Path() + " is not a receipt")) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("--key"))) << text;
  }
}

TEST_F(AuditVerify, NorIsAKeyAskedForAFileThatCannotBeRead) {
  const absl::Status status = VerifyAsItIs();
  EXPECT_EQ(ExitCodeOf(status), kExitUsage) << status;
  EXPECT_EQ(status.message(), "cannot read " + Path());
}

// Each form that is checked is taken for what it is: what it wants is a key.
TEST_F(AuditVerify, WhatCanBeCheckedWantsAKey) {
  for (const std::string& text :
       {std::string("{\"proof\": {}}"), std::string("{\"proof\": {}, \"fr\": \"RELAIS1:AA\"}"),
        std::string("RELAIS1:AA"), std::string("<p>RELAIS1:AA</p>"), std::string("c2sp.org/tlog-proof@v1\n"),
        ExportHeader("relais.test/consent", "")}) {
    const absl::Status status = Verify(text);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status << " of " << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--key ORIGIN+ID+KEY")) << text;
  }
}

}  // namespace
}  // namespace relais::cli
