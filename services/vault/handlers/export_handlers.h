// ExportService.Export: all she has, on one request, in an open format (D-3.4; ADR 38).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/stream.h"
#include "relais/vault/v1/export_service.pb.h"
#include "services/vault/handlers/access.h"
#include "services/vault/papers.h"

namespace relais::vault {

/// Thread-safe. By her host alone, of every name of hers under which it is. It needs no consent service and
/// no lease, and is served until the last day of retrieval. VAULT_EXPORTED is durable before the first byte,
/// under each name, guarded by the host's row; whatever ends the host's authority, or her vault, cuts the
/// stream. The last byte handed over, VAULT_EXPORTED with the archive's hash is durable under each name, and
/// its proof is the end of the stream (ADR 63). One that does not come to its end, for whatever cause, leaves
/// VAULT_EXPORT_CUT under each name (ADR 53). Memory does not grow with texts or journal; what is said of
/// papers is held. A text is read to its end before its first byte is sent: one that is not intact is left
/// out. Every version that the log says was deposited is in it, or its paper is named as damaged or is
/// destroyed and has its certificate in it, also when it is destroyed while the export runs; keys that are
/// rotated meanwhile damage nothing.
class ExportHandlers {
 public:
  explicit ExportHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::Status> Export(rpc::Call call, v1::ExportRequest request,
                            std::shared_ptr<rpc::Writer<v1::ExportResponse>> out);

 private:
  struct Run;
  Task<absl::StatusOr<std::shared_ptr<Run>>> Begin(rpc::Call call, v1::ExportRequest request,
                                                   Lookahead::Held& held);
  absl::Status Plan(Run& run) const;
  Task<absl::Status> Record(std::shared_ptr<Run> run, size_t name);
  Task<absl::Status> Send(std::shared_ptr<Run> run, std::shared_ptr<rpc::Writer<v1::ExportResponse>> out);
  Task<absl::Status> SendStart(std::shared_ptr<Run> run,
                               std::shared_ptr<rpc::Writer<v1::ExportResponse>> out);
  Task<absl::Status> Cut(std::shared_ptr<Run> run, absl::Status why);
  Task<absl::Status> SendPapers(std::shared_ptr<Run> run);
  absl::StatusOr<bool> StillThere(Run& run, size_t paper) const;
  absl::StatusOr<std::optional<PaperText>> Open(Run& run, size_t paper, size_t version) const;
  Task<absl::Status> SendText(std::shared_ptr<Run> run, size_t paper, size_t version);
  Task<absl::Status> SendBytes(std::shared_ptr<Run> run, size_t paper, PaperText text, std::string path,
                               std::string held);
  Task<absl::Status> SendReceipts(std::shared_ptr<Run> run);
  Task<absl::Status> SendCertificates(std::shared_ptr<Run> run);
  Task<absl::Status> SendProved(std::shared_ptr<Run> run, uint64_t leaf, std::string path);
  absl::StatusOr<std::string> Metadata(const Run& run) const;
  Task<absl::Status> SendManifest(std::shared_ptr<Run> run);
  Task<absl::Status> RecordEnd(std::shared_ptr<Run> run);
  Task<absl::Status> SendEnd(std::shared_ptr<Run> run);

  const Vault& vault_;
};

}  // namespace relais::vault
