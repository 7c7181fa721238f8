#include "services/alerting/intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/feeds/canonical.h"
#include "common/identity/request_key.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/events.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 8;
constexpr std::string_view kContentKind = "row";

feeds::Outcome Refused(feeds::Reason reason) {
  feeds::Outcome outcome;
  outcome.kind = feeds::OutcomeKind::kRefused;
  outcome.reason = reason;
  return outcome;
}

identity::RecordParts PartsOf(const feeds::RecordKeyParts& parts) {
  return {parts.nom, parts.prenoms, parts.adresse, parts.code_postal};
}

}  // namespace

struct Intake::Item {
  v1::FeedRow wire;
  feeds::FormResult form;
  std::string reference;
  Id128 row_id;        // zero: the row can claim nothing
  Id128 record;        // zero: the row belongs to no record
  std::string digest;  // of the record key; empty: none
  uint32_t digest_version = 0;
  std::string content;   // keyed digest
  bool objects = false;  // the row itself says an objection
  bool durable = false;  // accepted by an earlier try of this very batch
  bool accepted = false;
  v1::RowState state;
  v1::RowResult result;
};

struct Intake::Ledger {
  struct Record {
    Stored<v1::RecordState> stored;
    bool changed = false;
    bool objection_noted = false;
  };
  std::map<Id128, Record> records;
  std::map<Id128, Stored<v1::ReferenceClaim>> claims;  // by row id
  std::set<Id128> new_claims;
  std::set<Id128> complete;  // row ids whose row is there
};

absl::StatusOr<Terms> Intake::Open(const rpc::Call& call, v1::FeedType type) const {
  Terms terms{.institution = call.caller.institution,
              .type = type,
              .judge = {.paris = paris_, .today = {}, .now = {}, .has_convention = std::nullopt},
              .signs = {},
              .key = {},
              .directory_version = call.directory->version()};
  auto key = context_.suppression.Current(terms.institution);
  if (!key.ok()) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this institution has no suppression key");
  }
  terms.key = std::move(*key);
  terms.judge.now = context_.clock.Now();
  terms.judge.today = paris_.DayOf(terms.judge.now);
  terms.judge.has_convention = call.directory->HasConvention(terms.institution);
  for (const directory::CodeEntry& sign : call.directory->content().signs) {
    terms.signs.insert(sign.code);
  }
  return terms;
}

v1::StreamOpened Intake::Show(const Terms& terms) {
  v1::StreamOpened opened;
  *opened.mutable_today() = ToDate(terms.judge.today);
  *opened.mutable_now() = ToProto(terms.judge.now);
  opened.set_directory_version(terms.directory_version);
  opened.set_suppression_key_version(terms.key.version);
  opened.set_has_convention(terms.judge.has_convention.value_or(false));
  for (const std::string& sign : terms.signs) {
    opened.add_signs(sign);
  }
  return opened;
}

Id128 Intake::RecordId(const Terms& terms, const std::string& digest) const {
  return context_.idempotency.Bucket("record", terms.institution, digest).id;
}

// The record under any version of the key that is left, newest first; a new one is made under the newest.
Id128 Intake::FindRecord(const Terms& terms, const feeds::Row& row, const feeds::RecordKeyParts& parts,
                         Item& item) const {
  if (parts.nom.empty() && parts.prenoms.empty()) {
    // A report that names nobody is a record of its own (feeds: an address alone joins no one, D-5.6).
    return context_.idempotency.Bucket("record-of-reference", terms.institution, ReferenceOf(row)).id;
  }
  item.digest = identity::RecordDigest(terms.key.key, terms.institution, PartsOf(parts));
  item.digest_version = terms.key.version;
  const Id128 newest = RecordId(terms, item.digest);
  if (terms.key.version <= 1) {
    return newest;
  }
  const auto keys = context_.suppression.All(terms.institution);
  if (!keys.ok()) {
    return newest;
  }
  for (const identity::SuppressionKey& key : *keys) {
    const std::string digest = identity::RecordDigest(key.key, terms.institution, PartsOf(parts));
    const Id128 id = RecordId(terms, digest);
    const auto found = store_.Record(id);
    if (found.ok() && found->version != 0) {
      return id;
    }
  }
  return newest;
}

