// Random sequences of words, restrictions, links and splits: what each name reads, by links.h, against a
// naive model that keeps sets of words. RELAIS_HISTORIES=N: N sequences instead of the default.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/numbers.h"
#include "services/consent/domain/links.h"
#include "services/consent/domain/naive_model.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;

constexpr int kPersons = 4;
#ifdef NDEBUG
constexpr int kSequences = 40000;
#else
constexpr int kSequences = 8000;
#endif

int SequencesWanted() {
  int wanted = 0;
  const char* text = std::getenv("RELAIS_HISTORIES");
  return text != nullptr && absl::SimpleAtoi(text, &wanted) && wanted > 0 ? wanted : kSequences;
}

Id128 Person(int number) { return IdOf(static_cast<uint8_t>(200 + number)); }

struct Word {
  int number = 0;
  bool no = false;
  absl::Time at;
  std::string recipient;  // or its kind, where broad
  std::string purpose;
  bool broad = false;
  int takes_back = 0;       // a no: the number of the yes that it takes back, whatever its lines
  std::set<int> said_with;  // who was one with her when it was said
  bool restricts = false;   // a no: that the recipient keep what it has and no more (art. 18), for good
};

Line LineOf(const Word& word) {
  const Recipient to = !word.broad                ? testing::To(word.recipient)
                       : word.recipient == "siao" ? testing::Kind("SIAO")
                                                  : testing::Kind("ASSOCIATION");
  return testing::MakeLine({word.purpose}, {"IDENTITY"}, {to});
}
Agreement AgreementOf(const Word& word) {
  Agreement agreement;
  agreement.id = IdOf(static_cast<uint8_t>(word.number));
  agreement.at = agreement.recorded = agreement.valid_from = word.at;
  agreement.valid_until = word.at + absl::Hours(24 * 300);
  agreement.lines = {LineOf(word)};
  return agreement;
}
Denial DenialOf(const Word& word) {
  Denial denial;
  denial.id = IdOf(static_cast<uint8_t>(word.number));
  denial.at = word.at;
  denial.lines = {LineOf(word)};
  if (word.takes_back != 0) {
    denial.kind = Denial::Kind::kWithdrawal;
    denial.agreement = IdOf(static_cast<uint8_t>(word.takes_back));
    denial.lines = {Line()};
  }
  return denial;
}

Restriction RestrictionOf(const Word& word) {
  Restriction restriction;
  restriction.id = IdOf(static_cast<uint8_t>(word.number));
  restriction.institution = word.recipient;
  restriction.from = word.at;
  return restriction;
}

// ---- as the registry does it: a stored history each, and the steps of linking.h at once

class Stored {
 public:
  PersonState& Own(int person) { return states_[person]; }
  [[nodiscard]] int RootOf(int person) const {
    const PersonState& own = states_.at(person);
    if (!own.linked_to()) {
      return person;
    }
    for (int other = 0; other < kPersons; ++other) {
      if (Person(other) == own.linked_to()->canonical) {
        return other;
      }
    }
    return -1;
  }
  [[nodiscard]] PersonState United(int person) const {
    const PersonState& root = states_.at(RootOf(person));
    std::vector<FrozenHistory> frozen;
    for (int other = 0; other < kPersons; ++other) {
      for (const Link& link : root.links()) {
        if (!link.until && link.person == Person(other)) {
          frozen.push_back({link.person, states_.at(other)});
        }
      }
    }
    return Unite(root, frozen);
  }
  void Say(int person, const Word& word) {
    PersonState united = United(person);
    const int root = RootOf(person);
    united.SpeakAs(root == person ? Id128() : Person(person));
    if (word.restricts) {
      united.Add(RestrictionOf(word));
    } else if (word.no) {
      united.Add(DenialOf(word));
    } else {
      united.Add(AgreementOf(word));
    }
    united.SpeakAs({});
    Store(root, united);
  }
  // The link's number, or 0: they are one, or both have others.
  int LinkThem(int one, int other, absl::Time at) {
    const int first = RootOf(one);
    const int second = RootOf(other);
    if (first == second) {
      return 0;
    }
    const std::optional<Id128> root =
        RootOfTwo(Person(first), states_[first].HasLinked(), Person(second), states_[second].HasLinked());
    if (!root) {
      return 0;
    }
    const int stays = *root == Person(first) ? first : second;
    const int linked = stays == first ? second : first;
    EXPECT_FALSE(states_[linked].HasLinked());
    const Id128 id = IdOf(static_cast<uint8_t>(++links_));
    const Id128 via = Person(stays == first ? one : other);
    states_[linked].LinkTo({id, Person(stays), at, v1::LINK_CAUSE_MERGED, via, states_[stays].turns()});
    states_[stays].Add(Link{id, Person(linked), at, v1::LINK_CAUSE_MERGED, std::nullopt, via});
    return links_;
  }
  void SplitThem(int number, absl::Time at) {
    const Id128 id = IdOf(static_cast<uint8_t>(number));
    for (int linked = 0; linked < kPersons; ++linked) {
      if (!states_[linked].linked_to() || states_[linked].linked_to()->link != id) {
        continue;
      }
      const int root = RootOf(linked);
      const Parted parted = Part(United(root), id, at);
      Store(root, parted.stays);
      states_[linked] = Rejoin(states_[linked], parted.leaves, *parted.stays.FindLink(id), Person(root));
      for (int other = 0; other < kPersons; ++other) {
        for (const Link& link : parted.leaves.links()) {
          if (link.person == Person(other)) {
            states_[other].PointTo(Person(linked));
          }
        }
      }
      return;
    }
  }

