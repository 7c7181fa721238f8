#include "common/crypto/copied_key_ring.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/destroyed_key.h"

namespace relais::crypto {
namespace {

namespace fs = std::filesystem;

class CopiedRing : public ::testing::Test {
 protected:
  CopiedRing() {
    std::string name = (fs::temp_directory_path() / "relais-ring-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/ring";
    copy_ = folder_ + "/copy";
  }
  ~CopiedRing() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  absl::StatusOr<std::unique_ptr<CopiedKeyRing>> Open() {
    auto ring = fs::exists(path_) ? FileKeyRing::Open(path_, master_, random_)
                                  : FileKeyRing::Create(path_, master_, random_);
    if (!ring.ok()) {
      return ring.status();
    }
    return CopiedKeyRing::Open(*std::move(ring), path_, copy_, master_, random_);
  }
  absl::StatusOr<Secret> InCopy(const std::string& name, uint32_t version) {
    auto copy = FileKeyRing::Open(copy_, master_, random_);
    return copy.ok() ? (*copy)->Get(name, version) : absl::StatusOr<Secret>(copy.status());
  }

  relais::testing::SeededRandom random_{1};
  const Secret master_ = Secret(std::string(32, 'm'));
  const Secret key_ = Secret(std::string(32, 'k'));
  std::string folder_;
  std::string path_;
  std::string copy_;
};

TEST_F(CopiedRing, EveryChangeIsInBoth) {
  auto ring = Open();
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_EQ(*(*ring)->Add("a", key_), 1u);
  ASSERT_TRUE((*ring)->Put("b", 7, key_).ok());
  EXPECT_TRUE(InCopy("a", 1).ok());
  EXPECT_TRUE(InCopy("b", 7).ok());
  ASSERT_TRUE((*ring)->Destroy("a", 1).ok());
  EXPECT_TRUE(IsDestroyed(InCopy("a", 1).status()));
  // The ring is lost: the copy is one.
  fs::copy_file(copy_, path_, fs::copy_options::overwrite_existing);
  auto again = Open();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE((*again)->Get("b", 7).ok());
}

TEST_F(CopiedRing, ACopyThatLagsBehindIsBroughtUpToDate) {
  {
    auto ring = Open();
    ASSERT_TRUE(ring.ok());
    ASSERT_TRUE((*ring)->Add("a", key_).ok());
  }
  {
    auto alone = FileKeyRing::Open(path_, master_, random_);  // a crash before the copy was written
    ASSERT_TRUE(alone.ok());
    ASSERT_TRUE((*alone)->Add("a", key_).ok());
    ASSERT_TRUE((*alone)->Destroy("a", 1).ok());
  }
  ASSERT_TRUE(InCopy("a", 1).ok());
  auto ring = Open();
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE(IsDestroyed(InCopy("a", 1).status()));
  EXPECT_TRUE(InCopy("a", 2).ok());
}

TEST_F(CopiedRing, ADestroyedKeyIsDestroyedInTheCopyBeforeItIsNotFound) {
  auto ring = Open();
  ASSERT_TRUE(ring.ok());
  ASSERT_TRUE((*ring)->Add("a", key_).ok());
  ASSERT_TRUE((*ring)->Add("a", key_).ok());
  // The copy cannot be written: a folder is in its place.
  const std::string kept = copy_ + ".kept";
  fs::rename(copy_, kept);
  fs::create_directory(copy_);
  EXPECT_FALSE((*ring)->Destroy("a", 1).ok());
  EXPECT_FALSE((*ring)->Destroy("a", 1).ok());
  fs::remove(copy_);
  fs::rename(kept, copy_);
  ASSERT_TRUE(InCopy("a", 1).ok());
  EXPECT_EQ((*ring)->Destroy("a", 1).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(IsDestroyed(InCopy("a", 1).status()));
}

TEST_F(CopiedRing, ACopyThatCouldNotBeWrittenStaysOwed) {
  const std::string disk = folder_ + "/disk";
  fs::create_directory(disk);
  copy_ = disk + "/copy";
  auto ring = Open();
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_TRUE((*ring)->Add("a", key_).ok());
  fs::remove_all(disk);
  EXPECT_TRUE(absl::IsUnavailable((*ring)->Add("a", key_).status()));
  EXPECT_TRUE(absl::IsUnavailable((*ring)->Latest("a").status())) << "nothing is wrapped by it";
  EXPECT_TRUE(absl::IsUnavailable((*ring)->Destroy("a", 1)));
  EXPECT_TRUE((*ring)->Get("a", 1).ok()) << "not before the copy has its successor";
  fs::create_directory(disk);
  EXPECT_EQ((*ring)->Latest("a").value(), 2u);
  EXPECT_TRUE(InCopy("a", 2).ok());
  ASSERT_TRUE((*ring)->Destroy("a", 1).ok());
  EXPECT_TRUE(IsDestroyed(InCopy("a", 1).status()));
}

TEST_F(CopiedRing, AnOlderRingDoesNotOverwriteANewerCopy) {
  const std::string older = folder_ + "/older";
  {
    auto ring = Open();
    ASSERT_TRUE(ring.ok());
    fs::copy_file(path_, older);
    ASSERT_TRUE((*ring)->Add("a", key_).ok());
  }
  fs::copy_file(older, path_, fs::copy_options::overwrite_existing);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(InCopy("a", 1).ok());
}

// The copy is what the ring is put right from: it must not become what it is damaged to.
TEST_F(CopiedRing, ARingThatIsDamagedAtRunTimeIsNotCopied) {
  auto ring = Open();
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_EQ(*(*ring)->Add("a", key_), 1u);
  std::string text;
  {
    std::ifstream file(path_);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  text[text.size() / 2] = text[text.size() / 2] == 'A' ? 'B' : 'A';
  std::ofstream(path_, std::ios::trunc) << text;
  EXPECT_TRUE(absl::IsDataLoss((*ring)->Put("b", 1, key_)));
  EXPECT_TRUE(absl::IsDataLoss((*ring)->Destroy("a", 1)));
  EXPECT_TRUE(absl::IsDataLoss((*ring)->Add("a", key_).status()));
  EXPECT_TRUE(InCopy("a", 1).ok());
  EXPECT_EQ(*(*ring)->Latest("a"), 1u);
  EXPECT_TRUE(InCopy("a", 1).ok());
  fs::copy_file(copy_, path_, fs::copy_options::overwrite_existing);
  EXPECT_TRUE((*ring)->Put("b", 1, key_).ok());
  EXPECT_TRUE(InCopy("b", 1).ok());
}

TEST_F(CopiedRing, ADamagedCopyIsReplaced) {
  {
    auto ring = Open();
    ASSERT_TRUE(ring.ok());
    ASSERT_TRUE((*ring)->Add("a", key_).ok());
  }
  std::ofstream(copy_, std::ios::trunc) << "rubbish";
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(InCopy("a", 1).ok());
}

}  // namespace
}  // namespace relais::crypto
