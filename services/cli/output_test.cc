#include "services/cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/rpc/call.h"
#include "common/rpc/refusal.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "relais/routing/v1/inbox_service.pb.h"

namespace relais::cli {
namespace {

TEST(Output, TextIsForHumans) {
  routing::v1::Message message;
  message.set_message_id("ab");
  message.mutable_person()->set_handle("rh1_x");
  message.mutable_sender()->set_institution("edf");
  message.set_urgency(routing::v1::URGENCY_SERIOUS);
  message.mutable_submitted()->set_seconds(1'763'640'000);
  message.mutable_content()->mutable_unpaid_bill()->mutable_amount_owed()->set_minor_units(12'345);
  message.mutable_content()->mutable_unpaid_bill()->mutable_event_day()->set_year(2026);
  message.mutable_content()->mutable_unpaid_bill()->mutable_event_day()->set_month(3);
  message.mutable_content()->mutable_unpaid_bill()->mutable_event_day()->set_day(9);
  EXPECT_EQ(ToText(message),
            "message id: ab\n"
            "person: rh1_x\n"
            "sender: edf\n"
            "content:\n"
            "  unpaid bill:\n"
            "    event day: 2026-03-09\n"
            "    amount owed: 123.45 EUR\n"
            "urgency: SERIOUS\n"
            "submitted: 2025-11-20 13:00:00\n");
}

TEST(Output, WhatOthersWroteDoesNotSteerTheTerminalNorLookLikeAnotherField) {
  EXPECT_EQ(Printable("a\x1b]0;x\x07\xC2\x9B"
                      "31m\r\tb\n\x7F"
                      "été €"),
            "a\uFFFD]0;x\uFFFD\uFFFD31m\uFFFD\tb\n\uFFFDété €");
  routing::v1::Message message;
  message.mutable_content()->mutable_note()->set_text("vue\x1b[2J hier\nsender: ville-paris");
  EXPECT_EQ(ToText(message),
            "content:\n"
            "  note:\n"
            "    text: vue\uFFFD[2J hier\n"
            "        sender: ville-paris\n");
}

TEST(Output, JsonIsProtobufs) {
  consent::v1::CheckResponse response;
  response.set_decision(common::v1::DECISION_PERMIT);
  const nlohmann::json json = nlohmann::json::parse(ToJson(response));
  EXPECT_EQ(json["decision"], "DECISION_PERMIT");
  EXPECT_EQ(json["nextStep"], "");
  EXPECT_EQ(ToJson(response).find('\n'), std::string::npos);
}

TEST(Output, EnumsLoseTheirPrefix) {
  EXPECT_EQ(EnumText(common::v1::DECISION_DENY), "DENY");
  EXPECT_EQ(EnumText(common::v1::DECISION_UNSPECIFIED), "-");
  EXPECT_EQ(EnumText(routing::v1::Waiting::STATE_OFFERED), "OFFERED");
}

TEST(Output, ColumnsCountLettersNotBytes) {
  EXPECT_EQ(Table({{"A", "B"}, {"été", "x"}, {"long", "y"}}), "A     B\nété   x\nlong  y\n");
}

// What somebody wrote makes no second row, and tells the terminal nothing.
TEST(Output, ARowIsOneLineWhateverIsInIt) {
  EXPECT_EQ(
      Table({{"ID", "TITLE", "STATE"}, {"1", "a\nb\tc\x1b[2J\r\x7F\xC2\x9B", "ACTIVE"}, {"2", "été", "x"}}),
      "ID  TITLE                         STATE\n"
      "1   a\\nb\\tc\\x1b[2J\\x0d\\x7f\\u009b  ACTIVE\n"
      "2   été                           x\n");
  EXPECT_EQ(OneLine("Carte d’identité €"), "Carte d’identité €");
}

TEST(Output, ErrorsSayReasonFieldsAndWhatToDo) {
  absl::Status status = rpc::InvalidField("request_id", "is required");
  std::ostringstream text;
  PrintError(text, status, false);
  EXPECT_NE(text.str().find("INVALID_FIELDS"), std::string::npos);
  EXPECT_NE(text.str().find("request_id: is required"), std::string::npos);
  status = rpc::WithNextStep(
      rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_NOT_PERMITTED, "no"),
      "Demandez-lui. / Ask her.");
  std::ostringstream json;
  PrintError(json, status, true);
  const nlohmann::json parsed = nlohmann::json::parse(json.str());
  EXPECT_EQ(parsed["error"]["reason"], "NOT_PERMITTED");
  EXPECT_EQ(parsed["error"]["next_step"], "Demandez-lui. / Ask her.");
}

// A human has options; a program, the metadata of the API.
TEST(Output, ErrorsNameTheOptionAndNotTheHeader) {
  const absl::Status why =
      rpc::Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_REASON_REQUIRED,
                   "metadata relais-reason is required");
  std::ostringstream text;
  PrintError(text, why, false);
  EXPECT_EQ(text.str(), "relais: REASON_REQUIRED: --reason is required\n");
  std::ostringstream json;
  PrintError(json, why, true);
  EXPECT_EQ(nlohmann::json::parse(json.str())["error"]["message"], "metadata relais-reason is required");
  const absl::Status both =
      rpc::Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_AGENT_REQUIRED,
                   "metadata relais-agent and relais-function are required");
  text.str("");
  PrintError(text, both, false);
  EXPECT_EQ(text.str(), "relais: AGENT_REQUIRED: --agent and --function are required\n");
}

}  // namespace
}  // namespace relais::cli