 private:
  // As it is stored: what is frozen stands where it was.
  void Store(int root, const PersonState& united) {
    PersonStateBuilder builder;
    const auto put = [&](const auto& acts) {
      for (const auto& act : acts) {
        if (!act.origin.frozen) {
          builder.Put(act);
        }
      }
    };
    put(united.agreements());
    put(united.denials());
    put(united.restrictions());
    for (const Link& link : united.links()) {
      builder.Put(link);
    }
    builder.PutTurns(united.turns());
    states_[root] = std::move(builder).Build(united.latest());
  }
  std::map<int, PersonState> states_;
  int links_ = 0;
};

// ---- naively: edges between names, and of each name the words that are hers

class Naive {
 public:
  struct Edge {
    int one = 0;
    int other = 0;
  };
  [[nodiscard]] std::set<int> GroupOf(int person) const {
    std::set<int> group = {person};
    for (bool grew = true; grew;) {
      grew = false;
      for (const auto& [number, edge] : edges_) {
        if (group.contains(edge.one) != group.contains(edge.other)) {
          group.insert(edge.one);
          group.insert(edge.other);
          grew = true;
        }
      }
    }
    return group;
  }
  void Say(int person, Word word) {
    word.said_with = GroupOf(person);
    words_[word.number] = word;
    hers_[person].insert(word.number);
  }
  void LinkThem(int number, int one, int other, absl::Time now) {
    for (const int name : GroupOf(one)) {
      for (const int with : GroupOf(other)) {
        since_[std::minmax(name, with)] = now;
      }
    }
    edges_[number] = {one, other};
  }
  // A yes under another name than a no's answers it if it was said while they were one, as they are now.
  [[nodiscard]] bool Hears(const Id128& no, const Agreement& yes) const {
    const int of_no = NumberOf(no);
    const int of_yes = NumberOf(yes.origin.of);
    return of_no == of_yes || yes.recorded > since_.at(std::minmax(of_no, of_yes));
  }
  void SplitThem(int number) {
    const Edge edge = edges_.at(number);
    edges_.erase(number);
    const std::set<int> one = GroupOf(edge.one);
    const std::set<int> other = GroupOf(edge.other);
    // Every no that was said while some of both sides were one is of both.
    for (const auto& [id, word] : words_) {
      if (word.no && Meets(word.said_with, one) && Meets(word.said_with, other)) {
        for (const int name : word.said_with) {  // maybe some are of neither side by now
          if (one.contains(name) || other.contains(name)) {
            hers_[name].insert(id);
          }
        }
      }
    }
  }
  [[nodiscard]] std::set<int> WordsOf(int person) const {
    std::set<int> all;
    for (const int name : GroupOf(person)) {
      if (const auto found = hers_.find(name); found != hers_.end()) {
        all.insert(found->second.begin(), found->second.end());
      }
    }
    return all;
  }
  [[nodiscard]] PersonState Read(int person) const {
    PersonState state;
    std::set<std::pair<int, int>> words;  // in the order in which they were said, each under its names
    for (const int name : GroupOf(person)) {
      for (const int number : hers_.contains(name) ? hers_.at(name) : std::set<int>()) {
        words.insert({number, name});
      }
    }
    for (const auto& [number, name] : words) {
      Word word = words_.at(number);
      state.SpeakAs(Person(name));
      if (word.restricts) {
        state.Add(RestrictionOf(word));
      } else if (word.takes_back != 0) {  // naively: a no to just what that yes was about, whoever has it now
        const Word& yes = words_.at(word.takes_back);
        word.recipient = yes.recipient;
        word.purpose = yes.purpose;
        word.broad = yes.broad;
        word.takes_back = 0;
        Denial denial = DenialOf(word);
        denial.kind = Denial::Kind::kWithdrawal;
        state.Add(std::move(denial));
      } else if (word.no) {
        state.Add(DenialOf(word));
      } else {
        state.Add(AgreementOf(word));
      }
    }
    return state;
  }
  // A yes that she has under some name of hers now; 0: none.
  [[nodiscard]] int SomeYesOf(int person, uint64_t which) const {
    std::vector<int> all;
    for (const int number : WordsOf(person)) {
      if (!words_.at(number).no) {
        all.push_back(number);
      }
    }
    return all.empty() ? 0 : all[which % all.size()];
  }
  std::map<int, Edge> edges_;

