// A log exported and checked; whatever is changed in the file is noticed.
#include "services/cli/export_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/ed25519.h"
#include "services/cli/fsck_export.h"
#include "services/cli/output.h"

namespace relais::cli {
namespace {

constexpr char kOrigin[] = "relais.test/consent/1";

class ExportTest : public ::testing::Test {
 protected:
  ExportTest() : key_(crypto::SigningKey::Generate(random_)), verifiers_({{kOrigin, key_.verify_key()}}) {
    for (int i = 0; i < 3; ++i) {
      leaves_.push_back(Leaf(1'700'000'000 + i));
    }
  }

  std::string Leaf(int64_t seconds) {
    audit::Event event;
    event.event_id = random_.Id();
    event.event_class = audit::v1::EVENT_CLASS_SERVICE_STARTED;
    event.institution = "service/consent";
    std::string bytes = *audit::SealLeaf(event, random_.Bytes(audit::kLeafRandomSize), false,
                                         Secret(random_.Bytes(32)), Secret(random_.Bytes(32)));
    audit::StampTime(bytes, absl::FromUnixSeconds(seconds));
    return bytes;
  }

  std::string Checkpoint(size_t size) {
    merkle::Frontier tree;
    for (size_t i = 0; i < size; ++i) {
      tree.Append(merkle::HashLeaf(leaves_[i]), nullptr);
    }
    return *merkle::SignCheckpoint({kOrigin, size, tree.root(), {}}, key_);
  }

  std::string File() {
    std::ostringstream out;
    out << ExportHeader(kOrigin, Checkpoint(leaves_.size()));
    for (const std::string& leaf : leaves_) {
      WriteLeaf(out, leaf);
    }
    return out.str();
  }

  absl::StatusOr<VerifiedLog> Verify(const std::string& file) {
    std::istringstream in(file);
    return VerifyExport(in, verifiers_);
  }

  relais::testing::SeededRandom random_{7};
  crypto::SigningKey key_;
  std::vector<merkle::NoteVerifier> verifiers_;
  std::vector<std::string> leaves_;
};

TEST_F(ExportTest, AWholeExportVerifies) {
  const auto log = Verify(File());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->checkpoint.size, 3U);
  EXPECT_EQ(log->checkpoint.origin, kOrigin);
  EXPECT_EQ(log->by_class.at("SERVICE_STARTED"), 3U);
  EXPECT_EQ(log->last, absl::FromUnixSeconds(1'700'000'002));
}

TEST_F(ExportTest, EveryFlippedBitIsNoticed) {
  const std::string file = File();
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[i] =
          static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << static_cast<unsigned>(bit)));
      EXPECT_FALSE(Verify(changed).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST_F(ExportTest, EveryPrefixAndExtensionIsNoticed) {
  const std::string file = File();
  for (size_t n = 0; n < file.size(); ++n) {
    EXPECT_FALSE(Verify(file.substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(Verify(file + std::string(1, '\0')).ok());
  std::ostringstream longer;
  WriteLeaf(longer, leaves_.back());
  EXPECT_FALSE(Verify(file + longer.str()).ok());
}

// fsck goes on after a fault and says where it is.
TEST_F(ExportTest, FsckFindsEveryFlippedBitAndNamesLeaves) {
  const auto fsck = [this](const std::string& file) {
    std::istringstream in(file);
    audit::Findings findings;
    FsckExport(in, verifiers_, findings);
    std::string text;
    for (const audit::Finding& finding : findings.list()) {
      text += finding.where + ": " + finding.what + "\n";
    }
    return text;
  };
  const std::string file = File();
  EXPECT_EQ(fsck(file), "");
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string changed = file;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(fsck(changed), "") << bit;
  }
  for (size_t n = 0; n < file.size(); ++n) {
    EXPECT_NE(fsck(file.substr(0, n)), "") << n;
  }
  std::string format = file;
  const size_t second = file.size() - leaves_[2].size() - 4 - leaves_[1].size();
  format[second] = 7;  // the second leaf's format byte
  EXPECT_EQ(fsck(format),
            absl::StrCat("leaf 1, bytes ", second - 4, "-", second + leaves_[1].size() - 1,
                         ": leaf: unknown format\n"
                         "line 1, checkpoint line 3: the leaves do not lead to this root: one of "
                         "them was altered\n"));
  EXPECT_EQ(fsck(file.substr(0, file.size() - 1)),
            absl::StrCat("leaf 2, byte ", file.size() - leaves_[2].size() - 4,
                         ": the file ends within this leaf\n"));
  std::swap(leaves_[0], leaves_[1]);
  EXPECT_NE(
      fsck(file.substr(0, file.find('\n') + 1) + File().substr(File().find('\n') + 1)).find("leaf 1, bytes"),
      std::string::npos);
}

TEST_F(ExportTest, AnUnknownKeyProvesNothing) {
  verifiers_[0].key = crypto::SigningKey::Generate(random_).verify_key();
  EXPECT_TRUE(absl::IsDataLoss(Verify(File()).status()));
  verifiers_.clear();
  EXPECT_TRUE(absl::IsDataLoss(Verify(File()).status()));
}

TEST_F(ExportTest, TimesMayNotGoBack) {
  leaves_.push_back(Leaf(1'600'000'000));
  const auto log = Verify(File());
  ASSERT_FALSE(log.ok());
  EXPECT_NE(std::string(log.status().message()).find("leaf time"), std::string::npos);
}

TEST_F(ExportTest, ALogMustContainWhatWasSeenBefore) {
  const auto seen = LogVerifier::Open(Checkpoint(2), verifiers_)->checkpoint();
  const auto run = [&](const merkle::Checkpoint& older) {
    LogVerifier verifier = *LogVerifier::Open(Checkpoint(3), verifiers_);
    absl::Status status = verifier.MustContain(older);
    for (const std::string& leaf : leaves_) {
      status.Update(verifier.Add(leaf));
    }
    status.Update(verifier.Finish().status());
    return status;
  };
  EXPECT_TRUE(run(seen).ok());
  merkle::Checkpoint forked = seen;
  forked.root[0] ^= 1;
  EXPECT_NE(std::string(run(forked).message()).find("forked"), std::string::npos);
  merkle::Checkpoint rolled_back = seen;
  rolled_back.size = 4;
  EXPECT_NE(std::string(run(rolled_back).message()).find("rolled back"), std::string::npos);
  merkle::Checkpoint other = seen;
  other.origin = "relais.test/routing/1";
  EXPECT_TRUE(absl::IsDataLoss(run(other)));
}

}  // namespace
}  // namespace relais::cli
