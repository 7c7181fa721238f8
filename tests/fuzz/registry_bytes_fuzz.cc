// libFuzzer: one request as bytes on the wire, as libFuzzer changes bytes: what is no message at all, fields
// that no descriptor has, encodings no serializer writes. The first two bytes choose the method and the
// caller.
#include <cstdlib>
#include <iostream>

#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/callers.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const kHarness = [] {
    google::protobuf::SetLogHandler(nullptr);
    return new relais::fuzz::Harness();
  }();
  if (size < 2) {
    return 0;
  }
  relais::fuzz::Step step;
  step.method = relais::fuzz::Methods()[data[0] % relais::fuzz::Methods().size()];
  step.caller = relais::fuzz::Callers()[data[1] % relais::fuzz::Callers().size()].name;
  step.request = relais::fuzz::NewMessage(*step.method->input_type());
  if (!step.request->ParseFromArray(data + 2, static_cast<int>(size - 2))) {
    return 0;
  }
  relais::fuzz::Script script;
  script.push_back(std::move(step));
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
