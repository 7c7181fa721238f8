// Random histories: the decision against a model written from the text of D-2.6, one act after the other,
// that shares no code with it.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "services/consent/domain/decision.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

#ifdef NDEBUG
constexpr int kHistories = 1500000;
#else
constexpr int kHistories = 200000;
#endif
constexpr uint64_t kSeed = 20261103;

using common::v1::Act;

// ---------------------------------------------------------------- the model

struct Said {
  enum What { kAgreed, kDenied } what = kAgreed;
  absl::Time when;
  absl::Time known;  // recorded
  bool names_it = false;
  bool withdrawal = false;
  const Agreement* agreement = nullptr;
};

bool In(const std::vector<std::string>& list, const std::string& word) {
  for (const std::string& each : list) {
    if (each == word) {
      return true;
    }
  }
  return false;
}

// 0: not covered, 1: by kind or by "all", 2: by name.
int Covered(const std::vector<Line>& lines, const Question& question, const std::string& category,
            const std::map<std::string, std::string>& kinds) {
  int best = 0;
  for (const Line& line : lines) {
    bool act = line.acts.empty();
    for (const Act each : line.acts) {
      act = act || each == question.act;
    }
    if (!act || !(line.purposes.empty() || In(line.purposes, question.purpose)) ||
        !(line.categories.empty() || In(line.categories, category))) {
      continue;
    }
    if (line.recipients.empty()) {
      best = std::max(best, 1);
    }
    for (const Recipient& recipient : line.recipients) {
      if (recipient.institution == question.recipient) {
        best = 2;
      } else if (recipient.institution.empty() && recipient.kind == kinds.at(question.recipient)) {
        best = std::max(best, 1);
      }
    }
  }
  return best;
}

struct World {
  std::map<std::string, std::string> kinds;
  std::set<std::string> special = {"HEALTH"};
  absl::CivilDay convention = absl::CivilDay(2026, 1, 15);
};

v1::Reason ModelBill(const Question& q, const std::string& category, absl::CivilDay today,
                     const World& world) {
  const Stated& s = q.stated;
  const bool supplier = q.sender == "edf" || q.sender == "engie";
  const bool letter = s.event == "LETTRE_1";
  const bool cut = s.event == "COUPURE" || s.event == "REDUCTION";
  bool protocol = false;
  if (s.ground == common::v1::GROUND_ART2) {
    protocol = supplier && letter;
  } else if (s.ground == common::v1::GROUND_ART6) {
    protocol = supplier && cut;
  } else {
    protocol = q.sender == "edf" && (letter || s.event == "LETTRE_2");
  }
  if (!protocol || s.signal_type != "UNPAID_BILL" || q.purpose != "ENERGY_AID" ||
      q.act != common::v1::ACT_TRANSMIT) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  if (s.event_day && *s.event_day > today) {
    return v1::REASON_TOO_EARLY;
  }
  if (s.ground == common::v1::GROUND_ART6) {
    if (!s.event_day) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (!(*s.event_day + 6 <= today)) {
      return v1::REASON_TOO_EARLY;
    }
  } else {
    if (s.ground == common::v1::GROUND_ART2 &&
        (!s.event_day || !s.objection_end || *s.objection_end - *s.event_day < 8)) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (s.ground == common::v1::GROUND_CONVENTION && today < world.convention) {
      return v1::REASON_GROUND_NOT_ESTABLISHED;
    }
    if (s.objection_end && !(today > *s.objection_end)) {
      return v1::REASON_WINDOW_OPEN;
    }
  }
  const bool social = (q.recipient_desk == "dsol-75113" && q.recipient == "ville-paris") ||
                      (q.recipient_desk == "casvp-psa" && q.recipient == "casvp");
  if (!social) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return category == "IDENTITY" || category == "ADDRESS" || category == "ENERGY_DEBT"
             ? v1::REASON_OPT_OUT_REGIME
             : v1::REASON_CATEGORY_NOT_ALLOWED;
}

