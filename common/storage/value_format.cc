#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

void AppendBigEndian64(uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

uint64_t ReadBigEndian64(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

}  // namespace

std::string EncodeBigEndian64(uint64_t value) {
  std::string out;
  AppendBigEndian64(value, out);
  return out;
}

absl::StatusOr<uint64_t> DecodeBigEndian64(std::string_view bytes) {
  if (bytes.size() != 8) {
    return absl::DataLossError("stored number is not 8 bytes");
  }
  return ReadBigEndian64(bytes);
}

std::string EncodeDataKey(const Partition& partition, std::string_view key) {
  std::string out;
  out.reserve(Partition::kEncodedSize + key.size());
  out.push_back(static_cast<char>(partition.kind));
  out.append(partition.id.bytes());
  out.append(key);
  return out;
}

std::string EncodeValueHeader(uint64_t version) { return EncodeValue(version, ""); }

std::string EncodeValue(uint64_t version, std::string_view payload) {
  std::string out;
  out.reserve(kValueHeaderBytes + payload.size());
  out.push_back(static_cast<char>(kValueFormat));
  AppendBigEndian64(version, out);
  out.append(payload);
  return out;
}

absl::StatusOr<StoredValue> DecodeValue(std::string_view bytes) {
  if (bytes.size() < kValueHeaderBytes) {
    return absl::DataLossError("stored value is shorter than its header");
  }
  if (static_cast<uint8_t>(bytes[0]) != kValueFormat) {
    return absl::DataLossError("stored value has an unknown format byte");
  }
  return StoredValue{.version = ReadBigEndian64(bytes.substr(1, 8)),
                     .payload = bytes.substr(kValueHeaderBytes)};
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) {
    end.pop_back();
  }
  if (!end.empty()) {
    end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  }
  return end;
}

}  // namespace relais::storage
