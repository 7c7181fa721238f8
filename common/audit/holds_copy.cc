// What a legal hold copies, and when: the part of Holds that writes items.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/does_not_read.h"
#include "common/audit/hold_rows.h"
#include "common/audit/holds.h"
#include "common/audit/readable_leaves.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/sha256.h"

namespace relais::audit {
namespace {

using internal::HeldItemKey;
using internal::HoldContext;
using internal::HoldPartition;
using internal::kHoldRow;

constexpr size_t kLeavesAtOnce = 50;
constexpr size_t kBatchBytes = size_t{1} << 20;
constexpr size_t kBatchRows = 500;

std::string LeafName(uint64_t index) {
  std::string name = "leaf/";
  AppendBigEndian64(name, index);
  return name;
}

}  // namespace

absl::StatusOr<std::vector<Subject>> Holds::Covered(const Hold& hold) const {
  ASSIGN_OR_RETURN(std::vector<Subject> covered, PersonsOf(hold));
  const std::vector<Subject> persons = covered;
  for (size_t i = 0; states_ != nullptr && i < persons.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<Subject> others, states_->HeldWith(persons[i]));
    covered.insert(covered.end(), others.begin(), others.end());
  }
  return covered;
}

void Holds::CopyAgain() {
  std::lock_guard lock(mu_);
  copied_ = false;
}

// ---- whose

Task<absl::StatusOr<bool>> Holds::CopyCovered(HoldPtr hold) {
  const absl::StatusOr<bool> told = co_await Tell(hold->info.id);
  CO_RETURN_IF_ERROR(told.status());
  const absl::StatusOr<HoldPtr> now = InForce(hold->info.id);
  if (!now.ok()) {
    co_return false;  // it ended meanwhile
  }
  CO_ASSIGN_OR_RETURN(std::vector<Subject> covered, Covered(**now));
  absl::StatusOr<bool> made = co_await Copy(*now, std::move(covered));
  NoteTextsDue();
  co_return made;
}

Task<absl::StatusOr<std::vector<Id128>>> Holds::CopyOf(std::vector<Subject> subjects) {
  absl::StatusOr<std::vector<Id128>> copied = co_await CopyWith(std::move(subjects), Texts());
  co_return copied;
}

// Until there is none that was not looked at: a copy takes time, in which another may be placed.
Task<absl::StatusOr<std::vector<Id128>>> Holds::CopyWith(std::vector<Subject> subjects, Texts texts) {
  std::vector<Id128> copied;
  std::set<Id128> seen;
  for (std::optional<Id128> id = InForceBut(seen); id.has_value(); id = InForceBut(seen)) {
    seen.insert(*id);
    const absl::StatusOr<bool> made = co_await CopyIfCovers(*id, subjects, texts);
    CO_RETURN_IF_ERROR(made.status());
    if (*made) {
      copied.push_back(*id);
    }
  }
  co_return copied;
}

std::optional<Id128> Holds::InForceBut(const std::set<Id128>& seen) const {
  std::lock_guard lock(mu_);
  for (const auto& [id, hold] : holds_) {
    if (!hold->info.ended.has_value() && !seen.contains(id)) {
      return id;
    }
  }
  return std::nullopt;
}

Task<absl::StatusOr<bool>> Holds::CopyIfCovers(Id128 id, std::vector<Subject> subjects, Texts texts) {
  // Also of who was taken apart from her: those who follow learn it before they read more about her.
  const absl::StatusOr<bool> told = co_await Tell(id);
  CO_RETURN_IF_ERROR(told.status());
  const absl::StatusOr<HoldPtr> hold = InForce(id);
  if (!hold.ok()) {
    co_return false;
  }
  CO_ASSIGN_OR_RETURN(std::vector<Subject> covered, Covered(**hold));
  std::erase_if(subjects, [&covered](const Subject& subject) {
    return std::find(covered.begin(), covered.end(), subject) == covered.end();
  });
  if (subjects.empty()) {
    co_return false;
  }
  absl::StatusOr<bool> made = co_await Copy(*hold, covered);
  if (!made.ok() || !*made) {
    co_return made;
  }
  if (texts == nullptr) {
    made = co_await CopyTextsCovered(id);
  } else {
    made = co_await CopyTextsOf(*hold, std::move(subjects), std::move(texts));
  }
  co_return made;
}

