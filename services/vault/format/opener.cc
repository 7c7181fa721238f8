#include "services/vault/format/opener.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/crypto/aes_gcm.h"
#include "services/vault/format/run_keys.h"

namespace relais::vault {
namespace {

absl::Status DoesNotOpen() { return absl::DataLossError("sealed text does not open"); }

}  // namespace

absl::StatusOr<ChunkOpener> ChunkOpener::Create(const Secret& text_key, std::string_view context,
                                                const Header& header) {
  RETURN_IF_ERROR(internal::CheckTextKey(text_key));
  // What decodes is well-formed; a header that was put together by hand may not be.
  if (!EncodeHeader(header).ok()) {
    return DoesNotOpen();
  }
  auto runs = std::make_shared<std::vector<RunKey>>();
  runs->reserve(header.runs.size());
  for (const Run& run : header.runs) {
    internal::RunKeys keys = internal::DeriveRunKeys(text_key, context, run.first_chunk, run.salt);
    if (!ConstantTimeEqual(keys.commitment, run.commitment)) {
      return DoesNotOpen();
    }
    runs->push_back({run.first_chunk, std::move(keys.encryption)});
  }
  return ChunkOpener(std::move(runs));
}

absl::Status ChunkOpener::Open(uint64_t chunk, bool last, std::string_view sealed, std::string* out) const {
  if (sealed.size() < kChunkTagSize) {
    return DoesNotOpen();
  }
  const size_t before = out->size();
  out->resize(before + sealed.size() - kChunkTagSize);
  absl::Status opened = OpenInto(chunk, last, sealed, std::span<char>(*out).subspan(before));
  if (!opened.ok()) {
    out->resize(before);
  }
  return opened;
}

absl::Status ChunkOpener::OpenInto(uint64_t chunk, bool last, std::string_view sealed,
                                   std::span<char> out) const {
  const bool fits =
      last ? sealed.size() <= kSealedChunkSize && sealed.size() >= kChunkTagSize + (chunk == 0 ? 0 : 1)
           : sealed.size() == kSealedChunkSize;
  if (!fits || chunk >= ChunkCount(kMaxTextSize)) {
    return DoesNotOpen();
  }
  const auto after =
      std::upper_bound(runs_->begin(), runs_->end(), chunk,
                       [](uint64_t place, const RunKey& run) { return place < run.first_chunk; });
  const internal::ChunkNonce nonce = internal::NonceOf(chunk, last);
  // The first run begins at chunk 0.
  if (!crypto::AesGcmOpenInto(std::prev(after)->key, internal::AsView(nonce), "", sealed, out).ok()) {
    return DoesNotOpen();
  }
  return absl::OkStatus();
}

absl::Status StreamOpener::Fail() {
  failed_ = true;
  return DoesNotOpen();
}

// Takes the header off what is held, as soon as it is there.
absl::Status StreamOpener::ReadHeader() {
  if (held_.size() < kHeaderFixedSize) {
    return absl::OkStatus();
  }
  const absl::StatusOr<size_t> size = HeaderSize(std::string_view(held_).substr(0, kHeaderFixedSize));
  if (!size.ok()) {
    failed_ = true;
    return size.status();
  }
  if (held_.size() < *size) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Header> header = DecodeHeader(std::string_view(held_).substr(0, *size));
  if (!header.ok()) {
    failed_ = true;
    return header.status();
  }
  absl::StatusOr<ChunkOpener> opener = ChunkOpener::Create(text_key_, context_, *header);
  if (!opener.ok()) {
    failed_ = true;
    return opener.status();
  }
  opener_ = *std::move(opener);
  last_run_ = header->runs.back().first_chunk;
  held_.erase(0, *size);
  return absl::OkStatus();
}

absl::Status StreamOpener::Write(std::string_view sealed, std::string* out) {
  if (failed_) {
    return DoesNotOpen();
  }
  while (!sealed.empty()) {
    // More than a chunk is held only while the header is being read.
    const size_t most = opener_ ? kSealedChunkSize : kHeaderFixedSize + kMaxRuns * kRunSize;
    if (opener_ && held_.size() >= kSealedChunkSize) {
      if (!opener_->Open(chunk_, /*last=*/false, std::string_view(held_).substr(0, kSealedChunkSize), out)
               .ok()) {
        return Fail();
      }
      held_.erase(0, kSealedChunkSize);
      ++chunk_;
      continue;
    }
    const size_t taken = std::min(sealed.size(), most - held_.size());
    held_ += sealed.substr(0, taken);
    sealed.remove_prefix(taken);
    if (!opener_) {
      RETURN_IF_ERROR(ReadHeader());
    }
  }
  return absl::OkStatus();
}

absl::Status StreamOpener::Finish(std::string* out) {
  if (failed_ || !opener_) {
    return Fail();
  }
  // After a long header more than one chunk may still be held.
  while (held_.size() > kSealedChunkSize) {
    if (!opener_->Open(chunk_, /*last=*/false, std::string_view(held_).substr(0, kSealedChunkSize), out)
             .ok()) {
      return Fail();
    }
    held_.erase(0, kSealedChunkSize);
    ++chunk_;
  }
  if (!opener_->Open(chunk_, /*last=*/true, held_, out).ok() || last_run_ > chunk_) {
    return Fail();
  }
  held_.clear();
  failed_ = true;  // nothing may follow
  return absl::OkStatus();
}

}  // namespace relais::vault
