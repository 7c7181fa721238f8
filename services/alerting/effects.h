// What the effects of one leaf in other services have in common.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/audit/follower.h"
#include "common/rpc/service_context.h"

namespace relais::alerting {

/// Numbers of the effects of one leaf.
enum class Effect {
  kRegister = 0,
  kAgreement = 1,
  kEmergency = 2,
  kSubmit = 3,
  kObjection = 4,
  kSettlement = 5
};

inline std::string RequestId(const rpc::ServiceContext& context, uint64_t leaf, Effect effect) {
  return audit::EffectId(context.log.OriginOf(leaf), leaf, static_cast<int>(effect));
}

/// True for a failure that says nothing about the question asked: the follower tries again. Any other answer
/// is final.
bool MayPass(const absl::Status& status);

inline common::v1::Acting ActingFor(const std::string& institution) {
  common::v1::Acting acting;
  acting.mutable_party()->set_institution(institution);
  return acting;
}

}  // namespace relais::alerting
