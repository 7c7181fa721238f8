#include "common/audit/index_format.h"

#include <gtest/gtest.h>

#include "common/crypto/encoding.h"

namespace relais::audit::internal {
namespace {

using crypto::HexEncode;

Secret Key(char c) { return Secret(std::string(32, c)); }

TEST(IndexFormat, PostingsAreTheseBytes) {
  EXPECT_EQ(HexEncode(EncodePostings(1000, {1000, 1001, 1300, 5095})), "010001ab02d31d");
  std::vector<uint64_t> read = {7};
  ASSERT_TRUE(DecodePostings(1000, EncodePostings(1000, {1000, 1001, 1300, 5095}), read).ok());
  EXPECT_EQ(read, (std::vector<uint64_t>{7, 1000, 1001, 1300, 5095}));
}

TEST(IndexFormat, PostingsThatAreNoneAreRefused) {
  std::vector<uint64_t> read;
  EXPECT_FALSE(DecodePostings(0, "", read).ok());
  EXPECT_FALSE(DecodePostings(0, "\x02\x01", read).ok()) << "a format of the future";
  EXPECT_FALSE(DecodePostings(0, "\x01\x81", read).ok()) << "a number that does not end";
  EXPECT_FALSE(DecodePostings(0, std::string("\x01\x05\x00", 3), read).ok()) << "the same leaf twice";
  EXPECT_FALSE(DecodePostings(0, "\x01\x80\x20", read).ok()) << "4096: beyond the run";
  EXPECT_TRUE(DecodePostings(0, "\x01\xff\x1f", read).ok()) << "4095: the last of a run";
  EXPECT_FALSE(DecodePostings(0, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", read).ok());
}

TEST(IndexFormat, NamesAreTheseBytes) {
  EXPECT_EQ(IndexPartition(Key('k'), 1, Dimension::kRecipient, 2).ToHex(),
            "31d1c3d00c77b2a5f0a7b4359f94aed1");
  EXPECT_EQ(HexEncode(PostingKey(ValueHash(Key('k'), Dimension::kRecipient, "caf"), 4096)),
            "37688091fe310d98cc3b98abfb6c643f0000000000001000");
  EXPECT_EQ(IndexMeta(Key('k')).ToHex(), "3b7fc689c3c742d75d4eba9c8bf13376");
  EXPECT_EQ(HexEncode(EncodeIndexState({3, 258})), "01000000030000000000000102");
  EXPECT_EQ(HexEncode(CatalogKey(1, "2026-11", Dimension::kAgent, 2)),
            HexEncode("part/") + "00000001" + HexEncode("2026-11/") + "0b" + "0000000000000002");
  EXPECT_EQ(HexEncode(CatalogKey(1, "", Dimension::kRecipient, 0)),
            HexEncode("part/") + "00000001" + HexEncode("/") + "02" + "0000000000000000");
}

TEST(IndexFormat, NamesDifferByEverythingTheyStandFor) {
  const Id128 one = IndexPartition(Key('k'), 1, Dimension::kRecipient, 2);
  EXPECT_NE(one, IndexPartition(Key('l'), 1, Dimension::kRecipient, 2));
  EXPECT_NE(one, IndexPartition(Key('k'), 2, Dimension::kRecipient, 2));
  EXPECT_NE(one, IndexPartition(Key('k'), 1, Dimension::kInstitution, 2));
  EXPECT_NE(one, IndexPartition(Key('k'), 1, Dimension::kRecipient, 3));
  EXPECT_NE(ValueHash(Key('k'), Dimension::kRecipient, "caf"),
            ValueHash(Key('k'), Dimension::kInstitution, "caf"));
  EXPECT_NE(AgentValue("ab", "c"), AgentValue("a", "bc"));
}

TEST(IndexFormat, StatesThatAreNoneAreRefused) {
  const std::string good = EncodeIndexState({3, 258});
  EXPECT_EQ(DecodeIndexState(good)->generation, 3u);
  EXPECT_EQ(DecodeIndexState(good)->indexed, 258u);
  EXPECT_FALSE(DecodeIndexState(good + "x").ok());
  EXPECT_FALSE(DecodeIndexState(good.substr(1)).ok());
  EXPECT_FALSE(DecodeIndexState("").ok());
}

TEST(IndexFormat, ALeafIsFoundByAllThatItSays) {
  audit::v1::LeafHeader header;
  header.set_event_class(audit::v1::EVENT_CLASS_CHECK_DECIDED);
  header.set_institution("ville-paris");
  header.set_directory_version(4);
  header.set_decision(common::v1::DECISION_DENY);
  header.set_purpose("RIGHTS_OPENING");
  header.add_categories("IDENTITY");
  header.add_categories("IDENTITY");
  header.add_categories("RESOURCES");
  audit::v1::LeafDetails details;
  details.mutable_recipient()->set_institution("caf");
  details.set_denial_reason("REASON_REFUSED");
  const std::vector<IndexedValue> values = ValuesOf(header, details);
  EXPECT_EQ(values, (std::vector<IndexedValue>{{Dimension::kInstitution, "ville-paris"},
                                               {Dimension::kRecipient, "caf"},
                                               {Dimension::kPurpose, "RIGHTS_OPENING"},
                                               {Dimension::kCategory, "IDENTITY"},
                                               {Dimension::kCategory, "RESOURCES"},
                                               {Dimension::kDecision, NumberValue(2)},
                                               {Dimension::kDenialReason, "REASON_REFUSED"},
                                               {Dimension::kEventClass, NumberValue(106)},
                                               {Dimension::kDirectoryVersion, NumberValue(4)}}));
  audit::v1::LeafActor actor;
  EXPECT_TRUE(ActorValuesOf(header, actor).empty());
  actor.set_agent("a-1");
  actor.set_certificate("00ff");
  EXPECT_EQ(ActorValuesOf(header, actor),
            (std::vector<IndexedValue>{{Dimension::kAgent, AgentValue("ville-paris", "a-1")},
                                       {Dimension::kCertificate, "00ff"}}));
  EXPECT_TRUE(IsMonthly(Dimension::kAgent) && IsMonthly(Dimension::kCertificate));
  EXPECT_FALSE(IsMonthly(Dimension::kRecipient));
}

}  // namespace
}  // namespace relais::audit::internal