 private:
  static bool Meets(const std::set<int>& a, const std::set<int>& b) {
    return std::any_of(a.begin(), a.end(), [&](int each) { return b.contains(each); });
  }
  static int NumberOf(const Id128& person) {
    int number = 0;
    while (Person(number) != person) {
      ++number;
    }
    return number;
  }
  std::map<std::pair<int, int>, absl::Time> since_;  // of two who are one, or were
  std::map<int, Word> words_;
  std::map<int, std::set<int>> hers_;
};

Question QuestionOf(const std::string& recipient, const std::string& purpose) {
  Question question;
  question.sender = "ville-paris";
  question.recipient = recipient;
  question.purpose = purpose;
  question.categories = {"IDENTITY"};
  question.act = common::v1::ACT_TRANSMIT;
  return question;
}

int CountDeaf(const PersonState& state, const testing::Hears& hears) {
  int deaf = 0;
  for (const Denial& no : state.denials()) {
    deaf += static_cast<int>(
        std::count_if(state.agreements().begin(), state.agreements().end(),
                      [&](const Agreement& yes) { return yes.at > no.at && !hears(no.origin.of, yes); }));
  }
  return deaf;
}
int CountDeafRestrictions(const PersonState& state, const testing::Hears& hears) {
  int deaf = 0;
  for (const Restriction& no : state.restrictions()) {
    deaf += static_cast<int>(std::count_if(
        state.agreements().begin(), state.agreements().end(),
        [&](const Agreement& yes) { return yes.recorded > no.from && !hears(no.origin.of, yes); }));
  }
  return deaf;
}

