#include "common/audit/evidence.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"

namespace relais::audit {
namespace {

absl::Status Save(TileFolder& folder, const std::string& name, const Evidence& evidence) {
  for (const auto& [file, bytes] : evidence.files) {
    RETURN_IF_ERROR(folder.WriteDurably(absl::StrCat(name, "/", file), bytes));
  }
  RETURN_IF_ERROR(folder.WriteDurably(name + "/alarm.txt", evidence.what + "\n"));
  return folder.Sync();
}

}  // namespace

void Evidence::AddProof(std::string_view kind, uint64_t a, uint64_t b,
                        const std::vector<merkle::Hash>& hashes) {
  std::string text = absl::StrCat(std::string(kind), " ", a, " ", b, "\n");
  for (const merkle::Hash& hash : hashes) {
    text.append(crypto::Base64Encode(merkle::AsBytes(hash))).append("\n");
  }
  files[absl::StrCat(std::string(kind), "-proof")] = text;
}

absl::Status RaiseAlarm(TileFolder& folder, const Evidence& evidence, absl::Time now) {
  const std::string name = absl::StrCat(std::string(kEvidencePrefix),
                                        absl::FormatTime("%Y%m%dT%H%M%E6SZ", now, absl::UTCTimeZone()));
  const absl::Status saved = Save(folder, name, evidence);
  return absl::AbortedError(absl::StrCat(
      evidence.what, saved.ok() ? absl::StrCat("; evidence in ", folder.PathOf(name))
                                : absl::StrCat("; the evidence could not be kept: ", saved.message())));
}

}  // namespace relais::audit
