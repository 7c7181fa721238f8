#include "common/pki/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/pki/spiffe.h"
#include "common/pki/test_authorities.h"

namespace relais::pki {
namespace {

const TestAuthorities& Authorities() { return TestAuthorities::Get(); }
PeerTrust Trust() { return PeerTrust::Create(Authorities().Options()).value(); }

absl::StatusCode CodeOf(const std::string& pem) { return Trust().Identify(pem).status().code(); }

TEST(Identity, AnInstitutionsSystem) {
  const auto issued =
      IssueWithUris(Authorities().institutions, {InstitutionUri(kTestDomain, "edf", "billing")});
  const auto peer = Trust().Identify(issued.certificate_pem);
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->kind, PeerIdentity::Kind::kInstitutionSystem);
  EXPECT_EQ(peer->institution, "edf");
  EXPECT_EQ(peer->system, "billing");
  EXPECT_EQ(peer->Name(), "edf/billing");
  EXPECT_EQ(peer->fingerprint, ParsePeerCertificate(issued.certificate_pem)->fingerprint);
  EXPECT_EQ(peer->not_after, TestValidity().not_after);
}

TEST(Identity, AService) {
  const auto issued = IssueWithUris(Authorities().services, {ServiceUri(kTestDomain, "routing")});
  const auto peer = Trust().Identify(issued.chain_pem);
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->kind, PeerIdentity::Kind::kService);
  EXPECT_EQ(peer->service, "routing");
  EXPECT_EQ(peer->Name(), "service/routing");
}

TEST(Identity, AnInstitutionCannotPassForAService) {
  const std::string service = ServiceUri(kTestDomain, "consent");
  const auto forged = IssueWithUris(Authorities().institutions, {service});
  EXPECT_EQ(CodeOf(forged.certificate_pem), absl::StatusCode::kUnauthenticated);
  // Sending the services' intermediate along changes nothing: who signed counts, not what is sent.
  EXPECT_EQ(CodeOf(forged.certificate_pem + Authorities().services.certificate_pem),
            absl::StatusCode::kUnauthenticated);
  const auto both =
      IssueWithUris(Authorities().institutions, {InstitutionUri(kTestDomain, "edf", "billing"), service});
  EXPECT_EQ(CodeOf(both.certificate_pem), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, AServiceCannotPassForAnInstitution) {
  const auto forged = IssueWithUris(Authorities().services, {InstitutionUri(kTestDomain, "edf", "billing")});
  EXPECT_EQ(CodeOf(forged.certificate_pem), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, ExactlyOneUri) {
  EXPECT_EQ(CodeOf(IssueWithUris(Authorities().institutions, {}).certificate_pem),
            absl::StatusCode::kUnauthenticated);
  const std::string uri = InstitutionUri(kTestDomain, "edf", "billing");
  EXPECT_EQ(CodeOf(IssueWithUris(Authorities().institutions, {uri, "https://edf.example/"}).certificate_pem),
            absl::StatusCode::kUnauthenticated);
}

TEST(Identity, AnotherTrustDomainIsRefused) {
  EXPECT_EQ(
      CodeOf(IssueWithUris(Authorities().services, {ServiceUri("other.test", "consent")}).certificate_pem),
      absl::StatusCode::kUnauthenticated);
}

TEST(Identity, ASameNamedAuthorityWithAnotherKeyIsRefused) {
  const auto forged = IssueWithUris(Authorities().stranger, {InstitutionUri(kTestDomain, "edf", "billing")});
  EXPECT_EQ(CodeOf(forged.certificate_pem), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, IssuedByTheRootIsRefused) {
  const auto issued = IssueWithUris(Authorities().root, {ServiceUri(kTestDomain, "consent")});
  EXPECT_EQ(CodeOf(issued.certificate_pem), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, AnAuthorityIsNoPeer) {
  EXPECT_EQ(CodeOf(Authorities().institutions.certificate_pem), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CodeOf(Authorities().foreign.certificate_pem), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, AForeignCertificateHasItsNamesButNoIdentity) {
  LeafRequest request;
  request.common_name = "si.cpam.example";
  request.dns_names = {"si.cpam.example"};
  request.validity = TestValidity();
  const auto issued = IssueCertificate(Authorities().foreign, request);
  ASSERT_TRUE(issued.ok());
  const auto peer = Trust().Identify(issued->certificate_pem);
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->kind, PeerIdentity::Kind::kForeign);
  EXPECT_EQ(peer->issuer, "CN=Foreign");
  EXPECT_THAT(peer->dns_names, ::testing::ElementsAre("si.cpam.example"));
  EXPECT_TRUE(peer->institution.empty());
  EXPECT_EQ(peer->Name(), "foreign/" + peer->fingerprint.substr(0, 16));
}

TEST(Identity, AForeignCertificateMayNotClaimOurTrustDomain) {
  for (const char* uri : {"spiffe://relais.test/service/consent", "SPIFFE://RELAIS.TEST/x"}) {
    EXPECT_EQ(CodeOf(IssueWithUris(Authorities().foreign, {uri}).certificate_pem),
              absl::StatusCode::kUnauthenticated);
  }
}

TEST(Identity, MalformedCertificatesAreRefused) {
  EXPECT_EQ(CodeOf(""), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CodeOf("garbage"), absl::StatusCode::kUnauthenticated);
}

TEST(Identity, RotationAcceptsBothIntermediates) {
  const Authority next =
      MakeIntermediateAuthority(Authorities().root, TestAuthority("Test institutions", 0)).value();
  PeerTrust::Options options = Authorities().Options();
  options.institutions_pem += next.certificate_pem;
  const PeerTrust trust = PeerTrust::Create(options).value();
  for (const Authority* issuer : {&Authorities().institutions, &next}) {
    EXPECT_TRUE(
        trust
            .Identify(IssueWithUris(*issuer, {InstitutionUri(kTestDomain, "edf", "billing")}).certificate_pem)
            .ok());
  }
}

TEST(Identity, TrustRefusesBadConfigurations) {
  PeerTrust::Options options = Authorities().Options();
  options.trust_domain = "";
  EXPECT_FALSE(PeerTrust::Create(options).ok());
  options = Authorities().Options();
  options.services_pem = "garbage";
  EXPECT_FALSE(PeerTrust::Create(options).ok());
  options = Authorities().Options();
  options.services_pem = options.institutions_pem;
  EXPECT_FALSE(PeerTrust::Create(options).ok());
  options = Authorities().Options();
  options.foreign_pem = IssueWithUris(Authorities().foreign, {}).certificate_pem;
  EXPECT_FALSE(PeerTrust::Create(options).ok());
}

}  // namespace
}  // namespace relais::pki
