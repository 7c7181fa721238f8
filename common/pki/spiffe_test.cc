#include "common/pki/spiffe.h"

#include <gtest/gtest.h>

#include <string>

namespace relais::pki {
namespace {

constexpr char kDomain[] = "relais.test";

TEST(Spiffe, ParsesBothForms) {
  const auto system = ParseSpiffeId("spiffe://relais.test/institution/ville-paris/system/dsol", kDomain);
  ASSERT_TRUE(system.ok());
  EXPECT_EQ(system->kind, SpiffeId::Kind::kInstitutionSystem);
  EXPECT_EQ(system->institution, "ville-paris");
  EXPECT_EQ(system->system, "dsol");
  const auto service = ParseSpiffeId("spiffe://relais.test/service/consent", kDomain);
  ASSERT_TRUE(service.ok());
  EXPECT_EQ(service->kind, SpiffeId::Kind::kService);
  EXPECT_EQ(service->service, "consent");
}

TEST(Spiffe, WritesWhatItParses) {
  EXPECT_EQ(InstitutionUri(kDomain, "edf", "billing"), "spiffe://relais.test/institution/edf/system/billing");
  EXPECT_TRUE(ParseSpiffeId(InstitutionUri(kDomain, "edf", "billing"), kDomain).ok());
  EXPECT_TRUE(ParseSpiffeId(ServiceUri(kDomain, "alerting"), kDomain).ok());
}

TEST(Spiffe, RefusesEveryOtherSpelling) {
  const std::string refused[] = {
      "",
      "spiffe://relais.test",
      "spiffe://relais.test/",
      "spiffe:///service/consent",
      "SPIFFE://relais.test/service/consent",
      "https://relais.test/service/consent",
      "spiffe://Relais.test/service/consent",
      "spiffe://relais.test.evil/service/consent",
      "spiffe://evil/relais.test/service/consent",
      "spiffe://relais.test:443/service/consent",
      "spiffe://user@relais.test/service/consent",
      "spiffe://relais.test/service/consent/",
      "spiffe://relais.test/service//consent",
      "spiffe://relais.test//service/consent",
      "spiffe://relais.test/service/",
      "spiffe://relais.test/service/Consent",
      "spiffe://relais.test/service/con%73ent",
      "spiffe://relais.test/service/consent?x=1",
      "spiffe://relais.test/service/consent#x",
      "spiffe://relais.test/service/consent ",
      "spiffe://relais.test/service/../service/consent",
      "spiffe://relais.test/service/-consent",
      "spiffe://relais.test/services/consent",
      "spiffe://relais.test/institution/edf",
      "spiffe://relais.test/institution/edf/system/",
      "spiffe://relais.test/institution/edf/system/billing/service/consent",
      "spiffe://relais.test/institution//system/billing",
      "spiffe://relais.test/institution/edf/service/consent",
      std::string("spiffe://relais.test/service/consent\0", 37),
      std::string("spiffe://relais.test/service/con\0sent", 37),
      "spiffe://relais.test/service/" + std::string(65, 'a'),
  };
  for (const std::string& uri : refused) {
    EXPECT_FALSE(ParseSpiffeId(uri, kDomain).ok()) << uri;
  }
  EXPECT_FALSE(ParseSpiffeId("spiffe:///service/consent", "").ok());
}

TEST(Spiffe, IdsAndTrustDomains) {
  EXPECT_TRUE(IsValidId("115"));
  EXPECT_TRUE(IsValidId(std::string(64, 'a')));
  EXPECT_FALSE(IsValidId(""));
  EXPECT_FALSE(IsValidId("a_b"));
  EXPECT_FALSE(IsValidId("a-"));
  EXPECT_FALSE(IsValidId("é"));
  EXPECT_TRUE(IsValidTrustDomain("relais.test"));
  EXPECT_FALSE(IsValidTrustDomain("relais..test"));
  EXPECT_FALSE(IsValidTrustDomain(".relais"));
  EXPECT_FALSE(IsValidTrustDomain("relais.test/x"));
}

TEST(Spiffe, ClaimsAreSeenHoweverBadlyWritten) {
  EXPECT_TRUE(ClaimsTrustDomain("spiffe://relais.test/service/consent", kDomain));
  EXPECT_TRUE(ClaimsTrustDomain("SPIFFE://user@RELAIS.test:1?x", kDomain));
  EXPECT_FALSE(ClaimsTrustDomain("spiffe://other.example/relais.test", kDomain));
  EXPECT_FALSE(ClaimsTrustDomain("https://relais.test/", kDomain));
}

}  // namespace
}  // namespace relais::pki
