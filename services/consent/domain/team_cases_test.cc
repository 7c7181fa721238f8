// Step 4 of D-2.6 in cases that a lawyer can read: one team, and what is missing.
#include <gtest/gtest.h>

#include "services/consent/domain/story.h"
#include "services/consent/domain/team.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::MakeLine;
using testing::Noon;
using testing::Story;
using testing::To;
using testing::With;

struct Case {
  const char* name;
  Story story;
  Teams teams;
  Question question;
  v1::Reason expected;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

using Q = Question;

// The Ville's social worker tells her référent at Emmaüs of her situation.
Question ToReferent() {
  Question question;
  question.sender = "ville-paris";
  question.sender_function = "assistant-social";
  question.recipient = "emmaus";
  question.recipient_function = "educateur";
  question.purpose = "SOCIAL_ASSESSMENT";
  question.categories = {"SOCIAL_SITUATION"};
  question.act = common::v1::ACT_TRANSMIT;
  return question;
}

Question BackFromReferent() {
  Question question = ToReferent();
  std::swap(question.sender, question.recipient);
  std::swap(question.sender_function, question.recipient_function);
  return question;
}

std::vector<Line> Of(const char* recipient, std::vector<std::string> categories = {"SOCIAL_SITUATION"}) {
  return {MakeLine({"SOCIAL_ASSESSMENT"}, std::move(categories), {To(recipient)}, {})};
}

Story Told() { return Story().IsTold(5, "ville-paris", "assistant-social", Of("emmaus")); }

Mission Helps(std::string institution, std::string function, std::optional<int> until, Id128 team) {
  Mission mission{team, std::move(institution), std::move(function), Noon(2026, 11, 3), std::nullopt};
  if (until) {
    mission.until = Noon(2026, 11, *until);
  }
  return mission;
}

// Since the 3rd, until a day: her référent pivot, an educator of Emmaüs, and the social worker of the Ville
// who proposed him.
Teams Referent(std::optional<int> until = std::nullopt) {
  return {true,
          {Helps("emmaus", "educateur", until, IdOf(200)),
           Helps("ville-paris", "assistant-social", until, IdOf(200))}};
}

Teams Unknown() {
  Teams teams = Referent();
  teams.known = false;
  return teams;
}

std::vector<Case> Cases() {
  return {
      {"to her référent, whom she accepted, from who proposed him, and she was told: yes", Told(), Referent(),
       ToReferent(), v1::REASON_TEAM},
      {"the référent may look too: yes", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.act = common::v1::ACT_CONSULT; }), v1::REASON_TEAM},
      {"but not keep, share papers or act for her: no", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.act = common::v1::ACT_STORE; }), v1::REASON_NO_GROUND},
      {"nobody told her: no", Story(), Referent(), ToReferent(), v1::REASON_NO_GROUND},
      {"she is told tomorrow: no", Story().IsTold(11, "ville-paris", "assistant-social", Of("emmaus")),
       Referent(), ToReferent(), v1::REASON_NO_GROUND},
      {"she was told of another category: no",
       Story().IsTold(5, "ville-paris", "assistant-social", Of("emmaus", {"ADDRESS"})), Referent(),
       ToReferent(), v1::REASON_NO_GROUND},
      {"she was told of another recipient: no",
       Story().IsTold(5, "ville-paris", "assistant-social", Of("siao")), Referent(), ToReferent(),
       v1::REASON_NO_GROUND},
      {"she was told of another purpose: no", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.purpose = "RIGHTS_OPENING"; }), v1::REASON_NO_GROUND},
      {"the recipient told her: yes, one of the two", Story().IsTold(5, "emmaus", "educateur", Of("emmaus")),
       Referent(), ToReferent(), v1::REASON_TEAM},
      {"somebody else than the two told her: no",
       Story().IsTold(5, "siao", "travailleur-social", Of("emmaus")), Referent(), ToReferent(),
       v1::REASON_NO_GROUND},
      {"who told her is not bound by secrecy: no", Story().IsTold(5, "ville-paris", "accueil", Of("emmaus")),
       Referent(), ToReferent(), v1::REASON_NO_GROUND},
      {"who has no mission told her and would send: no, her own word is none",
       Story().IsTold(5, "siao", "travailleur-social", Of("emmaus")), Referent(),
       With(ToReferent(),
            [](Q& q) {
              q.sender = "siao";
              q.sender_function = "travailleur-social";
            }),
       v1::REASON_NO_GROUND},
      {"the sender's function is not bound by secrecy: no", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.sender_function = "accueil"; }), v1::REASON_NO_GROUND},
      {"the sender names no function: no", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.sender_function = ""; }), v1::REASON_NO_GROUND},
      {"the recipient names no function: no", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.recipient_function = ""; }), v1::REASON_NO_GROUND},
      {"the recipient's other function: no, it is not the référent", Told(), Referent(),
       With(ToReferent(), [](Q& q) { q.recipient_function = "accueil"; }), v1::REASON_NO_GROUND},
      {"nobody's function is known of who proposed him: no", Told(),
       [] {
         Teams teams = Referent();
         teams.missions[1].function.clear();
         return teams;
       }(),
       ToReferent(), v1::REASON_NO_GROUND},
      {"the référent has ended: no", Told(), Referent(10), ToReferent(), v1::REASON_NO_GROUND},
      {"the référent ends tomorrow: yes", Told(), Referent(11), ToReferent(), v1::REASON_TEAM},
      {"the référent begins tomorrow: no", Told(),
       [] {
         Teams teams = Referent();
         for (Mission& mission : teams.missions) {
           mission.from = Noon(2026, 11, 11);
         }
         return teams;
       }(),
       ToReferent(), v1::REASON_NO_GROUND},
      {"there is no référent: no", Told(), Teams{true, {}}, ToReferent(), v1::REASON_NO_GROUND},
      {"routing's log is not known up to now: the step is skipped", Told(), Unknown(), ToReferent(),
       v1::REASON_NO_GROUND},
      {"back from the référent to who proposed him: yes",
       Story().IsTold(5, "emmaus", "educateur", Of("ville-paris")), Referent(), BackFromReferent(),
       v1::REASON_TEAM},
      {"back, once the référent has ended: no", Story().IsTold(5, "emmaus", "educateur", Of("ville-paris")),
       Referent(10), BackFromReferent(), v1::REASON_NO_GROUND},
      {"from the référent to who is in no mission: no, whoever told her",
       Story().IsTold(5, "emmaus", "educateur", Of("siao")), Referent(),
       With(BackFromReferent(),
            [](Q& q) {
              q.recipient = "siao";
              q.recipient_function = "travailleur-social";
            }),
       v1::REASON_NO_GROUND},
      {"two teams are not one: no", Told(),
       [] {
         Teams teams = Referent();
         teams.missions[1].team = IdOf(201);
         return teams;
       }(),
       ToReferent(), v1::REASON_NO_GROUND},
      {"health does not pass between professionals without her explicit agreement: no",
       Story().IsTold(5, "ville-paris", "assistant-social", Of("emmaus", {"HEALTH"})), Referent(),
       With(ToReferent(), [](Q& q) { q.categories = {"HEALTH"}; }), v1::REASON_NO_GROUND},
      {"data on offences do not either, even from who may send them: no",
       Story().IsTold(5, "prison", "educateur", Of("emmaus", {"OFFENCE"})),
       [] {
         Teams teams = Referent();
         teams.missions[1].institution = "prison";
         teams.missions[1].function = "educateur";
         return teams;
       }(),
       With(ToReferent(),
            [](Q& q) {
              q.sender = "prison";
              q.sender_function = "educateur";
              q.categories = {"OFFENCE"};
            }),
       v1::REASON_NO_GROUND},
      {"she refused: her word comes first", Told().Refuses(6, {Line()}), Referent(), ToReferent(),
       v1::REASON_REFUSED},
      {"she refused before she was told: being told undoes nothing",
       Story().Refuses(4, {Line()}).IsTold(5, "ville-paris", "assistant-social", Of("emmaus")), Referent(),
       ToReferent(), v1::REASON_REFUSED},
      {"no team, but she agreed: her agreement permits",
       Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"SOCIAL_SITUATION"}, {To("emmaus")})}), Teams(),
       ToReferent(), v1::REASON_AGREEMENT},
  };
}

class TeamCases : public ::testing::TestWithParam<Case> {};

TEST_P(TeamCases, AreDecidedAsTheLawSays) {
  const Case& c = GetParam();
  const Answer answer =
      Decide(c.story.state(), c.question, testing::SampleRules(), testing::At(Noon(2026, 11, 10)), c.teams);
  EXPECT_EQ(v1::Reason_Name(answer.whole.reason), v1::Reason_Name(c.expected));
  EXPECT_EQ(answer.whole.permitted(), c.expected == v1::REASON_TEAM || c.expected == v1::REASON_AGREEMENT);
  if (c.expected == v1::REASON_TEAM) {
    EXPECT_EQ(answer.whole.ground, common::v1::GROUND_TEAM);
    EXPECT_EQ(answer.obligations, std::vector{v1::OBLIGATION_STRICTLY_NECESSARY});
    EXPECT_TRUE(answer.whole.basis.has_value());
    EXPECT_TRUE(MayBeTeam(c.story.state(), c.question, testing::SampleRules()));
  }
}

INSTANTIATE_TEST_SUITE_P(D264, TeamCases, ::testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = std::to_string(info.index);
  for (const char c : std::string_view(info.param.name)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
});

}  // namespace
}  // namespace relais::consent
