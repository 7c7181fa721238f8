// The handler behind each method of the registry.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "google/protobuf/message.h"
#include "services/consent/testing/world.h"

namespace relais::fuzz {

using World = consent::testing::SimWorld;
using Answer = absl::StatusOr<std::unique_ptr<google::protobuf::Message>>;

struct BoundMethod {
  const google::protobuf::Descriptor* request = nullptr;
  const google::protobuf::Descriptor* response = nullptr;
  /// Runs the handler to its end. `request` must be of that type.
  std::function<Answer(World&, rpc::Call, const google::protobuf::Message& request)> run;
};

/// By name, "PersonService.Register". A method that is missing here fails a test.
const std::map<std::string, BoundMethod>& BoundMethods();

}  // namespace relais::fuzz
