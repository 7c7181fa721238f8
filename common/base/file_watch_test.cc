#include "common/base/file_watch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace relais {
namespace {

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "relais-watch-XXXXXX";
    dir_ = mkdtemp(pattern.data());
    Write("a", "one");
  }
  ~FileWatchTest() override { std::filesystem::remove_all(dir_); }
  [[nodiscard]] std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(Path(name)) << text; }
  // As whoever publishes a file does.
  void Replace(const std::string& name, const std::string& text) const {
    Write(name + ".next", text);
    std::filesystem::rename(Path(name + ".next"), Path(name));
  }

  std::string dir_;
};

TEST_F(FileWatchTest, NothingHappened) {
  FileWatch watch({Path("a"), Path("absent")});
  EXPECT_FALSE(watch.Changed());
}

TEST_F(FileWatchTest, AReplacementIsNoticedOnce) {
  FileWatch watch({Path("absent"), Path("a")});
  Replace("a", "two");  // as long as before: only the inode tells
  EXPECT_TRUE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
}

TEST_F(FileWatchTest, WritingMakingAndRemovingAreChanges) {
  FileWatch watch({Path("a"), Path("b")});
  Write("a", "longer than before");
  EXPECT_TRUE(watch.Changed());
  Write("b", "");
  EXPECT_TRUE(watch.Changed());
  std::filesystem::remove(Path("a"));
  EXPECT_TRUE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
}

}  // namespace
}  // namespace relais
