#include "common/storage/rocksdb/record_logs.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/status/statusor.h"
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
constexpr int kTypeBits = 8;
constexpr uint8_t kNoType = 0;    // with a length of 0: never written
constexpr uint8_t kLastType = 4;  // whole, first, middle, last; those above are not of our logs

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

// With another bit of its type it is whole, and was of that type. Its text is all there.
bool WasOfAnotherType(std::string_view record) {
  std::string summed(record.substr(kTypeAt, kHeader - kTypeAt + LengthOf(record)));
  const uint8_t type = ByteAt(record, kTypeAt);
  for (int bit = 0; bit < kTypeBits; ++bit) {
    summed[0] = static_cast<char>(type ^ (1 << bit));
    if (Crc32c(summed) == ChecksumOf(record)) {
      return true;
    }
  }
  return false;
}

// True where a record of the block looks like none, or like the log's end, and was one.
bool HidesWhatFollows(std::string_view block) {
  while (block.size() >= kHeader) {
    const uint8_t type = ByteAt(block, kTypeAt);
    const size_t length = LengthOf(block);
    if (kHeader + length > block.size()) {
      return WasWhole(block);
    }
    const bool unwritten = type == kNoType && length == 0;
    if ((unwritten || type > kLastType) && WasOfAnotherType(block)) {
      return true;
    }
    if (unwritten) {
      return false;  // RocksDB goes on at the next block, too
    }
    block.remove_prefix(kHeader + length);
  }
  return false;
}

absl::Status CannotRead(const std::filesystem::path& file) {
  return absl::UnavailableError("cannot read " + file.string());
}

bool IsGone(const std::filesystem::path& file) {
  std::error_code error;
  return !std::filesystem::exists(file, error) && !error;
}

absl::Status CheckLog(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in.is_open()) {
    return IsGone(file) ? absl::OkStatus() : CannotRead(file);
  }
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
  return in.bad() ? CannotRead(file) : absl::OkStatus();
}

// The MANIFEST that counts; empty where CURRENT cannot be read, which is for RocksDB to judge.
std::string CurrentManifest(const std::string& path) {
  std::ifstream in(path + "/CURRENT", std::ios::binary);
  std::string name;
  std::getline(in, name);
  return name;
}

absl::StatusOr<bool> IsLog(const std::filesystem::directory_entry& entry, const std::string& manifest) {
  if (entry.path().filename().string() != manifest && entry.path().extension() != ".log") {
    return false;
  }
  std::error_code error;
  const bool regular = entry.is_regular_file(error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return CannotRead(entry.path());
  }
  return regular && !error;
}

}  // namespace

absl::Status CheckRecordLogs(const std::string& path) {
  const std::string manifest = CurrentManifest(path);
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ASSIGN_OR_RETURN(const bool is_log, IsLog(*entry, manifest));
    if (is_log) {
      RETURN_IF_ERROR(CheckLog(entry->path()));
    }
  }
  return !error || error == std::errc::no_such_file_or_directory ? absl::OkStatus() : CannotRead(path);
}

}  // namespace relais::storage
