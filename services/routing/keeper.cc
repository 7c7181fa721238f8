#include "services/routing/keeper.h"

#include <utility>

#include "absl/time/civil_time.h"
#include "common/audit/does_not_read.h"
#include "common/audit/passed_over.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "relais/routing/v1/events.pb.h"

namespace relais::routing {
namespace {

constexpr absl::Duration kCatchUp = absl::Seconds(5);
constexpr size_t kLeavesAtOnce = 500;
constexpr size_t kMessagesPerStep = 500;
constexpr char kNoticeRule[] = "DPO_NOTICE";

}  // namespace

// By her leaves: each message was submitted with one. Those that wait are linked in her partition besides,
// and notices about a référent of hers, whose leaves are about nobody.
absl::StatusOr<std::set<Id128>> Keeper::MessagesOf(const Id128& person) const {
  const audit::Subject subject{audit::Subject::Kind::kPerson, person};
  std::set<Id128> messages;
  uint64_t from = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> indices,
                     context_.log.LeavesOf(subject, from, kLeavesAtOnce));
    if (indices.empty()) {
      break;
    }
    for (const uint64_t index : indices) {
      from = index + 1;
      ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> leaves, context_.log.ReadOpened(index, 1));
      v1::MessageSubmitted submitted;
      if (!leaves.empty() && leaves[0].details.payload().UnpackTo(&submitted)) {
        ASSIGN_OR_RETURN(const Id128 message, Id128::FromHex(submitted.message_id()));
        messages.insert(message);
      }
    }
  }
  ASSIGN_OR_RETURN(const std::vector<Id128> waiting, store_.UndeliveredOf(person));
  messages.insert(waiting.begin(), waiting.end());
  ASSIGN_OR_RETURN(const std::vector<Id128> notices, store_.NoticesOf(person));
  messages.insert(notices.begin(), notices.end());
  return messages;
}

Task<absl::Status> Keeper::EraseMessage(Id128 message) {
  CO_ASSIGN_OR_RETURN(const std::optional<v1::MessageState> state, store_.FrozenMessage(message));
  if (state.has_value()) {
    std::set<std::string> desks(state->past_desks().begin(), state->past_desks().end());
    desks.insert(state->desk());
    for (const std::string& desk : desks) {
      const absl::Status removed = co_await inbox_.Remove(desk, message);
      CO_RETURN_IF_ERROR(removed);
    }
  }
  const absl::Status emptied =
      co_await storage::EmptyPartition(context_.store, RoutingStore::MessagePartition(message), "");
  co_return emptied;
}

Task<absl::Status> Keeper::EraseState(audit::Subject subject) {
  if (subject.kind != audit::Subject::Kind::kPerson) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(context_.executor);
  // The follower may be about to point at a message it has just read; it reads none of hers any more.
  if (following_) {
    const bool caught_up = co_await own_.WaitApplied(context_.log.state().size, kCatchUp);
    if (!caught_up) {
      co_return absl::UnavailableError("the follower of the own log is behind");
    }
  }
  CO_ASSIGN_OR_RETURN(const std::set<Id128> messages, MessagesOf(subject.id));
  for (const Id128& message : messages) {
    const absl::Status erased = co_await EraseMessage(message);
    CO_RETURN_IF_ERROR(erased);
  }
  const absl::Status forgotten = co_await links_.Forget(subject.id);
  CO_RETURN_IF_ERROR(forgotten);
  const absl::Status emptied =
      co_await storage::EmptyPartition(context_.store, RoutingStore::PersonPartition(subject.id), "");
  co_return emptied;
}

Task<absl::Status> Keeper::Acknowledge(Id128 erasure) {
  if (!peers_.acknowledge_erasure) {
    co_return absl::OkStatus();
  }
  consent::v1::AcknowledgeErasureRequest request;
  request.set_erasure_id(erasure.ToHex());
  const auto answer = co_await peers_.acknowledge_erasure(std::move(request), settings_.peer_timeout);
  co_return answer.status();
}

// ---- retention

Task<absl::Status> Keeper::SweepMessage(Id128 message, absl::Time due_before) {
  CO_ASSIGN_OR_RETURN(const std::optional<v1::MessageState> notice, store_.Notice(message));
  if (notice.has_value() && FromProto(notice->submitted()) < due_before) {
    const absl::Status erased = co_await EraseMessage(message);
    CO_RETURN_IF_ERROR(erased);
    ++purged_;
    co_return absl::OkStatus();
  }
  // Of a message that never came: about nobody, and long since of no use.
  CO_ASSIGN_OR_RETURN(const std::optional<absl::Time> taken_back, store_.TakenBackAt(message));
  if (taken_back.has_value() && *taken_back < due_before) {
    const absl::Status emptied =
        co_await storage::EmptyPartition(context_.store, RoutingStore::MessagePartition(message), "");
    CO_RETURN_IF_ERROR(emptied);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> Keeper::Sweep() {
  co_await ResumeOn(context_.executor);
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilSecond now = absl::ToCivilSecond(context_.log.Now(), utc);
  const absl::CivilSecond then(now.year(), now.month() - settings_.notice_months, now.day(), now.hour(),
                               now.minute(), now.second());
  const absl::Time due_before = absl::FromCivil(then, utc);
  CO_ASSIGN_OR_RETURN(
      const storage::SalvagedPartitions messages,
      storage::SalvagePartitions(context_.store, storage::PartitionKind::kMessage, from_, kMessagesPerStep));
  audit::PassedOver(messages.gaps.size());
  for (const storage::Partition& partition : messages.partitions) {
    from_ = storage::NextId(partition.id);
    const absl::Status swept = co_await SweepMessage(partition.id, due_before);
    if (audit::DoesNotRead(swept)) {
      audit::PassedOver(1);
      continue;
    }
    CO_RETURN_IF_ERROR(swept);
  }
  if (messages.next.has_value()) {
    from_ = *messages.next;
    co_return true;
  }
  from_ = Id128();
  const absl::Status said =
      co_await context_.maintenance->Purged(kNoticeRule, due_before, std::exchange(purged_, 0));
  CO_RETURN_IF_ERROR(said);
  co_return false;
}

}  // namespace relais::routing
