// A store in memory of which stretches do not read once it is told so: for the worlds of tests.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/storage/memory/memory_store.h"
#include "common/storage/testing/damaged_store.h"

namespace relais::storage::testing {

/// To be made before the world that is given Make(); a restart is not for it.
struct DamagedMemory {
  DamagedStore* store = nullptr;
  MemoryStore* whole = nullptr;  // the same, of which everything reads

  [[nodiscard]] std::function<absl::StatusOr<std::unique_ptr<Store>>(Executor&, Sequencer&)> Make() {
    return [this](Executor& executor, Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<Store>> {
      auto inner = std::make_unique<MemoryStore>(
          std::make_shared<MemoryDisk>(), executor, sequencer,
          MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true});
      whole = inner.get();
      auto made = std::make_unique<DamagedStore>(std::move(inner));
      store = made.get();
      return std::unique_ptr<Store>(std::move(made));
    };
  }
};

}  // namespace relais::storage::testing
