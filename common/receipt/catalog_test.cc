#include "common/receipt/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "common/directory/codes.h"

namespace relais::receipt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Catalog, FrenchFirstThenEnglish) {
  ASSERT_EQ(Catalogs().size(), 6U);
  EXPECT_EQ(Catalogs()[0].language, "fr");
  EXPECT_EQ(Catalogs()[1].language, "en");
}

TEST(Catalog, EveryLanguageHasEveryKeyWithTheSamePlaceholders) {
  const Catalog& french = Catalogs().front();
  for (const Catalog& catalog : Catalogs()) {
    EXPECT_THAT(Differences(catalog, french), IsEmpty()) << catalog.language;
  }
}

TEST(Catalog, DraftsAreMarkedAndHaveTheDirectorysWords) {
  for (const Catalog& catalog : Catalogs()) {
    const bool ours = catalog.language == "fr" || catalog.language == "en";
    EXPECT_EQ(catalog.draft, !ours) << catalog.language;
    for (const std::string_view purpose : directory::kExpectedPurposes) {
      EXPECT_EQ(catalog.words.contains("purpose." + std::string(purpose)), !ours) << catalog.language;
    }
    for (const std::string_view category : directory::kExpectedCategories) {
      EXPECT_EQ(catalog.words.contains("category." + std::string(category)), !ours) << catalog.language;
    }
    for (const std::string_view kind : directory::kInstitutionKinds) {
      EXPECT_FALSE(catalog.Message("kind." + std::string(kind)).empty()) << catalog.language << " " << kind;
    }
    EXPECT_EQ(catalog.right_to_left, catalog.language == "ar");
  }
}

// D-2.1: what lets a professional speak is her "accord". "Consentement explicite" is of the RGPD's art. 9
// alone, and no message needs it.
TEST(Catalog, FrenchSaysAccordAndNeverConsentement) {
  const Catalog& french = Catalogs().front();
  ASSERT_EQ(french.language, "fr");
  bool said = false;
  for (const auto& [key, message] : french.messages) {
    const std::string lower = absl::AsciiStrToLower(message);
    EXPECT_THAT(lower, Not(HasSubstr("consentement"))) << key;
    said = said || lower.find("accord") != std::string::npos;
  }
  EXPECT_TRUE(said);
}

TEST(Catalog, DifferencesAreFound) {
  Catalog reference;
  reference.messages = {{"a", "one {x}"}, {"b", "two"}};
  Catalog other;
  other.messages = {{"a", "un {y}"}, {"c", "trois"}};
  EXPECT_THAT(Differences(other, reference),
              ElementsAre("other placeholders in a", "lacks b", "has c, which is none"));
}

TEST(Catalog, UnknownLanguage) { EXPECT_EQ(FindCatalog("tlh").status().code(), absl::StatusCode::kNotFound); }

TEST(Catalog, WhatIsNoCatalogue) {
  const std::string good =
      R"({"language":"xx","name":"X","direction":"ltr","draft":true,"messages":{"a":"b"}})";
  EXPECT_TRUE(ParseCatalog(good).ok());
  for (const char* bad :
       {"", "[]", R"({"language":"xx"})",
        R"({"language":"x\"","name":"X","direction":"ltr","draft":true,"messages":{"a":"b"}})",
        R"({"language":"xx","name":"X","direction":"up","draft":true,"messages":{"a":"b"}})",
        R"({"language":"xx","name":"X","direction":"ltr","draft":1,"messages":{"a":"b"}})",
        R"({"language":"xx","name":"X","direction":"ltr","draft":true,"messages":{"a":""}})",
        R"({"language":"xx","name":"X","direction":"ltr","draft":true,"messages":{"a":1}})"}) {
    EXPECT_FALSE(ParseCatalog(bad).ok()) << bad;
  }
}

TEST(Catalog, ValuesAreNotFilledAgain) {
  EXPECT_EQ(Fill("{a} and {b} {", {{"a", "{b}"}, {"b", "2"}}), "{b} and 2 {");
}

}  // namespace
}  // namespace relais::receipt
