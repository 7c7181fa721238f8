// What the intake knows of a row before it judges it: form, record, reference, and what is on file.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/feeds/canonical.h"
#include "common/identity/request_key.h"
#include "services/alerting/batch.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr size_t kDigestSize = 32;

identity::RecordParts PartsOf(const feeds::RecordKeyParts& parts) {
  return {parts.nom, parts.prenoms, parts.adresse, parts.code_postal};
}

// What is kept of a good row is short, whatever the padding it came with.
void KeepAsJudged(feeds::RawRow& raw, v1::FeedRow& wire) {
  feeds::Normalise(raw);
  for (size_t i = 0; i < raw.fields.size(); ++i) {
    *wire.mutable_cells()->mutable_cells(static_cast<int>(i)) = std::move(raw.fields[i]);
  }
}

}  // namespace

// A notice under a key that nobody has would bind a record that no row will ever find.
absl::Status Intake::CheckNotice(const Terms& terms, const v1::FeedRow& row, size_t number) const {
  if (!row.has_gated() && !row.has_objection()) {
    return absl::OkStatus();
  }
  const bool gated = row.has_gated();
  const std::string& digest = gated ? row.gated().record_digest() : row.objection().record_digest();
  const uint32_t version = gated ? row.gated().key_version() : row.objection().key_version();
  const std::string path = absl::StrCat("rows[", number, "].", gated ? "gated" : "objection");
  if (!digest.empty() && digest.size() != kDigestSize) {
    return rpc::InvalidField(path + ".record_digest", "must have 32 bytes");
  }
  if (version != terms.key.version && !context_.suppression.Get(terms.institution, version).ok()) {
    return rpc::InvalidField(path + ".key_version", "is no version of the sender's suppression key");
  }
  return absl::OkStatus();
}

Id128 Intake::RecordId(const Terms& terms, const std::string& digest) const {
  return context_.idempotency.Bucket("record", terms.institution, digest).id;
}

// The record under any version of the key that is left, newest first; a new one is made under the newest. An
// objection under any of them binds.
void Intake::FindRecord(const Terms& terms, const std::string& reference, const feeds::RecordKeyParts& parts,
                        Item& item) const {
  if (!feeds::SharesRecord(TypeOf(terms.type), parts)) {
    item.record = context_.idempotency.Bucket("record-of-reference", terms.institution, reference).id;
    return;
  }
  item.digest = identity::RecordDigest(terms.key.key, terms.institution, PartsOf(parts));
  item.digest_version = terms.key.version;
  item.record = RecordId(terms, item.digest);
  const auto keys =
      terms.key.version > 1
          ? context_.suppression.All(terms.institution)
          : absl::StatusOr<std::vector<identity::SuppressionKey>>(std::vector<identity::SuppressionKey>());
  bool found = false;
  for (const identity::SuppressionKey& key : keys.ok() ? *keys : std::vector<identity::SuppressionKey>()) {
    const Id128 id = RecordId(terms, identity::RecordDigest(key.key, terms.institution, PartsOf(parts)));
    const auto record = store_.Record(id);
    if (!record.ok() || record->version == 0) {
      continue;
    }
    const auto current = store_.Current(id);
    item.objection_found = item.objection_found || (current.ok() && current->stored.value.objection());
    if (!std::exchange(found, true)) {
      item.record = id;
    }
  }
}

void Intake::PrepareNotice(const Terms& terms, Item& item) const {
  const bool gated = item.wire.has_gated();
  item.digest = gated ? item.wire.gated().record_digest() : item.wire.objection().record_digest();
  item.digest_version = gated ? item.wire.gated().key_version() : item.wire.objection().key_version();
  item.objects = gated ? item.wire.gated().objection() : true;
  if (!item.digest.empty()) {
    item.record = RecordId(terms, item.digest);
  }
  if (!gated) {
    return;
  }
  // Whatever the sender's machine was made to say: no NIR is written.
  item.reference = std::string(feeds::ShowableReference(item.wire.gated().reference()));
  if (!item.reference.empty()) {
    item.row_id = store_.ClaimPartition(terms.institution, item.reference).id;
    item.content = item.wire.gated().content_digest();
  }
}

void Intake::PrepareRow(const Terms& terms, v1::FeedRow row, Item& item) const {
  item.wire = std::move(row);
  item.result.set_line(item.wire.line());
  if (item.is_notice()) {
    PrepareNotice(terms, item);
    return;
  }
  const feeds::FormContext form{.signs = &terms.signs};
  feeds::RawRow raw = RawOf(terms.type, item.wire);
  item.form = feeds::JudgeForm(TypeOf(terms.type), raw, form);
  item.reference = item.form.reference;
  item.objects = item.form.carries_objection;
  if (item.form.row.has_value()) {
    KeepAsJudged(raw, item.wire);
    const feeds::Row& parsed = *item.form.row;
    item.row_id = store_.ClaimPartition(terms.institution, ReferenceOf(parsed)).id;
    item.content = identity::ContentDigest(terms.key.key, kContentKind, feeds::CanonicalContent(parsed));
  }
  if (item.form.row.has_value() || (item.objects && item.form.record.has_value())) {
    FindRecord(terms, item.reference, item.form.record.value_or(feeds::RecordKeyParts()), item);
  }
}

absl::Status Intake::Load(Batch& batch, Ledger& ledger) const {
  std::vector<Id128> rows;
  for (Item& item : batch.items) {
    if (item.decided) {
      continue;
    }
    if (!item.row_id.IsZero() && ledger.claims.try_emplace(item.row_id).second) {
      rows.push_back(item.row_id);
    }
    if (!item.record.IsZero() && !ledger.records.contains(item.record)) {
      ASSIGN_OR_RETURN(auto current, store_.Current(item.record));
      item.record = current.id;  // another one once this was erased
      if (!ledger.records.contains(item.record)) {
        ledger.records[item.record].stored = std::move(current.stored);
      }
    }
  }
  return LoadClaims(rows, ledger);
}

absl::Status Intake::LoadClaims(const std::vector<Id128>& rows, Ledger& ledger) const {
  std::vector<storage::Partition> partitions;
  partitions.reserve(rows.size());
  for (const Id128& row : rows) {
    partitions.push_back({storage::PartitionKind::kIndexBucket, row});
  }
  ASSIGN_OR_RETURN(auto claims, store_.Claims(partitions));
  for (size_t i = 0; i < claims.size(); ++i) {
    Ledger::Claim& claim = ledger.claims[rows[i]];
    claim.stored = std::move(claims[i]);
    if (claim.stored.version == 0) {
      continue;
    }
    if (claim.stored.value.erased()) {
      claim.complete = true;  // it was accepted, and still counts as such (D-2.10)
      continue;
    }
    ASSIGN_OR_RETURN(claim.given_up, Id128::FromBytes(claim.stored.value.record()));
    ASSIGN_OR_RETURN(const auto place, store_.PlaceOf(claim.given_up, rows[i]));
    claim.complete = place.accepted;
    claim.given_up_version = place.version;
  }
  return absl::OkStatus();
}

}  // namespace relais::alerting
