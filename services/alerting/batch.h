// A batch of rows on its way through the intake. Private to it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "services/alerting/intake.h"

namespace relais::alerting {

struct Intake::Item {
  v1::FeedRow wire;
  feeds::FormResult form;
  std::string reference;         // only when it may be shown
  Id128 row_id;                  // zero: the row can claim nothing
  Id128 record;                  // zero: the row belongs to no record
  std::string digest;            // of the record key; empty: none
  uint32_t digest_version = 0;   // of the suppression key of both digests
  std::string content;           // keyed digest
  bool objects = false;          // the row itself says an objection
  bool objection_found = false;  // on file under another version of the key
  bool irregular = false;        // sent raw although the row alone condemns it
  bool accepted = false;         // by this try
  bool decided = false;          // for good: durable, or refused and counted
  v1::RowState state;
  v1::RowResult result;

  [[nodiscard]] bool is_notice() const { return wire.has_gated() || wire.has_objection(); }
};

struct Intake::Batch {
  rpc::Call call;
  Terms terms;
  std::vector<Item> items;
  absl::flat_hash_set<Id128> touched;  // records and references
};

struct Intake::Ledger {
  struct Record {
    Stored<v1::RecordState> stored;
    bool changed = false;
    bool objection_noted = false;
  };
  struct Claim {
    Stored<v1::ReferenceClaim> stored;
    bool complete = false;  // its row is there
    bool taken = false;     // by this try
    // Where the claimant whose row never came would put it. Its place is marked before the claim is taken
    // over, in our own record too: it may be about to put other content there, which the claim would then not
    // tell.
    Id128 given_up;
    uint64_t given_up_version = 0;
    uint64_t row_version = 0;  // of the row's place in our record
  };
  std::map<Id128, Record> records;
  std::map<Id128, Claim> claims;  // by row id

  [[nodiscard]] bool Changes(const Id128& record) const {
    const auto it = records.find(record);
    return it != records.end() && it->second.changed;
  }
};

// The rows of a try that are not decided yet, in order, by the record whose commit they join; those whose
// record does not change are under the zero id.
struct Intake::Shares {
  absl::flat_hash_map<Id128, std::vector<const Item*>> by_record;

  [[nodiscard]] const std::vector<const Item*>& Of(const Id128& record) const {
    static const std::vector<const Item*> kNone;
    const auto it = by_record.find(record);
    return it == by_record.end() ? kNone : it->second;
  }
};

}  // namespace relais::alerting
