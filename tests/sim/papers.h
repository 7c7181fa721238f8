// What was promised about papers, and what was seen of them while a world ran.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/common/v1/types.pb.h"

namespace relais::sim {

/// A paper whose deposit was acknowledged.
struct Paper {
  Id128 person;
  std::string text;
  bool asked = false;      // to be destroyed: it may be gone
  bool destroyed = false;  // that was acknowledged
};

/// A share that was acknowledged, whatever became of it since.
struct GivenShare {
  std::string share_id;
  std::string document_id;
  Id128 person;
  std::string consent;
};

/// A reading that gave the text.
struct PaperRead {
  Id128 person;
  std::string consent;                                // on which it stands
  common::v1::Act act = common::v1::ACT_UNSPECIFIED;  // SHARE_DOCUMENT: a recipient's; HOST: hers
  absl::Time began;
  uint64_t applied = 0;  // of consent's log by the vault, when it began
};

struct Papers {
  std::set<Id128> persons;              // who may have some
  std::map<Id128, std::string> erased;  // whose erasure was acknowledged, and its id
  std::map<std::string, Paper> papers;  // by document id
  std::vector<GivenShare> shares;
  std::vector<PaperRead> reads;
};

}  // namespace relais::sim
