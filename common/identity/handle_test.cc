#include "common/identity/handle.h"

#include <thread>

#include "common/base/testing/fake_clock.h"
#include "common/crypto/memory_key_ring.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'792'000'000);

Id128 Person(uint8_t first = 0) {
  std::array<uint8_t, 16> raw;
  for (size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<uint8_t>(i);
  raw[0] = first;
  return Id128(raw);
}

class HandleTest : public ::testing::Test {
 protected:
  HandleTest() {
    EXPECT_EQ(ring_.Add(kHandleKeyName, Secret(std::string(32, '\x01'))).value(), 1U);
    EXPECT_EQ(ring_.Add(kHandleKeyName, Secret(std::string(64, '\x02'))).value(), 2U);
  }

  HandleCodec Codec(const HandlePolicy& policy = {}) const {
    return HandleCodec::Create(ring_, policy, clock_).value();
  }

  static HandlePolicy RotatedForEdf() {
    HandlePolicy policy;
    policy.institutions["edf"] = {.current = 2,
                                  .retiring = {{.generation = 1, .until = kStart + absl::Hours(1)}}};
    return policy;
  }

  static void ExpectRefused(const absl::StatusOr<Id128>& answer) {
    EXPECT_EQ(answer.status(), absl::InvalidArgumentError("not a handle of this institution"));
  }

  crypto::MemoryKeyRing ring_;
  testing::FakeClock clock_{kStart};
};

// Computed by another program from the definition in the header.
TEST_F(HandleTest, GoldenHandles) {
  EXPECT_EQ(Codec().ToHandle(Person(), "edf"), "rh1_AAH5hyO7JFf3FSedxBTapY_vWHrbFmjYuz9MPdecke4hiQ");
  EXPECT_EQ(Codec().ToHandle(Person(), "siao"), "rh1_AAEmgOkpMfod7KNx3X0V9FQbvEnYoN9WThLXkX1-L1ZgcA");
  EXPECT_EQ(Codec(RotatedForEdf()).ToHandle(Person(), "edf"),
            "rh1_AAJ0ylob4vmUJMVzQbr_mBoOJvNRpG4RtzhsgWsUdi3hoA");
}

TEST_F(HandleTest, RoundTripsAndIsStable) {
  const HandleCodec codec = Codec();
  for (int i = 0; i < 256; ++i) {
    const Id128 person = Person(static_cast<uint8_t>(i));
    const std::string handle = codec.ToHandle(person, "edf");
    EXPECT_EQ(handle.size(), kHandleSize);
    EXPECT_EQ(handle, Codec().ToHandle(person, "edf"));
    EXPECT_EQ(codec.FromHandle(handle, "edf").value(), person);
  }
}

TEST_F(HandleTest, IsUselessToAnotherInstitution) {
  const HandleCodec codec = Codec();
  const std::string handle = codec.ToHandle(Person(), "edf");
  EXPECT_NE(handle, codec.ToHandle(Person(), "engie"));
  ExpectRefused(codec.FromHandle(handle, "engie"));
  ExpectRefused(codec.FromHandle(handle, "ed"));
  ExpectRefused(codec.FromHandle(handle, ""));
}

TEST_F(HandleTest, EveryChangedCharacterIsRefused) {
  const HandleCodec codec = Codec();
  const std::string handle = codec.ToHandle(Person(), "edf");
  for (size_t i = 0; i < handle.size(); ++i) {
    for (const char c : std::string_view("AzZ09_-+/= \n")) {
      if (handle[i] == c) continue;
      std::string changed = handle;
      changed[i] = c;
      ExpectRefused(codec.FromHandle(changed, "edf"));
    }
  }
}

TEST_F(HandleTest, OnlyOneSpellingIsAccepted) {
  const HandleCodec codec = Codec();
  const std::string handle = codec.ToHandle(Person(), "edf");  // ends in "Q": the last four bits are spare
  for (const char* last : {"R", "S", "X", "Y", "f"}) {
    ExpectRefused(codec.FromHandle(handle.substr(0, handle.size() - 1) + last, "edf"));
  }
  ExpectRefused(codec.FromHandle(handle + "=", "edf"));
  ExpectRefused(codec.FromHandle(handle + "==", "edf"));
  ExpectRefused(codec.FromHandle(" " + handle, "edf"));
  ExpectRefused(codec.FromHandle(handle + "A", "edf"));
  ExpectRefused(codec.FromHandle(handle.substr(0, handle.size() - 1), "edf"));
  ExpectRefused(codec.FromHandle("RH1_" + handle.substr(4), "edf"));
  ExpectRefused(codec.FromHandle("", "edf"));
  ExpectRefused(codec.FromHandle("rh1_", "edf"));
}

TEST_F(HandleTest, ARetiringGenerationIsUnderstoodUntilItsEnd) {
  const std::string old_handle = Codec().ToHandle(Person(), "edf");
  const HandleCodec rotated = Codec(RotatedForEdf());
  const std::string new_handle = rotated.ToHandle(Person(), "edf");
  EXPECT_NE(old_handle, new_handle);
  EXPECT_EQ(rotated.FromHandle(new_handle, "edf").value(), Person());
  EXPECT_EQ(rotated.FromHandle(old_handle, "edf").value(), Person());
  EXPECT_TRUE(rotated.IsRetiring(old_handle, "edf"));
  EXPECT_FALSE(rotated.IsRetiring(new_handle, "edf"));

  clock_.Advance(absl::Hours(1) - absl::Nanoseconds(1));
  EXPECT_TRUE(rotated.FromHandle(old_handle, "edf").ok());
  clock_.Advance(absl::Nanoseconds(1));
  ExpectRefused(rotated.FromHandle(old_handle, "edf"));
  EXPECT_FALSE(rotated.IsRetiring(old_handle, "edf"));
  EXPECT_EQ(rotated.FromHandle(new_handle, "edf").value(), Person());
}

TEST_F(HandleTest, ARotationConcernsOneInstitution) {
  const HandleCodec rotated = Codec(RotatedForEdf());
  EXPECT_EQ(rotated.ToHandle(Person(), "siao"), Codec().ToHandle(Person(), "siao"));
  // Generation 2 is edf's: a handle made under it means nothing for siao, even one made for siao.
  HandlePolicy all_second;
  all_second.standard.current = 2;
  ExpectRefused(rotated.FromHandle(Codec(all_second).ToHandle(Person(), "siao"), "siao"));
}

TEST_F(HandleTest, CreateNeedsEveryKeyThePolicyNames) {
  HandlePolicy policy;
  policy.institutions["edf"].current = 3;
  EXPECT_EQ(HandleCodec::Create(ring_, policy, clock_).status().code(), absl::StatusCode::kNotFound);
  policy.institutions["edf"] = {.current = 2, .retiring = {{.generation = 9, .until = kStart}}};
  EXPECT_EQ(HandleCodec::Create(ring_, policy, clock_).status().code(), absl::StatusCode::kNotFound);
  policy.institutions["edf"] = {.current = 0, .retiring = {}};
  EXPECT_EQ(HandleCodec::Create(ring_, policy, clock_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HandleTest, ThreadsShareACodec) {
  const HandleCodec codec = Codec();
  std::vector<std::thread> threads;
  for (uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([&codec, t] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(codec.FromHandle(codec.ToHandle(Person(t), "edf"), "edf").value(), Person(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace relais::identity
