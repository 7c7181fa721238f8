// A development suite as it lies on the disk.
#include "services/cli/dev_init.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/base/config.h"
#include "common/base/testing/seeded_random.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/directory/parse.h"
#include "common/directory/sign.h"
#include "common/identity/handle.h"
#include "common/identity/record_key.h"
#include "common/rpc/settings.h"
#include "services/cli/log_keys.h"
#include "services/cli/suppression_file.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

unsigned Mode(const fs::path& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777U : 0U;
}

absl::StatusOr<std::vector<int>> FixedPorts(size_t n) {
  std::vector<int> ports;
  for (size_t i = 0; i < n; ++i) {
    ports.push_back(static_cast<int>(7001 + i));
  }
  return ports;
}

// One suite for all tests: making certificates takes a while.
class DevInitTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = fs::path(::testing::TempDir()) / "dev suite";  // with a space
    fs::remove_all(dir_);
    init_.dir = dir_.string();
    init_.template_yaml = Slurp("deploy/dev/directory.yaml");
    init_.bin_dir = "/opt/relais bin";
    init_.now = absl::FromUnixSeconds(1'780'000'000);
    init_.test_start = absl::FromCivil(absl::CivilDay(2026, 11, 20), absl::UTCTimeZone());
    ASSERT_TRUE(InitDevelopment(init_, FixedPorts, random_).ok());
  }
  static void TearDownTestSuite() { fs::remove_all(dir_); }

  static inline fs::path dir_;
  static inline DevInit init_;
  static inline relais::testing::SeededRandom random_{11};
};

TEST_F(DevInitTest, KeysAreTheOwnersAlone) {
  for (const char* name :
       {"keys/master", "keys/ring", "directory/root.key", "consent/master", "consent/signer.key",
        "routing/master", "alerting/signer.key", "pki/ca/root.key", "pki/institutions/edf/billing/tls.key",
        "pki/institutions/edf/suppression.key", "pki/services/consent/tls.key"}) {
    EXPECT_EQ(Mode(dir_ / name), 0600U) << name;
  }
  EXPECT_EQ(Mode(dir_ / "keys"), 0700U);
}

TEST_F(DevInitTest, SettingsAreThoseTheServicesRead) {
  for (const char* service : {"consent", "routing", "alerting", "vault"}) {
    auto config = Config::Load((dir_ / service / "config.yaml").string(), {});
    ASSERT_TRUE(config.ok()) << service;
    const rpc::Settings settings = rpc::ReadSettings(*config);
    ASSERT_TRUE(config->Finish().ok()) << config->Finish();
    EXPECT_EQ(settings.origin, std::string("relais.test/") + service + "/1");
    for (const std::string& file :
         {settings.tls.certificate, settings.tls.key, settings.tls.roots, settings.institutions_ca,
          settings.services_ca, settings.ring, settings.ring_master, settings.audit_master,
          settings.signer_key, settings.directory_file, settings.root_keys}) {
      EXPECT_TRUE(fs::exists(file)) << file;
    }
    // Made by the service together: a store without its ring is lost, a ring without its store is another's.
    EXPECT_FALSE(fs::exists(settings.store_path));
    EXPECT_FALSE(fs::exists(settings.audit_ring));
  }
}

TEST_F(DevInitTest, PeersAreThoseWhoAreCalled) {
  const auto peers = [](const std::string& service) {
    auto config = *Config::Load((dir_ / service / "config.yaml").string(), {});
    return rpc::ReadSettings(config).peers;
  };
  EXPECT_EQ(peers("consent"),
            (std::map<std::string, std::string>{{"routing", "127.0.0.1:7003"}, {"vault", "127.0.0.1:7007"}}));
  EXPECT_EQ(peers("routing"),
            (std::map<std::string, std::string>{
                {"consent", "127.0.0.1:7001"}, {"alerting", "127.0.0.1:7005"}, {"vault", "127.0.0.1:7007"}}));
  EXPECT_EQ(peers("alerting"),
            (std::map<std::string, std::string>{
                {"consent", "127.0.0.1:7001"}, {"routing", "127.0.0.1:7003"}, {"vault", "127.0.0.1:7007"}}));
  EXPECT_EQ(peers("vault"), (std::map<std::string, std::string>{{"consent", "127.0.0.1:7001"}}));
}

TEST_F(DevInitTest, TheDirectoryIsSignedAndNamesTheLogs) {
  const std::string yaml = Slurp(dir_ / "directory/directory.yaml");
  const auto keys = directory::ParseRootKeys(Slurp(dir_ / "directory/root.pub"));
  ASSERT_TRUE(keys.ok());
  EXPECT_TRUE(directory::VerifySigned(yaml, Slurp(dir_ / "directory/directory.yaml.sig"), *keys).ok());
  const auto parsed = directory::ParseDirectory(yaml);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->content().logs.size(), 4U);
  EXPECT_FALSE(parsed->Expired(*init_.test_start + absl::Hours(24 * 300)));
  ClientSettings settings;
  settings.directory = (dir_ / "directory/directory.yaml").string();
  settings.keys = (dir_ / "directory/root.pub").string();
  const auto logs = ReadLogKeys(settings, {});
  ASSERT_TRUE(logs.ok()) << logs.status();
  const auto seed = crypto::ReadSecretFile((dir_ / "routing/signer.key").string());
  ASSERT_TRUE(seed.ok());
  const std::string routing = crypto::SigningKey::FromSeed(*seed)->verify_key().bytes();
  bool named = false;
  for (const LogKey& log : *logs) {
    named = named || (log.service == "routing" && log.verifier.name == "relais.test/routing/1" &&
                      log.verifier.key.bytes() == routing);
  }
  EXPECT_TRUE(named);
}

