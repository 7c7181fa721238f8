#include "common/base/random.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>

namespace relais {
namespace {

TEST(SystemRandomTest, NoBytesAreGivenTwice) {
  SystemRandom random;
  std::set<std::string> seen;
  // Small and large amounts, across many refills.
  for (int i = 0; i < 2000; ++i) {
    for (const size_t n : {size_t{16}, size_t{24}, size_t{32}, size_t{64}, size_t{65}}) {
      EXPECT_TRUE(seen.insert(random.Bytes(n).substr(0, 16)).second);
    }
  }
}

TEST(SystemRandomTest, EachThreadHasItsOwn) {
  SystemRandom random;
  std::array<std::string, 2> drawn;
  std::thread one([&] { drawn[0] = random.Bytes(32); });
  std::thread two([&] { drawn[1] = random.Bytes(32); });
  one.join();
  two.join();
  EXPECT_NE(drawn[0], drawn[1]);
}

// A child begins with a copy of its parent's memory, and must not repeat what the parent goes on to give.
TEST(SystemRandomTest, AForkedChildDrawsItsOwn) {
  SystemRandom random;
  random.Id();  // so that this thread has bytes in store
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string drawn = random.Bytes(32);
    _exit(write(pipe_ends[1], drawn.data(), drawn.size()) == 32 ? 0 : 1);
  }
  const std::string own = random.Bytes(32);
  std::string childs(32, '\0');
  ASSERT_EQ(read(pipe_ends[0], childs.data(), childs.size()), 32);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(own, childs);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace relais