v1::Reason ModelDuty(const Question& q, const std::string& category) {
  const Stated& s = q.stated;
  const bool crip = s.ground == common::v1::GROUND_INFO_PREOCCUPANTE;
  if (q.sender != "bspp" || s.signal_type != "DISTRESS_REPORT" ||
      (s.event != "CONCERN" && s.event != "SERIOUS") || !s.has_facts || q.act != common::v1::ACT_TRANSMIT ||
      (q.purpose != "SOCIAL_ASSESSMENT" && !(crip && q.purpose == "CHILD_PROTECTION"))) {
    return v1::REASON_GROUND_NOT_ESTABLISHED;
  }
  const bool social = q.recipient == "ville-paris" && q.recipient_desk == "dsol-75113";
  const bool allowed = q.recipient == "crip75" || (!crip && (q.recipient == "siao" || social));
  if (!allowed) {
    return v1::REASON_RECIPIENT_NOT_ALLOWED;
  }
  return category == "IDENTITY" || category == "ADDRESS" || category == "SIGNS"
             ? v1::REASON_LEGAL_DUTY
             : v1::REASON_CATEGORY_NOT_ALLOWED;
}

v1::Reason Model(const PersonState& state, const Question& q, const std::string& category,
                 const Moment& moment, const World& world) {
  const common::v1::Ground ground = q.stated.ground;
  const bool duty =
      ground == common::v1::GROUND_CP_226_14_1 || ground == common::v1::GROUND_INFO_PREOCCUPANTE;
  const bool bill = ground == common::v1::GROUND_ART2 || ground == common::v1::GROUND_ART6 ||
                    ground == common::v1::GROUND_CONVENTION;
  v1::Reason missing = v1::REASON_UNSPECIFIED;
  // 1
  if (duty) {
    missing = ModelDuty(q, category);
    if (missing == v1::REASON_LEGAL_DUTY) {
      return missing;
    }
  }
  // 2: everything she said that covers the question, in its order; a no comes last among equals, a narrow yes
  // first.
  for (const Objection& objection : state.objections()) {
    if (objection.supplier == q.sender && objection.recorded <= moment.now &&
        !(objection.lifted && *objection.lifted <= moment.now)) {
      return v1::REASON_OBJECTED;
    }
  }
  bool lacks_explicit = false;
  std::vector<Said> said;
  for (const Agreement& agreement : state.agreements()) {
    const int covered = Covered(agreement.lines, q, category, world.kinds);
    const bool about_this =
        agreement.source_reference.empty() || agreement.source_reference == q.stated.source_reference;
    if (covered == 0 || !about_this || agreement.recorded > moment.now) {
      continue;
    }
    if (world.special.count(category) != 0 && !agreement.explicit_given) {
      lacks_explicit = true;
      continue;
    }
    said.push_back({Said::kAgreed, agreement.at, agreement.recorded, covered == 2, false, &agreement});
  }
  for (const Denial& denial : state.denials()) {
    int covered = Covered(denial.lines, q, category, world.kinds);
    if (covered != 0 && denial.agreement) {
      for (const Agreement& agreement : state.agreements()) {
        if (agreement.id == *denial.agreement) {
          const bool about_this =
              agreement.source_reference.empty() || agreement.source_reference == q.stated.source_reference;
          covered = about_this ? Covered(agreement.lines, q, category, world.kinds) : 0;
        }
      }
    }
    if (covered != 0 && denial.at <= moment.now) {
      said.push_back({Said::kDenied, denial.at, denial.at, covered == 2,
                      denial.kind == Denial::Kind::kWithdrawal, nullptr});
    }
  }
  std::stable_sort(said.begin(), said.end(), [](const Said& a, const Said& b) {
    if (a.when != b.when) {
      return a.when < b.when;
    }
    const auto rank = [](const Said& s) { return s.what == Said::kDenied ? 2 : (s.names_it ? 0 : 1); };
    return rank(a) < rank(b);
  });
  const Said* narrow_no = nullptr;
  const Said* broad_no = nullptr;
  std::vector<const Agreement*> live;
  for (const Said& each : said) {
    if (each.what == Said::kDenied) {
      (each.names_it ? narrow_no : broad_no) = &each;
      live.clear();
    } else if (each.names_it) {
      narrow_no = broad_no = nullptr;
      live.push_back(each.agreement);
    } else {
      broad_no = nullptr;
      if (narrow_no == nullptr) {
        live.push_back(each.agreement);
      }
    }
  }
  if (narrow_no != nullptr || broad_no != nullptr) {
    const Said* no = narrow_no == nullptr || (broad_no != nullptr && broad_no->when > narrow_no->when)
                         ? broad_no
                         : narrow_no;
    return no->withdrawal ? v1::REASON_WITHDRAWN : v1::REASON_REFUSED;
  }
  // 3
  if (bill) {
    missing = ModelBill(q, category, moment.today, world);
    if (missing == v1::REASON_OPT_OUT_REGIME) {
      return missing;
    }
  }
  // 5
  bool expired = false;
  for (const Agreement* agreement : live) {
    if (agreement->valid_from <= moment.now && moment.now < agreement->valid_until) {
      return v1::REASON_AGREEMENT;
    }
    expired = expired || moment.now >= agreement->valid_until;
  }
  // 6
  for (const Emergency& emergency : state.emergencies()) {
    if (emergency.recipient == q.recipient && emergency.from <= moment.now && moment.now < emergency.until &&
        In(emergency.categories, category) && q.act != common::v1::ACT_HOST) {
      return v1::REASON_EMERGENCY;
    }
  }
  // 7
  if (missing != v1::REASON_UNSPECIFIED) {
    return missing;
  }
  return lacks_explicit ? v1::REASON_EXPLICIT_REQUIRED : expired ? v1::REASON_EXPIRED : v1::REASON_NO_GROUND;
}

