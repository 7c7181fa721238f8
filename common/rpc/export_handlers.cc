#include "common/rpc/export_handlers.h"

#include <algorithm>
#include <utility>

#include "common/audit/query.h"
#include "common/base/status.h"
#include "common/merkle/tree.h"
#include "common/rpc/checkpoint_size.h"
#include "common/rpc/lone_leaf.h"

namespace relais::rpc {
namespace {

using audit::v1::ExportRequest;
using audit::v1::ExportResponse;
using ExportWriter = Writer<ExportResponse>;

constexpr size_t kMessageBytes = size_t{256} << 10;
constexpr size_t kMostMessageBytes = size_t{1} << 20;  // unless one leaf has more
constexpr size_t kReadAtOnce = 256;

// Begins to write; the next message is made meanwhile.
OneShot<bool> BeginWrite(const std::shared_ptr<ExportWriter>& out, ExportResponse message,
                         Executor& executor) {
  OneShot<bool> done(executor);
  Start(out->Write(std::move(message)), [done](bool ok) { done.Set(ok); });
  return done;
}

}  // namespace

Task<absl::Status> ExportHandlers::WriteLeaf(Call call, uint64_t from) {
  audit::v1::LogRead read;
  read.set_kind("EXPORT");
  read.set_from(from);
  audit::Event event = LogReadEvent(call, read);
  const absl::StatusOr<storage::CommitResult> written = co_await WriteLoneLeaf(context_, std::move(event));
  co_return written.status();
}

Task<absl::StatusOr<std::string>> ExportHandlers::CheckpointOf(Call call, uint64_t min_size) {
  if (context_.log.state().size < min_size) {
    co_await context_.log.WaitForGrowth(min_size - 1, call.deadline - context_.clock.Monotonic());
  }
  if (context_.log.state().size < min_size) {
    co_return absl::DeadlineExceededError("the log has not grown to that size");
  }
  absl::StatusOr<std::string> checkpoint = co_await context_.log.Checkpoint(min_size);
  co_return checkpoint;
}

absl::Status ExportHandlers::Fill(const AuditView& view, uint64_t next, uint64_t end,
                                  ExportResponse& message) const {
  message.set_first(next);
  size_t bytes = 0;
  while (next < end && bytes < kMessageBytes) {
    const size_t limit = std::min<uint64_t>(kReadAtOnce, end - next);
    if (view.kind == AuditView::Kind::kAll) {
      ASSIGN_OR_RETURN(std::vector<std::string> leaves, context_.log.ReadLeaves(next, limit));
      for (std::string& leaf : leaves) {
        bytes += leaf.size();
        if (bytes > kMostMessageBytes && message.leaves_size() > 0) {
          return absl::OkStatus();
        }
        message.add_leaves(std::move(leaf));
      }
      next += leaves.size();
      continue;
    }
    ASSIGN_OR_RETURN(std::vector<audit::OpenedLeaf> leaves, context_.log.ReadOpened(next, limit));
    for (audit::OpenedLeaf& leaf : leaves) {
      if (audit::IsOwn(view.institution, leaf)) {
        bytes += leaf.bytes.size();
        if (bytes > kMostMessageBytes && message.leaves_size() > 0) {
          return absl::OkStatus();
        }
        message.add_leaves(std::move(leaf.bytes));
      } else {
        message.add_withheld(static_cast<uint32_t>(message.leaves_size()));
        message.add_leaves(std::string(merkle::AsBytes(merkle::HashLeaf(leaf.bytes))));
        bytes += sizeof(merkle::Hash);
      }
    }
    next += leaves.size();
  }
  return absl::OkStatus();
}

Task<absl::Status> ExportHandlers::Export(Call call, ExportRequest request,
                                          std::shared_ptr<ExportWriter> out) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(AuditView view, ViewOf(context_, call.caller));
  if (view.kind == AuditView::Kind::kNone) {
    co_return NoScope();
  }
  if (!call.caller.is_service()) {
    const absl::Status written = co_await WriteLeaf(call, request.from());
    CO_RETURN_IF_ERROR(written);
  }
  absl::StatusOr<std::string> checkpoint = co_await CheckpointOf(call, request.min_size());
  CO_RETURN_IF_ERROR(checkpoint.status());
  CO_ASSIGN_OR_RETURN(const uint64_t end, CheckpointSize(*checkpoint));
  ExportResponse first;
  first.set_checkpoint(*std::move(checkpoint));
  OneShot<bool> under_way = BeginWrite(out, std::move(first), context_.executor);
  uint64_t next = request.from();
  while (true) {
    ExportResponse message;
    absl::Status filled = next < end ? Fill(view, next, end, message) : absl::OkStatus();
    const bool written = co_await under_way;
    if (!written || !filled.ok() || next >= end) {
      co_return filled;
    }
    next += static_cast<uint64_t>(message.leaves_size());
    under_way = BeginWrite(out, std::move(message), context_.executor);
    // A scope that ended ends the export.
    absl::StatusOr<AuditView> now = ViewOf(context_, call.caller);
    if (now.ok() && now->kind != AuditView::Kind::kNone) {
      view = *std::move(now);
      continue;
    }
    co_await under_way;
    co_return now.ok() ? NoScope() : now.status();
  }
}

}  // namespace relais::rpc
