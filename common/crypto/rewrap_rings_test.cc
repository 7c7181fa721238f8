#include "common/crypto/rewrap_rings.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/copied_key_ring.h"
#include "common/crypto/destroyed_key.h"
#include "common/crypto/file_key_ring.h"

namespace relais::crypto {
namespace {

namespace fs = std::filesystem;

const Secret kOld(std::string(32, 'o'));
const Secret kNew(std::string(32, 'n'));
const Secret kKey(std::string(32, 'k'));

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class RewrapRingsTest : public ::testing::Test {
 protected:
  RewrapRingsTest() {
    std::string name = (fs::temp_directory_path() / "relais-rewrap-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    fs::create_directory(folder_ + "/elsewhere");
    path_ = folder_ + "/ring";
    copy_ = folder_ + "/elsewhere/copy";
    auto ring = FileKeyRing::Create(path_, kOld, random_);
    EXPECT_TRUE(ring.ok() && (*ring)->Put("leaf", 1, kKey).ok());
    EXPECT_TRUE((*ring)->Put("paper", 1, kKey).ok());
    EXPECT_TRUE((*ring)->Put("paper", 2, Secret(std::string(32, 'p'))).ok());
    EXPECT_TRUE((*ring)->Destroy("paper", 1).ok());
    fs::copy_file(path_, copy_);
  }
  ~RewrapRingsTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  absl::StatusOr<std::vector<RewrappedRing>> Rewrap() {
    return RewrapRings({path_, copy_}, kOld, kNew, random_);
  }
  bool Opens(const std::string& path, const Secret& master) {
    return FileKeyRing::Open(path, master, random_).ok();
  }
  // With this master, and all that was in it.
  void ExpectWhole(const std::string& path, const Secret& master) {
    const auto ring = FileKeyRing::Open(path, master, random_);
    ASSERT_TRUE(ring.ok()) << ring.status();
    EXPECT_EQ((*ring)->Get("leaf", 1)->ExposeSecret(), kKey.ExposeSecret());
    EXPECT_EQ((*ring)->Get("paper", 2)->ExposeSecret(), std::string(32, 'p'));
    EXPECT_TRUE(IsDestroyed((*ring)->Get("paper", 1).status()));
    EXPECT_EQ((*ring)->List().size(), 2U);
  }
  void ExpectDone() {
    for (const std::string& path : {path_, copy_}) {
      ExpectWhole(path, kNew);
      EXPECT_TRUE(absl::IsFailedPrecondition(FileKeyRing::Open(path, kOld, random_).status())) << path;
    }
  }

  testing::SeededRandom random_{1};
  std::string folder_;
  std::string path_;
  std::string copy_;
};

TEST_F(RewrapRingsTest, AllKeysAreReadWithTheNewMasterAndNoneWithTheOld) {
  const auto done = Rewrap();
  ASSERT_TRUE(done.ok()) << done.status();
  ASSERT_EQ(done->size(), 2U);
  for (const RewrappedRing& ring : *done) {
    EXPECT_TRUE(ring.rewrapped);
    EXPECT_EQ(ring.keys, 2U);
  }
  ExpectDone();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2) << "no temporary file is left";
  // As a service opens them.
  auto ring = FileKeyRing::Open(path_, kNew, random_);
  ASSERT_TRUE(ring.ok());
  auto copied = CopiedKeyRing::Open(*std::move(ring), path_, copy_, kNew, random_);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(*(*copied)->Add("paper", kKey), 3U);
}

TEST_F(RewrapRingsTest, NoLineStaysAsItWas) {
  const std::string before = Slurp(path_);
  ASSERT_TRUE(Rewrap().ok());
  const std::string after = Slurp(path_);
  size_t sealed = 0;
  for (size_t at = 0; at < before.size();) {
    const std::string line = before.substr(at, before.find('\n', at) - at);
    at += line.size() + 1;
    if (line.size() > 40) {
      ++sealed;
      EXPECT_EQ(after.find(line), std::string::npos) << line;
    }
  }
  EXPECT_EQ(sealed, 3U) << "the master's line and two keys";
}

TEST_F(RewrapRingsTest, TheReplacedFileIsOverwritten) {
  const int old = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(old, 0);
  const size_t size = Slurp(path_).size();
  ASSERT_TRUE(Rewrap().ok());
  std::string bytes(size, 'x');
  EXPECT_EQ(::read(old, bytes.data(), bytes.size()), static_cast<ssize_t>(size));
  EXPECT_EQ(bytes, std::string(size, '\0'));
  ::close(old);
}

TEST_F(RewrapRingsTest, AgainChangesNothing) {
  ASSERT_TRUE(Rewrap().ok());
  const std::string text = Slurp(path_);
  const auto again = Rewrap();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE((*again)[0].rewrapped);
  EXPECT_FALSE((*again)[1].rewrapped);
  EXPECT_EQ(Slurp(path_), text);
}

TEST_F(RewrapRingsTest, NothingChangesUnlessAllOpen) {
  const std::string ring = Slurp(path_);
  const Secret wrong(std::string(32, 'w'));
  EXPECT_TRUE(absl::IsFailedPrecondition(RewrapRings({path_}, wrong, kNew, random_).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RewrapRings({path_}, kOld, Secret("short"), random_).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RewrapRings({path_}, kOld, kOld, random_).status()));
  EXPECT_TRUE(absl::IsNotFound(RewrapRings({path_, folder_ + "/none"}, kOld, kNew, random_).status()));
  std::ofstream(copy_, std::ios::app) << "garbage\n";
  EXPECT_TRUE(absl::IsDataLoss(Rewrap().status()));
  fs::remove(copy_);
  ASSERT_TRUE(FileKeyRing::Create(copy_, wrong, random_).ok());
  const absl::Status others = Rewrap().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(others));
  EXPECT_NE(others.message().find(copy_), std::string::npos) << others;
  EXPECT_EQ(Slurp(path_), ring);
}

TEST_F(RewrapRingsTest, AFailedWriteLeavesTheRingUnderTheOldMaster) {
  // A folder in the place of the temporary file makes the write fail, for root as well.
  ASSERT_TRUE(fs::create_directories(path_ + ".tmp/x"));
  EXPECT_FALSE(Rewrap().ok());
  ExpectWhole(path_, kOld);
  fs::remove_all(path_ + ".tmp");
  ASSERT_TRUE(Rewrap().ok());
  ExpectDone();
}

// A service that was not stopped.
TEST_F(RewrapRingsTest, WhoHasTheRingOpenReadsOnAndChangesNothing) {
  auto open = FileKeyRing::Open(path_, kOld, random_);
  ASSERT_TRUE(open.ok());
  auto running = CopiedKeyRing::Open(*std::move(open), path_, copy_, kOld, random_);
  ASSERT_TRUE(running.ok()) << running.status();
  ASSERT_TRUE(Rewrap().ok());
  EXPECT_TRUE((*running)->Get("paper", 2).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*running)->Add("paper", kKey).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition((*running)->Destroy("paper", 2)));
  EXPECT_TRUE((*running)->Get("paper", 2).ok());
  ExpectDone();
}

