#include "services/consent/handlers/withdrawal_status.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/audit/leaf.h"
#include "common/audit/readable_leaves.h"
#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/lone_leaf.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/withholding.h"
#include "services/consent/duties.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/handlers/disclosures.h"
#include "services/consent/handlers/permits_given.h"
#include "services/consent/handlers/withheld_rows.h"
#include "services/consent/teams.h"

namespace relais::consent {
namespace {

struct Withdrawn {
  uint64_t leaf = 0;
  absl::Time time;
  std::set<std::string> consents;
  std::string named;  // the agreement she named, if one
};

// Of a withdrawal by lines its leaf names the desk's own alone; all that it touched are in one after it.
absl::Status AddTouched(audit::Log& log, uint64_t index, const Id128& id, std::set<std::string>& touched) {
  ASSIGN_OR_RETURN(const audit::ReadableLeaves opened, audit::OpenReadable(log, {index}));
  v1::AgreementsTouched payload;
  if (!opened.leaves.empty() && opened.leaves[0].details.payload().UnpackTo(&payload) &&
      payload.withdrawal_id() == id.ToHex()) {
    touched.insert(payload.consent_ids().begin(), payload.consent_ids().end());
  }
  return absl::OkStatus();
}

// The header of one; nullopt: it does not read, and no other is kept from who asks by that.
absl::StatusOr<std::optional<audit::Leaf>> HeaderAt(audit::Log& log, uint64_t index) {
  const absl::StatusOr<std::vector<std::string>> bytes = log.ReadLeaves(index, 1);
  if (audit::DoesNotRead(bytes.status())) {
    return std::nullopt;
  }
  RETURN_IF_ERROR(bytes.status());
  if (bytes->empty()) {
    return std::nullopt;
  }
  absl::StatusOr<audit::Leaf> leaf = audit::ParseLeaf(bytes->front());
  return leaf.ok() ? std::optional(*std::move(leaf)) : std::nullopt;
}

absl::StatusOr<Withdrawn> FindWithdrawal(audit::Log& log, const std::vector<uint64_t>& leaves,
                                         const Id128& id, const rpc::Call& call) {
  std::set<std::string> touched;
  for (auto index = leaves.rbegin(); index != leaves.rend(); ++index) {
    ASSIGN_OR_RETURN(const std::optional<audit::Leaf> read, HeaderAt(log, *index));
    if (!read) {
      continue;
    }
    const audit::Leaf& leaf = *read;
    if (leaf.header.event_class() == audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED) {
      RETURN_IF_ERROR(AddTouched(log, *index, id, touched));
      continue;
    }
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
    Withdrawn withdrawn{*index, leaf.time, std::move(touched), payload.consent_id()};
    withdrawn.consents.insert(payload.consent_ids().begin(), payload.consent_ids().end());
    return withdrawn;
  }
  return rpc::NoSuchOrNotYours();
}

using Recipients = std::map<std::string, v1::WithdrawnRecipient>;

// Who had a permit on what is denied since: on the agreements that it touched or, by an agreement's number,
// on another one that has its lines. Her history says how far it reaches.
class Touched {
 public:
  Touched(const Withdrawn& withdrawn, const Id128& id, const PersonState& state, const Rules& rules)
      : withdrawn_(withdrawn), state_(state), rules_(rules) {
    for (const Denial& denial : state.denials()) {
      by_number_ = denial.id == id && denial.agreement ? &denial : by_number_;
    }
  }

  [[nodiscard]] bool Has(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check) const {
    if (by_number_ == nullptr) {
      return !CategoriesOn(leaf, check, OnAnyOf(withdrawn_.consents)).empty();
    }
    if (!CategoriesOn(leaf, check, OnAnyOf({withdrawn_.named})).empty()) {
      return true;
    }
    const std::vector<std::string> agreed = CategoriesOn(leaf, check, OnAnyAgreement());
    return std::any_of(agreed.begin(), agreed.end(), [&](const std::string& category) {
      return IsAbout(*by_number_, state_, QuestionOf(leaf, check), category, rules_);
    });
  }

