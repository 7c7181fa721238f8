#include "services/cli/receipt.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "services/cli/output.h"

namespace relais::cli {

absl::Status CheckReceipt(const std::string& text, const common::v1::Proof& proof) {
  const absl::Status checked = receipt::CheckReceipt(text, proof);
  return checked.ok() ? checked : absl::Status(checked.code(), Printable(std::string(checked.message())));
}

absl::Status WriteReceipt(const std::string& path, const common::v1::Proof& proof,
                          const std::string& erasure) {
  if (path.empty()) {
    return absl::OkStatus();
  }
  if (proof.leaf().empty()) {
    return absl::FailedPreconditionError("the act is recorded, but the service gave no proof: no receipt");
  }
  constexpr mode_t kPrivate = 0600;  // it opens its leaf
  ASSIGN_OR_RETURN(const std::string text, receipt::FormatReceipt(proof, erasure));
  const absl::Status written = pki::WriteFileDurably(path, text, kPrivate);
  // It could when the line was parsed (AddOutput).
  return written.ok() ? written
                      : absl::FailedPreconditionError(absl::StrCat(
                            "the act is recorded, but its receipt was not written: ", written.message()));
}

}  // namespace relais::cli
