#include "common/rpc/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/refusal.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "relais/audit/v1/audit_service.pb.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"

namespace relais::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

consent::v1::CheckRequest GoodCheck() {
  consent::v1::CheckRequest request;
  request.mutable_person()->set_handle("rh1_AAECAwQFBgcICQoLDA0ODw");
  request.mutable_sender()->set_institution("edf");
  request.mutable_recipient()->set_institution("ville-paris");
  request.set_purpose("ENERGY_AID");
  request.add_categories("IDENTITY");
  request.set_act(common::v1::ACT_TRANSMIT);
  return request;
}

Validator::Result Check(const google::protobuf::Message& message) {
  Validator validator;
  const absl::Status prepared = validator.Prepare(message.GetDescriptor());
  EXPECT_TRUE(prepared.ok()) << prepared;
  return validator.Check(message);
}

std::vector<std::string> BadFields(const google::protobuf::Message& message) {
  std::vector<std::string> paths;
  const google::rpc::BadRequest fields = FieldsOf(Check(message).status);
  for (const auto& violation : fields.field_violations()) {
    paths.push_back(violation.field());
  }
  return paths;
}

TEST(Validate, GoodRequestPasses) { EXPECT_TRUE(Check(GoodCheck()).status.ok()); }

TEST(Validate, NamesEveryBadFieldAtOnce) {
  consent::v1::CheckRequest request = GoodCheck();
  request.clear_person();
  request.mutable_sender()->set_institution("EDF");
  request.clear_categories();
  request.set_act(common::v1::ACT_UNSPECIFIED);
  request.mutable_time()->set_nanos(-1);
  request.mutable_stated_ground()->mutable_event_day()->set_year(2026);
  request.mutable_stated_ground()->mutable_event_day()->set_month(13);
  EXPECT_THAT(BadFields(request),
              ElementsAre("person", "sender.institution", "categories", "act", "stated_ground.ground",
                          "stated_ground.event_day.month", "stated_ground.event_day.day", "time"));
  const absl::Status status = Check(request).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST(Validate, PathsOfListElements) {
  consent::v1::RecordConsentRequest request;
  request.set_request_id("r-1");
  request.add_lines()->add_purposes("ENERGY_AID");
  request.add_lines()->add_purposes(std::string(65, 'x'));
  request.mutable_lines(1)->add_recipients()->set_kind("lower");
  request.mutable_lines(1)->add_acts(common::v1::ACT_UNSPECIFIED);
  EXPECT_THAT(
      BadFields(request),
      ::testing::IsSupersetOf({"lines[1].purposes[0]", "lines[1].recipients[0].kind", "lines[1].acts[0]"}));
}

TEST(Validate, QuotesNoValue) {
  consent::v1::CheckRequest request = GoodCheck();
  request.mutable_sender()->set_institution("SECRET NAME");
  const absl::Status status = Check(request).status;
  EXPECT_THAT(status.ToString(), Not(HasSubstr("SECRET")));
  EXPECT_THAT(FieldsOf(status).DebugString(), Not(HasSubstr("SECRET")));
}

TEST(Validate, LengthIsInCodePoints) {
  consent::v1::CheckRequest request = GoodCheck();
  std::string facts;
  for (int i = 0; i < 1000; ++i) {
    facts += "é";
  }
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  request.mutable_stated_ground()->set_facts(facts);
  EXPECT_THAT(BadFields(request), IsEmpty());
  request.mutable_stated_ground()->set_facts(facts + "é");
  EXPECT_THAT(BadFields(request), ElementsAre("stated_ground.facts"));
}

// D-6.5: no right to hold a NIR.
TEST(Validate, FindsANirInAnyTextButOpaqueOnes) {
  constexpr char kNir[] = "2 55 08 14 168 025 38";
  consent::v1::CheckRequest request = GoodCheck();
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  request.mutable_stated_ground()->set_facts(std::string("her number is ") + kNir);
  const absl::Status status = Check(request).status;
  EXPECT_EQ(ReasonOf(status), common::v1::ERROR_REASON_NIR_DETECTED);
  EXPECT_THAT(BadFields(request), ElementsAre("stated_ground.facts"));
  request.clear_stated_ground();
  request.mutable_person()->set_handle(kNir);
  EXPECT_THAT(BadFields(request), IsEmpty());
}

// A request id that a client drew at random is never refused for what chance put into it.
TEST(Validate, ARandomIdIsNoNir) {
  consent::v1::RegisterRequest request;
  request.set_request_id("ab255081416802538cdefabcdefabcde");
  EXPECT_THAT(BadFields(request), IsEmpty());
  request.set_request_id("ab255081-4168-0253-8cde-fabcdefabcde");
  EXPECT_THAT(BadFields(request), IsEmpty());
  request.set_request_id("import ab255081416802538cdefabcdefabcde");
  EXPECT_EQ(ReasonOf(Check(request).status), common::v1::ERROR_REASON_NIR_DETECTED);
}

TEST(Validate, EnumsMustBeKnown) {
  consent::v1::CheckRequest request = GoodCheck();
  request.set_act(static_cast<common::v1::Act>(999));
  EXPECT_THAT(BadFields(request), ElementsAre("act"));
}

TEST(Validate, BytesAreBounded) {
  audit::v1::TailRequest request;
  request.set_nonce(std::string(16, '\xff'));
  EXPECT_THAT(BadFields(request), IsEmpty());
  request.set_nonce(std::string(17, '\xff'));
  EXPECT_THAT(BadFields(request), ElementsAre("nonce"));
}

TEST(Validate, NumbersHaveBounds) {
  audit::v1::ListLeavesRequest request;
  request.set_limit(10000);
  EXPECT_THAT(BadFields(request), IsEmpty());
  request.set_limit(10001);
  EXPECT_THAT(BadFields(request), ElementsAre("limit"));
}

TEST(Validate, ListsAreBounded) {
  consent::v1::CheckRequest request = GoodCheck();
  for (int i = 0; i < 50; ++i) {
    request.add_categories("X");
  }
  EXPECT_THAT(BadFields(request), ElementsAre("categories"));
}

TEST(Validate, TellsOfUnknownFields) {
  consent::v1::CheckRequest request = GoodCheck();
  EXPECT_FALSE(Check(request).has_unknown_fields);
  request.GetReflection()->MutableUnknownFields(request.mutable_sender())->AddVarint(77, 1);
  EXPECT_TRUE(Check(request).has_unknown_fields);
}

TEST(Validate, EveryRequestOfThisProgramCanBePrepared) {
  Validator validator;
  EXPECT_TRUE(validator.Prepare(consent::v1::RecordConsentRequest::descriptor()).ok());
  EXPECT_TRUE(validator.Prepare(consent::v1::RecordObjectionRequest::descriptor()).ok());
  EXPECT_TRUE(validator.Prepare(consent::v1::BatchCheckRequest::descriptor()).ok());
}

// A message type made here, with one field and these rules.
absl::Status PrepareField(google::protobuf::FieldDescriptorProto::Type type, const common::v1::Rules& rules) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("test.proto");
  file.set_syntax("proto3");
  auto* message = file.add_message_type();
  message->set_name("M");
  auto* field = message->add_field();
  field->set_name("f");
  field->set_number(1);
  field->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  field->set_type(type);
  *field->mutable_options()->MutableExtension(common::v1::rules) = rules;
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  const auto* built = pool.BuildFile(file);
  EXPECT_NE(built, nullptr);
  Validator validator;
  return validator.Prepare(built->message_type(0));
}

TEST(Validate, RefusesRulesThatCannotBeKept) {
  common::v1::Rules rules;
  rules.set_pattern("(a|b)");
  const absl::Status status = PrepareField(google::protobuf::FieldDescriptorProto::TYPE_STRING, rules);
  EXPECT_THAT(std::string(status.message()), HasSubstr("M.f"));
  rules.Clear();
  rules.set_min(1);
  EXPECT_FALSE(PrepareField(google::protobuf::FieldDescriptorProto::TYPE_STRING, rules).ok());
  EXPECT_TRUE(PrepareField(google::protobuf::FieldDescriptorProto::TYPE_INT32, rules).ok());
  rules.Clear();
  rules.set_required(true);
  EXPECT_FALSE(PrepareField(google::protobuf::FieldDescriptorProto::TYPE_BOOL, rules).ok());
}

}  // namespace
}  // namespace relais::rpc
