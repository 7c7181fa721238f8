#include "common/directory/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "common/directory/testing/mini.h"
#include "common/directory/testing/sample.h"
#include "common/pki/file.h"

namespace relais::directory {
namespace {

using ::testing::HasSubstr;
using testing::kMiniYaml;
using testing::Replaced;

crypto::SigningKey Key(char fill) {
  return crypto::SigningKey::FromSeed(Secret(std::string(32, fill))).value();
}

std::string Version(int version) {
  return Replaced(kMiniYaml, "version: 7", "version: " + std::to_string(version));
}

class SourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = ::testing::TempDir() + "relais_directory_source";
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& yaml) const { WriteSignedBy(yaml, Key('r')); }
  void WriteSignedBy(const std::string& yaml, const crypto::SigningKey& key) const {
    WriteFile("directory.yaml", yaml);
    WriteFile("directory.yaml.sig", SignDirectory(yaml, key, "root-1").value());
  }
  void WriteFile(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(pki::WriteFileDurably(dir_ + "/" + name, content, 0600).ok());
  }
  [[nodiscard]] DirectorySource::Options Options() const {
    return {dir_ + "/directory.yaml",
            {{"root-1", Key('r').verify_key()}},
            {},
            dir_ + "/remembered",
            dir_ + "/archive"};
  }
  [[nodiscard]] absl::StatusOr<std::unique_ptr<DirectorySource>> Open() const {
    return DirectorySource::Open(Options());
  }

  std::string dir_;
};

TEST_F(SourceTest, OpensASignedDirectory) {
  Write(Version(7));
  const auto source = Open();
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->Current()->version(), 7U);
  EXPECT_EQ((*source)->CurrentSigned().yaml, Version(7));
}

TEST_F(SourceTest, WithoutFileOrSignatureThereIsNone) {
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
  WriteFile("directory.yaml", Version(7));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SourceTest, ATamperedTextIsRefused) {
  Write(Version(7));
  WriteFile("directory.yaml", Version(8));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SourceTest, AnotherKeyIsRefused) {
  WriteSignedBy(Version(7), Key('x'));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SourceTest, WhatDoesNotLintIsRefused) {
  Write(Replaced(kMiniYaml, "purpose: ENERGY_AID", "purpose: FRAUD"));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/remembered"));
}

TEST_F(SourceTest, ReloadServesANewVersion) {
  Write(Version(7));
  const auto source = Open().value();
  const auto before = source->Current();
  Write(Version(9));
  ASSERT_TRUE(source->Reload().ok());
  EXPECT_EQ(source->Current()->version(), 9U);
  EXPECT_EQ(before->version(), 7U);
}

