// A vault on a store that a test has put something in front of.
#pragma once

#include <memory>
#include <utility>

#include "common/storage/memory/memory_store.h"
#include "services/vault/testing/world.h"

namespace relais::vault::testing {

/// A vault on a `Front`, which is made of the store behind it and the executor, and whose LetGo() ends what
/// it does: it is called before the vault ends. A restart is not for it.
template <typename Front>
struct WorldOn {
  explicit WorldOn(Settings settings = {}) : world(Options(std::move(settings))) {}
  ~WorldOn() { store->LetGo(); }
  WorldOn(const WorldOn&) = delete;
  WorldOn& operator=(const WorldOn&) = delete;

  Front* store = nullptr;
  World world;

 private:
  World::Options Options(Settings settings) {
    World::Options options;
    options.settings = std::move(settings);
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      auto made = std::make_unique<Front>(
          std::make_unique<storage::MemoryStore>(
              std::make_shared<storage::MemoryDisk>(), executor, sequencer,
              storage::MemoryStore::Options{.commit_delay = {}, .crash_at = {}, .strict = true}),
          executor);
      store = made.get();
      return std::unique_ptr<storage::Store>(std::move(made));
    };
    return options;
  }
};

}  // namespace relais::vault::testing
