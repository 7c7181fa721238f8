#include "services/consent/duties.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/audit/does_not_read.h"
#include "common/audit/passed_over.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/storage/salvage.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/period.h"
#include "services/consent/erased_notices.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/telling_erased.h"

namespace relais::consent {
namespace {

constexpr size_t kDueBytes = 8;
constexpr size_t kKeyBytes = kDueBytes + 1 + Id128::kSize;
constexpr size_t kScanPage = 200;
constexpr size_t kMostLooked = 5000;  // entries of one listing
constexpr char kRectify[] = "/rectify/";

// What a listing goes through, in this order; also the first byte of its page token.
enum class List : char { kReviews = 'r', kDuties = 'd', kErased = 'e' };

bool IsReview(v1::DutyKind kind) { return kind == v1::DUTY_KIND_REVIEW_EMERGENCY; }

List ListOf(v1::DutyKind kind) {
  if (IsReview(kind)) {
    return List::kReviews;
  }
  return kind == v1::DUTY_KIND_ERASE_ON_ERASURE ? List::kErased : List::kDuties;
}

storage::Partition BucketOf(const rpc::ServiceContext& context, std::string_view institution, bool reviews) {
  return context.idempotency.Bucket(reviews ? "review" : "duty", institution, "");
}

std::string KeyOf(const DutyName& duty) {
  return absl::StrCat(storage::EncodeBigEndian64(static_cast<uint64_t>(Micros(duty.due))),
                      std::string(1, static_cast<char>(duty.kind)), duty.id.ToBytes());
}

struct Entry {
  DutyName duty;
  bool escalated = false;
};

absl::StatusOr<Entry> EntryOf(std::string_view institution, const storage::KeyedEntry& row) {
  v1::DutyEntry stored;
  const std::string& key = row.key;
  if (key.size() != kKeyBytes || !stored.ParseFromString(row.entry.value)) {
    return absl::DataLossError("an entry of the duties does not parse");
  }
  Entry entry;
  DutyName& duty = entry.duty;
  duty.institution = std::string(institution);
  ASSIGN_OR_RETURN(const uint64_t due, storage::DecodeBigEndian64(key.substr(0, kDueBytes)));
  duty.due = FromMicros(static_cast<int64_t>(due));
  duty.kind = static_cast<v1::DutyKind>(key[kDueBytes]);
  ASSIGN_OR_RETURN(duty.id, Id128::FromBytes(key.substr(kDueBytes + 1)));
  ASSIGN_OR_RETURN(duty.person, Id128::FromBytes(stored.person_id()));
  entry.escalated = stored.escalated();
  return entry;
}

bool IsOfEmergency(v1::DutyKind kind) {
  return IsReview(kind) || kind == v1::DUTY_KIND_INFORM_AFTER_EMERGENCY;
}

// What an entry is about, if it is still owed.
struct Owed {
  absl::Time since;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  Emergency emergency;
  google::protobuf::RepeatedPtrField<v1::ErasureItem> items;  // of a notice to erase
  v1::RectifiedFields rectified;                              // of a notice of a rectification
};

// The row of hers that says what became of a duty that is no emergency's.
std::string RowOf(const DutyName& duty) {
  switch (duty.kind) {
    case v1::DUTY_KIND_ANSWER_ERASURE:
      return ErasureDutyRow(duty.institution, duty.id);
    case v1::DUTY_KIND_ANSWER_RECTIFICATION:
      return RectificationDutyRow(duty.institution, duty.id);
    default:
      return DutyRow(duty.institution);
  }
}

absl::StatusOr<std::optional<Owed>> OwedOfEmergency(Registry& registry, const DutyName& duty) {
  const absl::StatusOr<VersionedState> loaded = registry.store.Load(duty.person);
  if (absl::IsNotFound(loaded.status())) {
    return std::optional<Owed>();
  }
  RETURN_IF_ERROR(loaded.status());
  const Emergency* emergency = loaded->state->FindEmergency(duty.id);
  if (emergency == nullptr || emergency->recipient != duty.institution ||
      (IsReview(duty.kind) ? emergency->reviewed : emergency->informed)) {
    return std::optional<Owed>();
  }
  // An act that was tried again left an entry of its first instant.
  const DutyName real = IsReview(duty.kind)
                            ? ReviewOf(duty.person, *emergency)
                            : InformationAfter(duty.person, *emergency, registry.paris.zone());
  if (real.due != duty.due) {
    return std::optional<Owed>();
  }
  Owed owed;
  owed.since = emergency->from;
  owed.emergency = *emergency;
  return std::optional(std::move(owed));
}

absl::StatusOr<std::optional<Owed>> OwedOf(Registry& registry, const DutyName& duty) {
  if (IsOfEmergency(duty.kind)) {
    return OwedOfEmergency(registry, duty);
  }
  v1::StoredDuty stored;
  const absl::StatusOr<bool> opened = registry.store.OpenRowOfName(duty.person, RowOf(duty), stored);
  if (absl::IsNotFound(opened.status()) || (opened.ok() && !*opened)) {
    return std::optional<Owed>();
  }
  RETURN_IF_ERROR(opened.status());
  if (stored.id() != duty.id.ToBytes() || stored.due() != Micros(duty.due) || stored.met() != 0) {
    return std::optional<Owed>();
  }
  Owed owed;
  owed.since = FromMicros(stored.since());
  owed.ground = stored.ground();
  owed.items = stored.items();
  owed.rectified = stored.rectified();
  return std::optional(std::move(owed));
}

void AppendDuty(const DutyName& duty, bool escalated, Owed owed, absl::Time now, DutyPage& page) {
  v1::Duty out;
  out.set_kind(duty.kind);
  *out.mutable_due() = TimeTo(duty.due);
  *out.mutable_since() = TimeTo(owed.since);
  out.set_overdue(now > duty.due);
  if (IsOfEmergency(duty.kind)) {
    out.set_emergency_id(duty.id.ToHex());
  } else if (duty.kind == v1::DUTY_KIND_ANSWER_ERASURE) {
    out.set_notice_id(duty.id.ToHex());
    *out.mutable_erase() = std::move(owed.items);
  } else if (duty.kind == v1::DUTY_KIND_ANSWER_RECTIFICATION) {
    out.set_notice_id(duty.id.ToHex());
    *out.mutable_rectify() = std::move(owed.rectified);
  }
  out.set_ground(owed.ground);
  page.duties.push_back(std::move(out));
  page.persons.push_back(duty.person);
  page.emergencies.push_back(std::move(owed.emergency));
  page.escalated.push_back(escalated);
}

// The place in a listing: which list, then the key to go on from.
struct Place {
  List list = List::kReviews;
  std::string key;
};

absl::StatusOr<Place> PlaceOf(const std::string& token) {
  Place place;
  if (token.empty()) {
    return place;
  }
  std::string raw;
  const absl::Status another = rpc::InvalidField("page_token", "is not one of this method's");
  if (!absl::WebSafeBase64Unescape(token, &raw) || raw.empty()) {
    return another;
  }
  place.list = static_cast<List>(raw[0]);
  place.key = raw.substr(1);
  switch (place.list) {
    case List::kReviews:
    case List::kDuties:
      return place.key.size() == kKeyBytes ? absl::StatusOr<Place>(std::move(place)) : another;
    case List::kErased:
      return IsPlaceOfErasedNotice(place.key) ? absl::StatusOr<Place>(std::move(place)) : another;
  }
  return another;
}

std::string TokenOf(List list, const std::string& key) {
  return absl::WebSafeBase64Escape(std::string(1, static_cast<char>(list)) + key);
}

// Of one bucket, from `key` on; `page.next` says where the page ended if it is full or enough was looked at.
absl::Status ListBucket(Registry& registry, const DutyFilter& filter, List list, std::string key,
                        absl::Time now, size_t& looked, DutyPage& page) {
  const storage::Partition bucket = BucketOf(registry.context, filter.institution, list == List::kReviews);
  do {
    ASSIGN_OR_RETURN(const storage::SalvagedPage some,
                     storage::Salvage(registry.context.store, bucket, "", key, kScanPage));
    page.unreadable += static_cast<uint32_t>(some.gaps.size());
    for (const storage::KeyedEntry& row : some.entries) {
      const absl::StatusOr<Entry> entry = EntryOf(filter.institution, row);
      if (audit::DoesNotRead(entry.status())) {
        ++page.unreadable;
        continue;
      }
      RETURN_IF_ERROR(entry.status());
      if (page.duties.size() >= filter.most || looked++ >= kMostLooked) {
        page.next = TokenOf(list, row.key);
        return absl::OkStatus();
      }
      const DutyName& duty = entry->duty;
      if (filter.overdue_only && now <= duty.due) {
        return absl::OkStatus();  // nor is what follows
      }
      if (filter.kind != v1::DUTY_KIND_UNSPECIFIED && filter.kind != duty.kind) {
        continue;
      }
      absl::StatusOr<std::optional<Owed>> owed = OwedOf(registry, duty);
      if (audit::DoesNotRead(owed.status())) {
        ++page.unreadable;
        continue;
      }
      RETURN_IF_ERROR(owed.status());
      if (owed->has_value()) {
        AppendDuty(duty, entry->escalated, **std::move(owed), now, page);
      }
    }
    key = some.next;
  } while (!key.empty());
  return absl::OkStatus();
}

absl::Status ListErased(Registry& registry, const DutyFilter& filter, const std::string& key, absl::Time now,
                        DutyPage& page) {
  const size_t room = filter.most - std::min(filter.most, page.duties.size());
  ASSIGN_OR_RETURN(OwedErasedNotices owed,
                   ListErasedNotices(registry, filter.institution, filter.overdue_only, key, room, now));
  for (v1::Duty& duty : owed.duties) {
    page.duties.push_back(std::move(duty));
    page.persons.emplace_back();
    page.emergencies.emplace_back();
    page.escalated.push_back(false);
  }
  page.unreadable += owed.unreadable;
  page.next = owed.next.empty() ? "" : TokenOf(List::kErased, owed.next);
  return absl::OkStatus();
}

}  // namespace

std::string DutyRow(std::string_view institution) {
  return std::string(kDutyPrefix) + std::string(institution);
}

std::string ErasureDutyRow(std::string_view institution, const Id128& notice) {
  return absl::StrCat(DutyRow(institution), "/", notice.ToHex());
}

std::string RectificationDutyRow(std::string_view institution, const Id128& notice) {
  return absl::StrCat(DutyRow(institution), kRectify, notice.ToHex());
}

NoticeTimes TimesOfNotice(const calendar::Paris& paris, absl::Time cause) {
  const absl::Time after = absl::FromCivil(paris.DayOf(cause) + 1, paris.zone());
  return {after - absl::Hours(24), WholeMicros(AddMonths(after, 1, paris.zone()))};
}

storage::CommitRequest AddDuty(const rpc::ServiceContext& context, const DutyName& duty, bool escalated) {
  v1::DutyEntry entry;
  entry.set_person_id(duty.person.ToBytes());
  entry.set_escalated(escalated);
  storage::CommitRequest commit;
  commit.partition = BucketOf(context, duty.institution, IsReview(duty.kind));
  commit.batch.push_back({KeyOf(duty), entry.SerializeAsString()});
  return commit;
}

storage::CommitRequest RemoveDuty(const rpc::ServiceContext& context, const DutyName& duty) {
  storage::CommitRequest commit;
  commit.partition = BucketOf(context, duty.institution, IsReview(duty.kind));
  commit.batch.push_back({KeyOf(duty), std::nullopt});
  return commit;
}

DutyName ReviewOf(const Id128& person, const Emergency& emergency) {
  return {emergency.recipient, person, v1::DUTY_KIND_REVIEW_EMERGENCY, emergency.id,
          emergency.from + kReviewWithin};
}

DutyName InformationAfter(const Id128& person, const Emergency& emergency, absl::TimeZone zone) {
  return {emergency.recipient, person, v1::DUTY_KIND_INFORM_AFTER_EMERGENCY, emergency.id,
          WholeMicros(AddMonths(emergency.from, 1, zone))};
}

absl::StatusOr<DutyPage> ListDuties(Registry& registry, const DutyFilter& filter, absl::Time now) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(filter.from));
  DutyPage page;
  size_t looked = 0;
  bool begun = false;
  for (const List list : {List::kReviews, List::kDuties, List::kErased}) {
    begun = begun || list == place.list;
    if (!begun || (filter.kind != v1::DUTY_KIND_UNSPECIFIED && list != ListOf(filter.kind))) {
      continue;
    }
    const std::string from = list == place.list ? place.key : std::string();
    RETURN_IF_ERROR(list == List::kErased ? ListErased(registry, filter, from, now, page)
                                          : ListBucket(registry, filter, list, from, now, looked, page));
    if (!page.next.empty()) {
      break;
    }
  }
  return page;
}

