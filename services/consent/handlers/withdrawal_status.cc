#include "services/consent/handlers/withdrawal_status.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/teams.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 500;

struct Withdrawn {
  uint64_t leaf = 0;
  absl::Time time;
  std::set<std::string> consents;
};

// Indices of hers, under any name, ascending.
absl::StatusOr<std::vector<uint64_t>> LeavesOf(audit::Log& log, const std::vector<Id128>& group) {
  std::vector<uint64_t> all;
  for (const Id128& person : group) {
    for (uint64_t from = 0;;) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                       log.LeavesOf(PersonSubject(person), from, kLeavesAtOnce));
      if (some.empty()) {
        break;
      }
      all.insert(all.end(), some.begin(), some.end());
      from = some.back() + 1;
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

absl::StatusOr<Withdrawn> FindWithdrawal(audit::Log& log, const std::vector<uint64_t>& leaves,
                                         const Id128& id, const rpc::Call& call) {
  for (auto index = leaves.rbegin(); index != leaves.rend(); ++index) {
    ASSIGN_OR_RETURN(const std::vector<std::string> bytes, log.ReadLeaves(*index, 1));
    if (bytes.empty()) {
      continue;
    }
    ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(bytes[0]));
    if (leaf.header.event_id() != id.bytes() ||
        leaf.header.event_class() != audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN) {
      continue;
    }
    if (!call.caller.is_service() && leaf.header.institution() != call.caller.institution) {
      continue;  // another institution's, or about another name of hers
    }
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt({*index}));
    v1::ConsentWithdrawn payload;
    if (opened.empty() || !opened[0].details.payload().UnpackTo(&payload)) {
      break;
    }
    Withdrawn withdrawn{*index, leaf.time, {}};
    withdrawn.consents.insert(payload.consent_ids().begin(), payload.consent_ids().end());
    return withdrawn;
  }
  return rpc::NoSuchOrNotYours();
}

bool RestsOn(const v1::CheckDecided& check, const std::set<std::string>& consents) {
  return consents.contains(check.consent_id()) ||
         std::any_of(check.bases().begin(), check.bases().end(),
                     [&](const v1::CategoryBasis& basis) { return consents.contains(basis.consent_id()); });
}

using Recipients = std::map<std::string, v1::WithdrawnRecipient>;

absl::Status CountPermits(audit::Log& log, const std::vector<uint64_t>& leaves, const Withdrawn& withdrawn,
                          Recipients& recipients) {
  const auto end = std::lower_bound(leaves.begin(), leaves.end(), withdrawn.leaf);
  for (auto from = leaves.begin(); from != end;) {
    const auto to = from + std::min<std::ptrdiff_t>(end - from, kLeavesAtOnce);
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt({from, to}));
    for (const audit::OpenedLeaf& leaf : opened) {
      v1::CheckDecided check;
      if (leaf.leaf.header.event_class() != audit::v1::EVENT_CLASS_CHECK_DECIDED ||
          leaf.leaf.header.decision() != common::v1::DECISION_PERMIT || leaf.leaf.header.exercise() ||
          !leaf.details.payload().UnpackTo(&check) || !RestsOn(check, withdrawn.consents)) {
        continue;
      }
      v1::WithdrawnRecipient& recipient = recipients[check.recipient().institution()];
      recipient.set_institution(check.recipient().institution());
      recipient.set_permits(recipient.permits() + 1);
      *recipient.mutable_last_permit() = TimeTo(leaf.leaf.time);
    }
    from = to;
  }
  return absl::OkStatus();
}

absl::Status CountMessages(Registry& registry, const Id128& person, absl::Time withdrawn,
                           v1::WithdrawnRecipient& recipient) {
  ASSIGN_OR_RETURN(const v1::StoredDeliveries sent,
                   ReadDeliveries(registry, person, recipient.institution()));
  for (const v1::StoredDelivery& delivery : sent.deliveries()) {
    const bool delivered = delivery.delivered() != 0 && FromMicros(delivery.delivered()) < withdrawn;
    const bool pulled = delivery.withdrawn() != 0 && FromMicros(delivery.withdrawn()) >= withdrawn;
    recipient.set_delivered(recipient.delivered() + (delivered ? 1 : 0));
    recipient.set_pulled_back(recipient.pulled_back() + (pulled ? 1 : 0));
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<v1::GetWithdrawalStatusResponse>> WithdrawalStatusHandlers::GetWithdrawalStatus(
    rpc::Call call, v1::GetWithdrawalStatusRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.withdrawal_id()));
  co_await ResumeOn(registry_.context.executor);
  audit::Log& log = registry_.context.log;
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, registry_.store.GroupOf(person));
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOf(log, group));
  CO_ASSIGN_OR_RETURN(const Withdrawn withdrawn, FindWithdrawal(log, leaves, id, call));
  Recipients recipients;
  CO_RETURN_IF_ERROR(CountPermits(log, leaves, withdrawn, recipients));
  v1::GetWithdrawalStatusResponse response;
  *response.mutable_withdrawn() = TimeTo(withdrawn.time);
  response.mutable_consent_ids()->Assign(withdrawn.consents.begin(), withdrawn.consents.end());
  response.set_routing_known(registry_.teams_known && registry_.teams_known());
  for (auto& [institution, recipient] : recipients) {
    CO_RETURN_IF_ERROR(CountMessages(registry_, person, withdrawn.time, recipient));
    *response.add_recipients() = std::move(recipient);
  }
  co_return response;
}

}  // namespace relais::consent
