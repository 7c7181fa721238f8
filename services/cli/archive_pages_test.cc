#include "services/cli/archive_pages.h"

#include <gtest/gtest.h>

namespace relais::cli {
namespace {

TEST(ArchivePages, OneIsAsItIs) {
  const auto joined = JoinArchivePages({"{ \"consents\":[1] }"});
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(*joined, "{ \"consents\":[1] }");
}

TEST(ArchivePages, SeveralAreOneDocumentWithAllEntriesInTheirOrder) {
  const auto joined = JoinArchivePages({R"({"revision":"r","record":{"a":1},"consents":[1,2],"requests":[]})",
                                        R"({"revision":"r","consents":[3],"requests":[]})",
                                        R"({"revision":"r","consents":[],"requests":[4]})"});
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(
      *joined,
      "{\n  \"revision\": \"r\",\n  \"record\": {\n    \"a\": 1\n  },\n  \"consents\": [\n    1,\n    2,\n"
      "    3\n  ],\n  \"requests\": [\n    4\n  ]\n}\n");
}

TEST(ArchivePages, WhatIsNoPageIsAnError) {
  EXPECT_TRUE(absl::IsDataLoss(JoinArchivePages({"{}", "torn"}).status()));
}

}  // namespace
}  // namespace relais::cli
