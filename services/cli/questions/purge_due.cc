// purge-due: what retention says should be gone by now, against what the log says was removed (D-2.10
// defaults).
//
//   agents' names (parts R) and refused rows' references
//                             the key of a month is destroyed 12 months after the month's end
//   signals without alert     13 months; a sender record that had an alert is not looked at
//   alerts                    24 months after they ended
//   agreements                their proof 5 years after their period; what a person gave before a refusal or
//                             withdrawal of hers, which may have ended it earlier, is not looked at
//   objections' digests       until the instant recorded with the last renewal
//   persons                   erased 24 months after the last act of an institution that is no feed's sender
//   notices to DPOs           12 months
//   notices of erasures       3 months after they were due, where nobody answered
//   erasures                  the key within a month of the request, its wrapped copies within a month of
//   that
// with a month of grace. State: one entry for each month, log and rule, open erasure, person, alert, digest
// of an objection, and sender record with signals and no alert.
#include <algorithm>
#include <iterator>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "relais/alerting/v1/events.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/cli/questions/catalog.h"
#include "services/cli/questions/overdue.h"

namespace relais::cli::questions {
namespace {

constexpr int kAgentMonths = 12;
constexpr int kSignalMonths = 13;
constexpr int kAlertMonths = 24;
constexpr int kAgreementMonths = 60;
constexpr int kPersonMonths = 24;
constexpr int kNoticeMonths = 12;
constexpr int kErasureNoticeMonths = 3;
constexpr absl::Duration kGrace = absl::Hours(24 * 31);
constexpr absl::Duration kMonth = absl::Hours(24 * 31);

absl::CivilMonth MonthOf(absl::Time time) { return absl::ToCivilMonth(time, absl::UTCTimeZone()); }
absl::Time StartOf(absl::CivilMonth month) { return absl::FromCivil(month, absl::UTCTimeZone()); }
std::string NameOf(absl::CivilMonth month) { return absl::FormatCivilTime(month); }

Finding Of(std::string what, const std::string& service, uint64_t leaf, absl::Time time) {
  Finding finding;
  finding.what = std::move(what);
  finding.service = service;
  finding.leaves = {leaf};
  finding.time = time;
  finding.institution = "service/" + service;
  return finding;
}

// Nothing more comes of it: settled, pulled back, not permitted, or taken.
bool IsOver(alerting::v1::Alert::State state) {
  return state == alerting::v1::Alert::STATE_NOT_PERMITTED || state == alerting::v1::Alert::STATE_CLOSED ||
         state == alerting::v1::Alert::STATE_WITHDRAWN || state == alerting::v1::Alert::STATE_TAKEN;
}

bool SendsFeeds(const directory::Directory* directory, const std::string& institution) {
  const directory::Institution* found =
      directory == nullptr ? nullptr : directory->FindInstitution(institution);
  return found != nullptr &&
         std::any_of(found->systems.begin(), found->systems.end(),
                     [](const directory::System& system) { return system.HasRole("SIGNAL_SENDER"); });
}

class PurgeDue final : public Question {
 public:
  [[nodiscard]] const Description& description() const override {
    static const Description kDescription = {"purge-due",
                                             "purges et effacements dus et non faits",
                                             "purges and erasures due and not done",
                                             {"consent", "routing", "alerting"}};
    return kDescription;
  }

  void Add(const SeenLeaf& leaf, const Past& past) override {
    logs_[leaf.service].months.try_emplace(MonthOf(leaf.time), leaf.index);
    if (leaf.service == "consent") {
      AddContact(leaf, past);
    }
    switch (leaf.header.event_class()) {
      case audit::v1::EVENT_CLASS_MONTH_KEY_DESTROYED:
        if (const auto done = leaf.As<audit::v1::MonthKeyDestroyed>(leaf.header.event_class())) {
          logs_[leaf.service].destroyed.insert(done->month());
        }
        break;
      case audit::v1::EVENT_CLASS_PURGED:
        if (const auto done = leaf.As<audit::v1::Purged>(leaf.header.event_class())) {
          const absl::Time before = FromProto(done->due_before());
          absl::Time& last = purged_.try_emplace(done->rule(), absl::InfinitePast()).first->second;
          last = std::max(last, before);
        }
        break;
      case audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED:
        if (const auto record = leaf.Subject(); record && alerted_.count(*record) == 0) {
          signals_.try_emplace(*record, Signal{leaf.index, leaf.time});
        }
        break;
      case audit::v1::EVENT_CLASS_ALERT_CHANGED:
        if (const auto record = leaf.Subject()) {
          signals_.erase(*record);
          alerted_.insert(*record);
        }
        AddAlert(leaf);
        break;
      case audit::v1::EVENT_CLASS_CONSENT_RECORDED:
        AddAgreement(leaf);
        break;
      case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN:
      case audit::v1::EVENT_CLASS_REFUSAL_RECORDED:
        if (const auto person = leaf.Person()) {
          agreements_.erase(*person);
        }
        break;
      case audit::v1::EVENT_CLASS_OBJECTION_RECORDED:
        AddObjection(leaf);
        break;
      case audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED:
        if (leaf.opened && !leaf.Subject().has_value()) {
          notices_.try_emplace(MonthOf(leaf.time), Kept{leaf.index, leaf.time});
        }
        break;
      case audit::v1::EVENT_CLASS_ERASURE_ASKED:
        AddNoticeOfErasure(leaf);
        break;
      default:
        AddErasure(leaf);
    }
  }

