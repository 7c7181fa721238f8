#include "common/base/random.h"

#include <openssl/rand.h>

#include <cstdlib>

namespace relais {

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
  if (RAND_bytes(out, static_cast<int>(n)) != 1) {
    std::abort();
  }
}

}  // namespace relais