// ---------------------------------------------------------------- random histories

class Histories {
 public:
  explicit Histories(uint64_t seed) : engine_(seed) {}

  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  PersonState State() {
    PersonState state;
    const uint64_t acts = Below(7);
    for (uint64_t i = 0; i < acts; ++i) {
      Add(state, static_cast<uint8_t>(i + 1));
    }
    return state;
  }

  Question Ask() {
    Question q;
    q.sender = Pick({"edf", "engie", "bspp", "ville-paris"});
    q.recipient = Pick({"ville-paris", "casvp", "siao", "crip75"});
    q.recipient_desk = Pick({"", "dsol-75113", "casvp-psa", "siao-urgence"});
    q.purpose = OneIn(2) ? "ENERGY_AID" : Pick({"SOCIAL_ASSESSMENT", "CHILD_PROTECTION"});
    q.categories = {Pick({"IDENTITY", "ADDRESS", "HEALTH", "SIGNS"})};
    q.act = OneIn(4) ? AnyAct() : common::v1::ACT_TRANSMIT;
    static constexpr common::v1::Ground kGrounds[] = {
        common::v1::GROUND_UNSPECIFIED, common::v1::GROUND_ART2,        common::v1::GROUND_ART6,
        common::v1::GROUND_CONVENTION,  common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE};
    q.stated.ground = kGrounds[Below(std::size(kGrounds))];
    q.stated.has_facts = !OneIn(4);
    q.stated.signal_type = OneIn(2) ? "UNPAID_BILL" : "DISTRESS_REPORT";
    q.stated.event = q.stated.signal_type == "UNPAID_BILL"
                         ? Pick({"LETTRE_1", "LETTRE_2", "COUPURE", "REDUCTION"})
                         : Pick({"CONCERN", "SERIOUS"});
    if (!OneIn(6)) {
      q.stated.event_day = Day();
    }
    if (!OneIn(3)) {
      q.stated.objection_end = Day() + 8;
    }
    q.stated.source_reference = Pick({"", "REF-1", "REF-2"});
    return q;
  }

  absl::Time Instant() {
    return testing::Noon(2026, 11, 1) + absl::Hours(static_cast<int64_t>(6 * Below(80)));
  }

 private:
  std::string Pick(std::initializer_list<const char*> list) { return *(list.begin() + Below(list.size())); }
  absl::CivilDay Day() { return absl::CivilDay(2026, 11, 1) + static_cast<int>(Below(22)); }
  Act AnyAct() {
    static constexpr Act kActs[] = {common::v1::ACT_TRANSMIT, common::v1::ACT_CONSULT, common::v1::ACT_HOST};
    return kActs[Below(std::size(kActs))];
  }

  Line AnyLine(bool may_be_empty) {
    Line line;
    const auto empty = [&] { return may_be_empty && OneIn(2); };
    if (!empty()) {
      line.purposes = {Pick({"ENERGY_AID", "SOCIAL_ASSESSMENT", "CHILD_PROTECTION"}), "ENERGY_AID"};
    }
    if (!empty()) {
      line.categories = {Pick({"IDENTITY", "ADDRESS", "HEALTH", "SIGNS"}), "IDENTITY"};
    }
    if (!empty()) {
      line.recipients.push_back(
          OneIn(2) ? testing::To(Pick({"ville-paris", "casvp", "siao", "crip75"}))
                   : testing::Kind(Pick({"DEPARTEMENT_SOCIAL", "CCAS", "SIAO", "CHILD_PROTECTION"})));
    }
    if (!empty()) {
      line.acts = {AnyAct(), common::v1::ACT_TRANSMIT};
    }
    return line;
  }

