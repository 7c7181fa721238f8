#include "common/rpc/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/rpc/testing/service_world.h"
#include "google/protobuf/descriptor.pb.h"
#include "relais/audit/v1/audit_service.pb.h"
#include "relais/audit/v1/hold_service.pb.h"

namespace relais::rpc {
namespace {

using ::testing::HasSubstr;
using testing::InstitutionCaller;
using testing::SampleDirectory;
using testing::ServiceCaller;

common::v1::ErrorReason Decide(const common::v1::Policy& policy, const Caller& caller) {
  return ReasonOf(CheckPolicy(policy, caller, *SampleDirectory(1)));
}

TEST(MethodTable, ReadsPoliciesFromTheProtos) {
  Validator validator;
  MethodTable table;
  ASSERT_TRUE(table.AddService("relais.audit.v1.AuditService", validator).ok());
  const Method* tail = table.Find("relais.audit.v1.AuditService/Tail");
  ASSERT_NE(tail, nullptr);
  EXPECT_TRUE(tail->policy.audited());
  EXPECT_EQ(tail->max_deadline, absl::Hours(24));
  EXPECT_EQ(table.Find("relais.audit.v1.AuditService/Nothing"), nullptr);
  EXPECT_EQ(table.AddService("relais.audit.v1.Nothing", validator).code(), absl::StatusCode::kNotFound);
}

// What the table says to a service "Bare" with one method "Do" of that policy and effect; null, UNSPECIFIED:
// of none.
absl::Status AddBare(const common::v1::Policy* policy,
                     common::v1::Effect effect = common::v1::EFFECT_WRITES) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("bare.proto");
  file.set_syntax("proto3");
  file.add_dependency("relais/audit/v1/audit_service.proto");
  auto* service = file.add_service();
  service->set_name("Bare");
  auto* method = service->add_method();
  method->set_name("Do");
  method->set_input_type(".relais.audit.v1.GetCheckpointRequest");
  method->set_output_type(".relais.audit.v1.GetCheckpointResponse");
  if (policy != nullptr) {
    *method->mutable_options()->MutableExtension(common::v1::policy) = *policy;
  }
  if (effect != common::v1::EFFECT_UNSPECIFIED) {
    method->mutable_options()->SetExtension(common::v1::effect, effect);
  }
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  // The generated file is there once its types are.
  EXPECT_NE(audit::v1::GetCheckpointRequest::descriptor(), nullptr);
  const auto* built = pool.BuildFile(file);
  if (built == nullptr) {
    return absl::InternalError("the file does not build");
  }
  Validator validator;
  MethodTable table;
  return table.AddService(*built->service(0), validator);
}

// Deny by construction: no policy, no start.
TEST(MethodTable, RefusesAMethodWithoutPolicy) {
  const absl::Status status = AddBare(nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Bare.Do"));
}

// Likewise: nobody said whether it is served while the disk is full.
TEST(MethodTable, RefusesAMethodThatDoesNotSayWhatItDoesToWhatIsKept) {
  const common::v1::Policy policy;
  EXPECT_TRUE(AddBare(&policy).ok()) << AddBare(&policy);
  const absl::Status status = AddBare(&policy, common::v1::EFFECT_UNSPECIFIED);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Bare.Do declares no effect"));
}

TEST(MethodTable, RefusesACapabilityThatNoDirectoryCanGrant) {
  common::v1::Policy policy;
  policy.add_capabilities("CHECK");
  EXPECT_TRUE(AddBare(&policy).ok()) << AddBare(&policy);
  for (const char* wrong : {"CHEK", "check", ""}) {
    common::v1::Policy other = policy;
    other.add_capabilities(wrong);
    const absl::Status status = AddBare(&other);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(status.message()), HasSubstr("Bare.Do")) << wrong;
  }
}

TEST(MethodTable, NumbersItsMethodsFromZero) {
  Validator validator;
  MethodTable table;
  ASSERT_TRUE(table.AddService("relais.audit.v1.AuditService", validator).ok());
  ASSERT_TRUE(table.AddService("relais.audit.v1.HoldService", validator).ok());
  ASSERT_TRUE(table.AddService("relais.audit.v1.AuditService", validator).ok());
  std::set<size_t> numbers;
  for (const auto& [name, method] : table.methods()) {
    numbers.insert(method.number);
  }
  EXPECT_EQ(numbers.size(), table.methods().size());
  EXPECT_EQ(*numbers.rbegin(), numbers.size() - 1);
}

TEST(Policy, RolesAreAnyOf) {
  common::v1::Policy policy;
  const Caller sender = InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER);
  EXPECT_EQ(Decide(policy, sender), common::v1::ERROR_REASON_UNSPECIFIED);
  policy.add_roles(common::v1::ROLE_PROFESSIONAL);
  EXPECT_EQ(Decide(policy, sender), common::v1::ERROR_REASON_MISSING_ROLE);
  EXPECT_EQ(CheckPolicy(policy, sender, *SampleDirectory(1)).code(), absl::StatusCode::kPermissionDenied);
  policy.add_roles(common::v1::ROLE_SIGNAL_SENDER);
  EXPECT_EQ(Decide(policy, sender), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Decide(policy, ServiceCaller("consent")), common::v1::ERROR_REASON_MISSING_ROLE);
}

