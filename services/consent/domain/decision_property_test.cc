// Random histories: the decision against the naive model (naive_model.h).
//
// RELAIS_HISTORIES=N in the environment: N histories for each seed instead of the default, which makes a
// million in an optimised build.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "services/consent/domain/naive_model.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

#ifdef NDEBUG
constexpr int kHistories = 300000;
#else
constexpr int kHistories = 50000;
#endif
constexpr uint64_t kSeed = 20261103;
constexpr uint64_t kSeeds = 4;

using common::v1::Act;

int HistoriesWanted() {
  int wanted = 0;
  const char* text = std::getenv("RELAIS_HISTORIES");
  return text != nullptr && absl::SimpleAtoi(text, &wanted) && wanted > 0 ? wanted : kHistories;
}

// ---------------------------------------------------------------- random histories

class Histories {
 public:
  explicit Histories(uint64_t seed) : engine_(seed) {}

  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  PersonState State() {
    PersonState state;
    const uint64_t acts = Below(8);
    for (uint64_t i = 0; i < acts; ++i) {
      Add(state, static_cast<uint8_t>(i + 1));
    }
    return state;
  }

  Question Ask() {
    Question q;
    q.sender = Pick({"edf", "engie", "bspp", "ville-paris", "ville-paris", "prison"});
    q.sender_function = AnyFunction(q.sender);
    q.recipient = AnyRecipient();
    q.recipient_function = AnyFunction(q.recipient);
    q.recipient_desk = Pick({"", "dsol-75113", "casvp-psa", "siao-urgence"});
    q.purpose = OneIn(2) ? "ENERGY_AID" : Pick({"SOCIAL_ASSESSMENT", "CHILD_PROTECTION"});
    q.categories = {AnyCategory()};
    if (OneIn(8)) {
      AskMore(q);
    }
    q.act = OneIn(4) ? AnyAct() : common::v1::ACT_TRANSMIT;
    static constexpr common::v1::Ground kGrounds[] = {
        common::v1::GROUND_UNSPECIFIED,  common::v1::GROUND_ART2,
        common::v1::GROUND_ART6,         common::v1::GROUND_CONVENTION,
        common::v1::GROUND_CP_226_14_1,  common::v1::GROUND_INFO_PREOCCUPANTE,
        common::v1::GROUND_CASF_226_2_2, common::v1::GROUND_AUTHORISED_EXIT};
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

  /// Most random questions fail at the first step: some are made to come further.
  void Sharpen(Question& q, Teams& teams, PersonState& state) {
    switch (Below(8)) {
      case 0: {  // a bill as a protocol has it
        q.sender = Pick({"edf", "engie"});
        q.recipient = "ville-paris";
        q.recipient_desk = "dsol-75113";
        q.purpose = "ENERGY_AID";
        q.act = common::v1::ACT_TRANSMIT;
        q.stated.signal_type = "UNPAID_BILL";
        q.stated.event = OneIn(2) ? "LETTRE_1" : "COUPURE";
        q.stated.ground = q.stated.event == "COUPURE" ? common::v1::GROUND_ART6 : common::v1::GROUND_ART2;
        return;
      }
      case 1: {  // professionals who could be of one team
        q.sender = "ville-paris";
        q.sender_function = "assistant-social";
        q.recipient = OneIn(2) ? "emmaus" : "siao";
        q.recipient_function = AnyFunction(q.recipient);
        q.stated = Stated();
        teams.known = !OneIn(8);
        for (const std::string& institution : {q.recipient, q.sender}) {
          Mission mission;
          mission.team = testing::IdOf(OneIn(8) ? 101 : 100);
          mission.institution = institution;
          mission.function = AnyFunction(institution);
          mission.from = Instant() - absl::Hours(240);
          teams.missions.push_back(std::move(mission));
        }
        const std::string by = OneIn(3) ? q.recipient : q.sender;
        state.Add(
            Information{testing::IdOf(90),
                        Instant() - absl::Hours(240),
                        by,
                        AnyFunction(by),
                        {testing::MakeLine({q.purpose}, {q.categories[0]}, {testing::To(q.recipient)}, {})}});
        if (OneIn(4)) {
          state.Add(RestrictionOf(OneIn(2) ? q.recipient : q.sender, 91));
          if (OneIn(3)) {  // and her life was in danger meanwhile
            const absl::Time from = Instant();
            state.Add(
                Emergency{testing::IdOf(92), q.recipient, "", q.categories, from, from + absl::Hours(72)});
          }
        }
        return;
      }
      case 2: {  // a professional's own word, to protect
        static constexpr common::v1::Ground kWords[] = {common::v1::GROUND_CP_226_14_1,
                                                        common::v1::GROUND_INFO_PREOCCUPANTE,
                                                        common::v1::GROUND_CASF_226_2_2};
        q.sender = Pick({"ville-paris", "siao", "emmaus", "bspp", "prison"});
        q.sender_function = AnyFunction(q.sender);
        q.recipient = OneIn(3) ? AnyRecipient() : "crip75";
        q.recipient_function = AnyFunction(q.recipient);
        q.purpose = Pick({"CHILD_PROTECTION", "SOCIAL_ASSESSMENT", "EMERGENCY_PROTECTION", "ENERGY_AID"});
        q.stated.ground = kWords[Below(std::size(kWords))];
        q.stated.signal_type.clear();
        q.stated.event.clear();
        return;
      }
      case 3: {  // a planned exit, nearly as the protocol has it
        q.sender = OneIn(6) ? "ville-paris" : "prison";
        q.recipient = OneIn(6) ? AnyRecipient() : Pick({"ville-paris", "siao"});
        q.recipient_desk = OneIn(6) ? "" : q.recipient == "siao" ? "siao-urgence" : "dsol-75113";
        q.purpose = OneIn(6) ? "CHILD_PROTECTION" : "SOCIAL_ASSESSMENT";
        q.categories = {OneIn(4) ? AnyCategory() : "OFFENCE"};
        q.act = OneIn(6) ? AnyAct() : common::v1::ACT_TRANSMIT;
        q.stated.ground = OneIn(8) ? common::v1::GROUND_CP_226_14_1 : common::v1::GROUND_AUTHORISED_EXIT;
        q.stated.signal_type = OneIn(8) ? "DISTRESS_REPORT" : "PLANNED_EXIT";
        q.stated.event = OneIn(8) ? "SERIOUS" : "PRISON";
        return;
      }
      case 4: {  // now and then what an agreement of hers is about
        if (state.agreements().empty() || !OneIn(4)) {
          return;
        }
        const Agreement& agreement = state.agreements()[Below(state.agreements().size())];
        const Line& line = *agreement.lines.begin();
        q.purpose = line.purposes.front();
        q.categories = {line.categories.front()};
        if (!line.recipients.front().institution.empty()) {
          q.recipient = line.recipients.front().institution;
        }
        q.stated = Stated();
        return;
      }
      default:
        return;
    }
  }

  Teams HelpingHer() {
    Teams teams;
    teams.known = !OneIn(6);
    for (uint64_t i = Below(3); i > 0; --i) {
      Mission mission;
      mission.institution = OneIn(3) ? "ville-paris" : AnyRecipient();
      mission.function = AnyFunction(mission.institution);
      mission.from = Instant();
      if (OneIn(3)) {
        mission.until = mission.from + absl::Hours(static_cast<int64_t>(6 * Below(60)));
      }
      mission.team = testing::IdOf(static_cast<uint8_t>(100 + Below(2)));
      teams.missions.push_back(std::move(mission));
    }
    return teams;
  }

  absl::Time Instant() {
    return testing::Noon(2026, 11, 1) + absl::Hours(static_cast<int64_t>(6 * Below(80)));
  }

 private:
  // Two to four categories, each once.
  void AskMore(Question& q) {
    const size_t wanted = 2 + Below(3);
    while (q.categories.size() < wanted) {
      const std::string more = AnyCategory();
      if (std::find(q.categories.begin(), q.categories.end(), more) == q.categories.end()) {
        q.categories.push_back(more);
      }
    }
  }

  // Never of the instant of another act: acts of one person do not tie with it.
  Restriction RestrictionOf(const std::string& institution, uint8_t number) {
    Restriction restriction;
    restriction.id = testing::IdOf(number);
    restriction.institution = institution;
    const absl::Time before = Instant();
    restriction.from = before + absl::Minutes(1);
    if (OneIn(3)) {
      restriction.until = before + absl::Hours(static_cast<int64_t>(6 * (1 + Below(30))));
    }
    return restriction;
  }

  std::string Pick(std::initializer_list<const char*> list) { return *(list.begin() + Below(list.size())); }
  std::string AnyCategory() {
    return Pick({"IDENTITY", "ADDRESS", "HEALTH", "SIGNS", "IDENTITY", "OFFENCE"});
  }
  // Now and then one that only sends.
  std::string AnyRecipient() {
    return OneIn(12) ? Pick({"edf", "bspp"}) : Pick({"ville-paris", "casvp", "siao", "crip75", "emmaus"});
  }
  // Mostly one that is bound by secrecy, where the institution has one.
  std::string AnyFunction(const std::string& institution) {
    if (OneIn(4)) {
      return Pick({"", "accueil"});
    }
    return institution == "siao"     ? "travailleur-social"
           : institution == "emmaus" ? "educateur"
           : institution == "prison" ? "educateur"
           : institution == "bspp"   ? "officier"
                                     : "assistant-social";
  }
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
      line.categories = {AnyCategory(), "IDENTITY"};
    }
    if (!empty()) {
      line.recipients.push_back(
          OneIn(2) ? testing::To(AnyRecipient())
                   : testing::Kind(Pick({"DEPARTEMENT_SOCIAL", "CCAS", "SIAO", "CHILD_PROTECTION",
                                         "ASSOCIATION", "ENERGY_SUPPLIER"})));
    }
    if (!empty()) {
      line.acts = {AnyAct(), common::v1::ACT_TRANSMIT};
    }
    return line;
  }

  void Add(PersonState& state, uint8_t number) {
    switch (Below(12)) {
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
        if (!agreement.source_reference.empty() && OneIn(2)) {
          agreement.reference_of = "bspp";
        }
        agreement.represented = OneIn(3);
        if (agreement.represented && OneIn(2)) {
          agreement.mandate_until = AnyMandateEnd();
        }
        agreement.child_protection_only = agreement.represented && OneIn(4);
        std::vector<Line> lines = {AnyLine(false)};
        if (OneIn(3)) {
          lines.push_back(AnyLine(false));
        }
        agreement.lines = std::move(lines);
        state.Add(std::move(agreement));
        return;
      }
      case 3:
      case 4: {
        Denial denial;
        denial.id = testing::IdOf(number);
        denial.at = Instant();
        denial.represented = OneIn(3);
        denial.lines = {AnyLine(true)};
        state.Add(std::move(denial));
        return;
      }
      case 5: {
        Denial denial;
        denial.id = testing::IdOf(number);
        denial.kind = Denial::Kind::kWithdrawal;
        denial.at = Instant();
        denial.represented = OneIn(3);
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
      case 7: {
        if (state.agreements().empty()) {
          return;
        }
        const Agreement& agreement = state.agreements()[Below(state.agreements().size())];
        Renewal renewal{agreement.recorded + absl::Hours(static_cast<int64_t>(6 * Below(30))), {}};
        renewal.valid_until = renewal.at + absl::Hours(static_cast<int64_t>(6 * (1 + Below(60))));
        if (agreement.represented && OneIn(2)) {
          renewal.mandate_until = AnyMandateEnd();
        }
        if (agreement.renewals.empty() || agreement.renewals.back().at < renewal.at) {
          state.Renew(agreement.id, renewal);
        }
        return;
      }
      case 8: {
        if (!state.agreements().empty()) {
          const Agreement& agreement = state.agreements()[Below(state.agreements().size())];
          state.End(agreement.id, {Instant(), OneIn(2)});
        }
        return;
      }
      case 9: {
        Line line = AnyLine(false);
        line.recipients = {testing::To(AnyRecipient())};
        if (OneIn(2)) {
          line.acts.clear();
        }
        const std::string by = OneIn(2) ? "ville-paris" : AnyRecipient();
        state.Add(Information{testing::IdOf(number), Instant(), by, AnyFunction(by), {std::move(line)}});
        return;
      }
      case 10: {
        const std::string institution =
            OneIn(2) ? AnyRecipient() : Pick({"edf", "engie", "bspp", "ville-paris", "prison"});
        state.Add(RestrictionOf(institution, number));
        return;
      }
      default: {
        Emergency emergency;
        emergency.id = testing::IdOf(number);
        emergency.recipient = AnyRecipient();
        if (OneIn(3)) {
          emergency.recipient_function = AnyFunction(emergency.recipient);
        }
        emergency.categories = {AnyCategory(), "IDENTITY"};
        emergency.from = Instant();
        emergency.until = emergency.from + absl::Hours(static_cast<int64_t>(1 + Below(72)));
        const Id128 id = emergency.id;
        state.Add(std::move(emergency));
        if (OneIn(2)) {
          state.Review(id, Instant(),
                       OneIn(2) ? v1::REVIEW_OUTCOME_JUSTIFIED : v1::REVIEW_OUTCOME_NOT_JUSTIFIED);
        }
        return;
      }
    }
  }

  absl::Time AnyMandateEnd() { return Instant() + absl::Hours(24 * 5); }

  std::mt19937_64 engine_;
};

