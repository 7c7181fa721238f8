#include "common/directory/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/testing/mini.h"
#include "common/directory/testing/sample.h"

namespace relais::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kMiniYaml;
using testing::Replaced;

std::string ErrorOf(const std::string& yaml) {
  const auto parsed = ParseDirectory(yaml);
  EXPECT_TRUE(parsed.ok() || parsed.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message());
}

std::string ErrorAfter(const std::string& from, const std::string& to) {
  return ErrorOf(Replaced(kMiniYaml, from, to));
}

TEST(Parse, ReadsEveryPart) {
  const auto parsed = ParseDirectory(kMiniYaml);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Content& content = parsed->content();
  EXPECT_EQ(content.trust_domain, "relais.test");
  EXPECT_EQ(content.version, 7U);
  EXPECT_EQ(content.not_after, absl::FromCivil(absl::CivilHour(2027, 12, 31, 23), absl::UTCTimeZone()));
  ASSERT_EQ(content.institutions.size(), 6U);
  const Institution& ville = content.institutions[0];
  EXPECT_EQ(ville.kind, "DEPARTEMENT_SOCIAL");
  EXPECT_EQ(ville.dpo.email, "dpo@ville.example");
  EXPECT_EQ(ville.dpia, "AIPD-1");
  EXPECT_TRUE(ville.FindSystem("steward")->HasRole("STEWARD"));
  EXPECT_TRUE(ville.FindSystem("dsol")->spiffe);
  EXPECT_EQ(ville.FindSystem("absent"), nullptr);
  const System& droits = content.institutions[1].systems[0];
  EXPECT_FALSE(droits.spiffe);
  ASSERT_EQ(droits.certificates.size(), 2U);
  EXPECT_EQ(droits.certificates[0].dns, "si.cpam.example");
  EXPECT_EQ(droits.certificates[1].key_pin.size(), 64U);
}