TEST(LinksProperty, EveryNameReadsWhatTheModelSays) {
  std::mt19937_64 engine(20261125);
  const auto below = [&](uint64_t bound) { return static_cast<int>(engine() % bound); };
  const Rules rules = testing::SampleRules();
  const std::vector<std::string> recipients = {"siao", "emmaus"};
  const std::vector<std::string> purposes = {"ENERGY_AID", "SOCIAL_ASSESSMENT"};
  int links = 0;
  int splits = 0;
  int chains = 0;
  int permits = 0;
  int of_one_alone = 0;
  int withdrawals = 0;
  int deaf = 0;
  int restricted = 0;
  int despite_restriction = 0;
  int deaf_restrictions = 0;
  const int wanted = SequencesWanted();
  for (int sequence = 0; sequence < wanted; ++sequence) {
    std::ostringstream trace;
    Stored stored;
    Naive naive;
    for (int person = 0; person < kPersons; ++person) {
      stored.Own(person) = PersonState();
    }
    absl::Time now = testing::Noon(2026, 11, 1);
    for (int step = 1; step <= 14; ++step) {
      now += absl::Hours(1);
      const int person = below(kPersons);
      const int other = below(kPersons);
      const int what = below(10);
      if (what < 5) {
        Word word{step, below(2) == 0, now, recipients[below(2)], purposes[below(2)], below(4) == 0, 0,
                  {},   false};
        word.restricts = word.no && below(8) == 0;
        if (word.no && !word.restricts && below(2) == 0) {
          word.takes_back = naive.SomeYesOf(person, engine());
          withdrawals += word.takes_back != 0 ? 1 : 0;
        }
        stored.Say(person, word);
        naive.Say(person, word);
        trace << " " << person
              << (word.restricts ? " restricts "
                  : word.no      ? " no "
                                 : " yes ")
              << step << (word.broad ? " broad" : "") << " of " << word.takes_back << ";";
      } else if (what < 8) {
        const int link = person == other ? 0 : stored.LinkThem(person, other, now);
        if (link != 0) {
          naive.LinkThem(link, person, other, now);
          trace << " link " << link << ": " << person << "-" << other << ";";
          ++links;
          chains += naive.edges_.size() > 1 ? 1 : 0;
        }
      } else if (!naive.edges_.empty()) {
        const auto edge = std::next(naive.edges_.begin(), below(naive.edges_.size()));
        const int number = edge->first;
        stored.SplitThem(number, now);
        naive.SplitThem(number);
        trace << " split " << number << ";";
        ++splits;
      }
      for (int name = 0; name < kPersons; ++name) {
        const PersonState united = stored.United(name);
        const PersonState model = naive.Read(name);
        const testing::Hears hears = [&](const Id128& no, const Agreement& yes) {
          return naive.Hears(no, yes);
        };
        deaf += CountDeaf(model, hears);
        deaf_restrictions += CountDeafRestrictions(model, hears);
        // Every other step, about one alone: hers, under whichever name, or another's.
        const int whose = (name + step / 2) % kPersons;
        const int yes = step % 2 == 0 ? naive.SomeYesOf(whose, static_cast<uint64_t>(sequence)) : 0;
        for (const std::string& recipient : recipients) {
          for (const std::string& purpose : purposes) {
            Question question = QuestionOf(recipient, purpose);
            const Moment moment = testing::At(now + absl::Minutes(1));
            const v1::Reason expected = testing::Model(model, {}, question, "IDENTITY", moment, hears);
            const Answer answer = Decide(united, question, rules, moment);
            ASSERT_EQ(v1::Reason_Name(answer.whole.reason), v1::Reason_Name(expected))
                << "sequence " << sequence << ", name " << name << ":" << trace.str();
            permits += answer.whole.permitted() ? 1 : 0;
            restricted += expected == v1::REASON_RESTRICTED ? 1 : 0;
            const bool despite = answer.whole.permitted() && testing::Restricted(model, question, moment.now);
            despite_restriction += despite ? 1 : 0;
            if (yes == 0) {
              continue;
            }
            question.agreement = IdOf(static_cast<uint8_t>(yes));
            const v1::Reason of_one = testing::Model(model, {}, question, "IDENTITY", moment, hears);
            const Answer about = Decide(united, question, rules, moment);
            ASSERT_EQ(v1::Reason_Name(about.whole.reason), v1::Reason_Name(of_one))
                << "about agreement " << yes << ", sequence " << sequence << ", name " << name << ":"
                << trace.str();
            ASSERT_TRUE(!about.whole.permitted() || about.whole.basis == question.agreement);
            of_one_alone += about.whole.permitted() ? 1 : 0;
          }
        }
      }
    }
  }
  EXPECT_GT(links, wanted);
  EXPECT_GT(splits, wanted / 4);
  EXPECT_GT(chains, wanted / 4);
  EXPECT_GT(permits, wanted);
  EXPECT_GT(of_one_alone, wanted / 20) << "permitted on the one agreement that was asked about";
  EXPECT_GT(withdrawals, wanted / 4);
  EXPECT_GT(deaf, wanted / 4) << "a yes said to a no of another name before they were one";
  EXPECT_GT(restricted, wanted / 4);
  EXPECT_GT(despite_restriction, wanted / 100) << "on a yes that came after the restriction, and it hears";
  EXPECT_GT(deaf_restrictions, wanted / 100)
      << "a yes said after a restriction of another name, before they were one";
}

}  // namespace
}  // namespace relais::consent