struct OneAsked {
  PersonState state;
  Question question;
};

// The same, asked about one agreement alone: one of hers, every other time beside one just like it that lasts
// longer, now and then one that is not there.
OneAsked AboutOne(const PersonState& state, const Question& question, int number) {
  OneAsked one{state, question};
  if (state.agreements().empty() || number % 8 == 0) {
    one.question.agreement = testing::IdOf(99);
    return one;
  }
  Agreement twin = state.agreements()[static_cast<size_t>(number) % state.agreements().size()];
  one.question.agreement = twin.id;
  if (number % 2 == 1) {
    twin.id = testing::IdOf(98);
    twin.valid_until += absl::Hours(24);
    one.state.Add(std::move(twin));
  }
  return one;
}

// What differs between an answer and the model's reasons, of every category and of the whole; empty: nothing.
std::string Difference(const Answer& answer, const testing::Reasons& expected) {
  if (answer.categories.size() != expected.each.size()) {
    return "not every category is answered";
  }
  for (size_t i = 0; i < expected.each.size(); ++i) {
    if (answer.categories[i].reason != expected.each[i]) {
      return v1::Reason_Name(answer.categories[i].reason) + " of a category, expected " +
             v1::Reason_Name(expected.each[i]);
    }
  }
  if (answer.whole.reason != expected.whole || answer.whole.permitted() != testing::Permits(expected.whole)) {
    return v1::Reason_Name(answer.whole.reason) + " of the whole, expected " +
           v1::Reason_Name(expected.whole);
  }
  return "";
}

