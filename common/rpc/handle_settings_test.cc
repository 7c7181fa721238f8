#include "common/rpc/handle_settings.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/testing/fake_clock.h"
#include "common/crypto/memory_key_ring.h"

namespace relais::rpc {
namespace {

constexpr char kRotated[] =
    "handles: {generation: 3, institutions: {edf: {generation: 2, retiring: 1, "
    "retiring_until: '2027-06-30T00:00:00+02:00'}, ville-paris: {generation: 1}}}";
const absl::Time kEnd = absl::FromCivil(absl::CivilHour(2027, 6, 29, 22), absl::UTCTimeZone());

struct Reading {
  absl::StatusOr<identity::HandlePolicy> policy;
  absl::Status config;  // what Finish says
};

Reading Read(std::string_view yaml, const std::vector<std::string>& overrides = {}) {
  absl::StatusOr<Config> config = Config::Parse(yaml, overrides);
  EXPECT_TRUE(config.ok()) << config.status();
  absl::StatusOr<identity::HandlePolicy> policy = ReadHandlePolicy(*config);
  return {std::move(policy), config->Finish()};
}

void ExpectSaid(const absl::Status& status, std::string_view words) {
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.ToString().find(words), std::string::npos) << status;
}

directory::Directory DirectoryOf(const std::vector<std::string>& institutions) {
  directory::Content content;
  for (const std::string& id : institutions) {
    content.institutions.emplace_back().id = id;
  }
  return directory::Directory(std::move(content));
}

crypto::MemoryKeyRing& AddGenerations(crypto::MemoryKeyRing& ring, int count) {
  for (int i = 0; i < count; ++i) {
    EXPECT_TRUE(ring.Add(identity::kHandleKeyName, Secret(std::string(32, static_cast<char>('a' + i)))).ok());
  }
  return ring;
}

TEST(HandleSettings, WithoutAnyTheFirstGenerationMakesAllHandles) {
  const Reading read = Read("");
  ASSERT_TRUE(read.policy.ok()) << read.policy.status();
  EXPECT_EQ(read.policy->standard.current, 1);
  EXPECT_TRUE(read.policy->standard.retiring.empty());
  EXPECT_TRUE(read.policy->institutions.empty());
}

TEST(HandleSettings, AnInstitutionsEntryReplacesTheGeneralOne) {
  const Reading read = Read(kRotated, {"handles.retiring=4", "handles.retiring_until=2026-01-01T00:00:00Z"});
  ASSERT_TRUE(read.config.ok()) << read.config;
  ASSERT_TRUE(read.policy.ok()) << read.policy.status();
  EXPECT_EQ(read.policy->standard.current, 3);
  ASSERT_EQ(read.policy->standard.retiring.size(), 1U);
  EXPECT_EQ(read.policy->standard.retiring[0].generation, 4);
  ASSERT_EQ(read.policy->institutions.size(), 2U);
  const auto& edf = read.policy->institutions.at("edf");
  EXPECT_EQ(edf.current, 2);
  ASSERT_EQ(edf.retiring.size(), 1U);
  EXPECT_EQ(edf.retiring[0].generation, 1);
  EXPECT_EQ(edf.retiring[0].until, kEnd);
  EXPECT_EQ(read.policy->institutions.at("ville-paris").current, 1);
  EXPECT_TRUE(read.policy->institutions.at("ville-paris").retiring.empty()) << "the general one is not hers";
}

TEST(HandleSettings, WhatIsAcceptedWhen) {
  crypto::MemoryKeyRing ring;
  AddGenerations(ring, 3);
  testing::FakeClock clock(kEnd - absl::Nanoseconds(1));
  const Reading read = Read(kRotated);
  ASSERT_TRUE(read.policy.ok()) << read.policy.status();
  const auto made_under = [&](uint16_t generation, std::string_view institution) {
    identity::HandlePolicy policy;
    policy.standard.current = generation;
    return identity::HandleCodec::Create(ring, policy, clock)->ToHandle(Id128(), institution);
  };
  const auto codec = identity::HandleCodec::Create(ring, *read.policy, clock);
  ASSERT_TRUE(codec.ok()) << codec.status();
  const auto accepted = [&](std::string_view institution) {
    std::vector<int> generations;
    for (uint16_t generation = 1; generation <= 3; ++generation) {
      if (codec->FromHandle(made_under(generation, institution), institution).ok()) {
        generations.push_back(generation);
      }
    }
    return generations;
  };
  EXPECT_EQ(accepted("edf"), (std::vector<int>{1, 2}));
  EXPECT_EQ(accepted("ville-paris"), (std::vector<int>{1}));
  EXPECT_EQ(accepted("caf"), (std::vector<int>{3}));
  EXPECT_EQ(codec->ToHandle(Id128(), "edf"), made_under(2, "edf"));
  EXPECT_EQ(codec->ToHandle(Id128(), "ville-paris"), made_under(1, "ville-paris"));
  clock.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(accepted("edf"), (std::vector<int>{2}));
  EXPECT_EQ(accepted("ville-paris"), (std::vector<int>{1}));
}

TEST(HandleSettings, WrongNumbersAndMissingOnesAreNamed) {
  ExpectSaid(Read("handles: {generation: 0}").config,
             "'handles.generation' must be an integer from 1 to 65535");
  ExpectSaid(Read("handles: {institutions: {edf: {generation: 65536}}}").config,
             "'handles.institutions.edf.generation' must be an integer from 1 to 65535");
  ExpectSaid(Read("handles: {institutions: {edf: {generation: 2, retiring: one}}}").config,
             "'handles.institutions.edf.retiring' must be");
  ExpectSaid(
      Read("handles: {institutions: {edf: {retiring: 2, retiring_until: '2027-06-30T00:00:00Z'}}}").config,
      "'handles.institutions.edf.generation' is missing");
  ExpectSaid(Read("handles: {institutions: {edf: 2}}").config, "'handles.institutions.edf' is not a setting");
  ExpectSaid(Read("handles: {institutions: {edf: {generation: 2, until: x}}}").config,
             "'handles.institutions.edf.until' is not a setting");
}

TEST(HandleSettings, AnEndIsAnInstantAndBelongsToARetiringGeneration) {
  for (const std::string under : {"handles", "handles.institutions.edf"}) {
    const auto read = [&](const std::string& retiring, const std::string& until) {
      std::vector<std::string> overrides = {under + ".generation=2"};
      if (!retiring.empty()) {
        overrides.push_back(under + ".retiring=" + retiring);
      }
      if (!until.empty()) {
        overrides.push_back(under + ".retiring_until=" + until);
      }
      const Reading reading = Read("", overrides);
      EXPECT_TRUE(reading.config.ok()) << reading.config;
      return reading.policy.status();
    };
    EXPECT_TRUE(read("1", "2027-06-30T00:00:00Z").ok());
    EXPECT_TRUE(read("3", "2027-06-30T00:00:00Z").ok()) << "the next one, before it makes handles";
    ExpectSaid(read("1", ""), "'" + under + ".retiring_until' must be an RFC 3339 instant");
    ExpectSaid(read("1", "2027-06-30"), "'" + under + ".retiring_until' must be an RFC 3339 instant");
    ExpectSaid(read("1", "infinite-future"), "'" + under + ".retiring_until' must be an RFC 3339 instant");
    ExpectSaid(read("", "2027-06-30T00:00:00Z"), "'" + under + ".retiring_until' says nothing without");
    ExpectSaid(read("2", "2027-06-30T00:00:00Z"), "'" + under + ".retiring' must be another generation");
  }
}

TEST(HandleSettings, AnInstitutionTheDirectoryLacksIsNamed) {
  crypto::MemoryKeyRing ring;
  AddGenerations(ring, 3);
  const Reading read = Read(kRotated);
  ASSERT_TRUE(read.policy.ok()) << read.policy.status();
  EXPECT_EQ(CheckHandlePolicy(*read.policy, DirectoryOf({"edf", "ville-paris"}), ring), absl::OkStatus());
  ExpectSaid(CheckHandlePolicy(*read.policy, DirectoryOf({"ville-paris"}), ring),
             "'handles.institutions.edf' is no institution of the directory");
}

TEST(HandleSettings, AGenerationTheRingLacksIsNamed) {
  const directory::Directory directory = DirectoryOf({"edf"});
  const auto check = [&](const std::string& yaml) {
    crypto::MemoryKeyRing ring;
    const Reading read = Read(yaml);
    EXPECT_TRUE(read.config.ok() && read.policy.ok()) << read.config << read.policy.status();
    return CheckHandlePolicy(*read.policy, directory, AddGenerations(ring, 2));
  };
  EXPECT_TRUE(check("handles: {institutions: {edf: {generation: 2}}}").ok());
  ExpectSaid(check("handles: {generation: 3}"), "handles.generation: no key handle version 3");
  ExpectSaid(check("handles: {retiring: 3, retiring_until: '2027-06-30T00:00:00Z'}"),
             "handles.retiring: no key handle version 3");
  ExpectSaid(check("handles: {institutions: {edf: {generation: 3}}}"),
             "handles.institutions.edf.generation: no key handle version 3");
  ExpectSaid(check("handles: {institutions: {edf: {generation: 2, retiring: 9, "
                   "retiring_until: '2027-06-30T00:00:00Z'}}}"),
             "handles.institutions.edf.retiring: no key handle version 9");
}

}  // namespace
}  // namespace relais::rpc
