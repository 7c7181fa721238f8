#include "common/rpc/refused_calls.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace relais::rpc {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

std::string Subject(size_t number) { return "p" + std::to_string(number); }

// One refusal about each of that many, from `first` on; how many of them were given out.
size_t Flood(RefusedCalls& calls, const std::string& caller, size_t many, absl::Time at = kStart,
             size_t first = 0) {
  size_t alone = 0;
  for (size_t i = 0; i < many; ++i) {
    alone += calls.Note(caller, Subject(first + i), "S/M", "A", at).size();
  }
  return alone;
}

TEST(RefusedCalls, FirstOnesStandAloneThenTheyAreCounted) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle; ++i) {
    const auto leaves = calls.Note("edf", "", "S/M", "MISSING_ROLE", kStart + absl::Seconds(i));
    ASSERT_EQ(leaves.size(), 1u);
    EXPECT_EQ(leaves[0].caller, "edf");
    EXPECT_EQ(leaves[0].about, "");
    EXPECT_EQ(leaves[0].call.count(), 1u);
    EXPECT_EQ(leaves[0].call.reason(), "MISSING_ROLE");
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(calls.Note("edf", "", "S/M", "MISSING_ROLE", kStart + absl::Seconds(10)).empty());
  }
  EXPECT_TRUE(calls.Due(kStart + absl::Seconds(59), false).empty());
  const auto due = calls.Due(kStart + absl::Seconds(60), false);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.count(), 100u);
  EXPECT_EQ(due[0].call.method(), "S/M");
  EXPECT_TRUE(calls.Due(kStart + absl::Minutes(5), true).empty());
}

TEST(RefusedCalls, ANewMinuteBringsTheOldCount) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle + 3; ++i) {
    calls.Note("edf", "", "S/M", "A", kStart);
  }
  const auto leaves = calls.Note("edf", "", "S/M", "A", kStart + absl::Minutes(1));
  ASSERT_EQ(leaves.size(), 2u);
  EXPECT_EQ(leaves[0].call.count(), 3u);
  EXPECT_EQ(leaves[1].call.count(), 1u);
}

TEST(RefusedCalls, CallersAreSeparateAndDifferingReasonsAreLeftOut) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle; ++i) {
    calls.Note("edf", "", "S/M", "A", kStart);
  }
  calls.Note("edf", "", "S/M", "A", kStart);
  calls.Note("edf", "", "S/M", "B", kStart);
  EXPECT_EQ(calls.Note("caf", "", "S/M", "A", kStart).size(), 1u);
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.method(), "S/M");
  EXPECT_EQ(due[0].call.reason(), "");
  EXPECT_EQ(due[0].call.count(), 2u);
}

TEST(RefusedCalls, WhomTheyAreAboutIsSeparate) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle + 2; ++i) {
    calls.Note("caf", "p1", "S/M", "A", kStart);
  }
  const auto other = calls.Note("caf", "p2", "S/M", "A", kStart);
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(other[0].caller, "caf");
  EXPECT_EQ(other[0].about, "p2");
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].about, "p1");
  EXPECT_EQ(due[0].call.count(), 2u);
}