  [[nodiscard]] std::vector<Finding> Finish(absl::Time now) override {
    FindingList findings;
    for (const auto& [service, log] : logs_) {
      for (const auto& [month, leaf] : log.months) {
        if (Due(month + 1, kAgentMonths, now) && log.destroyed.count(NameOf(month)) == 0) {
          Finding finding = Of("AGENT_NAMES", service, leaf, StartOf(month));
          finding.facts["month"] = NameOf(month);
          findings.Add(std::move(finding));
        }
      }
    }
    AddSignals(now, findings);
    AddAll("ALERT", "alerting", alerts_, kAlertMonths, now, findings);
    for (const auto& [person, agreements] : agreements_) {
      for (const Kept& agreement : agreements) {
        AddKept("AGREEMENT_PROOF", "consent", agreement, kAgreementMonths, now, findings);
      }
    }
    AddAll("DPO_NOTICE", "routing", notices_, kNoticeMonths, now, findings);
    AddAll("ERASURE_NOTICE", "consent", told_, kErasureNoticeMonths, now, findings);
    AddAll("OBJECTION_DIGEST", "consent", objections_, 0, now, findings);
    AddPersons(now, findings);
    for (auto& [service, log] : logs_) {
      for (OpenMatters* matters : {&log.requested, &log.copies}) {
        for (Finding& finding : matters->Finish(now)) {
          finding.facts["matter"] = matters == &log.requested ? "ERASURE" : "EPOCH_KEY";
          findings.Add(std::move(finding));
        }
      }
    }
    return findings.Take();
  }

  [[nodiscard]] size_t held() const override {
    size_t held = signals_.size() + alerted_.size() + alerts_.size() + agreements_.size() + notices_.size() +
                  told_.size() + objections_.size() + persons_.size() + linked_.size();
    for (const auto& [service, log] : logs_) {
      held += log.requested.size() + log.copies.size();
    }
    return held;
  }

 private:
  struct Log {
    std::map<absl::CivilMonth, uint64_t> months;  // → its first leaf
    std::set<std::string> destroyed;
    OpenMatters requested;  // erasures: the same id in several logs
    OpenMatters copies;
  };
  struct Signal {
    uint64_t leaf = 0;
    absl::Time time;
  };
  struct Kept {
    uint64_t leaf = 0;
    absl::Time ended;  // from when its time runs; InfiniteFuture: not yet
  };

  // What ended with the month before `end` is to be gone `months` later, and a month of grace.
  static bool Due(absl::CivilMonth end, int months, absl::Time now) {
    return now >= StartOf(end + months) + kGrace;
  }
  [[nodiscard]] absl::Time PurgedBefore(const std::string& rule) const {
    const auto found = purged_.find(rule);
    return found == purged_.end() ? absl::InfinitePast() : found->second;
  }

  // An institution's act under another name of hers: the leaf about this one is the registry's own.
  static bool WasMetByAnotherName(const SeenLeaf& leaf) {
    static constexpr audit::v1::EventClass kActs[] = {
        audit::v1::EVENT_CLASS_CONSENT_RECORDED,       audit::v1::EVENT_CLASS_REFUSAL_RECORDED,
        audit::v1::EVENT_CLASS_CONSENT_RENEWED,        audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN,
        audit::v1::EVENT_CLASS_EMERGENCY_DECLARED,     audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED,
        audit::v1::EVENT_CLASS_INFORMATION_RECORDED,   audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED,
        audit::v1::EVENT_CLASS_PROCESSING_UNRESTRICTED};
    return leaf.header.institution() == "service/consent" &&
           std::find(std::begin(kActs), std::end(kActs), leaf.header.event_class()) != std::end(kActs);
  }

