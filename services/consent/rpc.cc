#include "services/consent/rpc.h"

#include <utility>

#include "common/base/status.h"
#include "common/identity/match_key.h"
#include "common/rpc/dispatch.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/emergency_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/consent/v1/rights_service.grpc.pb.h"

namespace relais::consent {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr size_t kMatchKeyBytes = 32;

class PersonRpc final : public v1::PersonService::CallbackService {
 public:
  PersonRpc(rpc::Dispatcher& dispatcher, consent::Service& service)
      : bind_(dispatcher, v1::PersonService::service_full_name(), service.persons()),
        identifiers_(dispatcher, v1::PersonService::service_full_name(), service.identifiers()),
        statuses_(dispatcher, v1::PersonService::service_full_name(), service.statuses()),
        candidates_(dispatcher, v1::PersonService::service_full_name(), service.candidates()),
        links_(dispatcher, v1::PersonService::service_full_name(), service.links()),
        erasures_(dispatcher, v1::PersonService::service_full_name(), service.erasures()),
        holds_(dispatcher, v1::PersonService::service_full_name(), service.holds()) {}

  Reactor* Register(Context* c, const v1::RegisterRequest* q, v1::RegisterResponse* s) override {
    return bind_.Unary(c, q, s, "Register", &PersonHandlers::Register);
  }
  Reactor* Resolve(Context* c, const v1::ResolveRequest* q, v1::ResolveResponse* s) override {
    return bind_.Unary(c, q, s, "Resolve", &PersonHandlers::Resolve);
  }
  Reactor* BatchResolve(Context* c, const v1::BatchResolveRequest* q, v1::BatchResolveResponse* s) override {
    return identifiers_.Unary(c, q, s, "BatchResolve", &IdentifierHandlers::BatchResolve);
  }
  Reactor* TranslateHandles(Context* c, const v1::TranslateHandlesRequest* q,
                            v1::TranslateHandlesResponse* s) override {
    return identifiers_.Unary(c, q, s, "TranslateHandles", &IdentifierHandlers::TranslateHandles);
  }
  Reactor* LinkIdentifier(Context* c, const v1::LinkIdentifierRequest* q,
                          v1::LinkIdentifierResponse* s) override {
    return identifiers_.Unary(c, q, s, "LinkIdentifier", &IdentifierHandlers::LinkIdentifier);
  }
  Reactor* UnlinkIdentifier(Context* c, const v1::UnlinkIdentifierRequest* q,
                            v1::UnlinkIdentifierResponse* s) override {
    return identifiers_.Unary(c, q, s, "UnlinkIdentifier", &IdentifierHandlers::UnlinkIdentifier);
  }
  Reactor* UpdateStatus(Context* c, const v1::UpdateStatusRequest* q, v1::UpdateStatusResponse* s) override {
    return statuses_.Unary(c, q, s, "UpdateStatus", &StatusHandlers::UpdateStatus);
  }
  Reactor* ListCandidates(Context* c, const v1::ListCandidatesRequest* q,
                          v1::ListCandidatesResponse* s) override {
    return candidates_.Unary(c, q, s, "ListCandidates", &CandidateHandlers::ListCandidates);
  }
  Reactor* ConfirmMatch(Context* c, const v1::ConfirmMatchRequest* q, v1::ConfirmMatchResponse* s) override {
    return candidates_.Unary(c, q, s, "ConfirmMatch", &CandidateHandlers::ConfirmMatch);
  }
  Reactor* RejectMatch(Context* c, const v1::RejectMatchRequest* q, v1::RejectMatchResponse* s) override {
    return candidates_.Unary(c, q, s, "RejectMatch", &CandidateHandlers::RejectMatch);
  }
  Reactor* Merge(Context* c, const v1::MergeRequest* q, v1::MergeResponse* s) override {
    return links_.Unary(c, q, s, "Merge", &LinkHandlers::Merge);
  }
  Reactor* Split(Context* c, const v1::SplitRequest* q, v1::SplitResponse* s) override {
    return links_.Unary(c, q, s, "Split", &LinkHandlers::Split);
  }
  Reactor* GetLinkImpact(Context* c, const v1::GetLinkImpactRequest* q,
                         v1::GetLinkImpactResponse* s) override {
    return links_.Unary(c, q, s, "GetLinkImpact", &LinkHandlers::GetLinkImpact);
  }
  Reactor* Erase(Context* c, const v1::EraseRequest* q, v1::EraseResponse* s) override {
    return erasures_.Unary(c, q, s, "Erase", &ErasureHandlers::Erase);
  }
  Reactor* AcknowledgeErasure(Context* c, const v1::AcknowledgeErasureRequest* q,
                              v1::AcknowledgeErasureResponse* s) override {
    return erasures_.Unary(c, q, s, "AcknowledgeErasure", &ErasureHandlers::AcknowledgeErasure);
  }
  Reactor* PlaceHold(Context* c, const v1::PlaceHoldRequest* q, v1::PlaceHoldResponse* s) override {
    return holds_.Unary(c, q, s, "PlaceHold", &HoldHandlers::PlaceHold);
  }
  Reactor* ReleaseHold(Context* c, const v1::ReleaseHoldRequest* q, v1::ReleaseHoldResponse* s) override {
    return holds_.Unary(c, q, s, "ReleaseHold", &HoldHandlers::ReleaseHold);
  }

