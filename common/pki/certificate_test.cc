#include "common/pki/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/pki/test_authorities.h"

namespace relais::pki {
namespace {

using ::testing::ElementsAre;

TEST(Certificate, SaysWhatWasIssued) {
  const TestAuthorities& authorities = TestAuthorities::Get();
  LeafRequest request;
  request.common_name = "edf/billing";
  request.uris = {"spiffe://relais.test/institution/edf/system/billing"};
  request.dns_names = {"a.example", "b.example"};
  request.addresses = {"127.0.0.1"};
  request.validity = TestValidity();
  const auto issued = IssueCertificate(authorities.institutions, request);
  ASSERT_TRUE(issued.ok());
  const auto parsed = ParsePeerCertificate(issued->chain_pem);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->issuer, "CN=Test institutions");
  EXPECT_EQ(parsed->subject, "CN=edf/billing");
  EXPECT_THAT(parsed->uris, ElementsAre("spiffe://relais.test/institution/edf/system/billing"));
  EXPECT_THAT(parsed->dns_names, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(parsed->fingerprint.size(), 64U);
  EXPECT_EQ(parsed->spki_pin.size(), 64U);
  EXPECT_NE(parsed->fingerprint, parsed->spki_pin);
  EXPECT_EQ(parsed->serial.size(), 32U);
  EXPECT_EQ(parsed->not_before, TestValidity().not_before);
  EXPECT_EQ(parsed->not_after, TestValidity().not_after);
  EXPECT_FALSE(parsed->is_ca);
}

TEST(Certificate, AuthoritiesAreSeenAsSuch) {
  const auto parsed = ParsePeerCertificate(TestAuthorities::Get().root.certificate_pem);
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->is_ca);
  EXPECT_EQ(parsed->issuer, parsed->subject);
  EXPECT_TRUE(parsed->uris.empty());
}

TEST(Certificate, KeepsNulsInNames) {
  const std::string uri("spiffe://relais.test/service/consent\0.evil", 42);
  const auto parsed =
      ParsePeerCertificate(IssueWithUris(TestAuthorities::Get().services, {uri}).certificate_pem);
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->uris, ElementsAre(uri));
}

TEST(Certificate, RefusesWhatIsNotOne) {
  const std::string pem = TestAuthorities::Get().root.certificate_pem;
  EXPECT_FALSE(ParsePeerCertificate("").ok());
  EXPECT_FALSE(ParsePeerCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").ok());
  EXPECT_FALSE(ParsePeerCertificate(pem.substr(0, pem.size() / 2)).ok());
  EXPECT_FALSE(ParsePeerCertificate(TestAuthorities::Get().root.key_pem.ExposeSecret()).ok());
}

TEST(Certificate, ADamagedChainIsRefusedWhole) {
  const IssuedCertificate issued = IssueWithUris(TestAuthorities::Get().services, {});
  EXPECT_FALSE(ParsePeerCertificate(issued.certificate_pem +
                                    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                   .ok());
}

TEST(Certificate, IssuingRefusesMalformedRequests) {
  LeafRequest request;
  request.common_name = "x";
  request.validity = TestValidity();
  request.addresses = {"not an address"};
  EXPECT_EQ(IssueCertificate(TestAuthorities::Get().services, request).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(IssueCertificate(Authority{"garbage", Secret("garbage")}, LeafRequest{}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace relais::pki
