// DirectoryService: who is who, from the signed directory in force. Nothing personal.
#pragma once

#include <functional>
#include <string>

#include "common/rpc/service_context.h"
#include "relais/routing/v1/directory_service.pb.h"

namespace relais::routing {

/// A directory version as it was signed.
struct SignedVersion {
  uint64_t version = 0;
  std::string yaml;
  std::string signature;
};
/// 0: the one in force. NOT_FOUND when it is not archived.
using Archive = std::function<absl::StatusOr<SignedVersion>(uint64_t version)>;

/// Thread-safe. Methods as in the proto.
class DirectoryHandlers {
 public:
  explicit DirectoryHandlers(Archive archive) : archive_(std::move(archive)) {}

  Task<absl::StatusOr<v1::ListInstitutionsResponse>> ListInstitutions(rpc::Call call,
                                                                      v1::ListInstitutionsRequest request);
  Task<absl::StatusOr<v1::GetInstitutionResponse>> GetInstitution(rpc::Call call,
                                                                  v1::GetInstitutionRequest request);
  Task<absl::StatusOr<v1::FindDeskResponse>> FindDesk(rpc::Call call, v1::FindDeskRequest request);
  Task<absl::StatusOr<v1::GetVersionResponse>> GetVersion(rpc::Call call, v1::GetVersionRequest request);
  Task<absl::StatusOr<v1::GetCodeListsResponse>> GetCodeLists(rpc::Call call,
                                                              v1::GetCodeListsRequest request);

 private:
  Archive archive_;
};

}  // namespace relais::routing
