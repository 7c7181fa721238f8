#include "services/vault/domain/journal.h"

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

template <typename Payload>
void Name(const Payload& payload, Entry& entry) {
  entry.set_document_id(payload.document_id());
  entry.set_version(payload.version());
}

void ReadEntry(const v1::DocumentRead& read, Entry& entry) {
  Name(read, entry);
  entry.set_offset(read.offset());
  entry.set_length(read.length());
}

void ShareEntry(const v1::ShareChanged& share, Entry& entry) {
  entry.set_document_id(share.document_id());
  *entry.mutable_recipient() = share.recipient();
}

void RefusedEntry(const v1::VaultRefused& refused, Entry& entry) {
  entry.set_act(refused.act());
  entry.set_allowed(false);
  entry.set_reason(refused.reason());
  entry.set_document_id(refused.document_id());
}

void HostEntry(const v1::HostChanged& host, Entry& entry) {
  entry.mutable_recipient()->set_institution(host.institution());
}

// False: no act in a vault.
bool Fill(audit::v1::EventClass event, const audit::v1::LeafDetails& details, Entry& entry) {
  switch (event) {
    case audit::v1::EVENT_CLASS_UPLOAD_CHANGED: {
      const auto upload = Read<v1::UploadChanged>(details);
      entry.set_act(Entry::ACT_UPLOAD);
      entry.set_reason(upload.reason());
      Name(upload, entry);
      return true;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
      entry.set_act(Entry::ACT_DEPOSITED);
      Name(Read<v1::DocumentDeposited>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_READ:
      entry.set_act(Entry::ACT_READ);
      ReadEntry(Read<v1::DocumentRead>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_READ_CUT: {
      const auto cut = Read<v1::DocumentReadCut>(details);
      entry.set_act(Entry::ACT_READ_CUT);
      entry.set_reason(cut.cause());
      entry.set_length(cut.sent());
      Name(cut, entry);
      return true;
    }
    case audit::v1::EVENT_CLASS_VAULT_REFUSED:
      RefusedEntry(Read<v1::VaultRefused>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_LOOKED:
      entry.set_act(Entry::ACT_LOOKED);
      entry.set_document_id(Read<v1::VaultLooked>(details).document_id());
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED:
      entry.set_act(Entry::ACT_CHANGED);
      entry.set_document_id(Read<v1::DocumentChanged>(details).document_id());
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED:
      entry.set_act(Entry::ACT_VERIFIED);
      entry.set_document_id(Read<v1::DocumentVerified>(details).document_id());
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
      entry.set_act(Entry::ACT_DESTROYED);
      entry.set_document_id(Read<v1::DocumentDestroyed>(details).document_id());
      return true;
    case audit::v1::EVENT_CLASS_SHARE_CHANGED:
      entry.set_act(Entry::ACT_SHARE);
      ShareEntry(Read<v1::ShareChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED:
      entry.set_act(Entry::ACT_REQUEST);
      *entry.mutable_recipient() = Read<v1::DocumentRequestChanged>(details).asker();
      return true;
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      entry.set_act(Entry::ACT_HOST);
      HostEntry(Read<v1::HostChanged>(details), entry);
      return true;
    case audit::v1::EVENT_CLASS_VAULT_EXPORTED:
      entry.set_act(Entry::ACT_EXPORTED);
      return true;
    case audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING:
      entry.set_act(Entry::ACT_REMINDED);
      entry.set_document_id(Read<v1::DocumentExpiring>(details).document_id());
      return true;
    case audit::v1::EVENT_CLASS_PAPER_KEYS_ROTATED:
      entry.set_act(Entry::ACT_MAINTAINED);
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

bool IsAbout(const v1::JournalEntry& entry, std::string_view document_id) {
  return document_id.empty() || entry.document_id() == document_id;
}

}  // namespace relais::vault
