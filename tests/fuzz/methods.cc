#include "tests/fuzz/methods.h"

#include <utility>

namespace relais::fuzz {
namespace {

using consent::Service;
namespace c = consent;

template <typename Handlers, typename Request, typename Response>
BoundMethod Bind(Handlers& (Service::*part)(),
                 Task<absl::StatusOr<Response>> (Handlers::*handler)(rpc::Call, Request)) {
  return {Request::descriptor(), Response::descriptor(),
          [part, handler](World& world, rpc::Call call, const google::protobuf::Message& request) -> Answer {
            Handlers& handlers = (world.service().*part)();
            absl::StatusOr<Response> answer =
                world.Run((handlers.*handler)(std::move(call), static_cast<const Request&>(request)));
            if (!answer.ok()) {
              return answer.status();
            }
            return std::make_unique<Response>(*std::move(answer));
          }};
}

std::map<std::string, BoundMethod> PersonMethods() {
  return {{"Register", Bind(&Service::persons, &c::PersonHandlers::Register)},
          {"Resolve", Bind(&Service::persons, &c::PersonHandlers::Resolve)},
          {"BatchResolve", Bind(&Service::identifiers, &c::IdentifierHandlers::BatchResolve)},
          {"TranslateHandles", Bind(&Service::identifiers, &c::IdentifierHandlers::TranslateHandles)},
          {"LinkIdentifier", Bind(&Service::identifiers, &c::IdentifierHandlers::LinkIdentifier)},
          {"UnlinkIdentifier", Bind(&Service::identifiers, &c::IdentifierHandlers::UnlinkIdentifier)},
          {"UpdateStatus", Bind(&Service::statuses, &c::StatusHandlers::UpdateStatus)},
          {"ListCandidates", Bind(&Service::candidates, &c::CandidateHandlers::ListCandidates)},
          {"ConfirmMatch", Bind(&Service::candidates, &c::CandidateHandlers::ConfirmMatch)},
          {"RejectMatch", Bind(&Service::candidates, &c::CandidateHandlers::RejectMatch)},
          {"Merge", Bind(&Service::links, &c::LinkHandlers::Merge)},
          {"Split", Bind(&Service::links, &c::LinkHandlers::Split)},
          {"GetLinkImpact", Bind(&Service::links, &c::LinkHandlers::GetLinkImpact)},
          {"Erase", Bind(&Service::erasures, &c::ErasureHandlers::Erase)},
          {"AcknowledgeErasure", Bind(&Service::erasures, &c::ErasureHandlers::AcknowledgeErasure)},
          {"PlaceHold", Bind(&Service::holds, &c::HoldHandlers::PlaceHold)},
          {"ReleaseHold", Bind(&Service::holds, &c::HoldHandlers::ReleaseHold)}};
}

std::map<std::string, BoundMethod> ConsentMethods() {
  return {
      {"RecordConsent", Bind(&Service::agreements, &c::AgreementHandlers::RecordConsent)},
      {"RecordRefusal", Bind(&Service::agreements, &c::AgreementHandlers::RecordRefusal)},
      {"WithdrawConsent", Bind(&Service::agreements, &c::AgreementHandlers::WithdrawConsent)},
      {"RenewConsent", Bind(&Service::consents, &c::ConsentHandlers::RenewConsent)},
      {"GetConsent", Bind(&Service::consents, &c::ConsentHandlers::GetConsent)},
      {"ListConsents", Bind(&Service::consents, &c::ConsentHandlers::ListConsents)},
      {"RecordInformation", Bind(&Service::duties, &c::DutyHandlers::RecordInformation)},
      {"ListObligations", Bind(&Service::duties, &c::DutyHandlers::ListObligations)},
      {"AnswerErasureNotice",
       Bind(&Service::erasure_notices, &c::ErasureNoticeHandlers::AnswerErasureNotice)},
      {"AnswerRectificationNotice",
       Bind(&Service::rectification_notices, &c::RectificationNoticeHandlers::AnswerRectificationNotice)},
      {"GetWithdrawalStatus", Bind(&Service::withdrawals, &c::WithdrawalStatusHandlers::GetWithdrawalStatus)},
      {"RegisterNotice", Bind(&Service::notices, &c::NoticeHandlers::RegisterNotice)},
      {"GetNotice", Bind(&Service::notices, &c::NoticeHandlers::GetNotice)},
      {"RecordObjection", Bind(&Service::objections, &c::ObjectionHandlers::RecordObjection)},
      {"LiftObjection", Bind(&Service::objections, &c::ObjectionHandlers::LiftObjection)},
      {"Check", Bind(&Service::checks, &c::CheckHandlers::Check)},
      {"BatchCheck", Bind(&Service::checks, &c::CheckHandlers::BatchCheck)},
      {"GetReceipt", Bind(&Service::receipts, &c::ReceiptHandlers::GetReceipt)},
      {"ListDisclosures", Bind(&Service::disclosures, &c::DisclosureHandlers::ListDisclosures)},
      {"ListWithheld", Bind(&Service::withheld, &c::WithheldHandlers::ListWithheld)},
      {"ReviewWithheld", Bind(&Service::withheld, &c::WithheldHandlers::ReviewWithheld)}};
}

std::map<std::string, BoundMethod> EmergencyMethods() {
  return {{"Declare", Bind(&Service::emergencies, &c::EmergencyHandlers::Declare)},
          {"Review", Bind(&Service::emergencies, &c::EmergencyHandlers::Review)},
          {"ListPending", Bind(&Service::emergencies, &c::EmergencyHandlers::ListPending)}};
}

std::map<std::string, BoundMethod> RightsMethods() {
  return {{"Open", Bind(&Service::rights, &c::RightsHandlers::Open)},
          {"Answer", Bind(&Service::rights, &c::RightsHandlers::Answer)},
          {"ListOverdue", Bind(&Service::rights, &c::RightsHandlers::ListOverdue)},
          {"Restrict", Bind(&Service::rights, &c::RightsHandlers::Restrict)},
          {"Unrestrict", Bind(&Service::rights, &c::RightsHandlers::Unrestrict)},
          {"Rectify", Bind(&Service::record_rights, &c::RecordRightsHandlers::Rectify)},
          {"Export", Bind(&Service::record_rights, &c::RecordRightsHandlers::Export)}};
}

}  // namespace

const std::map<std::string, BoundMethod>& BoundMethods() {
  static const auto* const kMethods = [] {
    auto* all = new std::map<std::string, BoundMethod>();
    const auto add = [all](const std::string& service, std::map<std::string, BoundMethod> methods) {
      for (auto& [name, method] : methods) {
        all->emplace(service + "." + name, std::move(method));
      }
    };
    add("PersonService", PersonMethods());
    add("ConsentService", ConsentMethods());
    add("EmergencyService", EmergencyMethods());
    add("RightsService", RightsMethods());
    return all;
  }();
  return *kMethods;
}

}  // namespace relais::fuzz
