// A whole import against a service that is played here.
#include "services/cli/signal_import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/feeds/results.h"
#include "services/cli/testing/feed_rows.h"

namespace relais::cli {
namespace {

// Rows from a list.
class ListReader final : public feeds::RowReader {
 public:
  explicit ListReader(std::vector<feeds::RawRow> rows) : rows_(std::move(rows)) {}
  absl::StatusOr<bool> Next(feeds::RawRow& row) override {
    if (next_ == rows_.size()) {
      return false;
    }
    row = rows_[next_++];
    return true;
  }
  uint64_t bytes_consumed() const override { return next_; }

 private:
  std::vector<feeds::RawRow> rows_;
  size_t next_ = 0;
};

// Accepts what comes raw, refuses notices for their own reason; can break after some batches.
class PlayedService final : public FeedStream {
 public:
  absl::StatusOr<alerting::v1::StreamOpened> Open(alerting::v1::FeedType /*type*/) override {
    return alerting::v1::StreamOpened();
  }
  absl::Status Send(alerting::v1::RowBatch batch) override {
    EXPECT_LE(batch.rows_size(), kMostRowsPerBatch);
    EXPECT_LE(batch.ByteSizeLong(), size_t{1} << 20);
    waiting_.push_back(std::move(batch));
    most_in_flight_ = std::max(most_in_flight_, waiting_.size());
    ++sent_;
    return absl::OkStatus();
  }
  absl::StatusOr<alerting::v1::RowResults> Receive() override {
    if (answered_ == break_after_) {
      return absl::UnavailableError("gone");
    }
    alerting::v1::RowResults results;
    for (const alerting::v1::FeedRow& row : waiting_.front().rows()) {
      alerting::v1::RowResult& result = *results.add_results();
      result.set_line(row.line());
      const bool raw = row.has_cells() || row.has_json();
      result.set_outcome(raw ? alerting::v1::OUTCOME_ACCEPTED : alerting::v1::OUTCOME_REFUSED);
      result.set_reason(row.has_gated() ? row.gated().reason() : row.objection().reason());
    }
    waiting_.pop_front();
    ++answered_;
    return results;
  }
  absl::Status Close() override {
    closed_ = true;
    return absl::OkStatus();
  }

  size_t break_after_ = SIZE_MAX;
  size_t answered_ = 0;
  size_t sent_ = 0;
  size_t most_in_flight_ = 0;
  bool closed_ = false;
  std::deque<alerting::v1::RowBatch> waiting_;
};

struct Files {
  std::string results = std::string(feeds::kResultsHeader);
  std::string refused = std::string(feeds::kRefusedHeader);

