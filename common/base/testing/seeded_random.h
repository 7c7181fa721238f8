// Repeatable bytes from a seed, for tests and the simulator. Never for a real key. Thread-safe.
#pragma once

#include <mutex>
#include <random>

#include "common/base/random.h"

namespace relais::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}

  void Fill(uint8_t* out, size_t n) override {
    std::lock_guard lock(mu_);
    for (size_t i = 0; i < n; ++i) {
      out[i] = static_cast<uint8_t>(engine_());
    }
  }
  /// Uniform in [0, bound).
  uint64_t Below(uint64_t bound) {
    std::lock_guard lock(mu_);
    return engine_() % bound;
  }

 private:
  std::mutex mu_;
  std::mt19937_64 engine_;
};

}  // namespace relais::testing
