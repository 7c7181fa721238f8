// Legal holds (D-2.10: "a legal hold keeps a copy under its own key"). While a hold on a person is in force,
// retention and erasure go on as if there were none; a copy of what this service has of her is kept under a
// key that nothing else uses, in the hold's own partition. The copy is made when the hold is placed and
// brought up to date before anything is removed: before each retention sweep, before a month's key is
// destroyed, before her keys and state go.
//
// What is large and never changes, texts, is copied behind whoever places the hold (ADR 70): a copy may take
// minutes, and who places it follows a log. Whoever is about to remove one copies it first. How far a copy
// has got is what the hold has: each item once, under its name.
//
// Formats (docs/formats.md, "Legal holds"), partition kHold of the hold's id:
//
// Whom it covers: the person it was placed on, and everybody who is one human with her (ADR 41). The service
// that knows who is (consent) copies them all, and writes a leaf HOLD_PLACED about each, when the hold is
// placed and whenever somebody comes in, so that those who follow its log copy the same persons; where
// somebody was taken apart from her since, one more says an end that has passed. In such a service the
// subjects of these leaves are covered.
//
//   "hold"                       SealRandom(hold key, "relais hold v1|" ‖ partition ‖ "|" ‖ key, StoredHold)
//   "s/" ‖ HMAC(hold key, "name/" ‖ subject)  the same of a StoredHoldName: another person who is covered
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

/// Where a hold takes what it is to keep of a subject, one by one: who gives waits, so that no more than a
/// few are in memory.
class HeldSink {
 public:
  virtual ~HeldSink() = default;
  /// Keeps a row as it is now: every content that was seen is kept.
  virtual Task<absl::Status> Keep(audit::v1::HeldState state) = 0;
  /// Keeps what never changes: once under its name, which no row has.
  virtual Task<absl::Status> KeepOnce(audit::v1::HeldState state) = 0;
  /// Whether the latter was done. The content is read: not to be asked of much that is large.
  [[nodiscard]] virtual absl::StatusOr<bool> Has(std::string_view name) const = 0;
};

/// The state that a hold copies: rows of a subject, named and opened, a frozen subject's too.
class HeldStates {
 public:
  virtual ~HeldStates() = default;
  /// Everybody else who is one human with her, also while she is being erased. Nullopt: this service does not
  /// know, and is told by the log it follows (followed_holds.h).
  virtual absl::StatusOr<std::optional<std::vector<Subject>>> NamesOf(const Subject& /*person*/) {
    return std::optional<std::vector<Subject>>();
  }
  /// Other subjects that a hold on this one covers: her sender records.
  virtual absl::StatusOr<std::vector<Subject>> HeldWith(const Subject& person) = 0;
  /// Gives all of it; nothing of a subject of which nothing is left. What does not read keeps none of the
  /// rest from being given, where rows stand for themselves; where it can, an item `unreadable/…` names it.
  /// The sink's errors are given back at once.
  virtual Task<absl::Status> EachState(Subject subject, HeldSink& sink) = 0;
  /// The same of texts: what is large and is kept once (KeepOnce). Of a service that has none: nothing. Gives
  /// back an error where it is to stop before its end; what is left is given by the next call.
  virtual Task<absl::Status> EachText(Subject /*subject*/, HeldSink& /*sink*/) { co_return absl::OkStatus(); }
  /// There may be something for Holds::CopyTexts. On any thread; does not wait.
  virtual void TextsAreDue() {}
};