 private:
  rpc::Binding<PersonHandlers> bind_;
  rpc::Binding<IdentifierHandlers> identifiers_;
  rpc::Binding<StatusHandlers> statuses_;
  rpc::Binding<CandidateHandlers> candidates_;
  rpc::Binding<LinkHandlers> links_;
  rpc::Binding<ErasureHandlers> erasures_;
  rpc::Binding<HoldHandlers> holds_;
};

class ConsentRpc final : public v1::ConsentService::CallbackService {
 public:
  ConsentRpc(rpc::Dispatcher& dispatcher, consent::Service& service)
      : agreements_(dispatcher, v1::ConsentService::service_full_name(), service.agreements()),
        consents_(dispatcher, v1::ConsentService::service_full_name(), service.consents()),
        duties_(dispatcher, v1::ConsentService::service_full_name(), service.duties()),
        erasure_notices_(dispatcher, v1::ConsentService::service_full_name(), service.erasure_notices()),
        rectification_notices_(dispatcher, v1::ConsentService::service_full_name(),
                               service.rectification_notices()),
        notices_(dispatcher, v1::ConsentService::service_full_name(), service.notices()),
        withdrawals_(dispatcher, v1::ConsentService::service_full_name(), service.withdrawals()),
        objections_(dispatcher, v1::ConsentService::service_full_name(), service.objections()),
        checks_(dispatcher, v1::ConsentService::service_full_name(), service.checks()),
        receipts_(dispatcher, v1::ConsentService::service_full_name(), service.receipts()),
        disclosures_(dispatcher, v1::ConsentService::service_full_name(), service.disclosures()),
        withheld_(dispatcher, v1::ConsentService::service_full_name(), service.withheld()) {}

