// One check: questions, the leaves they are shown, and the report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "relais/audit/v1/audit_service.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions {

/// The bound on memory: what questions hold grows with persons and their acts, never with leaves, and stops
/// at `most_held` entries of about 300 bytes. A check of more persons than that is made in shares: share k of
/// n looks at the persons and sender records whose id falls to it; leaves about nobody, and those of the log
/// about itself, belong to the first.
struct RunOptions {
  size_t most_held = 2'000'000;
  uint32_t share = 1;
  uint32_t shares = 1;
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  bool complete = true;  // read from the first leaf
};

struct QuestionReport {
  Description description;
  std::vector<Finding> findings;
};

struct Report {
  std::vector<QuestionReport> questions;
  uint64_t leaves = 0;
  uint64_t erased = 0;             // of them, not opened
  uint64_t unknown_directory = 0;  // of them, under a version that is not to be had
  bool overflowed = false;         // the bound was reached: what came after is not answered

  /// How many things are wrong: enquiries' answers are not.
  [[nodiscard]] size_t wrong() const;
  /// False: what was not answered is not known to be right.
  [[nodiscard]] bool complete() const { return !overflowed && unknown_directory == 0; }
};

/// Not thread-safe.
class CheckRun {
 public:
  CheckRun(std::vector<std::unique_ptr<Question>> questions, DirectoryHistory& directories,
           RunOptions options);

  /// The logs its questions read, in the order in which they are to be read.
  [[nodiscard]] std::vector<std::string> Services() const;
  /// What of that log they have to see.
  [[nodiscard]] Range Wanted(std::string_view service) const;

  /// Each log in its order, one after the other. DATA_LOSS for bytes that are no leaf,
  /// PERMISSION_DENIED for a leaf that is withheld.
  absl::Status Add(std::string_view service, uint64_t index, const audit::v1::TailLeaf& leaf);
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] Report Finish(absl::Time now);

 private:
  class Watched final : public DirectoryHistory {
   public:
    explicit Watched(DirectoryHistory& directories) : directories_(directories) {}
    [[nodiscard]] std::shared_ptr<const directory::Directory> At(uint64_t version) override;
    [[nodiscard]] bool Missed() { return std::exchange(missed_, false); }

   private:
    DirectoryHistory& directories_;
    bool missed_ = false;
  };

  [[nodiscard]] bool Mine(const SeenLeaf& leaf) const;
  [[nodiscard]] size_t Held() const;

  std::vector<std::unique_ptr<Question>> questions_;
  Watched directories_;
  const RunOptions options_;
  bool needs_her_acts_ = false;
  HerActs her_acts_;
  Report report_;
  bool overflowed_ = false;
};

}  // namespace relais::cli::questions