TEST(Parse, APostalAddressMayBeThere) {
  EXPECT_EQ(ParseDirectory(kMiniYaml)->content().institutions[0].address, "");
  const auto parsed = ParseDirectory(Replaced(kMiniYaml, "    dpia: AIPD-1\n",
                                              "    dpia: AIPD-1\n    address: 1 place Neuve, 75004 Paris\n"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->content().institutions[0].address, "1 place Neuve, 75004 Paris");
}

TEST(Parse, ReadsDesksFunctionsAndProtocols) {
  const Directory parsed = ParseDirectory(kMiniYaml).value();
  const Content& content = parsed.content();
  const Desk& desk = content.desks[0];
  EXPECT_THAT(desk.publics, ElementsAre("ADULT", "FAMILY"));
  EXPECT_THAT(desk.arrondissements, ElementsAre(75113));
  EXPECT_EQ(desk.hours, calendar::OpeningHours::Parse("Mo-Fr 09:00-17:00").value());
  EXPECT_THAT(desk.escalation, ElementsAre("astreinte"));
  EXPECT_EQ(desk.on_call, "astreinte");
  EXPECT_TRUE(desk.departmental_social_service);
  EXPECT_FALSE(desk.relief_only);
  EXPECT_EQ(desk.contact.title, "Responsable");
  EXPECT_TRUE(content.desks[1].relief_only);
  EXPECT_TRUE(content.desks[1].whole_city);
  EXPECT_EQ(content.desks[1].arrondissements.size(), 20U);
  EXPECT_EQ(content.functions[0].secrecy, Secrecy::kProfession);
  EXPECT_TRUE(content.functions[0].BoundBySecrecy());
  EXPECT_TRUE(content.functions[0].May("TAKE"));
  EXPECT_FALSE(content.functions[1].BoundBySecrecy());
  const Protocol& protocol = content.protocols[0];
  EXPECT_EQ(protocol.convention->reference, "CONV-1");
  EXPECT_EQ(protocol.convention->signed_on, absl::CivilDay(2026, 1, 15));
  EXPECT_EQ(protocol.recipients[0].desks, "DEPARTMENTAL_SOCIAL_SERVICE");
  EXPECT_TRUE(protocol.HasGround("ART2"));
  EXPECT_FALSE(content.protocols[1].convention.has_value());
}

TEST(Parse, ReadsListsAndRecords) {
  const Directory parsed = ParseDirectory(kMiniYaml).value();
  const Content& content = parsed.content();
  EXPECT_FALSE(content.purposes[1].IsDeprecated(absl::CivilDay(2029, 12, 31)));
  EXPECT_TRUE(content.purposes[1].IsDeprecated(absl::CivilDay(2030, 1, 1)));
  EXPECT_FALSE(content.purposes[0].IsDeprecated(absl::CivilDay(2090, 1, 1)));
  EXPECT_TRUE(content.categories[4].special_category);
  EXPECT_TRUE(content.categories[5].offence);
  EXPECT_EQ(content.signs[0].weight, 30);
  EXPECT_EQ(content.collective_addresses[0].postal_code, "75018");
  EXPECT_EQ(content.auditors[0].scope, "SUITE");
  EXPECT_EQ(content.revocations[0].reason, "lost");
  EXPECT_EQ(content.revocations[1].revoked_at, content.revocations[0].revoked_at - absl::Hours(2));
  EXPECT_EQ(content.offence_senders[0].until, absl::CivilDay(2026, 12, 31));
}

TEST(Parse, UnknownKeysAreErrorsNamingTheirPath) {
  EXPECT_THAT(ErrorAfter("version: 7", "version: 7\nowner: x"), HasSubstr("owner: unknown key"));
  EXPECT_THAT(ErrorAfter("roles: [STEWARD]", "roles: [STEWARD], role: x"),
              HasSubstr("institutions[ville].systems[steward].role: unknown key"));
  EXPECT_THAT(ErrorAfter("{email: dpo@ville.example}", "{email: dpo@ville.example, fax: 1}"),
              HasSubstr("institutions[ville].dpo.fax: unknown key"));
  EXPECT_THAT(ErrorAfter("signed_on: 2026-01-15", "signed_on: 2026-01-15, signed_by: x"),
              HasSubstr("protocols[edf-lettre].convention.signed_by: unknown key"));
  // A list's options belong to that list alone.
  EXPECT_THAT(ErrorAfter("en: Social assessment", "en: Social assessment, weight: 3"),
              HasSubstr("purposes[SOCIAL_ASSESSMENT].weight: unknown key"));
}

TEST(Parse, AllProblemsAreReportedAtOnce) {
  std::string yaml = Replaced(kMiniYaml, "version: 7", "version: zero");
  yaml = Replaced(yaml, "hours: Mo-Fr 09:00-17:00", "hours: whenever");
  yaml = Replaced(yaml, "secrecy: MISSION", "secrecy: SOME");
  yaml = Replaced(yaml, "weight: 30", "weight: 101");
  const std::string error = ErrorOf(yaml);
  EXPECT_THAT(error, HasSubstr("version: must be a positive integer"));
  EXPECT_THAT(error, HasSubstr("desks[dsol-75113].hours: "));
  EXPECT_THAT(error, HasSubstr("functions[agent].secrecy: must be PROFESSION, MISSION or NONE"));
  EXPECT_THAT(error, HasSubstr("signs[ENERGY_CUT].weight: must be an integer from 1 to 100"));
}

TEST(Parse, MissingAndMistypedValues) {
  EXPECT_THAT(ErrorAfter("trust_domain: relais.test\n", ""), HasSubstr("trust_domain: is missing"));
  EXPECT_THAT(ErrorAfter("not_after: 2027-12-31T23:00:00Z\n", ""), HasSubstr("not_after: is missing"));
  EXPECT_THAT(ErrorAfter("format: relais-directory/1", "format: relais-directory/2"),
              HasSubstr("format: must be"));
  EXPECT_THAT(ErrorAfter("version: 7", "version: 0"), HasSubstr("version: must be a positive integer"));
  EXPECT_THAT(ErrorAfter("version: 7", "version: -7"), HasSubstr("version: must be a positive integer"));
  EXPECT_THAT(ErrorAfter("name: Ville\n", "name: [Ville]\n"),
              HasSubstr("institutions[ville].name: must be a text"));
  EXPECT_THAT(ErrorAfter("name: Ville\n", "name: \"\"\n"),
              HasSubstr("institutions[ville].name: must not be empty"));
  EXPECT_THAT(ErrorAfter("publics: [ADULT, FAMILY]", "publics: ADULT"), HasSubstr("must be a list of texts"));
  EXPECT_THAT(ErrorAfter("spiffe: false", "spiffe: no"), HasSubstr("must be true or false"));
  EXPECT_THAT(ErrorAfter("arrondissements: [75113]", "arrondissements: [75013]"), HasSubstr("INSEE codes"));
  EXPECT_THAT(ErrorAfter("arrondissements: [75113]", "arrondissements: [ALL, 75113]"),
              HasSubstr("INSEE codes"));
  EXPECT_THAT(ErrorAfter("logs: []", "logs: {}"), HasSubstr("logs: must be a list"));
  EXPECT_THAT(ErrorAfter("logs: []", "logs: [x]"), HasSubstr("logs[0]: must be a mapping"));
}

TEST(Parse, DatesHaveOneForm) {
  for (const char* day : {"2026-1-15", "15/01/2026", "2026-02-30", "2026-01-15T00:00:00Z", "soon"}) {
    EXPECT_THAT(ErrorAfter("signed_on: 2026-01-15", std::string("signed_on: ") + day),
                HasSubstr("must be a day"));
  }
  for (const char* instant : {"2027-12-31", "2027-12-31T23:00:00", "infinite-future"}) {
    EXPECT_THAT(ErrorAfter("2027-12-31T23:00:00Z", instant), HasSubstr("must be an instant"));
  }
}

TEST(Parse, WhatIsNotAYamlMapping) {
  EXPECT_FALSE(ParseDirectory("").ok());
  EXPECT_FALSE(ParseDirectory("[]").ok());
  EXPECT_FALSE(ParseDirectory("a: [").ok());
  EXPECT_FALSE(ParseDirectory(std::string(kMiniYaml) + "---\nx: 1\n").ok());
  EXPECT_THAT(ErrorAfter("version: 7", "version: 7\nversion: 8"), HasSubstr("key 'version' is repeated"));
  EXPECT_THAT(ErrorAfter("version: 7", "version: 7\n[a]: 8"), HasSubstr("a key must be a text"));
}

TEST(Parse, ExpansionIsBounded) {
  // Each level names the one below ten times: 10^7 values from a few lines.
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 7; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int j = 1; j < 10; ++j) {
      yaml += ", " + below;
    }
    yaml += "]\n";
  }
  EXPECT_THAT(ErrorOf(yaml), HasSubstr("too many values"));
  EXPECT_THAT(ErrorOf("a: " + std::string(40, '[') + std::string(40, ']')), HasSubstr("too deep"));
}

}  // namespace
}  // namespace relais::directory
