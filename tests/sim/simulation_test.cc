// Ten thousand seeded schedules (fewer without optimisation). A failing seed is printed and replays exactly:
//   RELAIS_SIM_SEED=<seed> build/release/tests/simulation_test
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/sim/world.h"

namespace relais::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
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
  for (uint64_t seed = first; seed < first + count * shares; seed += shares) {
    WorldOptions options;
    options.seed = seed;
    World world(options);
    const absl::Status status = world.Run();
    ASSERT_TRUE(status.ok()) << status << "\nreplay: RELAIS_SIM_SEED=" << seed;
    total.sent += world.counts().sent;
    total.crashes += world.counts().crashes;
    total.refused_checks += world.counts().refused_checks;
    total.accepted_rows += world.counts().accepted_rows;
    total.withdrawals += world.counts().withdrawals;
    total.expiring += world.counts().expiring;
  }
  std::cout << count << " schedules: " << total.crashes << " crashes, " << total.sent << " deliveries, "
            << total.withdrawals << " withdrawals, " << total.refused_checks << " refused checks, "
            << total.accepted_rows << " accepted rows\n";
  if (only == 0) {
    // A simulation in which nothing happens proves nothing.
    EXPECT_GT(total.sent, static_cast<int>(count));
    EXPECT_GT(total.crashes, static_cast<int>(count) / 4);
    EXPECT_GT(total.withdrawals, static_cast<int>(count));
    EXPECT_GT(total.expiring, static_cast<int>(count));
    EXPECT_GT(total.refused_checks, static_cast<int>(count));
    EXPECT_GT(total.accepted_rows, static_cast<int>(count));
  }
}

TEST(Simulation, ASeedReplaysExactly) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::string prints[2];
    for (std::string& print : prints) {
      WorldOptions options;
      options.seed = seed;
      World world(options);
      ASSERT_TRUE(world.Run().ok());
      print = world.Fingerprint();
    }
    EXPECT_EQ(prints[0], prints[1]) << "seed " << seed;
  }
}

}  // namespace
}  // namespace relais::sim
