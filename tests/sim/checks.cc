// What must be true at the end of every schedule.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/merkle/verify.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "tests/sim/leaves.h"
#include "tests/sim/world.h"

namespace relais::sim {
namespace {

// Each promised name occurs exactly once; no name occurs twice.
absl::Status ExactlyOnce(const std::string& what, const std::set<std::string>& promised,
                         const std::map<std::string, int>& found) {
  for (const std::string& name : promised) {
    if (!found.contains(name)) {
      return absl::InternalError(absl::StrCat("lost ", what, " ", name));
    }
  }
  for (const auto& [name, times] : found) {
    if (times != 1) {
      return absl::InternalError(absl::StrCat(what, " ", name, " happened ", times, " times"));
    }
  }
  return absl::OkStatus();
}

// True of an agreement to send, and of a withdrawal of everything. Of her papers she speaks in agreements of
// their own, which the withdrawals of those name.
bool IsOfMessages(const audit::OpenedLeaf& leaf) {
  consent::v1::ConsentRecorded recorded;
  consent::v1::ConsentWithdrawn withdrawn;
  if (Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded)) {
    const auto& lines = recorded.consent().lines();
    return std::any_of(lines.begin(), lines.end(), [](const consent::v1::ConsentLine& line) {
      return std::find(line.acts().begin(), line.acts().end(), common::v1::ACT_TRANSMIT) != line.acts().end();
    });
  }
  return Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn) && withdrawn.consent_id().empty();
}

}  // namespace

// Every log grew from every root that was ever shown, and time never goes back in it.
absl::Status World::CheckLogs() {
  for (audit::Log* log : {consent_->process()->log.get(), routing_->process()->log.get(),
                          alerting_->process()->log.get(), vault_->process()->log.get()}) {
    ASSIGN_OR_RETURN(const auto leaves, AllLeaves(*log));
    for (size_t i = 1; i < leaves.size(); ++i) {
      if (leaves[i].leaf.time < leaves[i - 1].leaf.time) {
        return absl::InternalError(absl::StrCat("time goes back at leaf ", i, " of ", log->origin()));
      }
    }
    const audit::LogState now = log->state();
    for (const SeenRoot& seen : roots_) {
      if (now.origin.find("/" + seen.node + "/") == std::string::npos || seen.size == 0) {
        continue;
      }
      if (seen.size > now.size) {
        return absl::InternalError(absl::StrCat(now.origin, " lost leaves: ", seen.size, " then ", now.size));
      }
      ASSIGN_OR_RETURN(const auto proof, log->Consistency(seen.size, now.size));
      RETURN_IF_ERROR(merkle::VerifyConsistency(seen.size, now.size, seen.root, now.root, proof));
    }
  }
  return absl::OkStatus();
}

// Nothing was sent after routing had followed its revocation, nor later than withdrawal plus lease; and every
// permit was given while she agreed.
absl::Status World::CheckDeliveries() {
  ASSIGN_OR_RETURN(const auto leaves, AllLeaves(*consent_->process()->log));
  std::map<std::string, std::vector<const audit::OpenedLeaf*>> acts;  // of each person, in order
  for (const audit::OpenedLeaf& leaf : leaves) {
    if (IsOfMessages(leaf)) {
      acts[leaf.details.subject().id()].push_back(&leaf);
    }
  }
  const absl::Duration lease = routing::Settings().lease;
  for (const Sent& sent : sent_) {
    const audit::OpenedLeaf& permit = leaves.at(sent.permit_leaf);
    if (permit.leaf.header.event_class() != audit::v1::EVENT_CLASS_CHECK_DECIDED ||
        permit.leaf.header.decision() != common::v1::DECISION_PERMIT ||
        permit.details.subject().id() != sent.person.ToBytes()) {
      return absl::InternalError(
          absl::StrCat("message ", sent.message_id, " was sent without a permit of its own"));
    }
    if (sent.ground != common::v1::GROUND_AGREEMENT) {
      continue;
    }
    bool agreed = false;
    for (const audit::OpenedLeaf* act : acts[sent.person.ToBytes()]) {
      const bool withdrawal = act->leaf.header.event_class() == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN;
      if (act->index < sent.permit_leaf) {
        agreed = !withdrawal;
      } else if (withdrawal && act->index < sent.applied) {
        return absl::InternalError(absl::StrCat("message ", sent.message_id, " was sent after leaf ",
                                                act->index, " revoked it and routing had applied ",
                                                sent.applied));
      } else if (withdrawal && sent.at > act->leaf.time + lease + kCommit) {
        return absl::InternalError(absl::StrCat("message ", sent.message_id, " was sent ",
                                                absl::FormatDuration(sent.at - act->leaf.time),
                                                " after she withdrew, beyond the lease"));
      }
    }
    if (!agreed) {
      return absl::InternalError(
          absl::StrCat("message ", sent.message_id, " had a permit although she did not agree"));
    }
  }
  return absl::OkStatus();
}

