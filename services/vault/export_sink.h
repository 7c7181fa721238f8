// The way out of an export: files into a tar, the tar sealed or not, in messages of 262,144 bytes, one of
// which is under way while the next is made. Constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/crypto/sha256.h"
#include "common/rpc/stream.h"
#include "relais/vault/v1/export_service.pb.h"
#include "services/vault/export_text.h"
#include "services/vault/format/sealer.h"

namespace relais::vault {

/// One call at a time. Errors: CANCELLED when the client is gone; those of tar.h and sealer.h. After an error
/// nothing more may be written.
class ExportSink {
 public:
  /// `sealer`: nullopt: in clear.
  ExportSink(std::shared_ptr<rpc::Writer<v1::ExportResponse>> out, std::optional<StreamSealer> sealer,
             absl::Time made, Executor& executor);
  ExportSink(const ExportSink&) = delete;
  ExportSink& operator=(const ExportSink&) = delete;

  /// First, once.
  Task<absl::Status> Start(v1::ExportStart start);
  /// A file begins; `size` bytes of Data follow, then EndFile.
  Task<absl::Status> BeginFile(std::string path, uint64_t size);
  Task<absl::Status> Data(std::string bytes);
  /// INTERNAL when other than `size` bytes came.
  Task<absl::Status> EndFile();
  /// All three. It is listed unless `listed` is false: the manifest is not in itself.
  Task<absl::Status> File(std::string path, std::string content, bool listed = true);
  /// The end of the archive and all that is still held: OK once every byte was handed to the connection.
  Task<absl::Status> Close();
  /// After Close: `end` with sizes and hashes filled in.
  Task<absl::Status> Finish(v1::ExportEnd end);

  /// OK once no message is under way. To be awaited before this is destroyed, also after an error.
  Task<absl::Status> Settled();

  /// Bytes of the archive that were handed to the connection; to be asked after Settled.
  [[nodiscard]] uint64_t handed() const { return handed_; }
  /// Of what was sent, after Close: bytes, their SHA-256 (32 bytes), and that of the archive before sealing.
  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] const std::string& sha256() const { return sha256_; }
  [[nodiscard]] const std::string& archive_sha256() const { return archive_sha256_; }
  /// What has been written, in order.
  [[nodiscard]] const std::vector<ExportedFile>& files() const { return files_; }

 private:
  // Of the archive, to be sealed and sent.
  Task<absl::Status> Archive(std::string bytes);
  Task<absl::Status> Send(bool all);
  Task<absl::Status> Message(v1::ExportResponse message);

  const std::shared_ptr<rpc::Writer<v1::ExportResponse>> out_;
  std::optional<StreamSealer> sealer_;
  const absl::Time made_;
  Executor& executor_;
  std::optional<OneShot<bool>> under_way_;
  uint64_t bytes_under_way_ = 0;
  uint64_t handed_ = 0;
  std::string held_;  // bytes to be sent
  uint64_t sent_ = 0;
  crypto::Sha256Hasher sent_hash_;
  crypto::Sha256Hasher archive_hash_;
  crypto::Sha256Hasher file_hash_;
  std::string sha256_;
  std::string archive_sha256_;
  std::vector<ExportedFile> files_;
  ExportedFile file_;
  uint64_t left_ = 0;
};

}  // namespace relais::vault
