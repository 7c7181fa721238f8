// Ten thousand seeded schedules (fewer without optimisation). A failing seed is printed and replays exactly:
//   RELAIS_SIM_SEED=<seed> build/release/tests/simulation_test
// A part of the load alone, for a look at one thing: RELAIS_SIM_LOAD=papers, or =messages; =all: both in
// every one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/sim/world.h"

namespace relais::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// Papers take as long as all the rest: they are in the first schedules. RELAIS_SIM_LOAD=all has them in every
// one.
constexpr uint64_t kWithPapers = 2500;

WorldOptions OptionsOf(uint64_t seed) {
  const char* const load = std::getenv("RELAIS_SIM_LOAD");
  WorldOptions options;
  options.seed = seed;
  options.messages = load == nullptr || std::string_view(load) != "papers";
  options.papers = load == nullptr ? seed <= kWithPapers : std::string_view(load) != "messages";
  return options;
}

#ifdef NDEBUG
constexpr uint64_t kSchedules = 10000;
#else
constexpr uint64_t kSchedules = 200;
#endif

TEST(Simulation, NoScheduleBreaksAPromise) {
  const uint64_t only = FromEnvironment("RELAIS_SIM_SEED", 0);
  // CTest runs two shares side by side: odd and even seeds.
  const uint64_t shares = only != 0 ? 1 : FromEnvironment("RELAIS_SIM_SHARES", 1);
  const uint64_t first = only != 0 ? only : 1 + FromEnvironment("RELAIS_SIM_SHARE", 0);
  const uint64_t count = only != 0 ? 1 : FromEnvironment("RELAIS_SIM_SCHEDULES", kSchedules) / shares;
  World::Counts total;
  int with_papers = 0;
  for (uint64_t seed = first; seed < first + count * shares; seed += shares) {
    with_papers += OptionsOf(seed).papers ? 1 : 0;
    World world(OptionsOf(seed));
    const absl::Status status = world.Run();
    ASSERT_TRUE(status.ok()) << status << "\nreplay: RELAIS_SIM_SEED=" << seed;
    total.sent += world.counts().sent;
    total.crashes += world.counts().crashes;
    total.refused_checks += world.counts().refused_checks;
    total.accepted_rows += world.counts().accepted_rows;
    total.withdrawals += world.counts().withdrawals;
    total.expiring += world.counts().expiring;
    total.deposits += world.counts().deposits;
    total.shared_reads += world.counts().shared_reads;
    total.refused_reads += world.counts().refused_reads;
    total.erasures += world.counts().erasures;
  }
  std::cout << count << " schedules: " << total.crashes << " crashes, " << total.sent << " deliveries, "
            << total.withdrawals << " withdrawals, " << total.refused_checks << " refused checks, "
            << total.accepted_rows << " accepted rows, " << total.deposits << " papers, "
            << total.shared_reads << " shared readings, " << total.refused_reads << " refused, "
            << total.erasures << " erasures\n";
  // A simulation in which nothing happens proves nothing.
  if (only == 0) {
    EXPECT_GT(total.crashes, static_cast<int>(count) / 4);
  }
  if (only == 0 && OptionsOf(1).messages) {
    EXPECT_GT(total.sent, static_cast<int>(count));
    EXPECT_GT(total.withdrawals, static_cast<int>(count));
    EXPECT_GT(total.expiring, static_cast<int>(count));
    EXPECT_GT(total.refused_checks, static_cast<int>(count));
    EXPECT_GT(total.accepted_rows, static_cast<int>(count));
  }
  if (only == 0 && OptionsOf(1).papers) {
    EXPECT_GT(total.deposits, with_papers);
    EXPECT_GT(total.shared_reads, with_papers / 2);
    EXPECT_GT(total.refused_reads, with_papers / 4);
    EXPECT_GT(total.erasures, with_papers / 2);
  }
}

TEST(Simulation, ASeedReplaysExactly) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::string prints[2];
    for (std::string& print : prints) {
      World world(OptionsOf(seed));
      ASSERT_TRUE(world.Run().ok());
      print = world.Fingerprint();
    }
    EXPECT_EQ(prints[0], prints[1]) << "seed " << seed;
  }
}

}  // namespace
}  // namespace relais::sim
