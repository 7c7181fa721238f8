// The outcomes of an import, put back in file order: some are known at once, others when the service answers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "common/feeds/judge.h"
#include "relais/alerting/v1/signal_service.pb.h"
#include "services/cli/row_gate.h"

namespace relais::cli {

struct ImportTally {
  uint64_t rows = 0;
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  uint64_t refused = 0;
  uint64_t undecided = 0;                     // without durable decision
  std::map<std::string, uint64_t> by_reason;  // of refused rows
  std::map<std::string, uint64_t> by_mark;    // of accepted rows
};

/// Holds the rows that wait, and those behind them. Not thread-safe.
class ImportResults {
 public:
  /// Told each row once it and all before it are decided. `field` is "" where there is none (outcome.field is
  /// not used).
  using Sink = std::function<void(uint64_t line, std::string_view reference, const feeds::Outcome& outcome,
                                  std::string_view field)>;

  explicit ImportResults(Sink sink) : sink_(std::move(sink)) {}

  /// The next row of the file. One with `wire` waits for the service's answer.
  void Add(const PlannedRow& row);
  /// The service's answer to the row that has waited longest. INTERNAL when it is not about that row, or says
  /// what this program does not know.
  absl::Status Answer(const alerting::v1::RowResult& result);
  /// No answer will come: rows that wait stay without outcome, those behind them that are decided are told.
  void Abandon();

  [[nodiscard]] size_t held() const { return rows_.size(); }
  [[nodiscard]] const ImportTally& tally() const { return tally_; }

 private:
  struct Row {
    uint64_t line = 0;
    std::string reference;
    feeds::Outcome outcome;  // of a row that waits: what it says alone, if `judged`
    std::string field;
    bool judged = false;
    bool waits = false;
  };

  void Tell(const Row& row);
  void Drain();

  Sink sink_;
  std::deque<Row> rows_;
  uint64_t told_ = 0;             // rows that left the front
  std::deque<uint64_t> waiting_;  // positions, counted from the first row of the file
  ImportTally tally_;
};

}  // namespace relais::cli
