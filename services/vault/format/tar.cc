#include "services/vault/format/tar.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/base/status.h"

namespace relais::vault {
namespace {

constexpr size_t kMaxName = 1000;
constexpr size_t kUstarName = 100;
constexpr uint64_t kUstarSize = uint64_t{1} << 33;  // what eleven octal digits cannot say
constexpr size_t kMaxPax = 4096;
constexpr std::string_view kPaxName = "pax";  // of the entry that holds records; a reader without pax sees it

// Where the fields of a header are (POSIX.1-2001, pax, "ustar Interchange Format").
struct Field {
  size_t at;
  size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kSum{148, 8};
constexpr size_t kType = 156;
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 8};
constexpr Field kPrefix{345, 155};
constexpr std::string_view kUstar("ustar\00000", 8);  // "ustar", NUL, version "00"

constexpr char kRegular = '0';
constexpr char kExtended = 'x';

absl::Status NoArchive() { return absl::DataLossError("not an archive of a vault"); }

// Digits that fill the field but for the NUL that ends it.
void PutOctal(const Field& field, uint64_t value, std::string& block) {
  for (size_t i = field.size - 1; i-- > 0; value >>= 3) {
    block[field.at + i] = static_cast<char>('0' + (value & 7));
  }
}

std::optional<uint64_t> ReadOctal(const Field& field, std::string_view block) {
  uint64_t value = 0;
  for (size_t i = 0; i + 1 < field.size; ++i) {
    const char digit = block[field.at + i];
    if (digit < '0' || digit > '7') {
      return std::nullopt;
    }
    value = value << 3 | static_cast<uint64_t>(digit - '0');
  }
  return block[field.at + field.size - 1] == '\0' ? std::optional(value) : std::nullopt;
}

// The sum counts its own field as spaces.
uint64_t SumOf(std::string_view block) {
  uint64_t sum = kSum.size * ' ';
  for (size_t i = 0; i < block.size(); ++i) {
    sum += i >= kSum.at && i < kSum.at + kSum.size ? 0 : static_cast<uint8_t>(block[i]);
  }
  return sum;
}

std::string Block(std::string_view name, uint64_t size, absl::Time modified, char type) {
  std::string block(kTarBlock, '\0');
  const std::string_view shown = name.substr(0, kName.size);
  std::copy(shown.begin(), shown.end(), block.begin());
  PutOctal(kMode, 0600, block);
  PutOctal(kUid, 0, block);
  PutOctal(kGid, 0, block);
  PutOctal(kSize, size < kUstarSize ? size : 0, block);
  PutOctal(
      kTime,
      static_cast<uint64_t>(std::clamp<int64_t>(absl::ToUnixSeconds(modified), 0, (int64_t{1} << 33) - 1)),
      block);
  block[kType] = type;
  std::copy(kUstar.begin(), kUstar.end(), block.begin() + kMagic.at);
  // Six digits, NUL, space: the one field that ends so.
  PutOctal({kSum.at, 7}, SumOf(block), block);
  block[kSum.at + 7] = ' ';
  return block;
}

// `<length> <key>=<value>\n`, where the length counts itself.
std::string Record(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) {
    length = std::to_string(length).size() + rest;
  }
  std::string record = std::to_string(length);
  record += ' ';
  record += key;
  record += '=';
  record += value;
  record += '\n';
  return record;
}

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || std::any_of(name.begin(), name.end(), [](char c) {
        return static_cast<uint8_t>(c) < 0x20 || c == 0x7f;
      })) {
    return false;
  }
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") {
      return false;
    }
    at = end + 1;
  }
  return true;
}

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

