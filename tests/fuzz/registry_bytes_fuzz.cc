// libFuzzer: one request as bytes on the wire, as libFuzzer changes bytes: what is no message at all, fields
// that no descriptor has, encodings no serializer writes (wire.h).
//
// With RELAIS_FUZZ_SEEDS=FOLDER every call of the scripts in tests/fuzz/corpus is written there first, for a
// corpus to begin with: of bytes made up from nothing hardly any are a request.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/wire.h"

namespace {

void WriteSeeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const auto& file : std::filesystem::directory_iterator("tests/fuzz/corpus")) {
    int call = 0;
    for (const relais::fuzz::Step& step :
         relais::fuzz::Parse(relais::consent::testing::Read(file.path().string()))) {
      const std::string name = file.path().stem().string() + "-" + std::to_string(call++);
      std::ofstream(folder / name, std::ios::binary) << relais::fuzz::ToWire(step);
    }
  }
}

}  // namespace

// Before the corpora are read.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  if (const char* folder = std::getenv("RELAIS_FUZZ_SEEDS")) {
    WriteSeeds(folder);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const kHarness = [] {
    google::protobuf::SetLogHandler(nullptr);
    return new relais::fuzz::Harness();
  }();
  std::optional<relais::fuzz::Step> step =
      relais::fuzz::FromWire({reinterpret_cast<const char*>(data), size});
  if (!step) {
    return 0;
  }
  relais::fuzz::Script script;
  script.push_back(*std::move(step));
  const std::vector<std::string> wrong = kHarness->Run(script);
  if (!wrong.empty()) {
    for (const std::string& what : wrong) {
      std::cerr << "WRONG " << what << "\n";
    }
    std::cerr << relais::fuzz::Print(script);
    std::abort();
  }
  return 0;
}
