// D-2.6 in cases that a lawyer can read: who asks what, what she said before, what the answer is and why.
#include <gtest/gtest.h>

#include "services/consent/domain/decision.h"
#include "services/consent/domain/story.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using common::v1::ACT_CONSULT;
using common::v1::ACT_HOST;
using testing::CutQuestion;
using testing::ExitQuestion;
using testing::IdOf;
using testing::Kind;
using testing::LetterQuestion;
using testing::MakeLine;
using testing::Noon;
using testing::ReportQuestion;
using testing::RightsLine;
using testing::RightsQuestion;
using testing::Story;
using testing::To;
using testing::With;
using testing::WordQuestion;

struct Case {
  const char* name;
  Story story;
  Question question;
  int day;  // of November 2026, at noon
  v1::Reason expected;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

using Q = Question;
const absl::CivilDay kNov3(2026, 11, 3);
const absl::CivilDay kNov20(2026, 11, 20);

// The same question about that act of hers alone; 99: no act of hers.
Question AboutOne(uint8_t number, Question question = RightsQuestion()) {
  question.agreement = IdOf(number);
  return question;
}

std::vector<Case> Cases() {
  const Line all;
  return {
      // ---- D-2.6.5, D-2.12: only an agreement that was given allows.
      {"nothing was ever said: no", Story(), RightsQuestion(), 10, v1::REASON_NO_GROUND},
      {"she agreed for this institution: yes", Story().Agrees(1, {RightsLine({To("caf")})}), RightsQuestion(),
       10, v1::REASON_AGREEMENT},
      {"she agreed for this kind of institution: yes", Story().Agrees(1, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"she agreed for another institution: no", Story().Agrees(1, {RightsLine({To("siao")})}),
       RightsQuestion(), 10, v1::REASON_NO_GROUND},
      {"she agreed for another purpose: no",
       Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY"}, {To("caf")})}), RightsQuestion(), 10,
       v1::REASON_NO_GROUND},
      {"she agreed for another category: no",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"ADDRESS"}, {To("caf")})}), RightsQuestion(), 10,
       v1::REASON_NO_GROUND},
      {"she agreed that they look, not that it be sent: no",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY"}, {To("caf")}, {ACT_CONSULT})}),
       RightsQuestion(), 10, v1::REASON_NO_GROUND},
      {"purpose of one line and category of another do not add up: no",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"ADDRESS"}, {To("caf")}),
                          MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY"}, {To("caf")})}),
       RightsQuestion(), 10, v1::REASON_NO_GROUND},
      {"one category agreed of two asked: no to the whole", Story().Agrees(1, {RightsLine({To("caf")})}),
       With(RightsQuestion(),
            [](Q& q) {
              q.categories = {"IDENTITY", "ADDRESS"};
            }),
       10, v1::REASON_NO_GROUND},
      {"her agreement has expired: no", Story().ExpiresOn(1, {RightsLine({To("caf")})}, 9), RightsQuestion(),
       10, v1::REASON_EXPIRED},
      {"its end is excluded: at that instant, no", Story().ExpiresOn(1, {RightsLine({To("caf")})}, 10),
       RightsQuestion(), 10, v1::REASON_EXPIRED},
      {"not recorded yet on that day: no", Story().Agrees(11, {RightsLine({To("caf")})}), RightsQuestion(),
       10, v1::REASON_NO_GROUND},

      // ---- D-2.7: special categories and offences.
      {"health, agreed but not explicitly: no",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"HEALTH"}, {To("caf")})}),
       With(RightsQuestion(), [](Q& q) { q.categories = {"HEALTH"}; }), 10, v1::REASON_EXPLICIT_REQUIRED},
      {"health, agreed explicitly: yes",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"HEALTH"}, {To("caf")})}, true),
       With(RightsQuestion(), [](Q& q) { q.categories = {"HEALTH"}; }), 10, v1::REASON_AGREEMENT},
      {"offences, sender not authorised: no, even agreed explicitly",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"OFFENCE"}, {To("caf")})}, true),
       With(RightsQuestion(), [](Q& q) { q.categories = {"OFFENCE"}; }), 10,
       v1::REASON_OFFENCE_NOT_AUTHORISED},
      {"offences, authorised sender: her agreement still unlocks nothing",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"OFFENCE"}, {To("caf")})}, true),
       With(RightsQuestion(),
            [](Q& q) {
              q.sender = "prison";
              q.categories = {"OFFENCE"};
            }),
       10, v1::REASON_NO_GROUND},
      {"offences, authorised sender, legal duty: yes", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris"),
            [](Q& q) {
              q.sender = "prison";
              q.categories = {"OFFENCE"};
            }),
       10, v1::REASON_LEGAL_DUTY},
      {"offences, unauthorised sender, legal duty: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris", "dsol-75113"),
            [](Q& q) { q.categories = {"OFFENCE"}; }),
       10, v1::REASON_OFFENCE_NOT_AUTHORISED},

      // ---- D-2.7, D-4.10: an authorised prison says that she leaves, and when; nothing else, and not
      // against her.
      {"the prison tells the social service that she leaves on the 20th: yes", Story(), ExitQuestion(kNov20),
       10, v1::REASON_AUTHORISED_EXIT},
      {"to the SIAO, which its protocol names by kind: yes", Story(),
       With(ExitQuestion(kNov20),
            [](Q& q) {
              q.recipient = "siao";
              q.recipient_desk = "siao-urgence";
            }),
       10, v1::REASON_AUTHORISED_EXIT},
      {"on the day itself: yes", Story(), ExitQuestion(kNov20), 20, v1::REASON_AUTHORISED_EXIT},
      {"the day after: no, it is no planned exit any more", Story(), ExitQuestion(kNov20), 21,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"without the day: no", Story(), With(ExitQuestion(kNov20), [](Q& q) { q.stated.event_day.reset(); }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"to who is not among its protocol's recipients: no", Story(),
       With(ExitQuestion(kNov20),
            [](Q& q) {
              q.recipient = "caf";
              q.recipient_desk = "";
            }),
       10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"to the institution, not to its social service's desk: no", Story(),
       With(ExitQuestion(kNov20), [](Q& q) { q.recipient_desk = ""; }), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"to the brigade, which only sends: no", Story(),
       With(ExitQuestion(kNov20),
            [](Q& q) {
              q.recipient = "bspp";
              q.recipient_desk = "";
            }),
       10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"her name goes on her agreement, not with it: no", Story(),
       With(ExitQuestion(kNov20), [](Q& q) { q.categories = {"IDENTITY"}; }), 10,
       v1::REASON_CATEGORY_NOT_ALLOWED},
      {"her health: no", Story(), With(ExitQuestion(kNov20), [](Q& q) { q.categories = {"HEALTH"}; }), 10,
       v1::REASON_CATEGORY_NOT_ALLOWED},
      {"for another purpose: no", Story(),
       With(ExitQuestion(kNov20), [](Q& q) { q.purpose = "RIGHTS_OPENING"; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"to let them look into the file: no", Story(),
       With(ExitQuestion(kNov20), [](Q& q) { q.act = ACT_CONSULT; }), 10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"in a report of distress, not a planned exit: no", Story(),
       With(ExitQuestion(kNov20),
            [](Q& q) {
              q.stated.signal_type = "DISTRESS_REPORT";
              q.stated.event = "SERIOUS";
            }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"a legal duty stated for a planned exit: no, its protocol knows none", Story(),
       With(ExitQuestion(kNov20),
            [](Q& q) {
              q.stated.ground = common::v1::GROUND_CP_226_14_1;
              q.stated.has_facts = true;
            }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"no ground stated: no", Story(),
       With(ExitQuestion(kNov20), [](Q& q) { q.stated.ground = common::v1::GROUND_UNSPECIFIED; }), 10,
       v1::REASON_NO_GROUND},
      {"from who is not authorised: no", Story(), With(ExitQuestion(kNov20), [](Q& q) { q.sender = "aphp"; }),
       10, v1::REASON_OFFENCE_NOT_AUTHORISED},
      {"she refused that this be told: no", Story().Refuses(1, {MakeLine({}, {"OFFENCE"}, {}, {})}),
       ExitQuestion(kNov20), 10, v1::REASON_REFUSED},
      {"she refused everything: no", Story().Refuses(1, {all}), ExitQuestion(kNov20), 10, v1::REASON_REFUSED},
      {"she refused another recipient: yes", Story().Refuses(1, {MakeLine({}, {}, {To("siao")}, {})}),
       ExitQuestion(kNov20), 10, v1::REASON_AUTHORISED_EXIT},
      {"she took everything back: no", Story().Withdraws(1, {all}), ExitQuestion(kNov20), 10,
       v1::REASON_WITHDRAWN},
      {"she objected to the prison: no", Story().ObjectsTo(1, "prison"), ExitQuestion(kNov20), 10,
       v1::REASON_OBJECTED},
      {"she refused, then agreed: no, an agreement unlocks no data on offences",
       Story().Refuses(1, {all}).Agrees(
           2, {MakeLine({"SOCIAL_ASSESSMENT"}, {"OFFENCE"}, {To("ville-paris")})}, true),
       ExitQuestion(kNov20), 10, v1::REASON_REFUSED},

      // ---- D-2.6.2: her latest act.
      {"she refused, nothing else: no, because she refused", Story().Refuses(1, {all}), RightsQuestion(), 10,
       v1::REASON_REFUSED},
      {"agreed, then refused: no",
       Story().Agrees(1, {RightsLine({To("caf")})}).Refuses(2, {RightsLine({To("caf")})}), RightsQuestion(),
       10, v1::REASON_REFUSED},
      {"refused this institution, then agreed to it: yes, exactly its lines",
       Story().Refuses(1, {RightsLine({To("caf")})}).Agrees(2, {RightsLine({To("caf")})}), RightsQuestion(),
       10, v1::REASON_AGREEMENT},
      {"refused everything, then agreed to this: yes",
       Story().Refuses(1, {all}).Agrees(2, {RightsLine({To("caf")})}), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},
      {"refused everything, then agreed to something else: no",
       Story().Refuses(1, {all}).Agrees(2, {RightsLine({To("siao")})}), RightsQuestion(), 10,
       v1::REASON_REFUSED},
      {"refused everything, then agreed for the kind: yes",
       Story().Refuses(1, {all}).Agrees(2, {RightsLine({Kind("BENEFITS")})}), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},
      {"refused the kind, then agreed for the kind: yes",
       Story().Refuses(1, {RightsLine({Kind("BENEFITS")})}).Agrees(2, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"refused this institution by name, then agreed for its kind: the refusal wins",
       Story().Refuses(1, {RightsLine({To("caf")})}).Agrees(2, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"agreed to this institution by name, then refused its kind: no",
       Story().Agrees(1, {RightsLine({To("caf")})}).Refuses(2, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"agreed and refused at the same instant: the refusal wins",
       Story().Refuses(2, {RightsLine({To("caf")})}).Agrees(2, {RightsLine({To("caf")})}), RightsQuestion(),
       10, v1::REASON_REFUSED},
      {"paper signed before she refused, entered after: the refusal is later",
       Story().Refuses(5, {RightsLine({To("caf")})}).SignedOn(3, 6, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"a refusal of something else does not count",
       Story().Agrees(1, {RightsLine({To("caf")})}).Refuses(2, {MakeLine({}, {"ADDRESS"}, {}, {})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew everything: no, because she withdrew",
       Story().Agrees(1, {RightsLine({To("caf")})}).Withdraws(2, {all}), RightsQuestion(), 10,
       v1::REASON_WITHDRAWN},
      {"withdrew one recipient of two: no to that one",
       Story()
           .Agrees(1, {RightsLine({To("caf"), To("siao")})})
           .Withdraws(2, {MakeLine({}, {}, {To("caf")}, {})}),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"withdrew one recipient of two: yes to the other",
       Story()
           .Agrees(1, {RightsLine({To("caf"), To("siao")})})
           .Withdraws(2, {MakeLine({}, {}, {To("siao")}, {})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew a category: no to that one",
       Story().Agrees(1, {RightsLine({To("caf")})}).Withdraws(2, {MakeLine({}, {"IDENTITY"}, {}, {})}),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"withdrew another category: yes",
       Story().Agrees(1, {RightsLine({To("caf")})}).Withdraws(2, {MakeLine({}, {"ADDRESS"}, {}, {})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew one line of two: no to that line",
       Story()
           .Agrees(1, {RightsLine({To("caf")}), MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY"}, {To("caf")})})
           .Withdraws(2, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"withdrew one line of two: yes to the other",
       Story()
           .Agrees(1, {RightsLine({To("caf")}), MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY"}, {To("caf")})})
           .Withdraws(2, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY"}, {To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew a kind of recipient: no to every one of that kind",
       Story().Agrees(1, {RightsLine({To("caf")})}).Withdraws(2, {MakeLine({}, {}, {Kind("BENEFITS")}, {})}),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"withdrew that agreement: no", Story().Agrees(1, {RightsLine({To("caf")})}).WithdrawsAgreement(2, 1),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"withdrew another agreement, about something else: yes",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Agrees(1, {RightsLine({To("siao")})})
           .WithdrawsAgreement(2, 2),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"took back of that agreement this institution, then agreed for its kind: no",
       Story()
           .Agrees(1, {RightsLine({Kind("BENEFITS")})})
           .WithdrawsOf(2, 1, {MakeLine({}, {}, {To("caf")}, {})})
           .Agrees(3, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_WITHDRAWN},
      {"took back of that agreement this institution, then agreed to it by name: yes",
       Story()
           .Agrees(1, {RightsLine({Kind("BENEFITS")})})
           .WithdrawsOf(2, 1, {MakeLine({}, {}, {To("caf")}, {})})
           .Agrees(3, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"took back of that agreement its kind, then agreed for the kind: yes",
       Story()
           .Agrees(1, {RightsLine({Kind("BENEFITS")})})
           .WithdrawsOf(2, 1, {MakeLine({}, {}, {Kind("BENEFITS")}, {})})
           .Agrees(3, {RightsLine({Kind("BENEFITS")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew, then agreed again: yes",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .WithdrawsAgreement(2, 1)
           .Agrees(3, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"withdrew, agreed again for a week, the week is over: the withdrawn one does not come back",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .WithdrawsAgreement(2, 1)
           .ExpiresOn(3, {RightsLine({To("caf")})}, 9),
       RightsQuestion(), 10, v1::REASON_EXPIRED},
      {"withdrew the agreement limited to one report: another agreement stands",
       Story()
           .Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY", "SIGNS"}, {To("siao")})}, false, "BSPP-9",
                   3)
           .Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY", "SIGNS"}, {To("siao")})})
           .WithdrawsAgreement(2, 1),
       ReportQuestion(common::v1::GROUND_UNSPECIFIED, "siao"), 10, v1::REASON_AGREEMENT},
      {"a refusal made after the instant asked about does not count",
       Story().Agrees(1, {RightsLine({To("caf")})}).Refuses(12, {all}), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},

      // ---- D-2.8, D-2.9: representatives.
      {"her tutor agreed, the mandate runs: yes",
       Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 20), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},
      {"her tutor agreed, the mandate has ended: no, though the agreement's period runs",
       Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 9), RightsQuestion(), 10,
       v1::REASON_MANDATE_ENDED},
      {"the day after the mandate's last is excluded: at that instant, no",
       Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 10), RightsQuestion(), 10,
       v1::REASON_MANDATE_ENDED},
      {"a mandate without end: yes", Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"the mandate was renewed with the agreement: yes",
       Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 5).Renews(4, 1, 28, 20), RightsQuestion(),
       10, v1::REASON_AGREEMENT},
      {"she refused, then her tutor agreed: her own no stands",
       Story().Refuses(1, {RightsLine({To("caf")})}).RepresentativeAgrees(2, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"she refused everything, then her tutor agreed to this: her own no stands",
       Story().Refuses(1, {all}).RepresentativeAgrees(2, {RightsLine({To("caf")})}), RightsQuestion(), 10,
       v1::REASON_REFUSED},
      {"she refused, her tutor agreed, then she agreed: yes",
       Story()
           .Refuses(1, {RightsLine({To("caf")})})
           .RepresentativeAgrees(2, {RightsLine({To("caf")})})
           .Agrees(3, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"a parent refused, then a parent agreed: yes",
       Story()
           .RepresentativeRefuses(1, {RightsLine({To("caf")})})
           .RepresentativeAgrees(2, {RightsLine({To("caf")})}),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"a parent refused, then she agreed for herself: yes",
       Story().RepresentativeRefuses(1, {all}).Agrees(2, {RightsLine({To("caf")})}), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},
      {"she agreed, then her representative refused: no",
       Story().Agrees(1, {RightsLine({To("caf")})}).RepresentativeRefuses(2, {all}), RightsQuestion(), 10,
       v1::REASON_REFUSED},
      {"a minor whom nobody represents, to the CRIP: yes",
       Story().RepresentativeAgrees(1, {MakeLine({"CHILD_PROTECTION"}, {"IDENTITY"}, {To("crip75")})}, 0,
                                    true),
       With(RightsQuestion(),
            [](Q& q) {
              q.recipient = "crip75";
              q.purpose = "CHILD_PROTECTION";
            }),
       10, v1::REASON_AGREEMENT},
      {"a minor whom nobody represents, to the ASE: yes",
       Story().RepresentativeAgrees(1, {MakeLine({"CHILD_PROTECTION"}, {"IDENTITY"}, {To("ase75")})}, 0,
                                    true),
       With(RightsQuestion(),
            [](Q& q) {
              q.recipient = "ase75";
              q.purpose = "CHILD_PROTECTION";
            }),
       10, v1::REASON_AGREEMENT},
      {"a minor whom nobody represents, to another: no, whatever was written",
       Story().RepresentativeAgrees(1, {RightsLine({To("caf"), To("crip75")})}, 0, true), RightsQuestion(),
       10, v1::REASON_NO_GROUND},

      // ---- D-2.12: renewed, terminated, invalidated.
      {"renewed before its end: yes, after that end",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 9).Renews(8, 1, 28), RightsQuestion(), 10,
       v1::REASON_AGREEMENT},
      {"renewed to an earlier end: that end counts",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 28).Renews(2, 1, 9), RightsQuestion(), 10,
       v1::REASON_EXPIRED},
      {"renewed after the instant asked about: it counts from then only",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 9).Renews(11, 1, 28), RightsQuestion(), 10,
       v1::REASON_EXPIRED},
      {"she refused in between: a renewal does not undo it",
       Story()
           .ExpiresOn(1, {RightsLine({To("caf")})}, 9)
           .Refuses(3, {RightsLine({To("caf")})})
           .Renews(8, 1, 28),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"ended by who collected it: no", Story().Agrees(1, {RightsLine({To("caf")})}).CollectorEnds(9, 1),
       RightsQuestion(), 10, v1::REASON_TERMINATED},
      {"ended tomorrow: yes today", Story().Agrees(1, {RightsLine({To("caf")})}).CollectorEnds(11, 1),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"one of two agreements ended: the other permits",
       Story().Agrees(1, {RightsLine({To("caf")})}).Agrees(1, {RightsLine({To("caf")})}).CollectorEnds(9, 1),
       RightsQuestion(), 10, v1::REASON_AGREEMENT},
      {"declared invalid by a judge: no", Story().Agrees(1, {RightsLine({To("caf")})}).JudgeInvalidates(9, 1),
       RightsQuestion(), 10, v1::REASON_INVALIDATED},
      {"she refused, agreed, and that agreement is invalid: her refusal stands as if she had not",
       Story().Refuses(1, {all}).Agrees(2, {RightsLine({To("caf")})}).JudgeInvalidates(9, 2),
       RightsQuestion(), 10, v1::REASON_REFUSED},
      {"she refused, agreed, and who collected it ended it: her refusal does not come back",
       Story().Refuses(1, {all}).Agrees(2, {RightsLine({To("caf")})}).CollectorEnds(9, 2), RightsQuestion(),
       10, v1::REASON_TERMINATED},

      // ---- D-4.4a: a brigade's report.
      {"agreed to this report: yes",
       Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY", "SIGNS"}, {To("siao")})}, false,
                      "BSPP-1", 3),
       ReportQuestion(common::v1::GROUND_UNSPECIFIED, "siao"), 10, v1::REASON_AGREEMENT},
      {"agreed to another report: no",
       Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY", "SIGNS"}, {To("siao")})}, false,
                      "BSPP-2", 3),
       ReportQuestion(common::v1::GROUND_UNSPECIFIED, "siao"), 10, v1::REASON_NO_GROUND},

      // ---- D-2.6.1, D-2.3: legal duty.
      {"226-14 1° to the social service: yes, whatever she refused", Story().Refuses(1, {all}),
       ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris", "dsol-75113"), 10,
       v1::REASON_LEGAL_DUTY},
      {"226-14 1° to the SIAO: yes", Story(), ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"), 10,
       v1::REASON_LEGAL_DUTY},
      {"226-14 1° to an association: no, it is no authority", Story(),
       ReportQuestion(common::v1::GROUND_CP_226_14_1, "emmaus"), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"226-14 1° to an authority outside the protocol: no", Story(),
       ReportQuestion(common::v1::GROUND_CP_226_14_1, "aphp"), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"226-14 1° without facts: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"), [](Q& q) { q.stated.has_facts = false; }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"226-14 1° in a report for which its sender has no protocol: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"), [](Q& q) { q.sender = "aphp"; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"226-14 1° of a category outside the protocol: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"), [](Q& q) { q.categories = {"HEALTH"}; }),
       10, v1::REASON_CATEGORY_NOT_ALLOWED},
      {"226-14 1° lets inform, not consult: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"), [](Q& q) { q.act = ACT_CONSULT; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"226-14 1° to the CRIP to protect a child: yes, whatever the report was for", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "crip75"),
            [](Q& q) { q.purpose = "CHILD_PROTECTION"; }),
       10, v1::REASON_LEGAL_DUTY},
      {"226-14 1° to protect a child, to another than the CRIP: no", Story(),
       With(ReportQuestion(common::v1::GROUND_CP_226_14_1, "siao"),
            [](Q& q) { q.purpose = "CHILD_PROTECTION"; }),
       10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"information préoccupante to the CRIP: yes, whatever was refused", Story().Refuses(1, {all}),
       ReportQuestion(common::v1::GROUND_INFO_PREOCCUPANTE, "crip75"), 10, v1::REASON_LEGAL_DUTY},
      {"information préoccupante for child protection: yes", Story(),
       With(ReportQuestion(common::v1::GROUND_INFO_PREOCCUPANTE, "crip75"),
            [](Q& q) { q.purpose = "CHILD_PROTECTION"; }),
       10, v1::REASON_LEGAL_DUTY},
      {"information préoccupante to another than the CRIP: no", Story(),
       ReportQuestion(common::v1::GROUND_INFO_PREOCCUPANTE, "ville-paris", "dsol-75113"), 10,
       v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"information préoccupante for the rights' purpose: no", Story(),
       With(ReportQuestion(common::v1::GROUND_INFO_PREOCCUPANTE, "crip75"),
            [](Q& q) { q.purpose = "RIGHTS_OPENING"; }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"a failed duty, but she agreed: her agreement permits",
       Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"IDENTITY", "SIGNS"}, {To("emmaus")})}),
       ReportQuestion(common::v1::GROUND_CP_226_14_1, "emmaus"), 10, v1::REASON_AGREEMENT},

      // ---- D-2.6.1, D-2.3: a professional's own word, which needs no protocol.
      {"a social worker alerts the CRIP to a child's injuries (226-14 1°): yes, whatever was refused",
       Story().Refuses(1, {all}), WordQuestion(common::v1::GROUND_CP_226_14_1), 10, v1::REASON_LEGAL_DUTY},
      {"an educator of an association too: yes", Story(),
       With(WordQuestion(common::v1::GROUND_CP_226_14_1),
            [](Q& q) {
              q.sender = "emmaus";
              q.sender_function = "educateur";
            }),
       10, v1::REASON_LEGAL_DUTY},
      {"226-14 1° to another authority, of an adult unable to protect herself: yes", Story(),
       With(WordQuestion(common::v1::GROUND_CP_226_14_1, "aphp"),
            [](Q& q) { q.purpose = "EMERGENCY_PROTECTION"; }),
       10, v1::REASON_LEGAL_DUTY},
      {"226-14 1° to an association: no, it is no authority", Story(),
       WordQuestion(common::v1::GROUND_CP_226_14_1, "emmaus"), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"information préoccupante to the CRIP: yes, whatever was refused", Story().Refuses(1, {all}),
       WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), 10, v1::REASON_LEGAL_DUTY},
      {"information préoccupante, to assess the situation: yes", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE),
            [](Q& q) { q.purpose = "SOCIAL_ASSESSMENT"; }),
       10, v1::REASON_LEGAL_DUTY},
      {"information préoccupante to a hospital: no", Story(),
       WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE, "aphp"), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"information préoccupante to open rights: no", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), [](Q& q) { q.purpose = "RIGHTS_OPENING"; }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"without facts: no", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), [](Q& q) { q.stated.has_facts = false; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"to consult, not to inform: no", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), [](Q& q) { q.act = ACT_CONSULT; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"a function that is not bound by secrecy: no", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), [](Q& q) { q.sender_function = "accueil"; }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"no function: no", Story(),
       With(WordQuestion(common::v1::GROUND_INFO_PREOCCUPANTE), [](Q& q) { q.sender_function = ""; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"an officer of the brigade, which sends reports only: not past its protocol", Story(),
       With(WordQuestion(common::v1::GROUND_CP_226_14_1),
            [](Q& q) {
              q.sender = "bspp";
              q.sender_function = "officier";
            }),
       10, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"professionals of child protection, both bound by secrecy (L.226-2-2): yes, whatever was refused",
       Story().Refuses(1, {all}), WordQuestion(common::v1::GROUND_CASF_226_2_2), 10, v1::REASON_LEGAL_DUTY},
      {"L.226-2-2, the recipient's function is not bound by secrecy: no", Story(),
       With(WordQuestion(common::v1::GROUND_CASF_226_2_2), [](Q& q) { q.recipient_function = "accueil"; }),
       10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"L.226-2-2, the recipient names no function: no", Story(),
       With(WordQuestion(common::v1::GROUND_CASF_226_2_2), [](Q& q) { q.recipient_function = ""; }), 10,
       v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"L.226-2-2, the sender's function is not bound by secrecy: no", Story(),
       With(WordQuestion(common::v1::GROUND_CASF_226_2_2), [](Q& q) { q.sender_function = "accueil"; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"L.226-2-2 for another purpose than child protection: no", Story(),
       With(WordQuestion(common::v1::GROUND_CASF_226_2_2), [](Q& q) { q.purpose = "SOCIAL_ASSESSMENT"; }), 10,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"L.226-2-2 to who does no child protection: no", Story(),
       WordQuestion(common::v1::GROUND_CASF_226_2_2, "casvp"), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"L.226-2-2 in a brigade's report: no, its protocol knows none", Story(),
       ReportQuestion(common::v1::GROUND_CASF_226_2_2, "crip75"), 10, v1::REASON_GROUND_NOT_ESTABLISHED},

      // ---- D-2.5: who only sends reads nothing.
      {"she agreed that her supplier be told: no, it only sends",
       Story().Agrees(1, {RightsLine({To("edf")})}),
       With(RightsQuestion(), [](Q& q) { q.recipient = "edf"; }), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"she agreed to every supplier: no", Story().Agrees(1, {RightsLine({Kind("ENERGY_SUPPLIER")})}),
       With(RightsQuestion(), [](Q& q) { q.recipient = "edf"; }), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"an emergency declared for the brigade: no", Story().Emergency(9, "bspp", {"IDENTITY"}),
       With(RightsQuestion(), [](Q& q) { q.recipient = "bspp"; }), 10, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"what a supplier does with its own, she agreed: yes", Story().Agrees(1, {RightsLine({To("edf")})}),
       With(RightsQuestion(),
            [](Q& q) {
              q.sender = "edf";
              q.recipient = "edf";
            }),
       10, v1::REASON_AGREEMENT},

      // ---- D-1.5: ART6, five full days of cut, departmental desks, decree's fields.
      {"cut on the 3rd, asked on the 8th: too early", Story(), CutQuestion(kNov3), 8, v1::REASON_TOO_EARLY},
      {"cut on the 3rd, asked on the 9th: yes", Story(), CutQuestion(kNov3), 9, v1::REASON_OPT_OUT_REGIME},
      {"a reduction counts like a cut: yes", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.stated.event = "REDUCTION"; }), 9, v1::REASON_OPT_OUT_REGIME},
      {"a cut tomorrow: too early", Story(), CutQuestion(absl::CivilDay(2026, 11, 11)), 10,
       v1::REASON_TOO_EARLY},
      {"a cut without its day: no", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.stated.event_day.reset(); }), 9,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART6 for a letter: no", Story(), With(CutQuestion(kNov3), [](Q& q) { q.stated.event = "LETTRE_1"; }),
       20, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART6 to the co-signing commune: yes", Story(),
       With(CutQuestion(kNov3),
            [](Q& q) {
              q.recipient = "casvp";
              q.recipient_desk = "casvp-psa";
            }),
       9, v1::REASON_OPT_OUT_REGIME},
      {"ART6 to the département, no desk named: no", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.recipient_desk = ""; }), 9, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"ART6 to a desk that is no social service: no", Story(),
       With(CutQuestion(kNov3),
            [](Q& q) {
              q.recipient = "siao";
              q.recipient_desk = "siao-urgence";
            }),
       9, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"ART6 to another's référent behind the département's desk: no", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.recipient = "siao"; }), 9, v1::REASON_RECIPIENT_NOT_ALLOWED},
      {"ART6 with her situation: no, even if the protocol lists it", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.categories = {"SOCIAL_SITUATION"}; }), 9,
       v1::REASON_CATEGORY_NOT_ALLOWED},
      {"ART6 for another purpose: no", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.purpose = "SOCIAL_ASSESSMENT"; }), 9,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART6 lets transmit, not consult: no", Story(),
       With(CutQuestion(kNov3), [](Q& q) { q.act = ACT_CONSULT; }), 9, v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART6 from who has no protocol: no", Story(), CutQuestion(kNov3, "caf"), 9,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART6 to her référent elsewhere, and she agreed: yes, by her agreement",
       Story().Agrees(1, {MakeLine({"ENERGY_AID"}, {"IDENTITY", "ADDRESS", "ENERGY_DEBT"}, {To("siao")})}),
       With(CutQuestion(kNov3),
            [](Q& q) {
              q.recipient = "siao";
              q.recipient_desk = "";
            }),
       9, v1::REASON_AGREEMENT},

      // ---- D-1.4: ART2, protected customers, the window gates its letter.
      {"letter of the 3rd, window to the 11th, asked on the 11th: window open", Story(),
       LetterQuestion(common::v1::GROUND_ART2, "LETTRE_1", kNov3, absl::CivilDay(2026, 11, 11)), 11,
       v1::REASON_WINDOW_OPEN},
      {"the day after: yes", Story(),
       LetterQuestion(common::v1::GROUND_ART2, "LETTRE_1", kNov3, absl::CivilDay(2026, 11, 11)), 12,
       v1::REASON_OPT_OUT_REGIME},
      {"a window of seven days is none: no", Story(),
       LetterQuestion(common::v1::GROUND_ART2, "LETTRE_1", kNov3, absl::CivilDay(2026, 11, 10)), 20,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"no window stated: no", Story(),
       LetterQuestion(common::v1::GROUND_ART2, "LETTRE_1", kNov3, std::nullopt), 20,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"ART2 for a cut: no", Story(),
       LetterQuestion(common::v1::GROUND_ART2, "COUPURE", kNov3, absl::CivilDay(2026, 11, 11)), 20,
       v1::REASON_GROUND_NOT_ESTABLISHED},

      // ---- D-1.13: convention.
      {"second letter under a signed convention: yes", Story(),
       LetterQuestion(common::v1::GROUND_CONVENTION, "LETTRE_2", kNov3, std::nullopt), 4,
       v1::REASON_OPT_OUT_REGIME},
      {"second letter of a supplier without one: no", Story(),
       LetterQuestion(common::v1::GROUND_CONVENTION, "LETTRE_2", kNov3, std::nullopt, "engie"), 4,
       v1::REASON_GROUND_NOT_ESTABLISHED},
      {"first letter under the convention, its own window open: no", Story(),
       LetterQuestion(common::v1::GROUND_CONVENTION, "LETTRE_1", kNov3, absl::CivilDay(2026, 11, 11)), 11,
       v1::REASON_WINDOW_OPEN},

      // ---- D-1.6: objections.
      {"she objected to EDF: no", Story().ObjectsTo(1, "edf"), CutQuestion(kNov3), 9, v1::REASON_OBJECTED},
      {"she objected to another supplier: yes", Story().ObjectsTo(1, "engie"), CutQuestion(kNov3), 9,
       v1::REASON_OPT_OUT_REGIME},
      {"she objected and lifted it: yes", Story().ObjectsTo(1, "edf").LiftsObjectionTo(4, "edf"),
       CutQuestion(kNov3), 9, v1::REASON_OPT_OUT_REGIME},
      {"lifted after the instant asked about: no", Story().ObjectsTo(1, "edf").LiftsObjectionTo(10, "edf"),
       CutQuestion(kNov3), 9, v1::REASON_OBJECTED},
      {"she objected, then agreed: an objection ends only by lifting",
       Story().ObjectsTo(1, "edf").Agrees(
           2, {MakeLine({"ENERGY_AID"}, {"IDENTITY", "ADDRESS", "ENERGY_DEBT"}, {To("ville-paris")})}),
       CutQuestion(kNov3), 9, v1::REASON_OBJECTED},
      {"she refused everything: the opt-out regime gives way", Story().Refuses(1, {all}), CutQuestion(kNov3),
       9, v1::REASON_REFUSED},

      // ---- ADR 71: asked about one agreement of hers, which a share or a host rests on.
      {"agreed until the 20th, then for a year, asked about the first: yes",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 20).Agrees(2, {RightsLine({To("caf")})}), AboutOne(1),
       10, v1::REASON_AGREEMENT},
      {"the first has expired, the second stands, asked about the first: no",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 20).Agrees(2, {RightsLine({To("caf")})}), AboutOne(1),
       21, v1::REASON_EXPIRED},
      {"and about the second: yes",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 20).Agrees(2, {RightsLine({To("caf")})}), AboutOne(2),
       21, v1::REASON_AGREEMENT},
      {"the one asked about is for another institution, the other one for this: no",
       Story().Agrees(1, {RightsLine({To("siao")})}).Agrees(2, {RightsLine({To("caf")})}), AboutOne(1), 10,
       v1::REASON_NO_GROUND},
      {"two categories asked, each agreement has one and the one asked about both: yes",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .ExpiresOn(2, {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf")})}, 20),
       AboutOne(2, With(RightsQuestion(),
                        [](Q& q) {
                          q.categories = {"IDENTITY", "ADDRESS"};
                        })),
       10, v1::REASON_AGREEMENT},
      {"two categories asked, the one asked about has one of them: no",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .ExpiresOn(2, {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf")})}, 20),
       AboutOne(1, With(RightsQuestion(),
                        [](Q& q) {
                          q.categories = {"IDENTITY", "ADDRESS"};
                        })),
       10, v1::REASON_NO_GROUND},
      {"she refused since: no, whichever is asked about",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Agrees(2, {RightsLine({To("caf")})})
           .Refuses(3, {RightsLine({To("caf")})}),
       AboutOne(1), 10, v1::REASON_REFUSED},
      {"she objected to the sender: no",
       Story().Agrees(1, {RightsLine({To("caf")})}).ObjectsTo(2, "ville-paris"), AboutOne(1), 10,
       v1::REASON_OBJECTED},
      {"withdrew the other one, on the same lines: no",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Agrees(1, {RightsLine({To("caf")})})
           .WithdrawsAgreement(2, 2),
       AboutOne(1), 10, v1::REASON_WITHDRAWN},
      {"agreed, refused, agreed again, asked about the first: no, her refusal ended it",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Refuses(2, {RightsLine({To("caf")})})
           .Agrees(3, {RightsLine({To("caf")})}),
       AboutOne(1), 10, v1::REASON_NO_GROUND},
      {"and about the last: yes",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Refuses(2, {RightsLine({To("caf")})})
           .Agrees(3, {RightsLine({To("caf")})}),
       AboutOne(3), 10, v1::REASON_AGREEMENT},
      {"refused by name, agreed by name, then for the kind, asked about that: yes, the refusal is answered",
       Story()
           .Refuses(1, {RightsLine({To("caf")})})
           .Agrees(2, {RightsLine({To("caf")})})
           .Agrees(3, {RightsLine({Kind("BENEFITS")})}),
       AboutOne(3), 10, v1::REASON_AGREEMENT},
      {"a representative agreed against her refusal, then she did, asked about the representative's: no",
       Story()
           .Refuses(1, {RightsLine({To("caf")})})
           .RepresentativeAgrees(2, {RightsLine({To("caf")})})
           .Agrees(3, {RightsLine({To("caf")})}),
       AboutOne(2), 10, v1::REASON_NO_GROUND},
      {"ended by who collected it, the other stands, asked about the first: no",
       Story().Agrees(1, {RightsLine({To("caf")})}).Agrees(1, {RightsLine({To("caf")})}).CollectorEnds(9, 1),
       AboutOne(1), 10, v1::REASON_TERMINATED},
      {"declared invalid by a judge, the other stands, asked about the first: no",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Agrees(1, {RightsLine({To("caf")})})
           .JudgeInvalidates(9, 1),
       AboutOne(1), 10, v1::REASON_INVALIDATED},
      {"and about the other: yes",
       Story()
           .Agrees(1, {RightsLine({To("caf")})})
           .Agrees(1, {RightsLine({To("caf")})})
           .JudgeInvalidates(9, 1),
       AboutOne(2), 10, v1::REASON_AGREEMENT},
      {"health, the one asked about is not explicit, the other is: no",
       Story()
           .Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"HEALTH"}, {To("caf")})})
           .Agrees(2, {MakeLine({"RIGHTS_OPENING"}, {"HEALTH"}, {To("caf")})}, true),
       AboutOne(1, With(RightsQuestion(), [](Q& q) { q.categories = {"HEALTH"}; })), 10,
       v1::REASON_EXPLICIT_REQUIRED},
      {"not hers: no, as for one that does not cover it", Story().Agrees(1, {RightsLine({To("caf")})}),
       AboutOne(99), 10, v1::REASON_NO_GROUND},
      {"not hers, and she refused: no, because she refused", Story().Refuses(1, {all}), AboutOne(99), 10,
       v1::REASON_REFUSED},
      {"not hers, what another one of hers lacks is not said",
       Story().ExpiresOn(1, {RightsLine({To("caf")})}, 9), AboutOne(99), 10, v1::REASON_NO_GROUND},
      {"not hers, nor what makes another one of hers no agreement for health",
       Story().Agrees(1, {MakeLine({"RIGHTS_OPENING"}, {"HEALTH"}, {To("caf")})}),
       AboutOne(99, With(RightsQuestion(), [](Q& q) { q.categories = {"HEALTH"}; })), 10,
       v1::REASON_NO_GROUND},
      {"an act of hers that is no agreement: no",
       Story().Emergency(1, "caf", {"IDENTITY"}).Agrees(2, {RightsLine({To("caf")})}), AboutOne(1), 10,
       v1::REASON_NO_GROUND},
      {"a cut on the sixth day, asked about an agreement: yes, it needs none", Story(),
       AboutOne(99, CutQuestion(kNov3)), 9, v1::REASON_OPT_OUT_REGIME},
      {"a legal duty, asked about an agreement: yes, it needs none", Story().Refuses(1, {all}),
       AboutOne(99, WordQuestion(common::v1::GROUND_CP_226_14_1)), 10, v1::REASON_LEGAL_DUTY},
      {"an emergency, asked about an agreement: yes, it needs none",
       Story().Emergency(9, "caf", {"IDENTITY"}), AboutOne(99), 10, v1::REASON_EMERGENCY},

      // ---- D-2.6.6: break-glass.
      {"emergency for this recipient: yes", Story().Emergency(9, "caf", {"IDENTITY"}), RightsQuestion(), 10,
       v1::REASON_EMERGENCY},
      {"emergency lists health: yes, vital interest needs no explicit agreement",
       Story().Emergency(9, "caf", {"HEALTH"}),
       With(RightsQuestion(), [](Q& q) { q.categories = {"HEALTH"}; }), 10, v1::REASON_EMERGENCY},
      {"emergency for another recipient: no", Story().Emergency(9, "siao", {"IDENTITY"}), RightsQuestion(),
       10, v1::REASON_NO_GROUND},
      {"emergency, category not listed: no", Story().Emergency(9, "caf", {"ADDRESS"}), RightsQuestion(), 10,
       v1::REASON_NO_GROUND},
      {"emergency after its 72 hours: no", Story().Emergency(7, "caf", {"IDENTITY"}), RightsQuestion(), 10,
       v1::REASON_NO_GROUND},
      {"an emergency judged justified: yes, until its end",
       Story().Emergency(9, "caf", {"IDENTITY"}).EmergencyJudged(10, 1, v1::REVIEW_OUTCOME_JUSTIFIED),
       RightsQuestion(), 11, v1::REASON_EMERGENCY},
      {"an emergency judged to be none: no, at once",
       Story().Emergency(9, "caf", {"IDENTITY"}).EmergencyJudged(10, 1, v1::REVIEW_OUTCOME_NOT_JUSTIFIED),
       RightsQuestion(), 10, v1::REASON_NO_GROUND},
      {"judged to be none tomorrow: yes today",
       Story().Emergency(9, "caf", {"IDENTITY"}).EmergencyJudged(11, 1, v1::REVIEW_OUTCOME_NOT_JUSTIFIED),
       RightsQuestion(), 10, v1::REASON_EMERGENCY},
      {"an emergency does not unlock data on offences, even from who may send them",
       Story().Emergency(9, "caf", {"OFFENCE"}),
       With(RightsQuestion(),
            [](Q& q) {
              q.sender = "prison";
              q.categories = {"OFFENCE"};
            }),
       10, v1::REASON_NO_GROUND},
      {"emergency never lets act in her place: no", Story().Emergency(9, "caf", {"IDENTITY"}),
       With(RightsQuestion(), [](Q& q) { q.act = ACT_HOST; }), 10, v1::REASON_NO_GROUND},
      {"emergency against her refusal: no, her refusal comes first",
       Story().Refuses(1, {all}).Emergency(9, "caf", {"IDENTITY"}), RightsQuestion(), 10, v1::REASON_REFUSED},
  };
}

