#include "common/rpc/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/directory/codes.h"
#include "common/text/nir.h"
#include "common/text/utf8.h"

namespace relais::rpc {
namespace {

constexpr size_t kMaxAgent = 64;
constexpr size_t kMaxReason = 500;
constexpr uint32_t kDefaultDeadlineSeconds = 30;

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

absl::Status Refuse(common::v1::ErrorReason reason, std::string_view message) {
  return Refusal(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::StatusOr<Method> MethodOf(const google::protobuf::MethodDescriptor* descriptor) {
  if (!descriptor->options().HasExtension(common::v1::policy)) {
    return absl::InvalidArgumentError("the method " + descriptor->full_name() + " declares no policy");
  }
  const common::v1::Effect effect = descriptor->options().GetExtension(common::v1::effect);
  if (effect == common::v1::EFFECT_UNSPECIFIED || !common::v1::Effect_IsValid(effect)) {
    return absl::InvalidArgumentError("the method " + descriptor->full_name() + " declares no effect");
  }
  Method method;
  method.effect = effect;
  method.name = descriptor->service()->full_name() + "/" + descriptor->name();
  method.policy = descriptor->options().GetExtension(common::v1::policy);
  method.descriptor = descriptor;
  if (method.policy.counts_misses()) {
    method.misses = BatchMisses(*descriptor->output_type());
  }
  const uint32_t seconds = method.policy.max_deadline_seconds();
  method.max_deadline = absl::Seconds(seconds == 0 ? kDefaultDeadlineSeconds : seconds);
  for (const int role : method.policy.roles()) {
    if (role == common::v1::ROLE_UNSPECIFIED || !common::v1::Role_IsValid(role)) {
      return absl::InvalidArgumentError("the policy of " + descriptor->full_name() + " names no role");
    }
  }
  for (const std::string& capability : method.policy.capabilities()) {
    if (!directory::IsOneOf(capability, directory::kCapabilities)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the policy of ", descriptor->full_name(), " names no capability: ", capability));
    }
  }
  return method;
}

absl::Status CheckAgent(std::string_view agent) {
  if (agent.size() > kMaxAgent || !IsPrintable(agent)) {
    return Refuse(common::v1::ERROR_REASON_AGENT_REQUIRED,
                  "metadata relais-agent must be 1 to 64 printable characters");
  }
  if (text::ContainsNir(agent)) {
    return Refuse(common::v1::ERROR_REASON_NIR_DETECTED,
                  "metadata relais-agent holds a social security number (NIR)");
  }
  return absl::OkStatus();
}

// `capabilities`: a list of std::string. Both names are the directory's: nothing a caller wrote is repeated.
template <typename Capabilities>
absl::Status CheckMay(const Caller& caller, const directory::Directory& directory,
                      const Capabilities& capabilities) {
  const directory::Function* function = directory.FindFunction(caller.institution, caller.function);
  const bool may = function != nullptr &&
                   std::any_of(capabilities.begin(), capabilities.end(),
                               [&](const std::string& capability) { return function->May(capability); });
  return may ? absl::OkStatus()
             : Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_CAPABILITY,
                       absl::StrCat("the directory does not let the function ", caller.function,
                                    " do this: it needs ", absl::StrJoin(capabilities, " or ")));
}

absl::Status CheckReason(std::string_view reason) {
  if (!text::IsUtf8(reason) || text::CodePoints(reason) > kMaxReason) {
    return Refuse(common::v1::ERROR_REASON_INVALID_FIELDS,
                  "metadata relais-reason must be at most 500 characters of UTF-8");
  }
  if (text::ContainsNir(reason)) {
    return Refuse(common::v1::ERROR_REASON_NIR_DETECTED,
                  "metadata relais-reason holds a social security number (NIR)");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MethodTable::AddService(std::string_view service, Validator& validator) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(service));
  if (descriptor == nullptr) {
    return absl::NotFoundError("this program has no service " + std::string(service));
  }
  return AddService(*descriptor, validator);
}

absl::Status MethodTable::AddService(const google::protobuf::ServiceDescriptor& service,
                                     Validator& validator) {
  for (int i = 0; i < service.method_count(); ++i) {
    ASSIGN_OR_RETURN(Method method, MethodOf(service.method(i)));
    RETURN_IF_ERROR(validator.Prepare(service.method(i)->input_type()));
    const Method* before = Find(method.name);
    method.number = before == nullptr ? methods_.size() : before->number;
    std::string name = method.name;
    methods_.insert_or_assign(std::move(name), std::move(method));
  }
  return absl::OkStatus();
}

const Method* MethodTable::Find(std::string_view name) const {
  const auto at = methods_.find(name);
  return at == methods_.end() ? nullptr : &at->second;
}

absl::Status SetAgent(const AgentMetadata& metadata, const directory::Directory& directory, Caller& caller) {
  RETURN_IF_ERROR(CheckReason(metadata.reason));
  caller.reason = metadata.reason;
  if (caller.is_service()) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckAgent(metadata.agent));
  if (!metadata.function.empty() &&
      directory.FindFunction(caller.institution, metadata.function) == nullptr) {
    return Refuse(common::v1::ERROR_REASON_AGENT_REQUIRED,
                  "metadata relais-function names no function of the calling institution");
  }
  caller.agent = metadata.agent;
  caller.function = metadata.function;
  return absl::OkStatus();
}

absl::Status CheckRoles(const common::v1::Policy& policy, const Caller& caller) {
  const bool allowed =
      policy.roles().empty() || std::any_of(policy.roles().begin(), policy.roles().end(), [&](int role) {
        return caller.roles.count(static_cast<common::v1::Role>(role)) > 0;
      });
  return allowed ? absl::OkStatus()
                 : Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_ROLE,
                           "the roles of the calling system do not allow this method");
}

absl::Status CheckCapabilities(const common::v1::Policy& policy, const Caller& caller,
                               const directory::Directory& directory) {
  return policy.capabilities().empty() || caller.function.empty()
             ? absl::OkStatus()
             : CheckMay(caller, directory, policy.capabilities());
}

absl::Status CheckCapability(const Call& call, const std::string& capability) {
  return call.caller.function.empty()
             ? absl::OkStatus()
             : CheckMay(call.caller, *call.directory, std::initializer_list<std::string>{capability});
}

absl::Status CheckPolicy(const common::v1::Policy& policy, const Caller& caller,
                         const directory::Directory& directory) {
  RETURN_IF_ERROR(CheckRoles(policy, caller));
  if (policy.agent_required() && !caller.is_service() && (caller.agent.empty() || caller.function.empty())) {
    return Refuse(common::v1::ERROR_REASON_AGENT_REQUIRED,
                  "metadata relais-agent and relais-function are required");
  }
  RETURN_IF_ERROR(CheckCapabilities(policy, caller, directory));
  if (policy.reason_required() && caller.reason.empty()) {
    return Refuse(common::v1::ERROR_REASON_REASON_REQUIRED, "metadata relais-reason is required");
  }
  return absl::OkStatus();
}

std::set<common::v1::Role> RolesOf(const directory::System& system) {
  std::set<common::v1::Role> roles;
  for (const std::string& name : system.roles) {
    common::v1::Role role = common::v1::ROLE_UNSPECIFIED;
    // SERVICE is a matter of certificates: no directory can grant it.
    if (common::v1::Role_Parse("ROLE_" + name, &role) && role != common::v1::ROLE_SERVICE) {
      roles.insert(role);
    }
  }
  roles.erase(common::v1::ROLE_UNSPECIFIED);
  return roles;
}

}  // namespace relais::rpc
