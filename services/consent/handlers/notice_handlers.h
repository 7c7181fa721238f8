// The register of notices: the exact text that persons are given (D-2.13).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The language that is meant: `fr` unless said.
[[nodiscard]] std::string LanguageOf(const std::string& language);

/// Holds what was recorded against the register: a notice that is in it gets the text's SHA-256; another
/// SHA-256 than the text's is refused, about `notice.sha256`. One that is not in it passes unless
/// `registry.notices_required`; the leaf then says what the collector said. Reads the store.
absl::Status CompleteNotice(const Registry& registry, v1::Notice& notice);

/// Thread-safe. A registered text never changes and never goes.
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