  Reactor* RecordConsent(Context* c, const v1::RecordConsentRequest* q,
                         v1::RecordConsentResponse* s) override {
    return agreements_.Unary(c, q, s, "RecordConsent", &AgreementHandlers::RecordConsent);
  }
  Reactor* RecordRefusal(Context* c, const v1::RecordRefusalRequest* q,
                         v1::RecordRefusalResponse* s) override {
    return agreements_.Unary(c, q, s, "RecordRefusal", &AgreementHandlers::RecordRefusal);
  }
  Reactor* WithdrawConsent(Context* c, const v1::WithdrawConsentRequest* q,
                           v1::WithdrawConsentResponse* s) override {
    return agreements_.Unary(c, q, s, "WithdrawConsent", &AgreementHandlers::WithdrawConsent);
  }
  Reactor* RenewConsent(Context* c, const v1::RenewConsentRequest* q, v1::RenewConsentResponse* s) override {
    return consents_.Unary(c, q, s, "RenewConsent", &ConsentHandlers::RenewConsent);
  }
  Reactor* GetConsent(Context* c, const v1::GetConsentRequest* q, v1::GetConsentResponse* s) override {
    return consents_.Unary(c, q, s, "GetConsent", &ConsentHandlers::GetConsent);
  }
  Reactor* ListConsents(Context* c, const v1::ListConsentsRequest* q, v1::ListConsentsResponse* s) override {
    return consents_.Unary(c, q, s, "ListConsents", &ConsentHandlers::ListConsents);
  }
  Reactor* RecordInformation(Context* c, const v1::RecordInformationRequest* q,
                             v1::RecordInformationResponse* s) override {
    return duties_.Unary(c, q, s, "RecordInformation", &DutyHandlers::RecordInformation);
  }
  Reactor* ListObligations(Context* c, const v1::ListObligationsRequest* q,
                           v1::ListObligationsResponse* s) override {
    return duties_.Unary(c, q, s, "ListObligations", &DutyHandlers::ListObligations);
  }
  Reactor* AnswerErasureNotice(Context* c, const v1::AnswerErasureNoticeRequest* q,
                               v1::AnswerErasureNoticeResponse* s) override {
    return erasure_notices_.Unary(c, q, s, "AnswerErasureNotice",
                                  &ErasureNoticeHandlers::AnswerErasureNotice);
  }
  Reactor* AnswerRectificationNotice(Context* c, const v1::AnswerRectificationNoticeRequest* q,
                                     v1::AnswerRectificationNoticeResponse* s) override {
    return rectification_notices_.Unary(c, q, s, "AnswerRectificationNotice",
                                        &RectificationNoticeHandlers::AnswerRectificationNotice);
  }
  Reactor* GetWithdrawalStatus(Context* c, const v1::GetWithdrawalStatusRequest* q,
                               v1::GetWithdrawalStatusResponse* s) override {
    return withdrawals_.Unary(c, q, s, "GetWithdrawalStatus", &WithdrawalStatusHandlers::GetWithdrawalStatus);
  }
  Reactor* RegisterNotice(Context* c, const v1::RegisterNoticeRequest* q,
                          v1::RegisterNoticeResponse* s) override {
    return notices_.Unary(c, q, s, "RegisterNotice", &NoticeHandlers::RegisterNotice);
  }
  Reactor* GetNotice(Context* c, const v1::GetNoticeRequest* q, v1::GetNoticeResponse* s) override {
    return notices_.Unary(c, q, s, "GetNotice", &NoticeHandlers::GetNotice);
  }
  Reactor* RecordObjection(Context* c, const v1::RecordObjectionRequest* q,
                           v1::RecordObjectionResponse* s) override {
    return objections_.Unary(c, q, s, "RecordObjection", &ObjectionHandlers::RecordObjection);
  }
  Reactor* LiftObjection(Context* c, const v1::LiftObjectionRequest* q,
                         v1::LiftObjectionResponse* s) override {
    return objections_.Unary(c, q, s, "LiftObjection", &ObjectionHandlers::LiftObjection);
  }
  Reactor* Check(Context* c, const v1::CheckRequest* q, v1::CheckResponse* s) override {
    return checks_.Unary(c, q, s, "Check", &CheckHandlers::Check);
  }
  Reactor* BatchCheck(Context* c, const v1::BatchCheckRequest* q, v1::BatchCheckResponse* s) override {
    return checks_.Unary(c, q, s, "BatchCheck", &CheckHandlers::BatchCheck);
  }
  Reactor* GetReceipt(Context* c, const v1::GetReceiptRequest* q, v1::GetReceiptResponse* s) override {
    return receipts_.Unary(c, q, s, "GetReceipt", &ReceiptHandlers::GetReceipt);
  }
  Reactor* ListDisclosures(Context* c, const v1::ListDisclosuresRequest* q,
                           v1::ListDisclosuresResponse* s) override {
    return disclosures_.Unary(c, q, s, "ListDisclosures", &DisclosureHandlers::ListDisclosures);
  }
  Reactor* ListWithheld(Context* c, const v1::ListWithheldRequest* q, v1::ListWithheldResponse* s) override {
    return withheld_.Unary(c, q, s, "ListWithheld", &WithheldHandlers::ListWithheld);
  }
  Reactor* ReviewWithheld(Context* c, const v1::ReviewWithheldRequest* q,
                          v1::ReviewWithheldResponse* s) override {
    return withheld_.Unary(c, q, s, "ReviewWithheld", &WithheldHandlers::ReviewWithheld);
  }

 private:
  rpc::Binding<AgreementHandlers> agreements_;
  rpc::Binding<ConsentHandlers> consents_;
  rpc::Binding<DutyHandlers> duties_;
  rpc::Binding<ErasureNoticeHandlers> erasure_notices_;
  rpc::Binding<RectificationNoticeHandlers> rectification_notices_;
  rpc::Binding<NoticeHandlers> notices_;
  rpc::Binding<WithdrawalStatusHandlers> withdrawals_;
  rpc::Binding<ObjectionHandlers> objections_;
  rpc::Binding<CheckHandlers> checks_;
  rpc::Binding<ReceiptHandlers> receipts_;
  rpc::Binding<DisclosureHandlers> disclosures_;
  rpc::Binding<WithheldHandlers> withheld_;
};

class EmergencyRpc final : public v1::EmergencyService::CallbackService {
 public:
  EmergencyRpc(rpc::Dispatcher& dispatcher, consent::Service& service)
      : bind_(dispatcher, v1::EmergencyService::service_full_name(), service.emergencies()) {}

  Reactor* Declare(Context* c, const v1::DeclareRequest* q, v1::DeclareResponse* s) override {
    return bind_.Unary(c, q, s, "Declare", &EmergencyHandlers::Declare);
  }
  Reactor* Review(Context* c, const v1::ReviewRequest* q, v1::ReviewResponse* s) override {
    return bind_.Unary(c, q, s, "Review", &EmergencyHandlers::Review);
  }
  Reactor* ListPending(Context* c, const v1::ListPendingRequest* q, v1::ListPendingResponse* s) override {
    return bind_.Unary(c, q, s, "ListPending", &EmergencyHandlers::ListPending);
  }

