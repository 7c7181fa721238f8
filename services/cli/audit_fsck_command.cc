// `relais audit fsck`: says exactly what is wrong with a copy of a log, or with a stopped service's store.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/audit/fsck.h"
#include "common/audit/fsck_index.h"
#include "common/audit/fsck_tiles.h"
#include "common/base/clock.h"
#include "common/base/config.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/secret_file.h"
#include "common/pki/file.h"
#include "common/rpc/settings.h"
#include "common/storage/rocksdb/inspect.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/fsck_export.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

constexpr size_t kMostCheckpointBytes = size_t{1} << 20;

struct FsckCommand {
  std::string path;
  std::string service;
  std::string config;
  std::string store;
  std::string published;
  std::string ring;
  std::string master;
  std::string origin;
  std::vector<std::string> keys;
};

int PrintFindings(const Context& context, const std::string& what, const audit::Findings& findings) {
  nlohmann::json list = nlohmann::json::array();
  std::string text;
  for (const audit::Finding& finding : findings.list()) {
    list.push_back({{"where", finding.where}, {"what", finding.what}});
    absl::StrAppend(&text, "FOUND  ", finding.where, ": ", finding.what, "\n");
  }
  if (findings.total() > findings.list().size()) {
    absl::StrAppend(&text, "… and ", Grouped(findings.total() - findings.list().size()), " more\n");
  }
  for (const std::string& note : findings.notes()) {
    absl::StrAppend(&text, "note   ", note, "\n");
  }
  absl::StrAppend(&text, what, findings.clean() ? ": clean\n" : ": damaged\n");
  Print(context.globals.json,
        nlohmann::json{{"clean", findings.clean()},
                       {"total", findings.total()},
                       {"findings", list},
                       {"notes", findings.notes()}},
        text);
  return findings.clean() ? kExitOk : kExitFailed;
}

absl::StatusOr<int> FsckCopy(Context& context, const FsckCommand& options) {
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(settings, options.keys));
  const std::vector<merkle::NoteVerifier> verifiers = Verifiers(keys);
  audit::Findings findings;
  std::error_code error;
  if (!std::filesystem::is_directory(options.path, error)) {
    std::ifstream in(options.path, std::ios::binary);
    if (!in) {
      return absl::InvalidArgumentError("cannot read " + options.path);
    }
    FsckExport(in, verifiers, findings);
    return PrintFindings(context, options.path, findings);
  }
  const SystemClock clock;
  Progress progress(0, context.globals.json, clock);
  ASSIGN_OR_RETURN(const auto folder, audit::TileFolder::OpenForReading(options.path));
  audit::FsckTilesOptions check;
  check.verifiers = verifiers;
  check.progress = [&progress](uint64_t leaves) { progress.Update(leaves, 0); };
  RETURN_IF_ERROR(audit::FsckTiles(*folder, check, findings));
  return PrintFindings(context, options.path, findings);
}

// What a store's check needs, from a service's settings or given one by one.
struct StoreToCheck {
  std::string store;
  std::string published;
  std::string ring;
  std::string master;
  std::string origin;
  std::vector<merkle::NoteVerifier> verifiers;
};

absl::Status AddSigner(const std::string& path, StoreToCheck& store) {
  if (path.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Secret seed, crypto::ReadSecretFile(path));
  ASSIGN_OR_RETURN(const crypto::SigningKey key, crypto::SigningKey::FromSeed(seed));
  store.verifiers.push_back({store.origin, key.verify_key()});
  return absl::OkStatus();
}

absl::StatusOr<StoreToCheck> FromSettings(const std::string& path) {
  absl::StatusOr<Config> config = Config::Load(path, {});
  if (!config.ok()) {
    return absl::InvalidArgumentError(config.status().message());
  }
  // The service's own keys are not asked for here, so what Finish would say is not of interest.
  const rpc::Settings settings = rpc::ReadSettings(*config);
  if (settings.store_path.empty() || settings.origin.empty()) {
    return absl::InvalidArgumentError(path + " is no service's settings: no store.path or audit.origin");
  }
  StoreToCheck store{settings.store_path,   settings.published, settings.audit_ring,
                     settings.audit_master, settings.origin,    {}};
  RETURN_IF_ERROR(AddSigner(settings.signer_key, store));
  RETURN_IF_ERROR(AddSigner(settings.next_signer_key, store));
  return store;
}

