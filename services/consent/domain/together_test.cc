#include "services/consent/domain/together.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace relais::consent {
namespace {

Recipient To(std::string institution) { return {std::move(institution), ""}; }
Recipient Kind(std::string kind) { return {"", std::move(kind)}; }

std::vector<std::string> Values(const std::string& what, size_t count) {
  std::vector<std::string> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    values.push_back(what + std::to_string(i));
  }
  return values;
}

// Every other one is a kind.
std::vector<Recipient> Recipients(size_t count) {
  std::vector<Recipient> recipients;
  recipients.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    recipients.push_back(i % 2 == 0 ? To("r" + std::to_string(i)) : Kind("r" + std::to_string(i)));
  }
  return recipients;
}

// No more than the five that there are.
std::vector<common::v1::Act> Acts(size_t count) {
  std::vector<common::v1::Act> acts = {common::v1::ACT_TRANSMIT, common::v1::ACT_CONSULT,
                                       common::v1::ACT_STORE, common::v1::ACT_SHARE_DOCUMENT,
                                       common::v1::ACT_HOST};
  acts.resize(std::min(count, acts.size()));
  return acts;
}

Line LineOf(size_t purposes, size_t categories, size_t recipients, size_t acts) {
  return {Values("P", purposes), Values("C", categories), Recipients(recipients), Acts(acts)};
}

template <typename Value, typename Wanted>
Contested::Some<Value> Those(const std::vector<Value>& values, const Wanted& wanted) {
  Contested::Some<Value> some;
  for (size_t i = 0; i < values.size(); ++i) {
    if (wanted(i)) {
      some.push_back(&values[i]);
    }
  }
  return some;
}

template <typename Value>
Contested::Some<Value> All(const std::vector<Value>& values) {
  return Those(values, [](size_t) { return true; });
}

Contested WholeOf(const Line& line) {
  Contested part;
  part.line = &line;
  part.purposes = All(line.purposes);
  part.categories = All(line.categories);
  part.acts = All(line.acts);
  part.broad = All(line.recipients);
  return part;
}

Together Hold(const Line& line, const std::vector<Contested>& parts) {
  std::vector<const Contested*> each;
  each.reserve(parts.size());
  for (const Contested& part : parts) {
    each.push_back(&part);
  }
  return HoldTogether(line, each);
}

template <typename Value>
bool Naming(const Contested::Some<Value>& some, const Value& value) {
  return std::any_of(some.begin(), some.end(), [&](const Value* each) { return *each == value; });
}

// Each combination by itself, value by value: the first part that has all four.
std::optional<size_t> Model(const Line& line, const std::vector<Contested>& parts) {
  size_t first = 0;
  for (const Recipient& recipient : line.recipients) {
    for (const std::string& category : line.categories) {
      for (const std::string& purpose : line.purposes) {
        for (const common::v1::Act act : line.acts) {
          const auto has_all = [&](const Contested& part) {
            return Naming(part.purposes, purpose) && Naming(part.categories, category) &&
                   Naming(part.acts, act) &&
                   (Naming(part.narrow, recipient) || Naming(part.broad, recipient));
          };
          size_t i = 0;
          while (i < parts.size() && !has_all(parts[i])) {
            ++i;
          }
          if (i == parts.size()) {
            return std::nullopt;
          }
          first = std::max(first, i + 1);
        }
      }
    }
  }
  return first;
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t Below(size_t bound) { return static_cast<size_t>(engine_() % bound); }
  // All of them, every other time.
  template <typename Value>
  Contested::Some<Value> SomeOf(const std::vector<Value>& values) {
    const bool all = Below(2) == 0;
    return Those(values, [&](size_t) { return all || Below(10) < 7; });
  }
  // Of the line's values, or of others that are equal.
  Contested PartOf(const Line& line, const Line& equal, const std::vector<Recipient>& elsewhere) {
    Contested part;
    part.line = &line;
    const Line& by = Below(2) == 0 ? line : equal;
    part.purposes = SomeOf(by.purposes);
    part.categories = SomeOf(by.categories);
    part.acts = SomeOf(by.acts);
    part.broad = SomeOf(by.recipients);
    for (const Recipient* each : SomeOf(equal.recipients)) {
      if (Below(4) == 0) {
        part.narrow.push_back(each);
      }
    }
    part.narrow.push_back(&elsewhere[Below(elsewhere.size())]);
    return part;
  }

 private:
  std::mt19937_64 engine_;
};

// One of a list is in it twice now and then.
template <typename Value>
void Repeat(std::vector<Value>& values, Random& random) {
  if (random.Below(4) == 0) {
    Value again = values[random.Below(values.size())];
    values.push_back(std::move(again));
  }
}

