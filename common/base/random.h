// Randomness, injected: keys, ids and nonces come from here and from nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/id128.h"

namespace relais {

/// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  /// Fills `n` bytes. Never fails: a machine without entropy aborts the process.
  virtual void Fill(uint8_t* out, size_t n) = 0;

  std::string Bytes(size_t n);
  Id128 Id();
};

/// OpenSSL's CSPRNG, for everything real. Small amounts come from a store of the calling thread, which is
/// refilled some kilobytes at a time, because a call of the CSPRNG costs more than most of its callers do.
/// What is given out is wiped from that store, the rest when the thread ends; a forked child begins with
/// none.
class SystemRandom final : public Random {
 public:
  void Fill(uint8_t* out, size_t n) override;
};

}  // namespace relais
