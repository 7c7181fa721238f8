// An archive and what opens and proves it take their names together, and never those of another's.
#include "services/cli/archive_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "services/cli/testing/disk_calls.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;
using testing::Disk;
using testing::DiskCalls;

class ArchiveFilesTest : public ::testing::Test {
 protected:
  ArchiveFilesTest() {
    Disk() = DiskCalls();
    std::string pattern = (fs::temp_directory_path() / "relais-archive-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ArchiveFilesTest() override {
    Disk() = DiskCalls();
    fs::remove_all(folder_);
  }

  [[nodiscard]] std::string In(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ArchivePaths Sealed() const {
    return {In("papers.tar"), In("papers.tar.key"), In("papers.tar.proof.json")};
  }
  [[nodiscard]] ArchivePaths InClear() const { return {In("papers.tar"), "", In("papers.tar.proof.json")}; }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(In(name), std::ios::binary) << text;
  }
  [[nodiscard]] std::string Slurp(const std::string& name) const {
    std::ifstream in(In(name), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  // All of an export but its end.
  static void Fill(ArchiveFiles& files) {
    ASSERT_TRUE(files.WriteKey("key").ok());
    ASSERT_TRUE(files.archive().Write("archive").ok());
    ASSERT_TRUE(files.WriteProof("proof").ok());
  }

  fs::path folder_;
};

TEST_F(ArchiveFilesTest, NothingHasItsNameBeforeAllIsWhole) {
  auto files = ArchiveFiles::Begin(Sealed());
  ASSERT_TRUE(files.ok()) << files.status();
  Fill(*files);
  EXPECT_EQ(Names(), (std::set<std::string>{"papers.tar.key.partial", "papers.tar.partial",
                                            "papers.tar.proof.json.partial"}));
  ASSERT_TRUE(files->Finish().ok());
  EXPECT_EQ(Names(), (std::set<std::string>{"papers.tar", "papers.tar.key", "papers.tar.proof.json"}));
  EXPECT_EQ(Slurp("papers.tar") + Slurp("papers.tar.key") + Slurp("papers.tar.proof.json"),
            "archivekeyproof");
  struct stat info {};
  ASSERT_EQ(stat(In("papers.tar.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

// The key was given once: the archive it opens may be the last copy.
TEST_F(ArchiveFilesTest, NoneWritesOverWhatIsThere) {
  Put("papers.tar.key", "old key");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths(Sealed())));
  EXPECT_TRUE(absl::IsInvalidArgument(ArchiveFiles::Begin(Sealed()).status()));
  EXPECT_EQ(Names(), std::set<std::string>{"papers.tar.key"}) << "nothing was begun";
  EXPECT_EQ(Slurp("papers.tar.key"), "old key");
  EXPECT_TRUE(CheckArchivePaths(InClear()).ok());
  for (const char* name : {"papers.tar", "papers.tar.proof.json"}) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    Put(name, "old");
    EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths(Sealed()))) << "its key is carried apart";
    EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths(InClear())));
    EXPECT_TRUE(absl::IsInvalidArgument(ArchiveFiles::Begin(InClear()).status()));
    EXPECT_EQ(Names(), std::set<std::string>{name});
    EXPECT_EQ(Slurp(name), "old");
  }
  fs::remove(In("papers.tar.proof.json"));
  EXPECT_TRUE(CheckArchivePaths(Sealed()).ok());
  fs::create_symlink(In("nowhere"), In("papers.tar.key"));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths(Sealed())));
}

TEST_F(ArchiveFilesTest, WhatFailsLeavesWhatWasThere) {
  Put("papers.tar.key", "of another day");
  auto files = ArchiveFiles::Begin(InClear());
  ASSERT_TRUE(files.ok()) << files.status();
  Fill(*files);
  files->Remove();
  EXPECT_EQ(Names(), std::set<std::string>{"papers.tar.key"});
  EXPECT_EQ(Slurp("papers.tar.key"), "of another day");
}

