// A RocksDbStore on a folder of its own, whose disk can be made to fail.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/counting_sequencer.h"
#include "common/storage/testing/faulty_filesystem.h"
#include "common/storage/testing/store_conformance.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::storage::testing {

class RocksDbBackend final : public Backend {
 public:
  /// `options` without path and env.
  explicit RocksDbBackend(RocksDbOptions options = {}) : options_(std::move(options)) {
    options_.path = folder_ / "store";
    options_.env = disk_->env();
  }

  void Open() override {
    sequencer_ = std::make_unique<CountingSequencer>();
    auto opened = RocksDbStore::Open(options_, pool_, *sequencer_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    ASSERT_TRUE(sequencer_->Restore(*store_).ok());
  }
  void Close() { store_.reset(); }
  void Reopen() override {
    Close();
    disk_->Fail(Fault::kNone, "");
    Open();
  }
  RocksDbStore& store() override { return *store_; }
  CountingSequencer& sequencer() override { return *sequencer_; }
  Executor& executor() override { return pool_; }
  void Break() override { disk_->Fail(Fault::kSync, ".log"); }

  FaultyFileSystem& disk() { return *disk_; }
  [[nodiscard]] const RocksDbOptions& options() const { return options_; }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }

 private:
  const TempFolder folder_;
  const std::shared_ptr<FaultyFileSystem> disk_ = FaultyFileSystem::Make();
  RocksDbOptions options_;
  ThreadPool pool_{2};
  std::unique_ptr<CountingSequencer> sequencer_;
  std::unique_ptr<RocksDbStore> store_;
};

}  // namespace relais::storage::testing