Task<absl::Status> Holds::CopyAll() {
  absl::Status first;
  const std::vector<HoldPtr> in_force = AllInForce();
  for (const HoldPtr& hold : in_force) {
    const absl::StatusOr<bool> made = co_await CopyCovered(hold);
    first.Update(made.status());
  }
  co_return first;
}

Task<absl::Status> Holds::CopyTexts() {
  {
    std::lock_guard lock(mu_);
    if (!std::exchange(texts_due_, false)) {
      co_return absl::OkStatus();
    }
  }
  absl::Status first;
  const std::vector<HoldPtr> in_force = AllInForce();
  for (const HoldPtr& hold : in_force) {
    const absl::StatusOr<bool> made = co_await CopyTextsCovered(hold->info.id);
    first.Update(made.status());
  }
  if (!first.ok()) {
    std::lock_guard lock(mu_);
    texts_due_ = true;
  }
  co_return first;
}

void Holds::NoteTextsDue() {
  {
    std::lock_guard lock(mu_);
    texts_due_ = true;
  }
  if (states_ != nullptr) {
    states_->TextsAreDue();
  }
}

// ---- what

// Whether there is more to do after a part that ended so: it did not, where the hold ended meanwhile.
absl::StatusOr<bool> Holds::GoesOn(const absl::Status& copied) {
  if (absl::IsAborted(copied)) {
    return false;
  }
  if (absl::IsDataLoss(copied)) {
    log::Error("a legal hold cannot copy what does not open", {log::Field::Code(copied)});
    return true;
  }
  RETURN_IF_ERROR(copied);
  return true;
}

Task<absl::StatusOr<bool>> Holds::Copy(HoldPtr hold, std::vector<Subject> subjects) {
  for (const Subject& subject : subjects) {
    for (const bool leaves : {false, true}) {
      absl::Status copied;
      if (leaves) {
        copied = co_await CopyLeaves(hold, subject);
      } else {
        copied = co_await CopyState(hold, subject);
      }
      CO_ASSIGN_OR_RETURN(const bool goes_on, GoesOn(copied));
      if (!goes_on) {
        co_return false;
      }
    }
  }
  co_return true;
}

Task<absl::StatusOr<bool>> Holds::CopyTextsOf(HoldPtr hold, std::vector<Subject> subjects, Texts texts) {
  for (const Subject& subject : subjects) {
    const absl::Status copied = co_await CopyGiven(hold, subject, texts);
    CO_ASSIGN_OR_RETURN(const bool goes_on, GoesOn(copied));
    if (!goes_on) {
      co_return false;
    }
  }
  co_return true;
}

Task<absl::StatusOr<bool>> Holds::CopyTextsCovered(Id128 id) {
  const absl::StatusOr<HoldPtr> hold = InForce(id);
  if (!hold.ok()) {
    co_return false;
  }
  if (states_ == nullptr) {
    co_return true;
  }
  CO_ASSIGN_OR_RETURN(std::vector<Subject> covered, Covered(**hold));
  Texts all = [states = states_](Subject subject, HeldSink& sink) { return states->EachText(subject, sink); };
  absl::StatusOr<bool> made = co_await CopyTextsOf(*hold, std::move(covered), std::move(all));
  co_return made;
}

absl::StatusOr<bool> Holds::Has(const Hold& hold, std::string_view name) const {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> there,
                   store_.Get(HoldPartition(hold.info.id), HeldItemKey(hold.key, name)));
  return there.has_value();
}

