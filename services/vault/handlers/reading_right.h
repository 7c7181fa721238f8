// Who may read a paper now: she through her host, or who it is shared with, of whom consent is asked each
// time (ADR 35). The one place that decides it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/vault/domain/consent_answer.h"
#include "services/vault/domain/share_rules.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/open_streams.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Consent's answer to a recorded question, and as of which size of its log: leaves from there on are not in
/// it.
struct Answered {
  ConsentAnswer answer;
  uint64_t decided_at = 0;
};
/// Asks. UNAVAILABLE / PEER_UNAVAILABLE when consent gives no answer, FAILED_PRECONDITION / DIRECTORY_EXPIRED
/// when it may decide nothing. A denial is an answer. `within`: at most settings.peer_timeout.
Task<absl::StatusOr<Answered>> AskConsent(const Vault& vault, consent::v1::CheckRequest request,
                                          absl::Duration within = absl::InfiniteDuration());
/// OK once this service has followed consent's log up to there; else PEER_BEHIND. To be waited for before a
/// row is made on an answer: what is followed later is then later than the answer.
Task<absl::Status> CaughtUp(const Vault& vault, uint64_t decided_at);

/// The question that a reading under a share, or the making of one, rests on: of her agreements that of the
/// share alone is looked at (ADR 71). `type`: of the paper.
[[nodiscard]] consent::v1::CheckRequest CheckOfShare(const Id128& person, const v1::StoredShare& share,
                                                     v1::DocumentType type, std::string_view function);

struct ReadWanted {
  Id128 person;
  Id128 document;
  uint32_t version = 0;        // 0: the current one
  std::optional<Id128> share;  // nullopt: whichever allows it
  bool text = true;            // false: metadata alone, of destroyed papers too
};

/// A paper that may be read, as it was looked at.
struct ReadingRight {
  Id128 person;  // the name of hers under which it is
  Id128 document_id;
  Stored<v1::StoredDocument> document;
  Stored<v1::StoredHost> host;    // hers, when there is no share
  std::optional<Id128> share_id;  // nullopt: she, through her host
  Stored<v1::StoredShare> share;
  std::string permit_id;                               // of a shared reading
  absl::Time permit_expires = absl::InfiniteFuture();  // likewise
  std::shared_ptr<OpenReading> open;                   // what ends it from here on

  [[nodiscard]] bool hers() const { return !share_id.has_value(); }
  [[nodiscard]] std::string_view relation() const { return hers() ? kAsHost : kAsShare; }
  [[nodiscard]] ReadUnder under() const;
  /// Adds to a commit that nothing of what allows it has changed.
  void Guard(const VaultStore& store, std::string_view institution, storage::CommitRequest& commit) const;
};

/// Thread-safe.
class ReadingRights {
 public:
  explicit ReadingRights(const Vault& vault) : vault_(vault) {}

  /// NO_SUCH_OR_NOT_YOURS for whatever is not there, not shared or no longer; PEER_BEHIND when only the lease
  /// on consent's log lacks, or for her host that is suspended and has no share; PEER_UNAVAILABLE when
  /// consent cannot be asked; NOT_PERMITTED when consent does not let it rest on the share's agreement;
  /// VAULT_CLOSED; DIRECTORY_EXPIRED; DOCUMENT_DAMAGED when the paper's record, or what would let the caller
  /// see it, does not open. Nothing is recorded of a refusal: Access::Refused is the caller's to call.
  Task<absl::StatusOr<ReadingRight>> Of(rpc::Call call, ReadWanted wanted) const;

  /// What of hers the caller's institution may look at now by shares, at most `limit` papers in the order of
  /// their ids from `from` on: one recorded question a share and set of categories.
  struct Shared {
    std::vector<ReadingRight> rights;
    std::optional<Id128> next;
    uint32_t unreadable = 0;  // papers before `next` that a share names and whose record does not open
  };
  Task<absl::StatusOr<Shared>> SharedWith(rpc::Call call, Id128 person, std::vector<v1::DocumentType> types,
                                          Id128 from, size_t limit) const;

  /// Asks consent anew about a shared reading under way (ADR 72) and tells it the answer
  /// (OpenReading::Permitted, Denied). An error when there is none: it goes on to its permit's end.
  Task<absl::Status> AskAnew(rpc::Call call, ReadingRight right) const;

  /// The leaf that somebody reads, durable before anything is shown, guarded by what lets her. ABORTED when
  /// that has changed: judge anew.
  Task<absl::Status> Record(rpc::Call call, std::vector<ReadingRight> rights, audit::Event event) const;

 private:
  struct Found {
    Id128 person;
    Stored<v1::StoredDocument> document;
    bool opens = true;  // false: there is a record, or there may be, and it does not open
  };
  absl::StatusOr<Found> Find(const Id128& person, const Id128& document) const;
  absl::StatusOr<std::optional<ReadingRight>> Hers(const rpc::Call& call, const Found& found,
                                                   const ReadWanted& wanted) const;
  absl::Status WhoMayKnow(const rpc::Call& call, const Found& found, const ReadWanted& wanted) const;
  Task<absl::StatusOr<ReadingRight>> Judge(rpc::Call call, ReadWanted wanted) const;
  Task<absl::StatusOr<Shared>> Gather(rpc::Call call, Id128 person, std::vector<v1::DocumentType> types,
                                      Id128 from, size_t limit) const;
  Task<absl::StatusOr<ReadingRight>> ByShare(rpc::Call call, Found found, ReadWanted wanted) const;
  Task<absl::StatusOr<ReadingRight>> Permitted(rpc::Call call, ReadingRight right, Reading reading) const;

  const Vault& vault_;
};

/// True for a version of that number; 0: there is a current one.
[[nodiscard]] const v1::StoredVersion* VersionOf(const v1::StoredDocument& document, uint32_t version);
/// What does not read (DATA_LOSS without a reason), as DOCUMENT_DAMAGED: wherever it lies, to who reads it is
/// damage. All else as it is.
[[nodiscard]] absl::Status AsDamage(const absl::Status& status);
/// All shares of hers that open, ended ones too; they are bounded by what hosts make.
[[nodiscard]] absl::StatusOr<ReadableRows<v1::StoredShare>> AllShares(const VaultStore& store,
                                                                      const Id128& person);

}  // namespace relais::vault