void Intake::Prepare(const Terms& terms, v1::FeedRow row, Item& item) const {
  item.wire = std::move(row);
  item.result.set_line(item.wire.line());
  if (item.wire.has_gated() || item.wire.has_objection()) {
    const bool gated = item.wire.has_gated();
    item.digest = gated ? item.wire.gated().record_digest() : item.wire.objection().record_digest();
    item.digest_version = gated ? item.wire.gated().key_version() : item.wire.objection().key_version();
    item.objects = gated ? item.wire.gated().objection() : true;
    if (!item.digest.empty()) {
      item.record = RecordId(terms, item.digest);
    }
    if (gated && !item.wire.gated().reference().empty()) {
      item.reference = item.wire.gated().reference();
      item.row_id = store_.ClaimPartition(terms.institution, item.reference).id;
      item.content = item.wire.gated().content_digest();
    }
    return;
  }
  const feeds::FormContext form{.signs = &terms.signs};
  item.form = feeds::JudgeForm(TypeOf(terms.type), RawOf(item.wire), form);
  item.reference = item.form.reference;
  item.objects = item.form.carries_objection;
  if (item.form.row.has_value()) {
    const feeds::Row& parsed = *item.form.row;
    item.row_id = store_.ClaimPartition(terms.institution, ReferenceOf(parsed)).id;
    item.record = FindRecord(terms, parsed, item.form.record.value_or(feeds::RecordKeyParts()), item);
    item.content = identity::ContentDigest(terms.key.key, kContentKind, feeds::CanonicalContent(parsed));
  } else if (item.objects && item.form.record.has_value()) {
    item.record = FindRecord(terms, feeds::EdfRow(), *item.form.record, item);
  }
}

absl::Status Intake::Load(std::vector<Item>& items, Ledger& ledger) const {
  std::vector<storage::Partition> partitions;
  std::vector<Id128> ids;
  for (const Item& item : items) {
    if (!item.row_id.IsZero() && ledger.claims.try_emplace(item.row_id).second) {
      partitions.push_back({storage::PartitionKind::kIndexBucket, item.row_id});
      ids.push_back(item.row_id);
    }
    if (!item.record.IsZero() && !ledger.records.contains(item.record)) {
      ASSIGN_OR_RETURN(auto stored, store_.Record(item.record));
      ledger.records[item.record].stored = std::move(stored);
    }
  }
  ASSIGN_OR_RETURN(auto claims, store_.Claims(partitions));
  for (size_t i = 0; i < claims.size(); ++i) {
    if (claims[i].version != 0) {
      ASSIGN_OR_RETURN(const Id128 record, Id128::FromBytes(claims[i].value.record()));
      ASSIGN_OR_RETURN(const bool complete, store_.HasRow(record, ids[i]));
      if (complete) {
        ledger.complete.insert(ids[i]);
      }
    }
    ledger.claims[ids[i]] = std::move(claims[i]);
  }
  return absl::OkStatus();
}

// A claim whose row never came is nobody's acceptance: the row at hand takes it over.
absl::StatusOr<feeds::KnownReference> Intake::Known(const Terms& terms, const Item& item,
                                                    const Ledger& ledger) const {
  const auto it = ledger.claims.find(item.row_id);
  if (it == ledger.claims.end() || !ledger.complete.contains(item.row_id)) {
    return feeds::KnownReference::kUnknown;
  }
  const v1::ReferenceClaim& claim = it->second.value;
  std::string content = item.content;
  if (claim.key_version() != terms.key.version && item.form.row.has_value()) {
    ASSIGN_OR_RETURN(const Secret old, context_.suppression.Get(terms.institution, claim.key_version()));
    content = identity::ContentDigest(old, kContentKind, feeds::CanonicalContent(*item.form.row));
  }
  return ConstantTimeEqual(content, claim.content_digest()) ? feeds::KnownReference::kSameContent
                                                            : feeds::KnownReference::kOtherContent;
}

void Intake::JudgeNotice(const Terms& terms, Item& item, Ledger& ledger) const {
  const std::string& name =
      item.wire.has_gated() ? item.wire.gated().reason() : item.wire.objection().reason();
  feeds::Outcome alone = Refused(feeds::ParseReason(name).value_or(feeds::Reason::kOpposed));
  if (item.wire.has_gated()) {
    const auto known = Known(terms, item, ledger);
    const auto record = ledger.records.find(item.record);
    const bool objection = record != ledger.records.end() && record->second.stored.value.objection();
    alone = feeds::JudgeGated(alone, known.ok() ? *known : feeds::KnownReference::kUnknown, objection);
  }
  item.result = ResultOf(item.wire.line(), alone);
}