TEST(Policy, AgentIsRequiredOfInstitutionsOnly) {
  common::v1::Policy policy;
  policy.set_agent_required(true);
  Caller caller = InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL);
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_AGENT_REQUIRED);
  caller.agent = "a-1";
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_AGENT_REQUIRED);
  caller.function = "assistant-social";
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Decide(policy, ServiceCaller("alerting")), common::v1::ERROR_REASON_UNSPECIFIED);
}

// `may` of the directory, of the function named.
TEST(Policy, CapabilitiesAreAnyOfTheFunctions) {
  const auto directory = SampleDirectory(1);
  common::v1::Policy policy;
  Caller caller = InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL);
  caller.agent = "a-1";
  caller.function = "assistant-social";
  policy.add_capabilities("DECLARE_EMERGENCY");
  const absl::Status refused = CheckPolicy(policy, caller, *directory);
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_MISSING_CAPABILITY);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("assistant-social"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("DECLARE_EMERGENCY"));
  policy.add_capabilities("RECORD_CONSENT");
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_UNSPECIFIED);
}

TEST(Policy, AFunctionIsJudgedInItsOwnInstitution) {
  common::v1::Policy policy;
  policy.add_capabilities("RECORD_CONSENT");
  Caller caller = InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER);
  caller.function = "assistant-social";  // ville-paris has it
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_MISSING_CAPABILITY);
}

TEST(Policy, WhoNamesNoFunctionIsNotAsked) {
  common::v1::Policy policy;
  policy.add_capabilities("DECLARE_EMERGENCY");
  EXPECT_EQ(Decide(policy, InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL)),
            common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Decide(policy, ServiceCaller("alerting")), common::v1::ERROR_REASON_UNSPECIFIED);
  // But where a human is required, so is her function.
  policy.set_agent_required(true);
  EXPECT_EQ(Decide(policy, InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL)),
            common::v1::ERROR_REASON_AGENT_REQUIRED);
}

TEST(Policy, AHandlerCanAskForOneCapability) {
  Call call;
  call.directory = SampleDirectory(1);
  call.caller = InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL);
  call.caller.function = "assistant-social";
  EXPECT_TRUE(CheckCapability(call, "RECORD_CONSENT").ok());
  EXPECT_EQ(ReasonOf(CheckCapability(call, "TAKE")), common::v1::ERROR_REASON_MISSING_CAPABILITY);
  call.caller.function = "";
  EXPECT_TRUE(CheckCapability(call, "TAKE").ok());
}

TEST(Policy, ReasonIsRequiredOfAll) {
  common::v1::Policy policy;
  policy.set_reason_required(true);
  Caller caller = ServiceCaller("consent");
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_REASON_REQUIRED);
  caller.reason = "complaint 12";
  EXPECT_EQ(Decide(policy, caller), common::v1::ERROR_REASON_UNSPECIFIED);
}

common::v1::ErrorReason Set(const AgentMetadata& metadata, Caller caller) {
  return ReasonOf(SetAgent(metadata, *SampleDirectory(1), caller));
}

TEST(SetAgent, ChecksFormAndExistence) {
  const Caller caller = InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL);
  EXPECT_EQ(Set({"agent 7", "assistant-social", ""}, caller), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Set({"", "", ""}, caller), common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Set({std::string(65, 'a'), "", ""}, caller), common::v1::ERROR_REASON_AGENT_REQUIRED);
  EXPECT_EQ(Set({"a\tb", "", ""}, caller), common::v1::ERROR_REASON_AGENT_REQUIRED);
  EXPECT_EQ(Set({"255081416802538", "", ""}, caller), common::v1::ERROR_REASON_NIR_DETECTED);
  EXPECT_EQ(Set({"a", "mayor", ""}, caller), common::v1::ERROR_REASON_AGENT_REQUIRED);
  EXPECT_EQ(
      Set({"a", "assistant-social", ""}, InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER)),
      common::v1::ERROR_REASON_AGENT_REQUIRED);
  EXPECT_EQ(Set({"a", "", std::string(501, 'r')}, caller), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(Set({"a", "", "2 55 08 14 168 025 38"}, caller), common::v1::ERROR_REASON_NIR_DETECTED);
}

TEST(SetAgent, AServiceNamesNobody) {
  Caller caller = ServiceCaller("alerting");
  ASSERT_TRUE(SetAgent({"a", "mayor", "why"}, *SampleDirectory(1), caller).ok());
  EXPECT_EQ(caller.agent, "");
  EXPECT_EQ(caller.function, "");
  EXPECT_EQ(caller.reason, "why");
}

TEST(RolesOf, ADirectoryCannotGrantService) {
  directory::System system;
  system.roles = {"PROFESSIONAL", "SERVICE", "UNSPECIFIED", "KING"};
  EXPECT_EQ(RolesOf(system), std::set<common::v1::Role>{common::v1::ROLE_PROFESSIONAL});
}

}  // namespace
}  // namespace relais::rpc
