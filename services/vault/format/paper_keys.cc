#include "services/vault/format/paper_keys.h"

#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/sha256.h"
#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

constexpr char kFormat = 0x01;
constexpr size_t kPrefix = 1 + 4;  // format, then epoch or generation
constexpr size_t kWrappedSize = kPrefix + crypto::kAeadRandomOverhead + kPaperKeySize;

absl::Status DoesNotOpen() { return absl::DataLossError("wrapped key does not open"); }

std::string PersonAad(const Id128& person, uint32_t generation) {
  std::string aad("relais vault person key v1");
  aad += person.bytes();
  AppendBigEndian32(generation, aad);
  return aad;
}

std::string VersionAad(const VersionName& name, uint32_t generation) {
  std::string aad("relais vault version key v1");
  aad += name.person.bytes();
  aad += name.document.bytes();
  AppendBigEndian32(name.version, aad);
  AppendBigEndian32(generation, aad);
  return aad;
}

std::string Pack(uint32_t number, std::string_view sealed) {
  std::string row(1, kFormat);
  AppendBigEndian32(number, row);
  row += sealed;
  return row;
}

absl::StatusOr<uint32_t> NumberOf(std::string_view row) {
  if (row.size() != kWrappedSize || row[0] != kFormat) {
    return absl::DataLossError("not a wrapped key");
  }
  return ReadBigEndian32(row.substr(1));
}

absl::Status CheckKey(const Secret& key) {
  if (key.size() != kPaperKeySize) {
    return absl::InvalidArgumentError("a key of papers has 32 bytes");
  }
  return absl::OkStatus();
}

absl::StatusOr<Secret> Opened(absl::StatusOr<std::string> key) {
  if (!key.ok() || key->size() != kPaperKeySize) {
    return DoesNotOpen();
  }
  return Secret(*std::move(key));
}

}  // namespace

absl::StatusOr<uint32_t> RingEpochKeys::Current() const { return ring_.Latest(kRingName); }

std::vector<uint32_t> RingEpochKeys::Held() const {
  std::vector<uint32_t> held;
  for (const crypto::KeyVersion& key : ring_.List()) {
    if (key.name == kRingName) {
      held.push_back(key.version);
    }
  }
  return held;
}

absl::StatusOr<EpochKeys::Wrapped> RingEpochKeys::Wrap(std::string_view aad, const Secret& key) {
  ASSIGN_OR_RETURN(const uint32_t epoch, Current());
  ASSIGN_OR_RETURN(const Secret wrapping, ring_.Get(kRingName, epoch));
  ASSIGN_OR_RETURN(std::string sealed, crypto::SealRandom(random_, wrapping, aad, key.ExposeSecret()));
  return Wrapped{epoch, std::move(sealed)};
}

absl::StatusOr<Secret> RingEpochKeys::Unwrap(uint32_t epoch, std::string_view aad,
                                             std::string_view sealed) const {
  ASSIGN_OR_RETURN(const Secret wrapping, ring_.Get(kRingName, epoch));
  return Opened(crypto::OpenRandom(wrapping, aad, sealed));
}

absl::StatusOr<uint32_t> RingEpochKeys::Begin() { return ring_.Add(kRingName, NewPaperKey(random_)); }

absl::Status RingEpochKeys::Destroy(uint32_t epoch) {
  ASSIGN_OR_RETURN(const uint32_t current, Current());
  if (epoch == current) {
    return absl::FailedPreconditionError("the epoch in use is not destroyed");
  }
  return ring_.Destroy(kRingName, epoch);
}

Secret NewPaperKey(Random& random) { return Secret(random.Bytes(kPaperKeySize)); }

absl::StatusOr<std::string> WrapPersonKey(EpochKeys& epochs, const Id128& person, uint32_t generation,
                                          const Secret& key) {
  RETURN_IF_ERROR(CheckKey(key));
  ASSIGN_OR_RETURN(const EpochKeys::Wrapped wrapped, epochs.Wrap(PersonAad(person, generation), key));
  return Pack(wrapped.epoch, wrapped.sealed);
}

absl::StatusOr<uint32_t> EpochOf(std::string_view wrapped_person_key) { return NumberOf(wrapped_person_key); }

absl::StatusOr<Secret> UnwrapPersonKey(const EpochKeys& epochs, const Id128& person, uint32_t generation,
                                       std::string_view wrapped) {
  ASSIGN_OR_RETURN(const uint32_t epoch, NumberOf(wrapped));
  return epochs.Unwrap(epoch, PersonAad(person, generation), wrapped.substr(kPrefix));
}

absl::StatusOr<std::string> WrapVersionKey(Random& random, uint32_t generation, const Secret& person_key,
                                           const VersionName& name, const Secret& key) {
  RETURN_IF_ERROR(CheckKey(person_key));
  RETURN_IF_ERROR(CheckKey(key));
  ASSIGN_OR_RETURN(const std::string sealed,
                   crypto::SealRandom(random, person_key, VersionAad(name, generation), key.ExposeSecret()));
  return Pack(generation, sealed);
}

absl::StatusOr<uint32_t> GenerationOf(std::string_view wrapped_version_key) {
  return NumberOf(wrapped_version_key);
}

absl::StatusOr<Secret> UnwrapVersionKey(const Secret& person_key, const VersionName& name,
                                        std::string_view wrapped) {
  RETURN_IF_ERROR(CheckKey(person_key));
  ASSIGN_OR_RETURN(const uint32_t generation, NumberOf(wrapped));
  return Opened(crypto::OpenRandom(person_key, VersionAad(name, generation), wrapped.substr(kPrefix)));
}

std::string DuplicateMark(const Secret& person_key, std::string_view text_sha256) {
  return crypto::HmacSha256(crypto::HkdfSha256(person_key, "", "relais vault duplicate v1", kPaperKeySize),
                            text_sha256);
}

}  // namespace relais::vault