void Intake::Judge(const Terms& terms, Item& item, Ledger& ledger) const {
  if (item.wire.has_gated() || item.wire.has_objection()) {
    JudgeNotice(terms, item, ledger);
  } else if (!item.form.row.has_value()) {
    item.result = RefusedForForm(item.wire.line(), item.form);
  } else {
    Ledger::Record& record = ledger.records[item.record];
    feeds::RecordState state;
    state.objection_on_file = record.stored.value.objection();
    state.dossiers = DossiersOf(record.stored.value);
    const auto known = Known(terms, item, ledger);
    const feeds::Outcome outcome = feeds::JudgeRow(
        *item.form.row, terms.judge, state, known.ok() ? *known : feeds::KnownReference::kOtherContent);
    item.result = ResultOf(item.wire.line(), outcome);
    if (outcome.kind == feeds::OutcomeKind::kAccepted) {
      Accept(terms, item, ledger);
    }
  }
  // It takes effect for the following rows, whatever this row's outcome (D-1.6).
  if (item.objects && !item.record.IsZero()) {
    Ledger::Record& record = ledger.records[item.record];
    if (!record.stored.value.objection()) {
      record.stored.value.set_institution(terms.institution);
      record.stored.value.set_objection(true);
      record.stored.value.set_digest(item.digest);
      record.stored.value.set_key_version(item.digest_version);
      record.objection_noted = true;
      record.changed = true;
    }
  }
}

void Intake::Accept(const Terms& terms, Item& item, Ledger& ledger) const {
  item.accepted = true;
  Ledger::Record& record = ledger.records[item.record];
  v1::RecordState& state = record.stored.value;
  record.changed = true;
  state.set_institution(terms.institution);
  if (!item.digest.empty()) {
    state.set_digest(item.digest);
    state.set_key_version(item.digest_version);
  }
  item.state.set_type(terms.type);
  *item.state.mutable_row() = item.wire;
  *item.state.mutable_accepted() = ToProto(terms.judge.now);
  *item.state.mutable_marks() = item.result.marks();
  if (const auto* bill = std::get_if<feeds::EdfRow>(&*item.form.row)) {
    std::vector<feeds::Dossier> dossiers = DossiersOf(state);
    const feeds::DossierChange change = feeds::ApplyEvent(dossiers, *bill);
    for (size_t i = 0; i < dossiers.size(); ++i) {
      v1::DossierState kept = ToState(dossiers[i]);
      if (i < static_cast<size_t>(state.dossiers_size())) {
        *kept.mutable_alerts() = state.dossiers(static_cast<int>(i)).alerts();
        *state.mutable_dossiers(static_cast<int>(i)) = std::move(kept);
      } else {
        *state.add_dossiers() = std::move(kept);
      }
    }
    for (const size_t index : change.touched) {
      item.state.add_dossiers(static_cast<uint32_t>(index));
    }
    const auto rule = RuleOf(*bill, {dossiers, state.registered(), false}, rules_);
    Raise(terms, rule, item, state);
  } else {
    Raise(terms, Rule::kDistressReport, item, state);
  }
  Stored<v1::ReferenceClaim>& claim = ledger.claims[item.row_id];
  claim.value.set_content_digest(item.content);
  claim.value.set_key_version(terms.key.version);
  claim.value.set_record(item.record.ToBytes());
  ledger.new_claims.insert(item.row_id);
  ledger.complete.insert(item.row_id);
}

// Decides with the row, in the same commit, whether it raises an alert or joins one: the follower then only
// carries out what is written.
void Intake::Raise(const Terms& terms, std::optional<Rule> rule, Item& item, v1::RecordState& state) const {
  if (!rule.has_value()) {
    return;
  }
  const bool recurrence = *rule != Rule::kCutOrReduction && *rule != Rule::kDistressReport;
  std::string alert =
      context_.idempotency.Bucket("alert", terms.institution, item.row_id.bytes()).id.ToBytes();
  if (recurrence && !state.recurrence_alert().empty()) {
    alert = state.recurrence_alert();
  } else {
    item.state.set_rule(std::string(RuleName(*rule)));
  }
  if (recurrence) {
    state.set_recurrence_alert(alert);
  }
  item.state.set_alert(alert);
  for (const uint32_t index : item.state.dossiers()) {
    v1::DossierState& dossier = *state.mutable_dossiers(static_cast<int>(index));
    bool there = false;
    for (const std::string& known : dossier.alerts()) {
      there = there || known == alert;
    }
    if (!there) {
      dossier.add_alerts(alert);
    }
  }
}

