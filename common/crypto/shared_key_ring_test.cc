#include "common/crypto/shared_key_ring.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/testing/seeded_random.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

const Secret kMaster(std::string(32, 'm'));
const Secret kFirst(std::string(32, 'a'));
const Secret kSecond(std::string(32, 'b'));

// The ring as a service has it, and as the command that adds a key opens it.
class SharedKeyRingTest : public ::testing::Test {
 protected:
  SharedKeyRingTest() {
    std::string name = std::filesystem::temp_directory_path() / "relais-shared-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/ring";
    command_ = FileKeyRing::Create(path_, kMaster, random_).value();
    EXPECT_TRUE(command_->Put("key", 1, kFirst).ok());
    service_ = SharedKeyRing::Open(path_, kMaster, random_).value();
  }
  ~SharedKeyRingTest() override { std::filesystem::remove_all(folder_); }

  testing::SeededRandom random_{1};
  std::string folder_;
  std::string path_;
  std::unique_ptr<FileKeyRing> command_;
  std::unique_ptr<SharedKeyRing> service_;
};

TEST_F(SharedKeyRingTest, NothingIsReadAgainWithoutAChange) {
  EXPECT_FALSE(service_->Refresh().value());
  EXPECT_TRUE(absl::IsNotFound(service_->Get("key", 2).status()));
  EXPECT_EQ(service_->Latest("key").value(), 1U);
}

TEST_F(SharedKeyRingTest, ANewVersionIsTheLatestAfterRefresh) {
  ASSERT_EQ(command_->Add("key", kSecond).value(), 2U);
  EXPECT_EQ(service_->Latest("key").value(), 1U);  // it looks when told, not at every call
  EXPECT_TRUE(service_->Refresh().value());
  EXPECT_EQ(service_->Latest("key").value(), 2U);
  EXPECT_FALSE(service_->Refresh().value());
  EXPECT_EQ(service_->List().size(), 2U);
}

// Another service that already has version 2 may ask about it before this one has looked.
TEST_F(SharedKeyRingTest, AVersionAskedForIsFoundBeforeRefresh) {
  ASSERT_TRUE(command_->Add("key", kSecond).ok());
  EXPECT_EQ(service_->Get("key", 2).value().ExposeSecret(), kSecond.ExposeSecret());
  EXPECT_EQ(service_->Latest("key").value(), 2U);
}

TEST_F(SharedKeyRingTest, ANameAskedForIsFoundBeforeRefresh) {
  ASSERT_TRUE(command_->Add("other", kSecond).ok());
  EXPECT_EQ(service_->Latest("other").value(), 1U);
}

TEST_F(SharedKeyRingTest, ADestroyedKeyIsGoneAfterRefresh) {
  ASSERT_TRUE(command_->Destroy("key", 1).ok());
  EXPECT_TRUE(service_->Refresh().value());
  EXPECT_TRUE(absl::IsNotFound(service_->Get("key", 1).status()));
}

TEST_F(SharedKeyRingTest, WhatCannotBeReadIsTriedAgain) {
  ASSERT_TRUE(command_->Add("key", kSecond).ok());
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);  // others may read it: refused
  EXPECT_TRUE(absl::IsPermissionDenied(service_->Refresh().status()));
  EXPECT_EQ(service_->Get("key", 1).value().ExposeSecret(), kFirst.ExposeSecret());
  EXPECT_TRUE(absl::IsNotFound(service_->Get("key", 2).status()));
  // A change of mode alone leaves the file what it was: only the failure is remembered.
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_TRUE(service_->Refresh().value());
  EXPECT_TRUE(service_->Get("key", 2).ok());
}

TEST_F(SharedKeyRingTest, ItsOwnChangesAreDurableAndItsOwn) {
  EXPECT_EQ(service_->Add("key", kSecond).value(), 2U);
  EXPECT_EQ(service_->Latest("key").value(), 2U);
  ASSERT_TRUE(command_->Reload().ok());
  EXPECT_EQ(command_->Latest("key").value(), 2U);
}

}  // namespace
}  // namespace relais::crypto
