#include "services/consent/erased_notices.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/audit/does_not_read.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/identity/keyed_hash.h"
#include "common/storage/salvage.h"
#include "common/storage/value_format.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/domain/period.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/authors.h"

namespace relais::consent {
namespace {

constexpr char kKeyInfo[] = "relais erased notice v1";
constexpr char kIdInfo[] = "relais erased notice id v1";
constexpr char kRule[] = "ERASURE_NOTICE";
constexpr std::string_view kNotice = "n/";
constexpr std::string_view kOwed = "d/";
constexpr std::string_view kGoes = "p/";
constexpr size_t kInstantBytes = 8;
constexpr size_t kPlaceBytes = kInstantBytes + Id128::kSize;
constexpr size_t kScanPage = 200;
// A repeated request gets its answer for as long (architecture, "Idempotency").
constexpr absl::Duration kRemembered = absl::Hours(24 * 8);

// By instant, then by id.
std::string PlaceOf(absl::Time instant, const Id128& notice) {
  return storage::EncodeBigEndian64(static_cast<uint64_t>(Micros(instant))) + notice.ToBytes();
}

// The first place that is not before those bytes, of any length: beside what does not read, Salvage goes on
// from the beginning of a row, or from after its end.
std::string PlaceFrom(std::string bytes) {
  const bool after = bytes.size() > kPlaceBytes;
  bytes.resize(kPlaceBytes);
  for (auto last = bytes.rbegin(); after && last != bytes.rend(); ++last) {
    *last = static_cast<char>(static_cast<unsigned char>(*last) + 1);
    if (*last != 0) {
      break;
    }
  }
  return bytes;
}

struct Place {
  absl::Time instant;
  Id128 notice;
};

absl::StatusOr<Place> ReadPlace(std::string_view place) {
  if (place.size() != kPlaceBytes) {
    return absl::DataLossError("an entry of the notices of erasures does not parse");
  }
  ASSIGN_OR_RETURN(const uint64_t micros, storage::DecodeBigEndian64(place.substr(0, kInstantBytes)));
  ASSIGN_OR_RETURN(const Id128 notice, Id128::FromBytes(place.substr(kInstantBytes)));
  return Place{FromMicros(static_cast<int64_t>(micros)), notice};
}

std::string OwedPrefix(std::string_view institution) {  // whose id has no slash
  return absl::StrCat(std::string(kOwed), std::string(institution), "/");
}

std::string OwedRow(const v1::StoredErasedNotice& stored, const Id128& notice) {
  return OwedPrefix(stored.institution()) + PlaceOf(FromMicros(stored.due()), notice);
}

absl::StatusOr<std::string> SealContent(const rpc::ServiceContext& context, const ErasedNotice& notice) {
  v1::ErasedNoticeContent content;
  content.set_handle(rpc::HandleFor(context, notice.institution, notice.person).handle());
  *content.mutable_items() = notice.items;
  return crypto::SealRandom(context.random, context.log.DeriveKey(kKeyInfo), ErasedNoticeRow(notice.id),
                            content.SerializeAsString());
}

absl::StatusOr<v1::ErasedNoticeContent> OpenContent(const rpc::ServiceContext& context, const Id128& notice,
                                                    const v1::StoredErasedNotice& stored) {
  const absl::StatusOr<std::string> plain =
      crypto::OpenRandom(context.log.DeriveKey(kKeyInfo), ErasedNoticeRow(notice), stored.sealed());
  v1::ErasedNoticeContent content;
  if (!plain.ok() || !content.ParseFromString(*plain)) {
    return absl::DataLossError("a notice of an erasure does not open");
  }
  return content;
}

audit::Event ToldEvent(const rpc::ServiceContext& context, const ErasedNotice& notice, absl::Time due) {
  audit::Event event = OwnEvent(context, audit::v1::EVENT_CLASS_ERASURE_ASKED, notice.id);
  event.details.mutable_recipient()->set_institution(notice.institution);
  v1::ErasureAsked payload;
  payload.set_notice_id(notice.id.ToHex());
  payload.set_institution(notice.institution);
  payload.set_cause_id(notice.cause_id);
  *payload.mutable_due() = TimeTo(due);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

// Her handle as that institution has it by now.
std::string CurrentHandle(const rpc::ServiceContext& context, const std::string& institution,
                          const std::string& handle) {
  const absl::StatusOr<Id128> person = context.handles.FromHandle(handle, institution);
  return person.ok() ? context.handles.ToHandle(*person, institution) : handle;
}

// Nullopt: it was answered, or went, since it was listed.
absl::StatusOr<std::optional<v1::Duty>> DutyOf(const rpc::ServiceContext& context, const Place& place,
                                               absl::Time now) {
  ASSIGN_OR_RETURN(const std::optional<FoundErasedNotice> found, FindErasedNotice(context, place.notice));
  if (!found || found->stored.met() != 0) {
    return std::optional<v1::Duty>();
  }
  ASSIGN_OR_RETURN(v1::ErasedNoticeContent content, OpenContent(context, place.notice, found->stored));
  v1::Duty duty;
  duty.set_kind(v1::DUTY_KIND_ERASE_ON_ERASURE);
  duty.mutable_person()->set_handle(CurrentHandle(context, found->stored.institution(), content.handle()));
  *duty.mutable_due() = TimeTo(place.instant);
  *duty.mutable_since() = TimeTo(FromMicros(found->stored.since()));
  duty.set_overdue(now > place.instant);
  duty.set_notice_id(place.notice.ToHex());
  *duty.mutable_erase() = std::move(*content.mutable_items());
  return std::optional(std::move(duty));
}

}  // namespace

Id128 ErasedNoticeId(const rpc::ServiceContext& context, const Id128& person, std::string_view institution) {
  return identity::KeyedId(context.log.DeriveKey(kIdInfo), kIdInfo, {person.bytes(), institution});
}

storage::Partition ErasedNotices(const rpc::ServiceContext& context) {
  return context.idempotency.Bucket("erased_notice", "", "");
}

std::string ErasedNoticeRow(const Id128& notice) { return std::string(kNotice) + notice.ToBytes(); }

Task<absl::Status> MakeErasedNotice(Registry& registry, ErasedNotice notice) {
  const rpc::ServiceContext& context = registry.context;
  const NoticeTimes times = TimesOfNotice(registry.paris, context.log.Now());
  v1::StoredErasedNotice stored;
  stored.set_institution(notice.institution);
  stored.set_due(Micros(times.due));
  stored.set_since(Micros(times.since));
  CO_ASSIGN_OR_RETURN(*stored.mutable_sealed(), SealContent(context, notice));
  const absl::Time goes = AddMonths(times.due, registry.erasure_notice_months, registry.paris.zone());
  storage::CommitRequest commit;
  commit.partition = ErasedNotices(context);
  commit.preconditions.push_back({ErasedNoticeRow(notice.id), std::nullopt});
  commit.batch.push_back({ErasedNoticeRow(notice.id), stored.SerializeAsString()});
  commit.batch.push_back({OwedRow(stored, notice.id), std::string()});
  commit.batch.push_back({std::string(kGoes) + PlaceOf(WholeMicros(goes), notice.id), std::string()});
  CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(ToldEvent(context, notice, times.due)));
  commit.leaves.push_back(std::move(leaf));
  const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  co_return absl::IsAborted(done.status()) ? absl::OkStatus() : done.status();
}

absl::StatusOr<std::optional<FoundErasedNotice>> FindErasedNotice(const rpc::ServiceContext& context,
                                                                  const Id128& notice) {
  ASSIGN_OR_RETURN(const std::optional<storage::Entry> entry,
                   context.store.Get(ErasedNotices(context), ErasedNoticeRow(notice)));
  if (!entry) {
    return std::optional<FoundErasedNotice>();
  }
  FoundErasedNotice found;
  found.version = entry->version;
  if (!found.stored.ParseFromString(entry->value)) {
    return absl::DataLossError("a notice of an erasure does not parse");
  }
  return std::optional(std::move(found));
}

storage::CommitRequest AnswerOfErasedNotice(const rpc::ServiceContext& context, const Id128& notice,
                                            FoundErasedNotice found, v1::ErasureOutcome outcome,
                                            absl::Time now) {
  v1::StoredErasedNotice& stored = found.stored;
  stored.clear_sealed();
  stored.set_outcome(outcome);
  stored.set_met(Micros(now));
  storage::CommitRequest commit;
  commit.partition = ErasedNotices(context);
  commit.preconditions.push_back({ErasedNoticeRow(notice), found.version});
  commit.batch.push_back({ErasedNoticeRow(notice), stored.SerializeAsString()});
  commit.batch.push_back({OwedRow(stored, notice), std::nullopt});
  return commit;
}

absl::StatusOr<OwedErasedNotices> ListErasedNotices(Registry& registry, const std::string& institution,
                                                    bool overdue_only, const std::string& from, size_t most,
                                                    absl::Time now) {
  const std::string prefix = OwedPrefix(institution);
  ASSIGN_OR_RETURN(const storage::SalvagedPage page,
                   storage::Salvage(registry.context.store, ErasedNotices(registry.context), prefix,
                                    from.empty() ? from : prefix + from, std::max<size_t>(most, 1)));
  OwedErasedNotices owed;
  owed.unreadable = static_cast<uint32_t>(page.gaps.size());
  for (const storage::KeyedEntry& row : page.entries) {
    const std::string key = row.key.substr(prefix.size());
    const absl::StatusOr<Place> read = ReadPlace(key);
    if (audit::DoesNotRead(read.status())) {
      ++owed.unreadable;
      continue;
    }
    RETURN_IF_ERROR(read.status());
    const Place& place = *read;
    if (overdue_only && now <= place.instant) {
      return owed;  // nor is what follows
    }
    if (most == 0) {
      owed.next = key;
      return owed;
    }
    absl::StatusOr<std::optional<v1::Duty>> duty = DutyOf(registry.context, place, now);
    if (audit::DoesNotRead(duty.status())) {
      ++owed.unreadable;
      continue;
    }
    RETURN_IF_ERROR(duty.status());
    if (duty->has_value()) {
      owed.duties.push_back(**std::move(duty));
    }
  }
  owed.next = page.next.empty() ? page.next : PlaceFrom(page.next.substr(prefix.size()));
  return owed;
}

bool IsPlaceOfErasedNotice(std::string_view from) { return from.empty() || from.size() == kPlaceBytes; }

// ---- retention (D-2.10)

namespace {

// True: it is gone.
Task<absl::StatusOr<bool>> Remove(Registry& registry, std::string entry, Place place, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const std::optional<FoundErasedNotice> found,
                      FindErasedNotice(registry.context, place.notice));
  storage::CommitRequest gone;
  gone.partition = ErasedNotices(registry.context);
  gone.batch.push_back({std::move(entry), std::nullopt});
  if (found) {
    if (found->stored.met() != 0 && now < FromMicros(found->stored.met()) + kRemembered) {
      co_return false;
    }
    gone.preconditions.push_back({ErasedNoticeRow(place.notice), found->version});
    gone.batch.push_back({ErasedNoticeRow(place.notice), std::nullopt});
    gone.batch.push_back({OwedRow(found->stored, place.notice), std::nullopt});
    for (const std::string& request : found->stored.requests()) {
      gone.batch.push_back({request, std::nullopt});
    }
  }
  const absl::StatusOr<storage::CommitResult> done = co_await registry.context.store.Commit(std::move(gone));
  if (absl::IsAborted(done.status())) {
    co_return false;  // answered just now
  }
  CO_RETURN_IF_ERROR(done.status());
  co_return found.has_value();
}

}  // namespace

