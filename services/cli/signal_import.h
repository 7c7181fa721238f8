// Sends a feed, row by row, with bounded memory: reads, gates, sends in batches, puts the answers back in
// order.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "common/feeds/reader.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "services/cli/import_results.h"
#include "services/cli/row_gate.h"

namespace relais::cli {

/// The stream of a feed as the import sees it; gRPC's is in grpc_feed_stream.h. One thread.
class FeedStream {
 public:
  virtual ~FeedStream() = default;
  virtual absl::StatusOr<alerting::v1::StreamOpened> Open(alerting::v1::FeedType type) = 0;
  virtual absl::Status Send(alerting::v1::RowBatch batch) = 0;
  /// The answer to the batch that has waited longest.
  virtual absl::StatusOr<alerting::v1::RowResults> Receive() = 0;
  /// After the last answer.
  virtual absl::Status Close() = 0;
};

inline constexpr int kMostRowsPerBatch = 256;
inline constexpr size_t kMostBytesPerBatch = size_t{512} << 10;
/// Batches sent and not answered. Their answers are small, so neither side ever blocks the other for good.
inline constexpr int kMostBatchesInFlight = 8;
/// Rows held because an earlier one waits for its answer.
inline constexpr size_t kMostRowsHeld = 8192;

/// Sends every row of `reader`. On an error `results` has been abandoned: rows without answer have no
/// outcome. `progress` is told after each row: rows read, bytes read; when it returns false the import ends
/// as CANCELLED.
absl::Status SendFeed(feeds::RowReader& reader, const RowGate& gate, FeedStream& stream,
                      ImportResults& results,
                      const std::function<bool(uint64_t rows, uint64_t bytes)>& progress);

}  // namespace relais::cli
