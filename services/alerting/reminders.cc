#include "services/alerting/reminders.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "relais/vault/v1/events.pb.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/rows.h"

namespace relais::alerting {
namespace {

constexpr std::string_view kDocuments = "DOCUMENTS";
constexpr std::string_view kTypePrefix = "DOCUMENT_TYPE_";
constexpr std::string_view kExpiresField = "expires";
constexpr uint32_t kLastReminder = 15;
// Of every end: who reads it may not tell one from another.
constexpr std::string_view kNoLonger = "ce rappel ne vaut plus / this reminder no longer holds";

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

template <typename Payload>
std::optional<Payload> PayloadOf(const audit::FollowedLeaf& leaf) {
  Payload payload;
  if (!leaf.details.payload().UnpackTo(&payload)) {
    return std::nullopt;
  }
  return payload;
}

// Empty for what a reminder may not say: only its own category may be agreed to for that (D-2.7).
std::string TypeOf(vault::v1::DocumentType type) {
  if (type == vault::v1::DOCUMENT_TYPE_UNSPECIFIED || type == vault::v1::DOCUMENT_TYPE_MEDICAL ||
      type == vault::v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT) {
    return "";
  }
  const std::string& name = vault::v1::DocumentType_Name(type);
  return name.size() > kTypePrefix.size() ? name.substr(kTypePrefix.size()) : "";
}

struct Host {
  std::string institution;
  std::string purpose;
};

// In the leaf's order. One whose purpose is not said, as in a leaf of an earlier build, may be told nothing.
std::vector<Host> KnownHosts(const vault::v1::DocumentExpiring& expiring,
                             const directory::Directory& directory) {
  std::vector<Host> hosts;
  for (int i = 0; i < expiring.hosts_size() && i < expiring.purposes_size(); ++i) {
    const std::string& institution = expiring.hosts(i);
    const bool again = std::any_of(hosts.begin(), hosts.end(),
                                   [&](const Host& host) { return host.institution == institution; });
    if (!again && directory.FindInstitution(institution) != nullptr && !expiring.purposes(i).empty()) {
      hosts.push_back({institution, expiring.purposes(i)});
    }
  }
  return hosts;
}

std::optional<ReminderEnd> EndOfPaper(const audit::FollowedLeaf& leaf, const std::string& document_id) {
  const absl::StatusOr<Id128> document = Id128::FromHex(document_id);
  if (!document.ok()) {
    return std::nullopt;
  }
  return ReminderEnd{document->ToBytes(), "", leaf.time, leaf.index};
}

}  // namespace

std::vector<v1::ExpiringPaper> RemindersOf(const audit::FollowedLeaf& leaf,
                                           const directory::Directory& directory, absl::CivilDay today) {
  const std::optional<Id128> person = PersonOf(leaf);
  const auto expiring = PayloadOf<vault::v1::DocumentExpiring>(leaf);
  if (!person.has_value() || !expiring.has_value() || FromDate(expiring->expires()) < today) {
    return {};
  }
  const absl::StatusOr<Id128> document = Id128::FromHex(expiring->document_id());
  const std::vector<Host> hosts = KnownHosts(*expiring, directory);
  if (!document.ok() || hosts.empty()) {
    return {};
  }
  v1::ExpiringPaper reminder;
  reminder.set_person(person->ToBytes());
  reminder.set_document(document->ToBytes());
  reminder.set_type(TypeOf(expiring->type()));
  *reminder.mutable_expires() = expiring->expires();
  reminder.set_days_before(expiring->days_before());
  reminder.set_log_time(absl::ToUnixMicros(leaf.time));
  reminder.set_log_index(leaf.index);
  std::vector<v1::ExpiringPaper> out;
  for (const Host& host : hosts) {
    reminder.set_host(host.institution);
    reminder.set_purpose(host.purpose);
    out.push_back(reminder);
  }
  reminder.set_host(hosts.front().institution);
  reminder.set_purpose(hosts.front().purpose);
  reminder.set_to_referent(true);
  for (const Host& host : hosts) {
    reminder.add_told(host.institution);
  }
  out.push_back(std::move(reminder));
  return out;
}

std::optional<ReminderEnd> ReminderEndOf(const audit::FollowedLeaf& leaf) {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED: {
      const auto destroyed = PayloadOf<vault::v1::DocumentDestroyed>(leaf);
      return destroyed.has_value() ? EndOfPaper(leaf, destroyed->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED: {
      const auto changed = PayloadOf<vault::v1::DocumentChanged>(leaf);
      const bool another_day = changed.has_value() &&
                               std::find(changed->fields().begin(), changed->fields().end(), kExpiresField) !=
                                   changed->fields().end();
      return another_day ? EndOfPaper(leaf, changed->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED: {
      const auto deposited = PayloadOf<vault::v1::DocumentDeposited>(leaf);
      const bool renewed = deposited.has_value() && deposited->version() > 1 &&
                           deposited->state() == vault::v1::Document::STATE_ACTIVE;
      return renewed ? EndOfPaper(leaf, deposited->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_HOST_CHANGED: {
      const auto host = PayloadOf<vault::v1::HostChanged>(leaf);
      if (!host.has_value() || host->institution().empty() ||
          host->state() == vault::v1::Host::STATE_ACTIVE ||
          host->state() == vault::v1::Host::STATE_SUSPENDED) {  // routing asks consent when it delivers
        return std::nullopt;
      }
      return ReminderEnd{"", host->institution(), leaf.time, leaf.index};
    }
    default:
      return std::nullopt;
  }
}

bool Ends(const ReminderEnd& end, const v1::ExpiringPaper& reminder) {
  const int64_t time = absl::ToUnixMicros(end.time);
  const bool to_that_host = !reminder.to_referent() && end.host == reminder.host();
  return (end.document.empty() || end.document == reminder.document()) &&
         (end.host.empty() || to_that_host) &&
         std::make_tuple(reminder.log_time(), reminder.log_index()) < std::make_tuple(time, end.index);
}

bool EndReminder(v1::AlertState& alert) {
  if (alert.state() != v1::Alert::STATE_TAKEN) {
    return Advance(alert, v1::Alert::STATE_CLOSED);
  }
  if (std::find(alert.notes().begin(), alert.notes().end(), kNoLonger) != alert.notes().end()) {
    return false;
  }
  alert.add_notes(std::string(kNoLonger));
  return true;
}

v1::Alert::State StateAfter(const v1::AlertState& alert, v1::Alert::State fact) {
  const bool pulled_back = alert.rule() == kPaperExpiring && fact == v1::Alert::STATE_WITHDRAWN;
  return pulled_back ? v1::Alert::STATE_CLOSED : fact;
}

routing::v1::SubmitRequest SubmissionOf(const v1::ExpiringPaper& reminder) {
  routing::v1::SubmitRequest request;
  request.mutable_person()->set_person_id(reminder.person());
  request.mutable_sender()->set_institution(reminder.host());
  request.set_purpose(reminder.purpose());
  request.add_categories(std::string(kDocuments));
  routing::v1::ExpiringPaper& paper = *request.mutable_content()->mutable_expiring_paper();
  paper.set_type(reminder.type());
  *paper.mutable_expires() = reminder.expires();
  paper.set_days_before(reminder.days_before());
  request.set_urgency(reminder.days_before() <= kLastReminder ? routing::v1::URGENCY_CONCERN
                                                              : routing::v1::URGENCY_ORDINARY);
  routing::v1::Audience& audience = *request.mutable_audience();
  if (reminder.to_referent()) {
    audience.set_kind(routing::v1::Audience::KIND_REFERENT);
    *audience.mutable_told() = reminder.told();
    return request;
  }
  audience.set_kind(routing::v1::Audience::KIND_OWN_DESK);
  if (const absl::StatusOr<Id128> document = Id128::FromBytes(reminder.document()); document.ok()) {
    paper.set_document_id(document->ToHex());
  }
  return request;
}

}  // namespace relais::alerting
