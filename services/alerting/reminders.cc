#include "services/alerting/reminders.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/proto_time.h"
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
template <typename Payload>
std::vector<Host> KnownHosts(const Payload& leaf, const directory::Directory& directory) {
  std::vector<Host> hosts;
  for (int i = 0; i < leaf.hosts_size() && i < leaf.purposes_size(); ++i) {
    const std::string& institution = leaf.hosts(i);
    const bool again = std::any_of(hosts.begin(), hosts.end(),
                                   [&](const Host& host) { return host.institution == institution; });
    if (!again && directory.FindInstitution(institution) != nullptr && !leaf.purposes(i).empty()) {
      hosts.push_back({institution, leaf.purposes(i)});
    }
  }
  return hosts;
}

// Of a paper or a request, by its id.
std::optional<ReminderEnd> EndOf(const audit::FollowedLeaf& leaf, const std::string& hex) {
  const absl::StatusOr<Id128> about = Id128::FromHex(hex);
  if (!about.ok()) {
    return std::nullopt;
  }
  return ReminderEnd{about->ToBytes(), "", leaf.time, leaf.index};
}

std::vector<v1::Reminder> OfExpiring(const audit::FollowedLeaf& leaf, const directory::Directory& directory,
                                     absl::CivilDay today) {
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
  v1::Reminder reminder;
  reminder.set_person(person->ToBytes());
  reminder.set_about(document->ToBytes());
  reminder.set_type(TypeOf(expiring->type()));
  *reminder.mutable_expires() = expiring->expires();
  reminder.set_days_before(expiring->days_before());
  reminder.set_log_time(absl::ToUnixMicros(leaf.time));
  reminder.set_log_index(leaf.index);
  std::vector<v1::Reminder> out;
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

routing::v1::AskedPapers ContentOf(const v1::AskedPapers& asked, const std::string& request) {
  routing::v1::AskedPapers content;
  if (const absl::StatusOr<Id128> id = Id128::FromBytes(request); id.ok()) {
    content.set_document_request_id(id->ToHex());
  }
  *content.mutable_asker() = asked.asker();
  *content.mutable_types() = asked.types();
  content.set_purpose(asked.purpose());
  *content.mutable_expires() = asked.expires();
  return content;
}

std::vector<v1::Reminder> OfAsked(const audit::FollowedLeaf& leaf, const directory::Directory& directory,
                                  absl::Time now) {
  const std::optional<Id128> person = PersonOf(leaf);
  const auto asked = PayloadOf<vault::v1::DocumentAsked>(leaf);
  if (!person.has_value() || !asked.has_value() || FromProto(asked->expires()) <= now) {
    return {};
  }
  const absl::StatusOr<Id128> request = Id128::FromHex(asked->document_request_id());
  if (!request.ok()) {
    return {};
  }
  v1::Reminder reminder;
  reminder.set_person(person->ToBytes());
  reminder.set_about(request->ToBytes());
  v1::AskedPapers& papers = *reminder.mutable_asked();
  *papers.mutable_asker() = asked->asker();
  for (const int type : asked->types()) {
    if (std::string name = TypeOf(static_cast<vault::v1::DocumentType>(type)); !name.empty()) {
      papers.add_types(std::move(name));
    }
  }
  papers.set_purpose(asked->purpose());
  *papers.mutable_expires() = asked->expires();
  reminder.set_log_time(absl::ToUnixMicros(leaf.time));
  reminder.set_log_index(leaf.index);
  std::vector<v1::Reminder> out;
  for (const Host& host : KnownHosts(*asked, directory)) {
    if (host.institution != asked->asker().institution()) {
      reminder.set_host(host.institution);
      reminder.set_purpose(host.purpose);
      out.push_back(reminder);
    }
  }
  return out;
}

}  // namespace

std::vector<v1::Reminder> RemindersOf(const audit::FollowedLeaf& leaf, const directory::Directory& directory,
                                      const calendar::Paris& paris, absl::Time now) {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING:
      return OfExpiring(leaf, directory, paris.DayOf(now));
    case audit::v1::EVENT_CLASS_DOCUMENT_ASKED:
      return OfAsked(leaf, directory, now);
    default:
      return {};
  }
}

std::optional<ReminderEnd> ReminderEndOf(const audit::FollowedLeaf& leaf) {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED: {
      const auto destroyed = PayloadOf<vault::v1::DocumentDestroyed>(leaf);
      return destroyed.has_value() ? EndOf(leaf, destroyed->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED: {
      const auto changed = PayloadOf<vault::v1::DocumentChanged>(leaf);
      const bool another_day = changed.has_value() &&
                               std::find(changed->fields().begin(), changed->fields().end(), kExpiresField) !=
                                   changed->fields().end();
      return another_day ? EndOf(leaf, changed->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED: {
      const auto deposited = PayloadOf<vault::v1::DocumentDeposited>(leaf);
      const bool renewed = deposited.has_value() && deposited->version() > 1 &&
                           deposited->state() == vault::v1::Document::STATE_ACTIVE;
      return renewed ? EndOf(leaf, deposited->document_id()) : std::nullopt;
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED: {
      const auto request = PayloadOf<vault::v1::DocumentRequestChanged>(leaf);
      const bool decided =
          request.has_value() && request->state() != vault::v1::DocumentRequest::STATE_PENDING;
      return decided ? EndOf(leaf, request->document_request_id()) : std::nullopt;
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

bool Ends(const ReminderEnd& end, const v1::Reminder& reminder) {
  const int64_t time = absl::ToUnixMicros(end.time);
  const bool to_that_host = !reminder.to_referent() && end.host == reminder.host();
  return (end.about.empty() || end.about == reminder.about()) && (end.host.empty() || to_that_host) &&
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

bool IsPast(const v1::Reminder& reminder, absl::Time now) {
  if (reminder.has_asked()) {
    return FromProto(reminder.asked().expires()) <= now;
  }
  return FromDate(reminder.expires()) + 1 < absl::ToCivilDay(now, absl::UTCTimeZone());
}

v1::Alert::State StateAfter(const v1::AlertState& alert, v1::Alert::State fact) {
  const bool pulled_back = IsReminder(alert.rule()) && fact == v1::Alert::STATE_WITHDRAWN;
  return pulled_back ? v1::Alert::STATE_CLOSED : fact;
}

routing::v1::SubmitRequest SubmissionOf(const v1::Reminder& reminder) {
  routing::v1::SubmitRequest request;
  request.mutable_person()->set_person_id(reminder.person());
  request.mutable_sender()->set_institution(reminder.host());
  request.set_purpose(reminder.purpose());
  request.add_categories(std::string(kDocuments));
  if (reminder.has_asked()) {
    *request.mutable_content()->mutable_asked_papers() = ContentOf(reminder.asked(), reminder.about());
    request.set_urgency(routing::v1::URGENCY_ORDINARY);
    request.mutable_audience()->set_kind(routing::v1::Audience::KIND_OWN_DESK);
    return request;
  }
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
  if (const absl::StatusOr<Id128> document = Id128::FromBytes(reminder.about()); document.ok()) {
    paper.set_document_id(document->ToHex());
  }
  return request;
}

}  // namespace relais::alerting