// ---- erasure

namespace {

// A row of hers by its plain key; nothing when her key is gone.
absl::Status AddDutyOfRow(Registry& registry, const Id128& person, const std::string& key,
                          const std::string& sealed, std::vector<DutyName>& duties) {
  v1::StoredDuty stored;
  const absl::Status opened = registry.store.OpenFrozen(person, key, sealed, stored);
  if (absl::IsNotFound(opened)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(opened);
  ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(stored.id()));
  const std::string name = key.substr(kDutyPrefix.size());
  const size_t slash = name.find('/');  // an institution's id has none
  duties.push_back({name.substr(0, slash), person,
                    slash == std::string::npos                 ? v1::DUTY_KIND_INFORM_FIRST_CONTACT
                    : name.substr(slash).starts_with(kRectify) ? v1::DUTY_KIND_ANSWER_RECTIFICATION
                                                               : v1::DUTY_KIND_ANSWER_ERASURE,
                    id, FromMicros(stored.due())});
  return absl::OkStatus();
}

// Her own, and those of persons linked to her, whose rows are kept here under their names.
absl::Status AddDutiesIn(Registry& registry, const Id128& person, std::vector<DutyName>& duties) {
  const storage::Partition partition = PersonPartition(person);
  for (const std::string& prefix : {std::string(kDutyPrefix), std::string(kNamesPrefix)}) {
    std::string from;
    do {
      ASSIGN_OR_RETURN(const storage::Page page,
                       registry.context.store.Scan(partition, prefix, from, kScanPage));
      for (const storage::KeyedEntry& row : page.entries) {
        Id128 name = person;
        std::string key = row.key;
        if (prefix == kNamesPrefix) {
          ASSIGN_OR_RETURN(name, Id128::FromBytes(key.substr(kNamesPrefix.size(), Id128::kSize)));
          key = key.substr(NamePrefix(name).size());
        }
        if (key.starts_with(kDutyPrefix)) {
          RETURN_IF_ERROR(AddDutyOfRow(registry, name, key, row.entry.value, duties));
        }
      }
      from = page.next;
    } while (!from.empty());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DutyName>> DutiesAbout(Registry& registry, const Id128& person) {
  std::vector<DutyName> duties;
  const storage::Partition partition = PersonPartition(person);
  RETURN_IF_ERROR(AddDutiesIn(registry, person, duties));
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   registry.context.store.Get(partition, kStateKey));
  v1::StoredPerson stored;
  if (!entry) {
    return duties;
  }
  const absl::Status opened = registry.store.OpenFrozen(person, kStateKey, entry->value, stored);
  if (absl::IsNotFound(opened)) {
    return duties;
  }
  RETURN_IF_ERROR(opened);
  ASSIGN_OR_RETURN(const PersonState state, StateFrom(stored));
  for (const Emergency& emergency : state.emergencies()) {
    const Id128 name = emergency.origin.of.IsZero() ? person : emergency.origin.of;
    duties.push_back(ReviewOf(name, emergency));
    duties.push_back(InformationAfter(name, emergency, registry.paris.zone()));
  }
  return duties;
}

}  // namespace

Task<absl::Status> ForgetDuties(Registry& registry, Id128 person) {
  const absl::Status told = co_await TellOfErasure(registry, person);
  CO_RETURN_IF_ERROR(told);
  CO_ASSIGN_OR_RETURN(const std::vector<DutyName> duties, DutiesAbout(registry, person));
  for (const DutyName& duty : duties) {
    storage::CommitRequest gone = RemoveDuty(registry.context, duty);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(gone));
    CO_RETURN_IF_ERROR(done.status());
  }
  co_return absl::OkStatus();
}