TEST_F(DevInitTest, SendersHoldTheirSuppressionKeysAndNobodyElseHasOne) {
  const auto master = crypto::ReadSecretFile((dir_ / "keys/master").string());
  ASSERT_TRUE(master.ok());
  const auto ring = crypto::FileKeyRing::Open((dir_ / "keys/ring").string(), *master, random_);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE((*ring)->Get(identity::kHandleKeyName, 1).ok());
  EXPECT_TRUE((*ring)->Get("match", 1).ok());
  for (const char* sender : {"edf", "engie", "bspp"}) {
    const auto file = ReadSuppressionFile((dir_ / "pki/institutions" / sender / "suppression.key").string());
    ASSERT_TRUE(file.ok()) << sender;
    const auto held = (*ring)->Get(identity::SuppressionKeyName(sender), 1);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(file->keys.at(1).ExposeSecret(), held->ExposeSecret());
  }
  EXPECT_FALSE((*ring)->Get(identity::SuppressionKeyName("ville-paris"), 1).ok());
  EXPECT_FALSE(fs::exists(dir_ / "pki/institutions/ville-paris/suppression.key"));
}

TEST_F(DevInitTest, FlagsAreOneALineAndCarryTheClock) {
  std::istringstream in(Slurp(dir_ / "consent/flags"));
  std::vector<std::string> arguments = {"relais-consent", "--config", "x"};
  for (std::string line; std::getline(in, line);) {
    arguments.push_back(line);
  }
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  const auto flags = rpc::ParseFlags(static_cast<int>(argv.size()), argv.data(), "consent");
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_TRUE(flags->test_mode);
  ASSERT_TRUE(flags->test_clock.has_value());
  EXPECT_EQ(flags->test_clock->start, *init_.test_start);
  EXPECT_EQ(flags->test_clock->real, init_.now);
}

TEST_F(DevInitTest, EachSystemHasAFunctionOfItsOwn) {
  const std::string text = Slurp(dir_ / "functions");
  for (const char* line :
       {"ville-paris/dsol assistant-social\n", "edf/billing gestionnaire-factures\n",
        "bspp/dispatch officier-sapeur-pompier\n", "auditor/suite auditeur\n", "operator/ops exploitant\n",
        "ville-paris/steward gestionnaire-identites\n", "ville-paris/dpo delegue-protection-donnees\n",
        "edf/dpo delegue-protection-donnees\n", "emmaus/maraude assistant-social\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST_F(DevInitTest, TheEnvironmentIsShell) {
  const std::string text = Slurp(dir_ / "env");
  EXPECT_NE(text.find("export RELAIS_CONSENT='127.0.0.1:7001'\n"), std::string::npos);
  EXPECT_NE(text.find("export RELAIS_AS='operator/ops'\n"), std::string::npos);
  EXPECT_NE(text.find("export RELAIS_HOME='" + dir_.string() + "'\n"), std::string::npos);
  EXPECT_NE(text.find("export RELAIS_TEST_CLOCK='2026-11-20T00:00:00+00:00,"), std::string::npos);
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
}

// The clock of a suite whose env was sourced before must not stay.
TEST_F(DevInitTest, ASuiteWithoutTestClockUnsetsIt) {
  DevInit init = init_;
  init.dir = (fs::path(::testing::TempDir()) / "dev suite without clock").string();
  init.test_start.reset();
  fs::remove_all(init.dir);
  ASSERT_TRUE(InitDevelopment(init, FixedPorts, random_).ok());
  EXPECT_NE(Slurp(fs::path(init.dir) / "env").find("unset RELAIS_TEST_CLOCK\n"), std::string::npos);
  fs::remove_all(init.dir);
}

TEST_F(DevInitTest, RefusesAFolderThatIsInUseAndTouchesNothing) {
  const std::string before = Slurp(dir_ / "env");
  const std::string key = Slurp(dir_ / "keys/master");
  EXPECT_TRUE(absl::IsAlreadyExists(InitDevelopment(init_, FixedPorts, random_)));
  EXPECT_EQ(Slurp(dir_ / "env"), before);
  EXPECT_EQ(Slurp(dir_ / "keys/master"), key);
}

TEST(PickLoopbackPorts, GivesDifferentOnes) {
  const auto ports = PickLoopbackPorts(6);
  ASSERT_TRUE(ports.ok());
  EXPECT_EQ(std::set<int>(ports->begin(), ports->end()).size(), 6U);
}

}  // namespace
}  // namespace relais::cli
