// What a caller may see of this log: the scopes of auditors, one place for Query, Tail and Export.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/audit/query.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "relais/audit/v1/audit_query.pb.h"
#include "relais/audit/v1/audit_service.pb.h"

namespace relais::rpc {

/// `kAll`: the suite's auditors, an authority while its scope is in force, services. `kOwn`: the leaves of
/// `institution`'s own acts and those addressed to it; the others are not even listed.
struct AuditView {
  enum class Kind { kNone, kOwn, kAll };
  Kind kind = Kind::kNone;
  std::string institution;
};

/// True when the directory gives this system the scope of the suite: it may grant scopes to others.
[[nodiscard]] bool HasSuiteScope(const Caller& caller, const directory::Directory& directory, absl::Time now);

/// By the directory in force and the scopes granted at run time, at the log's own time: an end that has come
/// stays, whatever the clock does.
[[nodiscard]] absl::StatusOr<AuditView> ViewOf(const ServiceContext& context, const Caller& caller);

/// PERMISSION_DENIED / MISSING_ROLE: the caller has the role but no scope over this log.
[[nodiscard]] absl::Status NoScope();

/// Whether part R of a leaf is the reader's to see: of her own institution's acts.
[[nodiscard]] bool ShowsActor(const AuditView& view, const audit::v1::LeafHeader& header);

/// For a reader who is no service and not of the whole log: the subject's id out of the details, and, for a
/// person, the institution's own handle in its place. Others: nothing is changed, nullopt.
std::optional<common::v1::PersonRef> Readdress(const ServiceContext& context, const AuditView& view,
                                               audit::v1::LeafDetails& details);

/// The leaf that a Query, an Export or an auditor's Tail leaves.
[[nodiscard]] audit::Event LogReadEvent(const Call& call, const audit::v1::LogRead& read);

}  // namespace relais::rpc
