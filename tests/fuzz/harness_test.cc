// The harness itself: that it has every method and finds what it is to find.
#include "tests/fuzz/harness.h"

#include <gtest/gtest.h>

#include <set>

#include "common/rpc/refusal.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/consent/v1/person_service.pb.h"
#include "tests/fuzz/callers.h"
#include "tests/fuzz/checks.h"

namespace relais::fuzz {
namespace {

consent::v1::RecordConsentRequest Sample() {
  consent::v1::RecordConsentRequest request;
  request.set_request_id("r-secret");
  request.mutable_person()->set_handle("rh1_secret");
  request.add_lines()->add_purposes("RIGHTS_OPENING");
  return request;
}

TEST(Methods, EachOfTheFourServicesHasItsHandlerHere) {
  std::set<std::string> services;
  for (const google::protobuf::MethodDescriptor* method : Methods()) {
    services.insert(method->service()->name());
    const auto bound = BoundMethods().find(NameOf(*method));
    ASSERT_NE(bound, BoundMethods().end()) << NameOf(*method) << " has no handler in tests/fuzz/methods.cc";
    EXPECT_EQ(bound->second.request, method->input_type()) << NameOf(*method);
    EXPECT_EQ(bound->second.response, method->output_type()) << NameOf(*method);
  }
  EXPECT_EQ(services.size(), 4);
  EXPECT_EQ(Methods().size(), BoundMethods().size());
}

TEST(Callers, AreOfTheSampleDirectory) {
  const directory::Directory& directory = *consent::testing::SampleDirectory();
  for (const CallerSpec& spec : Callers()) {
    const rpc::Caller caller = Authenticated(spec, directory);
    EXPECT_FALSE(caller.roles.empty()) << spec.name;
    if (!caller.is_service()) {
      EXPECT_NE(directory.FindFunction(spec.institution, spec.function), nullptr) << spec.name;
    }
  }
}

TEST(NamesField, KnowsFieldsElementsAndOneofs) {
  const auto request = Sample();
  for (const char* path : {"request_id", "person", "person.handle", "person.ref", "lines", "lines[0]",
                           "lines[0].purposes", "lines[0].purposes[0]", "representative.kind"}) {
    EXPECT_TRUE(NamesField(request, path)) << path;
  }
  for (const char* path : {"", "nothing", "lines[1]", "lines[0].purposes[1]", "lines.purposes", "person[0]",
                           "request_id.x", "lines[0", "person.", "lines[-1]", "ref"}) {
    EXPECT_FALSE(NamesField(request, path)) << path;
  }
}

TEST(WrongWithRefusal, IsEmptyOfWhatTheDesignAllows) {
  EXPECT_EQ(WrongWithRefusal(Sample(), rpc::InvalidField("lines[0].acts", "must not be empty")), "");
  EXPECT_EQ(WrongWithRefusal(Sample(), rpc::NoSuchOrNotYours()), "");
}

TEST(WrongWithRefusal, FindsWhatItDoesNot) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto reason = common::v1::ERROR_REASON_INVALID_FIELDS;
  EXPECT_NE(WrongWithRefusal(Sample(), absl::InternalError("a bug")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), absl::DataLossError("a bug")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), absl::UnavailableError("a bug")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::Overloaded(absl::Seconds(1))), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::Refusal(invalid, reason, "no field")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::InvalidField("lines[7]", "is not there")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::InvalidField("lines", "")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::InvalidField("lines", "not rh1_secret")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::WithNextStep(rpc::NoSuchOrNotYours(), "not r-secret")), "");
  EXPECT_NE(WrongWithRefusal(Sample(), rpc::Refusal(absl::StatusCode::kNotFound, reason, "")), "");
}

TEST(WrongWithAnswer, FindsIdsAndForeignHandles) {
  World world;
  const rpc::Call call = world.As("ville-paris");
  const Id128 person = *Id128::FromHex("00112233445566778899aabbccddeeff");
  const auto& handles = world.context().handles;
  consent::v1::RegisterResponse answer;
  answer.mutable_person()->set_handle(handles.ToHandle(person, "ville-paris"));
  EXPECT_EQ(WrongWithAnswer(call.caller, handles, {person}, answer), "");
  answer.mutable_person()->set_handle(handles.ToHandle(person, "caf"));
  EXPECT_NE(WrongWithAnswer(call.caller, handles, {person}, answer), "");
  answer.mutable_person()->set_person_id(person.ToBytes());
  EXPECT_NE(WrongWithAnswer(call.caller, handles, {person}, answer), "");
  answer.clear_person();
  answer.mutable_written()->set_revision(person.ToHex());
  EXPECT_NE(WrongWithAnswer(call.caller, handles, {person}, answer), "");
}

TEST(Script, IsReadAsItIsWritten) {
  const std::string text =
      "@desk PersonService.Register wait=60\n"
      "request_id: \"r-1\"\n"
      "own_identifier: \"A\\n@9\"\n"
      "@steward PersonService.Erase -agent -reason\n"
      "cause: 77\n";
  const Script script = Parse(text);
  ASSERT_EQ(script.size(), 2);
  EXPECT_EQ(script[0].wait_seconds, 60);
  EXPECT_FALSE(script[1].agent || script[1].reason);
  EXPECT_EQ(Print(script), text);
}

TEST(Script, LeavesOutWhatCannotBeRead) {
  EXPECT_TRUE(Parse("").empty());
  EXPECT_TRUE(Parse("@\n@desk\n@nobody PersonService.Register\n@desk PersonService.Nothing\n").empty());
  EXPECT_EQ(Parse("@desk PersonService.Register\nnothing: 1\n@desk PersonService.Resolve\n").size(), 1);
}

}  // namespace
}  // namespace relais::fuzz
