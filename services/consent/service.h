// The consent registry: who may give what about whom to whom. One process; see README.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "common/rpc/audit_handlers.h"
#include "common/rpc/service_context.h"
#include "services/consent/contacts.h"
#include "services/consent/expiries.h"
#include "services/consent/handlers/agreement_handlers.h"
#include "services/consent/handlers/candidate_handlers.h"
#include "services/consent/handlers/check_handlers.h"
#include "services/consent/handlers/consent_handlers.h"
#include "services/consent/handlers/disclosure_handlers.h"
#include "services/consent/handlers/duty_handlers.h"
#include "services/consent/handlers/emergency_handlers.h"
#include "services/consent/handlers/erasure_handlers.h"
#include "services/consent/handlers/erasure_notice_handlers.h"
#include "services/consent/handlers/hold_handlers.h"
#include "services/consent/handlers/identifier_handlers.h"
#include "services/consent/handlers/link_handlers.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/handlers/notice_handlers.h"
#include "services/consent/handlers/objection_handlers.h"
#include "services/consent/handlers/person_handlers.h"
#include "services/consent/handlers/receipt_handlers.h"
#include "services/consent/handlers/record_rights_handlers.h"
#include "services/consent/handlers/rectification_notices.h"
#include "services/consent/handlers/registry.h"
#include "services/consent/handlers/rights_handlers.h"
#include "services/consent/handlers/status_handlers.h"
#include "services/consent/handlers/withdrawal_status.h"
#include "services/consent/handlers/withheld_handlers.h"
#include "services/consent/keeper.h"
#include "services/consent/own_log.h"
#include "services/consent/status_of_names.h"
#include "services/consent/teams.h"

namespace relais::consent {

struct Settings {
  /// Institutions get the answers of Register on whole multiples of this, counted from when the call came
  /// (ADR 43). Zero: at once.
  absl::Duration register_tick = absl::Milliseconds(4);
  /// So long after a registration, and a tick, others are looked for who are alike.
  absl::Duration match_after = absl::Milliseconds(50);
  /// How long a recorded permit may be used.
  absl::Duration permit_life = absl::Seconds(60);
  /// Decoded persons kept in memory, about 1.5 KB each.
  size_t cached_persons = 50000;
  /// Memory for many more of them packed, about 400 bytes each.
  size_t packed_bytes = size_t{64} << 20;
  /// How often agreements whose period ended are looked for.
  absl::Duration expiry_scan = absl::Minutes(1);
  /// Refuse an agreement on a notice whose text is not in the register.
  bool notices_required = false;
  /// Of the lease on routing's log that step 4 of D-2.6 needs, and how often it is renewed.
  absl::Duration lease = absl::Seconds(2);
  absl::Duration probe_interval = absl::Milliseconds(200);
  bool rebuild_routing = false;
  bool rebuild_vault = false;
  /// Whether persons may be found and made to be one human. What is linked stays so, and can be split.
  bool links = true;
  /// Of the keyed hashes that find persons who may be one. Absent: one is derived from the log's own key.
  std::optional<MatchKey> match_key = std::nullopt;
  bool rebuild_own = false;
  RetentionRules retention;
  /// About so much of an export is one answer; where it is longer, there are more.
  size_t export_page_bytes = size_t{900} << 10;
  /// Where the registry stores what it holds, as receipts say it: ISO 3166-1 codes of countries.
  std::vector<std::string> storage_locations = {"FR"};
};

/// Which leaves peer services may read opened on their tails (architecture, "Audit log").
rpc::OpenedTable OpenedToPeers();

/// Owns the handlers; everything but the transport. Thread-safe. What the context refers to outlives it.
/// Life: create → Start → serve → Stop (resumes when nothing is in flight) → destroy. Consent calls nobody:
/// it tails the logs of routing and the vault, where configured, and looks for what ended or is overdue.
/// Maintenance, if the context has one, gets its keeper here, and must be stopped before this ends.
class Service {
 public:
  /// nullptr: configured absent. Without `routing_log` step 4 of D-2.6 is always skipped; without `vault_log`
  /// what is done with her papers is no contact (D-2.10).
  Service(rpc::ServiceContext context, const Settings& settings, calendar::Paris paris,
          std::unique_ptr<audit::TailSource> routing_log = nullptr,
          std::unique_ptr<audit::TailSource> vault_log = nullptr);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  absl::Status Start();
  Task<bool> Stop();