// Nobody else's refusals go with those of who floods, whomever they are about.
TEST(RefusedCalls, AFloodAboutManyCostsTheFlooderAndHidesNothingOfIt) {
  RefusedCalls calls;
  EXPECT_EQ(Flood(calls, "caf", 10'000), RefusedCalls::kMostAbout);
  for (const size_t person : {size_t{1}, size_t{9'999}}) {
    const auto others = calls.Note("edf", Subject(person), "S/M", "A", kStart);
    ASSERT_EQ(others.size(), 1u);
    EXPECT_EQ(others[0].caller, "edf");
    EXPECT_EQ(others[0].about, Subject(person));
  }
  // Whom it was refused about before is still told apart.
  const auto known = calls.Note("caf", Subject(1), "S/M", "A", kStart);
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].about, Subject(1));
  EXPECT_TRUE(known[0].alone);
  EXPECT_TRUE(calls.Note("caf", Subject(9'999), "S/M", "A", kStart).empty());
  // About each of the others there is one count, when the minute is over.
  EXPECT_TRUE(calls.Due(kStart + absl::Seconds(59), false).empty());
  std::set<std::string> about;
  for (const auto& leaf : calls.Due(kStart + absl::Minutes(1), false)) {
    EXPECT_EQ(leaf.caller, "caf");
    EXPECT_FALSE(leaf.alone);
    EXPECT_EQ(leaf.call.method(), "") << "no texts are kept";
    EXPECT_EQ(leaf.call.reason(), "");
    EXPECT_EQ(leaf.call.count(), leaf.about == Subject(9'999) ? 2u : 1u);
    about.insert(leaf.about);
  }
  EXPECT_EQ(about.size(), 10'000 - RefusedCalls::kMostAbout);
  EXPECT_EQ(about.count(""), 0u);
  EXPECT_EQ(about.count(Subject(RefusedCalls::kMostAbout)), 1u) << "the first beyond";
  EXPECT_EQ(about.count(Subject(9'999)), 1u);
  EXPECT_TRUE(calls.Due(kStart, true).empty());
}

// The count of the minute before comes with what is only counted too: no refusal by itself.
TEST(RefusedCalls, AFloodThatGoesOnIsOneCountAMinuteAboutEach) {
  RefusedCalls calls;
  Flood(calls, "caf", RefusedCalls::kMostAbout);
  for (int i = 0; i < 7; ++i) {
    EXPECT_TRUE(calls.Note("caf", "another", "S/M", "B", kStart).empty());
  }
  const auto next = calls.Note("caf", "another", "S/M", "B", kStart + absl::Minutes(1));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].about, "another");
  EXPECT_EQ(next[0].call.count(), 7u);
  EXPECT_FALSE(next[0].alone);
  const auto due = calls.Due(kStart + absl::Minutes(1), true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].about, "another");
  EXPECT_EQ(due[0].call.count(), 1u);
}

TEST(RefusedCalls, BeyondWhatIsCountedApartOneCountIsAboutNobody) {
  RefusedCalls calls;
  constexpr size_t kAll = RefusedCalls::kMostAbout + RefusedCalls::kMostCounted;
  for (int minute = 0; minute < 2; ++minute) {  // minutes that are over give their places back
    const absl::Time at = kStart + absl::Minutes(minute);
    EXPECT_EQ(Flood(calls, "caf", kAll + 3, at), RefusedCalls::kMostAbout);
    EXPECT_TRUE(calls.Note("caf", Subject(kAll - 1), "S/M", "A", at).empty()) << "known: counted about her";
    size_t apart = 0;
    std::vector<RefusedCalls::Leaf> about_nobody;
    for (const auto& leaf : calls.Due(at + absl::Minutes(1), false)) {
      if (leaf.about.empty()) {
        about_nobody.push_back(leaf);
      } else {
        ++apart;
        EXPECT_EQ(leaf.call.count(), leaf.about == Subject(kAll - 1) ? 2u : 1u);
      }
    }
    EXPECT_EQ(apart, RefusedCalls::kMostCounted);
    ASSERT_EQ(about_nobody.size(), 1u);
    EXPECT_EQ(about_nobody[0].caller, "caf");
    EXPECT_EQ(about_nobody[0].call.count(), 3u);
    EXPECT_EQ(about_nobody[0].call.reason(), "A");
  }
}

TEST(RefusedCalls, MinutesThatAreOverGiveTheirPlacesBack) {
  RefusedCalls calls;
  for (size_t minute = 0; minute < 3; ++minute) {
    const absl::Time at = kStart + absl::Minutes(minute);
    EXPECT_TRUE(calls.Due(at, false).empty());
    EXPECT_EQ(Flood(calls, "caf", RefusedCalls::kMostAbout, at, minute * RefusedCalls::kMostAbout),
              RefusedCalls::kMostAbout);
  }
}

TEST(RefusedCalls, OfAllCallersTogetherSoManySubjectsAreGivenOutSingly) {
  RefusedCalls calls;
  constexpr size_t kFlooders = RefusedCalls::kMostSubjects / RefusedCalls::kMostAbout;
  for (size_t i = 0; i < kFlooders; ++i) {
    EXPECT_EQ(Flood(calls, "c" + std::to_string(i), RefusedCalls::kMostAbout), RefusedCalls::kMostAbout);
  }
  EXPECT_TRUE(calls.Note("edf", "p1", "S/M", "A", kStart).empty());
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].caller, "edf");
  EXPECT_EQ(due[0].about, "p1");
  EXPECT_EQ(calls.Note("edf", "p1", "S/M", "A", kStart).size(), 1u) << "there is room again";
}

TEST(RefusedCalls, SoManyCallersAreToldApart) {
  RefusedCalls calls;
  for (size_t i = 0; i < RefusedCalls::kMostCallers; ++i) {
    EXPECT_EQ(calls.Note("c" + std::to_string(i), "", "S/M", "A", kStart).size(), 1u);
  }
  EXPECT_TRUE(calls.Note("one more", "", "S/M", "A", kStart).empty());
  EXPECT_TRUE(calls.Note("and one", "p1", "S/M", "A", kStart).empty());
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].caller, "");
  EXPECT_EQ(due[0].about, "");
  EXPECT_EQ(due[0].call.count(), 2u);
}

}  // namespace
}  // namespace relais::rpc
