// DocumentService.Download and ReadRange: lire (NF Z42-020).
#pragma once

#include <memory>

#include "common/rpc/stream.h"
#include "common/rpc/write_behind.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/handlers/reading_right.h"

namespace relais::vault {

/// Thread-safe. Methods as in the proto. The leaf DOCUMENT_READ is durable before the first byte; before each
/// piece it is looked whether it still may (OpenStreams), and a reading that is stopped leaves
/// DOCUMENT_READ_CUT. What is given out was authenticated as that place of that version's text; the SHA-256
/// of the whole is the client's to compare with DownloadStart's, and Verify's.
class ReadingHandlers {
 public:
  explicit ReadingHandlers(const Vault& vault) : vault_(vault), rights_(vault) {}

  Task<absl::Status> Download(rpc::Call call, v1::DownloadRequest request,
                              std::shared_ptr<rpc::Writer<v1::DownloadResponse>> out);
  Task<absl::StatusOr<v1::ReadRangeResponse>> ReadRange(rpc::Call call, v1::ReadRangeRequest request);

 private:
  // A reading that may begin: its leaf is durable.
  struct Begun;
  Task<absl::StatusOr<std::shared_ptr<Begun>>> Begin(rpc::Call call, v1::DownloadRequest request);
  Task<absl::StatusOr<std::shared_ptr<Begun>>> TryBegin(rpc::Call call, ReadWanted wanted, uint64_t offset,
                                                        uint64_t length);
  // OK, or why it ended. Where there is room the next pieces are got ready while their client takes those
  // before. `held`, and Begun in GiveAll, live in the frame of who awaits these.
  Task<absl::Status> Send(std::shared_ptr<Begun> begun,
                          std::shared_ptr<rpc::Writer<v1::DownloadResponse>> out, Lookahead::Held& held);
  Task<absl::Status> GiveAll(Begun& begun, rpc::WriteBehind<v1::DownloadResponse>& writing,
                             Lookahead::Held& held);
  // Asks consent anew while a shared reading runs, each time that its permit is about to end. It may outlive
  // the call by an answer (OpenStreams::StartAsking).
  Task<bool> KeepPermitted(rpc::Call call, ReadingRight given);
  Task<absl::Status> Cut(rpc::Call call, std::shared_ptr<Begun> begun, std::string cause);

  const Vault& vault_;
  ReadingRights rights_;
};

}  // namespace relais::vault
