// Readings that are under way, and how they are stopped at once: from memory, before anything is written
// (ADR 35, "While a stream is open").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/her_no.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// True when what was made at `since`, by this service's clock, was made so long after something was said, by
/// consent's, that consent's answer knew of it: for a log that is followed from its first leaf again. What is
/// nearer than clocks could ever differ is taken for later: the no wins.
[[nodiscard]] inline bool KnewOf(absl::Time since, absl::Time said) { return said + absl::Hours(24) < since; }

/// What a reading stands on.
struct ReadingBasis {
  Id128 person;  // under whose name the paper is
  Id128 document;
  Covered covered;                                   // the share, or the host's authority, in consent's terms
  std::optional<Id128> share;                        // nullopt: she, through her host
  absl::Time since = absl::InfinitePast();           // of the share or of the host's authority
  absl::Time until = absl::InfiniteFuture();         // of the share or of the host's authority
  absl::Time permit_expires = absl::InfinitePast();  // of a shared reading; known once consent was asked
};

/// One reading, from before its permission is judged until its last piece is sent: what ends it meanwhile is
/// not missed. Thread-safe. Its end takes it off the list.
class OpenReading {
 public:
  OpenReading(OpenStreams& streams, ReadingBasis basis);
  ~OpenReading();
  OpenReading(const OpenReading&) = delete;
  OpenReading& operator=(const OpenReading&) = delete;

  /// Consent permits it, as of that size of its log: leaves below are in the answer, later ones are not. Anew
  /// while it runs (ADR 72): what cut it before stays.
  void Permitted(uint64_t decided_at, absl::Time permit_expires);
  /// Consent, asked anew, permits it no more: it is cut.
  void Denied();
  /// A message has gone out: only then is there anything to ask anew for.
  void Went();
  /// Resumes with true when consent is to be asked anew: kAskBefore the permit ends, once a message went out
  /// under it; with false once it was cut or is Over. Of one coroutine, which keeps it.
  Task<bool> PermitEnds();
  /// Nothing more is sent, or the service stops: consent is asked anew no more.
  void Over();
  /// Called once, with what the client is told, when it is cut; from any thread, perhaps within this call.
  void WhenCut(std::function<void(absl::Status)> end);

  /// Why it must stop, in the words of DocumentReadCut.cause; nullopt: it goes on. To be asked before each
  /// piece. Once it was cut it stays so.
  [[nodiscard]] std::optional<std::string> WhyCut();
  [[nodiscard]] const ReadingBasis& basis() const { return basis_; }

 private:
  friend class OpenStreams;
  // Changes what is known and cuts it when it must stop now.
  void Note(const std::function<void(OpenReading&)>& change);
  std::optional<std::string> Judge() const;  // under mu_
  void Look();                               // cuts it when it must stop now, and says when to ask anew

  OpenStreams& streams_;
  const ReadingBasis basis_;
  mutable std::mutex mu_;
  bool judged_ = false;      // consent was asked, or need not be
  uint64_t decided_at_ = 0;  // size of consent's log
  absl::Time permit_expires_;
  absl::Time ask_at_ = absl::InfiniteFuture();
  bool went_ = false;  // a message, since the permit it has
  bool denied_ = false;
  bool over_ = false;
  std::optional<OneShot<bool>> due_;  // PermitEnds waits for it
  std::optional<uint64_t> void_;      // the last leaf of consent's log that voids its permit
  v1::Share::State share_ = v1::Share::STATE_ACTIVE;
  v1::Host::State host_ = v1::Host::STATE_ACTIVE;
  bool document_there_ = true;
  bool asked_again_ = false;  // what was permitted is another now: to be asked for again
  std::optional<std::string> cut_;
  std::function<void(absl::Status)> end_;
};

/// What a client is told of a reading that was cut: PERMISSION_DENIED / NOT_PERMITTED; for SUSPENDED and
/// PERMIT_ENDED UNAVAILABLE / PEER_BEHIND, to be resumed from where it was; for DESTROYED
/// NO_SUCH_OR_NOT_YOURS; for DAMAGED DATA_LOSS / DOCUMENT_DAMAGED.
[[nodiscard]] absl::Status StatusOfCut(std::string_view cause);

/// All of them. Thread-safe. Each of the ends below cuts what it ends before it returns; a reading that waits
/// for its client is ended too. Time and the lease are looked at every `kLook` while anything is open, and
/// before each piece.
class OpenStreams {
 public:
  static constexpr absl::Duration kLook = absl::Milliseconds(10);

  explicit OpenStreams(const Vault& vault) : vault_(vault) {}
  OpenStreams(const OpenStreams&) = delete;
  OpenStreams& operator=(const OpenStreams&) = delete;
  ~OpenStreams() = default;

  /// To be called before the rows are read that let it: what ends them from here on is not missed.
  std::shared_ptr<OpenReading> Open(ReadingBasis basis);

  /// Her no, or an agreement's end, in leaf `leaf_index` of consent's log, said at `said`: shared readings it
  /// covers lose their permit unless that was decided later; hers through a host it covers end, unless the
  /// host was linked long after (KnewOf).
  void Withdraw(const Id128& person, const HerNo& no, uint64_t leaf_index, absl::Time said);
  /// What consent decides about her may be another from that leaf on: permits before it are void.
  void VoidPermits(const Id128& person, uint64_t leaf_index);
  /// One share ended: REVOKED, WITHDRAWN, EXPIRED or DESTROYED.
  void EndShare(const Id128& person, const Id128& share, v1::Share::State how);
  void EndHost(const Id128& person, const std::string& institution, v1::Host::State how);
  /// Destroyed.
  void DocumentGone(const Id128& person, const Id128& document);
  /// Its type changed: shared readings stop, and may be asked for again.
  void Reclassified(const Id128& person, const Id128& document);
  /// She is being erased.
  void PersonGone(const Id128& person);

  /// Starts what asks consent anew for a reading, which nobody else waits for: Stop does.
  void StartAsking(Task<bool> asking);

  /// Readings under way, and such as have ended while consent is asked about them.
  [[nodiscard]] size_t size() const;
  /// Resumes when nothing looks any more, and what asks consent has ended. No reading may begin after.
  Task<bool> Stop();

 private:
  friend class OpenReading;
  using List = std::multimap<Id128, std::weak_ptr<OpenReading>>;
  std::vector<std::shared_ptr<OpenReading>> Of(const Id128& person) const;
  std::vector<std::shared_ptr<OpenReading>> All() const;
  void ForEach(const Id128& person, const std::function<bool(const ReadingBasis&)>& which,
               const std::function<void(OpenReading&)>& change);
  void Forget(const OpenReading& reading);
  Task<void> Watch();

  const Vault& vault_;
  mutable std::mutex mu_;
  List open_;
  bool watching_ = false;
  bool stopping_ = false;
  size_t asking_ = 0;  // StartAsking's, not ended yet
};

}  // namespace relais::vault
