// A whole service process on real files: start, reload, stop, start again. The service is one with nothing
// but AuditService; this binary runs it when called with `--serve`.
#include "common/rpc/runtime.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/random.h"
#include "common/base/task.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/directory/sign.h"
#include "common/pki/certificate.h"
#include "common/pki/development.h"
#include "common/pki/file.h"
#include "common/rpc/status_mapping.h"
#include "grpcpp/grpcpp.h"
#include "nlohmann/json.hpp"
#include "relais/audit/v1/audit_service.grpc.pb.h"

extern char** environ;

namespace relais::rpc {
namespace {

using audit::v1::AuditService;

constexpr char kSampleDirectory[] = "deploy/dev/directory.yaml";
constexpr size_t kMostBytes = size_t{1} << 20;

std::string Read(const std::string& path) { return pki::ReadWholeFile(path, kMostBytes).value(); }

// A service's folder: keys, certificates, signed directory, settings.
class Installation {
 public:
  Installation() {
    std::string pattern = std::filesystem::temp_directory_path() / "relais-runtime-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    pki::DevelopmentPki pki;
    pki.trust_domain = "relais.test";
    pki.systems = {{"ville-paris", "dsol"}};
    pki.services = {"consent", "routing"};
    pki.now = absl::Now();
    EXPECT_TRUE(pki::MakeDevelopmentPki(dir_ + "/pki", pki).ok());
    MakeKeys();
    PublishDirectory(1, "");
    WriteSettings();
  }
  ~Installation() { std::filesystem::remove_all(dir_); }
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;

  [[nodiscard]] std::string settings() const { return dir_ + "/consent.yaml"; }
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] TlsFiles Files(const std::string& who) const {
    const std::string folder = dir_ + "/pki/" + who;
    return {folder + "/tls.crt", folder + "/tls.key", dir_ + "/pki/ca/bundle.pem"};
  }
  [[nodiscard]] pki::PeerTrust Trust() const {
    return pki::PeerTrust::Create({"relais.test", Read(dir_ + "/pki/ca/institutions.pem"),
                                   Read(dir_ + "/pki/ca/services.pem"), ""})
        .value();
  }

  // What `relais pki suppression-key` does.
  void AddSharedKey(const std::string& name) {
    const Secret master = crypto::ReadSecretFile(dir_ + "/ring.master").value();
    const auto ring = crypto::FileKeyRing::Open(dir_ + "/ring", master, random_);
    EXPECT_TRUE(ring.ok() && (*ring)->Add(name, Secret(random_.Bytes(32))).ok());
  }

  // The sample, with another version and, where given, a revoked certificate and one institution more.
  void PublishDirectory(uint64_t version, const std::string& revoked, const std::string& more = "") {
    std::string yaml = Read(kSampleDirectory);
    Replace(yaml, "\ninstitutions:\n", "\ninstitutions:\n" + more);
    Replace(yaml, "\nversion: 1\n", "\nversion: " + std::to_string(version) + "\n");
    if (!revoked.empty()) {
      Replace(yaml, "\nrevocations: []",
              "\nrevocations:\n  - {fingerprint: " + revoked +
                  ", revoked_at: \"2026-01-01T00:00:00Z\", reason: test}");
    }
    const std::string signature = directory::SignDirectory(yaml, root_key_, "root").value();
    EXPECT_TRUE(pki::WriteFileDurably(dir_ + "/directory.yaml", yaml, 0644).ok());
    EXPECT_TRUE(pki::WriteFileDurably(dir_ + "/directory.yaml.sig", signature, 0644).ok());
  }

 private:
  static void Replace(std::string& text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }

  void MakeKeys() {
    for (const char* name : {"ring.master", "audit.master"}) {
      EXPECT_TRUE(crypto::WriteSecretFile(dir_ + "/" + name, Secret(random_.Bytes(32))).ok());
    }
    EXPECT_TRUE(
        crypto::WriteSecretFile(dir_ + "/signer.key", crypto::SigningKey::Generate(random_).seed()).ok());
    const Secret master = crypto::ReadSecretFile(dir_ + "/ring.master").value();
    auto ring = crypto::FileKeyRing::Create(dir_ + "/ring", master, random_);
    EXPECT_TRUE(ring.ok() && (*ring)->Add("handle", Secret(random_.Bytes(32))).ok());
    std::ofstream(dir_ + "/root.keys") << directory::FormatRootKey("root", root_key_.verify_key()) << "\n";
  }