std::optional<uint64_t> ReadDecimal(std::string_view text) {
  if (text.empty() || text.size() > 15 || (text[0] == '0' && text.size() > 1)) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

absl::StatusOr<std::string> TarHeader(std::string_view name, uint64_t size, absl::Time modified) {
  if (!IsName(name)) {
    return absl::InvalidArgumentError("no name for a file of an archive");
  }
  std::string records;
  if (name.size() > kUstarName) {
    records += Record("path", name);
  }
  if (size >= kUstarSize) {
    records += Record("size", std::to_string(size));
  }
  std::string header;
  if (!records.empty()) {
    header += Block(kPaxName, records.size(), modified, kExtended);
    header += records;
    header += TarPadding(records.size());
  }
  header += Block(name, size, modified, kRegular);
  return header;
}

std::string TarPadding(uint64_t size) {
  return std::string((kTarBlock - size % kTarBlock) % kTarBlock, '\0');
}

std::string TarEnd() { return std::string(2 * kTarBlock, '\0'); }

absl::Status TarReader::Write(std::string_view bytes) {
  if (failed_) {
    return NoArchive();
  }
  while (!bytes.empty()) {
    std::string_view block = bytes.substr(0, kTarBlock - held_.size());
    bytes.remove_prefix(block.size());
    if (!held_.empty() || block.size() < kTarBlock) {
      held_ += block;
      if (held_.size() < kTarBlock) {
        return absl::OkStatus();
      }
      block = held_;
    }
    absl::Status taken = TakeBlock(block);
    held_.clear();
    if (!taken.ok()) {
      failed_ = true;
      return taken;
    }
  }
  return absl::OkStatus();
}

absl::Status TarReader::Finish() {
  const bool whole = !failed_ && held_.empty() && zero_blocks_ == 2;
  failed_ = true;
  return whole ? absl::OkStatus() : NoArchive();
}

absl::Status TarReader::TakeBlock(std::string_view block) {
  if (zero_blocks_ == 2) {
    return NoArchive();
  }
  if (data_left_ == 0) {
    return TakeHeader(block);
  }
  const std::string_view data =
      block.substr(0, static_cast<size_t>(std::min<uint64_t>(data_left_, kTarBlock)));
  if (!AllZero(block.substr(data.size()))) {
    return NoArchive();
  }
  data_left_ -= data.size();
  if (!in_pax_) {
    return on_data_(data);
  }
  pax_ += data;
  if (data_left_ > 0) {
    return absl::OkStatus();
  }
  in_pax_ = false;
  return TakePax(pax_);
}

absl::Status TarReader::TakeHeader(std::string_view block) {
  if (AllZero(block)) {
    const bool pending = !pax_name_.empty() || has_pax_size_;
    ++zero_blocks_;
    return pending ? NoArchive() : absl::OkStatus();
  }
  if (zero_blocks_ != 0 || block.substr(kMagic.at, kMagic.size) != kUstar ||
      !AllZero(block.substr(kPrefix.at, kPrefix.size)) || !AllZero(block.substr(kLink.at, kLink.size)) ||
      block[kSum.at + 7] != ' ' || ReadOctal({kSum.at, 7}, block) != SumOf(block)) {
    return NoArchive();
  }
  const std::optional<uint64_t> size = ReadOctal(kSize, block);
  if (!size) {
    return NoArchive();
  }
  const std::string_view field = block.substr(kName.at, kName.size);
  std::string name(field.substr(0, field.find('\0')));
  const bool pending = !pax_name_.empty() || has_pax_size_;
  if (block[kType] == kExtended) {
    if (pending || *size == 0 || *size > kMaxPax) {
      return NoArchive();
    }
    in_pax_ = true;
    pax_.clear();
    data_left_ = *size;
    return absl::OkStatus();
  }
  if (block[kType] != kRegular) {
    return NoArchive();
  }
  if (!pax_name_.empty()) {
    name = std::exchange(pax_name_, "");
  }
  data_left_ = has_pax_size_ ? pax_size_ : *size;
  has_pax_size_ = false;
  if (!IsName(name)) {
    return NoArchive();
  }
  return on_file_(name, data_left_);
}

absl::Status TarReader::TakePax(std::string_view records) {
  while (!records.empty()) {
    const size_t space = records.find(' ');
    const std::optional<uint64_t> length =
        space == std::string_view::npos ? std::nullopt : ReadDecimal(records.substr(0, space));
    if (!length || *length <= space + 1 || *length > records.size() || records[*length - 1] != '\n') {
      return NoArchive();
    }
    const std::string_view record = records.substr(space + 1, *length - space - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) {
      return NoArchive();
    }
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "path" && pax_name_.empty() && !value.empty()) {
      pax_name_ = std::string(value);
    } else if (const std::optional<uint64_t> size = ReadDecimal(value);
               key == "size" && size && !has_pax_size_) {
      pax_size_ = *size;
      has_pax_size_ = true;
    } else {
      return NoArchive();
    }
    records.remove_prefix(*length);
  }
  return absl::OkStatus();
}

}  // namespace relais::vault