TEST_F(SourceTest, ReloadKeepsTheLastGoodOne) {
  Write(Version(7));
  const auto source = Open().value();
  WriteFile("directory.yaml", Version(8));
  EXPECT_EQ(source->Reload().code(), absl::StatusCode::kPermissionDenied);
  Write("version: nonsense\n");
  EXPECT_EQ(source->Reload().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::remove(dir_ + "/directory.yaml");
  EXPECT_EQ(source->Reload().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(source->Current()->version(), 7U);
  EXPECT_EQ(source->CurrentSigned().yaml, Version(7));
  Write(Version(8));
  EXPECT_TRUE(source->Reload().ok());
  EXPECT_EQ(source->Current()->version(), 8U);
}

TEST_F(SourceTest, TheVersionNeverGoesBack) {
  Write(Version(7));
  const auto source = Open().value();
  Write(Version(6));
  const absl::Status back = source->Reload();
  EXPECT_EQ(back.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(back.message()), HasSubstr("6 is older than version 7"));
  EXPECT_EQ(source->Current()->version(), 7U);
}

TEST_F(SourceTest, NotEvenAfterARestart) {
  Write(Version(7));
  ASSERT_TRUE(Open().ok());
  Write(Version(6));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  Write(Version(7));
  EXPECT_TRUE(Open().ok());
}

TEST_F(SourceTest, OneVersionHasOneContent) {
  Write(Version(7));
  const auto source = Open().value();
  ASSERT_TRUE(source->Reload().ok());
  Write(Version(7) + "# another\n");
  EXPECT_EQ(source->Reload().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SourceTest, ADamagedMemoryIsNotAFirstStart) {
  Write(Version(7));
  ASSERT_TRUE(Open().ok());
  const std::string good = pki::ReadWholeFile(dir_ + "/remembered", 1000).value();
  EXPECT_THAT(good, HasSubstr("relais-directory-remembered/1\nversion 7\nsha256 "));
  for (const std::string& damaged :
       {std::string(), std::string("version 3\n"), good.substr(0, good.size() - 1)}) {
    WriteFile("remembered", damaged);
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(SourceTest, PastVersionsCanBeRetrieved) {
  Write(Version(7));
  const auto source = Open().value();
  Write(Version(8));
  ASSERT_TRUE(source->Reload().ok());
  const auto archived = source->Archived(7);
  ASSERT_TRUE(archived.ok()) << archived.status();
  EXPECT_EQ(archived->yaml, Version(7));
  EXPECT_TRUE(VerifySigned(archived->yaml, archived->signature, Options().root_keys).ok());
  EXPECT_EQ(source->Archived(8)->yaml, Version(8));
  EXPECT_EQ(source->Archived(9).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SourceTest, ATouchedArchiveIsSeen) {
  Write(Version(7));
  const auto source = Open().value();
  WriteFile("archive/7.yaml", Version(7) + "# more\n");
  EXPECT_EQ(source->Archived(7).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(SourceTest, ARetiredRootKeyIsBelievedForTheArchiveOnly) {
  Write(Version(7));
  ASSERT_TRUE(Open().ok());
  DirectorySource::Options options = Options();
  options.root_keys = {{"root-2", Key('n').verify_key()}};
  options.retired_keys = {{"root-1", Key('r').verify_key()}};
  EXPECT_EQ(DirectorySource::Open(options).status().code(), absl::StatusCode::kPermissionDenied);
  WriteFile("directory.yaml", Version(8));
  WriteFile("directory.yaml.sig", SignDirectory(Version(8), Key('n'), "root-2").value());
  const auto source = DirectorySource::Open(options);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE((*source)->Archived(7).ok());
}

TEST_F(SourceTest, NothingIsServedThatCouldNotBeRemembered) {
  Write(Version(7));
  const auto source = Open().value();
  Write(Version(8));
  // A folder where the file should be: the rename fails.
  std::filesystem::remove(dir_ + "/remembered");
  std::filesystem::create_directories(dir_ + "/remembered/x");
  EXPECT_FALSE(source->Reload().ok());
  EXPECT_EQ(source->Current()->version(), 7U);
}

TEST_F(SourceTest, AnExpiredDirectoryLoadsAndSaysSo) {
  Write(Version(7));
  const auto source = Open().value();
  const absl::Time end = source->Current()->content().not_after;
  EXPECT_FALSE(source->Expired(end));
  EXPECT_TRUE(source->Expired(end + absl::Seconds(1)));
}

TEST_F(SourceTest, ReadersAndReloadsMayRunTogether) {
  Write(Version(10));
  const auto source = Open().value();
  std::atomic<bool> done{false};
  std::atomic<bool> went_back{false};
  std::thread reader([&] {
    uint64_t last = 0;
    while (!done) {
      const uint64_t version = source->Current()->version();
      went_back = went_back || version < last;
      last = version;
    }
  });
  for (int version = 11; version < 25; ++version) {
    Write(Version(version));
    EXPECT_TRUE(source->Reload().ok());
  }
  done = true;
  reader.join();
  EXPECT_FALSE(went_back);
  EXPECT_EQ(source->Current()->version(), 24U);
}

}  // namespace
}  // namespace relais::directory
