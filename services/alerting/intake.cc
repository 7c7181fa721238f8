#include "services/alerting/intake.h"

#include <algorithm>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/directory/codes.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/batch.h"
#include "services/alerting/events.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 8;

// True: all are durable; false: somebody was faster with one of them.
absl::StatusOr<bool> AllDone(const std::vector<absl::StatusOr<storage::CommitResult>>& results) {
  bool all = true;
  for (const auto& result : results) {
    if (absl::IsAborted(result.status())) {
      all = false;
    } else if (!result.ok()) {
      return result.status();
    }
  }
  return all;
}

}  // namespace

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
  // Who may send which signal is the directory's to say, not the caller's.
  const std::string_view signal =
      type == v1::FEED_TYPE_BSPP ? directory::kDistressReport : directory::kUnpaidBill;
  const std::vector<directory::Protocol>& protocols = call.directory->content().protocols;
  if (std::none_of(protocols.begin(), protocols.end(), [&](const directory::Protocol& protocol) {
        return protocol.sender == terms.institution && protocol.signal == signal;
      })) {
    return rpc::Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_MISSING_ROLE,
                        "the directory has no protocol under which this institution sends this feed");
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

Intake::Shares Intake::Share(const Batch& batch, const Ledger& ledger) {
  Shares shares;
  for (const Item& item : batch.items) {
    if (!item.decided) {
      shares.by_record[ledger.Changes(item.record) ? item.record : Id128()].push_back(&item);
    }
  }
  return shares;
}

absl::Status Intake::AddAccepted(const Batch& batch, const Ledger& ledger, const Id128& record,
                                 const std::vector<const Item*>& rows, storage::CommitRequest& commit) const {
  for (const Item* item : rows) {
    if (!item->accepted) {
      continue;
    }
    ASSIGN_OR_RETURN(auto draft,
                     context_.log.Draft(AcceptedEvent(batch.call, record, batch.terms.type, *item->form.row,
                                                      item->row_id, item->state)));
    commit.leaves.push_back(std::move(draft));
    RETURN_IF_ERROR(
        store_.PutRow(item->state, record, item->row_id, ledger.claims.at(item->row_id).row_version, commit));
  }
  const Ledger::Record& state = ledger.records.at(record);
  if (state.objection_noted) {
    const v1::RecordState& value = state.stored.value;
    ASSIGN_OR_RETURN(auto draft, context_.log.Draft(ObjectionNotedEvent(batch.call, record, value.digest(),
                                                                        value.key_version(), false, false)));
    commit.leaves.push_back(std::move(draft));
  }
  return absl::OkStatus();
}