TEST(Together, AsTheModelSaysOnRandomParts) {
  Random random(20261127);
  const std::vector<Recipient> elsewhere = {To("elsewhere"), Kind("r0"), To("r1")};
  int open = 0;
  std::set<size_t> seen;
  for (int number = 0; number < 2000; ++number) {
    // Also more values than a word has bits, of whatever list.
    const size_t many = number % 50 == 0 ? 66 : 1;
    Line line = LineOf(1 + random.Below(4), (number % 100 == 0 ? many : 1) + random.Below(4),
                       (number % 100 == 0 ? 1 : many) + random.Below(4), 1 + random.Below(2));
    Repeat(line.purposes, random);
    Repeat(line.categories, random);
    Repeat(line.recipients, random);
    Repeat(line.acts, random);
    const Line equal = line;
    std::vector<Contested> parts;
    for (size_t left = 1 + random.Below(24); left > 0; --left) {
      parts.push_back(random.PartOf(line, equal, elsewhere));
    }
    const std::optional<size_t> expected = Model(line, parts);
    ASSERT_EQ(Hold(line, parts).first, expected) << "line " << number;
    open += expected ? 0 : 1;
    seen.insert(expected.value_or(0));
  }
  EXPECT_GT(open, 50);
  EXPECT_LT(open, 1500);
  EXPECT_GT(seen.size(), 5u) << "few and many parts are taken together";
}

TEST(Together, OfNoPartsNothing) { EXPECT_EQ(Hold(LineOf(1, 1, 1, 1), {}).first, std::nullopt); }

// The one that holds what all others leave, wherever it is among them; after the 256th it counts for nothing.
TEST(Together, WhereverTheRestIs) {
  const Line line = LineOf(2, 3, 4, 2);
  for (const size_t place : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{127}, size_t{128},
                             size_t{191}, size_t{192}, size_t{255}, size_t{256}}) {
    std::vector<Contested> parts(300, WholeOf(line));
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i].purposes = {&line.purposes[i == place ? 1 : 0]};
    }
    const std::optional<size_t> first = Hold(line, parts).first;
    if (place < kMostParts) {
      EXPECT_EQ(first, std::max(place + 1, size_t{2})) << place;
    } else {
      EXPECT_EQ(first, std::nullopt) << place;
    }
  }
}

// A kind is not its institutions, nor one that is called like it.
TEST(Together, AKindIsHeldByItself) {
  const Line line = {{"P"}, {"C"}, {Kind("x")}, {common::v1::ACT_TRANSMIT}};
  const Recipient named = To("x");
  std::vector<Contested> parts = {WholeOf(line)};
  parts[0].broad.clear();
  parts[0].narrow = {&named};
  EXPECT_EQ(Hold(line, parts).first, std::nullopt);
  parts.push_back(WholeOf(line));
  EXPECT_EQ(Hold(line, parts).first, 2u);
}

// Each no leaves out one value and names half of the recipients: what made a look-up of each combination in
// each part, by its words, seconds of a thread.
TEST(Together, ManyPartsThatEachLeaveSomethingOutCostLittle) {
  constexpr size_t kEach = 50;
  const Line line = LineOf(kEach, kEach, kEach, 5);
  std::vector<Contested> parts(255, WholeOf(line));
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t left_out = i / 2 % (2 * kEach);
    parts[i].purposes = Those(line.purposes, [&](size_t value) { return value != left_out; });
    parts[i].categories = Those(line.categories, [&](size_t value) { return value + kEach != left_out; });
    parts[i].broad = Those(line.recipients, [&](size_t value) { return value % 2 == i % 2; });
  }
  const Together together = Hold(line, parts);
  EXPECT_EQ(together.first, 4u) << "of each half the second has what the first leaves out";
  EXPECT_GT(together.looked_up, 0u);
  EXPECT_LE(together.looked_up, 3 * kEach * kEach) << "of 625,000 combinations";
}

// Where no part has much, each combination is looked up at most once, however many parts there are.
TEST(Together, TheMostThatALineCosts) {
  const Line line = LineOf(10, 20, 50, 5);
  Random random(5);
  std::vector<Contested> parts(256, WholeOf(line));
  for (Contested& part : parts) {
    const auto half = [&](size_t) { return random.Below(2) == 0; };
    part.purposes = Those(line.purposes, half);
    part.categories = Those(line.categories, half);
    part.acts = Those(line.acts, half);
    part.broad = Those(line.recipients, half);
  }
  const Together together = Hold(line, parts);
  EXPECT_EQ(together.first, Model(line, parts));
  EXPECT_LE(together.looked_up, 50u * (1 + 20 * (1 + 10 * (1 + 5))));
}

}  // namespace
}  // namespace relais::consent
