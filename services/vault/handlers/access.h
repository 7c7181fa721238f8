// Who acts for her in her vault, and what is left of attempts of others: the one place that says no.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/followed_links.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "common/rpc/refused_calls.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/store.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// What is tried: for the leaf of a refusal.
struct Attempt {
  v1::JournalEntry::Act act = v1::JournalEntry::ACT_UNSPECIFIED;
  std::string document_id = {};  // 32 hexadecimal digits; empty: none in particular
};

/// A name of hers under which an institution acts for her.
struct HostedName {
  Id128 person;
  Stored<v1::StoredHost> host;
};

/// OK when it acts for her at that instant (D-3.1); UNAVAILABLE / PEER_BEHIND while it is suspended (ADR 51):
/// to be asked again; NO_SUCH_OR_NOT_YOURS else, also where there is none.
[[nodiscard]] absl::Status ActsNow(const std::optional<Stored<v1::StoredHost>>& host, absl::Time now);

/// Thread-safe. "Unknown", "erased", "another's" and "no longer" are one answer, NO_SUCH_OR_NOT_YOURS, after
/// the same work; each attempt on a person who was named leaves VAULT_REFUSED about her (D-3.2), the first
/// five of an institution on her in a minute one each, the others one together. An institution that is
/// refused about more than a thousand persons in a minute leaves one about each of those beyond when the
/// minute is over, with how often and not what; far beyond, one about nobody that names it (RefusedCalls).
/// What others try stays in the journals of whom they try it on.
class Access {
 public:
  explicit Access(const Vault& vault);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access() = default;

  void Start() {}
  /// Writes what was counted; resumes when nothing is in flight.
  Task<bool> Stop();

  /// Her host row, under which the caller's institution acts for her now. As ActsNow else; DOCUMENT_DAMAGED
  /// when the row does not open.
  [[nodiscard]] absl::StatusOr<Stored<v1::StoredHost>> Host(const rpc::Call& call, const Id128& person) const;

  /// By which names she is known, the given one first. A link opens nothing by itself: it says where to look.
  [[nodiscard]] absl::StatusOr<std::vector<Id128>> NamesOf(const Id128& person) const;
  /// The same for what forbids: whether that is all of them is said, for fewer names are fewer noes of hers.
  [[nodiscard]] absl::StatusOr<audit::FollowedLinks::ReadableNames> ReadableNamesOf(
      const Id128& person) const;
  /// What is answered where a row of hers under that name gives `why`. Damage is told to who acts for her
  /// there; to anybody else there is no such row, as if there were none.
  [[nodiscard]] absl::Status WhyUnreadable(const rpc::Call& call, const Id128& name,
                                           const absl::Status& why) const;
  /// Those of them under which the caller's institution is her host now (ADR 34, "Two names, two vaults");
  /// none when it is nobody's. As ActsNow when it is suspended under one of them: all of hers, or none.
  [[nodiscard]] absl::StatusOr<std::vector<HostedName>> HostedNames(const rpc::Call& call,
                                                                    const Id128& person) const;
  /// The same; refused, with its leaf, when there is none.
  Task<absl::StatusOr<std::vector<HostedName>>> RequireHostedNames(rpc::Call call, Id128 person,
                                                                   Attempt attempt);

  /// Hosts that are being linked, shares that are made, and drops that are made visible: a ticket is held
  /// from the last look at what ends it until its row is there. Who follows a no of hers, or what else voids
  /// permits, waits for those that were given out before, and then ends the hosts and shares they made: so
  /// the no is followed before its leaf counts as applied, whenever this process dies.
  [[nodiscard]] KeyCommits& linking() { return linking_; }
  /// Resumes once those that were given out before it was called have their row, or none: for who ends hosts
  /// and shares, once what ends them can be seen. A commit ends by itself, also when the store has failed.
  Task<bool> LinksAreThere() const;

  /// Leaves VAULT_REFUSED, alone or counted, and gives `why` back, to be answered. An error of the store
  /// instead when the leaf could not be written: no attempt goes unseen. Only answers are attempts that were
  /// refused: a failure of the machine (no reason of its own) passes without, but for what does not read,
  /// which is answered as damage (AsDamage).
  Task<absl::Status> Refused(rpc::Call call, rpc::Actor actor, Id128 person, v1::JournalEntry::Act act,
                             std::string document_id, absl::Status why);
  Task<absl::Status> Refused(rpc::Call call, Id128 person, Attempt attempt, absl::Status why);
  /// The same of what was answered already; Stop waits for it. A leaf that could not be written is said in
  /// the operators' log.
  void RefusedBehind(rpc::Call call, Id128 person, Attempt attempt, absl::Status why);

 private:
  Task<absl::Status> Write(std::vector<rpc::RefusedCalls::Leaf> leaves, rpc::Call call, rpc::Actor actor);
  Task<void> WriteCounted();
  void NotedNow();

  const Vault& vault_;
  KeyCommits linking_;
  rpc::RefusedCalls refused_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> behind_ = 0;  // RefusedBehind's, under way
  std::mutex mu_;
  bool waiting_ = false;                              // WriteCounted is under way
  absl::Duration last_noted_ = absl::ZeroDuration();  // monotonic
};

}  // namespace relais::vault