// One leaf per reason and place of judgement: refused rows name nobody (D-2.10 keeps them 12 months). Those
// of a record that this try changes are counted with its commit, the others in one of their own: so each is
// counted when its outcome is final, and once.
absl::Status Intake::AddRefused(const Batch& batch, const std::vector<const Item*>& rows,
                                storage::CommitRequest& commit) const {
  std::map<std::tuple<std::string, bool, bool>, std::vector<std::string>> refused;
  for (const Item* item : rows) {
    if (item->result.outcome() == v1::OUTCOME_REFUSED) {
      refused[{item->result.reason(), item->is_notice(), item->irregular}].push_back(item->reference);
    }
  }
  for (const auto& [key, references] : refused) {
    const auto& [reason, gated, irregular] = key;
    const RefusedRows counted{reason, gated, irregular, references.size() == 1 ? references.front() : "",
                              references.size()};
    ASSIGN_OR_RETURN(auto draft, context_.log.Draft(RefusedEvent(batch.call, batch.terms.type, counted)));
    commit.leaves.push_back(std::move(draft));
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::CommitRequest> Intake::RecordCommit(const Batch& batch, const Ledger& ledger,
                                                            const Id128& record,
                                                            const std::vector<const Item*>& rows) const {
  storage::CommitRequest commit;
  // The leaves first: they are what gives a new record its key.
  RETURN_IF_ERROR(AddAccepted(batch, ledger, record, rows, commit));
  RETURN_IF_ERROR(store_.PutRecord(ledger.records.at(record).stored, record, commit));
  RETURN_IF_ERROR(AddRefused(batch, rows, commit));
  return commit;
}

// False: another stream of this sender was faster. Nothing of a claim is told to anyone before its row is
// there.
Task<absl::StatusOr<bool>> Intake::Claim(std::shared_ptr<Ledger> ledger) const {
  std::vector<storage::CommitRequest> given_up;
  std::vector<Ledger::Claim*> giving_up;  // whose
  std::vector<storage::CommitRequest> claims;
  for (auto& [row, claim] : ledger->claims) {
    if (!claim.taken) {
      continue;
    }
    if (!claim.given_up.IsZero()) {
      given_up.push_back(AlertingStore::GiveUpRow(claim.given_up, row, claim.given_up_version));
      giving_up.push_back(&claim);
    }
    storage::CommitRequest commit;
    commit.partition = {storage::PartitionKind::kIndexBucket, row};
    AlertingStore::PutClaim(claim.stored, commit);
    claims.push_back(std::move(commit));
  }
  if (!given_up.empty()) {
    const auto results = co_await context_.store.CommitAll(std::move(given_up));
    CO_ASSIGN_OR_RETURN(const bool all, AllDone(results));
    if (!all) {
      co_return false;
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if (giving_up[i]->given_up.ToBytes() == giving_up[i]->stored.value.record()) {
        giving_up[i]->row_version = results[i]->version;
      }
    }
  }
  if (claims.empty()) {
    co_return true;
  }
  const auto results = co_await context_.store.CommitAll(std::move(claims));
  co_return AllDone(results);
}

Task<absl::StatusOr<bool>> Intake::CommitRecords(std::shared_ptr<Batch> batch,
                                                 std::shared_ptr<Ledger> ledger) const {
  const Shares shares = Share(*batch, *ledger);
  std::vector<storage::CommitRequest> commits;
  std::vector<std::optional<Id128>> records;  // whose commit it is; nullopt: the other refusals
  for (const auto& [id, record] : ledger->records) {
    if (record.changed) {
      CO_ASSIGN_OR_RETURN(auto commit, RecordCommit(*batch, *ledger, id, shares.Of(id)));
      commits.push_back(std::move(commit));
      records.emplace_back(id);
    }
  }
  storage::CommitRequest refusals;
  refusals.partition = context_.idempotency.Bucket("refusals", batch->terms.institution, "");
  CO_RETURN_IF_ERROR(AddRefused(*batch, shares.Of(Id128()), refusals));
  if (!refusals.leaves.empty()) {
    commits.push_back(std::move(refusals));
    records.emplace_back(std::nullopt);
  }
  std::set<Id128> failed;
  if (!commits.empty()) {
    const auto results = co_await context_.store.CommitAll(std::move(commits));
    CO_RETURN_IF_ERROR(AllDone(results).status());
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].ok() && records[i].has_value()) {
        failed.insert(*records[i]);
      }
    }
  }
  for (Item& item : batch->items) {
    item.decided = item.decided || !failed.contains(item.record);
  }
  co_return failed.empty();
}

Task<absl::StatusOr<bool>> Intake::CommitOnce(std::shared_ptr<Batch> batch) const {
  auto ledger = std::make_shared<Ledger>();
  CO_RETURN_IF_ERROR(Load(*batch, *ledger));
  for (Item& item : batch->items) {
    if (!item.decided) {
      CO_RETURN_IF_ERROR(Judge(batch->terms, item, *ledger));
    }
  }
  const auto claimed = co_await Claim(ledger);
  if (!claimed.ok() || !*claimed) {
    co_return claimed;
  }
  auto all = co_await CommitRecords(batch, ledger);
  co_return all;
}

absl::StatusOr<std::shared_ptr<Intake::Batch>> Intake::Prepare(rpc::Call call, Terms terms,
                                                               std::vector<v1::FeedRow> rows) const {
  for (size_t i = 0; i < rows.size(); ++i) {
    RETURN_IF_ERROR(CheckNotice(terms, rows[i], i));
  }
  auto batch = std::make_shared<Batch>(Batch{std::move(call), std::move(terms), {}, {}});
  batch->items.resize(rows.size());
  batch->touched.reserve(2 * rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Item& item = batch->items[i];
    PrepareRow(batch->terms, std::move(rows[i]), item);
    for (const Id128& id : {item.row_id, item.record}) {
      if (!id.IsZero()) {
        batch->touched.insert(id);
      }
    }
  }
  return batch;
}

bool Intake::Overlap(const Batch& one, const Batch& other) {
  return std::any_of(one.touched.begin(), one.touched.end(),
                     [&other](const Id128& id) { return other.touched.contains(id); });
}

Task<absl::StatusOr<std::vector<v1::RowResult>>> Intake::Submit(std::shared_ptr<Batch> batch) const {
  CO_RETURN_IF_ERROR(context_.Writable());
  for (int i = 0; i < kTries; ++i) {
    const auto all = co_await CommitOnce(batch);
    CO_RETURN_IF_ERROR(all.status());
    if (*all) {
      std::vector<v1::RowResult> results;
      results.reserve(batch->items.size());
      for (Item& item : batch->items) {
        results.push_back(std::move(item.result));
      }
      co_return results;
    }
  }
  co_return absl::AbortedError("the sender's records change too often");
}

}  // namespace relais::alerting
