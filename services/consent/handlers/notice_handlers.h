// The register of notices: the exact text that persons are given (D-2.13).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The language that is meant: `fr` unless said.
[[nodiscard]] std::string LanguageOf(const std::string& language);

/// Holds what that institution recorded against the register: a notice that is in it gets the text's SHA-256;
/// another SHA-256 than the text's is refused, about `notice.sha256`. One that is not in it passes unless
/// `registry.notices_required`; the leaf then says what the collector said. A text is the institution's when
/// it registered it, when one of its controller did, or else the steward, whose texts are for all: others'
/// texts of that name are none of its. To one of an earlier build, whose registrant is not known, nobody is
/// held who says another SHA-256. Reads the store.
absl::Status CompleteNotice(const Registry& registry, std::string_view institution, v1::Notice& notice);

/// Thread-safe. A registered text never changes and never goes: who registered it, in an earlier build too,
/// registers no other under its name. Of several of one name GetNotice gives the
/// caller's, by the order above, else the first.
class NoticeHandlers {
 public:
  explicit NoticeHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::RegisterNoticeResponse>> RegisterNotice(rpc::Call call,
                                                                  v1::RegisterNoticeRequest request);
  Task<absl::StatusOr<v1::GetNoticeResponse>> GetNotice(rpc::Call call, v1::GetNoticeRequest request);

 private:
  Task<absl::StatusOr<v1::RegisterNoticeResponse>> Answer(v1::Notice notice, storage::LeafRange leaves,
                                                          bool want_proof);
  Registry& registry_;
};

}  // namespace relais::consent
