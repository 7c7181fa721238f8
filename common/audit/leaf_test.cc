#include "common/audit/leaf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/big_endian.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "google/protobuf/stubs/logging.h"

namespace relais::audit {
namespace {

using ::testing::HasSubstr;

Secret FixedKey(char fill) { return Secret(std::string(32, fill)); }

Event FixedEvent() {
  Event event;
  event.event_class = audit::v1::EVENT_CLASS_CONSENT_RECORDED;
  event.event_id = *Id128::FromHex("00112233445566778899aabbccddeeff");
  event.institution = "ville-paris";
  event.directory_version = 7;
  event.ground = common::v1::GROUND_AGREEMENT;
  event.decision = common::v1::DECISION_PERMIT;
  event.purpose = "SOCIAL_SUPPORT";
  event.categories = {"HOUSING", "BUDGET"};
  event.exercise = true;
  event.subject = Subject{Subject::Kind::kPerson, *Id128::FromHex("0f0e0d0c0b0a09080706050403020100")};
  event.details.mutable_recipient()->set_institution("casvp");
  event.details.set_relation("DESK");
  event.actor.set_agent("a-17");
  event.actor.set_motive("visit");
  return event;
}

std::string FixedRandom() { return relais::testing::SeededRandom(42).Bytes(kLeafRandomSize); }

std::string FixedLeaf() {
  absl::StatusOr<std::string> bytes =
      SealLeaf(FixedEvent(), FixedRandom(), /*test_mode=*/true, FixedKey('s'), FixedKey('m'));
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  StampTime(*bytes, absl::FromUnixMicros(1'767'225'600'123'456));
  return *bytes;
}

TEST(LeafTest, GoldenBytes) {
  // Header, random and commitment were checked against an implementation in another language.
  EXPECT_EQ(crypto::HexEncode(FixedLeaf()),
            "010006474846222240d6a80a4e557c2000b6614b46d82ecd280000006e0865121000112233445566778899aabb"
            "ccddeeff1a0b76696c6c652d70617269732007280130013a0e534f4349414c5f535550504f5254420642554447"
            "45544207484f5553494e47480150015a20954f7434b6c37534f2d8c11833a4aa44e469cbfc649f80f1276f2af7"
            "7723df080000003f1eeef99871227e3e6323c4444db5c1ec1436397643f639e5a272a29acc0b55e1e6ae3b1160"
            "0a11e0d4ecea53ede88fff3bdf562c4e4f242d8f112b43b447d60000003d707a6f6c383a2dfd4158fd7b98e84f"
            "5d433bc1e82280c150861c163e9577a8ad4ca7c36337778b1a599e5dda706feb4eb29130c2a8354ffd0e889539"
            "1f");
}

TEST(LeafTest, FitsAnEntryBundle) {
  Event event = FixedEvent();
  const size_t rest = FixedLeaf().size();
  // A text longer by this much makes the leaf longer by this much and a few bytes of lengths.
  event.actor.set_motive(std::string(kMaxLeafSize - rest - 20, 'x'));
  const auto longest = SealLeaf(event, FixedRandom(), true, FixedKey('s'), FixedKey('m'));
  ASSERT_TRUE(longest.ok()) << longest.status();
  EXPECT_GT(longest->size(), kMaxLeafSize - 30);
  std::string bundle;
  EXPECT_TRUE(merkle::AppendEntry(bundle, *longest).ok());
  EXPECT_TRUE(ParseLeaf(*longest).ok());
  event.actor.set_motive(std::string(kMaxLeafSize - rest + 20, 'x'));
  const auto longer = SealLeaf(event, FixedRandom(), true, FixedKey('s'), FixedKey('m'));
  EXPECT_THAT(std::string(longer.status().message()), HasSubstr("too long for a leaf"));
}

TEST(LeafTest, ReadsBackWhatWasSealed) {
  const absl::StatusOr<Leaf> leaf = ParseLeaf(FixedLeaf());
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->time, absl::FromUnixMicros(1'767'225'600'123'456));
  EXPECT_EQ(leaf->random, FixedRandom());
  EXPECT_EQ(leaf->header.institution(), "ville-paris");
  EXPECT_EQ(leaf->header.categories(0), "BUDGET");
  EXPECT_EQ(leaf->header.categories(1), "HOUSING");
  EXPECT_TRUE(leaf->header.test());
  EXPECT_TRUE(leaf->header.exercise());
  EXPECT_EQ(leaf->header.commitment().size(), 32U);
  const auto details = OpenDetails(*leaf, FixedEvent().subject, FixedKey('s'));
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_EQ(details->recipient().institution(), "casvp");
  EXPECT_EQ(details->subject().id(), FixedEvent().subject->id.ToBytes());
  const auto actor = OpenActor(*leaf, FixedKey('m'));
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_EQ(actor->motive(), "visit");
}

TEST(LeafTest, ClearPartNamesNoHuman) {
  const std::string bytes = FixedLeaf();
  EXPECT_EQ(bytes.find(FixedEvent().subject->id.ToBytes()), std::string::npos);
  EXPECT_EQ(bytes.find("a-17"), std::string::npos);
  EXPECT_EQ(bytes.find("casvp"), std::string::npos);
}

TEST(LeafTest, EveryPrefixAndExtensionIsRefused) {
  const std::string bytes = FixedLeaf();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseLeaf(bytes.substr(0, size)).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_FALSE(ParseLeaf(bytes + '\0').ok());
  EXPECT_FALSE(ParseLeaf(bytes + bytes).ok());
}

// A flipped bit breaks the format, a sealed part or the commitment; elsewhere in the clear part, only the
// Merkle hash sees it (verify_test.cc flips every bit under a proof).
TEST(LeafTest, EveryBitFlipOutsideTheClearPartIsNoticed) {
  const std::string bytes = FixedLeaf();
  const size_t header_start = kLeafRandomOffset + kLeafRandomSize + 4;
  const size_t header_end = header_start + ReadBigEndian32(std::string_view(bytes).substr(header_start - 4));
  size_t unnoticed_in_header = 0;
  const google::protobuf::LogSilencer silent;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const size_t at = bit / 8;
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (bit % 8)));
    const absl::StatusOr<Leaf> leaf = ParseLeaf(flipped);
    const bool noticed = !leaf.ok() || !OpenDetails(*leaf, FixedEvent().subject, FixedKey('s')).ok() ||
                         !OpenActor(*leaf, FixedKey('m')).ok();
    const bool clear =
        (at >= kLeafTimeOffset && at < kLeafRandomOffset) || (at >= header_start && at < header_end);
    EXPECT_TRUE(noticed || clear) << "bit " << bit;
    unnoticed_in_header += !noticed && at >= header_start ? 1 : 0;
    EXPECT_NE(crypto::Sha256(flipped), crypto::Sha256(bytes));
  }
  // The commitment's 256 bits are in the header, and are noticed.
  EXPECT_LE(unnoticed_in_header, (header_end - header_start) * 8 - 256);
}

TEST(LeafTest, CommitmentIsFreshPerLeaf) {
  relais::testing::SeededRandom random(1);
  const auto seal = [&] {
    return *ParseLeaf(*SealLeaf(FixedEvent(), random.Bytes(16), false, FixedKey('s'), FixedKey('m')));
  };
  EXPECT_NE(seal().header.commitment(), seal().header.commitment());
}

TEST(LeafTest, CommitmentBindsTheSubject) {
  Leaf leaf = *ParseLeaf(FixedLeaf());
  leaf.header.set_commitment(std::string(32, 'x'));
  EXPECT_THAT(OpenDetails(leaf, FixedEvent().subject, FixedKey('s')).status().message(),
              HasSubstr("commitment"));
  leaf.header.clear_commitment();
  EXPECT_THAT(OpenDetails(leaf, FixedEvent().subject, FixedKey('s')).status().message(),
              HasSubstr("commitment"));
}

TEST(LeafTest, AReceiptsKeyDoesNotTellTheSubject) {
  const Leaf leaf = *ParseLeaf(FixedLeaf());
  const auto details = OpenDetailsWithLeafKey(leaf, LeafKey(FixedKey('s'), leaf.random));
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_FALSE(details->has_subject());
  EXPECT_EQ(details->SerializeAsString().find(FixedEvent().subject->id.ToBytes()), std::string::npos);
}

TEST(LeafTest, LeafKeyOpensThatLeafOnly) {
  const Leaf one = *ParseLeaf(FixedLeaf());
  const Leaf other =
      *ParseLeaf(*SealLeaf(FixedEvent(), std::string(16, 'r'), false, FixedKey('s'), FixedKey('m')));
  const Secret key = LeafKey(FixedKey('s'), one.random);
  EXPECT_TRUE(OpenDetailsWithLeafKey(one, key).ok());
  EXPECT_FALSE(OpenDetailsWithLeafKey(other, key).ok());
  EXPECT_FALSE(OpenActor(one, key).ok());
  EXPECT_FALSE(OpenDetails(one, FixedEvent().subject, key).ok());
}

TEST(LeafTest, WrongKeysOpenNothing) {
  const Leaf leaf = *ParseLeaf(FixedLeaf());
  EXPECT_FALSE(OpenDetails(leaf, FixedEvent().subject, FixedKey('m')).ok());
  EXPECT_FALSE(OpenActor(leaf, FixedKey('s')).ok());
}

TEST(LeafTest, LeafWithoutSubjectHasNoCommitment) {
  Event event = FixedEvent();
  event.subject.reset();
  const Leaf leaf = *ParseLeaf(*SealLeaf(event, FixedRandom(), false, FixedKey('l'), FixedKey('m')));
  EXPECT_TRUE(leaf.header.commitment().empty());
  const auto details = OpenDetails(leaf, std::nullopt, FixedKey('l'));
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_FALSE(details->has_subject());
}

TEST(LeafTest, RefusesAnEventWithoutClassIdOrWithBadRandom) {
  Event event = FixedEvent();
  event.event_class = audit::v1::EVENT_CLASS_UNSPECIFIED;
  EXPECT_FALSE(SealLeaf(event, FixedRandom(), false, FixedKey('s'), FixedKey('m')).ok());
  event = FixedEvent();
  event.event_id = Id128();
  EXPECT_FALSE(SealLeaf(event, FixedRandom(), false, FixedKey('s'), FixedKey('m')).ok());
  EXPECT_FALSE(SealLeaf(FixedEvent(), "short", false, FixedKey('s'), FixedKey('m')).ok());
  event = FixedEvent();
  event.actor.set_motive(std::string(2 << 20, 'x'));
  EXPECT_FALSE(SealLeaf(event, FixedRandom(), false, FixedKey('s'), FixedKey('m')).ok());
}

TEST(LeafTest, MonthNamesAreUtc) {
  EXPECT_EQ(MonthName(absl::FromUnixSeconds(1'767'225'599)), "2025-12");
  EXPECT_EQ(MonthName(absl::FromUnixSeconds(1'767'225'600)), "2026-01");
}

TEST(SubjectTest, EncodesAndDecodes) {
  const Subject subject = *FixedEvent().subject;
  EXPECT_EQ(subject.Encode().size(), 17U);
  const auto decoded = Subject::Decode(subject.Encode());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, subject);
  EXPECT_FALSE(Subject::Decode("").ok());
  EXPECT_FALSE(Subject::Decode("X" + subject.id.ToBytes()).ok());
  EXPECT_FALSE(Subject::Decode(subject.Encode() + "x").ok());
}

}  // namespace
}  // namespace relais::audit
