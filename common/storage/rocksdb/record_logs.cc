#include "common/storage/rocksdb/record_logs.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::storage {
namespace {

// A log is blocks of records. A record: checksum (4 bytes, CRC-32C of type and text, masked), length of the
// text (2, little-endian), type (1), text. What is left of a block and has no room for that is zeros.
constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr size_t kLengthAt = 4;
constexpr size_t kTypeAt = 6;
constexpr int kLengthBits = 16;
constexpr uint8_t kFirstOverwritten = 5;  // types of logs that are written over
constexpr uint8_t kLastOverwritten = 8;

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

size_t LengthOf(std::string_view record) {
  return size_t{ByteAt(record, kLengthAt)} | size_t{ByteAt(record, kLengthAt + 1)} << 8;
}

uint32_t Crc32c(std::string_view bytes) {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    }
  }
  return ~crc;
}

uint32_t ChecksumOf(std::string_view record) {
  uint32_t masked = 0;
  for (size_t i = 0; i < kLengthAt; ++i) {
    masked |= uint32_t{ByteAt(record, i)} << (8 * i);
  }
  const uint32_t rotated = masked - 0xa282ead8;
  return (rotated >> 17) | (rotated << 15);
}

// With another bit of its length it is whole: that is what it was.
bool WasWhole(std::string_view record) {
  for (int bit = 0; bit < kLengthBits; ++bit) {
    const size_t length = LengthOf(record) ^ (size_t{1} << bit);
    if (kHeader + length <= record.size() &&
        Crc32c(record.substr(kTypeAt, kHeader - kTypeAt + length)) == ChecksumOf(record)) {
      return true;
    }
  }
  return false;
}

// True where a record of the block looks like the log's end and is none.
bool HidesWhatFollows(std::string_view block) {
  while (block.size() >= kHeader) {
    const uint8_t type = ByteAt(block, kTypeAt);
    if (type >= kFirstOverwritten && type <= kLastOverwritten) {
      return true;
    }
    if (kHeader + LengthOf(block) > block.size()) {
      return WasWhole(block);
    }
    block.remove_prefix(kHeader + LengthOf(block));
  }
  return false;
}

absl::Status CheckLog(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string block;
  uint64_t at = 0;
  do {
    block.resize(kBlock);
    in.read(block.data(), static_cast<std::streamsize>(kBlock));
    block.resize(static_cast<size_t>(in.gcount()));
    if (HidesWhatFollows(block)) {
      return absl::DataLossError(absl::StrCat("the store is damaged: ", file.string(), " near byte ", at,
                                              ": a record looks like the end of the log and is not"));
    }
    at += block.size();
  } while (block.size() == kBlock);
  return in.bad() || at == 0 ? absl::UnavailableError("cannot read " + file.string()) : absl::OkStatus();
}

bool IsLog(const std::filesystem::directory_entry& entry) {
  const std::string name = entry.path().filename();
  return entry.is_regular_file() && entry.file_size() > 0 &&
         (name.starts_with("MANIFEST-") || entry.path().extension() == ".log");
}

}  // namespace

absl::Status CheckRecordLogs(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (IsLog(entry)) {
      RETURN_IF_ERROR(CheckLog(entry.path()));
    }
  }
  return absl::OkStatus();
}

}  // namespace relais::storage
