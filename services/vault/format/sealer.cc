#include "services/vault/format/sealer.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/crypto/aes_gcm.h"
#include "services/vault/format/run_keys.h"

namespace relais::vault {

absl::StatusOr<RunSealer> RunSealer::Begin(const Secret& text_key, std::string_view context,
                                           uint64_t first_chunk, Random& random) {
  RETURN_IF_ERROR(internal::CheckTextKey(text_key));
  if (first_chunk >= ChunkCount(kMaxTextSize)) {
    return absl::InvalidArgumentError("a run beyond the longest text");
  }
  Run run{first_chunk, random.Bytes(kRunSaltSize), ""};
  internal::RunKeys keys = internal::DeriveRunKeys(text_key, context, first_chunk, run.salt);
  run.commitment = std::move(keys.commitment);
  return RunSealer(std::move(keys.encryption), std::move(run));
}

RunSealer& RunSealer::operator=(RunSealer&& other) noexcept {
  if (this != &other) {
    key_ = std::move(other.key_);
    run_ = std::move(other.run_);
    next_ = other.next_;
    ended_ = std::exchange(other.ended_, true);
  }
  return *this;
}

absl::Status RunSealer::Seal(std::string_view text, bool last, std::string* out) {
  if (ended_ || next_ >= ChunkCount(kMaxTextSize)) {
    return absl::FailedPreconditionError("the text has ended");
  }
  const bool fits =
      last ? text.size() <= kChunkSize && (!text.empty() || next_ == 0) : text.size() == kChunkSize;
  if (!fits) {
    return absl::InvalidArgumentError("no chunk has this length");
  }
  const internal::ChunkNonce nonce = internal::NonceOf(next_, last);
  // Before sealing: not even an error may bring this place back under this key.
  ++next_;
  ended_ = last;
  return crypto::AesGcmSealTo(key_, internal::AsView(nonce), "", text, out);
}

absl::StatusOr<StreamSealer> StreamSealer::Begin(const Secret& text_key, std::string_view context,
                                                 Random& random) {
  ASSIGN_OR_RETURN(RunSealer run, RunSealer::Begin(text_key, context, 0, random));
  ASSIGN_OR_RETURN(std::string header, EncodeHeader({{run.run()}}));
  return StreamSealer(std::move(run), std::move(header));
}

absl::Status StreamSealer::Write(std::string_view text, std::string* out) {
  while (!text.empty()) {
    if (held_.size() == kChunkSize) {
      RETURN_IF_ERROR(run_.Seal(held_, /*last=*/false, out));
      held_.clear();
    }
    if (held_.empty() && text.size() > kChunkSize) {
      RETURN_IF_ERROR(run_.Seal(text.substr(0, kChunkSize), /*last=*/false, out));
      text.remove_prefix(kChunkSize);
      continue;
    }
    const size_t taken = std::min(text.size(), kChunkSize - held_.size());
    held_ += text.substr(0, taken);
    text.remove_prefix(taken);
  }
  return absl::OkStatus();
}

absl::Status StreamSealer::Finish(std::string* out) {
  RETURN_IF_ERROR(run_.Seal(held_, /*last=*/true, out));
  held_.clear();
  return absl::OkStatus();
}

}  // namespace relais::vault
