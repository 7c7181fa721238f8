#include "common/pki/development.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "common/pki/file.h"
#include "common/pki/identity.h"

namespace relais::pki {
namespace {

constexpr size_t kMax = 1 << 20;

class DevelopmentPkiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = ::testing::TempDir() + "relais_development_pki";
    std::filesystem::remove_all(dir_);
    pki_.trust_domain = "relais.test";
    pki_.systems = {{"edf", "billing"}, {"samusocial", "115"}};
    pki_.services = {"consent", "routing"};
    // TLS checks dates by the machine's clock, so these certificates must be valid today.
    pki_.now = absl::Now();
    ASSERT_TRUE(MakeDevelopmentPki(dir_, pki_).ok());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  [[nodiscard]] std::string Read(const std::string& name) const {
    return ReadWholeFile(dir_ + "/" + name, kMax).value_or("");
  }
  [[nodiscard]] PeerTrust Trust() const {
    return PeerTrust::Create({"relais.test", Read("ca/institutions.pem"), Read("ca/services.pem"), ""})
        .value();
  }

  DevelopmentPki pki_;
  std::string dir_;
};

// A TLS 1.3 handshake between two folders' certificates, in memory, with both sides verified against the
// bundle and the server's name checked, as gRPC does.
class Handshake {
 public:
  Handshake(const std::string& dir, const std::string& client, const std::string& server)
      : client_context_(Context(dir, client)), server_context_(Context(dir, server)) {
    client_.reset(SSL_new(client_context_.get()));
    server_.reset(SSL_new(server_context_.get()));
    BIO* left = nullptr;
    BIO* right = nullptr;
    BIO_new_bio_pair(&left, 0, &right, 0);
    SSL_set_bio(client_.get(), left, left);
    SSL_set_bio(server_.get(), right, right);
    SSL_set1_host(client_.get(), "localhost");
    SSL_set_connect_state(client_.get());
    SSL_set_accept_state(server_.get());
  }

  bool Succeeds() {
    for (int turn = 0; turn < 10; ++turn) {
      const bool client_done = Step(client_.get());
      const bool server_done = Step(server_.get());
      if (client_done && server_done) {
        return true;
      }
    }
    return false;
  }

 private:
  struct Free {
    void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
    void operator()(SSL* p) const { SSL_free(p); }
  };

  static std::unique_ptr<SSL_CTX, Free> Context(const std::string& dir, const std::string& folder) {
    std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), (dir + "/" + folder + "/tls.crt").c_str()),
              1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), (dir + "/" + folder + "/tls.key").c_str(),
                                          SSL_FILETYPE_PEM),
              1);
    EXPECT_EQ(SSL_CTX_check_private_key(context.get()), 1);
    EXPECT_EQ(SSL_CTX_load_verify_locations(context.get(), (dir + "/ca/bundle.pem").c_str(), nullptr), 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return context;
  }

  static bool Step(SSL* ssl) { return SSL_do_handshake(ssl) == 1; }

  std::unique_ptr<SSL_CTX, Free> client_context_;
  std::unique_ptr<SSL_CTX, Free> server_context_;
  std::unique_ptr<SSL, Free> client_;
  std::unique_ptr<SSL, Free> server_;
};

TEST_F(DevelopmentPkiTest, TlsWorksFromInstitutionsAndServicesToServices) {
  EXPECT_TRUE(Handshake(dir_, "institutions/edf/billing", "services/consent").Succeeds());
  EXPECT_TRUE(Handshake(dir_, "services/routing", "services/consent").Succeeds());
}

TEST_F(DevelopmentPkiTest, AnInstitutionCannotServe) {
  EXPECT_FALSE(Handshake(dir_, "services/routing", "institutions/edf/billing").Succeeds());
}

