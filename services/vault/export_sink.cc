#include "services/vault/export_sink.h"

#include <utility>

#include "common/base/status.h"
#include "services/vault/format/tar.h"

namespace relais::vault {
namespace {

constexpr size_t kMessageBytes = size_t{262144};

// Begins to write; the next message is made meanwhile.
OneShot<bool> BeginWrite(const std::shared_ptr<rpc::Writer<v1::ExportResponse>>& out,
                         v1::ExportResponse message, Executor& executor) {
  OneShot<bool> done(executor);
  relais::Start(out->Write(std::move(message)), [done](bool ok) { done.Set(ok); });
  return done;
}

}  // namespace

ExportSink::ExportSink(std::shared_ptr<rpc::Writer<v1::ExportResponse>> out,
                       std::optional<StreamSealer> sealer, absl::Time made, Executor& executor)
    : out_(std::move(out)), sealer_(std::move(sealer)), made_(made), executor_(executor) {
  if (sealer_.has_value()) {
    held_ = sealer_->header();
  }
}

Task<absl::Status> ExportSink::Settled() {
  if (!under_way_.has_value()) {
    co_return absl::OkStatus();
  }
  const OneShot<bool> under_way = *std::exchange(under_way_, std::nullopt);
  const bool written = co_await under_way;
  handed_ += written ? bytes_under_way_ : 0;
  co_return written ? absl::OkStatus() : absl::CancelledError("the client is gone");
}

Task<absl::Status> ExportSink::Message(v1::ExportResponse message) {
  const absl::Status settled = co_await Settled();
  CO_RETURN_IF_ERROR(settled);
  bytes_under_way_ = message.data().size();
  under_way_ = BeginWrite(out_, std::move(message), executor_);
  co_return absl::OkStatus();
}

Task<absl::Status> ExportSink::Start(v1::ExportStart start) {
  v1::ExportResponse message;
  *message.mutable_start() = std::move(start);
  absl::Status sent = co_await Message(std::move(message));
  co_return sent;
}

Task<absl::Status> ExportSink::Send(bool all) {
  size_t begin = 0;
  while (held_.size() - begin >= kMessageBytes || (all && begin < held_.size())) {
    v1::ExportResponse message;
    message.set_data(held_.substr(begin, kMessageBytes));
    begin += message.data().size();
    sent_ += message.data().size();
    sent_hash_.Update(message.data());
    const absl::Status sent = co_await Message(std::move(message));
    CO_RETURN_IF_ERROR(sent);
  }
  held_.erase(0, begin);
  co_return absl::OkStatus();
}

Task<absl::Status> ExportSink::Archive(std::string bytes) {
  archive_hash_.Update(bytes);
  if (sealer_.has_value()) {
    CO_RETURN_IF_ERROR(sealer_->Write(bytes, &held_));
  } else {
    held_.append(bytes);
  }
  bytes = std::string();  // not while the client takes its time
  absl::Status sent = co_await Send(false);
  co_return sent;
}

Task<absl::Status> ExportSink::BeginFile(std::string path, uint64_t size) {
  CO_ASSIGN_OR_RETURN(std::string header, TarHeader(path, size, made_));
  file_ = ExportedFile{std::move(path), size, ""};
  left_ = size;
  absl::Status written = co_await Archive(std::move(header));
  co_return written;
}

Task<absl::Status> ExportSink::Data(std::string bytes) {
  if (bytes.size() > left_) {
    co_return absl::InternalError("a file of an export became longer");
  }
  left_ -= bytes.size();
  file_hash_.Update(bytes);
  absl::Status written = co_await Archive(std::move(bytes));
  co_return written;
}

Task<absl::Status> ExportSink::EndFile() {
  if (left_ != 0) {
    co_return absl::InternalError("a file of an export became shorter");
  }
  file_.sha256 = file_hash_.Finish();
  std::string padding = TarPadding(file_.size);
  files_.push_back(std::move(file_));
  absl::Status written = co_await Archive(std::move(padding));
  co_return written;
}

Task<absl::Status> ExportSink::File(std::string path, std::string content, bool listed) {
  absl::Status written = co_await BeginFile(std::move(path), content.size());
  CO_RETURN_IF_ERROR(written);
  written = co_await Data(std::move(content));
  CO_RETURN_IF_ERROR(written);
  written = co_await EndFile();
  if (!listed) {
    files_.pop_back();
  }
  co_return written;
}

Task<absl::Status> ExportSink::Close() {
  absl::Status written = co_await Archive(TarEnd());
  CO_RETURN_IF_ERROR(written);
  if (sealer_.has_value()) {
    CO_RETURN_IF_ERROR(sealer_->Finish(&held_));
  }
  written = co_await Send(true);
  CO_RETURN_IF_ERROR(written);
  sha256_ = sent_hash_.Finish();
  archive_sha256_ = archive_hash_.Finish();
  written = co_await Settled();
  co_return written;
}

Task<absl::Status> ExportSink::Finish(v1::ExportEnd end) {
  end.set_bytes(sent_);
  end.set_sha256(sha256_);
  end.set_archive_sha256(archive_sha256_);
  v1::ExportResponse message;
  *message.mutable_end() = std::move(end);
  absl::Status written = co_await Message(std::move(message));
  CO_RETURN_IF_ERROR(written);
  written = co_await Settled();
  co_return written;
}

}  // namespace relais::vault
