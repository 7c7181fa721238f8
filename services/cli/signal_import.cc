#include "services/cli/signal_import.h"

#include <utility>

#include "common/base/status.h"

namespace relais::cli {
namespace {

class Sender {
 public:
  Sender(const RowGate& gate, FeedStream& stream, ImportResults& results)
      : gate_(gate), stream_(stream), results_(results) {}

  absl::Status Row(feeds::RawRow& raw) {
    PlannedRow planned = gate_.Plan(raw);
    results_.Add(planned);
    if (!planned.wire.has_value()) {
      return results_.held() >= kMostRowsHeld ? Relieve() : absl::OkStatus();
    }
    const size_t size = planned.wire->ByteSizeLong();
    if (batch_.rows_size() > 0 && bytes_ + size > kMostBytesPerBatch) {
      RETURN_IF_ERROR(Flush());
    }
    *batch_.add_rows() = *std::move(planned.wire);
    bytes_ += size;
    return batch_.rows_size() >= kMostRowsPerBatch ? Flush() : absl::OkStatus();
  }

  absl::Status Finish() {
    RETURN_IF_ERROR(Flush());
    while (in_flight_ > 0) {
      RETURN_IF_ERROR(Receive());
    }
    return stream_.Close();
  }

 private:
  absl::Status Flush() {
    if (batch_.rows_size() == 0) {
      return absl::OkStatus();
    }
    while (in_flight_ >= kMostBatchesInFlight) {
      RETURN_IF_ERROR(Receive());
    }
    sizes_.push_back(batch_.rows_size());
    RETURN_IF_ERROR(stream_.Send(std::exchange(batch_, alerting::v1::RowBatch())));
    bytes_ = 0;
    ++in_flight_;
    return absl::OkStatus();
  }

  // Many rows that are not sent stand behind one that waits.
  absl::Status Relieve() {
    RETURN_IF_ERROR(Flush());
    while (in_flight_ > 0) {
      RETURN_IF_ERROR(Receive());
    }
    return absl::OkStatus();
  }

  absl::Status Receive() {
    ASSIGN_OR_RETURN(const alerting::v1::RowResults answer, stream_.Receive());
    if (answer.results_size() != sizes_.front()) {
      return absl::InternalError("the service answered another number of rows than it was sent");
    }
    sizes_.pop_front();
    --in_flight_;
    for (const alerting::v1::RowResult& result : answer.results()) {
      RETURN_IF_ERROR(results_.Answer(result));
    }
    return absl::OkStatus();
  }

  const RowGate& gate_;
  FeedStream& stream_;
  ImportResults& results_;
  alerting::v1::RowBatch batch_;
  size_t bytes_ = 0;
  std::deque<int> sizes_;  // of the batches in flight
  int in_flight_ = 0;
};

absl::Status SendAll(feeds::RowReader& reader, Sender& sender,
                     const std::function<bool(uint64_t, uint64_t)>& progress) {
  feeds::RawRow raw;
  for (uint64_t rows = 0;; ++rows) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(raw));
    if (!more) {
      return sender.Finish();
    }
    RETURN_IF_ERROR(sender.Row(raw));
    if (!progress(rows + 1, reader.bytes_consumed())) {
      return absl::CancelledError("interrupted");
    }
  }
}

}  // namespace

absl::Status SendFeed(feeds::RowReader& reader, const RowGate& gate, FeedStream& stream,
                      ImportResults& results,
                      const std::function<bool(uint64_t rows, uint64_t bytes)>& progress) {
  Sender sender(gate, stream, results);
  absl::Status status = SendAll(reader, sender, progress);
  if (!status.ok()) {
    results.Abandon();
  }
  return status;
}

}  // namespace relais::cli