// ---- killed at every step

// Runs it in a process that is killed at the nth stop: odd ones are beginnings of system calls, even ones
// their ends. True: it ended before.
bool KilledAt(int stop, const std::string& ring, const std::string& copy) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
      ::_exit(2);
    }
    ::raise(SIGSTOP);
    testing::SeededRandom random(2);
    ::_exit(RewrapRings({ring, copy}, kOld, kNew, random).ok() ? 0 : 1);
  }
  EXPECT_GT(child, 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSTOPPED(status)) << "no process of its own may be traced here: " << status;
  for (int at = 0; WIFSTOPPED(status) && at < stop; ++at) {
    EXPECT_EQ(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    EXPECT_EQ(::waitpid(child, &status, 0), child);
  }
  if (WIFEXITED(status)) {
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return true;
  }
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return false;
}

TEST_F(RewrapRingsTest, KilledAtAnyStepEachOpensWithOneMasterAndAgainCompletes) {
  const std::string text = Slurp(path_);
  bool ring_alone = false;  // seen: the ring done, its copy not
  int stop = 1;
  for (bool ended = false; !ended; stop += 2) {
    ASSERT_LT(stop, 10'000);
    for (const std::string& path : {path_, copy_}) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
      ::chmod(path.c_str(), 0600);
    }
    ended = KilledAt(stop, path_, copy_);
    for (const std::string& path : {path_, copy_}) {
      const bool is_new = Opens(path, kNew);
      EXPECT_NE(Opens(path, kOld), is_new) << path << " at " << stop;
      ExpectWhole(path, is_new ? kNew : kOld);
    }
    ring_alone = ring_alone || (Opens(path_, kNew) && Opens(copy_, kOld));
    const auto again = Rewrap();
    ASSERT_TRUE(again.ok()) << again.status() << " at " << stop;
    ExpectDone();
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_TRUE(ring_alone);
  EXPECT_GT(stop, 50) << "it was killed at no step";
}

}  // namespace
}  // namespace relais::crypto