absl::StatusOr<storage::Mutation> Holds::ItemRow(const Hold& hold, std::string_view name,
                                                 const audit::v1::HeldItem& item) const {
  std::string key = HeldItemKey(hold.key, name);
  ASSIGN_OR_RETURN(std::string sealed, crypto::SealRandom(random_, hold.key, HoldContext(hold.info.id, key),
                                                          item.SerializeAsString()));
  return storage::Mutation{std::move(key), std::move(sealed)};
}

// A leaf never changes: one that was copied is not copied again, so that an actor's name outlives its month's
// key.
absl::StatusOr<std::optional<storage::Mutation>> Holds::LeafRow(const Hold& hold, OpenedLeaf leaf) const {
  const std::string name = LeafName(leaf.index);
  ASSIGN_OR_RETURN(const bool there, Has(hold, name));
  if (there || leaf.opening != OpenedLeaf::Opening::kOpened) {
    return std::optional<storage::Mutation>();
  }
  audit::v1::HeldItem item;
  audit::v1::HeldLeaf& held = *item.mutable_leaf();
  held.set_index(leaf.index);
  absl::StatusOr<audit::v1::LeafActor> actor = log_.Actor(leaf.leaf);
  if (actor.ok()) {
    *held.mutable_actor() = *std::move(actor);
  } else if (!absl::IsNotFound(actor.status())) {
    return actor.status();
  }
  held.set_leaf(std::move(leaf.bytes));
  *held.mutable_details() = std::move(leaf.details);
  ASSIGN_OR_RETURN(storage::Mutation row, ItemRow(hold, name, item));
  return std::optional(std::move(row));
}

// Of what does not read the hold says that it is not there.
absl::Status Holds::AddLeaves(const Hold& hold, const Subject& subject, const std::vector<uint64_t>& indices,
                              std::vector<storage::Mutation>& batch) const {
  ASSIGN_OR_RETURN(ReadableLeaves read, OpenReadable(log_, indices));
  for (const uint64_t index : read.unreadable) {
    audit::v1::HeldState state;
    state.set_name(absl::StrCat("unreadable/leaf/", index));
    ASSIGN_OR_RETURN(std::optional<storage::Mutation> row, StateRow(hold, subject, std::move(state)));
    if (row.has_value()) {
      batch.push_back(*std::move(row));
    }
  }
  for (OpenedLeaf& leaf : read.leaves) {
    ASSIGN_OR_RETURN(std::optional<storage::Mutation> row, LeafRow(hold, std::move(leaf)));
    if (row.has_value()) {
      batch.push_back(*std::move(row));
    }
  }
  return absl::OkStatus();
}

Task<absl::Status> Holds::CopyLeaves(HoldPtr hold, Subject subject) {
  uint64_t from = 0;
  for (;;) {
    CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> indices, log_.LeavesOf(subject, from, kLeavesAtOnce));
    if (indices.empty()) {
      co_return absl::OkStatus();
    }
    from = indices.back() + 1;
    std::vector<storage::Mutation> batch;
    CO_RETURN_IF_ERROR(AddLeaves(*hold, subject, indices, batch));
    const absl::Status put = co_await Put(hold, std::move(batch));
    CO_RETURN_IF_ERROR(put);
  }
}

// Every content that is seen is kept: what retention takes out of a row later was there before.
absl::StatusOr<std::optional<storage::Mutation>> Holds::StateRow(const Hold& hold, const Subject& subject,
                                                                 audit::v1::HeldState state) const {
  const crypto::Digest content = crypto::Sha256Digest({state.content().value()});
  const std::string name =
      absl::StrCat("state/", subject.Encode(), state.name(), "/", std::string(crypto::AsBytes(content)));
  ASSIGN_OR_RETURN(const bool there, Has(hold, name));
  if (there) {
    return std::optional<storage::Mutation>();
  }
  ASSIGN_OR_RETURN(storage::Mutation row, StateItem(hold, name, std::move(state)));
  return std::optional(std::move(row));
}

absl::StatusOr<storage::Mutation> Holds::StateItem(const Hold& hold, std::string_view name,
                                                   audit::v1::HeldState state) const {
  audit::v1::HeldItem item;
  *item.mutable_state() = std::move(state);
  *item.mutable_state()->mutable_copied() = ToProto(log_.Now());
  return ItemRow(hold, name, item);
}

