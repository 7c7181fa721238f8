// HostService: who acts for her in her vault, until she can come herself (ADR 35).
#pragma once

#include "relais/vault/v1/host_service.pb.h"
#include "services/vault/handlers/reading_right.h"

namespace relais::vault {

/// Thread-safe. Methods as in the proto. Linking needs consent's permit at that moment, and after she
/// unlinked that institution an agreement she recorded since (ADR 62); unlinking needs nobody, and cuts what
/// that host has open.
class HostHandlers {
 public:
  explicit HostHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::LinkHostResponse>> LinkHost(rpc::Call call, v1::LinkHostRequest request);
  Task<absl::StatusOr<v1::UnlinkHostResponse>> UnlinkHost(rpc::Call call, v1::UnlinkHostRequest request);
  Task<absl::StatusOr<v1::ListHostsResponse>> ListHosts(rpc::Call call, v1::ListHostsRequest request);

 private:
  Task<absl::StatusOr<v1::LinkHostResponse>> TryLink(rpc::Call call, Id128 person,
                                                     v1::LinkHostRequest request, Id128 event_id);
  Task<absl::StatusOr<v1::UnlinkHostResponse>> TryUnlink(rpc::Call call, Id128 person,
                                                         v1::UnlinkHostRequest request, Id128 event_id);
  Task<absl::Status> UnlinkElsewhere(rpc::Call call, Id128 given, v1::UnlinkHostRequest request);
  Task<absl::Status> UnlinkUnder(rpc::Call call, Id128 given, Id128 name, v1::UnlinkHostRequest request);

  const Vault& vault_;
};

}  // namespace relais::vault
