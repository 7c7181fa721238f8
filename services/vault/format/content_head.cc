#include "services/vault/format/content_head.h"

#include <utility>

#include "common/base/status.h"
#include "services/vault/format/bytes.h"
#include "services/vault/format/pieces.h"

namespace relais::vault {
namespace {

constexpr char kFormat = 0x01;
constexpr size_t kFixedSize = 1 + 16 + 16 + 4 + 8 + 8 + 8 + 1;

// Nullptr: nothing wrong.
const char* WhatIsWrong(const ContentHead& head) {
  if (head.size > kMaxTextSize || head.committed > head.size) {
    return "more than was declared";
  }
  if (head.complete ? head.committed != head.size
                    : head.committed % kPieceSize != 0 || (head.size > 0 && head.committed == head.size)) {
    return "no whole pieces";
  }
  for (const Run& run : head.header.runs) {
    const uint64_t begin = run.first_chunk * kChunkSize;
    if (run.first_chunk % kPieceChunks != 0 || (begin != 0 && begin >= head.committed)) {
      return "a run that begins at no piece that is there";
    }
  }
  return nullptr;
}

absl::Status NoHead() { return absl::DataLossError("not the head of a text"); }

}  // namespace

absl::StatusOr<std::string> EncodeContentHead(const ContentHead& head) {
  if (const char* wrong = WhatIsWrong(head)) {
    return absl::InvalidArgumentError(wrong);
  }
  ASSIGN_OR_RETURN(const std::string header, EncodeHeader(head.header));
  std::string bytes(1, kFormat);
  bytes.reserve(kFixedSize + header.size());
  bytes += head.name.person.bytes();
  bytes += head.name.document.bytes();
  AppendBigEndian32(head.name.version, bytes);
  AppendBigEndian64(head.size, bytes);
  AppendBigEndian64(head.committed, bytes);
  AppendBigEndian64(static_cast<uint64_t>(absl::ToUnixMicros(head.touched)), bytes);
  bytes += static_cast<char>(head.complete ? 1 : 0);
  bytes += header;
  return bytes;
}

absl::StatusOr<ContentHead> DecodeContentHead(std::string_view bytes) {
  if (bytes.size() < kFixedSize || bytes[0] != kFormat || static_cast<uint8_t>(bytes[kFixedSize - 1]) > 1) {
    return NoHead();
  }
  ContentHead head;
  head.name.person = *Id128::FromBytes(bytes.substr(1, Id128::kSize));
  head.name.document = *Id128::FromBytes(bytes.substr(17, Id128::kSize));
  head.name.version = ReadBigEndian32(bytes.substr(33));
  head.size = ReadBigEndian64(bytes.substr(37));
  head.committed = ReadBigEndian64(bytes.substr(45));
  head.touched = absl::FromUnixMicros(static_cast<int64_t>(ReadBigEndian64(bytes.substr(53))));
  head.complete = bytes[61] == 1;
  absl::StatusOr<Header> header = DecodeHeader(bytes.substr(kFixedSize));
  if (!header.ok()) {
    return header.status();
  }
  head.header = *std::move(header);
  if (WhatIsWrong(head) != nullptr) {
    return NoHead();
  }
  return head;
}

absl::StatusOr<ContentHead> WithPiece(ContentHead head, uint64_t length, const Run& run, absl::Time now) {
  const uint64_t left = head.size - head.committed;
  const bool last = length == left;
  if (head.complete || length > left || length > kPieceSize || (!last && length != kPieceSize)) {
    return absl::InvalidArgumentError("the piece does not continue the text");
  }
  if (head.header.runs.empty() || head.header.runs.back() != run) {
    if (run.first_chunk * kChunkSize != head.committed) {
      return absl::InvalidArgumentError("the run does not begin with this piece");
    }
    if (head.header.runs.size() == kMaxRuns) {
      return absl::ResourceExhaustedError("resumed too often");
    }
    head.header.runs.push_back(run);
  }
  head.committed += length;
  head.complete = last;
  head.touched = now;
  return head;
}

}  // namespace relais::vault
