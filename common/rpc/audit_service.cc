#include "common/rpc/audit_service.h"

#include "relais/audit/v1/audit_service.grpc.pb.h"

namespace relais::rpc {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class AuditRpc final : public audit::v1::AuditService::CallbackService {
 public:
  AuditRpc(Dispatcher& dispatcher, AuditHandlers& handlers)
      : bind_(dispatcher, kAuditServiceName, handlers) {}

  ServerUnaryReactor* GetCheckpoint(CallbackServerContext* context,
                                    const audit::v1::GetCheckpointRequest* request,
                                    audit::v1::GetCheckpointResponse* response) override {
    return bind_.Unary(context, request, response, "GetCheckpoint", &AuditHandlers::GetCheckpoint);
  }
  ServerUnaryReactor* AddCosignature(CallbackServerContext* context,
                                     const audit::v1::AddCosignatureRequest* request,
                                     audit::v1::AddCosignatureResponse* response) override {
    return bind_.Unary(context, request, response, "AddCosignature", &AuditHandlers::AddCosignature);
  }
  ServerUnaryReactor* GetInclusionProof(CallbackServerContext* context,
                                        const audit::v1::GetInclusionProofRequest* request,
                                        audit::v1::GetInclusionProofResponse* response) override {
    return bind_.Unary(context, request, response, "GetInclusionProof", &AuditHandlers::GetInclusionProof);
  }
  ServerUnaryReactor* GetConsistencyProof(CallbackServerContext* context,
                                          const audit::v1::GetConsistencyProofRequest* request,
                                          audit::v1::GetConsistencyProofResponse* response) override {
    return bind_.Unary(context, request, response, "GetConsistencyProof",
                       &AuditHandlers::GetConsistencyProof);
  }
  ServerUnaryReactor* ListLeaves(CallbackServerContext* context, const audit::v1::ListLeavesRequest* request,
                                 audit::v1::ListLeavesResponse* response) override {
    return bind_.Unary(context, request, response, "ListLeaves", &AuditHandlers::ListLeaves);
  }
  grpc::ServerBidiReactor<audit::v1::TailRequest, audit::v1::TailResponse>* Tail(
      CallbackServerContext* context) override {
    return bind_.Bidi(context, "Tail", &AuditHandlers::Tail);
  }

 private:
  Binding<AuditHandlers> bind_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(Dispatcher& dispatcher, AuditHandlers& handlers) {
  return std::make_unique<AuditRpc>(dispatcher, handlers);
}

}  // namespace relais::rpc
