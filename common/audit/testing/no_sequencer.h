// A sequencer for a store that is only read.
#pragma once

#include <vector>

#include "common/storage/store.h"

namespace relais::audit::testing {

class NoSequencer final : public storage::Sequencer {
 public:
  storage::LeafRange Stage(std::vector<storage::LeafDraft> /*leaves*/,
                           std::vector<storage::LogRow>& /*rows*/) override {
    return {};
  }
  void Committed() override {}
  void Abandoned() override {}
};

}  // namespace relais::audit::testing