  ImportResults::Sink Sink() {
    return [this](uint64_t line, std::string_view reference, const feeds::Outcome& outcome,
                  std::string_view field) {
      results += feeds::ResultsLine(line, reference, outcome);
      if (outcome.kind == feeds::OutcomeKind::kRefused) {
        refused += feeds::RefusedLine(line, reference, outcome.reason, field);
      }
    };
  }
};

std::vector<feeds::RawRow> Mixed(size_t n) {
  std::vector<feeds::RawRow> rows;
  for (size_t i = 0; i < n; ++i) {
    feeds::RawRow row = testing::GoodCut(i + 2, absl::StrCat("R-", i));
    if (i % 7 == 3) {
      row = testing::With(row, feeds::EdfColumn::kMontantDu, "beaucoup");
    } else if (i % 7 == 5) {
      row = testing::With(row, feeds::EdfColumn::kOpposition, "OUI");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

constexpr auto kGoOn = [](uint64_t, uint64_t) { return true; };

TEST(SendFeed, EveryRowHasOneOutcomeInFileOrder) {
  constexpr size_t kRows = 3000;
  ListReader reader(Mixed(kRows));
  PlayedService service;
  Files files;
  ImportResults results(files.Sink());
  ASSERT_TRUE(SendFeed(reader, RowGate(testing::EdfTerms()), service, results, kGoOn).ok());
  EXPECT_TRUE(service.closed_);
  EXPECT_LE(service.most_in_flight_, static_cast<size_t>(kMostBatchesInFlight));
  EXPECT_EQ(results.tally().rows, kRows);
  EXPECT_EQ(results.tally().accepted + results.tally().refused, kRows);
  std::istringstream lines(files.results);
  std::string line;
  std::getline(lines, line);
  for (size_t i = 0; i < kRows; ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const char* outcome = i % 7 == 3 ? "REFUSED;BAD_AMOUNT" : i % 7 == 5 ? "REFUSED;OPPOSED" : "ACCEPTED;";
    EXPECT_EQ(line.substr(0, line.find(outcome)), absl::StrCat(i + 2, ";R-", i, ";")) << line;
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(SendFeed, TheFilesHoldNoPersonalData) {
  ListReader reader(Mixed(50));
  PlayedService service;
  Files files;
  ImportResults results(files.Sink());
  ASSERT_TRUE(SendFeed(reader, RowGate(testing::EdfTerms()), service, results, kGoOn).ok());
  for (const char* word : {"Martin", "Jeanne", "pital", "75013", "beaucoup", "Paris"}) {
    EXPECT_EQ(files.results.find(word), std::string::npos) << word;
    EXPECT_EQ(files.refused.find(word), std::string::npos) << word;
  }
  EXPECT_NE(files.refused.find(";BAD_AMOUNT;montant_du\n"), std::string::npos);
}

TEST(SendFeed, BatchesAreBoundedInBytesToo) {
  std::vector<feeds::RawRow> rows;
  for (size_t i = 0; i < 40; ++i) {
    feeds::RawRow row = testing::Report(i + 1, absl::StrCat("F-", i), "SERIOUS", "{}");
    row.json += std::string(60'000, ' ');  // spaces after an object change nothing
    rows.push_back(std::move(row));
  }
  ListReader reader(std::move(rows));
  PlayedService service;
  Files files;
  ImportResults results(files.Sink());
  ASSERT_TRUE(SendFeed(reader, RowGate(testing::BsppTerms()), service, results, kGoOn).ok());
  EXPECT_EQ(results.tally().accepted, 40U);
  EXPECT_GE(service.sent_, 5U);
}

TEST(SendFeed, WhatHasNoAnswerHasNoLine) {
  ListReader reader(Mixed(3000));
  PlayedService service;
  service.break_after_ = 2;
  Files files;
  ImportResults results(files.Sink());
  EXPECT_TRUE(absl::IsUnavailable(SendFeed(reader, RowGate(testing::EdfTerms()), service, results, kGoOn)));
  EXPECT_FALSE(service.closed_);
  EXPECT_GT(results.tally().undecided, 0U);
  EXPECT_EQ(results.tally().accepted + results.tally().refused + results.tally().undecided,
            results.tally().rows);
  // Two batches were answered, and only what they answered or what was never sent has a line.
  EXPECT_EQ(results.held(), 0U);
}

TEST(SendFeed, StopsWhenTold) {
  ListReader reader(Mixed(3000));
  PlayedService service;
  Files files;
  ImportResults results(files.Sink());
  const absl::Status status = SendFeed(reader, RowGate(testing::EdfTerms()), service, results,
                                       [](uint64_t rows, uint64_t) { return rows < 1000; });
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(results.tally().rows, 1000U);
}

TEST(SendFeed, HoldsFewRowsHoweverManyAreNotSent) {
  std::vector<feeds::RawRow> rows = Mixed(1);
  for (size_t i = 1; i < 3 * kMostRowsHeld; ++i) {
    rows.push_back(testing::With(testing::GoodCut(i + 2, "R"), feeds::EdfColumn::kMontantDu, "x"));
  }
  ListReader reader(std::move(rows));
  PlayedService service;
  Files files;
  ImportResults results(files.Sink());
  size_t most = 0;
  ASSERT_TRUE(SendFeed(reader, RowGate(testing::EdfTerms()), service, results, [&](uint64_t, uint64_t) {
                most = std::max(most, results.held());
                return true;
              }).ok());
  EXPECT_LE(most, kMostRowsHeld);
  EXPECT_EQ(results.tally().accepted, 1U);
}

}  // namespace
}  // namespace relais::cli