  PersonHandlers& persons() { return persons_; }
  IdentifierHandlers& identifiers() { return identifiers_; }
  StatusHandlers& statuses() { return statuses_; }
  CandidateHandlers& candidates() { return candidates_; }
  LinkHandlers& links() { return links_; }
  /// What follows this registry's own log.
  OwnLeaves& own_leaves() { return own_leaves_; }
  OwnLog& own() { return own_; }
  const audit::Follower& own_follower() const { return *own_follower_; }
  AgreementHandlers& agreements() { return agreements_; }
  ObjectionHandlers& objections() { return objections_; }
  CheckHandlers& checks() { return checks_; }
  EmergencyHandlers& emergencies() { return emergencies_; }
  ConsentHandlers& consents() { return consents_; }
  DutyHandlers& duties() { return duties_; }
  ErasureNoticeHandlers& erasure_notices() { return erasure_notices_; }
  RectificationNoticeHandlers& rectification_notices() { return rectification_notices_; }
  NoticeHandlers& notices() { return notices_; }
  WithdrawalStatusHandlers& withdrawals() { return withdrawals_; }
  /// Null without routing's log.
  const audit::Follower* routing_follower() const { return routing_follower_.get(); }
  /// Null without the vault's log.
  const audit::Follower* vault_follower() const { return vault_follower_.get(); }
  Registry& registry() { return registry_; }
  Expiries& expiries() { return expiries_; }
  ErasureHandlers& erasures() { return erasures_; }
  HoldHandlers& holds() { return holds_; }
  ReceiptHandlers& receipts() { return receipts_; }
  DisclosureHandlers& disclosures() { return disclosures_; }
  WithheldHandlers& withheld() { return withheld_; }
  RightsHandlers& rights() { return rights_; }
  RecordRightsHandlers& record_rights() { return record_rights_; }

 private:
  const rpc::ServiceContext context_;
  Store store_;
  RulesCache rules_;
  Registry registry_;
  PersonHandlers persons_;
  IdentifierHandlers identifiers_;
  StatusHandlers statuses_;
  CandidateHandlers candidates_;
  LinkHandlers links_;
  AgreementHandlers agreements_;
  ObjectionHandlers objections_;
  CheckHandlers checks_;
  EmergencyHandlers emergencies_;
  ConsentHandlers consents_;
  DutyHandlers duties_;
  ErasureNoticeHandlers erasure_notices_;
  RectificationNoticeHandlers rectification_notices_;
  NoticeHandlers notices_;
  WithdrawalStatusHandlers withdrawals_;
  Expiries expiries_;
  ErasureHandlers erasures_;
  HoldHandlers holds_;
  ReceiptHandlers receipts_;
  DisclosureHandlers disclosures_;
  WithheldHandlers withheld_;
  RightsHandlers rights_;
  RecordRightsHandlers record_rights_;
  Keeper keeper_;
  RoutingLeaves routing_leaves_;
  std::unique_ptr<audit::TailSource> routing_log_;
  std::unique_ptr<audit::Follower> routing_follower_;
  VaultLeaves vault_leaves_;
  std::unique_ptr<audit::TailSource> vault_log_;
  std::unique_ptr<audit::Follower> vault_follower_;
  OwnLeaves own_leaves_;
  ErasureNotices notices_to_erase_;
  StatusOfNames status_of_names_;
  OwnLog own_;
  std::unique_ptr<audit::TailSource> own_log_;
  std::unique_ptr<audit::Follower> own_follower_;
};

}  // namespace relais::consent
