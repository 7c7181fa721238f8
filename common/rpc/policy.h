// Who may call what: the policy each method declares in its proto (relais.common.v1.policy), read at start-up
// and decided on every call. Deny by construction: a method without policy, or that does not say what it does
// to what is kept (relais.common.v1.effect), keeps the server from starting.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/directory/directory.h"
#include "common/rpc/call.h"
#include "common/rpc/miss_limiter.h"
#include "common/rpc/validate.h"
#include "google/protobuf/descriptor.h"
#include "relais/common/v1/options.pb.h"

namespace relais::rpc {

/// A method as served.
struct Method {
  size_t number = 0;  // 0, 1, 2 ... in the order in which methods were added
  std::string name;   // "relais.consent.v1.ConsentService/Check", as metrics and leaves name it
  common::v1::Policy policy;
  common::v1::Effect effect = common::v1::EFFECT_UNSPECIFIED;
  absl::Duration max_deadline;
  BatchMisses misses;  // in its answers, where the policy counts them
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
};

/// The methods of the services of one server. Fill it first, from one thread; then it is immutable and
/// thread-safe.
class MethodTable {
 public:
  /// Adds every method of the service ("relais.consent.v1.ConsentService"), and prepares `validator` for
  /// their requests. NOT_FOUND when the program has no such service; INVALID_ARGUMENT naming a method without
  /// policy or effect, with a role that means nothing or a capability that no directory can grant, or a field
  /// whose rules cannot be kept.
  absl::Status AddService(std::string_view service, Validator& validator);
  absl::Status AddService(const google::protobuf::ServiceDescriptor& service, Validator& validator);

  /// Null for a method that was not added.
  [[nodiscard]] const Method* Find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, Method, std::less<>>& methods() const { return methods_; }

 private:
  std::map<std::string, Method, std::less<>> methods_;
};

/// What a caller may say of the human who acts, as it came in the metadata.
struct AgentMetadata {
  std::string agent;     // relais-agent
  std::string function;  // relais-function
  std::string reason;    // relais-reason, or relais-reason-bin for text beyond ASCII
};

/// Checks form and existence and puts them into the caller. A service's are ignored but for the reason: it
/// names whom it acts for in the request. INVALID_ARGUMENT: AGENT_REQUIRED for an agent that is not 1 to 64
/// printable ASCII characters, or a function the directory does not have for the institution; NIR_DETECTED;
/// INVALID_FIELDS for a reason of more than 500 characters or not UTF-8.
absl::Status SetAgent(const AgentMetadata& metadata, const directory::Directory& directory, Caller& caller);

/// OK when the caller has one of the policy's roles; else PERMISSION_DENIED / MISSING_ROLE.
absl::Status CheckRoles(const common::v1::Policy& policy, const Caller& caller);

/// OK when the function that the caller named may do one of the policy's capabilities, or the policy has
/// none, or no function was named; else PERMISSION_DENIED / MISSING_CAPABILITY, naming both. A service's
/// caller names none: it acts for an institution's human whom that institution's own call has shown.
absl::Status CheckCapabilities(const common::v1::Policy& policy, const Caller& caller,
                               const directory::Directory& directory);
/// The same of one capability, for handlers: where only some requests of a method need it.
absl::Status CheckCapability(const Call& call, const std::string& capability);

/// OK when the policy lets this caller call, by the directory of the call: MISSING_ROLE, AGENT_REQUIRED,
/// MISSING_CAPABILITY, REASON_REQUIRED.
absl::Status CheckPolicy(const common::v1::Policy& policy, const Caller& caller,
                         const directory::Directory& directory);

/// The roles of a directory's system; those the protos do not have are left out.
std::set<common::v1::Role> RolesOf(const directory::System& system);

}  // namespace relais::rpc