Task<absl::StatusOr<int>> PurgeErasedNotices(Registry& registry) {
  const absl::Time now = registry.context.log.Now();
  int removed = 0;
  std::string from;
  do {
    co_await ResumeOn(registry.context.executor);
    CO_ASSIGN_OR_RETURN(
        const storage::Page page,
        registry.context.store.Scan(ErasedNotices(registry.context), std::string(kGoes), from, kScanPage));
    from = page.next;
    for (const storage::KeyedEntry& row : page.entries) {
      CO_ASSIGN_OR_RETURN(const Place place, ReadPlace(std::string_view(row.key).substr(kGoes.size())));
      if (place.instant > now) {
        from.clear();
        break;
      }
      const absl::StatusOr<bool> gone = co_await Remove(registry, row.key, place, now);
      CO_RETURN_IF_ERROR(gone.status());
      removed += *gone ? 1 : 0;
    }
  } while (!from.empty());
  if (removed > 0 && registry.context.maintenance != nullptr) {
    const absl::Time before = AddMonths(now, -registry.erasure_notice_months, registry.paris.zone());
    const absl::Status said =
        co_await registry.context.maintenance->Purged(kRule, before, static_cast<uint64_t>(removed));
    CO_RETURN_IF_ERROR(said);
  }
  co_return removed;
}

}  // namespace relais::consent
