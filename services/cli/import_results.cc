#include "services/cli/import_results.h"

#include <optional>
#include <utility>

namespace relais::cli {
namespace {

absl::Status Strange() {
  return absl::InternalError(
      "the service answered about another row, or with a word this program does not know");
}

std::optional<feeds::OutcomeKind> KindOf(alerting::v1::Outcome outcome) {
  switch (outcome) {
    case alerting::v1::OUTCOME_ACCEPTED:
      return feeds::OutcomeKind::kAccepted;
    case alerting::v1::OUTCOME_DUPLICATE:
      return feeds::OutcomeKind::kDuplicate;
    case alerting::v1::OUTCOME_REFUSED:
      return feeds::OutcomeKind::kRefused;
    default:
      return std::nullopt;
  }
}

}  // namespace

void ImportResults::Add(const PlannedRow& row) {
  Row& added = rows_.emplace_back();
  added.line = row.line;
  added.reference = row.reference;
  added.waits = row.wire.has_value();
  if (row.local.has_value()) {
    added.outcome = *row.local;
    added.field = std::string(row.local->field);
    added.judged = true;
  }
  if (added.waits) {
    waiting_.push_back(told_ + rows_.size() - 1);
  }
  ++tally_.rows;
  Drain();
}

absl::Status ImportResults::Answer(const alerting::v1::RowResult& result) {
  if (waiting_.empty()) {
    return Strange();
  }
  Row& row = rows_[waiting_.front() - told_];
  const std::optional<feeds::OutcomeKind> kind = KindOf(result.outcome());
  const std::optional<feeds::Reason> reason =
      result.reason().empty() ? std::optional(feeds::Reason::kNone) : feeds::ParseReason(result.reason());
  if (result.line() != row.line || !kind.has_value() || !reason.has_value() ||
      (*kind == feeds::OutcomeKind::kRefused) == (*reason == feeds::Reason::kNone)) {
    return Strange();
  }
  waiting_.pop_front();
  // Of a row it knows by notice only, the service tells the reason; field and day are ours.
  const bool same = row.judged && row.outcome.kind == *kind && row.outcome.reason == *reason;
  if (!same) {
    row.outcome = feeds::Outcome();
    row.outcome.kind = *kind;
    row.outcome.reason = *reason;
    row.field = result.field();
  }
  if (result.has_retry_after()) {
    const common::v1::Date& day = result.retry_after();
    row.outcome.retry_after = absl::CivilDay(day.year(), day.month(), day.day());
  }
  for (const std::string& mark : result.marks()) {
    ++tally_.by_mark[mark];
  }
  row.waits = false;
  Drain();
  return absl::OkStatus();
}

void ImportResults::Abandon() {
  for (const Row& row : rows_) {
    if (row.waits) {
      ++tally_.undecided;
    } else {
      Tell(row);
    }
  }
  told_ += rows_.size();
  rows_.clear();
  waiting_.clear();
}

void ImportResults::Tell(const Row& row) {
  switch (row.outcome.kind) {
    case feeds::OutcomeKind::kAccepted:
      ++tally_.accepted;
      break;
    case feeds::OutcomeKind::kDuplicate:
      ++tally_.duplicates;
      break;
    case feeds::OutcomeKind::kRefused:
      ++tally_.refused;
      ++tally_.by_reason[std::string(feeds::ReasonName(row.outcome.reason))];
      break;
  }
  sink_(row.line, row.reference, row.outcome, row.field);
}

void ImportResults::Drain() {
  while (!rows_.empty() && !rows_.front().waits) {
    Tell(rows_.front());
    rows_.pop_front();
    ++told_;
  }
}

}  // namespace relais::cli
