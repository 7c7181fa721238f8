#include "services/vault/lost_answer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/refusal.h"

namespace relais::vault {

absl::Status AnswerIsLost(std::string_view look) {
  return rpc::WithNextStep(
      rpc::Refusal(absl::StatusCode::kDataLoss, common::v1::ERROR_REASON_DOCUMENT_DAMAGED,
                   "what the vault remembers of this request_id does not read, by damage on its disk: the "
                   "act was done, its answer is lost"),
      absl::StrCat("look at what there is (", std::string(look),
                   "); do not send it again under another request_id before; tell the vault's operator"));
}

}  // namespace relais::vault