absl::Status World::CheckPromises() {
  std::map<std::string, int> consents;
  std::map<std::string, int> expiries;
  std::map<std::string, int> rows;
  std::map<std::string, int> submitted;
  std::map<std::string, int> delivered;
  std::map<std::string, int> taken;
  ASSIGN_OR_RETURN(const auto in_consent, AllLeaves(*consent_->process()->log));
  for (const auto& leaf : in_consent) {
    consent::v1::ConsentRecorded recorded;
    consent::v1::ConsentExpired expired;
    if (Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_EXPIRED, expired)) {
      ++expiries[expired.consent_id()];
      if (leaf.leaf.time < FromProto(expired.ended())) {
        return absl::InternalError(
            absl::StrCat("agreement ", expired.consent_id(), " expired before its end"));
      }
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded)) {
      ++consents[recorded.consent().consent_id()];
    }
  }
  ASSIGN_OR_RETURN(const auto in_alerting, AllLeaves(*alerting_->process()->log));
  for (const auto& leaf : in_alerting) {
    alerting::v1::SignalAccepted accepted;
    if (Unpack(leaf, audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, accepted)) {
      ++rows[accepted.reference()];
    }
  }
  ASSIGN_OR_RETURN(const auto in_routing, AllLeaves(*routing_->process()->log));
  for (const auto& leaf : in_routing) {
    routing::v1::MessageSubmitted submission;
    routing::v1::MessageDelivered delivery;
    routing::v1::MessageTaken take;
    if (Unpack(leaf, audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, submission)) {
      ++submitted[submission.message_id()];
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, delivery)) {
      ++delivered[delivery.message_id()];
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_MESSAGE_TAKEN, take)) {
      ++taken[take.message_id()];
    }
  }
  RETURN_IF_ERROR(ExactlyOnce("consent", promises_.consents, consents));
  RETURN_IF_ERROR(ExactlyOnce("expiry", promises_.expiring, expiries));
  RETURN_IF_ERROR(ExactlyOnce("row", promises_.accepted_rows, rows));
  RETURN_IF_ERROR(ExactlyOnce("message", promises_.messages, submitted));
  RETURN_IF_ERROR(ExactlyOnce("acknowledgement", promises_.acknowledged, delivered));
  return ExactlyOnce("take", promises_.taken, taken);
}

// Every accepted cut raised one alert, which went out once or was not permitted; none is left pending.
absl::Status World::CheckAlerts() {
  ASSIGN_OR_RETURN(const auto leaves, AllLeaves(*alerting_->process()->log));
  size_t cuts = 0;
  std::map<std::string, alerting::v1::Alert::State> alerts;
  for (const auto& leaf : leaves) {
    alerting::v1::SignalAccepted accepted;
    alerting::v1::AlertChanged changed;
    if (Unpack(leaf, audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED, accepted) && accepted.event() == "COUPURE") {
      ++cuts;
    } else if (Unpack(leaf, audit::v1::EVENT_CLASS_ALERT_CHANGED, changed)) {
      alerts[changed.alert_id()] = changed.state();
    }
  }
  if (alerts.size() != cuts) {
    return absl::InternalError(absl::StrCat(cuts, " cuts raised ", alerts.size(), " alerts"));
  }
  for (const auto& [id, state] : alerts) {
    if (state == alerting::v1::Alert::STATE_PENDING_CONSENT) {
      return absl::InternalError(absl::StrCat("alert ", id, " is still pending"));
    }
  }
  std::map<std::string, int> sent;
  ASSIGN_OR_RETURN(const auto in_routing, AllLeaves(*routing_->process()->log));
  for (const auto& leaf : in_routing) {
    routing::v1::MessageSubmitted submission;
    if (Unpack(leaf, audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, submission) &&
        !submission.correlation().empty()) {
      if (++sent[submission.correlation()] > 1) {
        return absl::InternalError("an alert was sent twice");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace relais::sim