// How often what is asked of several categories, and what is restricted, decides.
class Reached {
 public:
  void Count(const testing::Reasons& reasons, bool restricted) {
    const bool first = testing::Permits(reasons.each[0]);
    const bool whole = testing::Permits(reasons.whole);
    if (reasons.each.size() > 1) {
      all_of_several_ += whole ? 1 : 0;
      a_later_one_denies_ += first && !whole ? 1 : 0;
    }
    if (restricted) {
      ++despite_restriction_[reasons.whole];
    }
  }
  void Expect(int at_least) {
    EXPECT_GT(all_of_several_, at_least) << "several categories, all permitted";
    EXPECT_GT(a_later_one_denies_, at_least) << "the first permitted, a later one not";
    for (const v1::Reason reason :
         {v1::REASON_RESTRICTED, v1::REASON_AGREEMENT, v1::REASON_LEGAL_DUTY, v1::REASON_EMERGENCY}) {
      EXPECT_GT(despite_restriction_[reason], at_least) << v1::Reason_Name(reason) << " while restricted";
    }
  }

 private:
  int all_of_several_ = 0;
  int a_later_one_denies_ = 0;
  std::map<v1::Reason, int> despite_restriction_;
};

class DecisionProperty : public ::testing::TestWithParam<uint64_t> {};

