// "After a withdrawal returned revision R, no check at R or later permits what she withdrew", of a part as of
// the whole: one line, one recipient, one category, by refusal and by withdrawal, while the rest is permitted
// as before. Several threads speak of the same persons and ask about them, one by one and in batches, among
// other questions with `at_least_as_fresh` of the no just answered; others do other things about others; and
// the process restarts under all of them. What each of them saw is judged by testing/history.h.
//
// Bounded by counts: nothing here waits for time to pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/consent/testing/history.h"
#include "services/consent/testing/history_scene.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_PERMIT;
using ::testing::IsEmpty;
using testing::Lost;
using testing::Meet;
using testing::Operation;
using testing::Person;
using testing::PoolWorld;
using testing::Record;
using testing::Scene;
using testing::SizeOf;
using testing::Violations;
using testing::WorkBeside;
using Kind = Operation::Kind;
using Engine = std::mt19937_64;

constexpr int kPersons = 2;
constexpr int kSpeakers = 2;  // for each person
constexpr int kActs = 48;     // of each of them
constexpr int kActsBetweenRestarts = 12;
constexpr int kMostQuestions = 300;  // of each who only asks
constexpr int kBeside = 2;
constexpr int kMostRoundsBeside = 200;

constexpr std::array<const char*, 2> kPurposes = {"RIGHTS_OPENING", "ENERGY_AID"};
constexpr std::array<const char*, 2> kCategories = {"IDENTITY", "ADDRESS"};
constexpr std::array<const char*, 2> kRecipients = {"caf", "cpam"};

// What she agrees to or takes back, and what is asked: one of each, or both.
struct Part {
  std::optional<size_t> purpose;
  std::optional<size_t> category;
  std::optional<size_t> recipient;
};

bool Covers(const std::optional<size_t>& part, size_t one) { return !part || *part == one; }

uint64_t ThingsOf(const Part& part) {
  uint64_t things = 0;
  for (size_t i = 0; i < 8; ++i) {
    if (Covers(part.purpose, i / 4) && Covers(part.category, i / 2 % 2) && Covers(part.recipient, i % 2)) {
      things |= uint64_t{1} << i;
    }
  }
  return things;
}

std::optional<size_t> Either(Engine& random) { return random() % 2; }

// The whole, or one line, one category or one recipient of it.
Part AnyPart(Engine& random) {
  Part part;
  switch (random() % 4) {
    case 0:
      part.purpose = Either(random);
      break;
    case 1:
      part.category = Either(random);
      break;
    case 2:
      part.recipient = Either(random);
      break;
    default:
      break;
  }
  return part;
}

// One purpose and one recipient; now and then both categories together.
Part AnyQuestion(Engine& random) {
  Part part;
  part.purpose = Either(random);
  part.recipient = Either(random);
  if (random() % 4 != 0) {
    part.category = Either(random);
  }
  return part;
}

// About nothing but what the part is about.
Part QuestionWithin(const Part& part, Engine& random) {
  Part question = AnyQuestion(random);
  question.purpose = part.purpose ? part.purpose : question.purpose;
  question.category = part.category ? part.category : question.category;
  question.recipient = part.recipient ? part.recipient : question.recipient;
  return question;
}

// About nothing that the part is about, if there is such.
Part QuestionBeside(const Part& part, Engine& random) {
  Part question = AnyQuestion(random);
  if (part.purpose) {
    question.purpose = 1 - *part.purpose;
  } else if (part.category) {
    question.category = 1 - *part.category;
  } else if (part.recipient) {
    question.recipient = 1 - *part.recipient;
  }
  return question;
}

// `all`: say what "all" is, as an agreement must.
v1::ConsentLine LineOf(const Part& part, bool all) {
  v1::ConsentLine line;
  for (size_t i = 0; i < 2; ++i) {
    if ((part.purpose || all) && Covers(part.purpose, i)) {
      line.add_purposes(kPurposes[i]);
    }
    if ((part.category || all) && Covers(part.category, i)) {
      line.add_categories(kCategories[i]);
    }
    if ((part.recipient || all) && Covers(part.recipient, i)) {
      line.add_recipients()->set_institution(kRecipients[i]);
    }
  }
  if (all) {
    line.add_acts(testing::ACT_TRANSMIT);
  }
  return line;
}

// Of a CheckRequest or a BatchCheckRequest, whoever it is about.
template <typename Request>
void Ask(const Part& question, bool recorded, const std::string& fresh, Request& request) {
  request.mutable_sender()->set_institution("ville-paris");
  request.mutable_recipient()->set_institution(kRecipients[question.recipient.value_or(0)]);
  request.set_purpose(kPurposes[question.purpose.value_or(0)]);
  request.clear_categories();
  for (size_t i = 0; i < kCategories.size(); ++i) {
    if (Covers(question.category, i)) {
      request.add_categories(kCategories[i]);
    }
  }
  request.set_act(testing::ACT_TRANSMIT);
  request.set_dry_run(!recorded);
  request.set_at_least_as_fresh(fresh);
}