TEST_F(DevelopmentPkiTest, NotEvenWithAServersNamesAndUsage) {
  const DevelopmentAuthorities authorities = LoadDevelopmentAuthorities(dir_).value();
  const Validity validity{pki_.now - absl::Hours(1), pki_.now + absl::Hours(1)};
  const LeafRequest request = ServiceRequest("relais.test", "consent", validity);
  ASSERT_TRUE(
      WriteCertificate(dir_ + "/services/forged", IssueCertificate(authorities.institutions, request).value())
          .ok());
  EXPECT_FALSE(Handshake(dir_, "services/routing", "services/forged").Succeeds());
  // The same request signed by the right authority works: the refusal above is about the authority.
  ASSERT_TRUE(
      WriteCertificate(dir_ + "/services/second", IssueCertificate(authorities.services, request).value())
          .ok());
  EXPECT_TRUE(Handshake(dir_, "services/routing", "services/second").Succeeds());
}

TEST_F(DevelopmentPkiTest, AForeignRootIsRefused) {
  AuthorityRequest root;
  root.common_name = "Relais development root";
  root.validity = {pki_.now - absl::Hours(1), pki_.now + absl::Hours(1)};
  const Authority foreign = MakeRootAuthority(root).value();
  const auto issued =
      IssueCertificate(foreign, SystemRequest("relais.test", {"edf", "billing"}, root.validity));
  ASSERT_TRUE(WriteCertificate(dir_ + "/institutions/edf/foreign", *issued).ok());
  EXPECT_FALSE(Handshake(dir_, "institutions/edf/foreign", "services/consent").Succeeds());
}

TEST_F(DevelopmentPkiTest, AnExpiredCertificateIsRefused) {
  const DevelopmentAuthorities authorities = LoadDevelopmentAuthorities(dir_).value();
  const Validity past{pki_.now - absl::Hours(2), pki_.now - absl::Hours(1)};
  const auto issued =
      IssueCertificate(authorities.institutions, SystemRequest("relais.test", {"edf", "billing"}, past));
  ASSERT_TRUE(WriteCertificate(dir_ + "/institutions/edf/expired", *issued).ok());
  EXPECT_FALSE(Handshake(dir_, "institutions/edf/expired", "services/consent").Succeeds());
}

TEST_F(DevelopmentPkiTest, EveryCertificateIsIdentified) {
  EXPECT_EQ(Trust().Identify(Read("institutions/edf/billing/tls.crt"))->Name(), "edf/billing");
  EXPECT_EQ(Trust().Identify(Read("institutions/samusocial/115/tls.crt"))->Name(), "samusocial/115");
  EXPECT_EQ(Trust().Identify(Read("services/consent/tls.crt"))->Name(), "service/consent");
}

TEST_F(DevelopmentPkiTest, CertificatesAreValidFromTheDayBeforeForTenYears) {
  const auto certificate = ParsePeerCertificate(Read("services/consent/tls.crt"));
  ASSERT_TRUE(certificate.ok());
  EXPECT_LE(certificate->not_before, pki_.now - absl::Hours(23));
  EXPECT_GE(certificate->not_after, pki_.now + absl::Hours(24 * 3649));
  EXPECT_EQ(certificate->dns_names, (std::vector<std::string>{"localhost", "relais-consent"}));
}

TEST_F(DevelopmentPkiTest, KeysArePrivate) {
  for (const char* name : {"ca/root.key", "ca/institutions.key", "ca/services.key",
                           "services/consent/tls.key", "institutions/edf/billing/tls.key"}) {
    struct stat info {};
    ASSERT_EQ(::stat((dir_ + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(DevelopmentPkiTest, ASecondCallTouchesNothing) {
  const std::string before = Read("services/consent/tls.crt");
  EXPECT_EQ(MakeDevelopmentPki(dir_, pki_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Read("services/consent/tls.crt"), before);
}

TEST_F(DevelopmentPkiTest, NamesThatWouldLeaveTheFolderAreRefused) {
  pki_.services = {"../consent"};
  EXPECT_EQ(MakeDevelopmentPki(dir_ + "/other", pki_).code(), absl::StatusCode::kInvalidArgument);
  pki_.services = {};
  pki_.systems = {{"edf", "a/b"}};
  EXPECT_EQ(MakeDevelopmentPki(dir_ + "/other", pki_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/other"));
}

TEST_F(DevelopmentPkiTest, LoadingNeedsAPki) {
  EXPECT_EQ(LoadDevelopmentAuthorities(dir_ + "/nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace relais::pki
