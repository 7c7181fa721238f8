// Random events about a few persons, institutions and words, and a reading of filters over them that shares
// nothing with the code it judges.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/query.h"
#include "common/audit/testing/log_harness.h"

namespace relais::audit::testing {

/// What was appended, leaf by leaf.
struct KnownLeaf {
  Event event;
  absl::Time time;
  bool erased = false;
  bool actor_gone = false;
};

class RandomLeaves {
 public:
  static constexpr uint64_t kPersons = 12;

  explicit RandomLeaves(relais::testing::SeededRandom& random) : random_(random) {}

  Event Next(absl::Time /*now*/) {
    Event event;
    event.event_class = Pick<audit::v1::EventClass>(
        {audit::v1::EVENT_CLASS_CHECK_DECIDED, audit::v1::EVENT_CLASS_CHECK_DECIDED,
         audit::v1::EVENT_CLASS_CONSENT_RECORDED, audit::v1::EVENT_CLASS_MESSAGE_TAKEN,
         audit::v1::EVENT_CLASS_CALL_REFUSED});
    event.institution = Institution();
    event.directory_version = 1 + Below(3);
    event.ground = static_cast<common::v1::Ground>(Below(4));
    event.decision = static_cast<common::v1::Decision>(Below(3));
    event.purpose = Pick<std::string>({"", "RIGHTS_OPENING", "SOCIAL_SUPPORT"});
    for (const char* category : {"HEALTH", "IDENTITY", "RESOURCES"}) {
      if (Below(2) == 0) {
        event.categories.emplace_back(category);
      }
    }
    if (Below(5) != 0) {
      event.subject = Person(Below(kPersons));
    }
    if (Below(2) == 0) {
      event.details.mutable_recipient()->set_institution(Institution());
    }
    event.details.set_relation(Pick<std::string>({"", "DESK", "NONE"}));
    event.details.set_denial_reason(Pick<std::string>({"", "", "REASON_REFUSED", "REASON_EXPIRED"}));
    event.actor.set_agent(Pick<std::string>({"", "agent-1", "agent-2", "agent-3"}));
    event.actor.set_certificate(Pick<std::string>({"", std::string(64, 'a'), std::string(64, 'b')}));
    return event;
  }

  LeafQuery Query(absl::Time first, absl::Time last) {
    LeafQuery query;
    const auto sometimes = [this] { return Below(6) == 0; };
    query.subject = sometimes() ? std::optional<Subject>(Person(Below(kPersons + 2))) : std::nullopt;
    query.institution = sometimes() ? Institution() : "";
    query.recipient = sometimes() ? Institution() : "";
    query.purpose = sometimes() ? "RIGHTS_OPENING" : "";
    query.category = sometimes() ? "HEALTH" : "";
    query.ground = sometimes() ? common::v1::GROUND_AGREEMENT : common::v1::GROUND_UNSPECIFIED;
    query.decision = sometimes() ? common::v1::DECISION_DENY : common::v1::DECISION_UNSPECIFIED;
    query.denial_reason = sometimes() ? "REASON_EXPIRED" : "";
    if (sometimes()) {
      query.event_classes = {audit::v1::EVENT_CLASS_CONSENT_RECORDED, audit::v1::EVENT_CLASS_MESSAGE_TAKEN};
    }
    query.relation = sometimes() ? "DESK" : "";
    if (sometimes()) {
      query.institution = Institution();
      query.agent = "agent-2";
    }
    query.certificate = sometimes() ? std::string(64, 'b') : "";
    query.directory_version = sometimes() ? 2 : 0;
    const absl::Duration span = last - first;
    query.from = sometimes() ? first + span * (Below(100) / 100.0) : absl::InfinitePast();
    query.to = sometimes() ? first + span * (Below(110) / 100.0) : absl::InfiniteFuture();
    query.own = sometimes() ? Institution() : "";
    return query;
  }

  uint64_t Below(uint64_t bound) {
    const std::string bytes = random_.Bytes(4);
    uint64_t value = 0;
    for (const char c : bytes) {
      value = value << 8 | static_cast<uint8_t>(c);
    }
    return value % bound;
  }

 private:
  template <typename T>
  T Pick(std::vector<T> values) {
    return values[Below(values.size())];
  }
  std::string Institution() { return Pick<std::string>({"ville-paris", "ville-paris", "caf", "edf"}); }

  relais::testing::SeededRandom& random_;
};

/// Whether the leaf satisfies the query, told from what was appended.
inline bool Satisfies(const LeafQuery& query, const KnownLeaf& leaf) {
  const Event& event = leaf.event;
  const std::string recipient = leaf.erased ? "" : event.details.recipient().institution();
  if (query.subject && (leaf.erased || event.subject != query.subject)) {
    return false;
  }
  if (!query.own.empty() && event.institution != query.own && recipient != query.own) {
    return false;
  }
  if (leaf.erased && !(query.recipient + query.relation + query.denial_reason).empty()) {
    return false;
  }
  const auto differs = [](const std::string& wanted, const std::string& has) {
    return !wanted.empty() && wanted != has;
  };
  if (differs(query.institution, event.institution) || differs(query.recipient, recipient) ||
      differs(query.purpose, event.purpose) || differs(query.relation, event.details.relation()) ||
      differs(query.denial_reason, event.details.denial_reason())) {
    return false;
  }
  if (!query.agent.empty() || !query.certificate.empty()) {
    if (leaf.actor_gone || differs(query.agent, event.actor.agent()) ||
        differs(query.certificate, event.actor.certificate()) || differs(query.own, event.institution)) {
      return false;
    }
  }
  if (!query.category.empty() &&
      std::count(event.categories.begin(), event.categories.end(), query.category) == 0) {
    return false;
  }
  if (query.ground != common::v1::GROUND_UNSPECIFIED && query.ground != event.ground) {
    return false;
  }
  if (query.decision != common::v1::DECISION_UNSPECIFIED && query.decision != event.decision) {
    return false;
  }
  if (!query.event_classes.empty() && query.event_classes.count(event.event_class) == 0) {
    return false;
  }
  if (query.directory_version != 0 && query.directory_version != event.directory_version) {
    return false;
  }
  return query.from <= leaf.time && leaf.time < query.to;
}

}  // namespace relais::audit::testing
