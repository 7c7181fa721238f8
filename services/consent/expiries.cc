#include "services/consent/expiries.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/expiry.h"
#include "services/consent/duties.h"
#include "services/consent/erased_notices.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr uint8_t kBuckets = 64;
constexpr size_t kPage = 100;
constexpr size_t kLongPage = 1000;
constexpr size_t kEndBytes = 8;
// An entry is written before its agreement: one whose agreement is not there yet waits, longer than any call.
constexpr absl::Duration kOrphanAfter = absl::Hours(1);
constexpr absl::Duration kStep = absl::Milliseconds(500);

uint8_t BucketOf(const Id128& agreement) { return static_cast<uint8_t>(agreement.bytes()[0]) % kBuckets; }

storage::Partition BucketPartition(const rpc::ServiceContext& context, uint8_t bucket) {
  return context.idempotency.Bucket("agreement_end", "", std::string(1, static_cast<char>(bucket)));
}

std::string EndKey(const Id128& agreement, absl::Time end) {
  return storage::EncodeBigEndian64(static_cast<uint64_t>(Micros(end))) + agreement.ToBytes();
}

std::optional<absl::Time> EndIn(const std::string& key) {
  const absl::StatusOr<uint64_t> micros = storage::DecodeBigEndian64(key.substr(0, kEndBytes));
  return micros.ok() ? std::optional(FromMicros(static_cast<int64_t>(*micros))) : std::nullopt;
}

// With every renewal.
Term LastTerm(const Agreement& agreement) { return agreement.TermAt(absl::InfiniteFuture()); }

audit::Event EventFor(const rpc::ServiceContext& context, const Agreement& agreement) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "consent";
  call.directory = context.directory();
  audit::Event event =
      rpc::EventOf(call, {call.caller.Name(), "", ""}, audit::v1::EVENT_CLASS_CONSENT_EXPIRED, "");
  const Term term = LastTerm(agreement);
  event.event_id = ExpiryEventId(agreement.id, term.until);
  std::set<std::string> purposes;
  std::set<std::string> categories;
  for (const Line& line : agreement.lines) {
    purposes.insert(line.purposes.begin(), line.purposes.end());
    categories.insert(line.categories.begin(), line.categories.end());
  }
  event.purpose = purposes.size() == 1 ? *purposes.begin() : "";
  event.categories.assign(categories.begin(), categories.end());
  v1::ConsentExpired payload;
  payload.set_consent_id(agreement.id.ToHex());
  *payload.mutable_ended() = TimeTo(term.until);
  payload.set_mandate(term.by_mandate);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

}  // namespace

storage::CommitRequest EndOf(const rpc::ServiceContext& context, const Id128& person, const Id128& agreement,
                             absl::Time end) {
  v1::AgreementEnd entry;
  entry.set_person_id(person.ToBytes());
  storage::CommitRequest commit;
  commit.partition = BucketPartition(context, BucketOf(agreement));
  commit.batch.push_back({EndKey(agreement, end), entry.SerializeAsString()});
  return commit;
}

Task<absl::Status> ForgetEnds(const rpc::ServiceContext& context, Id128 person) {
  const std::string whose = person.ToBytes();
  for (uint8_t bucket = 0; bucket < kBuckets; ++bucket) {
    const storage::Partition partition = BucketPartition(context, bucket);
    std::string from;
    do {
      co_await ResumeOn(context.executor);
      CO_ASSIGN_OR_RETURN(const storage::Page page, context.store.Scan(partition, "", from, kLongPage));
      storage::CommitRequest gone;
      gone.partition = partition;
      for (const storage::KeyedEntry& entry : page.entries) {
        v1::AgreementEnd stored;
        if (stored.ParseFromString(entry.entry.value) && stored.person_id() == whose) {
          gone.batch.push_back({entry.key, std::nullopt});
        }
      }
      if (!gone.batch.empty()) {
        const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(gone));
        CO_RETURN_IF_ERROR(done.status());
      }
      from = page.next;
    } while (!from.empty());
  }
  co_return absl::OkStatus();
}