  // An order about her papers, an answer to a notice to erase, a review of what is withheld and what a
  // steward says of two records met nobody, as the registry counts it.
  static bool IsOfPapers(const SeenLeaf& leaf) {
    static constexpr audit::v1::EventClass kPapers[] = {audit::v1::EVENT_CLASS_HOLD_PLACED,
                                                        audit::v1::EVENT_CLASS_ERASURE_ANSWERED,
                                                        audit::v1::EVENT_CLASS_CANDIDATE_COMPARED,
                                                        audit::v1::EVENT_CLASS_CANDIDATE_DECIDED,
                                                        audit::v1::EVENT_CLASS_PERSONS_LINKED,
                                                        audit::v1::EVENT_CLASS_PERSONS_SPLIT,
                                                        audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED,
                                                        audit::v1::EVENT_CLASS_WITHHOLDING_REVIEWED,
                                                        audit::v1::EVENT_CLASS_WITHHELD_LISTED};
    return std::any_of(std::begin(kPapers), std::end(kPapers),
                       [&leaf](audit::v1::EventClass papers) { return leaf.Is(papers); });
  }

  // Whoever met one of those who are one human met all. Only the registry's own leaf says both ids.
  void AddLink(const SeenLeaf& leaf) {
    if (const auto linked = leaf.As<consent::v1::PersonsLinked>(audit::v1::EVENT_CLASS_PERSONS_LINKED)) {
      const absl::StatusOr<Id128> canonical = Id128::FromBytes(linked->canonical_id());
      const absl::StatusOr<Id128> other = Id128::FromBytes(linked->linked_id());
      if (canonical.ok() && other.ok()) {
        linked_[*other] = *canonical;
      }
    } else if (const auto split = leaf.As<consent::v1::PersonsSplit>(audit::v1::EVENT_CLASS_PERSONS_SPLIT)) {
      if (const absl::StatusOr<Id128> other = Id128::FromBytes(split->linked_id()); other.ok()) {
        linked_.erase(*other);
      }
    }
  }
  [[nodiscard]] Id128 CanonicalOf(const Id128& person) const {
    const auto found = linked_.find(person);
    return found == linked_.end() ? person : found->second;
  }

  // A person's first leaf, and the last of an institution that does more than send a feed.
  void AddContact(const SeenLeaf& leaf, const Past& past) {
    const std::optional<Id128> person = leaf.Person();
    if (!person.has_value()) {
      return;
    }
    if (leaf.Is(audit::v1::EVENT_CLASS_ERASE_REQUESTED)) {
      persons_.erase(*person);
      linked_.erase(*person);
      return;
    }
    AddLink(leaf);
    Kept& contact = persons_.try_emplace(*person, Kept{leaf.index, leaf.time}).first->second;
    const std::string& institution = leaf.header.institution();
    const bool met = !IsOfPapers(leaf) && !institution.starts_with("service/") &&
                     !SendsFeeds(past.DirectoryAt(leaf.header.directory_version()).get(), institution);
    if (met || WasMetByAnotherName(leaf)) {
      contact = {leaf.index, leaf.time};
    }
  }
  void AddAlert(const SeenLeaf& leaf) {
    const auto changed = leaf.As<alerting::v1::AlertChanged>(audit::v1::EVENT_CLASS_ALERT_CHANGED);
    const absl::StatusOr<Id128> id = changed ? Id128::FromHex(changed->alert_id()) : absl::NotFoundError("");
    if (id.ok()) {
      alerts_[*id] = {leaf.index, IsOver(changed->state()) ? leaf.time : absl::InfiniteFuture()};
    }
  }
  void AddAgreement(const SeenLeaf& leaf) {
    const std::optional<Id128> person = leaf.Person();
    const auto recorded = leaf.As<consent::v1::ConsentRecorded>(audit::v1::EVENT_CLASS_CONSENT_RECORDED);
    if (person.has_value() && recorded.has_value()) {
      agreements_[*person].push_back({leaf.index, FromProto(recorded->consent().valid_until())});
    }
  }
  void AddObjection(const SeenLeaf& leaf) {
    const auto recorded = leaf.As<consent::v1::ObjectionRecorded>(audit::v1::EVENT_CLASS_OBJECTION_RECORDED);
    if (recorded && !recorded->digest().empty()) {
      objections_[recorded->digest()] = {leaf.index, FromProto(recorded->kept_until())};
    }
  }

  // Those that outlive her, which are about nobody: of a month the one that was due last.
  void AddNoticeOfErasure(const SeenLeaf& leaf) {
    const auto asked = leaf.As<consent::v1::ErasureAsked>(audit::v1::EVENT_CLASS_ERASURE_ASKED);
    if (!asked || leaf.Subject().has_value()) {
      return;
    }
    const absl::Time due = FromProto(asked->due());
    Kept& last = told_.try_emplace(MonthOf(due), Kept{leaf.index, due}).first->second;
    if (last.ended < due) {
      last = {leaf.index, due};
    }
  }

