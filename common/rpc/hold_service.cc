#include "common/rpc/hold_service.h"

#include "relais/audit/v1/hold_service.grpc.pb.h"

namespace relais::rpc {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

class HoldRpc final : public audit::v1::HoldService::CallbackService {
 public:
  HoldRpc(Dispatcher& dispatcher, HoldHandlers& handlers) : bind_(dispatcher, kHoldServiceName, handlers) {}

  Reactor* ListHolds(Context* c, const audit::v1::ListHoldsRequest* q,
                     audit::v1::ListHoldsResponse* s) override {
    return bind_.Unary(c, q, s, "ListHolds", &HoldHandlers::ListHolds);
  }
  Reactor* ReadHold(Context* c, const audit::v1::ReadHoldRequest* q,
                    audit::v1::ReadHoldResponse* s) override {
    return bind_.Unary(c, q, s, "ReadHold", &HoldHandlers::ReadHold);
  }

 private:
  Binding<HoldHandlers> bind_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeHoldService(Dispatcher& dispatcher, HoldHandlers& handlers) {
  return std::make_unique<HoldRpc>(dispatcher, handlers);
}

}  // namespace relais::rpc
