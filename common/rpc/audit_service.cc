#include "common/rpc/audit_service.h"

#include "relais/audit/v1/audit_service.grpc.pb.h"

namespace relais::rpc {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class AuditRpc final : public audit::v1::AuditService::CallbackService {
 public:
  AuditRpc(Dispatcher& dispatcher, AuditHandlers& handlers)
      : bind_(dispatcher, kAuditServiceName, handlers),
        tail_(dispatcher, kAuditServiceName, handlers.tail()),
        query_(dispatcher, kAuditServiceName, handlers.query()),
        scopes_(dispatcher, kAuditServiceName, handlers.scopes()),
        exports_(dispatcher, kAuditServiceName, handlers.exports()) {}

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
    return tail_.Bidi(context, "Tail", &TailHandlers::Tail);
  }
  ServerUnaryReactor* Query(CallbackServerContext* context, const audit::v1::QueryRequest* request,
                            audit::v1::QueryResponse* response) override {
    return query_.Unary(context, request, response, "Query", &QueryHandlers::Query);
  }
  grpc::ServerWriteReactor<audit::v1::ExportResponse>* Export(
      CallbackServerContext* context, const audit::v1::ExportRequest* request) override {
    return exports_.ServerStream(context, request, "Export", &ExportHandlers::Export);
  }
  ServerUnaryReactor* ProposeScope(CallbackServerContext* context,
                                   const audit::v1::ProposeScopeRequest* request,
                                   audit::v1::ProposeScopeResponse* response) override {
    return scopes_.Unary(context, request, response, "ProposeScope", &ScopeHandlers::ProposeScope);
  }
  ServerUnaryReactor* ApproveScope(CallbackServerContext* context,
                                   const audit::v1::ApproveScopeRequest* request,
                                   audit::v1::ApproveScopeResponse* response) override {
    return scopes_.Unary(context, request, response, "ApproveScope", &ScopeHandlers::ApproveScope);
  }
  ServerUnaryReactor* ListScopes(CallbackServerContext* context, const audit::v1::ListScopesRequest* request,
                                 audit::v1::ListScopesResponse* response) override {
    return scopes_.Unary(context, request, response, "ListScopes", &ScopeHandlers::ListScopes);
  }

 private:
  Binding<AuditHandlers> bind_;
  Binding<TailHandlers> tail_;
  Binding<QueryHandlers> query_;
  Binding<ScopeHandlers> scopes_;
  Binding<ExportHandlers> exports_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(Dispatcher& dispatcher, AuditHandlers& handlers) {
  return std::make_unique<AuditRpc>(dispatcher, handlers);
}

}  // namespace relais::rpc
