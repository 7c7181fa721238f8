#include "tests/bench/audit_build.h"

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

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
#include "common/storage/rocksdb/options.h"
#include "common/storage/value_format.h"
#include "tests/bench/audit_world.h"

namespace relais::bench {
namespace {

using storage::LogRow;
using storage::LogTable;

constexpr uint64_t kChunk = 16'384;
constexpr uint64_t kLeavesPerFile = 500'000;
// Spreads the persons: number of leaf → person, every person equally often.
constexpr uint64_t kStride = 7919;

absl::Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnavailableError("bulk load: " + status.ToString());
}

// Sorted files of one table.
class TableFiles {
 public:
  TableFiles(std::string prefix, rocksdb::ColumnFamilyOptions options)
      : prefix_(std::move(prefix)), options_(rocksdb::DBOptions(), std::move(options)) {}

  absl::Status Put(const std::string& key, const std::string& value) {
    if (writer_ == nullptr) {
      writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_);
      files_.push_back(absl::StrCat(prefix_, "-", files_.size(), ".sst"));
      RETURN_IF_ERROR(FromRocks(writer_->Open(files_.back())));
    }
    return FromRocks(writer_->Put(key, value));
  }
  absl::Status EndFile() {
    if (writer_ == nullptr) {
      return absl::OkStatus();
    }
    const rocksdb::Status finished = writer_->Finish();
    writer_ = nullptr;
    return FromRocks(finished);
  }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  const std::string prefix_;
  const rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::vector<std::string> files_;
};

class Builder {
 public:
  Builder(const std::string& folder, AuditWorld& world, uint64_t leaves, uint64_t persons)
      : folder_(folder), world_(world), count_(leaves), persons_(persons) {
    storage::RocksDbOptions options;
    options.path = StorePathIn(folder);
    cache_ = storage::MakeCache(options);
    descriptors_ = storage::MakeColumnFamilies(cache_);
    leaves_ = Files(LogTable::kLeaves, "leaves");
    subjects_ = Files(LogTable::kLeafSubjects, "leaf_subjects");
  }

  absl::Status WriteFiles() {
    auto next = Draft(0);
    for (uint64_t first = 0; first < count_; first += kChunk) {
      absl::StatusOr<std::vector<storage::LeafDraft>> drafts = next.get();
      RETURN_IF_ERROR(drafts.status());
      if (first + kChunk < count_) {
        next = Draft(first + kChunk);
      }
      RETURN_IF_ERROR(Stage(*std::move(drafts)));
      if (first / kLeavesPerFile != (first + kChunk) / kLeavesPerFile) {
        RETURN_IF_ERROR(leaves_->EndFile());
        RETURN_IF_ERROR(subjects_->EndFile());
      }
    }
    RETURN_IF_ERROR(leaves_->EndFile());
    RETURN_IF_ERROR(subjects_->EndFile());
    for (auto& [level, files] : nodes_) {
      RETURN_IF_ERROR(files->EndFile());
    }
    RETURN_IF_ERROR(WriteKeys());
    return WritePointers();
  }

  // With the store closed.
  absl::Status Ingest() {
    storage::RocksDbOptions options;
    options.path = StorePathIn(folder_);
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    rocksdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(
        rocksdb::DB::Open(storage::MakeDbOptions(options, cache_, std::make_shared<rocksdb::EventListener>()),
                          options.path, descriptors_, &families, &db)));
    absl::Status status;
    for (const auto& [table, files] : tables_) {
      rocksdb::IngestExternalFileOptions ingest;
      ingest.move_files = true;
      if (!files->files().empty()) {
        status.Update(FromRocks(db->IngestExternalFile(
            families[storage::kFirstLogFamily + static_cast<int>(table)], files->files(), ingest)));
      }
    }
    for (rocksdb::ColumnFamilyHandle* family : families) {
      db->DestroyColumnFamilyHandle(family);
    }
    delete db;
    return status;
  }

 private:
  using Drafts = absl::StatusOr<std::vector<storage::LeafDraft>>;

  TableFiles* Files(LogTable table, const std::string& name) {
    const auto& options = descriptors_[storage::kFirstLogFamily + static_cast<int>(table)].options;
    tables_.emplace_back(table, std::make_unique<TableFiles>(folder_ + "/" + name, options));
    return tables_.back().second.get();
  }
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
          files = Files(LogTable::kNodes, absl::StrCat("nodes-", static_cast<int>(row.key[0])));
        }
        return files->Put(row.key, *row.value);
      }
      case LogTable::kSubjectKeys:
        keys_.emplace(std::move(row.key), *std::move(row.value));
        return absl::OkStatus();
      default:
        return absl::OkStatus();  // pointers are written sorted, below
    }
  }

  absl::Status WriteKeys() {
    TableFiles* files = Files(LogTable::kSubjectKeys, "subject_keys");
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
    TableFiles* files = Files(LogTable::kSubjectLeaves, "subject_leaves");
    for (const auto& [subject, person] : sorted) {
      for (const uint64_t leaf : of[person]) {
        RETURN_IF_ERROR(files->Put(subject + storage::EncodeBigEndian64(leaf), ""));
      }
    }
    return files->EndFile();
  }

  const std::string folder_;
  AuditWorld& world_;
  const uint64_t count_;
  const uint64_t persons_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors_;
  std::vector<std::pair<LogTable, std::unique_ptr<TableFiles>>> tables_;
  TableFiles* leaves_;
  TableFiles* subjects_;
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