/// EachState of a service that has little of one subject.
Task<absl::Status> KeepAll(absl::StatusOr<std::vector<audit::v1::HeldState>> states, HeldSink& sink);

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

  /// Durable on OK, and the first copy is made, of everybody who is one human with her too, except of texts,
  /// which are due from then on (CopyTexts). One that is known takes this person in, if it does not cover
  /// her; else nothing is done. Of `event` class, id, subject and payload are filled in; leaves about others
  /// are this service's own. IsErased: she is erased, or about to be. The leaves, hers first; nullopt: it was
  /// known.
  Task<absl::StatusOr<std::optional<storage::LeafRange>>> Place(HoldRequest request, Event event);
  /// The copy cannot be opened any more on OK. NOT_FOUND; FAILED_PRECONDITION: it has ended, and its key is
  /// destroyed.
  Task<absl::StatusOr<storage::LeafRange>> Release(Id128 hold, Event event);
  /// Follows a hold that another service's log ended: as Release, but one that has ended is left, and one
  /// that is not known yet will never be placed here (a follower may read its end first).
  /// ABORTED: try again.
  Task<absl::Status> EndedElsewhere(Id128 hold, Event event);
  /// Follows that she was taken apart from whom the hold is about: what was copied stays, nothing more is.
  /// A hold that has ended or is not known, or does not cover her, is left as it is. Otherwise as Place.
  Task<absl::Status> NoLongerCovers(Id128 hold, Subject person, Event event);

  /// Brings up to date the copies of holds that cover any of these, who are about to lose everything: texts
  /// too. Their ids. What does not open (DATA_LOSS) is passed over: nobody can keep it. One that is placed
  /// meanwhile is among them.
  Task<absl::StatusOr<std::vector<Id128>>> CopyOf(std::vector<Subject> subjects);
  /// The part of EachText that one removal concerns.
  using Texts = std::function<Task<absl::Status>(Subject subject, HeldSink& sink)>;
  /// As CopyOf of who is about to lose no other texts than `texts` gives: only these are copied, and only of
  /// those of `subjects` whom the hold covers. It waits for no copy of others that is under way.
  Task<absl::StatusOr<std::vector<Id128>>> CopyWith(std::vector<Subject> subjects, Texts texts);
  /// All of them, but texts, which are due from then on. The first error, after all were tried.
  Task<absl::Status> CopyAll();
  /// Copies all texts that are due: after Load, and whenever TextsAreDue was called. The first error, after
  /// all were tried; then they stay due. A hold that ends meanwhile ends its part. One call at a time.
  Task<absl::Status> CopyTexts();
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
    // Whom leaves say besides; false: not any more. Of the subject too, in a service that is told.
    std::map<Subject, bool> names;
    std::string order_reference;
    Secret key;
    uint64_t version = 0;  // of row "hold": copies are made only while it stands
  };
  using HoldPtr = std::shared_ptr<const Hold>;
  absl::Status LoadOne(const storage::Partition& partition);
  absl::Status LoadNames(Hold& hold) const;
  [[nodiscard]] absl::StatusOr<HoldPtr> InForce(const Id128& id) const;
  [[nodiscard]] std::vector<HoldPtr> AllInForce() const;
  [[nodiscard]] absl::StatusOr<std::optional<std::vector<Subject>>> KnownNames(const Hold& hold) const;
  // Whom it is about and everybody who is one human with her.
  [[nodiscard]] absl::StatusOr<std::vector<Subject>> PersonsOf(const Hold& hold) const;
  [[nodiscard]] absl::StatusOr<std::vector<Subject>> Covered(const Hold& hold) const;
  [[nodiscard]] static bool IsTold(const Hold& hold, const Subject& person);
  absl::StatusOr<storage::Mutation> NameRow(const Hold& hold, const Subject& person, bool covered) const;
  absl::StatusOr<storage::LeafDraft> PlacedLeaf(const Hold& hold, const Subject& person, absl::Time until,
                                                Event event) const;
  absl::Status AddOtherNames(const Event& event, Hold& hold, storage::CommitRequest& commit) const;
  Task<absl::Status> SetName(HoldPtr hold, Subject person, bool covered, Event event);
  Task<absl::Status> TakeIn(HoldPtr hold, Subject person, Event event);
  void NoteName(const Id128& hold, const Subject& person, bool covered);
  /// Where this service knows who is one human with her: leaves say whom the hold covers now. True: somebody
  /// came in. What fails because the hold ended meanwhile is nothing.
  Task<absl::StatusOr<bool>> Tell(Id128 id);
  Task<absl::Status> TellAll();
  absl::StatusOr<Secret> KeyOf(const Id128& id);
  Task<absl::StatusOr<storage::LeafRange>> End(HoldPtr hold, Event event, bool expired);
  Task<absl::Status> Destroy(Id128 id);
  Task<absl::Status> EndWithoutKey();
  /// False: the hold ended meanwhile. Copy: state and leaves.
  Task<absl::StatusOr<bool>> Copy(HoldPtr hold, std::vector<Subject> subjects);
  Task<absl::StatusOr<bool>> CopyCovered(HoldPtr hold);
  Task<absl::StatusOr<bool>> CopyTextsOf(HoldPtr hold, std::vector<Subject> subjects, Texts texts);
  Task<absl::StatusOr<bool>> CopyTextsCovered(Id128 id);
  /// `texts` of those of `subjects` that it covers; none: all texts of all that it covers. False: it covers
  /// none of them, or ended meanwhile.
  Task<absl::StatusOr<bool>> CopyIfCovers(Id128 id, std::vector<Subject> subjects, Texts texts);
  Task<absl::Status> CopyLeaves(HoldPtr hold, Subject subject);
  Task<absl::Status> CopyState(HoldPtr hold, Subject subject);
  Task<absl::Status> CopyGiven(HoldPtr hold, Subject subject, Texts give);
  static absl::StatusOr<bool> GoesOn(const absl::Status& copied);
  [[nodiscard]] std::optional<Id128> InForceBut(const std::set<Id128>& seen) const;
  void NoteTextsDue();
  absl::StatusOr<bool> Has(const Hold& hold, std::string_view name) const;
  absl::StatusOr<storage::Mutation> ItemRow(const Hold& hold, std::string_view name,
                                            const audit::v1::HeldItem& item) const;
  class StateCopy;
  absl::StatusOr<storage::Mutation> StateItem(const Hold& hold, std::string_view name,
                                              audit::v1::HeldState state) const;
  absl::StatusOr<std::optional<storage::Mutation>> StateRow(const Hold& hold, const Subject& subject,
                                                            audit::v1::HeldState state) const;
  Task<absl::Status> EndExpired();
  Task<absl::Status> FinishEnds();
  void CopyAgain();
  absl::StatusOr<std::optional<storage::Mutation>> LeafRow(const Hold& hold, OpenedLeaf leaf) const;
  absl::Status AddLeaves(const Hold& hold, const Subject& subject, const std::vector<uint64_t>& indices,
                         std::vector<storage::Mutation>& batch) const;
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
  bool texts_due_ = true;        // a crash may have come between a hold and its texts
};

}  // namespace relais::audit
