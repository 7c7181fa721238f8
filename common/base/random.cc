#include "common/base/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace relais {
namespace {

constexpr size_t kStored = 2048;
constexpr size_t kLargest = 64;  // more than this is asked for directly

void Generate(uint8_t* out, size_t n) {
  if (RAND_bytes(out, static_cast<int>(n)) != 1) {
    std::abort();
  }
}

// Counts the forks behind this process: what a parent has stored its child must not give out again.
std::atomic<uint64_t>& Forks() {
  static std::atomic<uint64_t> forks = 0;
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
  if (registered != 0) {
    std::abort();
  }
  return forks;
}

class Stored {
 public:
  Stored() = default;
  Stored(const Stored&) = delete;
  Stored& operator=(const Stored&) = delete;
  ~Stored() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  void Take(uint8_t* out, size_t n) {
    const uint64_t forks = Forks().load(std::memory_order_relaxed);
    if (left_ < n || forks != forks_) {
      Generate(bytes_.data(), bytes_.size());
      left_ = bytes_.size();
      forks_ = forks;
    }
    left_ -= n;
    std::memcpy(out, bytes_.data() + left_, n);
    OPENSSL_cleanse(bytes_.data() + left_, n);
  }

 private:
  std::array<uint8_t, kStored> bytes_{};
  size_t left_ = 0;
  uint64_t forks_ = 0;
};

}  // namespace

std::string Random::Bytes(size_t n) {
  std::string out(n, '\0');
  Fill(reinterpret_cast<uint8_t*>(out.data()), n);
  return out;
}

Id128 Random::Id() {
  std::array<uint8_t, Id128::kSize> raw{};
  Fill(raw.data(), raw.size());
  return Id128(raw);
}

void SystemRandom::Fill(uint8_t* out, size_t n) {
  if (n > kLargest) {
    Generate(out, n);
    return;
  }
  thread_local Stored stored;
  stored.Take(out, n);
}

}  // namespace relais
