// Reminders of papers in the world of alerting: what the vault's log says, and what became of it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "relais/vault/v1/events.pb.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting::testing {

using Hosts = std::vector<std::string>;

inline constexpr uint64_t kHer = 1;
inline constexpr uint64_t kPaper = 501;

inline std::string DocumentId(uint64_t document) { return audit::testing::Person(document).id.ToHex(); }

template <typename Payload>
void VaultSays(World& world, audit::v1::EventClass event_class, const Payload& payload,
               uint64_t person = kHer) {
  audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(person), event_class);
  event.details.mutable_payload()->PackFrom(payload);
  world.vault_log().Append(event);
}

/// One reminder's leaf. The world's day is 2026-11-22.
inline void Expires(World& world, const Hosts& hosts, absl::CivilDay day = absl::CivilDay(2026, 12, 7),
                    uint32_t days_before = 15,
                    vault::v1::DocumentType type = vault::v1::DOCUMENT_TYPE_RESIDENCE_PERMIT,
                    uint64_t document = kPaper) {
  vault::v1::DocumentExpiring payload;
  payload.set_document_id(DocumentId(document));
  payload.set_type(type);
  *payload.mutable_expires() = ToDate(day);
  payload.set_days_before(days_before);
  for (const std::string& host : hosts) {
    payload.add_hosts(host);
    payload.add_purposes(host == "caf" ? "ENERGY_AID" : "RIGHTS_OPENING");
  }
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING, payload);
}
inline void Destroyed(World& world, uint64_t document = kPaper) {
  vault::v1::DocumentDestroyed payload;
  payload.set_document_id(DocumentId(document));
  payload.set_cause("HERS");
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, payload);
}
inline void Changed(World& world, const std::vector<std::string>& fields) {
  vault::v1::DocumentChanged payload;
  payload.set_document_id(DocumentId(kPaper));
  payload.mutable_fields()->Assign(fields.begin(), fields.end());
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_CHANGED, payload);
}
inline void Deposited(World& world, uint32_t version) {
  vault::v1::DocumentDeposited payload;
  payload.set_document_id(DocumentId(kPaper));
  payload.set_version(version);
  payload.set_state(vault::v1::Document::STATE_ACTIVE);
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, payload);
}
inline void HostBecomes(World& world, const std::string& institution, vault::v1::Host::State state) {
  vault::v1::HostChanged payload;
  payload.set_institution(institution);
  payload.set_state(state);
  VaultSays(world, audit::v1::EVENT_CLASS_HOST_CHANGED, payload);
}

inline void AskErasure(World& world) {
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(audit::testing::Person(1007).id.ToHex());
  payload.set_cause("REQUEST");
  audit::Event event =
      audit::testing::SubjectEvent(audit::testing::Person(kHer), audit::v1::EVENT_CLASS_ERASE_REQUESTED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

inline std::vector<v1::Alert::State> States(World& world) {
  std::vector<v1::Alert::State> states;
  for (const v1::Alert& alert : world.Alerts()) {
    states.push_back(alert.state());
  }
  return states;
}
inline size_t Partitions(World& world, storage::PartitionKind kind) {
  return world.context().store.ListPartitions(kind, Id128(), 1000)->size();
}
inline std::set<std::string> SubmittedAs(World& world) {
  std::set<std::string> ids;
  for (const auto& request : world.peers().submitted) {
    ids.insert(request.request_id());
  }
  return ids;
}
inline std::set<std::string> PulledBack(World& world) {
  std::set<std::string> ids;
  for (const auto& request : world.peers().pulled_back) {
    ids.insert(request.submitted_as());
  }
  return ids;
}

}  // namespace relais::alerting::testing
