#include "services/cli/check_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/proto_time.h"
#include "services/cli/output.h"

namespace relais::cli {
namespace {

const char* AuthorisesNothing(bool recorded, bool exercise) {
  if (!recorded) {
    return "  (dry run: authorises nothing)";
  }
  return exercise ? "  (exercise: authorises nothing)" : "";
}

}  // namespace

std::string CheckText(const consent::v1::CheckResponse& response, bool recorded, bool exercise) {
  std::string out = response.decision() == common::v1::DECISION_PERMIT ? "PERMIT" : "NOT PERMITTED";
  const std::string ground = EnumText(response.ground());
  const std::string reason = EnumText(response.reason());
  if (response.decision() == common::v1::DECISION_PERMIT) {
    absl::StrAppend(&out, "  ground ", ground, reason == ground ? "" : ", reason " + reason);
  }
  absl::StrAppend(&out, AuthorisesNothing(recorded, exercise), "\n");
  for (const auto& category : response.categories()) {
    absl::StrAppend(
        &out, "  ", category.category(), ": ", EnumText(category.decision()),
        category.decision() == common::v1::DECISION_PERMIT ? " " + EnumText(category.ground()) : "", "\n");
  }
  for (const int obligation : response.obligations()) {
    absl::StrAppend(&out, "  to do: ", EnumText(static_cast<consent::v1::Obligation>(obligation)), "\n");
  }
  if (response.has_permit()) {
    absl::StrAppend(&out, "  permit ", response.permit().permit_id(), ", until ",
                    ParisTime(FromProto(response.permit().expires())), "\n");
  }
  if (!response.next_step().empty()) {
    absl::StrAppend(&out, "  ", absl::StrReplaceAll(response.next_step(), {{"\n", "\n  "}}), "\n");
  }
  return out;
}

}  // namespace relais::cli