Operation CheckAbout(const Part& question, const std::string& fresh) {
  Operation check;
  check.about = ThingsOf(question);
  check.fresh = fresh.empty() ? 0 : SizeOf(fresh);
  return check;
}

struct Crowd {
  Scene scene;
  std::vector<std::unique_ptr<Person>> persons;
  std::atomic<uint64_t> narrow_noes = 0;
  std::atomic<uint64_t> permits_of_batches = 0;
  int restarts = 0;  // by one thread
};

void AskOne(Crowd& crowd, Person& person, const Part& question, bool recorded, const std::string& fresh) {
  v1::CheckRequest request;
  *request.mutable_person() = person.ref;
  Ask(question, recorded, fresh, request);
  Operation check = CheckAbout(question, fresh);
  check.named = recorded ? Operation::Named::kExactly : Operation::Named::kAtLeast;
  Record(crowd.scene, person, check, [&](Operation& operation) -> uint64_t {
    const auto response = crowd.scene.suite.During([&](PoolWorld& world) {
      return BlockOn(world.service().checks().Check(world.As("ville-paris"), request));
    });
    if (Lost(response.status())) {
      return 0;
    }
    operation.permitted = response->decision() == DECISION_PERMIT;
    crowd.scene.permits += operation.permitted ? 1 : 0;
    return SizeOf(response->revision());
  });
}

// What the answer says of one of the batch: its permit names its own leaf.
void Judge(Crowd& crowd, const v1::BatchCheckResponse& response, int index, bool recorded, Operation& check) {
  const v1::BatchCheckResult& result = response.results(index);
  if (!result.error().empty()) {
    return;  // as one that failed
  }
  check.answered = crowd.scene.clock++;
  check.permitted = result.decision() == DECISION_PERMIT;
  check.revision = SizeOf(response.revision());
  check.named = Operation::Named::kAtLeast;
  crowd.permits_of_batches += check.permitted ? 1 : 0;
  if (recorded && check.permitted) {
    const uint64_t own = SizeOf(result.permit().permit_id()) + 1;
    EXPECT_GE(own, check.revision) << "a withdrawal up to the revision named was seen by every item";
    check.revision = own;
    check.named = Operation::Named::kExactly;
  }
}

void AskOfAll(Crowd& crowd, const Part& question, bool recorded, const std::string& fresh) {
  v1::BatchCheckRequest request;
  for (const auto& person : crowd.persons) {
    *request.add_persons() = person->ref;
  }
  Ask(question, recorded, fresh, request);
  Operation check = CheckAbout(question, fresh);
  check.called = crowd.scene.clock++;
  const auto response = crowd.scene.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().checks().BatchCheck(world.As("ville-paris"), request));
  });
  if (Lost(response.status())) {
    return;
  }
  ASSERT_EQ(response->results_size(), static_cast<int>(crowd.persons.size()));
  for (int i = 0; i < response->results_size(); ++i) {
    Operation one = check;
    Judge(crowd, *response, i, recorded, one);
    crowd.persons[static_cast<size_t>(i)]->Add(one);
  }
}

// One who speaks with her at a desk, and asks about what she just said.
class Speaker {
 public:
  Speaker(Crowd& crowd, Person& person, std::string name, uint64_t seed)
      : crowd_(crowd), person_(person), name_(std::move(name)), random_(seed) {}

  void Speak(bool restarts) {
    for (int i = 0; i < kActs; ++i) {
      Act(name_ + "-" + std::to_string(i));
      if (restarts && i % kActsBetweenRestarts == kActsBetweenRestarts - 1) {
        crowd_.scene.suite.Restart();
        ++crowd_.restarts;
      }
    }
  }

 private:
  void Act(const std::string& id) {
    Part part = AnyPart(random_);
    switch (random_() % 4) {
      case 0:
        Refuse(id, part);
        break;
      case 1:
        Withdraw(id, part, random_() % 2 == 0);
        break;
      default:
        part = random_() % 2 == 0 ? Part() : part;
        Agree(id, part);
        break;
    }
    const std::string fresh = person_.LastNo();
    AskOne(crowd_, person_, QuestionWithin(part, random_), random_() % 2 == 0, fresh);
    AskOne(crowd_, person_, QuestionBeside(part, random_), random_() % 2 == 0, fresh);
  }

