#include "common/rpc/settings.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace relais::rpc {
namespace {

absl::StatusOr<Flags> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "relais-consent");
  return ParseFlags(static_cast<int>(arguments.size()), arguments.data(), "consent");
}

TEST(Flags, ReadsAll) {
  const auto flags = Parse({"--config", "c.yaml", "--set", "a=1", "--set", "b=2", "--test-mode",
                            "--test-clock", "2026-11-27T09:00:00+01:00,2026-01-01T00:00:00Z"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->config, "c.yaml");
  EXPECT_EQ(flags->overrides, (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_TRUE(flags->test_mode);
  EXPECT_FALSE(flags->check_config);
  ASSERT_TRUE(flags->test_clock);
  EXPECT_EQ(flags->test_clock->start, absl::FromUnixSeconds(1795766400));
}

TEST(Flags, EndsAfterHelpAndVersion) {
  EXPECT_TRUE(absl::IsCancelled(Parse({"--help"}).status()));
  EXPECT_TRUE(absl::IsCancelled(Parse({"--version"}).status()));
}

TEST(Flags, RefusesWrongOnes) {
  EXPECT_FALSE(Parse({}).ok());
  EXPECT_FALSE(Parse({"--config", "c", "--what"}).ok());
  EXPECT_FALSE(Parse({"--config", "c", "--test-clock", "2026-11-27T09:00:00Z,2026-11-27T09:00:00Z"}).ok());
  EXPECT_FALSE(Parse({"--config", "c", "--test-mode", "--test-clock", "soon"}).ok());
}

constexpr char kYaml[] = R"(
listen: 127.0.0.1:0
tls: {certificate: c, key: k, roots: r, institutions_ca: i, services_ca: s}
store: {path: p}
keys: {ring: kr, master: km}
audit: {ring: ar, master: am, signer_key: sk, origin: relais.test/consent/1, published: pub}
directory: {file: d, root_keys: rk, state: st}
peers: {routing: {target: "127.0.0.1:7002"}}
)";

TEST(Settings, ReadsThemAllWithDefaults) {
  auto config = Config::Parse(kYaml, {});
  ASSERT_TRUE(config.ok());
  const Settings settings = ReadSettings(*config);
  ASSERT_TRUE(config->Finish().ok()) << config->Finish();
  EXPECT_EQ(settings.peers.at("routing"), "127.0.0.1:7002");
  EXPECT_EQ(settings.lease, absl::Seconds(2));
  EXPECT_EQ(settings.standing, absl::Minutes(5));
  EXPECT_EQ(settings.threads, 3);
  ASSERT_TRUE(settings.handles.ok()) << settings.handles.status();
  EXPECT_EQ(settings.handles->standard.current, 1);
  EXPECT_FALSE(settings.reflection);
  EXPECT_EQ(settings.disk.first.used_percent, 85);
  EXPECT_EQ(settings.disk.first.free_bytes, uint64_t{10} << 30);
  EXPECT_EQ(settings.disk.second.used_percent, 95);
  EXPECT_EQ(settings.disk.second.free_bytes, uint64_t{2} << 30);
}

TEST(Settings, HowLongAStreamMayStandStill) {
  const auto standing = [](const std::string& said) -> absl::StatusOr<absl::Duration> {
    auto config = Config::Parse(kYaml, {"streams.standing=" + said});
    RETURN_IF_ERROR(config.status());
    const Settings settings = ReadSettings(*config);
    RETURN_IF_ERROR(config->Finish());
    return settings.standing;
  };
  EXPECT_EQ(*standing("1s"), absl::Seconds(1));
  EXPECT_EQ(*standing("24h"), absl::Hours(24));
  for (const char* wrong : {"0s", "25h", "-1s", "soon"}) {
    EXPECT_FALSE(standing(wrong).ok()) << wrong;
  }
}

// D-2.10: agents' names are kept 12 months, or as the operators say.
TEST(Settings, HowLongAgentsNamesAreKept) {
  const auto months = [](const std::vector<std::string>& overrides) {
    auto config = Config::Parse(kYaml, overrides);
    EXPECT_TRUE(config.ok());
    const Settings settings = ReadSettings(*config);
    return config->Finish().ok() ? settings.agent_names_months : -1;
  };
  EXPECT_EQ(months({}), 12);
  EXPECT_EQ(months({"audit.agent_names_months=5"}), 5);
  for (const char* none : {"0", "-1", "1201", "quelques"}) {
    EXPECT_EQ(months({std::string("audit.agent_names_months=") + none}), -1) << none;
  }
}

// Reads them with these marks of the disk; nullopt where they are wrong.
std::optional<storage::DiskMarks> DiskMarksWith(const std::vector<std::string>& overrides) {
  auto config = Config::Parse(kYaml, overrides);
  EXPECT_TRUE(config.ok());
  const Settings settings = ReadSettings(*config);
  return config->Finish().ok() ? std::optional(settings.disk) : std::nullopt;
}

TEST(Settings, TheSecondMarkOfTheDiskIsNotBeforeTheFirst) {
  const auto marks = DiskMarksWith({"disk.first_used_percent=50", "disk.first_free_mib=8",
                                    "disk.second_used_percent=50", "disk.second_free_mib=8"});
  ASSERT_TRUE(marks.has_value());
  EXPECT_EQ(marks->second.used_percent, 50);
  EXPECT_EQ(marks->second.free_bytes, uint64_t{8} << 20);
  EXPECT_FALSE(DiskMarksWith({"disk.first_used_percent=50", "disk.second_used_percent=49"}));
  EXPECT_FALSE(DiskMarksWith({"disk.first_free_mib=8", "disk.second_free_mib=9"}));
  EXPECT_FALSE(DiskMarksWith({"disk.first_used_percent=101"}));
  EXPECT_FALSE(DiskMarksWith({"disk.second_used_percent=101"}));
  EXPECT_FALSE(DiskMarksWith({"disk.first_free_mib=-1"}));
  // The first alone draws the second with it.
  const auto late = DiskMarksWith({"disk.first_used_percent=98", "disk.first_free_mib=100"});
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->second.used_percent, 98);
  EXPECT_EQ(late->second.free_bytes, uint64_t{100} << 20);
}

TEST(Settings, UnknownAndMissingKeysAreErrors) {
  auto unknown = Config::Parse(std::string(kYaml) + "lisen: x\n", {});
  ASSERT_TRUE(unknown.ok());
  ReadSettings(*unknown);
  EXPECT_FALSE(unknown->Finish().ok());
  auto missing = Config::Parse("listen: x\n", {});
  ASSERT_TRUE(missing.ok());
  ReadSettings(*missing);
  EXPECT_FALSE(missing->Finish().ok());
}

TEST(Settings, FilesThatCannotBeReadAreNamed) {
  auto config = Config::Parse(kYaml, {});
  ASSERT_TRUE(config.ok());
  Settings settings = ReadSettings(*config);
  const absl::Status none = CheckFiles(settings);
  EXPECT_NE(none.message().find("tls.certificate: c: No such file or directory; "), std::string::npos)
      << none;
  EXPECT_NE(none.message().find("directory.root_keys: rk: "), std::string::npos) << none;
  EXPECT_EQ(none.message().find("next_signer_key"), std::string::npos) << none;

  for (std::string* path :
       {&settings.tls.certificate, &settings.tls.key, &settings.tls.roots, &settings.institutions_ca,
        &settings.services_ca, &settings.ring, &settings.ring_master, &settings.audit_master,
        &settings.signer_key, &settings.directory_file}) {
    *path = "/dev/null";
  }
  EXPECT_EQ(CheckFiles(settings).message(), "directory.root_keys: rk: No such file or directory");
  settings.root_keys = "/dev/null";
  EXPECT_TRUE(CheckFiles(settings).ok());
}

}  // namespace
}  // namespace relais::rpc
