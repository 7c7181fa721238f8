// AuditService.Tail: the log in order, then as it grows. No gRPC here: the simulator uses it too.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/audit/log.h"
#include "common/rpc/audit_view.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "common/rpc/stream.h"
#include "relais/audit/v1/audit_service.pb.h"

namespace relais::rpc {

/// Which event classes each peer service sees opened; a peer that is not named sees none, a class that is not
/// listed is WITHHELD: bytes only.
using OpenedTable = std::map<std::string, std::set<audit::v1::EventClass>>;

/// Thread-safe. `context` and what it refers to outlive it and every call.
class TailHandlers {
 public:
  TailHandlers(const ServiceContext& context, OpenedTable opened);

  /// Leaves right after they are durable, in messages of at most 256 KiB, and nonces answered in order in
  /// between. Institutions: by their scope, until it ends (MISSING_ROLE); OPENED with a reason, and after a
  /// LOG_READ leaf is durable. A DPO gets hashes in place of the leaves that are not her institution's.
  Task<absl::Status> Tail(Call call,
                          std::shared_ptr<Stream<audit::v1::TailRequest, audit::v1::TailResponse>> stream);

 private:
  struct Run;

  [[nodiscard]] absl::Status UpdateView(const Call& call, Run& run) const;
  // How this caller sees leaves; writes the leaf that an auditor's tail leaves.
  Task<absl::Status> Authorise(Call call, std::shared_ptr<Run> run);
  Task<absl::Status> Pump(Call call, std::shared_ptr<Run> run);
  Task<absl::Status> AnswerNonces(std::shared_ptr<Run> run);
  void Show(const Run& run, audit::OpenedLeaf opened, audit::v1::TailLeaf& leaf) const;
  absl::StatusOr<size_t> ReadSome(const Run& run, std::vector<audit::v1::TailResponse>& out) const;

  const ServiceContext context_;
  const OpenedTable opened_;
};

}  // namespace relais::rpc