  void WriteSettings() {
    std::ofstream(settings()) << "listen: 127.0.0.1:0\n"
                              << "tls:\n  certificate: " << Files("services/consent").certificate
                              << "\n  key: " << Files("services/consent").key
                              << "\n  roots: " << Files("services/consent").roots
                              << "\n  institutions_ca: " << dir_ << "/pki/ca/institutions.pem"
                              << "\n  services_ca: " << dir_ << "/pki/ca/services.pem\n"
                              << "store: {path: " << dir_ << "/store}\n"
                              << "keys: {ring: " << dir_ << "/ring, master: " << dir_ << "/ring.master}\n"
                              << "audit:\n  ring: " << dir_ << "/audit.ring\n  master: " << dir_
                              << "/audit.master\n  signer_key: " << dir_
                              << "/signer.key\n  origin: relais.test/consent/1\n  published: " << dir_
                              << "/checkpoint\n"
                              << "directory: {file: " << dir_ << "/directory.yaml, root_keys: " << dir_
                              << "/root.keys, state: " << dir_ << "/directory-state}\n";
  }

  std::string dir_;
  SystemRandom random_;
  crypto::SigningKey root_key_ = crypto::SigningKey::Generate(random_);
};

// The service as a process of its own.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/proc/self/exe", "--serve"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    errors_ = fdopen(ends[0], "r");
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    fclose(errors_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads the log up to that message; its line, or null when the process ended before.
  nlohmann::json WaitForLog(const std::string& message) {
    char* line = nullptr;
    size_t size = 0;
    nlohmann::json found;
    while (found.is_null() && getline(&line, &size, errors_) > 0) {
      const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
      if (!parsed.is_discarded() && parsed.value("message", "") == message) {
        found = parsed;
      } else {
        seen_ += line;
      }
    }
    free(line);
    EXPECT_FALSE(found.is_null()) << "never said '" << message << "': " << seen_;
    return found;
  }
  void Signal(int signal) const { kill(pid_, signal); }
  // From now on it cannot write a byte to any file, as on a full disk.
  void FailWrites() const {
    const rlimit none{0, 0};
    EXPECT_EQ(prlimit(pid_, RLIMIT_FSIZE, &none, nullptr), 0);
  }
  // The exit code; below 0: the signal that ended it.
  int Wait() {
    char* line = nullptr;
    size_t size = 0;
    while (getline(&line, &size, errors_) > 0) {
      seen_ += line;
    }
    free(line);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // What it wrote, but for the lines that were waited for.
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  pid_t pid_ = 0;
  FILE* errors_ = nullptr;
  std::string seen_;
};

class RuntimeTest : public ::testing::Test {
 protected:
  std::shared_ptr<grpc::Channel> Connect(const nlohmann::json& serving, const std::string& who) {
    const std::string target = "127.0.0.1:" + std::to_string(serving.value("port", 0));
    return MakeChannel({target, "consent", installation_.Files(who)}, installation_.Trust(), nullptr).value();
  }
  static grpc::Status List(const std::shared_ptr<grpc::Channel>& channel,
                           audit::v1::ListLeavesResponse& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return AuditService::NewStub(channel)->ListLeaves(&context, {}, &response);
  }
  static grpc::Status Checkpoint(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    audit::v1::GetCheckpointResponse response;
    return AuditService::NewStub(channel)->GetCheckpoint(&context, {}, &response);
  }
  static audit::v1::EventClass ClassOf(const std::string& bytes) {
    return audit::ParseLeaf(bytes).value().header.event_class();
  }
  std::vector<std::string> Arguments() { return {"--config", installation_.settings()}; }

  Installation installation_;
};

TEST_F(RuntimeTest, StartsServesStopsAndStartsAgain) {
  for (int round = 1; round <= 2; ++round) {
    Process process(Arguments());
    const auto channel = Connect(process.WaitForLog("serving"), "services/routing");
    audit::v1::ListLeavesResponse leaves;
    const grpc::Status status = List(channel, leaves);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(leaves.leaves_size(), 1 + round);
    EXPECT_EQ(ClassOf(leaves.leaves(0)), audit::v1::EVENT_CLASS_LOG_OPENED);
    EXPECT_EQ(ClassOf(leaves.leaves(round)), audit::v1::EVENT_CLASS_SERVICE_STARTED);
    EXPECT_TRUE(Checkpoint(channel).ok());
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0);
  }
  EXPECT_EQ(Read(installation_.dir() + "/checkpoint").rfind("relais.test/consent/1\n3\n", 0), 0u);
}

TEST_F(RuntimeTest, ANewDirectoryComesIntoForceWithoutRestart) {
  Process process(Arguments());
  const nlohmann::json serving = process.WaitForLog("serving");
  const auto dsol = Connect(serving, "institutions/ville-paris/dsol");
  ASSERT_TRUE(Checkpoint(dsol).ok());
  const std::string fingerprint =
      pki::ParsePeerCertificate(Read(installation_.Files("institutions/ville-paris/dsol").certificate))
          .value()
          .fingerprint;
  installation_.PublishDirectory(2, fingerprint);
  // Noticed by itself; SIGHUP only makes it sooner.
  EXPECT_EQ(process.WaitForLog("another directory is in force").value("version", 0), 2);
  EXPECT_EQ(Checkpoint(dsol).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  // An older one is refused and the newer stays.
  installation_.PublishDirectory(1, "");
  process.Signal(SIGHUP);
  process.WaitForLog("the directory was not reloaded; the last good one stays");
  EXPECT_EQ(Checkpoint(dsol).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait(), 0);
}

// The next start would refuse it: said while there is time to mend the settings.
TEST_F(RuntimeTest, ANewDirectoryThatTheSettingsDoNotFitIsSaid) {
  installation_.PublishDirectory(
      2, "",
      "  - id: halte\n    name: La Halte\n    kind: CCAS\n    controller: La Halte\n"
      "    dpo: {name: DPO, email: dpo@halte.example}\n    dpia: AIPD-2026-halte\n"
      "    systems:\n      - {id: psa, roles: [PROFESSIONAL]}\n");
  std::vector<std::string> arguments = Arguments();
  arguments.insert(arguments.end(), {"--set", "handles.institutions.halte.generation=1"});
  {
    Process process(arguments);
    process.WaitForLog("serving");
    installation_.PublishDirectory(3, "");
    EXPECT_EQ(process.WaitForLog("another directory is in force").value("version", 0), 3);
    EXPECT_NE(
        process.WaitForLog("with this directory the next start fails").dump().find("institutions.halte"),
        std::string::npos);
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0);
  }
  Process refused(arguments);
  refused.WaitForLog("cannot start");
  EXPECT_NE(refused.Wait(), 0);
}

TEST_F(RuntimeTest, ANewSharedKeyIsTakenInWithoutRestart) {
  Process process(Arguments());
  process.WaitForLog("serving");
  installation_.AddSharedKey("suppression/edf");
  EXPECT_EQ(process.WaitForLog("the shared keys were read again").value("keys", 0), 2);
  installation_.AddSharedKey("suppression/edf");
  process.Signal(SIGHUP);
  EXPECT_EQ(process.WaitForLog("the shared keys were read again").value("keys", 0), 3);
  // Damaged: what was read stays, and the next ring is read again.
  const std::string ring = installation_.dir() + "/ring";
  const std::string good = Read(ring);
  ASSERT_TRUE(pki::WriteFileDurably(ring, good.substr(0, good.size() - 1), 0600).ok());
  process.WaitForLog("the shared keys were not read again; what was read before stays");
  ASSERT_TRUE(pki::WriteFileDurably(ring, good, 0600).ok());
  EXPECT_EQ(process.WaitForLog("the shared keys were read again").value("keys", 0), 3);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(RuntimeTest, AStoreThatFailsEndsTheServiceWithItsOwnCode) {
  {
    Process process(Arguments());
    const auto dsol = Connect(process.WaitForLog("serving"), "institutions/ville-paris/dsol");
    process.FailWrites();
    // Refused for want of a role, which leaves a leaf: the first write that fails.
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const auto stub = AuditService::NewStub(dsol);
    const auto stream = stub->Tail(&context);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
    process.WaitForLog("the store failed: stopping");
    EXPECT_EQ(process.Wait(), 70) << process.seen();
  }
  // Once the cause is gone it starts, with what was acknowledged and nothing else.
  Process process(Arguments());
  const auto channel = Connect(process.WaitForLog("serving"), "services/routing");
  audit::v1::ListLeavesResponse leaves;
  ASSERT_TRUE(List(channel, leaves).ok());
  ASSERT_EQ(leaves.leaves_size(), 3);
  EXPECT_EQ(ClassOf(leaves.leaves(1)), audit::v1::EVENT_CLASS_SERVICE_STARTED);
  EXPECT_EQ(ClassOf(leaves.leaves(2)), audit::v1::EVENT_CLASS_SERVICE_STARTED);
  EXPECT_TRUE(Checkpoint(channel).ok());
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
}

// Nobody calls, nothing is under way: a restart is not worth waiting for.
TEST_F(RuntimeTest, AnIdleServiceStopsAtOnce) {
  Process process({"--config", installation_.settings(), "--set", "metrics.listen=127.0.0.1:0"});
  const auto channel = Connect(process.WaitForLog("serving"), "services/routing");
  ASSERT_TRUE(Checkpoint(channel).ok());  // a peer that stays connected
  const SystemClock clock;
  const absl::Duration before = clock.Monotonic();
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_LT(clock.Monotonic() - before, absl::Seconds(1));
}

TEST_F(RuntimeTest, AStoreThatLostLeavesDoesNotStart) {
  {
    Process process(Arguments());
    process.WaitForLog("serving");
    process.Signal(SIGTERM);
    ASSERT_EQ(process.Wait(), 0);
  }
  // Rolled back to nothing; the ring and the published checkpoint remember.
  std::filesystem::remove_all(installation_.dir() + "/store");
  Process process(Arguments());
  process.WaitForLog("cannot start");
  EXPECT_EQ(process.Wait(), 1);
}

TEST_F(RuntimeTest, SettingsAndFlagsAreChecked) {
  std::vector<std::string> arguments = Arguments();
  arguments.emplace_back("--check-config");
  EXPECT_EQ(Process(arguments).Wait(), 0);
  arguments.insert(arguments.end(), {"--set", "no.such.key=1"});
  EXPECT_EQ(Process(arguments).Wait(), 78);
  EXPECT_EQ(Process({"--what"}).Wait(), 64);
}

TEST_F(RuntimeTest, ATestClockShowsInLeaves) {
  std::vector<std::string> arguments = Arguments();
  const std::string now = absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone());
  arguments.insert(arguments.end(), {"--test-mode", "--test-clock", "2026-11-27T09:00:00Z," + now});
  Process process(arguments);
  const auto channel = Connect(process.WaitForLog("serving"), "services/routing");
  audit::v1::ListLeavesResponse leaves;
  ASSERT_TRUE(List(channel, leaves).ok());
  const auto leaf = audit::ParseLeaf(leaves.leaves(0));
  ASSERT_TRUE(leaf.ok());
  EXPECT_TRUE(leaf->header.test());
  EXPECT_LT(leaf->time - absl::FromUnixSeconds(1795770000), absl::Minutes(5));
  EXPECT_GE(leaf->time, absl::FromUnixSeconds(1795770000));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
}

int Serve(int argc, char** argv) {
  ServiceDefinition definition;
  definition.name = "consent";
  definition.bind = [](ServiceRuntime&) -> absl::StatusOr<std::unique_ptr<BoundService>> {
    return std::make_unique<BoundService>();
  };
  return RunService(argc, argv, definition);
}

}  // namespace
}  // namespace relais::rpc

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--serve") {
    return relais::rpc::Serve(argc - 1, argv + 1);
  }
  if (!relais::rpc::ConfigureOpenSsl().ok()) {
    return 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