  void Add(PersonState& state, uint8_t number) {
    switch (Below(8)) {
      case 0:
      case 1:
      case 2: {
        Agreement agreement;
        agreement.id = testing::IdOf(number);
        agreement.recorded = Instant();
        agreement.at = OneIn(3) ? agreement.recorded - absl::Hours(static_cast<int64_t>(6 * Below(20)))
                                : agreement.recorded;
        agreement.valid_from = agreement.at;
        agreement.valid_until = agreement.at + absl::Hours(static_cast<int64_t>(6 * (1 + Below(60))));
        agreement.explicit_given = OneIn(2);
        agreement.source_reference = OneIn(4) ? "REF-1" : "";
        agreement.lines = {AnyLine(false)};
        if (OneIn(3)) {
          agreement.lines.push_back(AnyLine(false));
        }
        state.Add(std::move(agreement));
        return;
      }
      case 3:
      case 4: {
        Denial denial;
        denial.id = testing::IdOf(number);
        denial.at = Instant();
        denial.lines = {AnyLine(true)};
        state.Add(std::move(denial));
        return;
      }
      case 5: {
        Denial denial;
        denial.id = testing::IdOf(number);
        denial.kind = Denial::Kind::kWithdrawal;
        denial.at = Instant();
        denial.lines = {OneIn(2) ? Line() : AnyLine(true)};
        if (!state.agreements().empty() && OneIn(2)) {
          const Agreement& withdrawn = state.agreements()[Below(state.agreements().size())];
          denial.agreement = withdrawn.id;
          denial.at = std::max(denial.at, withdrawn.recorded);
        }
        state.Add(std::move(denial));
        return;
      }
      case 6: {
        Objection objection;
        objection.supplier = Pick({"edf", "engie"});
        objection.recorded = Instant();
        const absl::Time lifted = objection.recorded + absl::Hours(static_cast<int64_t>(6 * Below(30)));
        const std::string supplier = objection.supplier;
        state.Record(std::move(objection));
        if (OneIn(2)) {
          state.LiftOwn(supplier, lifted);
        }
        return;
      }
      default: {
        Emergency emergency;
        emergency.id = testing::IdOf(number);
        emergency.recipient = Pick({"ville-paris", "casvp", "siao", "crip75"});
        emergency.categories = {Pick({"IDENTITY", "ADDRESS", "HEALTH", "SIGNS"}), "IDENTITY"};
        emergency.from = Instant();
        emergency.until = emergency.from + absl::Hours(static_cast<int64_t>(1 + Below(72)));
        state.Add(std::move(emergency));
        return;
      }
    }
  }

  std::mt19937_64 engine_;
};

TEST(DecisionProperty, AgreesWithTheModelOnRandomHistories) {
  const Rules rules = testing::SampleRules();
  World world;
  for (const auto& [id, kind] : rules.institution_kinds) {
    world.kinds[id] = kind;
  }
  Histories histories(kSeed);
  std::map<v1::Reason, int> seen;
  for (int i = 0; i < kHistories; ++i) {
    const PersonState state = histories.State();
    const Question question = histories.Ask();
    const Moment moment = testing::At(histories.Instant());
    const v1::Reason expected = Model(state, question, question.categories[0], moment, world);
    const Answer answer = Decide(state, question, rules, moment);
    ASSERT_EQ(v1::Reason_Name(answer.whole.reason), v1::Reason_Name(expected))
        << "history " << i << " of seed " << kSeed;
    ++seen[expected];
  }
  // The histories reach every reason that the sample can give, each often enough to mean something.
  for (const v1::Reason reason :
       {v1::REASON_LEGAL_DUTY, v1::REASON_OPT_OUT_REGIME, v1::REASON_AGREEMENT, v1::REASON_EMERGENCY,
        v1::REASON_REFUSED, v1::REASON_WITHDRAWN, v1::REASON_OBJECTED, v1::REASON_GROUND_NOT_ESTABLISHED,
        v1::REASON_WINDOW_OPEN, v1::REASON_TOO_EARLY, v1::REASON_CATEGORY_NOT_ALLOWED,
        v1::REASON_RECIPIENT_NOT_ALLOWED, v1::REASON_EXPLICIT_REQUIRED, v1::REASON_EXPIRED,
        v1::REASON_NO_GROUND}) {
    EXPECT_GT(seen[reason], 30) << v1::Reason_Name(reason);
  }
}

}  // namespace
}  // namespace relais::consent
