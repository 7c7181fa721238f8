// Stories and questions: how the table of cases (decision_cases_test.cc) is written.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "services/consent/domain/decision.h"
#include "services/consent/domain/testing.h"

namespace relais::consent::testing {

using common::v1::ACT_TRANSMIT;

// Her history, told in the order of its days; everything happens in November 2026 unless said.
class Story {
 public:
  Story& Agrees(int day, std::vector<Line> lines, bool explicit_given = false, std::string reference = "",
                int months = 12) {
    Agreement agreement;
    agreement.id = IdOf(next_++);
    agreement.at = agreement.recorded = agreement.valid_from = Noon(2026, 11, day);
    agreement.valid_until = agreement.at + absl::Hours(24 * 30 * months);
    agreement.explicit_given = explicit_given;
    agreement.source_reference = std::move(reference);
    agreement.lines = std::move(lines);
    state_.Add(std::move(agreement));
    return *this;
  }
  /// Signed on one day, entered on another.
  Story& SignedOn(int day, int entered, std::vector<Line> lines) {
    Agreement agreement;
    agreement.id = IdOf(next_++);
    agreement.at = agreement.valid_from = Noon(2026, 11, day);
    agreement.recorded = Noon(2026, 11, entered);
    agreement.valid_until = Noon(2027, 11, day);
    agreement.lines = std::move(lines);
    state_.Add(std::move(agreement));
    return *this;
  }
  Story& ExpiresOn(int day, std::vector<Line> lines, int until) {
    Agreement agreement;
    agreement.id = IdOf(next_++);
    agreement.at = agreement.recorded = agreement.valid_from = Noon(2026, 11, day);
    agreement.valid_until = Noon(2026, 11, until);
    agreement.lines = std::move(lines);
    state_.Add(std::move(agreement));
    return *this;
  }
  /// Given by a representative whose mandate ends on that day; 0: it has no end.
  Story& RepresentativeAgrees(int day, std::vector<Line> lines, int mandate_until = 0,
                              bool child_protection_only = false) {
    Agreement agreement;
    agreement.id = IdOf(next_++);
    agreement.at = agreement.recorded = agreement.valid_from = Noon(2026, 11, day);
    agreement.valid_until = Noon(2027, 11, day);
    agreement.represented = true;
    agreement.child_protection_only = child_protection_only;
    if (mandate_until != 0) {
      agreement.mandate_until = Noon(2026, 11, mandate_until);
    }
    agreement.lines = std::move(lines);
    state_.Add(std::move(agreement));
    return *this;
  }
  Story& Renews(int day, int number, int until, int mandate_until = 0) {
    Renewal renewal{Noon(2026, 11, day), Noon(2026, 11, until)};
    if (mandate_until != 0) {
      renewal.mandate_until = Noon(2026, 11, mandate_until);
    }
    EXPECT_TRUE(state_.Renew(IdOf(static_cast<uint8_t>(number)), renewal));
    return *this;
  }
  Story& CollectorEnds(int day, int number) {
    EXPECT_TRUE(state_.End(IdOf(static_cast<uint8_t>(number)), {Noon(2026, 11, day), false}));
    return *this;
  }
  Story& JudgeInvalidates(int day, int number) {
    EXPECT_TRUE(state_.End(IdOf(static_cast<uint8_t>(number)), {Noon(2026, 11, day), true}));
    return *this;
  }
  Story& IsTold(int day, std::string by, std::string by_function, std::vector<Line> lines) {
    state_.Add(Information{IdOf(next_++), Noon(2026, 11, day), std::move(by), std::move(by_function),
                           std::move(lines)});
    return *this;
  }
  Story& EmergencyJudged(int day, int number, v1::ReviewOutcome outcome) {
    EXPECT_TRUE(state_.Review(IdOf(static_cast<uint8_t>(number)), Noon(2026, 11, day), outcome));
    return *this;
  }
  Story& RepresentativeRefuses(int day, std::vector<Line> lines) {
    Denies(day, Denial::Kind::kRefusal, std::move(lines), {}, true);
    return *this;
  }
  Story& Refuses(int day, std::vector<Line> lines) {
    return Denies(day, Denial::Kind::kRefusal, std::move(lines), {});
  }
  Story& Withdraws(int day, std::vector<Line> lines) {
    return Denies(day, Denial::Kind::kWithdrawal, std::move(lines), {});
  }
  Story& WithdrawsAgreement(int day, int number) {
    return Denies(day, Denial::Kind::kWithdrawal, {Line()}, IdOf(static_cast<uint8_t>(number)));
  }
  /// Of that agreement these lines alone.
  Story& WithdrawsOf(int day, int number, std::vector<Line> lines) {
    return Denies(day, Denial::Kind::kWithdrawal, std::move(lines), IdOf(static_cast<uint8_t>(number)));
  }
  Story& ObjectsTo(int day, std::string supplier) {
    Objection objection;
    objection.supplier = std::move(supplier);
    objection.recorded = Noon(2026, 11, day);
    state_.Record(std::move(objection));
    return *this;
  }
  Story& LiftsObjectionTo(int day, std::string_view supplier) {
    EXPECT_TRUE(state_.LiftOwn(supplier, Noon(2026, 11, day)));
    return *this;
  }
  Story& Emergency(int day, std::string recipient, std::vector<std::string> categories, int hours = 72) {
    consent::Emergency emergency;
    emergency.id = IdOf(next_++);
    emergency.recipient = std::move(recipient);
    emergency.categories = std::move(categories);
    emergency.from = Noon(2026, 11, day);
    emergency.until = emergency.from + absl::Hours(hours);
    state_.Add(std::move(emergency));
    return *this;
  }
  [[nodiscard]] const PersonState& state() const { return state_; }