// What a keeper gives of one subject, written down in batches. To be flushed at the end.
class Holds::StateCopy final : public HeldSink {
 public:
  StateCopy(Holds& holds, HoldPtr hold, const Subject& subject)
      : holds_(holds), hold_(std::move(hold)), subject_(subject) {}

  Task<absl::Status> Keep(audit::v1::HeldState state) override {
    CO_ASSIGN_OR_RETURN(std::optional<storage::Mutation> row,
                        holds_.StateRow(*hold_, subject_, std::move(state)));
    const absl::Status added = co_await Add(std::move(row));
    co_return added;
  }
  Task<absl::Status> KeepOnce(audit::v1::HeldState state) override {
    const std::string name = NameOf(state.name());
    CO_ASSIGN_OR_RETURN(std::optional<storage::Mutation> row,
                        holds_.StateItem(*hold_, name, std::move(state)));
    const absl::Status added = co_await Add(std::move(row));
    co_return added;
  }
  [[nodiscard]] absl::StatusOr<bool> Has(std::string_view name) const override {
    return holds_.Has(*hold_, NameOf(name));
  }
  Task<absl::Status> Flush() {
    bytes_ = 0;
    std::vector<storage::Mutation> full = std::exchange(batch_, {});
    const absl::Status put = co_await holds_.Put(hold_, std::move(full));
    co_return put;
  }

 private:
  [[nodiscard]] std::string NameOf(std::string_view name) const {
    return absl::StrCat("state/", subject_.Encode(), std::string(name), "/");
  }
  Task<absl::Status> Add(std::optional<storage::Mutation> row) {
    if (!row.has_value()) {
      co_return absl::OkStatus();
    }
    bytes_ += row->value->size();
    batch_.push_back(*std::move(row));
    if (bytes_ < kBatchBytes && batch_.size() < kBatchRows) {
      co_return absl::OkStatus();
    }
    const absl::Status put = co_await Flush();
    co_return put;
  }

  Holds& holds_;
  const HoldPtr hold_;
  const Subject subject_;
  std::vector<storage::Mutation> batch_;
  size_t bytes_ = 0;
};

Task<absl::Status> Holds::CopyState(HoldPtr hold, Subject subject) {
  if (states_ == nullptr) {
    co_return absl::OkStatus();
  }
  Texts state = [states = states_](Subject of, HeldSink& sink) { return states->EachState(of, sink); };
  const absl::Status copied = co_await CopyGiven(std::move(hold), subject, std::move(state));
  co_return copied;
}

Task<absl::Status> Holds::CopyGiven(HoldPtr hold, Subject subject, Texts give) {
  StateCopy copy(*this, std::move(hold), subject);
  const absl::Status given = co_await give(subject, copy);
  const absl::Status put = co_await copy.Flush();  // what came before an error too
  CO_RETURN_IF_ERROR(put);
  if (DoesNotRead(given)) {
    co_return absl::DataLossError("a row of state does not open");
  }
  co_return given;
}

Task<absl::Status> KeepAll(absl::StatusOr<std::vector<audit::v1::HeldState>> states, HeldSink& sink) {
  CO_RETURN_IF_ERROR(states.status());
  for (audit::v1::HeldState& state : *states) {
    const absl::Status kept = co_await sink.Keep(std::move(state));
    CO_RETURN_IF_ERROR(kept);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Holds::Put(HoldPtr hold, std::vector<storage::Mutation> batch) {
  if (batch.empty()) {
    co_return absl::OkStatus();
  }
  storage::CommitRequest commit;
  commit.partition = HoldPartition(hold->info.id);
  commit.preconditions.push_back({std::string(kHoldRow), hold->version});
  commit.batch = std::move(batch);
  const absl::StatusOr<storage::CommitResult> done = co_await store_.Commit(std::move(commit));
  co_return done.status();
}

}  // namespace relais::audit
