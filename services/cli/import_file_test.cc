// What an import may write, and what it says at the end.
#include "services/cli/import_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

class CheckOutputsTest : public ::testing::Test {
 protected:
  CheckOutputsTest() : root_(fs::path(::testing::TempDir()) / "outputs") {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sub");
    std::ofstream(root_ / "bills.csv") << "x\n";
    fs::create_symlink("bills.csv", root_ / "link.csv");
    fs::create_hard_link(root_ / "bills.csv", root_ / "hard.csv");
  }
  ~CheckOutputsTest() override { fs::remove_all(root_); }

  std::string At(const std::string& name) const { return (root_ / name).string(); }
  absl::Status Check(const std::vector<std::string>& outputs) const {
    return CheckOutputs(At("bills.csv"), outputs);
  }

  fs::path root_;
};

TEST_F(CheckOutputsTest, TheFileThatIsReadIsNeverWritten) {
  for (const char* name : {"bills.csv", "sub/../bills.csv", "link.csv", "hard.csv"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Check({At(name)}))) << name;
  }
  EXPECT_TRUE(Check({At("out.csv"), At("bills.csv.refused.csv")}).ok());
}

TEST_F(CheckOutputsTest, EachResultIsItsOwnFileInAFolderThatIsThere) {
  EXPECT_TRUE(absl::IsInvalidArgument(Check({At("out.csv"), At("sub/../out.csv")})));
  EXPECT_TRUE(absl::IsInvalidArgument(Check({At("nowhere/out.csv")})));
  EXPECT_TRUE(Check({"out.csv"}).ok());  // of the working directory
}

TEST(Summary, SaysWhereRefusedRowsAre) {
  ImportReport report;
  report.code = kExitRowsRefused;
  report.today = "2026-11-10";
  report.elapsed = absl::Milliseconds(4);
  report.refused_file = "bills.csv.refused.csv";
  report.tally.rows = 2;
  report.tally.accepted = 1;
  report.tally.refused = 1;
  report.tally.by_reason["TOO_EARLY"] = 1;
  EXPECT_EQ(Summary(report),
            "2 rows: 1 accepted, 0 duplicate, 1 refused (0.00 s)\n"
            "  TOO_EARLY: 1\n"
            "  each refused row, with reason and field: bills.csv.refused.csv\n");
  EXPECT_EQ(SummaryJson(report)["refusedFile"], "bills.csv.refused.csv");
}

TEST(Summary, CountsRowsAndGivesARateOfMany) {
  ImportReport report;
  report.today = "2026-11-10";
  report.elapsed = absl::Seconds(2);
  report.tally.rows = report.tally.accepted = 1;
  EXPECT_EQ(Summary(report), "1 row: 1 accepted, 0 duplicate, 0 refused (2.00 s)\n");
  report.tally.rows = report.tally.accepted = 60'000;
  EXPECT_EQ(Summary(report),
            "60,000 rows: 60,000 accepted, 0 duplicate, 0 refused (2.00 s, 30,000 rows/s)\n");
}

}  // namespace
}  // namespace relais::cli
