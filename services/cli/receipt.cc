#include "services/cli/receipt.h"

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/pki/file.h"
#include "google/protobuf/util/json_util.h"
#include "services/cli/output.h"

namespace relais::cli {
namespace {

constexpr char kFormat[] = "relais-receipt/1";

}  // namespace

std::string FormatReceipt(const ReceiptAct& act, const common::v1::Written& written) {
  nlohmann::ordered_json out = {
      {"format", kFormat},
      {"fr", act.fr},
      {"en", act.en},
      {"act", act.act},
      {"time", absl::FormatTime(absl::RFC3339_full, FromProto(written.time()), absl::UTCTimeZone())},
      {"revision", written.revision()}};
  if (!act.id.empty()) {
    out["id"] = act.id;
  }
  if (!act.person.empty()) {
    out["person"] = act.person;
  }
  out["proof"] = nlohmann::ordered_json::parse(ToJson(written.proof()));
  return out.dump(2) + "\n";
}

absl::StatusOr<common::v1::Proof> ParseReceipt(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat || !json.contains("proof")) {
    return absl::InvalidArgumentError("this is neither a receipt nor an export");
  }
  common::v1::Proof proof;
  if (!google::protobuf::util::JsonStringToMessage(json["proof"].dump(), &proof).ok()) {
    return absl::InvalidArgumentError("the receipt's proof is malformed");
  }
  return proof;
}

absl::Status WriteReceipt(const std::string& path, const ReceiptAct& act,
                          const common::v1::Written& written) {
  if (path.empty()) {
    return absl::OkStatus();
  }
  if (!written.has_proof()) {
    return absl::FailedPreconditionError("the act is recorded, but the service gave no proof: no receipt");
  }
  constexpr mode_t kPrivate = 0600;  // it opens its leaf
  return pki::WriteFileDurably(path, FormatReceipt(act, written), kPrivate);
}

}  // namespace relais::cli
