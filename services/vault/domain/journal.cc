#include "services/vault/domain/journal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/proto_time.h"
#include "relais/vault/v1/events.pb.h"

namespace relais::vault {
namespace {

using Entry = v1::JournalEntry;

template <typename Payload>
Payload Read(const audit::v1::LeafDetails& details) {
  Payload payload;
  details.payload().UnpackTo(&payload);
  return payload;
}

// A value by its name, without what the names of its enum begin with; empty for one that is not said.
std::string Bare(const std::string& name, std::string_view prefix) {
  const std::string bare = name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : name;
  return bare == "UNSPECIFIED" ? std::string() : bare;
}
constexpr std::string_view kState = "STATE_";  // of states' enums, all of them

template <typename Payload>
void Name(const Payload& payload, Entry& entry) {
  entry.set_document_id(payload.document_id());
  entry.set_version(payload.version());
}

// What a paper is.
template <typename Payload>
void Describe(const Payload& payload, Entry& entry) {
  entry.set_document_id(payload.document_id());
  if (payload.type() != v1::DOCUMENT_TYPE_UNSPECIFIED) {
    entry.add_types(payload.type());
  }
}

void UploadEntry(const v1::UploadChanged& upload, Entry& entry) {
  entry.set_act(Entry::ACT_UPLOAD);
  Name(upload, entry);
  entry.set_outcome(Bare(v1::Upload::State_Name(upload.state()), kState));
  entry.set_reason(upload.reason());
}

void DepositedEntry(const v1::DocumentDeposited& deposited, Entry& entry) {
  entry.set_act(Entry::ACT_DEPOSITED);
  Describe(deposited, entry);
  entry.set_version(deposited.version());
  entry.set_outcome(Bare(v1::Document::State_Name(deposited.state()), kState));
}

void ReadEntry(const v1::DocumentRead& read, Entry& entry) {
  entry.set_act(Entry::ACT_READ);
  Name(read, entry);
  entry.set_offset(read.offset());
  entry.set_length(read.length());
  entry.set_share_id(read.share_id());
}

void ReadCutEntry(const v1::DocumentReadCut& cut, Entry& entry) {
  entry.set_act(Entry::ACT_READ_CUT);
  Name(cut, entry);
  entry.set_reason(cut.cause());
  entry.set_length(cut.sent());
  entry.set_share_id(cut.share_id());
}

void LookedEntry(const v1::VaultLooked& looked, Entry& entry) {
  entry.set_act(Entry::ACT_LOOKED);
  entry.set_document_id(looked.document_id());
  entry.set_what(looked.what());
}

void ChangedEntry(const v1::DocumentChanged& changed, Entry& entry) {
  entry.set_act(Entry::ACT_CHANGED);
  Describe(changed, entry);
  *entry.mutable_fields() = changed.fields();
  entry.set_outcome(Bare(v1::Document::State_Name(changed.state()), kState));
}

void VerifiedEntry(const v1::DocumentVerified& verified, Entry& entry) {
  entry.set_act(Entry::ACT_VERIFIED);
  entry.set_document_id(verified.document_id());
  *entry.mutable_findings() = verified.versions();
  const auto& found = verified.versions();
  const auto bad = std::find_if(found.begin(), found.end(), [](const v1::VersionCheck& check) {
    return check.finding() != v1::VersionCheck::FINDING_INTACT;
  });
  if (!found.empty()) {
    const v1::VersionCheck& worst = bad == found.end() ? found.Get(0) : *bad;
    entry.set_outcome(Bare(v1::VersionCheck::Finding_Name(worst.finding()), "FINDING_"));
  }
}

void DestroyedEntry(const v1::DocumentDestroyed& destroyed, Entry& entry) {
  entry.set_act(Entry::ACT_DESTROYED);
  Describe(destroyed, entry);
  entry.set_reason(destroyed.cause());
}

void ShareEntry(const v1::ShareChanged& share, Entry& entry) {
  entry.set_act(Entry::ACT_SHARE);
  Describe(share, entry);
  entry.set_share_id(share.share_id());
  *entry.mutable_recipient() = share.recipient();
  entry.set_consent_id(share.consent_id());
  if (share.has_until()) {
    *entry.mutable_until() = share.until();
  }
  entry.set_outcome(Bare(v1::Share::State_Name(share.state()), kState));
}

void RequestEntry(const v1::DocumentRequestChanged& request, Entry& entry) {
  entry.set_act(Entry::ACT_REQUEST);
  entry.set_document_request_id(request.document_request_id());
  *entry.mutable_types() = request.types();
  *entry.mutable_recipient() = request.asker();
  entry.set_outcome(Bare(v1::DocumentRequest::State_Name(request.state()), kState));
}

void HostEntry(const v1::HostChanged& host, Entry& entry) {
  entry.set_act(Entry::ACT_HOST);
  entry.mutable_recipient()->set_institution(host.institution());
  entry.set_consent_id(host.consent_id());
  if (host.has_until()) {
    *entry.mutable_until() = host.until();
  }
  entry.set_outcome(Bare(v1::Host::State_Name(host.state()), kState));
}

void RefusedEntry(const v1::VaultRefused& refused, Entry& entry) {
  entry.set_act(refused.act());
  entry.set_allowed(false);
  entry.set_reason(refused.reason());
  entry.set_document_id(refused.document_id());
  entry.set_count(std::max<uint64_t>(refused.count(), 1));
}

void ExportedEntry(const v1::VaultExported& exported, Entry& entry) {
  entry.set_act(Entry::ACT_EXPORTED);
  entry.set_outcome(exported.sha256().empty() ? "BEGUN" : "ENDED");
  entry.set_length(exported.bytes());
}

void CutEntry(const v1::VaultExportCut& cut, Entry& entry) {
  entry.set_act(Entry::ACT_EXPORT_CUT);
  entry.set_reason(cut.cause());
  entry.set_length(cut.sent());
}

void RemindedEntry(const v1::DocumentExpiring& expiring, Entry& entry) {
  entry.set_act(Entry::ACT_REMINDED);
  Describe(expiring, entry);
}

void MaintainedEntry(std::string what, std::string outcome, Entry& entry) {
  entry.set_act(Entry::ACT_MAINTAINED);
  entry.set_what(std::move(what));
  entry.set_outcome(std::move(outcome));
}

void RotatedEntry(const v1::PaperKeysRotated& rotated, Entry& entry) {
  MaintainedEntry("KEYS_" + Bare(v1::KeyLevel_Name(rotated.level()), "KEY_LEVEL_"),
                  rotated.ended() || rotated.destroyed() != 0 ? "ENDED" : "BEGUN", entry);
}

void ScrubbedEntry(const v1::VaultScrubbed& scrubbed, Entry& entry) {
  MaintainedEntry("SCRUB", scrubbed.scrub().has_ended() ? "ENDED" : "BEGUN", entry);
}

void ClosureEntry(const v1::ClosureAnnounced& announced, Entry& entry) {
  MaintainedEntry("CLOSURE", "ANNOUNCED", entry);
  *entry.mutable_closure() = announced.closure();
}

// False: no act in a vault.
bool Fill(audit::v1::EventClass event, const audit::v1::LeafDetails& details, Entry& entry) {
  switch (event) {
    case audit::v1::EVENT_CLASS_UPLOAD_CHANGED:
      UploadEntry(Read<v1::UploadChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
      DepositedEntry(Read<v1::DocumentDeposited>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_READ:
      ReadEntry(Read<v1::DocumentRead>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT:
      ReadCutEntry(Read<v1::DocumentReadCut>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_REFUSED:
      RefusedEntry(Read<v1::VaultRefused>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_LOOKED:
      LookedEntry(Read<v1::VaultLooked>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED:
      ChangedEntry(Read<v1::DocumentChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED:
      VerifiedEntry(Read<v1::DocumentVerified>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
      DestroyedEntry(Read<v1::DocumentDestroyed>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_SHARE_CHANGED:
      ShareEntry(Read<v1::ShareChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED:
      RequestEntry(Read<v1::DocumentRequestChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      HostEntry(Read<v1::HostChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_EXPORTED:
      ExportedEntry(Read<v1::VaultExported>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_EXPORT_CUT:
      CutEntry(Read<v1::VaultExportCut>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING:
      RemindedEntry(Read<v1::DocumentExpiring>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED:
      RotatedEntry(Read<v1::PaperKeysRotated>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_SCRUBBED:
      ScrubbedEntry(Read<v1::VaultScrubbed>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED:
      ClosureEntry(Read<v1::ClosureAnnounced>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_LOG_CONTINUED:
      MaintainedEntry("RESTORED", "ENDED", entry);
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<v1::JournalEntry> EntryOf(const audit::v1::LeafHeader& header,
                                        const audit::v1::LeafDetails& details, uint64_t index,
                                        absl::Time time) {
  Entry entry;
  entry.set_allowed(true);
  *entry.mutable_recipient() = details.recipient();
  if (!Fill(header.event_class(), details, entry)) {
    return std::nullopt;
  }
  *entry.mutable_time() = ToProto(time);
  entry.mutable_who()->set_institution(header.institution());
  entry.mutable_who()->set_function(details.acting_function());
  entry.set_purpose(header.purpose());
  entry.set_relation(details.relation());
  entry.set_leaf_index(index);
  return entry;
}

bool IsOfNobody(audit::v1::EventClass event) {
  switch (event) {
    case audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED:
    case audit::v1::EVENT_CLASS_VAULT_SCRUBBED:
    case audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED:
    case audit::v1::EVENT_CLASS_LOG_CONTINUED:
      return true;
    default:
      return false;
  }
}

bool IsAbout(const v1::JournalEntry& entry, std::string_view document_id) {
  return document_id.empty() || entry.document_id() == document_id;
}

}  // namespace relais::vault
