#include "common/rpc/page_token.h"

#include <gtest/gtest.h>

#include "common/rpc/call.h"

namespace relais::rpc {
namespace {

const Secret kKey(std::string(32, 'k'));
const PagePlace kPlace{300, 7, 258, absl::FromUnixSeconds(1'767'225'600)};

TEST(PageToken, IsTheseBytes) {
  EXPECT_EQ(MakePageToken(kKey, kPlace, "binding"),
            "01000000000000012c000000000000000700000000000001020006474846204000"
            "732229bf93de37a8d3232a6d859bd5b3");
}

TEST(PageToken, ComesBack) {
  const auto place = ReadPageToken(kKey, MakePageToken(kKey, kPlace, "b"), "b", kPlace.issued);
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->size, 300u);
  EXPECT_EQ(place->from, 7u);
  EXPECT_EQ(place->to, 258u);
  EXPECT_EQ(place->issued, kPlace.issued);
}

TEST(PageToken, NoOtherIsTaken) {
  const std::string token = MakePageToken(kKey, kPlace, "b");
  const auto refused = [](const auto& place) {
    return ReasonOf(place.status()) == common::v1::ERROR_REASON_INVALID_FIELDS;
  };
  for (size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_TRUE(refused(ReadPageToken(kKey, forged, "b", kPlace.issued))) << i;
  }
  EXPECT_TRUE(refused(ReadPageToken(kKey, token, "c", kPlace.issued))) << "another query";
  EXPECT_TRUE(refused(ReadPageToken(Secret(std::string(32, 'l')), token, "b", kPlace.issued)));
  for (const std::string& other : {std::string(), token.substr(2), token + "00", std::string("page 2")}) {
    EXPECT_TRUE(refused(ReadPageToken(kKey, other, "b", kPlace.issued))) << other;
  }
}

TEST(PageToken, LivesADay) {
  const std::string token = MakePageToken(kKey, kPlace, "b");
  EXPECT_TRUE(ReadPageToken(kKey, token, "b", kPlace.issued + absl::Hours(24)).ok());
  EXPECT_FALSE(ReadPageToken(kKey, token, "b", kPlace.issued + absl::Hours(25)).ok());
  EXPECT_FALSE(ReadPageToken(kKey, token, "b", kPlace.issued - absl::Hours(1)).ok());
}

}  // namespace
}  // namespace relais::rpc