 private:
  Story& Denies(int day, Denial::Kind kind, std::vector<Line> lines, std::optional<Id128> agreement,
                bool represented = false) {
    Denial denial;
    denial.represented = represented;
    denial.id = IdOf(next_++);
    denial.kind = kind;
    denial.at = Noon(2026, 11, day);
    denial.agreement = agreement;
    denial.lines = std::move(lines);
    state_.Add(std::move(denial));
    return *this;
  }
  PersonState state_;
  uint8_t next_ = 1;  // the first act is number 1
};

// A social worker of the Ville asks the CAF's question: may the Ville give her identity, to open rights?
inline Question RightsQuestion() {
  Question question;
  question.sender = "ville-paris";
  question.recipient = "caf";
  question.purpose = "RIGHTS_OPENING";
  question.categories = {"IDENTITY"};
  question.act = ACT_TRANSMIT;
  return question;
}

inline Line RightsLine(std::vector<Recipient> recipients) {
  return MakeLine({"RIGHTS_OPENING"}, {"IDENTITY"}, std::move(recipients));
}

// EDF tells the social service of the 13th of a cut.
inline Question CutQuestion(absl::CivilDay cut, std::string sender = "edf") {
  Question question;
  question.sender = std::move(sender);
  question.recipient = "ville-paris";
  question.recipient_desk = "dsol-75113";
  question.purpose = "ENERGY_AID";
  question.categories = {"IDENTITY", "ADDRESS", "ENERGY_DEBT"};
  question.act = ACT_TRANSMIT;
  question.stated.ground = common::v1::GROUND_ART6;
  question.stated.signal_type = "UNPAID_BILL";
  question.stated.event = "COUPURE";
  question.stated.event_day = cut;
  return question;
}

inline Question LetterQuestion(common::v1::Ground ground, std::string event, absl::CivilDay sent,
                               std::optional<absl::CivilDay> window, std::string sender = "edf") {
  Question question = CutQuestion(sent, std::move(sender));
  question.stated.ground = ground;
  question.stated.event = std::move(event);
  question.stated.objection_end = window;
  return question;
}

inline Question ReportQuestion(common::v1::Ground ground, std::string recipient, std::string desk = "") {
  Question question;
  question.sender = "bspp";
  question.recipient = std::move(recipient);
  question.recipient_desk = std::move(desk);
  question.purpose = "SOCIAL_ASSESSMENT";
  question.categories = {"IDENTITY", "SIGNS"};
  question.act = ACT_TRANSMIT;
  question.stated.ground = ground;
  question.stated.has_facts = true;
  question.stated.signal_type = "DISTRESS_REPORT";
  question.stated.event = "SERIOUS";
  question.stated.source_reference = "BSPP-1";
  return question;
}

// A social worker of the Ville tells the CRIP, in her own word, of a child's injuries.
inline Question WordQuestion(common::v1::Ground ground, std::string recipient = "crip75") {
  Question question;
  question.sender = "ville-paris";
  question.sender_function = "assistant-social";
  question.recipient = std::move(recipient);
  question.recipient_function = "assistant-social";
  question.purpose = "CHILD_PROTECTION";
  question.categories = {"IDENTITY", "HEALTH"};
  question.act = ACT_TRANSMIT;
  question.stated.ground = ground;
  question.stated.has_facts = true;
  return question;
}

// The prison tells the social service of the 13th that she leaves on that day.
inline Question ExitQuestion(absl::CivilDay leaving) {
  Question question;
  question.sender = "prison";
  question.recipient = "ville-paris";
  question.recipient_desk = "dsol-75113";
  question.purpose = "SOCIAL_ASSESSMENT";
  question.categories = {"OFFENCE"};
  question.act = ACT_TRANSMIT;
  question.stated.ground = common::v1::GROUND_AUTHORISED_EXIT;
  question.stated.signal_type = "PLANNED_EXIT";
  question.stated.event = "PRISON";
  question.stated.event_day = leaving;
  return question;
}

template <typename Change>
Question With(Question question, Change change) {
  change(question);
  return question;
}

}  // namespace relais::consent::testing