// Else the later would empty what the earlier writes.
TEST_F(ArchiveFilesTest, TwoOfOneArchiveAreNotWrittenAtATime) {
  auto files = ArchiveFiles::Begin(Sealed());
  ASSERT_TRUE(files.ok()) << files.status();
  Fill(*files);
  EXPECT_TRUE(absl::IsInvalidArgument(ArchiveFiles::Begin(Sealed()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ArchiveFiles::Begin(InClear()).status()));
  ASSERT_TRUE(files->Finish().ok());
  EXPECT_EQ(Slurp("papers.tar") + Slurp("papers.tar.key") + Slurp("papers.tar.proof.json"),
            "archivekeyproof");
}

TEST_F(ArchiveFilesTest, WhatAKillLeavesIsInNobodysWay) {
  {
    auto killed = ArchiveFiles::Begin(Sealed());
    ASSERT_TRUE(killed.ok());
    Fill(*killed);
  }
  EXPECT_FALSE(Names().contains("papers.tar.key"));
  auto files = ArchiveFiles::Begin(Sealed());
  ASSERT_TRUE(files.ok()) << files.status();
  Fill(*files);
  ASSERT_TRUE(files->Finish().ok());
  EXPECT_EQ(Slurp("papers.tar") + Slurp("papers.tar.key"), "archivekey");
}

TEST_F(ArchiveFilesTest, AKeyThatCameMeanwhileStays) {
  auto files = ArchiveFiles::Begin(Sealed());
  ASSERT_TRUE(files.ok());
  Fill(*files);
  Put("papers.tar.key", "of somebody else");
  EXPECT_TRUE(absl::IsInvalidArgument(files->Finish()));
  files->Remove();
  EXPECT_EQ(Names(), std::set<std::string>{"papers.tar.key"});
  EXPECT_EQ(Slurp("papers.tar.key"), "of somebody else");
}

TEST_F(ArchiveFilesTest, AnArchiveThatCameMeanwhileStaysAndGetsNoProof) {
  auto files = ArchiveFiles::Begin(InClear());
  ASSERT_TRUE(files.ok());
  Fill(*files);
  Put("papers.tar", "of somebody else");
  EXPECT_TRUE(absl::IsInvalidArgument(files->Finish()));
  files->Remove();
  EXPECT_EQ(Names(), std::set<std::string>{"papers.tar"});
  EXPECT_EQ(Slurp("papers.tar"), "of somebody else");
}

// A disk takes its time: what comes while it does is there before the look.
TEST_F(ArchiveFilesTest, TheLookComesAfterTheSyncs) {
  auto files = ArchiveFiles::Begin(Sealed());
  ASSERT_TRUE(files.ok());
  Fill(*files);
  const std::string archive = In("papers.tar");
  Disk().at_sync[3] = [&] { std::ofstream(archive) << "of somebody else"; };
  EXPECT_TRUE(absl::IsInvalidArgument(files->Finish()));
  EXPECT_EQ(Disk().syncs, 3) << "nothing took its name: no folder is synced";
  files->Remove();
  EXPECT_EQ(Names(), std::set<std::string>{"papers.tar"});
}

// After the look too: key and proof have their names already, and the archive's is taken.
TEST_F(ArchiveFilesTest, WhatTookItsNameGoesWhenALaterStepFails) {
  const std::string archive = In("papers.tar");
  for (const int after : {4, 5}) {  // the folder is synced under the key, under the proof
    auto files = ArchiveFiles::Begin(Sealed());
    ASSERT_TRUE(files.ok()) << files.status();
    Fill(*files);
    Disk() = DiskCalls();
    Disk().at_sync[after] = [&] {
      EXPECT_TRUE(Names().contains("papers.tar.key")) << "the first to have its name";
      EXPECT_EQ(Names().contains("papers.tar.proof.json"), after == 5);
      std::ofstream(archive) << "of somebody else";
    };
    EXPECT_TRUE(absl::IsInvalidArgument(files->Finish()));
    EXPECT_EQ(Disk().syncs, 5);
    files->Remove();
    EXPECT_EQ(Names(), std::set<std::string>{"papers.tar"});
    EXPECT_EQ(Slurp("papers.tar"), "of somebody else");
    fs::remove(archive);
  }
  auto again = ArchiveFiles::Begin(Sealed());
  EXPECT_TRUE(again.ok()) << "the name is free: " << again.status();
}

TEST_F(ArchiveFilesTest, NoTwoAreOneFile) {
  const std::string archive = In("papers.tar");
  for (const std::string& proof :
       {archive, archive + ".partial", archive + ".key", archive + ".key.partial", In("./papers.tar"),
        In("../" + folder_.filename().string() + "/papers.tar")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths({archive, archive + ".key", proof}))) << proof;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths({In("a.partial"), "", In("a")})));
  Put("papers.tar", "an earlier one");
  fs::create_hard_link(archive, In("the-same"));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckArchivePaths({archive, "", In("the-same")})));
  fs::remove(archive);
  EXPECT_TRUE(CheckArchivePaths({archive, "", In("proof.json")}).ok());
  EXPECT_TRUE(CheckArchivePaths({archive, "", ""}).ok());
  EXPECT_TRUE(CheckArchivePaths({"-", "", "-.json"}).ok());
}

}  // namespace
}  // namespace relais::cli