  void Agree(const std::string& id, const Part& part) {
    v1::RecordConsentRequest request = PoolWorld::ConsentFor(person_.ref, id);
    *request.mutable_lines(0) = LineOf(part, true);
    Operation agreement;
    agreement.kind = Kind::kAgree;
    agreement.about = ThingsOf(part);
    Record(crowd_.scene, person_, agreement, [&](Operation& operation) -> uint64_t {
      const auto response = crowd_.scene.suite.During([&](PoolWorld& world) {
        return BlockOn(world.service().agreements().RecordConsent(world.As("ville-paris"), request));
      });
      if (Lost(response.status())) {
        return 0;
      }
      agreement_ = response->consent_id();
      agreed_ = operation.about;
      return SizeOf(response->written().revision());
    });
  }
  void Refuse(const std::string& id, const Part& part) {
    v1::RecordRefusalRequest request;
    request.set_request_id(id);
    *request.mutable_person() = person_.ref;
    *request.add_lines() = LineOf(part, false);
    SayNo(Kind::kRefuse, ThingsOf(part), [&](PoolWorld& world) {
      return BlockOn(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
    });
  }
  // By the number of the latest agreement made here, or whatever it covers.
  void Withdraw(const std::string& id, const Part& part, bool by_number) {
    v1::WithdrawConsentRequest request;
    request.set_request_id(id);
    *request.mutable_person() = person_.ref;
    *request.add_lines() = LineOf(part, false);
    uint64_t things = ThingsOf(part);
    if (by_number && !agreement_.empty()) {
      request.set_consent_id(agreement_);
      things &= agreed_;
    }
    SayNo(Kind::kWithdraw, things, [&](PoolWorld& world) {
      return BlockOn(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
    });
  }
  template <typename Call>
  void SayNo(Kind kind, uint64_t things, const Call& call) {
    Operation no;
    no.kind = kind;
    no.about = things;
    Record(crowd_.scene, person_, no, [&](Operation& /*operation*/) -> uint64_t {
      const auto response = crowd_.scene.suite.During(call);
      if (Lost(response.status())) {
        return 0;
      }
      person_.SaidNo(response->written().revision());
      crowd_.narrow_noes += things != ThingsOf(Part()) ? 1 : 0;
      return SizeOf(response->written().revision());
    });
  }

  Crowd& crowd_;
  Person& person_;
  const std::string name_;
  Engine random_;
  std::string agreement_;  // the latest made here; empty: none
  uint64_t agreed_ = 0;
};

void AskOnAndOn(Crowd& crowd, Person& person, bool recorded, uint64_t seed) {
  Engine random(seed);
  for (int i = 0; i < kMostQuestions && !crowd.scene.over; ++i) {
    AskOne(crowd, person, AnyQuestion(random), recorded, person.LastNo());
  }
}

// Fresh for one of them: what it asks of the others' answers is as true.
void AskOfAllOnAndOn(Crowd& crowd, uint64_t seed) {
  Engine random(seed);
  for (int i = 0; i < kMostQuestions && !crowd.scene.over; ++i) {
    Person& one = *crowd.persons[random() % crowd.persons.size()];
    AskOfAll(crowd, AnyQuestion(random), random() % 2 == 0, one.LastNo());
  }
}

TEST(NarrowHistory, WhatSheTookBackIsPermittedNoMoreAndTheRestIs) {
  Crowd crowd;
  for (int i = 0; i < kPersons; ++i) {
    crowd.persons.push_back(std::make_unique<Person>());
    Meet(crowd.scene, "case-" + std::to_string(i), *crowd.persons.back());
  }
  std::vector<std::thread> speakers;
  std::vector<std::thread> others;
  uint64_t seed = 20261127;
  for (size_t i = 0; i < crowd.persons.size(); ++i) {
    Person& person = *crowd.persons[i];
    for (int k = 0; k < kSpeakers; ++k) {
      speakers.emplace_back([&crowd, &person, i, k, seed] {
        const std::string name = "speaker-" + std::to_string(i) + "-" + std::to_string(k);
        Speaker(crowd, person, name, seed).Speak(i == 0 && k == 0);
      });
      ++seed;
    }
    for (const bool recorded : {false, true}) {
      others.emplace_back([&crowd, &person, recorded, seed] { AskOnAndOn(crowd, person, recorded, seed); });
      ++seed;
    }
  }
  others.emplace_back([&crowd, seed] { AskOfAllOnAndOn(crowd, seed); });
  for (int i = 0; i < kBeside; ++i) {
    others.emplace_back(
        [&crowd, i] { WorkBeside(crowd.scene, "beside-" + std::to_string(i), kMostRoundsBeside); });
  }
  for (std::thread& speaker : speakers) {
    speaker.join();
  }
  crowd.scene.over = true;
  for (std::thread& other : others) {
    other.join();
  }
  size_t operations = 0;
  for (const auto& person : crowd.persons) {
    EXPECT_THAT(Violations(person->history), IsEmpty());
    operations += person->history.size();
  }
  // That there was something to find.
  EXPECT_EQ(crowd.restarts, kActs / kActsBetweenRestarts);
  EXPECT_GT(crowd.narrow_noes.load(), 20U);
  EXPECT_GT(crowd.scene.permits.load(), 20U);
  EXPECT_GT(crowd.permits_of_batches.load(), 0U);
  EXPECT_GT(crowd.scene.rounds_beside.load(), 0U);
  RecordProperty("operations", static_cast<int>(operations));
}

}  // namespace
}  // namespace relais::consent
