// What the measurements say to a running suite: one person's papers, deposited, read, shared, closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "relais/vault/v1/host_service.grpc.pb.h"
#include "relais/vault/v1/share_service.grpc.pb.h"
#include "tests/bench/vault/connection.h"

namespace relais::bench {

inline constexpr size_t kTransferMessage = size_t{262144};

/// Calls as one system. Thread-safe.
class VaultClient {
 public:
  /// `target`: of the vault, or of what stands in for it: the same connection and the same calls.
  static absl::StatusOr<std::unique_ptr<VaultClient>> Connect(const VaultSuite& suite,
                                                              const std::string& target,
                                                              const std::string& institution,
                                                              const std::string& system);

  /// Registered, agreed and linked: her handle. `name`: another, another person.
  absl::StatusOr<std::string> NewPerson(const std::string& name);
  /// Her agreement to an act (ACT_HOST, ACT_SHARE_DOCUMENT) of an institution on her papers.
  absl::StatusOr<std::string> Agree(const std::string& handle, common::v1::Act act,
                                    const std::string& recipient);
  absl::Status Withdraw(const std::string& handle, const std::string& consent_id);

  struct Begun {
    std::string upload_id;
    std::string document_id;
  };
  absl::StatusOr<Begun> Begin(const std::string& handle, uint64_t size);
  /// In one stream, of one message that is sent again and again; `piece`: what it holds after `first`,
  /// kTransferMessage bytes or, for less, `size`.
  absl::Status Send(const std::string& handle, const std::string& upload_id, uint64_t size,
                    const std::string& first, const std::string& piece);
  absl::Status Complete(const std::string& handle, const std::string& upload_id, const std::string& sha256);

  /// Reads it all; `each` is called with the bytes of each message and may end the reading with false.
  absl::Status Download(const std::string& handle, const std::string& document_id, uint64_t length,
                        const std::function<bool(size_t)>& each);
  absl::Status ReadRange(const std::string& handle, const std::string& document_id, uint64_t offset,
                         uint32_t length);

  /// The share's id; what `recipient` calls her is for it to ask.
  absl::StatusOr<std::string> Share(const std::string& handle, const std::string& document_id,
                                    const std::string& recipient, const std::string& consent_id);
  /// The handle under which a share is known to the caller. NOT_FOUND: not yet.
  absl::StatusOr<std::string> HandleOfShare(const std::string& share_id);

 private:
  VaultClient() = default;
  std::unique_ptr<consent::v1::PersonService::Stub> persons_;
  std::unique_ptr<consent::v1::ConsentService::Stub> consents_;
  std::unique_ptr<vault::v1::DocumentService::Stub> documents_;
  std::unique_ptr<vault::v1::HostService::Stub> hosts_;
  std::unique_ptr<vault::v1::ShareService::Stub> shares_;
  std::string institution_;
};

}  // namespace relais::bench
