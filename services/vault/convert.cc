#include "services/vault/convert.h"

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/domain/share_rules.h"

namespace relais::vault {
namespace {

// Ids of stored messages; what is none is left out.
std::string HexOf(std::string_view bytes) {
  const auto id = Id128::FromBytes(bytes);
  return id.ok() ? id->ToHex() : std::string();
}

}  // namespace

std::string EtagOf(uint64_t version) { return version == 0 ? std::string() : absl::StrCat("v", version); }

v1::Document DocumentOf(const Id128& id, const Stored<v1::StoredDocument>& document, bool only_current) {
  const v1::StoredDocument& stored = document.value;
  v1::Document out;
  out.set_document_id(id.ToHex());
  out.set_state(stored.state());
  out.set_type(stored.type());
  out.set_title(stored.title());
  if (stored.has_expires()) {
    *out.mutable_expires() = stored.expires();
  }
  const int first = only_current && stored.versions_size() > 0 ? stored.versions_size() - 1 : 0;
  for (int i = first; i < stored.versions_size(); ++i) {
    *out.add_versions() = stored.versions(i).version();
  }
  *out.mutable_changed() = stored.changed();
  if (!only_current) {
    out.set_etag(EtagOf(document.version));
  }
  return out;
}

v1::Upload UploadOf(const Id128& id, const v1::StoredUpload& upload, const ContentHead* head,
                    const UploadRules& rules) {
  v1::Upload out;
  out.set_upload_id(id.ToHex());
  out.set_document_id(HexOf(upload.document()));
  out.set_version(upload.version());
  out.set_state(v1::Upload::STATE_OPEN);
  out.set_size(upload.size());
  out.set_committed(CommittedOf(head));
  *out.mutable_expires() = ToProto(ExpiryOf(upload, head, rules));
  out.set_sha256(upload.sha256());
  return out;
}

v1::Upload UploadOf(const Id128& id, const v1::StoredUploadEnd& end) {
  v1::Upload out;
  out.set_upload_id(id.ToHex());
  out.set_document_id(HexOf(end.document()));
  out.set_version(end.version());
  out.set_state(end.state());
  out.set_reason(end.reason());
  out.set_size(end.size());
  out.set_committed(end.state() == v1::Upload::STATE_COMPLETED ? end.size() : 0);
  return out;
}

v1::Share ShareOf(const Id128& id, const Stored<v1::StoredShare>& share, const common::v1::PersonRef& ref,
                  absl::Time now, bool lease) {
  const v1::StoredShare& stored = share.value;
  v1::Share out;
  out.set_share_id(id.ToHex());
  *out.mutable_person() = ref;
  if (stored.document().empty()) {
    out.set_type(stored.type());
  } else {
    out.set_document_id(HexOf(stored.document()));
  }
  *out.mutable_recipient() = stored.recipient();
  out.set_purpose(stored.purpose());
  *out.mutable_until() = stored.until();
  out.set_consent_id(HexOf(stored.consent()));
  *out.mutable_shared_by() = stored.shared_by();
  *out.mutable_since() = stored.since();
  out.set_state(StateOf(stored, now, lease));
  out.set_etag(EtagOf(share.version));
  return out;
}

v1::DocumentRequest RequestOf(const Id128& id, const Stored<v1::StoredRequest>& request,
                              const common::v1::PersonRef& ref, absl::Time now, const RequestRules& rules) {
  const v1::StoredRequest& stored = request.value;
  v1::DocumentRequest out;
  out.set_document_request_id(id.ToHex());
  *out.mutable_person() = ref;
  *out.mutable_asker() = stored.asker();
  *out.mutable_types() = stored.types();
  out.set_purpose(stored.purpose());
  out.set_why(stored.why());
  *out.mutable_until() = stored.until();
  *out.mutable_asked() = stored.asked();
  *out.mutable_expires() = ToProto(ExpiryOf(stored, rules));
  out.set_state(StateOf(stored, now, rules));
  for (const std::string& share : stored.shares()) {
    out.add_share_ids(HexOf(share));
  }
  return out;
}

v1::Host HostOf(std::string_view institution, const v1::StoredHost& host, absl::Time now) {
  v1::Host out;
  out.set_institution(std::string(institution));
  out.set_consent_id(HexOf(host.consent()));
  *out.mutable_since() = host.since();
  *out.mutable_until() = host.until();
  out.set_state(StateOf(host, now));
  return out;
}

absl::CivilDay DayOf(const common::v1::Date& date) {
  return absl::CivilDay(date.year(), date.month(), date.day());
}

common::v1::Date DateOf(absl::CivilDay day) {
  common::v1::Date date;
  date.set_year(static_cast<int32_t>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

std::vector<ActiveHost> ActiveHostsOf(const std::vector<VaultStore::HostRow>& rows, absl::Time now) {
  std::vector<ActiveHost> hosts;
  for (const VaultStore::HostRow& row : rows) {
    if (ActsForHer(row.stored.value, now)) {
      hosts.push_back({row.institution, row.stored.value.purpose()});
    }
  }
  return hosts;
}

common::v1::Party PartyOf(const rpc::Actor& actor) {
  common::v1::Party party;
  party.set_institution(actor.institution);
  party.set_function(actor.function);
  return party;
}

}  // namespace relais::vault