TEST_P(DecisionProperty, AgreesWithTheModelOnRandomHistories) {
  const uint64_t seed = kSeed + GetParam();
  const Rules rules = testing::SampleRules();
  Histories histories(seed);
  std::map<v1::Reason, int> seen;
  Reached reached;
  int beside_longer = 0;
  int not_that_one = 0;
  const int wanted = HistoriesWanted();
  for (int i = 0; i < wanted; ++i) {
    PersonState state = histories.State();
    Teams teams = histories.HelpingHer();
    Question question = histories.Ask();
    histories.Sharpen(question, teams, state);
    const Moment moment = testing::At(histories.Instant());
    const testing::Reasons reasons = testing::ModelAll(state, teams, question, moment);
    const v1::Reason expected = reasons.whole;
    ASSERT_EQ(Difference(Decide(state, question, rules, moment, teams), reasons), "")
        << "history " << i << " of seed " << seed;
    reached.Count(reasons, testing::Restricted(state, question, moment.now));
    // What is not asked for need not be read: without the teams the answer is the same.
    if (std::find(reasons.each.begin(), reasons.each.end(), v1::REASON_TEAM) != reasons.each.end()) {
      ASSERT_TRUE(MayBeTeam(state, question, rules)) << "history " << i << " of seed " << seed;
    }
    ++seen[expected];

    const OneAsked one = AboutOne(state, question, i);
    const testing::Reasons about_one = testing::ModelAll(one.state, teams, one.question, moment);
    const v1::Reason of_one = about_one.whole;
    const Answer about = Decide(one.state, one.question, rules, moment, teams);
    ASSERT_EQ(Difference(about, about_one), "")
        << "about one agreement, history " << i << " of seed " << seed;
    if (of_one == v1::REASON_AGREEMENT) {
      ASSERT_EQ(about.whole.basis, one.question.agreement) << "history " << i << " of seed " << seed;
      const Answer on_any = Decide(one.state, question, rules, moment, teams);
      ASSERT_TRUE(on_any.whole.permitted()) << "history " << i << " of seed " << seed;
      beside_longer += on_any.whole.basis != about.whole.basis ? 1 : 0;
    } else {
      not_that_one += expected == v1::REASON_AGREEMENT ? 1 : 0;
    }
  }
  reached.Expect(wanted / 30000);
  EXPECT_GT(beside_longer, wanted / 3000) << "permitted on the one asked about, which does not last longest";
  EXPECT_GT(not_that_one, wanted / 3000) << "permitted, but not on the one asked about";
  // The histories reach every reason that the sample can give, each often enough to mean something.
  for (const v1::Reason reason : {v1::REASON_LEGAL_DUTY,
                                  v1::REASON_OPT_OUT_REGIME,
                                  v1::REASON_AUTHORISED_EXIT,
                                  v1::REASON_TEAM,
                                  v1::REASON_AGREEMENT,
                                  v1::REASON_EMERGENCY,
                                  v1::REASON_REFUSED,
                                  v1::REASON_WITHDRAWN,
                                  v1::REASON_OBJECTED,
                                  v1::REASON_GROUND_NOT_ESTABLISHED,
                                  v1::REASON_WINDOW_OPEN,
                                  v1::REASON_TOO_EARLY,
                                  v1::REASON_CATEGORY_NOT_ALLOWED,
                                  v1::REASON_RECIPIENT_NOT_ALLOWED,
                                  v1::REASON_EXPLICIT_REQUIRED,
                                  v1::REASON_OFFENCE_NOT_AUTHORISED,
                                  v1::REASON_EXPIRED,
                                  v1::REASON_MANDATE_ENDED,
                                  v1::REASON_TERMINATED,
                                  v1::REASON_INVALIDATED,
                                  v1::REASON_RESTRICTED,
                                  v1::REASON_NO_GROUND}) {
    EXPECT_GT(seen[reason], wanted / 30000) << v1::Reason_Name(reason);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DecisionProperty, ::testing::Range(uint64_t{0}, kSeeds));

}  // namespace
}  // namespace relais::consent