 private:
  rpc::Binding<EmergencyHandlers> bind_;
};

class RightsRpc final : public v1::RightsService::CallbackService {
 public:
  RightsRpc(rpc::Dispatcher& dispatcher, consent::Service& service)
      : bind_(dispatcher, v1::RightsService::service_full_name(), service.rights()),
        records_(dispatcher, v1::RightsService::service_full_name(), service.record_rights()) {}

  Reactor* Open(Context* c, const v1::OpenRequest* q, v1::OpenResponse* s) override {
    return bind_.Unary(c, q, s, "Open", &RightsHandlers::Open);
  }
  Reactor* Answer(Context* c, const v1::AnswerRequest* q, v1::AnswerResponse* s) override {
    return bind_.Unary(c, q, s, "Answer", &RightsHandlers::Answer);
  }
  Reactor* ListOverdue(Context* c, const v1::ListOverdueRequest* q, v1::ListOverdueResponse* s) override {
    return bind_.Unary(c, q, s, "ListOverdue", &RightsHandlers::ListOverdue);
  }
  Reactor* Restrict(Context* c, const v1::RestrictRequest* q, v1::RestrictResponse* s) override {
    return bind_.Unary(c, q, s, "Restrict", &RightsHandlers::Restrict);
  }
  Reactor* Unrestrict(Context* c, const v1::UnrestrictRequest* q, v1::UnrestrictResponse* s) override {
    return bind_.Unary(c, q, s, "Unrestrict", &RightsHandlers::Unrestrict);
  }
  Reactor* Rectify(Context* c, const v1::RectifyRequest* q, v1::RectifyResponse* s) override {
    return records_.Unary(c, q, s, "Rectify", &RecordRightsHandlers::Rectify);
  }
  Reactor* Export(Context* c, const v1::ExportRequest* q, v1::ExportResponse* s) override {
    return records_.Unary(c, q, s, "Export", &RecordRightsHandlers::Export);
  }

 private:
  rpc::Binding<RightsHandlers> bind_;
  rpc::Binding<RecordRightsHandlers> records_;
};

// The newest key of match keys; the first one is made.
absl::StatusOr<MatchKey> MatchKeyIn(crypto::KeyRing& ring, Random& random) {
  absl::StatusOr<uint32_t> version = ring.Latest(identity::kMatchKeyName);
  if (absl::IsNotFound(version.status())) {
    version = ring.Add(identity::kMatchKeyName, Secret(random.Bytes(kMatchKeyBytes)));
  }
  RETURN_IF_ERROR(version.status());
  ASSIGN_OR_RETURN(Secret secret, ring.Get(identity::kMatchKeyName, *version));
  return MatchKey{*version, std::move(secret)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, Settings settings) {
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  std::unique_ptr<audit::TailSource> routing_log;
  if (runtime.HasPeer("routing")) {
    ASSIGN_OR_RETURN(routing_log, runtime.Tail("routing"));
  }
  std::unique_ptr<audit::TailSource> vault_log;
  if (runtime.HasPeer("vault")) {
    ASSIGN_OR_RETURN(vault_log, runtime.Tail("vault"));
  }
  ASSIGN_OR_RETURN(settings.match_key, MatchKeyIn(runtime.own_ring(), runtime.context().random));
  settings.rebuild_own = runtime.Rebuilds("own");
  settings.lease = runtime.settings().lease;
  settings.rebuild_routing = runtime.Rebuilds("routing");
  settings.rebuild_vault = runtime.Rebuilds("vault");
  auto service = std::make_shared<Service>(runtime.context(), settings, paris, std::move(routing_log),
                                           std::move(vault_log));
  auto bound = std::make_unique<rpc::BoundService>();
  bound->services.push_back(std::make_unique<PersonRpc>(runtime.dispatcher(), *service));
  bound->services.push_back(std::make_unique<ConsentRpc>(runtime.dispatcher(), *service));
  bound->services.push_back(std::make_unique<EmergencyRpc>(runtime.dispatcher(), *service));
  bound->services.push_back(std::make_unique<RightsRpc>(runtime.dispatcher(), *service));
  runtime.Show(*bound, "routing", service->routing_follower(), rpc::Lease::kWanted);
  runtime.Show(*bound, "vault", service->vault_follower(), rpc::Lease::kWanted);
  bound->start = [service] { return service->Start(); };
  bound->stop = [service] { BlockOn(service->Stop()); };
  bound->owned = std::move(service);
  return bound;
}

}  // namespace relais::consent
