#include "common/rpc/authentication.h"

#include <grpc/grpc_security_constants.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/testing/fake_clock.h"
#include "common/pki/certificate.h"
#include "common/pki/test_authorities.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using relais::testing::FakeClock;
using testing::SampleDirectory;

absl::Time Start() { return absl::FromCivil(absl::CivilHour(2026, 11, 3, 10), absl::UTCTimeZone()); }

// ville-paris/dsol's certificate, valid until then.
std::string CertificateUntil(absl::Time end) {
  const pki::Validity validity{Start() - absl::Hours(1), end};
  return pki::IssueCertificate(pki::TestAuthorities::Get().institutions,
                               pki::SystemRequest(pki::kTestDomain, {"ville-paris", "dsol"}, validity))
      .value()
      .certificate_pem;
}

class Authentication : public ::testing::Test {
 protected:
  absl::Status Ask(const std::string& pem) { return authenticator_.Authenticate(pem).caller.status(); }

  FakeClock clock_{Start()};
  std::shared_ptr<const directory::Directory> directory_ = SampleDirectory(1);
  Authenticator authenticator_{pki::PeerTrust::Create(pki::TestAuthorities::Get().Options()).value(),
                               [this] { return directory_; }, clock_};
};

TEST_F(Authentication, ACertificateEndsOnALiveConnection) {
  const std::string pem = CertificateUntil(Start() + absl::Minutes(5));
  ASSERT_TRUE(Ask(pem).ok()) << Ask(pem);
  clock_.Advance(absl::Minutes(5));
  EXPECT_TRUE(Ask(pem).ok());  // its last second
  clock_.Advance(absl::Seconds(1));
  const Authenticator::Outcome ended = authenticator_.Authenticate(pem);
  EXPECT_EQ(ended.caller.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(ended.caller.status()), common::v1::ERROR_REASON_NOT_AUTHENTICATED);
  EXPECT_EQ(ended.peer, "ville-paris/dsol");  // who is to be told

  // Another directory does not bring it back, nor does it end another certificate of the same system.
  directory_ = SampleDirectory(2);
  EXPECT_FALSE(Ask(pem).ok());
  EXPECT_TRUE(Ask(CertificateUntil(Start() + absl::Hours(1))).ok());
}

TEST_F(Authentication, AnExpiredCertificateNeverSeenBeforeIsRefused) {
  const std::string pem = CertificateUntil(Start() + absl::Minutes(5));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Ask(pem).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Ask(pem).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(Authentication, ARevocationIsSeenAsSoonAsTheDirectoryHasIt) {
  const std::string pem = CertificateUntil(Start() + absl::Hours(1));
  ASSERT_TRUE(Ask(pem).ok());
  directory_ = SampleDirectory(
      2, "revocations:\n  - {fingerprint: " + pki::ParsePeerCertificate(pem).value().fingerprint +
             ", revoked_at: \"2026-01-01T00:00:00Z\", reason: test}\n");
  EXPECT_EQ(Ask(pem).code(), absl::StatusCode::kUnauthenticated);
}

// The connection of a certificate; counts how often it is looked at.
class Connection final : public grpc::AuthContext {
 public:
  explicit Connection(std::string pem) : pem_(std::move(pem)) {}

  [[nodiscard]] bool IsPeerAuthenticated() const override { return true; }
  [[nodiscard]] std::vector<grpc::string_ref> GetPeerIdentity() const override { return {}; }
  [[nodiscard]] std::string GetPeerIdentityPropertyName() const override { return ""; }
  [[nodiscard]] std::vector<grpc::string_ref> FindPropertyValues(const std::string& name) const override {
    ++looks_;
    return name == GRPC_X509_PEM_CERT_PROPERTY_NAME
               ? std::vector<grpc::string_ref>{grpc::string_ref(pem_.data(), pem_.size())}
               : std::vector<grpc::string_ref>();
  }
  [[nodiscard]] grpc::AuthPropertyIterator begin() const override { return Nothing(); }
  [[nodiscard]] grpc::AuthPropertyIterator end() const override { return Nothing(); }
  void AddProperty(const std::string& /*key*/, const grpc::string_ref& /*value*/) override {}
  bool SetPeerIdentityPropertyName(const std::string& /*name*/) override { return false; }

  [[nodiscard]] int looks() const { return looks_; }

 private:
  struct Nothing final : grpc::AuthPropertyIterator {};

  const std::string pem_;
  mutable int looks_ = 0;
};

class Processor : public Authentication {
 protected:
  grpc::StatusCode Process(Connection& connection, const std::string& path) {
    grpc::AuthMetadataProcessor::InputMetadata metadata;
    if (!path.empty()) {
      metadata.emplace(":path", path);
    }
    grpc::AuthMetadataProcessor::OutputMetadata consumed;
    grpc::AuthMetadataProcessor::OutputMetadata response;
    return processor_->Process(metadata, &connection, &consumed, &response).error_code();
  }

  std::vector<std::pair<std::string, std::string>> refused_;  // peer, path
  const std::shared_ptr<grpc::AuthMetadataProcessor> processor_ = MakeAuthProcessor(
      authenticator_, [](std::string_view path) { return path == "/relais.S/Later"; },
      [this](const std::string& peer, const std::string& path) { refused_.emplace_back(peer, path); });
};

TEST_F(Processor, LeavesToTheHandlerWhatTheHandlerAuthenticates) {
  Connection nobody("nonsense");
  EXPECT_EQ(Process(nobody, "/relais.S/Later"), grpc::StatusCode::OK);
  EXPECT_EQ(nobody.looks(), 0);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Processor, RefusesEverythingElse) {
  for (const char* path : {"/grpc.health.v1.Health/Check", "/relais.S/Other", "/relais.S/Later/",
                           "relais.S/Later", "/relais.S/later", "/", ""}) {
    Connection nobody("nonsense");
    EXPECT_EQ(Process(nobody, path), grpc::StatusCode::UNAUTHENTICATED) << path;
    Connection known(CertificateUntil(Start() + absl::Hours(1)));
    EXPECT_EQ(Process(known, path), grpc::StatusCode::OK) << path;
  }
  EXPECT_EQ(refused_.size(), 7u);
  clock_.Advance(absl::Hours(2));
  Connection expired(CertificateUntil(Start() + absl::Hours(1)));
  EXPECT_EQ(Process(expired, "/relais.S/Other"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(refused_.back(), (std::pair<std::string, std::string>("ville-paris/dsol", "/relais.S/Other")));
}

}  // namespace
}  // namespace relais::rpc
