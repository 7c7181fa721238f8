#include "services/vault/format/run_keys.h"

#include "common/crypto/hkdf.h"
#include "services/vault/format/bytes.h"
#include "services/vault/format/sealed_text.h"

namespace relais::vault::internal {

absl::Status CheckTextKey(const Secret& text_key) {
  if (text_key.size() != kTextKeySize) {
    return absl::InvalidArgumentError("the key of a sealed text has 32 bytes");
  }
  return absl::OkStatus();
}

RunKeys DeriveRunKeys(const Secret& text_key, std::string_view context, uint64_t first_chunk,
                      std::string_view salt) {
  // Suite and chunk size as in the header: a text sealed under one pair has no key under another.
  std::string info("relais sealed text v1\x01\x10", 23);
  AppendBigEndian64(first_chunk, info);
  AppendBigEndian32(static_cast<uint32_t>(context.size()), info);
  info += context;
  const Secret both = crypto::HkdfSha256(text_key, salt, info, crypto::kAesGcmKeySize + kRunCommitmentSize);
  return {Secret(std::string(both.ExposeSecret().substr(0, crypto::kAesGcmKeySize))),
          std::string(both.ExposeSecret().substr(crypto::kAesGcmKeySize))};
}

ChunkNonce NonceOf(uint64_t chunk, bool last) {
  ChunkNonce nonce{};
  for (size_t i = 0; i < 8; ++i) {
    nonce[i] = static_cast<char>(chunk >> (56 - 8 * i));
  }
  nonce[nonce.size() - 1] = last ? 1 : 0;
  return nonce;
}

}  // namespace relais::vault::internal
