#include "common/audit/meta.h"

#include <algorithm>
#include <array>

#include "common/merkle/note.h"

namespace relais::audit {
namespace {
constexpr char kFormat = 0x01;
// Rows of erasure, retention and continuation, whose messages are their own: the key alone is checked here.
constexpr std::array<std::string_view, 4> kOtherPrefixes = {"erasing/", "erased/", "month/", "done/"};
constexpr std::array<std::string_view, 3> kOtherKeys = {"rotation", "journal", "origin"};
}  // namespace

std::string EncodeSigners(const std::vector<std::string>& keys) {
  std::string value(1, kFormat);
  for (const std::string& key : keys) {
    value.append(key).append("\n");
  }
  return value;
}

absl::StatusOr<std::vector<std::string>> DecodeSigners(std::string_view value) {
  const absl::Status damaged = absl::DataLossError("log: the row of its signers is damaged");
  if (value.size() < 2 || value.front() != kFormat || value.back() != '\n') {
    return damaged;
  }
  value.remove_prefix(1);
  std::vector<std::string> keys;
  while (!value.empty()) {
    const size_t end = value.find('\n');
    if (!merkle::ParseVerifierKey(value.substr(0, end)).ok()) {
      return damaged;
    }
    keys.emplace_back(value.substr(0, end));
    value.remove_prefix(end + 1);
  }
  return keys;
}

absl::Status CheckMetaRow(std::string_view key, std::string_view value) {
  if (key == kMetaSigners) {
    return DecodeSigners(value).status();
  }
  const bool other =
      std::find(kOtherKeys.begin(), kOtherKeys.end(), key) != kOtherKeys.end() ||
      std::any_of(kOtherPrefixes.begin(), kOtherPrefixes.end(),
                  [key](std::string_view prefix) { return key.substr(0, prefix.size()) == prefix; });
  if (other) {
    return absl::OkStatus();
  }
  return absl::DataLossError("log: a row about itself that this program does not know");
}

}  // namespace relais::audit
