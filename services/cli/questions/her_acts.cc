#include "services/cli/questions/her_acts.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"

namespace relais::cli::questions {
namespace {

template <typename List, typename Value>
bool AllOrHas(const List& list, const Value& value) {
  return list.empty() ||
         std::any_of(list.begin(), list.end(), [&](const auto& each) { return each == value; });
}

Cover CoverOfRecipients(const consent::v1::ConsentLine& line, const Sought& sought) {
  Cover cover = line.recipients().empty() ? Cover::kBroad : Cover::kNone;
  for (const consent::v1::Recipient& recipient : line.recipients()) {
    if (recipient.institution() == sought.recipient && !sought.recipient.empty()) {
      return Cover::kNarrow;
    }
    if (recipient.institution().empty() && !sought.recipient_kind.empty() &&
        recipient.kind() == sought.recipient_kind) {
      cover = Cover::kBroad;
    }
  }
  return cover;
}

Id128 IdOr(const std::string& hex, const Id128& otherwise) {
  const absl::StatusOr<Id128> id = Id128::FromHex(hex);
  return id.ok() ? *id : otherwise;
}

Cover CoverWithin(Cover own, Cover taken) {
  return taken == Cover::kNone ? Cover::kNone : std::max(own, taken);
}

std::string RecordName(uint32_t key_version, const std::string& digest) {
  return absl::StrCat(key_version, ":", digest);
}

}  // namespace

Cover CoverOf(const Lines& lines, const Sought& sought) {
  Cover cover = Cover::kNone;
  for (const consent::v1::ConsentLine& line : lines) {
    if (AllOrHas(line.purposes(), sought.purpose) && AllOrHas(line.categories(), sought.category) &&
        AllOrHas(line.acts(), static_cast<int>(sought.act))) {
      cover = std::max(cover, CoverOfRecipients(line, sought));
    }
  }
  return cover;
}

bool HerActs::Room() {
  if (held_ >= most_acts_) {
    overflowed_ = true;
    return false;
  }
  ++held_;
  return true;
}

uint32_t HerActs::Intern(const Lines& lines) {
  std::string text;
  for (const consent::v1::ConsentLine& line : lines) {
    const std::string bytes = line.SerializeAsString();
    absl::StrAppend(&text, bytes.size(), ":", bytes);
  }
  const auto [at, fresh] = line_ids_.try_emplace(std::move(text), static_cast<uint32_t>(lines_.size()));
  if (fresh) {
    lines_.push_back(lines);
  }
  return at->second;
}

uint32_t HerActs::InternText(const std::string& text) {
  if (text.empty()) {
    return 0;
  }
  const auto [at, fresh] = text_ids_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
  if (fresh) {
    texts_.push_back(text);
  }
  return at->second;
}

void HerActs::AddAct(const Id128& person, ActOfHers act) {
  if (Room()) {
    act.of = person;
    persons_[person].acts.push_back(act);
  }
}

void HerActs::Object(const Id128& person, ObjectionOfHers objection) {
  std::vector<ObjectionOfHers>& all = persons_[person].objections;
  const bool known = std::any_of(all.begin(), all.end(), [&](const ObjectionOfHers& each) {
    return each.supplier == objection.supplier && each.record == objection.record;
  });
  if (!known && Room()) {
    objection.of = person;
    all.push_back(std::move(objection));
  }
}

std::vector<Id128> HerActs::GroupOf(const Id128& person) const {
  const auto found = groups_.find(person);
  return found == groups_.end() ? std::vector<Id128>{person} : found->second;
}

void HerActs::Link(const Id128& one, const Id128& other, uint64_t leaf) {
  std::vector<Id128> group = GroupOf(one);
  if (std::find(group.begin(), group.end(), other) != group.end()) {
    return;
  }
  linked_at_[other] = leaf;
  const std::vector<Id128> more = GroupOf(other);
  group.insert(group.end(), more.begin(), more.end());
  Person all;
  for (const Id128& each : group) {
    const Person& has = persons_[each];
    for (const ActOfHers& act : has.acts) {
      const bool known = std::any_of(all.acts.begin(), all.acts.end(),
                                     [&](const ActOfHers& had) { return had.leaf == act.leaf; });
      if (!known) {
        all.acts.push_back(act);
      }
    }
    all.objections.insert(all.objections.end(), has.objections.begin(), has.objections.end());
  }
  std::sort(all.acts.begin(), all.acts.end(),
            [](const ActOfHers& a, const ActOfHers& b) { return a.leaf < b.leaf; });
  for (const Id128& each : group) {
    held_ += all.acts.size() - persons_[each].acts.size();
    persons_[each].acts = all.acts;
    persons_[each].objections = all.objections;
    groups_[each] = group;
  }
  overflowed_ = overflowed_ || held_ > most_acts_;
}

// What was told of both stays with both: each has a leaf of its own.
void HerActs::Split(const Id128& person) {
  const std::vector<Id128> group = GroupOf(person);
  for (const Id128& each : group) {
    const auto others = [&](const auto& act) { return each == person ? act.of != person : act.of == person; };
    held_ -= std::erase_if(persons_[each].acts, others);
    std::erase_if(persons_[each].objections, others);
    std::erase(groups_[each], person);
  }
  groups_.erase(person);
  linked_at_.erase(person);
}

void HerActs::Lift(const Id128& person, const std::string& supplier, const std::string& record) {
  const auto found = persons_.find(person);
  if (found == persons_.end()) {
    return;
  }
  held_ -= std::erase_if(found->second.objections, [&](const ObjectionOfHers& each) {
    return each.supplier == supplier && each.record == record;
  });
}

void HerActs::Add(const Id128& person, uint64_t leaf, absl::Time time, audit::v1::EventClass event_class,
                  const google::protobuf::Any& payload) {
  ActOfHers act;
  act.leaf = leaf;
  act.time = time;
  consent::v1::ConsentRecorded agreed;
  consent::v1::RefusalRecorded refused;
  consent::v1::ConsentWithdrawn withdrawn;
  consent::v1::ObjectionRecorded objected;
  consent::v1::ObjectionLifted lifted;
  consent::v1::ConsentRenewed renewed;
  consent::v1::PersonsLinked linked;
  consent::v1::PersonsSplit split;
  if (event_class == audit::v1::EVENT_CLASS_CONSENT_RECORDED && payload.UnpackTo(&agreed)) {
    const consent::v1::Consent& consent = agreed.consent();
    act.id = IdOr(consent.consent_id(), Id128());
    act.from = FromProto(consent.valid_from());
    act.until = FromProto(consent.valid_until());
    act.explicit_given = consent.explicit_();
    act.represented = consent.has_representative();
    if (consent.has_mandate_until()) {
      act.until = std::min(act.until, FromProto(consent.mandate_until()));
    }
    act.lines = Intern(consent.lines());
    act.source_reference = InternText(consent.source_reference());
    AddAct(person, act);
  } else if (event_class == audit::v1::EVENT_CLASS_REFUSAL_RECORDED && payload.UnpackTo(&refused)) {
    act.kind = ActOfHers::Kind::kRefusal;
    act.represented = refused.said_by() != consent::v1::REPRESENTATION_UNSPECIFIED;
    act.lines = Intern(refused.lines());
    AddAct(person, act);
  } else if (event_class == audit::v1::EVENT_CLASS_CONSENT_RENEWED && payload.UnpackTo(&renewed)) {
    if (ActOfHers* agreement = ChangeAgreement(person, renewed.consent_id()); agreement != nullptr) {
      const consent::v1::Renewal& renewal = renewed.renewal();
      agreement->until = FromProto(renewal.valid_until());
      if (renewal.has_mandate_until()) {
        agreement->until = std::min(agreement->until, FromProto(renewal.mandate_until()));
      }
    }
  } else if (event_class == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN && payload.UnpackTo(&withdrawn) &&
             withdrawn.end() != consent::v1::CONSENT_END_UNSPECIFIED) {
    // No word of hers: the agreement just ends (D-2.12).
    if (ActOfHers* agreement = ChangeAgreement(person, withdrawn.consent_id()); agreement != nullptr) {
      agreement->until = std::min(agreement->until, time);
    }
  } else if (event_class == audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN && payload.UnpackTo(&withdrawn)) {
    act.represented = withdrawn.said_by() != consent::v1::REPRESENTATION_UNSPECIFIED;
    act.kind = ActOfHers::Kind::kWithdrawal;
    act.id = IdOr(withdrawn.consent_id(), Id128());
    act.lines = Intern(withdrawn.lines());
    // Now, while she is one human with whoever gave it: it reaches no farther once they are split.
    if (const ActOfHers* agreement = FindAgreement(person, act.id); agreement != nullptr) {
      act.takes_back = true;
      act.taken = agreement->lines;
      act.source_reference = agreement->source_reference;
    }
    AddAct(person, act);
  } else if (event_class == audit::v1::EVENT_CLASS_OBJECTION_RECORDED && payload.UnpackTo(&objected)) {
    Object(person, {objected.supplier(), RecordName(objected.key_version(), objected.digest()), leaf});
  } else if (event_class == audit::v1::EVENT_CLASS_OBJECTION_LIFTED && payload.UnpackTo(&lifted)) {
    Lift(person, lifted.supplier(), RecordName(lifted.key_version(), lifted.digest()));
  } else if (event_class == audit::v1::EVENT_CLASS_PERSONS_LINKED && payload.UnpackTo(&linked)) {
    // The second of its two leaves: from here on each name reads the acts of both.
    if (linked.canonical_id() == person.bytes()) {
      if (const absl::StatusOr<Id128> other = Id128::FromBytes(linked.linked_id()); other.ok()) {
        Link(person, *other, leaf);
      }
    }
  } else if (event_class == audit::v1::EVENT_CLASS_PERSONS_SPLIT && payload.UnpackTo(&split)) {
    // The second of its two leaves: from here on she is on her own.
    if (split.linked_id() == person.bytes()) {
      Split(person);
    }
  }
}

const HerActs::Person* HerActs::Find(const Id128& person) const {
  const auto found = persons_.find(person);
  return found == persons_.end() ? nullptr : &found->second;
}

ActOfHers* HerActs::ChangeAgreement(const Id128& person, const std::string& hex) {
  const absl::StatusOr<Id128> id = Id128::FromHex(hex);
  // Of a value that is ours.
  return id.ok() ? const_cast<ActOfHers*>(FindAgreement(person, *id)) : nullptr;
}

const ActOfHers* HerActs::FindAgreement(const Id128& person, const Id128& agreement) const {
  const Person* found = Find(person);
  if (found == nullptr) {
    return nullptr;
  }
  for (const ActOfHers& act : found->acts) {
    if (act.kind == ActOfHers::Kind::kAgreement && act.id == agreement) {
      return &act;
    }
  }
  return nullptr;
}

// A withdrawal that names an agreement takes back what that agreement covers, within its own lines; it is
// narrow when either names the institution.
Cover HerActs::CoverOfAct(const ActOfHers& act, const Person* person, const Sought& sought) const {
  if (act.kind == ActOfHers::Kind::kAgreement && act.source_reference != 0 &&
      texts_[act.source_reference] != sought.source_reference) {
    return Cover::kNone;
  }
  const Cover own = CoverOf(lines_[act.lines], sought);
  if (own != Cover::kNone && act.takes_back) {
    const bool about_it =
        act.source_reference == 0 || texts_[act.source_reference] == sought.source_reference;
    return about_it ? CoverWithin(own, CoverOf(lines_[act.taken], sought)) : Cover::kNone;
  }
  if (own == Cover::kNone || act.kind != ActOfHers::Kind::kWithdrawal || act.id.IsZero() ||
      person == nullptr) {
    return own;
  }
  for (const ActOfHers& agreement : person->acts) {
    if (agreement.kind == ActOfHers::Kind::kAgreement && agreement.id == act.id) {
      return CoverWithin(own, CoverOfAct(agreement, nullptr, sought));
    }
  }
  return own;
}

std::vector<HerActs::CoveringNo> HerActs::LatestNoes(const Person& person, const Sought& sought) const {
  std::vector<CoveringNo> noes;
  for (const ActOfHers& act : person.acts) {  // by leaf
    const Cover cover =
        act.kind == ActOfHers::Kind::kAgreement ? Cover::kNone : CoverOfAct(act, &person, sought);
    if (cover == Cover::kNone) {
      continue;
    }
    const CoveringNo no{&act, cover == Cover::kNarrow};
    const auto known = std::find_if(noes.begin(), noes.end(), [&](const CoveringNo& had) {
      return had.narrow == no.narrow && had.no->represented == act.represented && had.no->of == act.of;
    });
    if (known == noes.end()) {
      noes.push_back(no);
    } else {
      *known = no;
    }
  }
  return noes;
}

uint64_t HerActs::OneSince(const Id128& name, const Id128& other) const {
  if (name == other) {
    return 0;
  }
  uint64_t since = 0;
  bool linked = false;
  for (const Id128& each : {name, other}) {
    if (const auto found = linked_at_.find(each); found != linked_at_.end()) {
      since = std::max(since, found->second);
      linked = true;
    }
  }
  return linked ? since : std::numeric_limits<uint64_t>::max();
}

bool HerActs::CanAnswer(const ActOfHers& agreement, Cover cover, const CoveringNo& no) const {
  const bool one = agreement.of == no.no->of || agreement.leaf > OneSince(agreement.of, no.no->of);
  return one && (cover == Cover::kNarrow || (cover == Cover::kBroad && !no.narrow)) &&
         (no.no->represented || !agreement.represented) && agreement.leaf > no.no->leaf &&
         agreement.given() >= no.no->time;
}

const ActOfHers* HerActs::Standing(const Id128& person, const Sought& sought, bool special) const {
  const Person* found = Find(person);
  if (found == nullptr) {
    return nullptr;
  }
  std::vector<CoveringNo> noes = LatestNoes(*found, sought);
  for (const ActOfHers& act : found->acts) {
    if (!noes.empty() && act.kind == ActOfHers::Kind::kAgreement && (!special || act.explicit_given)) {
      const Cover cover = CoverOfAct(act, found, sought);
      std::erase_if(noes, [&](const CoveringNo& no) { return CanAnswer(act, cover, no); });
    }
  }
  const CoveringNo* latest = nullptr;
  for (const CoveringNo& no : noes) {
    const bool before =
        latest != nullptr && (latest->narrow != no.narrow ? latest->narrow : latest->no->leaf > no.no->leaf);
    latest = before ? latest : &no;
  }
  return latest == nullptr ? nullptr : latest->no;
}

const ActOfHers* HerActs::EndOf(const Id128& person, const ActOfHers& agreement, const Sought& sought,
                                bool special) const {
  const Person* found = Find(person);
  if (found == nullptr) {
    return nullptr;
  }
  const Cover cover = CoverOfAct(agreement, found, sought);
  const auto answered = [&](const CoveringNo& no) {
    return CanAnswer(agreement, cover, no) ||
           std::any_of(found->acts.begin(), found->acts.end(), [&](const ActOfHers& act) {
             return act.kind == ActOfHers::Kind::kAgreement && (!special || act.explicit_given) &&
                    act.given() <= agreement.given() && CanAnswer(act, CoverOfAct(act, found, sought), no);
           });
  };
  const ActOfHers* end = nullptr;
  for (const CoveringNo& no : LatestNoes(*found, sought)) {
    const bool ended = agreement.leaf < no.no->leaf || agreement.given() < no.no->time || !answered(no);
    if (ended && (end == nullptr || no.no->leaf > end->leaf)) {
      end = no.no;
    }
  }
  return end;
}

std::optional<uint64_t> HerActs::Objection(const Id128& person, std::string_view supplier) const {
  const Person* found = Find(person);
  if (found == nullptr) {
    return std::nullopt;
  }
  for (const ObjectionOfHers& objection : found->objections) {
    if (objection.supplier == supplier) {
      return objection.leaf;
    }
  }
  return std::nullopt;
}

}  // namespace relais::cli::questions
