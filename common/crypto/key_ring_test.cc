// One suite for both rings: what the interface promises.
#include "common/crypto/key_ring.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/memory_key_ring.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

Secret Key(char c, size_t n = 32) { return Secret(std::string(n, c)); }

class KeyRingTest : public ::testing::TestWithParam<bool> {
 protected:
  KeyRingTest() {
    if (!GetParam()) {
      ring_ = std::make_unique<MemoryKeyRing>();
      return;
    }
    std::string name = std::filesystem::temp_directory_path() / "relais-ring-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    ring_ = *FileKeyRing::Create(folder_ + "/ring", Key('m'), random_);
  }
  ~KeyRingTest() override {
    if (!folder_.empty()) {
      std::filesystem::remove_all(folder_);
    }
  }
  // The file ring is opened afresh, so that each check also tells what was written.
  KeyRing& Reopened() {
    if (GetParam()) {
      ring_ = *FileKeyRing::Open(folder_ + "/ring", Key('m'), random_);
    }
    return *ring_;
  }

  testing::SeededRandom random_{1};
  std::string folder_;
  std::unique_ptr<KeyRing> ring_;
};

INSTANTIATE_TEST_SUITE_P(Rings, KeyRingTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "File" : "Memory"; });

TEST_P(KeyRingTest, AddGetLatest) {
  EXPECT_TRUE(absl::IsNotFound(ring_->Latest("handle/edf").status()));
  EXPECT_EQ(*ring_->Add("handle/edf", Key('a', 64)), 1U);
  EXPECT_EQ(*ring_->Add("handle/edf", Key('b', 64)), 2U);
  EXPECT_EQ(*ring_->Add("handle/edf2", Key('c')), 1U);
  KeyRing& ring = Reopened();
  EXPECT_EQ(*ring.Latest("handle/edf"), 2U);
  EXPECT_EQ(ring.Get("handle/edf", 1)->ExposeSecret(), std::string(64, 'a'));
  EXPECT_EQ(ring.Get("handle/edf", 2)->ExposeSecret(), std::string(64, 'b'));
  EXPECT_TRUE(absl::IsNotFound(ring.Get("handle/edf", 3).status()));
  EXPECT_TRUE(absl::IsNotFound(ring.Get("handle", 1).status()));
  EXPECT_TRUE(absl::IsNotFound(ring.Latest("handle").status()));
  const std::vector<KeyVersion> expected = {{"handle/edf", 1}, {"handle/edf", 2}, {"handle/edf2", 1}};
  EXPECT_EQ(ring.List(), expected);
}

TEST_P(KeyRingTest, PutKeepsWhatIsThere) {
  EXPECT_TRUE(ring_->Put("month", 202611, Key('a')).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(ring_->Put("month", 202611, Key('b'))));
  EXPECT_TRUE(absl::IsAlreadyExists(ring_->Put("month", 202611, Key('a'))));
  EXPECT_EQ(Reopened().Get("month", 202611)->ExposeSecret(), std::string(32, 'a'));
  EXPECT_EQ(*ring_->Add("month", Key('c')), 202612U);
}

TEST_P(KeyRingTest, DestroyedStaysDestroyed) {
  ASSERT_TRUE(ring_->Add("epoch", Key('a')).ok());
  ASSERT_TRUE(ring_->Add("epoch", Key('b')).ok());
  EXPECT_TRUE(ring_->Destroy("epoch", 2).ok());
  EXPECT_TRUE(absl::IsNotFound(Reopened().Destroy("epoch", 2)));
  EXPECT_TRUE(absl::IsNotFound(ring_->Destroy("epoch", 9)));
  const absl::Status gone = ring_->Get("epoch", 2).status();
  EXPECT_TRUE(absl::IsNotFound(gone));
  EXPECT_NE(gone.ToString().find("destroyed"), std::string::npos);
  EXPECT_EQ(*ring_->Latest("epoch"), 1U);
  EXPECT_EQ(ring_->List(), (std::vector<KeyVersion>{{"epoch", 1}}));
  // Its number is not given to another key.
  EXPECT_TRUE(absl::IsAlreadyExists(ring_->Put("epoch", 2, Key('c'))));
  EXPECT_EQ(*ring_->Add("epoch", Key('c')), 3U);
  EXPECT_TRUE(ring_->Destroy("epoch", 1).ok());
  EXPECT_TRUE(ring_->Destroy("epoch", 3).ok());
  EXPECT_TRUE(absl::IsNotFound(Reopened().Latest("epoch").status()));
  EXPECT_EQ(*ring_->Add("epoch", Key('d')), 4U);
}

TEST_P(KeyRingTest, BadInputIsRefused) {
  const std::string too_long(129, 'n');
  for (const std::string& name : {std::string(), std::string("a b"), std::string("A"), std::string("a\n"),
                                  std::string("é"), too_long}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ring_->Add(name, Key('a')).status())) << name;
    EXPECT_TRUE(absl::IsInvalidArgument(ring_->Put(name, 1, Key('a')))) << name;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ring_->Put("a", 0, Key('a'))));
  for (const size_t n : {0, 16, 31, 33, 63, 65}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ring_->Add("a", Key('a', n)).status())) << n;
  }
  EXPECT_TRUE(ring_->Put("a", std::numeric_limits<uint32_t>::max(), Key('a')).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ring_->Add("a", Key('b')).status()));
  EXPECT_EQ(Reopened().List().size(), 1U);
}

TEST_P(KeyRingTest, ThreadsAddDifferentVersions) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 5; ++i) {
        const auto version = ring_->Add("k", Key('a'));
        EXPECT_TRUE(version.ok() && ring_->Get("k", *version).ok());
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(*Reopened().Latest("k"), 20U);
  EXPECT_EQ(ring_->List().size(), 20U);
}

}  // namespace
}  // namespace relais::crypto
