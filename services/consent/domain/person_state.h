// Everything that decides about one person: the history of her acts, in the order in which they were
// recorded.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/consent/domain/acts.h"

namespace relais::consent {

/// A value; guarded in the store by the version of the one key that holds it. Acts are added, never changed
/// or taken away, but for what happens to them later: an objection's lifting, an agreement's renewals and
/// end, an emergency's review.
class PersonState {
 public:
  [[nodiscard]] const std::vector<Agreement>& agreements() const { return agreements_; }
  [[nodiscard]] const std::vector<Denial>& denials() const { return denials_; }
  [[nodiscard]] const std::vector<Objection>& objections() const { return objections_; }
  [[nodiscard]] const std::vector<Emergency>& emergencies() const { return emergencies_; }
  [[nodiscard]] const std::vector<Information>& information() const { return information_; }
  [[nodiscard]] const std::vector<Restriction>& restrictions() const { return restrictions_; }
  /// Set: this history is frozen (links.h).
  [[nodiscard]] const std::optional<LinkedTo>& linked_to() const { return linked_to_; }
  /// Who is linked to her, or was.
  [[nodiscard]] const std::vector<Link>& links() const { return links_; }
  /// The instant of the last act.
  [[nodiscard]] absl::Time latest() const { return latest_; }

  /// The instant of an act that is recorded at `now`: later than every act before it, whatever the clock did,
  /// so that two acts never tie by accident.
  [[nodiscard]] absl::Time InstantOfNext(absl::Time now) const;

  // Applying acts. Each moves `latest`.
  void Add(Agreement agreement);
  /// One of an agreement that is there keeps what it takes back.
  void Add(Denial denial);
  void Add(Emergency emergency);
  void Add(Information information);
  // Of an act that is there; false: it is not, or it was done before.
  bool Renew(const Id128& agreement, Renewal renewal);
  bool End(const Id128& agreement, Agreement::Ended ended);
  /// Forgets the declarer's agent, which nothing needs any more.
  bool Review(const Id128& emergency, absl::Time at, v1::ReviewOutcome outcome);
  bool Inform(const Id128& emergency, absl::Time at);
  void Add(Restriction restriction);
  /// Ends that institution's restriction under the name that is spoken under; nullopt when none stands. Else
  /// its id.
  std::optional<Id128> EndRestriction(std::string_view institution, absl::Time at);
  /// Records or renews the objection of the name that is spoken under: each name has its own. One that is
  /// already applied (same record, generation not newer) changes nothing: false.
  bool Record(Objection objection);
  /// Lifts the objection of the name that is spoken under to this supplier about that record, if the lifting
  /// is newer than what is applied; one that comes before the objection it lifts is remembered.
  bool LiftRecord(std::string_view supplier, uint32_t key_version, std::string_view digest,
                  uint64_t generation, absl::Time at);
  /// Lifts the own objections, those without a record, of the name that is spoken under to this supplier.
  bool LiftOwn(std::string_view supplier, absl::Time at);

  // Linking (links.h).
  void LinkTo(LinkedTo to);
  void Unlink() { linked_to_.reset(); }
  /// Points to somebody else by the same link.
  void PointTo(const Id128& canonical) { linked_to_->canonical = canonical; }
  /// How often it changed who is one human with her: a link to her that she does not list is void once this
  /// has grown, so that what was judged of her group when it was made still holds when she lists it.
  [[nodiscard]] uint64_t turns() const { return turns_; }
  /// Voids every link to her that she does not list.
  void Turn() { ++turns_; }
  /// True: others are linked to her, so that she is not frozen herself.
  [[nodiscard]] bool HasLinked() const;
  void Add(Link link);
  [[nodiscard]] const Link* FindLink(const Id128& link) const;
  /// Since when two names, as `Origin` has them, are one human: when the later of their links was complete.
  /// InfinitePast of one name, InfiniteFuture where one of them is not linked.
  [[nodiscard]] absl::Time OneSince(const Id128& name, const Id128& other) const;
  /// Acts added from here on are recorded under this name; zero: the history's own.
  void SpeakAs(const Id128& name) { speaking_ = name; }
  /// Takes these agreements out of the history.
  void Forget(const std::vector<Id128>& agreements);

  [[nodiscard]] const Agreement* FindAgreement(const Id128& id) const;
  [[nodiscard]] const Emergency* FindEmergency(const Id128& id) const;
  /// The one that stands under the name that is spoken under, or null.
  [[nodiscard]] const Restriction* FindRestriction(std::string_view institution) const;
  /// The same history without these agreements and without restrictions: what they leave of it
  /// (restriction.h). Not for storing.
  [[nodiscard]] PersonState Without(const std::function<bool(const Agreement&)>& agreements) const;

 private:
  friend class PersonStateBuilder;

  void Moved(absl::Time at) { latest_ = at > latest_ ? at : latest_; }
  // Of the name that is spoken under.
  Objection* FindObjection(std::string_view supplier, uint32_t key_version, std::string_view digest);

  std::vector<Agreement> agreements_;
  std::vector<Denial> denials_;
  std::vector<Objection> objections_;
  std::vector<Emergency> emergencies_;
  std::vector<Information> information_;
  std::vector<Restriction> restrictions_;
  std::optional<LinkedTo> linked_to_;
  std::vector<Link> links_;
  uint64_t turns_ = 0;
  absl::Time latest_ = absl::InfinitePast();
  Id128 speaking_;
};

/// How a stored history becomes a state again: acts as they are, unchanged.
class PersonStateBuilder {
 public:
  void Put(Agreement agreement) { state_.agreements_.push_back(std::move(agreement)); }
  void Put(Denial denial) { state_.denials_.push_back(std::move(denial)); }
  void Put(Objection objection) { state_.objections_.push_back(std::move(objection)); }
  void Put(Emergency emergency) { state_.emergencies_.push_back(std::move(emergency)); }
  void Put(Information information) { state_.information_.push_back(std::move(information)); }
  void Put(Restriction restriction) { state_.restrictions_.push_back(std::move(restriction)); }
  void Put(LinkedTo to) { state_.linked_to_ = to; }
  void Put(Link link) { state_.links_.push_back(link); }
  void PutTurns(uint64_t turns) { state_.turns_ = turns; }
  [[nodiscard]] PersonState Build(absl::Time latest) && {
    state_.latest_ = latest;
    return std::move(state_);
  }

 private:
  PersonState state_;
};

}  // namespace relais::consent
