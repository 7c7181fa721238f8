#include "tests/fuzz/wire.h"

#include <algorithm>
#include <utility>

#include "tests/fuzz/callers.h"

namespace relais::fuzz {
namespace {

// A byte chooses among at most 256; what stands behind those is never chosen.
template <typename List>
const auto& Chosen(char byte, const List& from) {
  return from[static_cast<unsigned char>(byte) % from.size()];
}

}  // namespace

std::string ToWire(const Step& step) {
  const auto& methods = Methods();
  const auto& callers = Callers();
  const auto method = std::find(methods.begin(), methods.end(), step.method);
  const auto caller = std::find_if(callers.begin(), callers.end(),
                                   [&](const CallerSpec& each) { return each.name == step.caller; });
  std::string bytes;
  bytes.push_back(static_cast<char>(method - methods.begin()));
  bytes.push_back(static_cast<char>(caller - callers.begin()));
  return bytes + step.request->SerializeAsString();
}

std::optional<Step> FromWire(std::string_view bytes) {
  if (bytes.size() < 2) {
    return std::nullopt;
  }
  Step step;
  step.method = Chosen(bytes[0], Methods());
  step.caller = Chosen(bytes[1], Callers()).name;
  step.request = NewMessage(*step.method->input_type());
  if (!step.request->ParseFromArray(bytes.data() + 2, static_cast<int>(bytes.size() - 2))) {
    return std::nullopt;
  }
  return step;
}

}  // namespace relais::fuzz
