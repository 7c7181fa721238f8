#include "common/rpc/hold_handlers.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/audit/maintenance.h"
#include "common/base/hex.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/audit_view.h"
#include "common/rpc/lone_leaf.h"

namespace relais::rpc {
namespace {

constexpr size_t kDefaultPage = 50;
constexpr char kNotAToken[] = "page_token is not one that this service gave";

void Show(const audit::HoldInfo& info, audit::v1::Hold& out) {
  out.set_hold_id(info.id.ToHex());
  *out.mutable_placed() = ToProto(info.placed);
  *out.mutable_until() = ToProto(info.until);
  if (info.ended.has_value()) {
    *out.mutable_ended() = ToProto(*info.ended);
  }
  out.set_expired(info.expired);
}

absl::Status Answer(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return NoSuchOrNotYours();
  }
  if (absl::IsFailedPrecondition(status)) {
    return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                   std::string(status.message()));
  }
  return status;
}

}  // namespace

Task<absl::StatusOr<audit::v1::ListHoldsResponse>> HoldHandlers::ListHolds(
    Call /*call*/, audit::v1::ListHoldsRequest /*request*/) {
  audit::v1::ListHoldsResponse response;
  for (const audit::HoldInfo& info : context_.maintenance->holds().List()) {
    Show(info, *response.add_holds());
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::ReadHoldResponse>> HoldHandlers::ReadHold(Call call,
                                                                         audit::v1::ReadHoldRequest request) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(const AuditView view, ViewOf(context_, call.caller));
  if (view.kind != AuditView::Kind::kAll) {
    co_return NoScope();
  }
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.hold_id()));
  const std::optional<std::string> from = BytesFromHex(request.page_token());
  if (!from.has_value()) {
    co_return InvalidField("page_token", kNotAToken);
  }
  const size_t limit = request.page_size() == 0 ? kDefaultPage : request.page_size();
  absl::StatusOr<audit::Holds::HeldPage> page = context_.maintenance->holds().Read(id, *from, limit);
  CO_RETURN_IF_ERROR(Answer(page.status()));
  audit::v1::LogRead read;
  read.set_kind("HOLD");
  read.set_hold_id(request.hold_id());
  audit::Event event = LogReadEvent(call, read);
  const absl::StatusOr<storage::CommitResult> written = co_await WriteLoneLeaf(context_, std::move(event));
  CO_RETURN_IF_ERROR(written.status());
  audit::v1::ReadHoldResponse response;
  Show(page->hold, *response.mutable_hold());
  response.set_order_reference(page->order_reference);
  for (audit::v1::HeldItem& item : page->items) {
    *response.add_items() = std::move(item);
  }
  response.set_next_page_token(absl::BytesToHexString(page->next));
  co_return response;
}

}  // namespace relais::rpc
