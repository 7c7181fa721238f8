// libFuzzer: sequences of calls, changed by the descriptors of their requests (mutate.h).
//
//   scripts/build.sh asan all_fuzzers && build/asan/bin/registry_calls_fuzz tests/fuzz/corpus
//
// With RELAIS_FUZZ_COVERAGE=FILE what was reached of methods and fields is written there at the end.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/mutate.h"

namespace {

relais::fuzz::Harness& TheHarness() {
  static auto* const kHarness = [] {
    google::protobuf::SetLogHandler(nullptr);  // texts that are not UTF-8 are on purpose
    auto* harness = new relais::fuzz::Harness();
    std::atexit([] {
      if (const char* file = std::getenv("RELAIS_FUZZ_COVERAGE")) {
        std::ofstream out(file);
        TheHarness().coverage().Print(out);
      }
    });
    return harness;
  }();
  return *kHarness;
}

size_t Store(const relais::fuzz::Script& script, uint8_t* data, size_t max_size) {
  const std::string text = relais::fuzz::Print(script);
  if (text.size() > max_size) {
    return 0;
  }
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const relais::fuzz::Script script = relais::fuzz::Parse(Text(data, size));
  const std::vector<std::string> wrong = TheHarness().Run(script);
  if (!wrong.empty()) {
    for (const std::string& what : wrong) {
      std::cerr << "WRONG " << what << "\n";
    }
    std::cerr << relais::fuzz::Print(script);
    std::abort();
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  relais::fuzz::Mutator mutator(seed);
  relais::fuzz::Script script = relais::fuzz::Parse(Text(data, size));
  mutator.Change(script);
  while (true) {
    const size_t stored = Store(script, data, max_size);
    if (stored > 0 || script.empty()) {
      return stored;
    }
    script.pop_back();  // too long a text
  }
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size,
                                            unsigned int seed) {
  relais::fuzz::Mutator mutator(seed);
  const relais::fuzz::Script script =
      mutator.Cross(relais::fuzz::Parse(Text(one, one_size)), relais::fuzz::Parse(Text(other, other_size)));
  return Store(script, out, max_size);
}