// The sample's, with the ASE: of the same kind as the CRIP (D-2.9).
Rules RulesOfTheCases() {
  Rules rules = testing::SampleRules();
  rules.institution_kinds.emplace("ase75", std::string(kChildProtection));
  return rules;
}

class DecisionCases : public ::testing::TestWithParam<Case> {};

TEST_P(DecisionCases, IsDecidedAsTheLawSays) {
  const Case& c = GetParam();
  const Answer answer =
      Decide(c.story.state(), c.question, RulesOfTheCases(), testing::At(Noon(2026, 11, c.day)));
  EXPECT_EQ(v1::Reason_Name(answer.whole.reason), v1::Reason_Name(c.expected));
  const bool permits = c.expected < v1::REASON_NOT_PERMITTED || c.expected == v1::REASON_TEAM ||
                       c.expected == v1::REASON_AUTHORISED_EXIT;
  EXPECT_EQ(answer.whole.permitted(), permits);
  EXPECT_EQ(answer.whole.ground != common::v1::GROUND_UNSPECIFIED, permits);
  EXPECT_EQ(answer.categories.size(), c.question.categories.size());
  if (c.expected == v1::REASON_AGREEMENT && c.question.agreement) {
    EXPECT_EQ(answer.whole.basis, c.question.agreement);
  }
}

INSTANTIATE_TEST_SUITE_P(D26, DecisionCases, ::testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = std::to_string(info.index);
  for (const char c : std::string_view(info.param.name)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
});

}  // namespace
}  // namespace relais::consent
