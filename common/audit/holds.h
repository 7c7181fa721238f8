// Legal holds (D-2.10: "a legal hold keeps a copy under its own key"). While a hold on a person is in force,
// retention and erasure go on as if there were none; a copy of what this service has of her is kept under a
// key that nothing else uses, in the hold's own partition. The copy is made when the hold is placed and
// brought up to date before anything is removed: before each retention sweep, before a month's key is
// destroyed, before her keys and state go.
//
// Formats (docs/formats.md, "Legal holds"), partition kHold of the hold's id:
//
//   "hold"                       SealRandom(hold key, "relais hold v1|" ‖ partition ‖ "|" ‖ key, StoredHold)
//   "i/" ‖ HMAC(hold key, name)  the same of a HeldItem, under a name of its content (docs)
//   "end"                        StoredHoldEnd, in clear, once it has ended: all that is left
//
// Names are hashed so that the store alone does not tell, after an erasure, which leaves were about one
// person. The key is "legal-hold/<id>" in the ring, which keeps no history; it is destroyed before the rows
// go, and copies in backups end with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/crypto/key_ring.h"
#include "common/storage/store.h"
#include "relais/audit/v1/hold_service.pb.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::audit {

/// The state that a hold copies: rows of a subject, named and opened, a frozen subject's too.
class HeldStates {
 public:
  virtual ~HeldStates() = default;
  /// Other subjects that a hold on this one covers: her sender records.
  virtual absl::StatusOr<std::vector<Subject>> HeldWith(const Subject& person) = 0;
  /// A subject of which nothing is left has none.
  virtual absl::StatusOr<std::vector<audit::v1::HeldState>> StateOf(const Subject& subject) = 0;
};

struct HoldRequest {
  Id128 id;
  Subject subject;  // a person
  std::string order_reference;
  absl::Time until;
};

struct HoldInfo {
  Id128 id;
  absl::Time placed;
  absl::Time until;
  std::optional<absl::Time> ended;
  bool expired = false;
};

/// Thread-safe. Everything it is given outlives it.
class Holds {
 public:
  Holds(Log& log, storage::Store& store, crypto::KeyRing& ring, Random& random,
        std::function<Event(audit::v1::EventClass)> own_event)
      : log_(log), store_(store), ring_(ring), random_(random), own_event_(std::move(own_event)) {}

  /// Reads which there are. DATA_LOSS for a row that does not open. A hold whose key was destroyed has ended:
  /// this store is an older one. FAILED_PRECONDITION when the ring never had its key: the ring is.
  absl::Status Load();
  /// Without one nothing but leaves is copied.
  void UseStates(HeldStates* states) { states_ = states; }

  /// Durable on OK, and the first copy is made. One that is known is placed by doing nothing. Of `event`
  /// class, id, subject and payload are filled in. IsErased: she is erased, or about to be. The leaf;
  /// nullopt: it was known.
  Task<absl::StatusOr<std::optional<storage::LeafRange>>> Place(HoldRequest request, Event event);
  /// The copy cannot be opened any more on OK. NOT_FOUND; FAILED_PRECONDITION: it has ended, and its key is
  /// destroyed.
  Task<absl::StatusOr<storage::LeafRange>> Release(Id128 hold, Event event);
  /// Follows a hold that another service's log ended: as Release, but one that has ended is left, and one
  /// that is not known yet will never be placed here (a follower may read its end first).
  /// ABORTED: try again.
  Task<absl::Status> EndedElsewhere(Id128 hold, Event event);

  /// Brings up to date the copies of holds that cover any of these, who are about to lose something. Their
  /// ids. What does not open (DATA_LOSS) is passed over: nobody can keep it.
  Task<absl::StatusOr<std::vector<Id128>>> CopyOf(std::vector<Subject> subjects);
  /// All of them. The first error, after all were tried.
  Task<absl::Status> CopyAll();
  /// Ends those whose time is over and finishes those that a crash left half ended. Now and then. The first
  /// error, after all was tried.
  Task<absl::Status> RunReady();

  /// Oldest first.
  [[nodiscard]] std::vector<HoldInfo> List() const;
  struct HeldPage {
    HoldInfo hold;
    std::string order_reference;
    std::vector<audit::v1::HeldItem> items;
    std::string next;  // to go on from; empty: no more
  };
  /// At most `limit` items and about 800 KiB. NOT_FOUND: no such hold; FAILED_PRECONDITION: it has ended.
  [[nodiscard]] absl::StatusOr<HeldPage> Read(const Id128& hold, std::string_view from, size_t limit) const;

 private:
  struct Hold {
    HoldInfo info;
    Subject subject;
    std::string order_reference;
    Secret key;
    uint64_t version = 0;  // of row "hold": copies are made only while it stands
  };
  using HoldPtr = std::shared_ptr<const Hold>;
  absl::Status LoadOne(const storage::Partition& partition);
  [[nodiscard]] absl::StatusOr<HoldPtr> InForce(const Id128& id) const;
  [[nodiscard]] std::vector<HoldPtr> AllInForce() const;
  [[nodiscard]] absl::StatusOr<std::vector<Subject>> Covered(const Subject& person) const;
  absl::StatusOr<Secret> KeyOf(const Id128& id);
  Task<absl::StatusOr<storage::LeafRange>> End(HoldPtr hold, Event event, bool expired);
  Task<absl::Status> Destroy(Id128 id);
  Task<absl::Status> EndWithoutKey();
  /// False: the hold ended meanwhile.
  Task<absl::StatusOr<bool>> Copy(HoldPtr hold, std::vector<Subject> subjects);
  Task<absl::StatusOr<bool>> CopyCovered(HoldPtr hold);
  Task<absl::Status> CopyLeaves(HoldPtr hold, Subject subject);
  Task<absl::Status> CopyState(HoldPtr hold, Subject subject);
  absl::StatusOr<bool> Has(const Hold& hold, std::string_view name) const;
  absl::StatusOr<storage::Mutation> ItemRow(const Hold& hold, std::string_view name,
                                            const audit::v1::HeldItem& item) const;
  absl::StatusOr<std::optional<storage::Mutation>> StateRow(const Hold& hold, const Subject& subject,
                                                            audit::v1::HeldState state) const;
  Task<absl::Status> EndExpired();
  Task<absl::Status> FinishEnds();
  void CopyAgain();
  absl::StatusOr<std::optional<storage::Mutation>> LeafRow(const Hold& hold, OpenedLeaf leaf) const;
  Task<absl::Status> Put(HoldPtr hold, std::vector<storage::Mutation> batch);

  Log& log_;
  storage::Store& store_;
  crypto::KeyRing& ring_;
  Random& random_;
  const std::function<Event(audit::v1::EventClass)> own_event_;
  HeldStates* states_ = nullptr;
  mutable std::mutex mu_;
  std::map<Id128, HoldPtr> holds_;
  std::set<Id128> half_ended_;   // their key or rows may still be there
  std::set<Id128> without_key_;  // that they ended is still to be written
  bool copied_ = false;          // since Load
};

}  // namespace relais::audit