  void AddErasure(const SeenLeaf& leaf) {
    Log& log = logs_[leaf.service];
    if (const auto asked = leaf.As<audit::v1::EraseRequested>(audit::v1::EVENT_CLASS_ERASE_REQUESTED)) {
      if (const auto id = ErasureOf(leaf, asked->erasure_id()); id.ok()) {
        log.requested.Open(*id, OfErasure(leaf, id->ToHex()), leaf.time + kMonth);
      }
    } else if (const auto erased = leaf.As<audit::v1::Erased>(audit::v1::EVENT_CLASS_ERASED)) {
      if (const auto id = Id128::FromHex(erased->erasure_id()); id.ok()) {
        log.requested.Close(*id, leaf.index, leaf.time);
        log.copies.Open(*id, OfErasure(leaf, erased->erasure_id()), leaf.time + kMonth + kGrace);
      }
    } else if (const auto epoch = leaf.As<audit::v1::EpochRotated>(audit::v1::EVENT_CLASS_EPOCH_ROTATED)) {
      for (const std::string& hex : epoch->erasure_ids()) {
        if (const auto id = Id128::FromHex(hex); id.ok()) {
          log.copies.Close(*id, leaf.index, leaf.time);
        }
      }
    }
  }

  // The leaf about another name of hers asks under an id of its own; the event is the erasure's.
  static absl::StatusOr<Id128> ErasureOf(const SeenLeaf& leaf, const std::string& asked) {
    absl::StatusOr<Id128> event = Id128::FromBytes(leaf.header.event_id());
    return event.ok() ? event : Id128::FromHex(asked);
  }
  static Finding OfErasure(const SeenLeaf& leaf, const std::string& erasure) {
    Finding finding = Of("", leaf.service, leaf.index, leaf.time);
    finding.facts["erasure"] = erasure;
    return finding;
  }

  void AddSignals(absl::Time now, FindingList& findings) const {
    const absl::Time purged = PurgedBefore("SIGNAL_WITHOUT_ALERT");
    for (const auto& [record, signal] : signals_) {
      if (signal.time > purged && Due(MonthOf(signal.time) + 1, kSignalMonths, now)) {
        findings.Add(Of("SIGNAL_WITHOUT_ALERT", "alerting", signal.leaf, signal.time));
      }
    }
  }

  // What ended `months` months and the grace ago and was not purged by that rule.
  void AddKept(const std::string& rule, const std::string& service, const Kept& kept, int months,
               absl::Time now, FindingList& findings) const {
    if (kept.ended < absl::InfiniteFuture() && kept.ended >= PurgedBefore(rule) &&
        Due(MonthOf(kept.ended) + 1, months, now)) {
      findings.Add(Of(rule, service, kept.leaf, kept.ended));
    }
  }
  template <typename Map>
  void AddAll(const std::string& rule, const std::string& service, const Map& all, int months, absl::Time now,
              FindingList& findings) const {
    for (const auto& [name, kept] : all) {
      AddKept(rule, service, kept, months, now, findings);
    }
  }

  void AddPersons(absl::Time now, FindingList& findings) const {
    absl::flat_hash_map<Id128, absl::Time> met;  // by whose history goes on
    for (const auto& [person, contact] : persons_) {
      absl::Time& last = met.try_emplace(CanonicalOf(person), contact.ended).first->second;
      last = std::max(last, contact.ended);
    }
    for (const auto& [person, contact] : persons_) {
      if (Due(MonthOf(met.at(CanonicalOf(person))) + 1, kPersonMonths, now)) {
        Finding finding = Of("PERSON_WITHOUT_CONTACT", "consent", contact.leaf, contact.ended);
        finding.persons.push_back(person);
        findings.Add(std::move(finding));
      }
    }
  }

  std::map<std::string, Log> logs_;
  std::map<std::string, absl::Time> purged_;  // by rule, the latest `due_before`
  absl::flat_hash_map<Id128, Signal> signals_;
  absl::flat_hash_set<Id128> alerted_;
  absl::flat_hash_map<Id128, Kept> alerts_;
  absl::flat_hash_map<Id128, std::vector<Kept>> agreements_;  // by person
  std::map<absl::CivilMonth, Kept> notices_;                  // the first of a month
  std::map<absl::CivilMonth, Kept> told_;              // notices of erasures, by the month they were due
  absl::flat_hash_map<std::string, Kept> objections_;  // by digest, the last renewal
  absl::flat_hash_map<Id128, Kept> persons_;           // the last contact
  absl::flat_hash_map<Id128, Id128> linked_;           // → with whose history hers goes on
};

}  // namespace

std::unique_ptr<Question> MakePurgeDue(const Options& /*options*/) { return std::make_unique<PurgeDue>(); }

}  // namespace relais::cli::questions