// ---- escalation

namespace {

// An entry comes before its emergency: one whose emergency is not there yet waits, longer than any call.
constexpr absl::Duration kOrphanAfter = absl::Hours(1);

Id128 EscalationId(const Id128& emergency) {
  const std::string digest = crypto::Sha256("relais emergency review overdue v1" + emergency.ToBytes());
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

audit::Event OverdueEvent(const rpc::ServiceContext& context, const DutyName& duty,
                          const Emergency& emergency) {
  rpc::Call call;
  call.caller.kind = rpc::Caller::Kind::kService;
  call.caller.service = "consent";
  call.directory = context.directory();
  audit::Event event =
      rpc::EventOf(call, {call.caller.Name(), "", ""}, audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE, "");
  event.event_id = EscalationId(duty.id);
  event.ground = common::v1::GROUND_EMERGENCY;
  event.categories = emergency.categories;
  event.details.mutable_recipient()->set_institution(duty.institution);
  v1::EmergencyReviewOverdue payload;
  payload.set_emergency_id(duty.id.ToHex());
  payload.set_institution(duty.institution);
  *payload.mutable_due() = TimeTo(duty.due);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

Task<absl::StatusOr<int>> Escalate(Registry& registry, DutyName duty) {
  PlanChange plan = [&registry, duty](const PersonState& state,
                                      absl::Time /*instant*/) -> std::optional<PlannedChange> {
    const Emergency* emergency = state.FindEmergency(duty.id);
    if (emergency == nullptr || emergency->reviewed) {
      return std::nullopt;
    }
    return PlannedChange{state, OverdueEvent(registry.context, duty, *emergency)};
  };
  const std::string once = EventRow(EscalationId(duty.id));
  const absl::StatusOr<std::optional<storage::LeafRange>> leaves =
      co_await ChangeState(registry.context, registry.store, duty.person, once, std::move(plan));
  CO_RETURN_IF_ERROR(leaves.status());
  storage::CommitRequest flagged = AddDuty(registry.context, duty, true);
  const absl::StatusOr<storage::CommitResult> done =
      co_await registry.context.store.Commit(std::move(flagged));
  CO_RETURN_IF_ERROR(done.status());
  co_return leaves->has_value() ? 1 : 0;
}

Task<absl::StatusOr<int>> SettleReview(Registry& registry, DutyName duty, bool escalated, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const std::optional<Owed> owed, OwedOf(registry, duty));
  if (owed && !escalated) {
    absl::StatusOr<int> written = co_await Escalate(registry, std::move(duty));
    co_return written;
  }
  if (!owed && now > duty.due + kOrphanAfter) {
    storage::CommitRequest gone = RemoveDuty(registry.context, duty);
    const absl::StatusOr<storage::CommitResult> done =
        co_await registry.context.store.Commit(std::move(gone));
    CO_RETURN_IF_ERROR(done.status());
  }
  co_return 0;
}

// Past what does not read: of the others' emergencies nothing waits for it.
absl::StatusOr<std::vector<Entry>> DueReviews(Registry& registry, const std::string& institution,
                                              std::string& from, absl::Time now) {
  std::vector<Entry> due;
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(registry.context.store, BucketOf(registry.context, institution, true), "",
                                    from, kScanPage));
  from = page.next;
  size_t unreadable = page.gaps.size();
  for (const storage::KeyedEntry& row : page.entries) {
    absl::StatusOr<Entry> entry = EntryOf(institution, row);
    if (audit::DoesNotRead(entry.status())) {
      ++unreadable;
      continue;
    }
    RETURN_IF_ERROR(entry.status());
    if (now <= entry->duty.due) {
      from.clear();
      break;
    }
    due.push_back(*std::move(entry));
  }
  audit::PassedOver(unreadable);
  return due;
}

}  // namespace

Task<absl::StatusOr<int>> EscalateReviews(Registry& registry) {
  const std::shared_ptr<const Rules> rules = registry.rules.Of(registry.context.directory());
  const absl::Time now = registry.context.log.Now();
  int written = 0;
  std::vector<std::string> institutions;
  for (const auto& [institution, kind] : rules->institution_kinds) {
    institutions.push_back(institution);
  }
  for (const std::string& institution : institutions) {
    std::string from;
    do {
      co_await ResumeOn(registry.context.executor);
      CO_ASSIGN_OR_RETURN(const std::vector<Entry> due, DueReviews(registry, institution, from, now));
      for (const Entry& each : due) {
        const absl::StatusOr<int> one = co_await SettleReview(registry, each.duty, each.escalated, now);
        if (audit::DoesNotRead(one.status())) {
          audit::PassedOver(1);
          continue;
        }
        CO_RETURN_IF_ERROR(one.status());
        written += *one;
      }
    } while (!from.empty());
  }
  co_return written;
}

}  // namespace relais::consent
