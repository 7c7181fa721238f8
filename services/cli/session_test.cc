#include "services/cli/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/pki/development.h"

namespace relais::cli {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    std::string name = std::filesystem::temp_directory_path() / "relais-session-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    pki::DevelopmentPki pki;
    pki.trust_domain = "relais.test";
    pki.systems = {{"edf", "billing"}};
    pki.services = {"consent"};
    pki.now = absl::Now();
    EXPECT_TRUE(pki::MakeDevelopmentPki(folder_ + "/pki", pki).ok());
    globals_.config = folder_ + "/relais.yaml";
    std::ofstream(globals_.config) << "pki: " << folder_ << "/pki\ntrust_domain: relais.test\n"
                                   << "consent: 127.0.0.1:1\n";
  }
  ~SessionTest() override { std::filesystem::remove_all(folder_); }

  absl::Status OpenAs(const std::string& as) {
    globals_.as = as;
    return Session::Open(globals_).status();
  }

  std::string folder_;
  Globals globals_;
};

TEST_F(SessionTest, ASystemWithACertificateMayAct) { EXPECT_TRUE(OpenAs("edf/billing").ok()); }

// Said before anybody is called: no service could say more than that it does not know the caller.
TEST_F(SessionTest, ASystemWithoutCertificateIsToldAtOnce) {
  for (const char* as : {"edf/biling", "erdf/billing"}) {
    const absl::Status status = OpenAs(as);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(status.message().find("no certificate for " + std::string(as)), std::string::npos) << status;
  }
}

TEST_F(SessionTest, WhatIsNoSystemIsToldHowToWriteOne) {
  EXPECT_TRUE(absl::IsInvalidArgument(OpenAs("")));
  EXPECT_TRUE(absl::IsInvalidArgument(OpenAs("edf")));
}

}  // namespace
}  // namespace relais::cli