absl::StatusOr<StoreToCheck> WhichStore(Context& context, const FsckCommand& options) {
  if (!options.config.empty()) {
    return FromSettings(options.config);
  }
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  if (!options.service.empty()) {
    RETURN_IF_ERROR(CheckService(options.service));
    ASSIGN_OR_RETURN(const std::string path, settings.InHome(options.service + "/config.yaml"));
    return FromSettings(path);
  }
  if (options.origin.empty() || options.ring.empty() != options.master.empty()) {
    return absl::InvalidArgumentError("--store goes with --origin, and --ring with --master");
  }
  StoreToCheck store{options.store, options.published, options.ring, options.master, options.origin, {}};
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(settings, options.keys));
  store.verifiers = Verifiers(keys);
  return store;
}

absl::Status ReadPublished(const std::string& path, audit::FsckOptions& check, audit::Findings& findings) {
  if (path.empty()) {
    findings.Note("no published checkpoint given: a roll-back would not be noticed");
    return absl::OkStatus();
  }
  bool any = false;
  for (const std::string& file : {path, path + ".synced"}) {
    absl::StatusOr<std::string> note = pki::ReadWholeFile(file, kMostCheckpointBytes);
    if (absl::IsNotFound(note.status())) {
      continue;
    }
    RETURN_IF_ERROR(note.status());
    any = true;
    check.published.emplace_back(file, *std::move(note));
  }
  if (!any) {
    findings.Add(path, "missing: no checkpoint was kept outside the store");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> FsckServiceStore(Context& context, const FsckCommand& options) {
  ASSIGN_OR_RETURN(const StoreToCheck which, WhichStore(context, options));
  audit::Findings findings;
  audit::FsckOptions check;
  check.origin = which.origin;
  check.verifiers = which.verifiers;
  RETURN_IF_ERROR(ReadPublished(which.published, check, findings));
  SystemRandom random;
  std::unique_ptr<crypto::FileKeyRing> ring;
  if (!which.ring.empty()) {
    ASSIGN_OR_RETURN(const Secret master, crypto::ReadSecretFile(which.master));
    ASSIGN_OR_RETURN(ring, crypto::FileKeyRing::Open(which.ring, master, random));
    check.ring = ring.get();
  }
  storage::RocksDbOptions files;
  files.path = which.store;
  const auto store = storage::ReadOnlyStore::Open(std::move(files));
  if (absl::IsDataLoss(store.status())) {
    findings.Add(which.store, std::string(store.status().message()));
    return PrintFindings(context, which.store, findings);
  }
  RETURN_IF_ERROR(store.status());
  for (auto& [where, what] : (*store)->Check()) {
    findings.Add(where, what);
  }
  const SystemClock clock;
  Progress progress(0, context.globals.json, clock);
  check.progress = [&progress](uint64_t leaves) { progress.Update(leaves, 0); };
  const absl::Status read = audit::FsckStore(**store, check, random, findings);
  if (absl::IsDataLoss(read)) {
    findings.Add("store", std::string(read.message()));
  } else {
    RETURN_IF_ERROR(read);
  }
  if (ring != nullptr) {
    const absl::Status indexes = audit::FsckIndex(**store, *ring, random, findings);
    if (absl::IsDataLoss(indexes)) {
      findings.Add("indexes", std::string(indexes.message()));
    } else {
      RETURN_IF_ERROR(indexes);
    }
  }
  return PrintFindings(context, which.store, findings);
}

absl::StatusOr<int> RunFsck(Context& context, const FsckCommand& options) {
  const int ways = (options.path.empty() ? 0 : 1) + (options.service.empty() ? 0 : 1) +
                   (options.config.empty() ? 0 : 1) + (options.store.empty() ? 0 : 1);
  if (ways != 1) {
    return absl::InvalidArgumentError(
        "give a mirror or an export, or of a stopped service --service, --service-config or --store");
  }
  return options.path.empty() ? FsckServiceStore(context, options) : FsckCopy(context, options);
}

}  // namespace

void AddAuditFsck(CLI::App& noun, Context& context) {
  CLI::App& fsck = AddVerb(
      noun, "fsck",
      "recompute everything in a mirror, an export or a stopped service's store; exit 1 and a line per fault",
      "relais audit fsck --service-config /etc/relais/consent.yaml");
  auto options = std::make_shared<FsckCommand>();
  fsck.add_option("path", options->path, "a mirror or a tiled export (folder), or an export (file)");
  fsck.add_option("--service", options->service, "the store of a service of this development suite");
  fsck.add_option("--service-config", options->config, "a service's settings: its store, ring and keys");
  fsck.add_option("--store", options->store, "a store by hand, with the options below");
  fsck.add_option("--published", options->published, "the last checkpoint given out");
  fsck.add_option("--ring", options->ring, "the log's own key ring, to look into what is sealed");
  fsck.add_option("--master", options->master, "its master key");
  fsck.add_option("--origin", options->origin, "the log's origin");
  AddLogKeys(fsck, options->keys);
  OnRun(fsck, context, options, RunFsck);
}

}  // namespace relais::cli