absl::Status Intake::AddLeaves(const rpc::Call& call, const Terms& terms, const std::vector<Item>& items,
                               const Ledger& ledger, const Id128& record,
                               storage::CommitRequest& commit) const {
  for (const Item& item : items) {
    if (!item.accepted || item.record != record) {
      continue;
    }
    const audit::Event event =
        AcceptedEvent(call, record, terms.type, ReferenceOf(*item.form.row), EventOf(*item.form.row),
                      item.row_id, IsExercise(*item.form.row));
    ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
    commit.leaves.push_back(std::move(draft));
    RETURN_IF_ERROR(store_.PutRow(item.state, record, item.row_id, commit));
  }
  const Ledger::Record& state = ledger.records.at(record);
  if (state.objection_noted) {
    ASSIGN_OR_RETURN(auto draft,
                     context_.log.Draft(ObjectionNotedEvent(call, record, state.stored.value.digest(),
                                                            state.stored.value.key_version(), false, false)));
    commit.leaves.push_back(std::move(draft));
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::CommitRequest> Intake::RefusalLeaves(const rpc::Call& call, const Terms& terms,
                                                             const std::vector<Item>& items) const {
  // One leaf per reason and place of judgement: refused rows name nobody (D-2.10 keeps them 12 months).
  std::map<std::pair<std::string, bool>, std::vector<std::string>> refused;
  for (const Item& item : items) {
    if (item.result.outcome() == v1::OUTCOME_REFUSED) {
      refused[{item.result.reason(), item.wire.has_gated() || item.wire.has_objection()}].push_back(
          item.reference);
    }
  }
  storage::CommitRequest commit;
  commit.partition = context_.idempotency.Bucket("refusals", terms.institution, "");
  for (const auto& [key, references] : refused) {
    const std::string reference = references.size() == 1 ? references.front() : "";
    ASSIGN_OR_RETURN(auto draft, context_.log.Draft(RefusedEvent(call, terms.type, key.first, key.second,
                                                                 reference, references.size())));
    commit.leaves.push_back(std::move(draft));
  }
  return commit;
}

Task<absl::StatusOr<bool>> Intake::CommitOnce(rpc::Call call, const Terms& terms, std::vector<Item>& items,
                                              std::set<Id128>& done) {
  Ledger ledger;
  CO_RETURN_IF_ERROR(Load(items, ledger));
  for (Item& item : items) {
    item.accepted = false;
    item.state.Clear();
    if (done.contains(item.row_id) && item.durable) {
      continue;  // accepted by an earlier try of this batch
    }
    Judge(terms, item, ledger);
  }

  std::vector<storage::CommitRequest> claims;
  for (const Id128& row : ledger.new_claims) {
    storage::CommitRequest commit;
    commit.partition = {storage::PartitionKind::kIndexBucket, row};
    AlertingStore::PutClaim(ledger.claims[row], commit);
    claims.push_back(std::move(commit));
  }
  auto claimed = co_await context_.store.CommitAll(std::move(claims));
  for (const auto& result : claimed) {
    if (absl::IsAborted(result.status())) {
      co_return false;  // another stream of this sender was faster: judge again
    }
    CO_RETURN_IF_ERROR(result.status());
  }

  std::vector<storage::CommitRequest> commits;
  std::vector<Id128> records;
  for (auto& [id, record] : ledger.records) {
    if (!record.changed) {
      continue;
    }
    storage::CommitRequest commit;
    // The leaves first: they are what gives a new record its key.
    CO_RETURN_IF_ERROR(AddLeaves(call, terms, items, ledger, id, commit));
    CO_RETURN_IF_ERROR(store_.PutRecord(record.stored, id, commit));
    commits.push_back(std::move(commit));
    records.push_back(id);
  }
  CO_ASSIGN_OR_RETURN(auto refusals, RefusalLeaves(call, terms, items));
  const bool any_refusal = !refusals.leaves.empty();
  if (any_refusal) {
    commits.push_back(std::move(refusals));
  }
  auto results = co_await context_.store.CommitAll(std::move(commits));
  bool all = true;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok() && i < records.size()) {
      for (Item& item : items) {
        if (item.accepted && item.record == records[i]) {
          item.durable = true;
          done.insert(item.row_id);
        }
      }
    } else if (absl::IsAborted(results[i].status())) {
      all = false;
    } else if (!results[i].ok()) {
      co_return results[i].status();
    }
  }
  co_return all;
}

Task<absl::StatusOr<std::vector<v1::RowResult>>> Intake::Submit(rpc::Call call, Terms terms,
                                                                std::vector<v1::FeedRow> rows) {
  CO_RETURN_IF_ERROR(context_.Writable());
  std::vector<Item> items(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Prepare(terms, std::move(rows[i]), items[i]);
  }
  std::set<Id128> done;
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const bool all, co_await CommitOnce(call, terms, items, done));
    if (all) {
      std::vector<v1::RowResult> results;
      results.reserve(items.size());
      for (Item& item : items) {
        results.push_back(std::move(item.result));
      }
      co_return results;
    }
  }
  co_return absl::AbortedError("the sender's records change too often");
}

}  // namespace relais::alerting