Id128 ExpiryEventId(const Id128& agreement, absl::Time end) {
  const std::string digest = crypto::Sha256("relais consent expired v1" + EndKey(agreement, end));
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

void Expiries::Start() {
  started_ = true;
  Spawn(registry_.context.executor, Run());
}

Task<bool> Expiries::Stop() {
  stop_.Set(true);
  if (!started_) {
    co_return true;
  }
  const bool stopped = co_await stopped_;
  co_return stopped;
}

Task<void> Expiries::Run() {
  while (!stop_.IsSet()) {
    co_await LookOnce();
    const absl::StatusOr<int> escalated = co_await EscalateReviews(registry_);
    if (!escalated.ok()) {
      log::Warn("overdue reviews could not be escalated", {log::Field::Code(escalated.status())});
    }
    const absl::StatusOr<int> purged = co_await PurgeErasedNotices(registry_);
    if (!purged.ok()) {
      log::Warn("notices of erasures could not be removed", {log::Field::Code(purged.status())});
    }
    // In small steps, so that a stop does not wait for the next look.
    for (absl::Duration slept; slept < interval_ && !stop_.IsSet(); slept += kStep) {
      co_await Sleep(registry_.context.executor, std::min(kStep, interval_ - slept));
    }
  }
  stopped_.Set(true);
}

Task<int> Expiries::LookOnce() {
  int written = 0;
  for (uint8_t bucket = 0; bucket < kBuckets && !stop_.IsSet(); ++bucket) {
    if (!registry_.context.Writable().ok()) {
      co_return written;
    }
    const absl::StatusOr<int> some = co_await LookAt(bucket);
    if (!some.ok()) {
      log::Warn("agreements that ended could not be looked at", {log::Field::Code(some.status())});
      co_return written;
    }
    written += *some;
  }
  co_return written;
}

absl::StatusOr<storage::Page> Expiries::PageOf(const storage::Partition& bucket,
                                               const std::string& from) const {
  return registry_.context.store.Scan(bucket, "", from, kPage);
}

Task<absl::StatusOr<int>> Expiries::LookAt(uint8_t bucket) {
  const storage::Partition partition = BucketPartition(registry_.context, bucket);
  const absl::Time now = registry_.context.log.Now();
  int written = 0;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page, PageOf(partition, from));
    for (const storage::KeyedEntry& entry : page.entries) {
      const std::optional<absl::Time> end = EndIn(entry.key);
      v1::AgreementEnd stored;
      if (!end || !stored.ParseFromString(entry.entry.value)) {
        co_return absl::DataLossError("an entry of the due-list does not parse");
      }
      if (*end > now) {
        co_return written;
      }
      CO_ASSIGN_OR_RETURN(const Id128 person, Id128::FromBytes(stored.person_id()));
      CO_ASSIGN_OR_RETURN(const Id128 agreement, Id128::FromBytes(entry.key.substr(kEndBytes)));
      Due due{entry.key, person, agreement, *end};
      const absl::StatusOr<bool> settled = co_await Settle(partition, std::move(due));
      CO_RETURN_IF_ERROR(settled.status());
      written += *settled ? 1 : 0;
    }
    from = page.next;
  } while (!from.empty());
  co_return written;
}

Task<absl::StatusOr<bool>> Expiries::Settle(storage::Partition bucket, Due due) {
  const rpc::ServiceContext& context = registry_.context;
  storage::CommitRequest done;
  done.partition = bucket;
  done.batch.push_back({due.key, std::nullopt});
  bool written = false;
  const absl::StatusOr<VersionedState> loaded = registry_.store.LoadFresh(due.person);
  if (!loaded.ok() && !absl::IsNotFound(loaded.status())) {
    co_return loaded.status();
  }
  if (loaded.ok()) {  // else she is erased
    const Agreement* agreement = loaded->state->FindAgreement(due.agreement);
    if (agreement == nullptr && context.log.Now() < due.end + kOrphanAfter) {
      co_return false;
    }
    if (agreement != nullptr && LastTerm(*agreement).until > due.end) {  // renewed
      storage::CommitRequest later = EndOf(context, due.person, due.agreement, LastTerm(*agreement).until);
      done.batch.push_back(std::move(later.batch[0]));
    } else if (agreement != nullptr) {
      const absl::StatusOr<bool> said = co_await WriteExpiry(due);
      CO_RETURN_IF_ERROR(said.status());
      written = *said;
    }
  }
  const absl::StatusOr<storage::CommitResult> gone = co_await context.store.Commit(std::move(done));
  CO_RETURN_IF_ERROR(gone.status());
  co_return written;
}

Task<absl::StatusOr<bool>> Expiries::WriteExpiry(Due due) {
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(registry_.context.directory());
  PlanChange plan = [&context = registry_.context, rules, due](
                        const PersonState& state, absl::Time /*instant*/) -> std::optional<PlannedChange> {
    const Agreement* agreement = state.FindAgreement(due.agreement);
    if (agreement == nullptr || LastTerm(*agreement).until != due.end ||
        IsTakenBack(state, *agreement, *rules)) {
      return std::nullopt;
    }
    return PlannedChange{state, EventFor(context, *agreement)};
  };
  const std::string once = EventRow(ExpiryEventId(due.agreement, due.end));
  const absl::StatusOr<std::optional<storage::LeafRange>> leaves =
      co_await ChangeState(registry_.context, registry_.store, due.person, once, std::move(plan));
  CO_RETURN_IF_ERROR(leaves.status());
  co_return leaves->has_value();
}

}  // namespace relais::consent
