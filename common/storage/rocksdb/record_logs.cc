#include "common/storage/rocksdb/record_logs.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
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

// Its text is all there, as that long.
bool MatchesChecksum(std::string_view record, size_t length) {
  return Crc32c(record.substr(kTypeAt, kHeader - kTypeAt + length)) == ChecksumOf(record);
}

// What a header is to who only walks the log.
enum class Header : uint8_t {
  kRecord,
  kTooLong,    // for its block
  kUnwritten,  // type and length zero
  kOtherType,  // none of our logs
};

Header HeaderOf(std::string_view block) {
  const uint8_t type = ByteAt(block, kTypeAt);
  const size_t length = LengthOf(block);
  if (kHeader + length > block.size()) {
    return Header::kTooLong;
  }
  if (type == kNoType && length == 0) {
    return Header::kUnwritten;
  }
  return type > kLastType ? Header::kOtherType : Header::kRecord;
}

// With another bit of its length it is whole: that is what it was.
bool WasWhole(std::string_view record) {
  for (int bit = 0; bit < kLengthBits; ++bit) {
    const size_t length = LengthOf(record) ^ (size_t{1} << bit);
    if (kHeader + length <= record.size() && MatchesChecksum(record, length)) {
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

// Looks like no record, and with one bit another is one.
bool WasRecord(Header header, std::string_view block) {
  switch (header) {
    case Header::kRecord:
      return false;
    case Header::kTooLong:
      return WasWhole(block);
    case Header::kUnwritten:
    case Header::kOtherType:
      return WasOfAnotherType(block);
  }
  return false;
}

// A record of our logs, with a text, begins here and is undamaged.
bool IsWhole(std::string_view block) {
  const size_t length = LengthOf(block);
  return HeaderOf(block) == Header::kRecord && ByteAt(block, kTypeAt) != kNoType && length > 0 &&
         MatchesChecksum(block, length);
}

// At whichever byte it begins.
bool HoldsWhole(std::string_view bytes) {
  for (; bytes.size() >= kHeader; bytes.remove_prefix(1)) {
    if (IsWhole(bytes)) {
      return true;
    }
  }
  return false;
}

enum class LogKind : uint8_t { kManifest, kWriteAhead };

// What is no record ends a log: nothing whole follows it.
class LogWalk {
 public:
  explicit LogWalk(LogKind kind) : kind_(kind) {}

  // Looks at the next block. Where the log is damaged, if this block shows it.
  std::optional<uint64_t> Next(std::string_view block) {
    at_ += block.size();
    while (block.size() >= kHeader) {
      const Header header = HeaderOf(block);
      const uint64_t here = at_ - block.size();
      if (WasRecord(header, block)) {
        return here;
      }
      if (end_.has_value() && IsWhole(block)) {
        return end_;
      }
      if (!end_.has_value() && IsEnd(header, block)) {
        end_ = here;
      }
      if (header == Header::kTooLong || header == Header::kUnwritten) {
        return HidesInBlock(block) ? end_ : std::nullopt;  // RocksDB goes on at the next block, too
      }
      block.remove_prefix(kHeader + LengthOf(block));
    }
    return std::nullopt;
  }

 private:
  // A tail of a write-ahead log that was not synchronized may reach the disk out of order: zeros, then
  // records.
  [[nodiscard]] bool IsEnd(Header header, std::string_view block) const {
    switch (header) {
      case Header::kRecord:
        return false;
      case Header::kTooLong:
        return true;
      case Header::kUnwritten:
        return kind_ == LogKind::kManifest;
      case Header::kOtherType:
        return !MatchesChecksum(block, LengthOf(block));  // a later RocksDB's, if it does
    }
    return false;
  }
  // Past a header that does not say where the next one is. Not in a write-ahead log: a torn record's text may
  // be anything, another log too.
  [[nodiscard]] bool HidesInBlock(std::string_view block) const {
    return kind_ == LogKind::kManifest && HoldsWhole(block);
  }

  LogKind kind_;
  uint64_t at_ = 0;              // where the next block begins
  std::optional<uint64_t> end_;  // the first that was no record
};

absl::Status CannotRead(const std::filesystem::path& file) {
  return absl::UnavailableError("cannot read " + file.string());
}

bool IsGone(const std::filesystem::path& file) {
  std::error_code error;
  return !std::filesystem::exists(file, error) && !error;
}

absl::Status CheckLog(const std::filesystem::path& file, LogKind kind) {
  std::ifstream in(file, std::ios::binary);
  if (!in.is_open()) {
    return IsGone(file) ? absl::OkStatus() : CannotRead(file);
  }
  LogWalk walk(kind);
  std::string block;
  do {
    block.resize(kBlock);
    in.read(block.data(), static_cast<std::streamsize>(kBlock));
    block.resize(static_cast<size_t>(in.gcount()));
    const std::optional<uint64_t> place = walk.Next(block);
    if (place.has_value()) {
      return absl::DataLossError(absl::StrCat("the store is damaged: ", file.string(), " at byte ", *place,
                                              ": a record looks like the end of the log and is not"));
    }
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
      const bool counts = entry->path().filename().string() == manifest;
      RETURN_IF_ERROR(CheckLog(entry->path(), counts ? LogKind::kManifest : LogKind::kWriteAhead));
    }
  }
  return !error || error == std::errc::no_such_file_or_directory ? absl::OkStatus() : CannotRead(path);
}

}  // namespace relais::storage
