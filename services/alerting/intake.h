// Intake: judges a batch of rows in order and makes the accepted ones durable before it answers.
//
// Two steps, each one fsync for the whole batch: references are claimed in their index buckets, then each
// sender record the batch touches takes its rows, dossiers and leaves in one commit (ADR 3). A crash between
// the steps leaves claims without rows, which accept nothing: whoever sends the row again completes them.
//
// A row's outcome and effects depend on its sender record, on its reference and on nothing else that rows
// change. So batches that share neither may be under way at once (ADR 5, feed_stream.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/calendar/paris.h"
#include "common/feeds/form.h"
#include "common/feeds/judge.h"
#include "services/alerting/domain/alert_rules.h"
#include "services/alerting/store.h"

namespace relais::alerting {

/// The terms of one stream, fixed when it opens.
struct Terms {
  std::string institution;
  v1::FeedType type = v1::FEED_TYPE_UNSPECIFIED;
  feeds::JudgeContext judge;
  feeds::SignCodes signs;
  identity::SuppressionKey key;  // the sender's current one
  uint64_t directory_version = 0;
};

/// Thread-safe; rows of one stream take effect in order because of two batches that share a record or a
/// reference the later is submitted after the earlier is answered.
class Intake {
 public:
  Intake(const rpc::ServiceContext& context, AlertingStore& store, const calendar::Paris& paris,
         const RuleSettings& rules)
      : context_(context), store_(store), paris_(paris), rules_(rules) {}

  /// FAILED_PRECONDITION when the institution has no suppression key; PERMISSION_DENIED when the directory
  /// has no protocol under which it sends this feed.
  absl::StatusOr<Terms> Open(const rpc::Call& call, v1::FeedType type) const;
  static v1::StreamOpened Show(const Terms& terms);

  struct Batch;  // batch.h: rows on their way, with whose they are
  /// Judges form and makes digests: what needs no store. INVALID_ARGUMENT for a notice that names an unknown
  /// suppression key.
  absl::StatusOr<std::shared_ptr<Batch>> Prepare(rpc::Call call, Terms terms,
                                                 std::vector<v1::FeedRow> rows) const;
  /// False when older versions of the sender's key are in force: then Prepare looks into the store, and has
  /// to wait for every earlier batch.
  static bool PreparesAhead(const Terms& terms) { return terms.key.version <= 1; }
  /// Whether the two share a sender record or a reference.
  static bool Overlap(const Batch& one, const Batch& other);
  /// One result per row, in order; every row told ACCEPTED is durable. An error means that no row of the
  /// batch has an outcome (some may be durable all the same: sending them again gives DUPLICATE).
  Task<absl::StatusOr<std::vector<v1::RowResult>>> Submit(std::shared_ptr<Batch> batch) const;

 private:
  // batch.h
  struct Item;    // one row on its way
  struct Ledger;  // what one try sees and changes
  struct Shares;  // which rows join which commit

  // intake_read.cc: what is known before judgement.
  absl::Status CheckNotice(const Terms& terms, const v1::FeedRow& row, size_t number) const;
  void PrepareRow(const Terms& terms, v1::FeedRow row, Item& item) const;
  void PrepareNotice(const Terms& terms, Item& item) const;
  [[nodiscard]] Id128 RecordId(const Terms& terms, const std::string& digest) const;
  void FindRecord(const Terms& terms, const std::string& reference, const feeds::RecordKeyParts& parts,
                  Item& item) const;
  absl::Status Load(Batch& batch, Ledger& ledger) const;
  absl::Status LoadClaims(const std::vector<Id128>& rows, Ledger& ledger) const;

  // intake_judge.cc: the outcome of one row, and what it changes.
  absl::Status Judge(const Terms& terms, Item& item, Ledger& ledger) const;
  absl::Status JudgeNotice(const Terms& terms, Item& item, const Ledger& ledger) const;
  absl::Status JudgeFields(const Terms& terms, Item& item, Ledger& ledger) const;
  absl::StatusOr<feeds::KnownReference> Known(const Terms& terms, const Item& item,
                                              const Ledger& ledger) const;
  absl::StatusOr<std::string> DigestOfStored(const Terms& terms, const Item& item,
                                             const v1::ReferenceClaim& claim) const;
  void Accept(const Terms& terms, Item& item, Ledger& ledger) const;
  void ApplyBill(const Terms& terms, const feeds::EdfRow& bill, Item& item, v1::RecordState& state) const;
  void Raise(const Terms& terms, Rule rule, const std::vector<size_t>& dossiers, Item& item,
             v1::RecordState& state) const;
  void NoteObjection(const Terms& terms, const Item& item, Ledger& ledger) const;

  // intake.cc: making it durable.
  Task<absl::StatusOr<bool>> CommitOnce(std::shared_ptr<Batch> batch) const;
  Task<absl::StatusOr<bool>> Claim(std::shared_ptr<Ledger> ledger) const;
  Task<absl::StatusOr<bool>> CommitRecords(std::shared_ptr<Batch> batch,
                                           std::shared_ptr<Ledger> ledger) const;
  static Shares Share(const Batch& batch, const Ledger& ledger);
  absl::StatusOr<storage::CommitRequest> RecordCommit(const Batch& batch, const Ledger& ledger,
                                                      const Id128& record,
                                                      const std::vector<const Item*>& rows) const;
  absl::Status AddAccepted(const Batch& batch, const Ledger& ledger, const Id128& record,
                           const std::vector<const Item*>& rows, storage::CommitRequest& commit) const;
  absl::Status AddRefused(const Batch& batch, const std::vector<const Item*>& rows,
                          storage::CommitRequest& commit) const;

  const rpc::ServiceContext& context_;
  AlertingStore& store_;
  const calendar::Paris& paris_;
  const RuleSettings& rules_;
};

}  // namespace relais::alerting
