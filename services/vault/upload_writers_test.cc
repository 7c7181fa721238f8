// Who writes an upload, and what is kept of it in memory (ADR 44, ADR 55).
#include "services/vault/upload_writers.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "common/base/testing/sim_executor.h"
#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

Id128 Numbered(uint64_t number) {
  std::string bytes(8, '\0');
  AppendBigEndian64(number, bytes);
  return Id128::FromBytes(bytes).value();
}

class Writers : public ::testing::Test {
 protected:
  static KeptUpload Of(uint64_t bytes) {
    KeptUpload kept;
    kept.text.emplace();
    kept.text->bytes = bytes;
    return kept;
  }
  void Keep(uint64_t upload) { writers.Keep(Numbered(upload), Of(upload), sim.Now()); }
  bool Kept(uint64_t upload) {
    const KeptUpload kept = writers.Take(Numbered(upload));
    EXPECT_TRUE(kept.empty() || kept.text->bytes == upload);
    return !kept.empty();
  }

  relais::testing::SimExecutor sim{1, absl::UnixEpoch()};
  UploadWriters writers{sim};
};

TEST_F(Writers, WhatIsKeptIsTakenOnce) {
  Keep(1);
  EXPECT_TRUE(Kept(1));
  EXPECT_FALSE(Kept(1));
  EXPECT_FALSE(Kept(2));
}

TEST_F(Writers, NothingInThePlaceOfSomethingIsNothing) {
  Keep(1);
  writers.Keep(Numbered(1), KeptUpload(), sim.Now());
  EXPECT_FALSE(Kept(1));
}

TEST_F(Writers, TheOldestGoesWhereThereAreTooMany) {
  for (uint64_t upload = 1; upload <= UploadWriters::kMost; ++upload) {
    Keep(upload);
  }
  Keep(1);  // bytes came to it: now it is the newest
  Keep(UploadWriters::kMost + 1);
  EXPECT_TRUE(Kept(1));
  EXPECT_FALSE(Kept(2));
  EXPECT_TRUE(Kept(3));
  EXPECT_TRUE(Kept(UploadWriters::kMost + 1));
}

TEST_F(Writers, WhatIsOldGoes) {
  Keep(1);
  sim.Skip(UploadWriters::kLongest / 2);
  Keep(2);
  sim.Skip(UploadWriters::kLongest / 2 - absl::Seconds(1));
  writers.DropOld(sim.Now());
  EXPECT_TRUE(Kept(1));
  Keep(1);
  sim.Skip(UploadWriters::kLongest / 2 + absl::Seconds(1));
  writers.DropOld(sim.Now());
  EXPECT_FALSE(Kept(2));
  EXPECT_TRUE(Kept(1));
}

TEST_F(Writers, OneWriterAtATimeAndTheNextGoesOnWithWhatItLeft) {
  auto place = writers.Enter(Numbered(1));
  ASSERT_TRUE(place.has_value());
  EXPECT_FALSE(writers.Enter(Numbered(1)).has_value());
  EXPECT_FALSE(place->Unwanted());
  std::optional<bool> ended;
  Start(writers.Interrupt(Numbered(1), absl::Seconds(5)), [&](bool done) { ended = done; });
  EXPECT_TRUE(place->Unwanted());
  sim.RunFor(absl::Seconds(1));
  EXPECT_FALSE(ended.has_value());
  Keep(1);
  place.reset();
  sim.RunFor(absl::Seconds(1));
  EXPECT_EQ(ended, true);
  EXPECT_TRUE(writers.Enter(Numbered(1)).has_value());
  EXPECT_TRUE(Kept(1));
}

TEST_F(Writers, WhoDoesNotLeaveIsNotWaitedForForEver) {
  const auto place = writers.Enter(Numbered(1));
  std::optional<bool> ended;
  Start(writers.Interrupt(Numbered(1), absl::Seconds(5)), [&](bool done) { ended = done; });
  sim.RunFor(absl::Seconds(6));
  EXPECT_EQ(ended, false);
}

TEST_F(Writers, OfAnUploadThatEndedNothingIsKept) {
  Keep(1);
  std::optional<bool> ended;
  Start(writers.Close(Numbered(1), absl::Seconds(5)), [&](bool done) { ended = done; });
  sim.RunFor(absl::Seconds(1));
  EXPECT_EQ(ended, true);
  EXPECT_FALSE(Kept(1));
}

}  // namespace
}  // namespace relais::vault