 private:
  const Withdrawn& withdrawn_;
  const PersonState& state_;
  const Rules& rules_;
  const Denial* by_number_ = nullptr;
};

// Who recorded a no of hers is told no more than she is.
struct Shown {
  const Rules& rules;
  Reviews reviews;

  [[nodiscard]] bool Has(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check) const {
    return !IsWithheld(leaf.leaf.header, check, rules) || IsShown(reviews, EventOf(leaf));
  }
};

absl::StatusOr<Recipients> CountPermits(audit::Log& log, const std::vector<uint64_t>& leaves,
                                        const Withdrawn& withdrawn, const Touched& touched,
                                        const Shown& shown) {
  Recipients recipients;
  const auto count = [&](const audit::OpenedLeaf& leaf) {
    const std::optional<v1::CheckDecided> check = PermitIn(leaf);
    if (leaf.index >= withdrawn.leaf || !check || !touched.Has(leaf, *check) || !shown.Has(leaf, *check)) {
      return;
    }
    v1::WithdrawnRecipient& recipient = recipients[check->recipient().institution()];
    recipient.set_institution(check->recipient().institution());
    recipient.set_permits(recipient.permits() + 1);
    *recipient.mutable_last_permit() = TimeTo(leaf.leaf.time);
  };
  ASSIGN_OR_RETURN(const size_t unreadable, ForEachReadable(log, leaves, count));
  if (unreadable > 0) {
    log::Error("leaves about somebody do not read: what became of a withdrawal is told without them",
               {log::Field::Count("leaves", static_cast<int64_t>(unreadable))});
  }
  return recipients;
}

// Of several, what is not done goes before what is.
int Rank(const v1::StoredDuty& duty) {
  switch (duty.outcome()) {
    case v1::ERASURE_OUTCOME_ERASED:
      return 1;
    case v1::ERASURE_OUTCOME_NOT_HELD:
      return 2;
    case v1::ERASURE_OUTCOME_KEPT:
      return 3;
    default:
      return 4;
  }
}

// The notice to erase, under any name of hers.
absl::Status AddErasure(Registry& registry, const std::vector<Id128>& names, const Id128& withdrawal,
                        v1::WithdrawnRecipient& recipient) {
  std::optional<v1::StoredDuty> worst;
  for (const Id128& name : names) {
    const Id128 notice = ErasureNoticeId(withdrawal, name, recipient.institution());
    v1::StoredDuty duty;
    ASSIGN_OR_RETURN(const bool asked, registry.store.OpenRowOfName(
                                           name, ErasureDutyRow(recipient.institution(), notice), duty));
    if (asked && (!worst || Rank(*worst) < Rank(duty))) {
      worst = std::move(duty);
    }
  }
  if (worst) {
    *recipient.mutable_erasure_asked() = TimeTo(FromMicros(worst->since()));
    recipient.set_erasure_outcome(worst->outcome());
    if (worst->met() != 0) {
      *recipient.mutable_erasure_answered() = TimeTo(FromMicros(worst->met()));
    }
  }
  return absl::OkStatus();
}

// Others' agreements are not named to it, nor what a link brings (ADR 50).
bool IsOf(const PersonState& state, const std::string& consent, const rpc::Caller& caller) {
  const absl::StatusOr<Id128> id = Id128::FromHex(consent);
  const Agreement* agreement = id.ok() ? state.FindAgreement(*id) : nullptr;
  return agreement != nullptr && agreement->collector == caller.institution;
}

// Those that went on an agreement: she took back no other ground, and of what went on a legal duty nobody
// learns.
absl::Status CountMessages(Registry& registry, const Id128& person, absl::Time withdrawn,
                           v1::WithdrawnRecipient& recipient) {
  ASSIGN_OR_RETURN(const v1::StoredDeliveries sent,
                   ReadDeliveries(registry, person, recipient.institution()));
  for (const v1::StoredDelivery& delivery : sent.deliveries()) {
    if (delivery.ground() != common::v1::GROUND_AGREEMENT) {
      continue;
    }
    const bool delivered = delivery.delivered() != 0 && FromMicros(delivery.delivered()) < withdrawn;
    const bool pulled = delivery.withdrawn() != 0 && FromMicros(delivery.withdrawn()) >= withdrawn;
    recipient.set_delivered(recipient.delivered() + (delivered ? 1 : 0));
    recipient.set_pulled_back(recipient.pulled_back() + (pulled ? 1 : 0));
  }
  return absl::OkStatus();
}

// That it was asked for, about her: an entry of her history, as a reading of it is.
audit::Event ReadEvent(const rpc::ServiceContext& context, const rpc::Call& call, const Id128& person,
                       uint64_t log_size, const v1::GetWithdrawalStatusResponse& response) {
  const rpc::Caller& caller = call.caller;
  audit::Event event = rpc::EventOf(call, {caller.Name(), caller.function, caller.agent},
                                    audit::v1::EVENT_CLASS_HISTORY_READ, "");
  event.event_id = context.random.Id();
  event.subject = PersonSubject(person);
  v1::HistoryRead payload;
  payload.set_log_size(log_size);
  payload.set_shown(static_cast<uint32_t>(response.recipients_size()));
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

}  // namespace

Task<absl::StatusOr<v1::GetWithdrawalStatusResponse>> WithdrawalStatusHandlers::GetWithdrawalStatus(
    rpc::Call call, v1::GetWithdrawalStatusRequest request) {
  CO_RETURN_IF_ERROR(rpc::FreshEnough(registry_.context, request.at_least_as_fresh()));
  CO_RETURN_IF_ERROR(registry_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(registry_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(request.withdrawal_id()));
  co_await ResumeOn(registry_.context.executor);
  audit::Log& log = registry_.context.log;
  const uint64_t log_size = log.state().size;
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> group, registry_.store.GroupOf(person));
  CO_ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, group));
  CO_ASSIGN_OR_RETURN(const Withdrawn withdrawn, FindWithdrawal(log, leaves, id, call));
  CO_ASSIGN_OR_RETURN(const VersionedState now, registry_.store.Load(person));
  const std::shared_ptr<const Rules> rules = registry_.rules.Of(registry_.context.directory());
  const Touched touched(withdrawn, id, *now.state, *rules);
  Shown shown{*rules, {}};
  CO_ASSIGN_OR_RETURN(shown.reviews, ReadReviews(registry_, group));
  CO_ASSIGN_OR_RETURN(Recipients recipients, CountPermits(log, leaves, withdrawn, touched, shown));
  v1::GetWithdrawalStatusResponse response;
  *response.mutable_withdrawn() = TimeTo(withdrawn.time);
  for (const std::string& consent : withdrawn.consents) {
    if (call.caller.is_service() || consent == withdrawn.named || IsOf(*now.state, consent, call.caller)) {
      response.add_consent_ids(consent);
    }
  }
  response.set_routing_known(registry_.teams_known && registry_.teams_known());
  for (auto& [institution, recipient] : recipients) {
    CO_RETURN_IF_ERROR(CountMessages(registry_, person, withdrawn.time, recipient));
    CO_RETURN_IF_ERROR(AddErasure(registry_, group, id, recipient));
    *response.add_recipients() = std::move(recipient);
  }
  const absl::StatusOr<storage::CommitResult> told = co_await rpc::WriteLoneLeaf(
      registry_.context, ReadEvent(registry_.context, call, person, log_size, response));
  if (audit::IsErased(told.status())) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(told.status());
  co_return response;
}

}  // namespace relais::consent
