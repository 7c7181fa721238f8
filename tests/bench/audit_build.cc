#include "tests/bench/audit_build.h"

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/storage/value_format.h"
#include "tests/bench/audit_world.h"
#include "tests/bench/table_files.h"

namespace relais::bench {
namespace {

using storage::LogRow;
using storage::LogTable;

constexpr uint64_t kChunk = 16'384;
// Spreads the persons: number of leaf → person, every person equally often.
constexpr uint64_t kStride = 7919;

class Builder {
 public:
  Builder(const std::string& folder, AuditWorld& world, uint64_t leaves, uint64_t persons)
      : world_(world),
        count_(leaves),
        persons_(persons),
        files_(folder, StorePathIn(folder)),
        leaves_(files_.Log(LogTable::kLeaves, "leaves")),
        subjects_(files_.Log(LogTable::kLeafSubjects, "leaf_subjects")) {}

  absl::Status WriteFiles() {
    auto next = Draft(0);
    for (uint64_t first = 0; first < count_; first += kChunk) {
      absl::StatusOr<std::vector<storage::LeafDraft>> drafts = next.get();
      RETURN_IF_ERROR(drafts.status());
      if (first + kChunk < count_) {
        next = Draft(first + kChunk);
      }
      RETURN_IF_ERROR(Stage(*std::move(drafts)));
    }
    RETURN_IF_ERROR(WriteKeys());
    return WritePointers();
  }

  // With the store closed.
  absl::Status Ingest() { return files_.Ingest(); }

 private:
  using Drafts = absl::StatusOr<std::vector<storage::LeafDraft>>;

  [[nodiscard]] uint64_t PersonAt(uint64_t leaf) const { return leaf * kStride % persons_; }

  // Sealed on another thread while the chunk before is placed and written.
  std::future<Drafts> Draft(uint64_t first) {
    return std::async(std::launch::async, [this, first]() -> Drafts {
      std::vector<storage::LeafDraft> drafts;
      for (uint64_t i = first; i < std::min(count_, first + kChunk); ++i) {
        ASSIGN_OR_RETURN(storage::LeafDraft draft, world_.log().Draft(CheckEvent(PersonAt(i))));
        draft.drafted = nullptr;
        drafts.push_back(std::move(draft));
      }
      return drafts;
    });
  }

  absl::Status Stage(std::vector<storage::LeafDraft> drafts) {
    std::vector<LogRow> rows;
    world_.log().sequencer().Stage(std::move(drafts), rows);
    for (LogRow& row : rows) {
      RETURN_IF_ERROR(Take(row));
    }
    world_.log().sequencer().Committed();
    return absl::OkStatus();
  }

  absl::Status Take(LogRow& row) {
    switch (row.table) {
      case LogTable::kLeaves:
        return leaves_->Put(row.key, *row.value);
      case LogTable::kLeafSubjects:
        return subjects_->Put(row.key, *row.value);
      case LogTable::kNodes: {
        // A file for each level of tiles: within one, nodes are completed in the order of their keys.
        TableFiles*& files = nodes_[row.key[0]];
        if (files == nullptr) {
          files = files_.Log(LogTable::kNodes, absl::StrCat("nodes-", static_cast<int>(row.key[0])));
        }
        return files->Put(row.key, *row.value);
      }
      case LogTable::kSubjectKeys:
        keys_.emplace(std::move(row.key), *row.value);
        return absl::OkStatus();
      default:
        return absl::OkStatus();  // pointers are written sorted, below
    }
  }

  absl::Status WriteKeys() {
    TableFiles* files = files_.Log(LogTable::kSubjectKeys, "subject_keys");
    for (const auto& [subject, wrapped] : keys_) {
      RETURN_IF_ERROR(files->Put(subject, wrapped));
    }
    return files->EndFile();
  }

  absl::Status WritePointers() {
    std::vector<std::vector<uint64_t>> of(persons_);
    for (uint64_t i = 0; i < count_; ++i) {
      of[PersonAt(i)].push_back(i);
    }
    std::vector<std::pair<std::string, uint64_t>> sorted;
    for (uint64_t person = 0; person < persons_; ++person) {
      sorted.emplace_back(PersonOf(person).Encode(), person);
    }
    std::sort(sorted.begin(), sorted.end());
    TableFiles* files = files_.Log(LogTable::kSubjectLeaves, "subject_leaves");
    for (const auto& [subject, person] : sorted) {
      for (const uint64_t leaf : of[person]) {
        RETURN_IF_ERROR(files->Put(subject + storage::EncodeBigEndian64(leaf), ""));
      }
    }
    return files->EndFile();
  }

  AuditWorld& world_;
  const uint64_t count_;
  const uint64_t persons_;
  StoreFiles files_;
  TableFiles* const leaves_;
  TableFiles* const subjects_;
  std::map<char, TableFiles*> nodes_;
  std::map<std::string, std::string> keys_;
};

}  // namespace

absl::Status BuildLog(const std::string& folder, uint64_t leaves, uint64_t persons) {
  if (persons == 0 || std::gcd(persons, kStride) != 1) {
    return absl::InvalidArgumentError("the number of persons must be positive and no multiple of 7919");
  }
  AuditWorldOptions options;
  options.folder = folder;
  options.subject_keys = 32 * persons;  // none may be forgotten before it is in the store
  ASSIGN_OR_RETURN(std::unique_ptr<AuditWorld> world, AuditWorld::Open(options));
  if (world->log().state().size != 0) {
    return absl::FailedPreconditionError("there is a log already");
  }
  Builder builder(folder, *world, leaves, persons);
  RETURN_IF_ERROR(builder.WriteFiles());
  world = nullptr;
  return builder.Ingest();
}

}  // namespace relais::bench
