// The auditors' standing questions: each a small pure class that reads leaves in order and says what it
// found.
//
// To add one: a file here with a class and its factory, its test, a line in catalog.h and one in catalog.cc.
// A question keeps a bounded state (`held`), never a whole leaf, and no personal data but a person's id; what
// it finds names leaf indexes, institutions, functions, codes and dates.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/audit/v1/leaf.pb.h"
#include "services/cli/questions/past.h"

namespace relais::cli::questions {

/// One leaf as an auditor's opened tail shows it.
struct SeenLeaf {
  std::string service;  // whose log: "consent"
  uint64_t index = 0;
  absl::Time time;
  audit::v1::LeafHeader header;
  /// False: the subject's key is destroyed, `details` is empty.
  bool opened = true;
  audit::v1::LeafDetails details;
  /// False: read only for what it does to the state; no finding is to be about it.
  bool in_period = true;

  [[nodiscard]] bool Is(audit::v1::EventClass event_class) const {
    return header.event_class() == event_class;
  }
  /// The person or the sender record it is about, by id.
  [[nodiscard]] std::optional<Id128> Subject() const;
  [[nodiscard]] std::optional<Id128> Person() const;
  /// The payload, if it is one of these.
  template <typename Payload>
  [[nodiscard]] std::optional<Payload> As(audit::v1::EventClass event_class) const {
    Payload payload;
    return Is(event_class) && opened && details.payload().UnpackTo(&payload)
               ? std::optional<Payload>(std::move(payload))
               : std::nullopt;
  }
};

struct Finding {
  std::string what;  // a code of the question, such as `REFUSED`
  std::string service;
  std::vector<uint64_t> leaves;  // the act first, then what it is held against
  absl::Time time;
  std::string institution;  // whose act
  std::string function;     // of the human who acted
  std::string recipient;    // institution
  std::vector<Id128> persons;
  std::map<std::string, std::string> facts;  // codes, ids and dates by name
};

/// With what is in the leaf filled in.
[[nodiscard]] Finding About(const SeenLeaf& leaf, std::string what);

/// Keeps the first 10,000 and counts the rest.
class FindingList {
 public:
  static constexpr size_t kMost = 10'000;
  void Add(Finding finding);
  [[nodiscard]] size_t size() const { return kept_.size(); }
  /// All of them; the last one is `MORE` with a count where some were not kept.
  [[nodiscard]] std::vector<Finding> Take();

 private:
  std::vector<Finding> kept_;
  uint64_t more_ = 0;
};

/// What a question is, for `--list`.
struct Description {
  std::string name;
  std::string fr;
  std::string en;
  std::vector<std::string> services;  // whose logs it reads
  /// True: asked about something the auditor names, and answers; false: asked every time, and what it finds
  /// is wrong.
  bool enquiry = false;
};

/// Leaves [first, end) of one log.
struct Range {
  uint64_t first = 0;
  uint64_t end = UINT64_MAX;
};

/// Not thread-safe.
class Question {
 public:
  virtual ~Question() = default;
  [[nodiscard]] virtual const Description& description() const = 0;
  /// Leaves of its services, each log in its order; of the period and before it. `past` is what was so just
  /// before this leaf.
  virtual void Add(const SeenLeaf& leaf, const Past& past) = 0;
  /// Once, at the end. `now` is the instant of the check.
  [[nodiscard]] virtual std::vector<Finding> Finish(absl::Time now) = 0;
  /// What of its services' logs it has to see.
  [[nodiscard]] virtual Range Wanted(std::string_view /*service*/) const { return {}; }
  /// True: `past.her_acts()` must be complete.
  [[nodiscard]] virtual bool NeedsHerActs() const { return false; }
  /// Entries of state, for the bound on memory (about 300 bytes each).
  [[nodiscard]] virtual size_t held() const { return 0; }
};

}  // namespace relais::cli::questions
